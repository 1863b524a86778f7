//! Measurements of the speed that the design promises, each beside a bare baseline of the same run.
//!
//! A machine is noisy and never the reader's own, so what counts is the ratio. Nothing here is a test: a target that is
//! missed is printed as missed.

pub mod account;
pub mod aging;
pub mod cash;
pub mod desk;
pub mod import;
pub mod pacing;
mod people;
pub mod pop;
pub mod queue;
pub mod report;
pub mod rig;
pub mod webhook;
