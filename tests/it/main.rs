//! Integration tests: the real stores, the real router, a file a flow.

mod architecture;
mod carrier;
mod frame;
mod harness;
mod import;
mod queries;
