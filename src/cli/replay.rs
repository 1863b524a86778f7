//! `ledgerline replay`: posts the samples of `webhooks/` to a running service, signed.

use std::collections::BTreeMap;

use anyhow::bail;
use clap::Args;
use reqwest::header;
use secrecy::SecretString;
use url::Url;

use crate::{
    app,
    carrier::{
        params::Params,
        samples::{Sample, Samples},
        signature,
    },
};

/// What to post, and where.
#[derive(Debug, Args)]
pub struct Options {
    /// The service.
    #[arg(long)]
    pub to: Url,

    /// The public address that the service is configured with, where it is another.
    #[arg(long, env = "LEDGERLINE_PUBLIC_URL")]
    pub public_url: Option<Url>,

    /// The auth token that the service is configured with.
    #[arg(long, env = "CARRIER_AUTH_TOKEN", hide_env_values = true)]
    pub auth_token: SecretString,

    /// Only samples whose name begins with this, e.g. `status`.
    #[arg(long, default_value = "")]
    pub only: String,

    /// An id of the service in the place of a sample's, e.g. `call=019a…`; the names are those of the index: call, token,
    /// agent, `call_sid` …
    #[arg(long = "id", value_name = "NAME=VALUE", value_parser = pair)]
    pub ids: Vec<(String, String)>,
}

/// Posts them in order and prints what came back.
///
/// # Errors
/// If nothing answers, no sample has the name, or the service answered one with another status than the contract says.
pub async fn run(options: Options) -> anyhow::Result<()> {
    app::install_tls();
    let samples = Samples::load()?;
    let ids: BTreeMap<&str, String> = options.ids.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    if let Some(unknown) = ids.keys().find(|name| !samples.sample.contains_key(**name)) {
        bail!("the samples have no id named {unknown}");
    }
    let http = reqwest::Client::new();
    let wanted: Vec<&Sample> = samples.events.iter().filter(|sample| sample.name.starts_with(&options.only)).collect();
    if wanted.is_empty() {
        bail!("no sample has a name that begins with {}", options.only);
    }
    let mut others = 0;
    for sample in &wanted {
        let status = post(&http, &options, &samples.with_ids(sample, &ids)).await?;
        let verdict = if status == sample.status { "as the contract says" } else { "not what the contract says" };
        others += usize::from(status != sample.status);
        println!("{:<28} {status}  {verdict}  ({})", sample.name, sample.about);
    }
    if others > 0 {
        bail!("{others} of {} were answered in another way; are the ids those of the service (--id)?", wanted.len());
    }
    Ok(())
}

async fn post(http: &reqwest::Client, options: &Options, sample: &Sample) -> anyhow::Result<u16> {
    let public = options.public_url.as_ref().unwrap_or(&options.to);
    let signed = format!("{}{}", public.as_str().trim_end_matches('/'), sample.path);
    let posted = format!("{}{}", options.to.as_str().trim_end_matches('/'), sample.path);
    let signature = signature::sign(&options.auth_token, &signed, &Params::parse(sample.body.as_bytes()));
    let response = http
        .post(posted)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8")
        .header(signature::HEADERS[0], signature)
        .body(sample.body.clone())
        .send()
        .await?;
    Ok(response.status().as_u16())
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("NAME=VALUE".to_owned()),
    }
}
