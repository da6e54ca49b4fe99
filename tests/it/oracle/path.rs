//! A packet's whole way through a topology: route, network security group out, firewall, network
//! security group in. It composes the parts and decides nothing that one of them could decide.
//!
//! Beside the parts' sources: "Azure Firewall SNAT private IP address ranges" (application rules
//! always translate the source), checked 2026-11-23.

use std::fmt;

use serde_json::Value;

use super::address::{Address, Range};
use super::firewall::Kind;
use super::knowledge::Knowledge;
use super::load::Emitted;
use super::nsg::Direction;
use super::routes::{Hop, Neighbourhood};
use super::{Decision, Packet, Verdict, items, nsg, routes, text, texts};

/// The place that the resources are deployed to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topology {
    /// Declared subnets.
    pub(crate) subnets: Vec<Subnet>,
    vnets: Vec<Vnet>,
    on_premises: Vec<Range>,
    firewalls: Vec<Wall>,
}

/// A firewall in its place.
#[derive(Clone, Debug)]
struct Wall {
    /// Its private address.
    address: Address,
    /// Its policy, or itself if it is a classic one.
    policy: String,
    /// Its public addresses.
    public: Vec<Address>,
    /// AzureFirewallSubnet.
    subnet: Option<Range>,
    /// The network it stands in.
    vnet: Option<String>,
}

/// A declared subnet.
#[derive(Clone, Debug)]
pub(crate) struct Subnet {
    /// Its name.
    pub(crate) name: String,
    vnet: String,
    prefixes: Vec<Range>,
    nsg: Option<String>,
    interface_nsg: Option<String>,
    route_table: Option<String>,
    service_endpoints: Vec<String>,
}

#[derive(Clone, Debug)]
struct Vnet {
    name: String,
    space: Vec<Range>,
    peers: Vec<String>,
    /// The firewall that its undeclared subnets lead to.
    firewall: Option<String>,
}

/// What happened to a packet, place by place.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// The end of it: denied if one place denies, unknown if one place is.
    pub(crate) verdict: Verdict,
    /// `nsg out at snet-apim: allow by nsg-apim/storage`, in order.
    pub(crate) steps: Vec<String>,
    decisions: Vec<Decision>,
    /// Where a firewall led it: the target of a translation, and the port there.
    pub(crate) led: Option<(String, u16)>,
}

impl Topology {
    /// Reads one environment of a topology file.
    pub(crate) fn read(value: &Value) -> Self {
        let name = |value: &Value, member: &str| -> Option<String> {
            let text = text(value, member);
            (!text.is_empty()).then(|| text.to_owned())
        };
        // One is `firewall`; several are `firewalls`.
        let one = &value["firewall"];
        let firewalls = items(value, "firewalls");
        Self {
            subnets: items(value, "subnets")
                .iter()
                .map(|subnet| Subnet {
                    name: text(subnet, "name").to_owned(),
                    vnet: text(subnet, "vnet").to_owned(),
                    prefixes: ranges(subnet, "prefix"),
                    nsg: name(subnet, "nsg"),
                    interface_nsg: name(subnet, "interfaceNsg"),
                    route_table: name(subnet, "routeTable"),
                    service_endpoints: texts(subnet, "serviceEndpoints")
                        .into_iter()
                        .map(str::to_owned)
                        .collect(),
                })
                .collect(),
            vnets: items(value, "vnets")
                .iter()
                .map(|vnet| Vnet {
                    name: text(vnet, "name").to_owned(),
                    space: ranges(vnet, "space"),
                    peers: texts(vnet, "peers")
                        .into_iter()
                        .map(str::to_owned)
                        .collect(),
                    firewall: name(vnet, "firewall"),
                })
                .collect(),
            on_premises: ranges(value, "onPremises"),
            firewalls: firewalls
                .iter()
                .chain((!one.is_null()).then_some(one))
                .map(|firewall| {
                    let address = |text: &str| {
                        Address::parse(text)
                            .unwrap_or_else(|| panic!("topology: firewall address `{text}`"))
                    };
                    Wall {
                        address: address(text(firewall, "privateIp")),
                        policy: text(firewall, "policy").to_owned(),
                        public: texts(firewall, "publicIps")
                            .into_iter()
                            .map(address)
                            .collect(),
                        subnet: name(firewall, "subnet").and_then(|t| Range::parse(&t)),
                        vnet: name(firewall, "vnet"),
                    }
                })
                .collect(),
        }
    }

    /// The subnet that holds an address.
    pub(crate) fn subnet_of(&self, address: Address) -> Option<&Subnet> {
        self.subnets.iter().find(|s| address.within(&s.prefixes))
    }

    fn vnet_of(&self, address: Address) -> Option<&str> {
        let mut all = self.vnets.iter();
        let found = all.find(|v| address.within(&v.space))?;
        Some(found.name.as_str())
    }

    /// The firewall that an address in no declared subnet leads to, where its network names one.
    fn wall_of(&self, address: Address) -> Option<&Wall> {
        let name = self.vnet_of(address)?;
        let vnet = self.vnets.iter().find(|v| v.name == name)?;
        let wanted = vnet.firewall.as_ref()?;
        self.firewalls.iter().find(|w| w.policy == *wanted)
    }

    /// The edges of every range in it.
    pub(crate) fn ranges(&self) -> Vec<Range> {
        let mut all = self.on_premises.clone();
        all.extend(self.subnets.iter().flat_map(|s| s.prefixes.clone()));
        all.extend(self.vnets.iter().flat_map(|v| v.space.clone()));
        all
    }

    /// Whether an address belongs to the network although it may be a public one.
    fn declares(&self, address: Address) -> bool {
        address.within(&self.ranges())
    }

    /// What the system routes at a subnet are made of. Peering is symmetric, whoever writes it.
    fn around(&self, subnet: &Subnet) -> Neighbourhood {
        self.near(&subnet.vnet, &subnet.service_endpoints)
    }

    fn near(&self, vnet: &str, service_endpoints: &[String]) -> Neighbourhood {
        let own = self
            .vnets
            .iter()
            .find(|v| v.name == vnet)
            .unwrap_or_else(|| panic!("topology: there is no VNet `{vnet}`"));
        let mut peers = Vec::new();
        for name in &own.peers {
            match self.vnets.iter().find(|v| v.name == *name) {
                Some(peer) => peers.extend(peer.space.iter().copied()),
                None => peers.push(
                    Range::parse(name).unwrap_or_else(|| panic!("topology: no peer `{name}`")),
                ),
            }
        }
        for other in self.vnets.iter().filter(|v| v.peers.contains(&own.name)) {
            peers.extend(other.space.iter().copied());
        }
        Neighbourhood {
            space: own.space.clone(),
            peers,
            on_premises: self.on_premises.clone(),
            service_endpoints: service_endpoints.to_vec(),
        }
    }
}

/// The way of a packet.
pub(crate) fn evaluate(
    topology: &Topology,
    emitted: &Emitted,
    packet: &Packet,
    known: &Knowledge,
) -> Way {
    let mut way = Way {
        verdict: Verdict::Allow,
        steps: Vec::new(),
        decisions: Vec::new(),
        led: None,
    };
    let published = |wall: &&Wall| wall.public.contains(&packet.destination);
    if let Some(wall) = topology.firewalls.iter().find(published) {
        way.published(topology, emitted, wall, packet, known);
        way.verdict = way.sum();
        return way;
    }
    let from = topology.subnet_of(packet.source);
    let to = topology.subnet_of(packet.destination);
    let mut arriving = packet.clone();
    match (from, to) {
        (Some(subnet), _) => {
            way.group(
                topology,
                emitted,
                subnet,
                Direction::Outbound,
                packet,
                known,
            );
            if packet.destination.is_platform() {
                way.add("route", Decision::new(Verdict::Allow, "platform address"));
            } else {
                let towards = packet.destination;
                let kind = way.cross(topology, emitted, subnet, towards, packet, known);
                arriving = translated(packet, kind);
            }
        }
        (None, Some(subnet)) => {
            let public = packet.source.is_public() && !topology.declares(packet.source);
            if public || packet.source.is_platform() {
                way.add("route", Decision::new(Verdict::Allow, "arrives directly"));
                if public {
                    way.reply(topology, emitted, subnet, packet, known);
                }
            } else {
                // On-premises traffic enters by the gateway's subnet; the undeclared rest of a network
                // by its own firewall; any other private source by the hop that its replies take.
                let gateway = topology
                    .subnets
                    .iter()
                    .find(|s| s.name.eq_ignore_ascii_case("GatewaySubnet"))
                    .filter(|_| packet.source.within(&topology.on_premises));
                let own = topology
                    .wall_of(packet.source)
                    .filter(|_| gateway.is_none());
                let leaves = topology.vnet_of(packet.source) != Some(subnet.vnet.as_str());
                let kind = if let Some(wall) = own.filter(|_| leaves) {
                    let kind = way.firewall(wall, emitted, packet, known);
                    kind.map(|kind| (wall.address, kind))
                } else {
                    let (at, towards) = match gateway {
                        Some(gateway) => (gateway, packet.destination),
                        None => (subnet, packet.source),
                    };
                    way.cross(topology, emitted, at, towards, packet, known)
                };
                arriving = translated(packet, kind);
            }
        }
        (None, None) => match topology.firewalls.as_slice() {
            [only] => {
                way.firewall(only, emitted, packet, known);
            }
            _ if topology.wall_of(packet.source).is_some()
                || topology.wall_of(packet.destination).is_some() =>
            {
                let near = topology.wall_of(packet.source);
                let far = topology.wall_of(packet.destination);
                let far = far.filter(|w| near.is_none_or(|n| n.address != w.address));
                let mut kind = None;
                for wall in near.into_iter().chain(far) {
                    let seen = translated(packet, kind);
                    let by = way.firewall(wall, emitted, &seen, known);
                    kind = by.map(|by| (wall.address, by));
                }
            }
            others => {
                let which = format!("no subnet and {} firewalls on the way", others.len());
                way.add("route", Decision::new(Verdict::Unknown, which));
            }
        },
    }
    if let Some(subnet) = to {
        way.group(
            topology,
            emitted,
            subnet,
            Direction::Inbound,
            &arriving,
            known,
        );
    }
    way.verdict = way.sum();
    way
}

/// The packet behind the firewall: application rules always translate the source.
fn translated(packet: &Packet, by: Option<(Address, Kind)>) -> Packet {
    let mut arriving = packet.clone();
    if let Some((address, Kind::Application)) = by {
        arriving.source = address;
    }
    arriving
}

impl Subnet {
    /// Its network security group.
    pub(crate) fn group<'a>(&self, emitted: &'a Emitted) -> Option<&'a Value> {
        emitted.nsg(self.nsg.as_deref())
    }
}

impl Way {
    fn add(&mut self, place: &str, decision: Decision) {
        self.steps
            .push(format!("{place}: {} by {}", decision.verdict, decision.by));
        self.decisions.push(decision);
    }

    fn sum(&self) -> Verdict {
        let any = |verdict| self.decisions.iter().any(|d| d.verdict == verdict);
        if any(Verdict::Deny) {
            Verdict::Deny
        } else if any(Verdict::Unknown) {
            Verdict::Unknown
        } else {
            Verdict::Allow
        }
    }

    fn group(
        &mut self,
        topology: &Topology,
        emitted: &Emitted,
        subnet: &Subnet,
        direction: Direction,
        packet: &Packet,
        known: &Knowledge,
    ) {
        let table = emitted.route_table(subnet.route_table.as_deref());
        let decision = nsg::evaluate(
            emitted.nsg(subnet.nsg.as_deref()),
            emitted.nsg(subnet.interface_nsg.as_deref()),
            direction,
            packet,
            &routes::surroundings(table, &topology.around(subnet)),
            known,
        );
        let word = match direction {
            Direction::Inbound => "in",
            Direction::Outbound => "out",
        };
        self.add(&format!("nsg {word} at {}", subnet.name), decision);
    }

    /// A packet from the internet to a public address of a firewall. The first translation that matches
    /// lets it through, past all network rules; its source becomes an address of the firewall's own
    /// subnet, whatever the source of the rule ("Azure Firewall known issues", SNAT on inbound
    /// connections, checked 2026-11-23). Which of them is not said, so that all must fare alike.
    fn published(
        &mut self,
        topology: &Topology,
        emitted: &Emitted,
        wall: &Wall,
        packet: &Packet,
        known: &Knowledge,
    ) {
        if !packet.source.is_public() || topology.declares(packet.source) {
            let why = "from inside to a public address of a firewall";
            self.add("firewall", Decision::new(Verdict::Unknown, why));
            return;
        }
        let Some(translation) = emitted.firewall.translation(&wall.policy, packet) else {
            self.add("firewall", Decision::new(Verdict::Deny, "no translation"));
            return;
        };
        self.add("dnat", Decision::new(Verdict::Allow, &translation.by));
        self.led = Some((translation.target.clone(), translation.port));
        let Some(target) = Address::parse(&translation.target) else {
            let why = format!("what `{}` resolves to", translation.target);
            self.add("route", Decision::new(Verdict::Unknown, why));
            return;
        };
        if let Some(vnet) = &wall.vnet {
            let choice = routes::next_hop(None, &topology.near(vnet, &[]), target, known);
            let verdict = match choice.hop {
                Hop::VnetLocal | Hop::Peering | Hop::Gateway => Verdict::Allow,
                Hop::Internet => Verdict::from_reach(target.is_public()),
                _ => Verdict::Deny,
            };
            let by = format!("{} ({})", choice.hop, choice.by);
            self.add("route at the firewall", Decision::new(verdict, by));
        }
        let Some(subnet) = topology.subnet_of(target) else {
            return;
        };
        let Some(own) = wall.subnet else {
            let why = "the firewall's subnet is not known";
            self.add("nsg in", Decision::new(Verdict::Unknown, why));
            return;
        };
        // The first four addresses and the last of a subnet are Azure's ("Azure Virtual Network
        // FAQ", checked 2026-11-23).
        let first = (0..4).fold(own.low(), |a, _| a.step(1).unwrap());
        for source in [first, own.high().step(-1).unwrap()] {
            let arriving = Packet {
                source,
                destination: target,
                port: translation.port,
                ..packet.clone()
            };
            let inbound = Direction::Inbound;
            self.group(topology, emitted, subnet, inbound, &arriving, known);
            let table = emitted.route_table(subnet.route_table.as_deref());
            let choice = routes::next_hop(table, &topology.around(subnet), source, known);
            let verdict = match choice.hop {
                Hop::VnetLocal | Hop::Peering => Verdict::Allow,
                Hop::Appliance(address) if address == wall.address => Verdict::Allow,
                Hop::Unknown => Verdict::Unknown,
                _ => Verdict::Deny,
            };
            let by = format!("{} ({})", choice.hop, choice.by);
            let place = format!("reply at {} to {source}", subnet.name);
            self.add(&place, Decision::new(verdict, by));
        }
    }

    /// Takes the hop from a subnet towards an address, through the firewall if the hop is one.
    fn cross(
        &mut self,
        topology: &Topology,
        emitted: &Emitted,
        at: &Subnet,
        towards: Address,
        packet: &Packet,
        known: &Knowledge,
    ) -> Option<(Address, Kind)> {
        let table = emitted.route_table(at.route_table.as_deref());
        let near = topology.around(at);
        let choice = routes::next_hop(table, &near, towards, known);
        let ours = |wanted: Address| topology.firewalls.iter().find(|w| w.address == wanted);
        let verdict = match choice.hop {
            Hop::Peering | Hop::Gateway | Hop::ServiceEndpoint => Verdict::Allow,
            Hop::Appliance(address) if ours(address).is_some() => Verdict::Allow,
            Hop::VnetLocal => Verdict::from_reach(towards.within(&near.space)),
            Hop::Internet => Verdict::from_reach(towards.is_public()),
            Hop::Nowhere => Verdict::Deny,
            Hop::Appliance(_) | Hop::Unknown => Verdict::Unknown,
        };
        let by = format!("{} ({})", choice.hop, choice.by);
        self.add(
            &format!("route at {} to {towards}", at.name),
            Decision::new(verdict, by),
        );
        let Hop::Appliance(address) = choice.hop else {
            return None;
        };
        let kind = self.firewall(ours(address)?, emitted, packet, known)?;
        Some((address, kind))
    }

    /// A request that arrived directly needs a reply that leaves so: the firewall drops the reply of
    /// a connection it has not seen begin.
    fn reply(
        &mut self,
        topology: &Topology,
        emitted: &Emitted,
        at: &Subnet,
        packet: &Packet,
        known: &Knowledge,
    ) {
        let table = emitted.route_table(at.route_table.as_deref());
        let choice = routes::next_hop(table, &topology.around(at), packet.source, known);
        let verdict = match choice.hop {
            Hop::Internet | Hop::ServiceEndpoint => Verdict::Allow,
            Hop::Unknown => Verdict::Unknown,
            _ => Verdict::Deny,
        };
        let by = format!("{} ({})", choice.hop, choice.by);
        self.add(
            &format!("reply at {} to {}", at.name, packet.source),
            Decision::new(verdict, by),
        );
    }

    fn firewall(
        &mut self,
        wall: &Wall,
        emitted: &Emitted,
        packet: &Packet,
        known: &Knowledge,
    ) -> Option<Kind> {
        if packet.destination == wall.address {
            let own = "it is the destination";
            self.add("firewall", Decision::new(Verdict::Allow, own));
            return None;
        }
        let (decision, kind) = emitted.firewall.decide(&wall.policy, packet, known);
        self.add("firewall", decision);
        kind
    }
}

impl Verdict {
    fn from_reach(reaches: bool) -> Self {
        if reaches { Self::Allow } else { Self::Deny }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "      {step}")?;
        }
        Ok(())
    }
}

/// The ranges of a text or array member; none if it is absent.
pub(crate) fn ranges(value: &Value, member: &str) -> Vec<Range> {
    let written = match value.get(member) {
        Some(Value::String(one)) => vec![one.as_str()],
        _ => texts(value, member),
    };
    written
        .into_iter()
        .map(|t| Range::parse(t).unwrap_or_else(|| panic!("`{member}`: `{t}` is no range")))
        .collect()
}
