//! What the carrier says of a line, as events of its call.

use chrono::{DateTime, TimeDelta, Utc};

use super::{End, EndStatus, Event};
use crate::carrier::Status;

/// How far the carrier's clock is believed. A service on a shifted clock, or a carrier whose clock is wrong, takes the
/// arrival for the moment.
const CLOCKS_AGREE_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// What a status says about a call.
#[must_use]
pub fn event_of(status: Status, at: DateTime<Utc>) -> Option<Event> {
    let ended = |status| Event::Ended(End { at, status });
    Some(match status {
        Status::Queued | Status::Initiated => Event::CreateAccepted,
        Status::Ringing => Event::Ringing,
        Status::InProgress => Event::Answered,
        Status::Completed => ended(EndStatus::Completed),
        Status::Busy => ended(EndStatus::Busy),
        Status::NoAnswer => ended(EndStatus::NoAnswer),
        Status::Failed => ended(EndStatus::Failed),
        Status::Canceled => ended(EndStatus::Canceled),
        Status::Other => return None,
    })
}

/// The carrier tells whole seconds: what it stamps 12:00:09 may have happened up to this much later.
const WITHIN_THE_SECOND: TimeDelta = TimeDelta::milliseconds(999);

/// When something happened, at the latest: by the carrier's word, where its clock and ours agree, and never later than
/// we heard of it.
#[must_use]
pub fn moment(told: Option<DateTime<Utc>>, heard_at: DateTime<Utc>) -> DateTime<Utc> {
    told.filter(|told| (heard_at - *told).abs() < CLOCKS_AGREE_WITHIN)
        .map_or(heard_at, |told| heard_at.min(told + WITHIN_THE_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a moment")
    }

    #[test]
    fn what_the_carrier_stamps_is_at_the_end_of_its_second_and_not_after_it_was_heard() {
        let told = Some(at("2026-11-07T15:04:05Z"));
        assert_eq!(moment(told, at("2026-11-07T15:04:09Z")), at("2026-11-07T15:04:05.999Z"));
        assert_eq!(moment(told, at("2026-11-07T15:04:05.300Z")), at("2026-11-07T15:04:05.300Z"));
    }

    #[test]
    fn a_clock_that_is_ten_minutes_off_is_not_believed() {
        let heard = at("2026-11-07T15:04:05Z");
        assert_eq!(moment(Some(at("2026-11-07T15:14:05Z")), heard), heard);
        assert_eq!(moment(Some(at("2026-11-07T14:54:05Z")), heard), heard);
        assert_eq!(moment(None, heard), heard);
    }
}
