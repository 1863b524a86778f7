//! The floor: what the supervisors see, live.
//!
//! Whoever changes a call or an agent publishes its id, nothing else. Each node follows the channel, reads the rows of
//! the ids it heard, and folds them through [`reducer::reduce`]: the same function, over the same query, that builds
//! the board at start. So the live board and the history cannot disagree.

mod follow;
pub mod reducer;
mod socket;
pub mod store;
pub mod view;

pub use follow::{refresh, spawn};
pub use socket::router;

use std::sync::Arc;

use tokio::sync::{Mutex, Notify, broadcast};

use crate::{
    app::App,
    error::Result,
    ids::{CallId, CampaignId, UserId},
};

/// Channel on which the ids of changed things are published.
const CHANNEL: &str = "ll:floor";
/// Patches a supervisor's socket may be behind before it is dropped.
const BEHIND_AT_MOST: usize = 64;

/// This node's copy of the floor; cheap to clone.
#[derive(Clone, Debug)]
pub struct Board(Arc<BoardParts>);

#[derive(Debug)]
struct BoardParts {
    /// Wakes the reader.
    wake: Arc<Notify>,
    /// What was heard of and not read yet.
    heard: std::sync::Mutex<follow::Heard>,
    /// The board; held while it is brought up to date, so that there is one reader at a time.
    state: Mutex<Option<follow::Known>>,
    /// Patches for the sockets, ready to send.
    news: broadcast::Sender<socket::News>,
}

impl Default for Board {
    fn default() -> Self {
        Self(Arc::new(BoardParts {
            wake: Arc::default(),
            heard: std::sync::Mutex::default(),
            state: Mutex::default(),
            news: broadcast::channel(BEHIND_AT_MOST).0,
        }))
    }
}

/// Tells every node that calls changed, or that they were disposed of. Repeating it does no harm.
///
/// # Errors
/// If Redis is down.
pub async fn calls_changed(app: &App, calls: &[CallId]) -> Result<()> {
    let ids: Vec<String> = calls.iter().map(CallId::to_string).collect();
    publish(app, format!("call {}", ids.join(" "))).await
}

/// Tells every node that an agent's presence changed. Repeating it does no harm.
///
/// # Errors
/// If Redis is down.
pub async fn agent_changed(app: &App, agent: UserId) -> Result<()> {
    publish(app, format!("agent {agent}")).await
}

/// Tells every node that a campaign was started, paused or changed. Repeating it does no harm.
///
/// # Errors
/// If Redis is down.
pub async fn campaign_changed(app: &App, campaign: CampaignId) -> Result<()> {
    publish(app, format!("campaign {campaign}")).await
}

async fn publish(app: &App, text: String) -> Result<()> {
    let mut redis = app.redis.clone();
    let () = redis::cmd("PUBLISH").arg(CHANNEL).arg(text).query_async(&mut redis).await?;
    Ok(())
}
