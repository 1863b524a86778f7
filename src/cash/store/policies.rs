//! How cash is applied, by portfolio and kind of debtor.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, types::Json};
use utoipa::ToSchema;

use crate::{
    account,
    allocation::Policy,
    error::{Error, Result},
    ids::UserId,
};

/// How the cash of some debtors is applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CashPolicy {
    /// Whose customers; `*`: everybody who has no line of their own.
    pub portfolio: String,
    /// `consumer`, `commercial` or `*`.
    pub party_kind: String,
    /// No payment may be applied to what is disputed, whoever asks.
    pub spare_disputed: bool,
    /// The rules.
    #[serde(default)]
    pub rules: Policy,
}

/// All of them.
///
/// # Errors
/// Those of Postgres.
pub async fn all(conn: &mut PgConnection) -> Result<Vec<CashPolicy>> {
    let rows = sqlx::query!(
        r#"SELECT portfolio, party_kind, spare_disputed, body AS "body: Json<Policy>" FROM cash_policy
           ORDER BY portfolio, party_kind"#
    )
    .fetch_all(conn)
    .await?;
    let policies = rows.into_iter().map(|row| CashPolicy {
        portfolio: row.portfolio,
        party_kind: row.party_kind,
        spare_disputed: row.spare_disputed,
        rules: row.body.0,
    });
    Ok(policies.collect())
}

/// Sets one.
///
/// # Errors
/// [`Error::Invalid`] for rules that are not in order.
pub async fn set(conn: &mut PgConnection, policy: &CashPolicy, by: UserId, now: DateTime<Utc>) -> Result<()> {
    if let Some((field, detail)) = policy.rules.fault() {
        return Err(Error::invalid(format!("rules.{field}"), detail));
    }
    if !["*", "consumer", "commercial"].contains(&policy.party_kind.as_str()) {
        return Err(Error::invalid("party_kind", "expected consumer, commercial or *"));
    }
    if !(1..=64).contains(&policy.portfolio.chars().count()) {
        return Err(Error::invalid("portfolio", "expected 1 to 64 characters"));
    }
    sqlx::query!(
        "INSERT INTO cash_policy (portfolio, party_kind, spare_disputed, body) VALUES ($1, $2, $3, $4)
         ON CONFLICT (portfolio, party_kind) DO UPDATE SET spare_disputed = excluded.spare_disputed, body = excluded.body",
        policy.portfolio,
        policy.party_kind,
        policy.spare_disputed,
        Json(&policy.rules) as _
    )
    .execute(&mut *conn)
    .await?;
    let id = format!("{} {}", policy.portfolio, policy.party_kind);
    let detail = serde_json::to_value(policy).map_err(Error::internal("writing the audit"))?;
    account::store::audit_of(conn, by, "set_cash_policy", ("cash_policy", &id), detail, now).await
}
