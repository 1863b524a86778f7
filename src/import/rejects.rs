//! The file of refused rows: line, column, reason, and the row as it was. It holds personal data, as its source does, and
//! is readable by its owner only. What comes over a live connection has no file: its refused rows are handed on.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{record::Rejection, source::RawRow};
use crate::error::{Error, Result};

/// A row that was refused, where no file is written.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The row as it was.
    pub cells: Vec<String>,
    /// Why.
    pub reason: String,
}

/// Takes refused rows: writes them, or keeps them where there is no file. The file appears with the first.
pub struct Rejects {
    path: Option<PathBuf>,
    header: Vec<String>,
    writer: Option<csv::Writer<File>>,
    kept: Vec<Refused>,
}

impl Rejects {
    /// Rejects of a file with that header, to go to `path`. What an earlier import left there is removed.
    ///
    /// # Errors
    /// [`Error::Invalid`] if that cannot be removed.
    pub fn new(path: PathBuf, header: Vec<String>) -> Result<Self> {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unwritable(&path, error)),
            _ => Ok(Self { path: Some(path), header, writer: None, kept: Vec::new() }),
        }
    }

    /// Rejects that are kept.
    #[must_use]
    pub fn kept() -> Self {
        Self { path: None, header: Vec::new(), writer: None, kept: Vec::new() }
    }

    /// Where the rejects of a file go: beside it, or where its folder cannot be written to, into the current one.
    #[must_use]
    pub fn path_for(file: &Path) -> PathBuf {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".rejects.csv");
        let beside = file.with_file_name(&name);
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let writable = nix::unistd::access(folder, nix::unistd::AccessFlags::W_OK).is_ok();
        if writable { beside } else { PathBuf::from(name) }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the file cannot be written.
    pub fn add(&mut self, row: &RawRow, rejection: &Rejection) -> Result<()> {
        let Some(path) = &self.path else {
            let reason = match rejection.column.as_str() {
                "" => rejection.reason.clone(),
                column => format!("{column}: {}", rejection.reason),
            };
            self.kept.push(Refused { cells: row.cells.clone(), reason });
            return Ok(());
        };
        if self.writer.is_none() {
            let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
            let mut writer =
                csv::WriterBuilder::new().flexible(true).from_writer(file.map_err(|error| unwritable(path, error))?);
            let names = ["line", "column", "reason"].into_iter().chain(self.header.iter().map(String::as_str));
            writer.write_record(names).map_err(|error| unwritable(path, error))?;
            self.writer = Some(writer);
        }
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let line = row.line.to_string();
        let cells = [line.as_str(), rejection.column.as_str(), rejection.reason.as_str()];
        writer
            .write_record(cells.into_iter().chain(row.cells.iter().map(String::as_str)))
            .map_err(|error| unwritable(path, error))
    }

    /// Writes out what is left; the file, if there is one, and the rows that were kept.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the file cannot be written.
    pub fn finish(self) -> Result<(Option<PathBuf>, Vec<Refused>)> {
        let Some((mut writer, path)) = self.writer.zip(self.path) else { return Ok((None, self.kept)) };
        writer.flush().map_err(|error| unwritable(&path, error))?;
        Ok((Some(path), self.kept))
    }
}

fn unwritable(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::invalid("rejects", format!("{}: {error}; name another file with --rejects", path.display()))
}
