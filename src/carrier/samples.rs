//! The samples of `webhooks/twilio/` as data: every request a carrier sends, and what it gets back.
//!
//! They are part of the program, so that `ledgerline replay` needs no files beside it.

use std::collections::BTreeMap;

use rust_embed::Embed;
use serde::Deserialize;
use url::form_urlencoded::byte_serialize;

/// A request of the contract.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Names it.
    pub name: String,
    /// When the carrier sends it.
    pub about: String,
    /// Always `POST`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The form. In the index, the name of its file.
    pub body: String,
    /// What the service answers.
    pub status: u16,
    /// The documents that may come back; none for a report.
    #[serde(default)]
    pub twiml: Vec<String>,
}

/// All samples, and what their ids stand for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Samples {
    /// By name (`call`, `token`, `agent`, `call_sid` …): the value that stands for it in paths, bodies and documents.
    pub sample: BTreeMap<String, String>,
    /// The requests, in the order of a working day.
    #[serde(rename = "event")]
    pub events: Vec<Sample>,
}

#[derive(Embed)]
#[folder = "webhooks/twilio"]
struct Files;

impl Samples {
    /// Reads the index and the bodies it names.
    ///
    /// # Errors
    /// If the folder contradicts itself, which a test rules out.
    pub fn load() -> anyhow::Result<Self> {
        let mut samples: Self = toml::from_str(&file("index.toml")?)?;
        for event in &mut samples.events {
            event.body = file(&event.body)?;
        }
        Ok(samples)
    }

    /// The sample with ids of our own in the place of its own, in path and body; names as in [`Samples::sample`].
    #[must_use]
    pub fn with_ids(&self, sample: &Sample, own: &BTreeMap<&str, String>) -> Sample {
        let mut filled = sample.clone();
        for (name, value) in own {
            if let Some(stand_in) = self.sample.get(*name) {
                filled.path = put(&filled.path, stand_in, value);
                filled.body = put(&filled.body, stand_in, value);
            }
        }
        filled
    }
}

/// A document of the contract, by its name in [`Sample::twiml`].
///
/// # Errors
/// If there is none of this name.
pub fn document(name: &str) -> anyhow::Result<String> {
    file(name)
}

fn file(name: &str) -> anyhow::Result<String> {
    let file = Files::get(name).ok_or_else(|| anyhow::anyhow!("webhooks/twilio has no {name}"))?;
    Ok(String::from_utf8(file.data.into_owned())?)
}

/// Values are escaped in bodies and queries; those without special characters look the same everywhere.
fn put(text: &str, stand_in: &str, value: &str) -> String {
    text.replace(&escaped(stand_in), &escaped(value)).replace(stand_in, value)
}

fn escaped(value: &str) -> String {
    byte_serialize(value.as_bytes()).collect()
}

#[cfg(test)]
mod tests;
