//! Which flow wins, over any algebra of packet sets: the table of section 2 of grammar/semantics.md.
//! How a set is held is the algebra's business.

use std::collections::BTreeMap;

use crate::model::Tier;
use crate::packet::{Region, Verdict};

use super::{Claim, Denotation};

/// An algebra of sets of packets.
pub trait Sets {
    /// A set.
    type Set: Clone;

    /// No packet.
    fn none(&mut self) -> Self::Set;
    /// The packets of a region.
    fn region(&mut self, region: &Region) -> Self::Set;
    /// Packets in either.
    fn union(&mut self, a: &Self::Set, b: &Self::Set) -> Self::Set;
    /// Packets of the first that are not in the second.
    fn subtract(&mut self, a: &Self::Set, b: &Self::Set) -> Self::Set;
}

/// What a tier decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Won<S> {
    /// The tier.
    pub tier: Tier,
    /// Packets that it allows.
    pub allowed: S,
    /// Packets that it denies.
    pub denied: S,
}

/// What a policy decides. What is in neither set no flow speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiers<S> {
    /// What each flow asks for, whoever wins, in the order of the claims.
    pub claims: Vec<S>,
    /// The tiers, strongest first, each without what a stronger one decides.
    pub won: Vec<Won<S>>,
    /// Everything that is allowed.
    pub allowed: S,
    /// Everything that is denied.
    pub denied: S,
}

/// The tiers of a policy. Translations are left out: what arrives and what leaves are two packets.
pub fn tiers<A: Sets>(denotation: &Denotation, sets: &mut A) -> Tiers<A::Set> {
    let claims: Vec<A::Set> = denotation
        .claims
        .iter()
        .map(|claim| {
            claim.parts.iter().fold(sets.none(), |all, part| {
                let set = sets.region(&part.region);
                sets.union(&all, &set)
            })
        })
        .collect();
    let all: Vec<(&Claim, &A::Set)> = denotation.claims.iter().zip(&claims).collect();
    let mut decided = sets.none();
    let (mut allowed, mut denied) = (sets.none(), sets.none());
    let mut won = Vec::new();
    for tier in [
        Tier::Forbid,
        Tier::Exception,
        Tier::Deny,
        Tier::Ordered,
        Tier::Allow,
    ] {
        let of_tier = all.iter().copied().filter(|(claim, _)| claim.tier == tier);
        let mine = match tier {
            Tier::Ordered => ordered(of_tier, sets),
            _ => together(of_tier, sets),
        };
        let mine = Won {
            tier,
            allowed: sets.subtract(&mine.0, &decided),
            denied: sets.subtract(&mine.1, &decided),
        };
        for (set, whole) in [(&mine.allowed, &mut allowed), (&mine.denied, &mut denied)] {
            *whole = sets.union(whole, set);
            decided = sets.union(&decided, set);
        }
        won.push(mine);
    }
    Tiers {
        claims,
        won,
        allowed,
        denied,
    }
}

/// What is allowed and what is denied by flows of which it is no matter which one matches.
fn together<'a, A: Sets>(
    claims: impl Iterator<Item = (&'a Claim, &'a A::Set)>,
    sets: &mut A,
) -> (A::Set, A::Set)
where
    A::Set: 'a,
{
    let (mut allowed, mut denied) = (sets.none(), sets.none());
    for (claim, set) in claims {
        let whole = match claim.verdict {
            Verdict::Allow => &mut allowed,
            Verdict::Deny => &mut denied,
        };
        *whole = sets.union(whole, set);
    }
    (allowed, denied)
}

/// First match inside each ordered group. Groups that meet are refused elsewhere (PC5010).
fn ordered<'a, A: Sets>(
    claims: impl Iterator<Item = (&'a Claim, &'a A::Set)>,
    sets: &mut A,
) -> (A::Set, A::Set)
where
    A::Set: 'a,
{
    let mut groups: BTreeMap<(&str, usize), (Verdict, A::Set)> = BTreeMap::new();
    for (claim, set) in claims {
        if let Some((group, place)) = &claim.order {
            groups
                .entry((group, *place))
                // The halves of a `between` stand at one place.
                .and_modify(|(_, whole)| *whole = sets.union(whole, set))
                .or_insert_with(|| (claim.verdict, set.clone()));
        }
    }
    let (mut allowed, mut denied) = (sets.none(), sets.none());
    let mut before = (None, sets.none());
    for ((group, _), (verdict, set)) in groups {
        if before.0 != Some(group) {
            before = (Some(group), sets.none());
        }
        let first = sets.subtract(&set, &before.1);
        before.1 = sets.union(&before.1, &set);
        let whole = match verdict {
            Verdict::Allow => &mut allowed,
            Verdict::Deny => &mut denied,
        };
        *whole = sets.union(whole, &first);
    }
    (allowed, denied)
}
