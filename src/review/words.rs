//! The plain words that all forms for people share: sentences, counts, places. Nothing here is escaped for
//! any form.

use crate::diff::risk;
use crate::diff::told::{
    BlastRadius, Cause, CausingFlow, Change, Counts, Difference, End, Expiring, Fate, Finding, Hop,
    Kind, Level, Names, Outcome, Risk, RiskCount, Summary, Tests, Traffic,
};
use crate::packet::Verdict;

/// `1 row`, `12 rows`.
#[must_use]
pub fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{} {many}", grouped_digits(&count.to_string()))
    }
}

/// `65536` is `65,536`; what is not all digits stays as it is.
#[must_use]
pub fn grouped_digits(number: &str) -> String {
    match number.parse() {
        Ok(count) if number.len() >= 5 => risk::grouped(count),
        _ => number.to_owned(),
    }
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// The first few, and how many more there are.
#[must_use]
pub fn first_few(parts: &[String], most: usize) -> String {
    let mut out = parts
        .iter()
        .take(most)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if parts.len() > most {
        out.push_str(&format!(" and {} more", parts.len() - most));
    }
    out
}

/// What a difference comes to, in a sentence.
#[must_use]
pub fn verdict(summary: &Summary) -> String {
    let regions = &summary.regions;
    let opens = some_traffic(&[
        (regions.newly_allowed, "is newly allowed"),
        (regions.newly_bypassing, "no longer passes a firewall"),
        (
            regions.redirected,
            "is led to another target, and to the old one no more",
        ),
    ]);
    let closes = some_traffic(&[
        (regions.no_longer_allowed, "is no longer allowed"),
        (regions.newly_passing, "newly passes a firewall"),
    ]);
    // No promise is made of what nobody can decide.
    let (works, shut) = if regions.undecided > 0 {
        ("some is undecided", "some is undecided")
    } else {
        ("nothing stops working", "nothing new is allowed")
    };
    match summary.verdict {
        Outcome::Same => "Nothing differs: both sides make the same rules.".to_owned(),
        Outcome::SameTraffic => {
            "Same traffic: rules differ, and no packet changes its fate.".to_owned()
        }
        Outcome::Widened => format!("Widened: {opens}; {works}."),
        Outcome::Narrowed => format!("Narrowed: {closes}; {shut}."),
        Outcome::Mixed => {
            let open = if regions.undecided > 0 {
                "some is undecided"
            } else {
                ""
            };
            let parts = [opens.as_str(), closes.as_str(), open];
            let parts: Vec<&str> = parts.into_iter().filter(|p| !p.is_empty()).collect();
            format!("Mixed: {}.", parts.join("; "))
        }
        Outcome::Undecided => {
            "Undecided: whether any traffic changes hangs on what the policy does not say."
                .to_owned()
        }
    }
}

/// `some traffic is newly allowed, and some no longer passes a firewall`, of what there is.
fn some_traffic(parts: &[(usize, &str)]) -> String {
    let there = parts.iter().filter(|(count, _)| *count > 0);
    let said: Vec<&str> = there.map(|(_, said)| *said).collect();
    if said.is_empty() {
        return String::new();
    }
    format!("some traffic {}", said.join(", and some "))
}

/// Whether all that is not listed is the same traffic, said plainly.
#[must_use]
pub fn the_rest(summary: &Summary) -> &'static str {
    match summary.verdict {
        Outcome::Same => "",
        Outcome::SameTraffic => "All traffic is the same as before.",
        _ => "All other traffic is the same as before.",
    }
}

/// How many regions go which way, each with the word for it.
#[must_use]
pub const fn directions(regions: &Counts) -> [(usize, &'static str); 4] {
    [
        (regions.newly_allowed + regions.newly_bypassing, "widened"),
        (regions.redirected, "led elsewhere"),
        (
            regions.no_longer_allowed + regions.newly_passing,
            "narrowed",
        ),
        (regions.undecided, "undecided"),
    ]
}

/// `3 widened, 1 narrowed, 1 renamed`; `no traffic differs` if nothing does.
#[must_use]
pub fn headline(summary: &Summary, renamed: usize) -> String {
    let regions = &summary.regions;
    let mut parts = Vec::new();
    for (count, word) in directions(regions) {
        if count > 0 {
            parts.push(counted(count, word, word));
        }
    }
    if parts.is_empty() {
        parts.push(match summary.verdict {
            Outcome::Same => "nothing differs".to_owned(),
            _ => "same traffic, different rules".to_owned(),
        });
    }
    if renamed > 0 {
        parts.push(counted(renamed, "renamed", "renamed"));
    }
    parts.join(", ")
}

/// `widened`, `past firewall` and the like: a kind in a word or two.
#[must_use]
pub const fn kind(of: Kind) -> &'static str {
    match of {
        Kind::NewlyAllowed => "widened",
        Kind::NewlyBypassing => "bypassing",
        Kind::Redirected => "elsewhere",
        Kind::NoLongerAllowed => "narrowed",
        Kind::NewlyPassing => "guarded",
        Kind::Undecided => "undecided",
    }
}

/// `widened`, `narrowed`, `undecided`: where a kind leads.
#[must_use]
pub const fn direction(of: Kind) -> &'static str {
    match of {
        Kind::NewlyAllowed | Kind::NewlyBypassing | Kind::Redirected => "widened",
        Kind::NoLongerAllowed | Kind::NewlyPassing => "narrowed",
        Kind::Undecided => "undecided",
    }
}

/// A flow that ends soon: `exceptions::apim-git on 2027-01-31 (SEC-311), base.gate:4`.
#[must_use]
pub fn ending(of: &Expiring) -> String {
    let known: Vec<String> = [&of.ticket, &of.owner]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    let brackets = if known.is_empty() {
        String::new()
    } else {
        format!(" ({})", known.join(", "))
    };
    format!(
        "{} on {}{brackets}{}",
        of.flow,
        of.until,
        behind(&of.file, of.line)
    )
}

/// `PC6009 message, hub.gate:73`.
#[must_use]
pub fn finding(of: &Finding) -> String {
    format!("{} {}{}", of.code, of.message, behind(&of.file, of.line))
}

/// `, hub.gate:73`; nothing without a file.
pub(super) fn behind(file: &str, line: u32) -> String {
    match (file.is_empty(), line) {
        (true, _) => String::new(),
        (false, 0) => format!(", {file}"),
        (false, line) => format!(", {file}:{line}"),
    }
}

/// `HIGH`, `MED`, `LOW`, `INFO`.
#[must_use]
pub const fn level(of: Level) -> &'static str {
    match of {
        Level::High => "HIGH",
        Level::Medium => "MED",
        Level::Low => "LOW",
        Level::Info => "INFO",
    }
}

/// `HIGH 72`; `REQUIRED` if a required flow is lost; `-` for what opens nothing.
#[must_use]
pub fn risk(change: &Change) -> String {
    if change.required_lost {
        return "REQUIRED".to_owned();
    }
    if change.risk.level == Level::Info && change.risk.score == 0 && !change.change.widens() {
        return "-".to_owned();
    }
    format!("{} {}", level(change.risk.level), change.risk.score)
}

/// `Highest risk: HIGH (score 72): 1 high, 1 medium, 1 low.`, without its end.
#[must_use]
pub fn highest(risk: &RiskCount) -> Option<(Level, String)> {
    let max = risk.max?;
    let mut parts = Vec::new();
    for (count, word) in [
        (risk.high, "high"),
        (risk.medium, "medium"),
        (risk.low, "low"),
    ] {
        if count > 0 {
            parts.push(counted(count, word, word));
        }
    }
    Some((max, parts.join(", ")))
}

/// Why the risk: what adds or takes most first, at most four.
#[must_use]
pub fn reasons(risk: &Risk) -> Option<String> {
    let mut factors: Vec<_> = risk.factors.iter().collect();
    factors.sort_by_key(|factor| std::cmp::Reverse(factor.points.unsigned_abs()));
    let mut parts: Vec<&str> = factors.iter().take(4).map(|f| f.text.as_str()).collect();
    let more = factors.len().saturating_sub(4);
    let rest = format!("and {more} more");
    if more > 0 {
        parts.push(&rest);
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Who sends.
#[must_use]
pub fn who(traffic: &Traffic) -> String {
    end(&traffic.source)
}

/// Where it goes: addresses, or names, or both if both say something.
#[must_use]
pub fn whither(traffic: &Traffic) -> String {
    towards(traffic, false)
}

/// The same in short: where names say where it goes, more than half of all addresses are `most addresses`.
#[must_use]
pub fn whither_in_short(traffic: &Traffic) -> String {
    towards(traffic, true)
}

fn towards(traffic: &Traffic, short: bool) -> String {
    let addresses = end(&traffic.destination);
    let names = &traffic.names;
    if names.is_any() {
        return addresses;
    }
    let most = traffic
        .destination
        .ipv4
        .parse::<u64>()
        .is_ok_and(|count| count > 1 << 31);
    if short && most && !everywhere(&traffic.destination) && !names.patterns.is_empty() {
        return format!("{} (most addresses)", shown_names(names));
    }
    if names.none && names.patterns.is_empty() && names.within.is_empty() {
        return format!("{addresses} (no name shown)");
    }
    if everywhere(&traffic.destination) {
        return shown_names(names);
    }
    format!("{} at {addresses}", shown_names(names))
}

/// Names, with the things of which nobody told the members that hold them.
fn shown_names(names: &Names) -> String {
    let plain = patterns(names);
    let held = names.within.join(" and ");
    let all =
        matches!(names.patterns.as_slice(), [one] if one.pattern == "*" && one.except.is_empty());
    let mut out = match (held.is_empty() || held == plain, all && !names.none) {
        (true, _) => plain,
        (false, true) => held,
        (false, false) => format!("{plain} in {held}"),
    };
    if !names.outside.is_empty() {
        out.push_str(&format!(" but not in {}", names.outside.join(" or ")));
    }
    out
}

fn patterns(names: &Names) -> String {
    if names.short.is_empty() {
        first_few(
            &names
                .patterns
                .iter()
                .map(|p| p.pattern.clone())
                .collect::<Vec<_>>(),
            3,
        )
    } else {
        names.short.clone()
    }
}

fn end(of: &End) -> String {
    let mut out = if of.short.is_empty() {
        of.label.clone().unwrap_or_else(|| few_prefixes(of))
    } else {
        of.short.clone()
    };
    for (word, held) in [("in", &of.within), ("but not in", &of.outside)] {
        if !held.is_empty() {
            out.push_str(&format!(" {word} {}", held.join(" and ")));
        }
    }
    out
}

fn everywhere(end: &End) -> bool {
    end.prefixes.iter().any(|prefix| prefix == "0.0.0.0/0") || end.short == "any"
}

fn few_prefixes(end: &End) -> String {
    first_few(&end.prefixes, 3)
}

/// ` (10.40.32.0/22)` behind a name; nothing if the name is the prefixes.
fn in_numbers(end: &End) -> String {
    let told = |prefix: &String| {
        let bare = prefix.trim_end_matches("/32").trim_end_matches("/128");
        end.short.contains(bare)
    };
    if end.label.is_none() || end.prefixes.is_empty() || everywhere(end) {
        return String::new();
    }
    if end.prefixes.iter().take(3).all(told) {
        return String::new();
    }
    format!(" ({})", few_prefixes(end))
}

/// `tcp/80,443`, `https/443`: the services, those of one protocol together.
#[must_use]
pub fn what(traffic: &Traffic) -> String {
    let mut words: Vec<(String, Vec<String>)> = Vec::new();
    for service in &traffic.services {
        let (word, ports) = match service.split_once('/') {
            Some((word, ports)) => (word.to_owned(), vec![ports.to_owned()]),
            None => (service.clone(), Vec::new()),
        };
        let joined = words
            .iter_mut()
            .find(|(known, at)| *known == word && !at.is_empty() && !ports.is_empty());
        match joined {
            Some((_, known)) => known.extend(ports),
            None => words.push((word, ports)),
        }
    }
    let parts: Vec<String> = words
        .into_iter()
        .map(|(word, ports)| {
            if ports.is_empty() {
                word
            } else if ports.len() > 8 {
                let more = ports.len() - 8;
                let first: Vec<String> = ports.into_iter().take(8).collect();
                format!("{word}/{} and {more} more", first.join(","))
            } else {
                format!("{word}/{}", ports.join(","))
            }
        })
        .collect();
    let mut out = if parts.is_empty() {
        first_few(&traffic.protocols, 4)
    } else {
        first_few(&parts, 4)
    };
    let all_ports = traffic
        .source_ports
        .iter()
        .any(|(low, high)| *low <= 1 && *high == u16::MAX);
    if !traffic.source_ports.is_empty() && !all_ports {
        let ports: Vec<String> = traffic
            .source_ports
            .iter()
            .map(|(low, high)| {
                if low == high {
                    low.to_string()
                } else {
                    format!("{low}-{high}")
                }
            })
            .collect();
        out.push_str(&format!(" from port {}", first_few(&ports, 4)));
    }
    out
}

/// A region as a sentence: who can do what now, or no more.
#[must_use]
pub fn sentence(change: &Change) -> String {
    let traffic = &change.traffic;
    let from = format!("{}{}", who(traffic), in_numbers(&traffic.source));
    let mut to = whither(traffic);
    if traffic.names.is_any() {
        to.push_str(&in_numbers(&traffic.destination));
    }
    let what = match what(traffic) {
        any if any == "any" => "anything".to_owned(),
        what => what,
    };
    let place = change.environments.join(", ");
    let said = match change.change {
        Kind::NewlyAllowed => format!("{from} can newly open {what} to {to}"),
        Kind::NewlyBypassing => {
            format!("{from} opens {what} to {to} as before, and a firewall sees it no more")
        }
        Kind::Redirected => {
            let (before, after) = led(change);
            format!("{from} that opens {what} to {to} reaches {after} now, and {before} no more")
        }
        Kind::NoLongerAllowed => format!("{from} can no longer open {what} to {to}"),
        Kind::NewlyPassing => {
            format!("{from} opens {what} to {to} as before, and now through a firewall")
        }
        Kind::Undecided => {
            format!("whether {from} can open {what} to {to} is not decided by what the policy says")
        }
    };
    format!("{place}: {said}.")
}

/// Where a firewall led a region's packets, and leads them.
#[must_use]
pub fn led(change: &Change) -> (&str, &str) {
    change
        .led
        .as_ref()
        .map_or(("", ""), |led| (&led.before, &led.after))
}

/// `10.1.2.9:22 instead of 10.1.2.4:8443`; of redirected traffic.
#[must_use]
pub fn instead(change: &Change) -> Option<String> {
    let led = change.led.as_ref()?;
    Some(format!("reaches {} instead of {}", led.after, led.before))
}

/// What else a reader has to know of a region, a sentence each.
#[must_use]
pub fn remarks(change: &Change) -> Vec<String> {
    let mut out = Vec::new();
    if change.required_lost {
        out.push("A `required` flow asks for what is lost.".to_owned());
    }
    if change.caused_by == Cause::Data {
        out.push("Only the data of service tags did it; no statement differs.".to_owned());
    }
    if change.accepted {
        out.push("Accepted by `--accept`.".to_owned());
    }
    out.extend(partly(change).map(|partly| format!("{}.", capital(&partly))));
    out.extend(elsewhere(change));
    let mut assumed: Vec<String> = change.assuming.clone();
    for more in &change.traffic.assuming {
        if !assumed.contains(more) {
            assumed.push(more.clone());
        }
    }
    if !assumed.is_empty() {
        out.push(format!("Assuming: {}.", first_few(&assumed, 4)));
    } else if !change.exact {
        out.push("Where exactly it ends hangs on what the policy does not say.".to_owned());
    }
    out
}

/// That a row holds packets of which the fate does not differ, without a full stop; `None` if it does not.
#[must_use]
pub fn partly(change: &Change) -> Option<String> {
    match change.already.as_slice() {
        [] => None,
        [one] => Some(format!(
            "of it, {} from {} to {} fares as before",
            what(one),
            who(one),
            whither_in_short(one)
        )),
        several => Some(format!(
            "{} parts of it, which the JSON form lists, fare as before",
            several.len()
        )),
    }
}

/// Environments in which the words of a region stand for other addresses, a sentence each.
fn elsewhere(change: &Change) -> Vec<String> {
    let mut out = Vec::new();
    for (environment, there) in &change.elsewhere {
        let mut parts = Vec::new();
        let here = &change.traffic;
        for (here, there) in [
            (&here.source, &there.traffic.source),
            (&here.destination, &there.traffic.destination),
        ] {
            if here.prefixes != there.prefixes {
                parts.push(format!("{} is {}", end(there), few_prefixes(there)));
            }
        }
        if !parts.is_empty() {
            out.push(format!("In {environment}, {}.", listed(&parts)));
        }
    }
    out
}

fn capital(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(rest).collect()
}

/// Why something arrives no more, or differs otherwise without a score: what became of the statements.
/// `quote` is given every name.
#[must_use]
pub fn edits(change: &Change, quote: &dyn Fn(&str) -> String) -> String {
    let two = change.causes.iter().take(2);
    let mut parts: Vec<String> = two.map(|cause| edit(cause, quote)).collect();
    if change.causes.len() > 2 {
        parts.push(format!("{} more statements", change.causes.len() - 2));
    }
    if parts.is_empty() {
        parts.push(match change.caused_by {
            Cause::Data => "service tags hold other addresses".to_owned(),
            Cause::Policy => "no single statement did it".to_owned(),
        });
    }
    parts.join("; ")
}

fn edit(cause: &CausingFlow, quote: &dyn Fn(&str) -> String) -> String {
    let mut brackets = Vec::new();
    if let Some(ticket) = &cause.ticket {
        brackets.push(quote(ticket));
    }
    if let Some(until) = &cause.until {
        brackets.push(match cause.edit.as_str() {
            "removed" => format!("it was to end {until}"),
            "expired" => format!("it ended {until}"),
            _ => format!("ends {until}"),
        });
    }
    let did = match cause.edit.as_str() {
        "there" => "unchanged, something beside it differs",
        other => other,
    };
    let front = format!("{} {did}", quote(&cause.flow));
    let front = front.trim_end();
    if brackets.is_empty() {
        front.to_owned()
    } else {
        format!("{front} ({})", brackets.join("; "))
    }
}

/// What becomes of a packet: the way if it arrives, the reason if not. `quote` is given every name.
#[must_use]
pub fn fate(of: &Fate, quote: &dyn Fn(&str) -> String) -> String {
    let arrives = of.verdict == Some(Verdict::Allow);
    if !arrives || of.path.is_empty() {
        return match (of.text.is_empty(), of.verdict) {
            (false, _) => of.text.clone(),
            (true, Some(Verdict::Allow)) => "allowed".to_owned(),
            (true, Some(Verdict::Deny)) => "denied".to_owned(),
            (true, None) => "undecided".to_owned(),
        };
    }
    let hops: Vec<String> = of.path.iter().map(|one| hop(one, quote)).collect();
    format!("allowed: {}", hops.join("; "))
}

fn hop(of: &Hop, quote: &dyn Fn(&str) -> String) -> String {
    let mut words: Vec<String> = vec![match of.layer.as_str() {
        "nsg" => "NSG".to_owned(),
        other => other.to_owned(),
    }];
    if !of.resource.is_empty() {
        words.push(quote(&of.resource));
    }
    words.extend(of.direction.clone());
    words.extend(of.priority.map(|number| number.to_string()));
    match of.rule.as_str() {
        "" => {}
        "default" => words.push("default".to_owned()),
        rule => words.push(quote(rule)),
    }
    if let Some(next) = &of.next_hop {
        words.push(format!("-> {}", quote(next)));
    }
    words.join(" ")
}

/// The kind of a resource in words, one and several, long and short.
#[must_use]
pub fn resource(kind: &str, count: usize, short: bool) -> String {
    let (one, many) = match (kind, short) {
        ("rule_collection_group", false) => ("rule collection group", "rule collection groups"),
        ("rule_collection_group", true) => ("group", "groups"),
        ("nsg", _) => ("NSG", "NSGs"),
        ("route_table", _) => ("route table", "route tables"),
        ("ip_group", _) => ("IP group", "IP groups"),
        ("firewall_policy", _) => ("firewall policy", "firewall policies"),
        ("firewall", _) => ("firewall", "firewalls"),
        (other, _) => {
            return other.replace('_', " ");
        }
    };
    if count == 1 { one } else { many }.to_owned()
}

/// `4 of 9 groups, 2 of 4 NSGs`; in short only what is written; `None` if there is nothing to say.
#[must_use]
pub fn resources(blast: &BlastRadius, short: bool) -> Option<String> {
    let parts: Vec<String> = blast
        .resources
        .iter()
        .filter(|one| {
            let usual = ["rule_collection_group", "nsg", "route_table"];
            let told = one.touched > 0 || !short && usual.contains(&one.kind.as_str());
            one.total > 0 && told
        })
        .map(|one| {
            format!(
                "{} of {} {}",
                one.touched,
                one.total,
                resource(&one.kind, one.total, short)
            )
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `12 to 20`; one number if both are the same.
#[must_use]
pub fn minutes((from, to): (u32, u32)) -> String {
    if from == to {
        from.to_string()
    } else {
        format!("{from} to {to}")
    }
}

/// `14 passed`, `13 passed, 1 failed`, `not run`.
#[must_use]
pub fn tests(of: Option<Tests>) -> String {
    match of {
        None => "not run".to_owned(),
        Some(Tests { passed, failed: 0 }) => format!("{passed} passed"),
        Some(Tests { passed, failed }) => format!("{passed} passed, {failed} FAILED"),
    }
}

/// `from A (4f1c2ab) to B (9d07e31)`.
#[must_use]
pub fn sides(difference: &Difference) -> String {
    let side = |of: &crate::diff::told::Side| match &of.commit {
        Some(commit) if !commit.starts_with(&of.name) => {
            format!("{} ({})", of.name, short_commit(commit))
        }
        _ => of.name.clone(),
    };
    format!(
        "from {} to {}",
        side(&difference.old),
        side(&difference.new)
    )
}

/// The first seven digits of a commit.
#[must_use]
pub fn short_commit(commit: &str) -> String {
    commit.chars().take(7).collect()
}

/// How many regions only the data of service tags caused, as a sentence.
#[must_use]
pub fn by_data(difference: &Difference) -> Option<String> {
    let count = difference.summary.regions.by_data;
    if count == 0 {
        return None;
    }
    let catalogues = if difference.old.catalog == difference.new.catalog {
        String::new()
    } else {
        format!(
            " (catalogue {}, then {})",
            difference.old.catalog, difference.new.catalog
        )
    };
    let (all, are) = (
        difference.semantic.len(),
        if count == 1 { "comes" } else { "come" },
    );
    let count = if count == all {
        counted(count, "region", "regions")
    } else {
        format!("{} of {}", count, counted(all, "region", "regions"))
    };
    Some(format!(
        "{count} {are} only from other data of service tags{catalogues}, not from an edit."
    ))
}

/// What resources are written and how long it takes, as sentences.
#[must_use]
pub fn blast(of: &BlastRadius) -> Option<String> {
    let resources = resources(of, false)?;
    let mut out = format!("Blast radius: {resources}.");
    if let Some(time) = of.deploy_minutes {
        out.push_str(&format!(
            " Firewall updates run one after another: about {} minutes.",
            minutes(time)
        ));
    }
    Some(out)
}
