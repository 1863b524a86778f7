//! One process at a time owns a data directory.

use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use thiserror::Error;

/// The right to the data directory. The kernel takes it back when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Another process has the right to the data directory.
#[derive(Debug, Error)]
#[error(
    "the data directory {} is in use by process {process}; stop that one, or choose another directory with --data-dir",
    directory.display()
)]
pub(super) struct Held {
    directory: PathBuf,
    pub(super) process: String,
}

impl Lock {
    /// Takes the right to `directory`, or says who has it.
    pub(super) fn take(directory: &Path) -> anyhow::Result<Result<Self, Held>> {
        let path = directory.join("lock");
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("opening {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.rewind()?;
                write!(file, "{}", std::process::id())?;
                Ok(Ok(Self { _file: file }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut process = String::new();
                file.read_to_string(&mut process)?;
                Ok(Err(Held { directory: directory.to_owned(), process }))
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("locking {}", path.display())),
        }
    }
}
