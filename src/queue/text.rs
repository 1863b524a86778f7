//! Entries as Redis keeps them: short texts that the scripts take apart as far as they need to.

use std::fmt::Write as _;

use chrono_tz::Tz;

use super::{Components, Entry, Hold, Lane, Placement, Wait, Window, rank::Rank};
use crate::ids::AccountId;

/// A placement in the fields of `place.lua`; all empty: taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    /// `R`eady, `W`aiting or `H`eld.
    pub(super) state: &'static str,
    /// Bucket, or reason of the hold.
    pub(super) place: String,
    /// Rank once ready.
    pub(super) rank: String,
    /// Why it waits.
    pub(super) extra: &'static str,
    /// The rest of the entry.
    pub(super) body: String,
    /// Score in its sorted set.
    pub(super) score: String,
}

impl Fields {
    pub(super) fn of(placement: &Placement) -> Self {
        match placement {
            Placement::Ready(entry) => {
                let rank = Rank::of(entry).0.to_string();
                let (place, body) = (bucket(&entry.window), body(entry));
                Self { state: "R", place, score: rank.clone(), rank, extra: "", body }
            }
            Placement::Waiting { until, why, entry } => Self {
                state: "W",
                place: bucket(&entry.window),
                rank: Rank::of(entry).0.to_string(),
                extra: why.as_str(),
                body: body(entry),
                score: until.timestamp_millis().to_string(),
            },
            Placement::Held(hold) => {
                Self { state: "H", place: hold.as_str().to_owned(), score: "0".to_owned(), ..Self::default() }
            }
            Placement::Absent => Self::default(),
        }
    }

    /// The sorted set it belongs to, without the prefix of the campaign.
    pub(super) fn set(&self) -> String {
        match self.state {
            "R" => format!("ready:{}", self.place),
            "W" => format!("waiting:{}", self.extra),
            _ => format!("held:{}", self.place),
        }
    }

    /// The text of the entry as of a ticket.
    pub(super) fn entry(&self, ticket: &str) -> String {
        format!("{}|{ticket}|{}|{}|{}|{}", self.state, self.place, self.rank, self.extra, self.body)
    }
}

/// Name of the bucket of a window: its zones with commas.
pub(super) fn bucket(window: &Window) -> String {
    let mut name = String::with_capacity(32);
    for zone in window.zones() {
        if !name.is_empty() {
            name.push(',');
        }
        name.push_str(zone.name());
    }
    name
}

/// The window of a bucket; `None` if it names a zone that is not known.
pub(super) fn window(bucket: &str) -> Option<Window> {
    let zones: Option<Vec<Tz>> = bucket.split(',').map(|name| name.parse().ok()).collect();
    zones.map(Window::new)
}

/// `person|contact point|lane|balance,age,promise history,freshness,reach|collectible`
fn body(entry: &Entry) -> String {
    let Entry { person, contact_point, lane, components: c, collectible_minor, .. } = entry;
    let mut text = String::with_capacity(120);
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "{person}|{contact_point}|{}|{},{},{},{},{}|{collectible_minor}",
        *lane as u8, c.balance, c.age, c.promise_history, c.freshness, c.reach
    );
    text
}

/// The entry of a body, with `answer_chance` points for the present hour; `None` for what no version of us wrote.
pub(super) fn entry(account: AccountId, window: &Window, body: &str, answer_chance: u16) -> Option<Entry> {
    let mut fields = body.split('|');
    let person = fields.next()?.parse().ok()?;
    let contact_point = fields.next()?.parse().ok()?;
    let lane = *Lane::ALL.get(fields.next()?.parse::<usize>().ok()?)?;
    let mut points = fields.next()?.split(',').map_while(|points| points.parse::<u16>().ok());
    let components = Components {
        balance: points.next()?,
        age: points.next()?,
        promise_history: points.next()?,
        freshness: points.next()?,
        reach: points.next()?,
        answer_chance,
    };
    let collectible_minor = fields.next()?.parse().ok()?;
    let window = window.clone();
    let score = components.sum();
    Some(Entry { account, person, contact_point, lane, score, components, collectible_minor, window })
}

/// What lies between the bars of an entry's text: state, ticket, place, rank, extra, body.
pub(super) fn split(text: &str) -> Option<[&str; 6]> {
    let mut fields = text.splitn(6, '|');
    let mut next = || fields.next();
    Some([next()?, next()?, next()?, next()?, next()?, next()?])
}

impl Wait {
    /// Every reason to wait.
    pub const ALL: [Self; 5] = [Self::Callback, Self::RetryDelay, Self::Frequency, Self::Hold, Self::Policy];

    /// The name used in Redis and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Callback => "callback",
            Self::RetryDelay => "retry_delay",
            Self::Frequency => "frequency",
            Self::Hold => "hold",
            Self::Policy => "policy",
        }
    }
}

impl Hold {
    /// Every reason to hold.
    pub const ALL: [Self; 17] = [
        Self::OpenPromise,
        Self::Disputed,
        Self::CoveredByUnappliedCash,
        Self::NoCallableNumber,
        Self::AttemptsUsedUp,
        Self::Cease,
        Self::Attorney,
        Self::Bankruptcy,
        Self::Deceased,
        Self::Vulnerable,
        Self::Hardship,
        Self::DoNotCall,
        Self::Escalated,
        Self::OnHold,
        Self::InCall,
        Self::Removed,
        Self::Policy,
    ];

    /// The name used in Redis and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenPromise => "open_promise",
            Self::Disputed => "disputed",
            Self::CoveredByUnappliedCash => "covered_by_unapplied_cash",
            Self::NoCallableNumber => "no_callable_number",
            Self::AttemptsUsedUp => "attempts_used_up",
            Self::Cease => "cease",
            Self::Attorney => "attorney",
            Self::Bankruptcy => "bankruptcy",
            Self::Deceased => "deceased",
            Self::Vulnerable => "vulnerable",
            Self::Hardship => "hardship",
            Self::DoNotCall => "do_not_call",
            Self::Escalated => "escalated",
            Self::OnHold => "on_hold",
            Self::InCall => "in_call",
            Self::Removed => "removed",
            Self::Policy => "policy",
        }
    }

    /// The value of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hold| hold.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ContactPointId, PersonId};

    fn sample() -> Entry {
        let components =
            Components { balance: 312, age: 7, promise_history: 50, freshness: 100, reach: 40, answer_chance: 90 };
        Entry {
            account: AccountId::generate(),
            person: PersonId::generate(),
            contact_point: ContactPointId::generate(),
            lane: Lane::PromiseBroken,
            score: components.sum(),
            components,
            collectible_minor: 123_456,
            window: Window::new([chrono_tz::America::Indiana::Indianapolis, chrono_tz::America::Chicago]),
        }
    }

    #[test]
    fn an_entry_comes_back_as_it_went() {
        let before = sample();
        let fields = Fields::of(&Placement::Ready(before.clone()));
        let text = fields.entry("17");
        let [state, ticket, place, _, extra, body] = split(&text).unwrap();
        assert_eq!((state, ticket, extra), ("R", "17", ""));
        assert_eq!(entry(before.account, &window(place).unwrap(), body, 90), Some(before));
    }

    #[test]
    fn what_nobody_wrote_is_no_entry() {
        assert_eq!(split("R|17|somewhere"), None);
        assert_eq!(entry(AccountId::generate(), &Window::new([]), "x|y|9|1,2|3", 0), None);
        assert_eq!(window("Nowhere/Atlantis"), None);
    }

    #[test]
    fn the_scripts_know_every_reason() {
        let clear = include_str!("lua/clear.lua");
        let names = Hold::ALL.map(Hold::as_str).into_iter().chain(Wait::ALL.map(Wait::as_str));
        for name in names {
            assert!(clear.contains(&format!("'{name}'")), "clear.lua forgets {name}");
        }
        assert!(Hold::ALL.iter().all(|hold| Hold::from_name(hold.as_str()) == Some(*hold)));
    }
}
