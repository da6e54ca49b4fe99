//! Random policies: small, of the shapes people build, mostly such as the compiler accepts. The same
//! seed gives the same policy. Here are their networks; their flows are drawn in flows.rs.

use super::facts::TAGS;
use super::policy::{Firewall, Nsg, Part, Policy, Route, Subnet, Table, Vnet};

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
pub(super) enum Shape {
    /// Neither subnet nor firewall: one firewall is implied.
    Implied,
    /// A firewall, no subnet.
    FirewallOnly,
    /// Two firewalls, no subnet: every flow says which.
    TwoFirewalls,
    /// Two firewalls, no subnet, two networks that each name one of them.
    Ringed,
    /// A hub with a firewall, spokes beside it.
    Hub,
    /// Two hubs with their spokes.
    TwoHubs,
    /// Subnets of one network, no firewall.
    Plain,
    /// Subnets, nothing said of networks, one firewall for at most one of them.
    Bare,
}

pub(super) struct Maker {
    pub(super) dice: Dice,
    pub(super) shape: Shape,
    pub(super) policy: Policy,
}

/// The policy of a seed.
pub(super) fn policy(seed: u64) -> Policy {
    made(seed).policy
}

/// The policy of a seed with what could draw more of it.
pub(super) fn made(seed: u64) -> Maker {
    let mut dice = Dice::new(seed);
    let shape = match dice.below(100) {
        0..12 => Shape::Implied,
        12..20 => Shape::FirewallOnly,
        20..24 => Shape::TwoFirewalls,
        24..28 => Shape::Ringed,
        28..70 => Shape::Hub,
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
    maker.ip_groups();
    maker.routes();
    if maker.dice.percent(15) {
        maker.policy.env = Some("prod");
    }
    let count = 2 + maker.dice.below(6);
    for index in 0..count {
        maker.flow(index);
    }
    let several = matches!(shape, Shape::TwoFirewalls | Shape::Ringed);
    if !several && maker.dice.percent(15) {
        let members = 2 + maker.dice.below(3);
        for index in count..count + members {
            maker.ordered(index);
        }
    }
    maker.heads();
    maker.dnats();
    maker.policy.moved = maker.dice.percent(5);
    maker.policy.assume = maker.dice.percent(5);
    maker.policy.test = maker.dice.percent(5);
    maker
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
                        firewall: None,
                    });
                }
            }
            Shape::TwoFirewalls => {
                self.firewall("fw", "10.0.1.4", None, false);
                self.firewall("fx", "10.128.1.4", None, false);
            }
            Shape::Ringed => {
                self.firewall("fw", "10.0.1.4", None, false);
                self.firewall("fx", "10.128.1.4", None, false);
                for (name, second, firewall) in [("west", 10, "fw"), ("east", 20, "fx")] {
                    self.vnet(name.to_owned(), second, Vec::new());
                    let vnet = self.policy.vnets.last_mut().unwrap();
                    vnet.firewall = Some(firewall.to_owned());
                    vnet.six = None;
                }
            }
            Shape::Hub => {
                self.hub("", 0, "fw", 4);
                self.gateway();
                if self.dice.percent(5) {
                    for vnet in &mut self.policy.vnets {
                        vnet.firewall = Some("fw".to_owned());
                    }
                }
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
        let classic = !implied && self.dice.percent(25);
        let premium = !implied && !classic && self.dice.percent(25);
        let closed = !implied && self.dice.percent(10);
        let public: &[&str] = match (implied, self.dice.below(10), name) {
            (true, ..) | (false, 0..3, _) => &[],
            (false, _, "fx") => &["20.50.60.80"],
            (false, 3..8, _) => &["20.50.60.70"],
            _ => &["20.50.60.70", "20.50.60.71"],
        };
        self.policy.firewalls.push(Firewall {
            name: name.to_owned(),
            address: address.to_owned(),
            subnet: vnet.map(|_| address.replace(".1.4", ".1.0/26")),
            vnet: vnet.map(str::to_owned),
            dns_proxy,
            implied,
            classic,
            premium,
            closed,
            public: public.to_vec(),
        });
    }

    fn vnet(&mut self, name: String, second: usize, peers: Vec<String>) {
        self.policy.vnets.push(Vnet {
            name,
            space: format!("10.{second}.0.0/16"),
            six: Some(format!("fd00:{second}::/48")),
            peers,
            gateway: false,
            firewall: None,
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
                bgp: match self.dice.below(12) {
                    0 => Some(false),
                    1 => Some(true),
                    _ => None,
                },
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
        let alone = six.is_some() && self.dice.percent(20);
        self.policy.subnets.push(Subnet {
            name: format!("s{index}"),
            vnet: (!vnet.is_empty()).then(|| vnet.to_owned()),
            prefix: (!alone).then(|| format!("10.{second}.{}.0/{length}", 4 + index)),
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
                let firewall = self.policy.firewalls.first().map(|f| f.name.clone());
                let (to, hop) = match self.dice.below(10) {
                    6 | 9 if self.policy.vnets.iter().any(|v| v.gateway) => {
                        (Part::Range("172.16.0.0/16".to_owned()), "gateway")
                    }
                    6 | 9 => (Part::Range("10.10.4.0/28".to_owned()), "vnet"),
                    7 | 8 if firewall.is_some() => (
                        Part::Range((self.dice.word(&["10.200.0.0/16", "8.8.8.8/32"])).to_owned()),
                        firewall.as_deref().unwrap_or("none"),
                    ),
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

    /// On-premises is reached from every network, or from none; its gateway's subnet may be declared,
    /// with a table that leads to the firewall or with none.
    fn gateway(&mut self) {
        if !self.dice.percent(30) {
            return;
        }
        for vnet in &mut self.policy.vnets {
            vnet.gateway = true;
        }
        if !self.dice.percent(50) {
            return;
        }
        let vnet = self.policy.vnets[0].clone();
        let firewall = self.policy.firewalls.first().map(|f| f.name.clone());
        let table = firewall.filter(|_| self.dice.percent(80)).map(|firewall| {
            let name = "tgw".to_owned();
            self.policy.tables.push(Table {
                name: name.clone(),
                default: None,
                bgp: None,
            });
            for (index, spoke) in self.policy.vnets.iter().skip(1).enumerate() {
                self.policy.routes.push(Route {
                    label: format!("gw{index}"),
                    to: Part::Range(spoke.space.clone()),
                    hop: firewall.clone(),
                    table: name.clone(),
                });
            }
            name
        });
        self.policy.gateway = Some(Subnet {
            name: "GatewaySubnet".to_owned(),
            prefix: Some(vnet.space.replace(".0.0/16", ".200.0/27")),
            vnet: Some(vnet.name),
            six: None,
            nsg: None,
            table,
            endpoints: Vec::new(),
        });
    }

    fn ip_groups(&mut self) {
        if !self.dice.percent(30) {
            return;
        }
        let lists: [&[&str]; 5] = [
            &["10.10.4.0/27", "10.20.5.0/24"],
            &["10.1.2.0/24", "172.16.8.1-172.16.8.9"],
            &["8.8.8.8", "23.45.64.0/20"],
            &["51.10.20.0/24"],
            &["192.168.7.0/24", "10.2.0.9"],
        ];
        for name in ["partners", "machines"] {
            let list = self.dice.pick(&lists).to_vec();
            self.policy.ip_groups.push((name.to_owned(), list));
        }
    }
}
