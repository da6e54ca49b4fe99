//! Flows of different actions of which nobody can say offline whether they meet: an FQDN tag, a
//! category, a group has members that nobody told. What the types of rules make of it is told by the
//! firewall's room.

use crate::diag::Code;
use crate::model::Tier;
use crate::packet::{Addresses, Names, Region, Symbol};

use super::Findings;
use super::picture::Picture;

/// What an overlap hangs on: a symbol, and what stands against it if that has a word.
type Doubt = (Symbol, Option<String>);

/// Tells the first such pair of each deny.
pub(super) fn check(picture: &mut Picture<'_>, out: &mut Findings) {
    for at in picture.own() {
        let Some(own) = picture.subject(at).filter(|s| !s.allows()) else {
            continue;
        };
        let (tier, opaque) = (own.tier(), own.opaque);
        let others = picture.near(at, |s| {
            s.allows()
                && (opaque || s.opaque)
                && (tier != Tier::Ordered || s.tier() == Tier::Ordered)
        });
        for other in others {
            if let Some((symbol, against)) = doubt(picture, at, other) {
                tell(picture, at, other, &symbol, against.as_deref(), out);
                break;
            }
        }
    }
}

fn doubt(picture: &mut Picture<'_>, at: usize, other: usize) -> Option<Doubt> {
    let sure = picture.overlap(at, other);
    if !picture.space.is_empty(sure) {
        return None;
    }
    let (own, theirs) = (picture.subjects.get(at)?, picture.subjects.get(other)?);
    let mut found = None;
    for a in &own.regions {
        for b in &theirs.regions {
            let (x, y) = (picture.space.region(a), picture.space.region(b));
            if !picture.space.meets(x, y) {
                continue;
            }
            let hangs = names(a, b)
                .or_else(|| ends(&a.source, &b.source))
                .or_else(|| ends(&a.destination, &b.destination));
            // Without a doubt they meet as soon as both have a packet at all.
            found = Some(found.or(hangs)?);
        }
    }
    found
}

fn names(a: &Region, b: &Region) -> Option<Doubt> {
    let (
        Names::Some {
            patterns: p,
            symbols: s,
        },
        Names::Some {
            patterns: q,
            symbols: t,
        },
    ) = (&a.names, &b.names)
    else {
        return None;
    };
    if !s.is_disjoint(t) {
        return None;
    }
    let first = s.iter().chain(t).next()?.clone();
    let second = if s.is_empty() {
        p.iter().next().cloned()
    } else {
        t.iter()
            .next()
            .map(word)
            .or_else(|| q.iter().next().cloned())
    };
    Some((first, second))
}

fn ends(a: &Addresses, b: &Addresses) -> Option<Doubt> {
    let (s, t) = (&a.symbols, &b.symbols);
    let covers = |wide: &Addresses, narrow: &Addresses| {
        narrow
            .within
            .as_ref()
            .is_some_and(|within| within.is_subset(&wide.known))
    };
    if !s.is_disjoint(t) || a.known.meets(&b.known) || covers(a, b) || covers(b, a) {
        return None;
    }
    let first = s.iter().chain(t).next()?.clone();
    // Which path of a host is meant has no word in an assumption.
    if first.kind == "url" {
        return None;
    }
    let second = if s.is_empty() {
        None
    } else {
        t.iter().next().map(word)
    };
    Some((first, second))
}

/// As it is written in a policy.
fn word(symbol: &Symbol) -> String {
    format!("{}({})", symbol.kind.replace(' ', "-"), symbol.name)
}

fn tell(
    picture: &Picture<'_>,
    at: usize,
    other: usize,
    symbol: &Symbol,
    against: Option<&str>,
    out: &mut Findings,
) {
    let message = format!(
        "whether {} and {} meet cannot be decided offline",
        picture.named(&[at]),
        picture.named(&[other])
    );
    let own = word(symbol);
    let d = picture
        .told(Code::PC5009, at, message, &[other], "what it may meet")
        .label(format!("nobody told what is in {own}"))
        .help(format!(
            "state what you know, for example `assume {own} apart {}`",
            against.unwrap_or("PREFIX")
        ));
    out.always(d);
}
