//! `/healthz`: the process lives. `/readyz`: it can do its work, or which dependency keeps it from that.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

use super::store;

/// How long a dependency may take to answer before it counts as down.
const PATIENCE: Duration = Duration::from_secs(2);
/// An effect that has been due for longer means that the outbox is stuck, in seconds.
const STUCK_AFTER_SECONDS: i64 = 60;

/// Whether the service can do its work.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// All of it.
    pub ready: bool,
    /// Each dependency by name.
    pub dependencies: Vec<Dependency>,
}

/// A dependency.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dependency {
    /// `postgres`, `redis`, `carrier` or `outbox`.
    pub name: &'static str,
    /// Whether it works.
    pub up: bool,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The process lives.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, body = String)))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the service can do its work: 200, or 503 naming what is down.
#[utoipa::path(get, path = "/readyz", tag = "operation",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub async fn readyz(State(app): State<App>) -> (StatusCode, Json<Readiness>) {
    let (postgres, redis) = tokio::join!(postgres(&app), redis(&app));
    let mut dependencies = postgres;
    dependencies.push(redis);
    let ready = dependencies.iter().all(|dependency| dependency.up);
    // Told, but without a carrier the service still answers its webhooks and its people: the node stays in use.
    dependencies.push(Dependency::of("carrier", app.carrier.trouble().map(|trouble| trouble.to_string())));
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, dependencies }))
}

/// Postgres and, if it answers, the outbox in it.
async fn postgres(app: &App) -> Vec<Dependency> {
    let overdue = app.clock.now() - chrono::TimeDelta::seconds(STUCK_AFTER_SECONDS);
    match tokio::time::timeout(PATIENCE, store::outbox(&app.db, overdue)).await {
        Ok(Ok(outbox)) => {
            let stuck = (outbox.overdue > 0)
                .then(|| format!("{} effects have been due for {STUCK_AFTER_SECONDS} s and more", outbox.overdue));
            vec![Dependency::of("postgres", None), Dependency::of("outbox", stuck)]
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "Postgres is not ready");
            vec![Dependency::of("postgres", Some("does not answer our query".to_owned()))]
        }
        Err(_) => vec![Dependency::of("postgres", Some(too_slow()))],
    }
}

async fn redis(app: &App) -> Dependency {
    let mut redis = app.redis.clone();
    let ping = redis::cmd("PING");
    match tokio::time::timeout(PATIENCE, ping.query_async::<String>(&mut redis)).await {
        Ok(Ok(_)) => Dependency::of("redis", None),
        Ok(Err(error)) => {
            tracing::warn!(%error, "Redis is not ready");
            Dependency::of("redis", Some("does not answer".to_owned()))
        }
        Err(_) => Dependency::of("redis", Some(too_slow())),
    }
}

fn too_slow() -> String {
    format!("did not answer within {} s", PATIENCE.as_secs())
}

impl Dependency {
    fn of(name: &'static str, detail: Option<String>) -> Self {
        Self { name, up: detail.is_none(), detail }
    }
}
