//! Rows and columns: how ends become them, and the order in which they are read. No cell is judged here.

use std::collections::{BTreeMap, BTreeSet};

use crate::inventory::Seen;
use crate::inventory::data::{Cell, Matrix, Unit, UnitKind};
use crate::inventory::edges::subnet;
use crate::inventory::units::{Term, Terms, is_most, prefixes};
use crate::model::endpoint::Endpoint;

/// Subnets that a source or destination is shown at beside its own row or column.
const MOST_SUBNETS: usize = 12;

/// Rows or columns as they are found.
#[derive(Default)]
pub(super) struct Axis {
    pub(super) units: Vec<Unit>,
    pub(super) index: BTreeMap<(UnitKind, String), usize>,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) owners: Vec<BTreeMap<String, usize>>,
}

impl Axis {
    pub(super) fn place(&mut self, unit: Unit, endpoint: Endpoint) -> usize {
        let key = (unit.kind, unit.label.clone());
        if let Some(at) = self.index.get(&key) {
            return *at;
        }
        let at = self.units.len();
        self.index.insert(key, at);
        self.units.push(unit);
        self.endpoints.push(endpoint);
        self.owners.push(BTreeMap::new());
        at
    }

    pub(super) fn owned(&mut self, at: usize, owner: Option<&String>) {
        if let (Some(owners), Some(owner)) = (self.owners.get_mut(at), owner) {
            *owners.entry(owner.clone()).or_default() += 1;
        }
    }
}

/// A subnet as a row or column.
pub(super) fn of_subnet(seen: Seen<'_>, key: &str) -> Unit {
    let fabric = seen.context.fabric;
    let node = subnet(fabric, key);
    let found = fabric.policy.subnets.get(key);
    Unit {
        label: node.label,
        kind: UnitKind::Subnet,
        network: node.network,
        zone: node.zone,
        owner: None,
        members: found.map(|s| prefixes(&s.prefix)).unwrap_or_default(),
    }
}

/// The terms of an end, and the subnets that lie in it or meet it.
pub(super) fn ends(
    seen: Seen<'_>,
    terms: &Terms<'_>,
    e: &Endpoint,
    axis: &mut Axis,
) -> Vec<(usize, Endpoint)> {
    let mut out: Vec<(usize, Endpoint)> = Vec::new();
    let found = terms.of(e);
    for term in found {
        let Term {
            label,
            kind,
            members,
            endpoint,
        } = term;
        let unit = Unit {
            label,
            kind,
            members,
            ..Unit::default()
        };
        out.push((axis.place(unit, endpoint.clone()), endpoint));
    }
    let groups = e.ip_groups.values().flatten();
    let own = groups.fold(e.addresses.clone(), |all, set| all.union(set));
    if e.any || own.is_empty() || is_most(&own) {
        return out;
    }
    let fabric = seen.context.fabric;
    let met: Vec<_> = fabric
        .end_subnets()
        .filter(|(_, subnet)| subnet.prefix.meets(&own))
        .collect();
    if met.len() > MOST_SUBNETS {
        return out;
    }
    for (key, subnet) in met {
        let whole = Endpoint::of(subnet.prefix.clone());
        let at = axis.place(of_subnet(seen, key), whole);
        if out.iter().all(|(other, _)| *other != at) {
            out.push((at, Endpoint::of(subnet.prefix.intersect(&own))));
        }
    }
    out
}

/// Rows and columns in the order in which they are read, without those that nothing is said of.
pub(super) fn ordered(
    rows: Axis,
    columns: Axis,
    mut cells: Vec<Cell>,
    defaults_asked: bool,
) -> Matrix {
    let used_rows: BTreeSet<usize> = cells.iter().map(|cell| cell.row).collect();
    let used_columns: BTreeSet<usize> = cells.iter().map(|cell| cell.column).collect();
    let (rows, new_rows) = sorted(rows, &used_rows);
    let (columns, new_columns) = sorted(columns, &used_columns);
    for cell in &mut cells {
        cell.row = new_rows.get(&cell.row).copied().unwrap_or_default();
        cell.column = new_columns.get(&cell.column).copied().unwrap_or_default();
    }
    cells.sort_by_key(|cell| (cell.row, cell.column));
    Matrix {
        rows,
        columns,
        cells,
        defaults_asked,
    }
}

fn sorted(axis: Axis, used: &BTreeSet<usize>) -> (Vec<Unit>, BTreeMap<usize, usize>) {
    let mut list: Vec<(usize, Unit)> = Vec::new();
    for (at, (mut unit, owners)) in axis.units.into_iter().zip(axis.owners).enumerate() {
        if used.contains(&at) || unit.kind == UnitKind::Subnet {
            let most = owners
                .into_iter()
                .max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
            unit.owner = most.map(|(owner, _)| owner);
            list.push((at, unit));
        }
    }
    list.sort_by(|(_, a), (_, b)| {
        let key = |unit: &Unit| (unit.kind, unit.network.clone(), unit.label.clone());
        key(a).cmp(&key(b))
    });
    let places = list.iter().enumerate();
    let places = places.map(|(new, (old, _))| (*old, new)).collect();
    (list.into_iter().map(|(_, unit)| unit).collect(), places)
}
