//! Cash runs, and the writing of what they say: a few statements, however many payments.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    allocation::{Line, Proposal, Remitted},
    cash::{
        Planned, Unapplied,
        run::{Run, RunLine},
    },
    error::{Error, Result},
    ids::{AccountId, CashRunId, PaymentId, UserId},
    ledger::store::stored_currency,
    money::Money,
};

/// What the policies of a portfolio say at the moment, as a digest.
pub(in crate::cash) async fn policies(conn: &mut PgConnection, portfolio: &str) -> Result<Vec<u8>> {
    Ok(sqlx::query_scalar!(r#"SELECT cash_policies_of($1) AS "policies!""#, portfolio).fetch_one(conn).await?)
}

/// Keeps a run that is shown; `policies` are those of before it was made.
pub(in crate::cash) async fn insert(
    conn: &mut PgConnection,
    id: CashRunId,
    (portfolio, policies): (&str, &[u8]),
    planned: &[Planned],
    by: Option<UserId>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO cash_run (id, portfolio, policies, state, on_day, made_by, made_at)
         VALUES ($1, $2, $3, 'previewed', $4, $5, $6)",
        id.0,
        portfolio,
        policies,
        today,
        by.map(|by| by.0),
        now
    )
    .execute(&mut *conn)
    .await?;
    let accounts: Vec<Uuid> = planned.iter().map(|planned| planned.of.account.0).collect();
    let payments: Vec<Uuid> = planned.iter().map(|planned| planned.of.payment.0).collect();
    let minors: Vec<i64> = planned.iter().map(|planned| planned.of.minor).collect();
    let versions: Vec<i64> = planned.iter().map(|planned| planned.version).collect();
    let fingerprints: Vec<Vec<u8>> = planned.iter().map(|planned| planned.fingerprint.to_vec()).collect();
    let proposals: Vec<String> = planned
        .iter()
        .map(|planned| serde_json::to_string(&planned.proposal).map_err(Error::internal("writing a proposal")))
        .collect::<Result<_>>()?;
    sqlx::query!(
        "INSERT INTO cash_run_line (run_id, nth, account_id, payment_id, minor, proposal, fingerprint, version)
         SELECT $1, nth, account, payment, minor, proposal::jsonb, fingerprint, version
         FROM unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::bytea[], $7::bigint[]) WITH ORDINALITY
              AS l (account, payment, minor, proposal, fingerprint, version, nth)",
        id.0,
        &accounts,
        &payments,
        &minors,
        &proposals,
        &fingerprints,
        &versions
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Decides on a run that was only shown; gives its day, `None` if there is no such run.
pub(in crate::cash) async fn decide(
    conn: &mut PgConnection,
    id: CashRunId,
    state: &str,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<Option<NaiveDate>> {
    Ok(sqlx::query_scalar!(
        "UPDATE cash_run SET state = $2, decided_by = $3, decided_at = $4 WHERE id = $1 AND state = 'previewed'
         RETURNING on_day",
        id.0,
        state,
        by.map(|by| by.0),
        now
    )
    .fetch_optional(conn)
    .await?)
}

/// Discards a run that was only shown.
///
/// # Errors
/// [`Error::Conflict`] if it was applied or discarded.
pub async fn discard(conn: &mut PgConnection, id: CashRunId, by: UserId, now: DateTime<Utc>) -> Result<()> {
    match decide(conn, id, "discarded", Some(by), now).await? {
        Some(_) => Ok(()),
        None => Err(Error::Conflict("no run that was not applied or discarded".to_owned())),
    }
}

/// A run as it was shown, in the order in which it was made.
pub(in crate::cash) async fn planned(conn: &mut PgConnection, id: CashRunId) -> Result<Vec<Planned>> {
    let rows = sqlx::query!(
        r#"SELECT l.account_id AS "account: AccountId", l.payment_id AS "payment: PaymentId", l.minor, m.reference,
                  m.remitted AS "remitted: Json<Vec<Remitted>>", l.proposal AS "proposal: Json<Proposal>", l.fingerprint,
                  l.version
           FROM cash_run_line l JOIN payment m ON m.id = l.payment_id WHERE l.run_id = $1 ORDER BY l.nth"#,
        id.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let fingerprint = row.fingerprint.try_into();
            Ok(Planned {
                of: Unapplied {
                    payment: row.payment,
                    account: row.account,
                    minor: row.minor,
                    reference: row.reference,
                    remitted: row.remitted.0,
                },
                proposal: row.proposal.0,
                fingerprint: fingerprint
                    .map_err(|_| Error::internal("reading a cash run")("a fingerprint of another length"))?,
                version: row.version,
            })
        })
        .collect()
}

/// The accounts of a run of which anything may have changed since it was made: all of them where a policy has.
pub(in crate::cash) async fn moved(conn: &mut PgConnection, id: CashRunId) -> Result<BTreeSet<AccountId>> {
    let rows = sqlx::query_scalar!(
        r#"SELECT l.account_id AS "account: AccountId" FROM cash_run_line l
           LEFT JOIN account_standing s ON s.account_id = l.account_id
           WHERE l.run_id = $1 AND (coalesce(s.version, 0) <> l.version OR
                                    (SELECT policies <> cash_policies_of(portfolio) FROM cash_run WHERE id = $1))"#,
        id.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Writes the allocations and the small balances of proposals.
pub(in crate::cash) async fn write(
    conn: &mut PgConnection,
    planned: &[Planned],
    by: Option<UserId>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let fitting = || planned.iter().filter_map(|planned| planned.proposal.mode.map(|mode| (planned, mode)));
    let lines: Vec<(&Planned, &str, &Line)> = fitting()
        .flat_map(|(planned, mode)| planned.proposal.lines.iter().map(move |line| (planned, mode.as_str(), line)))
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    let accounts: Vec<Uuid> = lines.iter().map(|(planned, ..)| planned.of.account.0).collect();
    let payments: Vec<Uuid> = lines.iter().map(|(planned, ..)| planned.of.payment.0).collect();
    let instalments: Vec<Uuid> = lines.iter().map(|(.., line)| line.instalment.0).collect();
    let parts: Vec<String> = lines.iter().map(|(.., line)| line.part.as_str().to_owned()).collect();
    let minors: Vec<i64> = lines.iter().map(|(.., line)| line.minor).collect();
    let modes: Vec<String> = lines.iter().map(|(_, mode, _)| (*mode).to_owned()).collect();
    let reasons: Vec<String> = lines.iter().map(|(planned, ..)| planned.proposal.explanation.clone()).collect();
    sqlx::query!(
        "INSERT INTO allocation (account_id, payment_id, instalment_id, part, amount_minor, mode, explanation, applied_by,
                                 business_date, recorded_at)
         SELECT account, payment, instalment, part, minor, mode, reason, $8, $9, $10
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::text[])
              AS l (account, payment, instalment, part, minor, mode, reason)",
        &accounts,
        &payments,
        &instalments,
        &parts,
        &minors,
        &modes,
        &reasons,
        by.map(|by| by.0),
        today,
        now
    )
    .execute(&mut *conn)
    .await?;
    settle(conn, planned, by, today, now).await
}

/// What was too little to ask for: an adjustment for each item, without anybody's limit, for the policy allows it.
async fn settle(
    conn: &mut PgConnection,
    planned: &[Planned],
    by: Option<UserId>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let lines: Vec<(&Planned, &Line)> =
        planned.iter().flat_map(|planned| planned.proposal.settled.iter().map(move |line| (planned, line))).collect();
    if lines.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = lines.iter().map(|_| Uuid::now_v7()).collect();
    let accounts: Vec<Uuid> = lines.iter().map(|(planned, _)| planned.of.account.0).collect();
    let payments: Vec<Uuid> = lines.iter().map(|(planned, _)| planned.of.payment.0).collect();
    let instalments: Vec<Uuid> = lines.iter().map(|(_, line)| line.instalment.0).collect();
    let parts: Vec<String> = lines.iter().map(|(_, line)| line.part.as_str().to_owned()).collect();
    let minors: Vec<i64> = lines.iter().map(|(_, line)| line.minor).collect();
    sqlx::query!(
        "WITH l AS (SELECT l.*, a.currency FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[])
                        AS l (id, account, payment, instalment, part, minor) JOIN account a ON a.id = l.account),
              made AS (INSERT INTO adjustment (id, account_id, instalment_id, kind, amount_minor, currency, posted_on, reason,
                                               payment_id, posted_by, recorded_at)
                       SELECT id, account, instalment, 'small_balance', minor, currency, $7, 'within the tolerance of the policy',
                              payment, $8, $9 FROM l)
         INSERT INTO posting (account_id, kind, instalment_id, adjustment_id, part, amount_minor, currency, business_date,
                              recorded_at, reason, posted_by)
         SELECT account, 'adjustment', instalment, id, part, -minor, currency, $7, $9, 'within the tolerance of the policy', $8
         FROM l",
        &ids,
        &accounts,
        &payments,
        &instalments,
        &parts,
        &minors,
        today,
        by.map(|by| by.0),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Runs of a portfolio, the newest first, before that of `before`.
///
/// # Errors
/// Those of Postgres.
pub async fn list(
    conn: &mut PgConnection,
    portfolio: Option<&str>,
    before: Option<CashRunId>,
    limit: i64,
) -> Result<Vec<Run>> {
    Ok(sqlx::query_as!(
        Run,
        r#"SELECT r.id AS "id: CashRunId", r.portfolio, r.state, r.on_day, r.made_by AS "made_by: UserId", r.made_at,
                  r.decided_by AS "decided_by: UserId", r.decided_at, l.payments AS "payments!", l.fitting AS "fitting!"
           FROM cash_run r
           CROSS JOIN LATERAL (SELECT count(*) AS payments, count(*) FILTER (WHERE proposal ->> 'mode' IS NOT NULL) AS fitting
                               FROM cash_run_line WHERE run_id = r.id) l
           WHERE ($1::text IS NULL OR r.portfolio = $1) AND ($2::uuid IS NULL OR r.id < $2)
           ORDER BY r.id DESC LIMIT $3"#,
        portfolio,
        before.map(|before| before.0),
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// What a run proposes, in order, after that at `after`.
///
/// # Errors
/// Those of Postgres.
pub async fn lines(conn: &mut PgConnection, id: CashRunId, after: Option<i32>, limit: i64) -> Result<Vec<RunLine>> {
    let rows = sqlx::query!(
        r#"SELECT l.nth, l.payment_id AS "payment: PaymentId", l.account_id AS "account: AccountId", a.number, l.minor,
                  m.currency::text AS "currency!", m.reference, l.proposal AS "proposal: Json<Proposal>"
           FROM cash_run_line l JOIN payment m ON m.id = l.payment_id JOIN account a ON a.id = l.account_id
           WHERE l.run_id = $1 AND l.nth > $2 ORDER BY l.nth LIMIT $3"#,
        id.0,
        after.unwrap_or(0),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(RunLine {
                nth: row.nth,
                payment: row.payment,
                account: row.account,
                account_number: row.number,
                amount: Money::new(row.minor, stored_currency(&row.currency)?),
                reference: row.reference,
                proposal: row.proposal.0,
            })
        })
        .collect()
}
