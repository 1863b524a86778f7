//! The sub-ledger against the general ledger: a control total by portfolio and day, and where the two differ, which
//! account and which postings it may be.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::store::tie as rows;
use crate::{
    error::{Error, Result},
    ids::{AccountId, UserId},
    money::Currency,
};

/// Accounts and postings that are named at most.
pub(super) const MOST_NAMED: i64 = 200;

/// What the general ledger says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Whose customers.
    pub portfolio: String,
    /// The currency.
    pub currency: Currency,
    /// At the end of which day.
    pub day: NaiveDate,
    /// What all accounts owe together, minor units.
    pub minor: i64,
    /// What each account owes by its number, if the ledger says so; together the sum.
    #[serde(default)]
    pub accounts: Option<BTreeMap<String, i64>>,
}

/// How the two stand to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Tied {
    /// Whose customers.
    pub portfolio: String,
    /// The currency.
    pub currency: Currency,
    /// At the end of which day.
    pub day: NaiveDate,
    /// What the general ledger says, minor units; `null`: nobody has given it.
    pub control_minor: Option<i64>,
    /// Who gave it.
    pub given_by: Option<UserId>,
    /// When.
    pub given_at: Option<DateTime<Utc>>,
    /// The sum of our postings, minor units.
    pub postings_minor: i64,
    /// Our open items less what is applied to none, minor units: the same by another way.
    pub items_minor: i64,
    /// Ours less the control total; 0 where it ties.
    pub difference_minor: Option<i64>,
    /// Both hold: ours is the same by both ways, and it is the control total.
    pub ties: bool,
    /// Accounts that differ, the largest first, at most 200.
    pub accounts: Vec<AccountDifference>,
    /// Postings that may be the difference, at most 200.
    pub suspects: Vec<Suspect>,
}

/// An account that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AccountDifference {
    /// The account; `null`: we have none of that number.
    pub account: Option<AccountId>,
    /// Its number.
    pub number: String,
    /// What the general ledger says, minor units; `null`: it has none of that number.
    pub control_minor: Option<i64>,
    /// What we say.
    pub ours_minor: i64,
    /// Ours less theirs.
    pub difference_minor: i64,
}

/// A posting that may be a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Suspect {
    /// The posting.
    pub posting: i64,
    /// Its account.
    pub account: AccountId,
    /// The account's number.
    pub number: String,
    /// What it is.
    pub kind: String,
    /// Minor units.
    pub minor: i64,
    /// Its day.
    pub business_date: NaiveDate,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// Why it is named.
    pub because: String,
}

/// Keeps what the general ledger says; the newest word on a day counts.
///
/// # Errors
/// [`Error::Invalid`] if the accounts do not add up to the sum.
pub async fn give(conn: &mut PgConnection, control: &Control, by: UserId, now: DateTime<Utc>) -> Result<()> {
    if !(1..=64).contains(&control.portfolio.chars().count()) {
        return Err(Error::invalid("portfolio", "1 to 64 characters"));
    }
    if let Some(accounts) = &control.accounts {
        let sum: i128 = accounts.values().map(|minor| i128::from(*minor)).sum();
        if sum != i128::from(control.minor) {
            return Err(Error::invalid(
                "accounts",
                format!("they add up to {sum} minor units, not to {}", control.minor),
            ));
        }
    }
    rows::give(conn, control, by, now).await
}

/// Holds the sub-ledger of the end of a day against what the general ledger says.
///
/// # Errors
/// Those of Postgres.
pub async fn tie(conn: &mut PgConnection, portfolio: &str, currency: Currency, day: NaiveDate) -> Result<Tied> {
    let control = rows::control(conn, portfolio, currency, day).await?;
    let ours = rows::ours(conn, portfolio, currency, day).await?;
    let postings_minor: i64 = ours.iter().map(|row| row.minor).sum();
    let items_minor = rows::items(conn, portfolio, currency, day).await?;
    let control_minor = control.as_ref().map(|control| control.minor);
    let mut accounts = match control.as_ref().and_then(|control| control.accounts.as_ref()) {
        Some(theirs) => differing(theirs, &ours),
        None => Vec::new(),
    };
    accounts.sort_by_key(|row| std::cmp::Reverse(row.difference_minor.abs()));
    accounts.truncate(usize::try_from(MOST_NAMED).unwrap_or(usize::MAX));
    let difference_minor = control_minor.map(|control| postings_minor - control);
    let suspects = match (&control, difference_minor) {
        (Some(control), Some(difference)) if difference != 0 || !accounts.is_empty() => {
            rows::suspects(conn, portfolio, currency, day, control.at, difference, &accounts).await?
        }
        _ => Vec::new(),
    };
    Ok(Tied {
        portfolio: portfolio.to_owned(),
        currency,
        day,
        control_minor,
        given_by: control.as_ref().and_then(|control| control.by),
        given_at: control.as_ref().map(|control| control.at),
        postings_minor,
        items_minor,
        difference_minor,
        ties: difference_minor == Some(0) && items_minor == postings_minor && accounts.is_empty(),
        accounts,
        suspects,
    })
}

/// What an account owes by our postings.
pub(super) struct Ours {
    pub account: AccountId,
    pub number: String,
    pub minor: i64,
}

fn differing(theirs: &BTreeMap<String, i64>, ours: &[Ours]) -> Vec<AccountDifference> {
    let known: BTreeMap<&str, &Ours> = ours.iter().map(|row| (row.number.as_str(), row)).collect();
    let of_ours = ours.iter().map(|row| {
        let control_minor = theirs.get(&row.number).copied();
        AccountDifference {
            account: Some(row.account),
            number: row.number.clone(),
            control_minor,
            ours_minor: row.minor,
            difference_minor: row.minor - control_minor.unwrap_or(0),
        }
    });
    let only_theirs = theirs.iter().filter(|(number, _)| !known.contains_key(number.as_str()));
    let of_theirs = only_theirs.map(|(number, minor)| AccountDifference {
        account: None,
        number: number.clone(),
        control_minor: Some(*minor),
        ours_minor: 0,
        difference_minor: -minor,
    });
    of_ours.chain(of_theirs).filter(|row| row.difference_minor != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_only_one_side_has_differs_by_all_of_it() {
        let ours = [
            Ours { account: AccountId::generate(), number: "A".to_owned(), minor: 100 },
            Ours { account: AccountId::generate(), number: "B".to_owned(), minor: 50 },
        ];
        let theirs = BTreeMap::from([("A".to_owned(), 100), ("C".to_owned(), 70)]);
        let found: Vec<(String, i64)> =
            differing(&theirs, &ours).into_iter().map(|row| (row.number, row.difference_minor)).collect();
        assert_eq!(found, [("B".to_owned(), 50), ("C".to_owned(), -70)]);
    }
}
