//! The right to work at the connection: one node at a time, and only who has it uses or changes the tokens. So no refresh
//! token is ever used twice.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    Link,
    client::Ask,
    oauth,
    store::connection::{self, Claimed},
    trouble::{Asked, Trouble},
};
use crate::error::Result;

/// How long the right lasts after the last request; longer than any request takes.
const CLAIM: TimeDelta = TimeDelta::minutes(2);

/// An access token that ends within that is changed before it is used.
const EARLY: TimeDelta = TimeDelta::minutes(2);

/// Work at the connection. End it with [`Session::close`]; one that is dropped ends by itself after two minutes.
pub struct Session<'a> {
    /// What it is worked with.
    pub link: &'a Link,
    /// The company.
    pub realm: String,
    /// Where its receivables are kept.
    pub portfolio: String,
    claim: Uuid,
    /// `None`: the key that it was sealed with is another one by now.
    access: Option<SecretString>,
    access_until: DateTime<Utc>,
}

impl<'a> Session<'a> {
    /// Takes the right to work; `None`: nothing is connected, or another node works.
    ///
    /// # Errors
    /// Those of Postgres.
    pub async fn open(link: &'a Link) -> Result<Option<Self>> {
        let (now, claim) = (link.clock.now(), Uuid::now_v7());
        let mut conn = link.db.acquire().await?;
        let Some(Claimed { realm, portfolio, access, access_until }) =
            connection::claim(&mut conn, claim, now, now + CLAIM).await?
        else {
            return Ok(None);
        };
        let access = link.client.seal().open(&access).ok();
        Ok(Some(Self { link, realm, portfolio, claim, access, access_until }))
    }

    /// Gives the right back.
    ///
    /// # Errors
    /// Those of Postgres.
    pub async fn close(self) -> Result<()> {
        connection::release(&mut *self.link.db.acquire().await?, &self.realm, self.claim).await
    }

    /// Reads something.
    ///
    /// # Errors
    /// The trouble.
    pub async fn get(&mut self, path: &str, query: Vec<(&str, String)>) -> Asked<String> {
        self.ask(&Ask { path, query, body: None }).await
    }

    /// Writes something; `request` makes the same request twice have one effect.
    ///
    /// # Errors
    /// The trouble.
    pub async fn post(&mut self, path: &str, query: Vec<(&str, String)>, request: &str, body: String) -> Asked<String> {
        let query = [query, vec![("requestid", request.to_owned())]].concat();
        self.ask(&Ask { path, query, body: Some(body) }).await
    }

    async fn ask(&mut self, ask: &Ask<'_>) -> Asked<String> {
        let now = self.link.clock.now();
        let held = {
            let mut conn = self.link.db.acquire().await?;
            connection::hold(&mut conn, &self.realm, self.claim, now + CLAIM).await?
        };
        if !held {
            return Err(Trouble::TakenOver);
        }
        if let Some(access) = self.access.as_ref().filter(|_| self.access_until - now >= EARLY)
            && let Some(answer) = self.link.client.ask(&self.realm, access, ask).await?
        {
            return Ok(answer);
        }
        let access = self.refresh().await?;
        self.link.client.ask(&self.realm, &access, ask).await?.ok_or(Trouble::NotGranted)
    }

    /// Changes the tokens for the next pair, which is stored before it is used.
    async fn refresh(&mut self) -> Asked<SecretString> {
        let (client, now) = (&self.link.client, self.link.clock.now());
        let stored = {
            let mut conn = self.link.db.acquire().await?;
            connection::refresh_token(&mut conn, &self.realm, self.claim).await?.ok_or(Trouble::TakenOver)?
        };
        let tokens = oauth::refresh(client, &client.seal().open(&stored)?, now).await?;
        let sealed = connection::Sealed::of(client.seal(), &tokens)?;
        let mut conn = self.link.db.acquire().await?;
        if !connection::rotate(&mut conn, &self.realm, &stored, &sealed).await? {
            return Err(Trouble::TakenOver);
        }
        tracing::info!(realm = self.realm, "QuickBooks gave new tokens");
        (self.access, self.access_until) = (Some(tokens.access.clone()), tokens.access_until);
        Ok(tokens.access)
    }
}
