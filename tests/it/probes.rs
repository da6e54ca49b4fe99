//! Tests and assumptions in the model: what a probe asks, where a test runs, what `with` changes. No
//! test is run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use portcullis::catalog::{Catalog, Cloud};
use portcullis::diag::Sink;
use portcullis::model::canonical;
use portcullis::model::service::{PortSet, Proto, Traffic};
use portcullis::model::verify::{Decider, Expect};
use portcullis::model::{Layer, Policy};
use portcullis::resolve::{Modules, resolve_modules, resolve_with};
use portcullis::source::{MemoryLoader, SourceMap};

struct Read {
    loader: MemoryLoader,
    sources: SourceMap,
    modules: Modules,
    policies: Vec<Policy>,
    told: Vec<String>,
}

fn read(files: &[(&str, &str)]) -> Read {
    let mut loader = MemoryLoader::default();
    for (name, text) in files {
        loader.files.insert((*name).to_owned(), (*text).to_owned());
    }
    let (mut sources, mut sink) = (SourceMap::default(), Sink::default());
    let roots = [files[0].0.to_owned()];
    let modules = Modules::load(&loader, &roots, &mut sources, &mut sink).unwrap();
    let catalog = Catalog::embedded(Cloud::Public);
    let policies = resolve_modules(&modules, &loader, catalog, &[], &sources, &mut sink);
    Read {
        told: told(&sources, sink),
        loader,
        sources,
        modules,
        policies,
    }
}

fn told(sources: &SourceMap, sink: Sink) -> Vec<String> {
    let sorted = sink.into_sorted();
    let line = |d: &portcullis::diag::Diagnostic| match d.primary {
        Some(span) => {
            let (file, line, column) = sources.place(span);
            format!("{file}:{line}:{column} {} {}", d.code, d.message)
        }
        None => format!("{} {}", d.code, d.message),
    };
    sorted.iter().map(line).collect()
}

impl Read {
    fn of(&self, environment: &str) -> &Policy {
        let mut all = self.policies.iter();
        all.find(|p| p.environment == environment).unwrap()
    }

    /// The policy under a test's values, and what is told of them.
    fn under(&self, environment: &str, test: &str) -> (Option<Policy>, Vec<String>) {
        let tests = &self.of(environment).tests;
        let test = tests.iter().find(|t| t.path() == test).unwrap();
        let mut sink = Sink::default();
        let catalog = Catalog::embedded(Cloud::Public);
        let policy = resolve_with(
            &self.modules,
            &self.loader,
            catalog,
            environment,
            test,
            &mut sink,
        );
        (policy, told(&self.sources, sink))
    }
}

const EDGE: &str = r#"
param open: bool = false
param client: cidr = 10.0.0.4
env dev { open = true }
env prod {}
nsg web {}
subnet a = 10.0.0.0/24 {}
subnet b = 10.0.1.0/24 { nsg = web }
group front {
  allow calls: tcp/443 from a to b
  optional allow debug: tcp/22 from client to b
}
allow shells: tcp/22 from a to b when open
deny calls: udp from a to b
test "all words" {
  allow https, icmp from a to b at web by front::calls
  reach tcp from 10.0.0.4 to www.contoso.com:80,8080 at firewall by calls
  deny any from any to b by default
}
test "in production" with { env = prod } { deny tcp from a to b:22 }
test "with debug" with {
  enable = [front::debug]
  client = 10.0.0.9
} {
  allow tcp from client to b:22 by front::debug
}
"#;

#[test]
fn a_probe_says_what_it_asks() {
    let read = read(&[("a.gate", EDGE)]);
    assert_eq!(read.told, [""; 0]);
    let test = &read.of("dev").tests[0];
    assert_eq!(
        (test.path().as_str(), test.with.as_ref()),
        ("all words", None)
    );
    let [first, second, third] = test.probes.as_slice() else {
        panic!("{:?}", test.probes)
    };
    let mut traffic = Traffic::default();
    traffic.add(Proto::Https, &PortSet::one(443));
    traffic.add(Proto::Icmp, &PortSet::all());
    assert_eq!((first.expect, &first.traffic), (Expect::Allow, &traffic));
    assert_eq!(first.at, Some(Layer::Nsg("web".to_owned())));
    let one = |id: &str| Some(Decider::Flow([id.to_owned()].into()));
    assert_eq!(first.by, one("front::calls"));
    let mut traffic = Traffic::default();
    traffic.add(Proto::Tcp, &PortSet::from_ranges(&[(80, 80), (8080, 8080)]));
    assert_eq!((second.expect, &second.traffic), (Expect::Reach, &traffic));
    assert_eq!(second.at, Some(Layer::AnyFirewall));
    // A label alone is first looked for outside groups.
    assert_eq!(second.by, one("main::calls"));
    assert_eq!(read.sources.text(second.spans.to), "www.contoso.com");
    assert_eq!(read.sources.text(third.spans.expect), "deny");
    assert_eq!(
        (third.at.as_ref(), &third.by),
        (None, &Some(Decider::Default))
    );
    let debug = read.of("dev").flows.iter().find(|f| f.id.label == "calls");
    assert!(!third.by.as_ref().unwrap().names(&debug.unwrap().id));
}

#[test]
fn env_says_where_a_test_runs() {
    let read = read(&[("a.gate", EDGE)]);
    let names = |environment: &str| -> Vec<String> {
        let tests = read.of(environment).tests.iter();
        tests
            .map(portcullis::model::verify::TestBlock::path)
            .collect()
    };
    assert_eq!(names("dev"), ["all words", "with debug"]);
    assert_eq!(names("prod"), ["all words", "in production", "with debug"]);
    assert_eq!(read.of("prod").tests[1].with, None);
}

#[test]
fn with_changes_the_environment_for_one_test() {
    let read = read(&[("a.gate", EDGE)]);
    let before = read.of("prod");
    assert!(before.flows.iter().all(|f| f.id.label != "debug"));
    let with = before.tests[2].with.as_ref().unwrap();
    assert_eq!(with.keys, ["enable", "client"]);
    let (after, told) = read.under("prod", "with debug");
    let after = after.unwrap();
    assert_eq!(told, [""; 0]);
    let debug = after.flows.iter().find(|f| f.id.label == "debug").unwrap();
    let nine = portcullis::model::address::AddressSet::prefix("10.0.0.9/32".parse().unwrap());
    assert_eq!(debug.from.addresses, nine);
    let [test] = after.tests.as_slice() else {
        panic!("{:?}", after.tests)
    };
    assert_eq!((&test.with, test.probes.len()), (&None, 1));
    assert_eq!(test.probes[0].from.addresses, nine);
}

#[test]
fn a_test_of_an_instance_has_the_names_of_that_instance() {
    let module = r#"
param wide: bool = false
subnet own = 10.1.0.0/24 {}
optional allow extra: tcp/22 from own to 10.9.0.1
allow rest: tcp/23 from own to 10.9.0.1 when wide
test "extra" with {
  enable = extra
  wide = true
} { allow tcp from own to 10.9.0.1:22 by extra }
"#;
    let root = r#"
use "m.gate" as x
use "m.gate" as y
env default { enable = [x::extra, y::extra] }
test "below" { allow tcp from x::own to 10.9.0.1:22 by x::main::extra }
test "none" with { enable = [] } { deny tcp from x::own to 10.9.0.1:22 }
"#;
    let read = read(&[("a.gate", root), ("m.gate", module)]);
    assert_eq!(read.told, [""; 0]);
    let ids =
        |policy: &Policy| -> Vec<String> { policy.flows.iter().map(|f| f.id.text()).collect() };
    let policy = read.of("default");
    assert_eq!(ids(policy), ["x::main::extra", "y::main::extra"]);
    let paths: Vec<_> = policy.tests.iter().map(|t| t.path()).collect();
    assert_eq!(paths, ["below", "none", "x::extra", "y::extra"]);
    let (under, told) = read.under("default", "x::extra");
    assert_eq!(told, [""; 0]);
    // What the environment enables elsewhere stays.
    let under = under.unwrap();
    assert_eq!(
        ids(&under),
        ["x::main::extra", "x::main::rest", "y::main::extra"]
    );
    let by = under.tests[0].probes[0].by.clone().unwrap();
    assert!(by.names(&under.flows[0].id) && !by.names(&under.flows[2].id));
    let (under, _) = read.under("default", "none");
    assert_eq!(ids(&under.unwrap()), [""; 0]);
}

#[test]
fn what_only_the_values_of_a_test_spoil_is_told_at_them() {
    let text = r#"
param hole: cidr = 10.0.0.0/25
subnet a = 10.0.0.0/24 {}
allow some: tcp/22 from a except hole to 10.9.0.1
test "no hole" with { hole = 10.0.0.0/23 } { deny tcp from a to 10.9.0.1:22 }
test "unknown" with { enable = [nothing] } { deny tcp from a to 10.9.0.1:22 by nobody }
"#;
    let read = read(&[("a.gate", text)]);
    assert_eq!(
        read.told,
        [
            "a.gate:6:33 PC1010 `enable` names `nothing`, which is not an `optional` flow or a group with one",
            "a.gate:6:80 PC1001 flow `nobody` is not defined"
        ]
    );
    let (policy, told) = read.under("default", "no hole");
    assert!(policy.is_none());
    let [only] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert!(only.starts_with("a.gate:5:21 PC2005"), "{only}");
}

#[test]
fn assumptions_of_both_kinds_are_kept_and_count() {
    let text = |fact: &str| {
        format!("subnet a = 10.0.0.0/24 {{}}\nallow x: https from a to www.contoso.com\n{fact}")
    };
    let of = |fact: &str| read(&[("a.gate", &text(fact))]).policies.remove(0);
    let none = of("");
    let inside = of("assume fqdn-tag(WindowsUpdate) in *.microsoft.com");
    let apart = of("assume fqdn-tag(WindowsUpdate) apart *.microsoft.com");
    assert_eq!((inside.inside.len(), inside.apart.len()), (1, 0));
    assert_eq!((apart.inside.len(), apart.apart.len()), (0, 1));
    let fact = &inside.inside[0];
    assert!(fact.left.fqdn_tags.contains("WindowsUpdate"));
    assert!(fact.right.names.iter().any(|n| n.text == "*.microsoft.com"));
    assert_eq!(
        (fact.span.end - fact.span.start) as usize,
        "fqdn-tag(WindowsUpdate) in *.microsoft.com".len()
    );
    let texts = [&none, &inside, &apart].map(canonical::text);
    assert!(texts[0] != texts[1] && texts[0] != texts[2] && texts[1] != texts[2]);
    assert!(texts[1].contains("assume-inside") && texts[2].contains("assume-apart"));
}
