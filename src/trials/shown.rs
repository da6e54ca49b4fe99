//! A packet of a probe, walked: its way, the rule that decides, and whether the walk says what the sets
//! say.

use crate::model::Layer;
use crate::model::address::AddressSet;
use crate::packet::{Fact, Facts, Names, Probe, Side, Verdict, Witness};
use crate::reach::question::way_of;
use crate::reach::{Journey, walk_at, walk_knowing};

use super::Shown;
use super::lab::Lab;

/// A packet with its way. `verdict` is what the sets say of it.
pub(super) fn shown(
    lab: &mut Lab<'_>,
    witness: Witness,
    at: Option<&Layer>,
    verdict: Option<Verdict>,
) -> Shown {
    let probe = Probe::from(&witness);
    let facts = knowing(&lab.network.facts, &witness);
    let journeys = match at {
        None => walk_knowing(lab.network, &probe, &facts),
        Some(layer) => walk_at(lab.network, &probe, &facts, &|s| lab.is_asked(layer, s)),
    };
    let journey = journeys.into_iter().next();
    let walked = journey.as_ref().and_then(|j| j.verdict);
    if let Some(verdict) = verdict {
        let agreed = match walked {
            Some(walked) => walked == verdict,
            // A walk that meets several things that nobody told knows less than the sets.
            None => journey.is_some(),
        };
        if !agreed {
            let says = walked.map_or("knows no way", Verdict::word);
            lab.disagreements.push(format!(
                "packet {witness}: {} by the sets, {says} by its way",
                verdict.word()
            ));
        }
    }
    Shown {
        witness,
        verdict,
        journey,
    }
}

/// What is known, and what a packet assumes.
pub(super) fn knowing(facts: &Facts, witness: &Witness) -> Facts {
    let mut out = facts.clone();
    for assumption in &witness.assuming {
        let symbol = assumption.symbol.clone();
        let address = match assumption.side {
            Side::Name => {
                let names = witness.name.iter().cloned().collect();
                out.facts.push(if assumption.holds {
                    Fact::NamesHold(symbol, names)
                } else {
                    Fact::NamesOutside(symbol, names)
                });
                continue;
            }
            Side::Source => witness.source,
            Side::Destination => witness.destination,
            // The address of something on the way: no packet of the probe has it.
            Side::NewSource | Side::NewDestination => continue,
        };
        let address = AddressSet::range(address, address);
        out.facts.push(if assumption.holds {
            Fact::Holds(symbol, address)
        } else {
            Fact::Outside(symbol, address)
        });
    }
    out
}

/// Where a name is taken not to be: at addresses of a rule, or on another way.
pub(super) fn where_to(lab: &Lab<'_>, journey: &Journey) -> String {
    let rule = journey
        .deciding(lab.network)
        .and_then(|step| lab.network.rule(step));
    let by_address = rule.filter(|rule| {
        let whole = |r: &crate::packet::Region| {
            r.names == Names::Any && !lab.fabric.internet.is_subset(&r.destination.known)
        };
        !rule.built_in && rule.regions.iter().any(whole)
    });
    match by_address {
        Some(rule) => format!("addresses of `{}` of `{}`", rule.path, rule.resource),
        None => way_of(lab.network, journey),
    }
}
