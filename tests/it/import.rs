//! Files are taken in: to the cent, once, row by row, and with a reason for every row that is not.

mod changes;
mod complete;
mod files;
mod profiles;
mod refusals;
pub mod sample;

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use ledgerline::{
    app::App,
    import::{ImportJob, Report, import_file, mapping::Mapping},
};

/// A folder of one test, gone with it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("ledgerline-import-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&path).expect("a folder for the test");
        Self(path)
    }

    /// Writes a file, and gives its path.
    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).expect("a file for the test");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

/// A job under the shipped mapping `open-items`, as of 2026-03-10.
pub fn open_items(file: &Path) -> ImportJob {
    ImportJob::new(file, Mapping::load("open-items").expect("it is shipped"), day("2026-03-10"))
}

pub async fn take_in(app: &App, job: &ImportJob) -> Report {
    import_file(&app.db, &app.clock, job, |_| ()).await.expect("the file is taken in")
}

/// New, changed, same, rejected.
fn counts(report: &Report) -> (u64, u64, u64, u64) {
    let counts = report.counts;
    (counts.new, counts.changed, counts.same, counts.rejected)
}

/// Sum of open items in minor units, and how many there are.
fn open(report: &Report, currency: &str) -> (i64, i64) {
    report.totals.get(currency).map_or((0, 0), |totals| (totals.open_minor, totals.open_items))
}

/// Everything the ledger and the accounts hold, as one text that changes when anything does.
async fn everything(app: &App) -> String {
    let tables = [
        "person",
        "account",
        "contact",
        "contact_point",
        "invoice",
        "instalment",
        "payment",
        "posting",
        "allocation",
        "promise",
        "dispute",
        "dispute_item",
        "account_standing",
    ];
    let mut all = String::new();
    for table in tables {
        let sql = format!(
            "SELECT count(*)::text || coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM {table} t"
        );
        let sum: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&app.db).await.expect("a table");
        all.extend([table, " ", &sum, "\n"]);
    }
    all
}

/// Every account's figures agree with sums over the views, which know nothing of `refresh_standing`.
async fn figures_agree(app: &App) {
    let off: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM account a JOIN account_standing s ON s.account_id = a.id
         LEFT JOIN LATERAL (SELECT count(*) AS n, coalesce(sum(open_minor), 0) AS open, coalesce(sum(disputed_minor), 0) AS disputed,
                                   min(due_on) FILTER (WHERE open_minor > disputed_minor) AS oldest
                            FROM open_item WHERE account_id = a.id) o ON true
         LEFT JOIN LATERAL (SELECT coalesce(sum(amount_minor), 0) AS minor FROM posting WHERE account_id = a.id) b ON true
         WHERE (s.open_items, s.open_minor, s.disputed_minor) IS DISTINCT FROM (o.n, o.open, o.disputed)
            OR s.oldest_due_on IS DISTINCT FROM o.oldest
            OR s.unapplied_minor <> o.open - b.minor OR s.collectible_minor <> b.minor - o.disputed",
    )
    .fetch_one(&app.db)
    .await
    .expect("the views");
    assert_eq!(off, 0, "accounts whose figures are off");
}
