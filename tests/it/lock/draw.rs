//! Random projects and random edits of them, as text. It compiles nothing and judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use portcullis::config::{NsgRuleLayout, RcgLayout};

use super::project::Built;

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
    /// 0 is the root; others are instances.
    module: usize,
    group: String,
    label: String,
    verb: &'static str,
    to: String,
    port: u16,
    pin: Option<u32>,
}

/// The ordered group of the root.
const ORDERED: &str = "acl";

/// Modules beside the root.
const MODULES: usize = 2;

/// A project. Flows are known by a number that no rename changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    rules: BTreeMap<u32, Rule>,
    /// The ordered group, in its order.
    sequence: Vec<u32>,
    /// Names of the instances.
    instances: BTreeMap<usize, String>,
    moved: Vec<(String, String)>,
    /// Flows of a group that was removed and may come back.
    removed: Vec<(u32, Rule)>,
    environments: BTreeSet<&'static str>,
    policy: usize,
    classic: bool,
    rcg: usize,
    children: bool,
    /// A label is never given twice: one that comes back is another question.
    next: u32,
    /// Keeps the labels and addresses of two branches apart.
    branch: u32,
}

/// What differs between two sources.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edit {
    /// Old path to new path of each flow that both have.
    pub(crate) renamed: BTreeMap<String, String>,
    /// New paths of flows whose number may change: another tier, or a pin.
    pub(crate) free: BTreeSet<String>,
    /// New paths of flows that are pinned.
    pub(crate) pinned: BTreeSet<String>,
    /// New paths of flows of ordered groups.
    pub(crate) ordered: BTreeSet<String>,
}

impl Edit {
    pub(crate) fn between(old: &Source, new: &Source) -> Self {
        let mut edit = Self::default();
        for (uid, rule) in &new.rules {
            let path = new.path(rule);
            if rule.pin.is_some() {
                edit.pinned.insert(path.clone());
            }
            if rule.group == ORDERED {
                edit.ordered.insert(path.clone());
            }
            let Some(was) = old.rules.get(uid) else {
                continue;
            };
            if (was.verb != rule.verb && rule.group != ORDERED) || was.pin != rule.pin {
                edit.free.insert(path.clone());
            }
            edit.renamed.insert(old.path(was), path);
        }
        edit
    }
}

impl Source {
    /// A project of about so many flows.
    pub(crate) fn draw(dice: &mut Dice, flows: usize) -> Self {
        let mut source = Self {
            rules: BTreeMap::new(),
            sequence: Vec::new(),
            instances: (1..=MODULES).map(|m| (m, format!("i{m}"))).collect(),
            moved: Vec::new(),
            removed: Vec::new(),
            environments: BTreeSet::from(["dev", "prod"]),
            policy: 0,
            classic: dice.below(4) == 0,
            rcg: dice.below(3),
            children: dice.below(3) == 0,
            next: 0,
            branch: 0,
        };
        for _ in 0..flows {
            source.add(dice);
        }
        source
    }

    /// The same as a branch, whose additions are not those of another one.
    pub(crate) fn branch(&self, number: u32) -> Self {
        Self {
            branch: number,
            next: self.next + number * 1000,
            ..self.clone()
        }
    }

    pub(crate) fn is_classic(&self) -> bool {
        self.classic
    }

    pub(crate) fn flows(&self) -> usize {
        self.rules.len()
    }

    pub(crate) fn environments(&self) -> &BTreeSet<&'static str> {
        &self.environments
    }

    pub(crate) fn set_policy_form(&mut self, classic: bool, rcg: usize) {
        (self.classic, self.rcg) = (classic, rcg);
    }

    /// What a merge of two branches of this gives: flows of both, without those that either removed.
    pub(crate) fn merge(&self, one: &Self, two: &Self) -> Self {
        let mut merged = one.clone();
        let kept = |uid: &u32| !self.rules.contains_key(uid) || two.rules.contains_key(uid);
        merged.rules.retain(|uid, _| kept(uid));
        merged.sequence.retain(|uid| kept(uid));
        for (uid, rule) in two
            .rules
            .iter()
            .filter(|(u, _)| !self.rules.contains_key(u))
        {
            merged.rules.insert(*uid, rule.clone());
            if rule.group == ORDERED {
                merged.sequence.push(*uid);
            }
        }
        merged
    }

    fn path(&self, rule: &Rule) -> String {
        match self.instances.get(&rule.module) {
            Some(instance) => format!("{instance}::{}::{}", rule.group, rule.label),
            None => format!("{}::{}", rule.group, rule.label),
        }
    }

    /// Adds a flow.
    pub(crate) fn add(&mut self, dice: &mut Dice) {
        self.next += 1;
        let n = self.next;
        let module = dice.below(6).saturating_sub(5 - MODULES);
        let group = if module > 0 {
            ["core", "main"][dice.below(2)]
        } else {
            ["core", "data", "main", "web", ORDERED][dice.below(5)]
        };
        let ordered = group == ORDERED;
        let verb = match dice.below(8) {
            0..=3 if ordered => "deny",
            0 => "deny",
            1 if !ordered => "forbid",
            _ => "allow",
        };
        let to = if verb == "allow" && !ordered && dice.below(4) == 0 {
            format!("host{n}.contoso.com")
        } else {
            // An address that no other flow has.
            format!("20.{}.{}.{}", 40 + n / 62500, (n / 250) % 250, n % 250 + 1)
        };
        let rule = Rule {
            module,
            group: group.to_owned(),
            label: format!("r{n}"),
            verb,
            to,
            port: [443, 8443, 1433, 5671][dice.below(4)],
            pin: None,
        };
        self.rules.insert(n, rule);
        if ordered {
            let at = dice.below(self.sequence.len() + 1);
            self.sequence.insert(at, n);
        }
    }

    /// Removes a flow.
    pub(crate) fn remove(&mut self, dice: &mut Dice) {
        if let Some(uid) = self.pick(dice) {
            self.rules.remove(&uid);
            self.sequence.retain(|other| *other != uid);
        }
    }

    fn pick(&self, dice: &mut Dice) -> Option<u32> {
        let at = dice.below(self.rules.len());
        self.rules.keys().nth(at).copied()
    }

    /// One to nine random edits; how many.
    pub(crate) fn edit(&mut self, dice: &mut Dice) -> usize {
        let edits = 1 + dice.below(9);
        for _ in 0..edits {
            self.edit_once(dice);
        }
        edits
    }

    fn edit_once(&mut self, dice: &mut Dice) {
        let kind = dice.below(34);
        let Some(uid) = self.pick(dice).filter(|_| self.rules.len() > 5) else {
            return self.add(dice);
        };
        let rule = self.rules[&uid].clone();
        let by_name = rule.to.contains("contoso");
        match kind {
            0..=8 => self.add(dice),
            9..=12 => self.remove(dice),
            13..=15 => self.rename_label(uid),
            16 => self.rename_group(&rule),
            17 => self.rename_instance(dice),
            18..=19 => self.remove_group(&rule),
            20..=21 => {
                let back = std::mem::take(&mut self.removed);
                self.rules.extend(back);
            }
            22 => {
                let all = ["dev", "prod", "test"];
                let one = all[dice.below(3)];
                if !self.environments.remove(one) || self.environments.is_empty() {
                    self.environments.insert(one);
                }
            }
            23 => self.policy += 1,
            24 => self.rcg = dice.below(3),
            25 => self.children = !self.children,
            26 => self.classic = dice.below(3) == 0,
            27..=28 if self.sequence.len() > 1 => {
                let from = self.sequence.remove(dice.below(self.sequence.len()));
                let at = dice.below(self.sequence.len() + 1);
                self.sequence.insert(at, from);
            }
            29..=30 if !by_name => {
                let rule = self.rules.get_mut(&uid).unwrap();
                rule.verb = if rule.verb == "allow" {
                    "deny"
                } else {
                    "allow"
                };
                rule.pin = None;
            }
            31..=32 if rule.verb == "allow" && !by_name && rule.group != ORDERED => {
                // Never a round number, which another rule may have; never twice.
                self.next += 1;
                let pin = 2501 + (self.next % 129) * 10;
                let taken = self.rules.values().any(|r| r.pin == Some(pin));
                self.rules.get_mut(&uid).unwrap().pin = (!taken).then_some(pin);
            }
            _ => {
                let rule = self.rules.get_mut(&uid).unwrap();
                rule.port = if rule.port == 443 { 8443 } else { 443 };
            }
        }
    }

    /// States a rename of a path and all below it.
    fn state(&mut self, from: &str, to: &str) {
        for (_, earlier) in &mut self.moved {
            if earlier == from {
                *earlier = to.to_owned();
            } else if let Some(rest) = earlier.strip_prefix(&format!("{from}::")) {
                *earlier = format!("{to}::{rest}");
            }
        }
        self.moved.push((from.to_owned(), to.to_owned()));
    }

    fn rename_label(&mut self, uid: u32) {
        self.next += 1;
        let label = format!("r{}", self.next);
        let was = self.rules[&uid].clone();
        let now = Rule {
            label,
            ..was.clone()
        };
        self.state(&short(&self.path(&was)), &short(&self.path(&now)));
        self.rules.insert(uid, now);
    }

    fn rename_group(&mut self, of: &Rule) {
        if of.group == "main" || of.group == ORDERED {
            return;
        }
        self.next += 1;
        let now = format!("g{}", self.next);
        let front = self.instances.get(&of.module).map(|i| format!("{i}::"));
        let front = front.unwrap_or_default();
        self.state(&format!("{front}{}", of.group), &format!("{front}{now}"));
        let same = |r: &&mut Rule| r.module == of.module && r.group == of.group;
        for rule in self.rules.values_mut().filter(same) {
            rule.group.clone_from(&now);
        }
    }

    fn rename_instance(&mut self, dice: &mut Dice) {
        self.next += 1;
        let module = 1 + dice.below(MODULES);
        let now = format!("i{}", self.next + 10);
        let was = self.instances.insert(module, now.clone()).unwrap();
        self.state(&was, &now);
    }

    fn remove_group(&mut self, of: &Rule) {
        if of.group == ORDERED {
            return;
        }
        let same = |r: &Rule| r.module == of.module && r.group == of.group;
        let gone = self.rules.iter().filter(|(_, r)| same(r));
        self.removed = gone.map(|(uid, r)| (*uid, r.clone())).collect();
        // A pin may be given to another meanwhile.
        for (_, rule) in &mut self.removed {
            rule.pin = None;
        }
        self.rules.retain(|_, r| !same(r));
    }

    fn line(rule: &Rule, from: &str) -> String {
        let pin = rule.pin.map_or(String::new(), |p| format!(" pin {p}"));
        // Application rules take http and https; addresses take tcp.
        let service = match (rule.to.contains("contoso"), rule.port) {
            (true, 443) => "https".to_owned(),
            (true, _) => "https, http".to_owned(),
            (false, port) => format!("tcp/{port}"),
        };
        let (verb, label, to) = (rule.verb, &rule.label, &rule.to);
        format!("{verb} {label}: {service} from {from} to {to} for \"Flow\"{pin}\n")
    }

    /// The statements of a module, in an order that the dice give.
    fn module(&self, module: usize, from: &str, dice: &mut Dice) -> Vec<String> {
        let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mine = self.rules.values().filter(|r| r.module == module);
        for rule in mine.filter(|r| r.group != ORDERED) {
            let lines = groups.entry(&rule.group).or_default();
            lines.push(Self::line(rule, from));
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
        dice.shuffle(&mut statements);
        statements
    }

    /// The project, its statements in an order that the dice give.
    pub(crate) fn built(&self, dice: &mut Dice) -> Built {
        let mut statements = self.module(0, "web", dice);
        if !self.sequence.is_empty() {
            let flows = self.sequence.iter().map(|uid| &self.rules[uid]);
            let lines: String = flows.map(|rule| Self::line(rule, "web")).collect();
            statements.push(format!("ordered group {ORDERED} {{\n{lines}}}\n"));
        }
        let mut places: BTreeSet<String> = BTreeSet::new();
        for rule in self.rules.values() {
            let path = self.path(rule);
            places.insert(short(&path));
            places.extend(path.rsplit_once("::").map(|(group, _)| group.to_owned()));
            places.extend(self.instances.get(&rule.module).cloned());
        }
        // Only those that still lead somewhere.
        for (from, to) in self.moved.iter().filter(|(_, to)| places.contains(to)) {
            statements.push(format!("moved {from} -> {to}\n"));
        }
        let used = |m: &usize| self.rules.values().any(|r| r.module == *m);
        for (module, name) in self.instances.iter().filter(|(m, _)| used(m)) {
            let line = format!("use \"m{module}.gate\" as {name} with {{ at = web }}\n");
            statements.push(line);
        }
        dice.shuffle(&mut statements);
        let environments = self.environments.iter().map(|e| format!("env {e} {{ }}\n"));
        let firewall = if self.classic {
            "  output = classic\n".to_owned()
        } else {
            format!("  policy = \"afwp{}\"\n", self.policy)
        };
        let mut built = Built::of(&format!(
            "{}firewall azfw {{\n{firewall}{TOPOLOGY}{}",
            environments.collect::<String>(),
            statements.concat()
        ));
        for module in self.instances.keys() {
            let text = self.module(*module, "at", dice).concat();
            let path = format!("m{module}.gate");
            built = built.with(&path, &format!("param at: endpoint\n{text}"));
        }
        let rcg = [
            RcgLayout::PerGroup,
            RcgLayout::PerInstance,
            RcgLayout::Merged,
        ];
        built.settings.layout.rcg = rcg[self.rcg];
        built.settings.layout.nsg_rules = if self.children {
            NsgRuleLayout::Children
        } else {
            NsgRuleLayout::Inline
        };
        built
    }
}

/// The rest of the firewall, and what it protects.
const TOPOLOGY: &str = "  vnet = hub
  subnet = 10.0.1.0/26
  private-ip = 10.0.1.4
}
vnet hub = 10.0.0.0/16
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

/// A path as `moved` has it: without `main`.
fn short(path: &str) -> String {
    match path.strip_prefix("main::") {
        Some(label) => label.to_owned(),
        None => path.replace("::main::", "::"),
    }
}
