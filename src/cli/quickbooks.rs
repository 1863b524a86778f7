//! `ledgerline quickbooks`: works at the live connection by hand.

use chrono_tz::Tz;
use clap::{Args, Subcommand};

use crate::{
    clock::Clock,
    config::{QuickBooks, Stores},
    db,
    quickbooks::{
        self, Link,
        client::Client,
        step::{Done, step},
    },
    services,
};

/// What to do with the connection.
#[derive(Debug, Args)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do with the connection. It is made on page `/connections`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write and read now, to the end.
    Sync(Box<With>),
    /// Say how it stands.
    Status(Box<With>),
}

/// What it is worked with.
#[derive(Debug, Args)]
pub struct With {
    /// The app at Intuit.
    #[command(flatten)]
    pub quickbooks: QuickBooks,

    /// The office's time zone (IANA): decides which day is today.
    #[arg(long, env = "LEDGERLINE_ZONE", default_value = "America/New_York")]
    pub zone: Tz,

    /// Where the stores are.
    #[command(flatten)]
    pub stores: Stores,
}

/// Works at the connection, or says how it stands.
///
/// # Errors
/// If nothing is connected, `QuickBooks` refuses, or Postgres is not there.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let (with, sync) = match options.command {
        Command::Sync(with) => (with, true),
        Command::Status(with) => (with, false),
    };
    let services = services::reach(&with.stores).await?;
    let outcome = on(&with, &services, sync).await;
    services.stop().await;
    outcome
}

async fn on(with: &With, services: &services::Running, sync: bool) -> anyhow::Result<()> {
    let pool = db::connect(&services.database_url, 4).await?;
    db::migrate(&pool).await?;
    let link = Link { db: pool.clone(), clock: Clock::system(with.zone), client: Client::new(&with.quickbooks)? };
    let worked = if sync { to_the_end(&link).await } else { Ok(()) };
    let status = quickbooks::status(&link).await;
    pool.close().await;
    worked?;
    println!("{}", serde_json::to_string_pretty(&status?)?);
    Ok(())
}

async fn to_the_end(link: &Link) -> anyhow::Result<()> {
    quickbooks::hurry(link).await?;
    loop {
        match step(link).await? {
            Done::Some => {}
            Done::All => return Ok(()),
            Done::Nothing => {
                anyhow::bail!("the service works at the connection at this moment: `status` says how it stands")
            }
            Done::Failed => {
                let company = quickbooks::status(link).await?.company;
                let error = company.and_then(|company| company.error).unwrap_or_default();
                anyhow::bail!("{error}");
            }
        }
    }
}
