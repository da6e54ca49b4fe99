//! Compiles a generated policy in memory and compares, packet by packet, what it means with what the
//! oracle finds at the path. What it leaves out of the comparison it counts.

use std::collections::BTreeMap;
use std::fmt;

use portcullis::catalog::{Catalog, Cloud};
use portcullis::config::{Deploy, Settings};
use portcullis::diag::Severity;
use portcullis::driver::{self, Options, Project};
use portcullis::source::MemoryLoader;
use serde_json::Value;

use crate::oracle::address::Address;
use crate::oracle::firewall::Firewall;
use crate::oracle::load::Emitted;
use crate::oracle::path::{self, Topology, Way};
use crate::oracle::{Packet, Verdict, text};

use super::denote::{Meaning, denote, matches};
use super::facts::Facts;
use super::packets::FREE;
use super::policy::{Part, Policy, range};

/// What became of a policy.
pub(super) struct Emission {
    pub(super) emitted: Emitted,
    pub(super) topology: Topology,
    /// Messages of PC4001, PC4002, PC4014 and PC4022, which tell what is not claimed.
    excuses: Vec<String>,
}

/// Combinations of layers that a way can have; each must be judged in some policies.
pub(super) const WAYS: [&str; 7] = [
    "nsg",
    "nsg+nsg",
    "firewall",
    "nsg+firewall",
    "firewall+nsg",
    "nsg+firewall+nsg",
    "dnat+nsg",
];

/// Packets by what was done with them.
#[derive(Clone, Debug, Default)]
pub(super) struct Judged {
    /// Policies by the ways of packets of which a flow speaks.
    pub(super) ways: BTreeMap<String, usize>,
    /// All.
    pub(super) packets: usize,
    /// Denied by a flow, and so it was.
    denied: usize,
    /// Allowed by a flow, and so it was.
    allowed: usize,
    /// Allowed by a translation, and so it was.
    translated: usize,
    /// Default.
    default: usize,
    /// Default, let through by an accepted envelope.
    accepted: usize,
    /// The oracle does not know.
    pub(super) unknown: usize,
    /// Allowed, but there is no route.
    no_path: usize,
    /// A flow restricted by `at`, or one that a warning gives up.
    excused: usize,
    /// The language does not say.
    open: usize,
    /// A name at an address that is not free: whether it resolves there is not said.
    resolved: usize,
}

/// A disagreement.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) what: &'static str,
    pub(super) packet: Packet,
    pub(super) meaning: Meaning,
    pub(super) way: Way,
}

/// Compiles; the codes of the errors if it is refused.
pub(super) fn compile(policy: &Policy) -> Result<Emission, Vec<String>> {
    let (emitted, excuses) = compile_files(&policy.files())?;
    Ok(Emission {
        emitted,
        topology: Topology::read(&policy.topology()),
        excuses,
    })
}

/// A project whose root is `policy.gate`.
pub(super) fn project() -> Project {
    Project {
        settings: Settings {
            project: Some("demo".to_owned()),
            deploy: Deploy {
                subscription: Some("00000000-0000-0000-0000-000000000000".to_owned()),
                resource_group: Some("rg".to_owned()),
                location: Some("westeurope".to_owned()),
            },
            ..Settings::default()
        },
        sources: vec!["policy.gate".to_owned()],
    }
}

/// Compiles one file.
pub(super) fn compile_text(policy: &str) -> Result<(Emitted, Vec<String>), Vec<String>> {
    compile_files(&[("policy.gate".to_owned(), policy.to_owned())])
}

/// Compiles files, the first of which is the root; what it became, and the messages of PC4001, PC4002,
/// PC4014 and PC4022.
fn compile_files(files: &[(String, String)]) -> Result<(Emitted, Vec<String>), Vec<String>> {
    let mut loader = MemoryLoader::default();
    loader.files.extend(files.iter().cloned());
    let project = project();
    let catalog = Catalog::embedded(Cloud::Public);
    let compiled = driver::compile(&loader, &project, catalog, &Options::default());
    let Some(output) = compiled.output else {
        let mut codes: Vec<String> = compiled
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .map(|d| format!("{:?}", d.code))
            .collect();
        codes.dedup();
        if std::env::var("PORTCULLIS_REFUSALS").is_ok_and(|wanted| codes.contains(&wanted)) {
            let errors = compiled.diagnostics.iter();
            for d in errors.filter(|d| d.severity == Severity::Error) {
                println!("{:?} {} ({})", d.code, d.message, d.label);
            }
            for (name, text) in files {
                println!("// {name}\n{text}");
            }
        }
        return Err(codes);
    };
    let mut emitted = Emitted::default();
    for file in &output.files {
        let value: Value = serde_json::from_str(&file.text).unwrap();
        put(&mut emitted, &file.path, value);
    }
    let excuses = compiled
        .diagnostics
        .iter()
        .filter(|d| {
            ["PC4001", "PC4002", "PC4014", "PC4022"].contains(&format!("{:?}", d.code).as_str())
        })
        .map(|d| d.message.clone())
        .collect();
    Ok((emitted, excuses))
}

/// Adds a file of the output.
pub(super) fn put(emitted: &mut Emitted, path: &str, value: Value) {
    let firewall: &mut Firewall = &mut emitted.firewall;
    match text(&value, "type").rsplit('/').next().unwrap_or("") {
        "networkSecurityGroups" => emitted.nsgs.push(value),
        "routeTables" => emitted.route_tables.push(value),
        "ipGroups" => firewall.ip_groups.push(value),
        "firewallPolicies" => firewall.policies.push(value),
        "ruleCollectionGroups" => firewall.groups.push(value),
        "azureFirewalls" => firewall.classic.push(value),
        "" if path.ends_with("manifest.json") => {}
        other => panic!("{path}: nothing reads `{other}`"),
    }
}

/// Compares all packets; the first disagreement, if any.
pub(super) fn judge(
    policy: &Policy,
    emission: &Emission,
    facts: &Facts,
    packets: &[Packet],
) -> (Judged, Option<Finding>) {
    let mut counts = Judged::default();
    let mut first = None;
    for packet in packets {
        counts.packets += 1;
        if let Some(finding) = one(policy, emission, facts, packet, &mut counts) {
            first = first.or(Some(finding));
        }
    }
    (counts, first)
}

fn one(
    policy: &Policy,
    emission: &Emission,
    facts: &Facts,
    packet: &Packet,
    counts: &mut Judged,
) -> Option<Finding> {
    let meaning = denote(policy, facts, packet);
    if meaning == Meaning::Open {
        counts.open += 1;
        return None;
    }
    // A flow's `via` may lead any address past the firewall.
    let free = FREE.contains(&packet.destination.to_string().as_str())
        && policy.flows.iter().all(|f| f.via.is_none());
    if !packet.name.is_empty() && !free {
        let bare = Packet {
            name: String::new(),
            ..packet.clone()
        };
        if denote(policy, facts, &bare) != meaning {
            counts.resolved += 1;
            return None;
        }
    }
    let known = facts.knowledge(&[packet.source, packet.destination]);
    let way = path::evaluate(&emission.topology, &emission.emitted, packet, &known);
    if way.verdict == Verdict::Unknown {
        counts.unknown += 1;
        return None;
    }
    // Azure Firewall has no IPv6 address: between two ends that no subnet holds there is no way for it.
    let held = |end: Address| {
        let ranges = policy.subnets.iter().flat_map(|s| s.ranges());
        ranges
            .into_iter()
            .any(|r| r.six == end.six && r.first <= end.value && end.value <= r.last)
    };
    if packet.source.six && !held(packet.source) && !held(packet.destination) {
        counts.no_path += 1;
        return None;
    }
    if matches!(
        meaning,
        Meaning::Allow(_) | Meaning::Deny(_) | Meaning::Translated(_)
    ) {
        counts.ways.insert(layers(&way), 1);
    }
    let what = if past_the_firewall(policy, packet, &way) {
        "to a peered network past the firewall that the table defaults to"
    } else {
        disagreement(policy, emission, facts, packet, &meaning, &way, counts)?
    };
    Some(Finding {
        what,
        packet: packet.clone(),
        meaning,
        way,
    })
}

fn disagreement(
    policy: &Policy,
    emission: &Emission,
    facts: &Facts,
    packet: &Packet,
    meaning: &Meaning,
    way: &Way,
    counts: &mut Judged,
) -> Option<&'static str> {
    let allowed = way.verdict == Verdict::Allow;
    // PC4014: a flow by name and one by address of the other action may meet.
    let met: Vec<usize> = (0..policy.flows.len())
        .filter(|i| matches(policy, facts, &policy.flows[*i], packet))
        .collect();
    let preempted = emission.excuses.iter().any(|message| {
        message.contains("preempted")
            && met
                .iter()
                .filter(|i| mentions(policy, message, **i))
                .count()
                > 1
    });
    match meaning {
        Meaning::Open => None,
        Meaning::Deny(_) if !allowed => {
            counts.denied += 1;
            None
        }
        Meaning::Deny(_) if preempted => {
            counts.excused += 1;
            None
        }
        Meaning::Deny(_) => Some("denied by a flow, allowed at the path"),
        Meaning::Allow(_) if allowed => {
            counts.allowed += 1;
            None
        }
        Meaning::Translated(_) if allowed => {
            counts.translated += 1;
            None
        }
        Meaning::Allow(_) | Meaning::Translated(_) if no_route(way) => {
            counts.no_path += 1;
            None
        }
        Meaning::Allow(flows) => {
            let excused = |index: &usize| {
                emission.excuses.iter().any(|message| {
                    let given_up = [
                        "no layer filters",
                        "no layer that",
                        "leaves that layer out",
                        "for names comes after",
                    ];
                    let over_ipv6 = packet.source.six
                        && (message.contains("no way over IPv6")
                            || message.contains("IPv6 part is left out"));
                    (over_ipv6 || given_up.iter().any(|words| message.contains(words)))
                        && mentions(policy, message, *index)
                })
            };
            if preempted || flows.iter().all(excused) {
                counts.excused += 1;
                return None;
            }
            Some("allowed by a flow, denied at the path")
        }
        Meaning::Translated(_) => Some("let in by a translation, denied at the path"),
        Meaning::Default => by_default(policy, packet, way, allowed, counts),
    }
}

/// Section 1.3: a subnet whose table defaults to a firewall reaches every peered network through it.
/// In the firewall's own network only subnets with a table can be led back through it.
fn past_the_firewall(policy: &Policy, packet: &Packet, way: &Way) -> bool {
    let inside = |text: &str, address| range(text).contains(address);
    let of = |address| {
        let mut subnets = policy.subnets.iter();
        subnets.find(|s| s.prefix.as_deref().is_some_and(|p| inside(p, address)))
    };
    let Some(subnet) = of(packet.source) else {
        return false;
    };
    let table = policy
        .tables
        .iter()
        .find(|t| Some(&t.name) == subnet.table.as_ref());
    let default = table.and_then(|t| t.default.as_ref());
    let firewall = policy.firewalls.iter().find(|f| Some(&f.name) == default);
    let peer = policy
        .vnets
        .iter()
        .find(|v| Some(&v.name) != subnet.vnet.as_ref() && inside(&v.space, packet.destination));
    let (Some(firewall), Some(peer)) = (firewall, peer) else {
        return false;
    };
    let home = firewall.vnet.as_ref() == Some(&peer.name);
    let led_back = of(packet.destination).is_some_and(|s| s.table.is_some());
    let excepted = policy.flows.iter().any(|f| f.via.is_some())
        || policy.routes.iter().any(|r| {
            let there = matches!(&r.to, Part::Range(t) if inside(t, packet.destination));
            there && Some(&r.table) == subnet.table.as_ref()
        });
    let crosses = way.steps.iter().any(|s| s.starts_with("firewall"));
    !(excepted || crosses || home && !led_back)
}

/// What no flow speaks of is decided by defaults alone: a rule that matches it is too wide.
fn by_default(
    policy: &Policy,
    packet: &Packet,
    way: &Way,
    allowed: bool,
    counts: &mut Judged,
) -> Option<&'static str> {
    counts.default += 1;
    if no_route(way) {
        return None;
    }
    if let Some(what) = against_default(policy, packet, way, allowed) {
        return Some(what);
    }
    for step in &way.steps {
        if step.starts_with("route") || step.starts_with("reply") {
            continue;
        }
        let (verdict, rule) = decided(step);
        let name = rule.rsplit('/').next().unwrap_or(rule);
        let usual = name.starts_with("AllowVnet")
            || name.starts_with("AllowInternetOut")
            || name.starts_with("AllowAzureLoadBalancer")
            || name.starts_with("DenyAll")
            || name.starts_with("default-")
            || [
                "no network security group",
                "firewall default",
                "no translation",
                // `infrastructure = deny`
                "infrastructure",
                "platform address",
            ]
            .contains(&name);
        if usual {
            continue;
        }
        // `fqdn(name, in = prefix)`: a security group gets the prefix.
        let stands_for_a_name = step.starts_with("nsg") && of_a_name(policy, packet);
        let envelope = name.starts_with("envelope-") || stands_for_a_name;
        if envelope && !allowed || name.starts_with("guard-") {
            continue;
        }
        if envelope
            && (accepted(policy, step) || stands_for_a_name)
            && !way.steps.iter().any(|s| s.starts_with("firewall"))
        {
            counts.accepted += 1;
            continue;
        }
        if envelope {
            return Some("default, let through by an envelope that nothing narrows");
        }
        return Some(if verdict == "allow" {
            "default, allowed by a rule that is too wide"
        } else {
            "default, denied by a rule that is too wide"
        });
    }
    None
}

/// What the declared defaults ask for and the path does not do.
fn against_default(
    policy: &Policy,
    packet: &Packet,
    way: &Way,
    allowed: bool,
) -> Option<&'static str> {
    let group = |address: Address| {
        let subnet = policy
            .subnets
            .iter()
            .find(|s| address.within(&s.ranges()))?;
        policy
            .nsgs
            .iter()
            .find(|n| Some(&n.name) == subnet.nsg.as_ref())
    };
    let ends = [
        ("nsg out", group(packet.source).and_then(|n| n.outbound)),
        ("nsg in", group(packet.destination).and_then(|n| n.inbound)),
    ];
    for step in &way.steps {
        let (verdict, rule) = decided(step);
        if allowed && step.starts_with("firewall") {
            return Some("default, allowed through a firewall");
        }
        for (place, default) in ends {
            let here = step.starts_with(place);
            if here && default == Some(true) && allowed && !rule.contains("/envelope-") {
                return Some("default, allowed by a group that denies by default");
            }
            if here && default == Some(false) && verdict == "deny" && rule.contains("/DenyAll") {
                return Some("default, denied by a group that allows by default");
            }
        }
    }
    None
}

/// Whether the destination lies in a prefix that some name is said to resolve into.
fn of_a_name(policy: &Policy, packet: &Packet) -> bool {
    let present = policy.flows.iter().filter(|f| policy.present(f));
    let mut ends = present.flat_map(|f| &f.to).flat_map(Part::plain);
    ends.any(|p| matches!(p, Part::NameWithin(_, t) if range(t).contains(packet.destination)))
}

/// Whether the group of this step accepts what no firewall narrows.
fn accepted(policy: &Policy, step: &str) -> bool {
    let (_, rule) = decided(step);
    let group = rule.split('/').next().unwrap_or("");
    policy.nsgs.iter().any(|n| n.name == group && n.open)
}

/// The layers that a packet met, in order: `nsg+firewall`.
fn layers(way: &Way) -> String {
    let mut out: Vec<&str> = Vec::new();
    for step in &way.steps {
        let word = step.split([' ', ':']).next().unwrap_or("");
        let filters = !decided(step).1.starts_with("no network security group");
        // What is translated is asked for with several sources.
        let again = word == "nsg" && out.ends_with(&["dnat", "nsg"]);
        if ["nsg", "firewall", "dnat"].contains(&word) && filters && !again {
            out.push(word);
        }
    }
    out.join("+")
}

/// `nsg out at s0: allow by n0/f1-out`: verdict and rule.
fn decided(step: &str) -> (&str, &str) {
    let rest = step.split_once(": ").map_or(step, |(_, rest)| rest);
    rest.split_once(" by ").unwrap_or((rest, ""))
}

/// A next hop `none`, or none at all, for the request or for the reply. (A reply that leaves by a
/// firewall which has not seen the request is no such case: the compiler refuses that.)
pub(super) fn no_route(way: &Way) -> bool {
    way.steps.iter().any(|step| {
        let (verdict, by) = decided(step);
        let request = step.starts_with("route");
        verdict == "deny" && (request || step.starts_with("reply") && by.starts_with("None"))
    })
}

/// Whether a message names a flow: `main::f3`, `g1::f3/ab`.
fn mentions(policy: &Policy, message: &str, index: usize) -> bool {
    let id = format!("`{}", Policy::path(&policy.flows[index]));
    message.contains(&format!("{id}`")) || message.contains(&format!("{id}/"))
}

/// Takes away flows and routes as long as the disagreement stays.
pub(super) fn minimal(policy: Policy, finding: Finding, facts: &Facts) -> (Policy, Finding) {
    let mut best = (policy, finding);
    loop {
        let mut smaller: Vec<Policy> = (0..best.0.flows.len())
            .map(|index| best.0.without_flow(index))
            .collect();
        for index in 0..best.0.routes.len() {
            let mut without = best.0.clone();
            without.routes.remove(index);
            smaller.push(without);
        }
        for index in 0..best.0.dnats.len() {
            let mut without = best.0.clone();
            without.dnats.remove(index);
            smaller.push(without);
        }
        let still = smaller.into_iter().find_map(|candidate| {
            let emission = compile(&candidate).ok()?;
            let packet = vec![best.1.packet.clone()];
            let (_, found) = judge(&candidate, &emission, facts, &packet);
            found
                .filter(|f| f.what == best.1.what)
                .map(|f| (candidate, f))
        });
        match still {
            Some(found) => best = found,
            None => return best,
        }
    }
}

impl Judged {
    /// Adds another's counts.
    pub(super) fn add(&mut self, other: &Self) {
        for (way, policies) in &other.ways {
            *self.ways.entry(way.clone()).or_default() += policies;
        }
        self.packets += other.packets;
        self.denied += other.denied;
        self.allowed += other.allowed;
        self.translated += other.translated;
        self.default += other.default;
        self.accepted += other.accepted;
        self.unknown += other.unknown;
        self.no_path += other.no_path;
        self.excused += other.excused;
        self.open += other.open;
        self.resolved += other.resolved;
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} packets: {} denied and {} allowed by a flow, {} translated, {} default ({} in an accepted envelope); \
             not judged: {} unknown to the oracle, {} without a route, {} given up by `at` or a \
             warning, {} of which the language does not speak, {} of a name at an address in use",
            self.packets,
            self.denied,
            self.allowed,
            self.translated,
            self.default,
            self.accepted,
            self.unknown,
            self.no_path,
            self.excused,
            self.open,
            self.resolved
        )
    }
}
