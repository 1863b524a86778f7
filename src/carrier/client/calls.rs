//! Lines: place, change, look up.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Url;
use serde_json::Value;

use super::{Client, send::Ask};
use crate::call::Direction;
use crate::carrier::{
    error::{Error, Meaning},
    party::Party,
    request::{CallUpdate, CreateCall, CreateResult, ListCalls, NotPlaced, Updated},
    sid::Sid,
    twilio::rest::{self, CALLS, CURRENT_RECORDING, CallRecord, RECORDINGS, VERSION},
};

/// Lines asked for at once.
const PAGE: u16 = 200;
/// Pages read at most, so that a list of everything ends.
const MAX_PAGES: usize = 50;
/// A line that waited longer at the carrier, in milliseconds, leaves when its agent is gone.
const LONGEST_QUEUE_MS: u32 = 1000;
/// How far the carrier's clock may be behind ours when a line is looked for.
const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(60);

/// What looking for a line of an unknown create found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// No such line: it was not placed, or is not listed yet.
    None,
    /// The line.
    One(Box<CallRecord>),
    /// More than one could be it.
    Several,
}

impl Client {
    /// Asks the carrier to place a line. Commit the attempt before; never hold a transaction over it.
    ///
    /// Waits up to 10 s, and a few seconds more where the carrier is busy or nobody takes the connection.
    pub async fn create_call(&self, call: &CreateCall) -> CreateResult {
        let asked = self.ask(Ask::post(self.resource(&[CALLS]), rest::create(call))).await;
        match asked {
            Ok(json) => created(&json),
            Err(Error::Unreachable(_)) => CreateResult::NotPlaced(NotPlaced::Unreachable),
            Err(Error::Busy { .. }) => CreateResult::NotPlaced(NotPlaced::Busy),
            Err(Error::Refused(trouble)) => CreateResult::NotPlaced(NotPlaced::Refused(trouble)),
            Err(Error::Unclear(why)) => {
                tracing::warn!(why, "nobody knows whether the carrier placed the call");
                CreateResult::Unknown
            }
            Err(Error::NotFound) => CreateResult::Rejected { code: 20_404, bad_number: false },
            Err(Error::Rejected { code }) => {
                CreateResult::Rejected { code, bad_number: Meaning::of(code).is_bad_number() }
            }
        }
    }

    /// Changes a line.
    ///
    /// # Errors
    /// [`Error::NotFound`] where the carrier does not know the line (also for a moment after it was placed);
    /// otherwise as every request.
    pub async fn update_call(&self, line: &Sid, update: &CallUpdate) -> Result<Updated, Error> {
        let url = self.resource(&[CALLS, line.as_str()]);
        match self.ask(Ask::post(url, rest::update(update))).await {
            Ok(json) => Ok(Updated::Done(call_status(&json))),
            Err(Error::Rejected { code }) if Meaning::of(code) == Meaning::WrongState => Ok(Updated::WrongState),
            Err(error) => Err(error),
        }
    }

    /// Looks up a line.
    ///
    /// # Errors
    /// [`Error::NotFound`] where the carrier does not know the line (also for a moment after it was placed);
    /// otherwise as every request.
    pub async fn fetch_call(&self, line: &Sid) -> Result<CallRecord, Error> {
        let json = self.ask(Ask::get(self.resource(&[CALLS, line.as_str()]))).await?;
        let record = rest::call_record(&json).ok_or_else(|| Error::Unclear("the answer is no call".into()))?;
        watch_queue(&record);
        Ok(record)
    }

    /// Lists lines, newest first, at most 10,000.
    ///
    /// # Errors
    /// As every request.
    pub async fn list_calls(&self, wanted: &ListCalls) -> Result<Vec<CallRecord>, Error> {
        let url = self.resource(&[CALLS]);
        let records = self.list(with_query(url, &rest::list(wanted, PAGE)), "calls", rest::call_record).await?;
        records.iter().for_each(watch_queue);
        Ok(records)
    }

    /// Looks for the line of a create whose answer was lost, asked for at `asked_at`.
    ///
    /// `known` are lines to the same party that belong to other attempts.
    ///
    /// # Errors
    /// As every request.
    pub async fn find_unknown(
        &self,
        to: &Party,
        from: &Party,
        asked_at: DateTime<Utc>,
        known: &[Sid],
    ) -> Result<Found, Error> {
        let since = asked_at - CLOCK_SKEW;
        let wanted = ListCalls {
            to: Some(to.clone()),
            from: Some(from.clone()),
            status: None,
            started_since: Some(since.date_naive()),
        };
        let mut records = self.list_calls(&wanted).await?;
        records.retain(|record| could_be(record, since) && !known.contains(&record.sid));
        Ok(match records.len() {
            0 => Found::None,
            1 => Found::One(Box::new(records.remove(0))),
            _ => Found::Several,
        })
    }

    /// Pauses the recording of a line while card data is spoken, or goes on with it.
    ///
    /// # Errors
    /// [`Error::NotFound`] where nothing is being recorded; otherwise as every request.
    pub async fn pause_recording(&self, line: &Sid, pause: bool) -> Result<(), Error> {
        let url = self.resource(&[CALLS, line.as_str(), RECORDINGS, CURRENT_RECORDING]);
        self.ask(Ask::post(url, rest::pause_recording(pause))).await.map(drop)
    }

    /// Deletes a recording; one that is gone already counts as deleted.
    ///
    /// # Errors
    /// As every request.
    pub async fn delete_recording(&self, recording: &Sid) -> Result<(), Error> {
        match self.ask(Ask::delete(self.resource(&[RECORDINGS, recording.as_str()]))).await {
            Ok(_) | Err(Error::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Reads a list, following the addresses of the next pages.
    pub(super) async fn list<T>(&self, first: Url, key: &str, read: fn(&Value) -> Option<T>) -> Result<Vec<T>, Error> {
        let mut records = Vec::new();
        let mut next = Some(first);
        for _ in 0..MAX_PAGES {
            let Some(url) = next else { break };
            let json = self.ask(Ask::get(url)).await?;
            records.extend(rest::page(&json, key, read));
            next = rest::next_page(&json).map(|uri| self.page_address(uri)).transpose()?;
        }
        Ok(records)
    }

    /// The address of a page. Credentials must not follow it to another host.
    fn page_address(&self, uri: &str) -> Result<Url, Error> {
        let base = &self.0.base;
        let url = if uri.starts_with(&format!("/{VERSION}/")) {
            Url::parse(&format!("{}{uri}", base.as_str().trim_end_matches('/'))).ok()
        } else {
            base.join(uri).ok()
        };
        url.filter(|url| url.origin() == base.origin())
            .ok_or_else(|| Error::Unclear("the next page is at another host".into()))
    }
}

pub(super) fn with_query(mut url: Url, query: &rest::Form) -> Url {
    url.query_pairs_mut().extend_pairs(query);
    url
}

/// A success without an id may have been placed all the same.
fn created(json: &Value) -> CreateResult {
    rest::call_record(json).map_or(CreateResult::Unknown, |record| CreateResult::Accepted { sid: record.sid })
}

fn call_status(json: &Value) -> crate::carrier::Status {
    rest::call_record(json).map_or(crate::carrier::Status::Other, |record| record.status)
}

fn could_be(record: &CallRecord, since: DateTime<Utc>) -> bool {
    let in_time = record.created_at.or(record.started_at).is_none_or(|at| at >= since);
    in_time && record.direction != Some(Direction::Inbound) && record.parent.is_none()
}

/// Says so when the carrier lets calls wait: then our rate is above its own.
fn watch_queue(record: &CallRecord) {
    let Some(queued_ms) = record.queued_ms else { return };
    metrics::histogram!("ledgerline_carrier_queue_seconds").record(f64::from(queued_ms) / 1000.0);
    if queued_ms > LONGEST_QUEUE_MS {
        tracing::warn!(sid = %record.sid, queued_ms, "the carrier let a call wait: lower the calls per second");
    }
}
