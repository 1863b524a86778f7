//! `ledgerline bounce`: takes a mail that came back. For the mail server to pipe into:
//! `bounces: "|ledgerline bounce"`.

use std::io::Read;

use anyhow::Context;
use clap::Args;

use crate::{app::App, config::Config, message::bounce, services};

/// Bytes of a mail at most: the report stands at the beginning.
const MOST_BYTES: u64 = 1024 * 1024;

/// The stores, as for `ledgerline serve`.
#[derive(Debug, Args)]
pub struct Options {
    /// As for `ledgerline serve`.
    #[command(flatten)]
    pub config: Config,
}

/// Reads a mail from standard input and marks the message it is about.
///
/// # Errors
/// If it is no delivery report, or the stores cannot be reached.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let mut mail = Vec::new();
    std::io::stdin().take(MOST_BYTES).read_to_end(&mut mail).context("reading the mail")?;
    let services = services::reach(&options.config.stores).await?;
    let app = App::open(options.config, &services).await?;
    let outcome = bounce::take(&app, &mail).await;
    app.close().await;
    services.stop().await;
    let taken = outcome?;
    match taken.message {
        Some(message) if taken.bounced => println!("message {message} has bounced"),
        Some(message) => println!("message {message}: nothing new"),
        None => println!("a report about none of our messages"),
    }
    Ok(())
}
