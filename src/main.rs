//! The `ledgerline` binary: reads the command line and hands over to [`ledgerline::cli`].

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ledgerline::cli::main(ledgerline::cli::Cli::parse())
}
