//! Preview: the agent decides.

use chrono::TimeDelta;
use ledgerline::{
    call,
    campaign::Mode,
    dialer,
    error::Error,
    ids::{CallId, UserId},
    queue::{self, Wait},
};

use super::{
    all_over,
    carrier::{Answer, Carrier},
    ready_agent, running, start, verdicts,
};
use crate::portfolio::{self, Debtor};

async fn previewer(app: &ledgerline::app::App) -> UserId {
    sqlx::query_scalar("SELECT user_id FROM agent WHERE state = 'reserved'").fetch_one(&app.db).await.expect("an agent")
}

async fn state_of(app: &ledgerline::app::App, agent: UserId) -> String {
    let state = sqlx::query_scalar("SELECT state FROM agent WHERE user_id = $1").bind(agent);
    state.fetch_one(&app.db).await.expect("an agent")
}

#[tokio::test]
async fn the_agent_sees_the_account_and_dials_once() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = running(app, Mode::Preview, 1).await;
    let ticked = dialer::tick(app, campaign.id).await.expect("a tick");
    let [call] = ticked.begun[..] else { panic!("one account is shown") };
    assert!(carrier.placed().is_empty(), "nobody has decided yet");
    let agent = previewer(app).await;
    let stranger = dialer::preview::dial(app, UserId::generate(), call).await;
    assert!(matches!(stranger, Err(Error::NotFound(_))));

    dialer::preview::dial(app, agent, call).await.expect("dialled");
    let twice = dialer::preview::dial(app, agent, call).await;
    assert!(matches!(twice, Err(Error::Conflict(_))));
    assert_eq!(verdicts(app, account).await, [(true, None), (true, None)], "shown, and dialled");
    app.lifecycle.tasks().close();
    app.lifecycle.tasks().wait().await;
    assert_eq!(carrier.placed().len(), 1);
    all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn a_skipped_account_rests_and_the_agent_is_free() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    portfolio::add(app, &Debtor::default()).await;
    let campaign = running(app, Mode::Preview, 1).await;
    let ticked = dialer::tick(app, campaign.id).await.expect("a tick");
    let call: CallId = ticked.begun[0];
    let agent = previewer(app).await;
    dialer::preview::skip(app, agent, call).await.expect("skipped");
    test.settle().await;
    assert!(carrier.placed().is_empty());
    assert_eq!(queue::waiting(app, campaign.id).await.expect("waiting")[&Wait::RetryDelay], 1);
    let late = dialer::preview::dial(app, agent, call).await;
    assert!(matches!(late, Err(Error::NotFound(_) | Error::Conflict(_))));
    test.finish().await;
}

#[tokio::test]
async fn an_account_that_nobody_decides_on_goes_back_and_its_agent_is_paused() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    portfolio::add(app, &Debtor::default()).await;
    let campaign = running(app, Mode::Preview, 1).await;
    let shown = dialer::tick(app, campaign.id).await.expect("a tick").begun[0];
    let agent = previewer(app).await;
    app.clock.advance(TimeDelta::minutes(10));
    call::sweeper::step(app).await.expect("a look");
    assert_eq!(state_of(app, agent).await, "reserved", "the time is not over");
    app.clock.advance(TimeDelta::seconds(1));
    call::sweeper::step(app).await.expect("a look");
    assert_eq!(state_of(app, agent).await, "paused", "who decides nothing is not shown the next one");
    test.settle().await;
    assert_eq!(queue::waiting(app, campaign.id).await.expect("waiting")[&Wait::RetryDelay], 1);
    assert!(matches!(dialer::preview::dial(app, agent, shown).await, Err(Error::NotFound(_) | Error::Conflict(_))));
    test.finish().await;
}

#[tokio::test]
async fn an_account_shown_at_a_desk_that_is_gone_goes_back_after_a_minute() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    portfolio::add(app, &Debtor::default()).await;
    let campaign = running(app, Mode::Preview, 1).await;
    dialer::tick(app, campaign.id).await.expect("a tick");
    let agent = previewer(app).await;
    sqlx::query("UPDATE agent SET connected = false, seen_at = $1")
        .bind(app.clock.now())
        .execute(&app.db)
        .await
        .expect("the desk is closed");
    app.clock.advance(TimeDelta::seconds(60));
    call::sweeper::step(app).await.expect("a look");
    assert_eq!(state_of(app, agent).await, "reserved", "it may come back");
    app.clock.advance(TimeDelta::milliseconds(1));
    call::sweeper::step(app).await.expect("a look");
    assert_eq!(state_of(app, agent).await, "paused");
    test.finish().await;
}

#[tokio::test]
async fn what_is_paid_while_it_is_looked_at_is_not_dialled() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = running(app, Mode::Preview, 1).await;
    let ticked = dialer::tick(app, campaign.id).await.expect("a tick");
    let agent = previewer(app).await;
    portfolio::pay_all(app, account).await;
    let refused = dialer::preview::dial(app, agent, ticked.begun[0]).await;
    assert!(matches!(refused, Err(Error::Refused(why)) if why.rule == "something_to_collect"));
    test.settle().await;
    assert!(carrier.placed().is_empty());
    assert_eq!(verdicts(app, account).await[1], (false, Some("something_to_collect".to_owned())));
    test.finish().await;
}

#[tokio::test]
async fn an_account_is_shown_to_who_promised_to_call_back_then_to_its_owner_then_to_the_longest_idle() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = running(app, Mode::Preview, 0).await;
    let mut agents = Vec::new();
    for _ in 0..3 {
        agents.push(ready_agent(app, campaign.id).await);
        app.clock.advance(chrono::TimeDelta::seconds(1));
    }
    sqlx::query("UPDATE account SET owner_id = $1").bind(agents[1]).execute(&app.db).await.expect("an owner");
    portfolio::callback(app, account, app.clock.now()).await;
    sqlx::query("UPDATE callback SET agent_id = $1").bind(agents[2]).execute(&app.db).await.expect("promised");
    for expected in [agents[2], agents[1], agents[0]] {
        queue::rebuild(app, campaign.id).await.expect("rebuilt");
        let call = dialer::tick(app, campaign.id).await.expect("a tick").begun[0];
        let shown: UserId = sqlx::query_scalar("SELECT agent_id FROM call WHERE id = $1")
            .bind(call)
            .fetch_one(&app.db)
            .await
            .expect("an agent");
        assert_eq!(shown, expected);
        // It is over, and nothing was dialled; the agent stays away.
        sqlx::query("UPDATE call SET live = false, state = 'done', outcome = 'canceled' WHERE id = $1")
            .bind(call)
            .execute(&app.db)
            .await
            .expect("over");
    }
    sqlx::query("UPDATE agent SET state = 'offline', call_id = NULL").execute(&app.db).await.expect("all gone");
    test.settle().await;
    test.finish().await;
}
