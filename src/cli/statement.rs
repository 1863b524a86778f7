//! `ledgerline statement`: takes in a bank statement or a file of payments, as the page does.

use std::path::PathBuf;

use chrono_tz::Tz;
use clap::Args;

use crate::{
    cash::{lines, statement::mapping::StatementMapping},
    clock::Clock,
    config::Stores,
    db,
    error::Error,
    services,
};

/// What to take in, and how.
#[derive(Debug, Args)]
pub struct Options {
    /// A file of camt.053, camt.054, BAI2 or OFX, which is recognised, or CSV or XLSX.
    pub file: PathBuf,

    /// Whose customers pay into the account.
    #[arg(long)]
    pub portfolio: String,

    /// For CSV and XLSX: a TOML file that says which column means what, or a shipped mapping (bank, bank-semicolon, payments).
    #[arg(long)]
    pub mapping: Option<String>,

    /// For CSV: the bank account, where the mapping does not name it.
    #[arg(long)]
    pub bank_account: Option<String>,

    /// The office's time zone (IANA).
    #[arg(long, env = "LEDGERLINE_ZONE", default_value = "America/New_York")]
    pub zone: Tz,

    /// Where the stores are.
    #[command(flatten)]
    pub stores: Stores,
}

/// Takes the file in and prints what was new. What it is for is decided on the page.
///
/// # Errors
/// If the file or the mapping cannot be used (then nothing of it is taken in), or if Postgres is not there.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let mapping = mapping(&options)?;
    let bytes = std::fs::read(&options.file)
        .map_err(|error| Error::invalid(options.file.display().to_string(), error.to_string()))?;
    let name = options.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = lines::File { portfolio: &options.portfolio, name: &name, bytes: &bytes, mapping: mapping.as_ref() };
    let services = services::reach(&options.stores).await?;
    let outcome = take_in(&services, &Clock::system(options.zone), file).await;
    services.stop().await;
    outcome
}

async fn take_in(services: &services::Running, clock: &Clock, file: lines::File<'_>) -> anyhow::Result<()> {
    let pool = db::connect(&services.database_url, 2).await?;
    db::migrate(&pool).await?;
    let mut tx = pool.begin().await?;
    let loaded = lines::load(&mut tx, file, None, clock.now()).await?;
    tx.commit().await?;
    pool.close().await;
    for one in loaded {
        let before = if one.before { ", taken in before" } else { "" };
        println!(
            "{} {} of account {}{before}: {} new lines, {} known, {} known with another amount, {} pending left out, {} likely \
             somebody's",
            one.format, one.reference, one.bank_account, one.new, one.known, one.corrected, one.pending, one.identified
        );
    }
    Ok(())
}

fn mapping(options: &Options) -> anyhow::Result<Option<StatementMapping>> {
    let Some(name) = &options.mapping else { return Ok(None) };
    let mut mapping = match StatementMapping::named(name) {
        Some(shipped) => shipped?,
        None => StatementMapping::parse(
            &std::fs::read_to_string(name).map_err(|error| Error::invalid(name.clone(), error.to_string()))?,
        )?,
    };
    if options.bank_account.is_some() {
        mapping.bank_account.clone_from(&options.bank_account);
    }
    Ok(Some(mapping))
}
