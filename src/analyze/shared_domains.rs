//! Wildcards over domains in which strangers get names: hosting domains and public suffixes.

use std::sync::OnceLock;

use crate::diag::{Code, Diagnostic, Sink};
use crate::model::Flow;
use crate::source::Span;

use super::names::place;
use super::{Scene, label};

static TABLE: &str = include_str!("../../catalog/shared-domains.txt");

/// A domain below which anybody can have a name.
#[derive(Clone, Copy, Debug)]
struct Shared {
    /// `azureedge.net`; `*.cloudapp.azure.com` if the strangers are one label further down.
    domain: &'static str,
    /// What it is.
    what: &'static str,
}

/// Tells such wildcards in allows.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    for flow in scene.own_flows().filter(|f| f.allows()) {
        for name in &flow.to.names {
            let Some(suffix) = name.text.strip_prefix('*').filter(|s| !s.is_empty()) else {
                continue;
            };
            let suffix = suffix.trim_start_matches('.');
            if let Some(what) = covers(suffix) {
                let span = place(scene, flow.spans.to, &name.text);
                sink.push(shared(flow, span, &name.text, &what));
            }
        }
    }
}

/// What strangers have below a suffix; `None` if they have nothing that is known.
#[must_use]
pub fn covers(suffix: &str) -> Option<String> {
    if !suffix.contains('.') {
        return Some("a top-level domain".to_owned());
    }
    table()
        .iter()
        .find(|shared| match shared.domain.strip_prefix("*.") {
            Some(parent) => {
                suffix == parent
                    || ends_in(parent, suffix)
                    || suffix
                        .strip_suffix(parent)
                        .and_then(|front| front.strip_suffix('.'))
                        .is_some_and(|label| !label.is_empty() && !label.contains('.'))
            }
            None => suffix == shared.domain || ends_in(shared.domain, suffix),
        })
        .map(|shared| shared.what.to_owned())
}

/// Whether a domain lies below another.
fn ends_in(domain: &str, parent: &str) -> bool {
    domain
        .strip_suffix(parent)
        .is_some_and(|front| front.ends_with('.'))
}

fn table() -> &'static [Shared] {
    static SHARED: OnceLock<Vec<Shared>> = OnceLock::new();
    SHARED.get_or_init(|| {
        TABLE
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('|'))
            .map(|(domain, what)| Shared { domain, what })
            .collect()
    })
}

fn shared(flow: &Flow, span: Span, name: &str, what: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC6009,
        span,
        format!(
            "wildcard `{name}` of flow `{}` covers names that strangers own",
            label(flow)
        ),
    )
    .label(what.to_owned())
    .help("list the hosts that are needed, or use a service tag; or silence this line with the reason")
    .note("anybody can have a name there and receive the data: a usual way out for an intruder")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_found_at_their_depth() {
        for (suffix, found) in [
            ("com", true),
            ("azureedge.net", true),
            ("mycdn.azureedge.net", false),
            ("net", true),
            ("core.windows.net", true),
            ("blob.core.windows.net", true),
            ("myaccount.blob.core.windows.net", false),
            ("cloudapp.azure.com", true),
            ("westeurope.cloudapp.azure.com", true),
            ("vm1.westeurope.cloudapp.azure.com", false),
            ("co.uk", true),
            ("contoso.com", false),
            ("update.microsoft.com", false),
        ] {
            assert_eq!(covers(suffix).is_some(), found, "{suffix}");
        }
    }

    #[test]
    fn the_table_is_whole() {
        let rows: Vec<&str> = TABLE
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        assert_eq!(rows.len(), table().len());
        let mut sorted = rows.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(rows, sorted);
    }
}
