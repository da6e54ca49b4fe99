//! The flows of a random policy: what they do, for whom, with what clauses. The networks below them
//! are drawn in generate.rs.

use super::facts::TAGS;
use super::generate::{Dice, Maker, Shape};
use super::policy::{Declared, Dnat, Flow, Head, Part, Route, Service, Verb};

impl Maker {
    /// The next flow.
    pub(super) fn flow(&mut self, index: usize) {
        let denies: Vec<usize> = (0..self.policy.flows.len())
            .filter(|i| {
                let flow = &self.policy.flows[*i];
                flow.verb == Verb::Deny && !flow.ordered && self.policy.present(flow)
            })
            .collect();
        let roll = self.dice.below(100);
        let verb = match roll {
            0..20 if !denies.is_empty() => Verb::Exception(vec![*self.dice.pick(&denies)]),
            20..44 => Verb::Deny,
            44..53 => Verb::Forbid,
            _ => Verb::Allow,
        };
        if let Verb::Exception(list) = &verb {
            let mut exception = self.exception(index, verb.clone(), list[0]);
            let other = *self.dice.pick(&denies);
            if let Verb::Exception(list) = &mut exception.verb
                && !list.contains(&other)
                && self.dice.percent(45)
            {
                list.push(other);
            }
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
        let addresses = !from.iter().chain(&to).any(|p| p.is_name() || outside(p));
        let between = addresses && self.dice.percent(12);
        if from.len() > 1 && self.dice.percent(50) {
            from.truncate(1);
        }
        let at = self.layer(&to, allows);
        let inner = from.iter().chain(&to).all(|p| matches!(p, Part::Subnet(_)));
        let via = match self.dice.below(100) {
            0..3 if allows => Some("internet"),
            3..18 if allows && inner => Some("vnet"),
            _ => None,
        };
        let group = self.dice.below(3);
        let mut flow = Flow {
            between,
            at,
            via,
            ..plain(index, group, verb, services, from, to)
        };
        self.dress(&mut flow);
        self.policy.flows.push(flow);
    }

    /// A member of the one ordered group.
    pub(super) fn ordered(&mut self, index: usize) {
        self.flow(index);
        if let Some(flow) = self.policy.flows.last_mut() {
            if flow.verb != Verb::Allow {
                flow.verb = Verb::Deny;
                flow.clauses.clear();
            }
            flow.group = 3;
            flow.ordered = true;
            flow.at = None;
            flow.via = None;
            flow.need = None;
            flow.instance = false;
            flow.clauses.retain(|c| !c.starts_with("pin"));
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
                let own = if named { None } else { self.own_layer() };
                if own.is_some() {
                    own
                } else if named || self.shape != Shape::Plain && self.dice.percent(40) {
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
        let flat = |parts: &[Part]| -> Vec<Part> { parts.iter().flat_map(Part::plain).collect() };
        let from = narrow(&mut self.dice, &flat(&denied.from));
        let to = narrow(&mut self.dice, &flat(&denied.to));
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
        let group = self.dice.below(3);
        let subnets = !self.policy.subnets.is_empty();
        let layers = ["nsg".to_owned(), "firewall".to_owned()];
        let at = match self.shape {
            Shape::TwoFirewalls => denied.at,
            _ if subnets && self.dice.percent(10) => Some(self.dice.pick(&layers).clone()),
            _ => None,
        };
        Flow {
            at,
            source_ports: denied.source_ports,
            ..plain(index, group, verb, services, from, to)
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
        let ringed = [
            "10.10.0.0/16",
            "10.10.3.0/24",
            "10.20.5.0/24",
            "10.20.0.0/16",
        ];
        if self.shape == Shape::Ringed {
            Part::Range((self.dice.word(&ringed)).to_owned())
        } else if self.policy.subnets.is_empty() {
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
        if self.shape == Shape::Ringed && self.dice.percent(80) {
            return self.private();
        }
        match self.dice.below(100) {
            0..46 if subnets => self.some_subnet(),
            46..50 if !self.policy.ip_groups.is_empty() => self.ip_group(),
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
            95..98 if !firewalls => Part::Asg("web"),
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
        let premium = self.premium();
        let classic = self.policy.firewalls.iter().any(|f| f.classic);
        match self.dice.below(40) {
            0 => Part::Name("*"),
            1 | 2 => Part::NameTag("WindowsUpdate"),
            3 | 4 if !classic => Part::Category("Gambling"),
            5 => Part::NameWithin("db.contoso.com", "10.77.9.0/24"),
            6..11 if premium => Part::Url("www.fabrikam.com/a/*"),
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
            26..30 if !self.policy.ip_groups.is_empty() => self.ip_group(),
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
            !matches!(p, Part::NameTag(_) | Part::Category(_) | Part::Url(_))
                && !matches!(p, Part::Name(n) if n.starts_with('*'))
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
        match self.dice.below(24) {
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
            19..23 if self.shape == Shape::Plain && self.dice.percent(50) => {
                vec![(self.dice.word(&["esp", "ah"]), Vec::new())]
            }
            _ => vec![("tcp", vec![(443, 443), (8883, 8883)])],
        }
    }

    fn ip_group(&mut self) -> Part {
        let names: Vec<String> = self.policy.ip_groups.iter().map(|g| g.0.clone()).collect();
        Part::Group(self.dice.pick(&names).clone())
    }

    fn premium(&self) -> bool {
        let all = &self.policy.firewalls;
        !all.is_empty() && all.iter().all(|f| f.premium)
    }

    /// One security group or firewall by its own name.
    fn own_layer(&mut self) -> Option<String> {
        if !self.dice.percent(30) {
            return None;
        }
        let mut names: Vec<String> = self.policy.nsgs.iter().map(|n| n.name.clone()).collect();
        names.extend(self.policy.firewalls.iter().map(|f| f.name.clone()));
        (!names.is_empty()).then(|| self.dice.pick(&names).clone())
    }

    /// What may stand on a flow beside its core: conditions, source ports, declared names, clauses.
    fn dress(&mut self, flow: &mut Flow) {
        let allows = flow.verb == Verb::Allow;
        let named = flow.to.iter().any(Part::is_name);
        let filtered = self.shape == Shape::Plain || flow.at.as_deref() == Some("nsg");
        match self.dice.below(100) {
            0..4 if allows => flow.need = Some("required"),
            4..9 => {
                flow.need = Some("optional");
                flow.enabled = self.dice.percent(60);
            }
            _ => {}
        }
        if flow.enabled && self.policy.env.is_none() {
            self.policy.env = Some("prod");
        }
        if self.dice.percent(5) {
            flow.when = Some(self.dice.percent(60));
        }
        if !named && self.dice.percent(if filtered { 14 } else { 1 }) {
            let lists = [
                vec![(1024, 65_535)],
                vec![(500, 500)],
                vec![(123, 123), (4500, 4510)],
            ];
            flow.source_ports = self.dice.pick(&lists).clone();
            flow.services
                .retain(|(word, _)| matches!(*word, "tcp" | "udp"));
            if flow.services.is_empty() {
                flow.services.push(("tcp", vec![(443, 443)]));
            }
        }
        flow.named_services = self.dice.percent(5);
        flow.instance = flow.at.is_none() && !flow.between && self.dice.percent(4);
        for (end, parts) in [("from", &mut flow.from), ("to", &mut flow.to)] {
            if self.dice.percent(5) {
                let env = self.policy.env.is_some();
                let how = match self.dice.below(3) {
                    0 => Declared::Endpoint,
                    1 if env => Declared::Env,
                    _ => Declared::Param,
                };
                let name = format!("{end}-{}", flow.label);
                *parts = vec![Part::Named(how, name, std::mem::take(parts))];
            }
        }
        self.clauses(flow, allows, named);
    }

    fn clauses(&mut self, flow: &mut Flow, allows: bool, named: bool) {
        for clause in [
            "for \"A reason\"",
            "owner network",
            "ticket \"SEC 2\"",
            "until 2031-01-31",
        ] {
            if self.dice.percent(4) {
                flow.clauses.push(clause.to_owned());
            }
        }
        let index: usize = flow.label.trim_start_matches('f').parse().unwrap();
        let one = flow.to.len() == 1 && flow.services.len() == 1 && !named;
        if one && self.shape == Shape::Plain && self.dice.percent(15) {
            let band = match flow.verb {
                Verb::Forbid => 200,
                Verb::Deny => 1200,
                _ => 2500,
            };
            flow.clauses.push(format!("pin {}", band + 10 * index + 3));
        }
        if one && self.dice.percent(4) {
            flow.clauses.push(format!("name \"Rule-{index}\""));
        }
        let premium = self.premium();
        let url = |p: &Part| matches!(p, Part::Url(_));
        let opened = flow.to.iter().flat_map(Part::plain).any(|p| url(&p));
        if allows && named && premium && (opened || self.dice.percent(40)) {
            flow.services = vec![("https", Vec::new())];
            flow.clauses.push("inspect".to_owned());
            if self.dice.percent(60) {
                flow.clauses.push("header \"X-Asked\" = \"yes\"".to_owned());
            }
        }
    }

    /// What groups say for their members.
    pub(super) fn heads(&mut self) {
        for group in 1..3 {
            let used = self
                .policy
                .flows
                .iter()
                .any(|f| f.group == group && !f.instance);
            if !used || !self.dice.percent(20) {
                continue;
            }
            let overridden = |index: usize| {
                let mut flows = self.policy.flows.iter();
                flows.any(|f| matches!(&f.verb, Verb::Exception(list) if list.contains(&index)))
            };
            let free = (0..self.policy.flows.len())
                .all(|index| self.policy.flows[index].group != group || !overridden(index));
            let mut head = Head::default();
            if self.dice.percent(35) {
                head.when = Some(!free || self.dice.percent(60));
            }
            if self.dice.percent(15) && !self.policy.nsgs.is_empty() {
                head.at = Some("nsg".to_owned());
            }
            for clause in ["for \"Together\"", "owner \"a team\"", "ticket SEC-9"] {
                if self.dice.percent(30) {
                    head.clauses.push(clause.to_owned());
                }
            }
            self.policy.heads.insert(group, head);
        }
    }

    /// Translations at a firewall that has a public address.
    pub(super) fn dnats(&mut self) {
        let public: Vec<Vec<&str>> = self
            .policy
            .firewalls
            .iter()
            .map(|f| f.public.clone())
            .collect();
        let public: Vec<Vec<&str>> = public.into_iter().filter(|p| !p.is_empty()).collect();
        if public.is_empty() || !self.dice.percent(40) {
            return;
        }
        let count = 1 + self.dice.below(3);
        for index in 0..count {
            let Some(into) = self.target() else {
                return;
            };
            let (protocol, port) = *self.dice.pick(&[
                ("tcp", 443),
                ("tcp", 22),
                ("tcp", 8443),
                ("udp", 53),
                ("tcp", 80),
            ]);
            let mut to = self.dice.pick(&public).clone();
            if to.len() > 1 && self.dice.percent(60) {
                to.remove(self.dice.below(2));
            }
            let taken = |d: &Dnat| {
                d.protocol == protocol && d.port == port && d.to.iter().any(|ip| to.contains(ip))
            };
            if self.policy.dnats.iter().any(taken) {
                continue;
            }
            let from = self.outsider();
            let other = self.dice.percent(50);
            let into_port = other.then(|| *self.dice.pick(&[8443, 443, 2222, 80]));
            let mut clauses = Vec::new();
            for clause in ["for \"Published\"", "owner web", "until 2031-01-31"] {
                if self.dice.percent(15) {
                    clauses.push(clause.to_owned());
                }
            }
            self.policy.dnats.push(Dnat {
                label: format!("d{index}"),
                group: self.dice.below(3),
                protocol,
                port,
                from,
                to,
                into,
                into_port,
                clauses,
            });
            if self.dice.percent(12) {
                self.against(index);
            }
        }
    }

    /// A flow about the traffic of the last translation: what is asked for, or what arrives.
    fn against(&mut self, index: usize) {
        let Some(dnat) = self.policy.dnats.last().cloned() else {
            return;
        };
        let verb = if self.dice.percent(50) {
            Verb::Deny
        } else {
            Verb::Forbid
        };
        let inner = self.dice.percent(50);
        let from = if inner {
            Part::Range((self.dice.word(&["10.0.0.0/8", "10.0.1.0/28"])).to_owned())
        } else {
            Part::Range("8.8.8.0/25".to_owned())
        };
        let port = dnat.into_port.unwrap_or(dnat.port);
        let (to, port) = if inner {
            (Part::Range(dnat.into.clone()), port)
        } else if self.dice.percent(50) {
            (
                Part::Range((*dnat.to.first().unwrap()).to_owned()),
                dnat.port,
            )
        } else {
            (Part::Internet, dnat.port)
        };
        if to == Part::Range("db.contoso.com".to_owned()) {
            return;
        }
        let services = vec![(dnat.protocol, vec![(port, port)])];
        let index = 20 + index;
        let flow = plain(index, 0, verb, services, vec![from], vec![to]);
        self.policy.flows.push(flow);
    }

    fn target(&mut self) -> Option<String> {
        if self.dice.percent(4) {
            return Some("db.contoso.com".to_owned());
        }
        if self.policy.subnets.is_empty() || self.dice.percent(6) {
            return Some((self.dice.word(&["10.1.2.9", "10.1.0.4", "10.0.7.7"])).to_owned());
        }
        let prefixes: Vec<String> = self
            .policy
            .subnets
            .iter()
            .filter_map(|s| s.prefix.clone())
            .collect();
        if prefixes.is_empty() {
            return None;
        }
        let network = self
            .dice
            .pick(&prefixes)
            .rsplit_once('.')
            .unwrap()
            .0
            .to_owned();
        Some(format!("{network}.{}", 4 + self.dice.below(6)))
    }

    /// Who comes from outside.
    fn outsider(&mut self) -> Vec<Part> {
        let ranges = [
            "8.8.8.0/24",
            "23.45.64.0/20",
            "93.184.216.34",
            "51.10.0.0/16",
        ];
        let part = match self.dice.below(20) {
            0..8 => Part::Internet,
            8 => Part::Tag(self.dice.word(&TAGS)),
            9 | 10 => Part::Any,
            11..15 if !self.policy.ip_groups.is_empty() => self.ip_group(),
            15 => Part::Except(
                Box::new(Part::Range("23.45.64.0/20".to_owned())),
                vec!["23.45.65.0/24".to_owned()],
            ),
            16 => Part::Except(Box::new(Part::Internet), vec!["8.8.8.0/24".to_owned()]),
            _ => Part::Range((self.dice.word(&ranges)).to_owned()),
        };
        vec![part]
    }
}

/// A flow without anything beside its core.
fn plain(
    index: usize,
    group: usize,
    verb: Verb,
    services: Vec<Service>,
    from: Vec<Part>,
    to: Vec<Part>,
) -> Flow {
    Flow {
        label: format!("f{index}"),
        group,
        verb,
        services,
        from,
        to,
        between: false,
        at: None,
        via: None,
        ordered: false,
        need: None,
        enabled: false,
        when: None,
        source_ports: Vec::new(),
        named_services: false,
        instance: false,
        clauses: Vec::new(),
    }
}
