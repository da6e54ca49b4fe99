//! The command: parses the arguments, runs, maps to the exit code; nothing else.

use std::process::ExitCode;

/// A large policy is millions of small values; see docs/adr/0016.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(portcullis::cli::main())
}
