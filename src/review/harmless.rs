//! Text from sources without what a terminal or a page would obey. It escapes for no form.

/// Text without what moves a terminal's cursor or turns the direction of writing; each such character is a
/// space or `?`.
#[must_use]
pub fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if c.is_control() || is_invisible(c) => '?',
            c => c,
        })
        .collect()
}

/// Characters that reorder or hide text: marks of direction, separators, joiners, the byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A word as a shell takes it.
#[must_use]
pub fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@~^=,+-".contains(c);
    // `~` at the front would be somebody's home.
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with('~') {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// At most so many characters, with `...` for the rest.
#[must_use]
pub fn clipped(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(most.saturating_sub(3)).collect();
    out.push_str("...");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        for plain in ["prod", "HEAD~1..HEAD", "main:a/b", "v1.0^"] {
            assert_eq!(shell(plain), plain);
        }
        assert_eq!(shell("a b'c"), "'a b'\\''c'");
        assert_eq!(shell("$(x)"), "'$(x)'");
        assert_eq!(shell(""), "''");
    }

    #[test]
    fn nothing_is_left_to_obey() {
        assert_eq!(harmless("a\u{1b}[31m\nb\u{202e}c"), "a?[31m b?c");
        assert_eq!(clipped("日本語日本語", 5), "日本...");
        assert_eq!(clipped("日本語", 3), "日本語");
    }
}
