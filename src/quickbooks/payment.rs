//! A payment on both sides: how it is written there, whether something has to be, and whether what was written counts. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::object;
use crate::{
    import,
    money::{Currency, Money},
};

/// What both sides must agree about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Face {
    /// Minor units; 0: it was taken back.
    pub total: i64,
    /// When it was received.
    pub on: NaiveDate,
    /// Minor units by the invoice's id there; the rest of the total is unapplied.
    pub lines: BTreeMap<String, i64>,
}

impl Face {
    /// That of a payment that was taken back.
    #[must_use]
    pub fn void(on: NaiveDate) -> Self {
        Self { total: 0, on, lines: BTreeMap::new() }
    }

    /// Both say the same. Of what was taken back the day does not matter.
    #[must_use]
    pub fn agrees(&self, other: &Self) -> bool {
        self.total == other.total && self.lines == other.lines && (self.total == 0 || self.on == other.on)
    }

    fn line(&self, invoice: &str) -> i64 {
        self.lines.get(invoice).copied().unwrap_or(0)
    }
}

/// A payment as it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// Its version.
    pub sync_token: String,
    /// What it says.
    pub face: Face,
}

/// What is left of an invoice there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Its number.
    pub number: String,
    /// Whose it is.
    pub customer: String,
    /// Minor units.
    pub minor: i64,
    /// Payments that it takes account of; `None`: it does not say.
    pub payments: Option<BTreeSet<String>>,
}

/// What is known of a payment there.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// As it was when both sides last agreed, or when somebody decided to go on from there; `None`: as it is now.
    pub last: Option<Face>,
    /// As it is; `None`: it is not there.
    pub found: Option<Found>,
}

/// What has to be done there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: both sides agree.
    Nothing,
    /// It is written.
    Create,
    /// It is changed.
    Change,
    /// It is taken back.
    Void,
    /// Somebody has to decide, because of this.
    Ask(String),
}

/// What has to be done there so that it is as it is here. What others changed there is not written over.
#[must_use]
pub fn next(wanted: &Face, known: &Known, currency: Currency) -> Next {
    match (&known.found, &known.last) {
        (None, _) if wanted.total == 0 => Next::Nothing,
        (None, None) => Next::Create,
        (None, Some(_)) => Next::Ask("it was deleted there".to_owned()),
        (Some(found), _) if found.face.agrees(wanted) => Next::Nothing,
        (Some(found), Some(last)) if !found.face.agrees(last) => Next::Ask(changed(&found.face, currency)),
        (Some(_), _) if wanted.total == 0 => Next::Void,
        (Some(found), _) if found.face.total == 0 => Next::Ask("it was taken back there".to_owned()),
        (Some(_), _) => Next::Change,
    }
}

/// What somebody changed there, in words.
#[must_use]
pub fn changed(face: &Face, currency: Currency) -> String {
    match face.total {
        0 => "it was taken back there".to_owned(),
        total => {
            let applied = Money::new(face.lines.values().sum(), currency);
            format!("it was changed there: {} of {}, {applied} of it applied", Money::new(total, currency), face.on)
        }
    }
}

/// Why an invoice cannot take what it is to be paid, if so; `old` is what the payment takes of it now.
#[must_use]
pub fn objection(
    wanted: &Face,
    old: Option<&Face>,
    customer: &str,
    balances: &BTreeMap<String, Balance>,
    currency: Currency,
) -> Option<String> {
    wanted.lines.iter().find_map(|(id, minor)| {
        let Some(balance) = balances.get(id) else { return Some(format!("invoice {id} is not there any more")) };
        let left = balance.minor + old.map_or(0, |old| old.line(id));
        if balance.customer != customer {
            return Some(format!("invoice {} belongs to another customer there", balance.number));
        }
        (left < *minor).then(|| {
            let (left, minor) = (Money::new(left, currency), Money::new(*minor, currency));
            format!("invoice {} has {left} left there, and {minor} was paid here", balance.number)
        })
    })
}

/// Whether what was written counts: it reads back as it was asked for, and the balances of its invoices followed. A payment of
/// a closed period is answered like any other and then counts for nothing.
///
/// # Errors
/// What does not agree.
pub fn verify(
    asked: &Face,
    old: Option<&Face>,
    before: &BTreeMap<String, i64>,
    found: Option<&Found>,
    after: &BTreeMap<String, Balance>,
    currency: Currency,
) -> Result<(), String> {
    let closed = format!("is the period of {} closed there?", asked.on);
    let Some(found) = found else {
        return if asked.total == 0 { Ok(()) } else { Err(format!("it was answered, and is not there: {closed}")) };
    };
    if !found.face.agrees(asked) {
        return Err(format!("it was answered, and reads otherwise: {}", changed(&found.face, currency)));
    }
    let invoices: BTreeSet<&String> =
        asked.lines.keys().chain(old.into_iter().flat_map(|old| old.lines.keys())).collect();
    for id in invoices {
        let Some(balance) = after.get(id) else { return Err(format!("invoice {id} is not there any more")) };
        let (takes, took) = (asked.line(id), old.map_or(0, |old| old.line(id)));
        let unlinked = takes > 0 && balance.payments.as_ref().is_some_and(|all| !all.contains(&found.id));
        // Others may pay the same invoice in the same moment: it may have moved further, but not less.
        let stayed = before.get(id).is_some_and(|before| {
            let expected = before + took - takes;
            (takes > took && balance.minor > expected) || (takes < took && balance.minor < expected)
        });
        if unlinked || stayed {
            let left = Money::new(balance.minor, currency);
            return Err(format!("it was answered, and invoice {} still has {left} left: {closed}", balance.number));
        }
    }
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sync_token: Option<&'a str>,
    #[serde(rename = "sparse", skip_serializing_if = "Option::is_none")]
    sparse: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_ref: Option<Value<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency_ref: Option<Value<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_amt: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    txn_date: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_ref_num: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<Vec<Line<'a>>>,
}

#[derive(Serialize)]
struct Value<'a> {
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a> {
    amount: Box<RawValue>,
    linked_txn: [Linked<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Linked<'a> {
    txn_id: &'a str,
    txn_type: &'a str,
}

/// A payment to write.
pub struct Writing<'a> {
    /// What it says.
    pub face: &'a Face,
    /// The customer's id.
    pub customer: &'a str,
    /// The account's.
    pub currency: Currency,
    /// What the payer wrote.
    pub reference: &'a str,
    /// Our mark in it.
    pub mark: String,
}

/// The body that writes it, or with a payment as it is there, changes or takes back that one.
///
/// # Errors
/// Only a defect.
pub fn body(writing: &Writing<'_>, there: Option<&Found>) -> serde_json::Result<String> {
    let Writing { face, customer, currency, .. } = writing;
    let void = face.total == 0;
    let decimal = |minor: i64| RawValue::from_string(Money::new(minor, *currency).decimal());
    let line = |(id, minor): (&'_ String, &i64)| -> serde_json::Result<(String, Box<RawValue>)> {
        Ok((id.clone(), decimal(*minor)?))
    };
    let lines = face.lines.iter().map(line).collect::<serde_json::Result<Vec<_>>>()?;
    let lines: Vec<Line<'_>> = lines
        .iter()
        .map(|(id, amount)| Line { amount: amount.clone(), linked_txn: [Linked { txn_id: id, txn_type: "Invoice" }] })
        .collect();
    let reference: String = writing.reference.chars().filter(|c| !c.is_control()).take(21).collect();
    let new = there.is_none();
    serde_json::to_string(&Body {
        id: there.map(|found| found.id.as_str()),
        sync_token: there.map(|found| found.sync_token.as_str()),
        sparse: there.map(|_| true),
        customer_ref: (!void).then_some(Value { value: customer }),
        currency_ref: new.then_some(Value { value: currency.as_str() }),
        total_amt: (!void).then(|| decimal(face.total)).transpose()?,
        txn_date: (!void).then_some(face.on),
        payment_ref_num: (new && !reference.is_empty()).then_some(reference),
        private_note: new.then(|| writing.mark.clone()),
        line: (!void).then_some(lines),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    id: String,
    sync_token: Option<String>,
    txn_date: NaiveDate,
    doc_number: Option<String>,
    customer_ref: ReadValue,
    #[serde(borrow)]
    total_amt: &'a RawValue,
    #[serde(borrow)]
    balance: Option<&'a RawValue>,
    #[serde(borrow, default)]
    line: Vec<ReadLine<'a>>,
    linked_txn: Option<Vec<import::Linked>>,
}

#[derive(Deserialize)]
struct ReadValue {
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReadLine<'a> {
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
    #[serde(default)]
    linked_txn: Vec<import::Linked>,
}

/// A payment as its text says.
///
/// # Errors
/// What of it is not what it should be.
pub fn found(text: &str, currency: Currency) -> Result<Found, String> {
    let document: Document<'_> = serde_json::from_str(text).map_err(|_| "a payment that is none".to_owned())?;
    let mut lines = BTreeMap::new();
    for line in &document.line {
        for to in line.linked_txn.iter().filter(|to| to.is_invoice()) {
            let minor = line.amount.map_or(Ok(0), |amount| object::minor(amount, currency))?;
            *lines.entry(to.txn_id.clone()).or_insert(0) += minor;
        }
    }
    lines.retain(|_, minor| *minor != 0);
    let total = object::minor(document.total_amt, currency)?;
    let face = Face { total, on: document.txn_date, lines };
    Ok(Found { id: document.id, sync_token: document.sync_token.unwrap_or_default(), face })
}

/// What an invoice's text says is left of it, by its id.
///
/// # Errors
/// What of it is not what it should be.
pub fn balance(text: &str, currency: Currency) -> Result<(String, Balance), String> {
    let document: Document<'_> = serde_json::from_str(text).map_err(|_| "an invoice that is none".to_owned())?;
    let balance = Balance {
        number: document.doc_number.unwrap_or_else(|| document.id.clone()),
        customer: document.customer_ref.value,
        minor: object::minor(document.balance.unwrap_or(document.total_amt), currency)?,
        payments: document.linked_txn.map(|all| all.into_iter().map(|one| one.txn_id).collect()),
    };
    Ok((document.id, balance))
}

#[cfg(test)]
mod tests;
