//! A store that was left behind by a process that crashed.
//!
//! Whoever holds the lock of a data directory owns every store in it, so one that still runs there is an orphan: most
//! often it is on its way out, told by the kernel that its parent is gone.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::bail;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::child::LOOK_EVERY;

/// Ends the process named in the first line of `pid_file`, if it runs on `directory`, and waits until it is gone.
///
/// A process that only happens to have the same number (common in containers) is left alone, and the file is removed:
/// the store would take it for its own and refuse to start.
pub(super) fn end(pid_file: &Path, directory: &Path) -> anyhow::Result<()> {
    const GONE_WITHIN: Duration = Duration::from_secs(30);
    let Some(pid) = read_pid(pid_file) else { return Ok(()) };
    let Some(command_line) = command_line(pid) else { return Ok(()) };
    if !command_line.contains(&*directory.to_string_lossy()) {
        let _ = std::fs::remove_file(pid_file);
        return Ok(());
    }
    tracing::info!(process = pid.as_raw(), "ending a store that a crash left behind");
    // SIGINT is Postgres' fast shutdown; repeating it does no harm.
    let _ = kill(pid, Signal::SIGINT);
    let begun = Instant::now();
    while self::command_line(pid).is_some() {
        if begun.elapsed() > GONE_WITHIN {
            bail!("process {pid} still runs on {} after {GONE_WITHIN:?}; end it", directory.display());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

fn read_pid(pid_file: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(pid_file).ok()?;
    let pid: i32 = text.lines().next()?.trim().parse().ok()?;
    (pid > 1).then(|| Pid::from_raw(pid))
}

/// What the process was started with; `None` once it is gone, and where the system has no `/proc`: there Postgres'
/// own check has to do.
fn command_line(pid: Pid) -> Option<String> {
    let text = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    // Empty: a process that has ended and is not reaped yet.
    (!text.is_empty()).then(|| String::from_utf8_lossy(&text).into_owned())
}
