//! Postgres: connections and migrations.

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

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
    sqlx::migrate!().run(pool).await.map_err(Error::internal("migrating the database"))?;
    // The catalogue is data that every database needs: campaigns and outcomes refer to it.
    crate::disposition::catalogue::seed(pool).await
}

/// Creates the database that `url` names, where the server does not have it. The name may be a plain word only.
///
/// # Errors
/// If the server cannot be reached or refuses.
pub async fn create_if_missing(url: &SecretString) -> Result<()> {
    let options: PgConnectOptions = url.expose_secret().parse()?;
    let name = options.get_database().unwrap_or_default().to_owned();
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
        return Err(Error::invalid("DATABASE_URL", "the database's name: lower-case letters, digits and _ only"));
    }
    let mut maintenance = options.database("postgres").connect().await?;
    let there = sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS "there!""#, name)
        .fetch_one(&mut maintenance)
        .await?;
    if !there {
        // A name cannot be a parameter; the check above leaves nothing to quote.
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut maintenance).await?;
    }
    maintenance.close().await?;
    Ok(())
}
