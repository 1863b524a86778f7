//! What is in the books there, and how it is written down.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, NaiveDate, Utc};

use super::fault;

/// A document there.
#[derive(Clone, Debug)]
pub struct Doc {
    pub kind: &'static str,
    pub id: String,
    pub token: u32,
    pub customer: String,
    pub number: Option<String>,
    pub on: NaiveDate,
    pub total: i64,
    /// Of a payment: kind, id and cents.
    pub lines: Vec<(String, String, i64)>,
    pub note: String,
    pub deleted: bool,
    pub changed_at: DateTime<Utc>,
}

#[derive(Default)]
pub struct Books {
    pub customers: BTreeMap<String, (String, DateTime<Utc>)>,
    pub docs: BTreeMap<String, Doc>,
    /// Payments of that day or before are answered and dropped.
    pub closed_through: Option<NaiveDate>,
    /// Statuses of the next answers of the API, the next one last, before anything is done; 0: it is done.
    pub refuse: Vec<u16>,
    /// The next write is done, and its answer lost.
    pub lose_answer: bool,
    /// Somebody changes a payment just before the next write to it: its note, or its total.
    pub meddle: Option<Meddle>,
    /// What was asked, without parameters.
    pub asked: Vec<String>,
    pub codes: Vec<String>,
    pub access: Option<String>,
    pub refresh: Option<String>,
    pub refreshed: u32,
    pub revoked: Vec<String>,
    /// Answers by the id of the request.
    pub answers: HashMap<String, String>,
    pub next: u32,
}

#[derive(Clone, Copy)]
pub enum Meddle {
    Note,
    Total(i64),
}

impl Books {
    /// Keeps a document; what it is or was linked to changes with it.
    pub fn keep(&mut self, doc: Doc, now: DateTime<Utc>) {
        let before = self.docs.get(&doc.id).map(|old| old.lines.clone()).unwrap_or_default();
        for (_, id, _) in doc.lines.iter().chain(&before) {
            if let Some(linked) = self.docs.get_mut(id) {
                (linked.token, linked.changed_at) = (linked.token + 1, now);
            }
        }
        self.docs.insert(doc.id.clone(), Doc { changed_at: now, ..doc });
    }

    fn linked(&self, id: &str) -> Vec<(&str, i64)> {
        let payments = self.docs.values().filter(|doc| doc.kind == "Payment" && !doc.deleted);
        let parts = payments.flat_map(|doc| doc.lines.iter().map(move |(_, to, minor)| (doc.id.as_str(), to, *minor)));
        parts.filter(|(_, to, _)| *to == id).map(|(payment, _, minor)| (payment, minor)).collect()
    }

    pub fn balance(&self, id: &str) -> i64 {
        let used: i64 = self.linked(id).iter().map(|(_, minor)| minor).sum();
        self.docs[id].total - used
    }

    pub fn json(&self, doc: &Doc) -> String {
        let Doc { id, token, customer, on, total, note, .. } = doc;
        let changed = doc.changed_at.to_rfc3339();
        if doc.deleted {
            return format!(
                r#"{{"Id":"{id}","status":"Deleted","domain":"QBO","MetaData":{{"LastUpdatedTime":"{changed}"}}}}"#
            );
        }
        let mut text = format!(
            r#"{{"Id":"{id}","SyncToken":"{token}","TxnDate":"{on}","CustomerRef":{{"value":"{customer}"}},"CurrencyRef":{{"value":"USD"}},"TotalAmt":{},"PrivateNote":"{note}","MetaData":{{"LastUpdatedTime":"{changed}"}}"#,
            decimal(*total)
        );
        if let Some(number) = &doc.number {
            let _ = write!(text, r#","DocNumber":"{number}""#);
        }
        if doc.kind == "Payment" {
            let part = |(kind, to, minor): &(String, String, i64)| {
                let amount = decimal(*minor);
                format!(r#"{{"Amount":{amount},"LinkedTxn":[{{"TxnId":"{to}","TxnType":"{kind}"}}]}}"#)
            };
            let signed = |(kind, _, minor): &(String, String, i64)| if kind == "Invoice" { *minor } else { -minor };
            let unapplied = total - doc.lines.iter().map(signed).sum::<i64>();
            let lines: Vec<String> = doc.lines.iter().map(part).collect();
            let _ = write!(text, r#","UnappliedAmt":{},"Line":[{}]}}"#, decimal(unapplied), lines.join(","));
            return text;
        }
        let linked = self.linked(id);
        let linked: Vec<String> =
            linked.iter().map(|(payment, _)| format!(r#"{{"TxnId":"{payment}","TxnType":"Payment"}}"#)).collect();
        let left = if doc.kind == "Invoice" { "Balance" } else { "RemainingCredit" };
        let balance = decimal(self.balance(id));
        let _ = write!(text, r#","{left}":{balance},"DueDate":"{on}","LinkedTxn":[{}]}}"#, linked.join(","));
        text
    }

    fn customer_json(id: &str, name: &str, at: DateTime<Utc>) -> String {
        let at = at.to_rfc3339();
        format!(
            r#"{{"Id":"{id}","SyncToken":"0","DisplayName":"{name}","Active":true,"MetaData":{{"LastUpdatedTime":"{at}"}}}}"#
        )
    }

    /// Those of a kind in the order of their ids.
    pub fn of_kind(&self, kind: &str, since: Option<DateTime<Utc>>) -> Vec<String> {
        let new = |at: DateTime<Utc>| since.is_none_or(|since| at >= since);
        if kind == "Customer" {
            let customers = self.customers.iter().filter(|(_, (_, at))| new(*at));
            return customers.map(|(id, (name, at))| Self::customer_json(id, name, *at)).collect();
        }
        let docs = self.docs.values().filter(|doc| doc.kind == kind && new(doc.changed_at));
        docs.filter(|doc| since.is_some() || !doc.deleted).map(|doc| self.json(doc)).collect()
    }

    /// Whether the request may be answered; else the refusal.
    pub fn admit(&mut self, what: &str, headers: &HeaderMap) -> Option<Response> {
        self.asked.push(what.to_owned());
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if self.access.is_none() || bearer.strip_prefix("Bearer ") != self.access.as_deref() {
            return Some(fault(401, "3200", "message=AuthenticationFailed"));
        }
        match self.refuse.pop() {
            Some(429) => Some((StatusCode::TOO_MANY_REQUESTS, [("retry-after", "60")], "").into_response()),
            None | Some(0) => None,
            Some(status) => Some(StatusCode::from_u16(status).expect("a status").into_response()),
        }
    }
}

pub fn decimal(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}
