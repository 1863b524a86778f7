//! What a tick dials, and what it does not.

use chrono::{Days, TimeDelta};
use ledgerline::{
    campaign::{self, Mode, State},
    dialer::{self, abandoned, latest::store::decisions},
    error::Error,
    floor,
    pacing::LimitedBy,
    queue::{self, Hold, Wait},
};

use super::{
    all_over,
    carrier::{Answer, Carrier},
    ready_agent, running, start, verdicts,
};
use crate::portfolio::{self, Debtor};

#[tokio::test]
async fn one_line_is_dialled_for_each_ready_agent() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let best = portfolio::add(app, &Debtor { owes_minor: 900_000, ..Debtor::default() }).await;
    for _ in 0..4 {
        portfolio::add(app, &Debtor::default()).await;
    }
    let campaign = running(app, Mode::Progressive, 2).await;
    let ticked = dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!((ticked.begun.len(), ticked.refused), (2, 0));
    assert_eq!(carrier.placed().len(), 2);
    assert_eq!(portfolio::live_calls(app, best.account).await.len(), 1, "the best one is among them");
    assert_eq!(verdicts(app, best.account).await, [(true, None)]);
    assert_eq!(queue::held(app, campaign.id).await.expect("held")[&Hold::InCall], 2);

    let again = dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!(again.decision.map(|decision| decision.limited_by), Some(LimitedBy::LinesInFlight));
    assert_eq!(carrier.placed().len(), 2, "their lines still ring");

    all_over(app).await;
    test.settle().await;
    assert_eq!(queue::held(app, campaign.id).await.expect("held")[&Hold::InCall], 0);
    assert_eq!(queue::waiting(app, campaign.id).await.expect("waiting").values().sum::<u64>(), 2, "they rest");
    test.finish().await;
}

#[tokio::test]
async fn two_campaigns_share_the_lines_of_the_trunk() {
    let carrier = Carrier::start(Answer::Taken).await;
    let mut test = start(&carrier).await;
    let mut config = test.app.config.clone();
    config.carrier.max_lines = Some(3);
    test.app = test.with_config(config).await;
    let app = &test.app;
    for _ in 0..6 {
        portfolio::add(app, &Debtor::default()).await;
    }
    let first = running(app, Mode::Progressive, 2).await;
    let second = portfolio::campaign(app, "second", Mode::Progressive).await;
    campaign::start(app, None, second.id).await.expect("started");
    for _ in 0..2 {
        ready_agent(app, second.id).await;
    }
    let lines = async |campaign| dialer::tick(app, campaign).await.expect("a tick").begun.len();
    assert_eq!((lines(first.id).await, lines(second.id).await), (2, 1), "three lines, whoever has them");
    let board = floor::refresh(app).await.expect("a board");
    let of_trunk = board.campaigns.iter().filter(|campaign| campaign.why.contains("all lines of the trunk are up"));
    assert_eq!(of_trunk.count(), 1, "{:?}", board.campaigns);
    all_over(app).await;
    test.settle().await;
    assert_eq!(lines(second.id).await, 2, "they are free again");
    all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn a_ratio_dials_more_lines_than_agents() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    for _ in 0..9 {
        portfolio::add(app, &Debtor::default()).await;
    }
    let campaign = running(app, Mode::Ratio, 2).await;
    campaign::set_ratio(app, None, campaign.id, 2500).await.expect("set");
    let ticked = dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!(ticked.begun.len(), 5);
    let kept = decisions(&app.db, campaign.id, None, 1).await.expect("decisions")[0].reason.0;
    assert_eq!((kept.dialled, kept.idle, kept.limited_by, kept.because), (5, 2, LimitedBy::Ratio, None));
    let wrong = campaign::set_ratio(app, None, campaign.id, 5001).await;
    assert!(matches!(wrong, Err(Error::Invalid { field, .. }) if field == "ratio_milli"));
    all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn a_predictive_campaign_says_why_it_dials_and_knows_what_became_of_it() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    for _ in 0..6 {
        portfolio::add(app, &Debtor::default()).await;
    }
    let campaign = running(app, Mode::Predictive, 2).await;
    let ticked = dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!(ticked.begun.len(), 2, "it knows nothing of the list yet: one line an agent");
    let again = dialer::tick(app, campaign.id).await.expect("a tick");
    assert!(again.begun.is_empty(), "their lines still ring");
    let decisions = decisions(&app.db, campaign.id, None, 10).await.expect("decisions");
    let first = decisions.last().expect("the first one").reason.0;
    assert_eq!((first.dialled, first.idle, first.limited_by), (2, 2, LimitedBy::WarmUp));
    assert!(first.because.is_some_and(|because| because.answer_chance > 0.0), "with its forecast");
    assert_eq!(decisions.len(), 1, "the same reason again is not worth a row");

    all_over(app).await;
    app.clock.advance(TimeDelta::seconds(20));
    dialer::tick(app, campaign.id).await.expect("a tick");
    let kept: f64 = sqlx::query_scalar("SELECT (state->'ring'->>'dials')::float8 FROM pacer WHERE campaign_id = $1")
        .bind(campaign.id)
        .fetch_one(&app.db)
        .await
        .expect("what was learnt is kept");
    assert!(kept >= 2.0, "both calls were told to the pacer: {kept}");
    let day = abandoned::shares(&app.db, campaign.id, app.clock.now()).await;
    assert_eq!(day.expect("shares").day.answers, 0);
    all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn a_bill_paid_since_is_not_called_about() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let paid = portfolio::add(app, &Debtor { owes_minor: 900_000, ..Debtor::default() }).await.account;
    let owing = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = running(app, Mode::Progressive, 1).await;
    assert!(queue::keep_up(app, &campaign).await.expect("kept up"));
    portfolio::pay_all(app, paid).await;
    let ticked = dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!(verdicts(app, paid).await, [(false, Some("something_to_collect".to_owned()))]);
    assert_eq!((ticked.begun.len(), ticked.refused), (1, 1), "in the same tick");
    assert_eq!(carrier.placed().len(), 1);
    assert_eq!(portfolio::live_calls(app, owing).await.len(), 1, "the next one is dialled instead");
    all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn a_promise_taken_since_forbids_the_call() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = running(app, Mode::Progressive, 1).await;
    assert!(queue::keep_up(app, &campaign).await.expect("kept up"));
    portfolio::promise(app, account, app.clock.business_date() + Days::new(2)).await;
    dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!(verdicts(app, account).await, [(false, Some("open_promise".to_owned()))]);
    assert_eq!(queue::held(app, campaign.id).await.expect("held")[&Hold::OpenPromise], 1, "it takes its new place");
    test.finish().await;
}

#[tokio::test]
async fn a_person_behind_two_accounts_is_called_for_one() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let first = portfolio::add(app, &Debtor::default()).await;
    portfolio::add(app, &Debtor { person: Some(first.person), ..Debtor::default() }).await;
    let campaign = running(app, Mode::Progressive, 2).await;
    let ticked = dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!((ticked.begun.len(), ticked.refused), (1, 1));
    let again = dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!(again.begun.len(), 0);
    assert_eq!(queue::waiting(app, campaign.id).await.expect("waiting")[&Wait::Frequency], 1);
    all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn a_refused_line_is_over_and_the_account_rests() {
    let carrier = Carrier::start(Answer::Refused(21_211)).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = running(app, Mode::Progressive, 1).await;
    let ticked = dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!(ticked.begun.len(), 1);
    assert!(portfolio::live_calls(app, account).await.is_empty());
    test.settle().await;
    assert_eq!(queue::held(app, campaign.id).await.expect("held")[&Hold::NoCallableNumber], 1, "21211: no such number");
    test.finish().await;
}

#[tokio::test]
async fn a_campaign_starts_pauses_and_drains() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    for _ in 0..3 {
        portfolio::add(app, &Debtor::default()).await;
    }
    let campaign = running(app, Mode::Progressive, 1).await;
    dialer::tick(app, campaign.id).await.expect("a tick");
    campaign::drain(app, None, campaign.id).await.expect("draining");
    ready_agent(app, campaign.id).await;
    let ticked = dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!((ticked.decision, carrier.placed().len()), (None, 1));
    assert_eq!(portfolio::again(app, campaign.id).await.state, State::Draining, "a call is still up");
    all_over(app).await;
    dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!(portfolio::again(app, campaign.id).await.state, State::Paused);
    dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!(carrier.placed().len(), 1);

    let mut settings = campaign.settings.clone();
    settings.caller_ids.clear();
    let version = portfolio::again(app, campaign.id).await.version;
    campaign::update_settings(app, None, campaign.id, version, settings).await.expect("a paused one may lack them");
    let refused = campaign::start(app, None, campaign.id).await;
    assert!(matches!(refused, Err(Error::Invalid { field, .. }) if field == "settings.caller_ids"));
    test.finish().await;
}
