//! `ledgerline serve`: the service, from the stores it starts to the last worker it stops.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::{
    app::{self, App},
    config::Config,
    lifecycle::{self, Signals},
    services,
};

/// Runs the service until it is told to stop, or until a part of it fails.
///
/// # Errors
/// If it cannot start, or had to stop because a part of it failed.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let (app, server, services) = tokio::select! {
        started = start_all(config) => started?,
        // What was started meanwhile stops as it is dropped.
        signal = signals.next() => {
            tracing::info!(signal, "stopped before it served");
            return Ok(());
        }
    };
    tracing::info!(address = %server.address, "serving");
    until_stopped(app, server, services, signals).await
}

async fn start_all(config: Config) -> anyhow::Result<(App, Server, services::Running)> {
    let services = services::start(&config.stores).await?;
    let listen = config.listen;
    let app = App::open(config, &services).await?;
    let server = start(&app, listen).await?;
    Ok((app, server, services))
}

/// A server that is answering requests.
#[derive(Debug)]
pub struct Server {
    /// Where it listens; the port is a real one even where 0 was asked for.
    pub address: SocketAddr,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Waits until it has answered what it was asked, after `lifecycle.stop_serving`, at most 10 s.
    pub async fn ended(self) {
        const REQUESTS_END_WITHIN: Duration = Duration::from_secs(10);
        if !self.task.is_finished() && tokio::time::timeout(REQUESTS_END_WITHIN, self.task).await.is_err() {
            tracing::warn!("requests were still open after {REQUESTS_END_WITHIN:?}");
        }
    }
}

/// Starts the workers, and answers requests on `listen`.
///
/// # Errors
/// If the address cannot be listened on.
pub async fn start(app: &App, listen: SocketAddr) -> anyhow::Result<Server> {
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    start_on(app, listener)
}

/// As [`start`], on a socket that listens already.
///
/// # Errors
/// If the socket has no address.
pub fn start_on(app: &App, listener: TcpListener) -> anyhow::Result<Server> {
    let address = listener.local_addr()?;
    // Webhook answers and desk frames are small and urgent: never wait for more to fill a packet.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY not set");
        }
    });
    let router = crate::http::router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let stop = app.lifecycle.serving();
    let task = tokio::spawn(axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).into_future());
    app::spawn_workers(app, &app.lifecycle);
    Ok(Server { address, task })
}

/// Serves until a signal comes or a part fails, then shuts down in order.
///
/// # Errors
/// Says which part failed, if it was not a signal.
pub async fn until_stopped(
    app: App,
    mut server: Server,
    services: services::Running,
    mut signals: Signals,
) -> anyhow::Result<()> {
    let failure = tokio::select! {
        signal = signals.next() => {
            tracing::info!(signal, "stopping");
            None
        }
        part = app.lifecycle.failed() => Some(part),
        part = services.died() => Some(part),
        _ = &mut server.task => Some("the HTTP server ended".to_owned()),
    };
    if let Some(part) = &failure {
        tracing::error!(part, "stopping because a part of the service failed");
    } else {
        tokio::select! {
            () = drain(&app) => {}
            signal = signals.next() => tracing::warn!(signal, "told twice: not waiting for calls to bridge"),
        }
    }
    stop(app, server).await;
    services.stop().await;
    match failure {
        None => Ok(()),
        Some(part) => Err(anyhow::anyhow!("{part}; see the log")),
    }
}

/// Stops claiming, and lets answers bridge for as long as the configuration allows.
pub async fn drain(app: &App) {
    app.lifecycle.stop_claiming();
    lifecycle::drain(app, Duration::from_secs(app.config.drain_seconds.into())).await;
}

/// Stops claiming and serving, stops the workers, and closes.
pub async fn stop(app: App, server: Server) {
    app.lifecycle.stop_serving();
    server.ended().await;
    app.lifecycle.stop_workers().await;
    app.close().await;
}
