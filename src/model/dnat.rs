//! A translation: what arrives at a public address of a firewall goes to a private one. Which rules
//! that needs is the rooms' business.

use std::net::Ipv4Addr;

use super::address::AddressSet;
use super::endpoint::{Endpoint, NamePattern};
use super::service::Proto;
use super::{FlowId, Layer};
use crate::source::Span;
use crate::syntax::ast::Date;

/// Where a translation leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An address.
    Address(Ipv4Addr),
    /// An exact name.
    Name(NamePattern),
}

/// Places inside the statement.
#[derive(Clone, Copy, Debug, Default)]
pub struct DnatSpans {
    /// The label, or the whole statement.
    pub whole: Span,
    /// Protocol and port.
    pub service: Span,
    /// Source.
    pub from: Span,
    /// The public address.
    pub to: Span,
    /// The target with its port.
    pub into: Span,
    /// `pin`.
    pub pin: Option<Span>,
    /// `name`.
    pub name: Option<Span>,
}

/// One translation.
#[derive(Clone, Debug)]
pub struct Dnat {
    /// Identity.
    pub id: FlowId,
    /// TCP or UDP.
    pub proto: Proto,
    /// The port on the firewall.
    pub port: u16,
    /// Who may come.
    pub from: Endpoint,
    /// Public addresses of the firewall.
    pub to: Vec<Ipv4Addr>,
    /// Where it goes.
    pub into: Target,
    /// The port there.
    pub into_port: u16,
    /// Firewalls that `at` names.
    pub at: Option<Vec<Layer>>,
    /// `for`.
    pub purpose: Option<String>,
    /// `owner`.
    pub owner: Option<String>,
    /// `ticket`.
    pub ticket: Option<String>,
    /// `until`.
    pub until: Option<Date>,
    /// `pin`: the number of the security rule at the target.
    pub pin: Option<u32>,
    /// `name`.
    pub rule_name: Option<String>,
    /// Places.
    pub spans: DnatSpans,
}

impl Dnat {
    /// The addresses of the target, as far as they are known.
    #[must_use]
    pub fn target(&self) -> AddressSet {
        match &self.into {
            Target::Address(ip) => AddressSet::range((*ip).into(), (*ip).into()),
            Target::Name(name) => name.within.clone().unwrap_or_default(),
        }
    }
}
