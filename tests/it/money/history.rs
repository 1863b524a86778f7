//! Random histories against a fold of their own: after every step the figures agree, as of any day and as known at any
//! time, and nothing was applied that is not there.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use ledgerline::{
    agent::Role,
    app::App,
    ids::{AccountId, AdjustmentId, InstalmentId, RefundId, UserId},
    ledger::{self, Adjustment, AdjustmentKind, CreditNote, Document, Refund, Reversal, Source, store},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use super::{account, invoice, payment, usd, user};
use crate::harness::TestApp;

/// A payment or a credit note.
struct Credit {
    source: Source,
    left: i64,
    applied: BTreeMap<usize, i64>,
    refunds: Vec<(RefundId, i64)>,
    gone: bool,
    from: NaiveDate,
    amount: i64,
}

/// What one step did: on which day, known since when, to which item how much, to what is unapplied how much.
struct Entry {
    on: NaiveDate,
    at: DateTime<Utc>,
    open: i64,
    unapplied: i64,
}

/// The ledger as adding and subtracting alone make it.
struct Model {
    account: AccountId,
    by: UserId,
    consumer: bool,
    items: Vec<(InstalmentId, i64)>,
    disputed: BTreeMap<usize, (Uuid, i64)>,
    credits: Vec<Credit>,
    adjustments: Vec<(AdjustmentId, usize, i64)>,
    entries: Vec<Entry>,
}

impl Model {
    fn open(&self) -> i64 {
        self.items.iter().map(|(_, open)| open).sum()
    }

    fn unapplied(&self) -> i64 {
        self.credits.iter().map(|credit| credit.left).sum()
    }

    fn note(&mut self, app: &App, on: NaiveDate, open: i64, unapplied: i64) {
        self.entries.push(Entry { on, at: app.clock.now(), open, unapplied });
    }

    async fn act(&mut self, app: &App, rng: &mut StdRng) {
        let today = app.clock.business_date();
        let ago = |rng: &mut StdRng, days: u64| today - Days::new(rng.random_range(0..days));
        let most_item = self.items.len().saturating_sub(1);
        let item = rng.random_range(0..=most_item.max(4));
        let credit = rng.random_range(0..=self.credits.len().max(3));
        match rng.random_range(0..12) {
            0 | 1 => {
                let parts: Vec<i64> = (0..rng.random_range(1..=3)).map(|_| rng.random_range(1..100_000)).collect();
                let on = ago(rng, 90);
                let ids = invoice(app, self.account, on, &parts).await;
                self.items.extend(ids.into_iter().zip(parts.iter().copied()));
                self.note(app, on, parts.iter().sum(), 0);
            }
            2 | 3 => {
                let (minor, on) = (rng.random_range(1..150_000), ago(rng, 20));
                let id = payment(app, self.account, on, minor).await;
                self.add(id.into(), minor, on);
                self.note(app, on, 0, minor);
            }
            4 | 5 => self.apply(app, credit, item, rng.random_range(1..120_000)).await,
            6 => self.unapply(app, credit, rng.random_bool(0.5).then_some(item)).await,
            7 => self.take_back(app, credit).await,
            8 => self.credit(app, item, rng).await,
            9 => self.adjust(app, item, rng).await,
            10 => self.dispute(app, item, rng).await,
            _ => self.refund(app, credit, rng).await,
        }
    }

    fn add(&mut self, source: Source, amount: i64, from: NaiveDate) {
        let new = Credit { source, left: amount, applied: BTreeMap::new(), refunds: vec![], gone: false, from, amount };
        self.credits.push(new);
    }

    async fn apply(&mut self, app: &App, credit: usize, item: usize, minor: i64) {
        let today = app.clock.business_date();
        let (Some(credit), Some((id, open))) = (self.credits.get_mut(credit), self.items.get_mut(item)) else { return };
        let spared = match (credit.source, self.disputed.get(&item)) {
            (Source::Payment(_), Some((_, disputed))) if self.consumer => *disputed,
            _ => 0,
        };
        let fits = minor <= credit.left && minor <= *open - spared;
        let mut tx = app.db.begin().await.expect("a transaction");
        let way = ledger::Way::specified("by hand", Some(self.by));
        let done = store::allocate_with(&mut tx, credit.source, *id, minor, &way, today, app.clock.now()).await;
        assert_eq!(done.is_ok(), fits, "{minor} of {} on {open} less {spared}: {done:?}", credit.left);
        if fits {
            ledger::posted(&mut tx, &[self.account], today, app.clock.now()).await.expect("posted");
            tx.commit().await.expect("committed");
            credit.left -= minor;
            *open -= minor;
            *credit.applied.entry(item).or_default() += minor;
            self.note(app, today, -minor, -minor);
        }
    }

    async fn unapply(&mut self, app: &App, credit: usize, item: Option<usize>) {
        let today = app.clock.business_date();
        let Some(credit) = self.credits.get_mut(credit) else { return };
        let back: Vec<(usize, i64)> = match item {
            Some(item) => credit.applied.remove(&item).map(|minor| (item, minor)).into_iter().collect(),
            None => std::mem::take(&mut credit.applied).into_iter().collect(),
        };
        let Some(instalment) = item.map_or(Some(None), |item| self.items.get(item).map(|(id, _)| Some(*id))) else {
            return;
        };
        let mut tx = app.db.begin().await.expect("a transaction");
        let done = ledger::unapply(&mut tx, credit.source, instalment, self.by, today, app.clock.now()).await;
        assert_eq!(done.is_ok(), !back.is_empty(), "{done:?}");
        if done.is_ok() {
            tx.commit().await.expect("committed");
        }
        let sum = back.iter().map(|(_, minor)| minor).sum();
        credit.left += sum;
        for (item, minor) in back {
            self.items[item].1 += minor;
        }
        self.note(app, today, sum, sum);
    }

    async fn reverse(&self, app: &App, document: Document, returned: bool) -> bool {
        let mut tx = app.db.begin().await.expect("a transaction");
        let reversal = Reversal { document, reason: "a mistake".to_owned(), returned };
        let (today, now) = (app.clock.business_date(), app.clock.now());
        let done = ledger::reverse(&mut tx, &reversal, self.by, today, now).await;
        if done.is_ok() {
            tx.commit().await.expect("committed");
        }
        done.is_ok()
    }

    /// A payment, credit note, refund or adjustment is taken back: both sides are as before it.
    async fn take_back(&mut self, app: &App, nth: usize) {
        let today = app.clock.business_date();
        if nth.is_multiple_of(3) && !self.adjustments.is_empty() {
            let (id, item, minor) = self.adjustments[0];
            let fits = self.items[item].1 >= minor;
            assert_eq!(self.reverse(app, Document::Adjustment(id), false).await, fits, "{minor}");
            if fits {
                self.adjustments.remove(0);
                self.items[item].1 -= minor;
                self.note(app, today, -minor, 0);
            }
            return;
        }
        let Some(credit) = self.credits.get(nth) else { return };
        if let Some((refund, minor)) = credit.refunds.first().copied() {
            assert!(!self.reverse(app, source_document(credit.source), true).await, "it was paid back");
            assert!(self.reverse(app, Document::Refund(refund), false).await, "refunds are taken back");
            self.credits[nth].refunds.remove(0);
            self.credits[nth].left += minor;
            self.note(app, today, 0, minor);
            return;
        }
        let done = self.reverse(app, source_document(credit.source), nth.is_multiple_of(2)).await;
        assert_eq!(done, !credit.gone, "once");
        if done {
            let credit = &mut self.credits[nth];
            credit.gone = true;
            credit.left = 0;
            let (back, amount, from) = (std::mem::take(&mut credit.applied), credit.amount, credit.from);
            let sum: i64 = back.values().sum();
            for (item, minor) in back {
                self.items[item].1 += minor;
            }
            self.note(app, today, sum, sum);
            self.note(app, today.max(from), 0, -amount);
        }
    }

    async fn credit(&mut self, app: &App, item: usize, rng: &mut StdRng) {
        let (today, now) = (app.clock.business_date(), app.clock.now());
        let Some((id, open)) = self.items.get_mut(item) else { return };
        let amount = rng.random_range(1..50_000);
        let applied = rng.random_range(0..=amount);
        let note = CreditNote {
            account: self.account,
            number: Uuid::now_v7().to_string(),
            amount: usd(amount),
            items: if applied == 0 { vec![] } else { vec![(*id, applied)] },
            reason: "goods returned".to_owned(),
            dispute: None,
        };
        let mut tx = app.db.begin().await.expect("a transaction");
        let done = ledger::credit(&mut tx, &note, self.by, today, now).await;
        assert_eq!(done.is_ok(), applied <= *open, "{applied} on {open}: {done:?}");
        let Ok(source) = done else { return };
        tx.commit().await.expect("committed");
        *open -= applied;
        self.add(source.into(), amount, today);
        let credit = self.credits.last_mut().expect("it was added");
        credit.left -= applied;
        if applied > 0 {
            credit.applied.insert(item, applied);
        }
        self.note(app, today, -applied, amount - applied);
    }

    async fn adjust(&mut self, app: &App, item: usize, rng: &mut StdRng) {
        use AdjustmentKind::{BankCharge, Discount, Fee, Interest, ShortPay, SmallBalance, WriteOff};
        let (today, now) = (app.clock.business_date(), app.clock.now());
        let Some((id, open)) = self.items.get_mut(item) else { return };
        let kinds = [BankCharge, Discount, Fee, Interest, ShortPay, SmallBalance, WriteOff];
        let kind = kinds[rng.random_range(0..kinds.len())];
        let minor = rng.random_range(1..30_000);
        let new = Adjustment {
            account: self.account,
            instalment: *id,
            kind,
            amount: usd(minor),
            reason: "agreed".to_owned(),
            approved_by: None,
        };
        let mut tx = app.db.begin().await.expect("a transaction");
        let done = ledger::adjust(&mut tx, &new, self.by, today, now).await;
        assert_eq!(done.is_ok(), kind.raises() || minor <= *open, "{kind:?} of {minor} on {open}: {done:?}");
        let Ok(adjustment) = done else { return };
        tx.commit().await.expect("committed");
        let signed = if kind.raises() { minor } else { -minor };
        *open += signed;
        self.adjustments.push((adjustment, item, signed));
        self.note(app, today, signed, 0);
    }

    async fn dispute(&mut self, app: &App, item: usize, rng: &mut StdRng) {
        let now = app.clock.now();
        let Some((id, open)) = self.items.get(item).copied() else { return };
        let mut tx = app.db.begin().await.expect("a transaction");
        if let Some((dispute, _)) = self.disputed.remove(&item) {
            sqlx::query("UPDATE dispute SET status = 'withdrawn', closed_at = $2 WHERE id = $1")
                .bind(dispute)
                .bind(now)
                .execute(&mut *tx)
                .await
                .expect("closed");
        } else if open > 0 {
            let minor = rng.random_range(1..=open);
            let dispute = Uuid::now_v7();
            sqlx::query(
                "WITH d AS (INSERT INTO dispute (id, account_id, reason, status, opened_at) VALUES ($1, $2, 'price', 'open', $3))
                 INSERT INTO dispute_item (dispute_id, instalment_id, amount_minor) VALUES ($1, $4, $5)",
            )
            .bind(dispute)
            .bind(self.account.0)
            .bind(now)
            .bind(id.0)
            .bind(minor)
            .execute(&mut *tx)
            .await
            .expect("opened");
            self.disputed.insert(item, (dispute, minor));
        }
        store::refresh_standing(&mut tx, &[self.account], now).await.expect("figures");
        tx.commit().await.expect("committed");
    }

    async fn refund(&mut self, app: &App, nth: usize, rng: &mut StdRng) {
        let (today, now) = (app.clock.business_date(), app.clock.now());
        let Some(credit) = self.credits.get_mut(nth) else { return };
        let minor = rng.random_range(1..60_000);
        let new =
            Refund { account: self.account, source: credit.source, amount: usd(minor), reason: "too much".to_owned() };
        let mut tx = app.db.begin().await.expect("a transaction");
        let done = ledger::refund(&mut tx, &new, self.by, today, now).await;
        assert_eq!(done.is_ok(), minor <= credit.left, "{minor} of {}: {done:?}", credit.left);
        let Ok(id) = done else { return };
        tx.commit().await.expect("committed");
        credit.left -= minor;
        credit.refunds.push((id, minor));
        self.note(app, today, 0, -minor);
    }

    /// The figures of today, and those of some earlier day as they were known at some earlier time.
    async fn check(&self, app: &App, rng: &mut StdRng, seed: u64) {
        let mut conn = app.db.acquire().await.expect("a connection");
        if let Some(figures) = store::figures(&mut conn, self.account).await.expect("figures") {
            assert_eq!(figures.open.minor, self.open(), "seed {seed}: open");
            assert_eq!(figures.unapplied.minor, self.unapplied(), "seed {seed}: unapplied");
        }
        for (item, (id, open)) in self.items.iter().enumerate() {
            let items = store::open_items(&mut conn, self.account).await.expect("items");
            let found = items.iter().find(|found| found.instalment == *id).map_or(0, |found| found.open.minor);
            assert_eq!(found, *open, "seed {seed}: item {item}");
        }
        let day = app.clock.business_date() - Days::new(rng.random_range(0..30));
        let known_at = app.clock.now() - TimeDelta::hours(rng.random_range(0..200));
        let then = |pick: fn(&Entry) -> i64| -> i64 {
            self.entries.iter().filter(|entry| entry.on <= day && entry.at <= known_at).map(pick).sum()
        };
        let (found_open, found_unapplied): (i64, i64) = sqlx::query_as(
            "SELECT coalesce(sum(minor) FILTER (WHERE part >= 0), 0)::bigint,
                    coalesce(-sum(minor) FILTER (WHERE part < 0), 0)::bigint
             FROM aging_parts($1, $2, true, '{0,30,60}', false, NULL, ARRAY[$3])",
        )
        .bind(day)
        .bind(known_at)
        .bind(self.account.0)
        .fetch_one(&mut *conn)
        .await
        .expect("the aging");
        let (open, unapplied) = (then(|entry| entry.open), then(|entry| entry.unapplied));
        let told = format!("seed {seed}: as of {day}, known at {known_at}");
        assert_eq!((found_open, found_unapplied), (open, unapplied), "{told}");
        let (aged, without_age): (i64, i64) = sqlx::query_as(
            "SELECT coalesce(sum(minor), 0)::bigint, count(*) FILTER (WHERE part IS NULL OR part < 0)
             FROM aging_parts($1, $2, true, '{0,30,60}', true, NULL, ARRAY[$3])",
        )
        .bind(day)
        .bind(known_at)
        .bind(self.account.0)
        .fetch_one(&mut *conn)
        .await
        .expect("the aging with credits in the buckets");
        assert_eq!((aged, without_age), (open - unapplied, 0), "{told}: credits aged");
    }
}

fn source_document(source: Source) -> Document {
    match source {
        Source::Payment(id) => Document::Payment(id),
        Source::CreditNote(id) => Document::CreditNote(id),
    }
}

/// Counted from the tables alone: what is applied beyond what there is.
async fn overdrawn(app: &App) -> i64 {
    sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM payment m WHERE
                    (SELECT coalesce(sum(amount_minor), 0) FROM allocation WHERE payment_id = m.id)
                    > -(SELECT sum(amount_minor) FROM posting WHERE payment_id = m.id))
              + (SELECT count(*) FROM credit_note m WHERE
                    (SELECT coalesce(sum(amount_minor), 0) FROM allocation WHERE credit_note_id = m.id)
                    > -(SELECT sum(amount_minor) FROM posting WHERE credit_note_id = m.id))
              + (SELECT count(*) FROM instalment i WHERE
                    (SELECT coalesce(sum(amount_minor), 0) FROM allocation WHERE instalment_id = i.id)
                    > (SELECT sum(amount_minor) FROM posting WHERE instalment_id = i.id))",
    )
    .fetch_one(&app.db)
    .await
    .expect("counted")
}

#[tokio::test]
async fn random_histories_agree_with_a_fold_of_their_own() {
    let test = TestApp::start().await;
    let app = &test.app;
    let by = user(app, Role::Admin).await;
    for seed in 0..10 {
        let mut rng = StdRng::seed_from_u64(seed);
        let consumer = seed % 2 == 1;
        let mut model = Model {
            account: account(app, if consumer { "consumer" } else { "commercial" }).await,
            by,
            consumer,
            items: vec![],
            disputed: BTreeMap::new(),
            credits: vec![],
            adjustments: vec![],
            entries: vec![],
        };
        for _ in 0..60 {
            model.act(app, &mut rng).await;
            app.clock.advance(TimeDelta::hours(3));
            model.check(app, &mut rng, seed).await;
        }
    }
    assert_eq!(overdrawn(app).await, 0);
    sqlx::query("DELETE FROM outbox").execute(&app.db).await.expect("nobody calls these accounts");
    test.finish().await;
}
