//! Why a campaign dials or not, on the floor.

use chrono::TimeDelta;
use ledgerline::{
    campaign::{self, Mode},
    dialer::{
        self,
        latest::{forget_old, store::decisions},
    },
    floor,
    pacing::LimitedBy,
};
use serde_json::json;

use crate::{
    api::client::Client,
    dialer::{
        all_over,
        carrier::{Answer, Carrier},
        running, start,
    },
    portfolio::{self, Debtor},
};

#[tokio::test]
async fn the_floor_says_why_a_campaign_dials_or_not() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    for _ in 0..5 {
        portfolio::add(app, &Debtor::default()).await;
    }
    let campaign = running(app, Mode::Progressive, 2).await;
    let why = async || floor::refresh(app).await.expect("a board").campaigns.remove(0);
    assert!(why().await.why.contains("the dialer has not looked at it"), "{:?}", why().await.why);

    dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!(why().await.why, "Dials 2 lines: one line for each of 2 ready agents.");
    dialer::tick(app, campaign.id).await.expect("a tick");
    let said = why().await;
    assert_eq!(said.reason.map(|reason| (reason.limited_by, reason.in_flight)), Some((LimitedBy::LinesInFlight, 2)));
    assert!(said.why.starts_with("Dials nothing: for 2 ready agents, 2 lines are on their way"), "{}", said.why);

    campaign::set_mode(app, None, campaign.id, Mode::Predictive).await.expect("set");
    dialer::tick(app, campaign.id).await.expect("a tick");
    let said = why().await;
    assert!(
        said.why.contains("until enough calls have shown") && said.why.contains("2 agents are ready"),
        "{}",
        said.why
    );
    let board = Client::new(app).await.get("/api/floor").await.body;
    assert_eq!(board["campaigns"][0]["why"], json!(said.why), "the API shows the same");
    assert_eq!(board["campaigns"][0]["reason"]["because"]["limited_by"], "warm_up");

    app.clock.advance(TimeDelta::seconds(20));
    assert!(why().await.why.contains("has not looked at it"), "an old reason says nothing about now");
    campaign::pause(app, None, campaign.id).await.expect("paused");
    assert_eq!(why().await.why, "Paused: no calls are placed.");
    all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn a_list_that_is_worked_off_is_the_reason() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    portfolio::add(app, &Debtor::default()).await;
    let campaign = running(app, Mode::Progressive, 3).await;
    let ticked = dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!(ticked.begun.len(), 1);
    let board = floor::refresh(app).await.expect("a board");
    assert_eq!(board.campaigns[0].why, "Dials 1 line: no more accounts may be called at this moment.");
    all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn decisions_are_kept_for_thirty_days() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let campaign = running(app, Mode::Progressive, 1).await;
    let kept = async || decisions(&app.db, campaign.id, None, 10).await.expect("decisions").len();
    dialer::tick(app, campaign.id).await.expect("a tick");
    app.clock.advance(TimeDelta::days(30));
    dialer::tick(app, campaign.id).await.expect("a tick");
    forget_old(app).await.expect("a step");
    assert_eq!(kept().await, 2, "thirty days old");
    app.clock.advance(TimeDelta::seconds(1));
    forget_old(app).await.expect("a step");
    assert_eq!(kept().await, 1);
    test.finish().await;
}
