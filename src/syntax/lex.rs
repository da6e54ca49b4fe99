//! Text to tokens: longest run first, then its kind. It never fails and judges no value.

use super::token::{Kind, Lexed, RawComment, Token};
use super::words::PROTOCOLS;

/// No policy comes near this; a text beyond it is refused before memory is spent on it.
pub(crate) const MAX_TOKENS: usize = 2_000_000;

/// Longest run of ordinary characters that is read as several tokens. Each of them looks at the rest
/// of the run, so a longer one would cost its square; it is one token that nothing accepts.
const MAX_SPLIT: usize = 1024;

/// Splits a text into tokens and comments.
pub(crate) fn lex(text: &str) -> Lexed {
    let mut lexer = Lexer {
        text,
        at: 0,
        line_start: 0,
        newlines: 1,
        glued: false,
        after_source_port: false,
        out: Lexed::default(),
    };
    while lexer.step() {}
    lexer.push(Kind::Eof, text.len(), text.len());
    lexer.out
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line_start: usize,
    /// Line ends since the last token or comment; the start of the text counts as one.
    newlines: u32,
    glued: bool,
    after_source_port: bool,
    out: Lexed,
}

impl Lexer<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or("")
    }

    /// Reads one token, comment or piece of white space; false at the end.
    fn step(&mut self) -> bool {
        if self.at >= self.text.len() {
            return false;
        }
        if self.out.tokens.len() >= MAX_TOKENS || self.out.comments.len() >= MAX_TOKENS {
            self.out.overflow = true;
            return false;
        }
        let start = self.at;
        match self.byte(start) {
            b'\n' => {
                self.newlines = self.newlines.saturating_add(1);
                self.at += 1;
                self.line_start = self.at;
                self.glued = false;
            }
            b' ' | b'\t' | b'\r' => {
                self.at += 1;
                self.glued = false;
            }
            b'/' if self.byte(start + 1) == b'/' => self.comment(),
            b'"' => self.string(),
            _ => self.token(),
        }
        true
    }

    fn comment(&mut self) {
        let start = self.at;
        let line = self.text.get(start..).unwrap_or("");
        let line = line.split('\n').next().unwrap_or("");
        self.at = start + line.len();
        self.out.comments.push(RawComment {
            start: small(start),
            end: small(start + line.trim_end().len()),
            blank_before: self.newlines >= 2,
            same_line: self.newlines == 0 && !self.out.tokens.is_empty(),
        });
        self.newlines = 0;
        self.glued = false;
    }

    fn string(&mut self) {
        let start = self.at;
        let mut at = start + 1;
        loop {
            match self.byte(at) {
                b'"' => {
                    self.push(Kind::Str, start, at + 1);
                    return;
                }
                b'\\' if !matches!(self.byte(at + 1), b'\n' | b'\r') => at += 2,
                b'\n' => break,
                _ if at >= self.text.len() => break,
                _ => at += 1,
            }
        }
        let mut end = at.min(self.text.len());
        while end > start + 1 && self.byte(end - 1).is_ascii_whitespace() {
            end -= 1;
        }
        self.push(Kind::OpenStr, start, end);
    }

    fn token(&mut self) {
        let start = self.at;
        let byte = self.byte(start);
        let next = self.byte(start + 1);
        let previous = self.out.tokens.last().map_or(Kind::Eof, |t| t.kind);
        let ports_here =
            (self.glued && matches!(previous, Kind::Colon | Kind::Slash)) || self.after_source_port;
        let single = match byte {
            b'{' => Kind::LBrace,
            b'}' => Kind::RBrace,
            b'[' => Kind::LBracket,
            b']' => Kind::RBracket,
            b'(' => Kind::LParen,
            b')' => Kind::RParen,
            b',' => Kind::Comma,
            b':' if next != b':' => Kind::Colon,
            b'/' => Kind::Slash,
            _ => Kind::Eof,
        };
        if single != Kind::Eof {
            self.push(single, start, start + 1);
        } else if byte == b'=' && next == b'=' {
            self.push(Kind::EqualEqual, start, start + 2);
        } else if byte == b'=' {
            self.push(Kind::Equals, start, start + 1);
        } else if byte == b'!' && next == b'=' {
            self.push(Kind::NotEqual, start, start + 2);
        } else if byte == b'-' && next == b'>' {
            self.push(Kind::Arrow, start, start + 2);
        } else if ports_here && (byte.is_ascii_digit() || byte == b'*') {
            self.ports(start);
        } else {
            let end = self.run_end(start);
            if end == start {
                self.bad(start);
            } else {
                self.run(start, end);
            }
        }
    }

    /// One past the last character of the run of ordinary characters at `start`.
    fn run_end(&self, start: usize) -> usize {
        let mut at = start;
        loop {
            match self.byte(at) {
                b'-' if self.byte(at + 1) == b'>' => return at,
                b'$' if self.byte(at + 1) == b'{' => {
                    let mut close = at + 2;
                    while is_name_byte(self.byte(close)) {
                        close += 1;
                    }
                    if self.byte(close) != b'}' {
                        return at;
                    }
                    at = close + 1;
                }
                b'.' | b':' | b'/' | b'*' => at += 1,
                byte if is_name_byte(byte) => at += 1,
                _ => return at,
            }
        }
    }

    /// A run of characters that begin no token.
    fn bad(&mut self, start: usize) {
        let rest = self.text.get(start..).unwrap_or("");
        let mut length = rest.chars().next().map_or(1, char::len_utf8);
        for c in rest.get(length..).unwrap_or("").chars() {
            let ordinary = c.is_ascii_alphanumeric() || "_.:/*-\"{}[](),=!$ \t\r\n".contains(c);
            if ordinary {
                break;
            }
            length += c.len_utf8();
        }
        self.push(Kind::Bad, start, start + length);
    }

    /// A port list: one token without spaces.
    fn ports(&mut self, start: usize) {
        let mut at = start;
        loop {
            match self.byte(at) {
                b'-' if self.byte(at + 1) == b'>' => break,
                b',' if self.byte(at + 1).is_ascii_digit() => at += 1,
                b'-' => at += 1,
                byte if byte.is_ascii_digit() => at += 1,
                _ => break,
            }
        }
        let end = self.run_end(at);
        if end > at {
            self.push(Kind::BadPorts, start, end);
        } else {
            self.push(Kind::Ports, start, at);
        }
    }

    /// Classifies the run `start..end`; may push only its first part.
    fn run(&mut self, start: usize, end: usize) {
        let run = self.slice(start, end);
        if run.contains("://") {
            let mut stop = end;
            while !matches!(
                self.byte(stop),
                b' ' | b'\t' | b'\r' | b'\n' | b'"' | b',' | b')' | b']' | 0
            ) {
                stop += 1;
            }
            self.push(Kind::Url, start, stop);
            return;
        }
        let (kind, length) = classify(run);
        // A label's colon ends its run: nothing is left to be read again.
        if length + 1 < run.len() && run.len() > MAX_SPLIT {
            self.push(Kind::Other, start, end);
        } else {
            self.push(kind, start, start + length);
        }
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        self.after_source_port = kind == Kind::Word && self.slice(start, end) == "source-port";
        let first_on_line = self.newlines > 0
            || self.out.tokens.is_empty()
            || (kind == Kind::Eof && self.line_start == start);
        self.out.tokens.push(Token {
            kind,
            first_on_line,
            blank_before: self.newlines >= 2,
            glued: self.glued,
            start: small(start),
            end: small(end),
            column: small(start - self.line_start.min(start)),
            comments: small(self.out.comments.len()),
        });
        self.at = end;
        self.newlines = 0;
        self.glued = true;
    }
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// A letter or `_`, then letters, digits, `_`, `-`; no trailing `-`.
pub(crate) fn is_name(text: &str) -> bool {
    let first = text.bytes().next().unwrap_or(b'-');
    (first.is_ascii_alphabetic() || first == b'_')
        && text.bytes().all(is_name_byte)
        && !text.ends_with('-')
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_ports(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// The kind of a run and how much of it the first token takes.
fn classify(run: &str) -> (Kind, usize) {
    // `https/443` and also a declared service before a slash, which the parser refuses with a help.
    let head = run.split('/').next().unwrap_or("");
    if head.len() < run.len() && (PROTOCOLS.contains(&head) || is_name(head)) {
        return (Kind::Word, head.len());
    }
    if run.contains(':') {
        return with_colon(run);
    }
    (plain(run), run.len())
}

fn with_colon(run: &str) -> (Kind, usize) {
    if run.ends_with(':') && !run.ends_with("::") {
        let head = run.strip_suffix(':').unwrap_or(run);
        return classify(head);
    }
    let hexadecimal = run
        .bytes()
        .all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.' | b'/' | b'-'));
    if run.contains("::") {
        // A path may end in `:ports`.
        let path = match run.rsplit_once(':') {
            Some((head, tail)) if !head.ends_with(':') && is_ports(tail) => head,
            _ => run,
        };
        if path.split("::").all(is_name) {
            return (Kind::Path, path.len());
        }
        if hexadecimal || !run.split("::").next().is_some_and(is_name) {
            return (Kind::Cidr, run.len());
        }
        return (Kind::Other, run.len());
    }
    if hexadecimal && run.bytes().filter(|b| *b == b':').count() >= 2 {
        return (Kind::Cidr, run.len());
    }
    let head = run.split(':').next().unwrap_or(run);
    (plain(head), head.len())
}

/// The kind of a run without a colon.
fn plain(run: &str) -> Kind {
    let numeric = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit() || b == b'.' || b == b'-')
    };
    if run == "*" {
        Kind::Star
    } else if is_name(run) {
        Kind::Word
    } else if is_digits(run) {
        Kind::Int
    } else if is_date(run) {
        Kind::Date
    } else if let Some((head, _)) = run.split_once('/') {
        if numeric(head) && !head.is_empty() {
            Kind::Cidr
        } else if head.contains(['.', '*', '$']) {
            Kind::Fqdn
        } else {
            Kind::Other
        }
    } else if numeric(run) && run.contains('.') && run.contains(|c: char| c.is_ascii_digit()) {
        if run.starts_with('.') {
            Kind::Fqdn
        } else {
            Kind::Cidr
        }
    } else if run.contains(['.', '*', '$']) {
        Kind::Fqdn
    } else {
        Kind::Other
    }
}

fn is_date(run: &str) -> bool {
    run.len() == 10
        && run.bytes().enumerate().all(|(at, b)| {
            if at == 4 || at == 7 {
                b == b'-'
            } else {
                b.is_ascii_digit()
            }
        })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        lex(text)
            .tokens
            .iter()
            .filter(|t| t.kind != Kind::Eof)
            .map(|t| (t.kind, &text[t.start as usize..t.end as usize]))
            .collect()
    }

    #[test]
    fn runs_are_classified() {
        for (text, kind) in [
            ("apim", Kind::Word),
            ("weu::apim", Kind::Path),
            ("1.2.3.4.nip.io", Kind::Fqdn),
            ("10.0.0", Kind::Cidr),
            ("10.0.0.0/8", Kind::Cidr),
            ("10.0.0.1-10.0.0.9", Kind::Cidr),
            ("fd00::/8", Kind::Cidr),
            ("fd00::1-fd00::9", Kind::Cidr),
            ("::/0", Kind::Cidr),
            ("2001:db8:0:0:0:0:0:1", Kind::Cidr),
            ("fe80::a", Kind::Path),
            ("*.contoso.com", Kind::Fqdn),
            ("*contoso.com", Kind::Fqdn),
            ("contoso.com.", Kind::Fqdn),
            ("${region}.login.microsoft.com", Kind::Fqdn),
            ("2027-01-31", Kind::Date),
            ("2a", Kind::Other),
            ("foo-", Kind::Other),
            ("https://www.contoso.com/a?b=c", Kind::Url),
            ("\"a \\\" b\"", Kind::Str),
            ("\"a", Kind::OpenStr),
        ] {
            assert_eq!(kinds(text), vec![(kind, text)], "{text}");
        }
    }

    #[test]
    fn ports_only_where_they_may_stand() {
        use Kind::{BadPorts, Colon, Comma, Int, Path, Ports, RBracket, Slash, Word};
        assert_eq!(
            kinds("tcp/80,443, udp/53"),
            vec![
                (Word, "tcp"),
                (Slash, "/"),
                (Ports, "80,443"),
                (Comma, ","),
                (Word, "udp"),
                (Slash, "/"),
                (Ports, "53"),
            ]
        );
        assert_eq!(
            kinds("weu::apim:443"),
            vec![(Path, "weu::apim"), (Colon, ":"), (Ports, "443")]
        );
        assert_eq!(
            kinds("]:22,3389"),
            vec![(RBracket, "]"), (Colon, ":"), (Ports, "22,3389")]
        );
        assert_eq!(
            kinds("source-port 1024-65535"),
            vec![(Word, "source-port"), (Ports, "1024-65535")]
        );
        assert_eq!(kinds("tcp/*")[2], (BadPorts, "*"));
        assert_eq!(kinds("tcp/80, 443")[4], (Int, "443"));
    }

    #[test]
    fn comments_know_their_line() {
        let lexed = lex("// a\n\n// b\nx // c\n");
        let flags: Vec<(bool, bool)> = lexed
            .comments
            .iter()
            .map(|c| (c.blank_before, c.same_line))
            .collect();
        assert_eq!(flags, vec![(false, false), (true, false), (false, true)]);
    }
}
