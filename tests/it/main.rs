//! The only test binary: one file a part.

mod apim_mutants;
mod apim_packets;
mod emitted_tiers;
mod golden_vectors;
mod oracle;
mod oracle_ways;
mod tidy;
