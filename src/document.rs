//! Documents that go out: invoices and statements of account, as PDF, by e-mail.
//!
//! An invoice is checked before anything happens ([`check`]), and all that is missing is told at once. Then one transaction
//! takes the next number of the portfolio's range, posts the invoice, keeps the file, and writes the mail: either there is
//! all of it, or none.

pub mod check;
mod content;
pub mod store;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use utoipa::ToSchema;

use self::check::Fault;
use crate::{
    account,
    app::App,
    error::{Error, Result},
    ids::{AccountId, ContactPointId, InvoiceId, MessageId, UserId},
    ledger::{
        self,
        invoice::{InvoiceDraft, InvoiceLine},
    },
    message::{self, Attachment, NewMessage, Purpose},
    money::Money,
    paper,
};

/// An invoice to issue; its number comes from the portfolio's range.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvoice {
    /// The customer's order.
    #[serde(default)]
    pub po_number: Option<String>,
    /// Code of the payment terms; those of the account unless given.
    #[serde(default)]
    pub terms: Option<String>,
    /// Invoice date; today unless given.
    #[serde(default)]
    pub issued_on: Option<NaiveDate>,
    /// 1 to 1000.
    pub lines: Vec<InvoiceLine>,
    /// The e-mail address it goes to; the account's first for bills unless given.
    #[serde(default)]
    pub contact_point: Option<ContactPointId>,
}

/// An invoice that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Issued {
    /// The invoice.
    pub invoice: InvoiceId,
    /// Its number.
    pub number: String,
    /// The mail that brings it.
    pub message: MessageId,
}

/// The numbers of a portfolio's invoices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NumberRange {
    /// Before the digits, at most 20 characters.
    pub prefix: String,
    /// Digits at least, 1 to 12.
    pub width: i16,
    /// The next number; never lower than it is.
    pub next: i64,
}

/// Everything that is missing or wrong; empty: it can go.
///
/// # Errors
/// [`Error::NotFound`] without the account.
pub async fn check(app: &App, account: AccountId, new: &NewInvoice) -> Result<Vec<Fault>> {
    let mut conn = app.db.acquire().await?;
    Ok(prepare(app, &mut conn, account, new).await?.1)
}

/// Issues an invoice: takes its number, posts it, keeps the file, and mails it.
///
/// # Errors
/// [`Error::Invalid`] with all that is missing; [`Error::Conflict`] if a file brought an invoice of the next number: the
/// range has to be set further; those of [`ledger::invoice::issue`] and [`message::send`].
pub async fn issue(app: &App, by: UserId, account: AccountId, new: &NewInvoice) -> Result<Issued> {
    let mut tx = app.db.begin().await?;
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let (facts, faults) = prepare(app, &mut tx, account, new).await?;
    if let Some(first) = faults.first() {
        let all: Vec<String> = faults.iter().map(|fault| format!("{}: {}", fault.field, fault.detail)).collect();
        return Err(Error::invalid(first.field.clone(), all.join("; ")));
    }
    let portfolio = facts.account.portfolio.clone();
    let (nth, number) = store::next_number(&mut tx, &portfolio).await?;
    if store::is_taken(&mut tx, account, &number).await? {
        let detail = format!(
            "{number} is the next number of portfolio {portfolio}, but the account has an invoice of that number from \
             elsewhere: set the next number of the range to {} or higher",
            nth + 1
        );
        return Err(Error::Conflict(detail));
    }
    let draft = InvoiceDraft {
        account,
        number: number.clone(),
        issued_on: facts.issued_on,
        po_number: new.po_number.clone().filter(|po| !po.trim().is_empty()),
        terms: facts.terms.clone().unwrap_or_default(),
        lines: new.lines.clone(),
        attachments: Vec::new(),
    };
    let invoice = ledger::invoice::issue(&mut tx, &draft, by, today, now).await?;
    let instalments = store::instalments(&mut tx, invoice).await?;
    let file = paper::pdf(&content::invoice(&facts, &draft, &instalments))?;
    store::keep_file(&mut tx, invoice, account, (&portfolio, nth), &file, by, now).await?;
    let point = facts.contact_point.ok_or_else(|| Error::invalid("contact_point", "is required"))?;
    let message = mail(
        &mut tx,
        account,
        point,
        "invoice",
        invoice_facts(&facts, &draft, &instalments),
        named(&number, file),
        by,
        app,
    )
    .await?;
    account::store::audit(&mut tx, by, "issue_invoice", account, json!({ "invoice": invoice, "number": number }), now)
        .await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(Issued { invoice, number, message })
}

/// Mails the file of an invoice once more.
///
/// # Errors
/// [`Error::NotFound`] for an invoice that was not issued here; those of [`message::send`].
pub async fn send_copy(app: &App, by: UserId, invoice: InvoiceId, point: ContactPointId) -> Result<MessageId> {
    let mut tx = app.db.begin().await?;
    let (account, number, file) = store::file(&mut tx, invoice).await?;
    let text = format!("please find attached a copy of our invoice {number}.");
    let facts = json!({ "text": text }).as_object().cloned().unwrap_or_default();
    let message = mail(&mut tx, account, point, "letter", facts, named(&number, file), by, app).await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(message)
}

/// The statement of an account as of today, as a PDF file.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn statement(conn: &mut PgConnection, account: AccountId, today: NaiveDate) -> Result<Vec<u8>> {
    let row = account::store::get(conn, account).await?;
    let issuer = message::store::issuer(conn, &row.portfolio).await?;
    let items = ledger::store::open_items(conn, account).await?;
    let figures = ledger::store::figures(conn, account).await?;
    paper::pdf(&content::statement(&row, &issuer, &items, figures.as_ref(), today))
}

/// Mails the statement of an account.
///
/// # Errors
/// Those of [`message::send`].
pub async fn send_statement(app: &App, by: UserId, account: AccountId, point: ContactPointId) -> Result<MessageId> {
    let mut tx = app.db.begin().await?;
    let today = app.clock.business_date();
    let file = statement(&mut tx, account, today).await?;
    let attachment = named(&format!("statement-{today}"), file);
    let message = mail(&mut tx, account, point, "statement", Map::new(), attachment, by, app).await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(message)
}

#[expect(clippy::too_many_arguments, reason = "what is sent, about whom, to whom and by whom")]
async fn mail(
    conn: &mut PgConnection,
    account: AccountId,
    contact_point: ContactPointId,
    template: &str,
    facts: Map<String, Value>,
    file: Attachment,
    by: UserId,
    app: &App,
) -> Result<MessageId> {
    let new = NewMessage {
        account,
        contact_point,
        purpose: Purpose::Document,
        template: template.to_owned(),
        facts,
        attachments: vec![file],
        today: app.clock.business_date(),
        by: Some(by),
    };
    message::send(conn, &new, app.clock.now()).await
}

fn named(name: &str, bytes: Vec<u8>) -> Attachment {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    Attachment { file_name: format!("{plain}.pdf"), media_type: "application/pdf".to_owned(), bytes }
}

fn invoice_facts(facts: &check::Facts, draft: &InvoiceDraft, instalments: &[(NaiveDate, i64)]) -> Map<String, Value> {
    let currency = facts.account.currency;
    let total = instalments.iter().map(|(_, minor)| minor).sum();
    let parts: Vec<Value> = instalments
        .iter()
        .map(|(due_on, minor)| json!({ "due_on": due_on, "amount": Money::new(*minor, currency) }))
        .collect();
    let told = json!({ "invoice": { "number": draft.number, "po_number": draft.po_number, "issued_on": draft.issued_on,
                                    "total": Money::new(total, currency), "instalments": parts } });
    told.as_object().cloned().unwrap_or_default()
}

/// What the check and the paper need to know, and what is missing.
async fn prepare(
    app: &App,
    conn: &mut PgConnection,
    account: AccountId,
    new: &NewInvoice,
) -> Result<(check::Facts, Vec<Fault>)> {
    let row = account::store::get(conn, account).await?;
    let issuer = message::store::issuer(conn, &row.portfolio).await?;
    let needs = store::needs(conn, account).await?;
    let terms = new.terms.clone().or_else(|| row.terms.clone()).filter(|terms| !terms.trim().is_empty());
    let known = match &terms {
        Some(code) => ledger::store::invoices::terms(conn, code).await?.is_some(),
        None => false,
    };
    let facts = check::Facts {
        issued_on: new.issued_on.unwrap_or(app.clock.business_date()),
        today: app.clock.business_date(),
        terms,
        terms_known: known,
        contact_point: new.contact_point.or(needs.billing_point),
        tax_id: needs.tax_id,
        po_required: needs.po_required,
        account: row,
        issuer,
    };
    let faults = check::faults(&facts, new);
    Ok((facts, faults))
}
