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

/// When something happened: the carrier's word, where its clock and ours agree, and never later than we heard of it.
#[must_use]
pub fn moment(told: Option<DateTime<Utc>>, heard_at: DateTime<Utc>) -> DateTime<Utc> {
    told.filter(|told| (heard_at - *told).abs() < CLOCKS_AGREE_WITHIN).map_or(heard_at, |told| told.min(heard_at))
}
