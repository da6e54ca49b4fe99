//! What the productions read: a slice of tokens with shared state, as an input of nom. The one
//! function [`one`] takes a token and keeps the furthest failure with what was expected there.

use std::cell::{Cell, RefCell};
use std::iter::{Copied, Enumerate};

use nom::error::{ErrorKind, ParseError};
use nom::{Err, IResult, Input, Needed};

use super::ast::Comment;
use super::faults;
use super::token::{Kind, Lexed, Token};
use super::words;
use crate::diag::Diagnostic;
use crate::source::{FileId, Span};

/// More errors than this are not told: the first ones are worth reading.
const MAX_ERRORS: usize = 50;

/// How deep brackets, conditions and chains of `except` may nest.
pub(crate) const MAX_DEPTH: u32 = 64;

/// What could stand at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A reserved word or a sign, shown in backticks.
    Word(&'static str),
    /// A kind of thing, shown as it is.
    What(&'static str),
}

/// Side state of one parse. The record of the furthest failure lives here, since combinators throw
/// the errors of their children away.
pub(crate) struct State<'a> {
    pub(crate) text: &'a str,
    pub(crate) file: FileId,
    pub(crate) lexed: &'a Lexed,
    /// Comments that already belong to a node.
    pub(crate) taken: Cell<usize>,
    pub(crate) depth: Cell<u32>,
    /// More braces open than close.
    pub(crate) unbalanced: bool,
    /// Column of the first token of the statement that is being read.
    pub(crate) column: Cell<u32>,
    /// The statement's word, for the form in the help.
    pub(crate) statement: Cell<&'static str>,
    /// Statements that did not parse or soft faults so far.
    errors: Cell<usize>,
    pub(super) furthest: Cell<usize>,
    pub(super) expected: RefCell<Vec<Expected>>,
    pub(super) special: RefCell<Option<Diagnostic>>,
    diagnostics: RefCell<Vec<Diagnostic>>,
}

/// The rest of the tokens.
#[derive(Clone, Copy)]
pub(crate) struct Tokens<'a> {
    pub(crate) rest: &'a [Token],
    pub(crate) state: &'a State<'a>,
}

/// That a production failed; why stands in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault;

/// The input of every production.
pub(crate) type In<'a> = Tokens<'a>;

/// The result of every production.
pub(crate) type Res<'a, T> = IResult<In<'a>, T, Fault>;

impl<'a> State<'a> {
    pub(crate) fn new(text: &'a str, file: FileId, lexed: &'a Lexed) -> Self {
        let count = |kind| lexed.tokens.iter().filter(|t| t.kind == kind).count();
        Self {
            text,
            file,
            lexed,
            taken: Cell::new(0),
            depth: Cell::new(0),
            unbalanced: count(Kind::LBrace) > count(Kind::RBrace),
            column: Cell::new(0),
            statement: Cell::new(""),
            errors: Cell::new(0),
            furthest: Cell::new(0),
            expected: RefCell::new(Vec::new()),
            special: RefCell::new(None),
            diagnostics: RefCell::new(Vec::new()),
        }
    }

    /// Reports a fault and goes on.
    pub(crate) fn report(&self, diagnostic: Diagnostic) {
        if diagnostic.severity == crate::diag::Severity::Error {
            let errors = self.errors.get();
            self.errors.set(errors.saturating_add(1));
            if errors >= MAX_ERRORS {
                return;
            }
        }
        self.diagnostics.borrow_mut().push(diagnostic);
    }

    /// True when reading on would only pile up errors.
    pub(crate) fn exhausted(&self) -> bool {
        self.errors.get() >= MAX_ERRORS
    }

    /// Forgets the failures of the statement before.
    pub(crate) fn begin(&self) {
        self.furthest.set(0);
        self.expected.borrow_mut().clear();
        *self.special.borrow_mut() = None;
    }

    /// The index of the token at which the statement failed.
    pub(crate) fn failed_at(&self) -> usize {
        self.furthest.get()
    }

    pub(crate) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics.into_inner()
    }

    fn miss(&self, at: usize, what: Expected) {
        let mut expected = self.expected.borrow_mut();
        if at > self.furthest.get() {
            self.furthest.set(at);
            expected.clear();
        }
        if at == self.furthest.get() && !expected.contains(&what) {
            expected.push(what);
        }
    }
}

impl<'a> Tokens<'a> {
    /// Index of the first token of the rest.
    pub(crate) fn at(&self) -> usize {
        self.state.lexed.tokens.len() - self.rest.len().min(self.state.lexed.tokens.len())
    }

    /// The next token; at the end `Eof`.
    pub(crate) fn peek(&self) -> Token {
        self.look(0)
    }

    /// The token `ahead` of the next one.
    pub(crate) fn look(&self, ahead: usize) -> Token {
        self.rest
            .get(ahead)
            .or(self.state.lexed.tokens.last())
            .copied()
            .unwrap_or(Token {
                kind: Kind::Eof,
                first_on_line: true,
                blank_before: false,
                glued: false,
                start: 0,
                end: 0,
                column: 0,
                comments: 0,
            })
    }

    /// The token before the next one.
    pub(crate) fn previous(&self) -> Option<Token> {
        let before = self.at().checked_sub(1)?;
        self.state.lexed.tokens.get(before).copied()
    }

    /// A token's text.
    pub(crate) fn text(&self, token: Token) -> &'a str {
        self.state
            .text
            .get(token.start as usize..token.end as usize)
            .unwrap_or("")
    }

    /// A token's place.
    pub(crate) fn span(&self, token: Token) -> Span {
        Span::new(self.state.file, token.start, token.end)
    }

    /// The place from `start` (a byte) to the end of the last token taken.
    pub(crate) fn span_from(&self, start: u32) -> Span {
        let end = self.previous().map_or(start, |t| t.end);
        Span::new(self.state.file, start, end.max(start))
    }

    /// The rest after `count` tokens. `Eof` is never taken.
    pub(crate) fn skip(&self, count: usize) -> Self {
        let most = self.rest.len().saturating_sub(1);
        Self {
            rest: self.rest.get(count.min(most)..).unwrap_or(&[]),
            state: self.state,
        }
    }

    /// True if the next token is that kind.
    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.peek().kind == kind
    }

    /// True if the next token is that word.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        let token = self.peek();
        token.kind == Kind::Word && self.text(token) == word
    }

    /// The next token's word; empty if it is none.
    pub(crate) fn word(&self) -> &'a str {
        let token = self.peek();
        if token.kind == Kind::Word {
            self.text(token)
        } else {
            ""
        }
    }

    /// True if the next token is that word, which may stand here; notes it otherwise.
    pub(crate) fn offers_word(&self, word: &'static str) -> bool {
        let there = self.is_word(word);
        if !there {
            self.state.miss(self.at(), Expected::Word(word));
        }
        there
    }

    /// True if the next token is that sign, which may stand here; notes it otherwise.
    pub(crate) fn offers(&self, kind: Kind, shown: &'static str) -> bool {
        let there = self.is(kind);
        if !there {
            self.state.miss(self.at(), Expected::Word(shown));
        }
        there
    }

    /// Notes that something could stand here which does not.
    pub(crate) fn note(&self, what: Expected) {
        self.state.miss(self.at(), what);
    }

    /// Notes that something else was expected here, and fails.
    pub(crate) fn miss<T>(&self, what: Expected) -> Res<'a, T> {
        self.state.miss(self.at(), what);
        Err(Err::Error(Fault))
    }

    /// Fails with a text of its own; it wins over what was expected.
    pub(crate) fn refuse<T>(&self, diagnostic: Diagnostic) -> Res<'a, T> {
        let mut special = self.state.special.borrow_mut();
        if special.is_none() {
            *special = Some(diagnostic);
            self.state.furthest.set(self.at());
        }
        Err(Err::Failure(Fault))
    }

    /// Reads with one more level of nesting.
    pub(crate) fn nested<T>(&self, mut f: impl FnMut(In<'a>) -> Res<'a, T>) -> Res<'a, T> {
        let depth = self.state.depth.get();
        if depth >= MAX_DEPTH {
            return self.too_deep();
        }
        self.state.depth.set(depth + 1);
        let result = f(*self);
        self.state.depth.set(depth);
        result
    }

    /// Refuses what nests deeper than [`MAX_DEPTH`].
    pub(crate) fn too_deep<T>(&self) -> Res<'a, T> {
        self.refuse(faults::too_large(
            self.span(self.peek()),
            &format!("nesting deeper than {MAX_DEPTH} levels"),
            "name the parts with `endpoint` statements",
        ))
    }

    /// True if the next token can only begin a new statement: the first of its line and one of
    /// `words`, not a key or an element.
    pub(crate) fn at_statement(&self, words: &[&str]) -> bool {
        let token = self.peek();
        token.kind == Kind::Word
            && token.first_on_line
            && words.contains(&self.text(token))
            && !matches!(
                self.look(1).kind,
                Kind::Equals | Kind::Comma | Kind::RBracket
            )
    }

    /// True if the next token begins the statement after the one that is being read: a statement's
    /// word at the start of a line that is indented no deeper. Deeper it is a name like another.
    pub(crate) fn at_next_statement(&self) -> bool {
        self.peek().column <= self.state.column.get() && self.at_statement(words::STATEMENTS)
    }

    /// Comments up to the next token that belong to no node yet.
    pub(crate) fn take_comments(&self) -> Vec<Comment> {
        self.take_comments_until(self.peek().comments as usize)
    }

    /// Comments up to the one with number `end` that belong to no node yet.
    pub(crate) fn take_comments_until(&self, end: usize) -> Vec<Comment> {
        let start = self.state.taken.get();
        if start >= end {
            return Vec::new();
        }
        self.state.taken.set(end);
        self.state
            .lexed
            .comments
            .get(start..end)
            .unwrap_or(&[])
            .iter()
            .map(|c| Comment {
                text: self
                    .state
                    .text
                    .get(c.start as usize..c.end as usize)
                    .unwrap_or("")
                    .to_owned(),
                span: Span::new(self.state.file, c.start, c.end),
                blank_before: c.blank_before,
            })
            .collect()
    }

    /// The comment at the end of the line of the last token taken, if it is free.
    pub(crate) fn take_trailing(&self) -> Option<Comment> {
        let at = self.state.taken.get();
        let comment = self.state.lexed.comments.get(at)?;
        let before = self.previous()?.comments as usize;
        if comment.same_line && before <= at && at < self.peek().comments as usize {
            return self.take_comments_until(at + 1).pop();
        }
        None
    }
}

/// Takes one token if it fits. Every production takes its tokens here, so this is the one place
/// that records what was expected.
pub(crate) fn one<'a>(
    i: In<'a>,
    what: Expected,
    fits: impl Fn(Token, &'a str) -> bool,
) -> Res<'a, Token> {
    let token = i.peek();
    if token.kind != Kind::Eof && fits(token, i.text(token)) {
        return Ok((i.skip(1), token));
    }
    i.miss(what)
}

/// Takes one token of a kind.
pub(crate) fn sign<'a>(
    kind: Kind,
    shown: &'static str,
) -> impl Fn(In<'a>) -> Res<'a, Token> + Copy {
    move |i| one(i, Expected::Word(shown), |t, _| t.kind == kind)
}

/// Takes one reserved word.
pub(crate) fn keyword<'a>(word: &'static str) -> impl Fn(In<'a>) -> Res<'a, Token> + Copy {
    move |i| {
        one(i, Expected::Word(word), |t, text| {
            t.kind == Kind::Word && text == word
        })
    }
}

impl<I> ParseError<I> for Fault {
    fn from_error_kind(_: I, _: ErrorKind) -> Self {
        Self
    }

    fn append(_: I, _: ErrorKind, _: Self) -> Self {
        Self
    }
}

impl<'a> Input for Tokens<'a> {
    type Item = Token;
    type Iter = Copied<std::slice::Iter<'a, Token>>;
    type IterIndices = Enumerate<Self::Iter>;

    fn input_len(&self) -> usize {
        self.rest.len()
    }

    fn take(&self, index: usize) -> Self {
        Self {
            rest: self.rest.get(..index).unwrap_or(self.rest),
            state: self.state,
        }
    }

    fn take_from(&self, index: usize) -> Self {
        Self {
            rest: self.rest.get(index..).unwrap_or(&[]),
            state: self.state,
        }
    }

    fn take_split(&self, index: usize) -> (Self, Self) {
        (self.take_from(index), self.take(index))
    }

    fn position<P: Fn(Token) -> bool>(&self, predicate: P) -> Option<usize> {
        self.rest.iter().position(|t| predicate(*t))
    }

    fn iter_elements(&self) -> Self::Iter {
        self.rest.iter().copied()
    }

    fn iter_indices(&self) -> Self::IterIndices {
        self.iter_elements().enumerate()
    }

    fn slice_index(&self, count: usize) -> Result<usize, Needed> {
        if self.rest.len() >= count {
            Ok(count)
        } else {
            Err(Needed::new(count - self.rest.len()))
        }
    }
}
