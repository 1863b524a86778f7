//! 4 · The desk: the agent's live connection.

pub mod protocol;
