//! A file that lists all that is open: what earlier ones listed and it does not is settled, elsewhere and somehow.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{Scope, Target, apply, follow};
use crate::{
    error::{Error, Result},
    ids::AccountId,
    import::{
        plan::{plan, settled},
        store::{
            self,
            items::{Changes, Wanted},
            missing::Missing,
        },
    },
    period,
};

/// Items in a step.
const STEP: usize = 2_000;

/// Closes the items: what was paid of them stays, the rest is taken back by a posting that says why. Gives the accounts.
///
/// # Errors
/// [`Error::Invalid`] if the portfolio's day lies in a closed period.
pub async fn close(conn: &mut PgConnection, scope: Scope<'_>, missing: &[Missing]) -> Result<Vec<AccountId>> {
    let locked = period::locked_through(conn, scope.portfolio).await?;
    if let Some(through) = locked.filter(|through| *through >= scope.as_of && !missing.is_empty()) {
        return Err(Error::invalid("as_of", period::closed(scope.as_of, through)));
    }
    let mut touched = Vec::new();
    for step in missing.chunks(STEP) {
        let wanted: Vec<Wanted<'_>> = step
            .iter()
            .enumerate()
            .map(|(nth, item)| Wanted {
                nth,
                account: item.account,
                number: &item.number,
                series: &item.series,
                issued_on: item.issued_on,
                seq: item.seq,
            })
            .collect();
        let mut changes = Changes { reason: "no longer listed", ..Changes::default() };
        for found in store::items::known(conn, &wanted).await? {
            let (Some(known), Some(missing)) = (&found.known, step.get(found.nth)) else { continue };
            let item = settled(known, &missing.number, missing.seq);
            let plan = plan(Some(known), &item, scope.as_of);
            let target = Target { account: missing.account, currency: &missing.currency, item: &item };
            apply(&mut changes, &mut HashMap::new(), scope.as_of, target, &found, &plan);
        }
        touched.extend(follow(conn, scope, &changes, step.iter().map(|item| AccountId(item.account)).collect()).await?);
    }
    Ok(touched)
}
