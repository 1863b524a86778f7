//! `ledgerline attempts`: takes over the attempts that another dialer made, so that counts do not begin at zero.

use std::{fs::File, path::PathBuf};

use anyhow::Context;
use clap::Args;

use crate::{
    clock::Clock,
    compliance::{migrate, store},
    config::Stores,
    db, services,
};

/// Attempts written at once.
const AT_ONCE: usize = 5000;

/// What to take over.
#[derive(Debug, Args)]
pub struct Options {
    /// CSV file with the columns number (E.164), at (RFC 3339), result, and where known account, portfolio and direction.
    file: PathBuf,

    /// Name of the other dialer, 1 to 64 characters: the same attempt of the same source is taken once.
    #[arg(long)]
    source: String,

    /// Where they go.
    #[command(flatten)]
    stores: Stores,
}

/// Reads the file and adds what is new of the last 31 days.
///
/// # Errors
/// If the file cannot be used, or Postgres is not there.
pub async fn run(options: Options) -> anyhow::Result<()> {
    anyhow::ensure!((1..=64).contains(&options.source.chars().count()), "--source must have 1 to 64 characters");
    let file = File::open(&options.file).with_context(|| format!("opening {}", options.file.display()))?;
    let now = Clock::system(chrono_tz::UTC).now();
    let found = migrate::read(file, now)?;
    let services = services::reach(&options.stores).await?;
    let pool = db::connect(&services.database_url, 2).await?;
    db::migrate(&pool).await?;
    let mut new = 0;
    let mut tx = pool.begin().await?;
    for attempts in found.attempts.chunks(AT_ONCE) {
        new += store::add_foreign(&mut tx, &options.source, attempts, now).await?;
    }
    tx.commit().await?;
    pool.close().await;
    services.stop().await;
    for (line, why) in &found.refused {
        eprintln!("line {line}: {why}");
    }
    println!(
        "{} attempts are new, {} were known, {} are too old to count, {} lines were refused.",
        new,
        found.attempts.len() as u64 - new,
        found.too_old,
        found.refused.len()
    );
    Ok(())
}
