//! The dialer: works out how many lines to start, claims what is next, looks a last time, and asks the carrier.
//!
//! One node at a time paces a campaign. An attempt is committed before the carrier is asked, so that neither a crash nor
//! a timeout can dial anybody twice; what was claimed and not committed goes back to the queue.

pub mod abandoned;
mod begin;
pub mod by_hand;
pub mod latest;
mod look;
mod place;
mod predictive;
pub mod preview;
mod store;
mod tick;
pub mod what_if;

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::sync::Notify;
use uuid::Uuid;

pub use self::tick::{Ticked, tick};
use crate::{app::App, campaign, error::Result, lifecycle::Lifecycle, worker};

/// How often the dialer looks by itself. A quarter of a second's calls may go at once (`carrier::limit`).
const PERIOD: Duration = Duration::from_millis(250);

/// Wakes the dialer of this node.
#[derive(Clone, Debug)]
pub struct Bell {
    wake: Arc<Notify>,
    /// Who this node is when it asks for the right to pace a campaign.
    node: Uuid,
    /// Predictive pacers of the campaigns that this node paces.
    pacers: Arc<predictive::Pacers>,
    /// Why it last dialled as it did, as noted for the floor.
    noted: Arc<latest::Noted>,
    /// Days are dialled again one at a time.
    what_if: Arc<tokio::sync::Mutex<()>>,
}

impl Default for Bell {
    fn default() -> Self {
        Self {
            wake: Arc::default(),
            noted: Arc::default(),
            node: Uuid::now_v7(),
            pacers: Arc::default(),
            what_if: Arc::default(),
        }
    }
}

impl Bell {
    /// Something happened that may let a call be placed: an agent is ready, a campaign was started.
    pub fn ring(&self) {
        self.wake.notify_one();
    }
}

/// Starts the loop that dials, which ends with the first stage of the shutdown, and the one that drops old decisions.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let own = app.clone();
    worker::spawn(lifecycle, "old pacing decisions", Duration::from_hours(1), Arc::default(), move || {
        let app = own.clone();
        async move { latest::forget_old(&app).await }
    });
    let (wake, app) = (Arc::clone(&app.dialer.wake), app.clone());
    worker::spawn_claiming(lifecycle, "dialer", PERIOD, wake, move || {
        let app = app.clone();
        async move { tick_all(&app).await }
    });
}

/// One tick of every campaign; one that fails does not keep the others from dialling.
async fn tick_all(app: &App) -> Result<()> {
    let campaigns = campaign::store::list(&mut *app.db.acquire().await?).await?;
    let ticks = join_all(campaigns.iter().map(|campaign| tick(app, campaign.id))).await;
    ticks.into_iter().try_for_each(|ticked| ticked.map(|_| ()))
}
