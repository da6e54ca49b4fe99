//! What a policy asks, as sets: surely allowed, surely denied, surely not spoken of, and what may be.
//! A flow to a name surely speaks of the addresses on the default route, or of those that the name is
//! said to have; of any other the name may resolve to it.

use crate::denote::{Claim, Denotation};
use crate::model::Tier;
use crate::packet::{Addresses, Answer, Names, Region, Set, Space, Verdict, Witness};

/// The sets of one flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spoken {
    /// Packets that it surely speaks of.
    pub(super) sure: Set,
    /// Packets that it may speak of.
    pub(super) may: Set,
}

/// The sets of a policy.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// By flow, in the order of the claims.
    pub(super) flows: Vec<Spoken>,
    /// Surely allowed by a flow.
    pub(super) allowed: Set,
    /// Surely denied by a flow.
    pub(super) denied: Set,
    /// Surely spoken of by no flow.
    pub(super) silent: Set,
    /// What a forbid may speak of.
    pub(super) forbidden: Set,
    /// An exception meets a deny that it does not name: refused elsewhere.
    pub(super) open: Set,
}

/// A region of a name wherever it resolves to.
pub(super) fn anywhere(region: &Region) -> Region {
    let destination = if region.destination.symbols.is_empty() {
        Addresses::any()
    } else {
        Addresses {
            within: None,
            ..region.destination.clone()
        }
    };
    Region {
        destination,
        ..region.clone()
    }
}

/// Works the sets out. `free` holds the packets to addresses on the default route.
pub(super) fn asked(space: &mut Space, denotation: &Denotation, free: Set) -> Asked {
    let flows: Vec<Spoken> = denotation
        .claims
        .iter()
        .map(|claim| spoken(space, claim, free))
        .collect();
    let mut list: Vec<(Verdict, Set, Set)> = Vec::new();
    for tier in [Tier::Forbid, Tier::Exception, Tier::Deny] {
        let (sure, may) = of_tier(space, denotation, &flows, tier);
        let verdict = match tier {
            Tier::Exception => Verdict::Allow,
            _ => Verdict::Deny,
        };
        list.push((verdict, sure, may));
    }
    let forbidden = list.first().map_or(space.empty(), |(_, _, may)| *may);
    let mut ordered: Vec<(&(String, usize), usize)> = denotation
        .claims
        .iter()
        .enumerate()
        .filter_map(|(i, c)| Some((c.order.as_ref()?, i)))
        .collect();
    ordered.sort();
    for (_, index) in ordered {
        if let (Some(claim), Some(flow)) = (denotation.claims.get(index), flows.get(index)) {
            list.push((claim.verdict, flow.sure, flow.may));
        }
    }
    let (sure, may) = of_tier(space, denotation, &flows, Tier::Allow);
    list.push((Verdict::Allow, sure, may));
    let open = open(space, denotation, &flows);
    let Decided {
        allowed,
        denied,
        silent,
    } = decided(space, list);
    Asked {
        flows,
        allowed: space.subtract(allowed, open),
        denied: space.subtract(denied, open),
        silent,
        forbidden,
        open,
    }
}

/// What a list decides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decided {
    /// Surely allowed.
    pub(super) allowed: Set,
    /// Surely denied.
    pub(super) denied: Set,
    /// Surely not spoken of.
    pub(super) silent: Set,
}

/// The first match over what is surely and what may be spoken of.
pub(super) fn decided(space: &mut Space, list: Vec<(Verdict, Set, Set)>) -> Decided {
    let (mut allowed, mut denied, mut silent) = (space.empty(), space.empty(), space.full());
    for (verdict, sure, may) in list.into_iter().rev() {
        silent = space.subtract(silent, may);
        let (same, other) = match verdict {
            Verdict::Allow => (&mut allowed, &mut denied),
            Verdict::Deny => (&mut denied, &mut allowed),
        };
        *same = space.union(*same, sure);
        *other = space.subtract(*other, may);
    }
    Decided {
        allowed,
        denied,
        silent,
    }
}

impl Asked {
    /// The flows that may speak of a packet, by id.
    pub(super) fn speaking(
        &self,
        space: &Space,
        denotation: &Denotation,
        witness: &Witness,
    ) -> Vec<String> {
        let probe = witness.into();
        denotation
            .claims
            .iter()
            .zip(&self.flows)
            .filter(|(_, flow)| space.contains(flow.may, &probe) != Answer::No)
            .map(|(claim, _)| claim.id.clone())
            .collect()
    }
}

fn spoken(space: &mut Space, claim: &Claim, free: Set) -> Spoken {
    let (mut sure, mut may) = (Vec::new(), Vec::new());
    for part in &claim.parts {
        let set = space.region(&part.region);
        sure.push(if part.free_name {
            space.intersect(set, free)
        } else {
            set
        });
        // A rule for a name matches wherever the packet goes.
        may.push(if part.region.names == Names::Any {
            set
        } else {
            space.region(&anywhere(&part.region))
        });
    }
    Spoken {
        sure: space.unite(sure),
        may: space.unite(may),
    }
}

fn of_tier(space: &mut Space, denotation: &Denotation, flows: &[Spoken], tier: Tier) -> (Set, Set) {
    let of: Vec<&Spoken> = denotation
        .claims
        .iter()
        .zip(flows)
        .filter(|(claim, _)| claim.tier == tier && claim.order.is_none())
        .map(|(_, flow)| flow)
        .collect();
    let sure = of.iter().map(|f| f.sure).collect();
    let may = of.iter().map(|f| f.may).collect();
    (space.unite(sure), space.unite(may))
}

/// Packets of exceptions that a deny speaks of which no exception there names.
fn open(space: &mut Space, denotation: &Denotation, flows: &[Spoken]) -> Set {
    let of = |tier: Tier| {
        denotation
            .claims
            .iter()
            .zip(flows)
            .filter(move |(claim, _)| claim.tier == tier && claim.order.is_none())
    };
    let exceptions: Vec<Set> = of(Tier::Exception).map(|(_, flow)| flow.may).collect();
    if exceptions.is_empty() {
        return space.empty();
    }
    let all = space.unite(exceptions);
    let mut out = Vec::new();
    for (deny, other) in of(Tier::Deny) {
        let met = space.intersect(all, other.may);
        if space.is_empty(met) {
            continue;
        }
        let naming: Vec<Set> = of(Tier::Exception)
            .filter(|(exception, _)| exception.overrides.contains(&deny.id))
            .map(|(_, flow)| flow.sure)
            .collect();
        let named = space.unite(naming);
        out.push(space.subtract(met, named));
    }
    space.unite(out)
}
