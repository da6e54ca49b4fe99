//! The syntax tree: plain data with spans and attached comments; no behaviour, nothing resolved.

use ipnet::IpNet;
use std::net::IpAddr;

use crate::source::{Span, Spanned};

/// An identifier with its place.
pub type Name = Spanned<String>;

/// A quoted string, unescaped, with the place of the whole literal.
pub type Str = Spanned<String>;

/// A calendar date `YYYY-MM-DD`, checked.
pub type Date = jiff::civil::Date;

/// One comment line, with `//`, without the line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The text from `//` on, trailing white space removed.
    pub text: String,
    /// Where.
    pub span: Span,
    /// A blank line stands before it.
    pub blank_before: bool,
}

/// Comments and blank lines around a node that has a line of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trivia {
    /// Comments on the lines above.
    pub leading: Vec<Comment>,
    /// A blank line stands before the node itself (after its leading comments).
    pub blank_before: bool,
    /// A comment at the end of the node's last line.
    pub trailing: Option<Comment>,
}

/// A node with its comments and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node<T> {
    /// Comments around it.
    pub trivia: Trivia,
    /// The node.
    pub node: T,
    /// Where it stands, comments not counted.
    pub span: Span,
}

/// One source file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// `portcullis 1`, the language version.
    pub version: Option<Node<u32>>,
    /// The statements.
    pub items: Vec<Node<Item>>,
    /// Comments after the last statement.
    pub end: Vec<Comment>,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// `use "path" as name with { ... }`
    Use(Use),
    /// `param name: type = value "text"`
    Param(Param),
    /// `endpoint name = expr`
    Endpoint(Endpoint),
    /// `service name = services`
    Service(Service),
    /// `ip-group`, `vnet`, `subnet`, `firewall`, `nsg`, `route-table`
    Resource(Resource),
    /// `env name { ... }`
    Env(Env),
    /// `group name clauses { ... }`
    Group(Group),
    /// A flow outside any group.
    Flow(Flow),
    /// A route outside any group.
    Route(Route),
    /// A DNAT outside any group.
    Dnat(Dnat),
    /// `moved a -> b`
    Moved(Moved),
    /// `assume a in b`
    Assume(Assume),
    /// `test "name" { ... }`
    Test(Test),
    /// A statement that did not parse; it was reported.
    Error,
}

/// `use "path" as name with { ... }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The path as written.
    pub path: Str,
    /// The instance's name.
    pub name: Name,
    /// Values of the module's parameters.
    pub with: Option<Block>,
}

/// `param name: type = value "text"`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// The parameter.
    pub name: Name,
    /// Its type.
    pub ty: Type,
    /// Its default.
    pub default: Option<Spanned<Value>>,
    /// What it is for.
    pub text: Option<Str>,
}

/// A parameter's type: `region`, `enum(a, b)`, `cidr[]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// The type's word.
    pub name: Name,
    /// Members of an `enum`.
    pub members: Vec<Name>,
    /// `[]` follows.
    pub list: bool,
    /// The whole type.
    pub span: Span,
}

/// `endpoint name = expr`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The name.
    pub name: Name,
    /// What it stands for.
    pub expr: Expr,
}

/// `service name = services`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The name.
    pub name: Name,
    /// What it stands for.
    pub services: Vec<Svc>,
}

/// What kind of Azure thing a resource statement declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// `ip-group`
    IpGroup,
    /// `vnet`
    Vnet,
    /// `subnet`
    Subnet,
    /// `firewall`
    Firewall,
    /// `nsg`
    Nsg,
    /// `route-table`
    RouteTable,
}

/// `ip-group`, `vnet`, `subnet` (with `= expr`), `firewall`, `nsg`, `route-table`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Which statement.
    pub kind: ResourceKind,
    /// The name.
    pub name: Name,
    /// The prefixes of an `ip-group`, `vnet` or `subnet`.
    pub expr: Option<Expr>,
    /// Its settings.
    pub block: Option<Block>,
}

/// `env name { ... }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Env {
    /// The environment.
    pub name: Name,
    /// Values and `enable`.
    pub block: Block,
}

/// `[ordered] group name clauses { members }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// `ordered` and its place.
    pub ordered: Option<Span>,
    /// The name.
    pub name: Name,
    /// Clauses of the header.
    pub clauses: Vec<Node<Clause>>,
    /// Flows, routes and DNATs.
    pub members: Vec<Node<Member>>,
    /// Comments before the closing brace.
    pub end: Vec<Comment>,
}

/// A statement inside a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// A flow.
    Flow(Flow),
    /// A route.
    Route(Route),
    /// A DNAT.
    Dnat(Dnat),
    /// A statement that did not parse; it was reported.
    Error,
}

/// `required` or `optional`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Must be allowed (denied) end to end.
    Required,
    /// Absent unless an environment enables it.
    Optional,
}

/// What a flow does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// `allow`
    Allow,
    /// `deny`
    Deny,
    /// `forbid`
    Forbid,
}

/// `required allow label: services from a to b clauses`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// `required`, `optional` or neither.
    pub need: Option<Spanned<Need>>,
    /// `allow`, `deny`, `forbid`.
    pub verb: Spanned<Verb>,
    /// The label.
    pub label: Option<Name>,
    /// Protocols and ports.
    pub services: Vec<Svc>,
    /// Who talks to whom.
    pub ends: Ends,
    /// The clauses, in source order.
    pub clauses: Vec<Node<Clause>>,
}

/// The two ends of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ends {
    /// `from a to b`
    FromTo(Expr, Expr),
    /// `between a and b`
    Between(Expr, Expr),
}

/// `route label: expr via hop on table clauses`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The label.
    pub label: Option<Name>,
    /// Destination.
    pub expr: Expr,
    /// Next hop: a firewall's name, or `internet`, `none`, `vnet`, `gateway`.
    pub via: Path,
    /// A route table or a subnet.
    pub on: Path,
    /// The clauses.
    pub clauses: Vec<Node<Clause>>,
}

/// `dnat label: tcp/443 from a to b into 10.0.0.4:443 clauses`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dnat {
    /// The label.
    pub label: Option<Name>,
    /// `tcp` or `udp` with one port.
    pub service: Svc,
    /// Who may use it.
    pub from: Expr,
    /// The public address.
    pub to: Expr,
    /// The target: an address or a name.
    pub into: Expr,
    /// The target's port, if it differs.
    pub into_port: Option<Spanned<u16>>,
    /// The clauses.
    pub clauses: Vec<Node<Clause>>,
}

/// `moved a -> b`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The old path.
    pub from: Path,
    /// The new path.
    pub to: Path,
}

/// How an `assume` relates its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `in`
    In,
    /// `apart`
    Apart,
}

/// `assume a in b`, `assume a apart b`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assume {
    /// Left end.
    pub left: Expr,
    /// The relation.
    pub relation: Spanned<Relation>,
    /// Right end.
    pub right: Expr,
}

/// `test "name" with { ... } { probes }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// Its name.
    pub name: Str,
    /// Parameter values.
    pub with: Option<Block>,
    /// What must hold.
    pub probes: Vec<Node<Probe>>,
    /// Comments before the closing brace.
    pub end: Vec<Comment>,
}

/// What a probe expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// `allow`
    Allow,
    /// `deny`
    Deny,
    /// `reach`
    Reach,
}

/// `allow tcp from a to b:443 at x by y`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The expectation.
    pub expect: Spanned<Expect>,
    /// Protocols and ports.
    pub services: Vec<Svc>,
    /// Source.
    pub from: Expr,
    /// Destination.
    pub to: Expr,
    /// Ports written behind the destination.
    pub ports: Option<Ports>,
    /// `at layer`
    pub at: Option<Path>,
    /// `by flow`
    pub by: Option<Path>,
}

/// `{ key = value ... }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The entries.
    pub entries: Vec<Node<Entry>>,
    /// Comments before the closing brace.
    pub end: Vec<Comment>,
    /// A line break follows `{`.
    pub broken: bool,
    /// From `{` to `}`.
    pub span: Span,
}

/// `key = value`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key; in `env` it may be `instance::param`.
    pub key: Path,
    /// The value.
    pub value: Spanned<Value>,
}

/// What may stand right of `=` in a block; the expected type decides what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `"text"`
    Str(String),
    /// `12`
    Int(u64),
    /// `2027-01-31`
    Date(Date),
    /// `true`, `false`
    Bool(bool),
    /// At least one protocol word, or several paths: `tcp/80, web`.
    Services(Vec<Svc>),
    /// An endpoint expression; a lone path also stands for an enum member, region, service or hop.
    Expr(Expr),
    /// `[a, b]` whose elements are not all endpoint expressions, or may be something else.
    List(ValueList),
    /// `{ ... }`
    Block(Block),
}

/// `[a, b, c]` in value position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueList {
    /// The elements.
    pub elements: Vec<Node<Value>>,
    /// A line break follows `[`.
    pub broken: bool,
    /// Comments before the closing bracket.
    pub end: Vec<Comment>,
}

/// A clause of a flow, route, DNAT or group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The clause's word.
    pub keyword: Name,
    /// What it says.
    pub kind: ClauseKind,
}

/// What a clause says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClauseKind {
    /// `for "purpose"`
    For(Str),
    /// `when condition`
    When(Cond),
    /// `at nsg, azfw`
    At(Vec<Path>),
    /// `via internet`
    Via(Path),
    /// `overrides a::b, c`
    Overrides(Vec<Path>),
    /// `owner "team"` or `owner team`
    Owner(Text),
    /// `ticket SEC-1`
    Ticket(Text),
    /// `until 2027-01-31`
    Until(Spanned<Date>),
    /// `pin 1200`
    Pin(Spanned<u32>),
    /// `inspect`
    Inspect,
    /// `header "Name" = "value"`
    Header(Str, Str),
    /// `name "verbatim rule name"`
    Name(Str),
    /// `source-port 1024-65535`
    SourcePort(Ports),
}

/// A text that may stand with or without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: Spanned<String>,
    /// Written in quotes.
    pub quoted: bool,
}

/// A condition over parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cond {
    /// `a or b or c`
    Or(Vec<Cond>),
    /// `a and b and c`
    And(Vec<Cond>),
    /// `not a`
    Not(Box<Cond>),
    /// `( a )`, kept so that it prints as written
    Paren(Box<Cond>),
    /// `param`, `param == value`, `param != value`
    Atom {
        /// The parameter.
        path: Path,
        /// The comparison.
        test: Option<CondTest>,
    },
}

/// `== value` or `!= value`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CondTest {
    /// `==`; otherwise `!=`.
    pub equal: bool,
    /// The right side.
    pub value: Spanned<CondValue>,
}

/// The right side of a comparison, typed by the parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CondValue {
    /// An enum member, a region, `true`, `false`.
    Path(Path),
    /// A string.
    Str(String),
    /// An integer.
    Int(u64),
    /// A date.
    Date(Date),
}

/// `a::b::c`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The segments, at least one.
    pub segments: Vec<Name>,
    /// The whole path.
    pub span: Span,
}

impl Path {
    /// The path as text, `a::b`.
    #[must_use]
    pub fn text(&self) -> String {
        let parts: Vec<&str> = self.segments.iter().map(|s| s.node.as_str()).collect();
        parts.join("::")
    }
}

/// A protocol word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proto {
    /// `tcp`
    Tcp,
    /// `udp`
    Udp,
    /// `icmp`
    Icmp,
    /// `esp`
    Esp,
    /// `ah`
    Ah,
    /// `any`
    Any,
    /// `http`
    Http,
    /// `https`
    Https,
    /// `mssql`
    Mssql,
}

/// One service: a protocol with ports, or a declared service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Svc {
    /// `tcp/80,443`
    Proto {
        /// The word.
        proto: Spanned<Proto>,
        /// The ports; all if absent.
        ports: Option<Ports>,
    },
    /// A declared service.
    Named(Path),
}

/// A list of port ranges as written, inside 0 to 65535, ascending inside each range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The ranges in source order: first and last port.
    pub ranges: Vec<(u16, u16)>,
    /// The whole list.
    pub span: Span,
}

/// An endpoint expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// What an endpoint expression is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprKind {
    /// `any`
    Any,
    /// `10.0.0.0/8`, `10.0.0.4`, `fd00::/8`; host bits as written.
    Prefix(IpNet),
    /// A single address without a length.
    Address(IpAddr),
    /// `10.0.0.1-10.0.0.9`, both of one family, ascending.
    Range(IpAddr, IpAddr),
    /// `www.contoso.com`, `*.contoso.com`, `${region}.login.microsoft.com`
    Fqdn(Template),
    /// A declared name.
    Path(Path),
    /// `tag(Storage.${region})`
    Call(Call),
    /// `[a, b]`
    List(ExprList),
    /// `a except b`
    Except(Box<Expr>, Box<Expr>),
    /// Did not parse; it was reported.
    Error,
}

/// `[a, b, c]` of endpoint expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprList {
    /// The elements.
    pub elements: Vec<Node<Expr>>,
    /// A line break follows `[`.
    pub broken: bool,
    /// Comments before the closing bracket.
    pub end: Vec<Comment>,
}

/// A text with `${name}` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The pieces in order.
    pub pieces: Vec<Piece>,
    /// The whole text.
    pub span: Span,
}

impl Template {
    /// The text as written, `${name}` included.
    #[must_use]
    pub fn source(&self) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(t) => out.push_str(t),
                Piece::Param(p) => {
                    out.push_str("${");
                    out.push_str(&p.node);
                    out.push('}');
                }
            }
        }
        out
    }
}

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Literal text.
    Text(String),
    /// `${name}`; the span is that of the name.
    Param(Name),
}

/// Which call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallKind {
    /// `tag(Storage)`
    Tag,
    /// `fqdn-tag(WindowsUpdate)`
    FqdnTag,
    /// `ip-group(name)`
    IpGroup,
    /// `asg(name)`
    Asg,
    /// `category(News)`
    Category,
    /// `url("www.contoso.com/a/*")`
    Url,
    /// `fqdn(name, in = expr)`
    Fqdn,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which.
    pub kind: Spanned<CallKind>,
    /// Its argument.
    pub arg: Template,
    /// The argument was written in quotes.
    pub quoted: bool,
    /// `in = expr`, for `fqdn` only.
    pub within: Option<Box<Expr>>,
}
