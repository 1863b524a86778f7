//! `ledgerline bench`: the promised speeds, measured.

use clap::{Args, ValueEnum};

use crate::bench::{
    account, aging, cash, desk, import, pacing, pop, queue,
    report::{Ratio, Summary},
    rig::Rig,
    webhook,
};

/// What to measure.
#[derive(Debug, Args)]
pub struct Options {
    /// Only these; without any, all but the simulated days.
    #[arg(value_enum)]
    only: Vec<Suite>,

    /// Only these simulated scenarios (S1 to S15); without any, all.
    #[arg(long = "scenario", value_name = "ID")]
    scenarios: Vec<String>,

    /// Invoices of the import, and so items of the aging, 1,000 to 10,000,000.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    invoices: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// Memory of idle agent sockets.
    Desk,
    /// Answer webhook to screen-pop.
    Pop,
    /// The account page with 5,000 open items.
    Account,
    /// Status webhooks a second.
    Webhook,
    /// Payments applied a second.
    Cash,
    /// Files of invoices.
    Import,
    /// What is owed by age.
    Aging,
    /// Claims and rebuilds of the queue.
    Queue,
    /// Simulated days of every pacer, beside the exact optimum; takes minutes, and is run only where it is named.
    Pacing,
}

impl Options {
    fn wants(&self, suite: Suite) -> bool {
        self.only.is_empty() || self.only.contains(&suite)
    }
}

/// Runs the wanted measurements one after the other.
///
/// # Errors
/// If the service to measure does not start or refuses what it is given.
pub async fn run(options: Options) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        eprintln!("note: this is a debug build; `make bench` measures a release build");
    }
    let mut measured = Vec::new();
    if options.wants(Suite::Pacing) {
        measured.push(printed(pacing::tick::run()));
    }
    if options.only.contains(&Suite::Pacing) {
        pacing::report::print(&options.scenarios);
    }
    if options.only != [Suite::Pacing] {
        measured.extend(on_a_rig(&options).await?);
    }
    println!("{}", Summary(&measured));
    Ok(())
}

/// What needs a service to measure.
async fn on_a_rig(options: &Options) -> anyhow::Result<Vec<Ratio>> {
    let mut measured = Vec::new();
    let rig = Rig::start("http://127.0.0.1:9").await?;
    // The first one: what others have freed would be used again, and count for nothing.
    if options.wants(Suite::Desk) {
        measured.push(printed(desk::run(&rig).await?));
    }
    if options.wants(Suite::Pop) {
        measured.push(printed(pop::run(&rig).await?));
    }
    if options.wants(Suite::Account) {
        measured.push(printed(account::run(&rig).await?));
    }
    if options.wants(Suite::Webhook) {
        measured.push(printed(webhook::run(&rig).await?));
    }
    if options.wants(Suite::Cash) {
        measured.push(printed(cash::run(&rig.app).await?));
    }
    // These empty the tables that others fill.
    if options.wants(Suite::Import) || options.wants(Suite::Aging) {
        measured.push(printed(import::run(&rig.app, rig.directory(), options.invoices).await?));
    }
    if options.wants(Suite::Aging) {
        measured.push(printed(aging::run(&rig.app).await?));
    }
    // The last one: it stops the dialer, which would rebuild what is measured.
    if options.wants(Suite::Queue) {
        measured.extend(queue::run(&rig.app).await?.into_iter().map(printed));
    }
    rig.finish().await?;
    Ok(measured)
}

/// Printed as soon as it is known.
fn printed(ratio: Ratio) -> Ratio {
    println!("{ratio}\n");
    ratio
}
