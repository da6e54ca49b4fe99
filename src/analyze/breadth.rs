//! Allows that are wider than anybody means: any to any, every port, a /8, the internet as a source,
//! a bare star. Ports of administration are judged elsewhere.

use crate::catalog::TagKind;
use crate::diag::{Code, Diagnostic, Sink};
use crate::model::address::{AddressSet, Family};
use crate::model::endpoint::Endpoint;
use crate::model::internet::public;
use crate::model::service::Proto;
use crate::model::{Flow, Hop, Written};
use crate::source::Span;

use super::{Scene, label};

/// Addresses of a /8.
const WIDE_V4: u128 = 1 << 24;
/// Addresses of an IPv6 /16.
const WIDE_V6: u128 = 1 << 112;

/// Tells flows that allow too much.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    let outside = public();
    for flow in scene.own_flows().filter(|f| f.allows()) {
        // `via internet` says that the outside is meant.
        let meant = flow.via == Some(Hop::Internet);
        // What `except` leaves was not written, and what it was taken from was.
        let [from, to] = &flow.written;
        let is_any = |end: &Endpoint, written: &Option<Written>| {
            end.any || written.as_ref().is_some_and(|w| w.any)
        };
        let any_to_any = is_any(&flow.from, from) && is_any(&flow.to, to);
        if any_to_any {
            tell(flow, flow.spans.whole, "`any` to `any`", sink);
        }
        let all_ports = flow.traffic.iter().any(|(proto, ports)| {
            matches!(proto, Proto::Tcp | Proto::Udp | Proto::Any) && ports.is_all()
        });
        if all_ports && reaches_outside(scene, &flow.to, &outside) {
            tell(
                flow,
                flow.spans.services,
                "all ports to destinations that are not private",
                sink,
            );
        }
        for (end, written, span) in [
            (&flow.from, from, flow.spans.from),
            (&flow.to, to, flow.spans.to),
        ] {
            // Of a wide prefix `except` may leave little.
            let before = written.as_ref().map_or(&end.addresses, |w| &w.addresses);
            if let Some(prefix) = wide(&end.addresses).and_then(|_| wide(before)) {
                let reason = format!("`{prefix}` is a /8 or wider");
                tell(flow, span, &reason, sink);
            }
        }
        let internet = flow.from.internet || from.as_ref().is_some_and(|w| w.internet);
        if internet && !meant {
            tell(flow, flow.spans.from, "the internet as a source", sink);
        }
        if flow.to.names.iter().any(|n| n.text == "*") {
            tell(flow, flow.spans.to, "the name `*` is every name", sink);
        }
    }
}

fn reaches_outside(scene: &Scene<'_>, to: &Endpoint, outside: &AddressSet) -> bool {
    let listed = |name: &String| {
        scene
            .fabric
            .catalog
            .tag(name)
            .is_none_or(|t| t.kind() == TagKind::Listed)
    };
    to.any
        || to.internet
        || to.has_names()
        || to.tags.iter().any(listed)
        || to.addresses.meets(outside)
}

/// The first prefix of a set that is as wide as a /8.
fn wide(set: &AddressSet) -> Option<String> {
    let is_wide = |family: Family, least: u128| {
        set.intervals(family)
            .iter()
            .any(|(first, last)| last - first >= least - 1)
    };
    if !is_wide(Family::V4, WIDE_V4) && !is_wide(Family::V6, WIDE_V6) {
        return None;
    }
    set.to_prefixes()
        .into_iter()
        .min_by_key(|net| (net.prefix_len(), *net))
        .map(|net| net.to_string())
}

fn tell(flow: &Flow, span: Span, reason: &str, sink: &mut Sink) {
    sink.push(
        Diagnostic::new(
            Code::PC6003,
            span,
            format!("flow `{}` is over-permissive: {reason}", label(flow)),
        )
        .label("wider than most policies mean")
        .help("name the addresses, tags, names or ports that are needed; or silence this line with the reason"),
    );
}
