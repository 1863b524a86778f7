//! Lines of bank statements: taken in once, each with whose it may be and why, and decided on by somebody.

mod known;

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{
    Unapplied, difference, plan, receive,
    statement::{self, Statement, mapping::StatementMapping},
    store::{self, lines as rows},
};
use crate::{
    allocation::Proposal,
    error::{Error, Result},
    ids::{AccountId, BankLineId, InstalmentId, PaymentId, StatementId, UserId},
    ledger,
    money::Money,
    named::named,
};

/// What has become of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    /// Nobody has decided.
    Open,
    /// It is a payment.
    Posted,
    /// Nobody knows whose it is.
    Unidentified,
    /// It is no customer's payment.
    Passed,
    /// It took a payment back.
    Returned,
}

named!(LineState {
    Open => "open", Posted => "posted", Unidentified => "unidentified", Passed => "passed", Returned => "returned",
});

/// A line as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BankLine {
    /// Its id.
    pub id: BankLineId,
    /// Its statement.
    pub statement: StatementId,
    /// Whose customers.
    pub portfolio: String,
    /// When it was booked.
    pub booked_on: NaiveDate,
    /// Positive where money came in.
    pub amount: Money,
    /// The other side's name.
    pub payer_name: Option<String>,
    /// The other side's account.
    pub payer_account: Option<String>,
    /// What was written.
    pub reference: String,
    /// What the payer says it is for.
    pub remitted: Vec<crate::allocation::Remitted>,
    /// The bank's code.
    pub code: String,
    /// Why the bank took a payment back, where it did.
    pub returned: Option<String>,
    /// What has become of it.
    pub state: LineState,
    /// Whose it is, or may be.
    pub account: Option<AccountId>,
    /// That account's number.
    pub account_number: Option<String>,
    /// Why it may be theirs.
    pub because: String,
    /// The payment that it became or took back.
    pub payment: Option<PaymentId>,
    /// What was noted.
    pub note: String,
    /// Who decided.
    pub decided_by: Option<UserId>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
}

/// A line with what would be done with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProposedLine {
    /// The line.
    #[serde(flatten)]
    pub line: BankLine,
    /// What would be done with it, and why; `null` where nobody knows whose it is, or it is decided.
    pub proposal: Option<Proposal>,
    /// Give this to accept the proposal: it is refused if anything has changed.
    pub token: Option<String>,
}

/// What is decided about a line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(tag = "decision", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = BankLineDecision)]
pub enum Decision {
    /// As proposed.
    Accept {
        /// The `token` that came with the proposal.
        token: String,
    },
    /// Another account, or other items: so many minor units each; without items the rules apply it.
    Change {
        /// Whose it is.
        account: AccountId,
        /// What it pays.
        #[serde(default)]
        items: Vec<(InstalmentId, i64)>,
    },
    /// It stays on the account.
    OnAccount {
        /// Whose it is; as proposed where it is not given.
        #[serde(default)]
        account: Option<AccountId>,
    },
    /// Nobody knows whose it is, as yet.
    Unidentified {
        /// What is known.
        #[serde(default)]
        note: String,
    },
    /// It is no customer's payment.
    Pass {
        /// What it is, 1 to 500 characters.
        note: String,
    },
    /// The bank took this payment back.
    Returned {
        /// The payment, of the line's amount; as proposed where it is not given.
        #[serde(default)]
        payment: Option<PaymentId>,
    },
}

/// What became of a statement that was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Loaded {
    /// Its id.
    pub statement: StatementId,
    /// The bank's name for it.
    pub reference: String,
    /// The bank account.
    pub bank_account: String,
    /// How it was written.
    pub format: String,
    /// The whole statement was taken in before: none of its lines is new.
    pub before: bool,
    /// Lines that are new.
    pub new: usize,
    /// Lines that a file brought already.
    pub known: usize,
    /// Lines of entries that a file brought already with another amount: each is passed, and a difference is open.
    pub corrected: usize,
    /// Entries that the bank has not booked, left out.
    pub pending: usize,
    /// New lines that may be somebody's.
    pub identified: usize,
}

/// A file to take in.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Whose customers pay into the account.
    pub portfolio: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
    /// How a CSV file is read.
    pub mapping: Option<&'a StatementMapping>,
}

/// Takes the statements of a file in. What was taken in before is left as it is.
///
/// # Errors
/// [`Error::Invalid`] that names the line or element: then nothing of the file is taken in.
pub async fn load(
    conn: &mut PgConnection,
    file: File<'_>,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<Vec<Loaded>> {
    if !(1..=64).contains(&file.portfolio.chars().count()) {
        return Err(Error::invalid("portfolio", "1 to 64 characters"));
    }
    let sha256: [u8; 32] = Sha256::digest(file.bytes).into();
    let statements = statement::read(file.bytes, file.mapping)?;
    let mut loaded: Vec<Loaded> = Vec::with_capacity(statements.len());
    for statement in statements {
        let taken = take_in(conn, file, &sha256, statement, &loaded, by, now).await?;
        loaded.push(taken);
    }
    Ok(loaded)
}

/// `earlier`: the statements that stood before it in the same file. Banks give one name to several: to what they told
/// in the course of a day, and to a correction. So only the same file says that all of it is known.
async fn take_in(
    conn: &mut PgConnection,
    file: File<'_>,
    sha256: &[u8; 32],
    mut statement: Statement,
    earlier: &[Loaded],
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<Loaded> {
    let reference = statement.reference.clone().unwrap_or_else(|| hex(sha256));
    let head = rows::NewStatement { file, sha256, reference: &reference, statement: &statement };
    let kept = rows::insert_statement(conn, &head, by, now).await?;
    let mut loaded = Loaded {
        statement: kept.id,
        reference: reference.clone(),
        bank_account: statement.bank_account.clone(),
        format: statement.format.as_str().to_owned(),
        before: !kept.new,
        new: 0,
        known: statement.lines.len(),
        corrected: 0,
        pending: statement.pending,
        identified: 0,
    };
    let of_this_file = earlier.iter().any(|earlier| earlier.statement == kept.id && !earlier.before);
    if kept.same_file && !of_this_file {
        return Ok(loaded);
    }
    let lines = known::named(std::mem::take(&mut statement.lines));
    let names: Vec<String> = lines.iter().map(|(name, _)| name.clone()).collect();
    let kept_parts = rows::known(conn, file.portfolio, &statement.bank_account, &names).await?;
    let known::Sifted { new: lines, corrected } = known::sift(lines, &kept_parts);
    (loaded.new, loaded.corrected) = (lines.len(), corrected.len());
    loaded.known -= lines.len() + corrected.len();
    if !kept.new {
        if lines.is_empty() && corrected.is_empty() {
            return Ok(loaded);
        }
        rows::continue_statement(conn, kept.id, &statement).await?;
        loaded.before = false;
    }
    let whose = rows::identify(conn, file.portfolio, &lines).await?;
    loaded.identified = whose.len();
    let returns = rows::returned_payments(conn, file.portfolio, &lines).await?;
    let place = rows::Place { portfolio: file.portfolio, statement: kept.id, bank_account: &statement.bank_account };
    rows::insert(conn, place, &lines, &whose, &returns).await?;
    for (nth, one) in corrected.iter().enumerate() {
        let (by, note) = (one.by(statement.currency), one.note(statement.currency));
        let (nth, said) = (lines.len() + nth, (one.name.as_str(), &one.line));
        let line = rows::insert_corrected(conn, place, nth, said, &one.was, &note).await?;
        difference::open_corrected(conn, file.portfolio, line, by, &one.was, now).await?;
    }
    Ok(loaded)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        use std::fmt::Write;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Words of a reference under which an invoice or account may be known: each as it stands, and with its neighbours.
pub(super) fn candidates(reference: &str) -> HashSet<String> {
    let words: Vec<&str> = reference
        .split(|c: char| c.is_whitespace() || ",;:()".contains(c))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .take(200)
        .collect();
    let mut found = HashSet::new();
    for (nth, word) in words.iter().enumerate() {
        found.insert((*word).to_owned());
        found.extend(word.split('/').map(str::to_owned));
        let (mut joined, mut dashed) = ((*word).to_owned(), (*word).to_owned());
        for next in words.iter().skip(nth + 1).take(2) {
            joined.push_str(next);
            dashed = format!("{dashed}-{next}");
            found.insert(joined.clone());
            found.insert(dashed.clone());
        }
    }
    found.retain(|word| (3..=64).contains(&word.chars().count()));
    found
}

/// Adds to lines what would be done with each that is open and somebody's.
///
/// # Errors
/// Those of Postgres.
pub async fn proposed(conn: &mut PgConnection, lines: Vec<BankLine>, today: NaiveDate) -> Result<Vec<ProposedLine>> {
    let mut accounts: Vec<AccountId> = lines.iter().filter_map(|line| line.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let books = store::books(conn, &accounts).await?;
    lines
        .into_iter()
        .map(|line| {
            let of = line.account.filter(|_| line.amount.minor > 0 && line.state == LineState::Open);
            let of = of.filter(|account| books.get(account).is_some_and(|book| book.currency == line.amount.currency));
            let planned = match of {
                Some(account) => plan(&books, vec![receipt(&line, account)], today)?.pop(),
                None => None,
            };
            let token = planned.as_ref().map(|planned| hex(&planned.fingerprint));
            Ok(ProposedLine { line, proposal: planned.map(|planned| planned.proposal), token })
        })
        .collect()
}

fn receipt(line: &BankLine, account: AccountId) -> Unapplied {
    Unapplied {
        payment: PaymentId(line.id.0),
        account,
        minor: line.amount.minor,
        reference: line.reference.clone(),
        remitted: line.remitted.clone(),
    }
}

/// Decides on a line that waits or was passed. Gives it as it is then.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] if it is decided, or if the proposal is no longer what was shown;
/// [`Error::Invalid`] for an account or items that do not fit.
pub async fn decide(
    conn: &mut PgConnection,
    id: BankLineId,
    decision: &Decision,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<BankLine> {
    let line = rows::lock(conn, id).await?.ok_or(Error::NotFound("bank line"))?;
    // What was passed, by itself or by mistake, may turn out to be a payment or to take one back.
    let passed =
        line.state == LineState::Passed && line.payment.is_none() && !matches!(decision, Decision::Pass { .. });
    if !passed && !matches!(line.state, LineState::Open | LineState::Unidentified) {
        return Err(Error::Conflict("it is decided already".to_owned()));
    }
    let known =
        || line.account.ok_or_else(|| Error::invalid("account", "nobody knows yet whose it is: name the account"));
    match decision {
        Decision::Accept { token } => {
            let account = known()?;
            ledger::store::lock_account(conn, account).await?;
            let shown = proposed(conn, vec![BankLine { state: LineState::Open, ..line.clone() }], today).await?;
            if shown.first().and_then(|shown| shown.token.as_ref()) != Some(token) {
                return Err(Error::Conflict("something has changed since it was shown: look at it again".to_owned()));
            }
            post(conn, &line, account, receive::Apply::Rules, by, today, now).await?;
        }
        Decision::Change { account, items } if items.is_empty() => {
            post(conn, &line, *account, receive::Apply::Rules, by, today, now).await?;
        }
        Decision::Change { account, items } => {
            post(conn, &line, *account, receive::Apply::Items(items.clone()), by, today, now).await?;
        }
        Decision::OnAccount { account } => {
            let account = account.map_or_else(known, Ok)?;
            post(conn, &line, account, receive::Apply::OnAccount, by, today, now).await?;
        }
        Decision::Unidentified { note } => {
            rows::set(conn, id, LineState::Unidentified, None, None, note, by, now).await?;
            difference::open_unidentified(conn, &line, now).await?;
        }
        Decision::Pass { note } => {
            if !(1..=500).contains(&note.trim().chars().count()) {
                return Err(Error::invalid("note", "1 to 500 characters: what is it?"));
            }
            rows::set(conn, id, LineState::Passed, None, None, note, by, now).await?;
            difference::close_of_line(conn, id, "explained", note, by, now).await?;
        }
        Decision::Returned { payment } => {
            let payment = payment.or(line.payment).ok_or_else(|| Error::invalid("payment", "name the payment"))?;
            returned(conn, &line, payment, by, today, now).await?;
        }
    }
    rows::lock(conn, id).await?.ok_or(Error::NotFound("bank line"))
}

async fn post(
    conn: &mut PgConnection,
    line: &BankLine,
    account: AccountId,
    apply: receive::Apply,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    if line.amount.minor < 0 {
        return Err(Error::invalid("decision", "money that went out is passed, or it took a payment back"));
    }
    if rows::was_booked_before(conn, line.id).await? {
        let detail = "the bank corrected this entry: take the payment that it was booked as back first";
        return Err(Error::Conflict(detail.to_owned()));
    }
    if !rows::is_of(conn, account, &line.portfolio).await? {
        return Err(Error::invalid("account", "it is not of the statement's portfolio"));
    }
    let receipt = receive::Receipt {
        account,
        amount: line.amount,
        received_on: line.booked_on.min(today),
        method: "transfer".to_owned(),
        reference: line.reference.chars().take(500).collect(),
        remitted: line.remitted.clone(),
        apply,
    };
    let received = receive::receive_late(conn, &receipt, by, today, now).await?;
    rows::set(conn, line.id, LineState::Posted, Some(account), Some(received.payment), &line.note, by, now).await?;
    rows::learn(conn, line, account, by, now).await?;
    difference::close_of_line(conn, line.id, "applied", "posted to an account", by, now).await
}

async fn returned(
    conn: &mut PgConnection,
    line: &BankLine,
    payment: PaymentId,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    if line.amount.minor > 0 {
        return Err(Error::invalid("decision", "a return takes money out"));
    }
    if rows::amount_of(conn, payment, &line.portfolio).await? != Some(-line.amount.minor) {
        return Err(Error::invalid("payment", "no payment of that amount in the portfolio"));
    }
    let reason = line.returned.as_deref().unwrap_or("returned by the bank");
    let account = ledger::post::bank_returned(conn, payment, reason, by, today, now).await?;
    rows::set(conn, line.id, LineState::Returned, Some(account), Some(payment), &line.note, by, now).await?;
    difference::open_returned(conn, line, account, payment, now).await
}
