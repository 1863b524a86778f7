//! The rows of the catalogue and of what was recorded.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool, types::Json};

use super::{Category, Consequence, Disposition, Field, catalogue::Set};
use crate::{
    campaign::Settings,
    error::{Error, Result},
    ids::{AccountId, CallId, CallbackId, CampaignId, ContactPointId, InstalmentId, NoteId, UserId},
};

/// What a recording has to know about its call.
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) campaign: Option<CampaignId>,
    /// The campaign's; the defaults for a call without one.
    pub(super) settings: Settings,
    pub(super) account: Option<AccountId>,
    pub(super) currency: Option<String>,
    pub(super) contact_point: Option<ContactPointId>,
    /// Zones of the contact point.
    pub(super) zones: Vec<String>,
    /// The debtor's number.
    pub(super) number: String,
    pub(super) agent: Option<UserId>,
    /// Somebody has recorded a disposition; the service's own gives way.
    pub(super) recorded_by_person: bool,
    /// The policy asks who is speaking before the debt is spoken of, and the agent has not confirmed it.
    pub(super) stranger: bool,
}

struct DispositionRow {
    code: String,
    label: String,
    category: String,
    required: Vec<String>,
    consequence: Json<Consequence>,
    hotkey: Option<String>,
    automatic: bool,
}

impl TryFrom<DispositionRow> for Disposition {
    type Error = Error;

    fn try_from(row: DispositionRow) -> Result<Self> {
        let broken = || Error::internal("reading a disposition")(row.code.clone());
        Ok(Self {
            category: Category::from_name(&row.category).ok_or_else(broken)?,
            required: row
                .required
                .iter()
                .map(|name| Field::from_name(name).ok_or_else(broken))
                .collect::<Result<_>>()?,
            code: row.code,
            label: row.label,
            consequence: row.consequence.0,
            hotkey: row.hotkey,
            automatic: row.automatic,
        })
    }
}

/// The set in its order; empty if there is none of that name.
pub(crate) async fn set(db: &PgPool, name: &str) -> Result<Vec<Disposition>> {
    sqlx::query_as!(
        DispositionRow,
        r#"SELECT code, label, category, required, consequence AS "consequence: Json<Consequence>", hotkey, automatic
           FROM disposition WHERE set_name = $1 AND position >= 0 ORDER BY position"#,
        name
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Disposition::try_from)
    .collect()
}

/// An entry that may be chosen.
pub(super) async fn entry(db: impl PgExecutor<'_>, set: &str, code: &str) -> Result<Option<Disposition>> {
    sqlx::query_as!(
        DispositionRow,
        r#"SELECT code, label, category, required, consequence AS "consequence: Json<Consequence>", hotkey, automatic
           FROM disposition WHERE set_name = $1 AND code = $2 AND position >= 0"#,
        set,
        code
    )
    .fetch_optional(db)
    .await?
    .map(Disposition::try_from)
    .transpose()
}

/// Position -1 takes an entry out of use; calls that were recorded with it keep it.
pub(super) async fn replace_set(conn: &mut PgConnection, set: &Set) -> Result<()> {
    sqlx::query!("UPDATE disposition SET position = -1 WHERE set_name = $1", set.name).execute(&mut *conn).await?;
    for (position, entry) in (0_i16..).zip(&set.dispositions) {
        let required: Vec<String> = entry.required.iter().map(|field| field.as_str().to_owned()).collect();
        sqlx::query!(
            "INSERT INTO disposition (set_name, code, label, category, required, consequence, hotkey, automatic, position)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (set_name, code) DO UPDATE SET label = $3, category = $4, required = $5, consequence = $6,
                 hotkey = $7, automatic = $8, position = $9",
            set.name,
            entry.code,
            entry.label,
            entry.category.as_str(),
            &required,
            Json(&entry.consequence) as _,
            entry.hotkey,
            entry.automatic,
            position
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The call, its row locked.
pub(super) async fn lock_call(conn: &mut PgConnection, call: CallId) -> Result<Option<Call>> {
    let row = sqlx::query!(
        r#"SELECT c.campaign_id AS "campaign_id: CampaignId", g.settings AS "settings?: Json<Settings>",
                  c.account_id AS "account_id: AccountId", a.currency::text AS "currency?",
                  c.contact_point_id AS "contact_point_id: ContactPointId", p.zones AS "zones?",
                  c.direction, c.to_number, c.from_number, c.agent_id AS "agent_id: UserId",
                  d.user_id IS NOT NULL AS "recorded_by_person!",
                  coalesce((c.pop ->> 'identity_first')::boolean, false)
                    AND c.facts ->> 'identity_confirmed_at' IS NULL AS "stranger!"
           FROM call c
           LEFT JOIN campaign g ON g.id = c.campaign_id
           LEFT JOIN account a ON a.id = c.account_id
           LEFT JOIN contact_point p ON p.id = c.contact_point_id
           LEFT JOIN call_disposition d ON d.call_id = c.id
           WHERE c.id = $1 FOR UPDATE OF c"#,
        call.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Call {
        id: call,
        campaign: row.campaign_id,
        settings: row.settings.map(|settings| settings.0).unwrap_or_default(),
        account: row.account_id,
        currency: row.currency,
        contact_point: row.contact_point_id,
        zones: row.zones.unwrap_or_default(),
        number: if row.direction == "inbound" { row.from_number } else { row.to_number },
        agent: row.agent_id,
        recorded_by_person: row.recorded_by_person,
        stranger: row.stranger,
    }))
}

/// The answer that an idempotency key got before, with the hash of its request.
pub(super) async fn earlier_answer(
    conn: &mut PgConnection,
    user: UserId,
    key: &str,
) -> Result<Option<(Vec<u8>, serde_json::Value)>> {
    let row =
        sqlx::query!("SELECT request_hash, response FROM idempotency WHERE user_id = $1 AND key = $2", user.0, key)
            .fetch_optional(conn)
            .await?;
    Ok(row.map(|row| (row.request_hash, row.response)))
}

/// Keeps the answer of an idempotency key. False: another request has just used the key.
pub(super) async fn keep_answer(
    conn: &mut PgConnection,
    user: UserId,
    key: &str,
    request_hash: &[u8],
    answer: &serde_json::Value,
    now: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO idempotency (user_id, key, request_hash, status, response, at) VALUES ($1, $2, $3, 200, $4, $5)
         ON CONFLICT DO NOTHING",
        user.0,
        key,
        request_hash,
        answer,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A recording to write.
pub(super) struct NewRecord<'a> {
    pub(super) call: CallId,
    pub(super) set: &'a str,
    pub(super) disposition: &'a Disposition,
    pub(super) by: Option<UserId>,
    pub(super) note: Option<NoteId>,
    pub(super) now: DateTime<Utc>,
}

/// Writes the disposition of a call, and raises the call's version: who counts calls has to look again. A person's
/// replaces the service's own; the service's replaces none. False: there is one already.
pub(super) async fn insert_record(conn: &mut PgConnection, record: &NewRecord<'_>) -> Result<bool> {
    let done = sqlx::query!(
        "WITH record AS (
             INSERT INTO call_disposition (call_id, set_name, code, category, user_id, note_id, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (call_id) DO UPDATE
             SET set_name = $2, code = $3, category = $4, user_id = $5, note_id = $6, at = $7
             WHERE call_disposition.user_id IS NULL AND $5 IS NOT NULL
             RETURNING call_id)
         UPDATE call SET version = version + 1 FROM record WHERE call.id = record.call_id",
        record.call.0,
        record.set,
        record.disposition.code,
        record.disposition.category.as_str(),
        record.by.map(|by| by.0),
        record.note.map(|note| note.0),
        record.now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes which items a call was about.
pub(super) async fn insert_items(conn: &mut PgConnection, call: CallId, items: &[InstalmentId]) -> Result<()> {
    let items: Vec<uuid::Uuid> = items.iter().map(|item| item.0).collect();
    sqlx::query!(
        "INSERT INTO call_item (call_id, instalment_id) SELECT $1, id FROM unnest($2::uuid[]) AS item (id)
         ON CONFLICT DO NOTHING",
        call.0,
        &items
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Rests the account in the campaign until `not_before` (`None`: no rest); `removed`: takes it out for good.
pub(super) async fn rest(
    conn: &mut PgConnection,
    campaign: CampaignId,
    account: AccountId,
    code: &str,
    not_before: Option<DateTime<Utc>>,
    removed: bool,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO campaign_account (campaign_id, account_id, last_outcome, not_before, not_before_why, removed_why)
         VALUES ($1, $2, $3, $4, CASE WHEN $4::timestamptz IS NULL THEN NULL ELSE $3 END, CASE WHEN $5 THEN $3 END)
         ON CONFLICT (campaign_id, account_id) DO UPDATE
         SET last_outcome = $3, not_before = excluded.not_before, not_before_why = excluded.not_before_why,
             removed_why = coalesce(campaign_account.removed_why, excluded.removed_why)",
        campaign.0,
        account.0,
        code,
        not_before,
        removed
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A callback to write.
pub(super) struct NewCallback<'a> {
    pub(super) call: &'a Call,
    pub(super) account: AccountId,
    pub(super) for_agent: Option<UserId>,
    pub(super) due_at: DateTime<Utc>,
    pub(super) now: DateTime<Utc>,
}

pub(super) async fn insert_callback(conn: &mut PgConnection, new: &NewCallback<'_>) -> Result<CallbackId> {
    let id = CallbackId::generate();
    sqlx::query!(
        "INSERT INTO callback (id, account_id, campaign_id, contact_point_id, agent_id, due_at, status, call_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $8)",
        id.0,
        new.account.0,
        new.call.campaign.map(|campaign| campaign.0),
        new.call.contact_point.map(|point| point.0),
        new.for_agent.map(|agent| agent.0),
        new.due_at,
        new.call.id.0,
        new.now
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Somebody was reached: the callbacks that were due by `until` are done.
pub(super) async fn finish_callbacks(conn: &mut PgConnection, account: AccountId, until: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE callback SET status = 'done' WHERE account_id = $1 AND status = 'open' AND due_at <= $2",
        account.0,
        until
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Nobody was reached: the callbacks that were due are tried again at `later`.
pub(super) async fn postpone_callbacks(
    conn: &mut PgConnection,
    account: AccountId,
    now: DateTime<Utc>,
    later: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE callback SET due_at = $3 WHERE account_id = $1 AND status = 'open' AND due_at <= $2",
        account.0,
        now,
        later
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks the account's row: what is owed does not change under a recording.
pub(crate) async fn lock_account(conn: &mut PgConnection, account: AccountId) -> Result<()> {
    sqlx::query!("SELECT 1 AS one FROM account WHERE id = $1 FOR UPDATE", account.0).fetch_optional(conn).await?;
    Ok(())
}
