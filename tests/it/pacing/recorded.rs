//! Calls and presence as a day leaves them behind, written straight into Postgres.

use chrono::{DateTime, TimeDelta, Utc};
use ledgerline::{
    app::App,
    disposition::catalogue,
    ids::{CallId, CampaignId, UserId},
};

/// A call that is over.
#[derive(Clone, Debug)]
pub struct Over {
    pub at: DateTime<Utc>,
    /// `completed`, `abandoned`, `machine`, `no_answer` …
    pub outcome: &'static str,
    /// Seconds until it stopped ringing.
    pub rang: i64,
    /// Seconds of talk and of wrap-up, if an agent got to it.
    pub spoken: Option<(i64, i64)>,
    pub inbound: bool,
    /// Whom it was to.
    pub number: String,
}

impl Over {
    /// Rings out.
    pub fn no_answer(at: DateTime<Utc>) -> Self {
        Self { at, outcome: "no_answer", rang: 22, spoken: None, inbound: false, number: "+12125550123".to_owned() }
    }

    /// A minute of talk and twenty seconds of wrap-up.
    pub fn talked(at: DateTime<Utc>) -> Self {
        Self { outcome: "completed", rang: 8, spoken: Some((60, 20)), ..Self::no_answer(at) }
    }

    /// Nobody was free.
    pub fn abandoned(at: DateTime<Utc>) -> Self {
        Self { outcome: "abandoned", rang: 8, ..Self::no_answer(at) }
    }
}

/// Writes a call of a campaign.
pub async fn call(app: &App, campaign: CampaignId, agent: Option<UserId>, over: Over) -> CallId {
    let id = CallId::generate();
    let stopped = over.at + TimeDelta::seconds(over.rang);
    let answered = (over.outcome != "no_answer").then_some(stopped);
    let ended = match (over.spoken, answered) {
        (Some((talk, _)), _) => stopped + TimeDelta::seconds(talk),
        (None, Some(_)) => stopped + TimeDelta::seconds(2),
        (None, None) => stopped,
    };
    let facts = serde_json::json!({"create": {"is": "accepted"}});
    sqlx::query(
        "INSERT INTO call (id, campaign_id, direction, to_number, from_number, callback_token, facts, state, outcome, live,
                           agent_id, created_at, answered_at, bridged_at, ended_at, heard_at, queue_entry)
         VALUES ($1, $2, $3, $11, '+15555550100', '', $4, 'done', $5, false, $6, $7, $8, $9, $10, $10, $12)",
    )
    .bind(id)
    .bind(campaign)
    .bind(if over.inbound { "inbound" } else { "outbound" })
    .bind(facts)
    .bind(over.outcome)
    .bind(agent)
    .bind(over.at)
    .bind(answered)
    .bind(over.spoken.and(answered))
    .bind(ended)
    .bind(over.number)
    .bind(serde_json::json!({"lane": "past_due", "window": ["America/New_York"]}))
    .execute(&app.db)
    .await
    .expect("a call");
    if let Some((_, wrap)) = over.spoken {
        disposed(app, id, ended + TimeDelta::seconds(wrap)).await;
    }
    id
}

async fn disposed(app: &App, call: CallId, at: DateTime<Utc>) {
    catalogue::seed(&app.db).await.expect("the catalogue");
    sqlx::query(
        "INSERT INTO call_disposition (call_id, set_name, code, category, at)
         SELECT $1, set_name, code, category, $2 FROM disposition ORDER BY set_name, position LIMIT 1",
    )
    .bind(call)
    .bind(at)
    .execute(&app.db)
    .await
    .expect("a disposition");
}

/// Notes that an agent's presence became `state` at a moment.
pub async fn presence(app: &App, campaign: CampaignId, agent: UserId, state: &str, at: DateTime<Utc>) {
    sqlx::query("INSERT INTO agent_log (user_id, campaign_id, state, at) VALUES ($1, $2, $3, $4)")
        .bind(agent)
        .bind(campaign)
        .bind(state)
        .bind(at)
        .execute(&app.db)
        .await
        .expect("a line of the log");
}
