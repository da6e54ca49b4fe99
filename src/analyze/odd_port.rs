//! An application protocol on the port of another one: accepted by Azure, and it never matches.

use crate::diag::{Code, Diagnostic, Sink};
use crate::model::Flow;
use crate::model::service::{Proto, word};

use super::{Scene, label};

/// Protocols, and the ports on which another one is spoken.
///
/// Source: Azure Firewall application rules match TLS by its SNI, HTTP by its Host header and SQL by
/// its own handshake (Azure Firewall rule processing logic, checked 2026-11-23).
const ODD: &[(Proto, &[u16])] = &[
    (Proto::Http, &[443, 1433]),
    (Proto::Https, &[80, 1433]),
    (Proto::Mssql, &[80, 443]),
];

/// Tells such pairs.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    for flow in scene.own_flows() {
        for (proto, ports) in ODD {
            let Some((_, set)) = flow.traffic.iter().find(|(p, _)| p == proto) else {
                continue;
            };
            for port in ports.iter().filter(|p| set.contains(**p)) {
                sink.push(odd(flow, *proto, *port));
            }
        }
    }
}

fn odd(flow: &Flow, proto: Proto, port: u16) -> Diagnostic {
    let usual = match port {
        80 => "http",
        443 => "https",
        _ => "mssql",
    };
    Diagnostic::new(
        Code::PC6014,
        flow.spans.services,
        format!(
            "flow `{}` expects {} on port {port}, where {usual} is spoken",
            label(flow),
            word(proto)
        ),
    )
    .label("matches no ordinary traffic")
    .help(format!("write `{usual}`, or another port"))
    .note("Azure Firewall rule processing logic: an application rule compares the protocol that is spoken, not the port (checked 2026-11-23)")
}
