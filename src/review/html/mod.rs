//! One self-contained page: no request leaves it, and no text of a policy can become markup or code in
//! it. This file puts the sections together; each has a file.

mod calendar;
mod changes;
mod escape;
mod flows;
mod marks;
mod matrix;
mod page;
mod resources;
mod ways;

use crate::diff::told::Difference;
use crate::inventory::{Environment, Inventory};

pub use escape::escape;

use flows::Rows;
use marks::Marks;
use page::{Panel, plural};

/// The page of one policy.
#[must_use]
pub fn report(inventory: &Inventory) -> String {
    let rows = Rows::of(inventory);
    let marks = Marks::default();
    let panels = common(inventory, &rows, &marks);
    let head = page::of_policy(inventory);
    let data = matrix::data(inventory, &rows, &marks);
    page::page(inventory, &head, &panels, &data)
}

/// The page of a difference: what differs first, then the new side as it is, with what differs marked.
#[must_use]
pub fn difference(difference: &Difference, inventory: &Inventory) -> String {
    let rows = Rows::of(inventory);
    let marks = Marks::of(difference, inventory);
    let mut panels = vec![changes::panel(difference)];
    panels.extend(changes::rules(difference));
    if !inventory.environments.is_empty() {
        panels.extend(common(inventory, &rows, &marks));
    }
    let head = page::of_difference(difference);
    let data = matrix::data(inventory, &rows, &marks);
    page::page(inventory, &head, &panels, &data)
}

/// What both pages have.
fn common(inventory: &Inventory, rows: &Rows<'_>, marks: &Marks) -> Vec<Panel> {
    let several = inventory.environments.len();
    let matrix = page::environments(inventory, |at, environment| {
        page::cards(inventory, environment) + &matrix::matrix(at, environment, marks)
    });
    let ways = page::environments(inventory, ways::ways);
    let resources = page::environments(inventory, |_, one| resources::resources(one));
    let envelopes = page::environments(inventory, |_, one| resources::envelopes(one));
    let most = |of: fn(&Environment) -> usize| inventory.environments.iter().map(of).max();
    let optional = inventory.optional.iter().filter(|o| o.optional).count();
    vec![
        Panel::new("p-matrix", "Matrix", None, matrix),
        Panel::new("p-ways", "Ways", None, ways),
        Panel::new(
            "p-flows",
            "Flows",
            Some(rows.len()),
            flows::table(inventory, rows),
        ),
        Panel::new(
            "p-resources",
            "Resources",
            most(|e| {
                let mut names: Vec<_> = e.limits.iter().map(|l| (l.resource, &l.name)).collect();
                names.dedup();
                names.len()
            }),
            resources,
        ),
        Panel::new(
            "p-envelopes",
            "Envelopes",
            most(|e| e.envelopes.len()),
            envelopes,
        ),
        Panel::new(
            "p-calendar",
            "Calendar",
            Some(inventory.expiries.len()),
            calendar::calendar(inventory),
        ),
        Panel::new(
            "p-optional",
            "Optional",
            Some(optional),
            calendar::optional(inventory, &plural(several, "environment", "environments")),
        ),
    ]
}
