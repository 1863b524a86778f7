//! What reports are made of, read from postings, calls and promises.

pub(super) mod activity;
mod aging;
pub(super) mod forecast;
pub(super) mod promised;
pub(super) mod quality;
mod receivables;
pub(super) mod rolls;
pub mod sets;

pub use aging::{aging_of_accounts, aging_totals};
pub use receivables::receivables;
