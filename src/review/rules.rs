//! What the forms say of rules: lines below the resource that holds them, and statements of which the
//! rules differ though the traffic does not. Which rules differ is found elsewhere.

use super::rule_lines::{Detail, blocks};
pub use super::rule_lines::{Line as RuleLine, Sign};
use crate::diff::textual::Change;
use crate::diff::told::Difference;

/// What forms show of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// One for each resource of each environment that differs, in the order to be shown.
    pub blocks: Vec<RuleBlock>,
    /// Statements that make other rules and the same traffic.
    pub kept: Vec<Kept>,
}

/// The lines of one resource in one environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleBlock {
    /// The environment, by name.
    pub environment: String,
    /// The resource: `nsg nsg-avd outbound`.
    pub heading: String,
    /// Its lines.
    pub lines: Vec<RuleLine>,
}

/// A statement of which the rules differ, and that neither opens nor closes anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Its name on the old side.
    pub was: String,
    /// Its name on the new side, if that is another one.
    pub now: Option<String>,
    /// What became of its rules: `renamed with moved, priorities kept`.
    pub how: String,
    /// All of its packets fare as before; else another statement may have changed what becomes of some.
    pub same: bool,
}

impl Kept {
    /// `: other rules; no packet changes its fate`.
    #[must_use]
    pub fn told(&self) -> String {
        if self.same {
            format!("{}; no packet changes its fate", self.how)
        } else {
            self.how.clone()
        }
    }
}

impl Rules {
    /// Of a difference.
    #[must_use]
    pub fn of(difference: &Difference) -> Self {
        let mut out = Self::default();
        for own in &difference.textual {
            let each = blocks(own, Detail::default()).into_iter();
            out.blocks.extend(each.map(|block| RuleBlock {
                environment: own.environment.clone(),
                heading: block.title,
                lines: block.lines,
            }));
        }
        let fares = |flow: &str| {
            let causes = difference.semantic.iter().flat_map(|c| &c.causes);
            causes.into_iter().any(|c| c.flow == flow)
        };
        let entries = || difference.textual.iter().flat_map(|t| &t.entries);
        for moved in &difference.moved {
            if fares(&moved.now) || fares(&moved.was) {
                continue;
            }
            let own = || entries().filter(|e| e.flow.as_deref() == Some(moved.now.as_str()));
            let kept = own().all(|e| e.was_priority.is_none());
            let how = match (own().next().is_some(), kept) {
                (false, _) => "renamed with `moved`, the rules are the same",
                (true, true) => "renamed with `moved`, priorities kept",
                (true, false) => "renamed with `moved`, with other priorities",
            };
            out.kept.push(Kept {
                was: moved.was.clone(),
                now: Some(moved.now.clone()),
                how: how.to_owned(),
                same: true,
            });
        }
        let same = difference.semantic.is_empty();
        let mut others: Vec<(&str, &'static str, Option<&str>)> = Vec::new();
        for entry in entries() {
            let flows = entry.flow.iter().chain(&entry.flows);
            for flow in flows.filter(|f| !fares(f)) {
                let named = |m: &crate::diff::told::Moved| m.now == *flow || m.was == *flow;
                if difference.moved.iter().any(named) {
                    continue;
                }
                let how = match entry.change {
                    Change::Renumbered => "another priority",
                    Change::Renamed => "rules with other names",
                    Change::Added => "more rules",
                    Change::Removed => "fewer rules",
                    Change::Changed => "other rules",
                };
                let hint = entry.suggestion.as_deref();
                match others
                    .iter_mut()
                    .find(|(known, ..)| *known == flow.as_str())
                {
                    None => others.push((flow, how, hint)),
                    Some((_, known, own)) => {
                        if *known != how {
                            *known = "other rules";
                        }
                        *own = own.or(hint);
                    }
                }
            }
        }
        out.kept.extend(others.into_iter().map(|(was, how, hint)| {
            let hint = hint.map_or_else(String::new, |hint| {
                format!(" (PC7005: `{hint}` keeps them and their numbers)")
            });
            Kept {
                was: was.to_owned(),
                now: None,
                how: format!("{how}{hint}"),
                same,
            }
        }));
        out
    }

    /// What stands above the statements that are kept.
    #[must_use]
    pub fn heading(&self) -> &'static str {
        if self.kept.iter().all(|one| one.same) {
            "Same traffic, different rules"
        } else {
            "Other statements with different rules"
        }
    }

    /// How many statements have another name.
    #[must_use]
    pub fn renamed(&self) -> usize {
        self.kept.iter().filter(|one| one.now.is_some()).count()
    }

    /// Environments that have lines, in the order of the blocks.
    #[must_use]
    pub fn environments(&self) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        for block in &self.blocks {
            if !found.contains(&block.environment.as_str()) {
                found.push(&block.environment);
            }
        }
        found
    }

    /// The rule lines of an environment: each resource's heading, then its lines. What is the same to the
    /// letter in an environment before is told in one line and not repeated.
    #[must_use]
    pub fn lines_of(&self, environment: &str) -> Vec<Shown<'_>> {
        let mut out = Vec::new();
        let mut repeated = 0_usize;
        let mut first: Option<&str> = None;
        for (at, block) in self.blocks.iter().enumerate() {
            if block.environment != environment {
                continue;
            }
            let same = self.blocks.iter().take(at).find(|before| {
                before.environment != environment
                    && before.heading == block.heading
                    && before.lines == block.lines
            });
            if let Some(before) = same {
                repeated += 1;
                first.get_or_insert(&before.environment);
                continue;
            }
            out.push(Shown::Heading(&block.heading));
            out.extend(block.lines.iter().map(Shown::Line));
        }
        if let Some(before) = first {
            out.insert(
                0,
                Shown::Repeated {
                    resources: repeated,
                    environment: before,
                },
            );
        }
        out
    }
}

/// One line of what is shown of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown<'a> {
    /// A resource.
    Heading(&'a str),
    /// A rule of it.
    Line(&'a RuleLine),
    /// So many resources differ as in an environment before.
    Repeated {
        /// How many.
        resources: usize,
        /// The first such environment.
        environment: &'a str,
    },
}

impl Shown<'_> {
    /// As a line of a `diff` block, without its end; `ascii` for readers that know no other characters.
    #[must_use]
    pub fn line(self, ascii: bool) -> String {
        match self {
            Self::Heading(text) => format!("  {text}"),
            Self::Line(line) => format!("{}   {}", line.sign.text(ascii), line.text),
            Self::Repeated {
                resources,
                environment,
            } => {
                let those = if resources == 1 {
                    "1 resource".to_owned()
                } else {
                    format!("{resources} resources")
                };
                format!("  ({those} as in {environment})")
            }
        }
    }
}
