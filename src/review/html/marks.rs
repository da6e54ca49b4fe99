//! Which cells of a matrix a difference touches. A row or column is touched if it shares an address or
//! a name with an end of the change.

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::diff::told::{Change, Difference, End, Kind};
use crate::inventory::{Environment, Inventory, Unit, UnitKind};

/// By environment, row and column: the changes, by number.
#[derive(Debug, Default)]
pub(super) struct Marks {
    by_pair: BTreeMap<(usize, usize, usize), Vec<usize>>,
    widens: Vec<bool>,
    narrows: Vec<bool>,
    /// By environment: changes between ends that no row or column has.
    beside: BTreeMap<usize, usize>,
    any: bool,
}

impl Marks {
    pub(super) fn of(difference: &Difference, inventory: &Inventory) -> Self {
        let mut out = Self {
            any: true,
            ..Self::default()
        };
        for change in &difference.semantic {
            out.widens.push(change.change.widens());
            out.narrows.push(matches!(
                change.change,
                Kind::NoLongerAllowed | Kind::NewlyPassing
            ));
        }
        for (at, environment) in inventory.environments.iter().enumerate() {
            let ends = Ends::of(environment);
            for (number, change) in difference.semantic.iter().enumerate() {
                if !change.environments.contains(&environment.name) {
                    continue;
                }
                let (rows, columns) = ends.met(environment, change);
                if rows.is_empty() || columns.is_empty() {
                    *out.beside.entry(at).or_default() += 1;
                }
                for row in &rows {
                    for column in &columns {
                        let list = out.by_pair.entry((at, *row, *column)).or_default();
                        list.push(number);
                    }
                }
            }
        }
        out
    }

    /// Whether there is a difference at all.
    pub(super) fn any(&self) -> bool {
        self.any
    }

    /// The pairs of an environment that are touched.
    pub(super) fn pairs(&self, at: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let of = self.by_pair.range((at, 0, 0)..(at + 1, 0, 0));
        of.map(|((_, row, column), _)| (*row, *column))
    }

    /// The changes of a pair.
    pub(super) fn changes(&self, at: usize, row: usize, column: usize) -> &[usize] {
        self.by_pair
            .get(&(at, row, column))
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// `widened`, `narrowed`, both, none.
    pub(super) fn of_pair(&self, at: usize, row: usize, column: usize) -> Vec<&'static str> {
        let changes = self.changes(at, row, column);
        let some = |list: &[bool]| {
            let of = |number: &usize| list.get(*number).copied().unwrap_or(false);
            changes.iter().any(of)
        };
        let mut out = Vec::new();
        if some(&self.widens) {
            out.push("widened");
        }
        if some(&self.narrows) {
            out.push("narrowed");
        }
        out
    }

    /// How many pairs are widened, and narrowed.
    pub(super) fn counts(&self, at: usize) -> (usize, usize) {
        let (mut wide, mut narrow) = (0, 0);
        for (row, column) in self.pairs(at) {
            let marks = self.of_pair(at, row, column);
            wide += usize::from(marks.contains(&"widened"));
            narrow += usize::from(marks.contains(&"narrowed"));
        }
        (wide, narrow)
    }

    /// What is said of changes that have no cell.
    pub(super) fn beside(&self, at: usize) -> Option<String> {
        let count = *self.beside.get(&at)?;
        let verb = if count == 1 {
            "1 change has an end"
        } else {
            return Some(format!(
                "{count} changes have ends that no row or column stands for; the list of changes has them."
            ));
        };
        Some(format!(
            "{verb} that no row or column stands for; the list of changes has it."
        ))
    }
}

/// The addresses of rows and columns.
struct Ends {
    rows: Vec<Vec<IpNet>>,
    columns: Vec<Vec<IpNet>>,
}

impl Ends {
    fn of(environment: &Environment) -> Self {
        let nets = |units: &[Unit]| units.iter().map(|unit| nets(&unit.members)).collect();
        Self {
            rows: nets(&environment.matrix.rows),
            columns: nets(&environment.matrix.columns),
        }
    }

    fn met(&self, environment: &Environment, change: &Change) -> (Vec<usize>, Vec<usize>) {
        let matrix = &environment.matrix;
        let names: Vec<&str> = change
            .traffic
            .names
            .patterns
            .iter()
            .map(|pattern| pattern.pattern.as_str())
            .collect();
        let by_name = !change.traffic.names.is_any() && !names.is_empty();
        let rows = touched(&matrix.rows, &self.rows, &change.traffic.source);
        let columns = if by_name {
            let shares = |unit: &Unit| {
                unit.kind == UnitKind::Names
                    && unit.members.iter().any(|own| {
                        names.iter().any(|name| share_a_name(own, name))
                            || change
                                .traffic
                                .names
                                .within
                                .iter()
                                .any(|w| is_symbol(own, w))
                    })
            };
            let units = matrix.columns.iter().enumerate();
            units.filter(|(_, u)| shares(u)).map(|(at, _)| at).collect()
        } else {
            touched(&matrix.columns, &self.columns, &change.traffic.destination)
        };
        (rows, columns)
    }
}

/// Units that share an address with an end; everyone only for what is that wide itself.
fn touched(units: &[Unit], nets_of: &[Vec<IpNet>], end: &End) -> Vec<usize> {
    let wanted = nets(&end.prefixes);
    let label = end.label.as_deref().unwrap_or_default();
    let wide = wanted.iter().any(|net| net.prefix_len() <= 1);
    let mut out = Vec::new();
    for (at, (unit, own)) in units.iter().zip(nets_of).enumerate() {
        let same = unit.label == label || unit.label == end.short;
        let within = end.within.iter().any(|w| is_symbol(&unit.label, w));
        let meets = match unit.kind {
            UnitKind::Everyone => wide,
            UnitKind::Names => false,
            UnitKind::Tag => !wide && meets(own, &wanted),
            UnitKind::Subnet | UnitKind::Addresses => meets(own, &wanted),
        };
        if same || within || meets {
            out.push(at);
        }
    }
    out
}

fn nets(members: &[String]) -> Vec<IpNet> {
    members
        .iter()
        .filter_map(|text| {
            let lone = text.parse::<std::net::IpAddr>().ok().map(IpNet::from);
            lone.or_else(|| text.parse().ok())
        })
        .collect()
}

fn meets(a: &[IpNet], b: &[IpNet]) -> bool {
    a.iter()
        .any(|a| b.iter().any(|b| a.contains(b) || b.contains(a)))
}

/// Whether some name matches both patterns.
fn share_a_name(a: &str, b: &str) -> bool {
    match (a.strip_prefix('*'), b.strip_prefix('*')) {
        (None, None) => a == b,
        (Some(end), None) => b.ends_with(end),
        (None, Some(end)) => a.ends_with(end),
        (Some(a), Some(b)) => a.ends_with(b) || b.ends_with(a),
    }
}

/// `fqdn-tag(WindowsUpdate)` and `fqdn tag WindowsUpdate` are one thing.
fn is_symbol(label: &str, symbol: &str) -> bool {
    let Some((kind, name)) = symbol.rsplit_once(' ') else {
        return false;
    };
    let kind = kind.replace(' ', "-");
    let kind = kind.strip_prefix("service-").unwrap_or(&kind);
    label == format!("{kind}({name})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_known_by_either_name() {
        assert!(is_symbol("tag(Storage)", "service tag Storage"));
        assert!(is_symbol(
            "fqdn-tag(WindowsUpdate)",
            "fqdn tag WindowsUpdate"
        ));
        assert!(!is_symbol("tag(Sql)", "service tag Storage"));
    }

    #[test]
    fn patterns_share_names() {
        assert!(share_a_name("*.contoso.com", "www.contoso.com"));
        assert!(share_a_name("*", "a.example"));
        assert!(!share_a_name("*.contoso.com", "www.example.com"));
    }
}
