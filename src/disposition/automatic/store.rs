//! The automatic dispositions of many calls at a time.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::Coded;
use crate::{
    campaign::{RetryMinutes, Settings},
    disposition::Consequence,
    error::Result,
    ids::{AccountId, CallId, CampaignId},
};

/// A call, and the entry of its campaign's set under which it is recorded.
pub(super) struct Found {
    pub(super) call: CallId,
    pub(super) campaign: Option<CampaignId>,
    pub(super) account: Option<AccountId>,
    pub(super) inbound: bool,
    pub(super) retry: Option<Json<RetryMinutes>>,
    pub(super) set: String,
    pub(super) code: String,
    pub(super) category: String,
    pub(super) consequence: Json<Consequence>,
    pub(super) at: DateTime<Utc>,
}

/// The calls whose set has the code; a call without a campaign has the default set.
pub(super) async fn entries(conn: &mut PgConnection, codes: &[Coded]) -> Result<Vec<Found>> {
    let calls: Vec<Uuid> = codes.iter().map(|(call, ..)| call.0).collect();
    let names: Vec<String> = codes.iter().map(|(_, code, _)| (*code).to_owned()).collect();
    let at: Vec<DateTime<Utc>> = codes.iter().map(|(.., at)| *at).collect();
    let found = sqlx::query_as!(
        Found,
        r#"SELECT c.id AS "call: CallId", c.campaign_id AS "campaign: CampaignId", c.account_id AS "account: AccountId",
                  c.direction = 'inbound' AS "inbound!", g.settings->'retry' AS "retry: Json<RetryMinutes>",
                  d.set_name AS set, d.code, d.category, d.consequence AS "consequence: Json<Consequence>",
                  new.at AS "at!"
           FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS new (call, code, at)
           JOIN call c ON c.id = new.call
           LEFT JOIN campaign g ON g.id = c.campaign_id
           JOIN disposition d ON d.set_name = coalesce(g.settings->>'disposition_set', $4)
                AND d.code = new.code AND d.position >= 0"#,
        &calls,
        &names,
        &at,
        Settings::default().disposition_set
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// A disposition to write.
pub(super) struct Record {
    pub(super) call: CallId,
    pub(super) account: Option<AccountId>,
    pub(super) set: String,
    pub(super) code: String,
    pub(super) category: String,
    pub(super) at: DateTime<Utc>,
    pub(super) rest: Option<Rest>,
}

/// An account that is left alone until later: in the campaign, and with its callbacks.
pub(super) struct Rest {
    pub(super) account: AccountId,
    pub(super) campaign: Option<CampaignId>,
    pub(super) later: DateTime<Utc>,
}

/// Writes the dispositions of calls that have none, and what follows; gives the accounts of those calls.
pub(super) async fn insert(conn: &mut PgConnection, records: &[Record]) -> Result<Vec<AccountId>> {
    let text = |field: fn(&Record) -> &String| records.iter().map(|record| field(record).clone()).collect::<Vec<_>>();
    let rest = |field: fn(&Rest) -> Option<Uuid>| {
        records.iter().map(|record| field(record.rest.as_ref()?)).collect::<Vec<Option<Uuid>>>()
    };
    let later: Vec<_> = records.iter().map(|record| record.rest.as_ref().map(|rest| rest.later)).collect();
    let touched = sqlx::query_scalar!(
        r#"WITH new AS (
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
                                  $7::uuid[], $8::uuid[], $9::timestamptz[])
               AS new (call, account, set_name, code, category, at, rests, campaign, later)),
           recorded AS (
             INSERT INTO call_disposition (call_id, set_name, code, category, at)
             SELECT call, set_name, code, category, at FROM new ON CONFLICT (call_id) DO NOTHING RETURNING call_id),
           fresh AS (SELECT new.* FROM new JOIN recorded ON recorded.call_id = new.call),
           rested AS (
             INSERT INTO campaign_account (campaign_id, account_id, last_outcome, not_before, not_before_why)
             SELECT DISTINCT ON (campaign, rests) campaign, rests, code, later, code FROM fresh
             WHERE campaign IS NOT NULL AND rests IS NOT NULL ORDER BY campaign, rests, at DESC
             ON CONFLICT (campaign_id, account_id) DO UPDATE
             SET last_outcome = excluded.last_outcome, not_before = excluded.not_before,
                 not_before_why = excluded.not_before_why),
           postponed AS (
             UPDATE callback SET due_at = fresh.later FROM fresh
             WHERE callback.account_id = fresh.rests AND callback.status = 'open' AND callback.due_at <= fresh.at)
           SELECT DISTINCT account AS "account!: AccountId" FROM fresh WHERE account IS NOT NULL"#,
        &records.iter().map(|record| record.call.0).collect::<Vec<_>>(),
        records.iter().map(|record| record.account.map(|account| account.0)).collect::<Vec<_>>() as _,
        &text(|record| &record.set),
        &text(|record| &record.code),
        &text(|record| &record.category),
        &records.iter().map(|record| record.at).collect::<Vec<_>>(),
        rest(|rest| Some(rest.account.0)) as _,
        rest(|rest| rest.campaign.map(|campaign| campaign.0)) as _,
        later as _
    )
    .fetch_all(conn)
    .await?;
    Ok(touched)
}
