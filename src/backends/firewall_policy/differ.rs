//! Allows of one tier that match the same requests and do different things with them: the firewall
//! would take the one that happens to stand first.
//!
//! Judged where the answer is certain: equal FQDN tags and categories, names and URLs that meet.

use crate::backends::lowered::Context;
use crate::backends::plan::Duty;
use crate::backends::{example, faults};
use crate::diag::Sink;
use crate::model::endpoint::{Endpoint, NamePattern};
use crate::model::{Flow, Key};

use super::application::ports_meet;
use super::order::application_ports;

/// Checks every pair of allows at one firewall.
pub(super) fn check(context: &Context<'_>, key: &Key, sink: &mut Sink) {
    let Some(duties) = context.plan.firewalls.get(key) else {
        return;
    };
    let allows: Vec<(&Flow, &Duty)> = duties
        .values()
        .filter_map(|d| context.fabric.policy.flows.get(d.flow).map(|f| (f, d)))
        .filter(|(f, _)| f.allows() && f.to.has_names())
        .collect();
    // Pairs are only worth looking at if some flow has such a clause.
    if allows
        .iter()
        .all(|(f, _)| !f.inspect && f.headers.is_empty())
    {
        return;
    }
    for (place, (flow, mine)) in allows.iter().enumerate() {
        for (other, theirs) in allows.iter().take(place) {
            let what = match (flow.inspect == other.inspect, flow.headers == other.headers) {
                (true, true) => continue,
                (false, true) => "`inspect`",
                (true, false) => "`header`",
                (false, false) => "`inspect` and `header`",
            };
            if flow.tier == other.tier
                && mine.from.meets(&theirs.from)
                && ports_meet(application_ports(flow), application_ports(other))
                && destinations_meet(&flow.to, &other.to)
            {
                let told = faults::allows_differ(flow, other, what);
                example::tell(sink, told, || example::of_both(context.fabric, flow, other));
            }
        }
    }
}

fn destinations_meet(a: &Endpoint, b: &Endpoint) -> bool {
    let everything = |e: &Endpoint| e.names.iter().any(|n| n.text == "*");
    everything(a)
        || everything(b)
        || !a.fqdn_tags.is_disjoint(&b.fqdn_tags)
        || !a.categories.is_disjoint(&b.categories)
        || a.names.iter().any(|x| b.names.iter().any(|y| x.meets(y)))
        || names_meet_urls(a, b)
        || names_meet_urls(b, a)
        || a.urls
            .iter()
            .any(|x| b.urls.iter().any(|y| urls_meet(x, y)))
}

fn names_meet_urls(names: &Endpoint, urls: &Endpoint) -> bool {
    urls.urls
        .iter()
        .any(|url| names.names.iter().any(|name| name.meets(&split(url).0)))
}

/// Host and path of a URL pattern; a path without an asterisk stands for itself.
fn split(url: &str) -> (NamePattern, &str) {
    let (host, path) = url.split_once('/').unwrap_or((url, ""));
    let host = NamePattern {
        text: host.to_ascii_lowercase(),
        within: None,
    };
    (host, path.trim_end_matches('/'))
}

fn urls_meet(a: &str, b: &str) -> bool {
    let ((host, path), (other_host, other_path)) = (split(a), split(b));
    host.meets(&other_host)
        && match (path.strip_suffix('*'), other_path.strip_suffix('*')) {
            (None, None) => path == other_path,
            (Some(stem), None) => other_path.starts_with(stem),
            (None, Some(stem)) => path.starts_with(stem),
            (Some(x), Some(y)) => x.starts_with(y) || y.starts_with(x),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_share_a_request_or_not() {
        for (a, b, meet) in [
            ("www.contoso.com/a", "www.contoso.com/a/", true),
            ("www.contoso.com/a", "www.contoso.com/a/*", false),
            ("www.contoso.com/a/b", "www.contoso.com/a/*", true),
            ("*.contoso.com/a", "www.contoso.com/a", true),
            ("www.contoso.com/a/*", "www.contoso.com/b/*", false),
            ("www.contoso.com/a/*", "api.contoso.com/a/*", false),
        ] {
            assert_eq!(urls_meet(a, b), meet, "{a} {b}");
        }
    }
}
