//! From the answer webhook to the pop in the agent's socket, beside a Redis round trip and a Postgres commit.

use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use hdrhistogram::Histogram;
use redis::aio::ConnectionManager;
use sqlx::{Postgres, pool::PoolConnection};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::header::AUTHORIZATION},
};

use super::{
    people,
    report::{Ratio, Target},
    rig::{Connection, Rig},
};
use crate::{
    call::{CallbackToken, callbacks},
    desk::protocol::{Body, ClientMessage, ServerMessage, VERSION},
    ids::CallId,
};

/// Calls answered, one after the other.
const CALLS: usize = 1_000;

/// How long anything may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// One agent takes one call after the other; each is timed from the first byte of the answer webhook to the pop.
///
/// # Errors
/// If the service refuses a step, or a pop does not come.
pub async fn run(rig: &Rig) -> anyhow::Result<Ratio> {
    let people = people::create(rig).await?;
    let mut desk = Desk::open(rig, &people).await?;
    let mut carrier = Connection::open(rig.address).await?;
    let (mut micros, mut bare) = (Histogram::<u64>::new(3)?, Bare::open(rig).await?);
    desk.say(&ClientMessage::Ready).await?;
    for number in 0..CALLS {
        people.until_ready(rig).await?;
        let call = people.ringing_call(rig, number).await?;
        let took = answer(rig, &mut carrier, &mut desk, &call).await?;
        micros.record(u64::try_from(took.as_micros())?)?;
        hang_up(rig, &mut carrier, &call).await?;
        people.record(rig, call.id).await?;
        bare.measure().await?;
    }
    let (redis, postgres) = (median(&bare.redis_micros), median(&bare.postgres_micros));
    let baseline = redis + postgres;
    let milliseconds = |quantile: f64| Duration::from_micros(micros.value_at_quantile(quantile)).as_secs_f64() * 1e3;
    Ok(Ratio {
        name: "answer webhook to screen-pop frame",
        measured: format!(
            "p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms over {CALLS} calls",
            milliseconds(0.5),
            milliseconds(0.99),
            milliseconds(0.999)
        ),
        baseline: format!(
            "{:.2} ms: one Redis round trip ({:.2} ms) and one Postgres commit ({:.2} ms), medians",
            baseline * 1e3,
            redis * 1e3,
            postgres * 1e3
        ),
        ratio: milliseconds(0.5) / 1e3 / baseline,
        target: Target::AtMost(3.0),
    })
}

/// A call that rings, with its pop prepared.
pub(super) struct Ringing {
    pub(super) id: CallId,
    pub(super) token: CallbackToken,
}

impl Ringing {
    fn sid(&self) -> String {
        format!("CA{}", self.id.0.simple())
    }
}

async fn answer(rig: &Rig, carrier: &mut Connection, desk: &mut Desk, call: &Ringing) -> anyhow::Result<Duration> {
    let url = callbacks::answer_url(&rig.app.config, call.id, &call.token);
    let request = rig.webhook(
        &url,
        &[
            ("CallSid", &call.sid()),
            ("CallStatus", "in-progress"),
            ("Direction", "outbound-api"),
            ("From", ""),
            ("To", ""),
        ],
    );
    let begun = Instant::now();
    let (answered, popped) = tokio::join!(carrier.post(&request), desk.popped(call.id));
    answered?;
    Ok(popped?.duration_since(begun))
}

/// The debtor is gone before being connected.
async fn hang_up(rig: &Rig, carrier: &mut Connection, call: &Ringing) -> anyhow::Result<()> {
    let url = callbacks::status_url(&rig.app.config, call.id, &call.token);
    let fields = [("CallSid", &*call.sid()), ("CallStatus", "completed"), ("SequenceNumber", "3")];
    carrier.post(&rig.webhook(&url, &fields)).await
}

struct Desk(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Desk {
    async fn open(rig: &Rig, people: &people::People) -> anyhow::Result<Self> {
        let mut request = format!("ws://{}/ws/desk", rig.address).into_client_request()?;
        request.headers_mut().insert(AUTHORIZATION, format!("Bearer {}", people.token).parse()?);
        let (socket, _) = connect_async(request).await?;
        let mut desk = Self(socket);
        desk.say(&ClientMessage::Hello { protocol: VERSION, last_seq: None }).await?;
        people.leg_is_up(rig).await?;
        Ok(desk)
    }

    async fn say(&mut self, message: &ClientMessage) -> anyhow::Result<()> {
        Ok(self.0.send(Message::text(serde_json::to_string(message)?)).await?)
    }

    /// Reads on until the pop of `call` is there, and says when that was.
    async fn popped(&mut self, call: CallId) -> anyhow::Result<Instant> {
        loop {
            let frame = timeout(PATIENCE, self.0.next()).await.context("no pop came")?.context("the desk closed")??;
            let read_at = Instant::now();
            let Message::Text(text) = frame else { continue };
            let message: ServerMessage = serde_json::from_str(&text)?;
            match message.body {
                Body::Pop { pop } if pop.call == call => return Ok(read_at),
                Body::Ping => self.say(&ClientMessage::Pong).await?,
                _ => {}
            }
        }
    }
}

/// What the stores take by themselves, measured in turn with the calls: both meet the same machine, with the same caches.
struct Bare {
    redis: ConnectionManager,
    postgres: PoolConnection<Postgres>,
    redis_micros: Histogram<u64>,
    postgres_micros: Histogram<u64>,
}

impl Bare {
    async fn open(rig: &Rig) -> anyhow::Result<Self> {
        sqlx::query("CREATE TABLE bare_commit (body text NOT NULL)").execute(&rig.app.db).await?;
        Ok(Self {
            redis: rig.app.redis.clone(),
            postgres: rig.app.db.acquire().await?,
            redis_micros: Histogram::new(3)?,
            postgres_micros: Histogram::new(3)?,
        })
    }

    /// One PING, and one committed insert of a single row.
    async fn measure(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        redis::cmd("PING").query_async::<()>(&mut self.redis).await?;
        self.redis_micros.record(u64::try_from(begun.elapsed().as_micros())?)?;
        let begun = Instant::now();
        sqlx::query("INSERT INTO bare_commit VALUES ('x')").execute(&mut *self.postgres).await?;
        self.postgres_micros.record(u64::try_from(begun.elapsed().as_micros())?)?;
        Ok(())
    }
}

/// In seconds.
fn median(micros: &Histogram<u64>) -> f64 {
    Duration::from_micros(micros.value_at_quantile(0.5)).as_secs_f64()
}

/// Looks again every millisecond until `found` gives something.
pub(super) async fn until<T, F>(what: &'static str, mut found: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<Option<T>>>,
{
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(found) = found().await? {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    anyhow::bail!("waited in vain for {what}")
}
