//! The resources in files: what a file is, and what of one name belongs together. It does not know what
//! a resource does.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::catalog::Cloud;
use crate::diag::Diagnostic;
use crate::source::{FileId, SourceMap, Span};

use super::evaluate::Unknown;
use super::faults::{span, unreadable};
use super::join::join;
use super::json::{self, Step};
use super::kind::Kind;
use super::{member, template};

/// One resource.
#[derive(Clone, Debug)]
pub struct Definition {
    /// What it is.
    pub kind: Kind,
    /// Its name; of a child with its parent's: `policy/group`.
    pub name: String,
    /// Its id, if the file has a complete one.
    pub id: Option<String>,
    /// Its JSON, as the rooms read it.
    pub value: Value,
    /// What in it is not known, by path below the resource.
    pub open: Vec<(String, Unknown)>,
    /// The condition of its deployment, if that is not known.
    pub condition: Option<Unknown>,
    /// The file.
    pub file: FileId,
    /// Its place there.
    pub place: Vec<Step>,
}

impl Definition {
    /// That it is deployed, if that hangs on a condition that is not known.
    pub(super) fn taken(&self) -> Option<String> {
        let open = self.condition.as_ref()?;
        Some(format!(
            "{} `{}` is deployed, of which the condition `{}` is not known",
            self.kind.word(),
            self.name,
            open.expression
        ))
    }

    /// That it is a part of something else, if it is one and its owner is an expression that is not known.
    pub(super) fn of_nobody(&self) -> Option<String> {
        let part = matches!(
            self.kind,
            Kind::SecurityRule | Kind::Route | Kind::Group | Kind::Subnet | Kind::Peering
        );
        let owner = self.name.split_once('/').map_or("", |(owner, _)| owner);
        (part && owner.starts_with('[')).then(|| {
            format!(
                "{} `{}` belongs to something else: `{owner}` is not known",
                self.kind.word(),
                self.name
            )
        })
    }
}

/// All that is in some files.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    /// The files.
    pub sources: SourceMap,
    /// The resources, each once.
    pub resources: Vec<Definition>,
    /// Deployments of which the templates are not here.
    pub absent: Vec<String>,
    /// What was passed over, and why; a line each.
    pub ignored: Vec<String>,
    /// What is wrong.
    pub faults: Vec<Diagnostic>,
}

impl Definitions {
    /// The resources of a kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = (usize, &Definition)> {
        let all = self.resources.iter().enumerate();
        all.filter(move |(_, d)| d.kind == kind)
    }

    /// What is taken for granted of all of them: that what hangs on a condition that is not known is
    /// deployed, that deployments whose templates are not here change nothing of them, and that parts
    /// whose owner is not known belong to others.
    #[must_use]
    pub fn taken(&self) -> Vec<String> {
        let conditional = self.resources.iter().filter_map(Definition::taken);
        let strange = self.resources.iter().filter_map(Definition::of_nobody);
        conditional.chain(strange).chain(self.absent()).collect()
    }

    /// That deployments whose templates are not here change nothing.
    pub(super) fn absent(&self) -> impl Iterator<Item = String> {
        let one = |name: &String| {
            format!("deployment `{name}` changes nothing here: its template is not at hand")
        };
        self.absent.iter().map(one)
    }

    /// The JSON of the resources of a kind.
    pub(super) fn values(&self, kind: Kind) -> Vec<&Value> {
        self.of(kind).map(|(_, d)| &d.value).collect()
    }

    /// The place of a resource, or of a part of it.
    pub(super) fn span(&self, of: &Definition, path: &str) -> Option<Span> {
        let mut steps = of.place.clone();
        steps.extend(json::steps(path));
        span(&self.sources, of.file, &steps)
    }

    /// The diagnostic of something that a room could not read.
    pub(super) fn fault(&self, why: &crate::backends::meaning::Unreadable) -> Diagnostic {
        // The name of a resource begins every path.
        let rest = |d: &Definition| {
            let name = member(&d.value, "name")?.as_str()?;
            let rest = why.path.strip_prefix(name)?;
            (rest.is_empty() || rest.starts_with('.')).then(|| (name.len(), rest.to_owned()))
        };
        let found = self.resources.iter().filter_map(|d| Some((rest(d)?, d)));
        let place = found
            .max_by_key(|((length, _), _)| *length)
            .and_then(|((_, rest), d)| self.span(d, &rest));
        unreadable(place, why.to_string())
    }
}

/// A file by name: its text, or why that could not be read.
pub type File = (String, Result<String, String>);

/// The resources in some files. `cloud` says what names in templates are made of.
#[must_use]
pub fn read(files: Vec<File>, cloud: Cloud) -> Definitions {
    let mut out = Definitions::default();
    let mut values: Vec<(FileId, String, Value)> = Vec::new();
    let mut parameters: BTreeMap<String, (Map<String, Value>, bool)> = BTreeMap::new();
    for (name, text) in files {
        let text = match text {
            Ok(text) => text,
            Err(why) => {
                let file = out.sources.add(name.clone(), String::new());
                let at = Some(Span::new(file, 0, 0));
                let fault = unreadable(at, format!("`{name}`: {why}"));
                out.faults.push(fault.label("nothing of it was read"));
                continue;
            }
        };
        let file = out.sources.add(name.clone(), text);
        let text = out.sources.get(file).map_or("", |f| f.text.as_str());
        match json::parse(text) {
            Err(fault) => {
                let at = u32::try_from(fault.at).unwrap_or(0);
                let end = u32::try_from(text.len()).unwrap_or(at).min(at + 1);
                let fault = unreadable(
                    Some(Span::new(file, at.min(end), end)),
                    format!("`{name}` is no JSON: {}", fault.reason),
                )
                .label("not JSON from here on");
                out.faults.push(fault);
            }
            Ok(value) => {
                if let Some(given) = template::parameters(&value) {
                    parameters.insert(stem(&name).to_owned(), (given, false));
                } else {
                    values.push((file, name, value));
                }
            }
        }
    }
    for (file, name, value) in &values {
        let given = parameters.get_mut(stem(name)).map(|(given, used)| {
            *used = true;
            &*given
        });
        let mut reader = Reader {
            cloud,
            out: &mut out,
            file: *file,
            name,
        };
        reader.any(value, given, Vec::new());
    }
    let unused = parameters.iter().filter(|(_, (_, used))| !used);
    let unused: Vec<String> = unused
        .map(|(stem, _)| format!("{stem}: parameters of no template that is here"))
        .collect();
    out.ignored.extend(unused);
    join(&mut out);
    out
}

/// A file's name without its endings: what a template and its parameters have in common.
fn stem(name: &str) -> &str {
    let mut out = name;
    for end in [".jsonc", ".json", ".parameters", ".parameter", ".params"] {
        out = out.strip_suffix(end).unwrap_or(out);
    }
    out
}

/// Reads one file.
pub(super) struct Reader<'o> {
    pub(super) cloud: Cloud,
    pub(super) out: &'o mut Definitions,
    pub(super) file: FileId,
    pub(super) name: &'o str,
}

impl Reader<'_> {
    fn any(&mut self, value: &Value, given: Option<&Map<String, Value>>, place: Vec<Step>) {
        let inner = |name: &str| {
            let mut place = place.clone();
            place.push(Step::Member(name.to_owned()));
            place
        };
        if let Value::Array(items) = value {
            if items.is_empty() {
                self.pass("it holds nothing");
            }
            for (at, item) in items.iter().enumerate() {
                let mut place = place.clone();
                place.push(Step::Item(at));
                self.any(item, given, place);
            }
        } else if template::is_template(value) {
            template::read(self, value, given, &place);
        } else if let Some(list @ Value::Array(_)) = member(value, "value") {
            self.any(list, given, inner("value"));
        } else if let Some(Value::Object(answers)) = member(value, "responses") {
            // An example of a REST interface.
            let place = inner("responses");
            let good = answers.iter().find(|(code, _)| code.starts_with('2'));
            match good.and_then(|(code, answer)| Some((code, member(answer, "body")?))) {
                Some((code, body)) => {
                    let more = [code.as_str(), "body"].map(|s| Step::Member(s.to_owned()));
                    self.any(body, given, place.into_iter().chain(more).collect());
                }
                None => self.pass("its responses hold no resource"),
            }
        } else if is_manifest(value) {
            self.pass("the manifest of an output folder");
        } else {
            self.resource(value, place);
        }
    }

    /// Says that something is not looked at.
    pub(super) fn pass(&mut self, why: &str) {
        self.out.ignored.push(format!("{}: {why}", self.name));
    }

    /// A resource as it is deployed: by REST or by the command line.
    fn resource(&mut self, value: &Value, place: Vec<Step>) {
        let text = |name: &str| member(value, name).and_then(Value::as_str);
        let id = text("id").filter(|id| id.contains('/'));
        let kind = text("type")
            .and_then(Kind::of_type)
            .or_else(|| id.and_then(Kind::of_id));
        let said = text("type").is_some_and(|t| t.contains('/'));
        let Some(kind) = kind.or_else(|| Kind::of_shape(value).filter(|_| !said)) else {
            let what = match text("type") {
                Some(other) => format!("a resource of type `{other}`"),
                None => "no security group, route table, firewall, IP group or network".to_owned(),
            };
            self.pass(&what);
            return;
        };
        let by_file = stem(self.name).rsplit('/').next();
        let own = text("name").or_else(|| id.and_then(|id| id.rsplit('/').next()));
        // A body of a PUT says its name in the address.
        let own = own.or(by_file).unwrap_or_default();
        let name = full_name(kind, own, id).or_else(|| self.by_folder(kind, own));
        let mut value = value.clone();
        if let Some(members) = value.as_object_mut() {
            members.retain(|key, _| !key.eq_ignore_ascii_case("name"));
            let name = name.clone().unwrap_or_else(|| own.to_owned());
            members.insert("name".to_owned(), Value::String(name));
        }
        self.out.resources.push(Definition {
            kind,
            name: name.unwrap_or_else(|| own.to_owned()),
            id: id
                .filter(|id| id.to_lowercase().contains("/subscriptions/"))
                .map(str::to_owned),
            value,
            open: Vec::new(),
            condition: None,
            file: self.file,
            place,
        });
    }

    /// In an output folder `firewall/POLICY/rcg/GROUP.json`, the folder says of which policy a group is.
    fn by_folder(&self, kind: Kind, own: &str) -> Option<String> {
        let mut parts = self.name.rsplit('/').skip(1);
        let (rcg, policy) = (parts.next()?, parts.next()?);
        (kind == Kind::Group && rcg == "rcg").then(|| format!("{policy}/{own}"))
    }
}

fn is_manifest(value: &Value) -> bool {
    ["tool", "environment", "files"]
        .iter()
        .all(|name| member(value, name).is_some())
}

/// `parent/child` for a child, by its id if its name is its own alone; `None` if nobody says whose it
/// is.
fn full_name(kind: Kind, own: &str, id: Option<&str>) -> Option<String> {
    let segment = match kind {
        Kind::SecurityRule => "networksecuritygroups",
        Kind::Route => "routetables",
        Kind::Group => "firewallpolicies",
        Kind::Subnet | Kind::Peering => "virtualnetworks",
        _ => return Some(own.to_owned()),
    };
    if own.contains('/') {
        return Some(own.to_owned());
    }
    let mut parts = id?.split('/');
    parts.find(|part| part.eq_ignore_ascii_case(segment))?;
    Some(format!("{}/{own}", parts.next()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::*;

    fn names(texts: &[(&str, Value)]) -> (Vec<(Kind, String)>, Definitions) {
        let files = texts
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Ok(value.to_string())));
        let read = read(files.collect(), Cloud::Public);
        let names = read.resources.iter().map(|d| (d.kind, d.name.clone()));
        (names.collect(), read)
    }

    #[test]
    fn shapes_are_known_without_their_type() {
        let id = "/subscriptions/0/resourceGroups/r/providers/Microsoft.Network/firewallPolicies/pol/ruleCollectionGroups/g";
        let (names, read) = names(&[
            (
                "a.json",
                json!({"value": [{"name": "n", "securityRules": []}, {"name": "i", "properties": {"ipAddresses": []}}]}),
            ),
            (
                "b.json",
                json!({"id": id, "name": "g", "priority": 100, "ruleCollections": []}),
            ),
            (
                "c.json",
                json!({"responses": {"200": {"body": {"name": "r", "properties": {"routes": []}}}}}),
            ),
            (
                "d.json",
                json!({"name": "vm", "type": "Microsoft.Compute/virtualMachines"}),
            ),
            ("e.json", json!({"hello": 1})),
        ]);
        let expected = [
            (Kind::SecurityGroup, "n"),
            (Kind::IpGroup, "i"),
            (Kind::Group, "pol/g"),
            (Kind::RouteTable, "r"),
        ];
        assert_eq!(names, expected.map(|(kind, name)| (kind, name.to_owned())));
        assert_eq!(read.ignored.len(), 2, "{:?}", read.ignored);
        assert!(read.faults.is_empty());
    }

    #[test]
    fn what_is_there_twice_is_one_or_a_fault() {
        let nsg = |port: &str| {
            json!({"name": "n", "properties": {"securityRules": [
            {"name": "r", "properties": {"destinationPortRange": port}}]}})
        };
        let flat = json!({"name": "N", "id": "/subscriptions/0/x/n", "securityRules": [
            {"name": "r", "destinationPortRange": 80, "etag": "W"}], "defaultSecurityRules": [1]});
        let (found, read) = names(&[("a.json", nsg("80")), ("b.json", flat)]);
        assert_eq!(found.len(), 1);
        assert!(read.faults.is_empty(), "{:?}", read.faults);
        assert!(read.resources[0].id.is_some());
        let (_, read) = names(&[("a.json", nsg("80")), ("b.json", nsg("81"))]);
        assert!(read.faults[0].message.contains("not the same"));
    }

    #[test]
    fn children_find_their_parents() {
        let group = json!({"name": "g", "properties": {"priority": 100, "ruleCollections": []}});
        let policy = |name: &str| json!({"name": name, "type": "Microsoft.Network/firewallPolicies", "properties": {}});
        let (found, _) = names(&[("a.json", group.clone()), ("b.json", policy("pol"))]);
        assert_eq!(found[0].1, "pol/g");
        let two = [
            ("a.json", group.clone()),
            ("b.json", policy("p")),
            ("c.json", policy("q")),
        ];
        assert!(names(&two).1.faults[0].message.contains("whose it is"));
        let (found, _) = names(&[
            ("out/firewall/p/rcg/g.json", group.clone()),
            two[1].clone(),
            two[2].clone(),
        ]);
        assert_eq!(found[0].1, "p/g");
        let rule = json!({"name": "n/r", "type": "Microsoft.Network/networkSecurityGroups/securityRules", "properties": {}});
        let (found, read) = names(&[("a.json", rule)]);
        assert_eq!(found[1], (Kind::SecurityGroup, "n".to_owned()));
        assert!(read.ignored[0].contains("itself is not here"));
    }
}
