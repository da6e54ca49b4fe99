//! Laws of the order of writes: what stands between two writes lets through nothing that both states
//! forbid, and keeps back nothing that both allow.

use std::cell::RefCell;
use std::fs;
use std::net::IpAddr;

use portcullis::backends::Context;
use portcullis::backends::resource::{AzureType, Resource};
use portcullis::catalog::{Catalog, Cloud};
use portcullis::diff::order::{Action, Order, Step};
use portcullis::diff::textual::{Kind, Place};
use portcullis::driver::{self, Memory, Options, Project};
use portcullis::packet::{Transport, Verdict};
use portcullis::reach::{Question, ask, emitted};
use portcullis::source::MemoryLoader;

use super::{difference, pair};
use crate::lock::draw::Dice;
use crate::lock::project::Built;
use crate::oracle::load;

/// What is sent through every state.
fn questions() -> Vec<Question> {
    let sources = [
        "10.30.1.10",
        "10.30.1.20",
        "172.20.0.5",
        "172.20.9.5",
        "20.50.90.3",
    ];
    let destinations = [
        "10.9.0.4",
        "203.0.113.1",
        "172.31.0.1",
        "172.20.0.1",
        "20.150.8.10",
        "52.239.212.1",
        "8.8.8.8",
        "10.30.1.4",
        "20.50.60.70",
    ];
    let ports = [21, 22, 53, 80, 123, 443, 853];
    let mut out = Vec::new();
    let one =
        |transport, source: &str, destination: Option<&str>, port, name: Option<&str>| Question {
            transport,
            source: source.parse::<IpAddr>().unwrap(),
            source_port: Some(50000),
            destination: destination.map(|d| d.parse().unwrap()),
            port: Some(port),
            name: name.map(str::to_owned),
        };
    for source in sources {
        for destination in destinations {
            for port in ports {
                out.push(one(Transport::Tcp, source, Some(destination), port, None));
                out.push(one(Transport::Udp, source, Some(destination), port, None));
            }
        }
    }
    out
}

fn is(resource: &Resource, place: &Place) -> bool {
    let kind = match resource.kind {
        AzureType::IpGroup | AzureType::ApplicationSecurityGroup => Kind::IpGroup,
        AzureType::FirewallPolicy => Kind::FirewallPolicy,
        AzureType::AzureFirewall => Kind::ClassicFirewall,
        AzureType::RuleCollectionGroup => Kind::RuleCollectionGroup,
        AzureType::NetworkSecurityGroup | AzureType::SecurityRule => Kind::Nsg,
        AzureType::RouteTable => Kind::RouteTable,
    };
    kind == place.kind && resource.id.name().eq_ignore_ascii_case(&place.name)
}

/// What lies in Azure after a write.
fn write(state: &mut Vec<Resource>, new: &[Resource], step: &Step) {
    if step.action == Action::Attach {
        return;
    }
    state.retain(|r| !is(r, &step.resource));
    if step.action != Action::Delete {
        state.extend(new.iter().filter(|r| is(r, &step.resource)).cloned());
    }
}

fn allowed(context: &Context<'_>, state: &[Resource], questions: &[Question]) -> Vec<Option<bool>> {
    let network = emitted::network(context, state).unwrap();
    let one = |q: &Question| ask(&network, q, true).verdict.map(|v| v == Verdict::Allow);
    questions.iter().map(one).collect()
}

/// What goes wrong between the writes of an order: of a packet that both states forbid, and of one that
/// both allow.
fn between(
    old: &Built,
    new: &Built,
    lock: &str,
    order: &dyn Fn(&mut [Step]),
    (steps, questions): (&Order, &[Question]),
) -> (Vec<String>, Vec<String>) {
    let before: RefCell<Vec<Resource>> = RefCell::default();
    watch(old, None, &mut |_, resources| {
        *before.borrow_mut() = resources.to_vec()
    });
    let before = before.into_inner();
    let (mut opened, mut cut) = (Vec::new(), Vec::new());
    watch(new, Some(lock), &mut |context, after| {
        let (first, last) = (
            allowed(context, &before, questions),
            allowed(context, after, questions),
        );
        let mut steps = steps.steps.clone();
        order(steps.as_mut_slice());
        let mut state = before.clone();
        for step in &steps {
            write(&mut state, after, step);
            let now = allowed(context, &state, questions);
            for (at, question) in questions.iter().enumerate() {
                let told = format!(
                    "after {} {}: {question:?}",
                    step.action.word(),
                    step.resource.name
                );
                match (first[at], now[at], last[at]) {
                    (Some(false), Some(true), Some(false)) => opened.push(told),
                    (Some(true), Some(false), Some(true)) => cut.push(told),
                    _ => {}
                }
            }
        }
    });
    (opened, cut)
}

fn watch(built: &Built, lock: Option<&str>, see: &mut dyn FnMut(&Context<'_>, &[Resource])) {
    let loader = MemoryLoader {
        files: built.files.clone(),
    };
    let project = Project {
        settings: built.settings.clone(),
        sources: vec!["main.gate".to_owned()],
    };
    let options = Options {
        no_prove: true,
        memory: Memory {
            lock: lock.map(str::to_owned),
            ..Memory::default()
        },
        ..Options::default()
    };
    let catalog = Catalog::embedded(Cloud::Public);
    let _ = driver::compile_watched(
        &loader,
        &project,
        catalog,
        &options,
        &mut |stage, lowered| {
            see(stage.context, &lowered.resources);
        },
    );
}

/// The order that goes by tiers alone, with security groups after the firewall and routes last.
fn by_tiers_alone(steps: &mut [Step]) {
    let tiers = ["forbid", "exception", "deny", "ordered", "allow"];
    let kinds = [
        Kind::IpGroup,
        Kind::FirewallPolicy,
        Kind::RuleCollectionGroup,
        Kind::Nsg,
        Kind::RouteTable,
    ];
    steps.sort_by_key(|s| {
        let kind = kinds
            .iter()
            .position(|k| *k == s.resource.kind)
            .unwrap_or(9);
        let tier = s
            .tier
            .and_then(|t| tiers.iter().position(|k| *k == t))
            .unwrap_or(9);
        (kind, tier, !s.effect.gains)
    });
}

#[test]
fn nothing_opens_or_is_cut_between_two_writes() {
    let all = questions();
    let mut worse = Vec::new();
    let mut wrong = Vec::new();
    for folder in load::entries(&load::root().join("tests/cases/textual")).unwrap() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        let (old_text, new_text) = (read("old.gate"), read("new.gate"));
        let (old, new) = pair(&old_text, &new_text).unwrap();
        let (_, order) = difference(&old, &new, "default");
        let (a, b) = (Built::of(&old_text), Built::of(&new_text));
        let (opened, cut) = between(&a, &b, &old.lock, &|_| {}, (&order, &all));
        if !opened.is_empty() || !cut.is_empty() {
            wrong.push(format!(
                "{name}: opened {} {:?}\ncut {} {:?}",
                opened.len(),
                opened.first(),
                cut.len(),
                cut.first()
            ));
        }
        let (opened, cut) = between(&a, &b, &old.lock, &by_tiers_alone, (&order, &all));
        if !opened.is_empty() || !cut.is_empty() {
            worse.push((name, opened.len(), cut.len()));
        }
    }
    // The cases can tell: an order that goes by tiers alone opens and cuts.
    let opens = worse.iter().filter(|(_, opened, _)| *opened > 0).count();
    let cuts = worse.iter().filter(|(_, _, cut)| *cut > 0).count();
    assert!(opens >= 2 && cuts >= 2, "{worse:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const GROUPS: [&str; 6] = ["stop", "wall", "fence", "gap", "one", "two"];

/// A firewall and what its groups list: for each group the ports.
fn drawn(ports: &[Vec<usize>]) -> String {
    let text = fs::read_to_string(
        load::root().join("tests/cases/textual/deny-goes-with-its-allow/old.gate"),
    );
    let text = text.unwrap();
    let mut out = text.split("deny transfer").next().unwrap().to_owned();
    let list = |ports: &[usize]| {
        let all: Vec<String> = ports.iter().map(|p| (2000 + p).to_string()).collect();
        format!("tcp/{} from web to 203.0.113.0/24 for \"x\"", all.join(","))
    };
    for (name, ports) in GROUPS.iter().zip(ports) {
        if ports.is_empty() {
            continue;
        }
        let verb = match *name {
            "stop" => "forbid",
            "wall" | "fence" => "deny",
            _ => "allow",
        };
        let overrides = if *name == "gap" {
            " overrides wall::all"
        } else {
            ""
        };
        out.push_str(&format!(
            "group {name} {{\n  {verb} all: {}{overrides}\n}}\n\n",
            list(ports)
        ));
    }
    out
}

/// Random changes of six groups of one firewall: without a word of warning nothing opens and nothing is cut.
#[test]
fn no_order_opens_or_cuts_without_a_warning() {
    let told = std::env::var("PORTCULLIS_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    let (mut clean, mut warned, mut wrong_but_warned, mut tiers_wrong) = (0, 0, 0, 0);
    for seed in 0..told.unwrap_or(40_u64) {
        let mut dice = Dice::new(300 + seed);
        let draw = |dice: &mut Dice| -> Vec<Vec<usize>> {
            GROUPS
                .iter()
                .map(|_| (0..5).filter(|_| dice.below(2) == 0).collect())
                .collect()
        };
        let before = draw(&mut dice);
        let mut after = draw(&mut dice);
        for (old, new) in before.iter().zip(&mut after) {
            // Most groups only gain or only lose.
            match dice.below(7) {
                0..=2 => new.extend(old.clone()),
                3..=5 => new.retain(|p| old.contains(p)),
                _ => {}
            }
            new.sort_unstable();
            new.dedup();
        }
        let (old_text, new_text) = (drawn(&before), drawn(&after));
        let Ok((old, new)) = pair(&old_text, &new_text) else {
            continue;
        };
        let (_, order) = difference(&old, &new, "default");
        let questions: Vec<Question> = (0..5)
            .map(|port| Question {
                transport: Transport::Tcp,
                source: "10.30.1.10".parse().unwrap(),
                source_port: Some(50000),
                destination: Some("203.0.113.9".parse().unwrap()),
                port: Some(2000 + port),
                name: None,
            })
            .collect();
        let (a, b) = (Built::of(&old_text), Built::of(&new_text));
        let (opened, cut) = between(&a, &b, &old.lock, &|_| {}, (&order, &questions));
        let warns = order
            .steps
            .iter()
            .any(|s| s.notes.iter().any(|n| n.contains("at once")));
        let wrong = !opened.is_empty() || !cut.is_empty();
        assert!(
            !wrong || warns,
            "seed {seed}: {opened:?} {cut:?}\n{old_text}\n{new_text}\n{order:#?}"
        );
        clean += usize::from(!warns);
        warned += usize::from(warns);
        wrong_but_warned += usize::from(wrong);
        let (opened, cut) = between(&a, &b, &old.lock, &by_tiers_alone, (&order, &questions));
        tiers_wrong += usize::from(!opened.is_empty() || !cut.is_empty());
    }
    println!(
        "{clean} without a warning, {warned} with one, {wrong_but_warned} of them rightly; by tiers alone {tiers_wrong} are wrong"
    );
    assert!(clean >= 8 && tiers_wrong > wrong_but_warned);
}
