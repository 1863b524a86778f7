//! 3 · The dialer: claims what is next, looks a last time, and asks the carrier.

use std::sync::Arc;

use tokio::sync::Notify;

/// Wakes the dialer of this node; others look every second by themselves.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Something happened that may let a call be placed.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// What the dialer's loop waits for.
    #[must_use]
    pub fn waited_for(&self) -> Arc<Notify> {
        Arc::clone(&self.0)
    }
}
