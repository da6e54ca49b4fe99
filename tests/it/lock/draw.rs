//! Random policies and random edits of them, as text. It compiles nothing.

use std::collections::BTreeMap;
use std::fmt::Write;

/// A small generator of numbers (SplitMix64); one seed gives one sequence everywhere.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }
}

/// What a flow says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) verb: &'static str,
    pub(crate) to: String,
    pub(crate) port: u16,
    pub(crate) pin: Option<u32>,
}

/// A policy: flows by group and label; the renames that it states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) rules: BTreeMap<(String, String), Rule>,
    pub(crate) moved: Vec<(String, String)>,
    /// A label is never given twice: one that comes back is another question.
    pub(crate) next: usize,
}

const HEAD: &str = "\
env dev { }
env prod { }
vnet hub = 10.0.0.0/16
firewall azfw {
  policy = \"afwp\"
  vnet = hub
  subnet = 10.0.1.0/26
  private-ip = 10.0.1.4
}
subnet web = 10.0.2.0/24 {
  vnet = hub
  nsg = web
  route-table = web
}
nsg web {
  default-outbound = deny
}
route-table web {
  default = azfw
}
";

/// What an edit did to ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edit {
    /// Old path to new path.
    pub(crate) renamed: BTreeMap<String, String>,
    /// Paths whose own number may change: another tier, or a pin.
    pub(crate) free: Vec<String>,
}

pub(crate) fn path(key: &(String, String)) -> String {
    format!("{}::{}", key.0, key.1)
}

impl Source {
    /// A policy of so many flows; `mark` keeps the labels of two branches apart.
    pub(crate) fn draw(dice: &mut Dice, flows: usize) -> Self {
        let mut source = Self::default();
        for _ in 0..flows {
            source.add(dice, "r");
        }
        source
    }

    /// Adds a flow.
    pub(crate) fn add(&mut self, dice: &mut Dice, mark: &str) {
        self.next += 1;
        let group = ["core", "data", "egress", "main", "web"][dice.below(5)];
        let verb = match dice.below(8) {
            0 => "deny",
            1 => "forbid",
            _ => "allow",
        };
        let to = if verb == "allow" && dice.below(4) == 0 {
            format!("host{}.contoso.com", self.next)
        } else {
            // An address that no other flow has.
            let n = self.next + if mark == "b" { 5000 } else { 0 };
            format!("20.{}.{}.{}", 40 + n / 62500, (n / 250) % 250, n % 250 + 1)
        };
        let rule = Rule {
            verb,
            to,
            port: [443, 8443, 1433, 5671][dice.below(4)],
            pin: None,
        };
        self.rules
            .insert((group.to_owned(), format!("{mark}{}", self.next)), rule);
    }

    fn pick(&self, dice: &mut Dice) -> Option<(String, String)> {
        let at = dice.below(self.rules.len());
        self.rules.keys().nth(at).cloned()
    }

    /// One to four random edits.
    pub(crate) fn edit(&mut self, dice: &mut Dice, mark: &str) -> Edit {
        let mut edit = Edit::default();
        for _ in 0..=dice.below(4) {
            self.edit_once(dice, mark, &mut edit);
        }
        edit
    }

    fn edit_once(&mut self, dice: &mut Dice, mark: &str, edit: &mut Edit) {
        let kind = dice.below(12);
        if kind < 4 || self.rules.len() < 4 {
            return self.add(dice, mark);
        }
        let Some(key) = self.pick(dice) else { return };
        let untouched = !edit.renamed.values().any(|to| *to == path(&key));
        match kind {
            4 | 5 => {
                self.rules.remove(&key);
                edit.renamed.retain(|_, to| *to != path(&key));
            }
            6 | 7 if untouched => {
                let rule = self.rules.remove(&key).unwrap();
                self.next += 1;
                let new = (key.0.clone(), format!("{mark}{}", self.next));
                let short = |k: &(String, String)| {
                    if k.0 == "main" { k.1.clone() } else { path(k) }
                };
                self.moved.push((short(&key), short(&new)));
                edit.renamed.insert(path(&key), path(&new));
                // An earlier edit of this change may have freed its number.
                if rule.pin.is_some() || edit.free.contains(&path(&key)) {
                    edit.free.push(path(&new));
                }
                self.rules.insert(new, rule);
            }
            8 => {
                let rule = self.rules.get_mut(&key).unwrap();
                if !rule.to.contains("contoso") {
                    rule.verb = if rule.verb == "allow" {
                        "deny"
                    } else {
                        "allow"
                    };
                    rule.pin = None;
                    edit.free.push(path(&key));
                }
            }
            9 => {
                let rule = self.rules.get_mut(&key).unwrap();
                if rule.verb == "allow" && !rule.to.contains("contoso") {
                    // Never a round number, which another rule may have; never twice.
                    self.next += 1;
                    let pin = 2501 + (self.next as u32 % 129) * 10;
                    let taken = self.rules.values().any(|r| r.pin == Some(pin));
                    let rule = self.rules.get_mut(&key).unwrap();
                    rule.pin = (!taken).then_some(pin);
                    edit.free.push(path(&key));
                }
            }
            _ => {
                let rule = self.rules.get_mut(&key).unwrap();
                rule.port = if rule.port == 443 { 8443 } else { 443 };
            }
        }
    }

    /// The text, its statements in an order that the dice give.
    pub(crate) fn text(&self, dice: &mut Dice) -> String {
        let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((group, label), rule) in &self.rules {
            let pin = rule.pin.map_or(String::new(), |p| format!(" pin {p}"));
            // Application rules take http and https; addresses take tcp.
            let (service, to) = if rule.to.contains("contoso") {
                (
                    if rule.port == 443 {
                        "https"
                    } else {
                        "https, http"
                    }
                    .to_owned(),
                    &rule.to,
                )
            } else {
                (format!("tcp/{}", rule.port), &rule.to)
            };
            groups.entry(group).or_default().push(format!(
                "{} {label}: {service} from web to {to} for \"Flow {label}\"{pin}\n",
                rule.verb
            ));
        }
        let mut statements: Vec<String> = Vec::new();
        for (group, mut flows) in groups {
            dice.shuffle(&mut flows);
            if group == "main" {
                statements.extend(flows);
            } else {
                statements.push(format!("group {group} {{\n{}}}\n", flows.concat()));
            }
        }
        // Only those that still lead to a flow.
        for (from, to) in &self.moved {
            let alive = self
                .rules
                .keys()
                .any(|k| path(k) == *to || (k.0 == "main" && k.1 == *to));
            if alive {
                let mut line = String::new();
                let _ = writeln!(line, "moved {from} -> {to}");
                statements.push(line);
            }
        }
        dice.shuffle(&mut statements);
        format!("{HEAD}{}", statements.concat())
    }
}
