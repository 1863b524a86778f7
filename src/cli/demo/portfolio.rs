//! The portfolio of the demonstration: the visitor's file, or one that is made up.

use std::{
    collections::BTreeMap,
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use chrono::{Days, NaiveDate};
use sqlx::PgPool;

use super::{OFFICE, Options, store};
use crate::{
    clock::Clock,
    import::{
        ImportJob,
        generate::{Portfolio, generate},
        import_file,
        mapping::{Field, Mapping},
    },
};

/// Accounts of a portfolio that is made up.
const ACCOUNTS: u64 = 400;
/// Mappings that are tried on a file, in this order.
const KNOWN: [&str; 4] = ["portfolio", "invoices-us-dates", "open-items", "customers"];

/// Where a portfolio comes from.
pub(super) struct Source {
    /// Name to show, and to know it again.
    pub(super) name: String,
    file: PathBuf,
    mapping: Mapping,
    /// A good day to look at it.
    pub(super) as_of: NaiveDate,
}

/// The visitor's file, or a made-up one in the data directory.
pub(super) fn source(options: &Options) -> anyhow::Result<Source> {
    let today = Clock::system(OFFICE).business_date();
    let Some(file) = &options.data else {
        return made_up(&options.stores.data_dir, options.as_of.unwrap_or(today));
    };
    let mapping = match &options.mapping {
        Some(name) => Mapping::load(name)?,
        None => known_mapping(file)?,
    };
    let as_of = match options.as_of {
        Some(day) => day,
        None => best_day(file, &mapping)?.unwrap_or(today),
    };
    let name = file.file_name().map_or_else(|| file.display().to_string(), |name| name.to_string_lossy().into_owned());
    Ok(Source { name, file: file.clone(), mapping, as_of })
}

/// Takes it in; debtors without telephone numbers get fictional ones.
pub(super) async fn import(
    db: &PgPool,
    clock: &Clock,
    source: &Source,
    as_of: NaiveDate,
) -> anyhow::Result<store::Portfolio> {
    let mut job = ImportJob::new(source.file.clone(), source.mapping.clone(), as_of);
    job.fake_phones = Some(1);
    let report = import_file(db, clock, &job, |_| {}).await?;
    println!("{report}");
    Ok(store::Portfolio { source: source.name.clone(), portfolio: report.portfolio })
}

fn made_up(data_dir: &Path, as_of: NaiveDate) -> anyhow::Result<Source> {
    let file = data_dir.join("portfolio.csv");
    if !file.exists() {
        std::fs::create_dir_all(data_dir).with_context(|| format!("creating {}", data_dir.display()))?;
        let out = File::create(&file).with_context(|| format!("creating {}", file.display()))?;
        generate(Portfolio { accounts: ACCOUNTS, seed: 1, as_of }, BufWriter::new(out))?;
    }
    Ok(Source { name: "made-up portfolio".to_owned(), file, mapping: Mapping::load("portfolio")?, as_of })
}

/// The shipped mapping whose columns the file has.
fn known_mapping(file: &Path) -> anyhow::Result<Mapping> {
    let header = reader(file, b',')?.headers()?.iter().map(str::to_owned).collect::<Vec<_>>();
    for name in KNOWN {
        let mut mapping = Mapping::load(name)?;
        if mapping.bind(&header).is_ok() {
            return Ok(Mapping::load(name)?);
        }
    }
    anyhow::bail!("{} has the columns of no shipped mapping; name one with --mapping", file.display())
}

/// The day with the most past due items; without dates of payment, the last day of issue. `None` without such dates.
fn best_day(file: &Path, mapping: &Mapping) -> anyhow::Result<Option<NaiveDate>> {
    let Some(invoice) = &mapping.invoice else { return Ok(None) };
    let delimiter = u8::try_from(mapping.file.delimiter).unwrap_or(b',');
    let mut reader = reader(file, delimiter)?;
    let header = reader.byte_headers()?.clone();
    let column = |field: &Field| header.iter().position(|name| name.trim_ascii() == field.column().as_bytes());
    let paid = mapping.payment.as_ref().and_then(|payment| column(&payment.paid_on));
    let columns = (column(&invoice.issued_on), column(&invoice.due_on));
    let (Some(issued), Some(due)) = columns else { return Ok(None) };
    let mut last_issue = None;
    // How many items more, or less, are past due from a day on.
    let mut changes: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    for record in reader.byte_records().filter_map(Result::ok) {
        let day = |column: usize| {
            let text = std::str::from_utf8(record.get(column)?).ok()?;
            NaiveDate::parse_from_str(text.trim(), &mapping.file.date_format).ok()
        };
        last_issue = last_issue.max(day(issued));
        if let (Some(due), Some(paid)) = (day(due), paid.and_then(day))
            && paid > due
        {
            *changes.entry(due).or_default() += 1;
            *changes.entry(paid).or_default() -= 1;
        }
    }
    let running = changes.into_iter().scan(0, |past_due, (day, change)| {
        *past_due += change;
        Some((*past_due, day))
    });
    Ok(running.max_by_key(|(past_due, _)| *past_due).map(|(_, day)| day + Days::new(1)).or(last_issue))
}

fn reader(file: &Path, delimiter: u8) -> anyhow::Result<csv::Reader<File>> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_path(file)
        .with_context(|| format!("reading {}", file.display()))
}
