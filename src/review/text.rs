//! A difference for people at a terminal: the verdict, a row for each region with a packet that shows it,
//! what is written and how long it takes. Words carry the meaning; colours only repeat it.

mod columns;

use anstyle::{AnsiColor, Style};

use super::harmless::harmless;
use super::rules::{Rules, Sign};
use super::select::{By, Only, grouped, shown};
use super::words;
use crate::diag::render_text::to_ascii;
use crate::diff::told::{Cause, Change, Difference, Kind, Level, Outcome, RuleCounts};
use columns::{Column, fitted, row, width, wrapped};

/// How it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Columns of the terminal; nothing but a word that has no place to break is wider. At least 40 is used.
    pub width: usize,
    /// With colour codes.
    pub color: bool,
    /// Nothing outside ASCII; other characters become `?`.
    pub ascii: bool,
    /// Only these; all if there are none. What is hidden is counted.
    pub only: Vec<Only>,
    /// Below headings.
    pub by: Option<By>,
    /// The lines of rules, not only their counts.
    pub rules: bool,
    /// So many rows below each heading, and every one of high risk or of a lost `required` flow; `None` shows
    /// all. What is left out is counted.
    pub rows: Option<usize>,
    /// So many of the rows with their packets; `None` for all.
    pub detailed: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            width: 100,
            color: false,
            ascii: false,
            only: Vec::new(),
            by: None,
            rules: false,
            rows: Some(100),
            detailed: Some(20),
        }
    }
}

/// The least width that lines are made for.
const LEAST_WIDTH: usize = 40;

/// All of it, with a line end behind the last line.
#[must_use]
pub fn render(difference: &Difference, rules: &Rules, options: &Options) -> String {
    let mut page = Page {
        out: String::new(),
        width: options.width.max(LEAST_WIDTH),
        color: options.color,
    };
    head(&mut page, difference);
    regions(&mut page, difference, options);
    kept(&mut page, rules);
    rule_lines(&mut page, difference, rules, options);
    attention(&mut page, difference);
    foot(&mut page, difference, rules, options);
    if options.ascii {
        to_ascii(&page.out)
    } else {
        page.out
    }
}

/// What is written so far.
struct Page {
    out: String,
    width: usize,
    color: bool,
}

impl Page {
    /// A line as it is.
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// An empty line, if anything stands before.
    fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A text in as many lines as it needs: `first` before the first, as many spaces before the others.
    fn text(&mut self, first: &str, text: &str) {
        let indent = " ".repeat(width(first));
        let most = self.width.saturating_sub(width(first));
        for (at, line) in wrapped(&harmless(text), most).iter().enumerate() {
            let before = if at == 0 { first } else { &indent };
            let line = format!("{before}{line}");
            self.line(line.trim_end());
        }
    }

    fn painted(&self, text: &str, style: Style) -> String {
        painted(text, style, self.color)
    }
}

fn painted(text: &str, style: Style, color: bool) -> String {
    if color {
        format!("{style}{text}{style:#}")
    } else {
        text.to_owned()
    }
}

fn color(of: AnsiColor) -> Style {
    of.on_default().bold()
}

fn level_style(level: Level) -> Style {
    match level {
        Level::High => color(AnsiColor::Red),
        Level::Medium => color(AnsiColor::Yellow),
        Level::Low => color(AnsiColor::Green),
        Level::Info => Style::new(),
    }
}

fn head(page: &mut Page, difference: &Difference) {
    let summary = &difference.summary;
    let verdict = words::verdict(summary);
    let style = match summary.verdict {
        Outcome::Same | Outcome::SameTraffic | Outcome::Narrowed => color(AnsiColor::Green),
        Outcome::Widened | Outcome::Mixed => level_style(summary.risk.max.unwrap_or(Level::Low)),
        Outcome::Undecided => color(AnsiColor::Yellow),
    };
    for line in wrapped(&verdict, page.width) {
        let line = page.painted(&line, style);
        page.line(&line);
    }
    if let Some((level, counts)) = words::highest(&summary.risk) {
        let score = summary.risk.score;
        page.text(
            "",
            &format!("Highest risk: {} {score} ({counts}).", words::level(level)),
        );
    }
    let lost = summary.regions.required_lost;
    if lost > 0 {
        let text = format!(
            "{} that a `required` flow asks for {} lost.",
            words::counted(lost, "region", "regions"),
            if lost == 1 { "is" } else { "are" }
        );
        for line in wrapped(&text, page.width) {
            let line = page.painted(&line, color(AnsiColor::Red));
            page.line(&line);
        }
    }
    if let Some(text) = words::by_data(difference) {
        page.text("", &text);
    }
    if summary.regions.accepted > 0 {
        let count = words::counted(summary.regions.accepted, "region is", "regions are");
        page.text(
            "",
            &format!("{count} accepted by `--accept` and not counted in the risk."),
        );
    }
    let rest = words::the_rest(summary);
    if !rest.is_empty() {
        page.text("", rest);
    }
    page.text("", &format!("Compared: {}.", words::sides(difference)));
}

const fn column(least: usize, most: usize) -> Column {
    Column {
        least,
        most,
        right: false,
    }
}

const COLUMNS: [Column; 7] = [
    // Kind, environments, risk: a second word of kind and risk stands below the first.
    column(9, 9),
    Column {
        right: true,
        ..column(6, 24)
    },
    column(8, 8),
    // Who to where, what.
    column(20, 70),
    column(8, 30),
    // The statement and its place.
    column(12, 40),
    column(10, 40),
];

fn cells(change: &Change) -> Vec<String> {
    let mut kind = words::kind(change.change).to_owned();
    if change.caused_by == Cause::Data {
        kind.push_str(" data");
    }
    let environments = if change.environments.len() > 4 {
        let first: Vec<&str> = change
            .environments
            .iter()
            .take(3)
            .map(String::as_str)
            .collect();
        format!("{} +{}", first.join(" "), change.environments.len() - 3)
    } else {
        change.environments.join(" ")
    };
    let mut risk = words::risk(change);
    if change.accepted {
        risk.push_str(" accepted");
    }
    let traffic = &change.traffic;
    let (flow, place) = match change.causes.as_slice() {
        [] => (String::new(), String::new()),
        [one] => (one.flow.clone(), one.place()),
        [one, more @ ..] => (format!("{} +{}", one.flow, more.len()), one.place()),
    };
    let mut cells = vec![
        kind,
        environments,
        risk,
        format!(
            "{} -> {}",
            words::who(traffic),
            words::whither_in_short(traffic)
        ),
        words::what(traffic),
        flow,
        place,
    ];
    for cell in &mut cells {
        *cell = harmless(cell);
    }
    cells
}

/// What is never left out.
fn kept_always(change: &Change) -> bool {
    change.risk.level == Level::High || change.required_lost
}

fn regions(page: &mut Page, difference: &Difference, options: &Options) {
    let picked: Vec<&Change> = difference
        .semantic
        .iter()
        .filter(|change| shown(&options.only, change.change))
        .collect();
    if picked.is_empty() {
        return;
    }
    let rows: Vec<Vec<String>> = picked.iter().map(|change| cells(change)).collect();
    let widths = fitted(&COLUMNS, &rows, page.width);
    let mut detailed = options.detailed.unwrap_or(usize::MAX);
    let groups = match options.by {
        Some(by) => grouped(by, &picked),
        None => vec![(String::new(), picked)],
    };
    for (heading, changes) in groups {
        page.gap();
        if options.by.is_some() {
            let count = words::counted(changes.len(), "region", "regions");
            let text = harmless(&format!("{heading}: {count}"));
            for line in wrapped(&text, page.width) {
                let line = page.painted(&line, Style::new().bold());
                page.line(&line);
            }
        }
        let most = options.rows.unwrap_or(usize::MAX);
        let mut left_out = 0_usize;
        for (at, change) in changes.iter().enumerate() {
            if at >= most && !kept_always(change) {
                left_out += 1;
                continue;
            }
            region(page, change, widths.as_deref());
            if detailed > 0 {
                detailed -= 1;
                detail(page, change);
            }
        }
        if left_out > 0 {
            page.text(
                "",
                &format!(
                    "and {} of less risk: `--format json` holds every one",
                    words::counted(left_out, "more region", "more regions")
                ),
            );
        }
    }
}

fn region(page: &mut Page, change: &Change, widths: Option<&[usize]>) {
    let colored = page.color;
    let risk = if change.required_lost {
        color(AnsiColor::Red)
    } else {
        level_style(change.risk.level)
    };
    let cells = cells(change);
    let paint = |at: usize, text: &str| match at {
        0 => painted(text, Style::new().bold(), colored),
        2 => painted(text, risk, colored),
        5 | 6 => painted(text, Style::new().dimmed(), colored),
        _ => text.to_owned(),
    };
    if let Some(widths) = widths {
        for line in row(&COLUMNS, widths, &cells, &paint) {
            page.line(&line);
        }
        return;
    }
    // Too narrow for columns: the same below each other.
    let [kind, environments, risk, way, what, flow, place] = cells.as_slice() else {
        return;
    };
    let first = format!("{}  {}", paint(0, kind), paint(2, risk));
    page.line(&first);
    page.text("  ", environments);
    page.text("  ", &format!("{way}  {what}"));
    if !flow.is_empty() || !place.is_empty() {
        page.text("  ", &format!("{flow}  {place}"));
    }
}

/// Names as they are.
fn plain(name: &str) -> String {
    name.to_owned()
}

fn detail(page: &mut Page, change: &Change) {
    page.text("    ", &words::sentence(change));
    for remark in words::remarks(change) {
        page.text("    ", &remark);
    }
    let label = |word: &str| format!("    {word:<9}");
    if let Some(why) = words::reasons(&change.risk) {
        page.text(&label("risk"), &why);
    } else if change.causes.is_empty() && change.change != Kind::Undecided {
        page.text(&label("why"), &words::edits(change, &plain));
    }
    let witness = &change.witness;
    page.text(
        &label("packet"),
        &format!(
            "{} in {} ({})",
            witness.text, witness.environment, change.id
        ),
    );
    page.text(&label("before"), &words::fate(&change.before, &plain));
    page.text(&label("after"), &words::fate(&change.after, &plain));
    if let Some(command) = &witness.explain {
        // Not wrapped: it is to be copied.
        let line = format!("{}{}", label("try"), harmless(command));
        page.line(&line);
    }
    for cause in &change.causes {
        let mut parts = vec![format!("{} {}", cause.flow, cause.place())];
        if !cause.edit.is_empty() {
            parts.push(match cause.edit.as_str() {
                "there" => "as it was".to_owned(),
                edit => edit.to_owned(),
            });
        }
        for (word, value) in [
            ("for", &cause.purpose),
            ("owner", &cause.owner),
            ("ticket", &cause.ticket),
            ("until", &cause.until),
        ] {
            if let Some(value) = value {
                parts.push(format!("{word} {value}"));
            }
        }
        page.text(&label("by"), &parts.join(", "));
    }
}

fn kept(page: &mut Page, rules: &Rules) {
    if rules.kept.is_empty() {
        return;
    }
    page.gap();
    page.line(&format!("{}:", rules.heading()));
    for one in &rules.kept {
        let name = match &one.now {
            Some(now) => format!("{} -> {now}", one.was),
            None => one.was.clone(),
        };
        page.text("  ", &format!("{name}: {}", one.told()));
    }
}

/// `+0 -2 ~3, 2 renamed`.
fn counts(of: &RuleCounts) -> String {
    let mut out = format!("+{} -{} ~{}", of.added, of.removed, of.changed);
    if of.renamed > 0 {
        out.push_str(&format!(", {} renamed", of.renamed));
    }
    if of.renumbered > 0 {
        out.push_str(&format!(", {} renumbered", of.renumbered));
    }
    out
}

fn rule_lines(page: &mut Page, difference: &Difference, rules: &Rules, options: &Options) {
    let differing: Vec<(&String, String)> = difference
        .summary
        .environments
        .iter()
        .filter(|(_, one)| one.rules != RuleCounts::default())
        .map(|(name, one)| (name, counts(&one.rules)))
        .collect();
    if options.rules && !rules.blocks.is_empty() {
        for environment in rules.environments() {
            page.gap();
            let counts = differing
                .iter()
                .find(|(name, _)| name.as_str() == environment);
            let heading = match counts {
                Some((_, counts)) => format!("Rules of {environment}: {counts}"),
                None => format!("Rules of {environment}:"),
            };
            let heading = page.painted(&harmless(&heading), Style::new().bold());
            page.line(&heading);
            for shown in rules.lines_of(environment) {
                let style = match shown {
                    super::rules::Shown::Line(line) => sign_style(line.sign),
                    _ => Style::new(),
                };
                // Rules are not wrapped: they are to be searched and copied.
                let line = page.painted(&harmless(&shown.line(options.ascii)), style);
                page.line(&line);
            }
        }
        return;
    }
    if differing.is_empty() {
        return;
    }
    page.gap();
    let parts: Vec<String> = differing
        .iter()
        .map(|(name, counts)| format!("{name} {counts}"))
        .collect();
    let unfold = if rules.blocks.is_empty() {
        ""
    } else {
        " (`--rules` shows them)"
    };
    page.text("Rules: ", &format!("{}{unfold}", parts.join("; ")));
}

fn sign_style(sign: Sign) -> Style {
    match sign {
        Sign::Added => AnsiColor::Green.on_default(),
        Sign::Removed => AnsiColor::Red.on_default(),
        Sign::Changed | Sign::Moved => AnsiColor::Yellow.on_default(),
        Sign::Note => Style::new(),
    }
}

fn attention(page: &mut Page, difference: &Difference) {
    let new: Vec<_> = difference.diagnostics.iter().filter(|d| d.new).collect();
    if difference.expiring.is_empty() && new.is_empty() && difference.notes.is_empty() {
        return;
    }
    page.gap();
    for one in &difference.expiring {
        page.text("ends soon: ", &words::ending(one));
    }
    for one in new {
        page.text(
            &format!("new {}: ", harmless(&one.level)),
            &words::finding(one),
        );
    }
    for note in &difference.notes {
        page.text("note: ", note);
    }
}

fn foot(page: &mut Page, difference: &Difference, rules: &Rules, options: &Options) {
    page.gap();
    let summary = &difference.summary;
    let regions = &summary.regions;
    let mut parts = Vec::new();
    for (count, word) in words::directions(regions) {
        if count == 0 {
            continue;
        }
        let hidden = difference
            .semantic
            .iter()
            .filter(|c| words::direction(c.change) == word && !shown(&options.only, c.change))
            .count();
        let text = words::counted(count, word, word);
        parts.push(match hidden {
            0 => text,
            all if all == count => format!("{text} (hidden)"),
            some => format!("{text} ({some} hidden)"),
        });
    }
    if parts.is_empty() {
        parts.push(match summary.verdict {
            Outcome::Same => "nothing differs".to_owned(),
            _ => "no traffic differs".to_owned(),
        });
    }
    if rules.renamed() > 0 {
        parts.push(format!("{} renamed", rules.renamed()));
    }
    let mut line = parts.join(", ");
    let blast = &summary.blast_radius;
    match words::resources(blast, true) {
        Some(text) => line.push_str(&format!("; {text} written")),
        None if summary.verdict != Outcome::Same => line.push_str("; no resource is written"),
        None => {}
    }
    if let Some(time) = blast.deploy_minutes {
        line.push_str(&format!("; {} min to deploy", words::minutes(time)));
    }
    page.text("", &line);
}
