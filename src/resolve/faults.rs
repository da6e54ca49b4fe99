//! The diagnostics of name and type resolution, one constructor a code; deciding when to raise
//! them is the resolvers' work.

use crate::diag::suggest::closest;
use crate::diag::{Code, Diagnostic, Severity};
use crate::source::Span;
use crate::syntax::ast::Verb;

/// A name that nothing declares.
pub(crate) fn undefined<'a>(
    span: impl Into<Option<Span>>,
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    let span = span.into();
    let d = Diagnostic::general(
        Code::PC1001,
        span,
        format!("{what} `{name}` is not defined"),
    )
    .label("not defined");
    let mut known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = closest(name, known.iter().copied()) {
        let d = d.help(format!("did you mean `{near}`?"));
        return match span {
            Some(span) => d.fix(span, near.to_owned()),
            None => d,
        };
    }
    known.sort_unstable();
    known.dedup();
    let name = name.rsplit("::").next().unwrap_or(name);
    let form = match what {
        "name" => Some(format!("declare it: `endpoint {name} = ...`")),
        "service" => Some(format!("declare it: `service {name} = tcp/...`")),
        "parameter" => Some(format!("declare it: `param {name}: TYPE`")),
        "instance" => Some(format!("declare it: `use \"FILE.gate\" as {name}`")),
        "environment" => Some(format!("declare it: `env {name} {{ }}`")),
        "vnet" => Some(format!("declare it: `vnet {name} = PREFIX`")),
        "ip group" => Some(format!("declare it: `ip-group {name} = [PREFIX]`")),
        "nsg" => Some(format!("declare it: `nsg {name} {{ }}`")),
        "route table" => Some(format!("declare it: `route-table {name} {{ }}`")),
        "hop" | "layer" | "flow" | "instance, group or flow" => None,
        _ => Some("declare it".to_owned()),
    };
    let list = (!known.is_empty() && known.len() <= 8).then(|| {
        let quoted: Vec<String> = known.iter().map(|k| format!("`{k}`")).collect();
        format!("known here: {}", quoted.join(", "))
    });
    match (form, list) {
        (Some(form), Some(list)) => d.help(format!("{form}; {list}")),
        (Some(help), None) | (None, Some(help)) => d.help(help),
        (None, None) => d.help(format!("nothing here is a {what}")),
    }
}

/// A name declared twice in one namespace.
pub(crate) fn twice(span: Span, first: Span, what: &str, name: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC1002,
        span,
        format!("{what} `{name}` is defined twice"),
    )
    .label("second definition")
    .also(first, "first definition")
    .help("rename or remove one of them")
}

/// A source without a statement.
pub(crate) fn empty(span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(Code::PC1016, span, format!("{what} is empty"))
        .label("no statement here")
        .help("take the file from version control again; delete it if it is not needed")
        .note("compiled as it is, it would take its rules out of Azure and their numbers out of the lock")
}

/// A module that cannot be had, or a cycle of modules.
pub(crate) fn module(
    span: Option<Span>,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Diagnostic {
    Diagnostic::general(Code::PC1003, span, message)
        .label("imported here")
        .help(help)
}

/// A file of the root module that is imported too. `left`: the root without such files.
pub(crate) fn root_imported(span: Span, file: &str, left: &[String]) -> Diagnostic {
    module(
        Some(span),
        format!("`{file}` is a source of this project already, so it cannot be imported too"),
        format!(
            "write `sources: [{}]` in portcullis.yaml; where `sources` is not set, every .gate file of the folder is a source",
            left.join(", ")
        ),
    )
}

/// A service tag that is not in the catalogue.
pub(crate) fn service_tag(
    span: Span,
    tag: &str,
    catalogue: &str,
    near: Option<&str>,
) -> Diagnostic {
    let base = tag.split('.').next().unwrap_or(tag);
    let start: String = base.chars().take(4).collect::<String>().to_lowercase();
    let d = Diagnostic::new(Code::PC1004, span, format!("unknown service tag `{tag}`"))
        .label(format!("not in catalogue {catalogue}"))
        .note(format!(
            "run `portcullis catalog tags --match {start}` to list candidates"
        ));
    match near {
        Some(near) => d
            .help(format!("did you mean `{near}`?"))
            .fix(span, near.to_owned()),
        None => d.help(
            "write a service tag of the catalogue, or refresh it with `portcullis catalog build`",
        ),
    }
}

/// An FQDN tag that Azure Firewall does not have.
pub(crate) fn fqdn_tag(span: Span, tag: &str, near: Option<&str>, service: bool) -> Diagnostic {
    let d = Diagnostic::new(Code::PC1005, span, format!("unknown FQDN tag `{tag}`"))
        .label("no such FQDN tag of Azure Firewall")
        .note("run `portcullis catalog fqdn-tags` to list them");
    match near {
        Some(near) => d
            .help(format!("did you mean `{near}`?"))
            .fix(span, near.to_owned()),
        None if service => d.help(format!("`{tag}` is a service tag: write `tag({tag})`")),
        None if crate::syntax::check_name_pattern(tag).is_ok() && !tag.starts_with("Office365") => {
            d.help(format!(
                "`{tag}` is a name: write it bare, without `fqdn-tag( )`"
            ))
        }
        None => d.help("write an FQDN tag of the list, or the names themselves"),
    }
}

/// A region that is unknown, or a tag without that regional form.
pub(crate) fn region(
    span: Span,
    message: impl Into<String>,
    near: Option<&str>,
    help: &str,
) -> Diagnostic {
    let d = Diagnostic::new(Code::PC1006, span, message)
        .label("no such region here")
        .note("run `portcullis catalog regions` to list them");
    match near {
        Some(near) => d
            .help(format!("did you mean `{near}`?"))
            .fix(span, near.to_owned()),
        None => d.help(help),
    }
}

/// A service tag that is not written as Azure writes it.
pub(crate) fn tag_spelling(span: Span, text: &str, name: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC1015,
        span,
        format!("service tag `{text}` is spelt `{name}` in Azure"),
    )
    .label("emitted in Azure's spelling")
    .help(format!("write `{name}`"))
    .fix(span, name.to_owned())
    .note("Azure IP Ranges and Service Tags: the spelling of the file; a rule with another one is taken, but the portal shows it as an address or empty (Azure/azure-cli issue 15462, checked 2026-11-25)")
}

/// A service tag that Microsoft retires.
pub(crate) fn deprecated_tag(span: Span, tag: &str, reason: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC1007,
        span,
        format!("service tag `{tag}` is deprecated"),
    )
    .label("deprecated")
    .help(reason.to_owned())
}

/// A parameter that nobody gives a value in some environments.
pub(crate) fn no_value(
    span: Span,
    param: &str,
    environments: &[String],
    instance: &str,
) -> Diagnostic {
    let quoted: Vec<String> = environments.iter().map(|e| format!("`{e}`")).collect();
    let where_ = match quoted.as_slice() {
        [one] => format!("environment {one}"),
        many => format!("environments {}", many.join(", ")),
    };
    let blocks: Vec<String> = environments.iter().map(|e| format!("`env {e}`")).collect();
    let blocks = blocks.join(" and ");
    let (whose, place) = if instance.is_empty() {
        (
            format!("`{param}`"),
            format!("add `{param} = ...` to {blocks}, or give the parameter a default"),
        )
    } else {
        (
            format!("`{param}` of instance `{instance}`"),
            format!(
                "add `{param} = ...` to the `with` block of `{instance}`, or `{instance}::{param} = ...` to {blocks}"
            ),
        )
    };
    Diagnostic::new(
        Code::PC1008,
        span,
        format!("parameter {whose} has no value in {where_}"),
    )
    .label("declared here without a default")
    .help(place)
}

/// `overrides` that names no deny.
pub(crate) fn overrides(
    span: Span,
    path: &str,
    found: Option<Verb>,
    denies: &[String],
) -> Diagnostic {
    let d = Diagnostic::new(
        Code::PC1009,
        span,
        format!("`overrides {path}` does not name a deny"),
    );
    match found {
        Some(Verb::Forbid) => {
            return d.label("this is a `forbid`").help(
                "nothing overrides a `forbid`: write it as a `deny` if there may be exceptions",
            );
        }
        Some(Verb::Deny) => {
            return d.label("this is a `required deny`").help(
                "nothing overrides a `required deny`: drop `required` there if there may be exceptions",
            );
        }
        Some(Verb::Allow) => {
            return d
                .label("this is an `allow`")
                .help("name the denies that this flow is an exception to, or drop the clause");
        }
        None => {}
    }
    let d = d.label("no `deny` flow or group with one has this name");
    if let Some(near) = closest(path, denies.iter().map(String::as_str)) {
        return d
            .help(format!("did you mean `{near}`?"))
            .fix(span, near.to_owned());
    }
    if denies.is_empty() {
        return d.help("there is no deny here: a plain `allow` is enough");
    }
    let quoted: Vec<String> = denies.iter().map(|d| format!("`{d}`")).collect();
    d.help(format!("the denies here are {}", quoted.join(", ")))
}

/// `enable` of something that is not optional.
pub(crate) fn enable(span: Span, path: &str, optional: &[String]) -> Diagnostic {
    let d = Diagnostic::new(
        Code::PC1010,
        span,
        format!("`enable` names `{path}`, which is not an `optional` flow or a group with one"),
    )
    .label("has no effect");
    match closest(path, optional.iter().map(String::as_str)) {
        Some(near) => d
            .help(format!("did you mean `{near}`?"))
            .fix(span, near.to_owned()),
        None => d.help("remove it, or write `optional` before the flow"),
    }
}

/// A name that nothing uses.
pub(crate) fn unused(span: Span, what: &str, name: &str) -> Diagnostic {
    Diagnostic::new(Code::PC1011, span, format!("{what} `{name}` is never used"))
        .label("never used")
        .help(format!("remove it, or name it `_{name}` to keep it"))
        .fix(span, format!("_{name}"))
}

/// A web category that Azure Firewall does not have.
pub(crate) fn category(span: Span, name: &str, near: Option<&str>) -> Diagnostic {
    let d = Diagnostic::new(Code::PC1012, span, format!("unknown web category `{name}`"))
        .label("no such web category of Azure Firewall")
        .note("run `portcullis catalog categories` to list them");
    match near {
        Some(near) => d
            .help(format!("did you mean `{near}`?"))
            .fix(span, near.to_owned()),
        None => d.help("write a category of the list"),
    }
}

/// A key that a block does not take.
pub(crate) fn unknown_key<'a>(
    span: Span,
    key: &str,
    whose: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let d = Diagnostic::new(Code::PC1013, span, format!("{whose} takes no key `{key}`"))
        .label("unknown key");
    if let Some(near) = closest(key, known.clone()) {
        return d
            .help(format!("did you mean `{near}`?"))
            .fix(span, near.to_owned());
    }
    let list: Vec<&str> = known.into_iter().collect();
    if list.is_empty() {
        d.help("remove it: there is nothing to set here")
    } else {
        d.help(format!("the keys are: {}", list.join(", ")))
    }
}

/// A definition that needs itself.
pub(crate) fn circular(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC1014,
        span,
        format!("`{name}` is defined in terms of itself"),
    )
    .label("this definition leads back to itself")
    .help("break the circle: write one of the definitions out")
}

/// A value of the wrong type.
pub(crate) fn wrong_type(span: Span, expected: &str, found: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC2001,
        span,
        format!("expected {expected}, found {found}"),
    )
    .label(format!("this is {found}"))
    .help(match expected {
        "an endpoint" => {
            "for example `10.0.0.4`, `tag(Storage)`, `www.contoso.com` or a declared name"
                .to_owned()
        }
        "a service" => "for example `tcp/443`, or a declared service".to_owned(),
        "prefixes" | "a prefix" => {
            "for example `10.0.0.0/24`, or names that stand for prefixes alone".to_owned()
        }
        "a hop" => "a hop is a firewall, `internet`, `none`, `vnet` or `gateway`".to_owned(),
        "a date YYYY-MM-DD" => "for example `2027-01-31`".to_owned(),
        "a vnet" => "write the name of a `vnet` statement".to_owned(),
        other => format!("write {} here", other.split(" (").next().unwrap_or(other)),
    })
}

/// A clause or word on a statement that it says nothing about.
pub(crate) fn misplaced(span: Span, word: &str, on: &str, help: &str) -> Diagnostic {
    let mut d = wrong_type(span, "another clause", "this one");
    d.message = format!("`{word}` makes no sense {on}");
    d.label = "has no meaning here".to_owned();
    d.help(help)
}

/// A name where an address is needed.
pub(crate) fn name_as_source(span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC2002,
        span,
        format!("{what} can only be a destination"),
    )
    .label("a source is known by its address only")
    .help("swap the ends, or write the addresses; to publish a name inward use `dnat`")
    .note("Azure Firewall matches names by HTTP Host, TLS SNI or DNS answers, all of them the destination's")
}

/// A word that is not one of the allowed ones.
pub(crate) fn not_a_member(span: Span, found: &str, what: &str, members: &[String]) -> Diagnostic {
    let d = Diagnostic::new(
        Code::PC2003,
        span,
        format!("{what} must be one of {}", members.join(", ")),
    )
    .label(format!("`{found}` is not one of them"));
    match closest(found, members.iter().map(String::as_str)) {
        Some(near) => d
            .help(format!("did you mean `{near}`?"))
            .fix(span, near.to_owned()),
        None => d.help(format!("write one of: {}", members.join(", "))),
    }
}

/// Ports behind a protocol that has none.
pub(crate) fn no_ports(span: Span, proto: &str) -> Diagnostic {
    let d = Diagnostic::new(
        Code::PC2004,
        span,
        format!("ports make no sense with `{proto}`"),
    )
    .label("drop these ports")
    .help(format!(
        "write `{proto}` alone, or name tcp or udp with the ports"
    ));
    if proto != "any" {
        return d;
    }
    d.note("Azure Firewall rule processing logic: a rule for any protocol with a port matches TCP and UDP only (checked 2026-11-25)")
}

/// An `except` that takes everything away.
pub(crate) fn nothing_left(left: Span, right: Span) -> Diagnostic {
    Diagnostic::new(Code::PC2005, right, "`except` leaves nothing")
        .label("this takes all of them away")
        .also(left, "these addresses")
        .help("narrow the right side, or remove the flow")
}

/// An `except` that prefixes cannot express.
pub(crate) fn not_exact(span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC2007,
        span,
        format!("`except` cannot be exact with {what}"),
    )
    .label("its addresses are not ours to subtract")
    .help("write a `deny` for the excepted part, or list what is left")
    .note("`except` is exact set arithmetic over prefixes, ranges, subnets, `any` and `tag(Internet)`; a service tag may stand in it where the catalogue has it apart from, or inside, the other side")
}

/// What an element of a list is that another element holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nested {
    /// Addresses in addresses.
    Addresses,
    /// A service tag in a service tag.
    Tags,
    /// Anything in `any`, or a thing twice.
    Other,
}

/// An element of a list that another element holds, `same` if both are one thing. `cut` is what to
/// take out to be rid of it.
pub(crate) fn inside_another(
    (span, text): (Span, &str),
    (holder, other): (Span, &str),
    same: bool,
    kind: Nested,
    cut: Option<Span>,
) -> Diagnostic {
    let d = inside(
        span,
        holder,
        if same && text == other {
            format!("`{text}` stands twice in one list")
        } else if same {
            format!("`{text}` and `{other}` of one list are the same")
        } else {
            format!("`{text}` lies inside `{other}` of the same list")
        },
        same,
    );
    let d = match kind {
        Nested::Tags => d.note("Virtual network service tags: a tag with a region is the part of the tag without one that lies in the region (checked 2026-11-25)"),
        Nested::Addresses => d.note("emitted merged: Azure refuses a security rule with prefixes that overlap, OverlappingSubnetsNotPermittedInSecurityRule (kubernetes-sigs/cloud-provider-azure issue 6775, checked 2026-11-25)"),
        Nested::Other => d,
    };
    let help = "remove it, or narrow the other one";
    match cut {
        Some(cut) => d.help(help).fix(cut, ""),
        None => d.help(help),
    }
}

/// A service of a list that another one includes.
pub(crate) fn service_inside_another(span: Span, holder: Span, same: bool) -> Diagnostic {
    let message = if same {
        "one service stands twice in a list"
    } else {
        "this service is part of another one of the same list"
    };
    inside(span, holder, message.to_owned(), same)
        .help("remove it, or narrow the other one")
        .note("emitted merged: in a security rule `*` stands for all ports in the singular field only (Security Rules REST reference, checked 2026-11-25)")
}

fn inside(span: Span, holder: Span, message: String, same: bool) -> Diagnostic {
    Diagnostic::new(Code::PC6018, span, message)
        .label("adds nothing")
        .also(holder, if same { "the same" } else { "holds it" })
}

/// An end of a flow that is nothing at all.
pub(crate) fn empty_end(span: Span, which: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC2009,
        span,
        format!("the {which} of this flow is empty, so no rule is made"),
    )
    .label("nothing in it")
    .help("list what is meant, or switch the flow off with `when`")
    .note("Azure refuses a firewall rule without addresses, FirewallPolicyRuleIpAddressesAndPortsMustBeSpecified (Azure/azure-cli issue 24493, checked 2026-11-25); `any` means every address")
}

/// A declared IP group with nothing in it.
pub(crate) fn empty_group(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC3013,
        span,
        format!("ip group `{name}` is empty, and a rule that refers to it would be skipped"),
    )
    .label("no address in it")
    .help("put addresses into the group, or remove the flow; a group that exists elsewhere takes its `id`")
    .note("IP Groups in Azure Firewall: a rule that refers to an empty group is skipped, a deny too (checked 2026-11-23)")
}

/// A URL pattern that Azure Firewall does not take.
pub(crate) fn bad_url(span: Span, text: &str, reason: &str) -> Diagnostic {
    let d = Diagnostic::new(
        Code::PC2008,
        span,
        format!("`{text}` is not a valid URL pattern"),
    )
    .label(reason)
    .note("Azure Firewall FAQ, wildcards in target URLs: an asterisk at the far left or the far right, no scheme, no port, no query (checked 2026-11-23)");
    let bare = text
        .split_once("://")
        .map_or(text, |(_, rest)| rest)
        .split(['?', '#'])
        .next()
        .unwrap_or_default();
    let help = "write a host and a path, for example `www.contoso.com/a/*`";
    if bare != text && super::url::check_url(bare).is_ok() {
        return d
            .help(format!("write `{bare}`"))
            .fix(span, format!("\"{bare}\""));
    }
    d.help(help)
}

/// What only a firewall policy has, asked of a classic firewall.
pub(crate) fn classic_cannot(span: Span, firewall: &str, feature: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC3010,
        span,
        format!("classic firewall `{firewall}` cannot hold {feature}"),
    )
    .label("only a firewall policy has this")
    .help(format!("write `output = policy` on firewall `{firewall}`, or write it without"))
    .note("REST reference Azure Firewalls: a firewall itself holds three arrays of rules, its application rules have names and FQDN tags only, and the rest is in a policy (checked 2026-11-23)")
}

/// A key that only the whole firewall has, asked of one whose arrays alone are written.
pub(crate) fn fragment_cannot(span: Span, firewall: &str, key: &str) -> Diagnostic {
    let mut d = classic_cannot(span, firewall, &format!("`{key}` in a fragment"));
    d.label = "not in the three arrays of rules".to_owned();
    d.help("write `base = \"EXPORT.json\"`, so that the whole firewall is written, or drop the key")
        .note("REST reference Azure Firewalls: `threatIntelMode`, `additionalProperties` and tags are of the firewall, beside its rule collections (checked 2026-11-25)")
}

/// A key that says something of a resource which is not emitted.
pub(crate) fn in_no_output(
    span: Span,
    key: &str,
    whose: &str,
    why: &str,
    help: &str,
) -> Diagnostic {
    Diagnostic::new(
        Code::PC3014,
        span,
        format!("`{key}` of {whose} is in no output: {why}"),
    )
    .label("changes nothing in Azure")
    .help(help)
}

/// The same of a key that is of use as a fact.
pub(crate) fn only_a_fact(d: Diagnostic) -> Diagnostic {
    d.severity(Severity::Note)
        .note("read as a fact about the policy, and checked as one")
}

/// A resource id of another form or type.
pub(crate) fn bad_resource_id(span: Span, id: &str, reason: &str, kind: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC3015,
        span,
        format!("`{id}` is not the id of this resource: {reason}"),
    )
    .label(format!(
        "a complete id of type `Microsoft.Network/{kind}` is needed"
    ))
    .help(format!("write `{}`", super::azure_id::example(kind)))
}

/// A feature whose lowering this version does not have.
pub(crate) fn not_compiled(span: impl Into<Option<Span>>, feature: &str) -> Diagnostic {
    Diagnostic::general(
        Code::PC3011,
        span.into(),
        format!("this version does not compile {feature} yet"),
    )
    .label("parsed and type-checked, not compiled")
    .help("remove it for now, or restrict it to an environment that you do not compile with `when`")
}

/// A route put on a subnet whose table others use too.
pub(crate) fn shared_table(span: Span, table: &str, subnet: &str, others: &[&str]) -> Diagnostic {
    Diagnostic::new(
        Code::PC4018,
        span,
        format!(
            "route table `{table}` of subnet `{subnet}` is shared with {}",
            others
                .iter()
                .map(|o| format!("`{o}`"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    )
    .label("the exception would apply to all of them")
    .help(format!(
        "write `route ... on {table}` if all are meant, or give `{subnet}` a table of its own"
    ))
}

/// A file of foreign rules that cannot be had.
/// `what`: the resource that the file is to hold, in words.
pub(crate) fn base_file(span: Span, path: &str, what: &str, reason: &str) -> Diagnostic {
    let (parts, command) = match what {
        "firewall" => ("collections", "az network firewall show"),
        _ => ("rules", "az network nsg show"),
    };
    Diagnostic::new(
        Code::PC9009,
        span,
        format!("the base file `{path}` cannot be used: {reason}"),
    )
    .label(format!("foreign {parts} are read from here"))
    .help(format!(
        "write the path of an exported {what}, relative to this file"
    ))
    .note(format!(
        "`{command}` prints one; {parts} in it that this policy does not make are kept as they are"
    ))
}

/// A fault that is there only under the values of a test: told where these are written, with the
/// place that they spoil beside it.
pub(crate) fn under_test(mut fault: Diagnostic, with: Span) -> Diagnostic {
    let inside =
        |span: Span| span.file == with.file && with.start <= span.start && span.end <= with.end;
    if let Some(span) = fault.primary.filter(|span| !inside(*span)) {
        let label = std::mem::take(&mut fault.label);
        fault = fault
            .also(span, label)
            .label("under the values of this test");
        fault.primary = Some(with);
        // What would mend the statement would change the policy, for the test's sake.
        fault.fix = None;
    }
    fault
}
