//! Random policies: small, of the shapes people build, mostly such as the compiler accepts. The same
//! seed gives the same policy.

use super::facts::TAGS;
use super::policy::{Firewall, Flow, Nsg, Part, Policy, Route, Service, Subnet, Table, Verb, Vnet};

/// A fixed sequence of numbers (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The sequence of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bf0_3635)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// True so many times in a hundred.
    pub(crate) fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    /// One of them.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

impl Dice {
    /// One of these words.
    pub(crate) fn word<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// The shapes of networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Neither subnet nor firewall: one firewall is implied.
    Implied,
    /// A firewall, no subnet.
    FirewallOnly,
    /// Two firewalls, no subnet: every flow says which.
    TwoFirewalls,
    /// A hub with a firewall, spokes beside it.
    Hub,
    /// Two hubs with their spokes.
    TwoHubs,
    /// Subnets of one network, no firewall.
    Plain,
    /// Subnets, nothing said of networks, one firewall for at most one of them.
    Bare,
}

struct Maker {
    dice: Dice,
    shape: Shape,
    policy: Policy,
}

/// The policy of a seed.
pub(super) fn policy(seed: u64) -> Policy {
    let mut dice = Dice::new(seed);
    let shape = match dice.below(100) {
        0..12 => Shape::Implied,
        12..20 => Shape::FirewallOnly,
        20..24 => Shape::TwoFirewalls,
        24..70 => Shape::Hub,
        70..78 => Shape::TwoHubs,
        78..94 => Shape::Plain,
        _ => Shape::Bare,
    };
    let mut maker = Maker {
        dice,
        shape,
        policy: Policy::default(),
    };
    maker.networks();
    maker.routes();
    let count = 2 + maker.dice.below(6);
    for index in 0..count {
        maker.flow(index);
    }
    if shape != Shape::TwoFirewalls && maker.dice.percent(15) {
        let members = 2 + maker.dice.below(3);
        for index in count..count + members {
            maker.ordered(index);
        }
    }
    maker.policy
}

impl Maker {
    fn networks(&mut self) {
        match self.shape {
            Shape::Implied => self.firewall("demo", "10.255.255.4", None, true),
            Shape::FirewallOnly => {
                self.firewall("fw", "10.0.1.4", None, false);
                if self.dice.percent(40) {
                    // Public addresses that are one's own are no part of the internet.
                    self.policy.vnets.push(Vnet {
                        name: "own".to_owned(),
                        space: "51.10.0.0/16".to_owned(),
                        six: None,
                        peers: Vec::new(),
                        gateway: false,
                    });
                }
            }
            Shape::TwoFirewalls => {
                self.firewall("fw", "10.0.1.4", None, false);
                self.firewall("fx", "10.128.1.4", None, false);
            }
            Shape::Hub => {
                self.hub("", 0, "fw", 4);
                self.gateway();
            }
            Shape::TwoHubs => {
                self.hub("", 0, "fw", 2);
                self.hub("x", 128, "fx", 2);
            }
            Shape::Plain => {
                let vnets = 1 + self.dice.below(2);
                for index in 0..vnets {
                    let peers = if index == 1 && self.dice.percent(70) {
                        vec!["net0".to_owned()]
                    } else {
                        Vec::new()
                    };
                    self.vnet(format!("net{index}"), 10 * (index + 1), peers);
                }
                if vnets == 1 {
                    self.gateway();
                }
                let subnets = 1 + self.dice.below(3);
                for index in 0..subnets {
                    let vnet = self.dice.below(vnets);
                    let default = match self.dice.below(6) {
                        0 => Some("none"),
                        1 | 2 => Some("internet"),
                        _ => None,
                    };
                    self.subnet(index, &format!("net{vnet}"), 10 * (vnet + 1), default, 75);
                }
            }
            Shape::Bare => {
                let subnets = 1 + self.dice.below(3);
                let firewall = subnets == 1 && self.dice.percent(60);
                if firewall {
                    self.firewall("fw", "10.0.1.4", None, false);
                }
                for index in 0..subnets {
                    let default = firewall.then_some("fw");
                    self.subnet(index, "", 10, default, 50);
                }
            }
        }
    }

    fn firewall(&mut self, name: &str, address: &str, vnet: Option<&str>, implied: bool) {
        let dns_proxy = !implied && self.dice.percent(60);
        self.policy.firewalls.push(Firewall {
            name: name.to_owned(),
            address: address.to_owned(),
            subnet: vnet.map(|_| address.replace(".1.4", ".1.0/26")),
            vnet: vnet.map(str::to_owned),
            dns_proxy,
            implied,
        });
    }

    fn vnet(&mut self, name: String, second: usize, peers: Vec<String>) {
        self.policy.vnets.push(Vnet {
            name,
            space: format!("10.{second}.0.0/16"),
            six: Some(format!("fd00:{second}::/48")),
            peers,
            gateway: false,
        });
    }

    fn hub(&mut self, mark: &str, base: usize, firewall: &str, most: usize) {
        let spokes = 1 + self.dice.below(2);
        let hub = format!("hub{mark}");
        let list = (0..spokes).map(|i| format!("spoke{mark}{i}")).collect();
        self.vnet(hub.clone(), base, list);
        for index in 0..spokes {
            // Now and then spokes are peered with each other too.
            let peers = if index == 1 && self.dice.percent(15) {
                vec![format!("spoke{mark}0")]
            } else {
                Vec::new()
            };
            self.vnet(
                format!("spoke{mark}{index}"),
                base + 10 * (index + 1),
                peers,
            );
        }
        self.firewall(firewall, &format!("10.{base}.1.4"), Some(&hub), false);
        let subnets = 1 + self.dice.below(most);
        let direct = self.dice.percent(12);
        for index in 0..subnets {
            let (vnet, second) = if self.dice.percent(12) {
                (hub.clone(), base)
            } else {
                let spoke = self.dice.below(spokes);
                (format!("spoke{mark}{spoke}"), base + 10 * (spoke + 1))
            };
            let default = if direct && self.dice.percent(50) {
                *self.dice.pick(&[None, Some("internet")])
            } else {
                Some(firewall)
            };
            self.subnet(
                self.policy.subnets.len().max(index),
                &vnet,
                second,
                default,
                15,
            );
        }
    }

    fn subnet(
        &mut self,
        index: usize,
        vnet: &str,
        second: usize,
        default: Option<&str>,
        open: usize,
    ) {
        let with_nsg = self.dice.percent(92);
        let shared = self.dice.percent(15);
        let nsg = match (with_nsg, shared, self.policy.nsgs.last()) {
            (false, ..) => None,
            (true, true, Some(last)) => Some(last.name.clone()),
            _ => {
                let name = format!("n{index}");
                let mut default = || match self.dice.below(10) {
                    0..6 => Some(true),
                    6 => Some(false),
                    _ => None,
                };
                let (inbound, outbound) = (default(), default());
                let open = self.dice.percent(open);
                self.policy.nsgs.push(Nsg {
                    name: name.clone(),
                    inbound,
                    outbound,
                    open,
                });
                Some(name)
            }
        };
        let table = default.map(|hop| {
            let last = self.policy.tables.last();
            let fits = last.is_some_and(|t| t.default.as_deref() == Some(hop));
            if fits && self.dice.percent(40) {
                return self.policy.tables.last().unwrap().name.clone();
            }
            let name = format!("t{index}");
            self.policy.tables.push(Table {
                name: name.clone(),
                default: Some(hop.to_owned()),
            });
            name
        });
        let endpoints = if self.dice.percent(6) {
            vec!["Microsoft.KeyVault"]
        } else {
            Vec::new()
        };
        let length = self.dice.word(&["24", "27", "28"]);
        let six = self
            .dice
            .percent(20)
            .then(|| format!("fd00:{second}:0:{}::/64", 4 + index));
        self.policy.subnets.push(Subnet {
            name: format!("s{index}"),
            vnet: (!vnet.is_empty()).then(|| vnet.to_owned()),
            prefix: format!("10.{second}.{}.0/{length}", 4 + index),
            six,
            nsg,
            table,
            endpoints,
        });
    }

    fn routes(&mut self) {
        for table in self.policy.tables.clone() {
            for which in 0..2 {
                if !self.dice.percent(20) {
                    continue;
                }
                let (to, hop) = match self.dice.below(6) {
                    0..3 => (Part::Tag(self.dice.word(&TAGS)), "internet"),
                    3 => (Part::Range("51.10.0.0/16".to_owned()), "internet"),
                    4 => (Part::Range("51.10.20.0/24".to_owned()), "none"),
                    _ => (Part::Range("10.200.0.0/16".to_owned()), "none"),
                };
                self.policy.routes.push(Route {
                    label: format!("r{}{which}", table.name),
                    to,
                    hop: hop.to_owned(),
                    table: table.name,
                });
                break;
            }
        }
    }

    fn flow(&mut self, index: usize) {
        let denies: Vec<usize> = (0..self.policy.flows.len())
            .filter(|i| self.policy.flows[*i].verb == Verb::Deny && !self.policy.flows[*i].ordered)
            .collect();
        let roll = self.dice.below(100);
        let verb = match roll {
            0..20 if !denies.is_empty() => Verb::Exception(vec![*self.dice.pick(&denies)]),
            20..44 => Verb::Deny,
            44..53 => Verb::Forbid,
            _ => Verb::Allow,
        };
        if let Verb::Exception(list) = &verb {
            let exception = self.exception(index, verb.clone(), list[0]);
            self.policy.flows.push(exception);
            return;
        }
        let allows = verb == Verb::Allow;
        let mut from = self.source(allows);
        let mut to = self.destination(allows);
        // Traffic that starts outside has to end in a subnet, or in nothing that is judged.
        let outside = |p: &Part| matches!(p, Part::Tag(_) | Part::Internet | Part::Any);
        if !self.policy.subnets.is_empty() && from.iter().any(outside) && allows {
            to = vec![self.some_subnet()];
            if self.dice.percent(80) {
                self.reply_route(&from, &to);
            }
        }
        let services = self.services(&to, allows);
        let plain = !from.iter().chain(&to).any(|p| p.is_name() || outside(p));
        let between = plain && self.dice.percent(12);
        if from.len() > 1 && self.dice.percent(50) {
            from.truncate(1);
        }
        let at = self.layer(&to, allows);
        let via = (allows && self.dice.percent(3)).then_some("internet");
        self.policy.flows.push(Flow {
            label: format!("f{index}"),
            group: self.dice.below(3),
            verb,
            services,
            from,
            to,
            between,
            at,
            via,
            ordered: false,
        });
    }

    /// On-premises is reached from every network, or from none.
    fn gateway(&mut self) {
        if self.dice.percent(30) {
            for vnet in &mut self.policy.vnets {
                vnet.gateway = true;
            }
        }
    }

    /// A member of the one ordered group.
    fn ordered(&mut self, index: usize) {
        self.flow(index);
        if let Some(flow) = self.policy.flows.last_mut() {
            if flow.verb != Verb::Allow {
                flow.verb = Verb::Deny;
            }
            flow.group = 3;
            flow.ordered = true;
            flow.at = None;
            flow.via = None;
        }
    }

    fn layer(&mut self, to: &[Part], allows: bool) -> Option<String> {
        match self.shape {
            Shape::TwoFirewalls => Some((self.dice.word(&["fw", "fx"])).to_owned()),
            Shape::TwoHubs if self.dice.percent(50) => None,
            Shape::Hub | Shape::Plain | Shape::TwoHubs => {
                let share = if allows { 5 } else { 14 };
                if !self.dice.percent(share) {
                    return None;
                }
                let named = to.iter().any(Part::is_name);
                if named || self.shape != Shape::Plain && self.dice.percent(40) {
                    Some("firewall".to_owned())
                } else {
                    Some("nsg".to_owned())
                }
            }
            _ => None,
        }
    }

    /// What enters from a tag past the firewall needs its reply to leave so.
    fn reply_route(&mut self, from: &[Part], to: &[Part]) {
        let Some(Part::Subnet(name)) = to.first() else {
            return;
        };
        let subnet = self.policy.subnet(name).clone();
        let Some(table) = subnet.table else {
            return;
        };
        let through =
            self.policy.tables.iter().any(|t| {
                t.name == table && t.default.as_deref().is_some_and(|d| d.starts_with('f'))
            });
        if !through {
            return;
        }
        for part in from {
            let there = |r: &Route| r.table == table && r.to == *part;
            if matches!(part, Part::Tag(tag) if *tag != "AzureLoadBalancer")
                && !self.policy.routes.iter().any(there)
            {
                self.policy.routes.push(Route {
                    label: format!("back{}", self.policy.routes.len()),
                    to: part.clone(),
                    hop: "internet".to_owned(),
                    table: table.clone(),
                });
            }
        }
    }

    fn exception(&mut self, index: usize, verb: Verb, deny: usize) -> Flow {
        let denied = self.policy.flows[deny].clone();
        let narrow = |dice: &mut Dice, parts: &[Part]| -> Vec<Part> {
            let chosen = dice.pick(parts).clone();
            vec![match &chosen {
                Part::Range(text) if text.ends_with(".0/24") && dice.percent(60) => {
                    Part::Range(text.replace(".0/24", ".32/27"))
                }
                Part::Range(text) if text.ends_with(".0.0/16") && dice.percent(60) => {
                    Part::Range(text.replace(".0.0/16", ".7.0/24"))
                }
                Part::Internet if dice.percent(60) => Part::Tag(dice.word(&TAGS)),
                Part::Name("*.contoso.com") if dice.percent(50) => Part::Name("a.b.contoso.com"),
                _ => chosen,
            }]
        };
        let from = narrow(&mut self.dice, &denied.from);
        let to = narrow(&mut self.dice, &denied.to);
        let mut services = vec![self.dice.pick(&denied.services).clone()];
        if let [(word @ ("tcp" | "udp"), ports)] = services.as_mut_slice() {
            let word = *word;
            if ports.is_empty() {
                services = vec![(word, vec![(443, 443)])];
            } else if self.dice.percent(50) {
                let one = self.dice.pick(ports).0;
                services = vec![(word, vec![(one, one)])];
            }
        }
        Flow {
            label: format!("f{index}"),
            group: self.dice.below(3),
            verb,
            services,
            from,
            to,
            between: false,
            at: if self.shape == Shape::TwoFirewalls {
                denied.at
            } else {
                None
            },
            via: None,
            ordered: false,
        }
    }

    fn some_subnet(&mut self) -> Part {
        let names: Vec<String> = self.policy.subnets.iter().map(|s| s.name.clone()).collect();
        Part::Subnet(self.dice.pick(&names).clone())
    }

    fn private(&mut self) -> Part {
        let texts = [
            "10.10.0.0/16",
            "10.20.0.0/16",
            "10.10.4.0/24",
            "10.10.4.0/27",
            "10.10.4.3-10.10.5.9",
            "10.20.5.0/24",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "172.16.8.0/24",
            "192.168.0.0/16",
            "192.168.7.0/24",
            "10.10.4.5",
        ];
        let free = [
            "10.1.0.0/16",
            "10.1.2.0/24",
            "10.0.0.0/8",
            "10.2.0.9",
            "172.16.0.0-172.16.9.255",
        ];
        if self.policy.subnets.is_empty() {
            Part::Range((self.dice.word(&free)).to_owned())
        } else {
            Part::Range((self.dice.word(&texts)).to_owned())
        }
    }

    fn source(&mut self, allows: bool) -> Vec<Part> {
        let many = if self.dice.percent(18) { 2 } else { 1 };
        (0..many).map(|_| self.one_source(allows)).collect()
    }

    fn one_source(&mut self, allows: bool) -> Part {
        let subnets = !self.policy.subnets.is_empty();
        let firewalls = !self.policy.firewalls.is_empty();
        match self.dice.below(100) {
            0..50 if subnets => self.some_subnet(),
            0..62 => self.private(),
            62..70 => Part::Except(
                Box::new(match self.dice.below(3) {
                    0 if subnets => self.some_subnet(),
                    1 => Part::Range("10.0.0.0/8".to_owned()),
                    _ => self.private(),
                }),
                vec!["10.10.4.8/29".to_owned(), "10.1.2.0/24".to_owned()],
            ),
            70..78 if subnets => Part::Network,
            78..83 if subnets => Part::Tag("AzureLoadBalancer"),
            83..89 if subnets && (allows || !firewalls) => Part::Tag(self.dice.word(&TAGS)),
            89..91 if subnets && !firewalls => Part::Internet,
            91..95 if !allows => Part::Any,
            95..98 if !subnets => Part::Any,
            _ if subnets => self.some_subnet(),
            _ => self.private(),
        }
    }

    fn destination(&mut self, allows: bool) -> Vec<Part> {
        let names = match self.shape {
            Shape::Plain => 12,
            _ if allows => 30,
            _ => 15,
        };
        let many = if self.dice.percent(30) { 2 } else { 1 };
        if self.dice.percent(names) {
            return (0..many).map(|_| self.name()).collect();
        }
        let mut out: Vec<Part> = (0..many).map(|_| self.one_destination()).collect();
        if allows && self.dice.percent(5) {
            out.push(self.name());
        }
        out
    }

    fn name(&mut self) -> Part {
        let list = [
            "www.contoso.com",
            "*.contoso.com",
            "*contoso.com",
            "api.fabrikam.com",
            "*.fabrikam.com",
            "login.example.org",
            "www.fabrikam.com",
            "contoso.com",
        ];
        match self.dice.below(40) {
            0 => Part::Name("*"),
            1 | 2 => Part::NameTag("WindowsUpdate"),
            _ => Part::Name(self.dice.word(&list)),
        }
    }

    fn one_destination(&mut self) -> Part {
        let subnets = !self.policy.subnets.is_empty();
        let public = [
            "51.10.0.0/16",
            "51.10.20.0/24",
            "8.8.8.8",
            "2606:2800:220::/48",
            "51.10.19.250-51.10.20.9",
        ];
        match self.dice.below(100) {
            0..30 => Part::Tag(self.dice.word(&TAGS)),
            30..42 => Part::Internet,
            42..60 if subnets => self.some_subnet(),
            42..70 => Part::Range((self.dice.word(&public)).to_owned()),
            70..82 => self.private(),
            82..87 if subnets => Part::Network,
            87..91 => Part::Any,
            91..94 => Part::Except(Box::new(Part::Internet), vec!["51.10.20.0/24".to_owned()]),
            94..96 => Part::Except(Box::new(Part::Any), vec!["10.0.0.0/8".to_owned()]),
            _ if subnets => self.some_subnet(),
            _ => Part::Tag(self.dice.word(&TAGS)),
        }
    }

    fn services(&mut self, to: &[Part], allows: bool) -> Vec<Service> {
        let names = to.iter().any(Part::is_name);
        let addresses = to.iter().any(|p| !p.is_name());
        let exact = to.iter().all(|p| {
            !matches!(p, Part::NameTag(_)) && !matches!(p, Part::Name(n) if n.starts_with('*'))
        });
        let proxy = self.policy.firewalls.iter().all(|f| f.dns_proxy);
        let one = |port| vec![(port, port)];
        if names {
            let pick = self.dice.below(if exact && proxy { 11 } else { 7 });
            return match pick {
                0 => vec![("tcp", one(443))],
                1 => vec![("tcp", vec![(80, 80), (443, 443)])],
                2 if !addresses || allows => vec![("https", Vec::new())],
                3 if !addresses || allows => vec![("http", Vec::new()), ("https", one(8443))],
                4 if !addresses || allows => vec![("mssql", Vec::new())],
                7 => vec![("tcp", one(8883))],
                8 if allows => vec![("udp", one(123))],
                9 => vec![("tcp", vec![(443, 443), (5671, 5672)])],
                10 if allows => vec![("tcp", one(443)), ("udp", one(443))],
                _ => vec![("tcp", one(443))],
            };
        }
        match self.dice.below(22) {
            0..4 => vec![("tcp", one(443))],
            4 => vec![("tcp", vec![(80, 80), (443, 443)])],
            5 => vec![("tcp", vec![(6381, 6383)])],
            6 => vec![("tcp", one(22))],
            7 => vec![("udp", one(53))],
            8 => vec![("tcp", one(443)), ("udp", one(443))],
            9 => vec![("any", Vec::new())],
            10 => vec![("icmp", Vec::new())],
            11 => vec![("tcp", Vec::new())],
            12 => vec![("tcp", vec![(1, 1023)])],
            13 => vec![("tcp", vec![(8000, 8080), (9000, 9000)])],
            14 => vec![("udp", Vec::new())],
            15 => vec![("tcp", one(1433)), ("icmp", Vec::new())],
            16 if allows => vec![("https", Vec::new())],
            17 if allows => vec![("http", Vec::new()), ("mssql", Vec::new())],
            18 => vec![("tcp", one(53)), ("udp", one(53))],
            _ => vec![("tcp", vec![(443, 443), (8883, 8883)])],
        }
    }
}
