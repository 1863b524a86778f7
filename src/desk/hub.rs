//! The sockets of this node, and the one connection to Redis that listens for all of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::extract::ws::Utf8Bytes;
use futures_util::StreamExt as _;
use redis::aio::{PubSubSink, PubSubStream};
use tokio::sync::{Notify, mpsc};

use super::log;
use crate::{app::App, error::Result, ids::UserId};

/// Messages that may wait for a socket; a reader that is slower is dropped, and resumes when it reconnects.
pub const QUEUE: usize = 64;

/// What the hub hands to a socket.
#[derive(Debug)]
pub(super) enum Delivery {
    /// A numbered message.
    Message { seq: u64, text: Utf8Bytes },
    /// Messages may have been missed: look into the log.
    CatchUp,
    /// A later log-in has taken over.
    TakenOver,
}

/// The sockets of this node; cheap to clone.
#[derive(Clone, Default)]
pub struct Hub(Arc<Inner>);

#[derive(Default)]
struct Inner {
    sockets: Mutex<HashMap<UserId, Socket>>,
    /// Subscribes and unsubscribes; `None` while Redis is away. Its lock keeps both in order.
    listener: tokio::sync::Mutex<Option<PubSubSink>>,
    lost: Arc<Notify>,
}

struct Socket {
    session: i64,
    queue: mpsc::Sender<Delivery>,
}

impl Hub {
    /// Registers the socket of log-in `session`: from now on every message to the agent comes out of the receiver.
    pub(super) async fn join(&self, app: &App, agent: UserId, session: i64) -> Result<mpsc::Receiver<Delivery>> {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let mut listener = self.0.listener.lock().await;
        let sink = self.connect(app, &mut listener).await?;
        sink.subscribe(log::channel(agent)).await?;
        if let Some(older) = self.sockets().insert(agent, Socket { session, queue }) {
            // Full or gone: its end is near in any case.
            let _ = older.queue.try_send(Delivery::TakenOver);
        }
        Ok(receiver)
    }

    /// Takes the socket of log-in `session` out, unless a later one has replaced it.
    pub(super) async fn leave(&self, agent: UserId, session: i64) {
        let mut listener = self.0.listener.lock().await;
        let own = self.sockets().get(&agent).is_some_and(|socket| socket.session == session);
        if !own {
            return;
        }
        self.sockets().remove(&agent);
        if let Some(sink) = listener.as_mut()
            && sink.unsubscribe(log::channel(agent)).await.is_err()
        {
            // The connection is gone, and the subscription with it.
            self.0.lost.notify_one();
        }
    }

    /// Keeps the listening connection up: one step of a loop that [`Hub::lost`] wakes.
    ///
    /// # Errors
    /// If Redis cannot be reached.
    pub async fn listen(&self, app: &App) -> Result<()> {
        let mut listener = self.0.listener.lock().await;
        self.connect(app, &mut listener).await.map(drop)
    }

    /// Notified when the listening connection is lost.
    #[must_use]
    pub fn lost(&self) -> Arc<Notify> {
        Arc::clone(&self.0.lost)
    }

    /// The agents with a socket on this node, and their log-ins.
    #[must_use]
    pub fn present(&self) -> Vec<(UserId, i64)> {
        self.sockets().iter().map(|(agent, socket)| (*agent, socket.session)).collect()
    }

    /// The listener; where there is none, a new one for every socket of this node. What was published meanwhile is in
    /// the log.
    async fn connect<'a>(&self, app: &App, listener: &'a mut Option<PubSubSink>) -> Result<&'a mut PubSubSink> {
        if let Some(sink) = listener {
            return Ok(sink);
        }
        let (mut sink, stream) = app.redis_client.get_async_pubsub().await?.split();
        let agents: Vec<UserId> = self.sockets().keys().copied().collect();
        for agent in &agents {
            sink.subscribe(log::channel(*agent)).await?;
        }
        app.lifecycle.tasks().spawn(self.clone().read(stream, app.lifecycle.working()));
        for agent in agents {
            self.deliver(agent, Delivery::CatchUp);
        }
        Ok(listener.insert(sink))
    }

    /// Hands out what comes in, until the connection is lost or the service stops.
    async fn read(self, mut stream: PubSubStream, stop: tokio_util::sync::CancellationToken) {
        loop {
            let message = tokio::select! {
                () = stop.cancelled() => return,
                message = stream.next() => message,
            };
            let Some(message) = message else { break };
            let Ok(text) = message.get_payload::<String>() else { continue };
            self.hand_out(message.get_channel_name(), text);
        }
        *self.0.listener.lock().await = None;
        self.0.lost.notify_one();
    }

    fn hand_out(&self, channel: &str, text: String) {
        let Some(agent) = log::agent_of(channel) else { return };
        if let Some(session) = text.strip_prefix(log::SESSION).and_then(|number| number.parse::<i64>().ok()) {
            let older = self.sockets().get(&agent).is_some_and(|socket| socket.session < session);
            if older {
                self.deliver(agent, Delivery::TakenOver);
            }
        } else if let Some(seq) = log::number_of(&text) {
            self.deliver(agent, Delivery::Message { seq, text: text.into() });
        }
    }

    /// Never waits: a socket whose queue is full loses it, and with it the connection.
    fn deliver(&self, agent: UserId, delivery: Delivery) {
        let mut sockets = self.sockets();
        let full = sockets.get(&agent).is_some_and(|socket| socket.queue.try_send(delivery).is_err());
        if full {
            sockets.remove(&agent);
            metrics::counter!("ledgerline_desk_slow_readers_total").increment(1);
        }
    }

    fn sockets(&self) -> MutexGuard<'_, HashMap<UserId, Socket>> {
        // A panic while it was held cannot have left the map half changed.
        self.0.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
