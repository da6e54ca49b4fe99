//! All environments of a policy together: what ends when, and which flows are in force where. It judges
//! nothing.

use std::collections::BTreeMap;

use crate::syntax::ast::Date;

use super::Seen;
use super::data::{Environment, Expiry, Inventory, Optional, SCHEMA, Tool};

/// Environments as they come.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    environments: Vec<Environment>,
    idle: BTreeMap<String, Optional>,
    catalog: String,
}

impl Gathered {
    /// Takes an environment, with the flows that are not in force there.
    pub fn take(&mut self, environment: Environment, seen: Seen<'_>) {
        let policy = seen.context.fabric.policy;
        self.catalog = seen.context.fabric.catalog.identity().to_string();
        for idle in &policy.idle {
            let id = idle.id.text();
            let entry = self.idle.entry(id.clone()).or_insert_with(|| Optional {
                flow: id,
                purpose: idle.purpose.clone(),
                owner: idle.owner.clone(),
                place: seen.place(idle.span),
                ..Optional::default()
            });
            entry.optional |= idle.optional;
            let list = if idle.not_enabled {
                &mut entry.off
            } else {
                &mut entry.excluded
            };
            list.push(policy.environment.clone());
        }
        self.environments.push(environment);
    }

    /// The whole. `as_of` is the day that expiry is judged on.
    #[must_use]
    pub fn whole(self, project: &str, proven: bool, as_of: Option<Date>) -> Inventory {
        let mut environments = self.environments;
        environments.sort_by(|a, b| a.name.cmp(&b.name));
        let mut expiries: BTreeMap<(String, String), Expiry> = BTreeMap::new();
        let mut idle = self.idle;
        for environment in &environments {
            for flow in &environment.flows {
                let whole = flow.id.split('/').next().unwrap_or(&flow.id);
                if let Some(until) = &flow.until {
                    let key = (until.clone(), whole.to_owned());
                    let entry = expiries.entry(key).or_insert_with(|| Expiry {
                        until: until.clone(),
                        days: days(as_of, until),
                        flow: whole.to_owned(),
                        tier: flow.tier.map_or_else(|| flow.action.clone(), str::to_owned),
                        environments: Vec::new(),
                        purpose: flow.purpose.clone(),
                        owner: flow.owner.clone(),
                        ticket: flow.ticket.clone(),
                        place: flow.place.clone(),
                    });
                    if !entry.environments.contains(&environment.name) {
                        entry.environments.push(environment.name.clone());
                    }
                }
                let optional = flow.need == Some("optional");
                if optional || idle.contains_key(whole) {
                    let entry = idle.entry(whole.to_owned()).or_insert_with(|| Optional {
                        flow: whole.to_owned(),
                        purpose: flow.purpose.clone(),
                        owner: flow.owner.clone(),
                        place: flow.place.clone(),
                        ..Optional::default()
                    });
                    entry.optional |= optional;
                    if !entry.on.contains(&environment.name) {
                        entry.on.push(environment.name.clone());
                    }
                }
            }
        }
        for optional in idle.values_mut() {
            optional.off.sort();
            optional.excluded.sort();
        }
        Inventory {
            schema: SCHEMA,
            tool: Tool {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
                catalog: self.catalog,
                as_of: as_of.map(|date| date.to_string()),
            },
            project: project.to_owned(),
            proven,
            environments,
            expiries: expiries.into_values().collect(),
            optional: idle.into_values().collect(),
        }
    }
}

fn days(from: Option<Date>, until: &str) -> Option<i64> {
    let until: Date = until.parse().ok()?;
    let span = from?.until(until).ok()?;
    Some(i64::from(span.get_days()))
}
