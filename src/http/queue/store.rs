//! Whose the entries are.

use std::collections::HashMap;

use sqlx::PgPool;

use crate::{error::Result, ids::AccountId, ledger::store::stored_currency};

use super::Debtor;

/// Number, name and currency of each of the accounts that exists.
pub(super) async fn debtors(
    db: &PgPool,
    accounts: impl Iterator<Item = AccountId>,
) -> Result<HashMap<AccountId, Debtor>> {
    let ids: Vec<_> = accounts.map(|account| account.0).collect();
    let rows = sqlx::query!(
        r#"SELECT id AS "id: AccountId", number, name, currency::text AS "currency!" FROM account WHERE id = ANY($1)"#,
        &ids
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    rows.map(|row| {
        let currency = stored_currency(&row.currency)?;
        Ok((row.id, Debtor { number: row.number, name: row.name, currency }))
    })
    .collect()
}
