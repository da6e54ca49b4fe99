//! The reserved words and the forms of the statements, as shown in helps. No parsing.

/// Words that begin a statement.
pub(crate) const STATEMENTS: &[&str] = &[
    "allow",
    "assume",
    "deny",
    "dnat",
    "endpoint",
    "env",
    "firewall",
    "forbid",
    "group",
    "ip-group",
    "moved",
    "nsg",
    "optional",
    "ordered",
    "param",
    "portcullis",
    "required",
    "route",
    "route-table",
    "service",
    "subnet",
    "test",
    "use",
    "vnet",
];

/// Words that begin a statement inside a group.
pub(crate) const MEMBERS: &[&str] = &[
    "allow", "deny", "dnat", "forbid", "optional", "required", "route",
];

/// Words that begin a line inside a test.
pub(crate) const PROBES: &[&str] = &["allow", "deny", "reach"];

/// Words that begin a clause, in the order in which the formatter writes clauses.
pub(crate) const CLAUSES: &[&str] = &[
    "for",
    "when",
    "at",
    "via",
    "overrides",
    "owner",
    "ticket",
    "until",
    "pin",
    "inspect",
    "header",
    "name",
    "source-port",
];

/// Words of other products, with the statement that means the same here.
pub(crate) const ALIASES: &[(&str, &str)] = &[
    ("accept", "allow"),
    ("block", "deny"),
    ("drop", "deny"),
    ("import", "use"),
    ("permit", "allow"),
    ("reject", "deny"),
    ("udr", "route-table"),
    ("var", "param"),
];

/// Words of other products for what has no statement: the parts of a machine.
pub(crate) const INTERFACES: &[&str] = &["interface", "network-interface", "nic", "vm"];

/// Words inside a statement that end an endpoint.
pub(crate) const BETWEEN: &[&str] = &["from", "to", "into", "between", "except", "with"];

/// Protocol words.
pub(crate) const PROTOCOLS: &[&str] = &[
    "tcp", "udp", "icmp", "esp", "ah", "any", "http", "https", "mssql",
];

/// Words that begin a call.
pub(crate) const CALLS: &[&str] = &[
    "tag", "fqdn-tag", "ip-group", "asg", "category", "url", "fqdn",
];

/// Words that cannot be declared as a value or service.
pub(crate) const UNDECLARABLE: &[&str] = &["except", "true", "false"];

/// The form of the statement that begins with `word`, for helps.
pub(crate) fn form(word: &str) -> Option<&'static str> {
    Some(match word {
        "portcullis" => "portcullis 1",
        "use" => "use \"FILE.gate\" as NAME with { PARAMETER = VALUE }",
        "param" => "param NAME: TYPE = DEFAULT \"what it is for\"",
        "endpoint" => "endpoint NAME = ENDPOINT",
        "service" => "service NAME = tcp/80,443, udp/53",
        "ip-group" => "ip-group NAME = [PREFIX, PREFIX]",
        "vnet" => "vnet NAME = PREFIX { KEY = VALUE }",
        "subnet" => "subnet NAME = PREFIX { KEY = VALUE }",
        "firewall" => "firewall NAME { KEY = VALUE }",
        "nsg" => "nsg NAME { KEY = VALUE }",
        "route-table" => "route-table NAME { KEY = VALUE }",
        "env" => "env NAME { PARAMETER = VALUE }",
        "group" | "ordered" => "group NAME owner \"team\" { FLOWS }",
        "allow" => "allow LABEL: SERVICES from SOURCE to DESTINATION for \"why\"",
        "deny" => "deny LABEL: SERVICES from SOURCE to DESTINATION for \"why\"",
        "forbid" => "forbid LABEL: SERVICES from SOURCE to DESTINATION for \"why\"",
        "required" => "required allow LABEL: SERVICES from SOURCE to DESTINATION for \"why\"",
        "optional" => "optional allow LABEL: SERVICES from SOURCE to DESTINATION for \"why\"",
        "route" => "route LABEL: DESTINATION via HOP on ROUTE-TABLE",
        "dnat" => "dnat LABEL: tcp/443 from SOURCE to PUBLIC-ADDRESS into TARGET:443",
        "moved" => "moved OLD::LABEL -> NEW::LABEL",
        "assume" => "assume ENDPOINT apart ENDPOINT",
        "test" => "test \"what must hold\" { deny tcp from SOURCE to DESTINATION:22 }",
        "probe" => "deny tcp from SOURCE to DESTINATION:22 by GROUP::LABEL",
        _ => return None,
    })
}
