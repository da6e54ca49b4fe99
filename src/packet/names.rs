//! Host names as numbers: every pattern is a range of them. It knows the patterns of one space and no
//! name beyond them.

use std::collections::BTreeMap;

/// The number of "no name is shown".
pub(super) const NONE: u32 = 0;

/// A pattern of the table, or the root, which holds every name.
#[derive(Clone, Debug)]
struct Entry {
    /// What the pattern asks for, reversed: `moc.osotnoc.` for `*.contoso.com`.
    key: Vec<u8>,
    /// The number of this very name, if it is written somewhere.
    exact: Option<u32>,
    /// The number of "under this pattern and no narrower one", and the last number under it.
    under: Option<(u32, u32)>,
    /// The narrowest pattern around it.
    parent: usize,
}

/// What is known about one number.
#[derive(Clone, Debug)]
struct Slot {
    /// A name with that number.
    example: String,
    /// Whether it is the only one.
    exact: bool,
}

/// Patterns and names of one space, numbered.
#[derive(Clone, Debug)]
pub(super) struct NameTable {
    /// Ascending by key; the root comes first.
    entries: Vec<Entry>,
    slots: Vec<Slot>,
}

/// Names under a pattern but not under some narrower ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamePattern {
    /// `*`, `www.contoso.com`, `*.contoso.com`, `*contoso.com`.
    pub pattern: String,
    /// Patterns whose names are not meant.
    pub except: Vec<String>,
}

fn reversed(text: &str) -> Vec<u8> {
    text.bytes().rev().collect()
}

fn forward(key: &[u8]) -> String {
    let bytes: Vec<u8> = key.iter().rev().copied().collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

impl NameTable {
    /// Numbers the patterns. Names under a pattern follow it, so that it is one range.
    pub(super) fn new(patterns: impl IntoIterator<Item = String>) -> Self {
        let mut keys: BTreeMap<Vec<u8>, (bool, bool)> = BTreeMap::new();
        keys.insert(Vec::new(), (false, true));
        for pattern in patterns {
            let pattern = pattern.to_ascii_lowercase();
            match pattern.strip_prefix('*') {
                Some(suffix) => keys.entry(reversed(suffix)).or_default().1 = true,
                None if pattern.is_empty() => {}
                None => keys.entry(reversed(&pattern)).or_default().0 = true,
            }
        }
        let mut table = Self {
            entries: Vec::with_capacity(keys.len()),
            slots: Vec::new(),
        };
        // NONE.
        let mut next = 1_u32;
        let mut open: Vec<usize> = Vec::new();
        for (key, (exact, pattern)) in keys {
            while let Some(&around) = open.last() {
                let inside = table
                    .entries
                    .get(around)
                    .is_some_and(|e| key.starts_with(&e.key));
                if inside {
                    break;
                }
                open.pop();
                table.close(around, next - 1);
            }
            let parent = open.last().copied().unwrap_or(0);
            let exact = exact.then(|| {
                next += 1;
                next - 1
            });
            let under = pattern.then(|| {
                next += 1;
                (next - 1, next - 1)
            });
            if pattern {
                open.push(table.entries.len());
            }
            table.entries.push(Entry {
                key,
                exact,
                under,
                parent,
            });
        }
        for around in open {
            table.close(around, next - 1);
        }
        table.find_examples(next);
        table
    }

    fn close(&mut self, at: usize, last: u32) {
        if let Some(entry) = self.entries.get_mut(at)
            && let Some(under) = &mut entry.under
        {
            under.1 = last;
        }
    }

    fn find_examples(&mut self, count: u32) {
        let blank = Slot {
            example: String::new(),
            exact: false,
        };
        let mut slots = vec![blank; count as usize];
        for entry in &self.entries {
            let suffix = forward(&entry.key);
            if let Some(slot) = entry.exact.and_then(|n| slots.get_mut(n as usize)) {
                *slot = Slot {
                    example: suffix.clone(),
                    exact: true,
                };
            }
            if let Some((own, _)) = entry.under
                && let Some(slot) = slots.get_mut(own as usize)
            {
                slot.example = self.fresh(&suffix, own);
            }
        }
        self.slots = slots;
    }

    /// A name under a pattern that no narrower one holds.
    fn fresh(&self, suffix: &str, own: u32) -> String {
        let tails: &[&str] = if suffix.is_empty() {
            &[".example", ""]
        } else {
            &[""]
        };
        // As many tries as there are patterns and one more cannot all be taken by exact names; by
        // raw suffixes they can, which look at the last letters only, so those change afterwards.
        for tail in tails {
            for n in 0..=self.entries.len() {
                let name = format!("w{n}{tail}{suffix}");
                if self.number(&name) == own {
                    return name;
                }
            }
        }
        let letters = ('a'..='z').chain("-_~".chars());
        let odd = (0xc0_u32..).filter_map(char::from_u32);
        for letter in letters.chain(odd) {
            for n in 0..=self.entries.len().min(64) {
                let name = format!("w{n}{letter}{suffix}");
                if self.number(&name) == own {
                    return name;
                }
            }
        }
        String::new()
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> u32 {
        self.slots.len().max(1) as u32
    }

    /// The number of a name.
    pub(super) fn number(&self, name: &str) -> u32 {
        let key = reversed(&name.to_ascii_lowercase());
        let after = self.entries.partition_point(|entry| entry.key <= key);
        let mut at = after.saturating_sub(1);
        while let Some(entry) = self.entries.get(at) {
            if entry.key == key
                && let Some(exact) = entry.exact
            {
                return exact;
            }
            // `*.contoso.com` asks for something before its dot.
            let too_short = entry.key == key && key.last() == Some(&b'.');
            if let Some((own, _)) = entry.under
                && key.starts_with(&entry.key)
                && !too_short
            {
                return own;
            }
            if at == 0 {
                break;
            }
            at = entry.parent;
        }
        1
    }

    /// The numbers of the names that a pattern matches; `None` if the pattern is not in the table.
    pub(super) fn range(&self, pattern: &str) -> Option<(u32, u32)> {
        let pattern = pattern.to_ascii_lowercase();
        let suffix = pattern.strip_prefix('*');
        let key = reversed(suffix.unwrap_or(&pattern));
        let at = self.entries.binary_search_by(|e| e.key.cmp(&key)).ok()?;
        let entry = self.entries.get(at)?;
        if suffix.is_none() {
            return entry.exact.map(|n| (n, n));
        }
        entry.range()
    }

    /// A name with that number; the empty text for [`NONE`].
    pub(super) fn example(&self, number: u32) -> &str {
        self.slots
            .get(number as usize)
            .map_or("", |slot| slot.example.as_str())
    }

    /// Whether the number stands for a single name, one that somebody wrote.
    pub(super) fn is_exact(&self, number: u32) -> bool {
        self.slots
            .get(number as usize)
            .is_some_and(|slot| slot.exact)
    }

    /// The patterns that make up some numbers, [`NONE`] aside.
    pub(super) fn patterns(&self, ranges: &[(u32, u32)]) -> Vec<NamePattern> {
        let holds = |number: u32| {
            let at = ranges.partition_point(|(_, last)| *last < number);
            ranges.get(at).is_some_and(|(first, _)| *first <= number)
        };
        // For every entry with a pattern, the item that it opened or that excludes it.
        let mut out: Vec<NamePattern> = Vec::new();
        let mut inside: Vec<Option<usize>> = vec![None; self.entries.len()];
        for (at, entry) in self.entries.iter().enumerate() {
            let around = if at == 0 {
                None
            } else {
                inside.get(entry.parent).copied().flatten()
            };
            let suffix = forward(&entry.key);
            let mut own = around;
            if let Some((number, _)) = entry.under {
                let pattern = format!("*{suffix}");
                own = match (around, holds(number)) {
                    (None, true) => {
                        out.push(NamePattern {
                            pattern,
                            except: Vec::new(),
                        });
                        Some(out.len() - 1)
                    }
                    (Some(item), false) => {
                        if let Some(item) = out.get_mut(item) {
                            item.except.push(pattern);
                        }
                        None
                    }
                    (same, _) => same,
                };
                if let Some(place) = inside.get_mut(at) {
                    *place = own;
                }
            }
            let Some(number) = entry.exact else { continue };
            // The very name belongs to its own pattern unless that begins with a dot.
            let context = if suffix.starts_with('.') { around } else { own };
            match (context, holds(number)) {
                (None, true) => out.push(NamePattern {
                    pattern: suffix,
                    except: Vec::new(),
                }),
                (Some(item), false) => {
                    if let Some(item) = out.get_mut(item) {
                        item.except.push(suffix);
                    }
                }
                _ => {}
            }
        }
        out.sort();
        out
    }
}

impl Entry {
    fn range(&self) -> Option<(u32, u32)> {
        let (own, last) = self.under?;
        match self.exact {
            Some(exact) if self.key.last() != Some(&b'.') => Some((exact, last)),
            _ => Some((own, last)),
        }
    }
}
