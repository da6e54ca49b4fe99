//! The lock in a run: read before, numbered by, compared with, told about. How numbers are chosen
//! is the allocator's work.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::Folder;
use crate::allocate::lock::{self, Clash, Entry, Lock, Parsed, Part, Scope};
use crate::allocate::numbers::{Numbers, Rename, moved};
use crate::config::Settings;
use crate::diag::{Code, Diagnostic, Severity, Sink};
use crate::model::Policy;
use crate::source::{FileId, SourceMap, Span};
use crate::wrap::OutFile;
use crate::wrap::manifest::Retired;
use crate::wrap::seed::{self, Row};

/// What a lock that is out of date means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locked {
    /// It is brought up to date.
    #[default]
    Update,
    /// It is told, for a command that writes nothing.
    Tell,
    /// It is refused.
    Refuse,
}

/// What a run remembers of earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The text of the lock file; `None` if there is none.
    pub lock: Option<String>,
    /// The JSON files of the existing output: for numbers where there is no lock, for renamed
    /// labels, and for what somebody edited.
    pub output: Vec<OutFile>,
    /// How the output folder is treated; `None` if nothing is to be written there.
    pub folder: Option<Folder>,
    /// Sources are a part of a project: its numbers are not theirs.
    pub lone: bool,
    /// What a lock that is out of date means.
    pub locked: Locked,
    /// Groups that were retired before are gone from Azure.
    pub prune: bool,
}

/// The memory of a run, at work.
pub(super) struct Ledger<'a> {
    memory: &'a Memory,
    settings: &'a Settings,
    file: Option<FileId>,
    parsed: Parsed,
    /// Numbers came from the existing output.
    pub(super) seeded: bool,
    pub(super) numbers: RefCell<Numbers>,
}

impl<'a> Ledger<'a> {
    /// Reads the lock, or takes the numbers of the existing output in its place.
    pub(super) fn open(
        memory: &'a Memory,
        settings: &'a Settings,
        sources: &mut SourceMap,
        sink: &mut Sink,
    ) -> Self {
        let mut file = None;
        let mut parsed = Parsed::default();
        let mut seeded = false;
        if let Some(text) = &memory.lock {
            let id = sources.add(settings.lock.clone(), text.clone());
            file = Some(id);
            match lock::parse(text) {
                Ok(read) => parsed = read,
                Err(damage) => {
                    for one in damage {
                        sink.push(bad_lock(id, &settings.lock, &one));
                    }
                }
            }
        } else if !memory.lone {
            let old = seed::lock_of_output(&memory.output);
            seeded = !old.scopes.is_empty();
            // Our own text has no damage.
            parsed = lock::parse(&old.text()).unwrap_or_default();
        }
        Self {
            memory,
            settings,
            file,
            numbers: RefCell::new(Numbers::new(&parsed)),
            parsed,
            seeded,
        }
    }

    /// Begins an environment.
    pub(super) fn begin(&self, policy: &Policy) {
        let renames = policy.moved.iter().map(|(from, to)| Rename {
            from: from.clone(),
            to: to.clone(),
        });
        self.numbers.borrow_mut().set_renames(renames.collect());
    }

    /// Ends an environment: its groups that are still in Azure though not in the source.
    pub(super) fn end(&self, environment: &str) -> Vec<Retired> {
        let mut numbers = self.numbers.borrow_mut();
        numbers.close(environment);
        if self.memory.prune {
            numbers.prune();
        }
        retired(numbers.lock())
            .filter(|(scope, _, _)| scope.environment == environment)
            .map(|(scope, id, entry)| Retired {
                policy: scope.name.clone(),
                name: id.clone(),
                priority: entry.number.unwrap_or_default(),
            })
            .collect()
    }

    /// Ends the run: the text of the new lock. `made` is the output of the compiled environments.
    pub(super) fn finish(
        &self,
        policies: &[Policy],
        partial: bool,
        made: &[OutFile],
        sink: &mut Sink,
    ) -> String {
        let compiled: BTreeSet<&str> = policies.iter().map(|p| p.environment.as_str()).collect();
        let mut numbers = self.numbers.borrow_mut();
        for environment in numbers.environments() {
            if compiled.contains(environment.as_str()) {
                continue;
            }
            if partial {
                numbers.keep(&environment);
            } else {
                numbers.close(&environment);
            }
        }
        if self.memory.prune {
            numbers.prune();
        }
        let text = numbers.lock().text();
        // After another fault the numbers are those of a part: what differs is its consequence.
        let sound = !sink.has_errors();
        let held_twice = self.clashes(&numbers, sink);
        if !sound {
            return text;
        }
        if !held_twice {
            self.compare(&text, sink);
        }
        for (scope, id, _) in retired(numbers.lock()) {
            if !partial || compiled.contains(scope.environment.as_str()) {
                let group = resource_group(self.settings, policies, scope);
                sink.push(left(scope, id, &group));
            }
        }
        self.vanished(&numbers, policies, made, sink);
        text
    }

    /// Contradictions among lines that stand for something.
    fn clashes(&self, numbers: &Numbers, sink: &mut Sink) -> bool {
        let Some(file) = self.file else {
            return false;
        };
        let new = numbers.lock();
        let live = |line: &lock::Line| {
            let scope = new.scopes.get(&line.scope);
            scope.is_some_and(|s| s.entries.contains_key(&line.id))
        };
        let mut any = false;
        for clash in self.parsed.settle(None).1 {
            if live(&clash.kept) && live(&clash.dropped) {
                sink.push(held_twice(file, &clash));
                any = true;
            }
        }
        any
    }

    fn compare(&self, text: &str, sink: &mut Sink) {
        // A checkout may have turned the line ends.
        let old = self.memory.lock.as_ref().map(|t| t.replace("\r\n", "\n"));
        if self.memory.locked == Locked::Update || old.as_deref() == Some(text) {
            return;
        }
        let refuse = self.memory.locked == Locked::Refuse;
        if self.file.is_none() && !refuse {
            return;
        }
        let d = out_of_date(
            &self.settings.lock,
            self.file,
            self.memory.lock.as_deref(),
            text,
        );
        sink.push(if refuse {
            d
        } else {
            d.severity(Severity::Warning)
        });
    }

    /// Labels that vanished while others with the same traffic appeared.
    fn vanished(&self, numbers: &Numbers, policies: &[Policy], made: &[OutFile], sink: &mut Sink) {
        // Reading every rule of two outputs costs more than the compilation.
        let changed = numbers.lock().scopes.iter().any(|(scope, entries)| {
            let was = numbers.old().scopes.get(scope);
            let lost = |a: &BTreeMap<String, Entry>, b: &BTreeMap<String, Entry>| {
                a.keys().any(|id| !b.contains_key(id))
            };
            has_rules(scope)
                && was.is_some_and(|w| {
                    lost(&w.entries, &entries.entries) && lost(&entries.entries, &w.entries)
                })
        });
        if self.memory.lone || self.memory.output.is_empty() || !changed {
            return;
        }
        let (old_rows, new_rows) = (
            seed::rows_of_output(&self.memory.output),
            seed::rows_of_output(made),
        );
        let old = bodies(numbers.old(), &old_rows);
        let new = bodies(numbers.lock(), &new_rows);
        let mut told: BTreeSet<(String, String)> = BTreeSet::new();
        for (scope, entries) in &numbers.lock().scopes {
            let was = numbers.old().scopes.get(scope);
            let Some(was) = was.filter(|_| has_rules(scope)) else {
                continue;
            };
            let gone = was
                .entries
                .keys()
                .filter(|id| !entries.entries.contains_key(*id));
            let mut by_body: BTreeMap<&str, &String> = BTreeMap::new();
            for id in gone {
                if let Some(body) = old.get(&(scope, id)) {
                    by_body.entry(*body).or_insert(id);
                }
            }
            let fresh = entries
                .entries
                .keys()
                .filter(|id| !was.entries.contains_key(*id));
            for id in fresh {
                let before = new.get(&(scope, id)).and_then(|body| by_body.remove(*body));
                let Some(before) = before.filter(|b| !numbers.took_over(scope, id, b)) else {
                    continue;
                };
                let (from, to) = moved(path_of(scope, before), path_of(scope, id));
                if let Some(at) = flow_span(policies, scope, path_of(scope, id))
                    && from != to
                    && !from.starts_with('=')
                    && told.insert((from.clone(), to.clone()))
                {
                    sink.push(disappeared(at, &from, &to));
                }
            }
        }
    }
}

fn span(file: FileId, place: (usize, usize)) -> Span {
    let offset = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Span::new(file, offset(place.0), offset(place.1))
}

/// Whether the entries of a scope are rules.
fn has_rules(scope: &Scope) -> bool {
    !matches!(scope.part, Part::Groups | Part::Runs)
}

/// Entries that are retired and in force in Azure.
fn retired(lock: &Lock) -> impl Iterator<Item = (&Scope, &String, &Entry)> {
    lock.scopes.iter().flat_map(|(scope, entries)| {
        let in_force = |e: &Entry| e.retired && !e.exported;
        let retired = entries.entries.iter().filter(move |(_, e)| in_force(e));
        retired.map(move |(id, entry)| (scope, id, entry))
    })
}

/// The bodies of rules by scope and id: security rules by number, rules of collections by place.
fn bodies<'l>(lock: &'l Lock, rows: &'l [Row]) -> BTreeMap<(&'l Scope, &'l String), &'l str> {
    let mut by_number: BTreeMap<(&Scope, u32), &str> = BTreeMap::new();
    let mut by_place: BTreeMap<(&Scope, String), Vec<&str>> = BTreeMap::new();
    for row in rows {
        match row.number {
            Some(number) => {
                by_number.insert((&row.scope, number), &row.body);
            }
            None => by_place
                .entry((&row.scope, collection(&row.name)))
                .or_default()
                .push(&row.body),
        }
    }
    let mut out = BTreeMap::new();
    for (scope, entries) in &lock.scopes {
        let mut members: BTreeMap<String, Vec<(u32, &String)>> = BTreeMap::new();
        for (id, entry) in &entries.entries {
            match entry.number {
                Some(number) => {
                    out.extend(by_number.get(&(scope, number)).map(|b| ((scope, id), *b)));
                }
                None => members
                    .entry(collection(id))
                    .or_default()
                    .push((entry.serial, id)),
            }
        }
        for (name, mut ids) in members {
            ids.sort();
            let found = by_place.get(&(scope, name));
            // If the counts differ, the output is not of this lock.
            if let Some(list) = found.filter(|list| list.len() == ids.len()) {
                out.extend(ids.iter().zip(list).map(|((_, id), b)| ((scope, *id), *b)));
            }
        }
    }
    out
}

/// `group/kind` of `group/kind/rule`.
fn collection(id: &str) -> String {
    id.splitn(3, '/').take(2).collect::<Vec<_>>().join("/")
}

/// The flow's path in an id.
fn path_of<'i>(scope: &Scope, id: &'i str) -> &'i str {
    let skipped = if scope.part == Part::Rules { 2 } else { 0 };
    id.split('/').nth(skipped).unwrap_or(id)
}

fn flow_span(policies: &[Policy], scope: &Scope, path: &str) -> Option<Span> {
    let policy = policies
        .iter()
        .find(|p| p.environment == scope.environment)?;
    let flow = policy.flows.iter().find(|f| f.id.text() == path)?;
    Some(flow.spans.whole)
}

fn resource_group(settings: &Settings, policies: &[Policy], scope: &Scope) -> String {
    let policy = policies.iter().find(|p| p.environment == scope.environment);
    let declared = policy.into_iter().flat_map(|p| p.firewalls.values());
    declared
        .filter(|f| f.identity.name == scope.name)
        .find_map(|f| f.identity.resource_group.clone())
        .or_else(|| settings.deploy_for(&scope.environment).resource_group)
        .unwrap_or_else(|| "RESOURCE-GROUP".to_owned())
}

/// PC7008: a lock file that cannot be read.
#[must_use]
pub fn bad_lock(file: FileId, name: &str, damage: &lock::Damage) -> Diagnostic {
    Diagnostic::new(
        Code::PC7008,
        span(file, damage.place),
        format!("lock file `{name}` cannot be read: {}", damage.reason),
    )
    .label("here")
    .help(if damage.merge {
        "keep the lines of both sides with `portcullis lock --fix`; `portcullis.lock merge=union` in .gitattributes does so at the next merge"
    } else {
        "take the file from version control again; it is written by portcullis and not edited"
    })
    .note("without its lock a policy would get other numbers than those deployed, so nothing is written")
}

fn held_twice(file: FileId, clash: &Clash) -> Diagnostic {
    let (kept, dropped) = (&clash.kept, &clash.dropped);
    let number = |line: &lock::Line| line.entry.number.unwrap_or_default();
    let message = if kept.id == dropped.id {
        format!(
            "`{}` holds two priorities, {} and {}, in `{}`",
            kept.id,
            number(kept),
            number(dropped),
            kept.scope
        )
    } else {
        format!(
            "two rules hold priority {} in `{}`",
            number(kept),
            kept.scope
        )
    };
    // The later line first: it is the one that a merge added.
    let (first, second) = if kept.place <= dropped.place {
        (kept, dropped)
    } else {
        (dropped, kept)
    };
    Diagnostic::new(Code::PC7002, span(file, second.place), message)
        .label("second")
        .also(span(file, first.place), "first")
        .help("run `portcullis lock --fix`: what the common ancestor had keeps its number")
        .note("two branches chose one number; a merge by union of lines keeps both")
}

fn out_of_date(name: &str, file: Option<FileId>, old: Option<&str>, new: &str) -> Diagnostic {
    let lines = |text: &str| -> BTreeSet<String> {
        let entries = text.lines().filter(|l| !l.starts_with('#'));
        entries.map(|l| l.trim().to_owned()).collect()
    };
    let (before, after) = (old.map(lines).unwrap_or_default(), lines(new));
    let added = after.difference(&before).count();
    let removed = before.difference(&after).count();
    let line = old
        .and_then(|text| text.lines().next())
        .map_or(0, |l| l.len().min(20));
    Diagnostic::general(
        Code::PC7001,
        file.map(|id| span(id, (0, line))),
        match old {
            Some(_) => format!("lock file `{name}` is out of date"),
            None => format!("there is no lock file `{name}`"),
        },
    )
    .label("not what this source compiles to")
    .help("run `portcullis compile` and commit the lock with the source")
    .note(format!("lines to add: {added}, lines to remove: {removed}"))
}

fn left(scope: &Scope, group: &str, resource_group: &str) -> Diagnostic {
    Diagnostic::general(
        Code::PC7007,
        None,
        format!(
            "rule collection group `{group}` of policy `{}` ({}) is no longer in the source but stays in force in Azure",
            scope.name, scope.environment
        ),
    )
    .help(format!(
        "delete it with `az network firewall policy rule-collection-group delete --resource-group {resource_group} --policy-name {} --name {group}`, then run `portcullis lock --prune`",
        scope.name
    ))
    .note("a deployment does not remove a rule collection group that it does not mention (Azure Resource Manager deployment modes: incremental, checked 2026-11-23)")
}

fn disappeared(at: Span, from: &str, to: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC7005,
        at,
        format!("`{from}` disappeared and `{to}` with the same traffic appeared"),
    )
    .label("new, as far as names say")
    .help(format!("if it was renamed, write `moved {from} -> {to}`"))
    .note(
        "a label is a rule's identity: under a new one it gets a new number, and the old rule goes",
    )
}
