//! `ledgerline portfolio`: writes a made-up portfolio that `ledgerline import --mapping portfolio` reads.

use std::{fs::File, io::BufWriter, path::PathBuf};

use anyhow::Context;
use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::Args;

use crate::{
    clock::Clock,
    import::generate::{Portfolio, generate},
};

/// What to make up.
#[derive(Debug, Args)]
pub struct Options {
    /// How many accounts, 1 to 10000000.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub accounts: u64,

    /// The same seed gives the same file.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// The portfolio's day (YYYY-MM-DD). Today where it is not given.
    #[arg(long)]
    pub as_of: Option<NaiveDate>,

    /// CSV file to write.
    #[arg(long)]
    pub out: PathBuf,

    /// The office's time zone (IANA): decides which day is today.
    #[arg(long, env = "LEDGERLINE_ZONE", default_value = "America/New_York")]
    pub zone: Tz,
}

/// Writes the file.
///
/// # Errors
/// If it cannot be written.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let as_of = options.as_of.unwrap_or_else(|| Clock::system(options.zone).business_date());
    let path = options.out.display();
    let file = File::create(&options.out).with_context(|| format!("creating {path}"))?;
    let portfolio = Portfolio { accounts: options.accounts, seed: options.seed, as_of };
    let rows = generate(portfolio, BufWriter::new(file)).with_context(|| format!("writing {path}"))?;
    println!("{rows} invoices of {} accounts as of {as_of} in {path}", options.accounts);
    println!("Take them in: ledgerline import {path} --mapping portfolio --as-of {as_of}");
    Ok(())
}
