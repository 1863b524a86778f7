//! The way back: what was paid, promised, noted and adjusted here, as files that other ledgers take.

mod store;
mod write;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::{
    error::{Error, Result},
    money::Money,
    named::named,
};

/// Rows of a file at most.
pub const MOST: usize = 200_000;

/// Which system takes the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ExportProfile)]
pub enum Profile {
    /// Any: CSV with all there is.
    Generic,
    /// `QuickBooks Online`: CSV in the columns of its importers.
    Qbo,
    /// `QuickBooks` Desktop: IIF; promises and notes as reminders.
    QbdIif,
    /// SAP: a list with its field names, sign behind the number, customers padded with zeros.
    Sap,
    /// Oracle: CSV with the columns of its interface tables.
    Oracle,
}

named!(Profile {
    Generic => "generic",
    Qbo => "qbo",
    QbdIif => "qbd-iif",
    Sap => "sap",
    Oracle => "oracle",
});

impl Profile {
    /// The extension of its files.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::QbdIif => "iif",
            Self::Sap => "txt",
            Self::Generic | Self::Qbo | Self::Oracle => "csv",
        }
    }
}

/// What a row of the file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A payment, or the part of it for one invoice.
    Payment,
    /// A payment that was taken back.
    Reversal,
    /// A promise.
    Promise,
    /// A note.
    Note,
    /// A credit note, write-off or other adjustment.
    Adjustment,
    /// Such a one that was taken back.
    AdjustmentReversal,
    /// Money that was paid back.
    Refund,
    /// A refund that was taken back.
    RefundReversal,
}

named!(What {
    Payment => "payment",
    Reversal => "reversal",
    Promise => "promise",
    Note => "note",
    Adjustment => "adjustment",
    AdjustmentReversal => "adjustment_reversal",
    Refund => "refund",
    RefundReversal => "refund_reversal",
});

/// Something to tell another ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is.
    pub what: What,
    /// Our id: telling it twice can be noticed by it.
    pub id: String,
    /// The account's number there.
    pub account: String,
    /// The account's name.
    pub name: String,
    /// The day it belongs to; of a promise, the day it is due.
    pub on: NaiveDate,
    /// The amount, where it has one; above 0.
    pub amount: Option<Money>,
    /// The invoice that it is for.
    pub invoice: Option<String>,
    /// What its source counts that invoice by: company and fiscal year, as in `1000/2026`; `None` where numbers alone tell
    /// them apart.
    pub series: Option<String>,
    /// How it was paid, the kind of an adjustment, or what was paid back: a `payment` or `credit_note`.
    pub kind: String,
    /// What the payer wrote, the reason, or the words of a note.
    pub text: String,
}

/// The file of everything recorded since a moment, in the order in which it was.
///
/// # Errors
/// [`Error::Invalid`] naming `since` if there are more than 200,000 rows; those of Postgres.
pub async fn file(
    conn: &mut PgConnection,
    profile: Profile,
    since: DateTime<Utc>,
    portfolio: Option<&str>,
) -> Result<String> {
    let records = store::records(conn, since, portfolio, MOST).await?;
    if records.len() > MOST {
        return Err(Error::invalid("since", format!("a later day: there are more than {MOST} rows")));
    }
    write::file(profile, &records)
}
