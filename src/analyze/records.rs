//! What the settings require every flow to state: purpose, owner, ticket. What exceptions must state
//! always is judged elsewhere.

use crate::config::RequiredOf;
use crate::diag::{Code, Diagnostic, Sink};
use crate::model::{Flow, Tier};

use super::{Scene, label, listed};

/// Tells flows that lack what `require` asks for.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    let require = &scene.settings.require;
    for flow in scene.own_flows() {
        let asked = |of: RequiredOf| match of {
            RequiredOf::None => false,
            RequiredOf::Exceptions => flow.tier == Tier::Exception,
            RequiredOf::All => true,
        };
        let empty = |text: &Option<String>| text.as_ref().is_none_or(|t| t.trim().is_empty());
        let mut missing = Vec::new();
        for (of, text, word) in [
            (require.purpose, &flow.purpose, "for"),
            (require.owner, &flow.owner, "owner"),
            (require.ticket, &flow.ticket, "ticket"),
        ] {
            // A missing ticket of an exception has its own code.
            let told = word == "ticket" && flow.tier == Tier::Exception;
            if asked(of) && empty(text) && !told {
                missing.push(word.to_owned());
            }
        }
        if !missing.is_empty() {
            sink.push(incomplete(flow, &missing));
        }
    }
}

fn incomplete(flow: &Flow, missing: &[String]) -> Diagnostic {
    let quoted: Vec<String> = missing.iter().map(|w| format!("`{w}`")).collect();
    let example: Vec<&str> = missing
        .iter()
        .map(|word| match word.as_str() {
            "for" => "for \"why this is needed\"",
            "owner" => "owner \"team\"",
            _ => "ticket \"CHG-1\"",
        })
        .collect();
    Diagnostic::new(
        Code::PC6005,
        flow.spans.whole,
        format!("flow `{}` has no {}", label(flow), listed(&quoted)),
    )
    .label("`require` in portcullis.yaml asks for it")
    .help(format!("add `{}`, here or on the group", example.join(" ")))
}
