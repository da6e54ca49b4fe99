//! What a token is. Not how it is found (lex.rs) nor what it means (parse/).

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A single name or a reserved word.
    Word,
    /// Two or more names joined by `::`.
    Path,
    /// A run with a dot, a star or `${name}`: a name pattern or a call's argument.
    Fqdn,
    /// An address, prefix or range, perhaps a bad one.
    Cidr,
    /// Digits.
    Int,
    /// Shaped like `2027-01-31`.
    Date,
    /// A port list where one is expected: digits, `-` and `,`.
    Ports,
    /// A port list with something else in it, for example `*`.
    BadPorts,
    /// A closed string with its quotes.
    Str,
    /// A string that is not closed on its line.
    OpenStr,
    /// A run with `://`.
    Url,
    /// `*` alone.
    Star,
    /// `{`
    LBrace,
    /// `}`
    RBrace,
    /// `[`
    LBracket,
    /// `]`
    RBracket,
    /// `(`
    LParen,
    /// `)`
    RParen,
    /// `,`
    Comma,
    /// `=`
    Equals,
    /// `==`
    EqualEqual,
    /// `!=`
    NotEqual,
    /// `->`
    Arrow,
    /// `:`
    Colon,
    /// `/`
    Slash,
    /// A run of ordinary characters that is none of the above, for example `2a`.
    Other,
    /// A run of characters that the language does not use.
    Bad,
    /// The end of the text.
    Eof,
}

/// A token: kind, place, and what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// Its kind.
    pub(crate) kind: Kind,
    /// It is the first token of its line.
    pub(crate) first_on_line: bool,
    /// A blank line stands directly before it.
    pub(crate) blank_before: bool,
    /// No white space stands before it.
    pub(crate) glued: bool,
    /// First byte.
    pub(crate) start: u32,
    /// One past the last byte.
    pub(crate) end: u32,
    /// Bytes from the start of its line.
    pub(crate) column: u32,
    /// How many comments stand before it, from the start of the text.
    pub(crate) comments: u32,
}

/// A comment as found, without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawComment {
    /// First byte.
    pub(crate) start: u32,
    /// One past the last byte; trailing white space is left out.
    pub(crate) end: u32,
    /// A blank line stands directly before it.
    pub(crate) blank_before: bool,
    /// A token stands before it on its line.
    pub(crate) same_line: bool,
}

/// What lexing gives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lexed {
    /// The tokens; the last is `Eof`.
    pub(crate) tokens: Vec<Token>,
    /// The comments in order.
    pub(crate) comments: Vec<RawComment>,
    /// There are more tokens than the limit; the rest was not read.
    pub(crate) overflow: bool,
}
