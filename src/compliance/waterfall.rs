//! Why is nothing dialling? Every account of a campaign's list at the step that holds it out, or ready.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::{judge, look, store};
use crate::{
    app::App,
    campaign::Campaign,
    error::Result,
    ids::{AccountId, ContactPointId},
    queue::{self, Hold, Number, Placement, Standing, Wait, placement},
};

/// Accounts read at once.
const AT_ONCE: usize = 500;
/// Accounts looked at by one call, which the next call goes on after: more at once would keep Postgres busy for a page.
pub const MOST: usize = 10_000;
/// Accounts of a step that are named at once.
pub const NAMED: usize = 200;

/// The list of a campaign, step by step.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Waterfall {
    /// Accounts looked at.
    pub examined: u64,
    /// Where they stand, in the order in which the steps are asked.
    pub steps: Vec<Step>,
}

/// One step, and how many accounts it holds out.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Step {
    /// `not_listed`, `held:attorney`, `waiting:frequency`, `rule:calling_hours`, `rule:us_ma/two_in_seven`, `ready`.
    pub step: String,
    /// How many.
    pub accounts: u64,
}

/// Looks at up to `most` accounts of the campaign's list, those after `after`; with the last one, if the list goes on.
///
/// # Errors
/// If Postgres fails.
pub async fn fall(
    app: &App,
    campaign: &Campaign,
    after: Option<AccountId>,
    most: usize,
) -> Result<(Waterfall, Option<AccountId>)> {
    let mut counts: BTreeMap<(u8, String), u64> = BTreeMap::new();
    let mut walk = Walk::from(after, most);
    while let Some(page) = walk.next(app, campaign).await? {
        for (_, step) in steps_of(app, campaign, &page).await? {
            *counts.entry((rank(&step), step)).or_default() += 1;
        }
    }
    let steps = counts.into_iter().map(|((_, step), accounts)| Step { step, accounts }).collect();
    Ok((Waterfall { examined: walk.examined as u64, steps }, walk.goes_on_after()))
}

/// The accounts behind a step among the next `most` of the list, up to [`NAMED`]; with the place to go on at, if the list
/// goes on.
///
/// # Errors
/// If Postgres fails.
pub async fn behind(
    app: &App,
    campaign: &Campaign,
    wanted: &str,
    after: Option<AccountId>,
    most: usize,
) -> Result<(Vec<AccountId>, Option<AccountId>)> {
    let (mut found, mut walk) = (Vec::new(), Walk::from(after, most));
    while let Some(page) = walk.next(app, campaign).await? {
        let steps = steps_of(app, campaign, &page).await?;
        let behind: HashSet<AccountId> =
            steps.into_iter().filter(|(_, step)| step == wanted).map(|(id, _)| id).collect();
        // In the order of the list, so that going on after the last one named passes nobody over.
        found.extend(page.into_iter().filter(|account| behind.contains(account)));
        if found.len() > NAMED {
            found.truncate(NAMED);
            let last = found.last().copied();
            return Ok((found, last));
        }
    }
    Ok((found, walk.goes_on_after()))
}

/// A way along a campaign's list, page by page.
struct Walk {
    after: Option<AccountId>,
    most: usize,
    examined: usize,
    at_the_end: bool,
}

impl Walk {
    /// Up to `most` accounts, those after `after`; more only as far as the last page goes.
    fn from(after: Option<AccountId>, most: usize) -> Self {
        Self { after, most, examined: 0, at_the_end: false }
    }

    async fn next(&mut self, app: &App, campaign: &Campaign) -> Result<Option<Vec<AccountId>>> {
        if self.at_the_end || self.examined >= self.most {
            return Ok(None);
        }
        let at_once = self.most.min(AT_ONCE);
        let mut conn = app.db.acquire().await?;
        let portfolio = campaign.settings.list.portfolio.as_deref();
        let limit = i64::try_from(at_once).unwrap_or(i64::MAX);
        let page = store::accounts_after(&mut conn, portfolio, self.after, limit).await?;
        self.after = page.last().copied();
        self.examined += page.len();
        self.at_the_end = page.len() < at_once;
        Ok(Some(page))
    }

    /// The last account looked at, if the list goes on.
    fn goes_on_after(&self) -> Option<AccountId> {
        self.after.filter(|_| !self.at_the_end)
    }
}

/// Where each of the accounts stands.
async fn steps_of(app: &App, campaign: &Campaign, accounts: &[AccountId]) -> Result<Vec<(AccountId, String)>> {
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let mut conn = app.db.acquire().await?;
    let standings = queue::store::standings_of(&mut conn, campaign, accounts, now).await?;
    let mut steps = Vec::with_capacity(accounts.len());
    let known: HashSet<AccountId> = standings.iter().map(|standing| standing.account).collect();
    let without_figures = accounts.iter().filter(|account| !known.contains(account));
    steps.extend(without_figures.map(|account| (*account, "not_listed".to_owned())));
    let mut ready: Vec<(AccountId, ContactPointId)> = Vec::new();
    for standing in &standings {
        let step = match placement::place(standing, &campaign.settings, now, today) {
            Placement::Absent => "not_listed".to_owned(),
            Placement::Held(Hold::Policy) => refused(standing, None),
            Placement::Waiting { why: Wait::Policy, entry, .. } => refused(standing, Some(entry.contact_point)),
            Placement::Held(hold) => format!("held:{}", hold.as_str()),
            Placement::Waiting { why, .. } => format!("waiting:{}", why.as_str()),
            Placement::Ready(entry) => {
                ready.push((standing.account, entry.contact_point));
                continue;
            }
        };
        steps.push((standing.account, step));
    }
    let points: Vec<ContactPointId> = ready.iter().map(|(_, point)| *point).collect();
    let mut requests = look::requests(&mut conn, campaign, &points, now, today).await?;
    steps.extend(ready.into_iter().map(|(account, point)| {
        let refusal = requests.remove(&point).map(|request| judge(request, &app.policies, now).refusal);
        let step = match refusal {
            Some(None) => "ready".to_owned(),
            Some(Some(refusal)) => format!("rule:{}", refusal.rule),
            None => "not_listed".to_owned(),
        };
        (account, step)
    }));
    Ok(steps)
}

/// The step of an account whose number (`None`: every one) the last look has refused.
fn refused(standing: &Standing, point: Option<ContactPointId>) -> String {
    let of_the_point = |number: &&Number| point.is_none_or(|point| number.contact_point == point);
    let mut rules = standing.numbers.iter().filter(of_the_point).filter_map(|number| number.refused.as_ref());
    rules.next().map_or_else(|| "held:policy".to_owned(), |refused| format!("rule:{}", refused.rule))
}

/// Whether it is the name of a step: a rule may be of a pack that is not loaded any more.
#[must_use]
pub fn is_step(name: &str) -> bool {
    match name.split_once(':') {
        None => ["not_listed", "ready"].contains(&name),
        Some(("held", hold)) => Hold::from_name(hold).is_some(),
        Some(("waiting", why)) => Wait::ALL.iter().any(|wait| wait.as_str() == why),
        Some((kind, rule)) => kind == "rule" && !rule.is_empty(),
    }
}

/// The order in which the steps are shown.
fn rank(step: &str) -> u8 {
    match step.split(':').next() {
        Some("not_listed") => 0,
        Some("held") => 1,
        Some("waiting") => 2,
        Some("rule") => 3,
        _ => 4,
    }
}
