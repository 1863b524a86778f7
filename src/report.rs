//! Figures about the whole portfolio: what is owed and how old it is, and how quickly it is paid.
//!
//! Every figure is one of a day, *as known at* a moment: postings carry the day they belong to and the moment at which
//! they were recorded, so last month's figure can be asked for as it was reported then, or as it is known now. A
//! [`catalogue::build`] makes each report a [`table::Table`]: the page, the files and the mails show that.

pub mod activity;
pub mod aging;
pub mod buckets;
pub mod catalogue;
pub mod forecast;
pub mod quality;
pub mod receivable;
pub mod schedule;
pub mod store;
pub mod table;
pub mod turnover;

pub use aging::{AccountAging, AgingBasis, AgingTotal};
pub use turnover::Receivables;

use chrono::{DateTime, NaiveDate, Utc};

/// The end of a day, as it was known at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    /// The day, its own postings included.
    pub day: NaiveDate,
    /// What was recorded later is left out.
    pub known_at: DateTime<Utc>,
}
