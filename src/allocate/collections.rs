//! Names of rule collections, made and read back. An ordered group has several of one type, each with
//! the name of its run: the label of a flow that was in it first. What a collection holds is unknown
//! here.

use sha2::{Digest, Sha256};

/// The longest run name: the names that it is put into have 80 characters at most.
const LONGEST: usize = 40;

/// What stands between the type of a classic collection and its run: in no label.
const SEPARATOR: char = '.';

/// The name of a run after a label of it, one that is not `taken`.
#[must_use]
pub fn run_name(labels: &[&str], taken: &dyn Fn(&str) -> bool) -> String {
    // Azure compares names without case.
    let short = |label: &str| {
        let label = label.to_lowercase();
        if label.chars().count() <= LONGEST {
            label
        } else {
            hashed(&label, &label, LONGEST - 9, 4)
        }
    };
    let free = labels.iter().map(|label| short(label));
    if let Some(name) = free.into_iter().find(|name| !taken(name)) {
        return name;
    }
    // Every label names another run already: a hash tells them apart.
    let label = labels.first().copied().unwrap_or("run").to_lowercase();
    let mut text = labels.join("/");
    loop {
        let name = hashed(&label, &text, LONGEST - 5, 2);
        if !taken(&name) {
            return name;
        }
        text.push('/');
    }
}

/// The beginning of a label, and the hash of a text.
fn hashed(label: &str, text: &str, kept: usize, bytes: usize) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest
        .iter()
        .take(bytes)
        .map(|b| format!("{b:02x}"))
        .collect();
    let front: String = label.chars().take(kept).collect();
    format!("{front}-{hex}")
}

/// A collection of a rule collection group: `net-allow`, and `net-dns-allow` for the run `dns`.
#[must_use]
pub fn in_group(kind: &str, run: Option<&str>, word: &str) -> String {
    match run {
        Some(run) => format!("{kind}-{run}-{word}"),
        None => format!("{kind}-{word}"),
    }
}

/// The run in the name of a collection of a rule collection group.
#[must_use]
pub fn run_in_group<'n>(kind: &str, name: &'n str) -> Option<&'n str> {
    let rest = name.strip_prefix(kind)?.strip_prefix('-')?;
    let run = rest
        .strip_suffix("-allow")
        .or_else(|| rest.strip_suffix("-deny"))?;
    (!run.is_empty()).then_some(run)
}

/// A collection of a classic firewall, where groups are known by names only: `egress-net`, and
/// `imported-net.dns` for the run `dns`.
#[must_use]
pub fn in_classic(group: &str, kind: &str, run: Option<&str>) -> String {
    match run {
        Some(run) => format!("{group}-{kind}{SEPARATOR}{run}"),
        None => format!("{group}-{kind}"),
    }
}

/// Group and run in the name of a classic collection.
#[must_use]
pub fn parts_of_classic<'n>(kind: &str, name: &'n str) -> Option<(&'n str, Option<&'n str>)> {
    let group = |front: &'n str| front.strip_suffix(kind)?.strip_suffix('-');
    if let Some((front, run)) = name.rsplit_once(SEPARATOR)
        && let Some(group) = group(front)
    {
        return Some((group, Some(run)));
    }
    Some((group(name)?, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_read_back() {
        for run in [None, Some("dns"), Some("net-allow"), Some("allow")] {
            for word in ["allow", "deny"] {
                let name = in_group("net", run, word);
                assert_eq!(run_in_group("net", &name), run, "{name}");
                assert_eq!(run_in_group("app", &name), None, "{name}");
            }
            for group in ["pc-25-ordered-acl", "v1.2", "a-net", "net"] {
                let name = in_classic(group, "net", run);
                assert_eq!(parts_of_classic("net", &name), Some((group, run)), "{name}");
            }
        }
        assert_eq!(parts_of_classic("net", "theirs"), None);
        assert_eq!(parts_of_classic("net", "a-app.b"), None);
    }

    #[test]
    fn a_run_is_named_after_a_label_that_names_no_other() {
        assert_eq!(run_name(&["A", "b"], &|_| false), "a");
        assert_eq!(run_name(&["a", "b"], &|name| name == "a"), "b");
        let other = run_name(&["a"], &|name| name == "a");
        assert!(other.starts_with("a-") && other.len() == 6, "{other}");
        let long = "x".repeat(80);
        assert!(run_name(&[&long], &|_| false).len() <= LONGEST);
    }
}
