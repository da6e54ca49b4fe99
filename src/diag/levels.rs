//! Which level each diagnostic is told at: the code's own, then settings, flags and silencers in
//! the source. It judges no policy.

use std::collections::BTreeMap;

use super::{Code, Diagnostic, Severity};
use crate::source::{FileId, SourceFile, SourceMap, Span};

/// The level of a code, as settings and flags give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not told at all.
    Allow,
    /// Told as a note.
    Note,
    /// Told as a warning.
    Warn,
    /// Told as an error.
    Error,
}

impl Level {
    /// The severity told; `None` for `allow`.
    #[must_use]
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Allow => None,
            Self::Note => Some(Severity::Note),
            Self::Warn => Some(Severity::Warning),
            Self::Error => Some(Severity::Error),
        }
    }
}

/// The levels of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// From the settings file.
    pub settings: BTreeMap<Code, Level>,
    /// From the command line; they win over the settings.
    pub flags: BTreeMap<Code, Level>,
    /// Every warning that no flag names is an error.
    pub deny_warnings: bool,
    /// No error may be lowered, because the stage that raised it made no output.
    pub keep_errors: bool,
    /// Whether a silencer that silenced nothing is told. False where only a part was compiled: the
    /// silencer may be for the rest.
    pub judge_unused: bool,
}

/// True if a code may be told at a lower level than its own: errors say that the output would be
/// wrong, except those about sets and hygiene, which are a matter of taste.
#[must_use]
pub fn may_be_lowered(code: Code) -> bool {
    code.info().severity != Severity::Error || soft_family(code)
}

/// Gives every diagnostic its level, drops what is allowed or silenced, and tells silencers that
/// are wrong.
#[must_use]
pub fn apply(
    sources: &SourceMap,
    diagnostics: Vec<Diagnostic>,
    levels: &Levels,
) -> Vec<Diagnostic> {
    let mut silencers: Vec<Silencer> = sources
        .iter()
        .flat_map(|(id, file)| silencers_of(id, file))
        .collect();
    let had_errors = diagnostics.iter().any(|d| d.severity == Severity::Error);
    let mut out: Vec<Diagnostic> = diagnostics
        .into_iter()
        .filter(|d| !silenced(sources, d, &mut silencers, levels))
        .filter_map(|d| level(d, levels))
        .collect();
    // Later stages do not run after an error, so their silencers cannot be judged.
    let judge_unused = levels.judge_unused && !had_errors;
    let own = silencers
        .iter()
        .filter_map(|s| fault(s, judge_unused))
        .filter_map(|d| level(d, levels));
    let before = out.len();
    out.extend(own);
    if out.len() > before {
        out.sort_by(|a, b| (a.primary, a.code, &a.message).cmp(&(b.primary, b.code, &b.message)));
    }
    out
}

fn soft_family(code: Code) -> bool {
    code.id().starts_with("PC5") || code.id().starts_with("PC6")
}

/// An error of a stage stands, whatever the code's default: a stage may raise one instance of a
/// warning to an error because there the output would be wrong.
fn stands(diagnostic: &Diagnostic, levels: &Levels) -> bool {
    diagnostic.severity == Severity::Error && (levels.keep_errors || !soft_family(diagnostic.code))
}

fn level(mut diagnostic: Diagnostic, levels: &Levels) -> Option<Diagnostic> {
    let named = levels.flags.get(&diagnostic.code);
    if let Some(level) = named.or_else(|| levels.settings.get(&diagnostic.code)) {
        match level.severity() {
            Some(severity) if severity >= diagnostic.severity || !stands(&diagnostic, levels) => {
                diagnostic.severity = severity;
            }
            None if !stands(&diagnostic, levels) => return None,
            _ => {}
        }
    }
    if named.is_none() && levels.deny_warnings && diagnostic.severity == Severity::Warning {
        diagnostic.severity = Severity::Error;
    }
    Some(diagnostic)
}

// Silencers.

/// A comment `// portcullis: allow PCnnnn reason` and the lines it speaks for.
#[derive(Clone, Debug)]
struct Silencer {
    word: Word,
    reason: bool,
    /// The comment.
    span: Span,
    /// The whole line with its end, for the fix.
    line: Span,
    /// Bytes of the statement below.
    covers: (u32, u32),
    used: bool,
    /// Of the embedded library, which no user can change.
    embedded: bool,
}

/// What stands behind `portcullis:`.
#[derive(Clone, Debug)]
enum Word {
    Allow(Code),
    UnknownCode(String),
    NoCode,
    Other(String),
}

fn silenced(
    sources: &SourceMap,
    diagnostic: &Diagnostic,
    silencers: &mut [Silencer],
    levels: &Levels,
) -> bool {
    let Some(span) = diagnostic.primary else {
        return false;
    };
    if stands(diagnostic, levels) || sources.get(span.file).is_none() {
        return false;
    }
    let mut hit = false;
    for s in silencers {
        let names = matches!(s.word, Word::Allow(code) if code == diagnostic.code);
        let covers =
            s.span.file == span.file && s.covers.0 <= span.start && span.start < s.covers.1;
        if names && covers {
            s.used = true;
            hit |= s.reason;
        }
    }
    hit
}

fn fault(s: &Silencer, judge_unused: bool) -> Option<Diagnostic> {
    if s.embedded {
        return None;
    }
    match &s.word {
        Word::Allow(_) if !s.reason => Some(
            Diagnostic::new(Code::PC9005, s.span, "silencer without a reason")
                .label("silences nothing without a reason")
                .help("write why, for example `// portcullis: allow PC3008 agreed in SEC-12`"),
        ),
        Word::Allow(code) if !may_be_lowered(*code) => Some(useless(
            s,
            format!("{code} is an error that cannot be silenced"),
        )),
        Word::Allow(_) if s.used || !judge_unused => None,
        Word::Allow(code) => Some(useless(
            s,
            format!("silencer of {code} has nothing to silence"),
        )),
        Word::UnknownCode(word) => Some(useless(
            s,
            format!("silencer names `{word}`, which is no code of this version"),
        )),
        Word::NoCode => Some(useless(s, "silencer names no code".to_owned())),
        Word::Other(word) => Some(useless(s, format!("`{word}` is not a word of a silencer"))),
    }
}

/// The one constructor of PC9006.
fn useless(s: &Silencer, message: String) -> Diagnostic {
    Diagnostic::new(Code::PC9006, s.span, message)
        .label("silences nothing")
        .help("remove it; the form is `// portcullis: allow CODE reason`, on the line above the statement")
        .fix(s.line, "")
}

fn silencers_of(id: FileId, file: &SourceFile) -> Vec<Silencer> {
    let mut out = Vec::new();
    let lines: Vec<(usize, &str)> = line_starts(&file.text);
    // Silencers one below the other speak for one statement.
    let mut below: Option<(usize, (u32, u32))> = None;
    for (at, (start, line)) in lines.iter().enumerate() {
        let comment = line.trim();
        let Some(body) = comment
            .strip_prefix("//")
            .and_then(|c| c.trim_start().strip_prefix("portcullis:"))
        else {
            continue;
        };
        let mut words = body.split_whitespace();
        let word = match words.next() {
            Some("allow") => match words.next() {
                None => Word::NoCode,
                Some(code) => Code::parse(code.trim_end_matches([',', ':']))
                    .map_or_else(|| Word::UnknownCode(code.to_owned()), Word::Allow),
            },
            other => Word::Other(other.unwrap_or("").to_owned()),
        };
        let indent = line.len() - line.trim_start().len();
        let from = start + indent;
        let covers = match below {
            Some((until, covers)) if at < until => covers,
            _ => {
                let rest = lines.get(at + 1..).unwrap_or(&[]);
                let comments = rest
                    .iter()
                    .take_while(|(_, line)| line.trim_start().starts_with("//"))
                    .count();
                let covers = statement_at(rest.get(comments..).unwrap_or(&[]));
                below = Some((at + 1 + comments, covers));
                covers
            }
        };
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        out.push(Silencer {
            word,
            // A reason has letters; dashes alone say nothing.
            reason: words.any(|w| w.chars().any(char::is_alphanumeric)),
            span: Span::new(id, small(from), small(from + comment.len())),
            line: Span::new(id, small(*start), small(start + line.len())),
            covers,
            used: false,
            embedded: file.name.starts_with("std/"),
        });
    }
    out
}

/// The bytes of the statement that starts on the first line: that line, deeper ones, and the line
/// that closes it.
fn statement_at(lines: &[(usize, &str)]) -> (u32, u32) {
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut rest = lines.iter();
    let Some((start, first)) = rest.next().filter(|(_, line)| !line.trim().is_empty()) else {
        return (0, 0);
    };
    let mut end = start + first.len();
    for (at, line) in rest {
        if line.trim().is_empty() {
            continue;
        }
        let closes = line.trim_start().starts_with(['}', ']', ')']);
        if indent(line) > indent(first) || (closes && indent(line) == indent(first)) {
            end = at + line.len();
        } else {
            break;
        }
    }
    (small(*start), small(end))
}

/// Each line with its start; the line keeps its end.
fn line_starts(text: &str) -> Vec<(usize, &str)> {
    let mut start = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let at = start;
            start += line.len();
            (at, line)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    // Bare names: the qualified form marks the one place that raises a code.
    use crate::diag::Code::*;

    fn run(text: &str, found: &[(Code, &str)], levels: &Levels) -> Vec<String> {
        let mut sources = SourceMap::default();
        let file = sources.add("a.gate", text);
        let diagnostics = found
            .iter()
            .map(|(code, at)| {
                let start = u32::try_from(text.find(at).unwrap()).unwrap();
                Diagnostic::new(*code, Span::new(file, start, start + 1), "m")
            })
            .collect();
        apply(&sources, diagnostics, levels)
            .iter()
            .map(|d| {
                let line = sources.place(d.primary.unwrap()).1;
                format!("{line} {:?} {}", d.severity, d.code)
            })
            .collect()
    }

    fn judging() -> Levels {
        Levels {
            judge_unused: true,
            ..Levels::default()
        }
    }

    #[test]
    fn a_silencer_covers_its_statement_only() {
        let text = "\
// portcullis: allow PC3008 agreed in SEC-1
// another remark
group a {
  one

  two
}
three
";
        let code = PC3008;
        assert_eq!(
            run(
                text,
                &[(code, "one"), (code, "two"), (code, "three")],
                &judging()
            ),
            ["8 Note PC3008"]
        );
        assert_eq!(
            run(text, &[(PC4006, "one")], &judging()),
            ["1 Warning PC9006", "4 Note PC4006"]
        );
    }

    #[test]
    fn errors_stand() {
        let text = "// portcullis: allow PC1001 because\none\n";
        assert_eq!(
            run(text, &[(PC1001, "one")], &judging()),
            ["1 Warning PC9006", "2 Error PC1001"]
        );
        let mut levels = judging();
        levels.settings.insert(PC4002, Level::Allow);
        let mut sources = SourceMap::default();
        let file = sources.add("a.gate", "x");
        let at = Span::new(file, 0, 1);
        let raised = Diagnostic::new(PC4002, at, "m").severity(Severity::Error);
        assert_eq!(apply(&sources, vec![raised], &levels).len(), 1);
        let plain = Diagnostic::new(PC4002, at, "m");
        assert_eq!(apply(&sources, vec![plain], &levels).len(), 0);
    }

    #[test]
    fn soft_errors_give_way_where_there_is_output() {
        let mut levels = judging();
        levels.settings.insert(PC5013, Level::Warn);
        let found = [(PC5013, "x")];
        assert_eq!(run("x\n", &found, &levels), ["1 Warning PC5013"]);
        levels.keep_errors = true;
        assert_eq!(run("x\n", &found, &levels), ["1 Error PC5013"]);
    }

    #[test]
    fn faulty_silencers_are_told() {
        let text = "\
// portcullis: allow PC3008
a
// portcullis: allow PC3008 --
b
// portcullis: allow PC9999 reason
c
// portcullis: alow PC3008 reason
d
// portcullis: allow
e
// portcullis: allow PC3008 reason

f
";
        let found = [(PC3008, "a\n"), (PC3008, "f\n")];
        assert_eq!(
            run(text, &found, &judging()),
            [
                "1 Warning PC9005",
                "2 Note PC3008",
                "3 Warning PC9005",
                "5 Warning PC9006",
                "7 Warning PC9006",
                "9 Warning PC9006",
                "11 Warning PC9006",
                "13 Note PC3008",
            ]
        );
    }

    #[test]
    fn unused_is_not_judged_after_an_error() {
        let text = "// portcullis: allow PC3008 reason\na\nbad\n";
        assert_eq!(
            run(text, &[(PC1001, "bad")], &judging()),
            ["3 Error PC1001"]
        );
        assert_eq!(run(text, &[], &Levels::default()), Vec::<String>::new());
    }

    #[test]
    fn flags_win_over_settings() {
        let text = "x\n";
        let found = [(PC1011, "x")];
        let mut levels = Levels::default();
        assert_eq!(run(text, &found, &levels), ["1 Warning PC1011"]);
        levels.deny_warnings = true;
        assert_eq!(run(text, &found, &levels), ["1 Error PC1011"]);
        levels.settings.insert(PC1011, Level::Note);
        assert_eq!(run(text, &found, &levels), ["1 Note PC1011"]);
        levels.settings.insert(PC1011, Level::Error);
        levels.flags.insert(PC1011, Level::Warn);
        assert_eq!(run(text, &found, &levels), ["1 Warning PC1011"]);
        levels.flags.insert(PC1011, Level::Allow);
        assert_eq!(run(text, &found, &levels), Vec::<String>::new());
    }

    #[test]
    fn a_silencer_wins_over_a_denied_warning() {
        let text = "// portcullis: allow PC1011 reason\nx\n";
        let levels = Levels {
            deny_warnings: true,
            ..judging()
        };
        assert_eq!(run(text, &[(PC1011, "x")], &levels), Vec::<String>::new());
    }
}
