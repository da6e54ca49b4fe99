//! Wildcard names that match more, or less, than they look like. Whose domain it is is judged
//! elsewhere.

use crate::diag::{Code, Diagnostic, Sink};
use crate::model::Flow;
use crate::source::Span;

use super::{Scene, label};

/// Where the fact is from.
const MATCHING: &str = "Azure Firewall FAQ: `*.contoso.com` covers sub-domains at any depth but not contoso.com, `*contoso.com` is a plain suffix (checked 2026-11-23)";

/// Tells stars without a dot, and wildcards whose own domain is missing.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    for flow in scene.own_flows() {
        for name in &flow.to.names {
            if let Some(domain) = name.text.strip_prefix("*.") {
                let covered = flow.to.names.iter().any(|other| {
                    other.text == domain
                        || other.text == "*"
                        || (other.text.starts_with('*')
                            && !other.text.starts_with("*.")
                            && other.meets(&crate::model::endpoint::NamePattern {
                                text: domain.to_owned(),
                                within: None,
                            }))
                });
                // Deeper domains have no host of their own more often than not.
                if !covered && domain.matches('.').count() == 1 {
                    let span = place(scene, flow.spans.to, &name.text);
                    sink.push(apex(flow, span, &name.text, domain));
                }
            } else if let Some(rest) = name.text.strip_prefix('*').filter(|r| !r.is_empty()) {
                let span = place(scene, flow.spans.to, &name.text);
                sink.push(no_dot(flow, span, &name.text, rest));
            }
        }
    }
}

/// The name inside the destination, if it is written out there.
pub(super) fn place(scene: &Scene<'_>, span: Span, name: &str) -> Span {
    let text = scene.sources.text(span).to_lowercase();
    let Some(at) = text.find(name) else {
        return span;
    };
    let small = |n: usize| u32::try_from(n).unwrap_or(0);
    let start = span.start + small(at);
    Span::new(span.file, start, start + small(name.len()))
}

fn no_dot(flow: &Flow, span: Span, name: &str, rest: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC6012,
        span,
        format!(
            "`{name}` of flow `{}` also matches look-alikes such as `evil{rest}`",
            label(flow)
        ),
    )
    .label("a star without a dot is a plain suffix")
    .help(format!(
        "write `*.{rest}` and, if it is needed too, `{rest}`"
    ))
    .note(MATCHING)
}

fn apex(flow: &Flow, span: Span, name: &str, domain: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC6013,
        span,
        format!(
            "`{name}` of flow `{}` does not match `{domain}` itself",
            label(flow)
        ),
    )
    .label("sub-domains only")
    .help(format!("list `{domain}` too, if it is needed"))
    .note(MATCHING)
}
