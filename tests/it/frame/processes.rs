//! The binary as a process: signals and crashes.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{DataDir, processes_on};

/// `ledgerline serve` on a data directory of its own.
struct Service(Child);

impl Service {
    /// Starts it and waits until it serves.
    fn start(directory: &Path) -> Self {
        Self::start_until(directory, "serving")
    }

    /// Starts it and waits until it has logged `last_word`.
    fn start_until(directory: &Path, last_word: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ledgerline"))
            .args(["--log", "info,sqlx=warn", "serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(directory)
            .env_remove("DATABASE_URL")
            .env_remove("REDIS_URL")
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let log = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut lines = log.lines().map_while(Result::ok);
        let mut said = Vec::new();
        while !said.last().is_some_and(|line: &String| line.contains(last_word)) {
            said.push(lines.next().unwrap_or_else(|| panic!("it ended before it served: {}", said.join("\n"))));
        }
        // Read on, so that the service never waits for a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self(child)
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.0.id().try_into().expect("an id"));
        kill(pid, signal).expect("it runs");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_until_gone(directory: &Path) {
    let begun = Instant::now();
    while !processes_on(directory).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30), "left: {:?}", processes_on(directory));
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_signal_ends_the_service_and_its_stores() {
    let directory = DataDir::new("signal");
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut service = Service::start(&directory.0);
        assert!(processes_on(&directory.0).len() >= 3, "service, Postgres, Redis");
        service.signal(signal);
        let status = service.0.wait().expect("it ends");
        assert!(status.success(), "{signal}: {status}");
        assert_eq!(processes_on(&directory.0), Vec::<u32>::new(), "{signal}");
    }
}

#[test]
fn a_signal_during_the_start_ends_it_and_what_it_had_started() {
    let directory = DataDir::new("early");
    let mut service = Service::start_until(&directory.0, "making a Postgres data directory");
    service.signal(Signal::SIGTERM);
    let status = service.0.wait().expect("it ends");
    assert!(status.success(), "{status}");
    assert_eq!(processes_on(&directory.0), Vec::<u32>::new());
}

#[test]
fn a_killed_service_takes_its_stores_along_and_starts_again() {
    let directory = DataDir::new("killed");
    let mut first = Service::start(&directory.0);
    first.signal(Signal::SIGKILL);
    first.0.wait().expect("it ends");
    // At once, while the old Postgres may still be on its way out.
    let mut second = Service::start(&directory.0);
    second.signal(Signal::SIGKILL);
    second.0.wait().expect("it ends");
    wait_until_gone(&directory.0);
}
