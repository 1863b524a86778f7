//! Where the private stores keep their files and their sockets.

use std::{
    fs::create_dir_all,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::identity::Identity;

/// The kernel's limit on the path of a Unix socket, in bytes.
const SOCKET_PATH_LIMIT: usize = 107;
/// The longest name of a socket in the run directory.
const LONGEST_SOCKET_NAME: &str = "/.s.PGSQL.5432";
/// Where root keeps the stores if the ordinary user cannot reach the data directory, as below a closed home directory.
const ROOTS_STORES: &str = "/var/lib/ledgerline";

/// The directories of one data directory; the same for every process that names it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    base: PathBuf,
    stores: PathBuf,
    run: PathBuf,
    identity: Identity,
}

impl Place {
    /// Makes the directories of `data_dir`, as far as they are missing.
    pub(super) fn prepare(data_dir: &Path) -> anyhow::Result<Self> {
        let about = || format!("preparing the data directory {}", data_dir.display());
        create_dir_all(data_dir).with_context(about)?;
        let base = data_dir.canonicalize().with_context(about)?;
        let identity = Identity::choose()?;
        let stores = stores_directory(&base, identity).with_context(about)?;
        let run = run_directory(&stores, identity)?;
        identity.own_directory(&run)?;
        Ok(Self { base, stores, run, identity })
    }

    /// The data directory: lock, logs, unpacked programs.
    pub(super) fn base(&self) -> &Path {
        &self.base
    }

    /// Directory of a store's files.
    pub(super) fn files_of(&self, store: &str) -> PathBuf {
        self.stores.join(store)
    }

    /// The log of a store.
    pub(super) fn log_of(&self, store: &str) -> PathBuf {
        self.base.join(format!("{store}.log"))
    }

    /// Directory of the sockets.
    pub(super) fn run(&self) -> &Path {
        &self.run
    }

    /// Who the stores run as.
    pub(super) fn identity(&self) -> Identity {
        self.identity
    }
}

/// The data directory itself where the stores' user can reach it, else one below [`ROOTS_STORES`] with a link to it.
fn stores_directory(base: &Path, identity: Identity) -> anyhow::Result<PathBuf> {
    if !identity.is_dropped() || base.ancestors().all(|directory| identity.can_enter(directory)) {
        return Ok(base.to_owned());
    }
    let stores = Path::new(ROOTS_STORES).join(short_name(base));
    create_dir_all(&stores)?;
    let link = base.join("stores");
    if link.symlink_metadata().is_err() {
        tracing::info!(directory = %stores.display(), "the stores' user cannot enter the data directory; they are kept here");
        symlink(&stores, link)?;
    }
    Ok(stores)
}

/// `run` beside the stores where a socket's path fits, else a short one.
fn run_directory(stores: &Path, identity: Identity) -> anyhow::Result<PathBuf> {
    let beside = stores.join("run");
    if beside.as_os_str().len() + LONGEST_SOCKET_NAME.len() <= SOCKET_PATH_LIMIT {
        return Ok(beside);
    }
    let parent = match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(of_session) if !identity.is_dropped() && Path::new(&of_session).is_dir() => PathBuf::from(of_session),
        _ if identity.is_dropped() => PathBuf::from("/run"),
        _ => PathBuf::from("/tmp"),
    };
    let short = parent.join(format!("ledgerline-{}", short_name(stores)));
    let length = short.as_os_str().len() + LONGEST_SOCKET_NAME.len();
    anyhow::ensure!(length <= SOCKET_PATH_LIMIT, "{} is too long for a socket; unset XDG_RUNTIME_DIR", short.display());
    Ok(short)
}

/// A short name that is different for different paths.
fn short_name(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let (first, _) = digest.split_first_chunk().expect("a digest has 32 bytes");
    format!("{:016x}", u64::from_be_bytes(*first))
}
