//! The import of a million invoices, beside the bare COPY of the rows it makes into the same tables.
//!
//! The file is generated, taken in by `import_file` as the command line does, and its rows are copied out. Then the tables
//! are emptied, with their indexes, triggers and constraints in place, and the same rows are copied in again: that is the
//! baseline.

use std::{fs::File, io::Write, path::Path, time::Instant};

use chrono::{Days, NaiveDate};
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolCopyExt};

use super::report::{Ratio, Target};
use crate::{
    app::App,
    import::{ImportJob, import_file, mapping::Mapping},
};

/// Items of an account.
const ITEMS: u64 = 20;

/// The tables that an import of invoices fills, in the order in which they refer to each other.
const TABLES: [&str; 8] =
    ["person", "account", "contact", "contact_point", "invoice", "instalment", "posting", "account_standing"];

/// Measures with so many invoices, in a folder for files, on empty tables. Leaves the rows in them: the aging is measured on
/// them.
///
/// # Errors
/// If Postgres or the folder fails, or a row is not taken in.
pub async fn run(app: &App, folder: &Path, invoices: u64) -> anyhow::Result<Ratio> {
    // What other measurements left would be copied as well.
    empty(&app.db).await?;
    let today = app.clock.business_date();
    let file = folder.join("invoices.csv");
    write_file(&file, invoices, today)?;
    let job = ImportJob::new(&file, Mapping::load("open-items")?, today);
    let begun = Instant::now();
    let report = import_file(&app.db, &app.clock, &job, |_| ()).await?;
    let taken = begun.elapsed();
    anyhow::ensure!(report.counts.new == invoices, "not every invoice is new: {:?}", report.counts);
    let copied = copy(&app.db, folder).await?;
    std::fs::remove_file(file)?;
    Ok(Ratio {
        name: "import of invoices",
        measured: format!(
            "{:.1} s for {invoices} invoices ({} a second)",
            taken.as_secs_f64(),
            report.rows_per_second()
        ),
        baseline: format!("{:.1} s for COPY of the same rows into the same tables", copied.as_secs_f64()),
        ratio: taken.as_secs_f64() / copied.as_secs_f64(),
        target: Target::AtMost(3.0),
    })
}

/// Invoices of the year before, for accounts of [`ITEMS`] each, due a month later.
fn write_file(path: &Path, invoices: u64, today: NaiveDate) -> anyhow::Result<()> {
    let mut file = std::io::BufWriter::new(File::create(path)?);
    writeln!(file, "Customer No,Customer,State,Phone,Invoice No,Invoice Date,Due Date,Amount")?;
    for nth in 0..invoices {
        let account = nth / ITEMS;
        let issued = today - Days::new(nth * 7 % 365);
        let (due, cents) = (issued + Days::new(30), 1_000 + nth * 37 % 900_000);
        writeln!(
            file,
            "{account},Debtor {account} Ltd,NY,212 555 {:04},{nth},{issued},{due},{}.{:02}",
            100 + account % 100,
            cents / 100,
            cents % 100
        )?;
    }
    Ok(file.flush()?)
}

/// Copies the rows out, empties the tables, and copies the rows in: how long the last takes.
async fn copy(db: &PgPool, folder: &Path) -> anyhow::Result<std::time::Duration> {
    for table in TABLES {
        let mut rows = db.copy_out_raw(&format!("COPY {table} TO STDOUT (FORMAT binary)")).await?;
        let mut file = File::create(folder.join(table))?;
        while let Some(chunk) = rows.try_next().await? {
            file.write_all(&chunk)?;
        }
    }
    empty(db).await?;
    let begun = Instant::now();
    for table in TABLES {
        let mut rows = db.copy_in_raw(&format!("COPY {table} FROM STDIN (FORMAT binary)")).await?;
        rows.read_from(tokio::fs::File::open(folder.join(table)).await?).await?;
        rows.finish().await?;
    }
    let taken = begun.elapsed();
    for table in TABLES {
        std::fs::remove_file(folder.join(table))?;
    }
    Ok(taken)
}

/// Removes every row of the tables, and of those that refer to them; also of those that are never emptied otherwise.
async fn empty(db: &PgPool) -> anyhow::Result<()> {
    let refusing = "SELECT format('ALTER TABLE %s %%s TRIGGER %I', tgrelid::regclass, tgname) FROM pg_trigger
                    WHERE tgfoid = 'refuse_emptying'::regproc";
    let refusing: Vec<String> = sqlx::query_scalar(refusing).fetch_all(db).await?;
    let mut tx = db.begin().await?;
    for change in &refusing {
        sqlx::query(AssertSqlSafe(change.replace("%s", "DISABLE"))).execute(&mut *tx).await?;
    }
    sqlx::query(AssertSqlSafe(format!("TRUNCATE {} CASCADE", TABLES.join(", ")))).execute(&mut *tx).await?;
    for change in &refusing {
        sqlx::query(AssertSqlSafe(change.replace("%s", "ENABLE"))).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    sqlx::query("CHECKPOINT").execute(db).await?;
    Ok(())
}
