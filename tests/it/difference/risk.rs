//! The score of a region: each factor with its points, and that a row which holds another one never scores
//! less. What a region is, is not asked here.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use portcullis::config::{POINTS, Settings};
use portcullis::diff::risk::{Judge, level};
use portcullis::diff::scene::{About, Scene};
use portcullis::diff::semantic::{Cause, Edit, Region};
use portcullis::diff::told::{Kind, Level, Risk};
use portcullis::model::address::AddressSet;
use portcullis::model::service::PortSet;
use portcullis::packet::{
    NamePattern, Rectangle, RectangleEnd, RectangleNames, Symbol, Transport, Transports, Witness,
};
use portcullis::reach::{Reply, Site};
use portcullis::syntax::ast::Date;

use crate::meaning::generate::Dice;

fn prefixes(texts: &[&str]) -> AddressSet {
    AddressSet::prefixes(texts.iter().map(|t| t.parse().unwrap()))
}

fn any_name() -> RectangleNames {
    RectangleNames {
        none: true,
        ..named(&["*"])
    }
}

fn named(patterns: &[&str]) -> RectangleNames {
    RectangleNames {
        none: false,
        patterns: patterns
            .iter()
            .map(|p| NamePattern {
                pattern: (*p).to_owned(),
                except: Vec::new(),
            })
            .collect(),
        ..RectangleNames::default()
    }
}

fn end(addresses: AddressSet) -> RectangleEnd {
    RectangleEnd {
        addresses,
        within: Vec::new(),
        outside: Vec::new(),
    }
}

/// TCP from one address to another one at a port that is of no account.
fn row(source: &[&str], destination: &[&str], ports: &[(u16, u16)]) -> Rectangle {
    Rectangle {
        source: end(prefixes(source)),
        destination: end(prefixes(destination)),
        transports: Transports::TCP,
        ports: PortSet::from_ranges(ports),
        source_ports: PortSet::all(),
        names: any_name(),
        assuming: Vec::new(),
    }
}

fn region(rectangle: Rectangle, causes: &[(&str, bool, Edit)]) -> Region {
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let reply = Reply {
        verdict: None,
        journey: None,
        assumes: Vec::new(),
        reason: None,
    };
    Region {
        kind: Kind::NewlyAllowed,
        led: None,
        rectangle,
        already: Vec::new(),
        sure: true,
        witness: Witness {
            transport: Transport::Tcp,
            source: address,
            source_port: 1,
            destination: address,
            port: 1,
            name: None,
            assuming: Vec::new(),
        },
        before: reply.clone(),
        after: reply,
        causes: causes
            .iter()
            .map(|(id, old, edit)| Cause {
                id: (*id).to_owned(),
                old: *old,
                edit: *edit,
            })
            .collect(),
    }
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// A policy with a subnet of a zone, a subnet of none, and flows of every sort.
fn scene(environment: &str) -> Scene {
    let mut out = Scene {
        environment: environment.to_owned(),
        internet: prefixes(&["0.0.0.0/1", "128.0.0.0/1"]).subtract(&prefixes(&[
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
        ])),
        ..Scene::default()
    };
    for (name, prefix) in [("cards", "10.1.0.0/24"), ("plain", "10.2.0.0/24")] {
        out.sight.network.sites.push(Site {
            name: name.to_owned(),
            prefix: prefixes(&[prefix]),
            ..Site::default()
        });
    }
    let zone = BTreeMap::from([("pci".to_owned(), prefixes(&["10.1.0.0/24"]))]);
    out.zones = zone;
    let about = |until: Option<&str>, record: bool, exception: bool, excepts: usize| About {
        until: until.map(day),
        owner: record.then(|| "net".to_owned()),
        ticket: record.then(|| "SEC-1".to_owned()),
        exception,
        excepts,
        ..About::default()
    };
    for (id, own) in [
        ("soon", about(Some("2027-02-28"), false, false, 0)),
        ("later", about(Some("2027-03-02"), false, false, 0)),
        ("over", about(Some("2026-11-29"), false, false, 0)),
        ("record", about(None, true, false, 0)),
        ("both", about(Some("2026-12-01"), true, false, 0)),
        ("exception", about(None, false, true, 0)),
        ("excepts", about(None, false, false, 1)),
        ("bare", about(None, false, false, 0)),
    ] {
        out.about.insert(id.to_owned(), own);
    }
    out
}

fn judged(region: &Region, settings: &Settings, environment: &str) -> Risk {
    let old = {
        let mut old = scene(environment);
        old.about.get_mut("excepts").unwrap().excepts = 2;
        old
    };
    let new = scene(environment);
    Judge {
        old: &old,
        new: &new,
        settings,
        today: Some(day("2026-11-30")),
    }
    .score(region)
}

/// `factor points` of each.
fn factors(risk: &Risk) -> Vec<String> {
    let all = risk.factors.iter();
    all.map(|f| format!("{} {}", f.name, f.points)).collect()
}

/// From the one address outside all zones to the other.
const A: &[&str] = &["10.2.0.4/32"];
const B: &[&str] = &["10.2.0.9/32"];
const ODD: &[(u16, u16)] = &[(8443, 8443)];

#[test]
fn every_factor_has_its_points() {
    let bare: &[(&str, bool, Edit)] = &[("bare", false, Edit::Added)];
    let with = |id| [(id, false, Edit::Added)];
    let mut wild = row(A, &["0.0.0.0/0"], ODD);
    wild.names = named(&["*.contoso.com"]);
    let mut shared = wild.clone();
    shared.names = named(&["*.azureedge.net"]);
    let mut exact = wild.clone();
    exact.names = named(&["www.contoso.com"]);
    let mut category = wild.clone();
    category.names = RectangleNames {
        within: vec![Symbol {
            kind: "category",
            name: "Gambling".to_owned(),
        }],
        ..named(&["*"])
    };
    let mut tls = row(A, B, &[(80, 80)]);
    tls.transports = Transports::one(Transport::Https);
    let mut icmp = row(A, B, &[(1, 65_535)]);
    icmp.transports = Transports::one(Transport::Icmp);
    let plain = || row(A, B, ODD);
    let case = |rectangle: Rectangle, causes: &[(&str, bool, Edit)], expected: &[&str], score| {
        let text = rectangle.to_string();
        let risk = judged(&region(rectangle, causes), &Settings::default(), "prod");
        assert_eq!(factors(&risk), expected, "{text}");
        assert_eq!(risk.score, score, "{text}");
    };
    case(plain(), bare, &[], 0);
    // 32 bits less 4 are 28, in eights.
    case(
        row(&["0.0.0.0/1", "128.0.0.0/1"], &["8.8.8.8/32"], ODD),
        bare,
        &["source-any 45", "addresses-opened 24"],
        69,
    );
    // The zone and private addresses outside the subnets are among these.
    case(
        row(A, &["0.0.0.0/0"], ODD),
        bare,
        &[
            "destination-any 25",
            "addresses-opened 24",
            "boundary 30",
            "private-destination 20",
        ],
        99,
    );
    // An eighth of the internet is not most of it: 29 bits less 4.
    case(
        row(A, &["32.0.0.0/3"], ODD),
        bare,
        &["addresses-opened 24"],
        24,
    );
    case(exact, bare, &[], 0);
    case(wild.clone(), bare, &["wildcard-name 10"], 10);
    case(
        shared,
        bare,
        &["wildcard-name 10", "shared-wildcard 15"],
        25,
    );
    case(category, bare, &["wildcard-name 10"], 10);
    // 2^8 and 2^4 are 12 bits, less 4, in eights; 11 bits are none.
    let (eight, four) = (&["10.2.0.0/24"], &["10.2.0.16/28"]);
    case(row(eight, four, ODD), bare, &["addresses-opened 8"], 8);
    case(row(eight, &["10.2.0.16/29"], ODD), bare, &[], 0);
    // 20 bits and 12 bits less 4 are 28, in eights.
    let wide = row(&["10.2.0.0/24"], &["20.0.0.0/8"], ODD);
    case(wide, bare, &["addresses-opened 24"], 24);
    let sixes = row(&["2001:db8::/32"], &["2001:db8::/32"], ODD);
    case(sixes, bare, &["addresses-opened 32"], 32);
    // Into the zone, out of it, inside of it.
    let cards: &[&str] = &["10.1.0.4/32"];
    case(row(A, cards, ODD), bare, &["boundary 30"], 30);
    case(row(cards, B, ODD), bare, &["boundary 30"], 30);
    case(row(cards, &["10.1.0.9/32"], ODD), bare, &[], 0);
    // From the zone to where no subnet is crosses no declared bound.
    case(row(cards, &["8.8.8.8/32"], ODD), bare, &[], 0);
    case(row(A, B, &[(3389, 3389)]), bare, &["admin-port 25"], 25);
    case(row(A, B, &[(5000, 6000)]), bare, &["admin-port 25"], 25);
    case(row(A, B, &[(80, 80)]), bare, &["clear-text-port 25"], 25);
    case(tls, bare, &[], 0);
    // One of the three, the gravest.
    case(row(A, B, &[(1, 65_535)]), bare, &["all-ports 35"], 35);
    case(row(A, B, &[(22, 80)]), bare, &["admin-port 25"], 25);
    case(icmp, bare, &[], 0);
    case(
        row(A, &["10.77.0.4/32"], ODD),
        bare,
        &["private-destination 20"],
        20,
    );
    case(
        plain(),
        &[("exception", false, Edit::Changed)],
        &["exception 12"],
        12,
    );
    case(
        plain(),
        &[("excepts", false, Edit::Changed)],
        &["exception 12"],
        12,
    );
    // It is as it was: nothing was widened.
    case(plain(), &[("exception", false, Edit::There)], &[], 0);
    // 2027-02-28 is the 90th day from 2026-11-30; none scores below 0.
    case(plain(), &with("soon"), &["until -8"], 0);
    case(plain(), &with("later"), &[], 0);
    case(plain(), &with("over"), &[], 0);
    case(
        row(A, cards, ODD),
        &with("soon"),
        &["boundary 30", "until -8"],
        22,
    );
    case(
        row(A, cards, ODD),
        &with("record"),
        &["boundary 30", "record -5"],
        25,
    );
    case(
        row(A, cards, ODD),
        &with("both"),
        &["boundary 30", "until -8", "record -5"],
        17,
    );
    // One of those that opened it is on no record.
    case(
        row(A, cards, ODD),
        &[("both", false, Edit::Added), ("bare", false, Edit::Added)],
        &["boundary 30"],
        30,
    );
    // Somebody's deny is gone: what is on record is not what opened it.
    case(
        row(A, cards, ODD),
        &[
            ("both", false, Edit::Added),
            ("record", true, Edit::Removed),
        ],
        &["boundary 30"],
        30,
    );
    // The whole of it is capped.
    let all = row(&["0.0.0.0/0"], &["0.0.0.0/0"], &[(1, 65_535)]);
    let risk = judged(&region(all, bare), &Settings::default(), "prod");
    assert_eq!(
        factors(&risk),
        [
            "source-any 45",
            "destination-any 25",
            "addresses-opened 32",
            "boundary 30",
            "private-destination 20",
            "all-ports 35"
        ]
    );
    assert_eq!((risk.score, risk.level), (100, Level::High));
    let mut bypass = region(plain(), bare);
    bypass.kind = Kind::NewlyBypassing;
    let risk = judged(&bypass, &Settings::default(), "prod");
    assert_eq!(factors(&risk), ["bypass 20"]);
    // What opens nothing scores nothing.
    for kind in [Kind::NoLongerAllowed, Kind::NewlyPassing, Kind::Undecided] {
        let mut closed = region(row(&["0.0.0.0/0"], B, ODD), bare);
        closed.kind = kind;
        let risk = judged(&closed, &Settings::default(), "prod");
        assert_eq!((risk.score, risk.level), (0, Level::Info));
    }
}

#[test]
fn levels_begin_where_they_should() {
    let levels = [0, 24, 25, 59, 60, 100].map(level);
    assert_eq!(
        levels,
        [
            Level::Low,
            Level::Low,
            Level::Medium,
            Level::Medium,
            Level::High,
            Level::High
        ]
    );
}

#[test]
fn environments_and_settings_change_the_score() {
    let own = region(
        row(A, &["10.1.0.4/32"], &[(80, 80)]),
        &[("bare", false, Edit::Added)],
    );
    let score = |settings: &Settings, environment: &str| judged(&own, settings, environment).score;
    let mut settings = Settings::default();
    // 30 and 25.
    assert_eq!(score(&settings, "prod"), 55);
    // 38.5, and 27.5: halves go up.
    assert_eq!(score(&settings, "test"), 39);
    assert_eq!(score(&settings, "dev"), 28);
    settings.risk.weights.insert("dev".to_owned(), 2.0);
    assert_eq!(score(&settings, "dev"), 100);
    settings.risk.points.insert("boundary".to_owned(), 1);
    assert_eq!(score(&settings, "prod"), 26);
    settings.risk.points.insert("clear-text-port".to_owned(), 0);
    assert_eq!(score(&settings, "prod"), 1);
    settings.admin_ports.push((80, 80));
    assert_eq!(score(&settings, "prod"), 26);
    settings.admin_ports.clear();
    settings.clear_text_ports.clear();
    settings
        .risk
        .points
        .insert("clear-text-port".to_owned(), 50);
    assert_eq!(score(&settings, "prod"), 1);
}

#[test]
fn the_schema_knows_every_factor() {
    let schema: serde_json::Value = serde_json::from_str(portcullis::config::SCHEMA).unwrap();
    let points = &schema["properties"]["risk"]["properties"]["points"];
    assert_eq!(points["additionalProperties"], false);
    let listed = points["properties"].as_object().unwrap();
    assert_eq!(listed.len(), POINTS.len());
    for (name, usual) in POINTS {
        let text = listed[name]["description"].as_str().unwrap();
        assert!(
            text.ends_with(&format!("Default: {usual}.")),
            "{name}: {text}"
        );
    }
    assert!(schema["properties"]["clear-text-ports"].is_object());
}

/// A row that holds both; nothing is assumed of it that is not assumed of each.
fn hull(a: &Rectangle, b: &Rectangle) -> Rectangle {
    let any = |n: &RectangleNames| n.patterns.iter().any(|p| p.pattern == "*");
    let mut patterns = a.names.patterns.clone();
    if any(&a.names) || any(&b.names) {
        patterns = named(&["*"]).patterns;
    } else {
        patterns.extend(b.names.patterns.clone());
    }
    let mut within = a.names.within.clone();
    within.retain(|s| b.names.within.contains(s));
    Rectangle {
        source: end(a.source.addresses.union(&b.source.addresses)),
        destination: end(a.destination.addresses.union(&b.destination.addresses)),
        transports: a.transports.union(b.transports),
        ports: a.ports.union(&b.ports),
        source_ports: a.source_ports.union(&b.source_ports),
        names: RectangleNames {
            none: a.names.none || b.names.none,
            patterns,
            within,
            outside: Vec::new(),
        },
        assuming: Vec::new(),
    }
}

fn drawn(dice: &mut Dice) -> Region {
    let ends = [
        "0.0.0.0/0",
        "0.0.0.0/1",
        "128.0.0.0/1",
        "10.1.0.0/24",
        "10.1.0.4/32",
        "10.2.0.0/24",
        "10.2.0.4/31",
        "10.77.0.0/16",
        "20.0.0.0/8",
        "8.8.8.8/32",
        "2001:db8::/32",
        "fd00::/64",
    ];
    let ports: [&[(u16, u16)]; 7] = [
        &[(1, 65_535)],
        &[(443, 443)],
        &[(80, 80)],
        &[(22, 22)],
        &[(1, 1023)],
        &[(8000, 9000)],
        &[(1024, 65_535)],
    ];
    let names: [&[&str]; 7] = [
        &["*"],
        &["www.contoso.com"],
        &["*.contoso.com"],
        &["*.azureedge.net"],
        &["*azureedge.net"],
        &["*.net"],
        &["www.contoso.com", "*.cloudapp.azure.com"],
    ];
    let mut own = row(
        &[dice.word(&ends)],
        &[dice.word(&ends)],
        dice.pick::<&[(u16, u16)]>(&ports),
    );
    own.transports = *dice.pick(&[
        Transports::TCP,
        Transports::ALL,
        Transports::one(Transport::Https),
        Transports::one(Transport::Icmp),
        Transports::one(Transport::Udp),
    ]);
    if dice.percent(60) {
        own.names = named(dice.pick::<&[&str]>(&names));
        if own.names.patterns[0].pattern == "*" && dice.percent(50) {
            own.names.within.push(Symbol {
                kind: if dice.percent(50) {
                    "category"
                } else {
                    "fqdn tag"
                },
                name: dice.word(&["A", "B"]).to_owned(),
            });
        }
    }
    let causes = [
        "soon",
        "later",
        "over",
        "record",
        "both",
        "exception",
        "excepts",
        "bare",
    ];
    let edits = [Edit::Added, Edit::Changed, Edit::There];
    let some = [(dice.word(&causes), dice.percent(20), *dice.pick(&edits))];
    let mut out = region(own, &some);
    if dice.percent(30) {
        out.kind = Kind::NewlyBypassing;
    }
    out
}

#[test]
fn a_row_that_holds_another_one_never_scores_less() {
    let mut dice = Dice::new(43);
    let mut settings = Settings::default();
    let mut wrong = Vec::new();
    let mut levels = BTreeMap::new();
    for round in 0..6000 {
        if round % 10 == 0 {
            // Whatever the points are.
            settings = Settings::default();
            for (name, _) in POINTS.iter().filter(|_| round % 20 == 0) {
                let points = u32::try_from(dice.below(60)).unwrap();
                settings.risk.points.insert((*name).to_owned(), points);
            }
        }
        let mut a = drawn(&mut dice);
        let mut b = drawn(&mut dice);
        b.kind = a.kind;
        if dice.percent(50) {
            b.causes.clone_from(&a.causes);
        }
        let mut both = region(hull(&a.rectangle, &b.rectangle), &[]);
        both.kind = a.kind;
        both.causes = [a.causes.clone(), b.causes.clone()].concat();
        both.causes.sort();
        both.causes.dedup();
        let whole = judged(&both, &settings, "prod");
        assert_eq!(whole, judged(&both, &settings, "prod"));
        for own in [&mut a, &mut b] {
            let part = judged(own, &settings, "prod");
            *levels.entry(part.level).or_insert(0) += 1;
            if part.score > whole.score {
                wrong.push(format!(
                    "{} has {} by {:?}\n{} has {} by {:?}",
                    own.rectangle,
                    part.score,
                    factors(&part),
                    both.rectangle,
                    whole.score,
                    factors(&whole)
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\n{}",
        wrong.len(),
        wrong[..3.min(wrong.len())].join("\n")
    );
    assert_eq!(levels.len(), 3, "{levels:?}");
}
