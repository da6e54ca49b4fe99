//! From the record of the furthest failure to "expected X, found Y" with a help. It decides wording
//! only; what was expected is recorded in input.rs.

use super::faults;
use super::input::{Expected, Tokens};
use super::literal::shorten;
use super::token::Kind;
use super::words;
use crate::diag::Diagnostic;
use crate::diag::suggest::closest;
use crate::source::Span;

impl Tokens<'_> {
    /// The diagnostic of the statement that just failed.
    pub(crate) fn fault(&self) -> Diagnostic {
        if let Some(special) = self.state.special.borrow_mut().take() {
            return special;
        }
        let at = self.state.furthest.get();
        let here = Tokens {
            rest: self.state.lexed.tokens.get(at..).unwrap_or(&[]),
            state: self.state,
        };
        let expected = self.state.expected.borrow();
        here.mismatch(&expected)
    }

    /// "expected X, found Y" at the next token.
    pub(crate) fn mismatch(&self, expected: &[Expected]) -> Diagnostic {
        let token = self.peek();
        let text = self.text(token);
        if token.kind == Kind::OpenStr {
            let quote = Span::new(self.state.file, token.start, token.start + 1);
            return faults::unclosed(quote, "\"", None);
        }
        let parts: Vec<String> = expected
            .iter()
            .map(|e| match e {
                Expected::Word(w) => format!("`{w}`"),
                Expected::What(w) => (*w).to_owned(),
            })
            .collect();
        let what = faults::join_or(&parts);
        let ended = token.kind == Kind::Eof || self.at_statement(words::STATEMENTS);
        let (span, found) = match self.previous() {
            Some(before) if ended => (
                Span::new(self.state.file, before.end, before.end),
                if token.kind == Kind::Eof {
                    "the end of the file".to_owned()
                } else {
                    "the end of the statement".to_owned()
                },
            ),
            _ if token.kind == Kind::Eof => (self.span(token), "the end of the file".to_owned()),
            _ if token.kind == Kind::Str => (self.span(token), "a string".to_owned()),
            _ => (self.span(token), format!("`{}`", shorten(text))),
        };
        let mut diagnostic = faults::expected(span, &what, &found);
        // A word that has a place of its own is not a misspelling of another one.
        let known = words::CLAUSES.contains(&text) || words::BETWEEN.contains(&text);
        let near = (!ended && !known && token.kind == Kind::Word)
            .then(|| {
                let known = expected.iter().filter_map(|e| match e {
                    Expected::Word(w) if w.len() > 1 => Some(*w),
                    _ => None,
                });
                closest(text, known)
            })
            .flatten();
        if let Some(near) = near {
            diagnostic = diagnostic
                .help(format!("did you mean `{near}`?"))
                .fix(span, near);
        } else if let Some(hint) = self.hint(expected) {
            diagnostic = diagnostic.help(hint);
        } else if let Some(form) = words::form(self.state.statement.get()) {
            diagnostic = diagnostic.help(format!("the form is `{form}`"));
        }
        diagnostic
    }

    /// What to write instead of a token that people bring from other languages.
    fn hint(&self, expected: &[Expected]) -> Option<&'static str> {
        let token = self.peek();
        let text = self.text(token);
        let wants = |what| expected.contains(&Expected::What(what));
        let word = |word| expected.contains(&Expected::Word(word));
        Some(match token.kind {
            Kind::Colon if word("=") => "a value is set with `=`",
            Kind::RBrace if wants("a statement") => "no `{` is open here: remove it",
            Kind::Comma if word("except") => "several endpoints stand in brackets: `[a, b]`",
            Kind::Word if text == "and" && word("except") => {
                "several endpoints stand in brackets: `[a, b]`"
            }
            Kind::Bad if text.starts_with("&&") || text.starts_with("||") || text == "!" => {
                "conditions are joined with `and`, `or` and `not`"
            }
            Kind::Int if wants("a protocol or service") => {
                "write the protocol before the ports: `tcp/443`"
            }
            _ if wants("a date") => "a date is `YYYY-MM-DD`",
            Kind::Cidr if wants("a name without quotes") => {
                "an address is no name: write it bare, for example `to 10.0.0.0/24`"
            }
            Kind::Cidr if self.state.statement.get() == "route" && wants("a name") => {
                "a hop is a name: declare the appliance as a `firewall` with its `private-ip`"
            }
            Kind::Cidr if self.state.statement.get() == "route" && word("on") => {
                "only a firewall has an address: declare it as a `firewall` with its `private-ip`, and go `via` that"
            }
            Kind::Url => "write `url(\"www.contoso.com/a/*\")`, without the scheme",
            Kind::Slash if self.look(1).kind == Kind::BadPorts => "a comment begins with `//`",
            Kind::Slash => "write protocol and ports as one word: `tcp/443`",
            Kind::Colon if self.look(1).kind == Kind::Ports => {
                "ports stand behind the protocol: `tcp/443`"
            }
            Kind::Bad if text.starts_with('#') => "a comment begins with `//`",
            Kind::Bad if text.starts_with(';') && word(",") => {
                "elements of a list stand apart by `,`"
            }
            Kind::Bad if text.starts_with(';') => "a statement ends with its line, without a sign",
            Kind::Bad if text.starts_with('\'') => "strings stand in double quotes",
            Kind::Str if wants("an endpoint") || wants("a name without quotes") => {
                "names stand without quotes, for example `www.contoso.com`"
            }
            Kind::Fqdn | Kind::Word if wants("a string") && expected.len() == 1 => {
                "write it in quotes"
            }
            Kind::Str if wants("a clause") => "a reason is written `for \"why\"`",
            _ => return None,
        })
    }
}
