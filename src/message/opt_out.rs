//! The reader opts out: no more mail from us to this address, at any account that has it.

use super::store;
use crate::{
    app::App,
    error::{Error, Result},
};

/// Whether the token of a message is one, and whether its address is opted out already.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn state(app: &App, token: &str) -> Result<bool> {
    let mut conn = app.db.acquire().await?;
    let found = store::by_opt_out(&mut conn, token).await?.ok_or(Error::NotFound("message"))?;
    Ok(found.opted_out)
}

/// Opts the address of a message out, once. Recorded as withdrawn consent that came by the link in the message.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn opt_out(app: &App, token: &str) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let found = store::by_opt_out(&mut tx, token).await?.ok_or(Error::NotFound("message"))?;
    if let Some(point) = found.point.filter(|_| !found.opted_out) {
        store::revoke_messages(&mut tx, point, &format!("link in message {}", found.id), app.clock.now()).await?;
    }
    Ok(tx.commit().await?)
}
