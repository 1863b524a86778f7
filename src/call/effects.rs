//! What a call asks of the carrier after commit. Each looks at the call again first, so repeating one does no harm.

use crate::{app::App, error::Result, ids::CallId};

/// Cancels a line that has not been answered; ends it if it was answered in the meantime.
///
/// # Errors
/// Those of the carrier and Postgres.
pub async fn cancel_line(app: &App, call: CallId) -> Result<()> {
    let _ = (app, call);
    todo!()
}

/// Ends a line; a person who was never connected hears the message first.
///
/// # Errors
/// Those of the carrier and Postgres.
pub async fn hang_up(app: &App, call: CallId) -> Result<()> {
    let _ = (app, call);
    todo!()
}

/// Moves a waiting debtor into its agent's conference.
///
/// # Errors
/// Those of the carrier and Postgres.
pub async fn bridge(app: &App, call: CallId) -> Result<()> {
    let _ = (app, call);
    todo!()
}

/// Builds the screen-pop while it rings.
///
/// # Errors
/// Those of Postgres.
pub async fn prepare_pop(app: &App, call: CallId) -> Result<()> {
    let _ = (app, call);
    todo!()
}
