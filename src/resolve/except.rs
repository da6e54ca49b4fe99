//! Set difference of endpoints: `a except b`, exact or refused. Service tags take part where the
//! catalogue proves the result; names and opaque symbols never do.

use std::collections::BTreeSet;

use crate::model::address::AddressSet;
use crate::model::endpoint::Endpoint;
use crate::source::Span;
use crate::syntax::ast;

use super::faults;
use super::world::{InstanceId, World};

/// An operand that can be subtracted from, or subtracted.
struct Operand {
    /// What is known exactly.
    addresses: AddressSet,
    /// Service tags beside it.
    tags: BTreeSet<String>,
}

/// What is left of a part.
enum Rest {
    /// All of it.
    Whole,
    /// Nothing of it.
    Nothing,
    /// Some of it: a set that only the catalogue of a day knows.
    Part,
}

impl World<'_, '_> {
    pub(crate) fn except(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        instance: InstanceId,
    ) -> Option<Endpoint> {
        let a = self.endpoint(left, instance);
        let b = self.endpoint(right, instance);
        let (a, b) = (a?, b?);
        let from = self.operand(&a, left.span)?;
        let minus = self.operand(&b, right.span)?;
        if self.in_test {
            // A probe makes no rule: it may be what only the catalogue of the day knows.
            let known = self.known(from, left.span)?;
            let rest = known.subtract(&self.known(minus, right.span)?);
            if rest.is_empty() {
                self.say(faults::nothing_left(left.span, right.span));
                return None;
            }
            return Some(Endpoint::of(rest));
        }
        let mut out = Endpoint::of(from.addresses.subtract(&minus.addresses));
        // The addresses that are left lie in a subtracted tag, outside of it, or partly inside.
        let listed = self.listed(&minus.tags);
        match listed.map_or(Rest::Part, |set| rest(&out.addresses, &set)) {
            Rest::Whole => {}
            _ if out.addresses.is_empty() || minus.tags.is_empty() => {}
            Rest::Nothing => out.addresses = AddressSet::empty(),
            Rest::Part => {
                self.say(faults::not_exact(right.span, "service tags"));
                return None;
            }
        }
        for tag in from.tags {
            match self.rest_of_tag(&tag, &minus) {
                Rest::Whole => {
                    out.tags.insert(tag);
                }
                Rest::Nothing => {}
                Rest::Part => {
                    self.say(faults::not_exact(left.span, "service tags"));
                    return None;
                }
            }
        }
        if out.addresses.is_empty() && out.tags.is_empty() {
            self.say(faults::nothing_left(left.span, right.span));
            return None;
        }
        Some(out)
    }

    /// All addresses of an operand.
    fn known(&mut self, operand: Operand, span: Span) -> Option<AddressSet> {
        match self.listed(&operand.tags) {
            Some(tags) => Some(operand.addresses.union(&tags)),
            None => {
                self.say(faults::not_exact(span, "service tags"));
                None
            }
        }
    }

    /// What is left of a tag: it is one of the subtracted ones, or the data decides.
    fn rest_of_tag(&self, tag: &str, minus: &Operand) -> Rest {
        if minus.tags.contains(tag) || minus.addresses == AddressSet::all() {
            return Rest::Nothing;
        }
        let one = BTreeSet::from([tag.to_owned()]);
        match (self.listed(&one), self.listed(&minus.tags)) {
            (Some(set), Some(taken)) => rest(&set, &taken.union(&minus.addresses)),
            _ => Rest::Part,
        }
    }

    /// The prefixes of tags, `None` if the catalogue has none of one of them.
    fn listed(&self, tags: &BTreeSet<String>) -> Option<AddressSet> {
        let mut all = AddressSet::empty();
        for tag in tags {
            let entry = self.catalog.tag(tag)?;
            let set = AddressSet::prefixes(entry.listed_prefixes());
            if set.is_empty() {
                return None;
            }
            all = all.union(&set);
        }
        Some(all)
    }

    /// An operand of `except`, if its parts are exactly known or service tags.
    fn operand(&mut self, e: &Endpoint, span: Span) -> Option<Operand> {
        let what = if e.virtual_network {
            "`tag(VirtualNetwork)`"
        } else if !e.names.is_empty() {
            "names"
        } else if !e.fqdn_tags.is_empty() {
            "FQDN tags"
        } else if !e.categories.is_empty() {
            "web categories"
        } else if !e.urls.is_empty() {
            "URLs"
        } else if !e.asgs.is_empty() {
            "application security groups"
        } else if e.is_opaque() {
            "an IP group that is only named"
        } else if e.internet && self.internet.is_none() {
            // Its set depends on every declared range, and those are still in the making.
            "`tag(Internet)`"
        } else {
            let mut all = if e.any {
                AddressSet::all()
            } else {
                e.addresses.clone()
            };
            if let (true, Some(internet)) = (e.internet, &self.internet) {
                all = all.union(internet);
            }
            for group in e.ip_groups.values().flatten() {
                all = all.union(group);
            }
            return Some(Operand {
                addresses: all,
                tags: e.tags.clone(),
            });
        };
        self.say(faults::not_exact(span, what));
        None
    }
}

/// What is left of the first set without the second.
fn rest(set: &AddressSet, taken: &AddressSet) -> Rest {
    if !set.meets(taken) {
        Rest::Whole
    } else if set.is_subset(taken) {
        Rest::Nothing
    } else {
        Rest::Part
    }
}
