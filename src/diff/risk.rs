//! How risky a region is: a pure function of its packets and of the statements that opened it. A region
//! that holds another one never scores less, so that merging rows hides nothing.
//!
//! The points are those of the settings.

use crate::analyze::shared_domains::covers;
use crate::config::{Risk as Points, Settings};
use crate::model::address::{AddressSet, Family};
use crate::model::internet::{private, unique_local};
use crate::model::service::PortSet;
use crate::packet::{Rectangle, Transport, Transports};
use crate::reach::question::is_most;
use crate::syntax::ast::Date;

use super::scene::{About, Scene};
use super::semantic::{Edit, Region};
use super::told::{Factor, Kind, Level, Risk};

/// Days in which a flow ends soon.
pub const SOON: i64 = 90;

/// A score of this or more is high.
const HIGH: u32 = 60;

/// A score of this or more is medium.
const MEDIUM: u32 = 25;

/// What a region is judged by.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// Before.
    pub old: &'a Scene,
    /// After.
    pub new: &'a Scene,
    /// Points, weights, ports.
    pub settings: &'a Settings,
    /// The day that expiry is judged on.
    pub today: Option<Date>,
}

/// The level of a score.
#[must_use]
pub const fn level(score: u32) -> Level {
    match score {
        HIGH.. => Level::High,
        MEDIUM.. => Level::Medium,
        _ => Level::Low,
    }
}

impl Judge<'_> {
    /// The score of a region in the environment of the sides. What opens nothing scores nothing.
    #[must_use]
    pub fn score(&self, region: &Region) -> Risk {
        if !region.kind.widens() {
            return Risk {
                level: Level::Info,
                score: 0,
                factors: Vec::new(),
            };
        }
        let mut sum = Sum {
            points: &self.settings.risk,
            factors: Vec::new(),
        };
        // What is led elsewhere is judged by where it is led now.
        let led = region.led.map(|(_, (address, port))| {
            let mut row = region.rectangle.clone();
            row.destination.addresses = AddressSet::range(address, address);
            row.ports = PortSet::one(port);
            row
        });
        let row = led.as_ref().unwrap_or(&region.rectangle);
        self.ends(row, region.kind, &mut sum);
        self.services(row, &mut sum);
        if region.kind == Kind::NewlyBypassing {
            sum.add("bypass", "it goes past the firewall now".to_owned());
        }
        self.statements(region, &mut sum);
        let total: i32 = sum.factors.iter().map(|f| f.points).sum();
        let weight = self.settings.risk.weight_of(&self.new.environment);
        // Points are small whole numbers, weights are at most 100.
        #[allow(clippy::cast_possible_truncation)]
        let score = (f64::from(total.clamp(0, 100)) * weight).round() as i64;
        let score = u32::try_from(score.clamp(0, 100)).unwrap_or(100);
        Risk {
            level: level(score),
            score,
            factors: sum.factors,
        }
    }

    fn ends(&self, row: &Rectangle, kind: Kind, sum: &mut Sum<'_>) {
        // What goes past the firewall now got there before.
        let can = match kind {
            Kind::NewlyBypassing => "can",
            _ => "can newly",
        };
        let (source, destination) = (&row.source.addresses, &row.destination.addresses);
        let internet = &self.new.internet;
        if is_most(source, internet) {
            sum.add(
                "source-any",
                "anybody on the internet can send it".to_owned(),
            );
        }
        // Beside a name the address says nothing: it is wherever the name leads.
        let names = &row.names;
        let listed = names.patterns.iter().all(|p| p.pattern != "*");
        let named = !names.none && (listed || !names.within.is_empty());
        // Who may go anywhere may go to every name too, whatever that weighs.
        let wild = sum.points.points_of("wildcard-name");
        let wildest = wild + sum.points.points_of("shared-wildcard");
        if is_most(destination, internet) {
            if named {
                Self::names(row, sum);
            } else {
                let points = sum.points.points_of("destination-any").max(wildest);
                let text = "it can go anywhere on the internet".to_owned();
                sum.push("destination-any", text, points);
            }
        }
        let wide = if named { 0 } else { bits(destination) };
        let opened = (bits(source) + wide).saturating_sub(4) / 8 * 8;
        let most = sum.points.points_of("addresses-opened");
        if opened.min(most) > 0 {
            let (from, to) = (count(source), count(destination));
            let text = if named {
                format!("{from} addresses {can} send it")
            } else {
                format!("{from} addresses {can} reach {to}")
            };
            sum.push("addresses-opened", text, opened.min(most));
        }
        if let Some(text) = self.crosses(source, destination).filter(|_| !named) {
            sum.add("boundary", text);
        }
        let inside = private().union(&unique_local());
        let stray = destination
            .intersect(&inside)
            .subtract(&self.new.sight.network.site_addresses())
            .subtract(&self.new.sight.network.transit);
        if !named && !stray.is_empty() {
            let text = format!(
                "private addresses outside the declared subnets ({})",
                count(&stray)
            );
            sum.add("private-destination", text);
        }
    }

    /// Names that nobody listed one by one. To few addresses these do not count, as the same addresses
    /// would not count under any name.
    fn names(row: &Rectangle, sum: &mut Sum<'_>) {
        let patterns = row.names.patterns.iter().map(|p| p.pattern.as_str());
        let wild: Vec<&str> = patterns
            .filter(|p| p.len() > 1 && p.starts_with('*'))
            .collect();
        let category = row.names.within.iter().find(|s| s.kind == "category");
        if let Some(first) = wild.first() {
            sum.add("wildcard-name", format!("`{first}` is a wildcard"));
        } else if let Some(category) = category {
            let text = format!("which names are in {category} nobody told");
            sum.add("wildcard-name", text);
        }
        let shared = wild.iter().find_map(|pattern| {
            let suffix = pattern.trim_start_matches('*').trim_start_matches('.');
            Some((pattern, covers(suffix)?))
        });
        if let Some((pattern, what)) = shared {
            sum.add("shared-wildcard", format!("`{pattern}` covers {what}"));
        }
    }

    /// Whether packets go from one declared zone to another, or from elsewhere into one.
    fn crosses(&self, source: &AddressSet, destination: &AddressSet) -> Option<String> {
        for (zone, own) in &self.new.zones {
            if destination.meets(own) && !source.is_subset(own) {
                return Some(format!("it comes into the zone `{zone}` from outside"));
            }
            let sites = self.new.sight.network.site_addresses();
            if source.meets(own)
                && destination.intersect(&sites).subtract(own) != AddressSet::empty()
            {
                return Some(format!("it leaves the zone `{zone}`"));
            }
        }
        None
    }

    fn services(&self, row: &Rectangle, sum: &mut Sum<'_>) {
        let ported = row.transports.intersect(Transports::PORTED);
        if ported.is_empty() {
            return;
        }
        let met = |ranges: &[(u16, u16)]| {
            let own = PortSet::from_ranges(ranges);
            let met = own.ports().filter(|p| row.ports.contains(*p));
            let met: Vec<String> = met.map(|p| p.to_string()).collect();
            (!met.is_empty()).then(|| met.join(", "))
        };
        // The gravest of them counts: they are about one thing.
        let mut found: Vec<(&'static str, String)> = Vec::new();
        if row.ports.is_all() {
            found.push(("all-ports", "every port is open".to_owned()));
        }
        if let Some(ports) = met(&self.settings.admin_ports) {
            found.push(("admin-port", format!("administrative port {ports}")));
        }
        let plain = ported.subtract(Transports::one(Transport::Https));
        if let Some(ports) = met(&self.settings.clear_text_ports).filter(|_| !plain.is_empty()) {
            found.push(("clear-text-port", format!("clear-text port {ports}")));
        }
        let gravest = found
            .into_iter()
            .rev()
            .max_by_key(|(name, _)| sum.points.points_of(name));
        if let Some((name, text)) = gravest {
            sum.add(name, text);
        }
    }

    fn statements(&self, region: &Region, sum: &mut Sum<'_>) {
        let about = |id: &str, old: bool| {
            let scene = if old { self.old } else { self.new };
            scene.about.get(id)
        };
        let mut exception = None;
        for cause in &region.causes {
            let Some(own) = about(&cause.id, cause.old) else {
                continue;
            };
            let edited = matches!(cause.edit, Edit::Added | Edit::Changed);
            if own.exception && edited && !cause.old {
                exception.get_or_insert_with(|| "an exception was widened".to_owned());
            }
            let before = self.new.sight.statements.before(&cause.id);
            let was = self.old.about.get(&before);
            if cause.edit == Edit::Changed
                && !cause.old
                && was.is_some_and(|was| was.excepts > own.excepts)
            {
                exception = Some("an `except` was dropped".to_owned());
            }
        }
        if let Some(text) = exception {
            sum.add("exception", text);
        }
        // All that opened it must be on record: one statement that is not hides behind no other.
        let opened: Vec<&About> = region
            .causes
            .iter()
            .filter(|c| !c.old && c.edit != Edit::Expired)
            .filter_map(|c| about(&c.id, false))
            .collect();
        if opened.is_empty() || opened.len() != region.causes.len() {
            return;
        }
        let soon = |own: &&About| match (own.until, self.today) {
            (Some(until), Some(today)) => {
                let days = until
                    .since(today)
                    .map_or(i64::MAX, |span| i64::from(span.get_days()));
                (0..=SOON).contains(&days)
            }
            _ => false,
        };
        if opened.iter().all(soon) {
            sum.take("until", format!("it ends within {SOON} days"));
        }
        if opened
            .iter()
            .all(|own| own.owner.is_some() && own.ticket.is_some())
        {
            sum.take("record", "it has an owner and a ticket".to_owned());
        }
    }
}

struct Sum<'p> {
    points: &'p Points,
    factors: Vec<Factor>,
}

impl Sum<'_> {
    fn push(&mut self, name: &'static str, text: String, points: u32) {
        if points > 0 {
            self.factors.push(Factor {
                name,
                text,
                points: i32::try_from(points).unwrap_or(0),
            });
        }
    }

    fn add(&mut self, name: &'static str, text: String) {
        self.push(name, text, self.points.points_of(name));
    }

    fn take(&mut self, name: &'static str, text: String) {
        let points = i32::try_from(self.points.points_of(name)).unwrap_or(0);
        if points > 0 {
            self.factors.push(Factor {
                name,
                text,
                points: -points,
            });
        }
    }
}

/// The logarithm of how many addresses there are, rounded down; of the larger family.
fn bits(set: &AddressSet) -> u32 {
    [Family::V4, Family::V6]
        .into_iter()
        .filter_map(|family| set.count(family).checked_ilog2())
        .max()
        .unwrap_or(0)
}

/// `65,536`; of very many the power of two.
#[must_use]
pub fn count(set: &AddressSet) -> String {
    let all = set.count(Family::V4).saturating_add(set.count(Family::V6));
    if all > 1 << 40 {
        return format!("2^{}", all.ilog2());
    }
    grouped(all)
}

/// `65,536`.
#[must_use]
pub fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
