//! `ledgerline export`: writes what was recorded here as a file that another ledger takes.

use std::path::PathBuf;

use anyhow::Context;
use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::Args;

use crate::{
    clock::Clock,
    config::Stores,
    db,
    export::{self, Profile},
    services,
};

/// What to write, and for whom.
#[derive(Debug, Args)]
pub struct Options {
    /// Which system takes it: generic, qbo, qbd-iif, sap, oracle.
    #[arg(long, value_parser = profile)]
    pub profile: Profile,

    /// Recorded on this day at the office, or later (YYYY-MM-DD).
    #[arg(long)]
    pub since: NaiveDate,

    /// Only of this portfolio.
    #[arg(long)]
    pub portfolio: Option<String>,

    /// The file; standard output where it is not given.
    #[arg(long)]
    pub out: Option<PathBuf>,

    /// The office's time zone (IANA): decides when the day begins.
    #[arg(long, env = "LEDGERLINE_ZONE", default_value = "America/New_York")]
    pub zone: Tz,

    /// Where the stores are.
    #[command(flatten)]
    pub stores: Stores,
}

fn profile(name: &str) -> Result<Profile, String> {
    Profile::from_name(name).ok_or_else(|| "one of generic, qbo, qbd-iif, sap, oracle".to_owned())
}

/// Writes the file.
///
/// # Errors
/// If Postgres is not there, or the file cannot be written.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let since = Clock::system(options.zone).start_of(options.since);
    let services = services::reach(&options.stores).await?;
    let pool = db::connect(&services.database_url, 2).await?;
    let mut conn = pool.acquire().await?;
    let text = export::file(&mut conn, options.profile, since, options.portfolio.as_deref()).await;
    drop(conn);
    pool.close().await;
    services.stop().await;
    let text = text?;
    if let Some(path) = options.out {
        return std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()));
    }
    print!("{text}");
    Ok(())
}
