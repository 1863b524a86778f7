//! What is read, as far as the connection itself has to understand it. Pure. What it means for the ledger is for the import.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    import::{Linked, Objects},
    money::{Currency, DecimalStyle, Money},
    named::named,
};

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as QuickBooks does")]
pub enum Kind {
    Customer,
    Invoice,
    Payment,
    CreditMemo,
}

named!(Kind { Customer => "Customer", Invoice => "Invoice", Payment => "Payment", CreditMemo => "CreditMemo" });

impl Kind {
    /// All of them: what owes before what is owed.
    pub const ALL: [Self; 4] = [Self::Customer, Self::Invoice, Self::Payment, Self::CreditMemo];

    /// The prefix of its numbers in the ledger; none for an invoice.
    fn prefix(self) -> &'static str {
        match self {
            Self::Customer | Self::Invoice => "",
            Self::Payment => "PMT ",
            Self::CreditMemo => "CM ",
        }
    }
}

/// An object as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Its version.
    pub sync_token: i64,
    /// Whose; a customer's own id.
    pub customer: String,
    /// Its number, as the import writes it.
    pub called: String,
    /// Its day.
    pub on: Option<NaiveDate>,
    /// Invoices that a payment is linked to.
    pub invoices: Vec<String>,
    /// A mark of ours in it.
    pub mark: Option<Uuid>,
    /// Word for word.
    pub body: String,
}

/// Objects of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// That are there.
    pub objects: Vec<Object>,
    /// That were deleted.
    pub deleted: Vec<(Kind, String)>,
    /// How many of each kind there were: a full list may have been cut off.
    pub most: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Head {
    id: String,
    #[serde(rename = "status")]
    status: Option<String>,
    sync_token: Option<String>,
    customer_ref: Option<Value>,
    doc_number: Option<String>,
    txn_date: Option<NaiveDate>,
    #[serde(default)]
    line: Vec<Line>,
    private_note: Option<String>,
}

#[derive(Deserialize)]
struct Value {
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    #[serde(default)]
    linked_txn: Vec<Linked>,
}

/// The objects of an answer to a query or to a question for changes.
///
/// # Errors
/// Which object is not what it should be; without what it says.
pub fn read(text: &str) -> Result<Answered, String> {
    let all = Objects::of(text)?;
    let mut answered = Answered::default();
    for kind in Kind::ALL {
        let texts = all.texts(kind.as_str());
        answered.most = answered.most.max(texts.len());
        for text in texts {
            let head: Head = serde_json::from_str(text.get())
                .map_err(|error| format!("a {} at column {} is not one", kind.as_str(), error.column()))?;
            if head.status.as_deref() == Some("Deleted") {
                answered.deleted.push((kind, head.id));
            } else {
                answered.objects.push(object(kind, head, text));
            }
        }
    }
    Ok(answered)
}

fn object(kind: Kind, head: Head, text: &RawValue) -> Object {
    let number = match (kind, head.doc_number) {
        (Kind::Invoice, None) => format!("INV {}", head.id),
        (_, number) => format!("{}{}", kind.prefix(), number.unwrap_or_else(|| head.id.clone())),
    };
    let linked = head.line.into_iter().flat_map(|line| line.linked_txn).filter(Linked::is_invoice);
    let mut invoices: Vec<String> = linked.filter(|_| kind == Kind::Payment).map(|to| to.txn_id).collect();
    invoices.sort_unstable();
    invoices.dedup();
    Object {
        kind,
        sync_token: head.sync_token.and_then(|token| token.parse().ok()).unwrap_or(0),
        customer: head.customer_ref.map_or_else(|| head.id.clone(), |customer| customer.value),
        id: head.id,
        called: number.chars().take(64).collect(),
        on: head.txn_date,
        invoices,
        mark: head.private_note.as_deref().and_then(marked),
        body: text.get().to_owned(),
    }
}

/// Before the id of what was written from here, in the private note.
const MARK: &str = "ledgerline:";

/// The mark of what is written from here.
#[must_use]
pub fn mark(id: Uuid) -> String {
    format!("{MARK}{id}")
}

fn marked(note: &str) -> Option<Uuid> {
    let (_, after) = note.split_once(MARK)?;
    after.get(..36)?.parse().ok()
}

/// An object that was deleted, or belongs to another customer by now: as it was, with nothing owed, under that id.
///
/// # Errors
/// If the text is no object.
pub fn emptied(body: &str, id: &str) -> Result<String, String> {
    let mut fields: BTreeMap<String, &RawValue> = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let nothing = RawValue::from_string("0".to_owned()).map_err(|error| error.to_string())?;
    let named = serde_json::value::to_raw_value(id).map_err(|error| error.to_string())?;
    for name in ["TotalAmt", "Balance", "UnappliedAmt", "RemainingCredit"] {
        fields.insert(name.to_owned(), &nothing);
    }
    fields.insert("Id".to_owned(), &named);
    fields.remove("Line");
    fields.remove("LinkedTxn");
    serde_json::to_string(&fields).map_err(|error| error.to_string())
}

/// Minor units of an amount as it is written in JSON; never by way of a binary fraction.
///
/// # Errors
/// If it is no amount of the currency.
pub fn minor(amount: &RawValue, currency: Currency) -> Result<i64, String> {
    let style = DecimalStyle { point: '.', group: None };
    let money = Money::parse(amount.get().trim_matches('"'), currency, style).map_err(|error| error.to_string())?;
    Ok(money.minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_of_a_query_and_of_changes_are_read_alike() {
        let query = r#"{"QueryResponse":{"Invoice":[{"Id":"70","SyncToken":"3","DocNumber":"1070","TxnDate":"2026-01-05",
            "CustomerRef":{"value":"20"},"TotalAmt":100.10}],"startPosition":1,"maxResults":1},"time":"2026-03-10T09:00:00-08:00"}"#;
        let read_it = read(query).expect("read");
        let one = &read_it.objects[0];
        assert_eq!(
            (one.id.as_str(), one.sync_token, one.called.as_str(), one.customer.as_str()),
            ("70", 3, "1070", "20")
        );
        assert!(one.body.contains("100.10"), "word for word");

        let id = Uuid::now_v7();
        let text = format!(
            r#"{{"CDCResponse":[{{"QueryResponse":[{{"Payment":[{{"Id":"163","SyncToken":"0","CustomerRef":{{"value":"20"}},
            "PrivateNote":"by the house. {}","TotalAmt":5,"Line":[{{"Amount":5,"LinkedTxn":[{{"TxnId":"70","TxnType":"Invoice"}}]}}]}}]}},
            {{"Invoice":[{{"Id":"71","status":"Deleted","domain":"QBO"}}]}},{{}}]}}],"time":"2026-03-10T09:00:00-08:00"}}"#,
            mark(id)
        );
        let changed = read(&text).expect("read");
        assert_eq!(changed.deleted, [(Kind::Invoice, "71".to_owned())]);
        let payment = &changed.objects[0];
        assert_eq!((payment.called.as_str(), payment.mark), ("PMT 163", Some(id)));
        assert_eq!(payment.invoices, ["70"]);
        assert!(read(r#"{"Invoice":[{"Id":7}]}"#).is_err_and(|why| why.contains("Invoice")));
    }

    #[test]
    fn what_was_deleted_owes_nothing() {
        let text =
            emptied(r#"{"Id":"70","CustomerRef":{"value":"20"},"TotalAmt":10.5,"Line":[]}"#, "70@20").expect("JSON");
        assert_eq!(
            text,
            r#"{"Balance":0,"CustomerRef":{"value":"20"},"Id":"70@20","RemainingCredit":0,"TotalAmt":0,"UnappliedAmt":0}"#
        );
    }
}
