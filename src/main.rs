//! The command: parses the arguments, runs, maps to the exit code; nothing else.

fn main() {}
