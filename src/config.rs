//! Configuration: command line and environment, one place, every value with its unit.

use std::{net::SocketAddr, path::PathBuf};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::{Args, FromArgMatches};
use secrecy::SecretString;
use url::Url;

/// How the service runs.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// Address to listen on.
    #[arg(long, env = "LEDGERLINE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Address under which the carrier reaches this service; signatures are checked against it.
    #[arg(long, env = "LEDGERLINE_PUBLIC_URL", default_value = "http://127.0.0.1:8080")]
    pub public_url: Url,

    /// The office's time zone (IANA): decides which day it is for ages and promises.
    #[arg(long, env = "LEDGERLINE_ZONE", default_value = "America/New_York")]
    pub zone: Tz,

    /// Run on a shifted clock that shows this moment at start (RFC 3339); for demonstrations of old portfolios.
    #[arg(long, env = "LEDGERLINE_CLOCK")]
    pub clock: Option<DateTime<Utc>>,

    /// How long a shutdown waits for dialled calls to be bridged, 0 to 600 seconds.
    #[arg(long, env = "LEDGERLINE_DRAIN_SECONDS", default_value_t = 45,
          value_parser = clap::value_parser!(u16).range(0..=600))]
    pub drain_seconds: u16,

    /// Directory of policy packs, in place of those that the binary carries (`docs/POLICY.md`).
    #[arg(long, env = "LEDGERLINE_POLICIES")]
    pub policies: Option<PathBuf>,

    /// Where the stores are.
    #[command(flatten)]
    pub stores: Stores,

    /// The carrier.
    #[command(flatten)]
    pub carrier: Carrier,

    /// The mail server.
    #[command(flatten)]
    pub mail: Mail,

    /// Outgoing webhooks.
    #[command(flatten)]
    pub webhooks: Webhooks,

    /// `QuickBooks Online`.
    #[command(flatten)]
    pub quickbooks: QuickBooks,
}

/// Postgres and Redis: given, or private children in a data directory.
#[derive(Clone, Debug, Args)]
pub struct Stores {
    /// Postgres to use (`postgres://…`); without it a private one is run in the data directory.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<SecretString>,

    /// Redis to use (`redis://…`); without it a private one is run in the data directory.
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<SecretString>,

    /// Directory of the private Postgres and Redis.
    #[arg(long, env = "LEDGERLINE_DATA", default_value = ".ledgerline")]
    pub data_dir: PathBuf,

    /// Connections to Postgres, 2 to 200.
    #[arg(long, env = "LEDGERLINE_DB_CONNECTIONS", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(2..=200))]
    pub db_connections: u32,
}

/// A Twilio-compatible carrier.
#[derive(Clone, Debug, Args)]
pub struct Carrier {
    /// Base address of its REST API, without `/2010-04-01`.
    #[arg(long, env = "CARRIER_BASE_URL", default_value = "https://api.twilio.com")]
    pub base_url: Url,

    /// Account SID.
    #[arg(long, env = "CARRIER_ACCOUNT_SID", default_value = "")]
    pub account_sid: String,

    /// Auth token: signs webhooks, and authenticates REST where no API key is given.
    #[arg(long, env = "CARRIER_AUTH_TOKEN", hide_env_values = true, default_value = "")]
    pub auth_token: SecretString,

    /// Auth token that was valid before, accepted on webhooks while tokens are rotated.
    #[arg(long, env = "CARRIER_PREVIOUS_AUTH_TOKEN", hide_env_values = true)]
    pub previous_auth_token: Option<SecretString>,

    /// API key SID for REST.
    #[arg(long, env = "CARRIER_API_KEY", requires = "api_secret")]
    pub api_key: Option<String>,

    /// Secret of the API key.
    #[arg(long, env = "CARRIER_API_SECRET", hide_env_values = true)]
    pub api_secret: Option<SecretString>,

    /// SID of the TwiML application that the browser softphone dials.
    #[arg(long, env = "CARRIER_TWIML_APP_SID")]
    pub twiml_app_sid: Option<String>,

    /// Calls we start per second at most, 1 to 100; keep it below what the carrier allows, so that it never queues.
    #[arg(long, env = "CARRIER_CALLS_PER_SECOND", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=100))]
    pub calls_per_second: u32,

    /// Lines that the trunk carries at the same time, of all campaigns together, 1 to 10,000; without it, what each
    /// campaign may have is the only limit. What two campaigns start within the same quarter of a second may pass it.
    #[arg(long, env = "CARRIER_MAX_LINES", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_lines: Option<u32>,

    /// Number that agents' legs and supervisors' legs are called from (E.164); the first of the agent's campaign where
    /// it is not given.
    #[arg(long, env = "CARRIER_AGENT_CALLER_ID")]
    pub agent_caller_id: Option<crate::phone::Phone>,
}

/// How mail goes out. Without a server, mail is off: messages are kept and marked as not sent.
#[derive(Clone, Debug, Default, Args)]
pub struct Mail {
    /// Mail server: `smtp://user:password@host:587` (STARTTLS is required; `?tls=none` for a server on this machine),
    /// `smtps://…:465` (TLS from the start).
    #[arg(long, env = "SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<SecretString>,

    /// Who writes: `Example Receivables <accounts@example.com>`; required with a server.
    #[arg(long, env = "SMTP_SENDER")]
    pub smtp_sender: Option<String>,

    /// Where answers go; the sender unless given.
    #[arg(long, env = "SMTP_REPLY_TO")]
    pub smtp_reply_to: Option<String>,

    /// Where bounces go (envelope sender), the sender unless given; `{id}` in it becomes the message's id, such as
    /// `bounces+{id}@example.com`.
    #[arg(long, env = "SMTP_RETURN_PATH")]
    pub smtp_return_path: Option<String>,

    /// Certificate (PEM) of an authority of the house that the mail server's is signed by.
    #[arg(long, env = "SMTP_CA_FILE")]
    pub smtp_ca_file: Option<PathBuf>,

    /// Longest time for handing over one mail, 5 to 50 seconds; 30 unless given.
    #[arg(long, env = "SMTP_TIMEOUT_SECONDS", value_parser = clap::value_parser!(u16).range(5..=50))]
    pub smtp_timeout_seconds: Option<u16>,
}

/// Who may be told of what happens here.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Webhooks {
    /// Outgoing webhooks may go to private addresses and over http as well: for systems in the same network, and for tests.
    #[arg(long = "webhooks-private", env = "LEDGERLINE_WEBHOOKS_PRIVATE")]
    pub allow_private: bool,
}

/// The live connection to `QuickBooks Online`. Without a client id it is off.
#[derive(Clone, Debug, Args)]
pub struct QuickBooks {
    /// Client id of the app that is registered at Intuit; without it the connection is off.
    #[arg(long = "quickbooks-client-id", env = "QUICKBOOKS_CLIENT_ID", requires = "quickbooks_client_secret")]
    pub client_id: Option<String>,

    /// Client secret of the app.
    #[arg(
        id = "quickbooks_client_secret",
        long = "quickbooks-client-secret",
        env = "QUICKBOOKS_CLIENT_SECRET",
        hide_env_values = true
    )]
    pub client_secret: Option<SecretString>,

    /// The API, without `/v3`; Intuit's sandbox is `https://sandbox-quickbooks.api.intuit.com`.
    #[arg(
        long = "quickbooks-api-url",
        env = "QUICKBOOKS_API_URL",
        default_value = "https://quickbooks.api.intuit.com"
    )]
    pub api_url: Url,

    /// The page on which an administrator grants access.
    #[arg(
        long = "quickbooks-authorize-url",
        env = "QUICKBOOKS_AUTHORIZE_URL",
        default_value = "https://appcenter.intuit.com/connect/oauth2"
    )]
    pub authorize_url: Url,

    /// Where tokens are given.
    #[arg(
        long = "quickbooks-token-url",
        env = "QUICKBOOKS_TOKEN_URL",
        default_value = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"
    )]
    pub token_url: Url,

    /// Where tokens are revoked.
    #[arg(
        long = "quickbooks-revoke-url",
        env = "QUICKBOOKS_REVOKE_URL",
        default_value = "https://developer.api.intuit.com/v2/oauth2/tokens/revoke"
    )]
    pub revoke_url: Url,

    /// Where Intuit sends the administrator back to, as registered there; `/quickbooks/callback` under the public address
    /// unless given.
    #[arg(long = "quickbooks-redirect-url", env = "QUICKBOOKS_REDIRECT_URL")]
    pub redirect_url: Option<Url>,

    /// Key that tokens are encrypted with in the database: 32 bytes in Base64. Without it they are stored as they are.
    #[arg(long = "quickbooks-token-key", env = "QUICKBOOKS_TOKEN_KEY", hide_env_values = true)]
    pub token_key: Option<SecretString>,

    /// Portfolio that the company's receivables are kept in, 1 to 64 characters.
    #[arg(long = "quickbooks-portfolio", env = "QUICKBOOKS_PORTFOLIO", default_value = "quickbooks")]
    pub portfolio: String,

    /// How often changes are asked for, 1 to 1440 minutes.
    #[arg(long = "quickbooks-minutes", env = "QUICKBOOKS_MINUTES", default_value_t = 5,
          value_parser = clap::value_parser!(u16).range(1..=1440))]
    pub minutes: u16,

    /// Only read: payments recorded here are not written there.
    #[arg(long = "quickbooks-read-only", env = "QUICKBOOKS_READ_ONLY")]
    pub read_only: bool,
}

impl QuickBooks {
    /// A configuration that connects nothing, whatever the environment says.
    ///
    /// # Errors
    /// If the environment says something that is wrong.
    pub fn off() -> Result<Self, clap::Error> {
        let line = Self::augment_args(clap::Command::new("off")).no_binary_name(true);
        Ok(Self { client_id: None, ..Self::from_arg_matches(&line.try_get_matches_from([""; 0])?)? })
    }
}

impl Config {
    /// The clock this configuration asks for.
    #[must_use]
    pub fn clock(&self) -> crate::clock::Clock {
        match self.clock {
            Some(start) => crate::clock::Clock::starting_at(start, self.zone),
            None => crate::clock::Clock::system(self.zone),
        }
    }
}
