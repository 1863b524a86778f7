//! `ledgerline replay-pacing`: a recorded day of a campaign, dialled again by other pacers.

use anyhow::Context;
use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::Args;

use crate::{
    campaign::{self, Campaign},
    clock::Clock,
    config::Stores,
    db,
    dialer::what_if::{self, Question, WhatIf},
    pacing::{contender::Name, replay::Outcome},
    services,
};

/// What to dial again.
#[derive(Debug, Args)]
pub struct Options {
    /// Name of the campaign.
    campaign: String,

    /// The office's day (YYYY-MM-DD).
    #[arg(long)]
    day: NaiveDate,

    /// Only this pacer (predictive, progressive, ratio, `vicidial_hard` …); without it all of them.
    #[arg(long, value_parser = named)]
    pacer: Option<Name>,

    /// Lines for each ready agent of the pacer `ratio`, 1 to 5; without it those of the campaign.
    #[arg(long, value_parser = ratio)]
    ratio: Option<u32>,

    /// What the record cannot say is drawn by it.
    #[arg(long, default_value_t = 1)]
    seed: u16,

    /// The office's time zone (IANA), as the service has it.
    #[arg(long, env = "LEDGERLINE_ZONE", default_value = "America/New_York")]
    zone: Tz,

    /// Calls that the carrier starts a second, 1 to 100, as the service has it.
    #[arg(long, env = "CARRIER_CALLS_PER_SECOND", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=100))]
    calls_per_second: u32,

    /// Where the calls are.
    #[command(flatten)]
    stores: Stores,
}

/// Prints talk minutes an hour against abandoned calls, as they were and by other pacers.
///
/// # Errors
/// If there is no such campaign, nothing is recorded on the day, or Postgres is not there.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let services = services::reach(&options.stores).await?;
    let pool = db::connect(&services.database_url, 2).await?;
    db::migrate(&pool).await?;
    let asked = Question {
        day: options.day,
        pacer: options.pacer,
        ratio_milli: options.ratio,
        starts: options.calls_per_second,
        seed: options.seed.into(),
    };
    let campaign = find(&pool, &options.campaign).await?;
    let answer = what_if::ask(&pool, &Clock::system(options.zone), &campaign, asked, what_if::PATIENT).await;
    pool.close().await;
    services.stop().await;
    println!("{}", table(&campaign, &answer?));
    Ok(())
}

async fn find(pool: &sqlx::PgPool, name: &str) -> anyhow::Result<Campaign> {
    let campaigns = campaign::store::list(&mut *pool.acquire().await?).await?;
    let names: Vec<String> = campaigns.iter().map(|campaign| campaign.name.clone()).collect();
    let found = campaigns.into_iter().find(|campaign| campaign.name == name);
    found.with_context(|| format!("there is no campaign {name}; there are: {}", names.join(", ")))
}

fn table(campaign: &Campaign, answer: &WhatIf) -> String {
    let head = format!(
        "{} on {}: {:.1} hours of agents; drawn with seed {}\n\n{:<24} {:>8} {:>8} {:>8} {:>8} {:>7} {:>9}",
        campaign.name,
        answer.day,
        answer.agent_hours,
        answer.seed,
        "",
        "talk/h",
        "occup. %",
        "dialled",
        "answers",
        "aband.",
        "aband. %"
    );
    let rows = [&answer.recorded].into_iter().chain(&answer.pacers).map(row);
    [head].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

fn row(outcome: &Outcome) -> String {
    let Outcome { pacer, dialled, talk_minutes_an_hour, occupancy, share } = outcome;
    format!(
        "{pacer:<24} {talk_minutes_an_hour:>8.1} {:>8.1} {dialled:>8} {:>8} {:>7} {:>9.2}",
        100.0 * occupancy,
        share.answers,
        share.abandoned,
        100.0 * share.share
    )
}

fn named(text: &str) -> Result<Name, String> {
    Name::from_name(text).ok_or_else(|| format!("one of {}", Name::list()))
}

/// As thousandths.
fn ratio(text: &str) -> Result<u32, String> {
    match text.parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1000 to 5000")]
        Ok(ratio) if (1.0..=5.0).contains(&ratio) => Ok((ratio * 1000.0).round() as u32),
        _ => Err("a number from 1 to 5".to_owned()),
    }
}
