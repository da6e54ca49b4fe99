//! Edits of drawn policies: such as change what they mean, and such as change nothing but the text. That
//! the edited policy compiles is not promised.

use super::facts::TAGS;
use super::generate::{Dice, Maker};
use super::policy::{Part, Policy, Route, Verb};

/// Kinds of edits.
pub(super) const EDITS: [&str; 14] = [
    "flow dropped",
    "flow added",
    "prefix changed",
    "port changed",
    "tier changed",
    "route dropped",
    "route added",
    "route changed",
    "group attached or detached",
    "group default changed",
    "table default changed",
    "translation changed",
    "sku changed",
    "condition changed",
];

/// The policy of a maker, edited; `None` if it has nothing to edit so.
pub(super) fn edited(mut maker: Maker, which: &str, dice: &mut Dice) -> Option<Policy> {
    let policy = &mut maker.policy;
    match which {
        "flow dropped" => {
            let at = index(dice, policy.flows.len())?;
            return Some(policy.without_flow(at));
        }
        "flow added" => {
            let at = policy.flows.len();
            maker.dice = Dice::new(u64::try_from(dice.below(1 << 30)).unwrap());
            maker.flow(at);
            // The labels of translations' flows count from 20.
            let flow = maker.policy.flows.last_mut()?;
            flow.label = "f90".to_owned();
        }
        "prefix changed" => prefix(policy, dice)?,
        "port changed" => {
            let at = index(dice, policy.flows.len())?;
            let flow = &mut policy.flows[at];
            let one = index(dice, flow.services.len())?;
            let (word, list) = &mut flow.services[one];
            match list.first_mut() {
                Some((first, last)) if dice.percent(50) => {
                    *last = last.saturating_add(2);
                    if dice.percent(50) {
                        *first = *last;
                    }
                }
                Some(_) => *list = vec![(443, 445)],
                None if *word == "tcp" => *list = vec![(1000, 1003)],
                None => *word = "tcp",
            }
        }
        "tier changed" => {
            let at = index(dice, policy.flows.len())?;
            let flow = &mut policy.flows[at];
            let verbs = [Verb::Allow, Verb::Deny, Verb::Forbid];
            let verb = dice.pick(&verbs).clone();
            if verb == flow.verb || matches!(flow.verb, Verb::Exception(_)) {
                return None;
            }
            flow.verb = verb;
            flow.need = None;
            flow.clauses.retain(|c| !c.starts_with("pin"));
        }
        "route dropped" => {
            let at = index(dice, policy.routes.len())?;
            policy.routes.remove(at);
        }
        "route added" => {
            let at = index(dice, policy.tables.len())?;
            let table = policy.tables[at].name.clone();
            let (to, hop) = match dice.below(4) {
                0 => (Part::Tag(dice.word(&TAGS)), "internet"),
                1 => (Part::Range("8.8.0.0/16".to_owned()), "internet"),
                2 => (Part::Range("10.10.4.0/25".to_owned()), "vnet"),
                _ => (Part::Range("51.10.0.0/17".to_owned()), "none"),
            };
            policy.routes.push(Route {
                label: "more".to_owned(),
                to,
                hop: hop.to_owned(),
                table,
            });
        }
        "route changed" => {
            let at = index(dice, policy.routes.len())?;
            let hop = dice.word(&["internet", "none", "vnet"]).to_owned();
            if policy.routes[at].hop == hop {
                return None;
            }
            policy.routes[at].hop = hop;
        }
        "group attached or detached" => {
            let at = index(dice, policy.subnets.len())?;
            let names: Vec<String> = policy.nsgs.iter().map(|n| n.name.clone()).collect();
            let other = index(dice, names.len()).map(|at| names[at].clone());
            let subnet = &mut policy.subnets[at];
            subnet.nsg = match &subnet.nsg {
                Some(own) if other.as_ref() == Some(own) || dice.percent(60) => None,
                _ => Some(other?),
            };
        }
        "group default changed" => {
            let at = index(dice, policy.nsgs.len())?;
            let nsg = &mut policy.nsgs[at];
            let end = if dice.percent(50) {
                &mut nsg.inbound
            } else {
                &mut nsg.outbound
            };
            *end = match end {
                Some(true) => dice.percent(50).then_some(false),
                _ => Some(true),
            };
        }
        "table default changed" => {
            let at = index(dice, policy.tables.len())?;
            let firewall = policy.firewalls.first().map(|f| f.name.clone());
            let table = &mut policy.tables[at];
            let hop = match dice.below(3) {
                0 => Some("none".to_owned()),
                1 => Some("internet".to_owned()),
                _ => firewall,
            };
            if hop == table.default {
                return None;
            }
            table.default = hop;
        }
        "translation changed" => {
            if policy.dnats.is_empty() {
                maker.dnats();
                return (!maker.policy.dnats.is_empty()).then_some(maker.policy);
            }
            let at = index(dice, policy.dnats.len())?;
            match dice.below(4) {
                0 => {
                    policy.dnats.remove(at);
                }
                1 => policy.dnats[at].port = 4443,
                2 => policy.dnats[at].into_port = Some(8080),
                _ => policy.dnats[at].from = vec![Part::Range("8.8.8.0/24".to_owned())],
            }
        }
        "sku changed" => {
            let at = index(dice, policy.firewalls.len())?;
            let firewall = &mut policy.firewalls[at];
            if firewall.implied || firewall.classic {
                return None;
            }
            match dice.below(3) {
                0 => firewall.premium = !firewall.premium,
                1 => firewall.dns_proxy = !firewall.dns_proxy,
                _ => firewall.closed = !firewall.closed,
            }
        }
        "condition changed" => {
            let at = index(dice, policy.flows.len())?;
            let flow = &mut policy.flows[at];
            flow.when = match flow.when {
                Some(holds) => Some(!holds),
                None => Some(false),
            };
        }
        other => panic!("no edit `{other}`"),
    }
    Some(maker.policy)
}

fn index(dice: &mut Dice, len: usize) -> Option<usize> {
    (len > 0).then(|| dice.below(len))
}

/// Another prefix where one stands: wider, narrower, elsewhere, or another part altogether.
fn prefix(policy: &mut Policy, dice: &mut Dice) -> Option<()> {
    let at = index(dice, policy.flows.len())?;
    let flow = &mut policy.flows[at];
    let parts = if dice.percent(50) {
        &mut flow.from
    } else {
        &mut flow.to
    };
    let one = index(dice, parts.len())?;
    let other = match &parts[one] {
        Part::Range(text) => {
            let wider = text.replace(".0/24", ".0/23").replace(".0.0/16", ".0.0/15");
            let narrower = text
                .replace(".0/24", ".128/25")
                .replace(".0.0/16", ".64.0/18");
            match dice.below(3) {
                0 if wider != *text && Part::Range(wider.clone()).is_aligned() => {
                    Part::Range(wider)
                }
                1 if narrower != *text => Part::Range(narrower),
                _ => Part::Range("10.10.4.16-10.10.4.99".to_owned()),
            }
        }
        Part::Tag(_) => Part::Tag(dice.word(&TAGS)),
        Part::Name(_) => Part::Name(dice.word(&["www.contoso.com", "*.contoso.com", "*"])),
        Part::Subnet(name) => Part::Except(
            Box::new(Part::Subnet(name.clone())),
            vec!["10.10.4.8/29".to_owned()],
        ),
        Part::Except(base, _) => (**base).clone(),
        Part::Internet => Part::Any,
        _ => Part::Range("10.20.5.0/24".to_owned()),
    };
    if other == parts[one] {
        return None;
    }
    if dice.percent(30) {
        parts.push(other);
    } else {
        parts[one] = other;
    }
    Some(())
}

impl Part {
    /// Whether a prefix begins where its length says.
    fn is_aligned(&self) -> bool {
        let Self::Range(text) = self else {
            return false;
        };
        let Some((address, length)) = text.split_once('/') else {
            return true;
        };
        let address: std::net::Ipv4Addr = match address.parse() {
            Ok(address) => address,
            Err(_) => return false,
        };
        let length: u32 = length.parse().unwrap();
        u32::from(address).trailing_zeros() >= 32 - length
    }
}

/// Rewrites that change nothing.
pub(super) const REWRITES: [&str; 5] = [
    "prefixes split",
    "statements shuffled",
    "ports in another order",
    "labels moved",
    "files split",
];

/// The files of a policy that says the same in another way, the roots first, with how many roots there
/// are; `None` if there is nothing to rewrite so.
pub(super) fn rewritten(
    policy: &Policy,
    which: &str,
    dice: &mut Dice,
) -> Option<(Vec<(String, String)>, usize)> {
    let mut policy = policy.clone();
    let mut more = String::new();
    match which {
        "prefixes split" => {
            let mut some = false;
            for flow in &mut policy.flows {
                for parts in [&mut flow.from, &mut flow.to] {
                    let halves: Vec<Part> = parts.iter().flat_map(halves).collect();
                    some |= halves.len() != parts.len();
                    *parts = halves;
                }
            }
            if !some {
                return None;
            }
        }
        "statements shuffled" => {
            // Members of an ordered group count by their place.
            let free: Vec<usize> = (0..policy.flows.len())
                .filter(|i| !policy.flows[*i].ordered)
                .collect();
            let mut order = free.clone();
            for at in (1..order.len()).rev() {
                order.swap(at, dice.below(at + 1));
            }
            let before = policy.flows.clone();
            let mut place: Vec<usize> = (0..before.len()).collect();
            for (to, from) in free.iter().zip(&order) {
                policy.flows[*to] = before[*from].clone();
                place[*from] = *to;
            }
            for flow in &mut policy.flows {
                if let Verb::Exception(denies) = &mut flow.verb {
                    denies.iter_mut().for_each(|d| *d = place[*d]);
                }
            }
            policy.nsgs.reverse();
            policy.tables.reverse();
            policy.routes.reverse();
            policy.dnats.reverse();
        }
        "ports in another order" => {
            for flow in &mut policy.flows {
                flow.services.reverse();
                for (_, list) in &mut flow.services {
                    if let [(first, last)] = list.as_slice()
                        && first < last
                    {
                        let (first, last) = (*first, *last);
                        *list = vec![(first, first), (first + 1, last)];
                    }
                    list.reverse();
                }
            }
        }
        "labels moved" => {
            for at in 0..policy.flows.len() {
                if policy.flows[at].instance {
                    continue;
                }
                let was = Policy::path(&policy.flows[at]);
                policy.flows[at].label.push_str("-new");
                let now = Policy::path(&policy.flows[at]);
                more.push_str(&format!("moved {was} -> {now}\n"));
            }
            policy.moved = false;
        }
        "files split" => {
            let mut files = policy.files();
            let root = std::mem::take(&mut files[0].1);
            let (mut kept, mut gone) = (String::new(), String::new());
            let mut inside = false;
            for line in root.lines() {
                inside |= line.starts_with("group g") || line.starts_with("ordered group g");
                let into = if inside { &mut gone } else { &mut kept };
                into.push_str(line);
                into.push('\n');
                inside &= line != "}";
            }
            if gone.is_empty() {
                return None;
            }
            files[0].1 = kept;
            files.insert(1, ("more.gate".to_owned(), gone));
            return Some((files, 2));
        }
        other => panic!("no rewrite `{other}`"),
    }
    let mut files = policy.files();
    files[0].1.push_str(&more);
    Some((files, 1))
}

/// A prefix as its two halves.
fn halves(part: &Part) -> Vec<Part> {
    let whole = vec![part.clone()];
    let Part::Range(text) = part else {
        return whole;
    };
    let Some((address, length)) = text.split_once('/') else {
        return whole;
    };
    let (Ok(address), Ok(length)) = (address.parse::<std::net::Ipv4Addr>(), length.parse::<u32>())
    else {
        return whole;
    };
    if length > 30 {
        return whole;
    }
    let first = u32::from(address);
    let second = first + (1 << (31 - length));
    [first, second]
        .map(|start| {
            Part::Range(format!(
                "{}/{}",
                std::net::Ipv4Addr::from(start),
                length + 1
            ))
        })
        .to_vec()
}
