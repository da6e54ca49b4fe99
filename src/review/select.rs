//! Which regions are shown, and how they are grouped. Nothing is counted less for being hidden.

use crate::diff::told::{Change, Kind};

/// What `--only` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// What gets through and did not, or passes a firewall no more.
    Widened,
    /// What gets through no more, or passes a firewall now.
    Narrowed,
    /// One kind.
    Kind(Kind),
}

impl Only {
    /// Every word that [`Only::of`] knows, for help and faults.
    pub const WORDS: [&'static str; 8] = [
        "widened",
        "narrowed",
        "undecided",
        "newly-allowed",
        "newly-bypassing",
        "redirected",
        "no-longer-allowed",
        "newly-passing",
    ];

    /// The selection of a word; words of kinds may have `_` for `-`, as the JSON form has them.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Some(match word.replace('_', "-").as_str() {
            "widened" => Self::Widened,
            "narrowed" => Self::Narrowed,
            "undecided" => Self::Kind(Kind::Undecided),
            "newly-allowed" => Self::Kind(Kind::NewlyAllowed),
            "newly-bypassing" => Self::Kind(Kind::NewlyBypassing),
            "redirected" => Self::Kind(Kind::Redirected),
            "no-longer-allowed" => Self::Kind(Kind::NoLongerAllowed),
            "newly-passing" => Self::Kind(Kind::NewlyPassing),
            _ => return None,
        })
    }

    /// Whether it names this kind.
    #[must_use]
    pub fn takes(self, kind: Kind) -> bool {
        match self {
            Self::Widened => kind.widens(),
            Self::Narrowed => matches!(kind, Kind::NoLongerAllowed | Kind::NewlyPassing),
            Self::Kind(one) => one == kind,
        }
    }
}

/// Whether a kind is shown; nothing named shows all.
#[must_use]
pub fn shown(only: &[Only], kind: Kind) -> bool {
    only.is_empty() || only.iter().any(|one| one.takes(kind))
}

/// What `--by` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The statement that did it.
    Flow,
    /// Who owns that.
    Owner,
    /// The environment; a region in several is shown in each.
    Environment,
}

impl By {
    /// Every word that [`By::of`] knows.
    pub const WORDS: [&'static str; 3] = ["flow", "owner", "env"];

    /// The grouping of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "flow" => Self::Flow,
            "owner" => Self::Owner,
            "env" => Self::Environment,
            _ => return None,
        })
    }

    /// The headings that a region belongs below.
    #[must_use]
    pub fn headings(self, change: &Change) -> Vec<String> {
        let mut found: Vec<String> = match self {
            Self::Environment => change.environments.clone(),
            Self::Flow => {
                let first = change.causes.first();
                vec![first.map_or_else(|| "no statement".to_owned(), |cause| cause.flow.clone())]
            }
            Self::Owner => {
                let owner = change.causes.iter().find_map(|cause| cause.owner.clone());
                vec![owner.unwrap_or_else(|| "no owner".to_owned())]
            }
        };
        found.dedup();
        found
    }
}

/// Regions below their headings: headings in the order in which regions first name them.
#[must_use]
pub fn grouped<'a>(by: By, changes: &[&'a Change]) -> Vec<(String, Vec<&'a Change>)> {
    let mut groups: indexmap::IndexMap<String, Vec<&'a Change>> = indexmap::IndexMap::new();
    for change in changes {
        for heading in by.headings(change) {
            groups.entry(heading).or_default().push(*change);
        }
    }
    groups.into_iter().collect()
}
