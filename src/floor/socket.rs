//! `GET /ws/floor`: a snapshot of the board, then patches. A reader that falls behind is dropped and connects again.

use std::{borrow::Cow, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code},
    },
    response::Response,
    routing::get,
};
use serde::Serialize;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    error::{Error, Result},
    http::auth::Supervisor,
};

use super::{
    follow,
    view::{FloorView, Patch},
};

/// A ping goes out this often.
const PING_EVERY: Duration = Duration::from_secs(15);
/// A client that has not said anything, not even pong, for this long is gone.
const SILENT_AT_MOST: Duration = Duration::from_secs(40);
/// A client that takes longer to take one message is dropped.
const SEND_WITHIN: Duration = Duration::from_secs(5);
/// Nothing but pongs comes from a client, in bytes.
const CLIENT_MESSAGE_LIMIT: usize = 1024;

/// A patch, written once for all sockets.
#[derive(Clone, Debug)]
pub(super) struct News {
    seq: u64,
    text: Utf8Bytes,
}

/// What the socket says.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FloorMessage<'a> {
    /// The whole board, first of all.
    Snapshot {
        /// Number of the last patch it includes.
        seq: u64,
        /// The board.
        floor: Cow<'a, FloorView>,
    },
    /// What changed; replaces the entries it names.
    Patch {
        /// One more than the number before.
        seq: u64,
        /// The changes.
        #[serde(flatten)]
        patch: Cow<'a, Patch>,
    },
}

/// The route of the socket.
pub fn router(app: App) -> Router {
    Router::new().route("/ws/floor", get(upgrade)).with_state(app)
}

async fn upgrade(State(app): State<App>, _: Supervisor, socket: WebSocketUpgrade) -> Response {
    socket.read_buffer_size(4096).write_buffer_size(0).max_message_size(CLIENT_MESSAGE_LIMIT).on_upgrade(
        async move |socket| {
            let stop = app.lifecycle.serving();
            if let Err(error) = serve(&app, socket, stop).await {
                tracing::warn!(%error, "a floor socket ended");
            }
        },
    )
}

async fn serve(app: &App, mut socket: WebSocket, stop: CancellationToken) -> Result<()> {
    // Subscribed first: a patch between the two is either in the snapshot or still to come.
    let news = app.floor.0.news.subscribe();
    let (seq, floor) = follow::bring_up_to_date(app, Duration::ZERO).await?;
    let snapshot = text_of(&FloorMessage::Snapshot { seq, floor: Cow::Owned(floor) })?;
    let (code, reason) = match send(&mut socket, Message::Text(snapshot)).await {
        Ok(()) => feed(&mut socket, news, seq, &stop).await,
        Err(gone) => gone,
    };
    let farewell = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }));
    // It may be gone already.
    let _ = timeout(SEND_WITHIN, socket.send(farewell)).await;
    Ok(())
}

type Farewell = (u16, &'static str);
const GONE: Farewell = (close_code::NORMAL, "gone");
const TOO_SLOW: Farewell = (close_code::AGAIN, "too slow: connect again");

async fn feed(socket: &mut WebSocket, mut news: Receiver<News>, seq: u64, stop: &CancellationToken) -> Farewell {
    let mut pings = interval(PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    loop {
        let message = tokio::select! {
            () = stop.cancelled() => return (close_code::RESTART, "the service stops: connect again"),
            _ = pings.tick() => {
                if heard.elapsed() > SILENT_AT_MOST {
                    return (close_code::AWAY, "no pong");
                }
                Message::Ping(Bytes::new())
            }
            next = news.recv() => match next {
                Ok(news) if news.seq <= seq => continue,
                Ok(news) => Message::Text(news.text),
                Err(RecvError::Lagged(_)) => return TOO_SLOW,
                Err(RecvError::Closed) => return GONE,
            },
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return GONE,
                Some(Ok(_)) => {
                    heard = Instant::now();
                    continue;
                }
            },
        };
        if let Err(gone) = send(socket, message).await {
            return gone;
        }
    }
}

async fn send(socket: &mut WebSocket, message: Message) -> std::result::Result<(), Farewell> {
    match timeout(SEND_WITHIN, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(GONE),
        Err(_) => Err(TOO_SLOW),
    }
}

fn text_of(message: &FloorMessage<'_>) -> Result<Utf8Bytes> {
    serde_json::to_string(message).map(Utf8Bytes::from).map_err(Error::internal("writing a message to the floor"))
}

impl News {
    pub(super) fn of(seq: u64, patch: &Patch) -> Result<Self> {
        let text = text_of(&FloorMessage::Patch { seq, patch: Cow::Borrowed(patch) })?;
        Ok(Self { seq, text })
    }
}
