//! The carrier's client against real HTTP, its limit against real Redis, and both against the official library.

mod client;
mod contract;
mod limit;
mod official;
mod scripted;
