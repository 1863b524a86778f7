//! Postgres: connections and migrations.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::error::{Error, Result};

/// How long a request waits for a free connection.
const WAIT: Duration = Duration::from_secs(5);

/// A connection that has rested for longer is asked whether it still works before it is used. One that was used a
/// moment ago is not: the question costs as much as most statements.
const TRUSTED: Duration = Duration::from_secs(1);

/// Opens a pool of at most `connections`; waits at most 5 s for a free one.
///
/// # Errors
/// If the server cannot be reached.
pub async fn connect(url: &SecretString, connections: u32) -> Result<PgPool> {
    pool(connections)
        .connect(url.expose_secret())
        .await
        .map_err(|source| Error::Unavailable { what: "Postgres", source: source.into() })
}

/// Statements that all go by keys are planned once, not anew for every number of keys, and by the indexes even while
/// Postgres takes a table that has just begun to fill for an empty one.
const BY_KEYS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
                       SET enable_mergejoin = off";

/// From so many keys on [`plan_for_many`] is worth its two exchanges with Postgres.
pub const MANY: usize = 100;

/// Has the statements that follow read by keys, thousands of them, and what was read joined whole, until [`plan_as_usual`]
/// or the end of the transaction. Postgres would take few keys to come and join row by row, or, told how many, read whole
/// tables; a plan that it has kept of the same statement for one key is dropped. For statements that read each table by an
/// array of keys: any other join would read all of one. In a transaction on a connection of `App::db`, not nested.
///
/// # Errors
/// If Postgres is not available.
pub async fn plan_for_many(conn: &mut PgConnection) -> Result<()> {
    const PLANS: &str = "DISCARD PLANS; SET LOCAL plan_cache_mode = force_generic_plan; \
                         SET LOCAL enable_seqscan = off; SET LOCAL enable_nestloop = off";
    conn.execute(PLANS).await?;
    Ok(())
}

/// Ends what [`plan_for_many`] began.
///
/// # Errors
/// If Postgres is not available.
pub async fn plan_as_usual(conn: &mut PgConnection) -> Result<()> {
    const PLANS: &str =
        "SET LOCAL plan_cache_mode = auto; SET LOCAL enable_seqscan = on; SET LOCAL enable_nestloop = on";
    conn.execute(PLANS).await?;
    Ok(())
}

/// A pool to the same server as `db`, for what the carrier waits for, by keys alone. No statement waits longer than
/// 100 ms for a row that somebody else has locked.
#[must_use]
pub fn by_keys(db: &PgPool) -> PgPool {
    const CONNECTIONS: u32 = 8;
    another(db, CONNECTIONS, "SET lock_timeout = '100ms'")
}

/// A pool to the same server as `db`, for what may be done once more after a crash of the database, by keys alone: its
/// commits do not wait for the disk.
#[must_use]
pub fn relaxed(db: &PgPool) -> PgPool {
    const CONNECTIONS: u32 = 8;
    another(db, CONNECTIONS, "SET synchronous_commit = off")
}

/// Connects when it is first used.
fn another(db: &PgPool, connections: u32, settings: &'static str) -> PgPool {
    pool(connections)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                connection.execute(BY_KEYS).await?;
                connection.execute(settings).await.map(drop)
            })
        })
        .connect_lazy_with(db.connect_options().as_ref().clone())
}

fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new().max_connections(connections).acquire_timeout(WAIT).test_before_acquire(false).before_acquire(
        |connection, meta| {
            Box::pin(async move {
                if meta.idle_for < TRUSTED {
                    return Ok(true);
                }
                Ok(connection.ping().await.is_ok())
            })
        },
    )
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
