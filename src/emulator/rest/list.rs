//! Lists: newest first, in pages that are followed by address and never counted.

use std::collections::BTreeMap;

use axum::Json;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use super::{Refused, form::Form};

/// One page of what is `kept` and `wanted`, under `key`, at `path`. The page token is the SID of the last entry shown,
/// so that new entries do not shift the pages.
pub(super) fn page<T>(
    form: &Form,
    path: &str,
    key: &str,
    kept: &BTreeMap<String, T>,
    wanted: impl Fn(&T) -> bool,
    show: impl Fn(&T) -> Value,
) -> Result<Json<Value>, Refused> {
    let size = form.number("PageSize", 1..=1000, 20422)?.unwrap_or(50);
    let number = form.number("Page", 0..=u64::MAX, 20422)?.unwrap_or(0);
    let after = form.get("PageToken").and_then(|token| token.strip_prefix("PA"));
    let older = |sid: &str| after.is_none_or(|after| sid < after);
    let mut rest = kept.iter().rev().filter(|(sid, entry)| older(sid) && wanted(entry));
    let entries: Vec<(&String, &T)> = rest.by_ref().take(usize::try_from(size).unwrap_or(1000)).collect();
    let next = entries.last().filter(|_| rest.next().is_some()).map(|(sid, _)| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let filters =
            form.pairs().iter().filter(|(name, _)| !["Page", "PageToken", "PageSize"].contains(&name.as_str()));
        query.extend_pairs(filters);
        query.append_pair("PageSize", &size.to_string()).append_pair("Page", &(number + 1).to_string());
        format!("{path}?{}", query.append_pair("PageToken", &format!("PA{sid}")).finish())
    });
    let start = number * size;
    let end = start + entries.len().saturating_sub(1) as u64;
    let shown: Vec<Value> = entries.into_iter().map(|(_, entry)| show(entry)).collect();
    let mut answer = json!({
        "first_page_uri": format!("{path}?PageSize={size}&Page=0"),
        "next_page_uri": next,
        "previous_page_uri": null,
        "page": number,
        "page_size": size,
        "start": start,
        "end": end,
        "uri": path,
    });
    answer[key] = Value::Array(shown);
    Ok(Json(answer))
}

/// Whether `at` passes the filters `NAME`, `NAME<` and `NAME>`, which go by the day unless they name a moment.
pub(super) fn within(form: &Form, name: &str, at: Option<DateTime<Utc>>) -> Result<bool, Refused> {
    for (suffix, keeps) in [("", 0), ("<", -1), (">", 1)] {
        let Some(text) = form.get(&format!("{name}{suffix}")) else { continue };
        let Some(at) = at else { return Ok(false) };
        let order = if let Ok(day) = text.parse::<NaiveDate>() {
            at.date_naive().cmp(&day)
        } else if let Ok(moment) = text.parse::<DateTime<Utc>>() {
            at.cmp(&moment)
        } else {
            return Err(Refused::bad(20001, format!("{name}{suffix} is not a date")));
        };
        // `NAME<=…` and `NAME>=…` include the day itself.
        if order as i8 != 0 && order as i8 != keeps {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether `value` is what the filter `name` asks for, if it asks.
pub(super) fn is(form: &Form, name: &str, value: &str) -> bool {
    form.get(name).is_none_or(|wanted| wanted == value)
}
