//! `ledgerline bench`: the promised speeds, measured.

use clap::{Args, ValueEnum};

use crate::bench::{desk, pacing, pop, queue, rig::Rig, webhook};

/// What to measure.
#[derive(Debug, Args)]
pub struct Options {
    /// Only these; without any, all.
    #[arg(value_enum)]
    only: Vec<Suite>,

    /// Only these simulated scenarios (S1 to S15); without any, all.
    #[arg(long = "scenario", value_name = "ID")]
    scenarios: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// Status webhooks a second.
    Webhook,
    /// Answer webhook to screen-pop.
    Pop,
    /// Claims and rebuilds of the queue.
    Queue,
    /// Memory of idle agent sockets.
    Desk,
    /// Simulated days of every pacer, beside the exact optimum; takes minutes.
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
    if options.wants(Suite::Pacing) {
        println!("{}\n", pacing::tick::run());
        pacing::report::print(&options.scenarios);
        if options.only == [Suite::Pacing] {
            return Ok(());
        }
    }
    let rig = Rig::start("http://127.0.0.1:9").await?;
    if options.wants(Suite::Webhook) {
        println!("{}\n", webhook::run(&rig).await?);
    }
    if options.wants(Suite::Pop) {
        println!("{}\n", pop::run(&rig).await?);
    }
    // The last one: it stops the dialer, which would rebuild what is measured.
    if options.wants(Suite::Queue) {
        for ratio in queue::run(&rig.app).await? {
            println!("{ratio}\n");
        }
    }
    if options.wants(Suite::Desk) {
        println!("{}\n", desk::run(&rig).await?);
    }
    rig.finish().await
}
