//! What somebody asks about a policy, in the words of its root module, with every name bound. It is no
//! part of the policy.

use std::collections::BTreeMap;

use super::Key;
use super::endpoint::Endpoint;
use super::service::Traffic;

/// Packets from one end to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Source.
    pub from: Endpoint,
    /// Destination.
    pub to: Endpoint,
    /// Protocols and ports.
    pub traffic: Traffic,
    /// The endpoints that the modules declare, as the root module calls them: an answer is told in
    /// these words.
    pub endpoints: BTreeMap<Key, Endpoint>,
    /// The same of parameters.
    pub parameters: BTreeMap<Key, Endpoint>,
}
