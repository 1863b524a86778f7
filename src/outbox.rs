//! Effects that leave the database: written in the transaction that decides them, carried out after commit.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CallId, UserId};

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
}
