//! How likely a call is answered: by number and hour of the week, learnt from what became of calls.
//!
//! Four levels, each a Beta prior for the next: everything by hour of the week, the segment (country, kind of line, lane)
//! by hour, the number, the number by hour. A number that was called twice says little and is believed little; a segment
//! with thousands of calls says nearly everything. The same book gives the queue its points for the hour and the pacer
//! the chance of each line (`docs/PACING.md`).

pub mod learn;
mod store;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use chrono::{DateTime, Datelike, Timelike, Utc};
use chrono_tz::Tz;

pub use self::store::{load, of_number};
use crate::{phone::Phone, queue::Lane};

/// Hours of a week.
pub const HOURS: usize = 168;
/// Chance that a call is answered before anything is known.
pub const UNKNOWN: f64 = 0.3;
/// Calls that each level's prior counts for: hours of the week, segments, numbers (their hours likewise).
const HOUR_PRIOR: f64 = 200.0;
const SEGMENT_PRIOR: f64 = 60.0;
const NUMBER_PRIOR: f64 = 4.0;
/// Share of answered calls by the called party's local hour, in 1/100 %; more than 11 million calls (`PhoneBurner`).
/// Hours without calls count as the least of their neighbours. Business days and weekends are not told apart there.
const ANSWERED_BY_HOUR: [f64; 24] = [
    231.0, 231.0, 231.0, 231.0, 231.0, 231.0, 231.0, 373.0, 1184.0, 1409.0, 1553.0, 1495.0, 1353.0, 1441.0, 1501.0,
    1444.0, 1407.0, 1258.0, 1239.0, 1259.0, 1181.0, 1181.0, 231.0, 231.0,
];
/// The mean of the hours in which calls are made, 8 to 20 h.
const MEAN_BY_HOUR: f64 = 1375.0;

/// Calls and answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Calls that have had the time to be answered.
    pub dials: f64,
    /// Picked up by anybody or anything: an agent was needed.
    pub answered: f64,
    /// Picked up by people.
    pub people: f64,
}

/// Which lines are alike: country, kind of line, lane.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Segment(String);

/// A number's calls, all of them and those of one hour of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OfNumber {
    /// All hours.
    pub all: Tally,
    /// The hour.
    pub hour: Tally,
}

/// An hour of a week, 0 (Monday, 0 to 1 h) to 167.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HourOfWeek(u8);

/// What has been learnt of segments and hours.
#[derive(Clone, Debug)]
pub struct Book {
    segments: HashMap<Segment, Vec<Tally>>,
    hours: Vec<Tally>,
    /// Chance of a person at each hour, relative to the best hour.
    profile: Profile,
}

/// Chance of a person at each hour of the week, relative to the best hour: 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile(Vec<f64>);

/// This node's copy of the book; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Answers(Arc<RwLock<Arc<Book>>>);

/// How often people answer at a number, in thousandths of how often they answer any call: 1000 where it was never called.
#[must_use]
pub fn reach(of_number: Tally, of_all: Tally) -> u32 {
    let people = |tally: &Tally| tally.people;
    let usual = of_all.chance(people, UNKNOWN, HOUR_PRIOR);
    let relative = of_number.chance(people, usual, NUMBER_PRIOR) / usual;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let milli = (1000.0 * relative).clamp(0.0, 1_000_000.0).round() as u32;
    milli
}

impl Tally {
    /// Calls of which only those answered by people are counted.
    #[must_use]
    pub fn of_people(dials: f64, people: f64) -> Self {
        Self { dials, answered: people, people }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            dials: self.dials + other.dials,
            answered: self.answered + other.answered,
            people: self.people + other.people,
        }
    }

    /// The mean of a Beta distribution that began with `prior`, worth `weight` calls.
    fn chance(&self, count: impl Fn(&Self) -> f64, prior: f64, weight: f64) -> f64 {
        (count(self) + weight * prior) / (self.dials + weight)
    }
}

impl Segment {
    /// The segment of a number in a lane.
    #[must_use]
    pub fn of(number: &Phone, lane: Lane) -> Self {
        Self(format!("{}/{}/{}", number.country().as_deref().unwrap_or("--"), number.kind(), lane.as_str()))
    }

    /// As stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl HourOfWeek {
    /// The hour of a moment in a zone.
    #[must_use]
    pub fn of(at: DateTime<Utc>, zone: Tz) -> Self {
        let local = at.with_timezone(&zone);
        let hours = local.weekday().num_days_from_monday() * 24 + local.hour();
        Self(u8::try_from(hours).unwrap_or(0))
    }

    /// 0 to 167.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for Book {
    fn default() -> Self {
        Self::of([])
    }
}

impl Book {
    /// From the tallies of segments and hours.
    #[must_use]
    pub fn of(tallies: impl IntoIterator<Item = (Segment, usize, Tally)>) -> Self {
        let (mut segments, mut hours) = (HashMap::<Segment, Vec<Tally>>::new(), vec![Tally::default(); HOURS]);
        for (segment, hour, tally) in tallies.into_iter().filter(|(_, hour, _)| *hour < HOURS) {
            segments.entry(segment).or_insert_with(|| vec![Tally::default(); HOURS])[hour] = tally;
            hours[hour] = hours[hour].and(tally);
        }
        let people = by_hour(&hours, |tally| tally.people);
        let best = people.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        Self { segments, hours, profile: Profile(people.into_iter().map(|chance| chance / best).collect()) }
    }

    /// Chance that any call is answered.
    #[must_use]
    pub fn mean(&self) -> f64 {
        sum(&self.hours).chance(|tally| tally.answered, UNKNOWN, HOUR_PRIOR)
    }

    /// When people answer.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Chance that a call to a number of a segment is answered at an hour.
    #[must_use]
    pub fn chance(&self, segment: &Segment, hour: HourOfWeek, number: &OfNumber) -> f64 {
        let answered = |tally: &Tally| tally.answered;
        let (mean, at_hour) = (self.mean(), by_hour(&self.hours, answered)[hour.index()]);
        let of_segment = self
            .segments
            .get(segment)
            .map_or((Tally::default(), Tally::default()), |hours| (sum(hours), hours[hour.index()]));
        let segment = of_segment.0.chance(answered, mean, SEGMENT_PRIOR);
        let at_hour = of_segment.1.chance(answered, (segment * at_hour / mean).min(1.0), SEGMENT_PRIOR);
        let number_at_all = number.all.chance(answered, at_hour, NUMBER_PRIOR);
        number.hour.chance(answered, number_at_all, NUMBER_PRIOR)
    }

    /// The same, relative to the chance of any call: 0.2 to 5.
    #[must_use]
    pub fn relative(&self, segment: &Segment, hour: HourOfWeek, number: &OfNumber) -> f64 {
        (self.chance(segment, hour, number) / self.mean()).clamp(0.2, 5.0)
    }
}

fn sum(hours: &[Tally]) -> Tally {
    hours.iter().copied().fold(Tally::default(), Tally::and)
}

/// Chances at each hour of the week; before anything is known they follow the hour of the day.
fn by_hour(hours: &[Tally], count: impl Fn(&Tally) -> f64 + Copy) -> Vec<f64> {
    let mean = sum(hours).chance(count, UNKNOWN, HOUR_PRIOR);
    let at = |(hour, tally): (usize, &Tally)| {
        let prior = (mean * ANSWERED_BY_HOUR[hour % 24] / MEAN_BY_HOUR).min(1.0);
        tally.chance(count, prior, HOUR_PRIOR)
    };
    hours.iter().enumerate().map(at).collect()
}

impl Profile {
    /// At an hour.
    #[must_use]
    pub fn at(&self, hour: HourOfWeek) -> f64 {
        self.0[hour.index()]
    }
}

impl Answers {
    /// The book as this node knows it.
    #[must_use]
    pub fn book(&self) -> Arc<Book> {
        // A panic while it was held cannot have left it half changed.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another edition in its place.
    pub fn replace(&self, book: Book) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(book);
    }
}

#[cfg(test)]
mod tests;
