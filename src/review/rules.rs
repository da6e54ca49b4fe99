//! What the forms say of rules: lines below the resource that holds them, and statements of which the
//! rules differ though the traffic does not. Which rules differ is found elsewhere.

use std::fmt;

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

/// One line about a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleLine {
    /// How it differs.
    pub sign: Sign,
    /// The rule and what differs of it.
    pub text: String,
}

/// How a rule differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// On the new side only.
    Added,
    /// On the old side only.
    Removed,
    /// On both, with something else.
    Changed,
    /// Beside the rules: a remark.
    Remark,
}

impl Sign {
    /// What a line of a `diff` block begins with.
    #[must_use]
    pub const fn mark(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed => '!',
            Self::Remark => ' ',
        }
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.mark())
    }
}

/// A statement of which the rules differ and the traffic does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Its name on the old side.
    pub was: String,
    /// Its name on the new side, if that is another one.
    pub now: Option<String>,
    /// What became of its rules: `renamed with moved, priorities kept`.
    pub how: String,
}

impl Rules {
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
    /// As a line of a `diff` block, without its end.
    #[must_use]
    pub fn line(self) -> String {
        match self {
            Self::Heading(text) => format!("  {text}"),
            Self::Line(line) => format!("{}   {}", line.sign, line.text),
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
