//! The socket of a desk: one task that reads, asks [`Session`] what to do, and does it. Kept small: thousands are idle.

use std::{ops::ControlFlow, pin::pin, time::Duration};

use axum::{
    extract::{
        State,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    response::Response,
};
use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, sleep_until, timeout},
};
use tracing::Instrument as _;

use super::{
    command,
    hub::Delivery,
    log, pop,
    protocol::{Body, ClientMessage, ServerMessage, VERSION},
    session::{Action, Close, Command, Input, Session},
    store,
};
use crate::{
    agent::{self, Principal, at_desk},
    app::App,
    error::{Error, Result},
    http::auth::Agent,
};

/// Largest message of a desk, in bytes.
pub const LARGEST_MESSAGE: usize = 16 * 1024;

/// Read buffer of a socket, in bytes; it is allocated for the connection's life.
const READ_BUFFER: usize = 4096;

/// A frame that cannot be written within this time ends the connection.
const WRITE_WITHIN: Duration = Duration::from_secs(5);

/// `GET /ws/desk`.
pub(super) async fn upgrade(State(app): State<App>, Agent(who): Agent, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(LARGEST_MESSAGE)
        .max_frame_size(LARGEST_MESSAGE)
        .on_upgrade(move |socket| {
            let span = tracing::info_span!("desk", agent = %who.user);
            // Tracked: a service that stops waits until the end of every desk is noted.
            let tasks = app.lifecycle.tasks().clone();
            tasks.track_future(Desk { app, who, socket, login: None, deliveries: None }.run().instrument(span))
        })
}

/// One connection of a desk.
struct Desk {
    app: App,
    who: Principal,
    socket: WebSocket,
    /// Fencing number of the log-in, once hello was said.
    login: Option<i64>,
    deliveries: Option<Receiver<Delivery>>,
}

/// Go on, or end; without a reason where the other side is gone or too slow.
type Flow = ControlFlow<Option<Close>>;

impl Desk {
    async fn run(mut self) {
        let mut session = Session::new(std::time::Instant::now());
        let stop = self.app.lifecycle.serving();
        let close = loop {
            let due = Instant::from_std(session.deadline());
            let input = tokio::select! {
                () = stop.cancelled() => break Some(Close::GoingAway),
                delivery = next(&mut self.deliveries) => delivery.map(Input::from),
                heard = self.socket.recv() => match heard {
                    Some(Ok(message)) => match read(&message) {
                        Some(input) => Some(input),
                        None => continue,
                    },
                    _ => None,
                },
                () = sleep_until(due) => Some(Input::Tick),
            };
            let Some(input) = input else { break None };
            let action = session.step(input, std::time::Instant::now());
            // Boxed: what an action needs is not kept by a socket that is idle.
            if let ControlFlow::Break(close) = Box::pin(self.act(action, &mut session)).await {
                break close;
            }
        };
        Box::pin(self.end(close)).await;
    }

    async fn act(&mut self, action: Action, session: &mut Session) -> Flow {
        match action {
            Action::Rest => Flow::Continue(()),
            Action::Forward(text) => self.send(text).await,
            Action::Open(received) => {
                let opened = self.open(received, session).await;
                or_try_later(opened)
            }
            Action::CatchUp(sent) => {
                let caught_up = self.catch_up(sent, session).await;
                or_try_later(caught_up)
            }
            Action::Do(command) => self.obey(command).await,
            Action::Refuse(detail) => self.say(Body::Error { detail }).await,
            Action::Ping => self.say(Body::Ping).await,
            Action::SayTakenOver => {
                self.say(Body::TakenOver).await?;
                Flow::Break(Some(Close::TakenOver))
            }
            Action::Close(close) => Flow::Break(Some(close)),
        }
    }

    /// The agent is here: takes over from older log-ins, then repeats what was missed, or shows everything.
    async fn open(&mut self, received: Option<u64>, session: &mut Session) -> Result<Flow> {
        let agent = at_desk::come(&self.app, self.who.user).await?;
        self.login = Some(agent.session);
        self.deliveries = Some(self.app.desk.join(&self.app, agent.user, agent.session).await?);
        log::announce(&self.app, agent.user, agent.session).await?;
        let missed = match received {
            Some(received) => log::missed(&self.app, agent.user, received).await?,
            None => None,
        };
        // What comes after the hello comes as a message, also where a snapshot could have shown it.
        let last = log::last(&self.app, agent.user).await?;
        let hello = Body::Hello {
            protocol: VERSION,
            agent: agent.user,
            name: self.who.name.clone(),
            session: agent.session,
            resumed: missed.is_some(),
        };
        if let Flow::Break(close) = self.say(hello).await {
            return Ok(Flow::Break(close));
        }
        match (received, missed) {
            (Some(received), Some(missed)) => {
                session.has_sent(received);
                Ok(self.repeat(missed, session).await)
            }
            _ => self.snapshot(last, session).await,
        }
    }

    async fn catch_up(&mut self, sent: u64, session: &mut Session) -> Result<Flow> {
        if let Some(missed) = log::missed(&self.app, self.who.user, sent).await? {
            return Ok(self.repeat(missed, session).await);
        }
        let last = log::last(&self.app, self.who.user).await?;
        self.snapshot(last, session).await
    }

    async fn repeat(&mut self, missed: Vec<String>, session: &mut Session) -> Flow {
        for text in missed {
            if let Some(seq) = log::number_of(&text) {
                self.send(text.into()).await?;
                session.has_sent(seq);
            }
        }
        Flow::Continue(())
    }

    /// The number was taken before: what happened meanwhile is told twice rather than never.
    async fn snapshot(&mut self, last_seq: u64, session: &mut Session) -> Result<Flow> {
        let agent = agent::store::get(&self.app.db, self.who.user).await?.ok_or(Error::NotFound("agent"))?;
        let (pop, call) = match agent.presence.call() {
            Some(call) => (Some(pop::of_call(&self.app, call).await?), store::call_view(&self.app.db, call).await?),
            None => (None, None),
        };
        let flow = self.say(Body::Snapshot { last_seq, presence: agent.presence, pop, call }).await;
        session.has_sent(last_seq);
        Ok(flow)
    }

    async fn obey(&mut self, command: Command) -> Flow {
        let Some(login) = self.login else { return Flow::Break(Some(Close::HelloMissing)) };
        let leaves = command == Command::LogOut;
        match command::carry_out(&self.app, self.who.user, login, command).await {
            Ok(()) if leaves => Flow::Break(Some(Close::LoggedOut)),
            Ok(()) => Flow::Continue(()),
            Err(
                error @ (Error::Invalid { .. }
                | Error::Conflict(_)
                | Error::Refused(_)
                | Error::NotFound(_)
                | Error::Forbidden),
            ) => self.say(Body::Error { detail: error.to_string() }).await,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a desk's message could not be obeyed");
                self.say(Body::Error { detail: "it did not work; try again".to_owned() }).await
            }
        }
    }

    /// A message that is not numbered.
    async fn say(&mut self, body: Body) -> Flow {
        let message = ServerMessage { seq: 0, at: self.app.clock.now(), body };
        match serde_json::to_string(&message) {
            Ok(text) => self.send(text.into()).await,
            Err(error) => {
                tracing::error!(%error, "a message could not be written");
                Flow::Break(Some(Close::TryLater))
            }
        }
    }

    /// A slow reader is dropped, never awaited: it resumes when it reconnects.
    async fn send(&mut self, text: Utf8Bytes) -> Flow {
        match timeout(WRITE_WITHIN, self.socket.send(Message::Text(text))).await {
            Ok(Ok(())) => Flow::Continue(()),
            Ok(Err(_)) | Err(_) => Flow::Break(None),
        }
    }

    async fn end(mut self, close: Option<Close>) {
        if let Some(close) = close {
            let frame = CloseFrame { code: close.code(), reason: Utf8Bytes::from_static(close.reason()) };
            // Whether it arrives or not: the connection ends.
            let _ = timeout(WRITE_WITHIN, self.socket.send(Message::Close(Some(frame)))).await;
        }
        let Some(login) = self.login else { return };
        self.app.desk.leave(self.who.user, login).await;
        if let Err(error) = at_desk::lose_socket(&self.app, self.who.user, login).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the end of a desk could not be noted");
        }
    }
}

fn or_try_later(outcome: Result<Flow>) -> Flow {
    outcome.unwrap_or_else(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a desk could not be served");
        Flow::Break(Some(Close::TryLater))
    })
}

/// The next delivery; never, before hello was said. `None`: the hub has dropped this socket.
async fn next(deliveries: &mut Option<Receiver<Delivery>>) -> Option<Delivery> {
    match deliveries {
        Some(deliveries) => deliveries.recv().await,
        None => pin!(std::future::pending()).await,
    }
}

/// `None`: a frame of the WebSocket protocol itself, which needs nothing.
fn read(message: &Message) -> Option<Input> {
    match message {
        Message::Text(text) => {
            Some(Input::Heard(serde_json::from_str::<ClientMessage>(text).map_err(|e| e.to_string())))
        }
        Message::Binary(_) => Some(Input::Heard(Err("messages are text".to_owned()))),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => None,
    }
}

impl From<Delivery> for Input {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Message { seq, text } => Self::Message { seq, text },
            Delivery::CatchUp => Self::CatchUp,
            Delivery::TakenOver => Self::TakenOver,
        }
    }
}
