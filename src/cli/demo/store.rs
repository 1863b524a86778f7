//! What the demonstration remembers between starts.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, types::Json};

/// What was taken in, and as of which day the demonstration began.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Loaded {
    /// The first day.
    pub(super) as_of: Option<NaiveDate>,
    /// What was taken in.
    pub(super) portfolios: Vec<Portfolio>,
    /// The source that this start shows.
    #[serde(skip)]
    pub(super) show: String,
}

/// A portfolio that was taken in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Portfolio {
    /// Name of its file.
    pub(super) source: String,
    /// Its name in the database.
    pub(super) portfolio: String,
}

impl Loaded {
    /// The portfolio that this start shows.
    pub(super) fn shown(&self) -> Option<&Portfolio> {
        self.portfolios.iter().find(|portfolio| portfolio.source == self.show)
    }
}

pub(super) async fn loaded(db: &PgPool) -> sqlx::Result<Loaded> {
    let value = sqlx::query_scalar!(r#"SELECT value AS "value: Json<Loaded>" FROM setting WHERE key = 'demo'"#)
        .fetch_optional(db)
        .await?;
    Ok(value.map(|Json(loaded)| loaded).unwrap_or_default())
}

pub(super) async fn remember(db: &PgPool, loaded: &Loaded) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO setting (key, value) VALUES ('demo', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        Json(loaded) as _,
    )
    .execute(db)
    .await
    .map(drop)
}

/// When something last happened to a call or an agent.
pub(super) async fn last_event(db: &PgPool) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        r#"SELECT max(at) FROM (
               SELECT max(received_at) AS at FROM call_event
               UNION ALL SELECT max(heard_at) FROM call
               UNION ALL SELECT max(at) FROM agent_log
           ) AS latest"#,
    )
    .fetch_one(db)
    .await
}
