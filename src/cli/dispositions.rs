//! `ledgerline dispositions`: loads a set of dispositions from its file.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::{config::Stores, db, disposition::catalogue, services};

/// Which set to load.
#[derive(Debug, Args)]
pub struct Options {
    /// TOML file of the set; `dispositions/standard.toml` shows the form.
    file: PathBuf,

    /// Where it goes.
    #[command(flatten)]
    stores: Stores,
}

/// Checks the file, and puts its set in place of the one of the same name.
///
/// # Errors
/// If the file is wrong, naming the disposition and the field, or the database cannot be reached.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(&options.file).with_context(|| format!("reading {}", options.file.display()))?;
    let set = catalogue::read(&text)?;
    let services = services::reach(&options.stores).await?;
    let pool = db::connect(&services.database_url, 2).await?;
    db::migrate(&pool).await?;
    catalogue::load(&pool, &set).await?;
    pool.close().await;
    services.stop().await;
    println!("The set {} has {} dispositions.", set.name, set.dispositions.len());
    Ok(())
}
