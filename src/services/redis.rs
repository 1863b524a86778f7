//! The private Redis (or Valkey). It keeps nothing on disk.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::Command,
    time::Duration,
};

use nix::sys::signal::Signal;
use url::Url;

use super::{binaries, child::Child, place::Place};

/// Name of the store, of its directory and of its log.
pub(super) const NAME: &str = "redis";

/// Ready within this time; it has nothing to load.
pub(super) const READY_WITHIN: Duration = Duration::from_secs(30);

fn socket(place: &Place) -> PathBuf {
    place.run().join("redis.sock")
}

/// Its address.
pub(super) fn url(place: &Place) -> String {
    let path = Url::from_file_path(socket(place)).expect("the run directory is absolute");
    format!("redis+unix://{}", path.path())
}

/// Starts it.
pub(super) fn start(place: &Place) -> anyhow::Result<Child> {
    let directory = place.files_of(NAME);
    place.identity().own_directory(&directory)?;
    let mut command = Command::new(binaries::redis(place.base())?);
    command.args(["--port", "0", "--unixsocketperm", "700", "--unixsocket"]).arg(socket(place));
    // Nothing is saved: a queue from before a crash may hold accounts that have paid since; a rebuilt one cannot.
    command.args(["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--dir"]).arg(directory);
    command.args(["--loglevel", "warning", "--daemonize", "no"]);
    // There is nothing to put in order, and a slow end could take the socket of the next start away.
    Child::spawn(NAME, command, place, Signal::SIGKILL)
}

/// Whether it answers.
pub(super) fn is_ready(place: &Place) -> bool {
    let ping = || {
        let mut stream = UnixStream::connect(socket(place))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        std::io::Result::Ok(answer)
    };
    ping().is_ok_and(|answer| &answer == b"+PONG")
}
