//! Import: a file of receivables, row by row, into accounts, contacts, invoices, payments, disputes and promises.
//!
//! A thread reads and checks rows ([`source`], [`parser`]) and hands them over in batches; each batch is compared with
//! what is known ([`plan`]) and written in one transaction ([`batch`]). The same file twice changes nothing.

mod batch;
pub mod generate;
pub mod mapping;
mod parser;
pub mod plan;
pub mod record;
mod rejects;
mod report;
mod source;
mod store;

use std::{io::Read, path::PathBuf, time::Instant};

use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::mpsc;
use uuid::Uuid;

pub(crate) use self::source::{Linked, Objects, cell_text, qbo_column};
use self::{
    batch::{Scope, Silence},
    mapping::{Mapping, RowKind},
    parser::{Parsed, Parser},
    record::Record,
    rejects::Rejects,
    source::Source,
};
pub use self::{
    rejects::Refused,
    report::Report,
    source::Beside,
    store::{Counts, Totals},
};
use crate::{
    clock::Clock,
    error::{Error, Result},
    ids::AccountId,
    outbox::Effect,
};

/// Rows in a transaction.
const BATCH: usize = 2_000;

/// With more changed accounts than this the queues are rebuilt and not changed account by account.
const MOST_REQUEUED: usize = 1_000;

/// A file to take in.
#[derive(Clone, Debug)]
pub struct ImportJob {
    /// The file.
    pub file: PathBuf,
    /// Which column means what.
    pub mapping: Mapping,
    /// Portfolio; `None`: the mapping's.
    pub portfolio: Option<String>,
    /// The portfolio's day: invoices issued later are passed over, payments received later are not known yet.
    pub as_of: NaiveDate,
    /// Change nothing, say what would change.
    pub dry_run: bool,
    /// Change nothing if any row is refused.
    pub strict: bool,
    /// The file lists all that is open: what earlier ones listed and this one does not is closed, unless it is more than
    /// so many percent of what was open. Changes nothing if any row is refused.
    pub complete: Option<u8>,
    /// Make up fictional numbers with this seed, where the mapping has no column for phones.
    pub fake_phones: Option<u64>,
    /// Where refused rows go; `None`: beside the file.
    pub rejects: Option<PathBuf>,
}

impl ImportJob {
    /// A job with no options set.
    #[must_use]
    pub fn new(file: impl Into<PathBuf>, mapping: Mapping, as_of: NaiveDate) -> Self {
        Self {
            file: file.into(),
            mapping,
            portfolio: None,
            as_of,
            dry_run: false,
            strict: false,
            complete: None,
            fake_phones: None,
            rejects: None,
        }
    }
}

/// How far an import has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Rows done.
    pub rows: u64,
    /// How much of the file is read, in thousandths.
    pub permille: u16,
}

/// Takes a file in. `progress` is told after each batch how far it has come.
///
/// # Errors
/// [`Error::Invalid`] for a file or mapping that cannot be used. If the file breaks off or Postgres fails in the middle,
/// the batches before stay (unless it is strict); the same import again goes on from there.
pub async fn import_file(
    db: &PgPool,
    clock: &Clock,
    job: &ImportJob,
    progress: impl FnMut(Progress) + Send,
) -> Result<Report> {
    let source = Source::open(&job.file, &job.mapping.file)?;
    let rejects = job.rejects.clone().unwrap_or_else(|| Rejects::path_for(&job.file));
    let rejects = Rejects::new(rejects, source.header().to_vec())?;
    let sha256 = sha256(&job.file)?;
    Box::pin(take_in(db, clock, job, Input { source, rejects, sha256 }, progress)).await
}

/// Takes in objects of `QuickBooks` that came over a live connection, by the code that takes in a file of them. Refused rows
/// are in the report.
///
/// # Errors
/// As [`import_file`].
pub async fn import_objects(
    db: &PgPool,
    clock: &Clock,
    portfolio: &str,
    objects: &str,
    beside: &Beside,
) -> Result<Report> {
    let job = ImportJob {
        portfolio: Some(portfolio.to_owned()),
        ..ImportJob::new("QuickBooks", Mapping::load("qbo-json")?, clock.business_date())
    };
    let source = Source::of_objects(objects, beside)?;
    let sha256 = Sha256::digest(objects).to_vec();
    let input = Input { source, rejects: Rejects::kept(), sha256 };
    Box::pin(take_in(db, clock, &job, input, |_| ())).await
}

/// What is taken in, and where its refused rows go.
struct Input {
    source: Source,
    rejects: Rejects,
    sha256: Vec<u8>,
}

async fn take_in(
    db: &PgPool,
    clock: &Clock,
    job: &ImportJob,
    input: Input,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Report> {
    let begun = Instant::now();
    let Input { source, rejects, sha256 } = input;
    let mut mapping = job.mapping.clone();
    let header = source.header().to_vec();
    mapping.bind(&header)?;
    let portfolio = job.portfolio.clone().unwrap_or_else(|| mapping.portfolio.clone());
    if !(1..=64).contains(&portfolio.chars().count()) {
        return Err(Error::invalid("portfolio", "1 to 64 characters"));
    }
    if job.complete.is_some() && mapping.row != RowKind::Invoice {
        return Err(Error::invalid("complete", "only of a file whose rows are invoices"));
    }
    let silence = Silence::of(&mapping);
    let scope = Scope {
        import: Uuid::now_v7(),
        portfolio: &portfolio,
        row: mapping.row,
        as_of: job.as_of,
        now: clock.now(),
        silence: &silence,
        owner_column: job.mapping.account.owner.as_ref().map_or("", mapping::Field::column),
    };
    let whole = job.dry_run || job.strict || job.complete.is_some();
    let mut run =
        Run { scope, db, tx: db.begin().await?, whole, counts: Counts::default(), accounts: 0, touched: 0, rejects };
    let file_name = job.file.file_name().unwrap_or_default().to_string_lossy();
    let batch = store::NewBatch {
        id: scope.import,
        portfolio: &portfolio,
        file_name: &file_name,
        sha256: &sha256,
        mapping: &job.mapping.name,
        as_of: job.as_of,
    };
    store::begin(&mut run.tx, &batch, scope.now).await?;

    let parser = Parser::new(mapping, header.len(), job.as_of, job.fake_phones);
    let (sender, mut lots) = mpsc::channel(2);
    let reading = tokio::task::spawn_blocking(move || read(source, parser, &sender));
    while let Some((permille, lot)) = lots.recv().await {
        run.take_in(lot).await?;
        progress(Progress { rows: run.counts.read, permille });
    }
    reading.await.map_err(Error::internal("reading the file"))??;
    let refused = (job.strict || job.complete.is_some()) && run.counts.rejected > 0;
    let closed = match job.complete.filter(|_| !refused) {
        Some(most) => Some(run.close_missing(most).await?),
        None => None,
    };
    let committed = !job.dry_run && !refused;
    let mut report = run.finish(committed, clock).await?;
    report.closed = closed;
    report.elapsed = begun.elapsed();
    Ok(report)
}

/// Reads the file to its end and hands its rows over in batches, each with how much of the file is read, in thousandths.
/// Stops early when nobody takes them any more.
fn read(mut source: Source, mut parser: Parser, sender: &mpsc::Sender<(u16, Vec<Parsed>)>) -> Result<()> {
    let mut lot = Vec::with_capacity(BATCH);
    while let Some(row) = source.next()? {
        lot.push(parser.parse(row));
        if lot.len() == BATCH {
            let full = std::mem::replace(&mut lot, Vec::with_capacity(BATCH));
            if sender.blocking_send((source.permille(), full)).is_err() {
                return Ok(());
            }
        }
    }
    if !lot.is_empty() {
        let _ = sender.blocking_send((1000, lot));
    }
    Ok(())
}

fn sha256(path: &std::path::Path) -> Result<Vec<u8>> {
    let unreadable = |error: std::io::Error| Error::invalid(path.display().to_string(), error.to_string());
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer).map_err(unreadable)?;
        if read == 0 {
            return Ok(hash.finalize().to_vec());
        }
        hash.update(&buffer[..read]);
    }
}

/// An import in progress.
struct Run<'a> {
    scope: Scope<'a>,
    db: &'a PgPool,
    tx: Transaction<'static, Postgres>,
    /// One transaction for the whole file.
    whole: bool,
    counts: Counts,
    accounts: u64,
    /// Accounts added or changed so far.
    touched: usize,
    rejects: Rejects,
}

impl Run<'_> {
    async fn take_in(&mut self, lot: Vec<Parsed>) -> Result<()> {
        self.counts.read += lot.len() as u64;
        let mut records: Vec<Record> = Vec::with_capacity(lot.len());
        for parsed in lot {
            match parsed {
                Parsed::Record(record) => records.push(*record),
                Parsed::NotIssued => self.counts.not_issued += 1,
                Parsed::Rejected(row, rejection) => {
                    self.counts.rejected += 1;
                    self.rejects.add(&row, &rejection)?;
                }
            }
        }
        let written = batch::write(&mut self.tx, self.scope, records).await?;
        self.counts.new += written.new;
        self.counts.changed += written.changed;
        self.counts.same += written.same;
        self.counts.rejected += written.rejected.len() as u64;
        self.accounts += written.accounts;
        for (row, rejection) in &written.rejected {
            self.rejects.add(row, rejection)?;
        }
        self.requeue(&written.touched).await?;
        if !self.whole {
            let next = self.db.begin().await?;
            std::mem::replace(&mut self.tx, next).commit().await?;
        }
        Ok(())
    }

    /// Closes what earlier files listed and this one does not; gives how many items.
    async fn close_missing(&mut self, most: u8) -> Result<u64> {
        let missing = store::missing::missing(&mut self.tx, self.scope.portfolio, self.scope.import).await?;
        let closed = missing.len() as u64;
        let before = closed + self.counts.changed + self.counts.same;
        if closed * 100 > before * u64::from(most) {
            let detail = format!(
                "{closed} of {before} open items are not in the file, more than {most} %: nothing was changed; if it does \
                 list all that is open, allow more"
            );
            return Err(Error::invalid("complete", detail));
        }
        let touched = batch::missing::close(&mut self.tx, self.scope, &missing).await?;
        self.requeue(&touched).await?;
        Ok(closed)
    }

    /// Has the queues follow: account by account, or where too many changed, all anew at the end.
    async fn requeue(&mut self, touched: &[AccountId]) -> Result<()> {
        self.touched += touched.len();
        if self.touched > MOST_REQUEUED || touched.is_empty() {
            return Ok(());
        }
        let effects: Vec<Effect> = touched.iter().map(|account| Effect::Requeue { account: *account }).collect();
        store::requeue(&mut self.tx, &effects, self.scope.now).await
    }

    async fn finish(mut self, committed: bool, clock: &Clock) -> Result<Report> {
        let rebuild = self.touched > MOST_REQUEUED;
        if rebuild {
            store::requeue(&mut self.tx, &[Effect::RebuildQueues], clock.now()).await?;
        }
        store::finish(&mut self.tx, self.scope.import, self.counts, clock.now()).await?;
        let totals = store::totals(&mut self.tx, self.scope.portfolio).await?;
        if committed {
            self.tx.commit().await?;
        } else {
            self.tx.rollback().await?;
        }
        let (rejects, refused) = self.rejects.finish()?;
        Ok(Report {
            portfolio: self.scope.portfolio.to_owned(),
            as_of: self.scope.as_of,
            counts: self.counts,
            accounts: self.accounts,
            totals,
            rejects,
            refused,
            committed,
            rebuild,
            closed: None,
            elapsed: std::time::Duration::ZERO,
        })
    }
}
