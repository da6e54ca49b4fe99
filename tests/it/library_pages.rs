//! Every module of the embedded library against the table of its documentation page, row by row, and
//! each one compiled by a small project. It judges what the modules say, not what Azure does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use portcullis::source::SourceMap;
use portcullis::syntax::ast::{
    ClauseKind, Cond, Ends, Expr, ExprKind, File, Flow, Item, Member, Name, Need, Node, Proto, Svc,
    Value,
};

use crate::apim::{differences, emitted_rows, entries, root, table};
use crate::cli::portcullis;

/// One module of the library, and where its page is.
struct Service {
    /// `policies/std/NAME.gate`.
    name: &'static str,
    /// The table of its page.
    table: &'static str,
    /// Versions of the page, where the table names them in a column.
    versions: &'static [&'static str],
    /// The near end of its flows, as the module writes it.
    near: &'static [&'static str],
    /// The file of required flows beside the repository.
    catalogue: &'static str,
}

/// A service whose table has the columns [`COLUMNS`].
const fn service(
    name: &'static str,
    table: &'static str,
    near: &'static [&'static str],
    catalogue: &'static str,
) -> Service {
    Service {
        name,
        table,
        versions: &[],
        near,
        catalogue,
    }
}

/// The table of API Management: its page was read in two versions.
const APIM_COLUMNS: &str = "id,section,text,page,labels,reason";

/// The other tables: what a row asks for, then the flows that stand for it or why none does.
const COLUMNS: &str = "id,text,direction,protocol,ports,ends,need,cloud,labels,reason";

const SERVICES: [Service; 8] = [
    service("aks", "tests/cases/std/aks/page.csv", &["aks"], "aks"),
    Service {
        name: "apim",
        table: "tests/cases/apim/page.csv",
        versions: &["seed", "2025", "both"],
        near: &["apim"],
        catalogue: "api-management",
    },
    service(
        "app-service-environment",
        "tests/cases/std/app-service-environment/page.csv",
        &["ase"],
        "app-service-environment",
    ),
    service(
        "application-gateway",
        "tests/cases/std/application-gateway/page.csv",
        &["gateway"],
        "application-gateway-v2",
    ),
    service(
        "arc-kubernetes",
        "tests/cases/std/arc-kubernetes/page.csv",
        &["cluster"],
        "arc-kubernetes",
    ),
    service(
        "arc-servers",
        "tests/cases/std/arc-servers/page.csv",
        &["servers"],
        "arc-servers",
    ),
    service(
        "bastion",
        "tests/cases/std/bastion/page.csv",
        &["bastion"],
        "bastion",
    ),
    service(
        "machine-learning",
        "tests/cases/std/machine-learning/page.csv",
        &["ml", "subnet-prefix"],
        "machine-learning",
    ),
];

/// What a labelled statement says, names of the module replaced by what they stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Said {
    /// `in`, `out` or `route`, one a direction.
    directions: BTreeSet<&'static str>,
    protocols: BTreeSet<String>,
    ports: BTreeSet<String>,
    ends: BTreeSet<String>,
    need: Option<Need>,
    /// Parameters that its conditions and its group's ask.
    asks: BTreeSet<String>,
}

#[test]
fn the_library_is_the_folder() {
    let mut files: Vec<String> = entries(&root().join("policies/std"))
        .into_iter()
        .filter(|p| p.extension().is_some_and(|e| e == "gate"))
        .map(|p| p.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let listed: Vec<&str> = SERVICES.iter().map(|s| s.name).collect();
    assert_eq!(
        files, listed,
        "policies/std and the services tested here differ"
    );
    // The list in the program is seen through what a wrong path is answered.
    let folder = crate::cli::folder(&[
        ("main.gate", "use \"std/no-such-service\" as x with {}\n"),
        ("portcullis.yaml", crate::cli::SETTINGS),
    ]);
    let ran = portcullis(folder.path(), &["check"]);
    let embedded: Vec<String> = files.iter().map(|f| format!("std/{f}")).collect();
    assert!(
        ran.err.contains(&format!(
            "the embedded library has: {}\n",
            embedded.join(", ")
        )) || ran.out.contains(&embedded.join(", ")),
        "the program embeds other modules than {embedded:?}:\n{}",
        ran.err
    );
}

#[test]
fn every_row_of_a_page_has_its_flows_and_every_flow_its_row() {
    let mut faults = Vec::new();
    for service in &SERVICES {
        let said = statements(service);
        let mut covered = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for row in rows(service) {
            let id = format!("{} {}", service.name, row["id"]);
            if !ids.insert(row["id"].clone()) {
                faults.push(format!("{id}: the row stands twice"));
            }
            if let Some(page) = row.get("page")
                && !service.versions.contains(&page.as_str())
            {
                faults.push(format!("{id}: `{page}` is not a version of the page"));
            }
            if row["labels"].is_empty() == row["reason"].is_empty() {
                faults.push(format!("{id}: give labels or a reason, and not both"));
            }
            for label in words(&row["labels"]) {
                if !said.contains_key(&label) {
                    faults.push(format!("{id}: the module has no `{label}`"));
                }
                covered.insert(label);
            }
        }
        for label in said.keys().filter(|l| !covered.contains(*l)) {
            faults.push(format!(
                "{}: `{label}` stands for no row of the page",
                service.name
            ));
        }
    }
    report(&faults);
}

#[test]
fn the_flows_of_a_row_say_what_the_row_says() {
    let mut faults = Vec::new();
    for service in SERVICES.iter().filter(|s| s.versions.is_empty()) {
        let said = statements(service);
        for row in rows(service) {
            let labels = words(&row["labels"]);
            let flows: Vec<&Said> = labels.iter().filter_map(|l| said.get(l)).collect();
            if flows.is_empty() {
                continue;
            }
            let id = format!("{} {}", service.name, row["id"]);
            let mut differ = |what: &str, page: BTreeSet<String>, module: BTreeSet<String>| {
                if page != module {
                    faults.push(format!(
                        "{id}: {what}: page {page:?}, module {module:?} ({})",
                        row["labels"]
                    ));
                }
            };
            let union = |part: fn(&Said) -> &BTreeSet<String>| -> BTreeSet<String> {
                flows.iter().flat_map(|f| part(f)).cloned().collect()
            };
            differ("protocols", set(&row["protocol"]), union(|s| &s.protocols));
            differ("ports", set(&row["ports"]), union(|s| &s.ports));
            differ("ends", set(&row["ends"]), union(|s| &s.ends));
            let direction = match row["direction"].as_str() {
                "inbound" => "in",
                "outbound" => "out",
                other => other,
            };
            for flow in &flows {
                if !flow.directions.contains(direction) {
                    faults.push(format!("{id}: the flow does not go {direction}"));
                }
                let right = match row["need"].as_str() {
                    "yes" => flow.need == Some(Need::Required),
                    "no" => flow.need != Some(Need::Required),
                    "conditional" => !flow.asks.is_empty() || flow.need == Some(Need::Optional),
                    other => panic!("{id}: `{other}` is not a need"),
                };
                if !right {
                    faults.push(format!(
                        "{id}: the page says {}, the flow says {:?} when {:?}",
                        row["need"], flow.need, flow.asks
                    ));
                }
            }
            if row["cloud"] != "all" && !flows.iter().any(|f| f.asks.contains("cloud")) {
                faults.push(format!(
                    "{id}: the row is for {}, no flow asks",
                    row["cloud"]
                ));
            }
        }
    }
    report(&faults);
}

/// The catalogues of required flows lie beside the repository: where they are, no flow of theirs may
/// lack a row, and the row must have their protocol, ports and literal ends.
#[test]
fn the_tables_have_every_flow_of_the_catalogues() {
    let shared = std::env::var_os("PORTCULLIS_SHARED")
        .map_or_else(|| root().join("../shared"), PathBuf::from)
        .join("azure/catalog");
    if !shared.is_dir() {
        eprintln!("skipped: no folder of required flows (set PORTCULLIS_SHARED)");
        return;
    }
    let mut faults = Vec::new();
    for service in SERVICES.iter().filter(|s| s.versions.is_empty()) {
        let text = fs::read_to_string(shared.join(format!("{}.yaml", service.catalogue))).unwrap();
        let yaml: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        let rows: BTreeMap<String, BTreeMap<String, String>> = rows(service)
            .into_iter()
            .map(|r| (r["id"].clone(), r))
            .collect();
        for flow in yaml["flows"].as_sequence().unwrap() {
            let key = flow["id"].as_str().unwrap();
            let id = format!("{} {key}", service.name);
            let Some(row) = rows.get(key) else {
                faults.push(format!("{id}: the table has no such row"));
                continue;
            };
            let protocol = flow["protocol"].as_str().unwrap().to_lowercase();
            // With ports, Any is TCP and UDP.
            if !set(&row["protocol"]).contains(&protocol) && protocol != "any" {
                faults.push(format!(
                    "{id}: protocol {protocol}, table {}",
                    row["protocol"]
                ));
            }
            for port in flow["ports"].as_sequence().unwrap() {
                let port = port.as_str().unwrap();
                if !port.starts_with('<') && !set(&row["ports"]).contains(port) {
                    faults.push(format!("{id}: the table has no port {port}"));
                }
            }
            let far = if flow["direction"].as_str() == Some("inbound") {
                "source"
            } else {
                "destination"
            };
            for end in flow[far].as_sequence().unwrap() {
                let end = match (end["tag"].as_str(), end["fqdn"].as_str()) {
                    (Some(tag), _) => format!("tag({tag})"),
                    (_, Some(name)) => name.to_owned(),
                    _ => continue,
                };
                let end = end
                    .replace("<region>", "${region}")
                    .replace("<location>", "${region}");
                // `<name>` is the caller's; a star inside a label cannot be written in a rule.
                let literal = !end.contains('<') && !end.get(1..).unwrap().contains('*');
                if literal && !set(&row["ends"]).contains(&end) {
                    faults.push(format!("{id}: the table has no {end}"));
                }
            }
        }
        for route in yaml["routes"].as_sequence().into_iter().flatten() {
            let prefix = format!("tag({})", route["prefix"].as_str().unwrap());
            let found = rows
                .values()
                .any(|r| r["direction"] == "route" && r["ends"] == prefix);
            if !found {
                faults.push(format!("{}: no row for route {prefix}", service.name));
            }
        }
    }
    report(&faults);
}

/// Every module in a small project: no error and no warning, and where a table of rules stands beside
/// the project, that output.
#[test]
fn every_module_compiles_to_what_is_expected() {
    for service in SERVICES.iter().filter(|s| s.versions.is_empty()) {
        let case = root().join("tests/cases/std").join(service.name);
        // A copy, since compiling writes the lock beside the sources.
        let copy = tempfile::tempdir().unwrap();
        for file in ["main.gate", "portcullis.yaml"] {
            fs::copy(case.join(file), copy.path().join(file)).unwrap();
        }
        let ran = portcullis(copy.path(), &["compile", "--deny", "warnings"]);
        assert_eq!(ran.code, 0, "{}: {}{}", service.name, ran.out, ran.err);
        let expected = case.join("expected.csv");
        if expected.is_file() {
            let path = format!("tests/cases/std/{}/expected.csv", service.name);
            let report = differences(&path, emitted_rows(&copy.path().join("out")));
            assert!(report.is_empty(), "{}: {report}", service.name);
        }
    }
}

fn report(faults: &[String]) {
    assert!(
        faults.is_empty(),
        "pages and modules differ:\n  {}",
        faults.join("\n  ")
    );
}

/// The rows of a page, each cell by its column.
fn rows(service: &Service) -> Vec<BTreeMap<String, String>> {
    let header = if service.versions.is_empty() {
        COLUMNS
    } else {
        APIM_COLUMNS
    };
    table(service.table, header)
        .into_iter()
        .map(|row| header.split(',').map(str::to_owned).zip(row).collect())
        .collect()
}

fn words(cell: &str) -> Vec<String> {
    cell.split(' ')
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect()
}

fn set(cell: &str) -> BTreeSet<String> {
    words(cell).into_iter().collect()
}

/// Every labelled flow, route and DNAT of a module by `group::label`.
fn statements(service: &Service) -> BTreeMap<String, Said> {
    let path = format!("policies/std/{}.gate", service.name);
    let mut sources = SourceMap::default();
    let file = sources.add(&path, fs::read_to_string(root().join(&path)).unwrap());
    let (tree, diagnostics) = portcullis::syntax::parse(&sources, file);
    assert!(
        diagnostics.is_empty(),
        "{path} does not parse: {diagnostics:?}"
    );
    let module = Module {
        tree: &tree,
        sources: &sources,
        near: service.near,
    };
    let mut out = BTreeMap::new();
    let mut add = |group: &str, label: Option<&Name>, said: Said| {
        let label =
            label.unwrap_or_else(|| panic!("{path}: a statement of `{group}` has no label"));
        let before = out.insert(format!("{group}::{}", label.node), said);
        assert!(before.is_none(), "{path}: `{}` stands twice", label.node);
    };
    for item in &tree.items {
        match &item.node {
            Item::Group(group) => {
                let mut asks = BTreeSet::new();
                for clause in &group.clauses {
                    asked(&clause.node.kind, &mut asks);
                }
                for Node { node, .. } in &group.members {
                    let (label, mut said) = match node {
                        Member::Flow(flow) => (flow.label.as_ref(), module.flow(flow)),
                        Member::Route(route) => {
                            let mut said = Said {
                                directions: BTreeSet::from(["route"]),
                                ..Said::default()
                            };
                            module.leaves(&route.expr, &mut said.ends);
                            (route.label.as_ref(), said)
                        }
                        Member::Dnat(dnat) => (dnat.label.as_ref(), Said::default()),
                        Member::Error => panic!("{path}: a statement did not parse"),
                    };
                    said.asks.extend(asks.iter().cloned());
                    add(&group.name.node, label, said);
                }
            }
            Item::Flow(flow) => add("main", flow.label.as_ref(), module.flow(flow)),
            Item::Route(route) => add("main", route.label.as_ref(), Said::default()),
            Item::Dnat(dnat) => add("main", dnat.label.as_ref(), Said::default()),
            _ => {}
        }
    }
    out
}

/// A module while its statements are read.
struct Module<'a> {
    tree: &'a File,
    sources: &'a SourceMap,
    near: &'static [&'static str],
}

impl Module<'_> {
    fn flow(&self, flow: &Flow) -> Said {
        let mut said = Said {
            need: flow.need.as_ref().map(|n| n.node),
            ..Said::default()
        };
        for clause in &flow.clauses {
            asked(&clause.node.kind, &mut said.asks);
        }
        self.services(&flow.services, &mut said);
        let (left, right) = match &flow.ends {
            Ends::FromTo(from, to) => (from, to),
            Ends::Between(a, b) => {
                said.directions.extend(["in", "out"]);
                (a, b)
            }
        };
        let (mut from, mut to) = (BTreeSet::new(), BTreeSet::new());
        self.leaves(left, &mut from);
        self.leaves(right, &mut to);
        let is_near =
            |ends: &BTreeSet<String>| ends.iter().all(|e| self.near.contains(&e.as_str()));
        if is_near(&from) {
            said.directions.insert("out");
            said.ends = to;
        } else {
            assert!(is_near(&to), "neither {from:?} nor {to:?} is the service");
            said.directions.insert("in");
            said.ends = from;
        }
        said
    }

    fn services(&self, services: &[Svc], said: &mut Said) {
        for service in services {
            match service {
                Svc::Proto { proto, ports } => {
                    said.protocols.insert(word(proto.node).to_owned());
                    match ports {
                        None if proto.node == Proto::Https => {
                            said.ports.insert("443".to_owned());
                        }
                        None if proto.node == Proto::Http => {
                            said.ports.insert("80".to_owned());
                        }
                        None => {
                            said.ports.insert("*".to_owned());
                        }
                        Some(ports) => said.ports.extend(ports.ranges.iter().map(|(a, b)| {
                            if a == b {
                                a.to_string()
                            } else {
                                format!("{a}-{b}")
                            }
                        })),
                    }
                }
                Svc::Named(path) => {
                    let name = path.text();
                    let found = self.tree.items.iter().find_map(|i| match &i.node {
                        Item::Service(s) if s.name.node == name => Some(&s.services),
                        Item::Param(p) if p.name.node == name => match &p.default.as_ref()?.node {
                            Value::Services(services) => Some(services),
                            _ => None,
                        },
                        _ => None,
                    });
                    self.services(found.unwrap_or_else(|| panic!("no service {name}")), said);
                }
            }
        }
    }

    /// The parts of an end as written, endpoints and parameters with a default replaced by theirs.
    fn leaves(&self, expr: &Expr, out: &mut BTreeSet<String>) {
        match &expr.kind {
            ExprKind::List(list) => {
                for element in &list.elements {
                    self.leaves(&element.node, out);
                }
            }
            ExprKind::Path(path) => {
                let name = path.text();
                let behind: Vec<&Expr> = self
                    .tree
                    .items
                    .iter()
                    .flat_map(|i| match &i.node {
                        Item::Endpoint(e) if e.name.node == name => vec![&e.expr],
                        Item::Param(p) if p.name.node == name => match &p.default {
                            Some(default) => expressions(&default.node),
                            None => Vec::new(),
                        },
                        _ => Vec::new(),
                    })
                    .collect();
                if behind.is_empty() {
                    out.insert(name);
                }
                for expr in behind {
                    self.leaves(expr, out);
                }
            }
            _ => {
                out.insert(self.sources.text(expr.span).to_owned());
            }
        }
    }
}

/// The endpoint expressions of a parameter's default.
fn expressions(value: &Value) -> Vec<&Expr> {
    match value {
        Value::Expr(expr) => vec![expr],
        Value::List(list) => list
            .elements
            .iter()
            .flat_map(|e| expressions(&e.node))
            .collect(),
        _ => Vec::new(),
    }
}

fn word(proto: Proto) -> &'static str {
    match proto {
        Proto::Tcp => "tcp",
        Proto::Udp => "udp",
        Proto::Icmp => "icmp",
        Proto::Esp => "esp",
        Proto::Ah => "ah",
        Proto::Any => "any",
        Proto::Http => "http",
        Proto::Https => "https",
        Proto::Mssql => "mssql",
    }
}

/// The parameters that a `when` asks.
fn asked(clause: &ClauseKind, out: &mut BTreeSet<String>) {
    fn walk(condition: &Cond, out: &mut BTreeSet<String>) {
        match condition {
            Cond::Or(parts) | Cond::And(parts) => parts.iter().for_each(|p| walk(p, out)),
            Cond::Not(part) | Cond::Paren(part) => walk(part, out),
            Cond::Atom { path, .. } => {
                out.insert(path.text());
            }
        }
    }
    if let ClauseKind::When(condition) = clause {
        walk(condition, out);
    }
}
