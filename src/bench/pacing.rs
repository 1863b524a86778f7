//! Simulated days of dialling: every pacer on the same calls, beside the exact optimum.
//!
//! Nothing here reads a clock, a network or a file: a day is a function of its scenario, its seed and its pacer.

pub mod course;
pub mod optimum;
pub mod report;
pub mod scenario;
pub mod tick;
pub mod world;
