//! Statements and their lines.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};

use crate::{
    allocation::Remitted,
    cash::{
        lines::{BankLine, File, LineState, candidates},
        statement::{Line, Statement},
    },
    error::{Error, Result},
    ids::{AccountId, BankLineId, PaymentId, StatementId, UserId},
    ledger::store::stored_currency,
    money::Money,
};

/// A payment that came so many days before a return may be the one that was returned.
const RETURNED_WITHIN_DAYS: i32 = 90;

/// A statement to keep.
pub(in crate::cash) struct NewStatement<'a> {
    pub file: File<'a>,
    pub sha256: &'a [u8; 32],
    pub reference: &'a str,
    pub statement: &'a Statement,
}

/// A statement that is kept.
pub(in crate::cash) struct Kept {
    pub id: StatementId,
    /// It was not kept before.
    pub new: bool,
    /// This very file brought it before.
    pub same_file: bool,
}

/// A transaction that is kept: which one of the entry of a name, what it came to, minor units, and what became of it.
#[derive(Clone, Debug)]
pub(in crate::cash) struct KnownPart {
    pub name: String,
    pub part: i32,
    pub minor: i64,
    pub account: Option<AccountId>,
    pub payment: Option<PaymentId>,
}

/// Where lines are kept.
#[derive(Clone, Copy)]
pub(in crate::cash) struct Place<'a> {
    pub portfolio: &'a str,
    pub statement: StatementId,
    pub bank_account: &'a str,
}

/// Keeps a statement, if none of its name is kept.
///
/// # Errors
/// [`Error::Invalid`] if the one that is kept is in another currency.
pub(in crate::cash) async fn insert_statement(
    conn: &mut PgConnection,
    new: &NewStatement<'_>,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<Kept> {
    let (id, statement) = (StatementId::generate(), new.statement);
    let inserted = sqlx::query!(
        "INSERT INTO bank_statement (id, portfolio, bank_account, reference, format, currency, from_on, to_on,
                                     opening_minor, closing_minor, file_name, sha256, loaded_by, loaded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT (portfolio, bank_account, reference) DO NOTHING",
        id.0,
        new.file.portfolio,
        statement.bank_account,
        new.reference,
        statement.format.as_str(),
        statement.currency.as_str(),
        statement.from_on,
        statement.to_on,
        statement.opening_minor,
        statement.closing_minor,
        new.file.name,
        new.sha256.as_slice(),
        by.map(|by| by.0),
        now
    )
    .execute(&mut *conn)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Kept { id, new: true, same_file: false });
    }
    let known = sqlx::query!(
        r#"SELECT id AS "id: StatementId", currency::text AS "currency!", sha256 = $4 AS "same_file!" FROM bank_statement
           WHERE portfolio = $1 AND bank_account = $2 AND reference = $3"#,
        new.file.portfolio,
        statement.bank_account,
        new.reference,
        new.sha256.as_slice()
    )
    .fetch_one(conn)
    .await?;
    if known.currency != statement.currency.as_str() {
        let detail = format!("statement {} of this bank account is kept in {}", new.reference, known.currency);
        return Err(Error::invalid("currency", detail));
    }
    Ok(Kept { id: known.id, new: false, same_file: known.same_file })
}

/// A statement that is kept goes on: it has the days and the closing balance of what came later, too.
pub(in crate::cash) async fn continue_statement(
    conn: &mut PgConnection,
    id: StatementId,
    statement: &Statement,
) -> Result<()> {
    sqlx::query!(
        "UPDATE bank_statement SET from_on = least(from_on, $2), to_on = greatest(to_on, $3),
                opening_minor = coalesce(opening_minor, $4), closing_minor = coalesce($5, closing_minor) WHERE id = $1",
        id.0,
        statement.from_on,
        statement.to_on,
        statement.opening_minor,
        statement.closing_minor
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is kept of the bank account under these names of entries.
pub(in crate::cash) async fn known(
    conn: &mut PgConnection,
    portfolio: &str,
    bank_account: &str,
    names: &[String],
) -> Result<Vec<KnownPart>> {
    Ok(sqlx::query_as!(
        KnownPart,
        r#"SELECT entry_ref AS name, part, minor, account_id AS "account: AccountId",
                  payment_id AS "payment: PaymentId"
           FROM bank_line WHERE portfolio = $1 AND bank_account = $2 AND entry_ref = ANY ($3) ORDER BY entry_ref, part"#,
        portfolio,
        bank_account,
        names
    )
    .fetch_all(conn)
    .await?)
}

/// Whose the lines that brought money in may be, by place, and why; none where two accounts are as likely.
pub(in crate::cash) async fn identify(
    conn: &mut PgConnection,
    portfolio: &str,
    lines: &[(String, Line)],
) -> Result<HashMap<usize, (AccountId, String)>> {
    let credits = || lines.iter().enumerate().filter(|(_, (_, line))| line.minor > 0);
    let (mut places, mut words) = (Vec::new(), Vec::new());
    for (nth, (_, line)) in credits() {
        let named = line.remitted.iter().map(|remitted| remitted.invoice.trim().to_owned());
        for word in candidates(&line.reference).into_iter().chain(named) {
            places.push(i32::try_from(nth).unwrap_or(i32::MAX));
            words.push(word);
        }
    }
    let payers = || credits().map(|(nth, (_, line))| (i32::try_from(nth).unwrap_or(i32::MAX), line));
    let (of_account, accounts): (Vec<i32>, Vec<String>) =
        payers().filter_map(|(nth, line)| Some((nth, line.payer_account.clone()?))).unzip();
    let (of_name, names): (Vec<i32>, Vec<String>) =
        payers().filter_map(|(nth, line)| Some((nth, line.payer_name.as_ref()?.to_lowercase()))).unzip();
    let (of_number, numbers): (Vec<i32>, Vec<String>) =
        payers().filter_map(|(nth, line)| Some((nth, line.account.clone()?))).unzip();
    let rows = sqlx::query!(
        r#"WITH word AS (SELECT * FROM unnest($2::integer[], $3::text[]) AS w (nth, word)), found AS (
               SELECT n.nth, a.id, 0 AS rank, 'The file names account ' || a.number || '.' AS because
               FROM unnest($8::integer[], $9::text[]) AS n (nth, number)
               JOIN account a ON a.portfolio = $1 AND a.number = n.number
               UNION ALL
               SELECT w.nth, a.id, 1 AS rank, 'The reference names invoice ' || v.number || '.' AS because
               FROM word w JOIN invoice v ON v.number = w.word JOIN account a ON a.id = v.account_id AND a.portfolio = $1
               UNION ALL
               SELECT w.nth, a.id, 2, 'The reference names account ' || a.number || '.'
               FROM word w JOIN account a ON a.portfolio = $1 AND a.number = w.word
               UNION ALL
               SELECT p.nth, k.account_id, 3, 'Paid from this bank account before.'
               FROM unnest($4::integer[], $5::text[]) AS p (nth, payer)
               JOIN payer_account k ON k.portfolio = $1 AND k.payer_account = p.payer
               UNION ALL
               SELECT p.nth, a.id, 4, 'The payer has the name of the account.'
               FROM unnest($6::integer[], $7::text[]) AS p (nth, payer)
               JOIN account a ON lower(a.name) = p.payer AND a.portfolio = $1
           ), best AS (SELECT nth, min(rank) AS rank FROM found GROUP BY nth)
           SELECT f.nth AS "nth!", min(f.id::text)::uuid AS "account!: AccountId", min(f.because) AS "because!"
           FROM found f JOIN best b ON b.nth = f.nth AND b.rank = f.rank
           GROUP BY f.nth HAVING count(DISTINCT f.id) = 1"#,
        portfolio,
        &places,
        &words,
        &of_account,
        &accounts,
        &of_name,
        &names,
        &of_number,
        &numbers
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| (usize::try_from(row.nth).unwrap_or_default(), (row.account, row.because)));
    Ok(found.collect())
}

/// For each line that took a payment back the payment it may be: the one with its end-to-end id, else the only one of
/// its amount from the same payer.
pub(in crate::cash) async fn returned_payments(
    conn: &mut PgConnection,
    portfolio: &str,
    lines: &[(String, Line)],
) -> Result<HashMap<usize, (PaymentId, AccountId)>> {
    let mut found = HashMap::new();
    for (nth, (_, line)) in lines.iter().enumerate().filter(|(_, (_, line))| line.returned.is_some()) {
        let row = sqlx::query!(
            r#"SELECT min(m.id::text)::uuid AS "payment: PaymentId", min(m.account_id::text)::uuid AS "account: AccountId",
                      count(*) AS "count!"
               FROM bank_line l JOIN payment m ON m.id = l.payment_id AND m.state IN ('received', 'cleared')
               WHERE l.portfolio = $1 AND l.state = 'posted' AND l.minor = -$2::bigint
                 AND (l.end_to_end = $3 OR ($3::text IS NULL AND l.payer_account IS NOT DISTINCT FROM $4))
                 AND l.booked_on BETWEEN $5::date - $6::integer AND $5"#,
            portfolio,
            line.minor,
            line.end_to_end,
            line.payer_account,
            line.booked_on,
            RETURNED_WITHIN_DAYS
        )
        .fetch_one(&mut *conn)
        .await?;
        if let (Some(payment), Some(account), 1) = (row.payment, row.account, row.count) {
            found.insert(nth, (payment, account));
        }
    }
    Ok(found)
}

/// What is known of a line when it is kept.
struct Fate<'a> {
    state: LineState,
    account: Option<AccountId>,
    because: &'a str,
    payment: Option<PaymentId>,
    note: &'a str,
}

/// Keeps the lines of a statement.
pub(in crate::cash) async fn insert(
    conn: &mut PgConnection,
    place: Place<'_>,
    lines: &[(String, Line)],
    whose: &HashMap<usize, (AccountId, String)>,
    returns: &HashMap<usize, (PaymentId, AccountId)>,
) -> Result<()> {
    for (nth, (name, line)) in lines.iter().enumerate() {
        let returned = returns.get(&nth);
        let because = match (whose.get(&nth), returned) {
            (Some((_, because)), _) => because.as_str(),
            (None, Some(_)) => "The bank takes this payment back.",
            (None, None) => "",
        };
        let fate = Fate {
            // What goes out and returns nothing is no customer's payment.
            state: if line.minor < 0 && line.returned.is_none() { LineState::Passed } else { LineState::Open },
            account: whose.get(&nth).map(|(account, _)| *account).or(returned.map(|(_, account)| *account)),
            because,
            payment: returned.map(|(payment, _)| *payment),
            note: "",
        };
        insert_line(conn, place, nth, (name.as_str(), line), &fate).await?;
    }
    Ok(())
}

/// Keeps a line of an entry that is kept with another amount: as passed, for what it says may be booked already.
pub(in crate::cash) async fn insert_corrected(
    conn: &mut PgConnection,
    place: Place<'_>,
    nth: usize,
    line: (&str, &Line),
    was: &KnownPart,
    note: &str,
) -> Result<BankLineId> {
    let fate = Fate { state: LineState::Passed, account: was.account, because: "", payment: None, note };
    insert_line(conn, place, nth, line, &fate).await
}

async fn insert_line(
    conn: &mut PgConnection,
    place: Place<'_>,
    nth: usize,
    (name, line): (&str, &Line),
    fate: &Fate<'_>,
) -> Result<BankLineId> {
    let id = BankLineId::generate();
    sqlx::query!(
        "INSERT INTO bank_line (id, statement_id, portfolio, bank_account, nth, booked_on, value_on, minor, currency,
                                payer_name, payer_account, reference, remitted, end_to_end, entry_ref, part, code,
                                returned, state, account_id, because, payment_id, note)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, currency, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22
         FROM bank_statement WHERE id = $2",
        id.0,
        place.statement.0,
        place.portfolio,
        place.bank_account,
        i32::try_from(nth).unwrap_or(i32::MAX),
        line.booked_on,
        line.value_on,
        line.minor,
        line.payer_name,
        line.payer_account,
        line.reference,
        Json(&line.remitted) as _,
        line.end_to_end,
        name,
        line.part,
        line.code,
        line.returned,
        fate.state.as_str(),
        fate.account.map(|account| account.0),
        fate.because,
        fate.payment.map(|payment| payment.0),
        fate.note
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Whether the line corrects an entry of which a line was booked as a payment that stands.
pub(in crate::cash) async fn was_booked_before(conn: &mut PgConnection, line: BankLineId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM bank_line l
               JOIN bank_line w ON w.portfolio = l.portfolio AND w.bank_account = l.bank_account
                               AND w.entry_ref = l.entry_ref AND w.id <> l.id AND w.state = 'posted'
               JOIN payment m ON m.id = w.payment_id AND m.state IN ('received', 'cleared')
               WHERE l.id = $1 AND EXISTS (SELECT FROM difference d
                                           WHERE d.bank_line_id = l.id AND d.kind = 'corrected' AND d.closed_at IS NULL)
           ) AS "booked!""#,
        line.0
    )
    .fetch_one(conn)
    .await?)
}

/// Lines of a portfolio, a statement or of one id, in a state, after that of `after`, the oldest first.
async fn read(
    conn: &mut PgConnection,
    id: Option<BankLineId>,
    wanted: &Wanted<'_>,
    after: Option<BankLineId>,
    limit: i64,
) -> Result<Vec<BankLine>> {
    let rows = sqlx::query!(
        r#"SELECT l.id AS "id: BankLineId", l.statement_id AS "statement: StatementId", l.portfolio, l.booked_on, l.minor,
                  l.currency::text AS "currency!", l.payer_name, l.payer_account, l.reference,
                  l.remitted AS "remitted: Json<Vec<Remitted>>", l.code, l.returned, l.state,
                  l.account_id AS "account: AccountId", a.number AS "number?", l.because,
                  l.payment_id AS "payment: PaymentId", l.note, l.decided_by AS "decided_by: UserId", l.decided_at
           FROM bank_line l LEFT JOIN account a ON a.id = l.account_id
           WHERE ($1::uuid IS NULL OR l.id = $1) AND ($2::text IS NULL OR l.portfolio = $2)
             AND ($3::uuid IS NULL OR l.statement_id = $3) AND ($4::text IS NULL OR l.state = $4)
             AND ($5::uuid IS NULL OR l.id > $5)
           ORDER BY l.id LIMIT $6"#,
        id.map(|id| id.0),
        wanted.portfolio,
        wanted.statement.map(|statement| statement.0),
        wanted.state.map(LineState::as_str),
        after.map(|after| after.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let state = LineState::from_name(&row.state)
                .ok_or_else(|| Error::internal("reading a bank line")("unknown state"))?;
            Ok(BankLine {
                id: row.id,
                statement: row.statement,
                portfolio: row.portfolio,
                booked_on: row.booked_on,
                amount: Money::new(row.minor, stored_currency(&row.currency)?),
                payer_name: row.payer_name,
                payer_account: row.payer_account,
                reference: row.reference,
                remitted: row.remitted.0,
                code: row.code,
                returned: row.returned,
                state,
                account: row.account,
                account_number: row.number,
                because: row.because,
                payment: row.payment,
                note: row.note,
                decided_by: row.decided_by,
                decided_at: row.decided_at,
            })
        })
        .collect()
}

/// Which lines are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Whose customers.
    pub portfolio: Option<&'a str>,
    /// Of which statement.
    pub statement: Option<StatementId>,
    /// In which state.
    pub state: Option<LineState>,
}

/// Lines after that of `after`, the oldest first.
///
/// # Errors
/// Those of Postgres.
pub async fn list(
    conn: &mut PgConnection,
    wanted: &Wanted<'_>,
    after: Option<BankLineId>,
    limit: i64,
) -> Result<Vec<BankLine>> {
    read(conn, None, wanted, after, limit).await
}

pub(in crate::cash) async fn lock(conn: &mut PgConnection, id: BankLineId) -> Result<Option<BankLine>> {
    sqlx::query!("SELECT 1 AS one FROM bank_line WHERE id = $1 FOR UPDATE", id.0).fetch_optional(&mut *conn).await?;
    Ok(read(conn, Some(id), &Wanted::default(), None, 1).await?.pop())
}

#[expect(clippy::too_many_arguments, reason = "a row")]
pub(in crate::cash) async fn set(
    conn: &mut PgConnection,
    id: BankLineId,
    state: LineState,
    account: Option<AccountId>,
    payment: Option<PaymentId>,
    note: &str,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE bank_line SET state = $2, account_id = coalesce($3, account_id), payment_id = $4, note = $5, decided_by = $6,
                              decided_at = $7 WHERE id = $1",
        id.0,
        state.as_str(),
        account.map(|account| account.0),
        payment.map(|payment| payment.0),
        note,
        by.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose bank account it is was decided by somebody: the next payment from it is likely theirs too.
pub(in crate::cash) async fn learn(
    conn: &mut PgConnection,
    line: &BankLine,
    account: AccountId,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(payer) = &line.payer_account else { return Ok(()) };
    sqlx::query!(
        "INSERT INTO payer_account (portfolio, payer_account, account_id, learnt_by, learnt_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (portfolio, payer_account) DO UPDATE
         SET account_id = excluded.account_id, learnt_by = excluded.learnt_by, learnt_at = excluded.learnt_at",
        line.portfolio,
        payer,
        account.0,
        by.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::cash) async fn is_of(conn: &mut PgConnection, account: AccountId, portfolio: &str) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM account WHERE id = $1 AND portfolio = $2) AS "is!""#,
        account.0,
        portfolio
    )
    .fetch_one(conn)
    .await?)
}

/// What a standing payment of the portfolio came to, minor units.
pub(in crate::cash) async fn amount_of(
    conn: &mut PgConnection,
    payment: PaymentId,
    portfolio: &str,
) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        "SELECT m.amount_minor FROM payment m JOIN account a ON a.id = m.account_id
         WHERE m.id = $1 AND a.portfolio = $2 AND m.state IN ('received', 'cleared')",
        payment.0,
        portfolio
    )
    .fetch_optional(conn)
    .await?)
}

/// Money on the bank that is not booked and may be the account's: it was found to be theirs, or it comes to the amount
/// of an open item or of all that may be asked for. The newest first, at most 10.
///
/// # Errors
/// Those of Postgres.
pub async fn possible(conn: &mut PgConnection, account: AccountId) -> Result<Vec<BankLine>> {
    let ids = sqlx::query_scalar!(
        r#"SELECT l.id AS "id!: BankLineId" FROM bank_line l
           WHERE l.account_id = $1 AND l.state = 'open' AND l.minor > 0
           UNION
           SELECT l.id FROM account a JOIN bank_line l ON l.portfolio = a.portfolio AND l.currency = a.currency
           WHERE a.id = $1 AND l.state IN ('open', 'unidentified') AND l.account_id IS NULL AND l.minor IN (
               SELECT open_minor FROM open_item WHERE account_id = $1
               UNION ALL SELECT collectible_minor FROM account_standing WHERE account_id = $1 AND collectible_minor > 0)
           ORDER BY 1 DESC LIMIT 10"#,
        account.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut lines = Vec::with_capacity(ids.len());
    for id in ids {
        lines.extend(read(conn, Some(id), &Wanted::default(), None, 1).await?);
    }
    Ok(lines)
}

/// A statement and how far it is worked off.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct StatementSummary {
    /// Its id.
    pub id: StatementId,
    /// Whose customers.
    pub portfolio: String,
    /// The bank account.
    pub bank_account: String,
    /// The bank's name for it.
    pub reference: String,
    /// How it was written.
    pub format: String,
    /// First and last day.
    pub from_on: Option<chrono::NaiveDate>,
    /// Last day.
    pub to_on: Option<chrono::NaiveDate>,
    /// Its currency.
    pub currency: String,
    /// Balance before, minor units.
    pub opening_minor: Option<i64>,
    /// Balance after, minor units.
    pub closing_minor: Option<i64>,
    /// The file it came from.
    pub file_name: String,
    /// When it was taken in.
    pub loaded_at: DateTime<Utc>,
    /// Lines.
    pub lines: i64,
    /// Lines nobody has decided on.
    pub open: i64,
    /// What those come to, minor units.
    pub open_minor: i64,
    /// Lines nobody knows whose they are.
    pub unidentified: i64,
    /// What those come to, minor units.
    pub unidentified_minor: i64,
    /// What its lines come to, minor units: with the opening balance the closing one, less what other statements brought.
    pub moved_minor: i64,
    /// Payments by transfer that our books have for its days and that are on no statement.
    pub only_in_books: i64,
    /// What those come to, minor units.
    pub only_in_books_minor: i64,
}

/// Statements, the newest first, before that of `before`.
///
/// # Errors
/// Those of Postgres.
pub async fn statements(
    conn: &mut PgConnection,
    portfolio: Option<&str>,
    before: Option<StatementId>,
    limit: i64,
) -> Result<Vec<StatementSummary>> {
    Ok(sqlx::query_as!(
        StatementSummary,
        r#"SELECT s.id AS "id: StatementId", s.portfolio, s.bank_account, s.reference, s.format, s.from_on, s.to_on,
                  s.currency::text AS "currency!", s.opening_minor, s.closing_minor, s.file_name, s.loaded_at,
                  l.lines AS "lines!", l.open AS "open!", l.open_minor AS "open_minor!", l.unidentified AS "unidentified!",
                  l.unidentified_minor AS "unidentified_minor!", l.moved_minor AS "moved_minor!",
                  b.payments AS "only_in_books!", b.minor AS "only_in_books_minor!"
           FROM bank_statement s
           CROSS JOIN LATERAL (SELECT count(*) AS lines, count(*) FILTER (WHERE state = 'open') AS open,
                   coalesce(sum(minor) FILTER (WHERE state = 'open'), 0)::bigint AS open_minor,
                   count(*) FILTER (WHERE state = 'unidentified') AS unidentified,
                   coalesce(sum(minor) FILTER (WHERE state = 'unidentified'), 0)::bigint AS unidentified_minor,
                   coalesce(sum(minor), 0)::bigint AS moved_minor
               FROM bank_line WHERE statement_id = s.id) l
           CROSS JOIN LATERAL (SELECT count(*) AS payments, coalesce(sum(m.amount_minor), 0)::bigint AS minor
               FROM payment m JOIN account a ON a.id = m.account_id AND a.portfolio = s.portfolio
               WHERE m.method = 'transfer' AND m.received_on BETWEEN s.from_on AND s.to_on
                 AND m.state IN ('received', 'cleared')
                 AND NOT EXISTS (SELECT FROM bank_line k WHERE k.payment_id = m.id)) b
           WHERE ($1::text IS NULL OR s.portfolio = $1) AND ($2::uuid IS NULL OR s.id < $2)
           ORDER BY s.id DESC LIMIT $3"#,
        portfolio,
        before.map(|before| before.0),
        limit
    )
    .fetch_all(conn)
    .await?)
}
