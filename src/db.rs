//! Postgres: connections and migrations.

use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::error::{Error, Result};

/// Opens a pool of at most `connections`; waits at most 5 s for a free one.
///
/// # Errors
/// If the server cannot be reached.
pub async fn connect(url: &SecretString, connections: u32) -> Result<PgPool> {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(std::time::Duration::from_secs(5))
        .connect(url.expose_secret())
        .await
        .map_err(|source| Error::Unavailable { what: "Postgres", source: source.into() })
}

/// Brings the schema up to date. Two processes may do it at the same time: one waits for the other.
///
/// # Errors
/// If a migration fails, or one that was applied has been changed since.
pub async fn migrate(pool: &PgPool) -> Result<()> {
    sqlx::migrate!().run(pool).await.map_err(Error::internal("migrating the database"))
}
