//! The diagnostics of lowering, one constructor a code; when to raise them is the rooms' and the
//! plan's work.

use crate::diag::{Code, Diagnostic, Severity};
use crate::model::Flow;
use crate::source::Span;

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

pub(crate) fn rule_per_tag(flow: &Flow, nsg: &str, rules: usize) -> Diagnostic {
    Diagnostic::new(
        Code::PC3008,
        flow.spans.whole,
        format!("flow `{}` needs {rules} rules in NSG `{nsg}`", flow.id.text()),
    )
    .label("one service tag a rule side")
    .help("information only; fewer tags make fewer rules")
    .note("Network security groups overview: a rule holds one service tag on each side (checked 2026-11-23)")
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

/// The same, for a part that is left out as of no account.
pub(crate) fn left_out(d: Diagnostic) -> Diagnostic {
    d.severity(Severity::Note)
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
    let d = Diagnostic::new(Code::PC4002, flow.spans.whole, message)
        .severity(severity)
        .label(label)
        .help(help);
    if flow.allows() {
        return d;
    }
    d.note("a deny needs a layer on every way that expresses it exactly; a wider rule is never emitted")
}

pub(crate) fn wildcard(flow: &Flow, name: &str, ports: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4004,
        flow.spans.to,
        format!("wildcard `{name}` on {ports} needs a network rule, and those take exact names only"),
    )
    .label("a network rule cannot match a wildcard")
    .help("list the names, use a service tag, or use tcp/80, tcp/443 or tcp/1433, which application rules match")
    .note("FQDN filtering in network rules (Azure Firewall): no wildcards (checked 2026-11-23)")
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

pub(crate) fn envelope(flow: &Flow, nsg: &str, ports: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4006,
        flow.spans.to,
        format!(
            "NSG `{nsg}` can only allow Internet on {ports} for flow `{}`",
            flow.id.text()
        ),
    )
    .label("a security rule cannot match names")
    .help("nothing to do: the firewall narrows it, and the manifest lists it as an envelope")
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

/// The names of a flow, as an `assume` would say them.
fn names_of(flow: &Flow) -> String {
    let to = &flow.to;
    let mut list: Vec<String> = to.names.iter().map(|n| n.text.clone()).collect();
    list.extend(to.fqdn_tags.iter().map(|t| format!("fqdn-tag({t})")));
    match list.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    }
}

pub(crate) fn endpoint_bypass(flow: &Flow, subnet: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4009,
        flow.spans.to,
        format!(
            "flow `{}` leaves subnet `{subnet}` through a service endpoint, past the firewall",
            flow.id.text()
        ),
    )
    .label("reached through a service endpoint")
    .help("remove the endpoint from `service-endpoints` if the firewall should see it, or write `at nsg` if it should not")
    .note("Virtual network traffic routing: a service endpoint's routes are longer than 0.0.0.0/0 (checked 2026-11-23)")
}

pub(crate) fn asymmetric(flow: &Flow, request: &str, reply: &str, help: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4010,
        flow.spans.whole,
        format!(
            "the path of flow `{}` is asymmetric: the request {request}, the reply {reply}",
            flow.id.text()
        ),
    )
    .label("the reply would be dropped")
    .help(help)
    .note("a stateful firewall that sees only one direction of a connection drops it")
}

pub(crate) fn unbounded_exception(span: Span, id: &str, subnet: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4011,
        span,
        format!("route exception `{id}` opens direct internet egress from subnet `{subnet}`, and no security rule bounds it"),
    )
    .label("every port of this destination goes past the firewall")
    .help("give the subnet an `nsg` with `default-outbound = deny`")
}

pub(crate) fn no_nsg(span: Span, subnet: &str, why: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4012,
        span,
        format!("subnet `{subnet}` has no NSG, but {why}"),
    )
    .label("relies on a security group")
    .help(format!(
        "declare `nsg NAME {{ }}` and set `nsg = NAME` on subnet `{subnet}`"
    ))
}

pub(crate) fn nothing_narrows(flow: &Flow, nsg: &str, ports: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4013,
        flow.spans.to,
        format!("nothing on the path can narrow the names of flow `{}`", flow.id.text()),
    )
    .label("no firewall lies on this path")
    .help(format!(
        "set `names = open` on NSG `{nsg}` to accept Internet on {ports}, or route the subnet through a firewall"
    ))
}

pub(crate) fn undetermined(span: Span, what: &str, help: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4016,
        span,
        format!("the path is not determined: {what}"),
    )
    .label("cannot tell which way this goes")
    .help(help)
}

pub(crate) fn absorbs(flow: &Flow, span: Span, nsg: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4017,
        span,
        format!(
            "`tag(VirtualNetwork)` of flow `{}` on NSG `{nsg}` would take in what its user routes cover; prefixes are emitted instead",
            flow.id.text()
        ),
    )
    .label("Azure's tag is wider than the virtual network here")
    .help("name the prefixes, so that they do not change when the network does")
    .note("Virtual network service tags: VirtualNetwork includes the prefixes of user-defined routes (checked 2026-11-23)")
}

pub(crate) fn l7_meaning(flow: &Flow, message: &str, consequence: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4020,
        flow.spans.services,
        format!("flow `{}`: {message}", flow.id.text()),
    )
    .label(consequence.to_owned())
}

pub(crate) fn claimed_twice(one: Span, other: Span, what: &str) -> Diagnostic {
    // Whatever order they were met in, the first claim is the one that stands first.
    let (first, second) = if one <= other {
        (one, other)
    } else {
        (other, one)
    };
    Diagnostic::new(
        Code::PC5013,
        second,
        format!("two routes of one table claim {what} with different next hops"),
    )
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
