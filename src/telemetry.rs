//! Logs and metrics.
//!
//! Logs go to standard error, for people or as JSON lines. Metrics are kept in the process and read at `/metrics`.

use std::{io::IsTerminal, sync::OnceLock};

use clap::{Args, ValueEnum};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// What is logged, and how.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// What is logged: a level, or levels by module (`info,ledgerline::dialer=debug`).
    #[arg(long, env = "LEDGERLINE_LOG", default_value = "info,sqlx=warn", global = true)]
    pub log: String,

    /// Lines for people, or JSON objects for a collector.
    #[arg(long, env = "LEDGERLINE_LOG_FORMAT", default_value = "human", global = true)]
    pub log_format: Format,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Starts logging. Only the first call in a process has an effect.
pub fn init(options: &Options) {
    let filter = EnvFilter::new(&options.log);
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines: Box<dyn Layer<_> + Send + Sync> = match options.log_format {
        Format::Human => lines.with_target(false).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    // The filter is a layer of its own, not one of the lines': a library that asks whether a level is enabled and then
    // logs nothing would make a layer's own filter swallow the next line. A second subscriber in the same process
    // (tests) is refused; the first stays.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// The metrics of this process, for `/metrics`; starts the recorder when first asked.
///
/// # Panics
/// If something else in the process has installed another recorder.
pub fn metrics() -> &'static PrometheusHandle {
    /// Upper bounds in seconds, from a fast Redis answer to a slow carrier.
    const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        PrometheusBuilder::new()
            .set_buckets(&SECONDS)
            .and_then(PrometheusBuilder::install_recorder)
            .expect("the only metrics recorder of this process")
    })
}
