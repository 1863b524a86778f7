//! Cash: money that came in, what it is for, and what does not add up.
//!
//! A payment comes one by one ([`receive`]), from a file or from a bank [`statement`]. What it is for is proposed by the
//! pure rules of [`crate::allocation`]; a batch of proposals is kept as a [`run`] and applied as it was shown, or not at
//! all. What is left over is a [`difference`] that somebody works to an end, and the sub-ledger is held against the
//! general ledger's figures by [`tie`].

pub mod assign;
pub mod difference;
pub mod lines;
pub mod receive;
pub mod run;
pub mod statement;
pub mod store;
pub mod tie;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use crate::{
    allocation::{self, Item, Policy, Proposal, Receipt, Remitted},
    app::App,
    error::{Error, Result},
    ids::{AccountId, PaymentId},
    ledger::part::Part,
    lifecycle::Lifecycle,
    money::Currency,
    worker,
};

/// What an account has open, and how its cash is applied.
#[derive(Clone, Debug)]
pub struct Book {
    /// How its cash is applied; many accounts share one.
    pub policy: Arc<Policy>,
    /// Its currency.
    pub currency: Currency,
    /// Version of its standing: while that stays, so does all of this but the policy.
    pub version: i64,
    /// Its open items.
    pub items: Vec<Item>,
}

/// A payment with something left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unapplied {
    /// The payment.
    pub payment: PaymentId,
    /// Whose it is.
    pub account: AccountId,
    /// What is left, minor units, more than 0.
    pub minor: i64,
    /// What the payer wrote.
    pub reference: String,
    /// What the payer says it is for.
    pub remitted: Vec<Remitted>,
}

/// A payment with what to do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The payment.
    pub of: Unapplied,
    /// What to do.
    pub proposal: Proposal,
    /// SHA-256 of what the account's proposals were made of.
    pub fingerprint: [u8; 32],
    /// Version of the account's standing then.
    pub version: i64,
}

/// Proposals for `payments`, in their order; those of one account see what the ones before them take.
///
/// # Errors
/// Only a defect.
pub fn plan(books: &BTreeMap<AccountId, Book>, payments: Vec<Unapplied>, today: NaiveDate) -> Result<Vec<Planned>> {
    let mut by_account: BTreeMap<AccountId, Vec<Unapplied>> = BTreeMap::new();
    for payment in payments {
        by_account.entry(payment.account).or_default().push(payment);
    }
    let mut planned = Vec::new();
    for (account, payments) in by_account {
        let Some(book) = books.get(&account) else { continue };
        let fingerprint = fingerprint(book, &payments, today)?;
        let mut items = book.items.clone();
        for of in payments {
            let receipt = Receipt { minor: of.minor, reference: &of.reference, remitted: &of.remitted, today };
            let proposal = allocation::propose(&book.policy, &receipt, &items);
            take(&mut items, &proposal);
            planned.push(Planned { of, proposal, fingerprint, version: book.version });
        }
    }
    Ok(planned)
}

/// Takes what is proposed off the items.
fn take(items: &mut [Item], proposal: &Proposal) {
    for line in proposal.lines.iter().chain(&proposal.settled) {
        if let Some(item) = items.iter_mut().find(|item| item.instalment == line.instalment) {
            *item.parts.of(line.part) -= line.minor;
        }
    }
}

/// What proposals are made of: anything that changes it may change them.
fn fingerprint(book: &Book, payments: &[Unapplied], today: NaiveDate) -> Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let policy = serde_json::to_vec(&book.policy).map_err(Error::internal("writing a policy"))?;
    hash.update(&policy);
    hash.update(today.to_string());
    let mut items: Vec<&Item> = book.items.iter().collect();
    items.sort_by_key(|item| item.instalment);
    for item in items {
        hash.update(item.instalment.0);
        hash.update(item.due_on.to_string());
        let mut parts = item.parts;
        for part in [Part::Principal, Part::Interest, Part::Fee] {
            hash.update(parts.of(part).to_le_bytes());
        }
        hash.update(item.disputed.to_le_bytes());
    }
    for payment in payments {
        hash.update(payment.payment.0);
        hash.update(payment.minor.to_le_bytes());
    }
    Ok(hash.finalize().into())
}

/// Starts the loop that gives differences to somebody.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let app = app.clone();
    worker::spawn(lifecycle, "differences", Duration::from_secs(30), Arc::default(), move || {
        let app = app.clone();
        async move { assign::step(&app).await.map(drop) }
    });
}
