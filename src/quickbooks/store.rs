//! The connection, what was read over it, and what is written, in Postgres.

pub mod candidates;
pub mod connection;
pub mod listed;
pub mod objects;
pub mod writes;
