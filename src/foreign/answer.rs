//! Answers about foreign definitions, with what they take for granted because nobody told it.

use crate::model::internet::{private, public, unique_local};
use crate::packet::Verdict;
use crate::path::RouteCause;
use crate::reach::{Question, Reply, Station, ask};

use super::network::Foreign;

/// Answers a question. Where a verdict hangs on what nobody told of the network around, it says so;
/// if `strict` there is none.
#[must_use]
pub fn answer(foreign: &Foreign, question: &Question, strict: bool) -> Reply {
    let mut reply = ask(&foreign.network, question, strict);
    let Some(journey) = reply.journey.as_ref().filter(|_| reply.verdict.is_some()) else {
        return reply;
    };
    let routed = journey
        .steps
        .iter()
        .any(|s| matches!(s.station, Station::Route(..)));
    let walled = journey
        .steps
        .iter()
        .any(|s| matches!(s.station, Station::Firewall(_)));
    let taken = journey.steps.iter().find_map(|s| match &s.station {
        Station::Route(_, hop) => Some(hop),
        _ => None,
    });
    if let Some(taken) = taken
        && let Some((tag, _)) = foreign.open_routes.iter().find(|(_, hop)| hop != taken)
        && journey.probe.destination.meets(&public())
    {
        reply.verdict = None;
        reply.reason = Some(format!(
            "a route for the service tag `{tag}` may take it, of which nobody told what it holds"
        ));
        return reply;
    }
    let mut assumes = foreign.granted.clone();
    if routed && walled {
        assumes.extend(foreign.taken.clone());
    }
    if routed && !foreign.space_known {
        let inside = private().union(&unique_local());
        // What is known of the space is known.
        let to = &journey
            .probe
            .destination
            .subtract(&foreign.network.declared);
        let site = foreign.network.sites.first();
        let first = to.first().filter(|_| to.meets(&inside));
        if let Some((to, site)) = first.zip(site) {
            let (_, cause) = site.hops.decide(to);
            let open = matches!(cause, RouteCause::System("private range"));
            let why = format!("{to} lies outside the source's virtual network");
            if open && reply.verdict == Some(Verdict::Deny) || strict {
                reply.verdict = None;
                reply.reason = Some(format!(
                    "whether {to} lies in the source's virtual network is not known: `--vnet` says it"
                ));
                return reply;
            }
            assumes.push(why);
        }
    }
    assumes.append(&mut reply.assumes);
    reply.assumes = assumes;
    reply
}
