//! One self-contained page.

use crate::inventory::Inventory;

/// Makes a text harmless inside markup and attributes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The page of one policy.
#[must_use]
pub fn report(inventory: &Inventory) -> String {
    escape(&inventory.project)
}
