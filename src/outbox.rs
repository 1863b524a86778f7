//! Effects that leave the database: written in the transaction that decides them, carried out after commit.
//!
//! A row is one thing to do to one object. Enqueued again while it waits or is being done, the row only gets a higher
//! version: what was done in an older version is done once more, so that a burst of changes costs one round and no
//! change is ever lost. The same key is never carried out by two workers at a time.

pub(crate) mod carry_out;
mod store;
pub mod worker;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use tokio::sync::Notify;

pub(crate) use store::Rows;

use crate::{
    error::Result,
    ids::{AccountId, CallId, DeliveryId, MessageId, UserId},
};

/// Something to do after commit. Carrying it out twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Effect {
    /// Cancel a line that has not been answered.
    CancelLine {
        /// The call.
        call: CallId,
    },
    /// End a line.
    HangUp {
        /// The call.
        call: CallId,
    },
    /// Move a waiting debtor into its agent's conference.
    Bridge {
        /// The call.
        call: CallId,
    },
    /// Work out the account's place in every campaign's queue again.
    Requeue {
        /// The account.
        account: AccountId,
    },
    /// Build every campaign's queue anew: too much changed to take the accounts one by one.
    RebuildQueues,
    /// Call the agent's device and park it in the agent's conference.
    CallAgentLeg {
        /// The agent.
        agent: UserId,
    },
    /// End the agent's leg.
    EndAgentLeg {
        /// The agent.
        agent: UserId,
        /// The carrier's id of the leg.
        sid: String,
    },
    /// Tell the agent's desk its presence, and offer the agent to the dialer where it is ready.
    AgentChanged {
        /// The agent.
        agent: UserId,
    },
    /// Tell the floor, and the desk that shows it, about a call.
    CallChanged {
        /// The call.
        call: CallId,
    },
    /// Build the screen-pop while it rings.
    PreparePop {
        /// The call.
        call: CallId,
    },
    /// Post to an address what it is told.
    DeliverWebhook {
        /// What, and to which.
        delivery: DeliveryId,
    },
    /// Mail a message.
    SendMessage {
        /// The message.
        message: MessageId,
    },
}

/// Who carries an effect out: what waits for the carrier must not keep the house waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Postgres and Redis: milliseconds.
    House,
    /// The carrier: up to seconds, several at a time.
    Carrier,
    /// Servers of others, such as the mail's: up to a minute.
    Outside,
}

impl Lane {
    /// The name used in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::House => "house",
            Self::Carrier => "carrier",
            Self::Outside => "outside",
        }
    }
}

impl Effect {
    /// What is done and to what: effects with the same key are one row.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::CancelLine { call } => format!("cancel_line {call}"),
            Self::HangUp { call } => format!("hang_up {call}"),
            Self::Bridge { call } => format!("bridge {call}"),
            Self::Requeue { account } => format!("requeue {account}"),
            Self::RebuildQueues => "rebuild_queues".to_owned(),
            Self::CallAgentLeg { agent } => format!("call_agent_leg {agent}"),
            Self::EndAgentLeg { agent, sid } => format!("end_agent_leg {agent} {sid}"),
            Self::AgentChanged { agent } => format!("agent_changed {agent}"),
            Self::CallChanged { call } => format!("call_changed {call}"),
            Self::PreparePop { call } => format!("prepare_pop {call}"),
            Self::DeliverWebhook { delivery } => format!("deliver_webhook {delivery}"),
            Self::SendMessage { message } => format!("send_message {message}"),
        }
    }

    /// Who carries it out.
    #[must_use]
    pub fn lane(&self) -> Lane {
        match self {
            Self::CancelLine { .. }
            | Self::HangUp { .. }
            | Self::Bridge { .. }
            | Self::CallAgentLeg { .. }
            | Self::EndAgentLeg { .. } => Lane::Carrier,
            Self::Requeue { .. }
            | Self::RebuildQueues
            | Self::AgentChanged { .. }
            | Self::CallChanged { .. }
            | Self::PreparePop { .. } => Lane::House,
            Self::DeliverWebhook { .. } | Self::SendMessage { .. } => Lane::Outside,
        }
    }
}

/// Writes effects in the transaction that decides them; after the commit, [`Bell::ring`].
///
/// # Errors
/// Those of Postgres.
pub async fn enqueue(conn: &mut PgConnection, effects: &[Effect], now: DateTime<Utc>) -> Result<()> {
    store::enqueue(conn, effects, now).await
}

/// Wakes the loops that carry out effects on this node. Other nodes look every [`worker::PERIOD`] by themselves:
/// Postgres' own notifications would queue up every commit behind one lock.
#[derive(Clone, Debug, Default)]
pub struct Bell {
    house: Arc<Notify>,
    carrier: Arc<Notify>,
    outside: Arc<Notify>,
}

impl Bell {
    /// Something was enqueued and committed.
    pub fn ring(&self) {
        self.house.notify_one();
        self.carrier.notify_one();
        self.outside.notify_one();
    }

    /// What a lane's loop waits for.
    #[must_use]
    pub fn of(&self, lane: Lane) -> Arc<Notify> {
        match lane {
            Lane::House => Arc::clone(&self.house),
            Lane::Carrier => Arc::clone(&self.carrier),
            Lane::Outside => Arc::clone(&self.outside),
        }
    }
}
