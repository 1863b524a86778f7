//! The private Postgres.

use std::{
    fs,
    os::unix::net::UnixStream,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use nix::sys::signal::Signal;
use url::Url;

use super::{binaries, child::Child, orphan, place::Place};

/// Name of the store, of its directory and of its log.
pub(super) const NAME: &str = "postgres";

/// Ready within this time; most of it is for the recovery after a crash, which replays the log.
pub(super) const READY_WITHIN: Duration = Duration::from_mins(2);

/// Connections it takes: several commands and tests beside the pool of the service.
const CONNECTIONS: &str = "max_connections=250";

/// Settings beyond the defaults. The log may not show personal data, hence no statements and no details of errors.
const SETTINGS: [&str; 8] = [
    "listen_addresses=",
    "unix_socket_permissions=0700",
    CONNECTIONS,
    "jit=off",
    "timezone=UTC",
    "log_error_verbosity=terse",
    "log_min_error_statement=panic",
    "log_checkpoints=off",
];

/// Its address. Whoever can open the socket is trusted: the directory belongs to its user alone.
pub(super) fn url(place: &Place) -> String {
    let mut url = Url::parse("postgres://ledgerline@localhost/ledgerline").expect("a constant address");
    url.query_pairs_mut().append_pair("host", &place.run().to_string_lossy());
    url.into()
}

/// Starts it, making its data directory where there is none.
pub(super) fn start(place: &Place) -> anyhow::Result<Child> {
    let data = place.files_of(NAME);
    let version = fs::read_to_string(data.join("PG_VERSION")).ok();
    let programs = binaries::postgres(place.base(), version.as_deref().map(str::trim))?;
    if version.is_none() {
        initialise(&programs, place, &data)?;
    }
    orphan::end(&data.join("postmaster.pid"), &data)?;
    let mut command = Command::new(programs.join("postgres"));
    command.arg("-D").arg(&data).arg("-k").arg(place.run());
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    // SIGINT: a fast shutdown, which ends sessions and writes a checkpoint.
    Child::spawn(NAME, command, place, Signal::SIGINT)
}

/// Whether it takes connections: line 8 of its pid file says so. A file that a crash left behind says so too, but then
/// nobody listens; one who listens has written the file anew.
pub(super) fn is_ready(place: &Place) -> bool {
    if UnixStream::connect(place.run().join(".s.PGSQL.5432")).is_err() {
        return false;
    }
    let pid_file = place.files_of(NAME).join("postmaster.pid");
    fs::read_to_string(pid_file).is_ok_and(|text| text.lines().nth(7).is_some_and(|state| state.trim() == "ready"))
}

/// Makes a data directory. It is made beside and moved into place, so that an interrupted attempt leaves no half of one.
fn initialise(programs: &Path, place: &Place, data: &Path) -> anyhow::Result<()> {
    let about = || format!("making a Postgres data directory in {}", data.display());
    tracing::info!(directory = %data.display(), "making a Postgres data directory");
    // Letters beyond ASCII have a lower case only in a Unicode locale; a few systems lack this one.
    let mut complaint = String::new();
    for locale in ["C.UTF-8", "C"] {
        let unfinished = place.files_of("postgres.new");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).with_context(about)?;
        }
        place.identity().own_directory(&unfinished)?;
        match run_initdb(programs, place, &unfinished, locale).with_context(about)? {
            Ok(()) => return fs::rename(&unfinished, data).with_context(about),
            Err(said) => complaint = said,
        }
    }
    bail!("{}: initdb says: {}", about(), complaint.trim())
}

/// Runs initdb; the inner error is what it complained about.
fn run_initdb(programs: &Path, place: &Place, directory: &Path, locale: &str) -> anyhow::Result<Result<(), String>> {
    let mut command = Command::new(programs.join("initdb"));
    command.arg("-D").arg(directory).args(["--username=ledgerline", "--auth=trust", "--encoding=UTF8"]);
    command.arg(format!("--locale={locale}")).env("TZ", "UTC").current_dir("/").stdin(Stdio::null());
    place.identity().apply(&mut command);
    let output = command.output()?;
    Ok(if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) })
}
