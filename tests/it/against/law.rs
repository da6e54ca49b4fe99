//! Where the way of a packet is the same, `--against` an output gives the verdict that the sources give:
//! over every project of the repository, with the networks around as an export would show them.

use std::collections::BTreeMap;

use portcullis::catalog::{Catalog, Cloud};
use portcullis::cli::io::ground::{Ground, GroundLoader};
use portcullis::cli::project;
use portcullis::driver::{self, Options, Project, Stage};
use portcullis::foreign::{self, Foreign, Names, Setting};
use portcullis::model::address::AddressSet;
use portcullis::path::{HopClass, Surround};
use portcullis::reach::question::word;
use portcullis::reach::{Journey, Network, Station, ask, emitted};
use serde_json::{Value, json};

use super::question;
use crate::oracle::firewall::Firewall;
use crate::oracle::knowledge::Knowledge;
use crate::oracle::load::{self, Emitted, root};
use crate::oracle::sample::{Draw, Edges};

/// Packets from each subnet.
const PACKETS: usize = 400;

/// A subnet of a policy with what is around it.
struct Around {
    nsg: Option<String>,
    table: Option<String>,
    prefix: AddressSet,
    surround: Surround,
}

#[test]
fn an_output_is_answered_as_its_sources() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for area in ["policies", "examples"] {
        for folder in load::entries(&root().join(area)).unwrap() {
            if folder.join("portcullis.yaml").is_file() {
                compare(&folder, &mut counts);
            }
        }
    }
    println!("{counts:?}");
    let of = |what: &str| counts.get(what).copied().unwrap_or(0);
    assert!(of("allow") > 100 && of("deny") > 1000, "{counts:?}");
    assert!(of("assumed") * 4 < of("allow") + of("deny"), "{counts:?}");
    // Other ways are those of service endpoints, and of replies that leave otherwise.
    assert!(
        of("other way") * 10 < of("allow") + of("deny"),
        "{counts:?}"
    );
}

fn compare(folder: &std::path::Path, counts: &mut BTreeMap<&str, usize>) {
    let found = project::find(folder, None).unwrap();
    let loader = GroundLoader::new(Ground::Disk, found.root.clone());
    let catalog = Catalog::embedded(Cloud::Public);
    let project = Project {
        settings: found.settings.clone(),
        sources: found.sources.clone(),
    };
    let options = Options {
        no_prove: true,
        no_files: true,
        ..Options::default()
    };
    let mut seen: Vec<(String, Network, BTreeMap<String, Around>)> = Vec::new();
    let _ = driver::compile_watched(
        &loader,
        &project,
        catalog,
        &options,
        &mut |stage, lowered| {
            let network = emitted::network(stage.context, &lowered.resources).unwrap();
            let environment = stage.context.fabric.policy.environment.clone();
            seen.push((environment, network, around(stage)));
        },
    );
    for (environment, network, subnets) in seen {
        let out = folder.join("out").join(&environment);
        if out.is_dir() {
            one(&out, &network, &subnets, catalog, counts);
        }
    }
}

fn around(stage: &Stage<'_>) -> BTreeMap<String, Around> {
    let fabric = stage.context.fabric;
    let policy = fabric.policy;
    let of = |(key, subnet): (&String, &portcullis::model::Subnet)| {
        let nsg = subnet.nsg.as_ref().and_then(|n| policy.nsgs.get(n));
        let table = subnet.route_table.as_ref();
        let table = table.and_then(|t| policy.route_tables.get(t));
        let around = Around {
            nsg: nsg.map(|n| n.identity.name.clone()),
            table: table.map(|t| t.identity.name.clone()),
            prefix: subnet.prefix.clone(),
            surround: fabric.surround(key),
        };
        (key.to_string(), around)
    };
    fabric.end_subnets().map(of).collect()
}

fn one(
    out: &std::path::Path,
    network: &Network,
    subnets: &BTreeMap<String, Around>,
    catalog: &Catalog,
    counts: &mut BTreeMap<&str, usize>,
) {
    let emitted = Emitted::read(out).unwrap();
    let mut all: Vec<Value> = emitted.nsgs.clone();
    all.extend(emitted.route_tables.iter().cloned());
    all.extend(emitted.firewall.groups.iter().cloned());
    all.extend(emitted.firewall.classic.iter().cloned());
    let known = Knowledge::default();
    let edges = Edges::of(&Value::Array(all), &Firewall::default(), &known);
    let files = portcullis::cli::io::definition_files_below(out).unwrap();
    let mut texts: Vec<(String, Result<String, String>)> = files
        .iter()
        .map(|f| (f.display().to_string(), portcullis::cli::io::load_data(f)))
        .collect();
    for (number, subnet) in subnets.values().enumerate() {
        let vnet = exported(number, subnet);
        texts.push((format!("vnet-{number}.json"), Ok(vnet.to_string())));
    }
    let definitions = foreign::read(texts, Cloud::Public);
    assert!(definitions.faults.is_empty(), "{:?}", definitions.faults);
    let mut draw = Draw::new(11);
    let mut made: BTreeMap<String, Foreign> = BTreeMap::new();
    for (index, site) in network.sites.iter().enumerate() {
        let near = &subnets[&site.name];
        let key = match site.hops.default_hop() {
            HopClass::Firewall(key) => Some(key),
            _ => None,
        };
        let wall = key.and_then(|key| network.firewall(&key));
        let wall = wall.map(|at| &network.firewalls[at]);
        let packets = edges.packets(&edges, PACKETS, &mut draw);
        for packet in packets {
            let Some(mut asked) = question(&packet) else {
                continue;
            };
            asked.source = site.prefix.first().unwrap();
            if Some(asked.source.is_ipv4()) != asked.destination.map(|d| d.is_ipv4()) {
                continue;
            }
            let to = asked.destination.unwrap();
            let to = AddressSet::range(to, to);
            // Who learns what a gateway tells is not in an export.
            if near.surround.on_premises.iter().any(|set| set.meets(&to)) {
                continue;
            }
            let arrives = network.site_of(&to).filter(|at| *at != index);
            let into = arrives.and_then(|at| subnets[&network.sites[at].name].nsg.clone());
            let names = Names {
                nsg_out: near.nsg.clone(),
                route_table: near.table.clone(),
                policy: wall
                    .filter(|w| is_written(&definitions, &w.resource))
                    .map(|w| w.resource.clone()),
                nsg_in: into.filter(|_| network.site_of(&to) != Some(index)),
            };
            if names == Names::default() || near.table.is_none() {
                continue;
            }
            let other = made.entry(format!("{names:?}")).or_insert_with(|| {
                let chosen = foreign::choose(&definitions, &names).unwrap();
                let setting = Setting {
                    all: &definitions,
                    catalog,
                    space: &AddressSet::empty(),
                };
                foreign::network(&setting, &chosen)
                    .unwrap_or_else(|fault| panic!("{}: {}", out.display(), fault.message))
            });
            let own = ask(network, &asked, false);
            let reply = foreign::answer(other, &asked, false);
            let way = |j: &Option<Journey>| j.as_ref().map(stations);
            if way(&own.journey) != way(&reply.journey) {
                *counts.entry("other way").or_default() += 1;
                continue;
            }
            // What a policy assumes does not stand in its output.
            let assumed = !network.facts.facts.is_empty() || !network.facts.unseen.is_empty();
            if assumed && reply.verdict.is_none() && own.verdict.is_some() {
                *counts.entry("assumed").or_default() += 1;
                continue;
            }
            *counts.entry(word(own.verdict)).or_default() += 1;
            assert_eq!(
                word(own.verdict),
                word(reply.verdict),
                "{} {}: {asked:?}\n{own:?}\n{reply:?}",
                out.display(),
                site.name
            );
        }
    }
}

fn is_written(all: &foreign::Definitions, name: &str) -> bool {
    let group = all.of(foreign::Kind::Group);
    let mut of = group.filter(|(_, d)| d.name.starts_with(&format!("{name}/")));
    let classic = all.of(foreign::Kind::Firewall);
    let mut classic = classic.filter(|(_, d)| d.name == name);
    of.next().is_some() || classic.next().is_some()
}

/// What a packet meets, in a word each.
fn stations(journey: &Journey) -> Vec<String> {
    let of = |station: &Station| match station {
        Station::Out(gate, _) => format!("out {}", gate.group),
        Station::In(gate, _) => format!("in {}", gate.group),
        Station::Route(_, hop) => match hop {
            HopClass::Firewall(_) => "to firewall".to_owned(),
            hop => format!("to {hop:?}"),
        },
        Station::Firewall(_) => "firewall".to_owned(),
        other => format!("{other:?}"),
    };
    journey.steps.iter().map(|s| of(&s.station)).collect()
}

/// A network of one subnet as it is exported.
fn exported(number: usize, subnet: &Around) -> Value {
    let texts = |set: &AddressSet| -> Vec<String> {
        set.to_prefixes().iter().map(ToString::to_string).collect()
    };
    let reference = |name: &Option<String>| {
        name.as_ref()
            .map(|name| json!({"id": format!("/x/{name}")}))
    };
    let peerings: Vec<Value> = subnet
        .surround
        .peers
        .iter()
        .map(|peer| json!({"properties": {"remoteVirtualNetworkAddressSpace": {"addressPrefixes": texts(peer)}}}))
        .collect();
    json!({
        "name": format!("vnet-{number}"),
        "type": "Microsoft.Network/virtualNetworks",
        "properties": {
            "addressSpace": {"addressPrefixes": texts(&subnet.surround.space)},
            "virtualNetworkPeerings": peerings,
            "subnets": [{"name": "s", "properties": {
                "addressPrefixes": texts(&subnet.prefix),
                "networkSecurityGroup": reference(&subnet.nsg),
                "routeTable": reference(&subnet.table),
            }}],
        },
    })
}
