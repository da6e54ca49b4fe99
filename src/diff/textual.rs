//! The textual difference: which resources and rules of two sides of one environment differ, and how. It
//! compares what is written, not what it does; that is the semantic difference.
//!
//! A rule is known by the flow behind it, never by its place in a list; a rule that no source is known of
//! by its name. The order of lists, Azure's singular and plural fields and case where Azure has none are
//! no difference.

mod effect;
mod fields;
mod identity;
mod renumbered;
mod shape;
mod side;
mod touched;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

pub use effect::Effect;
pub use fields::FieldChange;
pub use side::{Behind, Item, Side};
pub use touched::{Blast, Touched};

use identity::{Paired, Renames};
use shape::{Rule, Thing, things};

/// Types of resources, in the order in which they are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An IP group.
    #[default]
    IpGroup,
    /// A firewall policy.
    FirewallPolicy,
    /// A firewall with rules of its own.
    ClassicFirewall,
    /// A rule collection group.
    RuleCollectionGroup,
    /// A network security group.
    Nsg,
    /// A route table.
    RouteTable,
    /// A subnet, of which only what is attached to it is known.
    Subnet,
}

impl Kind {
    /// Every type, in order.
    pub const ALL: [Self; 7] = [
        Self::IpGroup,
        Self::FirewallPolicy,
        Self::ClassicFirewall,
        Self::RuleCollectionGroup,
        Self::Nsg,
        Self::RouteTable,
        Self::Subnet,
    ];

    /// In words, one of them.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::IpGroup => "IP group",
            Self::FirewallPolicy => "firewall policy",
            Self::ClassicFirewall => "classic firewall",
            Self::RuleCollectionGroup => "rule collection group",
            Self::Nsg => "NSG",
            Self::RouteTable => "route table",
            Self::Subnet => "subnet",
        }
    }

    /// In words, several.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::IpGroup => "IP groups",
            Self::FirewallPolicy => "firewall policies",
            Self::ClassicFirewall => "classic firewalls",
            Self::RuleCollectionGroup => "rule collection groups",
            Self::Nsg => "NSGs",
            Self::RouteTable => "route tables",
            Self::Subnet => "subnets",
        }
    }
}

/// Where something stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Place {
    /// The resource's type.
    pub kind: Kind,
    /// Its parent: of a rule collection group the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The resource's own name.
    pub name: String,
    /// Of a rule collection group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// `inbound`, `outbound`; of a rule of a security group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// The rule collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// Its priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection_priority: Option<i64>,
    /// Its action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// `NetworkRule`, `ApplicationRule`, `NatRule`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_type: Option<String>,
}

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was not there.
    Added,
    /// It is there no more.
    Removed,
    /// It says something else, or stands in another collection or group.
    Changed,
    /// It has another name and says the same.
    Renamed,
    /// It has another number, and else is the same.
    Renumbered,
}

/// Why a number changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The tier changed, or the bands did: the old number is outside the rule's band.
    Tier,
    /// The source asks for the number.
    Pin,
    /// The old number is reserved, or another has it now.
    Clash,
    /// It made room for others in an ordered group.
    Window,
    /// Its place in an ordered group changed.
    Order,
    /// Its group was renamed: under another name it is another group, with a number of its own.
    Group,
    /// It is written under another name, because it says another tag, side or family: to the lock that is
    /// another rule.
    Name,
    /// Nothing that is known explains it: another lock, or none.
    Unknown,
}

impl Reason {
    /// The reason as a clause.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Tier => "its tier or the bands changed",
            Self::Pin => "it is pinned",
            Self::Clash => "the old number is reserved, or another has it",
            Self::Window => "it made room in the ordered group",
            Self::Order => "its place in the ordered group changed",
            Self::Group => "a renamed group is another group",
            Self::Name => "under another name it is another rule",
            Self::Unknown => "another lock, or none",
        }
    }
}

/// A flow that one side writes as more or fewer rules than the other, in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Parts {
    /// Rules before.
    pub before: usize,
    /// Rules after.
    pub after: usize,
    /// All of them together list the same members as before. Whether that is the same traffic the
    /// semantic difference knows.
    pub same_members: bool,
}

/// One difference: of a rule, of a collection, or of a resource as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Entry {
    /// What became of it.
    #[serde(rename = "kind")]
    pub change: Change,
    /// The flow behind it, if that is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// The flows behind it, if these are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flows: Vec<String>,
    /// Where it stands; where it stood if it is gone.
    pub resource: Place,
    /// The rule's or route's name; `None` if this is about the resource or the collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The old name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// Where it stood, if that was another resource or collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was_in: Option<Place>,
    /// Its number: of a rule of a security group, of a rule collection group, of a collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// Its old number, if that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was_priority: Option<i64>,
    /// Why the number changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What it says else; of what came or went all that it says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// The flow is written as more or fewer rules than before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<Parts>,
    /// The name of a rule of the other side that says the same under another label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub like: Option<String>,
    /// What to write if it was renamed: `moved a -> b`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// How many rules of each change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// Added.
    pub added: usize,
    /// Removed.
    pub removed: usize,
    /// Changed.
    pub changed: usize,
    /// Renamed.
    pub renamed: usize,
    /// Renumbered.
    pub renumbered: usize,
}

impl Counts {
    fn count(&mut self, change: Change) {
        match change {
            Change::Added => self.added += 1,
            Change::Removed => self.removed += 1,
            Change::Changed => self.changed += 1,
            Change::Renamed => self.renamed += 1,
            Change::Renumbered => self.renumbered += 1,
        }
    }

    /// All together.
    #[must_use]
    pub const fn all(self) -> usize {
        self.added + self.removed + self.changed + self.renamed + self.renumbered
    }
}

/// The textual difference of one environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Textual {
    /// The environment.
    pub environment: String,
    /// The differences: by resource, the resource itself first, then by place and name.
    pub entries: Vec<Entry>,
    /// Rules and routes by what became of them.
    pub rules: Counts,
    /// Every resource that differs, in the order of its entries.
    pub resources: Vec<Touched>,
    /// How many resources of each type differ.
    pub blast_radius: Vec<Blast>,
    /// What could not be compared, or was left out, and why; sorted.
    pub aside: Vec<String>,
}

impl Textual {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.entries.is_empty()
    }

    /// What to write if labels were renamed, each once, in order.
    #[must_use]
    pub fn suggestions(&self) -> Vec<&str> {
        let mut out: Vec<&str> = Vec::new();
        for text in self.entries.iter().filter_map(|e| e.suggestion.as_deref()) {
            if !out.contains(&text) {
                out.push(text);
            }
        }
        out
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Priorities are compared. Without a lock on one side they are whatever was free.
    pub numbers: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { numbers: true }
    }
}

/// Whether a path is another one, or below it.
fn is_below(path: &str, front: &str) -> bool {
    let (path, front) = (path.to_lowercase(), front.to_lowercase());
    let rest = path.strip_prefix(&front);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Compares two sides of one environment.
#[must_use]
pub fn compare(environment: &str, old: &Side, new: &Side, options: Options) -> Textual {
    compare_without(environment, old, new, options, &[])
}

/// The same but for fields that are not to count, by their path in any case; a path stands for all below
/// it.
#[must_use]
pub fn compare_without(
    environment: &str,
    old: &Side,
    new: &Side,
    options: Options,
    ignored: &[String],
) -> Textual {
    let mut run = Run {
        old_side: old,
        new_side: new,
        options,
        ignored,
        out: Textual {
            environment: environment.to_owned(),
            ..Textual::default()
        },
    };
    let alike = shape::alike(old, new);
    let (mut before, mut after) = (things(old, &alike), things(new, &alike));
    run.lay_aside(&mut before, &mut after);
    let renames = Renames::new(old, new);
    let resources = identity::resources((&before, &after), old, &renames);
    let rules = identity::rules(&resources, &renames);
    for (old, new) in &resources {
        run.resource(*old, *new);
    }
    run.rules(&rules);
    run.associations();
    run.finish(&before, &after)
}

struct Run<'a> {
    old_side: &'a Side,
    new_side: &'a Side,
    options: Options,
    ignored: &'a [String],
    out: Textual,
}

type Things<'s> = BTreeMap<(Kind, String), Thing<'s>>;

impl Run<'_> {
    /// Takes out what one side cannot know of.
    fn lay_aside(&mut self, before: &mut Things<'_>, after: &mut Things<'_>) {
        for side in [self.old_side, self.new_side] {
            for text in &side.unknown {
                self.aside(format!("not known, compared as it is written: {text}"));
            }
        }
        if self.old_side.exported {
            self.lay_aside_of_export(before, after);
        }
        if self.new_side.exported {
            self.lay_aside_of_export(after, before);
        }
        self.lay_aside_of_others(before, after);
        self.lay_aside_of_others(after, before);
    }

    /// Where only the rules of a resource are ours, its other rules and itself are somebody else's.
    fn lay_aside_of_others(&mut self, here: &Things<'_>, there: &mut Things<'_>) {
        for (key, ours) in here.iter().filter(|(_, t)| t.parts || t.fragment) {
            let Some(theirs) = there.get_mut(key).filter(|t| !t.parts && !t.fragment) else {
                continue;
            };
            theirs.settings = ours.settings.clone();
            theirs.about = ours.about.clone();
            let beside =
                |r: &Rule<'_>, o: &Rule<'_>| match (&o.place.collection, &r.place.collection) {
                    (Some(own), Some(other)) => own.eq_ignore_ascii_case(other),
                    _ => o.name.eq_ignore_ascii_case(r.name),
                };
            let all = theirs.rules.len();
            theirs
                .rules
                .retain(|r| !r.flows.is_empty() || ours.rules.iter().any(|o| beside(r, o)));
            let left = all - theirs.rules.len();
            let rules = &theirs.rules;
            theirs.collections.retain(|name, place| {
                let used = rules.iter().any(|r| r.place.collection == place.collection);
                used || ours.collections.contains_key(name)
            });
            if left > 0 {
                let (kind, name) = (key.0.word(), theirs.name());
                self.aside(format!(
                    "{kind} `{name}`: {left} rules of others are there too; they stay as they are"
                ));
            }
        }
    }

    /// What an export holds beside ours, and what it lacks.
    fn lay_aside_of_export(&mut self, export: &mut Things<'_>, ours: &mut Things<'_>) {
        let retired = |thing: &Thing<'_>| {
            let all = self.old_side.retired.iter().chain(&self.new_side.retired);
            let name = thing.name();
            all.clone()
                .any(|r| format!("{}/{}", r.policy, r.name).eq_ignore_ascii_case(&name))
        };
        let mut aside = Vec::new();
        let strangers: Vec<(Kind, String)> = export
            .iter()
            .filter(|(key, thing)| !ours.contains_key(*key) && !retired(thing))
            .map(|(key, _)| key.clone())
            .collect();
        for key in strangers {
            if let Some(thing) = export.remove(&key) {
                aside.push(format!(
                    "{} `{}` is not of this policy; it stays as it is",
                    key.0.word(),
                    thing.name()
                ));
            }
        }
        for kind in Kind::ALL {
            let asked = ours.keys().filter(|(k, _)| *k == kind).count();
            let there = export.keys().any(|(k, _)| *k == kind);
            if asked > 0 && !there {
                aside.push(format!(
                    "no {} of this policy was exported: {asked} not compared",
                    kind.word()
                ));
                ours.retain(|(k, _), _| *k != kind);
            }
        }
        for (key, thing) in export.iter_mut() {
            let Some(own) = ours.get_mut(key) else {
                continue;
            };
            let (kept, more) = thing.settings.stated_by(&own.settings);
            thing.settings = kept;
            if !more.is_empty() {
                aside.push(format!(
                    "{} `{}` says more than this policy: {}",
                    key.0.word(),
                    thing.name(),
                    more.join(", ")
                ));
            }
            thing.about = thing.about.stated_by(&own.about).0;
            if thing.about.is_empty() {
                own.about = thing.about.clone();
            }
        }
        for text in aside {
            self.aside(text);
        }
    }

    /// Without the fields that do not count.
    fn counted(&self, fields: &mut Vec<FieldChange>) {
        fields.retain(|f| !self.ignored.iter().any(|path| is_below(&f.path, path)));
    }

    fn aside(&mut self, text: String) {
        self.out.aside.push(text);
    }

    /// A resource as a whole.
    fn resource(&mut self, old: Option<&Thing<'_>>, new: Option<&Thing<'_>>) {
        let Some(shown) = new.or(old) else { return };
        let mut entry = blank(Change::Changed, shown.place());
        entry.priority = shown.priority;
        let nothing = fields::Fields::default();
        let before = old.map_or(&nothing, |t| &t.settings);
        entry.fields = before.changes(new.map_or(&nothing, |t| &t.settings));
        match (old, new) {
            (None, _) => entry.change = Change::Added,
            (_, None) => entry.change = Change::Removed,
            (Some(old), Some(new)) => {
                let mut about = old.about.changes(&new.about);
                // A template may take it from where it is deployed; nothing changes the region of what is
                // there.
                about.retain(|f| f.path != "location" || (f.old.is_some() && f.new.is_some()));
                entry.fields.extend(about);
                entry.fields.extend(identity::another_id(old, new));
                self.counted(&mut entry.fields);
                let renamed = !old.name().eq_ignore_ascii_case(&new.name());
                entry.was = renamed.then(|| old.names.last().cloned()).flatten();
                if self.options.numbers && old.priority != new.priority {
                    entry.was_priority = old.priority;
                    entry.reason = renumbered::group(old, new, self.old_side, self.new_side);
                }
                entry.change = kind_of(&entry);
                if !differs(&entry) {
                    self.collections(old, new);
                    return;
                }
                self.out.entries.push(entry);
                self.collections(old, new);
                return;
            }
        }
        self.out.entries.push(entry);
    }

    /// Collections that are on both sides, by name, and those without a rule.
    fn collections(&mut self, old: &Thing<'_>, new: &Thing<'_>) {
        for (name, place) in &new.collections {
            let Some(before) = old.collections.get(name) else {
                if !new
                    .rules
                    .iter()
                    .any(|r| r.place.collection == place.collection)
                {
                    self.out
                        .entries
                        .push(blank(Change::Added, (**place).clone()));
                }
                continue;
            };
            let mut entry = blank(Change::Changed, (**place).clone());
            entry.priority = place.collection_priority;
            if self.options.numbers && before.collection_priority != place.collection_priority {
                entry.was_priority = before.collection_priority;
                entry.reason = Some(Reason::Unknown);
            }
            let action = |p: &Place| p.action.clone().map(|a| a.to_lowercase());
            if action(before) != action(place) {
                entry.fields.push(FieldChange {
                    path: "action".to_owned(),
                    old: before.action.clone(),
                    new: place.action.clone(),
                    ..FieldChange::default()
                });
            }
            entry.change = kind_of(&entry);
            if differs(&entry) {
                self.out.entries.push(entry);
            }
        }
        for (name, place) in &old.collections {
            let empty = !old
                .rules
                .iter()
                .any(|r| r.place.collection == place.collection);
            if empty && !new.collections.contains_key(name) {
                self.out
                    .entries
                    .push(blank(Change::Removed, (**place).clone()));
            }
        }
    }

    fn rules(&mut self, all: &[Paired<'_>]) {
        let in_use = renumbered::in_use(all);
        for pair in all {
            let Some(mut entry) = self.rule(pair, (all, &in_use)) else {
                continue;
            };
            entry.parts = pair.parts;
            entry.like.clone_from(&pair.like);
            entry.suggestion.clone_from(&pair.suggestion);
            self.out.rules.count(entry.change);
            self.out.entries.push(entry);
        }
    }

    fn rule(
        &self,
        pair: &Paired<'_>,
        all: (&[Paired<'_>], &renumbered::InUse<'_>),
    ) -> Option<Entry> {
        // Most rules are as they were.
        if let (Some(old), Some(new), false) = (pair.old, pair.new, pair.crossed)
            && (&old.name, &old.place, old.priority) == (&new.name, &new.place, new.priority)
            && old.says_as(new)
        {
            return None;
        }
        let shown = pair.new.or(pair.old)?;
        let mut entry = blank(Change::Changed, (*shown.place).clone());
        entry.rule = Some(shown.name.to_owned());
        entry.priority = shown.priority;
        match shown.flows {
            [one] => entry.flow = Some(one.clone()),
            several => entry.flows = several.to_vec(),
        }
        let nothing = fields::Fields::default();
        let before = pair.old.map_or(&nothing, |r| r.fields());
        entry.fields = before.changes(pair.new.map_or(&nothing, |r| r.fields()));
        match (pair.old, pair.new) {
            (None, _) => entry.change = Change::Added,
            (_, None) => entry.change = Change::Removed,
            (Some(old), Some(new)) => {
                self.counted(&mut entry.fields);
                let renamed = !old.name.eq_ignore_ascii_case(new.name);
                entry.was = renamed.then(|| old.name.to_owned());
                let place = |p: &Place| {
                    let collection = p.collection.clone().map(|c| c.to_lowercase());
                    (p.kind, pair.crossed, collection, p.direction.clone())
                };
                let elsewhere = pair.crossed || place(&old.place) != place(&new.place);
                entry.was_in = elsewhere.then(|| (*old.place).clone());
                let action = |p: &Place| p.action.clone().map(|a| a.to_lowercase());
                if elsewhere && action(&old.place) != action(&new.place) {
                    entry.fields.push(FieldChange {
                        path: "action".to_owned(),
                        old: old.place.action.clone(),
                        new: new.place.action.clone(),
                        ..FieldChange::default()
                    });
                }
                if self.options.numbers && old.priority != new.priority {
                    entry.was_priority = old.priority;
                    let sides = (self.old_side, self.new_side);
                    entry.reason = Some(renumbered::rule(old, new, all, sides));
                }
                entry.change = kind_of(&entry);
                if !differs(&entry) {
                    return None;
                }
            }
        }
        Some(entry)
    }

    /// What has to be attached to subnets.
    fn associations(&mut self) {
        let (Some(old), Some(new)) = (&self.old_side.associations, &self.new_side.associations)
        else {
            return;
        };
        let by_subnet = |list: &[crate::wrap::manifest::Association]| {
            let pairs = list.iter().map(|a| (a.subnet.clone(), a.clone()));
            pairs.collect::<BTreeMap<_, _>>()
        };
        let (old, new) = (by_subnet(old), by_subnet(new));
        let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let (before, after) = (old.get(name), new.get(name));
            let place = Place {
                kind: Kind::Subnet,
                name: name.clone(),
                ..Place::default()
            };
            let mut entry = blank(Change::Changed, place);
            let one =
                |path: &str, of: &dyn Fn(&crate::wrap::manifest::Association) -> Option<String>| {
                    let (old, new) = (before.and_then(of), after.and_then(of));
                    (old != new).then(|| FieldChange {
                        path: path.to_owned(),
                        old,
                        new,
                        ..FieldChange::default()
                    })
                };
            entry.fields.extend(one("networkSecurityGroup", &|a| {
                a.network_security_group.clone()
            }));
            entry
                .fields
                .extend(one("routeTable", &|a| a.route_table.clone()));
            match (before, after) {
                (None, _) => entry.change = Change::Added,
                (_, None) => entry.change = Change::Removed,
                _ if entry.fields.is_empty() => continue,
                _ => {}
            }
            self.out.entries.push(entry);
        }
    }

    fn finish(mut self, before: &Things<'_>, after: &Things<'_>) -> Textual {
        let key = |e: &Entry| {
            let p = e.resource.clone();
            let whole = (p.kind, p.parent, p.name.to_lowercase());
            let part = (p.direction, p.collection_priority, p.collection);
            (whole, e.rule.is_some(), part, e.rule.clone(), e.change)
        };
        self.out.entries.sort_by_cached_key(key);
        self.out.resources = touched::touched(&self.out.entries, before, after, self.old_side);
        let retired = &self.new_side.retired;
        self.out.blast_radius = touched::blast(&self.out.resources, before, after, retired);
        self.out.aside.sort();
        self.out.aside.dedup();
        self.out
    }
}

fn blank(change: Change, resource: Place) -> Entry {
    Entry {
        change,
        flow: None,
        flows: Vec::new(),
        resource,
        rule: None,
        was: None,
        was_in: None,
        priority: None,
        was_priority: None,
        reason: None,
        fields: Vec::new(),
        parts: None,
        like: None,
        suggestion: None,
    }
}

/// The most telling of what differs.
fn kind_of(entry: &Entry) -> Change {
    if !entry.fields.is_empty() || entry.was_in.is_some() {
        Change::Changed
    } else if entry.was.is_some() {
        Change::Renamed
    } else if entry.was_priority.is_some() {
        Change::Renumbered
    } else {
        Change::Changed
    }
}

fn differs(entry: &Entry) -> bool {
    !entry.fields.is_empty()
        || entry.was_in.is_some()
        || entry.was.is_some()
        || entry.was_priority.is_some()
}
