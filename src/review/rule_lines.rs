//! The textual difference as lines with a sign, a block a resource, direction or collection: what stands
//! in a comment, on a terminal and in a plan. It compares nothing and lays out no page.

use crate::diff::textual::{Change, Entry, FieldChange, Kind, Place, Textual};

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// It came.
    Added,
    /// It went.
    Removed,
    /// It says something else, or is called otherwise.
    Changed,
    /// It has another number.
    Moved,
    /// A word about the line before.
    Note,
}

impl Sign {
    /// The sign as it is printed; `ascii` for readers that know no other characters.
    #[must_use]
    pub const fn text(self, ascii: bool) -> &'static str {
        match self {
            Self::Added => "+",
            Self::Removed => "-",
            Self::Changed => "!",
            Self::Moved if ascii => "~",
            Self::Moved => "↷",
            Self::Note => " ",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its sign.
    pub sign: Sign,
    /// Its text, one line, without the sign.
    pub text: String,
}

/// The lines of one resource, or of a direction or a collection of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// `nsg nsg-avd outbound`; unique in the difference.
    pub title: String,
    /// The lines, in order.
    pub lines: Vec<Line>,
}

/// How much is written.
#[derive(Clone, Copy, Debug)]
pub struct Detail {
    /// Members of a list that are written out; of more the rest is counted. What decides reads the data.
    pub members: usize,
}

impl Default for Detail {
    fn default() -> Self {
        Self { members: 8 }
    }
}

/// The widest that a name is made for the sake of its neighbours.
const WIDEST: usize = 36;

/// The lines of a difference.
#[must_use]
pub fn blocks(of: &Textual, detail: Detail) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::new();
    let mut groups: Vec<(String, Vec<&Entry>)> = Vec::new();
    for entry in &of.entries {
        let title = title(entry);
        match groups.iter_mut().find(|(known, _)| *known == title) {
            Some((_, list)) => list.push(entry),
            None => groups.push((title, vec![entry])),
        }
    }
    for (title, mut entries) in groups {
        entries.sort_by_key(|e| (e.rule.is_some(), e.priority));
        let names = entries.iter().map(|e| name(e).chars().count());
        let width = names.filter(|n| *n <= WIDEST).max().unwrap_or_default();
        let lines = entries.iter().flat_map(|e| lines(e, width, detail));
        out.push(Block {
            title,
            lines: lines.collect(),
        });
    }
    out
}

/// The lines as text, two spaces before each title and a sign before each line, as a fenced block of kind
/// `diff` colours them.
#[must_use]
pub fn text(blocks: &[Block], ascii: bool) -> String {
    let mut out = String::new();
    for block in blocks {
        out.push_str(&format!("  {}\n", block.title));
        for line in &block.lines {
            let text = if ascii {
                crate::diag::render_text::to_ascii(&line.text)
            } else {
                line.text.clone()
            };
            out.push_str(&format!("{}   {text}\n", line.sign.text(ascii)));
        }
    }
    out
}

/// Where something stands, in words: `firewall afwp-hub / pc-30-allow-web (26400) / net-allow (200)`.
#[must_use]
pub fn place(of: &Place) -> String {
    let mut out = match (of.kind, &of.parent) {
        (Kind::RuleCollectionGroup, Some(policy)) => format!("firewall {policy} / {}", of.name),
        (Kind::FirewallPolicy | Kind::ClassicFirewall, _) => format!("firewall {}", of.name),
        (Kind::Nsg, _) => format!("nsg {}", of.name),
        (kind, _) => format!("{} {}", kind.word(), of.name),
    };
    if let Some(priority) = of.priority {
        out.push_str(&format!(" ({priority})"));
    }
    if let Some(direction) = &of.direction {
        out.push_str(&format!(" {direction}"));
    }
    if let Some(collection) = &of.collection {
        out.push_str(&format!(" / {collection}"));
        if let Some(priority) = of.collection_priority {
            out.push_str(&format!(" ({priority})"));
        }
    }
    out
}

fn title(entry: &Entry) -> String {
    place(&entry.resource)
}

/// What stands first in a line: the number and the name.
fn name(entry: &Entry) -> String {
    let number = match (entry.resource.kind, entry.priority, &entry.rule) {
        (Kind::Nsg, Some(number), Some(_)) => match entry.was_priority {
            Some(was) => format!("{was} -> {number} "),
            None => format!("{number} "),
        },
        _ => String::new(),
    };
    let rule = entry.rule.clone().unwrap_or_default();
    match &entry.was {
        Some(was) if entry.rule.is_some() => format!("{number}{was} -> {rule}"),
        _ => format!("{number}{rule}"),
    }
}

fn lines(entry: &Entry, width: usize, detail: Detail) -> Vec<Line> {
    let sign = match entry.change {
        Change::Added => Sign::Added,
        Change::Removed => Sign::Removed,
        Change::Changed | Change::Renamed => Sign::Changed,
        Change::Renumbered => Sign::Moved,
    };
    let mut told: Vec<String> = Vec::new();
    match (entry.change, &entry.rule) {
        (Change::Added | Change::Removed, Some(_)) => told.push(sentence(entry, detail)),
        (Change::Added, None) => told.push(whole(entry, "new", detail)),
        (Change::Removed, None) => told.push(whole(entry, "left the source", detail)),
        _ => told.extend(entry.fields.iter().map(|f| field(f, detail))),
    }
    if let Some(from) = &entry.was_in {
        told.push(format!("was in {}", place(from)));
    }
    if entry.rule.is_none() {
        told.extend(entry.was.as_ref().map(|was| format!("was {was}")));
        if let (Some(was), Some(is)) = (entry.was_priority, entry.priority) {
            told.push(format!("priority {was} -> {is}"));
        }
    } else if entry.change == Change::Renamed {
        let kept = entry.priority.is_some() && entry.was_priority.is_none();
        told.push(if kept { "(priority kept)" } else { "(renamed)" }.to_owned());
    }
    if let Some(reason) = entry.reason {
        told.push(format!("({})", reason.text()));
    }
    let name = name(entry);
    let text = format!("{name:width$}  {}", told.join("  "));
    let mut out = vec![Line {
        sign,
        text: text.trim_end().trim_start_matches(' ').to_owned(),
    }];
    let mut note = |text: String| {
        out.push(Line {
            sign: Sign::Note,
            text: format!("  {text}"),
        });
    };
    if let Some(parts) = entry.parts {
        let same = if parts.same_members {
            "; together they list the same"
        } else {
            ""
        };
        let rules = |n: usize| {
            if n == 1 {
                "1 rule".to_owned()
            } else {
                format!("{n} rules")
            }
        };
        let flow = entry.flow.as_deref().unwrap_or("the flow");
        note(format!(
            "{flow} is {} here, it was {}{same}",
            rules(parts.after),
            rules(parts.before)
        ));
    }
    if entry.change == Change::Added
        && let Some(like) = &entry.like
    {
        let hint = entry.suggestion.as_ref();
        let hint = hint.map_or_else(String::new, |s| format!("; if it was renamed, write `{s}`"));
        note(format!("says what {like} said{hint}"));
    }
    out
}

/// A resource that came or went.
fn whole(entry: &Entry, word: &str, detail: Detail) -> String {
    let mut told = vec![word.to_owned()];
    told.extend(entry.fields.iter().map(|f| field(f, detail)));
    told.join("  ")
}

fn field(of: &FieldChange, detail: Detail) -> String {
    let mut out = of.path.clone();
    if !of.removed.is_empty() {
        out.push_str(&format!("  - {}", some(&of.removed, detail)));
    }
    if !of.added.is_empty() {
        out.push_str(&format!("  + {}", some(&of.added, detail)));
    }
    match (&of.old, &of.new) {
        (None, None) => {}
        (None, Some(new)) => out.push_str(&format!("  + {}", line(new))),
        (Some(old), None) => out.push_str(&format!("  - {}", line(old))),
        (Some(old), Some(new)) => out.push_str(&format!("  {} -> {}", line(old), line(new))),
    }
    out
}

/// Text on one line.
fn line(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.collect()
}

fn some(members: &[String], detail: Detail) -> String {
    let shown: Vec<String> = members
        .iter()
        .take(detail.members)
        .map(|m| line(m))
        .collect();
    let left = members.len().saturating_sub(shown.len());
    let shown = shown.join(" ");
    if left > 0 {
        format!("{shown} and {left} more")
    } else {
        shown
    }
}

/// What a rule or a route says, as a sentence: `Allow TCP 10.1.0.0/16 -> 203.0.113.0/28:21`.
fn sentence(entry: &Entry, detail: Detail) -> String {
    let all = |paths: &[&str], word: &str| -> Vec<String> {
        let found = paths.iter().flat_map(|path| {
            let fields = entry.fields.iter();
            fields.filter(move |f| f.path.eq_ignore_ascii_case(path))
        });
        let values = found.flat_map(|f| {
            let lists = f.added.iter().chain(&f.removed);
            lists.chain(f.old.iter()).chain(f.new.iter())
        });
        values.map(|v| format!("{word}{v}")).collect()
    };
    let one = |path: &str| all(&[path], "").into_iter().next().unwrap_or_default();
    if entry.resource.kind == Kind::RouteTable {
        let hop = one("nextHopIpAddress");
        let text = format!("{} -> {} {hop}", one("addressPrefix"), one("nextHopType"));
        return line(text.trim_end());
    }
    let action = entry
        .resource
        .action
        .clone()
        .unwrap_or_else(|| one("access"));
    let protocols = all(&["protocol", "protocols", "ipProtocols"], "");
    let mut from = all(&["sourceAddresses", "sourceAddressPrefixes"], "");
    from.extend(all(&["sourceIpGroups"], "ip-group "));
    from.extend(all(&["sourceApplicationSecurityGroups"], "asg "));
    let mut to = all(&["destinationAddresses", "destinationAddressPrefixes"], "");
    to.extend(all(&["destinationIpGroups"], "ip-group "));
    to.extend(all(&["destinationApplicationSecurityGroups"], "asg "));
    to.extend(all(&["destinationFqdns", "targetFqdns", "targetUrls"], ""));
    to.extend(all(&["fqdnTags"], "fqdn-tag "));
    to.extend(all(&["webCategories"], "category "));
    let list = |items: &[String]| {
        let few = items.len() <= detail.members;
        let shown = items.iter().take(detail.members).map(|i| line(i));
        let shown = shown.collect::<Vec<_>>().join(",");
        if few {
            shown
        } else {
            format!("{shown} and {} more", items.len() - detail.members)
        }
    };
    let ports = |items: Vec<String>| match items.as_slice() {
        [] => String::new(),
        [any] if any == "*" => String::new(),
        items => format!(":{}", list(items)),
    };
    let mut out = format!(
        "{action} {} {}{} -> {}{}",
        list(&protocols),
        list(&from),
        ports(all(&["sourcePorts", "sourcePortRanges"], "")),
        list(&to),
        ports(all(&["destinationPorts", "destinationPortRanges"], ""))
    );
    let translated = all(&["translatedAddress", "translatedFqdn"], "");
    if !translated.is_empty() {
        out.push_str(&format!(
            " => {}:{}",
            list(&translated),
            one("translatedPort")
        ));
    }
    if one("terminateTLS") == "true" {
        out.push_str(" (TLS opened)");
    }
    out
}
