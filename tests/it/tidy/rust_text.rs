//! Just enough reading of Rust to find paths in it: comments and literals out, test code out, `use`
//! trees expanded. It is not a parser and accepts anything.

/// The text without comments; literals keep their quotes and lose their contents. Line breaks stay,
/// so lines keep their numbers.
pub(crate) fn without_comments(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let end = match (chars[i], chars.get(i + 1)) {
            ('/', Some('/')) => find(&chars, i, |at| chars[at] == '\n'),
            ('/', Some('*')) => block_comment(&chars, i),
            ('"', _) => string(&chars, i),
            ('r', Some('"' | '#')) if i == 0 || !is_word(chars[i - 1]) || chars[i - 1] == 'b' => {
                raw_string(&chars, i)
            }
            ('\'', _) => character(&chars, i),
            _ => i,
        };
        if end == i {
            out.push(chars[i]);
            i += 1;
            continue;
        }
        // A literal or comment: keep its line breaks, and mark a literal.
        if chars[i] != '/' {
            out.push('"');
        }
        out.extend(chars[i..end].iter().filter(|c| **c == '\n'));
        if chars[i] != '/' {
            out.push('"');
        }
        i = end;
    }
    out
}

/// The code without comments, contents of literals and items under `#[cfg(test)]` or `#[test]`; and
/// the names of modules in files of their own that are for tests only.
pub(crate) fn product_code(text: &str) -> (String, Vec<String>) {
    let mut code: Vec<char> = without_comments(text).chars().collect();
    let mut modules = Vec::new();
    for mark in ["#[cfg(test)]", "#[test]"] {
        let mark: Vec<char> = mark.chars().collect();
        let mut i = 0;
        while i + mark.len() <= code.len() {
            if code[i..i + mark.len()] != mark[..] {
                i += 1;
                continue;
            }
            let end = item_end(&code, i + mark.len());
            let item: String = code[i + mark.len()..end].iter().collect();
            let words: Vec<&str> = item.split_whitespace().collect();
            let module = words.iter().position(|w| *w == "mod");
            if let Some(at) = module.filter(|_| item.trim_end().ends_with(';')) {
                modules.push(words[at + 1].trim_end_matches(';').to_owned());
            }
            for c in &mut code[i..end] {
                if *c != '\n' {
                    *c = ' ';
                }
            }
            i = end;
        }
    }
    (code.into_iter().collect(), modules)
}

/// Every path that starts with this word, `use` trees expanded, with its line. The word itself is the
/// first part: `std::{fs, io::Write}` is `[std, fs]` and `[std, io, Write]`.
pub(crate) fn paths(code: &str, start: &str) -> Vec<(usize, Vec<String>)> {
    let chars: Vec<char> = code.chars().collect();
    let word: Vec<char> = start.chars().collect();
    let mut found = Vec::new();
    let mut line = 1;
    for i in 0..chars.len() {
        if chars[i] == '\n' {
            line += 1;
        }
        let end = i + word.len();
        if end > chars.len() || chars[i..end] != word[..] {
            continue;
        }
        let inside = i > 0 && (is_word(chars[i - 1]) || chars[i - 1] == ':');
        if inside || chars.get(end).copied().is_some_and(is_word) {
            continue;
        }
        let mut leaves = Vec::new();
        tree(&chars, i, &[], &mut leaves);
        found.extend(
            leaves
                .into_iter()
                .filter(|path| path.len() > 1)
                .map(|path| (line, path)),
        );
    }
    found
}

/// Reads `a::b::{c, d::e}` at a place; returns where it ends.
fn tree(chars: &[char], at: usize, before: &[String], leaves: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    let mut i = skip_space(chars, at);
    loop {
        if chars.get(i) == Some(&'{') {
            i += 1;
            loop {
                i = skip_space(chars, i);
                match chars.get(i) {
                    None => return i,
                    Some('}') => return i + 1,
                    Some(',') => i += 1,
                    Some(_) => {
                        let end = tree(chars, i, &path, leaves);
                        // Something that no path holds: step over it.
                        i = end.max(i + 1);
                    }
                }
            }
        }
        let end = find(chars, i, |at| !is_word(chars[at]));
        if end == i {
            leaves.push(path);
            return i;
        }
        path.push(chars[i..end].iter().collect());
        i = skip_space(chars, end);
        if chars.get(i) == Some(&':') && chars.get(i + 1) == Some(&':') {
            i = skip_space(chars, i + 2);
        } else {
            leaves.push(path);
            return end;
        }
    }
}

/// Where the item after an attribute ends: its closing brace or its semicolon.
fn item_end(code: &[char], from: usize) -> usize {
    let mut depth = 0_usize;
    for (i, c) in code.iter().enumerate().skip(from) {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && *c == '}' {
                    return i + 1;
                }
            }
            ';' if depth == 0 => return i + 1,
            _ => {}
        }
    }
    code.len()
}

fn block_comment(chars: &[char], from: usize) -> usize {
    let mut depth = 0_usize;
    let mut i = from;
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => {
                depth += 1;
                i += 2;
            }
            ('*', '/') => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    return i;
                }
            }
            _ => i += 1,
        }
    }
    chars.len()
}

fn string(chars: &[char], from: usize) -> usize {
    let mut i = from + 1;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

fn raw_string(chars: &[char], from: usize) -> usize {
    let open = find(chars, from + 1, |at| chars[at] != '#');
    let hashes = open - from - 1;
    if chars.get(open) != Some(&'"') {
        // A raw identifier.
        return from;
    }
    let mut i = open + 1;
    while i < chars.len() {
        let close = i + 1 + hashes;
        if chars[i] == '"' && close <= chars.len() && chars[i + 1..close].iter().all(|c| *c == '#')
        {
            return close;
        }
        i += 1;
    }
    chars.len()
}

/// A character literal; a lifetime is left alone.
fn character(chars: &[char], from: usize) -> usize {
    match (chars.get(from + 1), chars.get(from + 2)) {
        (Some('\\'), _) => {
            let end = find(chars, from + 3, |at| chars[at] == '\'');
            (end + 1).min(chars.len())
        }
        (Some(_), Some('\'')) => from + 3,
        _ => from,
    }
}

fn find(chars: &[char], from: usize, stop: impl Fn(usize) -> bool) -> usize {
    (from..chars.len())
        .find(|at| stop(*at))
        .unwrap_or(chars.len())
}

fn skip_space(chars: &[char], from: usize) -> usize {
    find(chars, from, |at| !chars[at].is_whitespace())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[test]
fn comments_literals_and_tests_are_left_out() {
    let text = concat!(
        "//! crate::a\n",
        "use crate::{b::C, d::{E, f::G}};\n",
        "const T: &str = \"crate::h // \\\" crate::i\"; /* crate::j /* crate::k */ */\n",
        "const Q: char = '\"'; const R: char = '\\''; fn x<'a>() { crate::l::<u8>() }\n",
        "const S: &str = r#\"crate::m \" \"#;\n",
        "#[cfg(test)]\nmod tests { use crate::n; fn y() { if true {} } }\n",
        "#[cfg(test)]\nmod apart;\n",
        "fn z() -> std::io::Error { super::super::o::p() }\n",
    );
    let (code, modules) = product_code(text);
    assert_eq!(modules, ["apart"]);
    let show = |start: &str| -> Vec<String> {
        paths(&code, start)
            .into_iter()
            .map(|(line, path)| format!("{line} {}", path.join("::")))
            .collect()
    };
    let expected = [
        "2 crate::b::C",
        "2 crate::d::E",
        "2 crate::d::f::G",
        "4 crate::l",
    ];
    assert_eq!(show("crate"), expected);
    assert_eq!(show("std"), ["10 std::io::Error"]);
    assert_eq!(show("super"), ["10 super::super::o::p"]);
}
