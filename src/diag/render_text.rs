//! Diagnostics for a terminal, in the form of rustc. The only file that names the renderer crate.

use annotate_snippets::{
    AnnotationKind, Group, Level, Patch, Renderer, Snippet, normalize_untrusted_str,
};

use super::cap::{cap, counts, hidden_line};
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
        out.push_str(renderer.render(&groups).trim_end());
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
        .primary_title(d.message.as_str())
        .id(d.code.id());
    let mut group = Group::with_title(title);
    if let Some(primary) = d.primary {
        for snippet in snippets(sources, primary, d) {
            group = group.element(snippet);
        }
    }
    // A help that has a fix is the fix's title.
    let patch = d
        .fix
        .as_ref()
        .and_then(|fix| Some((fix, patch(sources, fix)?)));
    if let (Some(help), None) = (&d.help, &patch) {
        group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
    }
    if let Some(note) = &d.note {
        group = group.element(Level::NOTE.message(normalize_untrusted_str(note)));
    }
    let mut groups = vec![group];
    if let Some((fix, patch)) = patch {
        let default = if fix.replacement.is_empty() {
            "remove it"
        } else {
            "write"
        };
        let title = normalize_untrusted_str(d.help.as_deref().unwrap_or(default));
        groups.push(Level::HELP.secondary_title(title).element(patch));
    }
    groups
}

/// One snippet a file: that of the primary span first, the others in the order of their labels.
fn snippets<'a>(
    sources: &'a SourceMap,
    primary: Span,
    d: &'a Diagnostic,
) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
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
            let window = Window::of(file, &spans);
            let mut snippet = window.snippet(file);
            if let Some(span) = first {
                let label = (!d.label.is_empty()).then(|| normalize_untrusted_str(&d.label));
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
                        .label(normalize_untrusted_str(&label.text)),
                );
            }
            Some(snippet)
        })
        .collect()
}

fn patch<'a>(sources: &'a SourceMap, fix: &'a Fix) -> Option<Snippet<'a, Patch<'a>>> {
    let file = sources.get(fix.span.file)?;
    let window = Window::of(file, &[fix.span]);
    let range = window.range(file, fix.span);
    // A fix that changes nothing has nothing to show.
    if window.text(file).get(range.clone()) == Some(fix.replacement.as_str()) {
        return None;
    }
    let replacement = normalize_lines(&fix.replacement);
    Some(window.snippet(file).patch(Patch::new(range, replacement)))
}

/// The replacement with harmless characters, line ends kept.
fn normalize_lines(text: &str) -> String {
    text.split('\n')
        .map(normalize_untrusted_str)
        .collect::<Vec<_>>()
        .join("\n")
}

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

    fn text<'a>(&self, file: &'a SourceFile) -> &'a str {
        file.text.get(self.start..self.end).unwrap_or("")
    }

    fn snippet<'a, T: Clone>(&self, file: &'a SourceFile) -> Snippet<'a, T> {
        Snippet::source(self.text(file))
            .line_start(self.line as usize)
            .path(normalize_untrusted_str(&file.name))
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
