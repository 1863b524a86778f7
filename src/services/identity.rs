//! The ordinary user that the servers run as when we are root: Postgres refuses to run as root, rightly.

use std::{
    fs::{DirBuilder, Permissions},
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use anyhow::{Context, bail};
use nix::unistd::{Gid, Uid, User};

/// Users to run as, best first. All but the first exist on every machine that has Postgres, or on every machine.
const ORDINARY_USERS: [&str; 3] = ["ledgerline", "postgres", "nobody"];

/// Who the servers run as.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    uid: Uid,
    gid: Gid,
    /// We are root and have to become this user.
    dropped: bool,
}

impl Identity {
    /// Ourselves, or an ordinary user where we are root.
    pub(super) fn choose() -> anyhow::Result<Self> {
        let own = Self { uid: Uid::effective(), gid: Gid::effective(), dropped: false };
        if !own.uid.is_root() {
            return Ok(own);
        }
        for name in ORDINARY_USERS {
            if let Some(user) = User::from_name(name)?
                && !user.uid.is_root()
            {
                return Ok(Self { uid: user.uid, gid: user.gid, dropped: true });
            }
        }
        bail!("Postgres does not run as root, and none of the users {ORDINARY_USERS:?} exists; create one")
    }

    /// Whether we are root and the servers run as somebody else.
    pub(super) fn is_dropped(&self) -> bool {
        self.dropped
    }

    /// Makes `command` run as this user.
    pub(super) fn apply(&self, command: &mut Command) {
        if self.dropped {
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
    }

    /// Makes sure that `directory` exists and that only this user can enter it.
    pub(super) fn own_directory(&self, directory: &Path) -> anyhow::Result<()> {
        let about = || format!("preparing {}", directory.display());
        if std::fs::symlink_metadata(directory).is_err() {
            DirBuilder::new().mode(0o700).create(directory).with_context(about)?;
            if self.dropped {
                chown(directory, Some(self.uid.as_raw()), Some(self.gid.as_raw())).with_context(about)?;
            }
            return Ok(());
        }
        let found = std::fs::symlink_metadata(directory).with_context(about)?;
        if !found.is_dir() || found.uid() != self.uid.as_raw() {
            bail!("{} is not a directory of user {}", directory.display(), self.uid);
        }
        std::fs::set_permissions(directory, Permissions::from_mode(0o700)).with_context(about)
    }

    /// Whether this user can pass through `directory`.
    pub(super) fn can_enter(&self, directory: &Path) -> bool {
        let Ok(found) = directory.metadata() else { return false };
        let needed = if found.uid() == self.uid.as_raw() {
            0o100
        } else if found.gid() == self.gid.as_raw() {
            0o010
        } else {
            0o001
        };
        found.mode() & needed != 0
    }
}
