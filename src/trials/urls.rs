//! URLs that cannot meet, or that lie in each other, by their text: of these a packet shows the host
//! alone, so what the rest says is a fact between two symbols.
//!
//! Source: "Azure Firewall Premium features", URL filtering: a target URL holds a path, and `*` stands
//! for any text (checked 2026-11-30).

use std::collections::BTreeSet;

use crate::packet::{Fact, Region, Symbol};
use crate::reach::Network;

use super::asked::Drawn;

/// What is known between the URLs of probes and those of rules.
pub(super) fn facts(network: &Network, drawn: &[Vec<Drawn>]) -> Vec<Fact> {
    let is_url = |symbol: &&Symbol| symbol.kind == "url";
    let asked = drawn.iter().flatten().flat_map(Drawn::regions);
    let asked: BTreeSet<&Symbol> = asked.flat_map(Region::symbols).filter(is_url).collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let firewalls = network.firewalls.iter().map(|f| &f.does.filter);
    let rules = network.filters.iter().chain(firewalls);
    let regions = rules.flat_map(|f| &f.rules).flat_map(|r| &r.regions);
    let known: BTreeSet<&Symbol> = regions.flat_map(Region::symbols).filter(is_url).collect();
    let mut out = Vec::new();
    for a in &asked {
        for b in known.iter().filter(|b| *b != a) {
            match relation(&a.name, &b.name) {
                Some(true) => out.push(Fact::Inside((*a).clone(), (*b).clone())),
                Some(false) => out.push(Fact::Apart((*a).clone(), (*b).clone())),
                None => {}
            }
        }
    }
    out
}

/// Whether every URL of the first is one of the second, or none is; `None` if neither is sure.
fn relation(a: &str, b: &str) -> Option<bool> {
    let head = |text: &str| text.split('*').next().unwrap_or_default().to_lowercase();
    let (x, y) = (head(a), head(b));
    if !x.starts_with(&y) && !y.starts_with(&x) {
        return Some(false);
    }
    let starred = |text: &str| text.contains('*');
    match (starred(a), starred(b)) {
        (false, _) if matches(a, b) => Some(true),
        // Whether case counts nobody says: only what differs without it is surely apart.
        (false, _) if !matches(&a.to_lowercase(), &b.to_lowercase()) => Some(false),
        (true, false) if !matches(&b.to_lowercase(), &a.to_lowercase()) => Some(false),
        (true, true) => {
            let (front, back) = (a.strip_suffix('*')?, b.strip_suffix('*')?);
            (!starred(front) && !starred(back) && front.starts_with(back)).then_some(true)
        }
        _ => None,
    }
}

/// Whether a text without stars matches a pattern.
fn matches(text: &str, pattern: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return text == pattern;
    };
    let Some(mut left) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = left.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_compared_by_their_text() {
        for (a, b, is) in [
            ("github.com/other/tool", "github.com/contoso/*", Some(false)),
            ("github.com/contoso/x", "github.com/contoso/*", Some(true)),
            ("github.com/Contoso/x", "github.com/contoso/*", None),
            ("github.com/contoso/*", "github.com/contoso/x", None),
            ("github.com/contoso/a/*", "github.com/contoso/*", Some(true)),
            ("github.com/contoso/*", "github.com/contoso/a/*", None),
            ("github.com/*/a", "github.com/x/b", Some(false)),
            ("gitlab.com/*", "github.com/*", Some(false)),
            ("www.a.com/x/y/z", "www.a.com/*/y/*", Some(true)),
            ("www.a.com/x/z", "www.a.com/*/y/*", Some(false)),
        ] {
            assert_eq!(relation(a, b), is, "{a} in {b}");
        }
    }
}
