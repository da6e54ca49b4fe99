//! The diagnostics of lowering, one constructor a code; when to raise them is the rooms' and the
//! plan's work.

use crate::allocate::{MoveReason, Moved};
use crate::diag::{Code, Diagnostic, Severity};
use crate::model::Flow;
use crate::model::dnat::Dnat;
use crate::source::Span;

pub(crate) use super::path_faults::{
    absorbs, asymmetric, endpoint_bypass, ipv6_stays_shut, no_counterpart, no_nsg, nothing_narrows,
    passed_by, unbounded_exception, undetermined,
};

/// A limit that is exceeded.
pub(crate) struct Limit<'a> {
    pub what: &'a str,
    pub unit: &'a str,
    pub used: usize,
    pub allowed: usize,
    pub source: &'a str,
    pub help: &'a str,
}

fn limit(code: Code, span: Span, l: &Limit<'_>) -> Diagnostic {
    Diagnostic::new(
        code,
        span,
        format!(
            "{} would hold {} {}; the limit is {}",
            l.what, l.used, l.unit, l.allowed
        ),
    )
    .label("this one")
    .help(l.help)
    .note(l.source)
}

pub(crate) fn nsg_rules(span: Span, l: &Limit<'_>) -> Diagnostic {
    limit(Code::PC3001, span, l)
}

pub(crate) fn group_size(span: Span, l: &Limit<'_>) -> Diagnostic {
    limit(Code::PC3002, span, l)
}

pub(crate) fn group_count(span: Span, l: &Limit<'_>) -> Diagnostic {
    limit(Code::PC3003, span, l)
}

pub(crate) fn address_pairs(span: Span, l: &Limit<'_>) -> Diagnostic {
    limit(Code::PC3004, span, l)
}

pub(crate) fn route_count(span: Span, l: &Limit<'_>) -> Diagnostic {
    limit(Code::PC3005, span, l)
}

pub(crate) fn other_limit(span: Span, l: &Limit<'_>) -> Diagnostic {
    limit(Code::PC3020, span, l)
}

pub(crate) fn recommended_limit(span: Span, l: &Limit<'_>) -> Diagnostic {
    let d = limit(Code::PC3021, span, l);
    Diagnostic {
        message: d
            .message
            .replace("the limit is", "the recommended limit is"),
        ..d
    }
}

pub(crate) fn description_shortened(
    span: Span,
    rule: &str,
    length: usize,
    max: usize,
) -> Diagnostic {
    Diagnostic::new(
        Code::PC3006,
        span,
        format!("the description of NSG rule `{rule}` has {length} characters and was shortened to {max}"),
    )
    .label("too long for a security rule")
    .help("shorten `for`")
    .note("Security Rules REST reference: at most 140 characters (checked 2026-11-23)")
}

pub(crate) fn bad_name(span: Span, name: &str, reason: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC3007,
        span,
        format!("the Azure name `{name}` {reason}"),
    )
    .label("the name is made from this")
    .help("rename it, or set the Azure name with `name`")
    .note(
        "Naming rules and restrictions for Azure resources, Microsoft.Network (checked 2026-11-23)",
    )
}

/// A name that was written with `name`, at that place.
pub(crate) fn bad_given_name(span: Span, name: &str, reason: &str) -> Diagnostic {
    bad_name(span, name, reason)
        .label("set here")
        .help("write another `name`, or drop the clause: a name is then made from the label")
}

/// Why a flow needs several security rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Several {
    /// Service tags or application security groups.
    Tags,
    /// A service tag or application security group beside prefixes.
    Beside,
    /// IPv4 beside IPv6.
    Families,
}

pub(crate) fn rule_per_tag(flow: &Flow, nsg: &str, rules: usize, why: Several) -> Diagnostic {
    let (label, help, note) = match why {
        Several::Tags => (
            "one service tag a rule side",
            "information only; fewer tags make fewer rules",
            "Network security groups overview: a rule holds one service tag on each side (checked 2026-11-23)",
        ),
        Several::Beside => (
            "a service tag stands alone on its side of a rule",
            "information only: the tag and the prefixes get rules of their own",
            "Network security groups overview: one service tag, or prefixes, on each side; a tag among prefixes is SecurityRuleParameterContainsUnsupportedValue (checked 2026-11-25)",
        ),
        Several::Families => (
            "one address family a rule side",
            "information only: IPv4 and IPv6 get rules of their own",
            "a security rule with both families on a side is ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies (hashicorp/terraform-provider-azurerm issue 12534, checked 2026-11-25)",
        ),
    };
    Diagnostic::new(
        Code::PC3008,
        flow.spans.whole,
        format!(
            "flow `{}` needs {rules} rules in NSG `{nsg}`",
            flow.id.text()
        ),
    )
    .label(label)
    .help(help)
    .note(note)
}

/// A feature that the firewall's tier does not have.
pub(crate) fn needs_sku(
    span: Span,
    firewall: &str,
    tier: &str,
    feature: &str,
    needed: &str,
) -> Diagnostic {
    Diagnostic::new(
        Code::PC3009,
        span,
        format!("{feature} needs `sku = {needed}`, and firewall `{firewall}` is `{tier}`"),
    )
    .label(format!("not in the {tier} tier"))
    .help(format!("set `sku = {needed}` on firewall `{firewall}`, or write it without"))
    .note("Azure Firewall features by SKU: URL filtering, TLS inspection and what needs it are Premium; DNS proxy, web categories and threat intelligence that denies are Standard and Premium (checked 2026-11-23)")
}

pub(crate) fn unmarked_tag(span: Span, tag: &str, reason: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC3012,
        span,
        format!("service tag `{tag}` may not be usable here"),
    )
    .label("not marked for this target")
    .help(
        "check it in a test deployment, or use another tag; silence this line if you know it works",
    )
    .note(reason.to_owned())
}

/// A layer that cannot say what a flow asks of it.
pub(crate) fn cannot_express(
    flow: &Flow,
    span: Span,
    layer: &str,
    why: &str,
    help: &str,
) -> Diagnostic {
    inexpressible(
        span,
        &format!("flow `{}`", flow.id.text()),
        layer,
        why,
        help,
    )
}

/// A translation that its firewall cannot carry.
pub(crate) fn dnat_cannot(
    dnat: &Dnat,
    span: Span,
    layer: &str,
    why: &str,
    help: &str,
) -> Diagnostic {
    inexpressible(
        span,
        &format!("dnat `{}`", dnat.id.text()),
        layer,
        why,
        help,
    )
}

/// A route that its table cannot carry.
pub(crate) fn route_cannot(span: Span, id: &str, why: &str, help: &str) -> Diagnostic {
    inexpressible(span, &format!("route `{id}`"), "a route table", why, help)
}

fn inexpressible(span: Span, what: &str, layer: &str, why: &str, help: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4001,
        span,
        format!("{what} cannot be expressed at {layer}: {why}"),
    )
    .label(why.to_owned())
    .help(help)
}

/// The same, for a part that is left out as of no account; a warning if it is all that was written.
pub(crate) fn left_out(d: Diagnostic, whole: bool) -> Diagnostic {
    d.severity(if whole {
        Severity::Warning
    } else {
        Severity::Note
    })
}

pub(crate) fn nowhere(flow: &Flow, way: &str) -> Diagnostic {
    let id = flow.id.text();
    let (severity, message, label, help) = if flow.allows() && flow.at.is_some() {
        (
            Severity::Warning,
            format!("no layer that flow `{id}` names with `at` is on {way}"),
            "no rule is written for this way",
            "drop `at`, or name a layer that lies on this way",
        )
    } else if flow.allows() {
        (
            Severity::Warning,
            format!("no layer filters flow `{id}` on {way}"),
            "allowed, but nothing on this way needed the permission",
            "give the subnet an `nsg`, or route it through a firewall",
        )
    } else {
        (
            Severity::Error,
            format!("no layer enforces `{id}` on {way}"),
            "this traffic would not be stopped",
            "give the subnet an `nsg`, route it through a firewall, or write what a layer there can match",
        )
    };
    let d = unenforced(flow, message)
        .severity(severity)
        .label(label)
        .help(help);
    if flow.allows() {
        return d;
    }
    d.note("a deny needs a layer on every way that expresses it exactly; a wider rule is never emitted")
}

/// An allow between ends that no route joins.
pub(crate) fn unreachable(flow: &Flow) -> Diagnostic {
    unenforced(
        flow,
        format!(
            "no route leads from the source of flow `{}` to its destination, so no rule is written",
            flow.id.text()
        ),
    )
    .label("dropped whatever the rules say")
    .help("declare where the addresses are: a `vnet` with its `peers` and `on-premises`, or a route table that leads there")
    .note("Virtual network traffic routing: private ranges that no network, peering or gateway has are dropped (checked 2026-11-23)")
}

/// An allow that `at` keeps from a layer of its way, which then denies it.
pub(crate) fn shut_elsewhere(flow: &Flow, layer: &str, way: &str) -> Diagnostic {
    let id = flow.id.text();
    let d = unenforced(
        flow,
        format!(
            "{layer} stops flow `{id}` on {way}: its `at` leaves that layer out, and no other flow lets all of it through there"
        ),
    );
    d.label("allowed here, denied by default there")
        .help("drop `at`, name that layer too, or allow the traffic there in a flow of its own")
}

/// An exception that `at` keeps from a layer of its way, where the deny that it overrides stands.
pub(crate) fn still_denied(flow: &Flow, deny: &Flow, layer: &str, way: &str) -> Diagnostic {
    let (id, denied) = (flow.id.text(), deny.id.text());
    let d = unenforced(
        flow,
        format!(
            "{layer} stops flow `{id}` on {way}: its `at` leaves that layer out, where `{denied}` denies it"
        ),
    );
    d.label("overrides the deny here, not there")
        .also(deny.spans.whole, "denied here")
        .help("drop `at`, or name that layer too")
}

/// An exception by name at a security group that denies the addresses first.
pub(crate) fn behind_a_deny(flow: &Flow, deny: &Flow, layer: &str, way: &str) -> Diagnostic {
    let (id, denied) = (flow.id.text(), deny.id.text());
    let d = unenforced(
        flow,
        format!(
            "{layer} stops flow `{id}` on {way}: what it says for names comes after `{denied}`"
        ),
    );
    d.label("names are no exception there")
        .also(deny.spans.whole, "denies addresses that they may have")
        .help("remove the deny and let the firewall deny by default, or keep it to addresses that no name has")
}

fn unenforced(flow: &Flow, message: String) -> Diagnostic {
    Diagnostic::new(Code::PC4002, flow.spans.whole, message)
}

pub(crate) fn wildcard(flow: &Flow, name: &str, ports: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4004,
        flow.spans.to,
        format!("wildcard `{name}` on {ports} needs a network rule, and those take exact names only"),
    )
    .label("a network rule cannot match a wildcard")
    .help("list the names, use a service tag, or use tcp/80, tcp/443 or tcp/1433, which application rules match")
    .note(if ports.starts_with("udp") && ports.contains("443") {
        "Azure Firewall known issues: QUIC, HTTP over UDP, is filtered by no application rule; a client that is refused falls back to TCP (checked 2026-11-25)"
    } else {
        "FQDN filtering in network rules (Azure Firewall): no wildcards (checked 2026-11-23)"
    })
}

pub(crate) fn no_dns_proxy(flow: &Flow, firewall: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4005,
        flow.spans.to,
        format!(
            "flow `{}` becomes a network rule with names, but `dns-proxy` is off on `{firewall}`",
            flow.id.text()
        ),
    )
    .label("these names are resolved by the firewall")
    .help(format!("set `dns-proxy = true` on firewall `{firewall}`"))
    .note("FQDN filtering in network rules (Azure Firewall): DNS proxy is required (checked 2026-11-23)")
}

pub(crate) fn envelope(flow: &Flow, nsg: &str, ports: &str, at_firewall: bool) -> Diagnostic {
    Diagnostic::new(
        Code::PC4006,
        flow.spans.to,
        format!(
            "NSG `{nsg}` can only allow Internet on {ports} for flow `{}`",
            flow.id.text()
        ),
    )
    .label("a security rule cannot match names")
    .help(if at_firewall {
        "nothing to do: the firewall narrows it, and the manifest lists it as an envelope"
    } else {
        "the firewall behind it gets no rule of this flow, since `at` leaves it out: only what other flows allow there passes"
    })
}

pub(crate) fn type_before_priority(strong: &Flow, weak: &Flow, why: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4007,
        strong.spans.whole,
        format!(
            "`{}` by name cannot beat the network rule of `{}`: network rules run first",
            strong.id.text(),
            weak.id.text()
        ),
    )
    .label("an application rule, read after every network rule")
    .also(weak.spans.whole, why.to_owned())
    .help(if weak.allows() {
        "narrow the allow to names, or deny by address"
    } else {
        "remove the address deny (the firewall denies by default), or make both sides the same kind"
    })
    .note("Azure Firewall rule processing logic: network rules before application rules, whatever their priorities (checked 2026-11-23)")
}

pub(crate) fn maybe_preempted(strong: &Flow, weak: &Flow, tag: &str) -> Diagnostic {
    let d = Diagnostic::new(
        Code::PC4014,
        strong.spans.whole,
        format!(
            "`{}` by name may be preempted by the network rule of `{}`",
            strong.id.text(),
            weak.id.text()
        ),
    )
    .label("an application rule, read after every network rule")
    .also(weak.spans.whole, format!("the names behind `{tag}` are unknown"))
    .help(format!(
        "if they have none there, state it: `assume {} apart {tag}`; or make both sides the same kind",
        names_of(strong)
    ))
    .note("Azure Firewall rule processing logic: network rules before application rules, whatever their priorities (checked 2026-11-23)");
    if strong.tier == crate::model::Tier::Forbid {
        d.severity(Severity::Error)
    } else {
        d
    }
}

/// An exception below a parent policy: what the parent denies is denied before it is read.
pub(crate) fn parent_first(
    exception: &Flow,
    firewall: &str,
    parent: &str,
    deny: Option<&Flow>,
) -> Diagnostic {
    let id = exception.id.text();
    let what = match deny {
        Some(deny) => format!(
            "exception `{id}` on firewall `{firewall}` cannot beat `{}` of its parent policy `{parent}`",
            deny.id.text()
        ),
        None => format!(
            "exception `{id}` on firewall `{firewall}` beats no deny of its parent policy `{parent}`"
        ),
    };
    after_parent(
        exception,
        what,
        deny,
        [
            "enforce the exception at the parent with `at`, or take this part out of the deny",
            "look at the parent for denies of this traffic; an exception to them belongs there",
        ],
    )
}

/// A deny below a parent policy: what the parent allows is through before it is read.
pub(crate) fn parent_allows(
    deny: &Flow,
    firewall: &str,
    parent: &str,
    allow: Option<&Flow>,
) -> Diagnostic {
    let id = deny.id.text();
    let what = match allow {
        Some(allow) => format!(
            "`{id}` on firewall `{firewall}` cannot stop what `{}` of its parent policy `{parent}` allows",
            allow.id.text()
        ),
        None => format!(
            "`{id}` on firewall `{firewall}` stops nothing that its parent policy `{parent}` allows"
        ),
    };
    after_parent(
        deny,
        what,
        allow,
        [
            "enforce the deny at the parent with `at`, or take this part out of the allow",
            "look at the parent for allows of this traffic; a deny that is to beat them belongs there",
        ],
    )
}

fn after_parent(
    flow: &Flow,
    message: String,
    above: Option<&Flow>,
    [known, unknown]: [&str; 2],
) -> Diagnostic {
    let d = Diagnostic::new(Code::PC4008, flow.spans.whole, message)
        .label("read after every rule of the parent")
        .note("Azure Firewall rule processing logic: rule collection groups of the parent policy come first, whatever the priorities (checked 2026-11-23)");
    match above {
        Some(above) => d
            .also(above.spans.whole, "a rule of the parent")
            .help(known),
        // What a policy of somebody else says is not known here.
        None => d.severity(Severity::Note).help(unknown),
    }
}

/// A translation into what a flow denies.
pub(crate) fn dnat_denied(dnat: &Dnat, deny: &Flow) -> Diagnostic {
    let id = dnat.id.text();
    into_denied(
        dnat.spans.into,
        deny,
        &format!("dnat `{id}` translates into traffic that"),
    )
    .label("let through as soon as it is translated")
    .help("narrow one of them, or make a plain exception that overrides the deny for this traffic")
    .note(NOT_FURTHER)
}

/// A translation of what is denied at the public address.
pub(crate) fn dnat_of_denied(dnat: &Dnat, deny: &Flow) -> Diagnostic {
    let id = dnat.id.text();
    into_denied(
        dnat.spans.to,
        deny,
        &format!("dnat `{id}` lets traffic to a public address in that"),
    )
    .label("translated before any rule is asked")
    .help("narrow the source of one of them, or leave the address out of the deny with `except`")
    .note(NOT_FURTHER)
}

/// A translation whose target denies the firewall it comes through.
pub(crate) fn dnat_arrives_denied(dnat: &Dnat, deny: &Flow, firewall: &str) -> Diagnostic {
    let id = dnat.id.text();
    into_denied(
        dnat.spans.into,
        deny,
        &format!("dnat `{id}` reaches its target from the subnet of firewall `{firewall}`, which"),
    )
    .label("comes from the firewall's subnet, whoever asked")
    .help("leave the firewall's subnet out of the deny with `except`, or this target")
    .note("Azure Firewall known issues: what a DNAT rule lets in has its source translated to an address of the firewall's subnet (checked 2026-11-23)")
}

const NOT_FURTHER: &str = "Azure Firewall rule processing logic: what a DNAT rule matches is not processed by network rules (2023 text, checked 2026-11-23)";

fn into_denied(span: Span, deny: &Flow, what: &str) -> Diagnostic {
    let message = format!("{what} `{}` denies", deny.id.text());
    Diagnostic::new(Code::PC4015, span, message).also(deny.spans.whole, "denied here")
}

/// A translation for everyone.
pub(crate) fn dnat_any_source(dnat: &Dnat) -> Diagnostic {
    Diagnostic::new(
        Code::PC4021,
        dnat.spans.from,
        format!(
            "dnat `{}` with `any` as its source also touches traffic between virtual networks",
            dnat.id.text()
        ),
    )
    .label("becomes the source `*`")
    .help("write `tag(Internet)` for everyone on the internet, or the prefixes of those who may come")
    .note("Azure Firewall known issues: a DNAT rule with the source `*` makes an implicit network rule that matches traffic between virtual networks and always translates its source (checked 2026-11-23)")
}

/// The names of a flow, as an `assume` would say them.
pub(super) fn names_of(flow: &Flow) -> String {
    let to = &flow.to;
    let mut list: Vec<String> = to.names.iter().map(|n| n.text.clone()).collect();
    list.extend(to.fqdn_tags.iter().map(|t| format!("fqdn-tag({t})")));
    match list.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    }
}

/// `https` and its like to addresses, which are no more than ports.
pub(crate) fn plain_tcp(flow: &Flow, word: &str) -> Diagnostic {
    let d = l7_meaning(
        flow,
        &format!("`{word}` to addresses is plain tcp"),
        "read as tcp on these ports",
    );
    if flow.to.tags.is_empty() {
        return d;
    }
    d.note("Azure Firewall service tags: they stand in the destination of network rules; an application rule takes one and does nothing with it (hashicorp/terraform-provider-azurerm issue 28668, checked 2026-11-25)")
}

pub(crate) fn l7_meaning(flow: &Flow, message: &str, consequence: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4020,
        flow.spans.services,
        format!("flow `{}`: {message}", flow.id.text()),
    )
    .label(consequence.to_owned())
}

/// Two allows for the same traffic, of which the firewall takes the first it meets.
pub(crate) fn allows_differ(flow: &Flow, other: &Flow, what: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC5012,
        flow.spans.whole,
        format!(
            "allows `{}` and `{}` meet and differ in {what}",
            other.id.text(),
            flow.id.text()
        ),
    )
    .label("which of them counts would depend on its position")
    .also(other.spans.whole, "the other one")
    .help("narrow one of them, or give both the same clauses")
    .note("Azure Firewall rule processing logic: the first application rule that matches decides, and with it its TLS inspection and headers (checked 2026-11-23)")
}

/// Two ordered groups that speak of the same traffic.
pub(crate) fn ordered_groups_meet(first: &Flow, second: &Flow, layer: &str) -> Diagnostic {
    let path = |flow: &Flow| {
        let mut parts = flow.id.instance.clone();
        parts.push(flow.id.group.clone());
        parts.join("::")
    };
    Diagnostic::new(
        Code::PC5010,
        second.spans.whole,
        format!(
            "ordered groups `{}` and `{}` meet at {layer}",
            path(first),
            path(second)
        ),
    )
    .label(format!(
        "`{}` matches some of the same traffic",
        second.id.text()
    ))
    .also(first.spans.whole, format!("as `{}`", first.id.text()))
    .help("put both lists into one ordered group, or narrow one of the two flows")
}

/// Two routes of one table with one prefix.
pub(crate) fn prefix_claimed_twice(span: Span, first: Span, prefix: &str) -> Diagnostic {
    claimed_twice(
        span,
        first,
        format!("two routes of one table claim {prefix} with different next hops"),
    )
}

/// Two translations of one address, port and protocol.
pub(crate) fn port_claimed_twice(a: &Dnat, b: &Dnat, what: &str) -> Diagnostic {
    let (first, second) = if a.spans.to < b.spans.to {
        (a, b)
    } else {
        (b, a)
    };
    claimed_twice(
        second.spans.to,
        first.spans.to,
        format!(
            "`{}` and `{}` both translate {what}",
            first.id.text(),
            second.id.text()
        ),
    )
}

fn claimed_twice(span: Span, first: Span, message: String) -> Diagnostic {
    // Whatever order they were met in, the first claim is the one that stands first.
    let (first, span) = if first <= span {
        (first, span)
    } else {
        (span, first)
    };
    Diagnostic::new(Code::PC5013, span, message)
        .label("second claim")
        .also(first, "first claim")
        .help("keep one of them")
}

pub(crate) fn band_full(span: Span, scope: &str, band: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC7004,
        span,
        format!("band `{band}` of {scope} is full"),
    )
    .label("no number left for this")
    .help("widen the band under `bands:` in portcullis.yaml")
}

/// Existing rules or groups that have another number than before.
pub(crate) fn renumbered(span: Span, scope: &str, moved: &[Moved]) -> Option<Diagnostic> {
    // Who pins a rule, or changes its tier, asked for it; the others did not.
    let unasked = |m: &&Moved| !matches!(m.reason, MoveReason::Pin | MoveReason::Band);
    let severity = if moved.iter().any(|m| unasked(&m)) {
        Severity::Warning
    } else {
        Severity::Note
    };
    let (first, rules) = match moved {
        [] => return None,
        [one] => (one, "1 existing rule".to_owned()),
        [first, ..] => (first, format!("{} existing rules", moved.len())),
    };
    let list: Vec<String> = moved
        .iter()
        .map(|m| format!("`{}` {} -> {}: {}", m.id, m.from, m.to, m.reason.text()))
        .collect();
    let help = match first.reason {
        MoveReason::Pin | MoveReason::Band => {
            "nothing to do if this was meant; write the whole resource in one deployment"
        }
        _ => {
            "widen the band under `bands:` in portcullis.yaml, or write the whole resource in one deployment"
        }
    };
    Some(
        Diagnostic::new(
            Code::PC7003,
            span,
            format!("{rules} had to be renumbered in `{scope}`"),
        )
        .severity(severity)
        .label("numbers of this changed")
        .help(help)
        .note(list.join("; ")),
    )
}

pub(crate) fn bad_pin(span: Span, pin: u32, why: &str, free: &[u32]) -> Diagnostic {
    let list: Vec<String> = free.iter().map(ToString::to_string).collect();
    Diagnostic::new(Code::PC7006, span, format!("pinned priority {pin} {why}"))
        .label("cannot be had")
        .help(if list.is_empty() {
            "choose a number inside the tier's band, or drop the pin".to_owned()
        } else {
            format!("choose one of {}", list.join(", "))
        })
}

/// A rule or collection of an export that has the name of ours, and nothing says that it is ours.
pub(crate) fn takes_foreign(span: Span, what: &str, name: &str, file: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC9011,
        span,
        format!("{what} `{name}` of the base file `{file}` gives way to one of this policy"),
    )
    .label("has the same name")
    .help("if it is somebody else's, give the group or the flow another label; if it is yours, take its number over with `portcullis lock --from FILE`")
    .note("names are unique in their resource, in any case, and neither the lock nor the output knows this one")
}

pub(crate) fn no_place(span: Option<Span>, what: &str, resource: &str) -> Diagnostic {
    let d = Diagnostic::general(Code::PC9007, span, format!("no {what} for `{resource}`"))
        .label("emitted as an Azure resource")
        .help(if span.is_some() {
            "set it under `deploy:` in portcullis.yaml, or on the statement"
        } else {
            "set it under `deploy:` in portcullis.yaml"
        });
    if span.is_some() {
        return d;
    }
    d.note("no statement declares it: it follows from the flows, as the IP group that `tag(Internet)` is on a firewall")
}
