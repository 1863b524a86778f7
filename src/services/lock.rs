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
    file: File,
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
                Ok(Ok(Self { file }))
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

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that another thread is about to start has a copy of it until it
        // executes its program, and the kernel keeps the lock for as long as there is one.
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_free_at_once_even_while_a_child_is_being_started() {
        let directory = std::env::temp_dir().join(format!("ledgerline-lock-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let take = || Lock::take(&directory).expect("the file opens");

        let lock = take().expect("it is free");
        assert_eq!(take().expect_err("it is held").process, std::process::id().to_string());
        let of_the_child = lock.file.try_clone().expect("a copy");
        drop(lock);
        take().expect("it is free again");

        drop(of_the_child);
        std::fs::remove_dir_all(directory).expect("it goes");
    }
}
