//! Hygiene of what a policy says: age, breadth, records, Azure's traps that show in one flow or one
//! subnet, and flows against flows. It changes nothing and knows no target's JSON.

mod admin;
mod appliance;
mod breadth;
mod exceptions;
pub mod expiry;
mod firewall_subnet;
mod icmp;
mod labels;
mod learnt_routes;
mod names;
mod odd_port;
mod probes;
mod records;
mod regional;
mod repeated;
pub mod required;
mod route_ties;
pub mod sets;
pub mod shared_domains;
mod tag_meaning;
mod translation;

use std::collections::BTreeMap;

use crate::config::Settings;
use crate::diag::Sink;
use crate::model::{Flow, Key, Policy};
use crate::path::Fabric;
use crate::source::{SourceMap, Span};

use sets::Agreed;

/// What the checks look at.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The topology of one environment.
    pub fabric: &'a Fabric<'a>,
    /// What the project asks for.
    pub settings: &'a Settings,
    /// The texts, for what a value no longer shows.
    pub sources: &'a SourceMap,
    /// What the services that subnets run require, by subnet.
    pub required: &'a BTreeMap<Key, required::Required>,
    /// What is emitted will be proven to mean what is asked.
    pub proven: bool,
    /// Flows are held against each other.
    pub held: bool,
}

/// Runs every check over one environment. What has to hold in every environment is kept in `agreed`.
pub fn analyze(scene: &Scene<'_>, agreed: &mut Agreed, sink: &mut Sink) {
    labels::check(scene, sink);
    records::check(scene, sink);
    exceptions::check(scene, sink);
    breadth::check(scene, sink);
    admin::check(scene, sink);
    names::check(scene, sink);
    shared_domains::check(scene, sink);
    odd_port::check(scene, sink);
    repeated::check(scene, sink);
    regional::check(scene, sink);
    tag_meaning::check(scene, sink);
    icmp::check(scene, sink);
    probes::check(scene, sink);
    appliance::check(scene, sink);
    required::check(scene, sink);
    firewall_subnet::check(scene, sink);
    route_ties::check(scene, sink);
    learnt_routes::check(scene, sink);
    translation::check(scene, sink);
    if scene.held {
        sets::check(scene, agreed, sink);
    }
}

impl<'a> Scene<'a> {
    fn policy(&self) -> &'a Policy {
        self.fabric.policy
    }

    /// The flows whose wording is the user's: the library's own is not theirs to change.
    fn own_flows(&self) -> impl Iterator<Item = &'a Flow> + use<'a> {
        let sources = self.sources;
        self.policy()
            .flows
            .iter()
            .filter(move |f| is_own(sources, f.spans.whole))
    }
}

fn is_own(sources: &SourceMap, span: Span) -> bool {
    sources
        .get(span.file)
        .is_none_or(|f| !f.name.starts_with("std/"))
}

/// A flow's id without the half of a `between`: both halves are one statement.
fn label(flow: &Flow) -> String {
    let mut id = flow.id.clone();
    id.way = None;
    id.text()
}

/// `a`, `a and b`, `a, b and c`.
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}
