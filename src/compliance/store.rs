//! Circumstances read from Postgres, and receipts: one row each, allowed or not, never changed.

mod foreign;
mod receipts;
mod refusals;
mod wishes;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

pub use self::{
    foreign::add_foreign,
    receipts::{receipt, receipts_since},
    refusals::{Refused, forget_other_policies, forget_refusals, forget_refusals_of, refused},
    wishes::{add_wish, revoke_wish, wishes},
};
use super::{
    PermitRequest, Receipt, Refusal,
    book::{Book, Policies},
    calendar::Calendar,
    circumstances::Circumstances,
    history::{self, Known},
    scope::Party,
    wish::Wish,
};
use crate::{
    error::{Error, Result},
    ids::{AccountId, CallId, CampaignId, ContactPointId, DecisionId, PersonId},
    money::Currency,
    phone::{Phone, jurisdiction, zones::Place},
};

/// Proof that a dial was looked at, allowed, and that the receipt of it is kept. Only [`keep`] makes one, and nothing
/// dials without.
///
/// ```compile_fail,E0451
/// use ledgerline::{compliance::DialPermit, ids::{AccountId, ContactPointId, DecisionId}};
/// let (decision, account) = (DecisionId::generate(), AccountId::generate());
/// let contact_point = ContactPointId::generate();
/// let forged = DialPermit { decision, account, contact_point };
/// ```
#[derive(Debug)]
pub struct DialPermit {
    decision: DecisionId,
    account: AccountId,
    contact_point: ContactPointId,
}

impl DialPermit {
    /// Where the receipt is kept.
    #[must_use]
    pub fn decision(&self) -> DecisionId {
        self.decision
    }

    /// Whom it allows to call.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// On which number.
    #[must_use]
    pub fn contact_point(&self) -> ContactPointId {
        self.contact_point
    }
}

/// Keeps the receipt in the caller's transaction; the permit counts once that commits. What is refused is not offered by
/// the queue before its moment.
///
/// # Errors
/// If Postgres fails.
pub async fn keep(
    conn: &mut PgConnection,
    campaign: CampaignId,
    receipt: Receipt,
) -> Result<std::result::Result<DialPermit, Refusal>> {
    let Receipt { request, at, policy_version, findings, refusal } = receipt;
    let written = Error::internal("writing down the facts of a verdict");
    let facts = serde_json::to_value(&request).map_err(written)?;
    let written = Error::internal("writing down the findings of a verdict");
    let findings = serde_json::to_value(&findings).map_err(written)?;
    sqlx::query!(
        "INSERT INTO dial_decision
             (id, campaign_id, account_id, contact_point_id, at, permitted, rule, cite, next_allowed_at, facts, policy,
              policy_version, findings, consented_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        request.decision.0,
        campaign.0,
        request.account.0,
        request.contact_point.0,
        at,
        refusal.is_none(),
        refusal.as_ref().map(|refusal| refusal.rule.as_str()),
        refusal.as_ref().map(|refusal| refusal.cite.as_str()),
        refusal.as_ref().and_then(|refusal| refusal.next_allowed_at),
        facts,
        request.policy,
        policy_version,
        findings,
        request.consented_at,
    )
    .execute(&mut *conn)
    .await?;
    if let Some(refusal) = &refusal {
        refusals::note(conn, campaign, &request, &policy_version, refusal).await?;
    }
    let PermitRequest { decision, account, contact_point, .. } = request;
    Ok(match refusal {
        Some(refusal) => Err(refusal),
        None => Ok(DialPermit { decision, account, contact_point }),
    })
}

/// Puts the book down under its version, once: receipts name it.
///
/// # Errors
/// If Postgres fails.
pub async fn note_version(conn: &mut PgConnection, policies: &Policies, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO policy_version (hash, book, first_used_at) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING",
        &*policies.version,
        Json(&*policies.book) as _,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The book of a version; `None`: the one that was put down last.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn book(conn: &mut PgConnection, version: Option<&str>) -> Result<Book> {
    let book = sqlx::query_scalar!(
        r#"SELECT book AS "book: Json<Book>" FROM policy_version WHERE $1::text IS NULL OR hash = $1
           ORDER BY first_used_at DESC, hash LIMIT 1"#,
        version
    )
    .fetch_optional(conn)
    .await?;
    book.map(|book| book.0).ok_or(Error::NotFound("policy version"))
}

/// A calendar of the book that was put down last.
///
/// # Errors
/// If Postgres fails.
pub async fn calendar(conn: &mut PgConnection, name: &str) -> Result<Option<Calendar>> {
    let found = sqlx::query_scalar!(
        r#"SELECT book -> 'calendars' -> $1::text AS "calendar: Json<Calendar>" FROM policy_version
           ORDER BY first_used_at DESC, hash LIMIT 1"#,
        name
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.flatten().map(|found| found.0))
}

/// What a call is about, as far as policies ask.
pub(super) struct Subject {
    pub(super) call: CallId,
    /// What its receipt was asked.
    pub(super) request: Option<Json<PermitRequest>>,
    pub(super) policy_version: Option<String>,
    pub(super) campaign: Option<CampaignId>,
    pub(super) contact_point: Option<ContactPointId>,
    pub(super) inbound: bool,
}

/// What calls are about.
pub(super) async fn subjects(conn: &mut PgConnection, calls: &[CallId]) -> Result<Vec<Subject>> {
    let calls: Vec<Uuid> = calls.iter().map(|call| call.0).collect();
    let subjects = sqlx::query_as!(
        Subject,
        r#"SELECT c.id AS "call!: CallId", v.facts AS "request?: Json<PermitRequest>",
                  v.policy_version AS "policy_version?",
                  c.campaign_id AS "campaign?: CampaignId", c.contact_point_id AS "contact_point?: ContactPointId",
                  c.direction = 'inbound' AS "inbound!"
           FROM call c LEFT JOIN dial_decision v ON v.id = c.decision_id WHERE c.id = ANY ($1)"#,
        &calls
    );
    Ok(subjects.fetch_all(conn).await?)
}

/// Open accounts of a portfolio, or of all, in the order of their ids, from `after` on.
///
/// # Errors
/// If Postgres fails.
pub async fn accounts_after(
    conn: &mut PgConnection,
    portfolio: Option<&str>,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<AccountId>> {
    let accounts = sqlx::query_scalar!(
        r#"SELECT id AS "id: AccountId" FROM account
           WHERE status = 'open' AND ($1::text IS NULL OR portfolio = $1) AND ($2::uuid IS NULL OR id > $2)
           ORDER BY id LIMIT $3"#,
        portfolio,
        after.map(|account| account.0),
        limit
    );
    Ok(accounts.fetch_all(conn).await?)
}

/// Locks names until the transaction ends, in one order whatever order they come in.
pub(super) async fn lock(conn: &mut PgConnection, names: &[String]) -> Result<()> {
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) AS "locked!: ()"
           FROM (SELECT name FROM unnest($1::text[]) name ORDER BY name OFFSET 0) names"#,
        names
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// A row of the query; see the file.
struct Row {
    contact_point: ContactPointId,
    account: AccountId,
    person: PersonId,
    value: String,
    label: String,
    zones: Vec<String>,
    valid: bool,
    do_not_call: Option<String>,
    party_kind: String,
    currency: String,
    country: Option<String>,
    region: Option<String>,
    city: Option<String>,
    postal_code: Option<String>,
    stated_zone: Option<String>,
    language: Option<String>,
    guaranteed: bool,
    callback_made_at: Option<DateTime<Utc>>,
    asked_at: Option<DateTime<Utc>>,
    consent_revoked_at: Option<DateTime<Utc>>,
    wishes: Json<Vec<Wish>>,
    history: Json<Vec<Known>>,
}

/// The circumstances of contact points as of `now`.
///
/// # Errors
/// If Postgres fails, or a row cannot be read.
pub async fn circumstances(
    conn: &mut PgConnection,
    points: &[ContactPointId],
    now: DateTime<Utc>,
) -> Result<Vec<Circumstances>> {
    let points: Vec<Uuid> = points.iter().map(|point| point.0).collect();
    let since = now - TimeDelta::days(history::DAYS.into());
    let rows =
        sqlx::query_file_as!(Row, "src/compliance/sql/circumstances.sql", &points, now, since).fetch_all(conn).await?;
    rows.into_iter().map(Row::read).collect()
}

impl Row {
    fn read(self) -> Result<Circumstances> {
        let phone: Option<Phone> = self.value.parse().ok();
        let place = Place {
            country: self.country.as_deref(),
            region: self.region.as_deref(),
            postal: self.postal_code.as_deref(),
            stated: self.stated_zone.as_deref().and_then(|zone| zone.parse().ok()),
        };
        let jurisdictions = jurisdiction::of_point(phone.as_ref(), place, self.city.as_deref());
        let zones: Option<Vec<Tz>> = self.zones.iter().map(|zone| zone.parse().ok()).collect();
        let party = match (self.party_kind.as_str(), self.guaranteed) {
            ("commercial", false) => Party::Business,
            ("commercial", true) => Party::NaturalGuarantor,
            _ => Party::Consumer,
        };
        Ok(Circumstances {
            account: self.account,
            contact_point: self.contact_point,
            person: self.person,
            party,
            currency: Currency::parse(&self.currency).map_err(Error::internal("reading the account's currency"))?,
            jurisdictions,
            label: self.label,
            valid: self.valid,
            do_not_call: self.do_not_call,
            zones: zones.unwrap_or_default(),
            language: self.language.filter(|language| !language.is_empty()),
            wishes: self.wishes.0,
            history: self.history.0.into_iter().map(Known::read).collect(),
            asked_at: self.asked_at,
            consent_revoked_at: self.consent_revoked_at,
            callback_made_at: self.callback_made_at,
        })
    }
}
