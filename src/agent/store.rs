//! The rows of agents.
