//! What must hold between two locks and two outputs with an edit in between. It draws nothing.

use std::collections::{BTreeMap, BTreeSet};

use portcullis::allocate::lock::{self, Entry, Lock, Part, Scope};
use portcullis::diag::{Code, Diagnostic, Severity};
use portcullis::driver::Output;

use super::draw::{Edit, Source};
use super::read;

/// The flow path of an id of a scope.
pub(crate) fn flow(scope: &Scope, id: &str) -> String {
    let skipped = if scope.part == Part::Rules { 2 } else { 0 };
    id.split('/').nth(skipped).unwrap().to_owned()
}

/// The id that an old one is after an edit.
fn after(scope: &Scope, id: &str, edit: &Edit) -> String {
    if matches!(scope.part, Part::Groups | Part::Runs) {
        return id.to_owned();
    }
    let path = flow(scope, id);
    match edit.renamed.get(&path) {
        Some(new) => id.replacen(&path, new, 1),
        None => id.to_owned(),
    }
}

/// All of them, from what one source had to what another has.
pub(crate) fn assert_laws(before: (&Source, &Lock), now: (&Source, &Output), told: &[Diagnostic]) {
    let edit = Edit::between(before.0, now.0);
    let new = read(&now.1.lock);
    assert_distinct(&now.1.lock);
    assert_kept(before.1, &new, &edit, told);
    assert_quarantine(before.1, &new, &edit);
    assert_retired(before.1, now.0, now.1, told);
}

/// One number and one place for each; a retired group shares its number with nobody. It looks at the
/// lines, since reading them as a lock would settle what contradicts itself.
fn assert_distinct(text: &str) {
    let (mut ids, mut numbers, mut serials) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for line in lock::parse(text).unwrap().lines {
        let (scope, id, entry) = (line.scope.to_string(), line.id, line.entry);
        assert!(
            ids.insert((scope.clone(), id.clone())),
            "{scope}: `{id}` stands there twice"
        );
        let number = entry.number.map(|n| (scope.clone(), n));
        let free = number.is_none_or(|n| numbers.insert(n));
        assert!(free, "{scope}: `{id}` shares its number");
        let alone = entry.retired || serials.insert((scope.clone(), entry.serial));
        assert!(alone, "{scope}: `{id}` shares its place");
    }
}

/// What is told of a number that had to move.
fn is_told(told: &[Diagnostic], scope: &Scope, id: &str) -> bool {
    told.iter().any(|d| {
        d.code == Code::PC7003
            && d.message.contains(&format!("`{scope}`"))
            && d.note
                .as_ref()
                .is_some_and(|n| format!("{n:?}").contains(&format!("`{id}`")))
    })
}

/// No neighbour is renumbered: what is in both has the number and the place that it had. Only a
/// member of an ordered group may have to move, and that is told.
fn assert_kept(old: &Lock, new: &Lock, edit: &Edit, told: &[Diagnostic]) {
    for (scope, entries) in &new.scopes {
        for (id, was) in old.scopes.get(scope).into_iter().flat_map(|s| &s.entries) {
            let id = after(scope, id, edit);
            let Some(now) = entries.entries.get(&id) else {
                continue;
            };
            assert_eq!(
                now.serial, was.serial,
                "{scope}: `{id}` has another place {:?}",
                edit.renamed
            );
            if now.number == was.number || edit.free.contains(&flow(scope, &id)) {
                continue;
            }
            let ordered = scope.part == Part::Runs || edit.ordered.contains(&flow(scope, &id));
            assert!(ordered, "{scope}: `{id}` was renumbered: {was:?} {now:?}");
            assert!(is_told(told, scope, &id), "{scope}: `{id}` moved silently");
        }
    }
}

/// Nothing is told to have moved that did not, from the lock that was compiled with.
pub(crate) fn assert_truth(lock: &Lock, output: &Output, told: &[Diagnostic]) {
    let new = read(&output.lock);
    let warned = |d: &&Diagnostic| d.code == Code::PC7003 && d.severity > Severity::Note;
    for warning in told.iter().filter(warned) {
        let mut moved = new.scopes.iter().filter(|(scope, entries)| {
            let old = lock.scopes.get(scope);
            let was = |id: &String| old.and_then(|o| o.entries.get(id)).and_then(|e| e.number);
            let differs = |(id, e): (&String, &Entry)| was(id).is_some_and(|n| Some(n) != e.number);
            warning.message.contains(&format!("`{scope}`")) && entries.entries.iter().any(differs)
        });
        assert!(moved.next().is_some(), "{warning:#?}");
    }
}

/// No number that this change freed, by a removal or by a move, is given to another.
fn assert_quarantine(old: &Lock, new: &Lock, edit: &Edit) {
    for (scope, entries) in &new.scopes {
        let Some(before) = old.scopes.get(scope) else {
            continue;
        };
        // A renamed group of a classic firewall takes its number along: nothing of the old one stays.
        if scope.part == Part::Groups && scope.name == "azfw" {
            continue;
        }
        let mut had: BTreeMap<String, u32> = BTreeMap::new();
        let mut freed: BTreeMap<u32, &String> = BTreeMap::new();
        for (id, was) in &before.entries {
            let now = entries.entries.get(&after(scope, id, edit));
            if let Some(number) = was.number {
                had.insert(after(scope, id, edit), number);
                if now.is_none_or(|n| n.number != was.number) {
                    freed.insert(number, id);
                }
            }
        }
        for (id, now) in &entries.entries {
            let Some(number) = now.number.filter(|n| had.get(id) != Some(n)) else {
                continue;
            };
            let pinned = edit.pinned.contains(&flow(scope, id));
            let from = freed.get(&number).filter(|_| !pinned);
            assert!(
                from.is_none(),
                "{scope}: `{id}` got {number}, which {from:?} had"
            );
        }
    }
}

/// Every group that the old lock had is in the new output, or retired and told and in the manifest.
fn assert_retired(old: &Lock, source: &Source, output: &Output, told: &[Diagnostic]) {
    let new = read(&output.lock);
    for (scope, entries) in old.scopes.iter().filter(|(s, _)| s.part == Part::Groups) {
        let there = source.environments().contains(scope.environment.as_str());
        let classic = there && source.is_classic() && scope.name == "azfw";
        for (id, was) in &entries.entries {
            let now = new.scopes.get(scope).and_then(|s| s.entries.get(id));
            let retired = now.is_some_and(|n| n.retired);
            let whole = format!("`{id}` of policy `{}` ({})", scope.name, scope.environment);
            let said = told
                .iter()
                .any(|d| d.code == Code::PC7007 && d.message.contains(&whole));
            assert_eq!(said, retired, "{scope} {id}");
            if classic {
                assert!(!retired, "{scope} {id}: a classic firewall keeps nothing");
                continue;
            }
            let now = now.unwrap_or_else(|| panic!("{scope}: `{id}` is forgotten"));
            let file = format!(
                "{}/firewall/{}/rcg/{id}.json",
                scope.environment, scope.name
            );
            let made = output.files.iter().any(|f| f.path == file);
            assert_eq!(retired, !made, "{scope} {id}");
            assert_eq!(now.number, was.number, "{scope} {id}");
            let manifest = format!("{}/manifest.json", scope.environment);
            if let Some(manifest) = output.files.iter().find(|f| f.path == manifest) {
                let value: serde_json::Value = serde_json::from_str(&manifest.text).unwrap();
                let list = value["retired"].as_array().cloned().unwrap_or_default();
                let listed = list
                    .iter()
                    .any(|r| r["name"] == id.as_str() && r["policy"] == scope.name.as_str());
                assert_eq!(listed, retired, "{scope} {id}");
            }
        }
    }
}

/// Calls with each collection of a firewall: its file, its name, its content.
pub(crate) fn each_collection(
    output: &Output,
    mut put: impl FnMut(&str, &str, &serde_json::Value),
) {
    let firewalls = output.files.iter();
    for file in firewalls.filter(|f| f.path.contains("/firewall/")) {
        let value: serde_json::Value = serde_json::from_str(&file.text).unwrap();
        let inside = &value["properties"];
        for array in [
            "ruleCollections",
            "networkRuleCollections",
            "applicationRuleCollections",
        ] {
            for collection in inside[array].as_array().into_iter().flatten() {
                let content = collection.get("properties").unwrap_or(collection);
                put(&file.path, collection["name"].as_str().unwrap(), content);
            }
        }
    }
}

/// Names of rules, by file and collection.
fn arrays(output: &Output) -> BTreeMap<(String, String), Vec<String>> {
    let mut out = BTreeMap::new();
    each_collection(output, |file, name, content| {
        let names = content["rules"].as_array().into_iter().flatten();
        let names = names.map(|r| r["name"].as_str().unwrap().to_owned());
        out.insert((file.to_owned(), name.to_owned()), names.collect());
    });
    out
}

/// Rules that were there keep their order, and new ones stand behind them.
pub(crate) fn assert_append_only(old: (&Source, &Output), new: (&Source, &Output)) {
    let edit = Edit::between(old.0, new.0);
    // Labels are unique, so the end of a name says which flow it is of.
    let label = |path: &str| path.rsplit("::").next().unwrap().to_owned();
    let renamed: BTreeMap<String, String> = edit
        .renamed
        .iter()
        .map(|(from, to)| (label(from), label(to)))
        .collect();
    let last = |name: &String| name.rsplit('-').next().unwrap().to_owned();
    let now = arrays(new.1);
    for (key, before) in arrays(old.1) {
        let Some(after) = now.get(&key) else { continue };
        let after: Vec<String> = after.iter().map(last).collect();
        let kept: Vec<String> = before
            .iter()
            .map(last)
            .filter_map(|label| renamed.get(&label).cloned())
            .filter(|label| after.contains(label))
            .collect();
        assert_eq!(after[..kept.len()], kept[..], "{key:?}");
    }
}

/// The entry of an id, for a look at one that must not change.
pub(crate) fn live(lock: &Lock) -> BTreeMap<(Scope, String), Entry> {
    let mut out = BTreeMap::new();
    for (scope, entries) in &lock.scopes {
        for (id, entry) in entries.entries.iter().filter(|(_, e)| !e.retired) {
            out.insert((scope.clone(), id.clone()), entry.clone());
        }
    }
    out
}
