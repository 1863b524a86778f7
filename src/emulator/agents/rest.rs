//! The REST API as a simulated agent uses it.

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use reqwest::{Response, StatusCode, header};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::Config;
use crate::{
    disposition::{Disposition, Wrap},
    ids::CallId,
};

/// A logged-in session.
pub(super) struct Rest {
    http: reqwest::Client,
    service: Url,
    /// `name=value` of the session's cookie.
    pub(super) cookie: String,
    /// The office's zone, for promise dates.
    pub(super) zone: Tz,
}

#[derive(Deserialize)]
struct Me {
    zone: Tz,
}

#[derive(Deserialize)]
struct Catalogue {
    items: Vec<Disposition>,
}

impl Rest {
    /// Logs in with a password.
    pub(super) async fn log_in(config: &Config, seat: usize) -> anyhow::Result<Self> {
        let (login, password) = &config.logins[seat];
        let http = reqwest::Client::new();
        let response = http
            .post(config.service.join("/api/session")?)
            .header(header::ORIGIN, origin(&config.service))
            .json(&json!({ "login": login, "password": password.expose_secret() }))
            .send()
            .await?
            .error_for_status()?;
        let cookie = response.headers().get(header::SET_COOKIE).and_then(|value| value.to_str().ok());
        let cookie = cookie.and_then(|value| value.split(';').next()).context("a log-in without a cookie")?.to_owned();
        let me: Me = response.json().await?;
        Ok(Self { http, service: config.service.clone(), cookie, zone: me.zone })
    }

    /// The dispositions of a set that an agent may choose.
    pub(super) async fn catalogue(&self, set: &str) -> anyhow::Result<Vec<Disposition>> {
        let url = self.service.join(&format!("/api/dispositions/{set}"))?;
        let response = self.http.get(url).header(header::COOKIE, &self.cookie).send().await?.error_for_status()?;
        let Catalogue { mut items } = response.json().await?;
        items.retain(|disposition| !disposition.automatic);
        Ok(items)
    }

    /// Records a disposition; a lost answer is asked for again under the same key.
    pub(super) async fn dispose(&self, call: CallId, wrap: &Wrap) -> anyhow::Result<()> {
        let key = Uuid::now_v7().to_string();
        let url = self.service.join(&format!("/api/calls/{call}/disposition"))?;
        for _ in 0..3 {
            let sent = self
                .http
                .post(url.clone())
                .header(header::COOKIE, &self.cookie)
                .header(header::ORIGIN, origin(&self.service))
                .header("Idempotency-Key", &key)
                .json(wrap)
                .send()
                .await;
            match sent {
                Ok(response) if response.status().is_success() => return Ok(()),
                // Somebody or the wrap-up timer was faster: nothing is lost.
                Ok(response) if response.status() == StatusCode::CONFLICT => return Ok(()),
                Ok(response) if response.status().is_client_error() => {
                    bail!("disposition refused: {}", detail(response).await)
                }
                Ok(_) | Err(_) => tokio::time::sleep(std::time::Duration::from_millis(200)).await,
            }
        }
        bail!("the disposition could not be recorded")
    }

    /// The address of the desk's socket.
    pub(super) fn desk_url(&self) -> anyhow::Result<Url> {
        let mut url = self.service.join("/ws/desk")?;
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        url.set_scheme(scheme).map_err(|()| anyhow::anyhow!("not an address of a service"))?;
        Ok(url)
    }

    /// The origin that a page of the service would have.
    pub(super) fn origin(&self) -> String {
        origin(&self.service)
    }
}

fn origin(service: &Url) -> String {
    service.origin().ascii_serialization()
}

async fn detail(response: Response) -> String {
    let status = response.status();
    format!("{status} {}", response.text().await.unwrap_or_default())
}

/// The office's calendar day at a moment.
pub(super) fn business_date(zone: Tz, now: DateTime<Utc>) -> chrono::NaiveDate {
    now.with_timezone(&zone).date_naive()
}
