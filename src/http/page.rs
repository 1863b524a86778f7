//! Lists come in pages: `limit` entries, and a cursor that continues after the last one.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use super::problem::{Problem, Result};

/// Entries in a page unless the client asks for another number.
const DEFAULT_LIMIT: u32 = 50;
/// Entries in a page at most.
const MAX_LIMIT: u32 = 200;

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The entries, in order.
    pub items: Vec<T>,
    /// Give this as `cursor` to go on; absent at the end of the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Which part of a list is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub struct Paging {
    /// Where to go on: `next` of the page before. Opaque.
    pub cursor: Option<String>,
    /// Entries at most, 1 to 200; 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

impl Paging {
    /// The limit, checked.
    ///
    /// # Errors
    /// A problem that names `limit`.
    pub fn limit(&self) -> Result<u32> {
        limit(self.limit)
    }

    /// The place to go on at, checked.
    ///
    /// # Errors
    /// A problem that names `cursor`.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>> {
        after(self.cursor.as_deref())
    }
}

/// Checks a limit.
///
/// # Errors
/// A problem that names `limit`.
pub fn limit(limit: Option<u32>) -> Result<u32> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::invalid("limit", format!("expected 1 to {MAX_LIMIT}")))
    }
}

/// Reads a cursor.
///
/// # Errors
/// A problem that names `cursor`.
pub fn after<K: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<K>> {
    let Some(cursor) = cursor else { return Ok(None) };
    let key = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|json| serde_json::from_slice(&json).ok());
    key.map(Some).ok_or_else(|| Problem::invalid("cursor", "expected `next` of the page before"))
}

impl<T> Page<T> {
    /// A page of `items`, read with a limit of one more than `limit`: the surplus one only says that there are more.
    ///
    /// # Errors
    /// If the key cannot be written as JSON, which is a defect.
    pub fn of<K: Serialize>(mut items: Vec<T>, limit: u32, key: impl FnOnce(&T) -> K) -> Result<Self> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = match items.last() {
            Some(last) if more => Some(cursor(&key(last))?),
            _ => None,
        };
        Ok(Self { items, next })
    }

    /// A page whose place to go on at is known.
    ///
    /// # Errors
    /// If the key cannot be written as JSON, which is a defect.
    pub fn carried_on<K: Serialize>(items: Vec<T>, next: Option<&K>) -> Result<Self> {
        Ok(Self { items, next: next.map(cursor).transpose()? })
    }
}

/// The cursor that leads to the place after `key`.
///
/// # Errors
/// If the key cannot be written as JSON, which is a defect.
pub fn cursor<K: Serialize>(key: &K) -> Result<String> {
    let json = serde_json::to_vec(key).map_err(crate::error::Error::internal("writing a cursor"))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_to_the_place_after_the_last_entry() -> Result<()> {
        let page = Page::of(vec![1, 2, 3], 2, |last| (*last, "x"))?;
        assert_eq!(page.items, [1, 2]);
        let paging = Paging { cursor: page.next, limit: None };
        assert_eq!(paging.after::<(i32, String)>()?, Some((2, "x".to_owned())));
        assert_eq!(Page::of(vec![1, 2], 2, |last| *last)?.next, None);
        Ok(())
    }

    #[test]
    fn a_made_up_cursor_and_an_unreasonable_limit_are_refused() {
        for cursor in ["", "!", "bm90IGpzb24", "e30"] {
            let problem = after::<(i64, String)>(Some(cursor)).expect_err("not a cursor");
            assert_eq!(problem.field.as_deref(), Some("cursor"));
        }
        for wrong in [0, 201, u32::MAX] {
            assert_eq!(limit(Some(wrong)).expect_err("out of range").field.as_deref(), Some("limit"));
        }
    }
}
