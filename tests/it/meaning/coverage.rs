//! How many generated policies hold each construct of the language, read from their syntax trees. It
//! compiles nothing: whether what is drawn is also judged is told by the comparison itself.

use std::collections::{BTreeMap, BTreeSet};

use portcullis::source::SourceMap;
use portcullis::syntax::ast::{
    Block, CallKind, Clause, ClauseKind, Dnat, Ends, Expr, ExprKind, Flow, Item, Member, Need,
    Node, Proto, ResourceKind, Route, Svc, Value, Verb,
};
use portcullis::syntax::parse;

use super::generate;

/// Policies that are drawn to count.
const DRAWN: u64 = 2000;

/// What must be in at least one of a hundred policies.
const WANTED: &[&str] = &[
    // Statements.
    "use",
    "param",
    "endpoint",
    "service",
    "ip-group",
    "vnet",
    "subnet",
    "firewall",
    "nsg",
    "route-table",
    "env",
    "group",
    "ordered group",
    "allow",
    "deny",
    "forbid",
    "route",
    "dnat",
    "moved",
    "assume",
    "test",
    "required",
    "optional",
    "from to",
    "between",
    // Clauses, of whatever takes them.
    "flow for",
    "flow when",
    "flow at",
    "flow via",
    "flow overrides",
    "flow owner",
    "flow ticket",
    "flow until",
    "flow pin",
    "flow inspect",
    "flow header",
    "flow name",
    "flow source-port",
    "group for",
    "group when",
    "group at",
    "group owner",
    "group ticket",
    "dnat for",
    "dnat owner",
    "dnat until",
    "at nsg",
    "at firewall",
    "at a name",
    "via internet",
    "via vnet",
    "overrides several",
    // Ends.
    "from any",
    "from prefix",
    "from address",
    "from range",
    "from path",
    "from tag",
    "from ip-group",
    "from asg",
    "from list",
    "from except",
    "from tag(Internet)",
    "from tag(VirtualNetwork)",
    "from tag(AzureLoadBalancer)",
    "to any",
    "to prefix",
    "to address",
    "to range",
    "to path",
    "to tag",
    "to ip-group",
    "to list",
    "to except",
    "to tag(Internet)",
    "to tag(VirtualNetwork)",
    "to name",
    "to *.name",
    "to *name",
    "to fqdn(*)",
    "to fqdn(in)",
    "to fqdn-tag",
    "to category",
    "to url",
    "to IPv6",
    "dnat from tag(Internet)",
    "dnat from tag",
    "dnat from any",
    "dnat from prefix",
    "dnat from address",
    "dnat from except",
    "dnat from ip-group",
    "dnat to several",
    "dnat into a name",
    "dnat into a port",
    // Services.
    "tcp",
    "udp",
    "icmp",
    "esp",
    "ah",
    "any",
    "http",
    "https",
    "mssql",
    "all ports",
    "port range",
    "several ports",
    "several services",
    "declared service",
    // Hops of routes.
    "route via internet",
    "route via none",
    "route via vnet",
    "route via gateway",
    "route via firewall",
    "route to tag",
    "route to prefix",
    // Keys of resources.
    "vnet peers",
    "vnet on-premises",
    "vnet firewall",
    "subnet vnet",
    "subnet nsg",
    "subnet route-table",
    "subnet service-endpoints",
    "subnet name",
    "firewall output",
    "firewall sku",
    "firewall private-ip",
    "firewall public-ips",
    "firewall subnet",
    "firewall vnet",
    "firewall dns-proxy",
    "firewall infrastructure",
    "nsg default-inbound",
    "nsg default-outbound",
    "nsg names",
    "route-table default",
    "route-table bgp",
    "env enable",
    "env a value",
    "subnet of IPv6 alone",
    "subnet of both families",
];

#[test]
fn every_construct_is_drawn() {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..DRAWN {
        for what in constructs(&generate::policy(seed).files()) {
            *counts.entry(what).or_default() += 1;
        }
    }
    let count = |what: &str| counts.get(what).copied().unwrap_or(0);
    for what in WANTED {
        let tenths = count(what) * 1000 / DRAWN;
        println!("{:4}.{} %  {what}", tenths / 10, tenths % 10);
    }
    let rare: Vec<&str> = WANTED
        .iter()
        .copied()
        .filter(|what| count(what) * 100 < DRAWN)
        .collect();
    assert!(
        rare.is_empty(),
        "in less than 1 % of {DRAWN} policies: {rare:?}"
    );
    let new: Vec<&String> = counts
        .keys()
        .filter(|what| !WANTED.contains(&what.as_str()))
        .collect();
    assert!(new.is_empty(), "drawn and not in the table: {new:?}");
}

/// What the compiler always refuses.
pub(super) const REFUSED: [&str; 1] = ["dnat from tag"];

/// What must be held and is in none of so many policies.
pub(super) fn missing(counts: &BTreeMap<String, u64>) -> Vec<&'static str> {
    let wanted = WANTED.iter().copied();
    wanted.filter(|what| !counts.contains_key(*what)).collect()
}

/// What a policy holds.
pub(super) fn constructs(files: &[(String, String)]) -> BTreeSet<String> {
    let mut seen = Seen(BTreeSet::new());
    let mut sources = SourceMap::default();
    for (name, text) in files {
        let id = sources.add(name.clone(), text.clone());
        let (tree, faults) = parse(&sources, id);
        assert!(faults.is_empty(), "{text}\n{faults:?}");
        for item in &tree.items {
            seen.item(&item.node);
        }
    }
    seen.0
}

struct Seen(BTreeSet<String>);

impl Seen {
    fn add(&mut self, what: impl Into<String>) {
        self.0.insert(what.into());
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Use(_) => self.add("use"),
            Item::Param(_) => self.add("param"),
            Item::Endpoint(_) => self.add("endpoint"),
            Item::Service(service) => {
                self.add("service");
                self.services(&service.services);
            }
            Item::Resource(resource) => {
                let kind = match resource.kind {
                    ResourceKind::IpGroup => "ip-group",
                    ResourceKind::Vnet => "vnet",
                    ResourceKind::Subnet => "subnet",
                    ResourceKind::Firewall => "firewall",
                    ResourceKind::Nsg => "nsg",
                    ResourceKind::RouteTable => "route-table",
                };
                self.add(kind);
                if let Some(block) = &resource.block {
                    self.keys(kind, block);
                }
                if let (ResourceKind::Subnet, Some(expr)) = (resource.kind, &resource.expr) {
                    match &expr.kind {
                        ExprKind::Prefix(ipnet::IpNet::V6(_)) => self.add("subnet of IPv6 alone"),
                        ExprKind::List(_) => self.add("subnet of both families"),
                        _ => {}
                    }
                }
            }
            Item::Env(env) => {
                self.add("env");
                for entry in &env.block.entries {
                    let enable = entry.node.key.text() == "enable";
                    self.add(if enable { "env enable" } else { "env a value" });
                }
            }
            Item::Group(group) => {
                self.add(if group.ordered.is_some() {
                    "ordered group"
                } else {
                    "group"
                });
                self.clauses("group", &group.clauses);
                for member in &group.members {
                    match &member.node {
                        Member::Flow(flow) => self.flow(flow),
                        Member::Route(route) => self.route(route),
                        Member::Dnat(dnat) => self.dnat(dnat),
                        Member::Error => panic!("did not parse"),
                    }
                }
            }
            Item::Flow(flow) => self.flow(flow),
            Item::Route(route) => self.route(route),
            Item::Dnat(dnat) => self.dnat(dnat),
            Item::Moved(_) => self.add("moved"),
            Item::Assume(_) => self.add("assume"),
            Item::Test(_) => self.add("test"),
            Item::Error => panic!("did not parse"),
        }
    }

    fn keys(&mut self, kind: &str, block: &Block) {
        for entry in &block.entries {
            self.add(format!("{kind} {}", entry.node.key.text()));
            assert!(!matches!(entry.node.value.node, Value::Block(_)));
        }
    }

    fn flow(&mut self, flow: &Flow) {
        match flow.need.as_ref().map(|need| need.node) {
            Some(Need::Required) => self.add("required"),
            Some(Need::Optional) => self.add("optional"),
            None => {}
        }
        self.add(match flow.verb.node {
            Verb::Allow => "allow",
            Verb::Deny => "deny",
            Verb::Forbid => "forbid",
        });
        self.services(&flow.services);
        let (word, from, to) = match &flow.ends {
            Ends::FromTo(from, to) => ("from to", from, to),
            Ends::Between(from, to) => ("between", from, to),
        };
        self.add(word);
        self.end("from", from);
        self.end("to", to);
        self.clauses("flow", &flow.clauses);
    }

    fn route(&mut self, route: &Route) {
        self.add("route");
        let hop = route.via.text();
        let known = ["internet", "none", "vnet", "gateway"].contains(&hop.as_str());
        let hop = if known { hop } else { "firewall".to_owned() };
        self.add(format!("route via {hop}"));
        self.end("route to", &route.expr);
        self.clauses("route", &route.clauses);
    }

    fn dnat(&mut self, dnat: &Dnat) {
        self.add("dnat");
        self.end("dnat from", &dnat.from);
        if matches!(dnat.to.kind, ExprKind::List(_)) {
            self.add("dnat to several");
        }
        if matches!(dnat.into.kind, ExprKind::Fqdn(_)) {
            self.add("dnat into a name");
        }
        if dnat.into_port.is_some() {
            self.add("dnat into a port");
        }
        self.services(std::slice::from_ref(&dnat.service));
        self.clauses("dnat", &dnat.clauses);
    }

    fn services(&mut self, services: &[Svc]) {
        if services.len() > 1 {
            self.add("several services");
        }
        for service in services {
            let (proto, ports) = match service {
                Svc::Named(_) => {
                    self.add("declared service");
                    continue;
                }
                Svc::Proto { proto, ports } => (proto.node, ports),
            };
            self.add(match proto {
                Proto::Tcp => "tcp",
                Proto::Udp => "udp",
                Proto::Icmp => "icmp",
                Proto::Esp => "esp",
                Proto::Ah => "ah",
                Proto::Any => "any",
                Proto::Http => "http",
                Proto::Https => "https",
                Proto::Mssql => "mssql",
            });
            match ports {
                Some(ports) => {
                    if ports.ranges.len() > 1 {
                        self.add("several ports");
                    }
                    if ports.ranges.iter().any(|(first, last)| first < last) {
                        self.add("port range");
                    }
                }
                None if matches!(proto, Proto::Tcp | Proto::Udp) => self.add("all ports"),
                None => {}
            }
        }
    }

    fn end(&mut self, which: &str, expr: &Expr) {
        let what = match &expr.kind {
            ExprKind::Any => "any",
            ExprKind::Prefix(net) => {
                if net.addr().is_ipv6() {
                    self.add(format!("{which} IPv6"));
                }
                "prefix"
            }
            ExprKind::Address(_) => "address",
            ExprKind::Range(..) => "range",
            ExprKind::Fqdn(name) => {
                let text = name.source();
                match text.strip_prefix('*') {
                    Some(rest) if rest.starts_with('.') => "*.name",
                    Some(_) => "*name",
                    None => "name",
                }
            }
            ExprKind::Path(_) => "path",
            ExprKind::Call(call) => match call.kind.node {
                CallKind::Tag => match call.arg.source().as_str() {
                    "Internet" => "tag(Internet)",
                    "VirtualNetwork" => "tag(VirtualNetwork)",
                    "AzureLoadBalancer" => "tag(AzureLoadBalancer)",
                    _ => "tag",
                },
                CallKind::FqdnTag => "fqdn-tag",
                CallKind::IpGroup => "ip-group",
                CallKind::Asg => "asg",
                CallKind::Category => "category",
                CallKind::Url => "url",
                CallKind::Fqdn if call.within.is_some() => "fqdn(in)",
                CallKind::Fqdn => "fqdn(*)",
            },
            ExprKind::List(list) => {
                for element in &list.elements {
                    self.end(which, &element.node);
                }
                "list"
            }
            ExprKind::Except(base, _) => {
                self.end(which, base);
                "except"
            }
            ExprKind::Error => panic!("did not parse"),
        };
        self.add(format!("{which} {what}"));
    }

    fn clauses(&mut self, of: &str, clauses: &[Node<Clause>]) {
        for clause in clauses {
            let word = match &clause.node.kind {
                ClauseKind::For(_) => "for",
                ClauseKind::When(_) => "when",
                ClauseKind::At(layers) => {
                    for layer in layers {
                        let text = layer.text();
                        self.add(match text.as_str() {
                            "nsg" | "firewall" => format!("at {text}"),
                            _ => "at a name".to_owned(),
                        });
                    }
                    "at"
                }
                ClauseKind::Via(hop) => {
                    self.add(format!("via {}", hop.text()));
                    "via"
                }
                ClauseKind::Overrides(denies) => {
                    if denies.len() > 1 {
                        self.add("overrides several");
                    }
                    "overrides"
                }
                ClauseKind::Owner(_) => "owner",
                ClauseKind::Ticket(_) => "ticket",
                ClauseKind::Until(_) => "until",
                ClauseKind::Pin(_) => "pin",
                ClauseKind::Inspect => "inspect",
                ClauseKind::Header(..) => "header",
                ClauseKind::Name(_) => "name",
                ClauseKind::SourcePort(_) => "source-port",
            };
            self.add(format!("{of} {word}"));
        }
    }
}
