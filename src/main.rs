//! The command: parses the arguments, runs, maps to the exit code; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(portcullis::cli::main())
}
