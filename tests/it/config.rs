//! Settings files through the command.
