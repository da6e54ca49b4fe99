//! What flows ask for, as sets of packets, by sections 1, 2 and 6 of grammar/semantics.md alone. It
//! knows no path, layer, rule or number.

mod ends;
mod facts;
mod services;
mod tiers;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::AddressSet;
use crate::model::dnat::{Dnat, Target};
use crate::model::endpoint::Endpoint;
use crate::model::service::{PortSet, Traffic};
use crate::model::{Flow, Tier};
use crate::packet::{Addresses, Names, Region, Symbol, Verdict};
use crate::path::Fabric;

pub use facts::facts;
pub use tiers::{Sets, Tiers, Won, tiers};

use ends::Ends;

/// One product of what a flow asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The packets.
    pub region: Region,
    /// Its destination is a name that may have any public address. The region then says all of them,
    /// `tag(Internet)`; who asks for the default route alone narrows it to what that leads to.
    pub free_name: bool,
}

/// What one flow asks for.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Its number in the policy's flows.
    pub flow: usize,
    /// Its id as text.
    pub id: String,
    /// Its tier.
    pub tier: Tier,
    /// What becomes of its packets.
    pub verdict: Verdict,
    /// Its ordered group and its place there.
    pub order: Option<(String, usize)>,
    /// Ids of what it overrides.
    pub overrides: Vec<String>,
    /// Its packets; a union.
    pub parts: Vec<Part>,
}

/// What one translation asks for: allowed, in the lowest tier.
#[derive(Clone, Debug)]
pub struct Translated {
    /// Its number in the policy's translations.
    pub dnat: usize,
    /// Its id as text.
    pub id: String,
    /// The packets that come to the public address.
    pub arriving: Vec<Region>,
    /// The packets that go on from the firewall to the target; none if that is a name without
    /// addresses.
    pub leaving: Vec<Region>,
}

/// What a policy asks for.
#[derive(Clone, Debug, Default)]
pub struct Denotation {
    /// The flows in the policy's order.
    pub claims: Vec<Claim>,
    /// The translations in the policy's order.
    pub translated: Vec<Translated>,
}

/// Says what endpoints and services ask for in one topology. What they share is worked out once.
#[derive(Debug)]
pub struct Denoter<'f> {
    fabric: &'f Fabric<'f>,
    ends: Ends,
}

/// What a flow between two ends asks for, as a union of products; see [`Denoter::parts`].
#[must_use]
pub fn regions(
    fabric: &Fabric<'_>,
    from: &Endpoint,
    to: &Endpoint,
    traffic: &Traffic,
    source_ports: Option<&PortSet>,
) -> Vec<Part> {
    Denoter::new(fabric).parts(from, to, traffic, source_ports)
}

/// What every flow and translation of a policy asks for.
#[must_use]
pub fn denotation(fabric: &Fabric<'_>) -> Denotation {
    let denoter = Denoter::new(fabric);
    let policy = fabric.policy;
    Denotation {
        claims: (0..)
            .zip(&policy.flows)
            .map(|(n, f)| denoter.claim(n, f))
            .collect(),
        translated: (0..)
            .zip(&policy.dnats)
            .map(|(n, d)| denoter.translated(n, d))
            .collect(),
    }
}

impl<'f> Denoter<'f> {
    /// Looks at a topology.
    #[must_use]
    pub fn new(fabric: &'f Fabric<'f>) -> Self {
        Self {
            fabric,
            ends: Ends::new(fabric),
        }
    }

    /// The packets of a flow. Addresses of both families stand side by side in a product; a packet
    /// has one family.
    ///
    /// * `any` leaves the platform's addresses (168.63.129.16, 169.254.169.254) out unless some flow
    ///   of the policy names them. Where one does they are in it, as they are in the rules: a deny of
    ///   `any` then stops the platform's probes too.
    /// * `tag(VirtualNetwork)` at one end is seen from the subnet of the other end, so there is a
    ///   product for each kind of subnet; a packet whose other end is in no subnet is seen from its
    ///   own.
    /// * IP groups that are only named and application security groups are symbols, the latter inside
    ///   the declared subnets.
    #[must_use]
    pub fn parts(
        &self,
        from: &Endpoint,
        to: &Endpoint,
        traffic: &Traffic,
        source_ports: Option<&PortSet>,
    ) -> Vec<Part> {
        let mut out = Vec::new();
        if to.has_addresses() {
            let services = services::to_addresses(traffic, source_ports);
            for (source, destination) in self.ends.pairs(self.fabric, from, to) {
                out.push(Part {
                    region: Region {
                        source,
                        destination,
                        services: services.clone(),
                        names: Names::Any,
                    },
                    free_name: false,
                });
            }
        }
        if to.has_names() {
            let services = services::to_names(traffic, source_ports);
            for (names, within) in name_parts(to) {
                let free_name = within.is_none();
                let to = Endpoint::of(within.unwrap_or_else(|| self.fabric.internet.clone()));
                for (source, destination) in self.ends.pairs(self.fabric, from, &to) {
                    out.push(Part {
                        region: Region {
                            source,
                            destination,
                            services: services.clone(),
                            names: names.clone(),
                        },
                        free_name,
                    });
                }
            }
        }
        for url in &to.urls {
            // Which paths of the host are meant is read in no packet set: a host and a doubt.
            let host = url.split('/').next().unwrap_or_default();
            let services = services::to_names(traffic, source_ports);
            let internet = Endpoint::of(self.fabric.internet.clone());
            for (source, mut destination) in self.ends.pairs(self.fabric, from, &internet) {
                destination.within = Some(std::mem::take(&mut destination.known));
                destination.symbols = BTreeSet::from([Symbol {
                    kind: "url",
                    name: url.clone(),
                }]);
                out.push(Part {
                    region: Region {
                        source,
                        destination,
                        services: services.clone(),
                        names: Names::patterns([host.to_ascii_lowercase()]),
                    },
                    free_name: true,
                });
            }
        }
        out
    }

    fn claim(&self, number: usize, flow: &Flow) -> Claim {
        let ports = flow.source_ports.as_ref();
        let group = || {
            let mut path = flow.id.instance.clone();
            path.push(flow.id.group.clone());
            path.join("::")
        };
        Claim {
            flow: number,
            id: flow.id.text(),
            tier: flow.tier,
            verdict: if flow.allows() {
                Verdict::Allow
            } else {
                Verdict::Deny
            },
            order: flow.position.map(|place| (group(), place)),
            overrides: flow.overrides.clone(),
            parts: self.parts(&flow.from, &flow.to, &flow.traffic, ports),
        }
    }

    /// The packets of a translation, whose number in the policy is given.
    #[must_use]
    pub fn translated(&self, number: usize, dnat: &Dnat) -> Translated {
        let regions = |to: AddressSet, port: u16| -> Vec<Region> {
            let mut traffic = Traffic::default();
            traffic.add(dnat.proto, &PortSet::one(port));
            let parts = self.parts(&dnat.from, &Endpoint::of(to), &traffic, None);
            parts.into_iter().map(|part| part.region).collect()
        };
        let public = dnat.to.iter().fold(AddressSet::empty(), |all, ip| {
            all.union(&AddressSet::range((*ip).into(), (*ip).into()))
        });
        let target = dnat.target();
        let known = matches!(dnat.into, Target::Address(_)) || !target.is_empty();
        Translated {
            dnat: number,
            id: dnat.id.text(),
            arriving: regions(public, dnat.port),
            leaving: if known {
                // Who came is not known behind the firewall: it may put its own address there.
                regions(target, dnat.into_port)
                    .into_iter()
                    .map(|region| Region {
                        source: Addresses::any(),
                        ..region
                    })
                    .collect()
            } else {
                Vec::new()
            },
        }
    }
}

/// The names of an endpoint by where they are; `None` for any public address.
fn name_parts(to: &Endpoint) -> Vec<(Names, Option<AddressSet>)> {
    let mut patterns: BTreeMap<Option<&AddressSet>, BTreeSet<String>> = BTreeMap::new();
    for name in &to.names {
        let list = patterns.entry(name.within.as_ref()).or_default();
        list.insert(name.text.to_ascii_lowercase());
    }
    let mut symbols = BTreeSet::new();
    for (kind, names) in [("fqdn tag", &to.fqdn_tags), ("category", &to.categories)] {
        symbols.extend(names.iter().map(|name| Symbol {
            kind,
            name: name.clone(),
        }));
    }
    let free = patterns.remove(&None).unwrap_or_default();
    let mut out = Vec::new();
    if !free.is_empty() || !symbols.is_empty() {
        let names = Names::Some {
            patterns: free,
            symbols,
        };
        out.push((names, None));
    }
    for (within, list) in patterns {
        out.push((Names::patterns(list), within.cloned()));
    }
    out
}
