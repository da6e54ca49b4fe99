//! From drafts to the resource of a security group: numbers from each tier's band, foreign rules kept,
//! descriptions cut to size. Which rules there are is decided before.

use std::collections::{BTreeMap, BTreeSet};

use crate::allocate::lock::{Entry, Part, Scope};
use crate::allocate::numbers::{Leaving, Terms, Wanted, by_name};
use crate::allocate::{AllocErrorKind, Request, names};
use crate::backends::faults;
use crate::backends::lowered::{Context, Lowered, Role, RuleTrace};
use crate::backends::resource::AzureType;
use crate::config::{Band, NsgRuleLayout};
use crate::diag::Sink;
use crate::model::{Key, Nsg};

use super::base;
use super::caps;
use super::emit::{emit_network_security_group, emit_security_rule};
use super::lower::{Draft, rule_name};
use super::operand::OneOrMany;
use super::sequence;
use super::shape::{
    Direction, NetworkSecurityGroupProperties, SecurityRule, SecurityRuleProperties,
};

pub(super) fn finish(
    context: &Context<'_>,
    key: &Key,
    nsg: &Nsg,
    drafts: Vec<Draft>,
    out: &mut Lowered,
    sink: &mut Sink,
) {
    let exported = exported_rules(nsg, sink);
    let left = left(context, nsg, &drafts, &exported);
    let ours = |name: &str| {
        let left = left.values().flatten();
        let mut names = left.map(|(name, _)| name.as_str());
        names.any(|n| n.eq_ignore_ascii_case(name))
            || drafts.iter().any(|d| d.name.eq_ignore_ascii_case(name))
    };
    replaced(context, nsg, &drafts, &exported, sink);
    let mut foreign = exported;
    foreign.retain(|rule| !ours(&rule.name));
    let mut rules: Vec<SecurityRule> = Vec::new();
    let mut names_seen: BTreeMap<String, String> = BTreeMap::new();
    let mut traces = Vec::new();
    for direction in [Direction::Inbound, Direction::Outbound] {
        let mine: Vec<&Draft> = drafts.iter().filter(|d| d.direction == direction).collect();
        let taken: Vec<u32> = foreign
            .iter()
            .filter(|f| f.inbound == (direction == Direction::Inbound))
            .map(|f| f.priority)
            .collect();
        let held = left.get(&direction).cloned().unwrap_or_default();
        let numbers = number(context, key, direction, &mine, &taken, held, sink);
        for draft in mine {
            let refuse = |why: &str| match &draft.given {
                Some(given) => faults::bad_given_name(given.span, &draft.name, why),
                None => faults::bad_name(draft.span, &draft.name, why),
            };
            if let Err(error) = names::validate(&draft.name) {
                sink.push(refuse(&error.to_string()));
            }
            if let Some(other) = names_seen.insert(draft.name.to_lowercase(), draft.id.clone())
                && other != draft.id
            {
                let why = format!("is already taken by `{other}` in NSG `{key}`");
                sink.push(refuse(&why));
            }
            let (Some(priority), Some(source), Some(destination), Ok(ports), Ok(source_ports)) = (
                numbers.get(&draft.id).copied(),
                draft.source.side(context),
                draft.destination.side(context),
                OneOrMany::ports(draft.ports.texts()),
                OneOrMany::ports(draft.source_ports.texts()),
            ) else {
                continue;
            };
            traces.push(RuleTrace {
                file: String::new(),
                resource: String::new(),
                rule: draft.name.clone(),
                flows: draft.flows.clone(),
                role: draft.role,
            });
            rules.push(SecurityRule {
                name: draft.name.clone(),
                properties: SecurityRuleProperties {
                    description: shorten(draft, sink),
                    protocol: draft.protocol,
                    source_ports,
                    destination_ports: ports,
                    source,
                    destination,
                    access: draft.access,
                    priority,
                    direction,
                },
            });
        }
    }
    rules.sort_by_key(|r| (r.properties.direction, r.properties.priority));
    let count = rules.len() + foreign.len();
    if let Err(error) = names::validate(&nsg.identity.name) {
        sink.push(faults::bad_name(
            nsg.identity.span,
            &nsg.identity.name,
            &error.to_string(),
        ));
    }
    if context.settings.layout.nsg_rules == NsgRuleLayout::Children {
        told_by_its_owner(key, nsg, sink);
        children(context, nsg, rules, traces, out);
        return;
    }
    let properties = NetworkSecurityGroupProperties {
        flush_connection: nsg.flush,
        security_rules: rules,
    };
    let mut resource = emit_network_security_group(&properties, &context.identity(&nsg.identity));
    base::merge(&mut resource.properties, &foreign);
    for mut trace in traces {
        trace.file.clone_from(&resource.file);
        trace.resource = resource.id.text();
        out.traces.push(trace);
    }
    out.rules.push((resource.file.clone(), count));
    out.resources.push(resource);
}

/// Every rule as a resource of its own, and no group: a PUT of the group would state the complete
/// list of its rules and take away those that others made ("Network Security Groups" REST reference,
/// checked 2026-11-23). So the group has to be there, and what only it can say is its owner's.
fn children(
    context: &Context<'_>,
    nsg: &Nsg,
    rules: Vec<SecurityRule>,
    traces: Vec<RuleTrace>,
    out: &mut Lowered,
) {
    let group = context.id(&nsg.identity, AzureType::NetworkSecurityGroup);
    let files: BTreeMap<String, (String, String)> = rules
        .into_iter()
        .map(|rule| {
            let resource = emit_security_rule(&rule.properties, &group, &rule.name);
            let file = resource.file.clone();
            let id = resource.id.text();
            out.rules.push((file.clone(), 1));
            out.resources.push(resource);
            (rule.name, (file, id))
        })
        .collect();
    for mut trace in traces {
        (trace.file, trace.resource) = files.get(&trace.rule).cloned().unwrap_or_default();
        out.traces.push(trace);
    }
}

/// What the group alone can say, where only its rules are written.
fn told_by_its_owner(key: &Key, nsg: &Nsg, sink: &mut Sink) {
    let keys = [
        ("flush", nsg.flush.is_some()),
        ("tags", !nsg.identity.tags.is_empty()),
        ("location", nsg.identity.location.is_some()),
    ];
    for (word, _) in keys.into_iter().filter(|(_, stated)| *stated) {
        sink.push(crate::resolve::in_no_output(
            nsg.identity.span,
            word,
            &format!("NSG `{key}`"),
            "with `layout: { nsg-rules: children }` the group itself is somebody else's",
            "set it where the group is made, or write `nsg-rules: inline`",
        ));
    }
}

/// Rules that were ours and left the source, while the base file still holds one of that name: by
/// direction, name and what the lock has. They are not foreign, and do not come back with the file.
fn left(
    context: &Context<'_>,
    nsg: &Nsg,
    drafts: &[Draft],
    exported: &[base::ForeignRule],
) -> BTreeMap<Direction, Vec<(String, Entry)>> {
    let memory = context.numbers.borrow();
    let lower = |name: &str| name.to_lowercase();
    let held: BTreeSet<String> = exported.iter().map(|rule| lower(&rule.name)).collect();
    let now: BTreeSet<String> = drafts.iter().map(|draft| lower(&draft.name)).collect();
    let mut out: BTreeMap<Direction, Vec<(String, Entry)>> = BTreeMap::new();
    for direction in [Direction::Inbound, Direction::Outbound] {
        let scope = scope(context, nsg, direction);
        let old = memory.old().scopes.get(&scope);
        for (id, entry) in old.into_iter().flat_map(|s| &s.entries) {
            // A name alone was read from a file: whose it is, nobody knows, unless it was ours before.
            let name = match (id.strip_prefix('='), &entry.name) {
                (Some(name), _) if entry.exported => name.to_owned(),
                (Some(_), _) => continue,
                (None, Some(name)) => lower(name),
                (None, None) => lower(&rule_name(id)),
            };
            if held.contains(&name) && !now.contains(&name) {
                let list = out.entry(direction).or_default();
                list.push((name, entry.clone()));
            }
        }
    }
    out
}

/// Tells rules of the base file that have the name of one of ours, though nothing remembers them.
fn replaced(
    context: &Context<'_>,
    nsg: &Nsg,
    drafts: &[Draft],
    exported: &[base::ForeignRule],
    sink: &mut Sink,
) {
    let memory = context.numbers.borrow();
    let lines: Vec<&String> = [Direction::Inbound, Direction::Outbound]
        .into_iter()
        .filter_map(|direction| memory.old().scopes.get(&scope(context, nsg, direction)))
        .flat_map(|s| s.entries.keys())
        .collect();
    for rule in exported {
        let same = |d: &&Draft| d.name.eq_ignore_ascii_case(&rule.name);
        let (Some(draft), Some(file)) = (drafts.iter().find(same), &nsg.base) else {
            continue;
        };
        let mut known = memory.formerly(&draft.id);
        known.push(draft.id.clone());
        known.push(by_name(&rule.name));
        if !lines.iter().any(|id| known.contains(id)) {
            sink.push(faults::takes_foreign(
                draft.span, "rule", &rule.name, &file.path,
            ));
        }
    }
}

/// The rules of the base file.
fn exported_rules(nsg: &Nsg, sink: &mut Sink) -> Vec<base::ForeignRule> {
    let Some(file) = &nsg.base else {
        return Vec::new();
    };
    match base::read(&file.text) {
        Ok(rules) => rules,
        Err(reason) => {
            sink.push(crate::resolve::base_file_fault(
                file.span,
                &file.path,
                "network security group",
                &reason,
            ));
            Vec::new()
        }
    }
}

fn number(
    context: &Context<'_>,
    key: &Key,
    direction: Direction,
    drafts: &[&Draft],
    foreign: &[u32],
    held: Vec<(String, Entry)>,
    sink: &mut Sink,
) -> BTreeMap<String, u32> {
    let bands = &context.settings.bands;
    let requests: Vec<Request> = drafts
        .iter()
        .map(|d| Request {
            id: d.id.clone(),
            band: bands.nsg.get(&d.band).copied().unwrap_or((100, 4096)),
            pin: d.pin,
        })
        .collect();
    let reserved: Vec<(u32, u32)> = bands
        .nsg
        .get(&Band::Reserved)
        .copied()
        .into_iter()
        .chain(foreign.iter().map(|n| (*n, *n)))
        .collect();
    let Some(nsg) = context.fabric.policy.nsgs.get(key) else {
        return BTreeMap::new();
    };
    let scope = scope(context, nsg, direction);
    let mut memory = context.numbers.borrow_mut();
    let mut wanted: Vec<Wanted> = drafts
        .iter()
        .zip(requests)
        .map(|(draft, request)| {
            let mut formerly = memory.formerly(&draft.id);
            formerly.push(by_name(&draft.name));
            Wanted {
                request,
                formerly,
                // If it leaves, it must be known in an export.
                name: (nsg.base.is_some() && draft.name != rule_name(&draft.id))
                    .then(|| draft.name.clone()),
                order: None,
            }
        })
        .collect();
    let ranks = sequence::ranks(drafts, &memory.known(&scope, &wanted));
    for wanted in &mut wanted {
        wanted.order = ranks.get(&wanted.request.id).copied();
    }
    let terms = Terms {
        reserved,
        stride: bands.stride.nsg,
        leaving: Leaving::Goes(held.into_iter().map(|(n, e)| (by_name(&n), e)).collect()),
    };
    let result = memory.allocate(&scope, &wanted, &terms);
    if let Some(d) = faults::renumbered(nsg.identity.span, &scope.to_string(), &result.moved) {
        sink.push(d);
    }
    let by_id: BTreeMap<&str, &Draft> = drafts.iter().map(|d| (d.id.as_str(), *d)).collect();
    // A band is full once, however many rules find no place in it.
    let mut full: BTreeMap<Band, Vec<&Draft>> = BTreeMap::new();
    for error in result.errors {
        let Some(draft) = by_id.get(error.id.as_str()) else {
            continue;
        };
        let pin = draft.pin.unwrap_or_default();
        sink.push(match error.kind {
            AllocErrorKind::BandFull => {
                full.entry(draft.band).or_default().push(draft);
                continue;
            }
            AllocErrorKind::PinOutside => faults::bad_pin(
                draft.span,
                pin,
                &outside(bands.nsg.get(&draft.band), draft.band),
                &error.free,
            ),
            AllocErrorKind::PinTaken { holder } => faults::bad_pin(
                draft.span,
                pin,
                &holder.map_or_else(
                    || "is reserved".to_owned(),
                    |h| format!("is already taken by `{h}`"),
                ),
                &error.free,
            ),
        });
    }
    for (band, left_over) in full {
        let Some(first) = left_over.iter().min_by_key(|d| d.span) else {
            continue;
        };
        let scope = format!("NSG `{key}`");
        let d = faults::band_full(first.span, &scope, band.name()).help(
            "widen the band under `bands:` in portcullis.yaml, or write flows together: one takes lists of ends and ports",
        );
        sink.push(match left_over.len() {
            1 => d,
            rules => d.label(format!("no number left for this and {} more", rules - 1)),
        });
    }
    result.numbers
}

fn scope(context: &Context<'_>, nsg: &Nsg, direction: Direction) -> Scope {
    let part = match direction {
        Direction::Inbound => Part::Inbound,
        Direction::Outbound => Part::Outbound,
    };
    let mut nsgs = context.fabric.policy.nsgs.values().map(|n| &n.identity);
    context.scope(&nsg.identity, part, &mut nsgs)
}

fn outside(numbers: Option<&(u32, u32)>, band: Band) -> String {
    numbers.map_or_else(
        || format!("is outside band `{}`", band.name()),
        |(low, high)| {
            format!(
                "is outside band `{}`, which has {low} to {high}",
                band.name()
            )
        },
    )
}

fn shorten(draft: &Draft, sink: &mut Sink) -> Option<String> {
    let text = draft.description.as_ref()?;
    let length = text.chars().count();
    if length <= caps::DESCRIPTION {
        return Some(text.clone());
    }
    if draft.role == Role::Exact {
        sink.push(faults::description_shortened(
            draft.span,
            &draft.name,
            length,
            caps::DESCRIPTION,
        ));
    }
    let mut short: String = text.chars().take(caps::DESCRIPTION - 3).collect();
    short.push_str("...");
    Some(short)
}
