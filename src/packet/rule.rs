//! Rules in the order in which a layer reads them, and the first that matches. What a rule of Azure
//! matches is the rooms' business.

use super::facts::Facts;
use super::probe::{Answer, Probe};
use super::region::Region;

/// What happens to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It passes.
    Allow,
    /// It is dropped.
    Deny,
}

impl Verdict {
    /// `allow`, `deny`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name below the resource that decides: `rule`, or `group/collection/rule`.
    pub path: String,
    /// The resource that holds it, as the reader of the resource named it.
    pub resource: String,
    /// Its number, for people.
    pub priority: u32,
    /// What becomes of what it matches.
    pub verdict: Verdict,
    /// It opens the connection and makes one of its own: behind it the source is the layer's address.
    pub replaces_source: bool,
    /// It is the target's own, written by nobody.
    pub built_in: bool,
    /// What it matches; a union.
    pub regions: Vec<Region>,
}

impl Rule {
    /// Whether it matches.
    #[must_use]
    pub fn holds(&self, probe: &Probe) -> Answer {
        self.holds_knowing(probe, &Facts::default())
    }

    /// The same, with what is known of symbols.
    #[must_use]
    pub fn holds_knowing(&self, probe: &Probe, facts: &Facts) -> Answer {
        let mut best = Answer::No;
        for region in &self.regions {
            best = best.or(region.holds_knowing(probe, facts));
            if best == Answer::Yes {
                break;
            }
        }
        best
    }
}

/// The rules of one layer in the order in which they are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The rules; the last may match everything.
    pub rules: Vec<Rule>,
}

/// What a layer does with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The verdict; `None` if it depends on what nobody told.
    pub verdict: Option<Verdict>,
    /// The first rule that surely matches, by index; `None` at the end of the list.
    pub rule: Option<usize>,
    /// Rules before it that may match and say otherwise.
    pub open: Vec<usize>,
}

impl Filter {
    /// The first rule that matches. A rule that may match decides nothing, and leaves the verdict
    /// open if what comes after disagrees with it. At the end of the list a packet is dropped.
    #[must_use]
    pub fn decide(&self, probe: &Probe) -> Decision {
        self.decide_knowing(probe, &Facts::default())
    }

    /// The same, with what is known of symbols.
    #[must_use]
    pub fn decide_knowing(&self, probe: &Probe, facts: &Facts) -> Decision {
        let mut may: Vec<(usize, Verdict)> = Vec::new();
        let mut found = (None, Verdict::Deny);
        for (index, rule) in self.rules.iter().enumerate() {
            match rule.holds_knowing(probe, facts) {
                Answer::No => {}
                Answer::May => may.push((index, rule.verdict)),
                Answer::Yes => {
                    found = (Some(index), rule.verdict);
                    break;
                }
            }
        }
        let open: Vec<usize> = may
            .into_iter()
            .filter(|(_, verdict)| *verdict != found.1)
            .map(|(index, _)| index)
            .collect();
        Decision {
            verdict: open.is_empty().then_some(found.1),
            rule: found.0,
            open,
        }
    }
}
