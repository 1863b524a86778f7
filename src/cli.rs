//! The command line: one sub-command a file.

pub mod attempts;
pub mod bench;
pub mod bounce;
pub mod carrier;
pub mod demo;
pub mod dispositions;
pub mod export;
pub mod import;
pub mod migrate;
pub mod portfolio;
pub mod quickbooks;
pub mod replay;
pub mod replay_pacing;
pub mod serve;
pub mod statement;
pub mod stores;
pub mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{config::Stores, telemetry};

/// The backend of a call centre that collects receivables.
#[derive(Debug, Parser)]
#[command(name = "ledgerline", version, about)]
pub struct Cli {
    /// What is logged.
    #[command(flatten)]
    pub telemetry: telemetry::Options,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure the promised speeds.
    Bench(bench::Options),
    /// Run the service.
    Serve(Box<crate::config::Config>),
    /// Take a mail that came back, from standard input: marks the message and its address.
    Bounce(Box<bounce::Options>),
    /// Take in a file of receivables.
    Import(import::Options),
    /// Take in a bank statement.
    Statement(statement::Options),
    /// Write payments, promises, notes and adjustments as a file that another ledger takes.
    Export(export::Options),
    /// Read and write over the live connection to `QuickBooks Online`, or say how it stands.
    #[command(name = "quickbooks")]
    QuickBooks(quickbooks::Options),
    /// Take over the attempts of another dialer, so that counts do not begin at zero.
    Attempts(attempts::Options),
    /// Make up a portfolio to try the service with.
    Portfolio(portfolio::Options),
    /// Bring the database's schema up to date.
    Migrate(Stores),
    /// Run a program, such as psql, on the stores of the service.
    Stores(stores::Options),
    /// Create, list and disable users; make tokens for programs.
    User(Box<user::Options>),
    /// Load a set of dispositions from its file.
    Dispositions(dispositions::Options),
    /// Show the whole call centre at work: carrier, debtors and agents are emulated, one seat is yours.
    Demo(Box<demo::Options>),
    /// Post the samples of the provider contract to a running service, signed.
    Replay(replay::Options),
    /// Dial a recorded day of a campaign again by other pacers: talk minutes an hour against abandoned calls.
    ReplayPacing(replay_pacing::Options),
    /// Run an emulated carrier: people, machines and faults to dial against.
    Carrier(Box<crate::emulator::Config>),
}

/// Runs one command; an error is printed with its causes and ends in exit code 1.
#[must_use]
pub fn main(cli: Cli) -> ExitCode {
    telemetry::init(&cli.telemetry);
    crate::app::install_tls();
    let outcome = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(run(cli.command)),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ledgerline: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Bench(options) => bench::run(options).await,
        Command::Serve(config) => serve::run(*config).await,
        Command::Bounce(options) => bounce::run(*options).await,
        Command::Import(options) => import::run(options).await,
        Command::Statement(options) => statement::run(options).await,
        Command::Export(options) => export::run(options).await,
        Command::QuickBooks(options) => quickbooks::run(options).await,
        Command::Attempts(options) => attempts::run(options).await,
        Command::Portfolio(options) => portfolio::run(&options),
        Command::Migrate(stores) => migrate::run(&stores).await,
        Command::Stores(options) => stores::run(options).await,
        Command::User(options) => user::run(*options).await,
        Command::Dispositions(options) => dispositions::run(options).await,
        Command::Demo(options) => Box::pin(demo::run(*options)).await,
        Command::Replay(options) => replay::run(options).await,
        Command::ReplayPacing(options) => replay_pacing::run(options).await,
        Command::Carrier(config) => carrier::run(*config).await,
    }
}
