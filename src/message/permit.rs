//! May this debtor be written to at this address? Pure. The rules of the telephone that are about the account and the
//! person bind letters as well (12 CFR 1006.6(c), (d), 1006.14(h); GDPR Art. 21).

use std::fmt;

use chrono::{DateTime, Utc};

use super::Purpose;
use crate::account::HoldReason;

/// What is known that may forbid a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bars {
    /// The account is closed.
    pub closed: bool,
    /// The address came back as dead, or was marked as of no use.
    pub dead: bool,
    /// Since when the address is opted out.
    pub opted_out_at: Option<DateTime<Utc>>,
    /// The person or the account is on the do-not-call list: they asked not to be contacted.
    pub do_not_call: bool,
    /// Reasons to leave the account alone that stand now.
    pub holds: Vec<HoldReason>,
}

/// The rule that forbids a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// The account is closed.
    Closed,
    /// The address is of no use.
    DeadAddress,
    /// The reader opted out.
    OptedOut,
    /// The person or account asked not to be contacted.
    DoNotCall,
    /// The account is on hold.
    Held(HoldReason),
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "not written to: the account is closed",
            Self::DeadAddress => "not written to: the address is of no use",
            Self::OptedOut => "not written to: the address is opted out",
            Self::DoNotCall => "not written to: the person or account asked not to be contacted",
            Self::Held(HoldReason::Cease) => "not written to: the debtor asked us to stop",
            Self::Held(HoldReason::Attorney) => "not written to: represented by an attorney",
            Self::Held(HoldReason::Bankruptcy) => "not written to: bankrupt",
            Self::Held(HoldReason::Deceased) => "not written to: deceased",
            Self::Held(HoldReason::Vulnerable) => "not reminded: in a vulnerable situation",
            Self::Held(HoldReason::Hardship) => "not reminded: in hardship",
            Self::Held(HoldReason::Escalated) => "not reminded: escalated",
            Self::Held(HoldReason::Hold) => "not reminded: on hold",
        })
    }
}

/// Passes a message, or names the rule that forbids it. A reminder is stopped by every hold; a document or an answer only
/// by those under which nobody may write at all.
///
/// # Errors
/// The bar.
pub fn look(bars: &Bars, purpose: Purpose) -> Result<(), Bar> {
    if bars.dead {
        return Err(Bar::DeadAddress);
    }
    if bars.opted_out_at.is_some() {
        return Err(Bar::OptedOut);
    }
    if bars.closed && purpose == Purpose::Reminder {
        return Err(Bar::Closed);
    }
    if bars.do_not_call && purpose == Purpose::Reminder {
        return Err(Bar::DoNotCall);
    }
    let stops = |hold: &&HoldReason| purpose == Purpose::Reminder || forbids_all(**hold);
    bars.holds.iter().find(stops).map_or(Ok(()), |hold| Err(Bar::Held(*hold)))
}

fn forbids_all(hold: HoldReason) -> bool {
    match hold {
        HoldReason::Cease | HoldReason::Attorney | HoldReason::Bankruptcy | HoldReason::Deceased => true,
        HoldReason::Vulnerable | HoldReason::Hardship | HoldReason::Escalated | HoldReason::Hold => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [HoldReason; 8] = [
        HoldReason::Cease,
        HoldReason::Attorney,
        HoldReason::Bankruptcy,
        HoldReason::Deceased,
        HoldReason::Vulnerable,
        HoldReason::Hardship,
        HoldReason::Escalated,
        HoldReason::Hold,
    ];

    #[test]
    fn a_reminder_passes_no_hold_and_a_document_passes_the_soft_ones() {
        for hold in ALL {
            let bars = Bars { holds: vec![hold], ..Bars::default() };
            assert_eq!(look(&bars, Purpose::Reminder), Err(Bar::Held(hold)));
            for purpose in [Purpose::Document, Purpose::Letter] {
                assert_eq!(look(&bars, purpose).is_err(), forbids_all(hold), "{hold:?} {purpose:?}");
            }
        }
    }

    #[test]
    fn nothing_passes_an_opt_out_or_a_dead_address() {
        let out = Bars { opted_out_at: Some(DateTime::UNIX_EPOCH), ..Bars::default() };
        let dead = Bars { dead: true, ..Bars::default() };
        for purpose in [Purpose::Reminder, Purpose::Document, Purpose::Letter] {
            assert_eq!(look(&out, purpose), Err(Bar::OptedOut));
            assert_eq!(look(&dead, purpose), Err(Bar::DeadAddress));
            assert_eq!(look(&Bars::default(), purpose), Ok(()));
        }
    }
}
