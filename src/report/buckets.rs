//! Which ages an aging tells apart. Data: there are several sets, and a house adds its own.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Result};

/// A set of buckets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketSet {
    /// 1 to 32 characters of `a-z 0-9 -`.
    pub name: String,
    /// The last day of each bucket but the last one, which has no end: 1 to 12, rising, each -365 to 3650.
    #[schema(example = json!([0, 30, 60, 90, 120]))]
    pub ends: Vec<i32>,
}

impl BucketSet {
    /// Passes if the name and the ends are within their limits.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming `name` or `ends`.
    pub fn check(&self) -> Result<()> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=32).contains(&self.name.len()) || !self.name.bytes().all(allowed) {
            return Err(Error::invalid("name", "1 to 32 characters of a-z, 0-9 and -"));
        }
        let rising = self.ends.windows(2).all(|pair| pair[0] < pair[1]);
        if !(1..=12).contains(&self.ends.len()) || !rising || !self.ends.iter().all(|end| (-365..=3650).contains(end)) {
            return Err(Error::invalid("ends", "1 to 12 days, rising, each -365 to 3650"));
        }
        Ok(())
    }

    /// How many buckets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len() + 1
    }

    /// Never: there is always the bucket without an end.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// What each bucket is called, as `current`, `1-30`, `over 120`.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        let first = match self.ends.first() {
            Some(0) => "current".to_owned(),
            Some(end) => format!("up to {end}"),
            None => String::new(),
        };
        let between = self.ends.windows(2).map(|pair| match pair[0] + 1 {
            from if from == pair[1] => from.to_string(),
            from => format!("{from}-{}", pair[1]),
        });
        let last = self.ends.last().map(|end| format!("over {end}"));
        std::iter::once(first).chain(between).chain(last).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ends: &[i32]) -> BucketSet {
        BucketSet { name: "a-set".to_owned(), ends: ends.to_vec() }
    }

    #[test]
    fn buckets_are_called_by_their_days() {
        assert_eq!(set(&[0, 30, 60]).labels(), ["current", "1-30", "31-60", "over 60"]);
        assert_eq!(set(&[-7, 0, 1]).labels(), ["up to -7", "-6-0", "1", "over 1"]);
        assert_eq!(set(&[0]).labels().len(), set(&[0]).len());
    }

    #[test]
    fn ends_rise_and_stay_within_their_limits() {
        set(&[0, 30]).check().expect("a set");
        for wrong in [&[][..], &[30, 30], &[60, 30], &[4000], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]] {
            assert!(matches!(set(wrong).check(), Err(Error::Invalid { field, .. }) if field == "ends"), "{wrong:?}");
        }
        let unnamed = BucketSet { name: "A set".to_owned(), ..set(&[0]) };
        assert!(matches!(unnamed.check(), Err(Error::Invalid { field, .. }) if field == "name"));
    }
}
