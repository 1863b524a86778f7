//! `ledgerline stores COMMAND…`: runs a program on the stores of the service, private ones included.

use std::process::ExitStatus;

use anyhow::Context;
use clap::Args;
use secrecy::ExposeSecret;
use tokio::process::Command;
use url::Url;

use crate::{config::Stores, services};

/// What to run.
#[derive(Debug, Args)]
pub struct Options {
    /// Where the stores are.
    #[command(flatten)]
    pub stores: Stores,

    /// The program and its arguments, such as `psql` or `pg_dump --file backup.sql`. Its environment names the stores:
    /// `DATABASE_URL`, `REDIS_URL`, and what the tools of Postgres read.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// Runs the program and waits for it; without a service that runs, the private stores are started for its time.
///
/// # Errors
/// If the stores or the program cannot be started, or the program fails.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let services = services::reach(&options.stores).await?;
    let status = status_of(&options.command, &services).await;
    services.stop().await;
    let status = status?;
    anyhow::ensure!(status.success(), "{}: {status}", options.command[0]);
    Ok(())
}

async fn status_of(command: &[String], services: &services::Running) -> anyhow::Result<ExitStatus> {
    let (program, arguments) = command.split_first().context("name a program")?;
    let database: Url = services.database_url.expose_secret().parse().context("DATABASE_URL")?;
    let socket = database.query_pairs().find(|(key, _)| key == "host").map(|(_, path)| path.into_owned());
    let host = socket.or_else(|| database.host_str().map(str::to_owned)).unwrap_or_default();
    Command::new(program)
        .args(arguments)
        .env("DATABASE_URL", services.database_url.expose_secret())
        .env("REDIS_URL", services.redis_url.expose_secret())
        .env("PGHOST", host)
        .env("PGPORT", database.port().unwrap_or(5432).to_string())
        .env("PGUSER", database.username())
        .env("PGPASSWORD", database.password().unwrap_or_default())
        .env("PGDATABASE", database.path().trim_start_matches('/'))
        .status()
        .await
        .with_context(|| format!("starting {program}"))
}
