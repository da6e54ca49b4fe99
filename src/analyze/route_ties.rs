//! Two routes by service tag that hold one same prefix and lead different ways: which wins is
//! Azure's order of tags, and easily another than meant.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::diag::{Code, Diagnostic, Sink};
use crate::model::Key;
use crate::path::UserRoute;
use crate::path::routes::Target;

use super::Scene;

/// Tells such pairs.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    for (key, table) in &scene.fabric.tables {
        let tagged: Vec<(&UserRoute, &str)> = table
            .routes
            .iter()
            .filter_map(|r| match &r.target {
                Target::Tag(tag) => Some((r, tag.as_str())),
                _ => None,
            })
            .collect();
        for (at, (first, a)) in tagged.iter().enumerate() {
            for (second, b) in tagged.iter().skip(at + 1) {
                if first.hop == second.hop || a == b {
                    continue;
                }
                if let Some(prefix) = common(scene, a, b) {
                    let (winner, loser) = if rank(a) <= rank(b) { (a, b) } else { (b, a) };
                    let undecided = rank(a) == rank(b);
                    let pair = if rank(a) <= rank(b) {
                        (*first, *second)
                    } else {
                        (*second, *first)
                    };
                    sink.push(tie(key, pair, (winner, loser), &prefix, undecided));
                }
            }
        }
    }
}

/// The first prefix that both tags list.
fn common(scene: &Scene<'_>, a: &str, b: &str) -> Option<IpNet> {
    let of = |tag: &str| -> BTreeSet<IpNet> {
        scene
            .fabric
            .catalog
            .tag(tag)
            .map(|t| t.listed_prefixes().collect())
            .unwrap_or_default()
    };
    let second = of(b);
    of(a).into_iter().find(|net| second.contains(net))
}

/// Azure's order among tags with one prefix; lower wins.
///
/// Source: "Virtual network traffic routing" (Microsoft Learn, checked 2026-11-23).
fn rank(tag: &str) -> u8 {
    match (tag, tag.contains('.')) {
        ("AzureCloud", _) => 3,
        (t, true) if t.starts_with("AzureCloud.") => 2,
        (_, true) => 0,
        (_, false) => 1,
    }
}

fn tie(
    key: &Key,
    (first, second): (&UserRoute, &UserRoute),
    (winner, loser): (&str, &str),
    prefix: &IpNet,
    undecided: bool,
) -> Diagnostic {
    let message = format!(
        "routes for `{winner}` and `{loser}` in table `{key}` both hold {prefix} and lead different ways"
    );
    let d = Diagnostic::new(Code::PC4035, second.span, message)
        .also(first.span, "the other route")
        .note("Virtual network traffic routing: of equal prefixes the explicit one wins, then the regional tag, the global tag, AzureCloud with a region, AzureCloud (checked 2026-11-23)");
    if undecided {
        d.label("Azure does not say which of them wins")
            .help("write the prefixes of one of them")
    } else {
        d.label(format!("`{winner}` wins where both match"))
            .help("silence this line if that is meant; otherwise write prefixes")
    }
}
