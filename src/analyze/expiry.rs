//! Statements past their day, near it, or flows without one where the settings ask for it. Whose they
//! are and why is not judged here.

use crate::config::{Band, Expiry, OnExpired, Settings};
use crate::diag::{Code, Diagnostic, Severity, Sink};
use crate::model::{Expired, Flow, Policy, Tier};
use crate::source::Span;
use crate::syntax::ast::Date;

use super::label;

/// Judges the age of every flow, route and translation of a policy, and takes out what has expired
/// where that is asked for. Done before anything else looks at them.
pub fn judge(policy: &mut Policy, settings: &Settings, today: Option<Date>, sink: &mut Sink) {
    for flow in &policy.flows {
        length(flow, settings, today, sink);
    }
    let Some(today) = today else {
        let mut dated: Vec<Span> = aged(policy).map(|a| a.span).collect();
        dated.sort_unstable();
        dated.dedup();
        if let Some(first) = dated.first() {
            sink.push(not_judged(*first, dated.len()));
        }
        return;
    };
    for aged in aged(policy) {
        told(&aged, settings, today, sink);
    }
    if settings.expiry.on_expired == OnExpired::Drop {
        let lives = |until: Option<Date>| until.is_none_or(|until| until >= today);
        let flows = policy.flows.iter().map(|f| Expired {
            id: f.id.text(),
            until: f.until,
            purpose: f.purpose.clone(),
            owner: f.owner.clone(),
            ticket: f.ticket.clone(),
            span: f.spans.whole,
        });
        let routes = policy.routes.iter().map(|r| Expired {
            id: r.id.text(),
            until: r.until,
            owner: r.owner.clone(),
            span: r.span,
            ..Expired::default()
        });
        let dnats = policy.dnats.iter().map(|d| Expired {
            id: d.id.text(),
            until: d.until,
            purpose: d.purpose.clone(),
            owner: d.owner.clone(),
            ticket: d.ticket.clone(),
            span: d.spans.whole,
        });
        let all = flows.chain(routes).chain(dnats);
        policy.expired = all.filter(|one| !lives(one.until)).collect();
        policy.flows.retain(|f| lives(f.until));
        policy.routes.retain(|r| lives(r.until));
        policy.dnats.retain(|d| lives(d.until));
    }
}

/// A statement with a last day.
struct Aged<'a> {
    /// `flow`, `route`, `dnat`.
    what: &'static str,
    label: String,
    owner: Option<&'a str>,
    until: Date,
    span: Span,
}

/// Every statement with a last day, flows first.
fn aged(policy: &Policy) -> impl Iterator<Item = Aged<'_>> {
    let flows = policy.flows.iter().filter_map(|f| {
        Some(Aged {
            what: "flow",
            label: label(f),
            owner: f.owner.as_deref(),
            until: f.until?,
            span: f.spans.whole,
        })
    });
    let routes = policy.routes.iter().filter_map(|r| {
        Some(Aged {
            what: "route",
            label: r.id.text(),
            owner: r.owner.as_deref(),
            until: r.until?,
            span: r.span,
        })
    });
    let dnats = policy.dnats.iter().filter_map(|d| {
        Some(Aged {
            what: "dnat",
            label: d.id.text(),
            owner: d.owner.as_deref(),
            until: d.until?,
            span: d.spans.whole,
        })
    });
    flows.chain(routes).chain(dnats)
}

fn told(aged: &Aged<'_>, settings: &Settings, today: Date, sink: &mut Sink) {
    let Expiry {
        warn_days,
        on_expired,
    } = settings.expiry;
    if aged.until < today {
        sink.push(expired(aged, on_expired));
        return;
    }
    let left = days(today, aged.until);
    if left <= i64::from(warn_days) {
        sink.push(soon(aged, left));
    }
}

/// How long a flow of a tier may live.
fn length(flow: &Flow, settings: &Settings, today: Option<Date>, sink: &mut Sink) {
    let Some(most) = band(flow.tier).and_then(|b| settings.require.max_days.get(&b)) else {
        return;
    };
    let most = i64::from(*most);
    match (flow.until, today) {
        // An exception without an end has its own code.
        (None, _) if flow.tier != Tier::Exception => sink.push(too_far(
            flow,
            most,
            format!("flow `{}` has no end", label(flow)),
        )),
        (Some(until), Some(today)) if days(today, until) > most => sink.push(too_far(
            flow,
            most,
            format!(
                "`until` of flow `{}` is {} days away",
                label(flow),
                days(today, until)
            ),
        )),
        _ => {}
    }
}

fn band(tier: Tier) -> Option<Band> {
    Band::parse(tier.word())
}

fn days(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
}

fn expired(aged: &Aged<'_>, mode: OnExpired) -> Diagnostic {
    let what = aged.what;
    let d = Diagnostic::new(
        Code::PC6001,
        aged.span,
        format!("{what} `{}` expired on {}", aged.label, aged.until),
    );
    match mode {
        OnExpired::Error => d
            .label("past its day")
            .help(format!("renew `until` with a ticket, or delete the {what}")),
        OnExpired::Warn => d
            .severity(Severity::Warning)
            .label("past its day, still compiled")
            .help(format!("renew `until` with a ticket, or delete the {what}")),
        OnExpired::Drop => d
            .severity(Severity::Note)
            .label("past its day, left out of this run")
            .help(format!("delete the {what}, or renew `until` with a ticket")),
    }
    .note("`until` is inclusive, in UTC; `--expired` and `expiry: on-expired` say what follows")
}

fn soon(aged: &Aged<'_>, left: i64) -> Diagnostic {
    let when = match left {
        0 => "expires today".to_owned(),
        1 => "expires tomorrow".to_owned(),
        n => format!("expires in {n} days, on {}", aged.until),
    };
    let owner = aged
        .owner
        .map_or_else(String::new, |o| format!(" (owner {o})"));
    Diagnostic::new(
        Code::PC6002,
        aged.span,
        format!("{} `{}`{owner} {when}", aged.what, aged.label),
    )
    .label("near its last day")
    .help("renew `until` with a ticket, or plan its removal")
}

fn too_far(flow: &Flow, most: i64, message: String) -> Diagnostic {
    Diagnostic::new(Code::PC6007, flow.spans.whole, message)
        .label(format!("a flow of this tier may last {most} days"))
        .help("write a nearer `until`, or raise `require: max-days` in portcullis.yaml")
}

fn not_judged(span: Span, count: usize) -> Diagnostic {
    let statements = if count == 1 {
        "1 statement has".to_owned()
    } else {
        format!("{count} statements have")
    };
    Diagnostic::new(
        Code::PC6011,
        span,
        format!("expiry was not judged: {statements} an `until` and no day is given"),
    )
    .label("the first of them")
    .help("pass `--as-of today`, or set `as-of` in portcullis.yaml")
}
