//! One flow to names at a firewall: its application rules, one for each kind of destination, and
//! what of it needs a higher tier. Which traffic is matched by name is decided elsewhere.
//!
//! Sources: "Azure Firewall Premium features" (URL filtering of HTTPS needs TLS inspection), REST
//! reference "Firewall Policy Rule Collection Groups" (checked 2026-11-23).

use std::collections::BTreeSet;

use crate::backends::faults;
use crate::backends::resource::Reference;
use crate::diag::{Severity, Sink};
use crate::model::{Sku, service::PortSet};
use crate::source::Span;

use super::rules::Room;
use super::shape::{ApplicationProtocol, ApplicationProtocolType, ApplicationRule, HttpHeader};

/// The single ports of a traffic that go to application rules.
pub(super) type Pairs = BTreeSet<ApplicationProtocol>;

impl Room<'_> {
    /// The application rules, still without names.
    ///
    /// Whether two kinds of destination in one rule add up or narrow each other is documented for
    /// none but URLs and names, which exclude each other: every kind gets a rule of its own.
    pub(super) fn application_rules(
        &self,
        pairs: &Pairs,
        sources: &[String],
        groups: &[Reference],
        sink: &mut Sink,
    ) -> Vec<ApplicationRule> {
        let to = &self.flow.to;
        if pairs.is_empty() || !self.clauses_fit(pairs, sink) {
            return Vec::new();
        }
        let https = pairs
            .iter()
            .any(|p| p.protocol_type == ApplicationProtocolType::Https);
        let rule = ApplicationRule {
            description: self.flow.purpose.clone(),
            source_addresses: sources.to_vec(),
            protocols: pairs.iter().copied().collect(),
            source_ip_groups: groups.to_vec(),
            terminate_tls: (self.flow.inspect && https).then_some(true),
            http_headers_to_insert: self
                .flow
                .headers
                .iter()
                .map(|(name, value)| HttpHeader {
                    header_name: name.clone(),
                    header_value: value.clone(),
                })
                .collect(),
            ..ApplicationRule::default()
        };
        let mut out = Vec::new();
        if !to.names.is_empty() {
            out.push(ApplicationRule {
                target_fqdns: to.names.iter().map(|n| n.text.clone()).collect(),
                ..rule.clone()
            });
        }
        if !to.urls.is_empty() && self.urls_fit(pairs, sink) {
            out.push(ApplicationRule {
                target_urls: to.urls.iter().cloned().collect(),
                ..rule.clone()
            });
        }
        if !to.fqdn_tags.is_empty() && self.tags_fit(pairs, sink) {
            out.push(ApplicationRule {
                fqdn_tags: to.fqdn_tags.iter().cloned().collect(),
                ..rule.clone()
            });
        }
        if !to.categories.is_empty() {
            out.push(ApplicationRule {
                web_categories: to.categories.iter().cloned().collect(),
                ..rule
            });
        }
        out
    }

    /// `inspect` and `header` on traffic that they can be meant for, in a tier that has them.
    fn clauses_fit(&self, pairs: &Pairs, sink: &mut Sink) -> bool {
        let flow = self.flow;
        let has = |kind| pairs.iter().any(|p| p.protocol_type == kind);
        let https = has(ApplicationProtocolType::Https);
        let mut fit = true;
        if let (Some(span), false) = (flow.spans.inspect, https) {
            self.cannot(
                span,
                "`inspect` opens TLS, and this flow has no https",
                "drop `inspect`, or write https",
                sink,
            );
            fit = false;
        }
        if flow.inspect && https {
            let span = flow.spans.inspect.unwrap_or(flow.spans.whole);
            fit &= self.in_tier(span, "TLS inspection (`inspect`)", Sku::Premium, sink);
            if self.firewall.manage_policy {
                sink.push(
                    crate::resolve::not_compiled(
                        span,
                        "the certificate authority of TLS inspection (`transportSecurity` of the policy)",
                    )
                    .severity(Severity::Warning)
                    .help("set it on the policy after each deployment of it, or let somebody else own the policy with `manage = rules`")
                    .note("Azure Firewall Premium certificates: TLS inspection needs an intermediate CA certificate of a key vault (checked 2026-11-23)"),
                );
            }
        }
        if let Some(span) = flow.spans.header {
            fit &= self.in_tier(span, "a header put in (`header`)", Sku::Premium, sink);
            let why = if !flow.allows() {
                Some(("a deny puts no header in", "drop `header`"))
            } else if https && !flow.inspect {
                Some((
                    "a header gets into HTTPS only where TLS is opened",
                    "add `inspect`, or write http",
                ))
            } else if !https && !has(ApplicationProtocolType::Http) {
                Some(("a header goes into HTTP and HTTPS only", "drop `header`"))
            } else {
                None
            };
            if let Some((why, help)) = why {
                self.cannot(span, why, help, sink);
                fit = false;
            }
        }
        if !flow.to.categories.is_empty() {
            fit &= self.in_tier(flow.spans.to, "a web category", Sku::Standard, sink);
        }
        fit
    }

    /// The names behind a tag are those of web services.
    fn tags_fit(&self, pairs: &Pairs, sink: &mut Sink) -> bool {
        let sql = pairs
            .iter()
            .any(|p| p.protocol_type == ApplicationProtocolType::Mssql);
        if sql {
            self.cannot(
                self.flow.spans.to,
                "an FQDN tag goes with http and https, not with SQL",
                "write http or https, or a flow of its own for SQL",
                sink,
            );
        }
        !sql
    }

    fn urls_fit(&self, pairs: &Pairs, sink: &mut Sink) -> bool {
        let span = self.flow.spans.to;
        let has = |kind| pairs.iter().any(|p| p.protocol_type == kind);
        if has(ApplicationProtocolType::Mssql) {
            self.cannot(span, "SQL has no URLs", "write http or https", sink);
            return false;
        }
        if has(ApplicationProtocolType::Https) && !self.flow.inspect {
            self.cannot(
                span,
                "the URL of an HTTPS request is seen only where TLS is opened",
                "add `inspect`, or name the host instead",
                sink,
            );
            return false;
        }
        self.in_tier(span, "a URL", Sku::Premium, sink)
    }

    fn in_tier(&self, span: Span, feature: &str, needed: Sku, sink: &mut Sink) -> bool {
        let enough = self.firewall.sku >= needed;
        if !enough {
            sink.push(faults::needs_sku(
                span,
                self.key,
                sku_word(self.firewall.sku),
                feature,
                sku_word(needed),
            ));
        }
        enough
    }

    /// What only application rules match, on ports that need a network rule.
    pub(super) fn only_by_application_rule(&self, ports: &str, sink: &mut Sink) -> bool {
        let to = &self.flow.to;
        let mut refused = false;
        for (there, what) in [
            (!to.fqdn_tags.is_empty(), "an FQDN tag"),
            (!to.urls.is_empty(), "a URL"),
            (!to.categories.is_empty(), "a web category"),
        ] {
            if there {
                self.cannot(
                    self.flow.spans.to,
                    &format!("{what} is matched by application rules only, not on {ports}"),
                    "use tcp/80 or tcp/443, or list the names",
                    sink,
                );
                refused = true;
            }
        }
        refused
    }
}

/// Names the rules of a flow: the kind of destination is added where there are several.
pub(super) fn name(rules: &mut [ApplicationRule], base: &str) {
    let several = rules.len() > 1;
    for rule in rules {
        let kind = if !rule.target_urls.is_empty() {
            "-urls"
        } else if !rule.fqdn_tags.is_empty() {
            "-tags"
        } else if !rule.web_categories.is_empty() {
            "-categories"
        } else {
            ""
        };
        rule.name = if several {
            format!("{base}{kind}")
        } else {
            base.to_owned()
        };
    }
}

/// The tier as the policy writes it.
pub(super) fn sku_word(sku: Sku) -> &'static str {
    match sku {
        Sku::Basic => "basic",
        Sku::Standard => "standard",
        Sku::Premium => "premium",
    }
}

/// True if two port sets of application rules share one.
pub(super) fn ports_meet(a: Option<PortSet>, b: Option<PortSet>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a.meets(&b))
}
