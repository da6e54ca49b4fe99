//! A part of a difference read back as few rows: where packets beside it fare as before, a row may hold
//! these too, and then says so. No packet is lost and none is told twice.

use crate::model::address::{AddressSet, Family};
use crate::model::internet::platform;
use crate::packet::{Exhausted, NamePattern, Rectangle, RectangleNames, Set, Space, Transports};

/// Rows that are looked at for what could be said in fewer.
const MOST_JOINED: usize = 64;

/// Rows that are grown before the rest is told as it is.
const MOST_GROWN: usize = 24;

/// A row, the packets of the part that are in it, and those that fare as before.
pub(super) type Read = (Rectangle, Set, Vec<Rectangle>);

/// The rows of a part. `alike` is what they may hold beside it: other names and protocols, and other
/// addresses of names, but no address that the part itself lacks where addresses are what it is about.
///
/// # Errors
/// The sets grew too large.
pub(super) fn read(space: &mut Space, part: Set, alike: Set) -> Result<Vec<Read>, Exhausted> {
    let short = grown(space, part, alike)?;
    // A row of which nearly all fares as before says little of what does not.
    if !short.iter().any(mostly_beside) {
        return Ok(short);
    }
    let none = space.empty();
    let plain = grown(space, part, none)?;
    let length =
        |all: &[Read]| -> usize { all.iter().map(|(_, _, beside)| 1 + beside.len()).sum() };
    Ok(if length(&plain) <= length(&short) {
        plain
    } else {
        short
    })
}

/// Whether more of a row's pairs of addresses fares as before than does not.
fn mostly_beside((row, _, beside): &Read) -> bool {
    // Only which is larger counts, so that what a float leaves out does not matter.
    #[allow(clippy::cast_precision_loss)]
    let pairs = |row: &Rectangle| -> f64 {
        let size =
            |set: &AddressSet| (set.count(Family::V4) as f64) + (set.count(Family::V6) as f64);
        size(&row.source.addresses) * size(&row.destination.addresses)
    };
    // Such as differ from the row by more than addresses leave out a name or a protocol of it.
    let like = |other: &&Rectangle| {
        let what = |r: &Rectangle| (r.names.clone(), r.transports, r.ports.clone());
        what(other) == what(row)
    };
    let beside: f64 = beside.iter().filter(like).map(pairs).sum();
    beside * 2.0 > pairs(row)
}

/// The rows of a part, each as wide as what it may hold lets it be.
fn grown(space: &mut Space, part: Set, alike: Set) -> Result<Vec<Read>, Exhausted> {
    let mut out = Vec::new();
    let mut rest = part;
    let mut free = space.subtract(alike, part);
    let mut grown = 0;
    while !space.is_empty(rest) {
        let most = space.union(rest, free);
        let nameless = space.nameless();
        let plain = if space.meets(rest, nameless) {
            rest
        } else {
            space.between(rest, most)
        };
        let rows = space.rectangles(plain, usize::MAX).rows;
        space.answer(|_| ())?;
        let few = rows.len() <= MOST_JOINED && grown < MOST_GROWN;
        grown += 1;
        let mut told = Vec::new();
        if let (true, Some(first)) = (few, rows.first()) {
            told.push(joined(space, first, &rows, most));
        } else {
            told = rows;
        }
        for row in told {
            let whole = space.rectangle(&row);
            let own = space.intersect(whole, rest);
            rest = space.subtract(rest, whole);
            let beside = space.intersect(whole, free);
            free = space.subtract(free, whole);
            // What is free only may be left out of the rows altogether.
            if space.is_empty(own) {
                continue;
            }
            let beside = all_rows(space, beside)?;
            out.push((row, own, beside));
        }
        space.answer(|_| ())?;
    }
    Ok(out)
}

/// All rows of a set, however many.
fn all_rows(space: &mut Space, set: Set) -> Result<Vec<Rectangle>, Exhausted> {
    let mut out = Vec::new();
    let mut rest = set;
    while !space.is_empty(rest) {
        let read = space.rectangles(rest, usize::MAX);
        space.answer(|_| ())?;
        let some = read.left_out > 0;
        if some {
            for row in &read.rows {
                let own = space.rectangle(row);
                rest = space.subtract(rest, own);
            }
        }
        out.extend(read.rows);
        if !some {
            break;
        }
    }
    Ok(out)
}

/// A row with as many others as it can stand for: what holds both must not hold more than is allowed.
fn joined(space: &mut Space, first: &Rectangle, rows: &[Rectangle], most: Set) -> Rectangle {
    let mut own = first.clone();
    let full = space.full();
    let mut held = space.rectangle(&own);
    held = space.intersect(held, full);
    // Widest first; a second look finds what only a wider row can take in.
    for _ in 0..2 {
        let before = own.clone();
        for other in std::iter::once(first).chain(rows) {
            for both in around(&own, other) {
                let set = space.rectangle(&both);
                let set = space.intersect(set, full);
                if both != own && space.is_subset(held, set) && space.is_subset(set, most) {
                    own = both;
                    held = set;
                    break;
                }
            }
        }
        if own == before {
            break;
        }
    }
    // A name may be anywhere: where its other addresses fare as before there is no need to list any.
    if !own.names.none {
        let families = [Family::V4, Family::V6].into_iter();
        let everywhere = families
            .filter(|f| own.source.addresses.count(*f) > 0)
            .fold(AddressSet::empty(), |all, f| {
                all.union(&AddressSet::all().only(f))
            });
        let usual = everywhere.subtract(&platform());
        for addresses in [everywhere, usual] {
            let mut wide = own.clone();
            wide.destination.addresses = addresses;
            let set = space.rectangle(&wide);
            let set = space.intersect(set, full);
            if space.is_subset(held, set) && space.is_subset(set, most) {
                own = wide;
                break;
            }
        }
    }
    own
}

/// Products that hold two rows, the widest first.
fn around(a: &Rectangle, b: &Rectangle) -> Vec<Rectangle> {
    let mut out = a.clone();
    out.source.addresses = a.source.addresses.union(&b.source.addresses);
    out.destination.addresses = a.destination.addresses.union(&b.destination.addresses);
    out.transports = a.transports.union(b.transports);
    out.ports = a.ports.union(&b.ports);
    out.source_ports = a.source_ports.union(&b.source_ports);
    let tcp = out.transports.intersect(Transports::TCP);
    let mut transports = vec![out.transports];
    if !tcp.is_empty() && tcp != Transports::TCP {
        transports.insert(0, out.transports.union(Transports::TCP));
    }
    let said = |row: &Rectangle| {
        [
            row.source.within.clone(),
            row.source.outside.clone(),
            row.destination.within.clone(),
            row.destination.outside.clone(),
            row.names.within.clone(),
            row.names.outside.clone(),
        ]
    };
    let mut rows = Vec::new();
    // Where nothing has to be assumed, nothing is.
    let mut plain = out.clone();
    plain.source.within.clear();
    plain.source.outside.clear();
    plain.destination.within.clear();
    plain.destination.outside.clear();
    plain.assuming.clear();
    let unsaid = |names: &RectangleNames| RectangleNames {
        within: Vec::new(),
        outside: Vec::new(),
        ..names.clone()
    };
    for names in names(&unsaid(&a.names), &unsaid(&b.names)) {
        rows.push(Rectangle {
            names,
            ..plain.clone()
        });
    }
    for own in [a, b] {
        let mut kept = out.clone();
        kept.source.within.clone_from(&own.source.within);
        kept.source.outside.clone_from(&own.source.outside);
        kept.destination.within.clone_from(&own.destination.within);
        kept.destination
            .outside
            .clone_from(&own.destination.outside);
        kept.assuming.clone_from(&own.assuming);
        let names = names(&unsaid(&a.names), &unsaid(&b.names));
        rows.extend(names.into_iter().map(|names| Rectangle {
            names: RectangleNames {
                within: own.names.within.clone(),
                outside: own.names.outside.clone(),
                ..names
            },
            ..kept.clone()
        }));
        if said(a) == said(b) && a.assuming == b.assuming {
            break;
        }
    }
    rows.into_iter()
        .flat_map(|row| {
            let each = transports.clone().into_iter();
            each.map(move |transports| Rectangle {
                transports,
                ..row.clone()
            })
        })
        .collect()
}

/// Names that hold those of two rows, the widest first.
fn names(a: &RectangleNames, b: &RectangleNames) -> Vec<RectangleNames> {
    let mut out = Vec::new();
    let all = NamePattern {
        pattern: "*".to_owned(),
        except: Vec::new(),
    };
    let wide = a
        .patterns
        .iter()
        .chain(&b.patterns)
        .any(|p| p.pattern == "*");
    if wide || a.none || b.none {
        out.push(RectangleNames {
            none: a.none || b.none,
            patterns: vec![all],
            ..RectangleNames::default()
        });
    }
    if a == b {
        out.push(a.clone());
        return out;
    }
    let is_all = |p: &NamePattern| p.pattern == "*" && p.except.is_empty();
    if a.patterns.iter().chain(&b.patterns).any(is_all) {
        return out;
    }
    let mut patterns = a.patterns.clone();
    for one in &b.patterns {
        if !patterns.contains(one) {
            patterns.push(one.clone());
        }
    }
    patterns.sort();
    out.push(RectangleNames {
        none: a.none || b.none,
        patterns,
        ..RectangleNames::default()
    });
    out
}
