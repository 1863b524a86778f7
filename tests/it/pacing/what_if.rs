//! A recorded day dialled again: over the API, and as the command line asks.

use axum::http::StatusCode;
use chrono::TimeDelta;
use ledgerline::{
    agent::Role,
    app::App,
    campaign::{Campaign, Mode},
    dialer::what_if::{self, Question},
    ids::UserId,
    pacing::contender::Name,
};
use serde_json::json;

use super::recorded::{self, Over};
use crate::{
    api::client::Client,
    harness::{TestApp, noon},
    portfolio,
};

/// An hour before noon with two agents: every third call is answered, of those every fifth by nobody on our side.
async fn an_hour(app: &App, client: &Client) -> (Campaign, [UserId; 2]) {
    let campaign = portfolio::campaign(app, "first", Mode::Ratio).await;
    let agents = [client.user("agent-1", Role::Agent).await, client.user("agent-2", Role::Agent).await];
    let began = noon() - TimeDelta::hours(1);
    for agent in agents {
        recorded::presence(app, campaign.id, agent, "ready", began).await;
        recorded::presence(app, campaign.id, agent, "paused", noon() - TimeDelta::seconds(1)).await;
    }
    for number in 0..120 {
        let at = began + TimeDelta::seconds(30 * number);
        let over = match number % 15 {
            0 => Over::abandoned(at),
            3 | 6 | 9 | 12 => Over::talked(at),
            _ => Over::no_answer(at),
        };
        recorded::call(app, campaign.id, over.spoken.map(|_| agents[0]), over).await;
    }
    (campaign, agents)
}

#[tokio::test]
async fn a_day_can_be_dialled_again_by_every_pacer_and_the_api_and_the_command_agree() {
    let test = TestApp::start().await;
    let client = Client::new(&test.app).await;
    let (campaign, _) = an_hour(&test.app, &client).await;

    let path = format!("/api/campaigns/{}/pacing/what-if?day=2026-03-10", campaign.id);
    let all = client.get(&path).await;
    assert_eq!(all.status, StatusCode::OK, "{}", all.text);
    let (recorded, pacers) = (&all.body["recorded"], all.body["pacers"].as_array().expect("pacers"));
    assert_eq!(
        (&recorded["dialled"], &recorded["answers"], &recorded["abandoned"]),
        (&json!(120), &json!(40), &json!(8))
    );
    // 32 conversations of a minute in two hours of agents, less two seconds.
    let talk = recorded["talk_minutes_an_hour"].as_f64().expect("a figure");
    assert!((talk - 16.0).abs() < 0.1, "{talk}");
    assert_eq!(pacers.len(), 11);
    let of = |name: &str| pacers.iter().find(|pacer| pacer["pacer"] == name).expect("each has its name");
    assert_eq!(of("progressive")["abandoned"], 0, "one line an agent finds an agent");
    assert!(of("ratio")["dialled"].as_u64() >= of("progressive")["dialled"].as_u64());

    let asked = Question {
        day: "2026-03-10".parse().expect("a day"),
        pacer: Some(Name::Predictive),
        ratio_milli: None,
        starts: test.app.config.carrier.calls_per_second,
        seed: 1,
    };
    let ours =
        what_if::ask(&test.app.db, &test.app.clock, &campaign, asked, what_if::PATIENT).await.expect("an answer");
    assert_eq!(json!(ours.pacers[0]), *of("predictive"), "from the same function");
    let one = client.get(&format!("{path}&pacer=predictive")).await;
    assert_eq!(one.body["pacers"], json!([of("predictive")]));
    test.finish().await;
}

#[tokio::test]
async fn a_day_that_cannot_be_dialled_again_is_refused_by_its_field() {
    let test = TestApp::start().await;
    let client = Client::new(&test.app).await;
    let (campaign, agents) = an_hour(&test.app, &client).await;
    let path = format!("/api/campaigns/{}/pacing/what-if", campaign.id);
    for (query, field) in [
        ("?day=2026-03-11", "day"),
        ("?day=2026-03-01", "day"),
        ("?day=2026-03-10&pacer=guess", "pacer"),
        ("?day=2026-03-10&ratio_milli=900", "ratio_milli"),
        ("?day=2026-03-10&seed=70000", "seed"),
    ] {
        let refused = client.get(&format!("{path}{query}")).await;
        assert_eq!((refused.status.as_u16(), refused.field()), (422, Some(field)), "{query}: {}", refused.text);
    }
    let asked = |calls, agent_hours| {
        let day = "2026-03-10".parse().expect("a day");
        let asked = Question { day, pacer: Some(Name::Progressive), ratio_milli: None, starts: 1, seed: 1 };
        let most = what_if::AtMost { calls, agent_hours };
        what_if::ask(&test.app.db, &test.app.clock, &campaign, asked, most)
    };
    assert!(asked(120, 2).await.is_ok(), "at the bound");
    let refused = |answer: ledgerline::error::Result<_>| answer.err().map(|why| why.to_string()).unwrap_or_default();
    assert_eq!(refused(asked(119, 2).await), "day: more than 119 calls are recorded on it");
    assert_eq!(refused(asked(120, 1).await), "day: agents were there for more than 1 hours, all together");
    let forbidden = client.of(agents[0]).await.get(&format!("{path}?day=2026-03-10")).await;
    assert_eq!(forbidden.status, StatusCode::FORBIDDEN);
    test.finish().await;
}

#[tokio::test]
async fn who_works_for_another_campaign_is_not_counted() {
    let test = TestApp::start().await;
    let client = Client::new(&test.app).await;
    let (campaign, agents) = an_hour(&test.app, &client).await;
    let other = portfolio::campaign(&test.app, "second", Mode::Ratio).await;
    let half = noon() - TimeDelta::minutes(30);
    sqlx::query("DELETE FROM agent_log WHERE user_id = $1 AND state = 'paused'")
        .bind(agents[1])
        .execute(&test.app.db)
        .await
        .expect("the second agent stays");
    recorded::presence(&test.app, other.id, agents[1], "ready", half).await;
    let answer = client.get(&format!("/api/campaigns/{}/pacing/what-if?pacer=progressive", campaign.id)).await;
    let hours = answer.body["agent_hours"].as_f64().expect("a figure");
    assert!((hours - 1.5).abs() < 0.01, "{hours}");
    test.finish().await;
}
