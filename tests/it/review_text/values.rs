//! Differences as data, written by hand. No policy is compared here.

use indexmap::IndexMap;
use portcullis::diff::told::{
    BlastRadius, Cause, CausingFlow, Change, Counts, Difference, Elsewhere, End,
    EnvironmentSummary, Expiring, Factor, Fate, Finding, Hop, Kind, Level, Names, Outcome, Pattern,
    Risk, RiskCount, RuleCounts, SCHEMA, Side, Summary, Tests, Tool, Touched, Traffic, Witness,
};
use portcullis::packet::Verdict;
use portcullis::review::rules::{Kept, RuleBlock, RuleLine, Rules, Sign};

pub(super) fn end(label: Option<&str>, short: &str, prefixes: &[&str]) -> End {
    End {
        label: label.map(str::to_owned),
        short: short.to_owned(),
        prefixes: prefixes.iter().map(|p| (*p).to_owned()).collect(),
        ipv4: "1".to_owned(),
        ipv6: "0".to_owned(),
        ..End::default()
    }
}

pub(super) fn any_name() -> Names {
    Names {
        short: "any".to_owned(),
        none: true,
        patterns: vec![Pattern {
            pattern: "*".to_owned(),
            except: Vec::new(),
        }],
        ..Names::default()
    }
}

fn words(of: &[&str]) -> Vec<String> {
    of.iter().map(|one| (*one).to_owned()).collect()
}

pub(super) fn factor(name: &'static str, text: &str, points: i32) -> Factor {
    Factor {
        name,
        text: text.to_owned(),
        points,
    }
}

pub(super) fn risk(level: Level, score: u32, factors: Vec<Factor>) -> Risk {
    Risk {
        level,
        score,
        factors,
    }
}

fn denied() -> Fate {
    Fate {
        verdict: Some(Verdict::Deny),
        text: "denied: firewall default".to_owned(),
        path: vec![Hop {
            layer: "firewall".to_owned(),
            resource: "afwp-hub".to_owned(),
            rule: "default".to_owned(),
            verdict: "deny".to_owned(),
            ..Hop::default()
        }],
    }
}

pub(super) fn allowed(rule: &str, nsg: Option<(&str, u32)>) -> Fate {
    let mut path = Vec::new();
    if let Some((resource, priority)) = nsg {
        path.push(Hop {
            layer: "nsg".to_owned(),
            resource: resource.to_owned(),
            direction: Some("outbound".to_owned()),
            rule: rule.to_owned(),
            priority: Some(priority),
            verdict: "allow".to_owned(),
            ..Hop::default()
        });
        path.push(Hop {
            layer: "route".to_owned(),
            resource: "rt-spokes".to_owned(),
            rule: "default".to_owned(),
            next_hop: Some("azfw".to_owned()),
            ..Hop::default()
        });
    }
    path.push(Hop {
        layer: "firewall".to_owned(),
        resource: "afwp-hub".to_owned(),
        rule: rule.to_owned(),
        verdict: "allow".to_owned(),
        ..Hop::default()
    });
    Fate {
        verdict: Some(Verdict::Allow),
        text: format!("allowed: firewall rule {rule}"),
        path,
    }
}

pub(super) fn witness(
    environment: &str,
    protocol: &str,
    from: &str,
    to: &str,
    port: u16,
) -> Witness {
    Witness {
        environment: environment.to_owned(),
        protocol: protocol.to_owned(),
        source_ip: from.to_owned(),
        source_port: None,
        destination_ip: to.to_owned(),
        destination_port: Some(port),
        fqdn: None,
        text: format!("{protocol} {from} -> {to}:{port}"),
        explain: Some(format!(
            "portcullis explain {protocol} {from} {to}:{port} -e {environment}"
        )),
    }
}

pub(super) fn change(
    id: &str,
    kind: Kind,
    environments: &[&str],
    traffic: Traffic,
    witness: Witness,
) -> Change {
    Change {
        id: id.to_owned(),
        change: kind,
        led: None,
        caused_by: Cause::Policy,
        environments: words(environments),
        traffic,
        already: Vec::new(),
        elsewhere: indexmap::IndexMap::new(),
        exact: true,
        assuming: Vec::new(),
        required_lost: false,
        accepted: false,
        risk: risk(Level::Info, 0, Vec::new()),
        witness,
        before: denied(),
        after: denied(),
        causes: Vec::new(),
    }
}

pub(super) fn cause(flow: &str, side: &str, edit: &str, file: &str, line: u32) -> CausingFlow {
    CausingFlow {
        flow: flow.to_owned(),
        side: side.to_owned(),
        edit: edit.to_owned(),
        file: file.to_owned(),
        line,
        also: None,
        ..CausingFlow::default()
    }
}

pub(super) fn traffic(services: &[&str], source: End, destination: End, names: Names) -> Traffic {
    Traffic {
        services: words(services),
        protocols: words(&["tcp"]),
        ports: vec![(443, 443)],
        source_ports: vec![(1, 65535)],
        source,
        destination,
        names,
        assuming: Vec::new(),
    }
}

/// A difference of these regions, its summary counted from them.
pub(super) fn difference(semantic: Vec<Change>, environments: &[(&str, RuleCounts)]) -> Difference {
    let mut total = Counts::default();
    let mut risk = RiskCount::default();
    let mut by: IndexMap<String, EnvironmentSummary> = environments
        .iter()
        .map(|(name, rules)| {
            let one = EnvironmentSummary {
                rules: *rules,
                tests: Some(Tests {
                    passed: 14,
                    failed: 0,
                }),
                ..EnvironmentSummary::default()
            };
            ((*name).to_owned(), one)
        })
        .collect();
    for one in &semantic {
        count(&mut total, one);
        for name in &one.environments {
            let of = by.entry(name.clone()).or_default();
            count(&mut of.regions, one);
            if one.change.widens() && !one.accepted {
                of.risk = of.risk.max(Some(one.risk.level));
            }
        }
        if one.change.widens() && !one.accepted {
            risk.max = risk.max.max(Some(one.risk.level));
            risk.score = risk.score.max(one.risk.score);
            match one.risk.level {
                Level::High => risk.high += 1,
                Level::Medium => risk.medium += 1,
                _ => risk.low += 1,
            }
        }
    }
    let widened = total.newly_allowed + total.newly_bypassing > 0;
    let narrowed = total.no_longer_allowed + total.newly_passing > 0;
    let rules = environments
        .iter()
        .any(|(_, r)| *r != RuleCounts::default());
    let verdict = match (widened, narrowed) {
        (true, true) => Outcome::Mixed,
        (true, false) => Outcome::Widened,
        (false, true) => Outcome::Narrowed,
        _ if total.undecided > 0 => Outcome::Undecided,
        _ if rules => Outcome::SameTraffic,
        _ => Outcome::Same,
    };
    let side = |name: &str, commit: &str| Side {
        name: name.to_owned(),
        commit: Some(commit.to_owned()),
        hash: format!("sha256:{commit}"),
        catalog: "2026-11-16".to_owned(),
    };
    Difference {
        schema: SCHEMA,
        tool: Tool {
            name: "portcullis",
            version: "0.4.0",
            catalog: "2026-11-16".to_owned(),
            as_of: Some("2026-11-23".to_owned()),
        },
        project: "hub".to_owned(),
        old: side("origin/main", "4f1c2ab8d1"),
        new: side("HEAD", "9d07e31c55"),
        summary: Summary {
            verdict,
            risk,
            regions: total,
            environments: by,
            blast_radius: BlastRadius::default(),
        },
        semantic,
        textual: Vec::new(),
        moved: Vec::new(),
        order: Vec::new(),
        expiring: Vec::new(),
        diagnostics: Vec::new(),
        notes: Vec::new(),
    }
}

fn count(into: &mut Counts, one: &Change) {
    match one.change {
        Kind::NewlyAllowed => into.newly_allowed += 1,
        Kind::NewlyBypassing => into.newly_bypassing += 1,
        Kind::Redirected => into.redirected += 1,
        Kind::NoLongerAllowed => into.no_longer_allowed += 1,
        Kind::NewlyPassing => into.newly_passing += 1,
        Kind::Undecided => into.undecided += 1,
    }
    into.required_lost += usize::from(one.required_lost);
    into.accepted += usize::from(one.accepted);
    into.by_data += usize::from(one.caused_by == Cause::Data);
}

fn touched(kind: &str, touched: usize, total: usize) -> Touched {
    Touched {
        kind: kind.to_owned(),
        touched,
        total,
    }
}

/// A pull request that drops an `except`, opens RDP in dev, adds a feed, ends an exception, renames a flow.
pub(super) fn pull_request() -> (Difference, Rules) {
    let avd = end(Some("avd"), "desktops avd", &["10.40.32.0/22"]);
    let aks = end(Some("aks"), "nodes aks", &["10.30.0.0/22"]);
    let mut dropped = change(
        "sem-7c1f0a44",
        Kind::NewlyAllowed,
        &["prod", "dev"],
        traffic(
            &["tcp/80", "tcp/443"],
            avd,
            end(None, "172.31.0.0/16", &["172.31.0.0/16"]),
            any_name(),
        ),
        witness("prod", "tcp", "10.40.32.4", "172.31.0.1", 443),
    );
    dropped.risk = risk(
        Level::High,
        72,
        vec![
            factor(
                "addresses_opened",
                "65,536 private addresses newly reachable",
                40,
            ),
            factor(
                "destination_private",
                "private addresses outside declared subnets",
                20,
            ),
            factor("except_dropped", "an `except` was dropped", 12),
        ],
    );
    dropped.after = allowed("avd-egress-intranet", Some(("nsg-avd", 2380)));
    let mut intranet = cause("avd-egress::intranet", "new", "changed", "hub.gate", 90);
    intranet.purpose = Some("intranet sites".to_owned());
    intranet.owner = Some("team-desktop".to_owned());
    dropped.causes = vec![intranet];

    let mut rdp = change(
        "sem-b1908f21",
        Kind::NewlyAllowed,
        &["dev"],
        traffic(
            &["tcp/3389"],
            end(
                Some("ipg-corp-offices"),
                "offices ipg-corp-offices",
                &["172.20.0.0/16"],
            ),
            aks.clone(),
            any_name(),
        ),
        witness("dev", "tcp", "172.20.0.9", "10.30.0.4", 3389),
    );
    rdp.risk = risk(
        Level::Medium,
        41,
        vec![
            factor("admin_port", "administrative port 3389", 25),
            factor("addresses_opened", "1,024 addresses newly reachable", 16),
        ],
    );
    rdp.after = allowed("aks-egress-debug", None);
    rdp.causes = vec![cause("aks-egress::debug", "new", "changed", "hub.gate", 76)];

    let mut most = end(
        None,
        "any except [10.0.0.0/8, 4.144.10.32/27, and 49 more]",
        &["1.0.0.0/8", "2.0.0.0/7", "128.0.0.0/1"],
    );
    most.ipv4 = "4261412864".to_owned();
    let mut feeds = change(
        "sem-0d34c7e9",
        Kind::NewlyAllowed,
        &["prod", "dev"],
        traffic(
            &["https/443"],
            aks,
            most,
            Names {
                short: "quay.io, *.quay.io".to_owned(),
                patterns: vec![
                    Pattern {
                        pattern: "quay.io".to_owned(),
                        except: Vec::new(),
                    },
                    Pattern {
                        pattern: "*.quay.io".to_owned(),
                        except: Vec::new(),
                    },
                ],
                ..Names::default()
            },
        ),
        Witness {
            fqdn: Some("cdn01.quay.io".to_owned()),
            text: "https 10.30.0.4 -> cdn01.quay.io:443".to_owned(),
            explain: Some(
                "portcullis explain https 10.30.0.4 cdn01.quay.io:443 -e prod".to_owned(),
            ),
            ..witness("prod", "https", "10.30.0.4", "203.0.113.77", 443)
        },
    );
    feeds.risk = risk(
        Level::Low,
        18,
        vec![
            factor("wildcard_name", "new wildcard `*.quay.io`", 10),
            factor("until_soon", "expires 2027-03-31", -8),
        ],
    );
    feeds.after = allowed("aks-egress-feeds", None);
    let mut by = cause("aks-egress::feeds", "new", "changed", "hub.gate", 73);
    by.until = Some("2027-03-31".to_owned());
    by.ticket = Some("NET-1204".to_owned());
    feeds.causes = vec![by];

    let mut ftp = change(
        "sem-1b90ee02",
        Kind::NoLongerAllowed,
        &["prod", "dev"],
        traffic(
            &["tcp/21"],
            end(None, "10.80.1.10", &["10.80.1.10/32"]),
            end(Some("backup-vendor"), "203.0.113.0/28", &["203.0.113.0/28"]),
            any_name(),
        ),
        witness("prod", "tcp", "10.80.1.10", "203.0.113.0", 21),
    );
    ftp.before = allowed("exceptions-vendor-ftp", Some(("nsg-backup", 1040)));
    let mut by = cause(
        "exceptions::vendor-ftp",
        "old",
        "removed",
        "baseline.gate",
        47,
    );
    by.ticket = Some("SEC-377".to_owned());
    by.until = Some("2026-12-31".to_owned());
    ftp.causes = vec![by];

    let counts = |changed| RuleCounts {
        removed: 2,
        changed,
        renamed: 2,
        ..RuleCounts::default()
    };
    let mut told = difference(
        vec![dropped, rdp, feeds, ftp],
        &[("prod", counts(3)), ("dev", counts(4))],
    );
    told.summary.blast_radius = BlastRadius {
        resources: vec![
            touched("rule_collection_group", 4, 9),
            touched("nsg", 2, 4),
            touched("route_table", 0, 3),
        ],
        deploy_minutes: Some((12, 20)),
    };
    told.expiring = vec![Expiring {
        until: "2027-01-31".to_owned(),
        flow: "exceptions::apim-git".to_owned(),
        owner: Some("team-integration".to_owned()),
        ticket: Some("SEC-311".to_owned()),
        file: "baseline.gate".to_owned(),
        line: 52,
    }];
    told.diagnostics = vec![
        Finding {
            code: "PC6009".to_owned(),
            level: "warning".to_owned(),
            message: "`*.quay.io` covers a shared hosting domain".to_owned(),
            file: "hub.gate".to_owned(),
            line: 73,
            new: true,
        },
        Finding {
            code: "PC5009".to_owned(),
            level: "note".to_owned(),
            message: "`corp-deny::social` and `corp-allow::identity` may overlap".to_owned(),
            file: "baseline.gate".to_owned(),
            line: 20,
            new: false,
        },
    ];
    told.notes = vec![
        "connections that are open while rules change may live on until they are idle".to_owned(),
    ];
    (told, pull_request_rules())
}

fn block(environment: &str, heading: &str, lines: &[(Sign, &str)]) -> RuleBlock {
    RuleBlock {
        environment: environment.to_owned(),
        heading: heading.to_owned(),
        lines: lines
            .iter()
            .map(|(sign, text)| RuleLine {
                sign: *sign,
                text: (*text).to_owned(),
            })
            .collect(),
    }
}

fn pull_request_rules() -> Rules {
    let mut blocks = Vec::new();
    for environment in ["prod", "dev"] {
        blocks.push(block(
            environment,
            "firewall afwp-hub / pc-10-exception-baseline-exceptions (5400) / net-allow (200)",
            &[(
                Sign::Removed,
                "exceptions-vendor-ftp     Allow TCP 10.80.1.10 -> 203.0.113.0/28:21",
            )],
        ));
        blocks.push(block(
            environment,
            "firewall afwp-hub / pc-30-allow-hub-aks-egress (20300) / app-allow (300)",
            &[(
                Sign::Changed,
                "aks-egress-feeds          targetFqdns  + *.quay.io  + quay.io",
            )],
        ));
        blocks.push(block(
            environment,
            "nsg nsg-avd outbound",
            &[
                (
                    Sign::Changed,
                    "2380 avd-egress-intranet  destinationAddressPrefixes  - 172.16.0.0/13  + 172.16.0.0/12",
                ),
                (Sign::Changed, "2790 common-dns -> common-names (priority kept)"),
            ],
        ));
        if environment == "dev" {
            blocks.push(block(
                environment,
                "firewall afwp-hub / pc-30-allow-hub-aks-egress (20300) / net-allow (200)",
                &[(
                    Sign::Changed,
                    "aks-egress-debug          destinationPorts  22 -> 22,3389",
                )],
            ));
        }
    }
    Rules {
        blocks,
        kept: vec![Kept {
            same: true,
            was: "common::dns".to_owned(),
            now: Some("common::names".to_owned()),
            how: "renamed with `moved`, priorities kept".to_owned(),
        }],
    }
}

/// Nothing differs.
pub(super) fn nothing() -> (Difference, Rules) {
    let none = RuleCounts::default();
    (difference(Vec::new(), &[("prod", none)]), Rules::default())
}

/// A flow was renamed, and that is all.
pub(super) fn renamed() -> (Difference, Rules) {
    let rules = RuleCounts {
        renamed: 2,
        renumbered: 1,
        ..RuleCounts::default()
    };
    let mut told = difference(Vec::new(), &[("prod", rules)]);
    told.summary.blast_radius = BlastRadius {
        resources: vec![touched("rule_collection_group", 1, 9), touched("nsg", 1, 4)],
        deploy_minutes: Some((3, 5)),
    };
    let mut rules = pull_request_rules();
    rules.blocks = vec![block(
        "prod",
        "nsg nsg-avd outbound",
        &[(
            Sign::Changed,
            "2790 common-dns -> common-names (priority kept)",
        )],
    )];
    (told, rules)
}

/// Only the data of a service tag differs; a way past the firewall, a `required` flow that is lost, one that
/// passes the firewall now, and one that nobody can decide.
pub(super) fn every_kind() -> (Difference, Rules) {
    let app = || end(Some("app"), "subnet app", &["10.1.2.0/24"]);
    let storage = || {
        end(
            Some("tag(Storage.WestEurope)"),
            "tag(Storage.WestEurope)",
            &[
                "20.60.0.0/24",
                "20.60.1.0/24",
                "20.60.5.0/24",
                "20.60.9.0/28",
            ],
        )
    };
    let mut data = change(
        "sem-00000001",
        Kind::NewlyAllowed,
        &["prod"],
        traffic(&["https/443"], app(), storage(), any_name()),
        witness("prod", "https", "10.1.2.4", "20.60.9.1", 443),
    );
    data.caused_by = Cause::Data;
    data.environments = words(&["prod", "dev"]);
    let mut there = data.traffic.clone();
    there.source.prefixes = words(&["10.101.2.0/24"]);
    data.elsewhere.insert(
        "dev".to_owned(),
        Elsewhere {
            traffic: there,
            already: Vec::new(),
        },
    );
    data.already = vec![traffic(
        &["https/443"],
        app(),
        end(None, "20.60.0.0/24", &["20.60.0.0/24"]),
        any_name(),
    )];
    data.risk = risk(
        Level::Low,
        8,
        vec![factor(
            "addresses_opened",
            "16 addresses newly reachable",
            8,
        )],
    );
    data.after = allowed("app-storage", None);
    data.causes = vec![cause("app::storage", "new", "there", "app.gate", 12)];
    let mut past = change(
        "sem-00000002",
        Kind::NewlyBypassing,
        &["prod"],
        traffic(
            &["any"],
            app(),
            end(None, "10.9.0.0/16", &["10.9.0.0/16"]),
            any_name(),
        ),
        witness("prod", "tcp", "10.1.2.4", "10.9.0.1", 1),
    );
    past.risk = risk(
        Level::High,
        64,
        vec![
            factor("all_ports", "all ports", 35),
            factor("addresses", "65,536 addresses", 29),
        ],
    );
    past.before = allowed("app-spoke", None);
    past.after = Fate {
        verdict: Some(Verdict::Allow),
        text: "allowed: direct".to_owned(),
        path: vec![Hop {
            layer: "route".to_owned(),
            resource: "rt-app".to_owned(),
            rule: "to-spoke".to_owned(),
            next_hop: Some("VirtualNetworkPeering".to_owned()),
            ..Hop::default()
        }],
    };
    past.accepted = true;
    past.causes = vec![cause("route table rt-app", "new", "changed", "app.gate", 4)];
    let mut lost = change(
        "sem-00000003",
        Kind::NoLongerAllowed,
        &["prod"],
        traffic(
            &["udp/123"],
            app(),
            end(Some("ntp"), "ntp", &["10.0.0.5/32"]),
            any_name(),
        ),
        witness("prod", "udp", "10.1.2.4", "10.0.0.5", 123),
    );
    lost.required_lost = true;
    lost.before = allowed("app-time", None);
    lost.causes = vec![cause("deny::udp", "new", "added", "deny.gate", 3)];
    let mut through = change(
        "sem-00000004",
        Kind::NewlyPassing,
        &["prod"],
        traffic(
            &["tcp/5432"],
            app(),
            end(Some("db"), "db", &["10.2.0.4/32"]),
            any_name(),
        ),
        witness("prod", "tcp", "10.1.2.4", "10.2.0.4", 5432),
    );
    through.before = past.after.clone();
    through.after = allowed("app-db", None);
    through.causes = vec![
        cause("app::db", "new", "there", "app.gate", 14),
        cause("route table rt-app", "new", "changed", "app.gate", 4),
    ];
    let mut open = change(
        "sem-00000005",
        Kind::Undecided,
        &["prod"],
        traffic(
            &["https/443"],
            app(),
            end(Some("any"), "any", &["0.0.0.0/0"]),
            Names {
                short: "category Social".to_owned(),
                within: words(&["category Social"]),
                ..Names::default()
            },
        ),
        witness("prod", "https", "10.1.2.4", "203.0.113.9", 443),
    );
    open.exact = false;
    open.assuming = words(&["`video.contoso.com` is in category Social"]);
    open.after = Fate {
        verdict: None,
        text: "undecided: firewall rule `deny-social`".to_owned(),
        path: Vec::new(),
    };
    let mut told = difference(
        vec![past, data, lost, through, open],
        &[(
            "prod",
            RuleCounts {
                added: 1,
                changed: 2,
                ..RuleCounts::default()
            },
        )],
    );
    told.new.catalog = "2026-11-23".to_owned();
    told.summary.blast_radius = BlastRadius {
        resources: vec![
            touched("rule_collection_group", 1, 3),
            touched("route_table", 1, 1),
        ],
        deploy_minutes: Some((3, 5)),
    };
    if let Some(prod) = told.summary.environments.get_mut("prod") {
        prod.tests = Some(Tests {
            passed: 3,
            failed: 1,
        });
    }
    (told, Rules::default())
}
