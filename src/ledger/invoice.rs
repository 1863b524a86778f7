//! An invoice with its lines, its order, its instalments by payment terms, and what is enclosed.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{
    NewInvoice, post,
    store::{self, invoices},
};
use crate::{
    error::{Error, Result},
    ids::{AccountId, InvoiceId, UserId},
};

/// Lines of an invoice at most.
const MOST_LINES: usize = 1_000;

/// A line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvoiceLine {
    /// 1 to 500 characters.
    pub description: String,
    /// Thousandths of a unit, more than 0.
    #[serde(default = "one")]
    pub quantity_milli: i64,
    /// For the whole line before tax, minor units; negative for a rebate.
    pub net_minor: i64,
    /// Basis points, 0 to 10,000.
    #[serde(default)]
    pub tax_rate_bp: i32,
    /// Minor units.
    #[serde(default)]
    pub tax_minor: i64,
}

fn one() -> i64 {
    1_000
}

/// Something that belongs to an invoice and is kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// What it is called, 1 to 200 characters.
    pub name: String,
    /// Where it is: an address, or its id in a document store; 1 to 1000 characters.
    pub reference: String,
    /// Its media type.
    #[serde(default = "octets")]
    pub media_type: String,
}

fn octets() -> String {
    "application/octet-stream".to_owned()
}

/// An invoice to post: its amount is that of its lines, its instalments are those of its terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvoiceDraft {
    /// Who owes it.
    pub account: AccountId,
    /// Unique for the account, 1 to 64 characters.
    pub number: String,
    /// Invoice date.
    pub issued_on: NaiveDate,
    /// The debtor's order.
    #[serde(default)]
    pub po_number: Option<String>,
    /// Code of the payment terms.
    pub terms: String,
    /// 1 to 1000; together more than 0.
    pub lines: Vec<InvoiceLine>,
    /// What is enclosed.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
}

impl InvoiceDraft {
    /// What is owed by its lines, minor units.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a line that does not add up.
    pub fn total_minor(&self) -> Result<i64> {
        let mut total = 0_i64;
        for (nth, line) in self.lines.iter().enumerate() {
            let field = |name: &str| format!("lines[{nth}].{name}");
            if !(1..=500).contains(&line.description.chars().count()) {
                return Err(Error::invalid(field("description"), "1 to 500 characters"));
            }
            if line.quantity_milli <= 0 || !(0..=10_000).contains(&line.tax_rate_bp) {
                return Err(Error::invalid(field("quantity_milli"), "more than 0, and a tax rate of 0 to 10000"));
            }
            let with = line.net_minor.checked_add(line.tax_minor).and_then(|line| total.checked_add(line));
            total = with.ok_or_else(|| Error::invalid(field("net_minor"), "the sum is too large"))?;
        }
        if total <= 0 || self.lines.len() > MOST_LINES {
            return Err(Error::invalid("lines", "1 to 1000, together more than 0"));
        }
        Ok(total)
    }
}

/// Posts an invoice on its date.
///
/// # Errors
/// [`Error::Invalid`] for unknown terms or lines that do not add up; [`Error::Conflict`] if the number is taken.
pub async fn issue(
    conn: &mut PgConnection,
    draft: &InvoiceDraft,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<InvoiceId> {
    let currency = store::lock_account(conn, draft.account).await?;
    if !(1..=64).contains(&draft.number.chars().count()) {
        return Err(Error::invalid("number", "1 to 64 characters"));
    }
    let total = draft.total_minor()?;
    let terms = invoices::terms(conn, &draft.terms).await?.ok_or_else(|| Error::invalid("terms", "unknown"))?;
    let new = NewInvoice {
        account: draft.account,
        number: draft.number.clone(),
        issued_on: draft.issued_on,
        po_number: draft.po_number.clone(),
        currency,
        instalments: terms.instalments(total, draft.issued_on),
    };
    let invoice = store::post_invoice_by(conn, &new, Some(by), now).await?;
    invoices::insert_details(conn, invoice, draft, by, now).await?;
    post::posted(conn, &[draft.account], today, now).await?;
    Ok(invoice)
}
