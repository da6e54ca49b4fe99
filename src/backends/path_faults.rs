//! What is said of the ways of flows: next hops, replies, security groups that are missing or stay shut.

use crate::diag::{Code, Diagnostic, Severity};
use crate::model::Flow;
use crate::source::Span;

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

pub(crate) fn nothing_narrows(flow: &Flow, nsg: &str, ports: &str, six: bool) -> Diagnostic {
    let d = Diagnostic::new(
        Code::PC4013,
        flow.spans.to,
        format!(
            "nothing on the path can narrow the names of flow `{}`",
            flow.id.text()
        ),
    );
    if six {
        return d
            .label("no firewall lies on the IPv6 path")
            .help(format!(
                "set `names = open` on NSG `{nsg}` to accept Internet on {ports} over IPv6, or give the source IPv4 addresses only"
            ))
            .note(IPV4_ONLY);
    }
    d.label("no firewall lies on this path").help(format!(
        "set `names = open` on NSG `{nsg}` to accept Internet on {ports}, or route the subnet through a firewall"
    ))
}

/// A flow between two subnets that another flow keeps in the peering.
pub(crate) fn passed_by(
    flow: &Flow,
    cause: &Flow,
    (a, b): (&str, &str),
    firewall: &str,
) -> Diagnostic {
    Diagnostic::new(
        Code::PC4023,
        flow.spans.whole,
        format!(
            "flow `{}` goes past firewall `{firewall}`: `{}` keeps subnets `{a}` and `{b}` in their peering",
            one_statement(flow),
            one_statement(cause)
        ),
    )
    .label("the firewall never sees it")
    .also(
        cause.spans.via.unwrap_or(cause.spans.whole),
        "a route serves all traffic of both subnets, whatever the port",
    )
    .help("drop `via vnet` if the firewall is to see this flow, or write `via vnet` here too if it is not")
    .note("Virtual network traffic routing: a route knows destinations, no ports and no protocols (checked 2026-11-25)")
}

/// A flow's id without the half of a `between`: both halves are one statement.
fn one_statement(flow: &Flow) -> String {
    let mut id = flow.id.clone();
    id.way = None;
    id.text()
}

/// Why nothing filters IPv6 behind a security group.
const IPV4_ONLY: &str = "Azure Firewall known issues and limitations: IPv6 is not supported, and 0.0.0.0/0 is no route for it (checked 2026-11-25)";

/// The IPv6 half of sources of which a firewall narrows the IPv4 half.
pub(crate) fn ipv6_stays_shut(flow: &Flow, nsg: &str, ports: &str) -> Diagnostic {
    one_family(
        flow.spans.to,
        format!(
            "flow `{}` has no way over IPv6: NSG `{nsg}` allows {ports} to Internet over IPv4 only",
            flow.id.text()
        ),
    )
    .label("reached over IPv4 only")
    .help(format!(
        "nothing to do if IPv4 is enough; else set `names = open` on NSG `{nsg}` to accept Internet over IPv6"
    ))
    .note(IPV4_ONLY)
}

/// An end of which a family has no counterpart at the other end.
pub(crate) fn no_counterpart(
    flow: &Flow,
    (span, part): (Span, &str),
    (other, family): (&str, &str),
    whole: bool,
) -> Diagnostic {
    let d = one_family(
        span,
        format!(
            "flow `{}`: {part} has no counterpart, since its {other} has no {family} address",
            flow.id.text()
        ),
    )
    .label(format!("no rule is written for its {family} addresses"))
    .help(format!(
        "leave them out, or give the {other} {family} addresses"
    ));
    if whole {
        d.severity(Severity::Warning)
    } else {
        d
    }
}

fn one_family(span: Span, message: String) -> Diagnostic {
    Diagnostic::new(Code::PC4022, span, message)
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
            one_statement(flow)
        ),
    )
    .label("Azure's tag is wider than the virtual network here")
    .help("name the prefixes, so that they do not change when the network does")
    .note("Virtual network service tags: VirtualNetwork includes the prefixes of user-defined routes (checked 2026-11-23)")
}
