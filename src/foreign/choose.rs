//! Which of the resources that are there are asked: those that are named, else the only one of each
//! kind. It reads no rule.

use super::definitions::{Definition, Definitions};
use super::kind::Kind;
use super::member;

/// What somebody names; each a name, or an id where a name is there twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The security group that packets leave through.
    pub nsg_out: Option<String>,
    /// The route table of the source's subnet.
    pub route_table: Option<String>,
    /// The firewall policy, or a firewall without one.
    pub policy: Option<String>,
    /// The security group at the destination.
    pub nsg_in: Option<String>,
}

/// A firewall that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wall {
    /// Its policy's name, or its own if it has none.
    pub name: String,
    /// How a policy is referred to; `None` for a firewall with rules of its own.
    pub policy: Option<String>,
    /// Of a firewall with rules of its own, its place in the list.
    pub classic: Option<usize>,
}

/// The layers that are asked, by their places in [`Definitions::resources`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The security group that packets leave through.
    pub nsg_out: Option<usize>,
    /// The route table.
    pub route_table: Option<usize>,
    /// The firewall.
    pub firewall: Option<Wall>,
    /// The security group at the destination.
    pub nsg_in: Option<usize>,
}

impl Names {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The layers that are asked. Without any name these are the only security group (outbound), the only
/// route table and the only firewall; with one, only those that are named.
///
/// # Errors
/// A name is not there or there twice, or without a name there are several of a kind.
pub fn choose(all: &Definitions, names: &Names) -> Result<Chosen, String> {
    let walls = walls(all);
    if names.is_empty() {
        let mut out = Chosen {
            nsg_out: only(all, Kind::SecurityGroup, "--nsg-out")?,
            route_table: only(all, Kind::RouteTable, "--route-table")?,
            ..Chosen::default()
        };
        out.firewall = match leaves(all).as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            several => {
                let names = several.iter().map(|w| w.name.as_str());
                return Err(choice("firewall policies", "--policy", names));
            }
        };
        if out == Chosen::default() {
            return Err(nothing(all));
        }
        return Ok(out);
    }
    let group = |name: &Option<String>, option| match name {
        None => Ok(None),
        Some(name) => named(all, Kind::SecurityGroup, name, option).map(Some),
    };
    Ok(Chosen {
        nsg_out: group(&names.nsg_out, "--nsg-out")?,
        route_table: match &names.route_table {
            None => None,
            Some(name) => Some(named(all, Kind::RouteTable, name, "--route-table")?),
        },
        firewall: match &names.policy {
            None => None,
            Some(name) => Some(wall(all, &walls, name)?),
        },
        nsg_in: group(&names.nsg_in, "--nsg-in")?,
    })
}

/// Why there is nothing to ask.
#[must_use]
pub fn nothing(all: &Definitions) -> String {
    let mut out =
        "no security group, route table or firewall is in what `--against` names".to_owned();
    if let Some(first) = all.ignored.first() {
        out.push_str(&format!(" (passed over: {first}"));
        if all.ignored.len() > 1 {
            out.push_str(&format!("; and {} more", all.ignored.len() - 1));
        }
        out.push(')');
    }
    out
}

fn only(all: &Definitions, kind: Kind, option: &str) -> Result<Option<usize>, String> {
    let found: Vec<(usize, &Definition)> = all.of(kind).collect();
    match found.as_slice() {
        [] => Ok(None),
        [(at, _)] => Ok(Some(*at)),
        several => {
            let names = several.iter().map(|(_, d)| d.name.as_str());
            Err(choice(&format!("{}s", kind.word()), option, names))
        }
    }
}

fn choice<'n>(what: &str, option: &str, names: impl Iterator<Item = &'n str>) -> String {
    let list: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    format!(
        "there are {} {what}: {}; say with `{option}` which is asked, or name only the layers that are",
        list.len(),
        list.join(", ")
    )
}

fn named(all: &Definitions, kind: Kind, name: &str, option: &str) -> Result<usize, String> {
    let is_it = |d: &Definition| {
        d.name.eq_ignore_ascii_case(name)
            || d.id
                .as_ref()
                .is_some_and(|id| id.eq_ignore_ascii_case(name))
    };
    let found: Vec<(usize, &Definition)> = all.of(kind).filter(|(_, d)| is_it(d)).collect();
    match found.as_slice() {
        [(at, _)] => Ok(*at),
        [] => {
            let names: Vec<&str> = all.of(kind).map(|(_, d)| d.name.as_str()).collect();
            Err(missing(kind.word(), name, option, &names))
        }
        several => {
            let ids = several
                .iter()
                .map(|(_, d)| d.id.as_deref().unwrap_or(&d.name));
            Err(choice(&format!("{}s `{name}`", kind.word()), option, ids))
        }
    }
}

fn missing(what: &str, name: &str, option: &str, names: &[&str]) -> String {
    let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let there = match list.as_slice() {
        [] => format!("no {what} is there"),
        _ => format!("there is {}", list.join(", ")),
    };
    let near = crate::diag::suggest::closest(name, names.iter().copied())
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    format!("`{option}`: there is no {what} `{name}`: {there}{near}")
}

fn wall(all: &Definitions, walls: &[Wall], name: &str) -> Result<Wall, String> {
    // A firewall stands for its policy.
    let mut firewalls = all.of(Kind::Firewall);
    let of = firewalls.find(|(_, d)| d.name.eq_ignore_ascii_case(name));
    let policy = of.and_then(|(_, d)| policy_of(d));
    let last = policy
        .as_deref()
        .map(|id| id.rsplit('/').next().unwrap_or(id));
    let known = walls.iter().any(|w| w.name.eq_ignore_ascii_case(name));
    let name = last.filter(|_| !known).unwrap_or(name);
    let is_it = |w: &&Wall| {
        w.name.eq_ignore_ascii_case(name)
            || w.policy
                .as_ref()
                .is_some_and(|id| id.eq_ignore_ascii_case(name))
    };
    let found: Vec<&Wall> = walls.iter().filter(is_it).collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let names: Vec<&str> = walls.iter().map(|w| w.name.as_str()).collect();
            Err(missing("firewall policy", name, "--policy", &names))
        }
        several => {
            let ids = several
                .iter()
                .map(|w| w.policy.as_deref().unwrap_or(&w.name));
            Err(choice(
                &format!("firewall policies `{name}`"),
                "--policy",
                ids,
            ))
        }
    }
}

/// The policies and the firewalls with rules of their own.
fn walls(all: &Definitions) -> Vec<Wall> {
    let mut out: Vec<Wall> = Vec::new();
    for (_, d) in all.of(Kind::Policy) {
        out.push(Wall {
            name: d.name.clone(),
            policy: Some(d.id.clone().unwrap_or_else(|| d.name.clone())),
            classic: None,
        });
    }
    // Policies of which only groups are here.
    for (_, d) in all.of(Kind::Group) {
        let Some((owner, _)) = d.name.split_once('/') else {
            continue;
        };
        let id = d.id.as_ref().and_then(|id| {
            let at = id.to_lowercase().rfind("/rulecollectiongroups/")?;
            id.get(..at)
        });
        let known = out.iter().any(|w| match (&w.policy, id) {
            (Some(a), Some(b)) if a.contains('/') => a.eq_ignore_ascii_case(b),
            _ => w.name.eq_ignore_ascii_case(owner),
        });
        if !known {
            out.push(Wall {
                name: owner.to_owned(),
                policy: Some(id.unwrap_or(owner).to_owned()),
                classic: None,
            });
        }
    }
    for (at, d) in all.of(Kind::Firewall) {
        if policy_of(d).is_none() {
            out.push(Wall {
                name: d.name.clone(),
                policy: None,
                classic: Some(at),
            });
        }
    }
    out
}

/// The same without policies that are only parents: nobody asks these by themselves unless they are
/// named.
#[must_use]
pub fn leaves(all: &Definitions) -> Vec<Wall> {
    let out = walls(all);
    let parents: Vec<String> = all.of(Kind::Policy).filter_map(|(_, d)| base(d)).collect();
    let last = |text: &str| text.rsplit('/').next().unwrap_or(text).to_lowercase();
    let is_parent = |w: &Wall| {
        w.policy.as_ref().is_some_and(|own| {
            let mut parents = parents.iter();
            parents.any(
                |parent| match (own.contains('/'), parent.contains("/subscriptions/")) {
                    (true, true) => own.eq_ignore_ascii_case(parent),
                    _ => last(own) == last(parent),
                },
            )
        })
    };
    let children: Vec<Wall> = out.iter().filter(|w| !is_parent(w)).cloned().collect();
    // A circle of parents has no child; the reader of policies tells of it.
    if children.is_empty() { out } else { children }
}

/// The id of a policy's parent.
pub(super) fn base(policy: &Definition) -> Option<String> {
    let base = member(body(policy), "basePolicy")?;
    Some(member(base, "id")?.as_str()?.to_owned())
}

/// The id of the policy that a firewall takes its rules from.
pub(super) fn policy_of(firewall: &Definition) -> Option<String> {
    let policy = member(body(firewall), "firewallPolicy")?;
    let id = member(policy, "id").unwrap_or(policy).as_str()?;
    (!id.is_empty()).then(|| id.to_owned())
}

/// `properties`, or the resource itself as the command line prints it.
pub(super) fn body(of: &Definition) -> &serde_json::Value {
    match member(&of.value, "properties") {
        Some(inner) if inner.is_object() => inner,
        _ => &of.value,
    }
}
