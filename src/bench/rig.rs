//! A service to measure: private stores in a directory of its own, removed afterwards.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context;
use clap::Parser;
use secrecy::SecretString;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    app::App,
    carrier::{params::Params, signature},
    cli::serve,
    config::Config,
    services,
};

/// The carrier account of a rig.
const ACCOUNT: &str = "AC00000000000000000000000000000001";

/// When every run takes place: on a working day on which all of the United States may be called.
const WEDNESDAY: &str = "2026-03-11T18:00:00Z";

/// A running service with private stores.
pub struct Rig {
    /// The service.
    pub app: App,
    /// Where it listens.
    pub address: SocketAddr,
    server: serve::Server,
    services: services::Running,
    directory: PathBuf,
}

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    config: Config,
}

impl Rig {
    /// Starts one whose carrier is at `carrier`; an address that nobody answers will do where nothing is dialled.
    ///
    /// # Errors
    /// If the stores or the service do not start.
    pub async fn start(carrier: &str) -> anyhow::Result<Self> {
        let directory = std::env::temp_dir().join(format!("ledgerline-bench-{}", std::process::id()));
        let mut config = Defaults::try_parse_from(["bench"])?.config;
        config.stores.data_dir.clone_from(&directory);
        config.clock = Some(WEDNESDAY.parse()?);
        config.stores.database_url = None;
        config.stores.redis_url = None;
        config.carrier.base_url = carrier.parse()?;
        ACCOUNT.clone_into(&mut config.carrier.account_sid);
        config.carrier.auth_token = "bench".to_owned().into();
        let services = services::start(&config.stores).await?;
        let app = App::open(config, &services).await?;
        let server = serve::start(&app, SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        Ok(Self { app, address: server.address, server, services, directory })
    }

    /// Stops the service and removes what it left.
    ///
    /// # Errors
    /// If the directory cannot be removed.
    pub async fn finish(self) -> anyhow::Result<()> {
        serve::stop(self.app, self.server).await;
        self.services.stop().await;
        std::fs::remove_dir_all(&self.directory).with_context(|| format!("removing {}", self.directory.display()))
    }

    /// Where it keeps its files; removed with it.
    #[must_use]
    pub fn directory(&self) -> &std::path::Path {
        &self.directory
    }

    /// Address of its Postgres.
    #[must_use]
    pub fn database_url(&self) -> &SecretString {
        &self.services.database_url
    }

    /// A signed webhook of the rig's account, ready to be written to a connection. `url` is as the carrier was given it.
    #[must_use]
    pub fn webhook(&self, url: &str, fields: &[(&str, &str)]) -> Vec<u8> {
        let url = url.split('#').next().unwrap_or(url);
        let body = form(fields);
        let signature = signature::sign(&self.app.config.carrier.auth_token, url, &Params::parse(body.as_bytes()));
        let base = self.app.config.public_url.as_str().trim_end_matches('/');
        let path = url.strip_prefix(base).unwrap_or(url);
        format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\nX-Twilio-Signature: {signature}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("AccountSid", ACCOUNT).extend_pairs(fields);
    form.finish()
}

/// A connection that costs the measuring side next to nothing.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// If nobody listens.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// If the connection breaks or the status is not 2xx.
    pub async fn post(&mut self, request: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            anyhow::ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection was closed");
            if let Some(length) = answer_length(&self.buffer)
                && self.buffer.len() >= length
            {
                break;
            }
        }
        let accepted = self.buffer.starts_with(b"HTTP/1.1 2");
        anyhow::ensure!(accepted, "refused: {}", String::from_utf8_lossy(&self.buffer));
        Ok(())
    }
}

/// Length of head and body, once the head is there.
fn answer_length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&answer[..head]).ok()?;
    let body = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.trim().parse().ok())
        .unwrap_or(0);
    Some(head + body)
}
