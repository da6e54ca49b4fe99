//! Every simple damage to every rule of some resources, one at a time: the rule lost, exchanged with its
//! neighbour, and each of its fields changed a little. Whether that changes the meaning is judged
//! elsewhere.

use std::net::IpAddr;

use ipnet::IpNet;
use portcullis::backends::Lowered;
use portcullis::backends::tree::Tree;

/// One damage.
pub(super) struct Mutant {
    /// What was done, for people.
    pub(super) what: String,
    /// The resource, by index.
    pub(super) resource: usize,
    /// The damaged rule as it was.
    pub(super) rule: Tree,
    /// The list it stands in, and its place there.
    list: String,
    place: usize,
    damage: Damage,
}

enum Damage {
    Lost,
    Changed(Tree),
    /// Its number is that of another, and the other way round.
    Exchanged(usize),
}

impl Mutant {
    /// The resources with the damage.
    pub(super) fn of(&self, sound: &Lowered) -> Lowered {
        let mut out = sound.clone();
        let properties = &mut out.resources[self.resource].properties;
        let Some(Tree::List(items)) = super::spoil::at(properties, &self.list) else {
            panic!("no list {}", self.list);
        };
        match &self.damage {
            Damage::Lost => {
                items.remove(self.place);
            }
            Damage::Changed(rule) => items[self.place] = rule.clone(),
            Damage::Exchanged(other) => {
                let (first, second) = (number(&items[self.place]), number(&items[*other]));
                *priority(&mut items[self.place]).unwrap() = second.unwrap();
                *priority(&mut items[*other]).unwrap() = first.unwrap();
            }
        }
        out
    }
}

/// Members that say nothing of what a rule does.
const SILENT: [&str; 7] = [
    "name",
    "description",
    "ruleType",
    "ruleCollectionType",
    "id",
    "priority",
    "rules",
];

/// All damages, in the order of the resources.
pub(super) fn all(lowered: &Lowered) -> Vec<Mutant> {
    let mut out = Vec::new();
    for (index, resource) in lowered.resources.iter().enumerate() {
        let mut found = Vec::new();
        lists(&resource.properties, &mut Vec::new(), &mut found);
        for path in found {
            let Some(Tree::List(items)) = get(&resource.properties, &path) else {
                continue;
            };
            for (place, rule) in items.iter().enumerate() {
                let name = match rule.get("name") {
                    Some(Tree::Str(name)) => name.clone(),
                    _ => place.to_string(),
                };
                let mut add = |what: &str, damage: Damage| {
                    out.push(Mutant {
                        what: format!("{}/{name}: {what}", resource.id.name()),
                        resource: index,
                        rule: rule.clone(),
                        list: path.join("/"),
                        place,
                        damage,
                    });
                };
                add("lost", Damage::Lost);
                for (what, changed) in changes("", rule) {
                    add(&what, Damage::Changed(changed));
                }
                if let Some(other) = neighbour(items, place) {
                    add("exchanged with its neighbour", Damage::Exchanged(other));
                }
            }
        }
    }
    out
}

/// Paths of the lists whose elements are rules, collections, routes or addresses of a group.
fn lists(tree: &Tree, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    match tree {
        Tree::Object(members) => {
            for (key, value) in members {
                path.push(key.to_string());
                let rules = key == "securityRules"
                    || key == "routes"
                    || key == "rules"
                    || key == "ipAddresses"
                    || key.to_lowercase().ends_with("rulecollections");
                if rules && matches!(value, Tree::List(_)) {
                    found.push(path.clone());
                }
                lists(value, path, found);
                path.pop();
            }
        }
        Tree::List(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                lists(item, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

fn get<'t>(tree: &'t Tree, path: &[String]) -> Option<&'t Tree> {
    path.iter().try_fold(tree, |tree, key| match tree {
        Tree::List(items) => items.get(key.parse::<usize>().ok()?),
        _ => tree.get(key),
    })
}

/// The number of a rule or collection, wherever it stands.
fn priority(rule: &mut Tree) -> Option<&mut Tree> {
    let inside = rule.get("properties").is_some();
    let path = if inside {
        "properties/priority"
    } else {
        "priority"
    };
    super::spoil::at(rule, path)
}

fn number(rule: &Tree) -> Option<Tree> {
    priority(&mut rule.clone()).cloned()
}

/// The next of the same direction.
fn neighbour(items: &[Tree], place: usize) -> Option<usize> {
    number(&items[place])?;
    let direction = |rule: &Tree| rule.get("properties")?.get("direction").cloned();
    let own = direction(&items[place]);
    (place + 1..items.len()).find(|other| direction(&items[*other]) == own)
}

/// Every change of one field of a rule.
fn changes(key: &str, tree: &Tree) -> Vec<(String, Tree)> {
    let mut out = Vec::new();
    match tree {
        Tree::Object(members) => {
            for (place, (key, value)) in members.iter().enumerate() {
                if SILENT.contains(&key.as_ref()) {
                    continue;
                }
                for (what, changed) in changes(key, value) {
                    let mut list = members.clone();
                    list[place].1 = changed;
                    out.push((what, Tree::Object(list)));
                }
            }
        }
        Tree::List(items) => {
            // The first and the last stand for all between.
            let last = items.len().saturating_sub(1);
            let mut places = vec![0, last];
            places.dedup();
            for place in places.into_iter().filter(|p| *p < items.len()) {
                if items.len() > 1 {
                    let mut list = items.clone();
                    list.remove(place);
                    out.push((format!("{key} {place} lost"), Tree::List(list)));
                }
                for (what, changed) in changes(key, &items[place]) {
                    let mut list = items.clone();
                    list[place] = changed;
                    out.push((what, Tree::List(list)));
                }
            }
        }
        Tree::Str(text) => {
            for changed in texts(key, text) {
                out.push((
                    format!("{key} {changed} for {text}"),
                    Tree::Str(changed.clone()),
                ));
            }
        }
        Tree::Int(port) if key == "port" => {
            out.push((format!("port {}", port + 1), Tree::Int(port + 1)));
        }
        Tree::Bool(value) => out.push((format!("{key} turned"), Tree::Bool(!value))),
        _ => {}
    }
    out
}

/// Other texts for a text, by what it is.
fn texts(key: &str, text: &str) -> Vec<String> {
    let lower = key.to_lowercase();
    let one = |text: &str| vec![text.to_owned()];
    match (lower.as_str(), text) {
        ("access" | "type", "Allow") => return one("Deny"),
        ("access" | "type", "Deny") => return one("Allow"),
        ("protocol" | "ipprotocols" | "protocols", _) => {
            return match text.to_lowercase().as_str() {
                "tcp" if lower == "protocol" => vec!["Udp".to_owned(), "*".to_owned()],
                "tcp" => vec!["UDP".to_owned(), "Any".to_owned()],
                "any" | "*" => one("TCP"),
                _ => one("TCP"),
            };
        }
        ("protocoltype", "Https") => return one("Http"),
        ("protocoltype", _) => return one("Https"),
        ("direction", "Inbound") => return one("Outbound"),
        ("direction", _) => return one("Inbound"),
        ("nexthoptype", "Internet") => return one("None"),
        ("nexthoptype", "VirtualAppliance") => return Vec::new(),
        ("nexthoptype", _) => return one("Internet"),
        ("targetfqdns" | "destinationfqdns", _) => {
            let mut out = one("mutant.example");
            match text.strip_prefix('*') {
                Some(rest) => out.push(rest.trim_start_matches('.').to_owned()),
                None if lower == "targetfqdns" => out.push(format!("*.{text}")),
                None => {}
            }
            return out;
        }
        ("fqdntags", _) => return one("AzureBackup"),
        ("webcategories", _) => return one("News"),
        ("translatedport", _) => return one(&(text.parse::<u16>().unwrap() + 1).to_string()),
        _ => {}
    }
    if lower.contains("port") {
        return ports(text);
    }
    if lower.contains("address") || lower.contains("prefix") {
        return addresses(text);
    }
    Vec::new()
}

/// One port more, one less.
fn ports(text: &str) -> Vec<String> {
    if text == "*" {
        return vec!["1-65534".to_owned()];
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last): (u16, u16) = (first.parse().unwrap(), last.parse().unwrap());
    let mut out = vec![format!("{first}-{}", last.saturating_add(1))];
    if first == last {
        out.push(first.saturating_add(1).to_string());
    } else {
        out.push(format!("{first}-{}", last - 1));
    }
    out
}

/// One bit more, one bit less; the next address; another tag.
fn addresses(text: &str) -> Vec<String> {
    if text == "*" {
        return vec!["0.0.0.0/1".to_owned()];
    }
    if let Ok(net) = text.parse::<IpNet>() {
        let mut out = Vec::new();
        let length = net.prefix_len();
        if length < net.max_prefix_len() {
            let narrow = IpNet::new(net.network(), length + 1).unwrap();
            out.push(narrow.to_string());
        }
        if length > 0 {
            let wide = IpNet::new(net.network(), length - 1).unwrap();
            out.push(wide.trunc().to_string());
        }
        return out;
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        let next = match address {
            IpAddr::V4(four) => IpAddr::V4((u32::from(four) ^ 1).into()),
            IpAddr::V6(six) => IpAddr::V6((u128::from(six) ^ 1).into()),
        };
        return vec![next.to_string()];
    }
    if text.contains('-') {
        return Vec::new();
    }
    // A tag with few prefixes that few policies name.
    vec!["AzureTrafficManager".to_owned()]
}
