//! What comes back: a report of a mail server marks the message, and a dead address.

use serde::Serialize;
use utoipa::ToSchema;

use super::{State, dsn, store};
use crate::{
    account,
    app::App,
    error::{Error, Result},
    ids::MessageId,
    outbox::{self, Effect},
};

/// What a report led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BounceTaken)]
pub struct Taken {
    /// The message it is about; `None`: none of ours.
    pub message: Option<MessageId>,
    /// Enhanced status code, `5.1.1`.
    pub status: Option<String>,
    /// The message is marked as bounced.
    pub bounced: bool,
    /// The address is marked as of no use.
    pub address_dead: bool,
}

/// Takes a mail that came to the return path. A report that was taken before, or that only tells of a delay, changes
/// nothing.
///
/// # Errors
/// [`Error::Invalid`] where it is no delivery report.
pub async fn take(app: &App, raw: &[u8]) -> Result<Taken> {
    let report =
        dsn::parse(raw).ok_or_else(|| Error::invalid("message", "is no delivery status notification (RFC 3464)"))?;
    let none = Taken { message: None, status: None, bounced: false, address_dead: false };
    let mut tx = app.db.begin().await?;
    let ids: Vec<MessageId> = report.about.iter().copied().map(MessageId).collect();
    let Some(known) = store::first_known(&mut tx, &ids).await? else { return Ok(none) };
    let Some(failure) = report.failure() else { return Ok(Taken { message: Some(known.id), ..none }) };
    let now = app.clock.now();
    let reason = format!("bounced: {}", failure.status);
    // A report can overtake the note that the message was sent.
    let bounced =
        store::change_state(&mut tx, known.id, &[State::Sent, State::Queued], State::Bounced, Some(&reason), now)
            .await?;
    let dead = bounced && dsn::is_dead_address(&failure.status);
    if let Some((account, point)) = known.to_contact.filter(|_| dead) {
        account::store::set_point_invalid(&mut tx, point, Some(&reason), now).await?;
        outbox::enqueue(&mut tx, &[Effect::Requeue { account }], now).await?;
    }
    tx.commit().await?;
    app.outbox.ring();
    Ok(Taken {
        message: Some(known.id),
        status: Some(failure.status.clone()),
        bounced,
        address_dead: dead && known.to_contact.is_some(),
    })
}
