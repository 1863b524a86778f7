//! The queue: built from Postgres, ordered, lent, moved, lost and found again.

mod lending;
mod moving;
mod order;
mod reading;

use ledgerline::{
    app::App,
    campaign::{Campaign, Mode},
    ids::AccountId,
    queue,
};

use crate::portfolio;

/// A campaign whose queue is built of what is in Postgres.
async fn built(app: &App) -> Campaign {
    let campaign = portfolio::campaign(app, "first", Mode::Progressive).await;
    assert!(queue::keep_up(app, &campaign).await.expect("it is kept up"));
    campaign
}

/// The next accounts in order, as the queue lists them.
async fn upcoming(app: &App, campaign: &Campaign) -> Vec<AccountId> {
    let page = queue::next(app, campaign.id, None, queue::PAGE).await.expect("a page");
    page.items.iter().filter(|entry| entry.open).map(|entry| entry.account).collect()
}

/// Claims `n` entries and gives them for good, as a dialer that dials them would.
async fn claim(app: &App, campaign: &Campaign, n: u32) -> Vec<queue::Leased> {
    queue::claim(app, campaign, n).await.expect("claimed").expect("built")
}

fn accounts(leased: &[queue::Leased]) -> Vec<AccountId> {
    leased.iter().map(|leased| leased.entry.account).collect()
}

async fn wipe(app: &App) {
    let () = redis::cmd("FLUSHALL").query_async(&mut app.redis.clone()).await.expect("wiped");
}
