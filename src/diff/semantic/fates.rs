//! What becomes of packets on both sides, as sets, and what differs: the parts by kind share no packet
//! once it is known what the symbols hold. It names nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::backends::firewall_rules::Target;
use crate::model::address::AddressSet;
use crate::model::internet::platform;
use crate::packet::{Builder, Exhausted, Set, Space};
use crate::reach::{Layers, Pass, passage};

use super::super::told::Kind;
use super::slice::{Side, Slice};

/// Where a firewall leads what it translates: the address and the port.
pub type LedTo = (IpAddr, u16);

/// Packets that fare differently.
#[derive(Clone, Copy, Debug)]
pub(super) struct Differing {
    pub(super) kind: Kind,
    pub(super) set: Set,
    /// Packets that fare alike on both sides: rows may hold them too, if they say so.
    pub(super) alike: Set,
    /// Of redirected ones where they were led, and where they are led.
    pub(super) led: Option<(LedTo, LedTo)>,
}

/// What becomes of the packets of a region on one side.
#[derive(Clone, Debug)]
pub(super) struct Fates {
    /// They arrive, past every firewall.
    direct: Set,
    /// They arrive, through one.
    walled: Set,
    /// It depends on what is not declared.
    open: Set,
    /// They have a way that the policy speaks of, wherever it ends.
    spoken: Set,
    /// Of those that arrive through a firewall the translated ones, by where it leads them.
    led: BTreeMap<LedTo, Set>,
}

/// Both sides over one space.
pub(super) struct Both {
    /// The space.
    pub(super) space: Space,
    old: Fates,
    new: Fates,
    /// Packets that are not compared.
    aside: Set,
}

impl Both {
    /// Evaluates both sides where they can differ.
    pub(super) fn new(slice: &Slice) -> Self {
        let mut builder = Builder::new();
        for side in [&slice.old, &slice.new] {
            passage::tell(&mut builder, &side.network, &side.ways);
            builder.addresses(&side.network.transit);
            builder.addresses(&side.network.site_addresses());
        }
        for region in &slice.regions {
            builder.region(region);
        }
        builder.addresses(&platform());
        let mut space = builder.build();
        let asked = space.regions(&slice.regions);
        let impossible = space.regions(&slice.new.network.facts.impossible);
        let asked = space.subtract(asked, impossible);
        let old = fates(&mut space, &slice.old, asked);
        let new = fates(&mut space, &slice.new, asked);
        // The platform's own addresses, and those of firewalls and gateways, are reached from every subnet,
        // and where there is no subnet nobody speaks of them: one that comes or goes changes nothing there.
        let (before, now) = (&slice.old.network.transit, &slice.new.network.transit);
        let all = AddressSet::all();
        let passed = [&platform(), before, now];
        let boxes = passed.map(|own| [space.box_of(&all, own), space.box_of(own, &all)]);
        let passed = space.unite(boxes.concat());
        let spoken = space.intersect(old.spoken, new.spoken);
        let aside = space.subtract(passed, spoken);
        Self {
            space,
            old,
            new,
            aside,
        }
    }

    /// Whether the facts leave out a packet whatever the symbols hold: they contradict each other.
    pub(super) fn contradicts(&mut self) -> bool {
        !self.space.facts_agree()
    }

    /// What differs, by kind.
    ///
    /// # Errors
    /// The sets grew too large.
    pub(super) fn parts(&mut self) -> Result<Vec<Differing>, Exhausted> {
        let Self {
            space,
            old,
            new,
            aside,
        } = self;
        let was = space.union(old.direct, old.walled);
        let is = space.union(new.direct, new.walled);
        let not_before = space.union(was, old.open);
        let not_now = space.union(is, new.open);
        let opened = space.subtract(new.open, old.open);
        let settled = space.subtract(old.open, new.open);
        let still = space.intersect(was, is);
        let direct = space.intersect(old.direct, new.direct);
        let walled = space.intersect(old.walled, new.walled);
        let open = space.intersect(old.open, new.open);
        let plain = |kind, set, alike| Differing {
            kind,
            set,
            alike,
            led: None,
        };
        let mut out = vec![
            plain(Kind::NewlyAllowed, space.subtract(is, not_before), still),
            plain(
                Kind::NewlyBypassing,
                space.intersect(new.direct, old.walled),
                direct,
            ),
        ];
        for (before, was) in &old.led {
            for (after, is) in new.led.iter().filter(|(after, _)| *after != before) {
                out.push(Differing {
                    kind: Kind::Redirected,
                    set: space.intersect(*was, *is),
                    alike: space.empty(),
                    led: Some((*before, *after)),
                });
            }
        }
        out.extend([
            plain(Kind::NoLongerAllowed, space.subtract(was, not_now), still),
            plain(
                Kind::NewlyPassing,
                space.intersect(new.walled, old.direct),
                walled,
            ),
            plain(Kind::Undecided, space.union(opened, settled), open),
        ]);
        for one in &mut out {
            one.set = space.subtract(one.set, *aside);
        }
        space.answer(|_| ())?;
        Ok(out)
    }
}

fn fates(space: &mut Space, side: &Side, asked: Set) -> Fates {
    let network = &side.network;
    let layers = Layers::new(space, network);
    let (mut direct, mut walled, mut open) = (Vec::new(), Vec::new(), Vec::new());
    let mut taken = space.empty();
    let mut led: BTreeMap<LedTo, Set> = BTreeMap::new();
    let mut spoken = Vec::new();
    for one in layers.translated(space, network) {
        let outcome = one.outcome;
        let whole = outcome.whole(space);
        taken = space.union(taken, whole);
        spoken.push(whole);
        if let Target::Address(address) = one.translation.target {
            let arrives = space.intersect(outcome.allowed, asked);
            let known = led.entry((address, one.translation.port));
            let known = known.or_insert_with(|| space.empty());
            *known = space.union(*known, arrives);
        }
        walled.push(outcome.allowed);
        open.push(outcome.open);
    }
    let here = space.subtract(asked, taken);
    let runs = passage::runs(space, &side.ways);
    for run in runs {
        let mut run = run;
        run.region = space.intersect(run.region, here);
        if space.is_empty(run.region) {
            continue;
        }
        spoken.push(run.region);
        let through = run.passes.iter().any(|p| matches!(p, Pass::Firewall(_)));
        let outcome = layers.outcome(space, network, &run);
        open.push(outcome.open);
        if through {
            walled.push(outcome.allowed);
        } else {
            direct.push(outcome.allowed);
        }
    }
    let mut sum = |parts: Vec<Set>| {
        let all = space.unite(parts);
        space.intersect(all, asked)
    };
    Fates {
        direct: sum(direct),
        walled: sum(walled),
        open: sum(open),
        led,
        spoken: sum(spoken),
    }
}
