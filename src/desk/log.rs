//! The messages to an agent's desk, numbered and kept in Redis, so that a desk that reconnects, on any node, misses
//! nothing.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use redis::{AsyncCommands as _, Script};
use serde::Serialize;
use serde_json::value::RawValue;

use super::protocol::Body;
use crate::{
    app::App,
    error::{Error, Result},
    ids::UserId,
    tempo::desk_key,
};

/// Messages kept for each agent; who missed more gets a snapshot.
pub const KEPT: usize = 256;

/// How long they are kept after the last one, in seconds.
const KEPT_S: u32 = 24 * 3600;

static PUSH: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/push.lua")));
static MISSED: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/missed.lua")));

/// A message that has no number yet.
#[derive(Serialize)]
struct Unnumbered<'a> {
    at: DateTime<Utc>,
    #[serde(flatten)]
    body: &'a Body,
}

/// [`Unnumbered`] with [`Body::Pop`].
#[derive(Serialize)]
struct WrittenPop<'a> {
    at: DateTime<Utc>,
    #[serde(rename = "type")]
    kind: &'static str,
    pop: &'a RawValue,
}

/// Numbers, keeps and publishes a message, in one round trip. A counter that Redis has lost goes on at the millisecond,
/// which no counting has reached: a desk that comes back with an old number is never taken for up to date.
pub(super) async fn push(app: &App, agent: UserId, body: &Body) -> Result<u64> {
    number(app, agent, &Unnumbered { at: app.clock.now(), body }).await
}

/// As [`push`], a [`Body::Pop`] whose pop is written already.
pub(super) async fn push_pop(app: &App, agent: UserId, pop: &RawValue) -> Result<u64> {
    number(app, agent, &WrittenPop { at: app.clock.now(), kind: "pop", pop }).await
}

async fn number(app: &App, agent: UserId, message: &impl Serialize) -> Result<u64> {
    let now = app.clock.now();
    let message = serde_json::to_string(message).map_err(Error::internal("writing a message"))?;
    let mut script = PUSH.prepare_invoke();
    script.key(desk_key(agent, "seq")).key(desk_key(agent, "log"));
    script.arg(message).arg(now.timestamp_millis()).arg(channel(agent)).arg(KEPT).arg(KEPT_S);
    Ok(script.invoke_async(&mut app.redis.clone()).await?)
}

/// The messages after number `received`; `None` where they are not all kept any more.
pub(super) async fn missed(app: &App, agent: UserId, received: u64) -> Result<Option<Vec<String>>> {
    let mut script = MISSED.prepare_invoke();
    script.key(desk_key(agent, "seq")).key(desk_key(agent, "log")).arg(received);
    Ok(script.invoke_async(&mut app.redis.clone()).await?)
}

/// Number of the last message. Counting begins here if it has not begun: the first message is then the next one, and
/// not one that comes after a gap.
pub(super) async fn last(app: &App, agent: UserId) -> Result<u64> {
    let (key, mut redis) = (desk_key(agent, "seq"), app.redis.clone());
    let mut begin = redis::cmd("SET");
    begin.arg(&key).arg(app.clock.now().timestamp_millis()).arg("NX").arg("EX").arg(KEPT_S);
    let mut both = redis::pipe();
    both.atomic().add_command(begin).ignore().get(&key);
    let (last,): (u64,) = both.query_async(&mut redis).await?;
    Ok(last)
}

/// Tells every node that log-in `session` has taken over from the older ones.
pub(crate) async fn announce(app: &App, agent: UserId, session: i64) -> Result<()> {
    let text = format!("{SESSION}{session}");
    Ok(app.redis.clone().publish(channel(agent), text).await?)
}

/// What an announcement begins with; messages begin with a brace.
pub(super) const SESSION: &str = "session ";

pub(super) fn channel(agent: UserId) -> String {
    desk_key(agent, "new")
}

/// The agent of a channel.
pub(super) fn agent_of(channel: &str) -> Option<UserId> {
    channel.strip_prefix("ll:{d:")?.strip_suffix("}:new")?.parse().ok()
}

/// The number of a numbered message.
pub(super) fn number_of(message: &str) -> Option<u64> {
    message.strip_prefix("{\"seq\":")?.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_names_its_agent() {
        let agent = UserId::generate();
        assert_eq!(agent_of(&channel(agent)), Some(agent));
        assert_eq!(agent_of("ll:floor"), None);
    }

    #[test]
    fn a_pop_that_is_written_already_makes_the_same_message() {
        let pop: crate::desk::protocol::Pop = serde_json::from_value(serde_json::json!({
            "call": crate::ids::CallId::generate(), "direction": "outbound", "preview": false, "campaign": null,
            "campaign_name": "", "account": null, "number": "+15555550123", "reasons": null, "script": "say \"hello\"",
            "disposition_set": "standard",
        }))
        .expect("a pop");
        let at = "2026-03-10T14:00:00Z".parse().expect("a moment");
        let raw = serde_json::value::to_raw_value(&pop).expect("it can be written");
        let written = serde_json::to_string(&WrittenPop { at, kind: "pop", pop: &raw }).expect("it can be written");
        let body = Body::Pop { pop: Box::new(pop) };
        assert_eq!(written, serde_json::to_string(&Unnumbered { at, body: &body }).expect("it can be written"));
    }

    #[test]
    fn a_message_begins_with_its_number() {
        assert_eq!(number_of(r#"{"seq":1767225600001,"at":"x"}"#), Some(1_767_225_600_001));
        assert_eq!(number_of("session 3"), None);
    }
}
