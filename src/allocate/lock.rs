//! The lock file: which number and serial each rule and group has, as text that two branches may
//! merge line by line. It gives no numbers and knows no source.
//!
//! ```text
//! # portcullis.lock v1: written by portcullis, do not edit; ...
//! prod/fw/afwp-hub/rcg  pc-30-allow-aks-egress  30300  3
//! prod/nsg/avd/outbound  common::dns/out  2790  2
//! ```
//!
//! A scope is one set of numbers. Every line names its scope: a merge by union joins neighbouring
//! changes and repeats what lies between them, so a line must mean the same wherever it ends up. The
//! scope `.../rules` of a firewall policy holds serials only: the places of rules inside their
//! collections. The scope `.../runs` holds the numbers of the collections of ordered groups: those of
//! one group of a policy (`prod/fw/afwp-hub:pc-25-ordered-acl/runs`), or of a classic firewall. A group that left the source keeps its line, with the word `retired` behind it, until
//! it is gone from Azure. What left the source while an export that ours are merged into still holds it
//! is `retired  exported`, as long as the export does; a security rule stands there by its Azure name,
//! `=NAME`. A live rule whose Azure name does not follow from its id has it behind its serial.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use super::start_of;

/// The first line of every lock.
const HEADER: &str = "# portcullis.lock v1: written by portcullis, do not edit; merge with union, then run `portcullis lock --fix`";

/// What the header of a later version would begin with.
const MARK: &str = "# portcullis.lock v";

/// Most damaged lines that are told; a file with more of them is no lock.
const MAX_DAMAGE: usize = 50;

/// Lines that a merge leaves behind when it asks a person.
const MERGE_MARKERS: [&str; 4] = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];

/// Which numbers of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Rule collection groups of a firewall policy.
    Groups,
    /// Places of rules inside the collections of a firewall policy.
    Rules,
    /// Collections of ordered groups.
    Runs,
    /// Inbound rules of a security group.
    Inbound,
    /// Outbound rules of a security group.
    Outbound,
}

impl Part {
    const ALL: [Self; 5] = [
        Self::Groups,
        Self::Rules,
        Self::Runs,
        Self::Inbound,
        Self::Outbound,
    ];

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Groups => ("fw", "rcg"),
            Self::Rules => ("fw", "rules"),
            Self::Runs => ("fw", "runs"),
            Self::Inbound => ("nsg", "inbound"),
            Self::Outbound => ("nsg", "outbound"),
        }
    }
}

/// One set of numbers: `prod/nsg/nsg-apim/outbound`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// The environment.
    pub environment: String,
    /// The Azure name of the firewall policy or the security group.
    pub name: String,
    /// Which numbers of it.
    pub part: Part,
}

impl Scope {
    /// The scope of a part of a resource.
    #[must_use]
    pub fn new(environment: &str, name: &str, part: Part) -> Self {
        Self {
            environment: environment.to_owned(),
            name: name.to_owned(),
            part,
        }
    }

    /// Reads `prod/nsg/nsg-apim/outbound`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let [environment, kind, name, part] = parts.as_slice() else {
            return None;
        };
        if environment.is_empty() || name.is_empty() {
            return None;
        }
        let part = Part::ALL
            .into_iter()
            .find(|p| p.words() == (*kind, *part))?;
        Some(Self::new(environment, name, part))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, part) = self.part.words();
        write!(f, "{}/{kind}/{}/{part}", self.environment, self.name)
    }
}

/// What is remembered of one id.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// It left the source.
    pub retired: bool,
    /// It is retired, and not in force: only an export that ours are merged into still holds it. If it
    /// is not, a retired group is still in force in Azure.
    pub exported: bool,
    /// Its number; none in a scope of places.
    pub number: Option<u32>,
    /// Its place in time.
    pub serial: u32,
    /// Its Azure name, where it does not follow from the id and has to be known later.
    pub name: Option<String>,
}

/// The entries of a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeEntries {
    /// The highest serial.
    pub serial: u32,
    /// By id.
    pub entries: BTreeMap<String, Entry>,
}

/// A lock without contradictions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// By scope.
    pub scopes: BTreeMap<Scope, ScopeEntries>,
}

/// One line of a lock file, contradictions and all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The scope it stands in.
    pub scope: Scope,
    /// The id.
    pub id: String,
    /// What is remembered.
    pub entry: Entry,
    /// First byte of the id, and one past the last byte of the line.
    pub place: (usize, usize),
}

/// A lock file as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Lines of entries, in the order of the file.
    pub lines: Vec<Line>,
}

/// Damage: not a lock, or one that a merge left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// First byte, and one past the last.
    pub place: (usize, usize),
    /// What is wrong there, for people.
    pub reason: String,
    /// It is the mark of an unfinished merge.
    pub merge: bool,
}

/// Two lines that cannot both be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The line that stays.
    pub kept: Line,
    /// The line that gives way.
    pub dropped: Line,
}

/// Reads a lock file. Lines may be repeated and contradict each other, as a merge by union of lines
/// leaves them.
///
/// # Errors
/// The damaged lines, at most fifty.
pub fn parse(text: &str) -> Result<Parsed, Vec<Damage>> {
    let mut out = Parsed::default();
    let mut damage: Vec<Damage> = Vec::new();
    // Nobody writes an empty lock; a full disk or a crash leaves one.
    if text.trim().is_empty() {
        return Err(vec![Damage {
            place: (0, 0),
            reason: "it is empty".to_owned(),
            merge: false,
        }]);
    }
    let mut start = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.trim_end();
        let place = (start, start + line.len());
        start += raw.len();
        let whole = raw.ends_with('\n') || line.is_empty();
        let read = parse_line(line, place).and_then(|read| {
            // What is left of a number is a number too.
            whole
                .then_some(read)
                .ok_or_else(|| ("the file ends in the middle of a line".to_owned(), false))
        });
        match read {
            Ok(entry) => out.lines.extend(entry),
            // The marks of one merge are one fault.
            Err((_, true)) if damage.iter().any(|d| d.merge) => {}
            Err(_) if damage.len() >= MAX_DAMAGE => break,
            Err((reason, merge)) => damage.push(Damage {
                place,
                reason,
                merge,
            }),
        }
    }
    if damage.is_empty() {
        Ok(out)
    } else {
        Err(damage)
    }
}

fn parse_line(line: &str, place: (usize, usize)) -> Result<Option<Line>, (String, bool)> {
    if line.contains(|c: char| c == '\u{fffd}' || (c.is_control() && c != '\t')) {
        return Err(("this is not text".to_owned(), false));
    }
    if MERGE_MARKERS.iter().any(|m| line.starts_with(m)) {
        return Err(("an unfinished merge stands here".to_owned(), true));
    }
    if let Some(version) = line.strip_prefix(MARK) {
        let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
        return if digits == "1" {
            Ok(None)
        } else {
            Err((format!("version `{digits}` is not known"), false))
        };
    }
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let unknown = || ("expected `SCOPE ID NUMBER SERIAL`".to_owned(), false);
    let [scope, id, first, serial, rest @ ..] = words.as_slice() else {
        return Err(unknown());
    };
    let (retired, exported, name) = match rest {
        [] => (false, false, None),
        ["retired"] => (true, false, None),
        ["retired", "exported"] => (true, true, None),
        [name] => match name.strip_prefix('=') {
            Some(name) => (false, false, Some(name.to_owned())),
            None => return Err(unknown()),
        },
        _ => return Err(unknown()),
    };
    let Some(scope) = Scope::parse(scope) else {
        let why = "expected a scope such as `prod/nsg/nsg-apim/outbound` first";
        return Err((why.to_owned(), false));
    };
    let value = if scope.part == Part::Rules {
        (*first == "-").then_some(None)
    } else {
        number(first).map(Some)
    };
    let (Some(value), Some(serial)) = (value, number(serial)) else {
        return Err((
            "expected a number and a serial behind the id".to_owned(),
            false,
        ));
    };
    Ok(Some(Line {
        scope,
        id: (*id).to_owned(),
        entry: Entry {
            retired,
            exported,
            number: value,
            serial,
            name,
        },
        place,
    }))
}

/// A number in plain digits.
fn number(text: &str) -> Option<u32> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

/// The text without the lines that an unfinished merge put between the two sides; what the base had
/// there (`|||||||` to `=======`) goes too.
#[must_use]
pub fn without_markers(text: &str) -> String {
    let mut out = String::new();
    let mut in_base = false;
    for line in text.split_inclusive('\n') {
        if let Some(marker) = MERGE_MARKERS.iter().find(|m| line.starts_with(**m)) {
            in_base = *marker == "|||||||";
        } else if !in_base {
            out.push_str(line);
        }
    }
    out
}

impl Parsed {
    /// The lock without contradictions, and those that there were. Of two lines that contradict
    /// each other the one that `base` has stays; else that of the smaller hash, so that every
    /// reader of one text decides alike.
    #[must_use]
    pub fn settle(&self, base: Option<&Lock>) -> (Lock, Vec<Clash>) {
        let mut by_scope: BTreeMap<&Scope, Vec<&Line>> = BTreeMap::new();
        for line in &self.lines {
            by_scope.entry(&line.scope).or_default().push(line);
        }
        let mut lock = Lock::default();
        let mut clashes = Vec::new();
        for (scope, lines) in by_scope {
            let known = base.and_then(|b| b.scopes.get(scope));
            let before = clashes.len();
            let mut kept = one_line_per_id(lines, known, &mut clashes);
            kept = one_id_per_number(kept, known, &mut clashes);
            let mut entries = distinct_serials(kept, known);
            if clashes.len() > before && scope.part != Part::Groups {
                quarantine(&mut entries, known);
            }
            lock.scopes.insert(scope.clone(), entries);
        }
        (lock, clashes)
    }

    /// The lock without contradictions.
    #[must_use]
    pub fn lock(&self) -> Lock {
        self.settle(None).0
    }
}

/// Whether the base has this very number for this id.
fn in_base(line: &Line, base: Option<&ScopeEntries>) -> bool {
    base.and_then(|b| b.entries.get(&line.id))
        .is_some_and(|e| e.number == line.entry.number)
}

fn one_line_per_id<'a>(
    mut lines: Vec<&'a Line>,
    base: Option<&ScopeEntries>,
    clashes: &mut Vec<Clash>,
) -> Vec<&'a Line> {
    // A retired group that came back on one branch is in the source.
    lines.sort_by(|a, b| {
        let key = |l: &Line| !in_base(l, base);
        (&a.id, key(a), &a.entry).cmp(&(&b.id, key(b), &b.entry))
    });
    let mut kept: Vec<&Line> = Vec::new();
    for line in lines {
        match kept.last() {
            Some(first) if first.id == line.id => {
                if first.entry.number != line.entry.number {
                    clashes.push(Clash {
                        kept: (*first).clone(),
                        dropped: line.clone(),
                    });
                }
            }
            _ => kept.push(line),
        }
    }
    kept
}

fn one_id_per_number<'a>(
    mut lines: Vec<&'a Line>,
    base: Option<&ScopeEntries>,
    clashes: &mut Vec<Clash>,
) -> Vec<&'a Line> {
    lines.sort_by_cached_key(|l| (!in_base(l, base), start_of(&l.id), l.id.clone()));
    let mut holders: BTreeMap<u32, &Line> = BTreeMap::new();
    let mut kept = Vec::new();
    for line in lines {
        // A retired group keeps its line whatever else there is: it is in force in Azure. One that
        // shares its number is moved by the next compilation.
        let number = line.entry.number.filter(|_| !line.entry.retired);
        match number.and_then(|n| holders.get(&n)) {
            Some(holder) => clashes.push(Clash {
                kept: (*holder).clone(),
                dropped: line.clone(),
            }),
            None => {
                if let Some(number) = number {
                    holders.insert(number, line);
                }
                kept.push(line);
            }
        }
    }
    kept
}

/// What one branch removed keeps its line for one more run, so that its number does not go to a rule
/// that is placed anew in the same change.
fn quarantine(entries: &mut ScopeEntries, base: Option<&ScopeEntries>) {
    let held: BTreeSet<u32> = entries.entries.values().filter_map(|e| e.number).collect();
    for (id, entry) in base.into_iter().flat_map(|b| &b.entries) {
        if entry.number.is_some_and(|n| !held.contains(&n)) {
            entries
                .entries
                .entry(id.clone())
                .or_insert_with(|| entry.clone());
        }
    }
}

/// Two branches count on from one serial: what the base has keeps its place, the others go behind.
fn distinct_serials(lines: Vec<&Line>, base: Option<&ScopeEntries>) -> ScopeEntries {
    let mut out = ScopeEntries::default();
    let known = |line: &Line| {
        base.and_then(|b| b.entries.get(&line.id))
            .is_some_and(|e| e.serial == line.entry.serial)
    };
    let mut ordered = lines;
    ordered.sort_by_key(|l| (!known(l), l.entry.serial, &l.id));
    let mut taken = BTreeSet::new();
    out.serial = ordered.iter().map(|l| l.entry.serial).max().unwrap_or(0);
    for line in ordered {
        let mut entry = line.entry.clone();
        // A retired group has no place, so it may share one.
        if !entry.retired && !taken.insert(entry.serial) {
            out.serial = out.serial.saturating_add(1);
            entry.serial = out.serial;
            taken.insert(entry.serial);
        }
        out.entries.insert(line.id.clone(), entry);
    }
    out
}

impl Lock {
    /// The text of the file: sorted, one line an id.
    #[must_use]
    pub fn text(&self) -> String {
        let mut named: Vec<(String, &ScopeEntries)> = self
            .scopes
            .iter()
            .map(|(scope, s)| (scope.to_string(), s))
            .collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        let mut out = format!("{HEADER}\n");
        for (name, scope) in named {
            for (id, entry) in &scope.entries {
                let number = entry.number.map_or("-".to_owned(), |n| n.to_string());
                let more = match (entry.retired, entry.exported, &entry.name) {
                    (true, true, _) => "  retired  exported".to_owned(),
                    (true, false, _) => "  retired".to_owned(),
                    (false, _, Some(name)) => format!("  ={name}"),
                    (false, _, None) => String::new(),
                };
                // Writing to a string cannot fail.
                let _ = writeln!(out, "{name}  {id}  {number}  {}{more}", entry.serial);
            }
        }
        out
    }

    /// Removes what is retired; the scopes and ids that were removed. What an export still holds
    /// would come back with it, so it stays.
    pub fn prune(&mut self) -> Vec<(Scope, String)> {
        let mut gone = Vec::new();
        for (scope, entries) in &mut self.scopes {
            entries.entries.retain(|id, entry| {
                let goes = entry.retired && !entry.exported;
                if goes {
                    gone.push((scope.clone(), id.clone()));
                }
                !goes
            });
        }
        gone
    }

    /// Remembers an id.
    pub fn insert(&mut self, scope: &Scope, id: &str, entry: Entry) {
        let into = self.scopes.entry(scope.clone()).or_default();
        into.serial = into.serial.max(entry.serial);
        into.entries.insert(id.to_owned(), entry);
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::*;

    const TEXT: &str = "\
# portcullis.lock v1: written by portcullis, do not edit; merge with union, then run `portcullis lock --fix`
prod/fw/afwp-hub/rcg  pc-10-exception-exceptions  5400  9  retired
prod/fw/afwp-hub/rcg  pc-30-allow-aks-egress  30300  3
prod/fw/afwp-hub/rules  pc-30-allow-aks-egress/net/aks-egress::dns  -  2
prod/nsg/avd/outbound  =legacy  2670  11  retired  exported
prod/nsg/avd/outbound  avd-egress::intranet/out  2680  12
prod/nsg/avd/outbound  avd-egress::named/out  2690  13  =own-name
";

    #[test]
    fn the_text_form_goes_round() {
        let parsed = parse(TEXT).unwrap();
        assert_eq!(parsed.lines.len(), 6);
        assert_eq!(parsed.lock().text(), TEXT);
        let bare = Lock::default().text();
        assert_eq!(parse(&bare).unwrap().lock().text(), bare);
        assert_eq!(parse(" \n").unwrap_err()[0].reason, "it is empty");
    }

    #[test]
    fn damage_has_its_place() {
        let damage = |text: &str| {
            let all = parse(text).unwrap_err();
            let (start, end) = all[0].place;
            (text[start..end].to_owned(), all[0].reason.clone())
        };
        assert_eq!(
            damage("a/nsg/b/inbound  c  1  1\nx  a  1  1\n").0,
            "x  a  1  1"
        );
        assert_eq!(
            damage("a/nsg/b/inbound  c  1\n").1,
            "expected `SCOPE ID NUMBER SERIAL`"
        );
        assert_eq!(
            damage("\na/nsg/b/inbound c x 1\n").0,
            "a/nsg/b/inbound c x 1"
        );
        assert_eq!(
            damage("a/nsg/b/inbound c 1 1").1,
            "the file ends in the middle of a line"
        );
        assert_eq!(damage("a/fw/b/rules c 1 1\n").0, "a/fw/b/rules c 1 1");
        assert_eq!(damage("a/fw/b/inbound c 1 1\n").0, "a/fw/b/inbound c 1 1");
        assert_eq!(
            damage("# portcullis.lock v2\n").1,
            "version `2` is not known"
        );
        assert_eq!(
            damage("\n<<<<<<< ours\n").1,
            "an unfinished merge stands here"
        );
        assert_eq!(damage("{\"a\": 1}\n").0, "{\"a\": 1}");
        assert_eq!(parse("a\nb\n").unwrap_err().len(), 2);
        assert_eq!(
            parse("<<<<<<< a\n=======\n>>>>>>> b\n").unwrap_err().len(),
            1
        );
        // A number beyond 32 bits is damage, not an overflow.
        assert!(parse("a/nsg/b/inbound c 99999999999 1\n").is_err());
    }

    #[test]
    fn a_union_is_settled_for_the_base() {
        let base = parse("a/nsg/b/inbound  z  300  1\n").unwrap().lock();
        let merged = parse(
            "a/nsg/b/inbound a 300 2\na/nsg/b/inbound z 300 1\na/nsg/b/inbound c 310 2\na/nsg/b/inbound c 310 2\n",
        )
        .unwrap();
        let (lock, clashes) = merged.settle(Some(&base));
        assert_eq!(clashes.len(), 1);
        assert_eq!(
            (clashes[0].kept.id.as_str(), clashes[0].dropped.id.as_str()),
            ("z", "a")
        );
        assert_eq!(
            lock.text(),
            format!("{HEADER}\na/nsg/b/inbound  c  310  2\na/nsg/b/inbound  z  300  1\n")
        );
    }

    #[test]
    fn markers_go_and_both_sides_stay() {
        let text = "a\n<<<<<<< x\nb\n||||||| base\nc\n=======\nd\n>>>>>>> y\ne\n";
        assert_eq!(without_markers(text), "a\nb\nd\ne\n");
    }
}
