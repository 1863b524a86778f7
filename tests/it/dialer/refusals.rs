//! Refusals that the next call would meet as well: the dialling stops.

use ledgerline::{
    campaign::{Mode, State},
    carrier::Trouble,
    dialer,
};

use super::{
    all_over,
    carrier::{Answer, Carrier},
    ready_agent, running, start,
};
use crate::portfolio::{self, Debtor};

#[tokio::test]
async fn a_caller_id_that_is_not_ours_pauses_the_campaign() {
    let carrier = Carrier::start(Answer::Refused(21_210)).await;
    let test = start(&carrier).await;
    let app = &test.app;
    for _ in 0..3 {
        portfolio::add(app, &Debtor::default()).await;
    }
    let campaign = running(app, Mode::Progressive, 1).await;
    dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!(portfolio::again(app, campaign.id).await.state, State::Paused);
    dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!(carrier.placed().len(), 1);
    assert_eq!(app.carrier.trouble(), None, "other campaigns go on");
    all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn credentials_that_are_not_accepted_stop_all_dialling_and_claim_nothing() {
    let carrier = Carrier::start(Answer::Refused(20_003)).await;
    let test = start(&carrier).await;
    let app = &test.app;
    for _ in 0..3 {
        portfolio::add(app, &Debtor::default()).await;
    }
    let campaign = running(app, Mode::Progressive, 1).await;
    assert_eq!(dialer::tick(app, campaign.id).await.expect("a tick").begun.len(), 1);
    assert_eq!(app.carrier.trouble(), Some(Trouble::Unauthorized));
    ready_agent(app, campaign.id).await;
    let ticked = dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!((ticked.begun.len(), ticked.refused, carrier.placed().len()), (0, 0, 1));
    assert_eq!(portfolio::again(app, campaign.id).await.state, State::Running, "it goes on when a probe passes");
    all_over(app).await;
    test.finish().await;
}
