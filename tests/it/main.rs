//! The only test binary: one file a part.

mod apim_packets;
mod emitted_tiers;
mod golden_vectors;
mod oracle;
mod tidy;
