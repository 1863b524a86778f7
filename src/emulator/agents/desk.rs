//! A simulated agent's desk: what it answers to each message, and what it does by itself.

use std::{collections::HashMap, future::pending, time::Duration};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use futures_util::{SinkExt as _, StreamExt as _};
use rand::{RngExt as _, rngs::StdRng};
use rand_distr::{Distribution as _, LogNormal};
use reqwest::header;
use tokio::{net::TcpStream, time::Instant};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue},
};

use super::{
    Config, Tally,
    rest::{Rest, business_date},
    wrap::{self, Moment},
};
use crate::{
    agent::presence::{Presence, State},
    call,
    desk::protocol::{Body, CallView, ClientMessage, Pop, ServerMessage, VERSION},
    disposition::Disposition,
    ids::CallId,
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why an agent is not at its desk any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// The connection ended; come back.
    Closed,
    /// The same log-in is used elsewhere.
    TakenOver,
}

/// Something the agent is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intent {
    Ready,
    Dial(CallId),
    Dispose(CallId),
}

/// A desk and what is on its screen.
pub(super) struct Desk<'a> {
    config: &'a Config,
    rest: &'a Rest,
    tally: &'a Tally,
    rng: &'a mut StdRng,
    pop: Option<Box<Pop>>,
    /// What comes next, and when.
    intent: Option<(Instant, Intent)>,
    /// The service's time in its last message.
    now: Option<DateTime<Utc>>,
    catalogues: HashMap<String, Vec<Disposition>>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(config: &'a Config, rest: &'a Rest, tally: &'a Tally, rng: &'a mut StdRng) -> Self {
        Self { config, rest, tally, rng, pop: None, intent: None, now: None, catalogues: HashMap::new() }
    }

    /// Works until the connection ends; `last_seq` is where to resume.
    pub(super) async fn work(mut self, last_seq: &mut Option<u64>) -> anyhow::Result<Left> {
        let mut socket = self.connect().await?;
        say(&mut socket, &ClientMessage::Hello { protocol: VERSION, last_seq: *last_seq }).await?;
        loop {
            let intent = self.intent;
            let due = async {
                match intent {
                    Some((at, intent)) => {
                        tokio::time::sleep_until(at).await;
                        intent
                    }
                    None => pending().await,
                }
            };
            tokio::select! {
                received = socket.next() => match received.transpose()? {
                    Some(Message::Text(text)) => {
                        let message: ServerMessage = serde_json::from_str(&text).context("a message of the desk")?;
                        if let Some(left) = self.hear(&mut socket, message, last_seq).await? {
                            return Ok(left);
                        }
                    }
                    Some(Message::Close(_)) | None => return Ok(Left::Closed),
                    Some(_) => {}
                },
                intent = due => {
                    self.intent = None;
                    self.act(&mut socket, intent).await?;
                }
            }
        }
    }

    async fn connect(&self) -> anyhow::Result<Socket> {
        let mut request = self.rest.desk_url()?.as_str().into_client_request()?;
        let headers = request.headers_mut();
        headers.insert(header::COOKIE, HeaderValue::from_str(&self.rest.cookie)?);
        headers.insert(header::ORIGIN, HeaderValue::from_str(&self.rest.origin())?);
        let (socket, _) = connect_async(request).await.context("connecting to the desk")?;
        Ok(socket)
    }

    async fn hear(
        &mut self,
        socket: &mut Socket,
        message: ServerMessage,
        last_seq: &mut Option<u64>,
    ) -> anyhow::Result<Option<Left>> {
        self.now = Some(message.at);
        if message.seq > 0 {
            *last_seq = Some(message.seq);
        }
        match message.body {
            Body::Snapshot { last_seq: included, presence, pop, .. } => {
                *last_seq = Some(included);
                self.pop = pop;
                self.intend(&presence);
            }
            Body::Presence { presence } => self.intend(&presence),
            Body::Pop { pop } => {
                say(socket, &ClientMessage::PopShown { call: pop.call }).await?;
                if pop.preview {
                    self.plan(Duration::from_secs(4), Intent::Dial(pop.call));
                }
                self.pop = Some(pop);
            }
            Body::Ping => say(socket, &ClientMessage::Pong).await?,
            Body::TakenOver => return Ok(Some(Left::TakenOver)),
            Body::Error { detail } => tracing::debug!(detail, "the desk refused something"),
            Body::Call { call } => self.ask_who_it_is(socket, &call).await?,
            Body::Hello { .. } | Body::Notice { .. } => {}
        }
        Ok(None)
    }

    /// Where the account is held back until then, the agent makes sure who is speaking.
    async fn ask_who_it_is(&self, socket: &mut Socket, view: &CallView) -> anyhow::Result<()> {
        let held_back = self.pop.as_ref().is_some_and(|pop| pop.call == view.call && pop.ask_for.is_some());
        if held_back && view.state == call::State::Bridged {
            say(socket, &ClientMessage::IdentityConfirmed { call: view.call }).await?;
        }
        Ok(())
    }

    /// What the agent does next in a state.
    fn intend(&mut self, presence: &Presence) {
        match &presence.state {
            State::Paused { reason } => {
                let rest =
                    if reason == "break" { Duration::from_secs(self.rng.random_range(15..60)) } else { SETTLING };
                self.plan(rest, Intent::Ready);
            }
            State::WrapUp { call, .. } => {
                let spread = LogNormal::new(self.config.wrap_up.as_secs_f64().max(0.01).ln(), 0.4);
                let seconds = spread.map_or(1.0, |spread| spread.sample(self.rng));
                self.plan(Duration::from_secs_f64(seconds), Intent::Dispose(*call));
            }
            State::Reserved { .. } if matches!(self.intent, Some((_, Intent::Dial(_)))) => {}
            State::Ready | State::Offline | State::Reserved { .. } | State::OnCall { .. } => self.intent = None,
        }
    }

    fn plan(&mut self, after: Duration, intent: Intent) {
        self.intent = Some((Instant::now() + after.div_f64(self.config.speed), intent));
    }

    async fn act(&mut self, socket: &mut Socket, intent: Intent) -> anyhow::Result<()> {
        match intent {
            Intent::Ready => say(socket, &ClientMessage::Ready).await,
            Intent::Dial(call) => say(socket, &ClientMessage::PreviewDial { call }).await,
            Intent::Dispose(call) => {
                if self.rng.random_bool(self.config.pause_chance) {
                    say(socket, &ClientMessage::Pause { reason: "break".to_owned() }).await?;
                }
                self.dispose(call).await
            }
        }
    }

    async fn dispose(&mut self, call: CallId) -> anyhow::Result<()> {
        let pop = self.pop.take().filter(|pop| pop.call == call);
        let set = pop.as_ref().map_or("standard", |pop| pop.disposition_set.as_str()).to_owned();
        if !self.catalogues.contains_key(&set) {
            let catalogue = self.rest.catalogue(&set).await?;
            self.catalogues.insert(set.clone(), catalogue);
        }
        let catalogue = self.catalogues.get(&set).map_or(&[][..], Vec::as_slice);
        let Some(now) = self.now else { return Ok(()) };
        let moment = Moment { now, business_date: business_date(self.rest.zone, now) };
        let Some(wrap) = wrap::choose(self.rng, self.config.habits, catalogue, pop.as_deref(), moment) else {
            tracing::warn!(%call, "nothing in the catalogue fits");
            return Ok(());
        };
        match self.rest.dispose(call, &wrap).await {
            Ok(()) => self.tally.count(&wrap.code),
            // The wrap-up timer will end it; a person would see the message and go on.
            Err(error) => tracing::warn!(%call, code = wrap.code, error = format!("{error:#}"), "not recorded"),
        }
        Ok(())
    }
}

/// From sitting down to taking calls.
const SETTLING: Duration = Duration::from_secs(2);

async fn say(socket: &mut Socket, message: &ClientMessage) -> anyhow::Result<()> {
    socket.send(Message::text(serde_json::to_string(message)?)).await.context("talking to the desk")
}
