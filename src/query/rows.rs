//! The sets of a picture as rows, each with a packet that shows it and with what the walk of that
//! packet finds. A row that the walk contradicts is never told.

use crate::model::address::{AddressSet, Family};
use crate::packet::{
    Exhausted, NamePattern, Probe, Rectangle, RectangleNames, Rectangles, Set, Space, Transport,
    Transports, Verdict, Witness,
};
use crate::reach::question::word;
use crate::reach::{Network, Question, Reply, ask};

use super::picture::{Course, Picture};
use super::words::service_texts;

/// Rows of a set that are looked at for what could be said in fewer.
const MOST_WIDENED: usize = 48;

/// Times that a set is read back for it.
const MOST_STEPS: usize = 12;

/// What is wanted of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Which packets: those that arrive, or those that do not.
    pub verdict: Verdict,
    /// Rows of each kind that are told.
    pub most: usize,
}

/// How sure the rows of a group are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// Whatever the symbols hold.
    Sure,
    /// If the symbols hold what the row says.
    Assumed,
    /// It depends on what is not declared: there is no verdict.
    Open,
}

/// Packets that share a fate.
#[derive(Clone, Debug)]
pub struct Row {
    /// What becomes of them; `None` if that depends on what is not declared.
    pub verdict: Option<Verdict>,
    /// The packets.
    pub rectangle: Rectangle,
    /// Their way.
    pub course: Course,
    /// One of them, such as `explain` can be asked about where there is one.
    pub witness: Witness,
    /// What the walk of that packet says.
    pub reply: Reply,
}

/// Rows of one kind; they share no packet with each other, and none with another group once it is known
/// what the symbols hold.
#[derive(Clone, Debug)]
pub struct Group {
    /// How sure they are.
    pub certainty: Certainty,
    /// The widest first.
    pub rows: Vec<Row>,
    /// How many more there are.
    pub left_out: usize,
    /// Those left out were counted before such as join were joined: there are fewer then.
    pub unjoined: bool,
}

/// Why there are no rows.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Wrong {
    /// The sets grew too large.
    #[error("{0}; ask for less with --from, --to, --proto and --ports")]
    Exhausted(#[from] Exhausted),
    /// Sets and walk say different things of a packet: our own fault.
    #[error("{0}")]
    Disagree(String),
}

/// The rows of a picture on the ways that are wanted, by certainty.
///
/// # Errors
/// The sets grew too large, or walk and sets disagree.
pub fn rows(
    picture: &mut Picture,
    network: &Network,
    wanted: Wanted,
    on: impl Fn(&Course) -> bool,
) -> Result<Vec<Group>, Wrong> {
    let mut parts: Vec<(Certainty, Course, Set)> = Vec::new();
    for (course, outcome) in picture.courses.clone() {
        if !on(&course) {
            continue;
        }
        let set = match wanted.verdict {
            Verdict::Allow => outcome.allowed,
            Verdict::Deny => outcome.denied,
        };
        let space = &mut picture.space;
        let sure = space.surely(set);
        let assumed = space.subtract(set, sure);
        parts.push((Certainty::Sure, course.clone(), sure));
        parts.push((Certainty::Assumed, course.clone(), assumed));
        parts.push((Certainty::Open, course, outcome.open));
    }
    picture.space.answer(|_| ())?;
    let mut out = Vec::new();
    for certainty in [Certainty::Sure, Certainty::Assumed, Certainty::Open] {
        let own = parts.iter().filter(|(kind, ..)| *kind == certainty);
        let own: Vec<(Course, Set)> = own.map(|(_, c, s)| (c.clone(), *s)).collect();
        out.push(group(picture, network, wanted, certainty, own)?);
    }
    picture.space.answer(|_| ())?;
    Ok(out)
}

fn group(
    picture: &mut Picture,
    network: &Network,
    wanted: Wanted,
    certainty: Certainty,
    parts: Vec<(Course, Set)>,
) -> Result<Group, Wrong> {
    let mut found: Vec<(f64, Course, Rectangle, Set)> = Vec::new();
    let mut unread = 0_usize;
    for (course, set) in parts {
        let read = readable(&mut picture.space, set);
        unread = unread.saturating_add(read.left_out);
        let rows = read.rows.into_iter();
        found.extend(rows.map(|r| (breadth(&r), course.clone(), r, set)));
    }
    found.sort_by(|a, b| {
        let order = b.0.total_cmp(&a.0);
        order.then_with(|| (&a.1, &a.2).cmp(&(&b.1, &b.2)))
    });
    let left_out = unread.saturating_add(found.len().saturating_sub(wanted.most));
    found.truncate(wanted.most);
    let verdict = (certainty != Certainty::Open).then_some(wanted.verdict);
    let mut rows = Vec::with_capacity(found.len());
    for (_, course, rectangle, set) in found {
        let Some(witness) = row_witness(&mut picture.space, &rectangle, set) else {
            picture.space.answer(|_| ())?;
            return Err(Wrong::Disagree(format!("the row `{rectangle}` is empty")));
        };
        let reply = ask(network, &question(&witness), false);
        agree(picture, &witness, &reply)?;
        rows.push(Row {
            verdict,
            rectangle,
            course,
            witness,
            reply,
        });
    }
    Ok(Group {
        certainty,
        rows,
        left_out,
        unjoined: unread > 0,
    })
}

/// The set as rows of which as many as possible say `any`. A set is read back one dimension after the
/// other, so that an exception in an early one divides all below; what is wider than that is told first,
/// and the rest is read back again.
fn readable(space: &mut Space, set: Set) -> Rectangles {
    let plain = space.rectangles(set, usize::MAX);
    if plain.left_out > 0 || !(2..=MOST_WIDENED).contains(&plain.rows.len()) {
        return plain;
    }
    let mut out: Vec<Rectangle> = Vec::new();
    let mut rest = set;
    let mut rows = plain.rows.clone();
    for _ in 0..MOST_STEPS {
        let found = rows.iter().find_map(|row| widened(space, row, rest));
        let Some((row, own)) = found else {
            break;
        };
        out.push(row);
        rest = space.subtract(rest, own);
        rows = space.rectangles(rest, usize::MAX).rows;
    }
    out.extend(rows);
    if length(&out) < length(&plain.rows) {
        Rectangles {
            rows: out,
            left_out: 0,
        }
    } else {
        plain
    }
}

/// A row that says `any` where this one says less, if all of it is in a set.
fn widened(space: &mut Space, row: &Rectangle, set: Set) -> Option<(Rectangle, Set)> {
    let named = !row.names.patterns.is_empty() && !row.names.is_any();
    let any = RectangleNames {
        none: true,
        patterns: vec![NamePattern {
            pattern: "*".to_owned(),
            except: Vec::new(),
        }],
        ..RectangleNames::default()
    };
    let mut names = vec![row.names.clone()];
    if named && row.names.within.is_empty() && row.names.outside.is_empty() {
        names.insert(0, any);
    }
    let mut transports = vec![row.transports];
    let some = row.transports.intersect(Transports::TCP);
    if !some.is_empty() && some != Transports::TCP {
        transports.insert(0, row.transports.union(Transports::TCP));
    }
    for name in &names {
        for transport in &transports {
            let wide = Rectangle {
                names: name.clone(),
                transports: *transport,
                ..row.clone()
            };
            if wide == *row {
                continue;
            }
            let own = space.rectangle(&wide);
            let full = space.full();
            let own = space.intersect(own, full);
            if space.is_subset(own, set) {
                return Some((wide, own));
            }
        }
    }
    None
}

/// How long rows read, roughly in words.
fn length(rows: &[Rectangle]) -> usize {
    let row = |row: &Rectangle| {
        let names = row.names.patterns.iter().map(|p| 1 + p.except.len());
        4 + names.sum::<usize>() + service_texts(row.transports, &row.ports).len()
    };
    rows.iter().map(row).sum()
}

/// A packet of a row. One that shows a name in TCP in which nothing is read cannot be typed, so another
/// is preferred.
pub fn row_witness(space: &mut Space, row: &Rectangle, set: Set) -> Option<Witness> {
    let read = row.transports.subtract(Transports::one(Transport::Tcp));
    if !row.names.none && !read.is_empty() {
        let typed = Rectangle {
            transports: read,
            ..row.clone()
        };
        let part = space.rectangle(&typed);
        let part = space.intersect(part, set);
        if let Some(found) = space.witness(part) {
            return Some(found);
        }
    }
    let part = space.rectangle(row);
    let part = space.intersect(part, set);
    space.witness(part)
}

/// The packet as a question.
#[must_use]
pub fn question(witness: &Witness) -> Question {
    let ported = witness.transport.has_ports();
    Question {
        transport: witness.transport,
        source: witness.source,
        source_port: ported.then_some(witness.source_port),
        destination: Some(witness.destination),
        port: ported.then_some(witness.port),
        name: witness.name.clone(),
    }
}

/// What the walk says of a packet must be what the sets say. Where it has no verdict the sets may
/// have one: a walk looks at one layer after the other, and does not see that what one of them leaves
/// open another one settles.
fn agree(picture: &Picture, witness: &Witness, reply: &Reply) -> Result<(), Wrong> {
    let found = picture.verdicts(&Probe::from(witness));
    if reply.verdict.is_none() || reply.verdict == found.sure() {
        return Ok(());
    }
    Err(Wrong::Disagree(format!(
        "the walk of `{witness}` ends with {}, the sets say {}",
        word(reply.verdict),
        word(found.sure())
    )))
}

/// Roughly the share of all packets; it only puts rows in order.
fn breadth(row: &Rectangle) -> f64 {
    let share = |set: &AddressSet| {
        let v4 = set.count(Family::V4) as f64 / 2_f64.powi(32);
        let v6 = set.count(Family::V6) as f64 / 2_f64.powi(128);
        v4 + v6
    };
    let names = match row.names.patterns.len() {
        _ if row.names.is_any() => 1.0,
        0 => 0.1,
        some => 0.001 * some as f64,
    };
    share(&row.source.addresses)
        * share(&row.destination.addresses)
        * row.transports.iter().count() as f64
        * row.ports.len() as f64
        * row.source_ports.len() as f64
        * names
}
