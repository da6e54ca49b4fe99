//! Flows past their day, near it, or without one where the settings ask for it. Whose flow it is and
//! why is not judged here.

use crate::config::{Band, Expiry, OnExpired, Settings};
use crate::diag::{Code, Diagnostic, Severity, Sink};
use crate::model::{Flow, Policy, Tier};
use crate::source::Span;
use crate::syntax::ast::Date;

use super::label;

/// Judges the age of every flow of a policy, and takes out what has expired where that is asked
/// for. Done before anything else looks at the flows.
pub fn judge(policy: &mut Policy, settings: &Settings, today: Option<Date>, sink: &mut Sink) {
    for flow in &policy.flows {
        length(flow, settings, today, sink);
    }
    let Some(today) = today else {
        if let Some(first) = policy.flows.iter().find(|f| f.until.is_some()) {
            let count = policy.flows.iter().filter(|f| f.until.is_some()).count();
            sink.push(not_judged(first.spans.whole, count));
        }
        return;
    };
    let Expiry {
        warn_days,
        on_expired,
    } = settings.expiry;
    policy.flows.retain(|flow| {
        let Some(until) = flow.until else {
            return true;
        };
        if until < today {
            sink.push(expired(flow, until, on_expired));
            return on_expired != OnExpired::Drop;
        }
        let left = days(today, until);
        if left <= i64::from(warn_days) {
            sink.push(soon(flow, until, left));
        }
        true
    });
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

fn expired(flow: &Flow, until: Date, mode: OnExpired) -> Diagnostic {
    let d = Diagnostic::new(
        Code::PC6001,
        flow.spans.whole,
        format!("flow `{}` expired on {until}", label(flow)),
    );
    match mode {
        OnExpired::Error => d
            .label("past its day")
            .help("renew `until` with a ticket, or delete the flow"),
        OnExpired::Warn => d
            .severity(Severity::Warning)
            .label("past its day, still compiled")
            .help("renew `until` with a ticket, or delete the flow"),
        OnExpired::Drop => d
            .severity(Severity::Note)
            .label("past its day, left out of this run")
            .help("delete the flow, or renew `until` with a ticket"),
    }
    .note("`until` is inclusive, in UTC; `--expired` and `expiry: on-expired` say what follows")
}

fn soon(flow: &Flow, until: Date, left: i64) -> Diagnostic {
    let when = match left {
        0 => "expires today".to_owned(),
        1 => "expires tomorrow".to_owned(),
        n => format!("expires in {n} days, on {until}"),
    };
    let owner = flow
        .owner
        .as_ref()
        .map_or_else(String::new, |o| format!(" (owner {o})"));
    Diagnostic::new(
        Code::PC6002,
        flow.spans.whole,
        format!("flow `{}`{owner} {when}", label(flow)),
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
    let flows = if count == 1 {
        "1 flow has".to_owned()
    } else {
        format!("{count} flows have")
    };
    Diagnostic::new(
        Code::PC6011,
        span,
        format!("expiry was not judged: {flows} an `until` and no day is given"),
    )
    .label("the first of them")
    .help("pass `--as-of today`, or set `as-of` in portcullis.yaml")
}
