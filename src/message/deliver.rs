//! Hands what is queued to the mail server, and tries again what it would not take now.

use chrono::TimeDelta;

use super::{
    Purpose, State, permit,
    smtp::{Delivery, Outgoing},
    store,
};
use crate::{
    account,
    app::App,
    error::Result,
    ids::MessageId,
    outbox::{self, Effect},
};

/// Tries before a message has failed: the last one about 16 hours after the first.
const MOST_TRIES: i32 = 12;
/// Longest wait between two tries.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(4);

/// Path of the page on which a reader opts out; the message's token follows.
pub const OPT_OUT_PATH: &str = "/opt-out/";

/// Mails a message that is queued; one that is not is left alone, so that doing it twice does no harm.
///
/// # Errors
/// If Postgres is not available.
pub async fn carry_out(app: &App, id: MessageId) -> Result<()> {
    let now = app.clock.now();
    let mut conn = app.db.acquire().await?;
    let Some(queued) = store::queued(&mut conn, id).await? else { return Ok(()) };
    // The reader may have opted out since it was decided.
    if let Some((account, point)) = queued.to_contact {
        let reader = store::reader(&mut conn, account, point, now).await?;
        if let Err(bar) = permit::look(&reader.bars, queued.purpose) {
            store::change_state(&mut conn, id, &[State::Queued], State::NotSent, Some(&bar.to_string()), now).await?;
            return Ok(());
        }
    }
    // Nothing of the database is held while the mail server is talked to.
    drop(conn);
    let page = opt_out_page(app, &queued.opt_out);
    let mail = Outgoing {
        id,
        to: &queued.to_address,
        rendered: &queued.rendered,
        attachments: &queued.attachments,
        opt_out: (queued.purpose != Purpose::Notice).then_some(page.as_str()),
        automatic: !queued.by_hand,
        at: now,
    };
    let delivery = app.mail.deliver(&mail).await;
    note(app, id, &queued, delivery).await
}

/// Address of the page on which the reader of a message opts out.
fn opt_out_page(app: &App, token: &str) -> String {
    format!("{}{OPT_OUT_PATH}{token}", app.config.public_url.as_str().trim_end_matches('/'))
}

async fn note(app: &App, id: MessageId, queued: &store::Queued, delivery: Delivery) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let (state, reason) = match delivery {
        Delivery::Accepted => (State::Sent, None),
        Delivery::Off => (State::NotSent, Some("mail is off: SMTP_URL is not set".to_owned())),
        Delivery::Refused { code, dead_address: true } => (State::Bounced, Some(code)),
        Delivery::Refused { code, dead_address: false } => (State::Failed, Some(code)),
        Delivery::Later { why } if queued.tries + 1 >= MOST_TRIES => {
            (State::Failed, Some(format!("not delivered in {MOST_TRIES} tries: {why}")))
        }
        Delivery::Later { why } => {
            store::note_try(&mut tx, id, &why, now).await?;
            outbox::enqueue(&mut tx, &[Effect::SendMessage { message: id }], now + wait(queued.tries)).await?;
            return Ok(tx.commit().await?);
        }
    };
    if state == State::Bounced
        && let Some((account, point)) = queued.to_contact
    {
        let why = format!("bounced: {}", reason.as_deref().unwrap_or_default());
        account::store::set_point_invalid(&mut tx, point, Some(&why), now).await?;
        outbox::enqueue(&mut tx, &[Effect::Requeue { account }], now).await?;
    }
    store::change_state(&mut tx, id, &[State::Queued], state, reason.as_deref(), now).await?;
    tx.commit().await?;
    app.outbox.ring();
    metrics::counter!("ledgerline_messages_total", "state" => store::state_name(state)).increment(1);
    Ok(())
}

/// 1, 2, 4 … minutes after so many failures before this one, at most 4 hours.
fn wait(failures: i32) -> TimeDelta {
    let doublings = u32::try_from(failures).unwrap_or(0).min(20);
    TimeDelta::minutes(1_i64 << doublings).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_try_is_made_about_sixteen_hours_after_the_first() {
        let waits: TimeDelta = (0..MOST_TRIES - 1).map(wait).sum();
        assert_eq!(wait(0), TimeDelta::minutes(1));
        assert_eq!(wait(40), LONGEST_WAIT);
        assert!((15..=17).contains(&waits.num_hours()), "{waits}");
    }
}
