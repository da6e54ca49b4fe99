//! What small policies ask for, region by region. That generated ones ask for what they mean is shown
//! in meaning/regions.rs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use portcullis::catalog::{Catalog, Cloud};
use portcullis::denote::{self, Denotation};
use portcullis::diag::Sink;
use portcullis::model::Tier;
use portcullis::packet::{Addresses, Answer, Names, Probe, Region, Transport, Transports};
use portcullis::path::Fabric;
use portcullis::resolve;
use portcullis::source::{MemoryLoader, SourceMap};

const FAR: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg\
/providers/Microsoft.Network/ipGroups/far";

fn with<T>(text: &str, look: impl FnOnce(&Fabric<'_>, &Denotation) -> T) -> T {
    let mut loader = MemoryLoader::default();
    loader.files.insert("a.gate".to_owned(), text.to_owned());
    let (mut sources, mut sink) = (SourceMap::default(), Sink::default());
    let catalog = Catalog::embedded(Cloud::Public);
    let roots = ["a.gate".to_owned()];
    let policies = resolve::resolve(&loader, &roots, catalog, &[], &mut sources, &mut sink);
    assert!(!sink.has_errors(), "{:?}", sink.items());
    let fabric = Fabric::new(&policies[0], catalog);
    look(&fabric, &denote::denotation(&fabric))
}

/// The regions of the only flow.
fn regions(text: &str) -> Vec<Region> {
    with(text, |_, denotation| {
        let [only] = denotation.claims.as_slice() else {
            panic!("{:?}", denotation.claims)
        };
        only.parts.iter().map(|p| p.region.clone()).collect()
    })
}

fn packet(transport: Transport, from: &str, to: &str, port: u16) -> Probe {
    Probe::new(transport, from.parse().unwrap(), to.parse().unwrap(), port)
}

fn answer(regions: &[Region], probe: &Probe) -> Answer {
    let all = regions.iter().map(|r| r.holds(probe));
    all.max().unwrap_or(Answer::No)
}

fn texts(addresses: &Addresses) -> Vec<String> {
    let nets = addresses.known.to_prefixes();
    nets.iter().map(ToString::to_string).collect()
}

const TWO: &str = "
vnet one = 10.1.0.0/16
vnet two = 10.2.0.0/16 {
  peers = [three]
  on-premises = 192.168.0.0/16
}
vnet three = 10.3.0.0/16
subnet a = 10.1.1.0/24 { vnet = one }
subnet b = 10.2.1.0/24 { vnet = two }
subnet c = 10.2.2.0/24 { vnet = two }
";

#[test]
fn the_network_is_seen_from_the_subnet_at_the_other_end() {
    let found = regions(&format!(
        "{TWO}allow x: tcp/22 from tag(VirtualNetwork) to [a, b]"
    ));
    let pairs: Vec<_> = found
        .iter()
        .map(|r| (texts(&r.source), texts(&r.destination)))
        .collect();
    let list = |texts: &[&str]| -> Vec<String> { texts.iter().map(|t| (*t).to_owned()).collect() };
    assert_eq!(
        pairs,
        [
            (list(&["10.1.0.0/16"]), list(&["10.1.1.0/24"])),
            (
                list(&["10.2.0.0/15", "192.168.0.0/16"]),
                list(&["10.2.1.0/24"])
            ),
        ]
    );
    // A packet whose other end is in no subnet is seen from its own.
    let found = regions(&format!(
        "{TWO}allow x: tcp/22 from tag(VirtualNetwork) to any"
    ));
    let to_world = |from: &str| answer(&found, &packet(Transport::Tcp, from, "8.8.8.8", 22));
    assert_eq!(to_world("10.1.1.4"), Answer::Yes);
    assert_eq!(to_world("10.1.2.4"), Answer::No);
    let found = regions(&format!(
        "{TWO}allow x: tcp/22 from tag(VirtualNetwork) to tag(VirtualNetwork)"
    ));
    let between = |from: &str, to: &str| answer(&found, &packet(Transport::Tcp, from, to, 22));
    assert_eq!(between("10.2.1.4", "10.2.2.4"), Answer::Yes);
    assert_eq!(between("10.2.1.4", "192.168.7.7"), Answer::Yes);
    assert_eq!(between("10.3.0.4", "10.2.1.4"), Answer::Yes);
    assert_eq!(between("10.1.1.4", "10.2.1.4"), Answer::No);
    assert_eq!(between("10.3.0.4", "192.168.7.7"), Answer::No);
}

#[test]
fn words_say_what_is_spoken_towards_names_only() {
    let found = regions(
        "subnet a = 10.0.0.0/24 {}
allow x: tcp/80,443,5671, mssql/3342 from a to [www.contoso.com, 10.9.0.0/24]",
    );
    let [address, name] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(address.names, Names::Any);
    let carried: Vec<_> = address.services.iter().map(|s| s.transports).collect();
    assert_eq!(carried, [Transports::TCP]);
    let ask = |transport, port| {
        let named = packet(transport, "10.0.0.4", "8.8.8.8", port).named("WWW.contoso.com");
        name.holds(&named)
    };
    assert_eq!(ask(Transport::Https, 443), Answer::Yes);
    assert_eq!(ask(Transport::Http, 443), Answer::No);
    assert_eq!(ask(Transport::Http, 80), Answer::Yes);
    assert_eq!(ask(Transport::Tcp, 5671), Answer::Yes);
    assert_eq!(ask(Transport::Mssql, 3342), Answer::Yes);
    assert_eq!(ask(Transport::Tcp, 3342), Answer::No);
    let nameless = packet(Transport::Https, "10.0.0.4", "8.8.8.8", 443);
    assert_eq!(name.holds(&nameless), Answer::No);
}

#[test]
fn a_name_without_an_address_is_public_and_free() {
    let text = format!(
        "{TWO}allow x: https from a to [www.contoso.com, fqdn(db.contoso.com, in = 10.9.0.0/24), \
         fqdn-tag(WindowsUpdate), category(Games), url(\"example.org/x\")]"
    );
    with(&text, |fabric, denotation| {
        let [free, bound, url] = denotation.claims[0].parts.as_slice() else {
            panic!("{:?}", denotation.claims)
        };
        assert!(free.free_name && !bound.free_name && url.free_name);
        assert_eq!(free.region.destination.known, fabric.internet);
        let symbols: Vec<String> = free.region.symbols().map(ToString::to_string).collect();
        assert_eq!(symbols, ["category Games", "fqdn tag WindowsUpdate",]);
        assert_eq!(texts(&bound.region.destination), ["10.9.0.0/24"]);
        assert_eq!(
            bound.region.names,
            Names::patterns(["db.contoso.com".to_owned()])
        );
    });
}

#[test]
fn any_holds_the_platform_only_where_a_flow_names_it() {
    let probe = packet(Transport::Tcp, "168.63.129.16", "10.1.1.4", 443);
    let text = format!("{TWO}deny x: any from any to a");
    assert_eq!(answer(&regions(&text), &probe), Answer::No);
    let text = format!("{text}\nallow y: any from tag(AzureLoadBalancer) to b");
    with(&text, |_, denotation| {
        let parts = &denotation.claims[0].parts;
        assert_eq!(parts[0].region.holds(&probe), Answer::Yes);
    });
}

#[test]
fn what_nobody_told_is_a_symbol() {
    let found = regions(&format!(
        "{TWO}
ip-group far = [] {{ id = \"{FAR}\" }}
allow x: icmp, udp/53 from [asg(web), 172.16.0.1] to ip-group(far)"
    ));
    let ask = |from: &str| answer(&found, &packet(Transport::Udp, from, "10.77.0.1", 53));
    assert_eq!(ask("172.16.0.1"), Answer::May);
    assert_eq!(ask("10.1.1.4"), Answer::May);
    assert_eq!(ask("10.1.9.4"), Answer::No);
    let icmp = packet(Transport::Icmp, "10.1.1.4", "10.77.0.1", 0);
    assert_eq!(answer(&found, &icmp), Answer::May);
    let tcp = packet(Transport::Tcp, "10.1.1.4", "10.77.0.1", 53);
    assert_eq!(answer(&found, &tcp), Answer::No);
}

#[test]
fn source_ports_and_both_ways_are_kept() {
    let text = format!("{TWO}allow x: udp/500 between a and b source-port 500");
    with(&text, |_, denotation| {
        let ids: Vec<&str> = denotation.claims.iter().map(|c| c.id.as_str()).collect();
        assert_eq!(ids, ["main::x/ab", "main::x/ba"]);
        let mut probe = packet(Transport::Udp, "10.2.1.4", "10.1.1.4", 500);
        let back = &denotation.claims[1].parts[0].region;
        assert_eq!(back.holds(&probe), Answer::May);
        probe.source_ports = portcullis::model::service::PortSet::one(500);
        assert_eq!(back.holds(&probe), Answer::Yes);
    });
}

#[test]
fn translations_ask_for_two_kinds_of_packets() {
    let text = "
vnet hub = 10.0.0.0/16
firewall fw {
  private-ip = 10.0.1.4
  public-ips = [20.50.60.70]
  subnet = 10.0.1.0/26
  vnet = hub
}
ordered group list {
  deny one: tcp/1 from 10.0.2.0/24 to 10.9.0.1
}
dnat site: tcp/443 from 198.51.100.0/24 to 20.50.60.70 into 10.0.2.4:8443
";
    with(text, |_, denotation| {
        let claim = &denotation.claims[0];
        assert_eq!(claim.tier, Tier::Ordered);
        assert_eq!(claim.order, Some(("list".to_owned(), 0)));
        let site = &denotation.translated[0];
        let come = packet(Transport::Https, "198.51.100.7", "20.50.60.70", 443);
        assert_eq!(answer(&site.arriving, &come), Answer::Yes);
        let go = packet(Transport::Https, "10.0.1.5", "10.0.2.4", 8443);
        assert_eq!(answer(&site.leaving, &go), Answer::Yes);
        assert_eq!(answer(&site.leaving, &come), Answer::No);
    });
}
