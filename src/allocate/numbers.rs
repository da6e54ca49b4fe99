//! The old lock and the new one of a run: looks up what an id had, under an old name too, and keeps
//! what it has now. What an id stands for, and how bands lie, its callers know.

use std::collections::{BTreeMap, BTreeSet};

use super::lock::{Clash, Entry, Lock, Parsed, Part, Scope};
use super::window::allocate_ordered;
use super::{Allocation, Request, allocate_near, names};

/// One rule or group that needs a number, and what it was called before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What is asked for.
    pub request: Request,
    /// Ids that it may be remembered by, the likeliest first: old names from `moved`, and
    /// [`by_name`] for numbers that were read from Azure's names.
    pub formerly: Vec<String>,
    /// Its Azure name, where that has to be remembered.
    pub name: Option<String>,
    /// Its place in source order, for a member of an ordered group; numbers rise with it.
    pub order: Option<u32>,
}

/// Under which conditions the numbers of a scope are given.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Numbers that nobody gets, both ends included.
    pub reserved: Vec<(u32, u32)>,
    /// Round numbers are multiples of this.
    pub stride: u32,
    /// What becomes of an id that leaves the source.
    pub leaving: Leaving,
}

/// What becomes of an id that leaves the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Azure keeps it until somebody deletes it: it stays, as retired, and so does its number.
    Stays,
    /// All of its kind are written at once, so it goes with their next change. These an export that
    /// ours are merged into still holds: they are remembered, so that they do not come back with it.
    Goes(BTreeMap<String, Entry>),
}

/// The id under which a number is remembered that came with an Azure name only.
#[must_use]
pub fn by_name(azure_name: &str) -> String {
    format!("={}", azure_name.to_lowercase())
}

/// `moved FROM -> TO` of the source, as full paths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rename {
    /// The old path of a flow or group.
    pub from: String,
    /// The new one.
    pub to: String,
}

/// The old ids of a path: every chain of renames that leads to it. `main` may be left out, as in
/// the source. Since a rename leads to a name of today, that of a label may name an instance or a group
/// which has been renamed as well: `one::a -> two::b` beside `one -> two` is also a rename of `two::a`,
/// and of what `two` was called before.
#[must_use]
pub fn old_paths(path: &str, renames: &[Rename]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut open = vec![path.to_owned()];
    let mut seen = BTreeSet::from([path.to_owned()]);
    while let Some(next) = open.pop() {
        for rename in renames {
            let mut old = before(&next, rename);
            if next != path {
                old.extend(replaced(&next, &rename.from, &rename.to));
            }
            for old in old {
                if seen.insert(old.clone()) {
                    found.push(old.clone());
                    open.push(old);
                }
            }
        }
    }
    found
}

/// What a path was called before one rename.
fn before(path: &str, rename: &Rename) -> Vec<String> {
    let mut out = Vec::new();
    if path == rename.to || path == in_main(&rename.to) {
        out.push(rename.from.clone());
        out.push(in_main(&rename.from));
    } else {
        out.extend(replaced(path, &rename.to, &rename.from));
    }
    out
}

/// A path below another one, with that one's name replaced.
fn replaced(path: &str, front: &str, by: &str) -> Option<String> {
    let rest = path.strip_prefix(front)?;
    rest.starts_with("::").then(|| format!("{by}{rest}"))
}

/// `inst::label` as `inst::main::label`.
fn in_main(path: &str) -> String {
    match path.rsplit_once("::") {
        Some((front, label)) => format!("{front}::main::{label}"),
        None => format!("main::{path}"),
    }
}

/// A rename as `moved` states it: of the group or instance where only that differs; `main` is not
/// written.
#[must_use]
pub fn moved(from: &str, to: &str) -> (String, String) {
    let (old, new): (Vec<&str>, Vec<&str>) = (from.split("::").collect(), to.split("::").collect());
    let same = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(a, b)| a == b)
        .count()
        .min(old.len().min(new.len()).saturating_sub(1));
    let front = |path: &[&str], but: usize| -> Vec<String> {
        let kept = path.iter().take(path.len().saturating_sub(but));
        kept.map(|part| (*part).to_owned()).collect()
    };
    let (a, b) = (front(&old, same), front(&new, same));
    let main = |path: &[String]| path.last().is_some_and(|last| last == "main");
    if same > 0 && !main(&a) && !main(&b) {
        return (a.join("::"), b.join("::"));
    }
    let without_main = |path: &[&str]| {
        let mut path = front(path, 0);
        if let Some(at) = path.len().checked_sub(2)
            && path.get(at).is_some_and(|group| group == "main")
        {
            path.remove(at);
        }
        path.join("::")
    };
    (without_main(&old), without_main(&new))
}

/// The numbers of a run.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    old: Lock,
    /// Lines of the old lock that gave way to others.
    dropped: BTreeMap<(Scope, String), (Entry, String)>,
    new: Lock,
    visited: BTreeSet<Scope>,
    renames: Vec<Rename>,
    /// By scope and id: the old id whose entry it has.
    taken_over: BTreeMap<(Scope, String), String>,
}

impl Numbers {
    /// Begins with an old lock; what contradicts itself in it is settled without a base.
    #[must_use]
    pub fn new(old: &Parsed) -> Self {
        let (mut lock, clashes) = old.settle(None);
        let mut dropped = BTreeMap::new();
        for Clash {
            kept,
            dropped: line,
        } in clashes
        {
            if kept.id == line.id {
                continue;
            }
            // Should it come back, its place in time is its own too.
            let mut entry = line.entry;
            let scope = lock.scopes.entry(line.scope.clone()).or_default();
            scope.serial = scope.serial.saturating_add(1).max(entry.serial);
            entry.serial = scope.serial;
            dropped.insert((line.scope, line.id), (entry, kept.id));
        }
        Self {
            old: lock,
            dropped,
            ..Self::default()
        }
    }

    /// Sets the renames of the environment that comes next.
    pub fn set_renames(&mut self, renames: Vec<Rename>) {
        self.renames = renames;
    }

    /// The old ids of a rule: `path/out/Tag` with every old path.
    #[must_use]
    pub fn formerly(&self, id: &str) -> Vec<String> {
        let (path, expansion) = match id.find('/') {
            Some(at) => id.split_at(at),
            None => (id, ""),
        };
        old_paths(path, &self.renames)
            .into_iter()
            .map(|old| format!("{old}{expansion}"))
            .collect()
    }

    /// The old paths of an instance or group.
    #[must_use]
    pub fn old_paths(&self, path: &str) -> Vec<String> {
        old_paths(path, &self.renames)
    }

    /// Gives the numbers of a scope and remembers them. `ordered` is the band in which members of
    /// ordered groups lie; they come in source order, the others in any.
    pub fn allocate(&mut self, scope: &Scope, wanted: &[Wanted], terms: &Terms) -> Allocation {
        let ids: Vec<(&str, &[String])> = wanted
            .iter()
            .map(|w| (w.request.id.as_str(), w.formerly.as_slice()))
            .collect();
        let adopted = self.take_over(scope, &ids);
        let number = |e: &Entry| e.number;
        let mut previous: BTreeMap<String, u32> = BTreeMap::new();
        let mut reserved = terms.reserved.clone();
        let sources: BTreeSet<&String> = adopted.values().map(|(from, _)| from).collect();
        for (id, entry) in self.old.scopes.get(scope).iter().flat_map(|s| &s.entries) {
            let Some(number) = number(entry).filter(|_| !sources.contains(id)) else {
                continue;
            };
            if terms.leaving == Leaving::Stays && leaves_a_group(scope, id) {
                // It is still in force in Azure.
                reserved.push((number, number));
            } else {
                previous.insert(id.clone(), number);
            }
        }
        for (id, (_, entry)) in &adopted {
            previous.extend(number(entry).map(|n| (id.clone(), n)));
        }
        let allocation = self.give(scope, wanted, &reserved, terms.stride, &previous);
        self.remember(scope, &allocation.numbers, &adopted);
        for wanted in wanted.iter().filter(|w| w.name.is_some()) {
            let entries = self.new.scopes.get_mut(scope).map(|s| &mut s.entries);
            if let Some(entry) = entries.and_then(|e| e.get_mut(&wanted.request.id)) {
                entry.name.clone_from(&wanted.name);
            }
        }
        let gone = match &terms.leaving {
            Leaving::Goes(held) => held.clone().into_iter().collect(),
            Leaving::Stays => self.left_behind(scope, &allocation.numbers, &adopted),
        };
        let exported = terms.leaving != Leaving::Stays;
        self.retire(scope, gone, exported);
        allocation
    }

    /// The numbers that these had, under old names too.
    #[must_use]
    pub fn known(&self, scope: &Scope, wanted: &[Wanted]) -> BTreeMap<String, u32> {
        let ids: Vec<(&str, &[String])> = wanted
            .iter()
            .map(|w| (w.request.id.as_str(), w.formerly.as_slice()))
            .collect();
        let adopted = self.adopt(scope, &ids).into_iter();
        adopted
            .filter_map(|(id, (_, entry))| Some((id, entry.number?)))
            .collect()
    }

    /// Ordered members first (they have a band of their own), then the others.
    fn give(
        &self,
        scope: &Scope,
        wanted: &[Wanted],
        reserved: &[(u32, u32)],
        stride: u32,
        previous: &BTreeMap<String, u32>,
    ) -> Allocation {
        let mut ordered: Vec<&Wanted> = wanted.iter().filter(|w| w.order.is_some()).collect();
        ordered.sort_by(|a, b| (a.order, &a.request.id).cmp(&(b.order, &b.request.id)));
        let rest: Vec<Request> = wanted
            .iter()
            .filter(|w| w.order.is_none())
            .map(|w| w.request.clone())
            .collect();
        let hints: BTreeMap<String, Vec<u32>> = rest
            .iter()
            .filter(|r| !previous.contains_key(&r.id))
            .map(|r| (r.id.clone(), self.elsewhere(scope, &r.id)))
            .collect();
        if ordered.is_empty() {
            return allocate_near(&rest, reserved, stride, previous, &hints);
        }
        let requests: Vec<Request> = ordered.iter().map(|w| w.request.clone()).collect();
        let band = requests.first().map_or((1, 0), |r| r.band);
        let mut all = allocate_ordered(&requests, band, reserved, stride, previous);
        let mut taken = reserved.to_vec();
        taken.extend(all.numbers.values().map(|n| (*n, *n)));
        let others = allocate_near(&rest, &taken, stride, previous, &hints);
        all.numbers.extend(others.numbers);
        all.errors.extend(others.errors);
        all.errors.sort_by(|a, b| a.id.cmp(&b.id));
        all.moved.extend(others.moved);
        all.moved.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    /// Gives places in time: what is known keeps its own, what is new goes behind, in the order
    /// given.
    pub fn places(
        &mut self,
        scope: &Scope,
        wanted: &[(String, Vec<String>)],
    ) -> BTreeMap<String, u32> {
        let ids: Vec<(&str, &[String])> = wanted
            .iter()
            .map(|(id, old)| (id.as_str(), old.as_slice()))
            .collect();
        let adopted = self.take_over(scope, &ids);
        let mut serial = self.start(scope);
        let mut out = BTreeMap::new();
        for (id, _) in wanted {
            let known = adopted.get(id).map(|(_, e)| e.serial);
            let place = known.unwrap_or_else(|| {
                serial = serial.saturating_add(1);
                serial
            });
            out.insert(id.clone(), place);
            let entry = Entry {
                serial: place,
                ..Entry::default()
            };
            self.new.insert(scope, id, entry);
        }
        out
    }

    fn take_over(
        &mut self,
        scope: &Scope,
        wanted: &[(&str, &[String])],
    ) -> BTreeMap<String, (String, Entry)> {
        let adopted = self.adopt(scope, wanted);
        for (id, (from, _)) in adopted.iter().filter(|(id, (from, _))| *id != from) {
            let key = (scope.clone(), id.clone());
            self.taken_over.insert(key, from.clone());
        }
        adopted
    }

    /// What each id had: its own entry, else that of an old name which nothing else is called by.
    fn adopt(
        &self,
        scope: &Scope,
        wanted: &[(&str, &[String])],
    ) -> BTreeMap<String, (String, Entry)> {
        let Some(old) = self.old.scopes.get(scope) else {
            return BTreeMap::new();
        };
        let live: BTreeSet<&str> = wanted.iter().map(|(id, _)| *id).collect();
        let mut out: BTreeMap<String, (String, Entry)> = BTreeMap::new();
        let mut used: BTreeSet<&str> = BTreeSet::new();
        for id in &live {
            let lost = self.dropped.get(&(scope.clone(), (*id).to_owned()));
            let entry = old.entries.get(*id).cloned().or_else(|| {
                // It gave way to a line that stands for nothing here: it may have its own again.
                lost.filter(|(_, holder)| !live.contains(holder.as_str()))
                    .map(|(entry, _)| entry.clone())
            });
            if let Some(entry) = entry {
                out.insert((*id).to_owned(), ((*id).to_owned(), entry));
            }
        }
        let mut later: Vec<&(&str, &[String])> = wanted
            .iter()
            .filter(|(id, _)| !out.contains_key(*id))
            .collect();
        later.sort();
        for (id, formerly) in later {
            let found = formerly.iter().find_map(|name| {
                let entry = old.entries.get(name)?;
                (!live.contains(name.as_str()) && used.insert(name)).then(|| (name, entry.clone()))
            });
            if let Some((name, entry)) = found {
                out.insert((*id).to_owned(), (name.clone(), entry));
            }
        }
        out
    }

    /// The serial to count on from.
    fn start(&mut self, scope: &Scope) -> u32 {
        self.visited.insert(scope.clone());
        let old = self.old.scopes.get(scope).map_or(0, |s| s.serial);
        let into = self.new.scopes.entry(scope.clone()).or_default();
        into.serial = into.serial.max(old);
        into.serial
    }

    fn remember(
        &mut self,
        scope: &Scope,
        numbers: &BTreeMap<String, u32>,
        adopted: &BTreeMap<String, (String, Entry)>,
    ) {
        let mut serial = self.start(scope);
        for (id, number) in numbers {
            let known = adopted.get(id).map(|(_, e)| e.serial);
            let place = known.unwrap_or_else(|| {
                serial = serial.saturating_add(1);
                serial
            });
            let entry = Entry {
                number: Some(*number),
                serial: place,
                ..Entry::default()
            };
            self.new.insert(scope, id, entry);
        }
    }

    /// Groups of the old lock that Azure keeps though nothing wants them any more.
    fn left_behind(
        &self,
        scope: &Scope,
        numbers: &BTreeMap<String, u32>,
        adopted: &BTreeMap<String, (String, Entry)>,
    ) -> Vec<(String, Entry)> {
        // Another id for the same name in Azure.
        let same: BTreeSet<&String> = adopted.values().map(|(from, _)| from).collect();
        let vanished = self.old.scopes.get(scope).into_iter();
        vanished
            .flat_map(|s| &s.entries)
            .filter(|(id, _)| !numbers.contains_key(*id) && !same.contains(id))
            .filter(|(id, _)| leaves_a_group(scope, id))
            .map(|(id, entry)| (id.clone(), entry.clone()))
            .collect()
    }

    fn retire(&mut self, scope: &Scope, gone: Vec<(String, Entry)>, exported: bool) {
        for (id, entry) in gone {
            let entry = Entry {
                retired: true,
                exported,
                name: None,
                ..entry
            };
            self.new.insert(scope, &id, entry);
        }
    }

    /// The numbers that an id has in the same part of other environments, those of a resource of
    /// the same name first.
    fn elsewhere(&self, scope: &Scope, id: &str) -> Vec<u32> {
        let mut found: Vec<(bool, &Scope, u32)> = Vec::new();
        for (other, entries) in self.old.scopes.iter().chain(&self.new.scopes) {
            if other.part != scope.part || other.environment == scope.environment {
                continue;
            }
            if let Some(number) = entries.entries.get(id).and_then(|e| e.number) {
                found.push((other.name != scope.name, other, number));
            }
        }
        found.sort();
        found.into_iter().map(|(_, _, number)| number).collect()
    }

    /// Ends an environment: groups of policies that are gone stay, as retired.
    pub fn close(&mut self, environment: &str) {
        let left: Vec<Scope> = self
            .old
            .scopes
            .keys()
            .filter(|s| s.environment == environment && !self.visited.contains(*s))
            .cloned()
            .collect();
        for scope in left {
            let gone: Vec<(String, Entry)> = self.old.scopes.get(&scope).map_or(vec![], |s| {
                s.entries
                    .iter()
                    .filter(|(id, _)| leaves_a_group(&scope, id))
                    .filter(|(_, entry)| !entry.exported)
                    .map(|(id, entry)| (id.clone(), entry.clone()))
                    .collect()
            });
            self.start(&scope);
            self.retire(&scope, gone, false);
        }
    }

    /// Keeps what the old lock has of an environment that was not compiled.
    pub fn keep(&mut self, environment: &str) {
        for (scope, entries) in &self.old.scopes {
            if scope.environment == environment {
                self.visited.insert(scope.clone());
                self.new.scopes.insert(scope.clone(), entries.clone());
            }
        }
    }

    /// The environments of the old lock.
    #[must_use]
    pub fn environments(&self) -> BTreeSet<String> {
        let scopes = self.old.scopes.keys();
        scopes.map(|s| s.environment.clone()).collect()
    }

    /// Drops what the old lock had as retired already.
    pub fn prune(&mut self) {
        let old = &self.old;
        for (scope, entries) in &mut self.new.scopes {
            let was = |id: &String| {
                let scope = old.scopes.get(scope);
                scope
                    .and_then(|s| s.entries.get(id))
                    .is_some_and(|e| e.retired)
            };
            let goes = |e: &Entry| e.retired && !e.exported;
            entries.entries.retain(|id, e| !(goes(e) && was(id)));
        }
    }

    /// The lock as it was.
    #[must_use]
    pub fn old(&self) -> &Lock {
        &self.old
    }

    /// The lock as it is now.
    #[must_use]
    pub fn lock(&self) -> &Lock {
        &self.new
    }

    /// Whether an id took over what this old id had.
    #[must_use]
    pub fn took_over(&self, scope: &Scope, id: &str, old: &str) -> bool {
        let key = (scope.clone(), id.to_owned());
        self.taken_over.get(&key).is_some_and(|from| from == old)
    }
}

/// Whether an id of the old lock that nothing wants is a group of ours, which Azure keeps. A line
/// that a merge put into the wrong scope has no name of a group; a number that was read from Azure
/// may be another's.
fn leaves_a_group(scope: &Scope, id: &str) -> bool {
    scope.part == Part::Groups && names::validate(id).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::moved;

    #[test]
    fn renames_are_written_as_short_as_the_source_would() {
        let short = |a: &str, b: &str| {
            let (from, to) = moved(a, b);
            format!("{from} -> {to}")
        };
        assert_eq!(short("w::g::a", "w::g::b"), "w::g::a -> w::g::b");
        assert_eq!(short("w::g::a", "w::h::a"), "w::g -> w::h");
        assert_eq!(short("main::a", "main::b"), "a -> b");
        assert_eq!(short("main::a", "g::a"), "a -> g::a");
        assert_eq!(short("one::main::a", "two::main::a"), "one -> two");
        assert_eq!(short("x::one::g::a", "x::two::g::a"), "x::one -> x::two");
        assert_eq!(short("one::main::a", "one::g::a"), "one::a -> one::g::a");
        assert_eq!(short("one::g::a", "two::main::b"), "one::g::a -> two::b");
    }
}
