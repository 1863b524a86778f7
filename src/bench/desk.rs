//! Resident memory of an idle agent socket.

use std::time::Duration;

use anyhow::Context;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    pop::until,
    report::{Ratio, Target},
    rig::Rig,
};

/// Sockets that are open before anything is measured: pools, caches and the allocator are warm then.
const WARM: usize = 200;

/// Sockets that are measured, on top of those, where the limit on open files allows.
const SOCKETS: usize = 2_000;

/// What an idle socket may take, in bytes.
const TARGET: f64 = 24.0 * 1024.0;

/// Files that are open besides the sockets, generously.
const OTHER_FILES: usize = 200;

/// Sockets opened between two signs of life of those that are open.
const BATCH: usize = 100;

/// Opens many desks that say hello and then nothing but pong. The other ends are bare TCP streams without buffers in the
/// same process; the little they take counts too.
///
/// # Errors
/// If the service refuses a desk, or the system does not say how much memory is used.
pub async fn run(rig: &Rig) -> anyhow::Result<Ratio> {
    let sockets = (WARM + SOCKETS).min(open_files()?.saturating_sub(OTHER_FILES) / 2);
    anyhow::ensure!(sockets > 2 * WARM, "raise the limit on open files (ulimit -n) to 5000");
    agents(rig, sockets).await?;
    let mut open = Vec::with_capacity(sockets);
    grow(rig, &mut open, WARM).await?;
    let before = resident_bytes()?;
    grow(rig, &mut open, sockets).await?;
    let after = resident_bytes()?;
    drop(open);
    go_home(rig).await?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    let each = after.saturating_sub(before) as f64 / (sockets - WARM) as f64;
    Ok(Ratio {
        name: "resident memory of an idle agent socket",
        measured: format!("{:.1} KiB each, over {} sockets", each / 1024.0, sockets - WARM),
        baseline: format!("{:.0} KiB, the promise", TARGET / 1024.0),
        ratio: each / TARGET,
        target: Target::AtMost(1.0),
    })
}

/// Users with a token each: `desk-1`, `desk-2` …
async fn agents(rig: &Rig, count: usize) -> anyhow::Result<()> {
    let now = rig.app.clock.now();
    sqlx::query(
        "WITH new AS (
             INSERT INTO users (id, login, name, role, password_hash, created_at)
             SELECT gen_random_uuid(), 'desk-' || n, 'Desk ' || n, 'agent', 'none', $2
             FROM generate_series(0, $1) AS n RETURNING id, login)
         INSERT INTO session (token_hash, user_id, kind, created_at, expires_at)
         SELECT sha256(login::bytea), id, 'bearer', $2, $2 + interval '1 day' FROM new",
    )
    .bind(i64::try_from(count)?)
    .bind(now)
    .execute(&rig.app.db)
    .await?;
    Ok(())
}

/// Opens desks until there are `wanted`, and waits until they are idle.
async fn grow(rig: &Rig, open: &mut Vec<TcpStream>, wanted: usize) -> anyhow::Result<()> {
    while open.len() < wanted {
        let numbers = open.len()..wanted.min(open.len() + BATCH);
        for number in numbers {
            open.push(desk(rig, number).await.with_context(|| format!("desk {number}"))?);
        }
        for stream in &mut *open {
            stream.write_all(&frame(r#"{"type":"pong"}"#)).await?;
        }
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    Ok(())
}

/// Waits until the service has noted that the desks are gone, and logs their agents out: it would do so in a minute, in
/// the middle of what is measured next.
async fn go_home(rig: &Rig) -> anyhow::Result<()> {
    until("the desks to be gone", || async {
        let gone = sqlx::query_scalar::<_, bool>("SELECT NOT EXISTS (SELECT FROM agent WHERE connected)");
        Ok(gone.fetch_one(&rig.app.db).await?.then_some(()))
    })
    .await?;
    sqlx::query("UPDATE agent SET state = 'offline'").execute(&rig.app.db).await?;
    Ok(())
}

/// A desk that has said hello.
async fn desk(rig: &Rig, number: usize) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(rig.address).await?;
    let upgrade = format!(
        "GET /ws/desk HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Authorization: Bearer desk-{number}\r\n\r\n"
    );
    stream.write_all(upgrade.as_bytes()).await?;
    let mut answer = [0; 2048];
    let length = stream.read(&mut answer).await?;
    let accepted = answer[..length].starts_with(b"HTTP/1.1 101");
    anyhow::ensure!(accepted, "refused: {}", String::from_utf8_lossy(&answer[..length]));
    stream.write_all(&frame(r#"{"type":"hello","protocol":1}"#)).await?;
    anyhow::ensure!(stream.read(&mut answer).await? > 0, "closed after hello");
    Ok(stream)
}

/// A text frame of at most 125 bytes, masked with zeros.
fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap_or(0x7f) & 0x7f;
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

fn resident_bytes() -> anyhow::Result<u64> {
    let kib = field("/proc/self/status", "VmRSS:")?;
    Ok(kib * 1024)
}

fn open_files() -> anyhow::Result<usize> {
    Ok(usize::try_from(field("/proc/self/limits", "Max open files")?)?)
}

/// The first number after a label in a file of the kernel.
fn field(path: &str, label: &str) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(label));
    let number = line.and_then(|rest| rest.split_whitespace().next()).with_context(|| format!("{label} in {path}"))?;
    Ok(number.parse()?)
}
