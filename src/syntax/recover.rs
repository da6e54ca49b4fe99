//! What happens around a fault: one diagnostic, a skip to the next statement, an error node. It
//! also hangs comments on nodes, since both are about where a node begins and ends.

use super::ast::{Node, Trivia};
use super::faults;
use super::input::{Expected, In, Res};
use super::token::{Kind, Token};
use super::words::{BETWEEN, CLAUSES, MEMBERS, PROBES, STATEMENTS};
use crate::source::Span;

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the file itself.
    File,
    /// Inside a group.
    Group,
    /// Inside a test.
    Test,
}

impl Place {
    /// The words that begin a statement there.
    pub(crate) fn words(self) -> &'static [&'static str] {
        match self {
            Self::File => STATEMENTS,
            Self::Group => MEMBERS,
            Self::Test => PROBES,
        }
    }
}

/// Reads a node with its comments: those above it, those inside it that belong to no smaller
/// node, and the one at the end of its last line.
pub(crate) fn node<'a, T>(i: In<'a>, f: impl FnOnce(In<'a>) -> Res<'a, T>) -> Res<'a, Node<T>> {
    let leading = i.take_comments();
    let first = i.peek();
    let (rest, value) = f(i)?;
    Ok((rest, finish(rest, first, leading, value)))
}

fn finish<T>(
    rest: In<'_>,
    first: Token,
    mut leading: Vec<super::ast::Comment>,
    value: T,
) -> Node<T> {
    let inside = rest.previous().map_or(0, |t| t.comments as usize);
    leading.extend(rest.take_comments_until(inside).into_iter().map(|mut c| {
        c.blank_before = false;
        c
    }));
    Node {
        trivia: Trivia {
            leading,
            blank_before: first.blank_before,
            trailing: rest.take_trailing(),
        },
        node: value,
        span: rest.span_from(first.start),
    }
}

/// Reads a statement. If it fails, its one parse error is reported, the text up to the next
/// statement is skipped, and `error` stands in its place.
pub(crate) fn statement<'a, T>(
    i: In<'a>,
    place: Place,
    error: T,
    f: impl FnOnce(In<'a>) -> Res<'a, T>,
) -> (In<'a>, Node<T>) {
    let state = i.state;
    let saved = (state.column.get(), state.statement.get());
    let leading = i.take_comments();
    let first = i.peek();
    state.begin();
    state.column.set(first.column);
    let (rest, value) = match f(i) {
        Ok((rest, value)) if ended(rest, place) => (rest, value),
        Ok((rest, value)) => {
            // What was read stands; only the rest of the line is wrong.
            rest.note(Expected::What("the end of the statement"));
            state.report(rest.fault());
            (resync(i, rest.at(), place, first), value)
        }
        Err(_) => {
            state.report(i.fault());
            (resync(i, state.failed_at(), place, first), error)
        }
    };
    state.column.set(saved.0);
    state.statement.set(saved.1);
    (rest, finish(rest, first, leading, value))
}

/// True if a statement may end before the next token.
fn ended(rest: In<'_>, place: Place) -> bool {
    let token = rest.peek();
    token.kind == Kind::Eof
        || token.first_on_line
        || (token.kind == Kind::RBrace && place != Place::File)
        || (token.kind == Kind::Word && place.words().contains(&rest.text(token)))
}

/// The next place after `failed` where a statement may begin.
fn resync<'a>(start: In<'a>, failed: usize, place: Place, first: Token) -> In<'a> {
    let mut depth = 0_usize;
    let mut i = start;
    loop {
        let token = i.peek();
        let at = i.at();
        if token.kind == Kind::Eof {
            return i;
        }
        if at > start.at() && at >= failed {
            let inside = depth > 0;
            if (!inside && i.at_statement(place.words()))
                || (token.column == 0 && i.at_statement(STATEMENTS))
                || (!inside && outdented(i, first))
                || (!inside && token.kind == Kind::RBrace && place != Place::File)
            {
                return i;
            }
        }
        match token.kind {
            Kind::LBrace => depth += 1,
            Kind::RBrace => depth = depth.saturating_sub(1),
            _ => {}
        }
        i = i.skip(1);
    }
}

/// A line that stands no deeper than the statement that failed is a new statement, known or not.
fn outdented(i: In<'_>, first: Token) -> bool {
    let token = i.peek();
    first.first_on_line
        && token.first_on_line
        && token.kind == Kind::Word
        && token.column <= first.column
        && !CLAUSES.contains(&i.text(token))
        && !matches!(i.look(1).kind, Kind::Equals | Kind::Comma | Kind::RBracket)
}

/// True if an open `{` must be taken as closed here: at the end, at a statement in column 0 that
/// cannot stand inside, or, when braces are missing in the file, at any statement in column 0 if
/// the first one inside (`first`) was indented.
pub(crate) fn brace_ends(i: In<'_>, inside: &[&str], first: Option<Span>) -> bool {
    let token = i.peek();
    if token.kind == Kind::Eof {
        return true;
    }
    if token.column != 0 || !i.at_statement(STATEMENTS) {
        return false;
    }
    let indented = first.is_some_and(|span| {
        let before = (span.start as usize).checked_sub(1);
        let byte = before.and_then(|at| i.state.text.as_bytes().get(at));
        byte.is_some_and(|b| matches!(b, b' ' | b'\t'))
    });
    !inside.contains(&i.text(token)) || (i.state.unbalanced && indented)
}

/// Reports the unclosed bracket `open`.
pub(crate) fn report_unclosed(i: In<'_>, open: Token) {
    let token = i.peek();
    let noticed = (token.kind != Kind::Eof).then(|| i.span(token));
    i.state
        .report(faults::unclosed(i.span(open), i.text(open), noticed));
}

/// Fails at a place where `,` or the closing bracket of `open` should stand: an unclosed bracket
/// if the next line plainly belongs to something else.
pub(crate) fn unclosed_or<'a, T>(i: In<'a>, open: Token, what: Expected) -> Res<'a, T> {
    let token = i.peek();
    let foreign = match token.kind {
        Kind::Eof | Kind::RBrace => true,
        Kind::Word | Kind::Path => {
            let word = i.text(token);
            let goes_on = (CLAUSES.contains(&word) || BETWEEN.contains(&word))
                && !matches!(i.look(1).kind, Kind::Comma | Kind::RBracket | Kind::RParen);
            goes_on
                || (token.first_on_line
                    && (i.look(1).kind == Kind::Equals || i.at_statement(STATEMENTS)))
        }
        _ => false,
    };
    if !foreign {
        return i.miss(what);
    }
    let noticed = (token.kind != Kind::Eof).then(|| i.span(token));
    i.refuse(faults::unclosed(i.span(open), i.text(open), noticed))
}

/// After a failed entry of a block: the next entry, the end of the block, or the next statement.
pub(crate) fn resync_entry(start: In<'_>, failed: usize) -> In<'_> {
    let mut depth = 0_usize;
    let mut i = start;
    loop {
        let token = i.peek();
        if token.kind == Kind::Eof || (token.column == 0 && i.at_statement(STATEMENTS)) {
            return i;
        }
        if i.at() > start.at() && i.at() >= failed && depth == 0 {
            let key = matches!(token.kind, Kind::Word | Kind::Path)
                && token.first_on_line
                && i.look(1).kind == Kind::Equals;
            if key || token.kind == Kind::RBrace {
                return i;
            }
        }
        match token.kind {
            Kind::LBrace => depth += 1,
            Kind::RBrace => depth = depth.saturating_sub(1),
            _ => {}
        }
        i = i.skip(1);
    }
}
