//! Redis: one connection that reconnects by itself, and the naming of keys.
//!
//! Keys of one campaign share a hash tag, so that a Redis Cluster keeps them on one node and a script may touch them all.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    error::Result,
    ids::{CampaignId, PersonId, UserId},
};

/// What opens connections to Redis.
///
/// # Errors
/// If the address is malformed.
pub fn client(url: &SecretString) -> Result<redis::Client> {
    Ok(redis::Client::open(url.expose_secret())?)
}

/// Connects to Redis; commands wait at most 2 s for an answer.
///
/// # Errors
/// If the address is malformed or nobody answers.
pub async fn connect(url: &SecretString) -> Result<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_response_timeout(Some(Duration::from_secs(2)))
        .set_connection_timeout(Some(Duration::from_secs(2)));
    Ok(ConnectionManager::new_with_config(client(url)?, config).await?)
}

/// A key of a campaign's queue.
#[must_use]
pub fn queue_key(campaign: CampaignId, name: &str) -> String {
    format!("ll:{{q:{campaign}}}:{name}")
}

/// The right to dial a person, who may stand behind several accounts of several campaigns.
#[must_use]
pub fn person_key(person: PersonId) -> String {
    format!("ll:{{p:{person}}}:dial")
}

/// A key of the agents who are ready for a campaign.
#[must_use]
pub fn ready_key(campaign: CampaignId) -> String {
    format!("ll:{{a:{campaign}}}:ready")
}

/// A key of an agent's desk.
#[must_use]
pub fn desk_key(agent: UserId, name: &str) -> String {
    format!("ll:{{d:{agent}}}:{name}")
}
