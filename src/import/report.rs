//! What an import did, in numbers and in words.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use chrono::NaiveDate;

use super::{Counts, Totals, rejects::Refused};
use crate::money::{Currency, Money};

/// What an import did.
#[derive(Clone, Debug)]
pub struct Report {
    /// Portfolio.
    pub portfolio: String,
    /// The portfolio's day.
    pub as_of: NaiveDate,
    /// Rows by what became of them.
    pub counts: Counts,
    /// Items that were no longer listed and were closed; `None`: the file was not said to be complete.
    pub closed: Option<u64>,
    /// Different accounts in the file.
    pub accounts: u64,
    /// What the portfolio amounts to now, by currency code.
    pub totals: BTreeMap<String, Totals>,
    /// The file of refused rows, if any were.
    pub rejects: Option<PathBuf>,
    /// The refused rows, where no file is written.
    pub refused: Vec<Refused>,
    /// False: nothing was changed, because it was a dry run, or strict and a row was refused.
    pub committed: bool,
    /// More accounts changed than are requeued one by one.
    pub rebuild: bool,
    /// How long it took.
    pub elapsed: Duration,
}

impl Report {
    /// Rows read per second.
    #[must_use]
    pub fn rows_per_second(&self) -> u64 {
        let millis = u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
        self.counts.read.saturating_mul(1000) / millis
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { read, new, changed, same, rejected, not_issued } = self.counts;
        writeln!(f, "Portfolio {} as of {}", self.portfolio, self.as_of)?;
        writeln!(f, "  {read} rows: {new} new, {changed} changed, {same} the same, {rejected} rejected")?;
        if not_issued > 0 {
            writeln!(f, "  {not_issued} of invoices issued later, passed over")?;
        }
        if let Some(closed) = self.closed {
            writeln!(f, "  {closed} items no longer listed: closed")?;
        }
        writeln!(f, "  {} accounts in the file", self.accounts)?;
        for (code, totals) in &self.totals {
            let open = Currency::parse(code).map_or_else(
                |_| format!("{} minor units {code}", totals.open_minor),
                |currency| Money::new(totals.open_minor, currency).to_string(),
            );
            writeln!(f, "  {open} open: {} items, {} accounts in the portfolio", totals.open_items, totals.accounts)?;
        }
        if let Some(rejects) = &self.rejects {
            writeln!(f, "  rejected rows with reasons: {}", rejects.display())?;
        }
        if self.rebuild {
            writeln!(f, "  many accounts changed: the service rebuilds its queues, now or when it starts")?;
        }
        if !self.committed {
            writeln!(f, "  nothing was changed")?;
        }
        write!(f, "  {} ms, {} rows/s", self.elapsed.as_millis(), self.rows_per_second())
    }
}
