//! Diagnostics for a terminal, in the form of rustc. The only file that names the renderer crate.

use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet,
    normalize_untrusted_str,
};

use super::cap::{cap, counts, hidden_line, without_long_words};
use super::{Diagnostic, Fix, Label, Severity};
use crate::source::{FileId, SourceFile, SourceMap, Span};

/// How the text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// With colour codes.
    pub color: bool,
    /// Nothing outside ASCII; other characters become `?`.
    pub ascii: bool,
    /// Notes are counted, not shown: a large policy that is in order has dozens.
    pub fold_notes: bool,
}

/// Renders all, with a line of counts at the end; empty if there is nothing to say.
#[must_use]
pub fn render(sources: &SourceMap, diagnostics: &[Diagnostic], style: Style) -> String {
    let Some((worst, counts)) = counts(diagnostics) else {
        return String::new();
    };
    let renderer = renderer(style);
    let folded: Vec<Diagnostic> = diagnostics
        .iter()
        .filter(|d| !(style.fold_notes && d.severity == Severity::Note))
        .cloned()
        .collect();
    let (shown, hidden) = cap(&folded);
    let mut out = String::new();
    for d in shown {
        let groups = groups(sources, d);
        out.push_str(without_nameless(&renderer.render(&groups)).trim_end());
        out.push_str("\n\n");
    }
    let mut tail = counts;
    if hidden > 0 {
        tail.push_str(&format!(" ({})", hidden_line(hidden)));
    }
    if folded.len() < diagnostics.len() {
        tail.push_str(" (-v shows notes)");
    }
    out.push_str(&count_line(&renderer, worst, tail));
    if style.ascii { to_ascii(&out) } else { out }
}

/// The text without the line that the renderer gives a snippet without a path, and the one before.
fn without_nameless(text: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for line in text.lines() {
        let signs = line.split('\u{1b}').enumerate().map(|(at, part)| {
            let colour = if at == 0 { None } else { part.split_once('m') };
            colour.map_or(part, |(_, text)| text)
        });
        if signs.collect::<String>().trim() == ":::" {
            kept.pop();
        } else {
            kept.push(line);
        }
    }
    kept.join("\n")
}

/// The line of counts alone; empty if there is nothing to say.
#[must_use]
pub fn summary(diagnostics: &[Diagnostic], style: Style) -> String {
    counts(diagnostics).map_or_else(String::new, |(worst, counts)| {
        count_line(&renderer(style), worst, counts)
    })
}

fn renderer(style: Style) -> Renderer {
    if style.color {
        Renderer::styled()
    } else {
        Renderer::plain()
    }
}

fn count_line(renderer: &Renderer, worst: Severity, counts: String) -> String {
    let line = [Group::with_title(level(worst).primary_title(counts))];
    renderer.render(&line) + "\n"
}

/// Replaces what is not ASCII, for consoles that cannot show it.
#[must_use]
pub fn to_ascii(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii() { c } else { '?' })
        .collect()
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

fn groups<'a>(sources: &'a SourceMap, d: &'a Diagnostic) -> Vec<Group<'a>> {
    let title = level(d.severity)
        .primary_title(without_long_words(&d.message))
        .id(d.code.id());
    let mut group = Group::with_title(title);
    if let Some(primary) = d.primary {
        for (origin, snippet) in snippets(sources, primary, d) {
            if let Some(origin) = origin {
                group = group.element(origin);
            }
            group = group.element(snippet);
        }
    }
    // A help that has a fix is the fix's title.
    let patch = d
        .fix
        .as_ref()
        .and_then(|fix| Some((fix, patch(sources, fix)?)));
    if let (Some(help), None) = (&d.help, &patch) {
        group =
            group.element(Level::HELP.message(normalize_untrusted_str(&without_long_words(help))));
    }
    if let Some(note) = &d.note {
        group =
            group.element(Level::NOTE.message(normalize_untrusted_str(&without_long_words(note))));
    }
    if let Some(packet) = &d.packet {
        let packet = normalize_untrusted_str(&without_long_words(packet));
        group = group.element(Level::NOTE.with_name("packet").message(packet));
    }
    let mut groups = vec![group];
    if let Some((fix, patch)) = patch {
        let default = if fix.replacement.is_empty() {
            "remove it"
        } else {
            "write"
        };
        let title = without_long_words(d.help.as_deref().unwrap_or(default));
        let title = normalize_untrusted_str(&title);
        groups.push(Level::HELP.secondary_title(title).element(patch));
    }
    groups
}

/// A snippet, after a line that names its place if the snippet cannot: it then begins inside a line.
type Shown<'a> = (Option<Origin<'a>>, Snippet<'a, Annotation<'a>>);

/// One snippet a file: that of the primary span first, the others in the order of their labels.
fn snippets<'a>(sources: &'a SourceMap, primary: Span, d: &'a Diagnostic) -> Vec<Shown<'a>> {
    let mut files: Vec<FileId> = vec![primary.file];
    for label in &d.labels {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    files
        .into_iter()
        .filter_map(|id| {
            let file = sources.get(id)?;
            let labels: Vec<&Label> = d.labels.iter().filter(|l| l.span.file == id).collect();
            let first = (id == primary.file).then_some(primary);
            let spans: Vec<Span> = first
                .into_iter()
                .chain(labels.iter().map(|l| l.span))
                .collect();
            let mut window = Window::of(file, &spans);
            let mut origin = None;
            let mut labels = labels;
            if window.has_long_line(file)
                && let Some(span) = spans.first()
            {
                origin = Some(place(file, *span));
                window = Window::inside_a_line(file, *span);
                labels.retain(|l| first.is_none() && l.span == *span);
            }
            let mut snippet = window.snippet(file, origin.is_none());
            if let Some(span) = first {
                let label = (!d.label.is_empty())
                    .then(|| normalize_untrusted_str(&without_long_words(&d.label)));
                snippet = snippet.annotation(
                    AnnotationKind::Primary
                        .span(window.range(file, span))
                        .label(label),
                );
            }
            for label in labels {
                snippet = snippet.annotation(
                    AnnotationKind::Context
                        .span(window.range(file, label.span))
                        .label(normalize_untrusted_str(&without_long_words(&label.text))),
                );
            }
            Some((origin, snippet))
        })
        .collect()
}

fn place(file: &SourceFile, span: Span) -> Origin<'_> {
    let (line, column) = file.lines.line_column(&file.text, span.start);
    Origin::path(normalize_untrusted_str(&file.name))
        .line(line as usize)
        .char_column(column as usize)
}

fn patch<'a>(sources: &'a SourceMap, fix: &'a Fix) -> Option<Snippet<'a, Patch<'a>>> {
    let file = sources.get(fix.span.file)?;
    let window = Window::of(file, &[fix.span]);
    let range = window.range(file, fix.span);
    // A fix that changes nothing has nothing to show.
    if window.text(file).get(range.clone()) == Some(fix.replacement.as_str()) {
        return None;
    }
    // The renderer shows the line of a patch in full.
    if window.has_long_line(file) || fix.replacement.len() > LONG_LINE {
        return None;
    }
    let replacement = normalize_lines(&fix.replacement);
    let snippet = window.snippet(file, true);
    Some(snippet.patch(Patch::new(range, replacement)))
}

/// The replacement with harmless characters, line ends kept.
fn normalize_lines(text: &str) -> String {
    text.split('\n')
        .map(normalize_untrusted_str)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Longest line in bytes that is shown with everything around it.
const LONG_LINE: usize = 1000;

/// How much is shown of a span in a longer line, and before and after it.
const SPAN_SHOWN: usize = 200;
const AROUND_SHOWN: usize = 60;

/// The lines of a file that are handed to the renderer, so that a long file costs nothing.
struct Window {
    start: usize,
    end: usize,
    line: u32,
}

impl Window {
    fn of(file: &SourceFile, spans: &[Span]) -> Self {
        let low = spans.iter().map(|s| s.start).min().unwrap_or(0);
        let high = spans.iter().map(|s| s.end.max(s.start)).max().unwrap_or(0);
        let length = u32::try_from(file.text.len()).unwrap_or(u32::MAX);
        let line = file.lines.line(low.min(length));
        let start = file.lines.line_start(line) as usize;
        let high = clamp(&file.text, high as usize);
        let end = file
            .text
            .get(high..)
            .and_then(|rest| rest.find('\n'))
            .map_or(file.text.len(), |at| high + at + 1);
        Self { start, end, line }
    }

    /// The start of a span in a long line, with a little of what stands around it.
    fn inside_a_line(file: &SourceFile, span: Span) -> Self {
        let whole = Self::of(file, &[Span::new(span.file, span.start, span.start)]);
        let at = clamp(&file.text, span.start as usize).clamp(whole.start, whole.end);
        let length = (span.end.saturating_sub(span.start) as usize).min(SPAN_SHOWN);
        let near = |offset: usize| clamp(&file.text, offset).clamp(whole.start, whole.end);
        Self {
            start: near(at.saturating_sub(AROUND_SHOWN)),
            end: near(at.saturating_add(length + AROUND_SHOWN)),
            line: whole.line,
        }
    }

    fn has_long_line(&self, file: &SourceFile) -> bool {
        self.text(file).lines().any(|line| line.len() > LONG_LINE)
    }

    fn text<'a>(&self, file: &'a SourceFile) -> &'a str {
        file.text.get(self.start..self.end).unwrap_or("")
    }

    fn snippet<'a, T: Clone>(&self, file: &'a SourceFile, named: bool) -> Snippet<'a, T> {
        let snippet = Snippet::source(self.text(file)).line_start(self.line as usize);
        if named {
            snippet.path(normalize_untrusted_str(&file.name))
        } else {
            snippet
        }
    }

    /// The span as a range of the window. The renderer needs ranges inside its text and on
    /// borders of characters.
    fn range(&self, file: &SourceFile, span: Span) -> std::ops::Range<usize> {
        let into = |offset: u32| {
            clamp(&file.text, offset as usize)
                .clamp(self.start, self.end.max(self.start))
                .saturating_sub(self.start)
        };
        let (start, end) = (into(span.start), into(span.end));
        start..end.max(start)
    }
}

/// The nearest border of a character at or before an offset.
fn clamp(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    // Bare names: the qualified form marks the one place that raises a code.
    use crate::diag::Code::*;

    #[test]
    fn spans_out_of_range_are_clamped() {
        let texts = [
            "",
            "\n",
            "é",
            "é\n",
            "a\r\nbé\r\n",
            "\u{202e}\u{1b}[31m\t\u{0}x",
            "日本\n語",
        ];
        for text in texts {
            let mut sources = SourceMap::default();
            let file = sources.add("a.gate", text);
            for start in 0..12 {
                for end in 0..12 {
                    for base in [0, u32::MAX - 20] {
                        let span = Span::new(file, base + start, base + end);
                        let d = Diagnostic::new(PC0001, span, text)
                            .label(text)
                            .also(Span::new(file, end, start), "other")
                            .also(Span::new(FileId(7), 0, 1), "nowhere")
                            .help(text)
                            .note(text)
                            .fix(span, text);
                        let shown = render(&sources, &[d], Style::default());
                        assert!(!shown.contains('\u{1b}'), "{shown:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn many_are_cut() {
        let sources = SourceMap::default();
        let mut all = vec![Diagnostic::general(PC1011, None, "soft"); 60];
        all.push(Diagnostic::general(PC1001, None, "hard"));
        let shown = render(&sources, &all, Style::default());
        assert!(shown.contains("error[PC1001]: hard"));
        assert!(shown.ends_with("error: 1 error, 60 warnings (11 more are not shown)\n"));
        assert_eq!(shown.matches("warning[PC1011]").count(), 49);
    }

    #[test]
    fn notes_can_be_folded() {
        let all = [
            Diagnostic::general(PC4006, None, "wide"),
            Diagnostic::general(PC1011, None, "unused"),
        ];
        let style = Style {
            fold_notes: true,
            ..Style::default()
        };
        assert_eq!(
            render(&SourceMap::default(), &all, style),
            "warning[PC1011]: unused\n\nwarning: 1 warning, 1 note (-v shows notes)\n"
        );
    }

    #[test]
    fn ascii_means_ascii() {
        let d = Diagnostic::general(PC1001, None, "no `é`");
        let style = Style {
            color: true,
            ascii: true,
            ..Style::default()
        };
        let shown = render(&SourceMap::default(), &[d], style);
        assert!(shown.is_ascii() && shown.contains("no `?`") && shown.contains('\u{1b}'));
    }
}
