//! Regions as data: named, scored, and one over all environments that share it. It compares nothing.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::sides::{Environment, Side};
use crate::cli::explain::told::Told as Walked;
use crate::config::Settings;
use crate::diag::{Code, Diagnostic, Severity};
use crate::diff::order::Order;
use crate::diff::risk::{Judge, SOON};
use crate::diff::scene::Scene;
use crate::diff::semantic::{Cause, Edit, LedTo, Region};
use crate::diff::textual::Textual;
use crate::diff::told::{
    self, BlastRadius, CausingFlow, Change, Counts, Elsewhere, End, Expiring, Fate, Finding, Hop,
    Kind, Led, Level, Moved, Names, Outcome, Pattern, Risk, RiskCount, Touched, Traffic, Witness,
};
use crate::model::address::{AddressSet, Family};
use crate::packet::{Rectangle, RectangleEnd, RectangleNames, Verdict};
use crate::query::{names_text, service_texts, typed};
use crate::reach::Reply;
use crate::source::SourceMap;
use crate::wrap::sha256_hex;

/// Names of a list that are shown to people.
const SHOWN: usize = 3;

/// The two sides of an environment.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    /// The environment.
    pub(super) name: &'a str,
    /// Before.
    pub(super) old: &'a Environment,
    /// After.
    pub(super) new: &'a Environment,
    /// Points and weights.
    pub(super) settings: &'a Settings,
    /// Before and after, as wholes.
    pub(super) sides: (&'a Side, &'a Side),
}

impl Pair<'_> {
    /// A region of this environment.
    pub(super) fn change(&self, region: &Region, caused_by: told::Cause) -> Change {
        let (old, new) = (&self.old.scene, &self.new.scene);
        let judge = Judge {
            old,
            new,
            settings: self.settings,
            today: self.sides.1.today,
        };
        let scene = if region.kind == Kind::NoLongerAllowed {
            old
        } else {
            new
        };
        let own = traffic(scene, &region.rectangle);
        let mut assuming = region.before.assumes.clone();
        assuming.extend(region.after.assumes.iter().cloned());
        assuming.extend(region.rectangle.assumptions());
        let mut seen = std::collections::BTreeSet::new();
        assuming.retain(|one| seen.insert(one.clone()));
        Change {
            id: String::new(),
            change: region.kind,
            led: region.led.map(|(before, after)| Led {
                before: led_to(before),
                after: led_to(after),
            }),
            caused_by,
            environments: vec![self.name.to_owned()],
            exact: region.sure && assuming.is_empty(),
            assuming,
            required_lost: region.kind == Kind::NoLongerAllowed && self.required(region),
            accepted: false,
            risk: judge.score(region),
            witness: self.witness(region),
            before: fate(self.old, &region.before),
            after: fate(self.new, &region.after),
            causes: region
                .causes
                .iter()
                .map(|c| self.cause(c, caused_by))
                .collect(),
            already: region
                .already
                .iter()
                .map(|row| traffic(scene, row))
                .collect(),
            elsewhere: IndexMap::new(),
            traffic: own,
        }
    }

    /// Whether a `required` flow of the new side, or of the old one, asks for the witness.
    fn required(&self, region: &Region) -> bool {
        let probe = (&region.witness).into();
        let asks = |scene: &Scene| {
            let all = scene.required.iter().flat_map(|(_, regions)| regions);
            all.into_iter()
                .any(|r| r.holds(&probe) == crate::packet::Answer::Yes)
        };
        asks(&self.new.scene) || asks(&self.old.scene)
    }

    fn witness(&self, region: &Region) -> Witness {
        let packet = &region.witness;
        let ported = packet.transport.has_ports();
        let any_source = region.rectangle.source_ports.is_all();
        let to = packet.name.as_ref().map_or_else(
            || packet.destination.to_string(),
            |name| format!("{name} ({})", packet.destination),
        );
        let to = match (ported, &packet.name) {
            (false, _) => to,
            (true, Some(name)) => format!("{name}:{} ({})", packet.port, packet.destination),
            (true, None) if packet.destination.is_ipv6() => format!("[{to}]:{}", packet.port),
            (true, None) => format!("{to}:{}", packet.port),
        };
        Witness {
            environment: self.name.to_owned(),
            protocol: packet.transport.to_string(),
            source_ip: packet.source.to_string(),
            source_port: (ported && !any_source).then_some(packet.source_port),
            destination_ip: packet.destination.to_string(),
            destination_port: ported.then_some(packet.port),
            fqdn: packet.name.clone(),
            text: format!("{} {} -> {to}", packet.transport, packet.source),
            // `explain` asks sources, and these are the new ones.
            explain: typed(packet, any_source)
                .filter(|_| self.new.scene.sight.statements.known && self.is_there())
                .map(|words| format!("portcullis explain {words} -e {}", self.name)),
        }
    }

    /// Whether the new side has the environment.
    fn is_there(&self) -> bool {
        self.sides.1.environment(self.name).is_some()
    }

    /// Both sides of what the data did say what the old sources say: it is told as the new ones have it,
    /// if they do.
    fn cause(&self, cause: &Cause, caused_by: told::Cause) -> CausingFlow {
        let by_data = caused_by == told::Cause::Data;
        let now = self.sides.1.environment(self.name);
        let now = now.filter(|_| by_data).map(|side| &side.scene);
        let now = now.filter(|scene| scene.about.contains_key(&cause.id));
        let (scene, old) = match now {
            Some(scene) => (scene, false),
            None if cause.old || by_data => (&self.old.scene, true),
            None => (&self.new.scene, false),
        };
        let about = scene.about.get(&cause.id).cloned().unwrap_or_default();
        let before = self.new.scene.sight.statements.before(&cause.id);
        let known = |scene: &Scene| scene.sight.statements.known;
        let compared = known(&self.old.scene) && known(&self.new.scene);
        let other = if old {
            None
        } else {
            self.old.scene.about.get(&before)
        };
        CausingFlow {
            flow: cause.id.clone(),
            side: if old { "old" } else { "new" }.to_owned(),
            edit: match cause.edit {
                Edit::Added => "added",
                Edit::Changed => "changed",
                Edit::Removed => "removed",
                Edit::Expired => "expired",
                // Without sources on a side nobody knows.
                Edit::There if !compared => "",
                Edit::There => "there",
            }
            .to_owned(),
            file: about.file,
            line: about.line,
            also: other
                .filter(|own| own.line > 0)
                .map(|own| format!("{}:{}", own.file, own.line)),
            purpose: about.purpose,
            owner: about.owner,
            ticket: about.ticket,
            until: about.until.map(|day| day.to_string()),
        }
    }
}

fn led_to((address, port): LedTo) -> String {
    std::net::SocketAddr::from((address, port)).to_string()
}

fn traffic(scene: &Scene, row: &Rectangle) -> Traffic {
    let end = |own: &RectangleEnd, other: &AddressSet| {
        let label = scene.names.label_beside(&own.addresses, other);
        let symbols =
            |list: &[crate::packet::Symbol]| list.iter().map(ToString::to_string).collect();
        let prefixes: Vec<String> = own
            .addresses
            .to_prefixes()
            .iter()
            .map(|net| {
                if net.prefix_len() == net.max_prefix_len() {
                    net.addr().to_string()
                } else {
                    net.to_string()
                }
            })
            .collect();
        let named = label.to_string();
        End {
            short: label.short(),
            label: (!prefixes.contains(&named)).then_some(named),
            prefixes,
            within: symbols(&own.within),
            outside: symbols(&own.outside),
            ipv4: own.addresses.count(Family::V4).to_string(),
            ipv6: own.addresses.count(Family::V6).to_string(),
        }
    };
    let ranges = |ports: &crate::model::service::PortSet| ports.ranges().to_vec();
    Traffic {
        services: service_texts(row.transports, &row.ports),
        protocols: row.transports.iter().map(|t| t.to_string()).collect(),
        ports: ranges(&row.ports),
        source_ports: ranges(&row.source_ports),
        source: end(&row.source, &row.destination.addresses),
        destination: end(&row.destination, &row.source.addresses),
        names: names(&row.names),
        assuming: row.assuming.iter().map(ToString::to_string).collect(),
    }
}

fn names(names: &RectangleNames) -> Names {
    let symbols = |list: &[crate::packet::Symbol]| list.iter().map(ToString::to_string).collect();
    let plain = RectangleNames {
        within: Vec::new(),
        outside: Vec::new(),
        ..names.clone()
    };
    Names {
        short: names_text(&plain, SHOWN),
        none: names.none,
        patterns: names
            .patterns
            .iter()
            .map(|p| Pattern {
                pattern: p.pattern.clone(),
                except: p.except.clone(),
            })
            .collect(),
        within: symbols(&names.within),
        outside: symbols(&names.outside),
    }
}

fn fate(side: &Environment, reply: &Reply) -> Fate {
    let walked = Walked::new(&side.scene.sight.network, &side.behind, reply, false);
    // What comes straight from outside meets no layer there.
    let met = walked.path.iter().filter(|hop| hop.layer != "none");
    let path: Vec<Hop> = met
        .map(|hop| Hop {
            layer: hop.layer.to_owned(),
            resource: hop.resource.clone().unwrap_or_default(),
            direction: hop.direction.map(str::to_owned),
            rule: hop.rule.clone().unwrap_or_default(),
            priority: hop.priority,
            next_hop: hop.next_hop.clone(),
            verdict: hop.verdict.to_owned(),
            source: (!hop.place.is_empty()).then(|| hop.place.clone()),
        })
        .collect();
    let word = match reply.verdict {
        Some(Verdict::Allow) => "allowed",
        Some(Verdict::Deny) => "denied",
        None if reply.journey.is_none() => "no way",
        None => "undecided",
    };
    let by = match (&walked.reason, reply.verdict) {
        (Some(reason), _) => reason.clone(),
        (None, Some(Verdict::Allow)) if path.is_empty() => {
            "nothing on the way filters it".to_owned()
        }
        (None, _) => {
            let resource = walked.resource.as_deref().unwrap_or_default();
            let rule = walked
                .rule
                .as_deref()
                .unwrap_or_default()
                .replace('/', " / ");
            format!("{} {resource} {rule}", walked.layer)
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        }
    };
    Fate {
        verdict: reply.verdict,
        text: format!("{word}: {by}"),
        path,
    }
}

/// Regions that are the same in several environments, once; those named by `accept` marked; in the order
/// in which they are told. Two are the same if they are called the same, for people read that; which
/// packets the words stand for in each environment is kept.
pub(super) fn merged(all: Vec<Change>, order: &[String], accept: &[String]) -> Vec<Change> {
    let mut known: IndexMap<String, Change> = IndexMap::new();
    for change in all {
        let key = format!(
            "{} {:?} {:?} {} {}",
            change.change.word(),
            change.led,
            change.caused_by,
            change.assuming.join(", "),
            called(&change.traffic)
        );
        // What is twice in one environment is not the same.
        let twice = known.get(&key).is_some_and(|own| {
            own.environments
                .iter()
                .any(|e| change.environments.contains(e))
        });
        let key = if twice {
            format!("{key} {}", plain(&change.traffic))
        } else {
            key
        };
        match known.get_mut(&key) {
            None => {
                known.insert(key, change);
            }
            Some(own) => join(own, change),
        }
    }
    let mut out: Vec<Change> = known.into_values().collect();
    let place = |name: &String| order.iter().position(|own| own == name);
    for change in &mut out {
        change.environments.sort_by_key(|name| place(name));
        change.elsewhere.sort_by_cached_key(|name, _| place(name));
        let mut text = format!("{} {}", change.change.word(), change.environments.join(","));
        if let Some(led) = &change.led {
            text.push_str(&format!(" {} {}", led.before, led.after));
        }
        let others = change.elsewhere.values();
        let here = std::iter::once((&change.traffic, &change.already));
        for (own, already) in here.chain(others.map(|e| (&e.traffic, &e.already))) {
            text.push_str(&plain(own));
            already.iter().for_each(|t| text.push_str(&plain(t)));
        }
        change.id = format!("sem-{}", sha256_hex(&text).get(..8).unwrap_or_default());
        change.accepted = accept.contains(&change.id);
    }
    out.sort_by(|a, b| {
        let front = a
            .change
            .cmp(&b.change)
            .then(b.risk.score.cmp(&a.risk.score));
        let front = front.then_with(|| breadth(b).total_cmp(&breadth(a)));
        front.then_with(|| (&a.traffic, &a.environments).cmp(&(&b.traffic, &b.environments)))
    });
    out
}

/// What packets are called.
fn called(t: &Traffic) -> String {
    let end = |e: &End| {
        let prefixes = || format!("{:?}", e.prefixes);
        let name = e.label.clone().unwrap_or_else(prefixes);
        format!("{name} {:?} {:?}", e.within, e.outside)
    };
    // Who speaks of a name does not speak of addresses, if these are most there are.
    let named = !t.names.none && t.names.patterns.iter().all(|p| p.pattern != "*");
    let most = t
        .destination
        .ipv4
        .parse::<u64>()
        .is_ok_and(|count| count > 1 << 31);
    let to = if named && most {
        format!(
            "most {:?} {:?}",
            t.destination.within, t.destination.outside
        )
    } else {
        end(&t.destination)
    };
    format!(
        "{:?} {:?} {} {} {} {:?} {:?} {:?} {:?}",
        t.services,
        t.source_ports,
        end(&t.source),
        to,
        t.names.none,
        t.names.patterns,
        t.names.within,
        t.names.outside,
        t.assuming
    )
}

/// Packets as text, without what they are called.
fn plain(t: &Traffic) -> String {
    let end = |e: &End| format!("{:?} {:?} {:?}", e.prefixes, e.within, e.outside);
    format!(
        "{:?} {:?} {:?} {} {} {} {:?} {:?} {:?} {:?}",
        t.protocols,
        t.ports,
        t.source_ports,
        end(&t.source),
        end(&t.destination),
        t.names.none,
        t.names.patterns,
        t.names.within,
        t.names.outside,
        t.assuming
    )
}

fn join(own: &mut Change, more: Change) {
    let differs = more.traffic != own.traffic || more.already != own.already;
    if differs {
        for name in &more.environments {
            let elsewhere = Elsewhere {
                traffic: more.traffic.clone(),
                already: more.already.clone(),
            };
            own.elsewhere.insert(name.clone(), elsewhere);
        }
    }
    own.environments.extend(more.environments);
    own.required_lost |= more.required_lost;
    own.exact &= more.exact;
    for cause in more.causes {
        if !own.causes.contains(&cause) {
            own.causes.push(cause);
        }
    }
    if more.risk.score > own.risk.score {
        own.risk = more.risk;
        own.witness = more.witness;
        own.before = more.before;
        own.after = more.after;
    }
}

fn breadth(change: &Change) -> f64 {
    let size = |e: &End| {
        let number = |text: &str| text.parse::<f64>().unwrap_or(0.0);
        number(&e.ipv4) + number(&e.ipv6) / 2_f64.powi(64)
    };
    size(&change.traffic.source) * size(&change.traffic.destination)
}

/// What becomes of connections that are open when traffic is stopped.
///
/// Source: "Network security groups" (stateful: a removed rule leaves existing connections, unless
/// `flushConnection` is on) and "Azure Firewall FAQ" (a change to deny drops them), Microsoft Learn, checked
/// 2026-11-23.
pub(super) fn sessions(all: &[Change]) -> Option<String> {
    let stopped = all.iter().filter(|c| c.change == Kind::NoLongerAllowed);
    let by = |layer: &str| {
        stopped.clone().any(|c| {
            let last = c.after.path.iter().find(|hop| hop.verdict == "deny");
            last.is_some_and(|hop| hop.layer == layer)
        })
    };
    let (nsg, firewall) = (by("nsg"), by("firewall"));
    match (nsg, firewall) {
        (true, true) => Some(
            "of what is no longer allowed, connections that are open are dropped where a firewall denies and live on where a security group does, unless its connections are flushed".to_owned(),
        ),
        (true, false) => Some(
            "connections that are open live on: a security group that denies leaves them, unless its connections are flushed".to_owned(),
        ),
        (false, true) => Some("connections that are open are dropped: a firewall that denies ends them".to_owned()),
        (false, false) => None,
    }
}

/// The regions by kind.
pub(super) fn counts<'c>(all: impl Iterator<Item = &'c Change>) -> Counts {
    let mut out = Counts::default();
    for change in all {
        let own = match change.change {
            Kind::NewlyAllowed => &mut out.newly_allowed,
            Kind::NewlyBypassing => &mut out.newly_bypassing,
            Kind::NoLongerAllowed => &mut out.no_longer_allowed,
            Kind::Redirected => &mut out.redirected,
            Kind::NewlyPassing => &mut out.newly_passing,
            Kind::Undecided => &mut out.undecided,
        };
        *own += 1;
        out.required_lost += usize::from(change.required_lost);
        out.accepted += usize::from(change.accepted);
        out.by_data += usize::from(change.caused_by == told::Cause::Data);
    }
    out
}

/// The regions by risk.
pub(super) fn risks<'c>(all: impl Iterator<Item = &'c Change>) -> RiskCount {
    let mut out = RiskCount::default();
    for change in all.filter(|c| !c.accepted && c.change.widens()) {
        let Risk { level, score, .. } = change.risk;
        match level {
            Level::High => out.high += 1,
            Level::Medium => out.medium += 1,
            Level::Low | Level::Info => out.low += 1,
        }
        out.max = out.max.max(Some(level));
        out.score = out.score.max(score);
    }
    out
}

/// What it comes to.
pub(super) fn outcome(counts: &Counts, rules_differ: bool) -> Outcome {
    // What is led elsewhere reaches one thing newly, and another no more.
    let wider = counts.newly_allowed + counts.newly_bypassing + counts.redirected > 0;
    let narrower = counts.no_longer_allowed + counts.newly_passing + counts.redirected > 0;
    match (wider, narrower, counts.undecided > 0, rules_differ) {
        (true, true, ..) => Outcome::Mixed,
        (true, false, ..) => Outcome::Widened,
        (false, true, ..) => Outcome::Narrowed,
        (false, false, true, _) => Outcome::Undecided,
        (false, false, false, true) => Outcome::SameTraffic,
        (false, false, false, false) => Outcome::Same,
    }
}

/// Statements that have another name on the new side.
pub(super) fn moved(old: &Side, new: &Side) -> Vec<Moved> {
    let mut out = Vec::new();
    for own in &new.environments {
        let Some(before) = old.environment(&own.scene.environment) else {
            continue;
        };
        let statements = &own.scene.sight.statements;
        for now in statements.all.keys() {
            let was = statements.before(now);
            let known = |id: &String| before.scene.sight.statements.all.contains_key(id);
            if was != *now && known(&was) && !known(now) {
                out.push(Moved {
                    was,
                    now: now.clone(),
                });
            }
        }
    }
    out.sort();
    out.dedup();
    out
}

/// Resources that deployments of all environments write, and the minutes that are known of.
pub(super) fn blast(written: &[Textual], writes: &[Order]) -> BlastRadius {
    let mut resources: Vec<Touched> = Vec::new();
    for own in written.iter().flat_map(|t| &t.blast_radius) {
        let kind = own.kind.word().to_lowercase().replace(' ', "_");
        match resources.iter_mut().find(|t| t.kind == kind) {
            Some(known) => {
                known.touched += own.touched;
                known.total += own.total;
            }
            None => resources.push(Touched {
                kind,
                touched: own.touched,
                total: own.total,
            }),
        }
    }
    let (from, to) = writes
        .iter()
        .fold((0, 0), |(a, b), own| (a + own.minutes.0, b + own.minutes.1));
    BlastRadius {
        resources,
        deploy_minutes: (to > 0).then_some((from, to)),
    }
}

/// Flows of the new side that end soon, the first first.
pub(super) fn expiring(side: &Side) -> Vec<Expiring> {
    let Some(today) = side.today else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for one in &side.environments {
        for (flow, about) in &one.scene.about {
            let Some(until) = about.until else { continue };
            let days = today
                .until(until)
                .map_or(i64::MAX, |span| i64::from(span.get_days()));
            let gone = one.scene.sight.statements.expired.contains(flow);
            if days <= SOON && !gone {
                out.push(Expiring {
                    until: until.to_string(),
                    flow: flow.clone(),
                    owner: about.owner.clone(),
                    ticket: about.ticket.clone(),
                    file: about.file.clone(),
                    line: about.line,
                });
            }
        }
    }
    out.sort();
    out.dedup();
    out
}

/// What is said of the new side, and whether the old side has it too. Places do not count: lines move.
pub(super) fn findings(old: &Side, new: &Side) -> Vec<Finding> {
    let mut before: BTreeMap<(Code, &str), usize> = BTreeMap::new();
    for d in &old.diagnostics {
        *before.entry((d.code, d.message.as_str())).or_default() += 1;
    }
    let mut out = Vec::new();
    for d in new
        .diagnostics
        .iter()
        .filter(|d| d.severity > Severity::Note)
    {
        let key = (d.code, d.message.as_str());
        let known = before.get_mut(&key).filter(|left| **left > 0);
        let is_new = known.is_none();
        if let Some(left) = known {
            *left -= 1;
        }
        out.push(finding(&new.sources, d, is_new));
    }
    out.sort_by(|a, b| {
        (&a.file, a.line, &a.code, &a.message).cmp(&(&b.file, b.line, &b.code, &b.message))
    });
    out
}

fn finding(sources: &SourceMap, d: &Diagnostic, new: bool) -> Finding {
    let (file, line) = d.primary.as_ref().map_or_else(
        || (String::new(), 0),
        |span| {
            let (file, line, _) = sources.place(*span);
            (file, line)
        },
    );
    Finding {
        code: d.code.to_string(),
        level: d.severity.word().to_owned(),
        message: d.message.clone(),
        file,
        line,
        new,
    }
}
