//! What is wrong with a list of rules by itself: rules that decide nothing, change nothing, lose a part
//! or hide another type. It knows no flow, and any list will do, whoever wrote it.

use crate::backends::plan::is_public;
use crate::model::address::{AddressSet, Family};
use crate::model::service::PortSet;
use crate::packet::near::{Hull, Index};
use crate::packet::{
    Builder, Exhausted, Facts, Filter, Names, Rule, Service, Set, Space, Transports, Verdict,
    first_match,
};

/// Nodes of the sets of one list: about 100 MiB.
const MOST_NODES: usize = 3_000_000;
/// Rows that the packets of one rule are counted in.
const MOST_ROWS: usize = 2_000;

/// What is wrong with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It decides nothing: one earlier rule of its action matches exactly the same.
    Duplicate,
    /// It decides nothing: earlier rules match all of its packets.
    Dead,
    /// It decides packets, but without it later rules would decide them likewise.
    Redundant,
    /// Earlier rules of the other action take a part, and neither side is a case of the other.
    Shadowed,
    /// A network rule is read before it, whatever the numbers say, and allows packets of its names.
    Hidden {
        /// Whatever the names resolve to; otherwise only if they resolve to what that rule matches.
        sure: bool,
    },
}

/// A finding about a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub kind: Kind,
    /// The rule, by number.
    pub rule: usize,
    /// The rules that make it so: for one that decides or changes nothing none of them can be left
    /// out.
    pub by: Vec<usize>,
    /// A packet that shows it.
    pub example: Option<String>,
}

/// How much a rule lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Width {
    /// The rule, by number.
    pub rule: usize,
    /// Source addresses times destination addresses times ports and protocols, of version 4. What
    /// overlaps is counted once.
    pub size: u128,
    /// The packets were too scattered to be counted: there may be more.
    pub at_least: bool,
}

/// Judges the rules of a list.
///
/// # Errors
/// The sets need too many nodes.
pub fn judge(filter: &Filter, facts: &Facts) -> Result<Vec<Finding>, Exhausted> {
    let mut list = List::new(filter, facts)?;
    let mut out = Vec::new();
    // From behind, so that all that is told to go may go together.
    for at in (0..filter.rules.len()).rev() {
        let Some(rule) = filter.rules.get(at).filter(|r| !r.built_in) else {
            continue;
        };
        if list.space.is_empty(list.effective(at)) {
            out.extend(list.dead(at, rule));
            continue;
        }
        let near = list.index.near(at, |_| true);
        let (before, behind): (Vec<usize>, Vec<usize>) =
            near.into_iter().partition(|other| *other < at);
        out.extend(list.shadowed(at, rule, &before));
        out.extend(list.hidden(at, rule, &before));
        if let Some(found) = list.redundant(at, rule, &behind) {
            if let Some(gone) = list.gone.get_mut(at) {
                *gone = true;
            }
            out.push(found);
        }
    }
    out.sort_by_key(|finding| (finding.rule, finding.kind));
    list.space.answer(|_| out)
}

/// The rules of a list that let most through, widest first; those by name are not counted.
///
/// # Errors
/// The sets need too many nodes.
pub fn widest(filter: &Filter, most: usize) -> Result<Vec<Width>, Exhausted> {
    let mut out = Vec::new();
    for (at, rule) in filter.rules.iter().enumerate() {
        let by_name = rule.regions.iter().any(|r| r.names != Names::Any);
        if rule.built_in || by_name || rule.verdict != Verdict::Allow {
            continue;
        }
        let (size, at_least) = size(rule)?;
        out.push(Width {
            rule: at,
            size,
            at_least,
        });
    }
    out.sort_by_key(|w| (std::cmp::Reverse(w.size), w.rule));
    out.truncate(most);
    Ok(out)
}

struct List<'a> {
    rules: &'a [Rule],
    space: Space,
    sets: Vec<Set>,
    fates: Vec<first_match::Fate>,
    index: Index,
    /// Redundant rules, by number.
    gone: Vec<bool>,
}

impl<'a> List<'a> {
    fn new(filter: &'a Filter, facts: &Facts) -> Result<Self, Exhausted> {
        let mut builder = Builder::new().most_nodes(MOST_NODES);
        for region in filter.rules.iter().flat_map(|r| &r.regions) {
            builder.region(region);
        }
        for fact in &facts.facts {
            builder.fact(fact.clone());
        }
        let mut space = builder.build();
        let sets: Vec<Set> = filter
            .rules
            .iter()
            .map(|rule| space.regions(&rule.regions))
            .collect();
        let rules: Vec<(Verdict, Set)> = filter
            .rules
            .iter()
            .zip(&sets)
            .map(|(rule, set)| (rule.verdict, *set))
            .collect();
        let fates = first_match::deciding(&mut space, &rules)?;
        let hulls = filter.rules.iter().map(|r| Hull::around(&r.regions));
        Ok(Self {
            rules: &filter.rules,
            index: Index::new(hulls.collect()),
            space,
            sets,
            fates,
            gone: vec![false; filter.rules.len()],
        })
    }

    fn set(&self, at: usize) -> Set {
        self.sets.get(at).copied().unwrap_or_default()
    }

    fn effective(&self, at: usize) -> Set {
        self.fates.get(at).map(|f| f.effective).unwrap_or_default()
    }

    fn verdict(&self, at: usize) -> Option<Verdict> {
        self.rules.get(at).map(|r| r.verdict)
    }

    fn finding(&mut self, kind: Kind, rule: usize, by: Vec<usize>, shows: Set) -> Finding {
        Finding {
            kind,
            rule,
            by,
            example: self.space.witness(shows).map(|w| w.to_string()),
        }
    }

    fn dead(&mut self, at: usize, rule: &Rule) -> Option<Finding> {
        let set = self.set(at);
        if self.space.is_empty(set) {
            return None;
        }
        let by = self.fates.get(at)?.by.clone();
        let kind = match by.as_slice() {
            [one] if self.set(*one) == set && self.verdict(*one) == Some(rule.verdict) => {
                Kind::Duplicate
            }
            _ => Kind::Dead,
        };
        Some(self.finding(kind, at, by, set))
    }

    fn shadowed(&mut self, at: usize, rule: &Rule, before: &[usize]) -> Option<Finding> {
        let mut by = Vec::new();
        let mut shows = Set::default();
        for other in before.iter().copied() {
            if self.verdict(other) == Some(rule.verdict) || self.index.is_case(other, at) {
                continue;
            }
            let (set, taken) = (self.set(at), self.effective(other));
            let lost = self.space.intersect(set, taken);
            let lost = self.space.surely(lost);
            if !self.space.is_empty(lost) {
                if by.is_empty() {
                    shows = lost;
                }
                by.push(other);
            }
        }
        (!by.is_empty()).then(|| self.finding(Kind::Shadowed, at, by, shows))
    }

    /// An application rule whose packets a network rule allows without a look at the name. A network
    /// deny before it is as it should be; and what may be allowed by either is only told if it surely
    /// is.
    fn hidden(&mut self, at: usize, rule: &Rule, before: &[usize]) -> Option<Finding> {
        let by_name = |rule: &Rule| rule.regions.iter().any(|r| r.names != Names::Any);
        if !rule.replaces_source || !by_name(rule) {
            return None;
        }
        let (mut by, mut sure) = (Vec::new(), false);
        let mut shows = Set::default();
        for other in before.iter().copied() {
            let Some(network) = self
                .rules
                .get(other)
                .filter(|r| !r.replaces_source && r.verdict == Verdict::Allow)
            else {
                continue;
            };
            let (set, taken) = (self.set(at), self.effective(other));
            let lost = self.space.intersect(set, taken);
            if self.space.is_empty(lost) {
                continue;
            }
            // Everything that a name can resolve to.
            let rest = |to: &AddressSet| AddressSet::all().only(Family::V4).subtract(to);
            let wide = network
                .regions
                .iter()
                .any(|r| !is_public(&rest(&r.destination.known)));
            let public = network
                .regions
                .iter()
                .any(|r| is_public(&r.destination.known));
            if !wide && (rule.verdict == Verdict::Allow || !public) {
                continue;
            }
            if by.is_empty() || wide && !sure {
                shows = lost;
            }
            sure |= wide;
            by.push(other);
        }
        (!by.is_empty()).then(|| self.finding(Kind::Hidden { sure }, at, by, shows))
    }

    /// Without the rule its packets would fall to these, which do the same. What the target does by
    /// itself at the end is no reason to leave a rule out.
    fn redundant(&mut self, at: usize, rule: &Rule, behind: &[usize]) -> Option<Finding> {
        let own = self.effective(at);
        let mut open = own;
        let mut takers = Vec::new();
        for other in behind.iter().copied() {
            let set = self.set(other);
            let is_gone =
                self.gone.get(other) == Some(&true) || self.space.is_empty(self.effective(other));
            if is_gone || !self.space.meets(open, set) {
                continue;
            }
            // A last deny of everything is a default, not a reason.
            if rule.verdict == Verdict::Deny && set == self.space.full() {
                return None;
            }
            let next = self.rules.get(other)?;
            let alike = next.verdict == rule.verdict
                && next.replaces_source == rule.replaces_source
                && !next.built_in;
            if !alike {
                return None;
            }
            takers.push(other);
            open = self.space.subtract(open, set);
            if self.space.is_empty(open) {
                break;
            }
        }
        if !self.space.is_empty(open) {
            return None;
        }
        let sets: Vec<Set> = takers.iter().map(|at| self.set(*at)).collect();
        let by = first_match::covering(&mut self.space, own, &sets)?;
        let by = by.iter().filter_map(|i| takers.get(*i).copied()).collect();
        Some(self.finding(Kind::Redundant, at, by, own))
    }
}

/// How many packets a rule matches, by address, port and protocol.
fn size(rule: &Rule) -> Result<(u128, bool), Exhausted> {
    let one = |source: &AddressSet, destination: &AddressSet, services: &[Service]| {
        source
            .count(Family::V4)
            .saturating_mul(destination.count(Family::V4))
            .saturating_mul(services_of(services))
    };
    if let [region] = rule.regions.as_slice() {
        let (from, to) = (&region.source.known, &region.destination.known);
        return Ok((one(from, to, &region.services), false));
    }
    let mut builder = Builder::new().most_nodes(MOST_NODES);
    for region in &rule.regions {
        builder.region(region);
    }
    let mut space = builder.build();
    let set = space.regions(&rule.regions);
    let rows = space.answer(|space| space.rectangles(set, MOST_ROWS))?;
    let sum = rows.rows.iter().fold(0_u128, |sum, row| {
        let service = Service::to(row.transports, row.ports.clone());
        sum.saturating_add(one(
            &row.source.addresses,
            &row.destination.addresses,
            &[service],
        ))
    });
    Ok((sum, rows.left_out > 0))
}

/// Ports of each protocol that has some, and one for each that has none. What is read inside TCP is no
/// protocol of its own here.
fn services_of(services: &[Service]) -> u128 {
    let of = |wanted: Transports| {
        let ports = services
            .iter()
            .filter(|s| !s.transports.intersect(wanted).is_empty())
            .fold(PortSet::from_ranges(&[]), |all, s| all.union(&s.ports));
        ports.len() as u128
    };
    let all = services
        .iter()
        .fold(Transports::NONE, |all, s| all.union(s.transports));
    let portless = all.intersect(Transports::PORTLESS).iter().count() as u128;
    of(Transports::TCP) + of(Transports::PORTED.subtract(Transports::TCP)) + portless
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Addresses, Region};
    use std::net::Ipv4Addr;

    fn rule(verdict: Verdict, source: (u32, u32), ports: (u16, u16)) -> Rule {
        let address = |n: u32| std::net::IpAddr::from(Ipv4Addr::from(n));
        Rule {
            path: String::new(),
            resource: String::new(),
            priority: 0,
            verdict,
            replaces_source: false,
            built_in: false,
            regions: vec![Region {
                source: Addresses::of(AddressSet::range(address(source.0), address(source.1))),
                destination: Addresses::any(),
                services: vec![Service::to(Transports::TCP, PortSet::from_ranges(&[ports]))],
                names: Names::Any,
            }],
        }
    }

    fn told(rules: Vec<Rule>) -> Vec<(Kind, usize, Vec<usize>)> {
        judge(&Filter { rules }, &Facts::default())
            .unwrap()
            .into_iter()
            .map(|f| (f.kind, f.rule, f.by))
            .collect()
    }

    #[test]
    fn dead_rules_name_what_takes_them() {
        use Verdict::{Allow, Deny};
        let found = told(vec![
            rule(Allow, (0, 9), (1, 50)),
            rule(Deny, (10, 19), (1, 50)),
            rule(Allow, (0, 19), (5, 50)),
            rule(Allow, (0, 9), (1, 50)),
            rule(Deny, (3, 5), (7, 7)),
        ]);
        assert_eq!(
            found,
            [
                (Kind::Dead, 2, vec![0, 1]),
                (Kind::Duplicate, 3, vec![0]),
                (Kind::Dead, 4, vec![0]),
            ]
        );
    }

    #[test]
    fn what_falls_to_the_same_verdict_is_redundant() {
        use Verdict::{Allow, Deny};
        let found = told(vec![
            rule(Allow, (0, 9), (1, 50)),
            rule(Deny, (20, 29), (1, 9)),
            rule(Allow, (0, 99), (1, 99)),
        ]);
        assert_eq!(found, [(Kind::Redundant, 0, vec![2])]);
    }

    #[test]
    fn a_crossing_rule_shadows_and_a_case_does_not() {
        use Verdict::{Allow, Deny};
        let crossing = told(vec![
            rule(Deny, (0, 9), (1, 50)),
            rule(Allow, (5, 20), (40, 50)),
        ]);
        assert_eq!(crossing, [(Kind::Shadowed, 1, vec![0])]);
        let case = told(vec![
            rule(Deny, (6, 9), (1, 50)),
            rule(Allow, (5, 20), (40, 60)),
        ]);
        assert!(case.is_empty(), "{case:?}");
    }

    #[test]
    fn what_goes_together_changes_nothing_together() {
        use Verdict::Allow;
        let same = || rule(Allow, (0, 9), (1, 50));
        let found = told(vec![same(), same(), rule(Allow, (0, 99), (1, 99))]);
        assert_eq!(
            found,
            [(Kind::Redundant, 0, vec![2]), (Kind::Duplicate, 1, vec![0]),]
        );
        assert_eq!(told(vec![same(), same()]), [(Kind::Duplicate, 1, vec![0])]);
    }

    #[test]
    fn a_network_rule_hides_an_application_rule() {
        use Verdict::{Allow, Deny};
        let named = |verdict| {
            let mut rule = rule(verdict, (0, 9), (443, 443));
            rule.replaces_source = true;
            for region in &mut rule.regions {
                region.names = Names::patterns(["www.contoso.com".to_owned()]);
            }
            rule
        };
        let wide = rule(Allow, (0, 3), (443, 443));
        let mut narrow = wide.clone();
        for region in &mut narrow.regions {
            let address = std::net::IpAddr::from(Ipv4Addr::new(20, 0, 0, 1));
            region.destination = Addresses::of(AddressSet::range(address, address));
        }
        let kinds = |rules| -> Vec<Kind> {
            let found = told(rules);
            found.into_iter().map(|(kind, ..)| kind).collect()
        };
        let sure = [Kind::Hidden { sure: true }];
        assert_eq!(kinds(vec![wide.clone(), named(Deny)]), sure);
        assert_eq!(kinds(vec![wide.clone(), named(Allow)]), sure);
        let may = [Kind::Hidden { sure: false }];
        assert_eq!(kinds(vec![narrow.clone(), named(Deny)]), may);
        assert!(kinds(vec![narrow, named(Allow)]).is_empty());
    }

    #[test]
    fn packets_are_counted_once() {
        let mut wide = rule(Verdict::Allow, (0, 9), (1, 10));
        let (size, at_least) = super::size(&wide).unwrap();
        assert_eq!((size, at_least), (10 * (1 << 32) * 10, false));
        wide.regions
            .push(rule(Verdict::Allow, (5, 14), (1, 10)).regions.remove(0));
        let (size, at_least) = super::size(&wide).unwrap();
        assert_eq!((size, at_least), (15 * (1 << 32) * 10, false));
    }
}
