//! `ledgerline carrier`: an emulated carrier in a process of its own.

use crate::{clock::Clock, emulator};

/// Serves until Ctrl-C.
///
/// # Errors
/// If the address is taken.
pub async fn run(config: emulator::Config) -> anyhow::Result<()> {
    let (account, speed, rate) = (config.account_sid.clone(), config.speed, config.calls_per_second);
    let carrier = emulator::start(config, Clock::system(chrono_tz::UTC)).await?;
    println!("emulated carrier on {}  (account {account}, speed {speed}, {rate} calls a second)", carrier.base_url);
    println!("  steer it under {}emulator/  (next, posted, inbound, faults, statistics)", carrier.base_url);
    println!("  Ctrl-C stops it");
    tokio::signal::ctrl_c().await?;
    carrier.stop().await;
    Ok(())
}
