//! Posting: credit notes, adjustments, refunds, and taking back what was posted. Each is one decision in the caller's
//! transaction; afterwards [`posted`] brings everything that hangs on it up to date.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::{
    Way,
    document::{Adjustment, AdjustmentKind, CreditNote, Document, PaymentState, Refund, Reversal, Source},
    limit::{self, Limited},
    part::Part,
    store::{self, documents},
};
use crate::{
    cash,
    error::{Error, Result},
    ids::{AccountId, AdjustmentId, CreditNoteId, InstalmentId, PaymentId, RefundId, UserId},
    money::Money,
    outbox::{self, Effect},
    outgoing, promise,
};

/// With more accounts than this the queues are rebuilt and not changed account by account.
const MOST_REQUEUED: usize = 1_000;

/// What lowers an item is laid on what was billed first, and on what came on top of it last.
const LOWERED: [Part; 3] = [Part::Principal, Part::Interest, Part::Fee];
/// What is forgiven is what came on top.
const WAIVED: [Part; 2] = [Part::Fee, Part::Interest];

/// Who answers for a posting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Authority {
    /// Who posts.
    pub by: UserId,
    /// Who approved it; another person.
    pub approved_by: Option<UserId>,
    /// Whose limit reached, minor units; `None`: no limit.
    pub limit_minor: Option<i64>,
}

/// What everybody does who has posted to `accounts`, before the commit: the figures, the differences, the promises and the
/// places in the queues follow. `today` is the office's day, whatever day was posted to.
///
/// # Errors
/// Those of Postgres.
pub async fn posted(
    conn: &mut PgConnection,
    accounts: &[AccountId],
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    store::refresh_standing(conn, accounts, now).await?;
    cash::store::differences::close_settled(conn, accounts, now).await?;
    promise::settle_all(conn, accounts, today, now).await?;
    outgoing::tell_changed(conn, accounts, now).await?;
    if accounts.len() > MOST_REQUEUED {
        return outbox::enqueue(conn, &[Effect::RebuildQueues], now).await;
    }
    let effects: Vec<Effect> = accounts.iter().map(|account| Effect::Requeue { account: *account }).collect();
    outbox::enqueue(conn, &effects, now).await
}

/// Posts a credit note on `today` and applies it to its items.
///
/// # Errors
/// [`Error::Invalid`] for what does not add up or is not open, [`Error::Conflict`] if the number is taken or it is above
/// the limit of `by`: then it has to be requested ([`super::approval`]).
pub async fn credit(
    conn: &mut PgConnection,
    note: &CreditNote,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<CreditNoteId> {
    credit_with(conn, note, by, None, today, now).await
}

pub(super) async fn credit_with(
    conn: &mut PgConnection,
    note: &CreditNote,
    by: UserId,
    approved_by: Option<UserId>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<CreditNoteId> {
    checked("number", &note.number, 64)?;
    checked("reason", &note.reason, 500)?;
    amount_of(conn, note.account, note.amount).await?;
    let applied: i64 = note.items.iter().map(|(_, minor)| minor).sum();
    if note.items.iter().any(|(_, minor)| *minor <= 0) || applied > note.amount.minor {
        return Err(Error::invalid("items", "each more than 0, together no more than the amount"));
    }
    let authority = limit::authority(conn, by, approved_by, Limited::CreditNote, note.amount).await?;
    let id = documents::insert_credit_note(conn, note, authority, today, now).await?;
    for (instalment, minor) in &note.items {
        let way = Way::specified("credited on this item", Some(by));
        store::allocate_with(conn, id.into(), *instalment, *minor, &way, today, now).await?;
    }
    posted(conn, &[note.account], today, now).await?;
    Ok(id)
}

/// Posts an adjustment on `today`.
///
/// # Errors
/// [`Error::Invalid`] for what is not open or not the account's, [`Error::Conflict`] if it is above the limit of `by` and
/// of whoever approved it.
pub async fn adjust(
    conn: &mut PgConnection,
    new: &Adjustment,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<AdjustmentId> {
    checked("reason", &new.reason, 500)?;
    amount_of(conn, new.account, new.amount).await?;
    let parts = store::parts(conn, new.account, new.instalment).await?.ok_or(Error::NotFound("item"))?;
    let laid = match new.kind {
        AdjustmentKind::Interest => vec![(Part::Interest, new.amount.minor)],
        AdjustmentKind::Fee => vec![(Part::Fee, new.amount.minor)],
        AdjustmentKind::Waiver => lowered(parts.spread(&WAIVED, new.amount.minor)),
        _ => lowered(parts.spread(&LOWERED, new.amount.minor)),
    };
    let covered: i64 = laid.iter().map(|(_, minor)| minor.abs()).sum();
    if covered < new.amount.minor {
        return Err(Error::invalid("amount", format!("1 to {covered} minor units: what is open of that kind")));
    }
    let authority = limit::authority(conn, by, new.approved_by, Limited::Adjustment(new.kind), new.amount).await?;
    let id = documents::insert_adjustment(conn, new, &laid, authority, today, now).await?;
    posted(conn, &[new.account], today, now).await?;
    Ok(id)
}

fn lowered(laid: Vec<(Part, i64)>) -> Vec<(Part, i64)> {
    laid.into_iter().map(|(part, minor)| (part, -minor)).collect()
}

/// Posts on `today` that money was paid back.
///
/// # Errors
/// [`Error::Invalid`] if that is more than is unapplied, [`Error::Conflict`] if it is above the limit of `by`.
pub async fn refund(
    conn: &mut PgConnection,
    new: &Refund,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<RefundId> {
    refund_with(conn, new, by, None, today, now).await
}

pub(super) async fn refund_with(
    conn: &mut PgConnection,
    new: &Refund,
    by: UserId,
    approved_by: Option<UserId>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<RefundId> {
    checked("reason", &new.reason, 500)?;
    amount_of(conn, new.account, new.amount).await?;
    let left = store::left_of(conn, new.account, new.source).await?.ok_or(Error::NotFound("payment or credit note"))?;
    if new.amount.minor > left {
        return Err(Error::invalid("amount", format!("1 to {left} minor units: what is unapplied")));
    }
    let authority = limit::authority(conn, by, approved_by, Limited::Refund, new.amount).await?;
    let id = documents::insert_refund(conn, new, authority, today, now).await?;
    posted(conn, &[new.account], today, now).await?;
    Ok(id)
}

/// Takes back on `today` what was posted. Whatever it was applied to is open again, whatever was applied to it is
/// unapplied again. Gives the account.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] if it was taken back before, if something rests on it that has to be taken
/// back first, or if it is above the limit of `by`.
pub async fn reverse(
    conn: &mut PgConnection,
    reversal: &Reversal,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<AccountId> {
    reverse_with(conn, reversal, by, None, today, now).await
}

pub(super) async fn reverse_with(
    conn: &mut PgConnection,
    reversal: &Reversal,
    by: UserId,
    approved_by: Option<UserId>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<AccountId> {
    checked("reason", &reversal.reason, 500)?;
    let (account, amount) = documents::head(conn, reversal.document).await?;
    store::lock_account(conn, account).await?;
    limit::authority(conn, by, approved_by, Limited::Reversal, amount).await?;
    take_back(conn, account, reversal, by, today, now).await?;
    cash::store::taken_back::follow_taken_back(conn, &[account], Some(by), now).await?;
    posted(conn, &[account], today, now).await?;
    Ok(account)
}

/// Takes back what the bank returned; nobody's limit is asked. Gives the account.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Conflict`] if it was taken back before, or was paid back.
pub async fn bank_returned(
    conn: &mut PgConnection,
    payment: PaymentId,
    reason: &str,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<AccountId> {
    let reversal = Reversal { document: Document::Payment(payment), reason: reason.to_owned(), returned: true };
    let (account, _) = documents::head(conn, reversal.document).await?;
    store::lock_account(conn, account).await?;
    take_back(conn, account, &reversal, by, today, now).await?;
    cash::store::taken_back::follow_taken_back(conn, &[account], Some(by), now).await?;
    posted(conn, &[account], today, now).await?;
    Ok(account)
}

/// The account is locked, and its document is one of these.
async fn take_back(
    conn: &mut PgConnection,
    account: AccountId,
    reversal: &Reversal,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let document = reversal.document;
    if let Some(first) = documents::rests_on(conn, document).await? {
        return Err(Error::Conflict(format!("{first} first")));
    }
    match document {
        Document::Payment(payment) => {
            documents::reverse_left_over(conn, payment, &reversal.reason, by, today, now).await?;
            store::unapply(conn, Source::Payment(payment), None, Some(by), today, now).await?;
            let state = if reversal.returned { PaymentState::Returned } else { PaymentState::Reversed };
            documents::set_state(conn, payment, state, &reversal.reason, Some(by), today, now).await?;
        }
        Document::CreditNote(note) => {
            store::unapply(conn, Source::CreditNote(note), None, Some(by), today, now).await?;
        }
        Document::Adjustment(_) | Document::Refund(_) | Document::Invoice(_) => {}
    }
    if documents::reverse_postings(conn, document, &reversal.reason, by, today, now).await? == 0 {
        return Err(Error::Conflict("it was taken back before".to_owned()));
    }
    if let Document::Payment(payment) = document {
        let data = json!({ "payment": payment, "business_date": today, "returned": reversal.returned });
        let event = outgoing::Event { kind: outgoing::Kind::Payment, what: "reversed", account, data };
        outgoing::tell(conn, &event, now).await?;
    }
    Ok(())
}

/// Applies `minor` units of a payment or credit note to an item, as somebody says.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Invalid`] for more than is left, open, or allowed by the policy.
pub async fn apply(
    conn: &mut PgConnection,
    source: Source,
    instalment: InstalmentId,
    minor: i64,
    way: &Way,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<AccountId> {
    let account = store::account_of(conn, source).await?;
    store::allocate_with(conn, source, instalment, minor, way, today, now).await?;
    posted(conn, &[account], today, now).await?;
    Ok(account)
}

/// Takes a payment or credit note off an item, or with `None` off all of its items: both sides are as before.
///
/// # Errors
/// [`Error::NotFound`] if nothing of it is applied there.
pub async fn unapply(
    conn: &mut PgConnection,
    source: Source,
    instalment: Option<InstalmentId>,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<AccountId> {
    let account = store::account_of(conn, source).await?;
    store::lock_account(conn, account).await?;
    if let Source::Payment(payment) = source {
        documents::reverse_left_over_on(conn, payment, instalment, "unapplied", by, today, now).await?;
    }
    if store::unapply(conn, source, instalment, Some(by), today, now).await? == 0 {
        return Err(Error::NotFound("allocation"));
    }
    cash::store::taken_back::follow_taken_back(conn, &[account], Some(by), now).await?;
    posted(conn, &[account], today, now).await?;
    Ok(account)
}

/// Notes that the bank has a payment for good.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Conflict`] if it is not merely received.
pub async fn clear(
    conn: &mut PgConnection,
    payment: PaymentId,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let account = store::account_of(conn, payment.into()).await?;
    store::lock_account(conn, account).await?;
    documents::set_state(conn, payment, PaymentState::Cleared, "", Some(by), today, now).await
}

/// Locks the account, and checks that the amount is one and in its currency.
async fn amount_of(conn: &mut PgConnection, account: AccountId, amount: Money) -> Result<()> {
    let currency = store::lock_account(conn, account).await?;
    if amount.minor <= 0 {
        return Err(Error::invalid("amount", "more than 0"));
    }
    if amount.currency != currency {
        return Err(Error::invalid("amount.currency", format!("the account is in {currency}")));
    }
    Ok(())
}

fn checked(field: &str, text: &str, most: usize) -> Result<()> {
    if text.trim().is_empty() || text.chars().count() > most {
        return Err(Error::invalid(field, format!("1 to {most} characters")));
    }
    Ok(())
}
