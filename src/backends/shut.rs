//! Layers that a flow's `at` leaves out and that then deny it, by default or by the deny that it
//! overrides: the flow is dead there, and nothing else would say so. Also denies that `at` keeps from
//! the only layer of some traffic. It compares exact sets and keeps silent where something is unknown.

use crate::diag::Sink;
use crate::model::address::{AddressSet, Family};
use crate::model::dnat::Dnat;
use crate::model::endpoint::Endpoint;
use crate::model::internet::{platform, public};
use crate::model::service::{PortSet, Proto};
use crate::model::{DefaultAction, Flow, Key, Layer, Tier};
use crate::path::routes::Target;
use crate::path::{Entry, Fabric, Way};

use super::plan::{Duties, Plan, describe, wanted};
use super::{example, faults};

/// Boxes beyond which a comparison is given up.
const MOST: usize = 256;

/// Traffic between two sets of addresses.
#[derive(Clone, Debug)]
struct Part {
    from: AddressSet,
    to: AddressSet,
    proto: Proto,
    ports: PortSet,
}

/// One layer on a way.
#[derive(Clone, Copy, Debug)]
enum Place<'a> {
    /// A security group of a subnet, outbound.
    Out(&'a Key, &'a Key),
    /// A firewall.
    Firewall(&'a Key),
    /// A security group of a subnet, inbound.
    In(&'a Key, &'a Key),
}

impl Place<'_> {
    fn text(self) -> String {
        match self {
            Self::Out(subnet, nsg) | Self::In(subnet, nsg) => {
                format!("NSG `{nsg}` of subnet `{subnet}`")
            }
            Self::Firewall(key) => format!("firewall `{key}`"),
        }
    }
}

impl Part {
    fn is_empty(&self) -> bool {
        self.from.is_empty() || self.to.is_empty() || self.ports.is_empty()
    }
}

/// Checks every flow that names its layers, and denies by name that IPv6 goes past.
pub(super) fn check(fabric: &Fabric<'_>, plan: &Plan, sink: &mut Sink) {
    for flow in &fabric.policy.flows {
        if flow.from.is_opaque() || flow.to.is_opaque() {
            continue;
        }
        // Undetermined ways were told.
        let Ok(ways) = fabric.ways(flow) else {
            continue;
        };
        let bench = Bench { fabric, plan, flow };
        bench.outside(sink);
        for way in &ways {
            if flow.allows() && flow.at.is_some() {
                bench.restricted(way, sink);
            }
            if flow.tier == Tier::Exception && way.names {
                bench.behind_a_deny(way, sink);
            }
            if passes_over_ipv6(flow, way) && bench.lets_ipv6_out(way) {
                example::tell(sink, faults::nowhere(flow, &describe(way)), || {
                    example::on_way(fabric, flow, way)
                });
            }
        }
    }
}

/// A deny by name has no layer over IPv6, but a security group that denies anyway stops it.
pub(super) fn passes_over_ipv6(flow: &Flow, way: &Way) -> bool {
    !flow.allows()
        && way.names
        && way.firewall.is_none()
        && way.out_of.is_some()
        && way.from.only(Family::V4).is_empty()
}

struct Bench<'a> {
    fabric: &'a Fabric<'a>,
    plan: &'a Plan,
    flow: &'a Flow,
}

impl<'a> Bench<'a> {
    fn nsg_of(&self, subnet: &Key) -> Option<&'a Key> {
        self.fabric.policy.subnets.get(subnet)?.nsg.as_ref()
    }

    fn places<'w>(&self, way: &'w Way) -> Vec<Place<'w>>
    where
        'a: 'w,
    {
        let mut out = Vec::new();
        if let Some(subnet) = &way.out_of
            && let Some(nsg) = self.nsg_of(subnet)
        {
            out.push(Place::Out(subnet, nsg));
        }
        if let Some(firewall) = &way.firewall {
            out.push(Place::Firewall(firewall));
        }
        if let Some(subnet) = &way.into
            && let Some(nsg) = self.nsg_of(subnet)
        {
            out.push(Place::In(subnet, nsg));
        }
        out
    }

    /// Between ends that no subnet declares only the one firewall can let anything through, or stop it.
    fn outside(&self, sink: &mut Sink) {
        let Some(at) = &self.flow.at else {
            return;
        };
        let firewall = |l: &Layer| matches!(l, Layer::AnyFirewall | Layer::Firewall(_));
        let everything = self.flow.from.any && self.flow.to.any && self.flow.allows();
        if everything || at.iter().any(firewall) {
            return;
        }
        let open = Flow {
            at: None,
            ..self.flow.clone()
        };
        let ways = self.fabric.ways(&open).unwrap_or_default();
        let mut ways = ways.iter().filter(|w| w.entry == Entry::Outside);
        if let Some(way) = ways.find(|w| self.flow.allows() || self.is_let_through(w)) {
            example::tell(sink, faults::nowhere(self.flow, &describe(way)), || {
                example::on_way(self.fabric, self.flow, way)
            });
        }
    }

    /// Whether some flow lets a deny's traffic through the firewall of a way.
    fn is_let_through(&self, way: &Way) -> bool {
        let duties = way
            .firewall
            .as_ref()
            .and_then(|f| self.duties(Place::Firewall(f)));
        let mut duties = duties.into_iter().flat_map(|d| d.values());
        duties.any(|duty| {
            let flow = self.fabric.policy.flows.get(duty.flow);
            // A rule for names asks for no address: a connection to this one may show such a name.
            let named = duty.names;
            flow.is_some_and(|flow| {
                // An exception to it is one whatever the layer.
                flow.allows()
                    && !flow.names_deny(self.flow)
                    && duty.from.meets(&way.from)
                    && (named || duty.to.meets(&way.to))
                    && self.shares_ports(flow)
            })
        })
    }

    /// Whether another flow is for some of the same protocols and ports.
    fn shares_ports(&self, other: &Flow) -> bool {
        let own = self.flow.traffic.transport();
        other.traffic.transport().iter().any(|(proto, ports)| {
            own.iter().any(|(mine, list)| {
                let any = *mine == Proto::Any || *proto == Proto::Any;
                (any || mine == proto) && list.meets(ports)
            })
        })
    }

    /// Whether another flow is for all of the protocols and ports.
    fn lies_in_ports(&self, other: &Flow) -> bool {
        let theirs = other.traffic.transport();
        self.flow.traffic.transport().iter().all(|(mine, list)| {
            theirs.iter().any(|(proto, ports)| {
                (*proto == Proto::Any || proto == mine) && list.subtract(ports).is_empty()
            })
        })
    }

    /// What a security group says for names comes after its denies, so that an exception by name is
    /// dead where one denies public addresses by prefix or as a whole.
    fn behind_a_deny(&self, way: &Way, sink: &mut Sink) {
        let Some(subnet) = &way.out_of else {
            return;
        };
        let Some(nsg) = self.nsg_of(subnet) else {
            return;
        };
        if !wanted(self.flow, &Layer::Nsg(nsg.clone()), &Layer::AnyNsg) {
            return;
        }
        let place = Place::Out(subnet, nsg);
        let flows = &self.fabric.policy.flows;
        let duties = || self.duties(place).into_iter().flat_map(|d| d.values());
        // An exception by address that stands before the deny.
        let opened = |to: &AddressSet| {
            duties().any(|duty| {
                let other = flows.get(duty.flow).filter(|f| f.tier == Tier::Exception);
                way.from.is_subset(&duty.from)
                    && to.intersect(&self.fabric.internet).is_subset(&duty.to)
                    && other.is_some_and(|f| self.lies_in_ports(f))
            })
        };
        // Where the firewall has the deny too, that is told there (PC4007).
        let at_firewall = |index: usize| {
            let firewall = way.firewall.as_ref();
            let there = firewall.and_then(|f| self.duties(Place::Firewall(f)));
            there.is_some_and(|d| d.values().any(|duty| duty.flow == index))
        };
        let deny = duties().find_map(|duty| {
            let deny = flows.get(duty.flow)?;
            // A tag may have none of the addresses of these names.
            let to = &deny.to;
            let public = to.any || to.internet || to.addresses.meets(&self.fabric.internet);
            let stops = !deny.allows()
                && deny.tier != Tier::Forbid
                && public
                && duty.from.meets(&way.from)
                && duty.to.meets(&self.fabric.internet)
                && self.shares_ports(deny)
                && !at_firewall(duty.flow)
                && !opened(&duty.to);
            stops.then_some(deny)
        });
        if let Some(deny) = deny {
            let told = faults::behind_a_deny(self.flow, deny, &place.text(), &describe(way));
            example::tell(sink, told, || {
                example::of_both(self.fabric, self.flow, deny)
            });
        }
    }

    fn restricted(&self, way: &Way, sink: &mut Sink) {
        let asked = |place: &Place<'_>| match place {
            Place::Out(_, nsg) | Place::In(_, nsg) => {
                wanted(self.flow, &Layer::Nsg((*nsg).clone()), &Layer::AnyNsg)
            }
            Place::Firewall(key) => wanted(
                self.flow,
                &Layer::Firewall((*key).clone()),
                &Layer::AnyFirewall,
            ),
        };
        let (kept, left): (Vec<_>, Vec<_>) = self.places(way).into_iter().partition(asked);
        // That no layer of the way is asked is told with the duties.
        if kept.is_empty() {
            return;
        }
        for place in left {
            if let Some(deny) = self.still_denied(way, place) {
                let layer = place.text();
                let told = faults::still_denied(self.flow, deny, &layer, &describe(way));
                example::tell(sink, told, || {
                    example::of_both(self.fabric, self.flow, deny)
                });
                continue;
            }
            let mut parts = self.denied_by_default(way, place);
            for part in self.decided_elsewhere(place) {
                parts = subtract(parts, &part);
            }
            if parts.is_empty() || parts.len() > MOST {
                continue;
            }
            if way.names && self.names_pass(place, &parts) {
                continue;
            }
            let layer = place.text();
            let told = faults::shut_elsewhere(self.flow, &layer, &describe(way));
            example::tell(sink, told, || {
                parts.iter().find_map(|part| {
                    let (ends, service) = ((&part.from, &part.to), (part.proto, &part.ports));
                    example::among(self.fabric, self.flow, ends, service)
                })
            });
        }
    }

    /// A deny that the flow overrides, whose rule at a layer stops it there: no exception is before it.
    fn still_denied(&self, way: &Way, place: Place<'_>) -> Option<&'a Flow> {
        let flows = &self.fabric.policy.flows;
        let here = |flow: usize| flows.get(flow);
        let duties = || self.duties(place).into_iter().flat_map(|d| d.values());
        duties().find_map(|duty| {
            let deny = here(duty.flow)?;
            if !self.flow.names_deny(deny) {
                return None;
            }
            let named = way.names && duty.names && names_meet(&self.flow.to, &deny.to);
            let mut parts = Vec::new();
            for part in self.traffic(way) {
                for (proto, ports) in deny.traffic.transport() {
                    let common = Part {
                        from: part.from.intersect(&duty.from),
                        to: if named {
                            part.to.clone()
                        } else {
                            part.to.intersect(&duty.to)
                        },
                        ports: part.ports.subtract(&part.ports.subtract(&ports)),
                        proto: if part.proto == Proto::Any {
                            proto
                        } else {
                            part.proto
                        },
                    };
                    let alike = proto == Proto::Any || proto == common.proto;
                    if alike && !common.is_empty() {
                        parts.push(common);
                    }
                }
            }
            for duty in duties() {
                let other = here(duty.flow).filter(|f| f.names_deny(deny));
                let same = |f: &Flow| duty.names && names_meet(&f.to, &self.flow.to);
                for (proto, ports) in other.iter().flat_map(|f| f.traffic.transport()) {
                    let gone = Part {
                        from: duty.from.clone(),
                        to: if named && other.is_some_and(same) {
                            AddressSet::all()
                        } else {
                            duty.to.clone()
                        },
                        proto,
                        ports,
                    };
                    parts = subtract(parts, &gone);
                }
            }
            (!parts.is_empty() && parts.len() <= MOST).then_some(deny)
        })
    }

    /// The flow's traffic on a way; names are any public address.
    fn traffic(&self, way: &Way) -> Vec<Part> {
        let mut to = way.to.clone();
        if way.names {
            for family in [Family::V4, Family::V6] {
                if !way.from.only(family).is_empty() {
                    to = to.union(&self.fabric.internet.only(family));
                }
            }
        }
        let transport = self.flow.traffic.transport();
        transport
            .into_iter()
            .map(|(proto, ports)| Part {
                from: way.from.clone(),
                to: to.clone(),
                proto,
                ports,
            })
            .collect()
    }

    /// What of the flow a layer certainly denies if none of its rules speaks of it.
    fn denied_by_default(&self, way: &Way, place: Place<'_>) -> Vec<Part> {
        let policy = self.fabric.policy;
        let mut parts = self.traffic(way);
        match place {
            Place::Firewall(key) => {
                // Rules of others may stand before ours.
                let firewall = policy.firewalls.get(key);
                let known = firewall.is_some_and(|f| f.base.is_none() && f.base_policy.is_none());
                if !known {
                    parts.clear();
                }
            }
            Place::Out(_, nsg) => {
                let known = policy.nsgs.get(nsg).is_some_and(|n| {
                    n.base.is_none() && n.default_outbound == Some(DefaultAction::Deny)
                });
                if !known {
                    parts.clear();
                }
            }
            Place::In(subnet, nsg) => {
                let Some(nsg) = policy.nsgs.get(nsg).filter(|n| n.base.is_none()) else {
                    return Vec::new();
                };
                // A translation makes its own rule for its target.
                for target in policy.dnats.iter().map(Dnat::target) {
                    for part in &mut parts {
                        part.to = part.to.subtract(&target);
                    }
                }
                parts.retain(|part| !part.is_empty());
                match nsg.default_inbound {
                    Some(DefaultAction::Deny) => {}
                    Some(DefaultAction::Allow) => parts.clear(),
                    None => match self.azure_allows_in(subnet) {
                        Some(allowed) => {
                            for part in &mut parts {
                                part.from = part.from.subtract(&allowed);
                            }
                            parts.retain(|p| !p.from.is_empty());
                        }
                        None => parts.clear(),
                    },
                }
            }
        }
        parts
    }

    /// What Azure's own last inbound rules let in: the network with what user routes add to its tag,
    /// and probes; `None` if a default route makes it everything.
    ///
    /// Source: "Network security groups overview", default security rules (Microsoft Learn, checked
    /// 2026-11-25).
    fn azure_allows_in(&self, subnet: &Key) -> Option<AddressSet> {
        let mut out = self.fabric.virtual_network(subnet).union(&platform());
        let table = self
            .fabric
            .policy
            .subnets
            .get(subnet)
            .and_then(|s| s.route_table.as_ref())
            .and_then(|t| self.fabric.tables.get(t));
        for route in table.iter().flat_map(|t| &t.routes) {
            out = match &route.target {
                Target::Default => return None,
                Target::Prefix(net) => out.union(&AddressSet::prefix(*net)),
                Target::Tag(tag) => out.union(&self.fabric.tag(tag)),
            };
        }
        Some(out)
    }

    fn duties(&self, place: Place<'_>) -> Option<&'a Duties> {
        match place {
            Place::Out(_, nsg) => self.plan.outbound.get(nsg),
            Place::Firewall(key) => self.plan.firewalls.get(key),
            Place::In(_, nsg) => self.plan.inbound.get(nsg),
        }
    }

    /// What the other flows decide at a layer: what their allows let through there, rather too much
    /// than too little, and what denies take away wherever they are enforced.
    fn decided_elsewhere(&self, place: Place<'_>) -> Vec<Part> {
        let fabric = self.fabric;
        let subnet = match place {
            Place::Out(subnet, _) | Place::In(subnet, _) => Some(subnet.as_str()),
            Place::Firewall(_) => None,
        };
        let mut out = Vec::new();
        let mut add = |flow: &Flow, from: AddressSet, to: AddressSet| {
            if flow.source_ports.is_some() && flow.source_ports != self.flow.source_ports {
                return;
            }
            for (proto, ports) in flow.traffic.transport() {
                out.push(Part {
                    from: from.clone(),
                    to: to.clone(),
                    proto,
                    ports,
                });
            }
        };
        for duty in self.duties(place).into_iter().flat_map(|d| d.values()) {
            let Some(flow) = fabric.policy.flows.get(duty.flow).filter(|f| f.allows()) else {
                continue;
            };
            // A rule has its own subnet on its own side; the other side is as written.
            let whole = |end: &Endpoint, seen: &AddressSet, own: bool| {
                if own || duty.partial {
                    seen.clone()
                } else {
                    fabric.addresses(end, subnet).union(seen)
                }
            };
            let from = whole(&flow.from, &duty.from, matches!(place, Place::Out(..)));
            let mut to = whole(&flow.to, &duty.to, matches!(place, Place::In(..)));
            if duty.names && matches!(place, Place::Out(..)) {
                to = to.union(&public());
            }
            add(flow, from, to);
        }
        let others = fabric.policy.flows.iter();
        for deny in others.filter(|f| !f.allows() && !self.flow.names_deny(f)) {
            let from = fabric.addresses(&deny.from, subnet);
            add(deny, from, fabric.addresses(&deny.to, subnet));
        }
        out
    }

    /// True if other flows let every name of this one through a firewall, or may.
    fn names_pass(&self, place: Place<'_>, parts: &[Part]) -> bool {
        let Place::Firewall(_) = place else {
            return false;
        };
        let to = &self.flow.to;
        let covers = |part: &Part, fits: &dyn Fn(&Endpoint) -> bool| {
            let mut duties = self.duties(place).into_iter().flat_map(|d| d.values());
            duties.any(|duty| {
                let flow = self.fabric.policy.flows.get(duty.flow);
                flow.is_some_and(|flow| {
                    flow.allows()
                        && duty.names
                        && part.from.is_subset(&duty.from)
                        && fits(&flow.to)
                        && flow.traffic.transport().iter().any(|(proto, ports)| {
                            (*proto == Proto::Any || *proto == part.proto)
                                && part.ports.subtract(ports).is_empty()
                        })
                })
            })
        };
        // Which names an FQDN tag or a category holds is not known.
        let may = |e: &Endpoint| !e.fqdn_tags.is_empty() || !e.categories.is_empty();
        parts.iter().all(|part| {
            to.names.iter().filter(|n| n.within.is_none()).all(|name| {
                covers(part, &|e| {
                    may(e)
                        || e.names.iter().any(|n| {
                            n.text == name.text
                                || n.text.strip_prefix('*').is_some_and(|suffix| {
                                    name.text.len() > suffix.len() && name.text.ends_with(suffix)
                                })
                        })
                })
            }) && (to.fqdn_tags.is_empty() && to.categories.is_empty() && to.urls.is_empty()
                || covers(part, &|e| {
                    may(e) || !e.urls.is_empty() || e.names.iter().any(|n| n.text == "*")
                }))
        })
    }

    /// Whether the security group at the source lets out some of a deny's traffic over IPv6.
    fn lets_ipv6_out(&self, way: &Way) -> bool {
        let Some((subnet, nsg)) = way.out_of.as_ref().and_then(|s| Some((s, self.nsg_of(s)?)))
        else {
            return true;
        };
        let group = self.fabric.policy.nsgs.get(nsg);
        let shut = group
            .is_some_and(|n| n.base.is_none() && n.default_outbound == Some(DefaultAction::Deny));
        if !shut {
            return true;
        }
        let others = self.duties(Place::Out(subnet, nsg));
        self.traffic(way).iter().any(|part| {
            others.into_iter().flat_map(|d| d.values()).any(|duty| {
                let flow = self.fabric.policy.flows.get(duty.flow);
                // Names open Internet where nothing narrows them and that is accepted.
                let named =
                    group.is_some_and(|n| n.names_open) && duty.unnarrowed.meets(&part.from);
                flow.is_some_and(|flow| {
                    flow.allows()
                        && duty.from.meets(&part.from)
                        && (named || duty.to.meets(&part.to))
                        && flow.traffic.transport().iter().any(|(proto, ports)| {
                            (*proto == Proto::Any || *proto == part.proto)
                                && ports.meets(&part.ports)
                        })
                })
            })
        })
    }
}

/// Whether two ends have a name in common for certain.
fn names_meet(a: &Endpoint, b: &Endpoint) -> bool {
    a.names.iter().any(|x| b.names.iter().any(|y| x.meets(y)))
        || !a.fqdn_tags.is_disjoint(&b.fqdn_tags)
        || !a.categories.is_disjoint(&b.categories)
}

/// What is left of the parts without one of them.
fn subtract(parts: Vec<Part>, gone: &Part) -> Vec<Part> {
    if parts.len() > MOST {
        return parts;
    }
    let mut out = Vec::new();
    for part in parts {
        let speaks = (gone.proto == Proto::Any || gone.proto == part.proto)
            && part.ports.meets(&gone.ports)
            && part.from.meets(&gone.from)
            && part.to.meets(&gone.to);
        if !speaks {
            out.push(part);
            continue;
        }
        let from = part.from.intersect(&gone.from);
        let to = part.to.intersect(&gone.to);
        let rest = [
            Part {
                from: part.from.subtract(&gone.from),
                ..part.clone()
            },
            Part {
                from: from.clone(),
                to: part.to.subtract(&gone.to),
                ..part.clone()
            },
            Part {
                from,
                to,
                ports: part.ports.subtract(&gone.ports),
                ..part
            },
        ];
        out.extend(rest.into_iter().filter(|p| !p.is_empty()));
    }
    out
}
