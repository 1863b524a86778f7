//! `ledgerline import`: takes in a file of receivables.

use std::{io::IsTerminal, path::PathBuf};

use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    clock::Clock,
    config::Stores,
    db,
    import::{ImportJob, import_file, mapping::Mapping},
    services,
};

/// What to take in, and how.
#[derive(Debug, Args)]
pub struct Options {
    /// CSV or XLSX file.
    pub file: PathBuf,

    /// Which column means what: a TOML file, or a shipped mapping (open-items, customers, invoices-us-dates, portfolio).
    #[arg(long, required_unless_present = "profile")]
    pub mapping: Option<String>,

    /// Which system the file comes from: generic, qbo-aging, qbo-json, qbd-iif, sap-fbl5n, sap-fbl5n-us, oracle-ar. The
    /// shipped mapping of that name.
    #[arg(long, conflicts_with = "mapping")]
    pub profile: Option<String>,

    /// The portfolio's day (YYYY-MM-DD): what came later is not known yet. Today where it is not given.
    #[arg(long)]
    pub as_of: Option<NaiveDate>,

    /// Change nothing; say what would change.
    #[arg(long)]
    pub dry_run: bool,

    /// Change nothing if any row is refused.
    #[arg(long)]
    pub strict: bool,

    /// The file lists all that is open: close what earlier files listed and it does not. Changes nothing if any row is
    /// refused.
    #[arg(long)]
    pub complete: bool,

    /// With --complete: how much of what was open the file may leave out, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 50, requires = "complete",
          value_parser = clap::value_parser!(u8).range(0..=100))]
    pub most_missing: u8,

    /// Portfolio to take it into; account numbers are unique inside it. The mapping's where it is not given.
    #[arg(long)]
    pub portfolio: Option<String>,

    /// Where the mapping has no column for phones: give each account a fictional number (555-0100 to 555-0199), chosen by
    /// this seed.
    #[arg(long, value_name = "SEED")]
    pub fake_phones: Option<u64>,

    /// Where refused rows go; beside the file where it is not given.
    #[arg(long)]
    pub rejects: Option<PathBuf>,

    /// The office's time zone (IANA): decides which day is today.
    #[arg(long, env = "LEDGERLINE_ZONE", default_value = "America/New_York")]
    pub zone: Tz,

    /// Where the stores are.
    #[command(flatten)]
    pub stores: Stores,
}

/// Takes the file in and prints what was done.
///
/// # Errors
/// If the file or the mapping cannot be used, if a row was refused under `--strict`, or if Postgres is not there.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let clock = Clock::system(options.zone);
    let job = ImportJob {
        mapping: Mapping::load(options.mapping.as_deref().or(options.profile.as_deref()).unwrap_or_default())?,
        as_of: options.as_of.unwrap_or_else(|| clock.business_date()),
        file: options.file,
        portfolio: options.portfolio,
        dry_run: options.dry_run,
        strict: options.strict,
        complete: options.complete.then_some(options.most_missing),
        fake_phones: options.fake_phones,
        rejects: options.rejects,
    };
    let services = services::reach(&options.stores).await?;
    let outcome = take_in(&services, &clock, &job).await;
    services.stop().await;
    outcome
}

async fn take_in(services: &services::Running, clock: &Clock, job: &ImportJob) -> anyhow::Result<()> {
    let pool = db::connect(&services.database_url, 2).await?;
    db::migrate(&pool).await?;
    let bar = progress_bar();
    let outcome = import_file(&pool, clock, job, |progress| {
        bar.set_position(progress.permille.into());
        bar.set_message(format!("{} rows", progress.rows));
    })
    .await;
    bar.finish_and_clear();
    pool.close().await;
    let report = outcome?;
    println!("{report}");
    if (job.strict || job.complete.is_some()) && report.counts.rejected > 0 {
        let which = if job.strict { "--strict" } else { "--complete" };
        anyhow::bail!("{} rows were refused, and {which} takes all or nothing", report.counts.rejected);
    }
    Ok(())
}

/// A bar on a terminal, nothing in a pipe or a log.
fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} % {msg}, {elapsed}");
    ProgressBar::new(1000).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
