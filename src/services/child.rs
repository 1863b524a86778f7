//! One server process.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::place::Place;

/// How often a state that only polling shows is looked at.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A log that has grown beyond this many bytes is set aside at the next start.
const LOG_LIMIT: u64 = 16 << 20;

/// A server process that is ours. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Child {
    name: &'static str,
    process: process::Child,
    log: PathBuf,
    /// What asks it to end in good order.
    stop: Signal,
}

impl Child {
    /// Starts `command` as the user of `place`, with its output in a log there.
    ///
    /// The kernel sends it `stop` when the *thread* that calls this ends: call it from one that lives as long as the
    /// child should.
    pub(super) fn spawn(name: &'static str, mut command: Command, place: &Place, stop: Signal) -> anyhow::Result<Self> {
        let log = place.log_of(name);
        let output = open_log(&log).with_context(|| format!("opening {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).current_dir("/");
        place.identity().apply(&mut command);
        // Ctrl-C in a terminal goes to our process group: the stores must outlive our own shutdown.
        command.process_group(0);
        end_with_parent(&mut command, stop);
        let process = command.spawn().with_context(|| format!("starting {}", command.get_program().display()))?;
        Ok(Self { name, process, log, stop })
    }

    /// Its name, for messages.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Waits until `ready` holds.
    pub(super) fn wait_until(&mut self, limit: Duration, ready: impl Fn() -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !ready() {
            if let Some(status) = self.ended() {
                bail!("{} ended ({status}) instead of starting; {}", self.name, end_of_log(&self.log));
            }
            if begun.elapsed() > limit {
                bail!("{} was not ready after {limit:?}; {}", self.name, end_of_log(&self.log));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<process::ExitStatus> {
        self.process.try_wait().ok().flatten()
    }

    /// Ends it in good order, or by force once `limit` is over; returns when it is gone.
    pub(super) fn stop(mut self, limit: Duration) {
        let begun = Instant::now();
        self.signal(self.stop);
        while self.ended().is_none() {
            if begun.elapsed() > limit {
                tracing::warn!(store = self.name, "did not stop within {limit:?}; killing it");
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn signal(&self, signal: Signal) {
        let Ok(pid) = i32::try_from(self.process.id()) else { return };
        if let Err(error) = kill(Pid::from_raw(pid), signal) {
            tracing::debug!(store = self.name, %error, "not signalled");
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.ended().is_none() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// Lets the kernel send `signal` to the child when the thread that started it is gone, even by SIGKILL.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "code between fork and exec; it makes two system calls and allocates nothing")]
fn end_with_parent(command: &mut Command, signal: Signal) {
    let parent = Pid::this();
    let ask_kernel = move || {
        nix::sys::prctl::set_pdeathsig(signal)?;
        // The parent may have died before the kernel was asked.
        if nix::unistd::getppid() == parent { Ok(()) } else { Err(io::Error::from(nix::Error::ESRCH)) }
    };
    // SAFETY: `ask_kernel` is async-signal-safe, as code between fork and exec has to be.
    unsafe { command.pre_exec(ask_kernel) };
}

/// Other systems cannot; a store that outlives its parent is ended by the next start.
#[cfg(not(target_os = "linux"))]
fn end_with_parent(_command: &mut Command, _signal: Signal) {}

fn open_log(path: &Path) -> io::Result<File> {
    if path.metadata().is_ok_and(|found| found.len() > LOG_LIMIT) {
        std::fs::rename(path, path.with_extension("log.old"))?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// What the log says last, for an error message; the stores log nothing personal.
fn end_of_log(path: &Path) -> String {
    const LINES: usize = 5;
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(LINES).collect();
    let end: Vec<&str> = lines.into_iter().rev().collect();
    format!("{} ends with:\n{}", path.display(), end.join("\n"))
}
