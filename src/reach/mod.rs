//! What the emitted resources do to a packet on its whole way: out through a security group, by a
//! route, through a firewall, in through a security group. It composes what the rooms read and knows
//! no JSON and no policy's wish.

pub mod emitted;
pub mod lint;
pub mod merge;
pub mod memo;
pub mod network;
pub mod passage;
pub mod question;
pub mod traces;
pub mod walk;
pub mod ways;

pub use memo::Memo;
pub use network::{Firewall, Gate, Network, Site, Table, route_word};
pub use passage::{Admitted, Layers, Outcome, Pass, Run, Taken};
pub use question::{Question, Reply, ask};
pub use traces::Traces;
pub use walk::{Journey, Step, walk, walk_at, walk_knowing};
pub use ways::{End, Station, Way};
