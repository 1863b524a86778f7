//! The addresses that the carrier is given for a call: each carries the call's id and its secret token.

use crate::{
    call::CallbackToken,
    config::Config,
    ids::{CallId, UserId},
};

/// Where the carrier posts its webhooks, below the public address.
pub const PATH: &str = "/webhooks/twilio";

/// In the query of an agent's address: it reports progress and asks for nothing.
pub const PROGRESS: &str = "progress";

/// Three retries, on connection failures, timeouts and our 5xx; see connection overrides in the carrier's manual.
const RETRY: &str = "#rc=3&rp=ct,rt,5xx";

/// The answer is waited for by a person: fail fast, try twice.
const RETRY_FAST: &str = "#rc=2&ct=1000&rt=3000&rp=ct,rt,5xx";

/// Asked for instructions when the call is picked up, and again to move a waiting debtor to an agent.
#[must_use]
pub fn answer_url(config: &Config, call: CallId, token: &CallbackToken) -> String {
    of_call(config, "answer", call, token, RETRY_FAST)
}

/// Asked for instructions when [`answer_url`] could not be fetched or obeyed.
#[must_use]
pub fn fallback_url(config: &Config, call: CallId, token: &CallbackToken) -> String {
    of_call(config, "fallback", call, token, RETRY_FAST)
}

/// Asked for instructions when the time to wait for an agent is over.
#[must_use]
pub fn hold_url(config: &Config, call: CallId, token: &CallbackToken) -> String {
    of_call(config, "hold", call, token, RETRY_FAST)
}

/// Asked for instructions when the debtor has left the conference.
#[must_use]
pub fn dial_url(config: &Config, call: CallId, token: &CallbackToken) -> String {
    of_call(config, "dial", call, token, RETRY)
}

/// Told the progress of the customer's leg.
#[must_use]
pub fn status_url(config: &Config, call: CallId, token: &CallbackToken) -> String {
    of_call(config, "status", call, token, RETRY)
}

/// Told the verdict of machine detection.
#[must_use]
pub fn amd_url(config: &Config, call: CallId, token: &CallbackToken) -> String {
    of_call(config, "amd", call, token, RETRY)
}

/// Told about recordings of the call.
#[must_use]
pub fn recording_url(config: &Config, call: CallId, token: &CallbackToken) -> String {
    of_call(config, "recording", call, token, RETRY)
}

/// Asked for instructions when the agent's device picks up.
#[must_use]
pub fn agent_url(config: &Config, agent: UserId) -> String {
    of_agent(config, "agent", agent, "")
}

/// Told the progress of the agent's line.
#[must_use]
pub fn agent_status_url(config: &Config, agent: UserId) -> String {
    of_agent(config, "agent", agent, &format!("&{PROGRESS}=true"))
}

/// Told who enters and leaves the agent's conference: the first participant's address counts for all, and that is the
/// agent.
#[must_use]
pub fn conference_url(config: &Config, agent: UserId) -> String {
    of_agent(config, "conference", agent, "")
}

fn of_call(config: &Config, kind: &str, call: CallId, token: &CallbackToken, retry: &str) -> String {
    let token = token.as_str();
    format!("{}{PATH}/{kind}?call={call}&t={token}{retry}", base(config))
}

fn of_agent(config: &Config, kind: &str, agent: UserId, more: &str) -> String {
    format!("{}{PATH}/{kind}?agent={agent}{more}{RETRY}", base(config))
}

fn base(config: &Config) -> &str {
    config.public_url.as_str().trim_end_matches('/')
}
