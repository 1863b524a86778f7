//! What was read, taken into the ledger: by the import that takes in a file of the same objects. What is linked to an object
//! that changed comes along, so that what was paid of an invoice is always worked out from all of its payments.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};

use super::{
    Link,
    object::{self, Kind},
    store::objects::{self, Taken, Waiting},
};
use crate::{
    error::{Error, Result},
    import::{self, Beside, Refused},
};

/// Objects at a time; what is linked to them comes on top.
const MOST: i64 = 300;

/// Times in a step.
const ROUNDS: usize = 20;

/// Takes in what waits; true: to the end.
///
/// # Errors
/// Those of Postgres. What was taken in before stays.
pub async fn step(link: &Link, realm: &str, portfolio: &str) -> Result<bool> {
    for _ in 0..ROUNDS {
        let today = link.clock.business_date();
        let (waiting, ours) = {
            let mut conn = link.db.acquire().await?;
            (objects::waiting(&mut conn, realm, today, MOST).await?, objects::ours(&mut conn, realm).await?)
        };
        if waiting.is_empty() {
            return Ok(true);
        }
        let beside = Beside { ours, numbers: numbers(&waiting) };
        let report = import::import_objects(&link.db, &link.clock, portfolio, &text(&waiting)?, &beside).await?;
        let done = taken(&waiting, &report.refused, today);
        objects::taken(&mut *link.db.acquire().await?, realm, &done).await?;
    }
    Ok(false)
}

/// Numbers of the ledger by kind and id.
fn numbers(waiting: &[Waiting]) -> HashMap<String, String> {
    let of = |one: &Waiting| Some((format!("{} {}", one.kind.as_str(), one.id), one.number.clone()?));
    waiting.iter().filter_map(of).collect()
}

/// The objects as a file would have them.
fn text(waiting: &[Waiting]) -> Result<String> {
    let mut lists = Vec::new();
    for kind in Kind::ALL {
        let mut bodies = Vec::new();
        for one in waiting.iter().filter(|one| one.kind == kind) {
            match (kind, one.deleted, &one.number) {
                (Kind::Customer, ..) | (_, false, _) => bodies.push(one.body.clone()),
                (_, true, Some(_)) => {
                    bodies.push(object::emptied(&one.body, &one.id).map_err(Error::internal("emptying an object"))?);
                }
                // Another object has its number by now: that one says what is owed.
                (_, true, None) => {}
            }
        }
        lists.push(format!("\"{}\":[{}]", kind.as_str(), bodies.join(",")));
    }
    Ok(format!("{{{}}}", lists.join(",")))
}

/// What has become of each object that waited or was refused. One of a later day waits until then; one that was refused is
/// tried again tomorrow, for a period may be opened or an account be put right.
fn taken(waiting: &[Waiting], refused: &[Refused], today: NaiveDate) -> Vec<Taken> {
    let cell = |row: &Refused, name: &str| import::qbo_column(name).and_then(|place| row.cells.get(place).cloned());
    let why = |one: &Waiting| {
        let number = Some(one.number.clone()?);
        let is_it =
            |row: &&Refused| cell(row, "customer").as_ref() == Some(&one.customer) && cell(row, "number") == number;
        refused.iter().find(is_it).map(|row| row.reason.clone())
    };
    let tomorrow = today.checked_add_days(Days::new(1));
    waiting
        .iter()
        .map(|one| (one, why(one)))
        .filter(|(one, problem)| one.pending || problem.is_some())
        .map(|(one, problem)| {
            let later = one.on_day.filter(|day| *day > today && !one.deleted);
            let pending_on = if problem.is_some() { tomorrow } else { later };
            Taken { kind: one.kind, id: one.id.clone(), pending_on, problem }
        })
        .collect()
}
