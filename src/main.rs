//! The `ledgerline` binary.
fn main() {}
