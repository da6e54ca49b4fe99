//! One policy as plain data for tables and pictures: what is in force, who reaches what, by which way,
//! which limits are used, what ends. What becomes of traffic is asked of the emitted resources, as a
//! test of the policy would ask. How any of it looks is not known here.

mod data;
mod edges;
mod matrix;
mod statements;
mod units;
mod whole;
mod wide;

pub use data::{
    Cell, CellFlow, Edge, Envelope, Environment, Expiry, Fate, Flow, Inventory, Kind, Limit,
    Matrix, Node, Optional, Place, PointKind, Rule, SCHEMA, State, Subnet, Tool, Unit, UnitKind,
};
pub use whole::Gathered;

use crate::backends::resource::AzureType;
use crate::backends::{Context, Lowered};
use crate::diag::Diagnostic;
use crate::diag::internal::internal;
use crate::reach::emitted;
use crate::source::{SourceMap, Span};

use units::{Terms, prefixes};

/// An environment as it is seen between lowering and proof.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// The policy with its topology, settings and duties.
    pub context: &'a Context<'a>,
    /// What it became.
    pub lowered: &'a Lowered,
    /// The sources that were read.
    pub sources: &'a SourceMap,
    /// What was said so far.
    pub told: &'a [Diagnostic],
    /// Makes a file's name one for people.
    pub shown: &'a dyn Fn(&str) -> String,
    /// A resource's type in words.
    pub kind: fn(AzureType) -> &'static str,
}

impl Seen<'_> {
    fn place(&self, span: Span) -> Place {
        let (file, line, _) = self.sources.place(span);
        if line == 0 || file.is_empty() {
            return Place::default();
        }
        Place {
            file: (self.shown)(&file),
            line,
        }
    }
}

/// What is told of one environment, and what there is to say of the compiler itself.
///
/// # Errors
/// A resource cannot be read back, or the sets grow too large: why.
pub fn environment(seen: Seen<'_>) -> Result<(Environment, Vec<Diagnostic>), String> {
    let fabric = seen.context.fabric;
    let policy = fabric.policy;
    let name = policy.environment.clone();
    let network = emitted::network(seen.context, &seen.lowered.resources)
        .map_err(|why| format!("a resource of `{name}` cannot be read back: {why}"))?;
    let terms = Terms::new(fabric);
    let flows = statements::flows(seen, &terms);
    let edges = edges::edges(fabric, &terms, &flows);
    let (matrix, mut told) = matrix::matrix(seen, &network, &terms, &flows)?;
    // What the probes say of the policy is told in the matrix; what is said of the compiler is not.
    let own_fault = internal("").code;
    told.retain(|d| d.code == own_fault);
    Ok((
        Environment {
            assumptions: policy.apart.len() + policy.inside.len(),
            subnets: subnets(seen),
            matrix,
            edges,
            limits: limits(seen),
            envelopes: wide::envelopes(seen),
            flows,
            name,
        },
        told,
    ))
}

fn subnets(seen: Seen<'_>) -> Vec<Subnet> {
    let fabric = seen.context.fabric;
    let policy = fabric.policy;
    fabric
        .end_subnets()
        .map(|(key, subnet)| Subnet {
            key: key.clone(),
            name: subnet.identity.name.clone(),
            prefixes: prefixes(&subnet.prefix),
            network: fabric.vnet_of(key).cloned(),
            zone: subnet.zone.clone(),
            nsg: subnet
                .nsg
                .as_ref()
                .and_then(|k| Some(policy.nsgs.get(k)?.identity.name.clone())),
            route_table: subnet
                .route_table
                .as_ref()
                .and_then(|k| Some(policy.route_tables.get(k)?.identity.name.clone())),
            runs: subnet.runs.as_ref().map(|(word, _)| word.clone()),
        })
        .collect()
}

fn limits(seen: Seen<'_>) -> Vec<Limit> {
    let usages = seen.lowered.usages.iter();
    usages
        .map(|usage| Limit {
            resource: (seen.kind)(usage.resource),
            name: usage.name.clone(),
            limit: usage.cap.name,
            used: usage.used,
            allowed: usage.cap.value,
            percent: usage.percent(),
            mark: if usage.is_over() {
                "over"
            } else if usage.is_near() {
                "near"
            } else {
                "ok"
            },
            source: usage.cap.source,
            checked: usage.cap.checked,
        })
        .collect()
}
