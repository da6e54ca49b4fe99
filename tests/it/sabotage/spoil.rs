//! Tools that change resources as a fault of the compiler would: rules found by name, fields by path.
//! What is changed is said elsewhere.

use portcullis::backends::Lowered;
use portcullis::backends::resource::Resource;
use portcullis::backends::tree::Tree;

/// A resource by its Azure name, or by name and type: `apps@routeTables`. Without a type it is the first.
pub(super) fn resource<'l>(lowered: &'l mut Lowered, name: &str) -> &'l mut Resource {
    let place = place(lowered, name);
    &mut lowered.resources[place]
}

fn place(lowered: &Lowered, name: &str) -> usize {
    let (name, kind) = name.split_once('@').unwrap_or((name, ""));
    lowered
        .resources
        .iter()
        .position(|r| r.id.name() == name && r.id.text().contains(kind))
        .unwrap_or_else(|| panic!("no resource {name}"))
}

/// Takes a whole resource away.
pub(super) fn lose(lowered: &mut Lowered, name: &str) {
    let place = place(lowered, name);
    lowered.resources.remove(place);
}

/// A rule, route or collection by its name.
pub(super) fn named<'l>(lowered: &'l mut Lowered, of: &str, name: &str) -> &'l mut Tree {
    find(&mut resource(lowered, of).properties, name).unwrap_or_else(|| panic!("no {of}/{name}"))
}

fn find<'t>(tree: &'t mut Tree, name: &str) -> Option<&'t mut Tree> {
    if is_named(tree, name) {
        return Some(tree);
    }
    match tree {
        Tree::List(items) => items.iter_mut().find_map(|item| find(item, name)),
        Tree::Object(members) => members.iter_mut().find_map(|(_, item)| find(item, name)),
        _ => None,
    }
}

/// Whether an object has this name.
pub(super) fn is_named(tree: &Tree, name: &str) -> bool {
    matches!(tree.get("name"), Some(Tree::Str(own)) if own == name)
}

/// The place of a field: `properties/access`.
pub(super) fn at<'t>(tree: &'t mut Tree, path: &str) -> Option<&'t mut Tree> {
    path.split('/').try_fold(tree, |tree, key| match tree {
        Tree::Object(members) => members
            .iter_mut()
            .find_map(|(name, value)| (name == key).then_some(value)),
        Tree::List(items) => items.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Writes a field that is there.
pub(super) fn set(lowered: &mut Lowered, of: &str, rule: &str, path: &str, value: Tree) {
    let tree = named(lowered, of, rule);
    *at(tree, path).unwrap_or_else(|| panic!("no {path} in {of}/{rule}")) = value;
}

/// Writes a field of a resource itself.
pub(super) fn set_top(lowered: &mut Lowered, of: &str, field: &str, value: Tree) {
    let tree = &mut resource(lowered, of).properties;
    *at(tree, field).unwrap_or_else(|| panic!("no {field} in {of}")) = value;
}

/// Takes a field of a resource itself away.
pub(super) fn lose_field(lowered: &mut Lowered, of: &str, field: &str) {
    let Tree::Object(members) = &mut resource(lowered, of).properties else {
        panic!("{of} is no object");
    };
    members.retain(|(name, _)| name != field);
}

/// Takes a field away and puts another in its place.
pub(super) fn swap_field(
    lowered: &mut Lowered,
    (of, rule): (&str, &str),
    inside: &str,
    old: &str,
    new: &str,
    value: Tree,
) {
    let mut tree = named(lowered, of, rule);
    if !inside.is_empty() {
        tree = at(tree, inside).unwrap();
    }
    let Tree::Object(members) = tree else {
        panic!("{of}/{rule} is no object");
    };
    let place = members.iter_mut().find(|(name, _)| name == old);
    *place.unwrap_or_else(|| panic!("no {old} in {of}/{rule}")) = (new.to_owned().into(), value);
}

/// Takes a rule, route or collection out of its list.
pub(super) fn remove(lowered: &mut Lowered, of: &str, name: &str) -> Tree {
    take(&mut resource(lowered, of).properties, name).unwrap_or_else(|| panic!("no {of}/{name}"))
}

fn take(tree: &mut Tree, name: &str) -> Option<Tree> {
    match tree {
        Tree::List(items) => {
            if let Some(place) = items.iter().position(|item| is_named(item, name)) {
                return Some(items.remove(place));
            }
            items.iter_mut().find_map(|item| take(item, name))
        }
        Tree::Object(members) => members.iter_mut().find_map(|(_, item)| take(item, name)),
        _ => None,
    }
}

/// Exchanges one field of two rules of a resource.
pub(super) fn exchange(lowered: &mut Lowered, of: &str, (a, b): (&str, &str), path: &str) {
    let first = at(named(lowered, of, a), path).unwrap().clone();
    let second = at(named(lowered, of, b), path).unwrap().clone();
    assert_ne!(first, second);
    set(lowered, of, a, path, second);
    set(lowered, of, b, path, first);
}

/// Exchanges source and destination of a security rule.
pub(super) fn exchange_ends(lowered: &mut Lowered, of: &str, rule: &str) {
    let Some(Tree::Object(members)) = at(named(lowered, of, rule), "properties") else {
        panic!("{of}/{rule} has no properties");
    };
    for (name, _) in members {
        let (from, to) = ("sourceAddress", "destinationAddress");
        if let Some(rest) = name.strip_prefix(from) {
            *name = format!("{to}{rest}").into();
        } else if let Some(rest) = name.strip_prefix(to) {
            *name = format!("{from}{rest}").into();
        }
    }
}

/// Puts a copy of a rule of another name behind it.
pub(super) fn copy_rule(lowered: &mut Lowered, of: &str, rule: &str, name: &str) {
    let mut copy = named(lowered, of, rule).clone();
    *at(&mut copy, "name").unwrap() = text(name);
    assert!(insert(&mut resource(lowered, of).properties, rule, copy));
}

fn insert(tree: &mut Tree, behind: &str, rule: Tree) -> bool {
    match tree {
        Tree::List(items) => match items.iter().position(|item| is_named(item, behind)) {
            Some(place) => {
                items.insert(place + 1, rule);
                true
            }
            None => items
                .iter_mut()
                .any(|item| insert(item, behind, rule.clone())),
        },
        Tree::Object(members) => members
            .iter_mut()
            .any(|(_, item)| insert(item, behind, rule.clone())),
        _ => false,
    }
}

/// A text.
pub(super) fn text(text: &str) -> Tree {
    Tree::str(text)
}

/// A list of texts.
pub(super) fn texts(list: &[&str]) -> Tree {
    Tree::List(list.iter().map(|t| Tree::str(*t)).collect())
}
