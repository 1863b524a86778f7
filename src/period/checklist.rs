//! What should be done before a period is closed: the service looks by itself.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::store;
use crate::{
    error::{Error, Result},
    money::Money,
    named::named,
    report::{
        self, AgingBasis, AsOf,
        aging::{Credits, Wanted},
        buckets::BucketSet,
    },
};

/// Names that a line gives at most.
pub(super) const MOST_NAMES: i32 = 20;

/// A line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The aging and the control total are not the same. Cannot be accepted.
    LedgerDifference,
    /// A file was begun and not taken in to its end.
    UnpostedFiles,
    /// A bank statement or file of payments with lines of the period that are not decided.
    UnpostedStatements,
    /// Lines of the period that nobody has decided on; money came in as plus.
    BankLines,
    /// Differences of the period that are not worked to an end.
    OpenDifferences,
    /// Something above its author's limit that waits for another person: a posting, or a plan.
    OpenApprovals,
    /// Cash and credits that are applied to no item.
    UnappliedCash,
}

named!(FindingKind {
    LedgerDifference => "ledger_difference",
    UnpostedFiles => "unposted_files",
    UnpostedStatements => "unposted_statements",
    BankLines => "bank_lines",
    OpenDifferences => "open_differences",
    OpenApprovals => "open_approvals",
    UnappliedCash => "unapplied_cash",
});

/// What a line of the list came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// What was looked for.
    pub kind: FindingKind,
    /// How many there are; 0: done.
    pub count: i64,
    /// What they amount to, where they amount to something.
    pub amounts: Vec<Money>,
    /// What they are called, where they have names: the first 20.
    #[serde(default)]
    pub names: Vec<String>,
    /// It was closed over all the same.
    #[serde(default)]
    pub accepted: bool,
}

impl Finding {
    /// A line with nothing left to do so far.
    pub(super) fn new(kind: FindingKind) -> Self {
        Self { kind, count: 0, amounts: Vec::new(), names: Vec::new(), accepted: false }
    }
}

/// The list for a portfolio, at the end of a day.
///
/// # Errors
/// Those of Postgres.
pub async fn of(
    conn: &mut PgConnection,
    portfolio: &str,
    last_day: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Vec<Finding>> {
    let wanted = Wanted {
        as_of: AsOf { day: last_day, known_at: now },
        by: AgingBasis::Due,
        buckets: BucketSet { name: "due".to_owned(), ends: vec![0] },
        credits: Credits::Apart,
        portfolio: Some(portfolio.to_owned()),
    };
    let mut difference = Finding::new(FindingKind::LedgerDifference);
    let mut unapplied = Finding::new(FindingKind::UnappliedCash);
    for total in report::store::aging_totals(conn, &wanted).await? {
        if total.difference_minor != 0 {
            difference.count += 1;
            difference.amounts.push(Money::new(total.difference_minor, total.currency));
        }
        let idle = total.parts.credit_minor + total.parts.unapplied_minor;
        if idle != 0 {
            unapplied.amounts.push(Money::new(idle, total.currency));
        }
    }
    unapplied.count = store::accounts_with_idle_cash(conn, portfolio, last_day, now).await?;
    let files = store::unposted_files(conn, portfolio).await?;
    let [statements, lines] = store::undecided(conn, portfolio, last_day).await?;
    let differences = store::open_differences(conn, portfolio, last_day).await?;
    let approvals = store::open_approvals(conn, portfolio).await?;
    Ok(vec![difference, files, statements, lines, differences, approvals, unapplied])
}

/// Marks what is accepted.
///
/// # Errors
/// [`Error::Conflict`] that names what is neither done nor accepted, or cannot be.
pub fn accept(findings: &mut [Finding], accepted: &[FindingKind]) -> Result<()> {
    for finding in findings.iter_mut().filter(|finding| finding.count > 0) {
        finding.accepted = finding.kind != FindingKind::LedgerDifference && accepted.contains(&finding.kind);
    }
    let left: Vec<&str> =
        findings.iter().filter(|one| one.count > 0 && !one.accepted).map(|one| one.kind.as_str()).collect();
    if left.is_empty() { Ok(()) } else { Err(Error::Conflict(format!("not done yet: {}", left.join(", ")))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(kind: FindingKind, count: i64) -> Finding {
        Finding { count, ..Finding::new(kind) }
    }

    #[test]
    fn what_is_not_done_has_to_be_accepted_by_name() {
        let mut list = [finding(FindingKind::UnpostedFiles, 0), finding(FindingKind::UnappliedCash, 2)];
        assert!(matches!(accept(&mut list, &[]), Err(Error::Conflict(left)) if left.ends_with("unapplied_cash")));
        accept(&mut list, &[FindingKind::UnappliedCash]).expect("accepted");
        assert_eq!(list.map(|one| one.accepted), [false, true], "what is done needs no acceptance");
    }

    #[test]
    fn books_that_do_not_tie_are_not_closed() {
        let mut list = [finding(FindingKind::LedgerDifference, 1)];
        assert!(matches!(accept(&mut list, &[FindingKind::LedgerDifference]), Err(Error::Conflict(_))));
    }
}
