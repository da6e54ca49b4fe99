//! The command as users run it: exit codes, streams, files.
