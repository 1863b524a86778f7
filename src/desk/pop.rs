//! The screen-pop: everything the agent sees of the account, read in three queries while it rings.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::value::RawValue;
use sqlx::PgConnection;

use super::{
    log,
    protocol::{Body, Pop, PopAccount, PopCall, PopContact, PopItem, Reasons},
    push,
    store::{self, Head},
};
use crate::{
    app::App,
    call::{Direction, Outcome},
    campaign::Settings,
    compliance::{
        self, hours,
        prompts::{Asked, Spoken},
    },
    error::{Error, Result},
    ids::{AccountId, CallId, UserId},
    ledger::{self, Aging, OpenItem},
    money::{Currency, Money},
};

/// Open items shown.
const ITEMS: usize = 50;

/// A pop that is not on the screen by then is sent again.
const SEEN_WITHIN: TimeDelta = TimeDelta::seconds(3);

/// Pops sent again in one step.
const BATCH: i64 = 100;

/// Builds the pops of calls. Done while it rings, so that the answer only has to send it.
/// A call that nobody knows has none.
///
/// # Errors
/// Those of Postgres.
pub async fn prepare(
    conn: &mut PgConnection,
    calls: &[CallId],
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<Vec<Pop>> {
    let heads = store::heads(conn, calls, now).await?;
    let (mut pops, mut creditors) = (Vec::with_capacity(heads.len()), Vec::with_capacity(heads.len()));
    for head in heads {
        let account = match head.account_id {
            Some(account) => Some(read_account(conn, head.id, account, &head, now, today).await?),
            None => None,
        };
        creditors.push(head.settings.as_ref().map(|settings| settings.0.creditor_name.clone()).unwrap_or_default());
        pops.push(assemble(head, account));
    }
    let subjects: Vec<(CallId, bool)> = pops.iter().map(|pop| (pop.call, is_first_talk(pop))).collect();
    let mut asked = compliance::look::prompts(conn, &subjects, now, today).await?;
    for (pop, creditor) in pops.iter_mut().zip(&creditors) {
        let Asked { prompts, identity_first } = asked.remove(&pop.call).unwrap_or_default();
        pop.identity_first = identity_first;
        pop.prompts = prompts.into_iter().map(|prompt| filled_in(prompt, creditor, pop.account.as_ref())).collect();
    }
    Ok(pops)
}

/// Sends the pop of a call to the agent's desk, and notes that.
///
/// # Errors
/// As [`show`].
pub async fn send(app: &App, agent: UserId, call: CallId) -> Result<()> {
    show(app, agent, call).await?;
    note_sent(app, call).await
}

/// Sends the pop of a call to the agent's desk, building it where that has not happened yet.
///
/// # Errors
/// [`Error::NotFound`], those of Postgres and Redis.
pub async fn show(app: &App, agent: UserId, call: CallId) -> Result<()> {
    let pop = of_call(app, call).await?;
    push(app, agent, Body::Pop { pop }).await.map(drop)
}

/// As [`show`], a pop that is written already, and as much of it as may be sent now.
///
/// # Errors
/// Those of Redis.
pub async fn show_prepared(app: &App, agent: UserId, pop: &RawValue) -> Result<()> {
    log::push_pop(app, agent, pop).await.map(drop)
}

/// Notes that a pop was sent, and keeps it; where its desk does not say that it is shown, it is sent again.
///
/// # Errors
/// Those of Postgres.
pub async fn note_sent(app: &App, call: CallId) -> Result<()> {
    let pop = app.recent.pop(call);
    store::note_sent(&app.db, call, pop.as_ref().map(|pop| &*pop.whole), app.clock.now()).await
}

/// The pop that was kept, or a new one: as much of it as may leave the service now.
pub(super) async fn of_call(app: &App, call: CallId) -> Result<Box<Pop>> {
    let (kept, confirmed) = store::kept_pop(&app.db, call).await?;
    let pop = if let Some(pop) = kept {
        pop
    } else {
        let mut conn = app.db.acquire().await?;
        let pop = prepare(&mut conn, &[call], app.clock.now(), app.clock.business_date()).await?.pop();
        store::keep_pop(&mut conn, call, pop.as_ref()).await?;
        Box::new(pop.ok_or(Error::NotFound("call"))?)
    };
    Ok(if pop.identity_first && !confirmed { Box::new(pop.held_back()) } else { pop })
}

/// Sends pops again that no desk has shown: a step of a loop.
///
/// # Errors
/// Those of Postgres and Redis.
pub async fn send_unseen(app: &App) -> Result<()> {
    for (agent, call) in store::unseen(&app.db, app.clock.now() - SEEN_WITHIN, BATCH).await? {
        send(app, agent, call).await?;
    }
    Ok(())
}

fn assemble(head: Head, account: Option<PopAccount>) -> Pop {
    let inbound = head.direction == "inbound";
    let settings = head.settings.map(|settings| settings.0).unwrap_or_default();
    Pop {
        call: head.id,
        direction: if inbound { Direction::Inbound } else { Direction::Outbound },
        preview: head.state == "planned",
        campaign: head.campaign_id,
        campaign_name: head.campaign_name.unwrap_or_default(),
        script: fill_in(&settings.script, account.as_ref()),
        prompts: Vec::new(),
        identity_first: false,
        ask_for: None,
        account,
        number: if inbound { head.from_number } else { head.to_number },
        // An inbound call was claimed from no queue.
        reasons: head.queue_entry.and_then(|entry| serde_json::from_value::<Reasons>(entry).ok()),
        disposition_set: settings.disposition_set,
    }
}

async fn read_account(
    conn: &mut PgConnection,
    call: CallId,
    account: AccountId,
    head: &Head,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<PopAccount> {
    let text = head.currency.as_deref().unwrap_or_default();
    let currency = Currency::parse(text).map_err(Error::internal("reading the account's currency"))?;
    let items = ledger::store::open_items(conn, account).await?;
    let history = store::history(conn, account, call, now).await?;
    let money = |minor: i64| Money::new(minor, currency);
    let open_minor = head.open_minor.unwrap_or(0);
    let unapplied = head.unapplied_minor.unwrap_or(0);
    Ok(PopAccount {
        id: account,
        number: head.account_number.clone().unwrap_or_default(),
        name: head.account_name.clone().unwrap_or_default(),
        contact: PopContact {
            contact_point: head.contact_point_id,
            name: head.person_name.clone().unwrap_or_default(),
            role: head.role.clone().unwrap_or_default(),
            zones: head.zones.clone().unwrap_or_default(),
        },
        balance: money(open_minor - unapplied),
        collectible: money(head.collectible_minor.unwrap_or(open_minor - unapplied)),
        unapplied: money(unapplied),
        aging: Aging::of(&items, today).in_currency(currency),
        open_items: items.iter().take(ITEMS).map(|item| shown(item, today)).collect(),
        more_items: u32::try_from(items.len().saturating_sub(ITEMS)).unwrap_or(u32::MAX),
        promises: history.promises.0,
        disputes: history.disputes.0,
        calls: history.calls.0,
        notes: history.notes.0,
        warnings: warnings(head, currency, now),
    })
}

fn shown(item: &OpenItem, today: NaiveDate) -> PopItem {
    PopItem {
        id: item.instalment,
        invoice: item.invoice_number.clone(),
        seq: item.seq,
        due_on: item.due_on,
        age: i32::try_from(item.age(today)).unwrap_or(i32::MAX),
        open: item.open,
        disputed: item.disputed,
    }
}

/// What to heed, in plain words, the gravest first.
fn warnings(head: &Head, currency: Currency, now: DateTime<Utc>) -> Vec<String> {
    let mut warnings: Vec<String> =
        head.holds.iter().map(|reason| format!("On hold: {}", reason.replace('_', " "))).collect();
    warnings.extend(head.escalated.iter().map(|with| format!("Escalated: {}", with.replace('_', " "))));
    warnings.extend(late_hour(head, now));
    if head.promise_broken == Some(true) {
        let broken = head.broken_promises.unwrap_or(1);
        warnings.push(format!("The last promise was broken ({broken} so far)"));
    }
    if let Some(unapplied) = head.unapplied_minor.filter(|minor| *minor > 0) {
        warnings
            .push(format!("{} of cash is not applied yet: it may be paid already", Money::new(unapplied, currency)));
    }
    if head.on_bank_minor > 0 {
        let on_bank = Money::new(head.on_bank_minor, currency);
        warnings.push(format!("{on_bank} came in by bank and is not booked yet: it may be paid already"));
    }
    if head.unidentified_alike {
        warnings.push("Unidentified cash of just this amount came in by bank: ask whether it is paid".to_owned());
    }
    if let Some(disputed) = head.disputed_minor.filter(|minor| *minor > 0) {
        warnings.push(format!("{} is disputed: ask for the rest only", Money::new(disputed, currency)));
    }
    if head.other_number_barred {
        warnings.push("Another number of this account is on the do-not-call list".to_owned());
    }
    if let Some(language) = head.language.as_ref().filter(|language| !language.is_empty()) {
        warnings.push(format!("Language: {language}"));
    }
    warnings
}

/// The debtor's clock, where it stands outside of the campaign's calling hours.
fn late_hour(head: &Head, now: DateTime<Utc>) -> Option<String> {
    let zones: Vec<Tz> = head.zones.iter().flatten().filter_map(|name| name.parse().ok()).collect();
    let zone = zones.first()?;
    let rules = head.settings.as_ref().map_or_else(|| Settings::default().hours, |settings| settings.0.hours.clone());
    let open = hours::is_open(&rules, &zones, now);
    (!open).then(|| format!("It is {} at the debtor's", now.with_timezone(zone).format("%H:%M on a %A")))
}

/// Nobody here has spoken with anybody there yet, as far as the pop shows.
fn is_first_talk(pop: &Pop) -> bool {
    let talk = |call: &PopCall| call.agent.is_some() && call.outcome == Some(Outcome::Completed);
    pop.account.as_ref().is_none_or(|account| !account.calls.iter().any(talk))
}

fn filled_in(prompt: Spoken, creditor: &str, account: Option<&PopAccount>) -> Spoken {
    let creditor = if creditor.is_empty() { "for whom you call" } else { creditor };
    Spoken { text: fill_in(&prompt.text.replace("{creditor}", creditor), account), ..prompt }
}

/// `{name}` is the contact, else the debtor; `{balance}` what may be asked for.
fn fill_in(script: &str, account: Option<&PopAccount>) -> String {
    let Some(account) = account else { return script.replace("{name}", "").replace("{balance}", "") };
    let name = if account.contact.name.is_empty() { &account.name } else { &account.contact.name };
    script.replace("{balance}", &account.collectible.to_string()).replace("{name}", name)
}

#[cfg(test)]
mod tests {
    use sqlx::types::Json;

    use super::*;

    fn head() -> Head {
        Head {
            id: CallId::generate(),
            direction: "outbound".to_owned(),
            state: "ringing".to_owned(),
            to_number: "+15555550100".to_owned(),
            from_number: "+15555550199".to_owned(),
            queue_entry: None,
            campaign_id: None,
            campaign_name: None,
            settings: Some(Json(Settings::default())),
            account_id: None,
            account_number: None,
            account_name: None,
            currency: Some("USD".to_owned()),
            language: None,
            contact_point_id: None,
            zones: Some(vec!["America/New_York".to_owned()]),
            person_name: None,
            role: None,
            open_minor: Some(1000),
            unapplied_minor: Some(0),
            on_bank_minor: 0,
            unidentified_alike: false,
            disputed_minor: Some(0),
            collectible_minor: Some(1000),
            broken_promises: Some(0),
            promise_broken: Some(false),
            holds: Vec::new(),
            escalated: None,
            other_number_barred: false,
        }
    }

    /// A Monday; 15:00 UTC is 10:00 in New York.
    fn at(hour: u32) -> DateTime<Utc> {
        NaiveDate::from_ymd_opt(2026, 3, 2).unwrap().and_hms_opt(hour, 0, 0).unwrap().and_utc()
    }

    #[test]
    fn an_account_without_troubles_has_no_warnings() {
        assert_eq!(warnings(&head(), Currency::USD, at(15)), Vec::<String>::new());
    }

    #[test]
    fn everything_to_heed_is_said() {
        let head = Head {
            holds: vec!["attorney".to_owned()],
            escalated: Some("legal, represented by an attorney".to_owned()),
            promise_broken: Some(true),
            broken_promises: Some(2),
            unapplied_minor: Some(5000),
            on_bank_minor: 700,
            unidentified_alike: true,
            disputed_minor: Some(100),
            other_number_barred: true,
            language: Some("fr".to_owned()),
            ..head()
        };
        assert_eq!(
            warnings(&head, Currency::USD, at(11)),
            [
                "On hold: attorney",
                "Escalated: legal, represented by an attorney",
                "It is 06:00 on a Monday at the debtor's",
                "The last promise was broken (2 so far)",
                "50.00 USD of cash is not applied yet: it may be paid already",
                "7.00 USD came in by bank and is not booked yet: it may be paid already",
                "Unidentified cash of just this amount came in by bank: ask whether it is paid",
                "1.00 USD is disputed: ask for the rest only",
                "Another number of this account is on the do-not-call list",
                "Language: fr",
            ]
        );
    }

    #[test]
    fn a_caller_without_an_account_pops_with_the_number_only() {
        let head = Head { direction: "inbound".to_owned(), settings: None, ..head() };
        let pop = assemble(head, None);
        assert_eq!((pop.number.as_str(), pop.account.is_none()), ("+15555550199", true));
        assert_eq!(pop.disposition_set, "standard");
    }

    #[test]
    fn the_script_is_filled_in() {
        assert_eq!(fill_in("Hello {name}, about {balance}.", None), "Hello , about .");
    }
}
