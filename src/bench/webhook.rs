//! Status webhooks, durably committed before the 2xx, beside bare inserts into the same Postgres.

use std::{
    path::PathBuf,
    process::Command,
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::Context;
use secrecy::ExposeSecret;
use sqlx::{postgres::PgConnectOptions, types::Json};

use super::{
    report::{Ratio, Target},
    rig::{Connection, Rig},
};
use crate::{
    call::{CallbackToken, Create, Facts, callbacks},
    ids::CallId,
};

/// Connections of the carrier, and clients of pgbench: a carrier posts from many machines, and keeps none of them waiting.
const CLIENTS: usize = 64;

/// Lines that are up at the same time; the progress of each is told, one webhook for each of [`PROGRESS`].
const CALLS: usize = 2_000;

/// As many lines again, one wave after the other. The one whose ratio is the median counts: what a shared machine does to
/// a single turn is nobody's speed.
const WAVES: usize = 11;

/// What is told of each call, in order.
const PROGRESS: [&str; 3] = ["initiated", "ringing", "in-progress"];

/// How long pgbench inserts after each wave, in seconds: in turn, so that both meet the same machine.
const BASELINE_SECONDS: u32 = 1;

/// Tells the service the progress of calls, and measures how many webhooks a second it takes.
///
/// # Errors
/// If a webhook is refused, or the baseline cannot be measured.
pub async fn run(rig: &Rig) -> anyhow::Result<Ratio> {
    sqlx::query("CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL)")
        .execute(&rig.app.db)
        .await?;
    let mut turns = Vec::with_capacity(WAVES);
    for wave in 0..WAVES {
        let took = tell(rig, wave).await?;
        #[expect(clippy::cast_precision_loss, reason = "a count of webhooks is far below 2^52")]
        let rate = (CALLS * PROGRESS.len()) as f64 / took.as_secs_f64();
        turns.push((rate, inserts_per_second(rig).await?));
    }
    let ratio = |(rate, baseline): &(f64, f64)| rate / baseline;
    turns.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    let (least, (rate, baseline), most) = (ratio(&turns[0]), turns[WAVES / 2], ratio(&turns[WAVES - 1]));
    Ok(Ratio {
        name: "status webhooks, committed before the answer",
        measured: format!(
            "{rate:.0} webhooks/s over {CLIENTS} connections, in the median of {WAVES} turns ({least:.2} to {most:.2})"
        ),
        baseline: format!("{baseline:.0} single-row inserts/s by pgbench with {CLIENTS} clients, in the same turn"),
        ratio: rate / baseline,
        target: Target::AtLeast(0.6),
    })
}

/// Tells the progress of as many calls as are up at the same time; the time from the first webhook to the last answer.
async fn tell(rig: &Rig, wave: usize) -> anyhow::Result<Duration> {
    let calls = insert_calls(rig, wave).await?;
    let requests: Vec<Vec<u8>> = PROGRESS
        .iter()
        .enumerate()
        .flat_map(|(sequence, status)| calls.iter().map(move |call| (sequence, *status, call)))
        .map(|(sequence, status, call)| status_webhook(rig, call, sequence, status))
        .collect();
    let took = post_all(rig, requests).await?;
    // The next wave needs lines of its own: these ones are over.
    let ids: Vec<_> = calls.iter().map(|(id, _)| id.0).collect();
    sqlx::query("UPDATE call SET live = false WHERE id = ANY($1)").bind(ids).execute(&rig.app.db).await?;
    Ok(took)
}

/// Lines that the carrier has taken: its answer named each.
async fn insert_calls(rig: &Rig, wave: usize) -> anyhow::Result<Vec<(CallId, CallbackToken)>> {
    let calls: Vec<_> = (0..CALLS).map(|_| (CallId::generate(), CallbackToken::generate())).collect();
    let ids: Vec<_> = calls.iter().map(|(id, _)| id.0).collect();
    let tokens: Vec<_> = calls.iter().map(|(_, token)| token.as_str().to_owned()).collect();
    let numbers: Vec<_> = (0..CALLS).map(|number| format!("+1555{:07}", wave * CALLS + number)).collect();
    let facts = Facts { create: Create::Accepted, ..Facts::outbound(2000) };
    // Not checked at compile time: the bench is not part of the service's queries.
    sqlx::query(
        "INSERT INTO call (id, direction, to_number, from_number, callback_token, sid, facts, state, live, created_at,
                           heard_at)
         SELECT id, 'outbound', number, '+15555550100', token, 'CA' || replace(id::text, '-', ''), $4, 'dialing', true, $5, $5
         FROM unnest($1::uuid[], $2::text[], $3::text[]) AS t (id, token, number)",
    )
    .bind(ids)
    .bind(tokens)
    .bind(numbers)
    .bind(Json(facts))
    .bind(rig.app.clock.now())
    .execute(&rig.app.db)
    .await?;
    Ok(calls)
}

fn status_webhook(rig: &Rig, (call, token): &(CallId, CallbackToken), sequence: usize, status: &str) -> Vec<u8> {
    let sid = format!("CA{}", call.0.simple());
    let sequence = sequence.to_string();
    rig.webhook(
        &callbacks::status_url(&rig.app.config, *call, token),
        &[
            ("CallSid", &sid),
            ("From", "+15555550100"),
            ("To", "+15555550123"),
            ("CallStatus", status),
            ("Direction", "outbound-api"),
            ("ApiVersion", "2010-04-01"),
            ("CallbackSource", "call-progress-events"),
            ("SequenceNumber", &sequence),
            ("Timestamp", "Mon, 01 Jul 2024 15:00:00 +0000"),
        ],
    )
}

/// Posts `requests` over [`CLIENTS`] connections; the order of a call's webhooks is kept.
async fn post_all(rig: &Rig, requests: Vec<Vec<u8>>) -> anyhow::Result<Duration> {
    let mut shares: Vec<Vec<Vec<u8>>> = (0..CLIENTS).map(|_| Vec::new()).collect();
    for (index, request) in requests.into_iter().enumerate() {
        shares[index % CALLS % CLIENTS].push(request);
    }
    let begun = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for share in shares {
        let address = rig.address;
        clients.spawn(async move {
            let mut connection = Connection::open(address).await?;
            for request in &share {
                connection.post(request).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(begun.elapsed())
}

async fn inserts_per_second(rig: &Rig) -> anyhow::Result<f64> {
    let url = rig.database_url().expose_secret().to_owned();
    tokio::task::spawn_blocking(move || pgbench(&url)).await?
}

fn pgbench(url: &str) -> anyhow::Result<f64> {
    let options = PgConnectOptions::from_str(url)?;
    let script = std::env::temp_dir().join(format!("ledgerline-bench-{}.sql", std::process::id()));
    std::fs::write(&script, "INSERT INTO bare (body) VALUES ('CallStatus=ringing&CallSid=CA0001');\n")?;
    let host = options.get_socket().map_or_else(|| options.get_host().into(), |path| path.display().to_string());
    let output = Command::new(pgbench_program())
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .arg(format!("--client={CLIENTS}"))
        .arg(format!("--time={BASELINE_SECONDS}"))
        .arg(format!("--file={}", script.display()))
        .args(["--host", &host, "--username", options.get_username()])
        .arg(options.get_database().unwrap_or("postgres"))
        .output()
        .context("running pgbench, which comes with the Postgres server")?;
    std::fs::remove_file(&script)?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
        .with_context(|| format!("pgbench printed no rate: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// Beside the server's programs where those are not on the path.
fn pgbench_program() -> PathBuf {
    let packaged = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    std::env::var_os("PG_BIN")
        .map(PathBuf::from)
        .into_iter()
        .chain(packaged.map(|version| version.path().join("bin")))
        .map(|directory| directory.join("pgbench"))
        .find(|program| program.is_file())
        .unwrap_or_else(|| "pgbench".into())
}
