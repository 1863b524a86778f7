//! Does what a desk asks for.

use super::{pop, session::Command, store};
use crate::{
    agent::at_desk::{self, Ask},
    app::App,
    call::{
        self, Event,
        apply::{Heard, Source, tell},
    },
    dialer::preview,
    error::{Error, Result},
    ids::{CallId, UserId},
};

/// Carries out a command of log-in `session`.
pub(super) async fn carry_out(app: &App, agent: UserId, session: i64, command: Command) -> Result<()> {
    let ask = |ask: Ask| async move { at_desk::ask(app, agent, session, &ask).await.map(drop) };
    match command {
        Command::Ready => ask(Ask::Ready).await,
        Command::Pause(reason) => ask(Ask::Pause(reason)).await,
        Command::ExtendWrapUp => ask(Ask::ExtendWrapUp).await,
        Command::LogOut => ask(Ask::LogOut).await,
        Command::PopShown(call) => {
            at_desk::must_be_on(app, agent, session, call).await?;
            store::note_shown(&app.db, call, app.clock.now()).await
        }
        Command::HumanConfirmed(call) => {
            tell_call(app, agent, session, call, "human confirmed", Event::HumanConfirmed).await
        }
        Command::IdentityConfirmed(call) => confirm_identity(app, agent, session, call).await,
        Command::HangUp(call) => tell_call(app, agent, session, call, "hang up", Event::EndAsked).await,
        Command::PreviewDial(call) => {
            at_desk::must_be_on(app, agent, session, call).await?;
            preview::dial(app, agent, call).await
        }
        Command::PreviewSkip(call) => {
            at_desk::must_be_on(app, agent, session, call).await?;
            preview::skip(app, agent, call).await
        }
    }
}

/// Keeps with the call that the agent knows who is speaking, and sends what was held back.
async fn confirm_identity(app: &App, agent: UserId, session: i64, call: CallId) -> Result<()> {
    let row = call::store::get(&app.db, call).await?.ok_or(Error::NotFound("call"))?;
    if row.facts.answered_at.or(row.facts.joined_at).is_none() {
        return Err(Error::Conflict("nobody is on the line yet".to_owned()));
    }
    tell_call(app, agent, session, call, "identity confirmed", Event::IdentityConfirmed).await?;
    pop::show(app, agent, call).await
}

async fn tell_call(app: &App, agent: UserId, session: i64, call: CallId, what: &str, event: Event) -> Result<()> {
    at_desk::must_be_on(app, agent, session, call).await?;
    tell(app, call, Heard::own(Source::Desk, call, what, app.clock.now()), event).await.map(drop)
}
