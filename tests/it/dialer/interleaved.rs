//! Dialers and agents who call by hand, on two nodes at once: whatever comes first, no limit is passed.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::America::New_York;
use ledgerline::{
    app::App,
    campaign::{self, Campaign, Mode},
    dialer::{self, by_hand},
    error::Error,
    ids::{AccountId, ContactPointId, PersonId, UserId},
    queue,
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::{
    all_over,
    carrier::{Answer, Carrier},
    ready_agent, running, start,
};
use crate::{
    harness::TestApp,
    portfolio::{self, Debtor},
};

/// Persons, each with as many accounts.
const PERSONS: usize = 3;
const ACCOUNTS: usize = 2;

/// Rounds in which everybody tries at once.
const ROUNDS: usize = 24;

/// Who may be called, and who calls.
struct Floor {
    nodes: [App; 2],
    campaigns: [Campaign; 2],
    agents: Vec<UserId>,
    numbers: Vec<(AccountId, ContactPointId)>,
}

impl Floor {
    async fn open(test: &TestApp) -> Self {
        let app = &test.app;
        for _ in 0..PERSONS {
            let person = Some(PersonId::generate());
            for _ in 0..ACCOUNTS {
                portfolio::add(app, &Debtor { person, ..Debtor::default() }).await;
            }
        }
        let first = running(app, Mode::Progressive, 0).await;
        let second = portfolio::campaign(app, "second", Mode::Progressive).await;
        let second = campaign::start(app, None, second.id).await.expect("started");
        let mut agents = Vec::new();
        for campaign in [first.id, second.id, first.id, second.id] {
            agents.push(ready_agent(app, campaign).await);
        }
        let numbers = sqlx::query_as("SELECT account_id, id FROM contact_point ORDER BY id");
        let numbers = numbers.fetch_all(&app.db).await.expect("numbers");
        Self { nodes: [app.clone(), test.another_node().await], campaigns: [first, second], agents, numbers }
    }

    /// Both dialers tick on both nodes, and agents call by hand, all at the same time and in no order.
    async fn everybody_tries(&self, rng: &mut StdRng) {
        let mut tries = tokio::task::JoinSet::new();
        for node in &self.nodes {
            for campaign in &self.campaigns {
                let (app, campaign, patience) = (node.clone(), campaign.id, rng.random_range(0..12));
                tries.spawn(async move {
                    wait(patience).await;
                    dialer::tick(&app, campaign).await.expect("a tick");
                });
            }
        }
        for agent in self.agents.iter().copied() {
            let app = self.nodes.choose(rng).expect("two").clone();
            let (account, point) = *self.numbers.choose(rng).expect("some");
            let (campaign, patience) =
                (self.campaigns.choose(rng).map(|campaign| campaign.id), rng.random_range(0..12));
            tries.spawn(async move {
                wait(patience).await;
                match by_hand::dial(&app, agent, account, point, campaign).await {
                    Ok(_) | Err(Error::Refused(_) | Error::Conflict(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            });
        }
        while let Some(tried) = tries.join_next().await {
            tried.expect("it ran");
        }
    }

    /// What was asked of the carrier has been answered, and nobody picked up.
    async fn nobody_answers(&self, test: &TestApp) {
        for node in &self.nodes {
            let tasks = node.lifecycle.tasks();
            tasks.close();
            tasks.wait().await;
            tasks.reopen();
        }
        all_over(&test.app).await;
        test.settle().await;
    }
}

async fn wait(turns: usize) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

/// An attempt as it stands in the books.
#[derive(sqlx::FromRow)]
struct Made {
    person_id: PersonId,
    account_id: AccountId,
    to_number: String,
    created_at: DateTime<Utc>,
    by_hand: bool,
}

async fn made(app: &App) -> Vec<Made> {
    sqlx::query_as(
        "SELECT person_id, account_id, to_number, created_at, agent_id IS NOT NULL AS by_hand
         FROM call ORDER BY created_at, id",
    )
    .fetch_all(&app.db)
    .await
    .expect("calls")
}

/// The most that fell into seven days, of any one of them.
fn most_in_seven_days<K: Ord>(made: &[Made], of: impl Fn(&Made) -> K) -> usize {
    let mut times: BTreeMap<K, Vec<DateTime<Utc>>> = BTreeMap::new();
    for made in made {
        times.entry(of(made)).or_default().push(made.created_at);
    }
    let within = |times: &[DateTime<Utc>], end: DateTime<Utc>| {
        times.iter().filter(|at| **at <= end && end - **at < TimeDelta::days(7)).count()
    };
    times.values().flat_map(|times| times.iter().map(|end| within(times, *end))).max().unwrap_or(0)
}

/// The most on one number within one local day.
fn most_in_a_day(made: &[Made]) -> usize {
    let mut days: BTreeMap<(&str, NaiveDate), usize> = BTreeMap::new();
    for made in made {
        let day = made.created_at.with_timezone(&New_York).date_naive();
        *days.entry((&made.to_number, day)).or_default() += 1;
    }
    days.into_values().max().unwrap_or(0)
}

/// Calls whose receipt is missing, shared, or a refusal; and permits without a call.
async fn without_their_own_receipt(app: &App) -> i64 {
    sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM call LEFT JOIN dial_decision d ON d.id = decision_id
                 WHERE d.id IS NULL OR NOT d.permitted OR d.account_id <> call.account_id)
              + (SELECT count(*) - count(DISTINCT decision_id) FROM call)
              + (SELECT count(*) FROM dial_decision d
                 WHERE permitted AND NOT EXISTS (SELECT FROM call WHERE decision_id = d.id))",
    )
    .fetch_one(&app.db)
    .await
    .expect("counted")
}

async fn refusals(app: &App) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM dial_decision WHERE NOT permitted")
        .fetch_one(&app.db)
        .await
        .expect("counted")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_dials_on_whichever_node_no_limit_is_passed_and_every_call_has_its_receipt() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let floor = Floor::open(&test).await;
    let limits = &floor.campaigns[0].settings.limits;
    let mut rng = StdRng::seed_from_u64(41);
    for round in 0..ROUNDS {
        floor.everybody_tries(&mut rng).await;
        floor.nobody_answers(&test).await;
        let made = made(&test.app).await;
        let week = usize::from(limits.attempts_per_person_per_week);
        assert!(most_in_seven_days(&made, |made| made.person_id) <= week, "a person, round {round}");
        assert!(most_in_seven_days(&made, |made| made.account_id) <= 3, "an account, round {round}");
        assert!(most_in_a_day(&made) <= usize::from(limits.attempts_per_number_per_day), "a number, round {round}");
        assert_eq!(without_their_own_receipt(&test.app).await, 0, "round {round}");
        test.app.clock.advance(TimeDelta::hours(rng.random_range(0..30)));
        for campaign in &floor.campaigns {
            queue::rebuild(&test.app, campaign.id).await.expect("a queue");
        }
    }
    let made = made(&test.app).await;
    let by_hand = made.iter().filter(|made| made.by_hand).count();
    assert!(by_hand > 0 && by_hand < made.len(), "{by_hand} of {} by hand: both have dialled", made.len());
    assert!(refusals(&test.app).await > 0, "the limits were met");
    test.finish().await;
}
