//! The ways as lines for people. It draws nothing.

use super::{Drawing, caption};
use crate::review::harmless::harmless;

/// A block an environment, a line a way.
#[must_use]
pub fn text(drawings: &[Drawing]) -> String {
    let mut out = String::new();
    for drawing in drawings {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&caption(drawing));
        out.push('\n');
        let width = |of: fn(&super::Course) -> &str| {
            let list = drawing.courses.iter();
            list.map(|c| of(c).chars().count()).max().unwrap_or(0)
        };
        let from = width(|c| &c.from);
        let by = width(|c| &c.point);
        for course in &drawing.courses {
            out.push_str(&format!(
                " {:>4}  {:from$}  {:by$}  {}\n",
                course.weight, course.from, course.point, course.to
            ));
        }
    }
    out.split_inclusive('\n')
        .map(|line| harmless(line.trim_end_matches('\n')) + "\n")
        .collect()
}
