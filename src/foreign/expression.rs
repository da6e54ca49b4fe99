//! The expressions of templates as trees: `[concat(parameters('name'), '/24')]`. It evaluates nothing.
//!
//! Source: "Syntax and expressions in Azure Resource Manager templates" (Microsoft Learn, checked
//! 2026-11-30).

/// How deep an expression may be.
const MOST_DEPTH: usize = 60;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    /// `'text'`, two quotes for one.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A function with its arguments; the name in lower case.
    Call(String, Vec<Expr>),
    /// `.name` of something.
    Member(Box<Expr>, String),
    /// `[number or name]` of something.
    Index(Box<Expr>, Box<Expr>),
}

/// The expression in a text, without its brackets; `None` if it is plain text.
pub(super) fn inside(text: &str) -> Option<&str> {
    let text = text.trim();
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    (!inner.starts_with('[')).then_some(inner)
}

/// The tree of an expression.
///
/// # Errors
/// Why it is none.
pub(super) fn parse(text: &str) -> Result<Expr, String> {
    let mut parser = Parser { rest: text };
    let out = parser.expression(0)?;
    parser.blanks();
    if parser.rest.is_empty() {
        Ok(out)
    } else {
        Err(format!("`{}` is not understood", parser.rest))
    }
}

struct Parser<'t> {
    rest: &'t str,
}

impl Parser<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, c: char) -> bool {
        self.blanks();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn name(&mut self) -> String {
        self.blanks();
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '$')
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        name.to_owned()
    }

    fn expression(&mut self, depth: usize) -> Result<Expr, String> {
        if depth > MOST_DEPTH {
            return Err("it is nested too deep".to_owned());
        }
        self.blanks();
        let mut out = if self.rest.starts_with('\'') {
            self.text()?
        } else if self
            .rest
            .starts_with(|c: char| c == '-' || c.is_ascii_digit())
        {
            self.number()?
        } else {
            self.call(depth)?
        };
        // A chain is a depth of its own.
        for links in depth.. {
            if links > MOST_DEPTH {
                return Err("it is nested too deep".to_owned());
            }
            if self.eat('.') {
                // `.?name`: null where it is not there, which here is not known.
                self.eat('?');
                let name = self.name();
                if name.is_empty() {
                    return Err("a name is missing behind a dot".to_owned());
                }
                if self.eat('(') {
                    return Err(format!("`{name}` is a function of the template's own"));
                }
                out = Expr::Member(Box::new(out), name);
            } else if self.eat('[') {
                self.eat('?');
                let index = self.expression(depth + 1)?;
                if !self.eat(']') {
                    return Err("a bracket is not closed".to_owned());
                }
                out = Expr::Index(Box::new(out), Box::new(index));
            } else {
                return Ok(out);
            }
        }
        Ok(out)
    }

    fn text(&mut self) -> Result<Expr, String> {
        let mut out = String::new();
        let mut rest = self.rest.chars();
        rest.next();
        loop {
            match rest.next() {
                None => return Err("a quote is not closed".to_owned()),
                Some('\'') if rest.as_str().starts_with('\'') => {
                    rest.next();
                    out.push('\'');
                }
                Some('\'') => break,
                Some(c) => out.push(c),
            }
        }
        self.rest = rest.as_str();
        Ok(Expr::Text(out))
    }

    fn number(&mut self) -> Result<Expr, String> {
        let end = self
            .rest
            .char_indices()
            .find(|(at, c)| !(c.is_ascii_digit() || *at == 0 && *c == '-'))
            .map_or(self.rest.len(), |(at, _)| at);
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits
            .parse()
            .map(Expr::Number)
            .map_err(|_| format!("`{digits}` is no whole number"))
    }

    fn call(&mut self, depth: usize) -> Result<Expr, String> {
        let name = self.name();
        if name.is_empty() {
            return Err(match self.rest.is_empty() {
                true => "it ends too early".to_owned(),
                false => format!("`{}` is not understood", self.rest),
            });
        }
        if !self.eat('(') {
            return Err(format!("`{name}` is not called"));
        }
        let mut arguments = Vec::new();
        if !self.eat(')') {
            loop {
                arguments.push(self.expression(depth + 1)?);
                if self.eat(')') {
                    break;
                }
                if !self.eat(',') {
                    return Err(format!("the arguments of `{name}` do not end"));
                }
            }
        }
        Ok(Expr::Call(name.to_ascii_lowercase(), arguments))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn calls_members_and_indexes_are_read() {
        let call = |name: &str, args| Expr::Call(name.to_owned(), args);
        let text = |t: &str| Expr::Text(t.to_owned());
        let read = parse("Variables('it''s').a[ -1 ]").unwrap();
        let member = Expr::Member(
            Box::new(call("variables", vec![text("it's")])),
            "a".to_owned(),
        );
        let expected = Expr::Index(Box::new(member), Box::new(Expr::Number(-1)));
        assert_eq!(read, expected);
        assert_eq!(
            parse("concat('a', null())").unwrap(),
            call("concat", vec![text("a"), call("null", Vec::new())])
        );
    }

    #[test]
    fn only_single_brackets_hold_expressions() {
        assert_eq!(inside("[a()]"), Some("a()"));
        for plain in ["[[a()]", "a()", "[a()", "10.0.0.0/8"] {
            assert_eq!(inside(plain), None, "{plain}");
        }
    }

    #[test]
    fn what_is_no_expression_is_told() {
        for (text, why) in [
            ("", "too early"),
            ("concat('a'", "do not end"),
            ("concat('a", "not closed"),
            ("concat", "not called"),
            ("a() b()", "not understood"),
            ("ns.own('x')", "not called"),
            ("a()[0", "not closed"),
            ("99999999999999999999", "no whole number"),
        ] {
            let told = parse(text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
        let deep = format!("{}{}", "a(".repeat(500), ")".repeat(500));
        assert!(parse(&deep).unwrap_err().contains("deep"));
        let chain = format!("a(){}", ".b".repeat(500));
        assert!(parse(&chain).unwrap_err().contains("deep"));
    }
}
