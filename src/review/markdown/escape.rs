//! Text from sources as Markdown that means nothing: no table, no markup, no HTML, no mention, no link.
//!
//! Forges look for `@name` and `#123` in what was rendered, so that no escaping of Markdown helps: what
//! follows is kept apart by a space of no width, or stands in a code span, where they do not look. The same
//! form holds inside and outside tables, on GitHub and on Azure DevOps.

use crate::review::harmless::{clipped, harmless};

/// The most characters of one text from a source; the JSON form has all of it.
const LONGEST: usize = 240;

/// The most characters of one name in a table.
const LONGEST_NAME: usize = 120;

/// What keeps two characters apart that would be read together.
const APART: &str = "&#8203;";

/// Running text.
pub(super) fn text(from: &str) -> String {
    escaped(&clipped(&harmless(from), LONGEST))
}

fn escaped(from: &str) -> String {
    let mut out = String::with_capacity(from.len() + 16);
    let mut rest = from.chars().peekable();
    let mut before = [' ', ' ', ' '];
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        match c {
            '&' | '<' | '>' | '|' | '`' | '*' | '_' | '[' | ']' | '~' | '\\' | '$' | '"' => {
                out.push_str(&format!("&#{};", u32::from(c)));
            }
            '@' => {
                out.push('@');
                out.push_str(APART);
            }
            // Issues and pull requests, on both forges.
            '#' | '!' if next.is_some_and(|n| n.is_ascii_alphanumeric()) => {
                out.push(c);
                out.push_str(APART);
            }
            '-' if before
                .iter()
                .skip(1)
                .collect::<String>()
                .eq_ignore_ascii_case("gh") =>
            {
                out.push('-');
                out.push_str(APART);
            }
            // Links.
            ':' if next == Some('/') => {
                out.push(':');
                out.push_str(APART);
            }
            '.' if before
                .iter()
                .collect::<String>()
                .eq_ignore_ascii_case("www") =>
            {
                out.push_str(APART);
                out.push('.');
            }
            c => out.push(c),
        }
        let [_, second, third] = before;
        before = [second, third, c];
    }
    out
}

/// A name, in a code span.
pub(super) fn code(from: &str) -> String {
    span(&clipped(&harmless(from), LONGEST_NAME))
}

/// A command to copy, in a code span: never cut.
pub(super) fn command(from: &str) -> String {
    span(&harmless(from))
}

fn span(from: &str) -> String {
    let text = from.trim();
    if text.is_empty() {
        return "(no name)".to_owned();
    }
    if !text.contains(['|', '`', '\\']) {
        return format!("`{text}`");
    }
    // In a table a pipe ends a cell even in a code span, and readers differ on what a backslash does there.
    let inner: String = text
        .chars()
        .map(|c| match c {
            ' ' | ',' | '-' | '/' => c.to_string(),
            c if c.is_alphanumeric() => c.to_string(),
            c => format!("&#{};", u32::from(c)),
        })
        .collect();
    format!("<code>{inner}</code>")
}

/// A message in which backticks stand around names.
pub(super) fn message(from: &str) -> String {
    let clean = clipped(&harmless(from), LONGEST);
    let clean = clean.replace(" -> ", " → ");
    let parts: Vec<&str> = clean.split('`').collect();
    // An odd backtick is a character as any other.
    if parts.len().is_multiple_of(2) {
        return escaped(&clean);
    }
    let mut out = String::new();
    for (at, part) in parts.iter().enumerate() {
        if at % 2 == 0 {
            out.push_str(&escaped(part));
        } else if !part.trim().is_empty() {
            out.push_str(&span(part));
        }
    }
    out
}

/// A value in the marker comment: nothing that ends a comment or a word.
pub(super) fn marker(from: &str) -> String {
    let mut out = String::new();
    for c in clipped(from, LONGEST_NAME).chars() {
        let doubled = c == '-' && out.ends_with('-');
        if !doubled && (c.is_ascii_alphanumeric() || "._/-".contains(c)) {
            out.push(c);
        } else {
            let mut bytes = [0_u8; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_read() {
        for (from, to) in [
            ("a|b\n<b>*x*", "a&#124;b &#60;b&#62;&#42;x&#42;"),
            (
                "@team #12 !7 GH-5",
                "@&#8203;team #&#8203;12 !&#8203;7 GH-&#8203;5",
            ),
            ("https://a www.b.c", "https:&#8203;//a www&#8203;.b.c"),
        ] {
            assert_eq!(text(from), to);
        }
        for (from, to) in [
            ("a@b #12", "`a@b #12`"),
            ("a|b`<", "<code>a&#124;b&#96;&#60;</code>"),
            (" ", "(no name)"),
        ] {
            assert_eq!(code(from), to);
        }
        assert_eq!(message("see `a_b` and c_d"), "see `a_b` and c&#95;d");
        assert_eq!(message("odd ` @x"), "odd &#96; @&#8203;x");
        assert_eq!(marker("a--> b"), "a-%2D%3E%20b");
    }
}
