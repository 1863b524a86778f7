//! `ledgerline migrate`: brings the schema up to date and ends.

use crate::{config::Stores, db, services};

/// Migrates the database that `stores` names.
///
/// # Errors
/// If the database cannot be reached or a migration fails.
pub async fn run(stores: &Stores) -> anyhow::Result<()> {
    let services = services::reach(stores).await?;
    let pool = db::connect(&services.database_url, 2).await?;
    db::migrate(&pool).await?;
    pool.close().await;
    services.stop().await;
    println!("The schema is up to date.");
    Ok(())
}
