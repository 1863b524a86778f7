//! What is done for a claimed row. Effects that read the same tables are carried out together: one read, one message.

use std::mem::discriminant;

use super::{Effect, store::Claimed};
use crate::{
    agent,
    app::App,
    call, desk,
    error::Result,
    floor,
    ids::{AccountId, CallId},
    message, outgoing, queue,
};

/// Rows to carry out together, in as few groups as there can be.
pub(super) fn gather(rows: Vec<Claimed>) -> Vec<Vec<Claimed>> {
    let mut groups: Vec<Vec<Claimed>> = Vec::new();
    for row in rows {
        let goes_with = |group: &&mut Vec<Claimed>| {
            group.first().is_some_and(|first| {
                goes_with_others(&row.effect) && discriminant(&first.effect) == discriminant(&row.effect)
            })
        };
        match groups.iter_mut().find(goes_with) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

fn goes_with_others(effect: &Effect) -> bool {
    matches!(effect, Effect::CallChanged { .. } | Effect::Requeue { .. } | Effect::PreparePop { .. })
}

/// Carries out a group. Where it fails, some of it may have been done, and doing that again does no harm.
pub(super) async fn together(app: &App, rows: &[Claimed]) -> Result<()> {
    let (mut changed, mut ringing, mut accounts) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        match row.effect {
            Effect::CallChanged { call } => changed.push(call),
            Effect::PreparePop { call } => ringing.push(call),
            Effect::Requeue { account } => accounts.push(account),
            _ => one(app, &row.effect).await?,
        }
    }
    many(app, &changed, &ringing, &accounts).await
}

async fn many(app: &App, changed: &[CallId], ringing: &[CallId], accounts: &[AccountId]) -> Result<()> {
    if !changed.is_empty() {
        calls_changed(app, changed).await?;
    }
    if !ringing.is_empty() {
        call::effects::prepare_pops(app, ringing).await?;
    }
    if !accounts.is_empty() {
        queue::requeue(app, accounts).await?;
    }
    Ok(())
}

/// Carries out one effect.
pub(super) async fn one(app: &App, effect: &Effect) -> Result<()> {
    match effect {
        Effect::CancelLine { call } => call::effects::cancel_line(app, *call).await,
        Effect::HangUp { call } => call::effects::hang_up(app, *call).await,
        Effect::Bridge { call } => call::effects::bridge(app, *call).await,
        Effect::Requeue { account } => queue::requeue(app, &[*account]).await,
        Effect::RebuildQueues => queue::forget_all(app).await,
        Effect::CallAgentLeg { agent } => agent::leg::call(app, *agent).await,
        Effect::EndAgentLeg { agent, sid } => agent::leg::end(app, *agent, sid).await,
        Effect::AgentChanged { agent } => {
            agent::agent_changed(app, *agent).await?;
            floor::agent_changed(app, *agent).await
        }
        Effect::CallChanged { call } => calls_changed(app, &[*call]).await,
        Effect::PreparePop { call } => call::effects::prepare_pops(app, &[*call]).await,
        Effect::DeliverWebhook { delivery } => outgoing::deliver::deliver(app, *delivery).await,
        Effect::SendMessage { message } => message::deliver::carry_out(app, *message).await,
    }
}

pub(crate) async fn calls_changed(app: &App, calls: &[CallId]) -> Result<()> {
    desk::calls_changed(app, calls).await?;
    agent::supervise::calls_changed(app, calls).await?;
    floor::calls_changed(app, calls).await
}
