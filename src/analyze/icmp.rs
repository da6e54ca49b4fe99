//! Protocols without ports that a firewall does not carry to the internet.

use crate::diag::{Code, Diagnostic, Sink};
use crate::model::Flow;
use crate::model::internet::public;
use crate::model::service::{Proto, word};

use super::{Scene, label};

/// Tells allows of such protocols whose way to the internet leads through a firewall.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    let outside = public();
    for flow in scene.own_flows().filter(|f| f.allows()) {
        let Some((proto, _)) = flow
            .traffic
            .iter()
            .find(|(p, _)| matches!(p, Proto::Icmp | Proto::Esp | Proto::Ah))
        else {
            continue;
        };
        // Undetermined ways are told where rules are made.
        let Ok(ways) = scene.fabric.ways(flow) else {
            continue;
        };
        let through = ways
            .iter()
            .filter(|way| way.names || way.to.meets(&outside))
            .find_map(|way| way.firewall.as_ref());
        if let Some(firewall) = through {
            sink.push(dropped(flow, proto, firewall));
        }
    }
}

fn dropped(flow: &Flow, proto: Proto, firewall: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4030,
        flow.spans.services,
        format!(
            "flow `{}`: firewall `{firewall}` does not carry {} to the internet",
            label(flow),
            word(proto)
        ),
    )
    .label("dropped, whatever the rules say")
    .help("restrict it to private destinations, or test with tcp")
    .note("Azure Firewall known issues: filtering of protocols other than TCP and UDP does not work for traffic to the internet, since it cannot be translated (checked 2026-11-23)")
}
