//! In which order the writes of a difference are made, and how long they take. It compares nothing and
//! writes nothing.
//!
//! The aim, for every packet and after every single write: what both states forbid stays forbidden, and
//! what both allow stays allowed. Azure takes one resource at a time, so a firewall is between two states
//! for minutes. Hence what gains comes first, from the tier that decides first to the last (forbid,
//! exception, deny, ordered, allow); what loses comes after it, the other way round, so that an allow goes
//! before the deny that held it down, and a deny before the exception to it. A security group that a new
//! way past the firewall needs is there before its route, and a firewall rule before the route that leads
//! to it. docs/adr/0014 has the reasons and what cannot be had.

mod children;

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::{Band, Bands};
use crate::wrap::manifest::Retired;

use super::textual::{Change, Counts, Effect, Kind, Place, Textual, Touched};

pub use children::{RuleWrite, Write};

/// Minutes that one update of a rule collection group takes, least and most. Only one group of a policy
/// can be updated at a time.
///
/// Source: MicrosoftDocs/azure-docs issue 64513, which quotes the product's page ("an update can take
/// three to five minutes"), and Azure/bicep issue 1013 for one at a time (both checked 2026-11-23). For
/// other writes Microsoft gives no figure, so they are not counted.
pub const GROUP_MINUTES: (u32, u32) = (3, 5);

/// Groups of writes, in words of what they wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// IP groups: rules refer to them.
    IpGroups,
    /// Firewall policies: groups need their tier and their proxy.
    Policies,
    /// Firewall groups that gain.
    FirewallGains,
    /// Firewall groups that only lose, and groups that go.
    FirewallLosses,
    /// Route tables that only lead more to the firewall: its rules are there, and the security groups
    /// still hold what went past it.
    RoutesToFirewall,
    /// Security groups, and what is attached to subnets.
    SecurityGroups,
    /// All other route tables, and what is attached to subnets.
    Routes,
    /// Resources that nothing refers to any more.
    Deletes,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The resource is not there yet.
    Create,
    /// It is written as a whole.
    Write,
    /// Its rules are written one by one.
    WriteRules,
    /// It is deleted: no deployment of ours does that.
    Delete,
    /// It is attached to a subnet: no file of ours does that.
    Attach,
}

impl Action {
    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Write => "write",
            Self::WriteRules => "write rules of",
            Self::Delete => "delete",
            Self::Attach => "attach to",
        }
    }
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step {
    /// Its place in the order, from 1.
    pub number: usize,
    /// What it waits for.
    pub stage: Stage,
    /// What is done.
    pub action: Action,
    /// The resource.
    pub resource: Place,
    /// Its id, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The tier of a rule collection group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<&'static str>,
    /// Its rules or routes by what becomes of them.
    pub rules: Counts,
    /// What it gains and loses.
    pub effect: Effect,
    /// Minutes, least and most; `None` is not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<(u32, u32)>,
    /// Rules that are resources of their own, in the order of their writes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<RuleWrite>,
    /// What has to be known of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The writes of one environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Order {
    /// The environment.
    pub environment: String,
    /// The writes, one after another.
    pub steps: Vec<Step>,
    /// Minutes that the writes of firewall groups take together, least and most.
    pub minutes: (u32, u32),
    /// How many writes that counts.
    pub counted: usize,
    /// How many writes nobody gives a figure for.
    pub uncounted: usize,
}

/// The order of the writes of a difference. `bands` are those of the new side, `retired` the groups that
/// left the source, now or long ago, and are in force.
#[must_use]
pub fn order(diff: &Textual, bands: &Bands, retired: &[Retired]) -> Order {
    let mut steps: Vec<(Rank, Step)> = Vec::new();
    // While a route leads past the firewall only later, its traffic still needs what the firewall loses.
    let new_bypass = diff
        .resources
        .iter()
        .any(|t| t.bypass.is_some_and(|b| b.gains) && t.change != Change::Removed);
    let is_retired = |t: &Touched| retired.iter().any(|r| names(r, &t.resource));
    for touched in &diff.resources {
        match touched.resource.kind {
            Kind::Subnet => attachments(diff, touched, &mut steps),
            Kind::RuleCollectionGroup if is_retired(touched) => {}
            _ => steps.push(step(diff, touched, bands, new_bypass)),
        }
    }
    for group in retired {
        let place = Place {
            kind: Kind::RuleCollectionGroup,
            parent: Some(group.policy.clone()),
            name: group.name.clone(),
            priority: Some(i64::from(group.priority)),
            ..Place::default()
        };
        let known = diff.resources.iter().find(|t| names(group, &t.resource));
        let touched = Touched {
            id: known.and_then(|t| t.id.clone()),
            rules: known.map(|t| t.rules).unwrap_or_default(),
            ..gone(place)
        };
        steps.push(step(diff, &touched, bands, new_bypass));
    }
    steps.sort_by(|a, b| a.0.cmp(&b.0));
    let mut out = Order {
        environment: diff.environment.clone(),
        ..Order::default()
    };
    for (at, (_, mut step)) in steps.into_iter().enumerate() {
        step.number = at + 1;
        match step.minutes {
            Some((least, most)) => {
                out.minutes = (out.minutes.0 + least, out.minutes.1 + most);
                out.counted += 1;
            }
            None => out.uncounted += 1,
        }
        out.steps.push(step);
    }
    warn(&mut out.steps);
    out
}

fn names(retired: &Retired, place: &Place) -> bool {
    place.kind == Kind::RuleCollectionGroup
        && place.name.eq_ignore_ascii_case(&retired.name)
        && place
            .parent
            .as_ref()
            .is_some_and(|p| p.eq_ignore_ascii_case(&retired.policy))
}

/// A group that is only remembered.
fn gone(resource: Place) -> Touched {
    Touched {
        resource,
        id: None,
        change: Change::Removed,
        was: None,
        rules: Counts::default(),
        effect: Effect {
            gains: false,
            loses: true,
        },
        bypass: None,
        parts: false,
        stays: true,
    }
}

/// What the order goes by: the stage, the tier the right way round, what loses after what gains, the
/// number, the name.
type Rank = (u8, i64, u8, i64, String);

/// The stages as they follow each other.
fn rank_of(stage: Stage, late_losses: bool) -> u8 {
    match stage {
        Stage::IpGroups => 0,
        Stage::Policies => 1,
        Stage::FirewallGains => 2,
        Stage::FirewallLosses if !late_losses => 3,
        Stage::RoutesToFirewall => 4,
        Stage::SecurityGroups => 5,
        Stage::Routes => 6,
        Stage::FirewallLosses => 7,
        Stage::Deletes => 8,
    }
}

fn step(diff: &Textual, touched: &Touched, bands: &Bands, late_losses: bool) -> (Rank, Step) {
    let removed = touched.change == Change::Removed;
    let stage = stage(touched, removed);
    let tier = tier(touched, bands);
    let action = match touched.change {
        Change::Removed => Action::Delete,
        _ if touched.parts => Action::WriteRules,
        Change::Added => Action::Create,
        // Under another name it is another resource.
        _ if touched.was.is_some() => Action::Create,
        _ => Action::Write,
    };
    let counted = touched.resource.kind == Kind::RuleCollectionGroup && !removed;
    let mut notes = Vec::new();
    if removed {
        notes.push(match touched.resource.kind {
            Kind::RuleCollectionGroup => {
                "in force until it is deleted; no deployment deletes it".to_owned()
            }
            _ => "no deployment deletes it; take it off its subnets or rules first".to_owned(),
        });
    }
    if let Some(was) = &touched.was {
        notes.push(format!(
            "under its old name {was} it is in force until that is deleted"
        ));
    }
    if touched.parts {
        notes.push("each rule is a write of its own; the group itself is not written".to_owned());
    }
    let tiers = tier.map_or(9, |t| i64::from(tier_rank(t)));
    let (tiers, number) = match stage {
        Stage::FirewallLosses => (-tiers, touched.resource.priority.map_or(0, |p| -p)),
        _ => (tiers, touched.resource.priority.unwrap_or(0)),
    };
    let place = &touched.resource;
    let loses = u8::from(touched.effect.loses) + u8::from(removed);
    let policy = place.parent.clone().unwrap_or_default();
    let rank = (
        rank_of(stage, late_losses),
        if stage == Stage::FirewallGains || stage == Stage::FirewallLosses {
            tiers
        } else {
            0
        },
        loses,
        number,
        format!("{:?} {policy}/{}", place.kind, place.name).to_lowercase(),
    );
    let step = Step {
        number: 0,
        stage,
        action,
        resource: touched.resource.clone(),
        id: touched.id.clone(),
        tier: tier.map(Band::name),
        rules: touched.rules,
        effect: touched.effect,
        minutes: counted.then_some(GROUP_MINUTES),
        writes: if touched.parts {
            children::writes(diff, &touched.resource, bands)
        } else {
            Vec::new()
        },
        notes,
    };
    (rank, step)
}

fn stage(touched: &Touched, removed: bool) -> Stage {
    match touched.resource.kind {
        Kind::RuleCollectionGroup if removed || !touched.effect.gains => Stage::FirewallLosses,
        Kind::RuleCollectionGroup => Stage::FirewallGains,
        _ if removed => Stage::Deletes,
        Kind::IpGroup => Stage::IpGroups,
        Kind::FirewallPolicy => Stage::Policies,
        // All its rules are one write.
        Kind::ClassicFirewall => Stage::FirewallGains,
        Kind::Nsg | Kind::Subnet => Stage::SecurityGroups,
        Kind::RouteTable => match touched.bypass {
            Some(Effect {
                gains: false,
                loses: true,
            }) => Stage::RoutesToFirewall,
            _ => Stage::Routes,
        },
    }
}

/// The tier of a rule collection group: its number lies in the band.
fn tier(touched: &Touched, bands: &Bands) -> Option<Band> {
    if touched.resource.kind != Kind::RuleCollectionGroup {
        return None;
    }
    let number = u32::try_from(touched.resource.priority?).ok()?;
    let mut all = bands.rcg.iter();
    let found = all.find(|(_, (first, last))| (*first..=*last).contains(&number));
    found
        .map(|(band, _)| *band)
        .filter(|b| *b != Band::Reserved)
}

fn tier_rank(tier: Band) -> u8 {
    let at = Band::ALL.iter().position(|b| *b == tier);
    at.and_then(|at| u8::try_from(at).ok()).unwrap_or(9)
}

/// What is attached to a subnet: a security group once it is written, a route table once that is.
fn attachments(diff: &Textual, touched: &Touched, steps: &mut Vec<(Rank, Step)>) {
    let same = |e: &&super::textual::Entry| e.resource == touched.resource;
    let fields = diff.entries.iter().filter(same).flat_map(|e| &e.fields);
    for field in fields {
        let stage = if field.path == "routeTable" {
            Stage::Routes
        } else {
            Stage::SecurityGroups
        };
        let shown = |side: &Option<String>| side.clone().unwrap_or_else(|| "none".to_owned());
        let step = Step {
            number: 0,
            stage,
            action: Action::Attach,
            resource: touched.resource.clone(),
            id: None,
            tier: None,
            rules: Counts::default(),
            effect: touched.effect,
            minutes: None,
            writes: Vec::new(),
            notes: vec![format!(
                "{} {} -> {}; no file of the output does that",
                field.path,
                shown(&field.old),
                shown(&field.new)
            )],
        };
        let name = format!("subnet {}", touched.resource.name);
        steps.push(((rank_of(stage, false), 1, 0, 0, name), step));
    }
}

/// Says where a single write gains and loses, so that no place is right for all of it: what it loses, it
/// loses before something that should have come first.
fn warn(steps: &mut [Step]) {
    const DENIES: [&str; 3] = ["forbid", "deny", "ordered"];
    const ALLOWS: [&str; 3] = ["exception", "ordered", "allow"];
    let groups: Vec<(usize, Option<&'static str>, Effect, String)> = steps
        .iter()
        .filter(|s| s.resource.kind == Kind::RuleCollectionGroup)
        .map(|s| (s.number, s.tier, s.effect, s.resource.name.clone()))
        .collect();
    for step in steps.iter_mut() {
        let mixed = step.effect.gains && step.effect.loses;
        if !mixed || step.resource.kind != Kind::RuleCollectionGroup {
            continue;
        }
        // The last write that gains in one of some tiers, or loses in one of others.
        let waits = |gains: &[&str], loses: &[&str]| {
            let mut later = groups.iter().rev().filter(|(n, ..)| *n > step.number);
            let within =
                |tier: &Option<&'static str>, of: &[&str]| tier.is_none_or(|t| of.contains(&t));
            let found = later.find(|(_, tier, effect, _)| {
                (effect.gains && within(tier, gains)) || (effect.loses && within(tier, loses))
            });
            found.map(|(.., name)| name.clone())
        };
        let denies = step.tier.is_none_or(|t| DENIES.contains(&t));
        let allows = step.tier.is_none_or(|t| ALLOWS.contains(&t));
        let opens = denies.then(|| waits(&DENIES, &ALLOWS)).flatten();
        let cuts = allows
            .then(|| waits(&ALLOWS, &["deny", "ordered"]))
            .flatten();
        let note = |what: &str, until: &str| {
            format!("it gains and loses at once: what it {what} until {until} is written")
        };
        step.notes
            .extend(opens.map(|name| note("denies no more may pass", &name)));
        step.notes
            .extend(cuts.map(|name| note("allows no more may be cut", &name)));
    }
}
