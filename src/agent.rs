//! 4 · Agents: presence, voice leg, and who takes the next call.

pub mod presence;
