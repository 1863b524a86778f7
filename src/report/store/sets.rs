//! The sets of buckets.

use sqlx::PgConnection;

use crate::{
    error::{Error, Result},
    report::buckets::BucketSet,
};

/// All of them, by name.
///
/// # Errors
/// Those of Postgres.
pub async fn all(conn: &mut PgConnection) -> Result<Vec<BucketSet>> {
    Ok(sqlx::query_as!(BucketSet, "SELECT name, ends FROM aging_buckets ORDER BY name").fetch_all(conn).await?)
}

/// The set of that name; where none is named, the one called `standard`, or else the first by name.
///
/// # Errors
/// [`Error::NotFound`]; those of Postgres.
pub async fn choose(conn: &mut PgConnection, name: Option<&str>) -> Result<BucketSet> {
    sqlx::query_as!(
        BucketSet,
        "SELECT name, ends FROM aging_buckets WHERE name = coalesce($1, name) ORDER BY name <> 'standard', name LIMIT 1",
        name
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("set of buckets"))
}

/// Adds the set, or puts it in place of the one of its name.
///
/// # Errors
/// [`Error::Invalid`] for a set out of its limits; those of Postgres.
pub async fn put(conn: &mut PgConnection, set: &BucketSet) -> Result<()> {
    set.check()?;
    sqlx::query!(
        "INSERT INTO aging_buckets (name, ends) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET ends = excluded.ends",
        set.name,
        &set.ends
    )
    .execute(conn)
    .await?;
    Ok(())
}
