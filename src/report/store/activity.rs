//! What the callers did, read from calls, promises, presence and payments. Every statement groups by the same name: the
//! agent's log-in, its team, the campaign, or the hour at the office; empty where there is none.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use crate::{
    error::Result,
    ledger::store::stored_currency,
    report::{
        activity::{Line, WINDOW_DAYS},
        catalogue::{GroupBy, Span},
    },
};

/// What is asked for.
pub struct Asked<'a> {
    /// The period.
    pub span: Span,
    /// What a row stands for.
    pub group_by: GroupBy,
    /// Zone of the office, for hours.
    pub zone: &'static str,
    /// Only this portfolio.
    pub portfolio: Option<&'a str>,
}

/// A line for every name.
pub async fn lines(conn: &mut PgConnection, asked: &Asked<'_>) -> Result<BTreeMap<String, Line>> {
    let mut lines = BTreeMap::new();
    calls(conn, asked, &mut lines).await?;
    promises_taken(conn, asked, &mut lines).await?;
    promises_matured(conn, asked, &mut lines).await?;
    if asked.portfolio.is_none() {
        hours(conn, asked, &mut lines).await?;
    }
    cash(conn, asked, &mut lines).await?;
    Ok(lines)
}

async fn calls(conn: &mut PgConnection, asked: &Asked<'_>, lines: &mut BTreeMap<String, Line>) -> Result<()> {
    let rows = sqlx::query!(
        r#"SELECT activity_line($3, u.login, u.team, m.name, c.created_at AT TIME ZONE $4) AS "name!",
                  count(*) FILTER (WHERE c.direction = 'outbound') AS "attempts!",
                  count(*) FILTER (WHERE c.answered_at IS NOT NULL AND c.outcome IS DISTINCT FROM 'machine') AS "connects!",
                  count(*) FILTER (WHERE d.category = 'right_party') AS "right_party!"
           FROM call c
           LEFT JOIN call_disposition d ON d.call_id = c.id
           LEFT JOIN users u ON u.id = coalesce(d.user_id, c.agent_id)
           LEFT JOIN campaign m ON m.id = c.campaign_id
           WHERE c.created_at >= $1 AND c.created_at < $2
             AND ($5::text IS NULL OR c.account_id IN (SELECT id FROM account WHERE portfolio = $5))
           GROUP BY 1"#,
        asked.span.from,
        asked.span.to,
        asked.group_by.as_str(),
        asked.zone,
        asked.portfolio
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let line = lines.entry(row.name).or_default();
        (line.attempts, line.connects, line.right_party) = (row.attempts, row.connects, row.right_party);
    }
    Ok(())
}

async fn promises_taken(conn: &mut PgConnection, asked: &Asked<'_>, lines: &mut BTreeMap<String, Line>) -> Result<()> {
    let rows = sqlx::query!(
        r#"SELECT activity_line($3, u.login, u.team, m.name, p.taken_at AT TIME ZONE $4) AS "name!",
                  p.currency::text AS "currency!", count(*) AS "count!", sum(p.amount_minor)::bigint AS "minor!"
           FROM promise p
           LEFT JOIN users u ON u.id = p.taken_by
           LEFT JOIN call c ON c.id = p.call_id
           LEFT JOIN campaign m ON m.id = c.campaign_id
           WHERE p.taken_at >= $1 AND p.taken_at < $2
             AND ($5::text IS NULL OR p.account_id IN (SELECT id FROM account WHERE portfolio = $5))
           GROUP BY 1, 2"#,
        asked.span.from,
        asked.span.to,
        asked.group_by.as_str(),
        asked.zone,
        asked.portfolio
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let line = lines.entry(row.name).or_default();
        line.promises += row.count;
        line.promised.insert(stored_currency(&row.currency)?, row.minor);
    }
    Ok(())
}

async fn promises_matured(
    conn: &mut PgConnection,
    asked: &Asked<'_>,
    lines: &mut BTreeMap<String, Line>,
) -> Result<()> {
    let rows = sqlx::query!(
        r#"SELECT activity_line($3, u.login, u.team, m.name, p.taken_at AT TIME ZONE $4) AS "name!",
                  p.currency::text AS "currency!", count(*) AS "matured!", count(*) FILTER (WHERE p.status = 'kept') AS "kept!",
                  count(*) FILTER (WHERE p.status = 'partially_kept') AS "partly!",
                  sum(p.amount_minor - p.credited_minor)::bigint AS "matured_minor!",
                  sum(CASE WHEN p.status = 'kept' AND p.paid_minor = 0 THEN p.amount_minor - p.credited_minor
                           ELSE least(p.paid_minor, p.amount_minor - p.credited_minor) END)::bigint AS "kept_minor!"
           FROM promise p
           LEFT JOIN users u ON u.id = p.taken_by
           LEFT JOIN call c ON c.id = p.call_id
           LEFT JOIN campaign m ON m.id = c.campaign_id
           WHERE p.deadline_on BETWEEN $1 AND $2 AND p.status NOT IN ('open', 'cancelled')
             AND ($5::text IS NULL OR p.account_id IN (SELECT id FROM account WHERE portfolio = $5))
           GROUP BY 1, p.currency"#,
        asked.span.first,
        asked.span.as_of.day,
        asked.group_by.as_str(),
        asked.zone,
        asked.portfolio
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let line = lines.entry(row.name).or_default();
        line.matured += row.matured;
        line.kept += row.kept;
        line.partly_kept += row.partly;
        let currency = stored_currency(&row.currency)?;
        line.matured_value.insert(currency, row.matured_minor);
        line.kept_value.insert(currency, row.kept_minor);
    }
    Ok(())
}

/// Time logged in: from each entry of the log to the next, cut at the hours and at the ends of the period. An entry of a
/// day before the period begins still counts. Nobody logs in for a portfolio: the hours are those of all.
async fn hours(conn: &mut PgConnection, asked: &Asked<'_>, lines: &mut BTreeMap<String, Line>) -> Result<()> {
    let rows = sqlx::query!(
        r#"WITH span AS (
               SELECT user_id, campaign_id, state, at AS began, lead(at, 1, $2) OVER (PARTITION BY user_id ORDER BY at, id) AS ended
               FROM agent_log WHERE at >= $1::timestamptz - interval '1 day' AND at < $2
           ), there AS (
               SELECT user_id, campaign_id, greatest(began, $1) AS began, ended FROM span
               WHERE state <> 'offline' AND ended > greatest(began, $1)
           )
           SELECT activity_line($3, u.login, u.team, m.name, h.at AT TIME ZONE $4) AS "name!",
                  sum(extract(epoch FROM least(t.ended, h.at + interval '1 hour') - greatest(t.began, h.at)))::bigint AS "seconds!"
           FROM there t
           CROSS JOIN LATERAL (SELECT s AT TIME ZONE $4 AS at
                               FROM generate_series(date_trunc('hour', t.began AT TIME ZONE $4), t.ended AT TIME ZONE $4,
                                                    interval '1 hour') s) h
           LEFT JOIN users u ON u.id = t.user_id
           LEFT JOIN campaign m ON m.id = t.campaign_id
           WHERE h.at < t.ended GROUP BY 1"#,
        asked.span.from,
        asked.span.to,
        asked.group_by.as_str(),
        asked.zone
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        lines.entry(row.name).or_default().seconds = row.seconds;
    }
    Ok(())
}

/// Each payment to the one contact it counts for. What is taken back of a payment counts where the payment did.
async fn cash(conn: &mut PgConnection, asked: &Asked<'_>, lines: &mut BTreeMap<String, Line>) -> Result<()> {
    let rows = sqlx::query!(
        r#"WITH paid AS (
               SELECT p.account_id, p.currency, coalesce(y.received_on, p.business_date) AS received_on, -p.amount_minor AS minor
               FROM posting p LEFT JOIN payment y ON y.id = p.payment_id
               WHERE p.kind = 'payment' AND p.business_date BETWEEN $1 AND $2 AND p.recorded_at <= $3
                 AND ($6::text IS NULL OR p.account_id IN (SELECT id FROM account WHERE portfolio = $6))
           )
           SELECT activity_line($4, u.login, u.team, m.name, last.at AT TIME ZONE $5) AS "name!",
                  p.currency::text AS "currency!", sum(p.minor)::bigint AS "minor!"
           FROM paid p
           LEFT JOIN LATERAL (
               SELECT d.user_id, c.campaign_id, d.at FROM call c JOIN call_disposition d ON d.call_id = c.id
               WHERE c.account_id = p.account_id AND d.category = 'right_party' AND d.user_id IS NOT NULL
                 AND (d.at AT TIME ZONE $5)::date BETWEEN p.received_on - $7::integer AND p.received_on
               ORDER BY d.at DESC, d.call_id DESC LIMIT 1) last ON true
           LEFT JOIN users u ON u.id = last.user_id
           LEFT JOIN campaign m ON m.id = last.campaign_id
           GROUP BY 1, 2"#,
        asked.span.first,
        asked.span.as_of.day,
        asked.span.as_of.known_at,
        asked.group_by.as_str(),
        asked.zone,
        asked.portfolio,
        WINDOW_DAYS
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        lines.entry(row.name).or_default().cash.insert(stored_currency(&row.currency)?, row.minor);
    }
    Ok(())
}
