//! `/metrics` for Prometheus. Counters and histograms grow where things happen; gauges are read when they are asked for.
//!
//! | metric | what |
//! |---|---|
//! | `ledgerline_http_seconds{method,route,status}` | time to answer a request |
//! | `ledgerline_webhooks_total{kind,verdict}` | what the carrier posted, and what became of it |
//! | `ledgerline_pop_seconds{kind}` | answer webhook to the agent picked, the screen-pop sent and the instructions written |
//! | `ledgerline_calls{state}` | calls that are not done |
//! | `ledgerline_agents{state}` | agents |
//! | `ledgerline_outbox{is}` | effects: waiting, overdue (60 s), failed |
//! | `ledgerline_queue_entries{campaign,lane}` | entries of the queue |
//! | `ledgerline_carrier_request_seconds{method,result}` | time the carrier takes to answer |
//! | `ledgerline_carrier_queue_seconds` | how long the carrier let calls wait: near 0, or the rate is too high |

use axum::{
    extract::State,
    http::{HeaderName, header},
};
use chrono::TimeDelta;
use metrics::gauge;

use crate::{app::App, error::Result, floor, queue, telemetry};

use super::{problem, store};

/// States of a call in progress, so that a state without calls reads 0 and not its last number.
const CALL_STATES: [&str; 7] = ["planned", "dialing", "ringing", "answered", "held", "bridged", "wrapping"];
/// States of an agent; likewise.
const AGENT_STATES: [&str; 6] = ["offline", "ready", "reserved", "on_call", "wrap_up", "paused"];

/// The metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses((status = 200, body = String)))]
pub async fn metrics(State(app): State<App>) -> problem::Result<([(HeaderName, &'static str); 1], String)> {
    let recorder = telemetry::metrics();
    read_gauges(&app).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], recorder.render()))
}

async fn read_gauges(app: &App) -> Result<()> {
    let overdue = app.clock.now() - TimeDelta::seconds(60);
    let outbox = store::outbox(&app.db, overdue).await?;
    for (is, count) in [("waiting", outbox.waiting), ("overdue", outbox.overdue), ("failed", outbox.failed)] {
        gauge!("ledgerline_outbox", "is" => is).set(as_f64(count));
    }
    let calls = store::calls_by_state(&app.db).await?;
    for state in CALL_STATES {
        gauge!("ledgerline_calls", "state" => state).set(as_f64(count_of(&calls, state)));
    }
    let agents = store::agents_by_state(&app.db).await?;
    for state in AGENT_STATES {
        gauge!("ledgerline_agents", "state" => state).set(as_f64(count_of(&agents, state)));
    }
    for campaign in floor::store::campaigns(&app.db).await? {
        for (lane, count) in queue::depth(app, campaign.id).await? {
            gauge!("ledgerline_queue_entries", "campaign" => campaign.name.clone(), "lane" => lane.as_str())
                .set(as_f64(i64::try_from(count).unwrap_or(i64::MAX)));
        }
    }
    Ok(())
}

fn count_of(counts: &[(String, i64)], state: &str) -> i64 {
    counts.iter().find(|(name, _)| name == state).map_or(0, |(_, count)| *count)
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; counts stay far below 2^52")]
fn as_f64(count: i64) -> f64 {
    count as f64
}
