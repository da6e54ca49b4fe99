//! The text form of a catalogue: finding the tags in it, checking it, writing it; no questions about tags.
//!
//! ```text
//! portcullis-catalog 1
//! cloud public
//! change 376
//! date 2025-11-10
//! origin ...
//! tags 3041
//!
//! Name|API+NSG|region|service|change
//!  4.145.74.52/30 4.149.254.68/30
//! ```
//!
//! A tag is a line of five columns (`-` is none, `?` in the second is not known) and indented lines of
//! prefixes, one line a first octet (IPv4) or first group (IPv6), or a second if there are many, so that
//! a change touches few and short lines.
//! Prefixes are as published, only sorted; collapsing them is left to the reader.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::OnceLock;

use ipnet::IpNet;

use super::cloud::{CatalogIdentity, Cloud};
use super::features::Features;
use super::prefixes::{Prefixes, parse_prefix, write_prefix};

/// What is wrong with a catalogue file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct CatalogFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, lower case, no full stop.
    pub message: String,
}

/// Where a tag is in the text.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) name: Range<usize>,
    pub(super) columns: Range<usize>,
    pub(super) body: Range<usize>,
    pub(super) line: usize,
    pub(super) prefixes: OnceLock<Prefixes>,
}

/// A tag to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) features: Option<Features>,
    pub(super) region: String,
    pub(super) service: String,
    pub(super) change: Option<u32>,
    pub(super) prefixes: Vec<IpNet>,
}

/// The columns of a tag after its name, as text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Columns<'t> {
    pub(super) features: &'t str,
    pub(super) region: &'t str,
    pub(super) service: &'t str,
    pub(super) change: &'t str,
}

const FIRST_LINE: &str = "portcullis-catalog 1";
/// Above so many prefixes with one first octet or group they are divided by the second.
const BIG_GROUP: usize = 60;

/// Finds the header and the places of the tags, sorted by name; checks no tag.
pub(super) fn index(text: &str) -> Result<(CatalogIdentity, Vec<Place>), CatalogFault> {
    let mut identity = CatalogIdentity::default();
    let mut stated_tags = None;
    let mut places: Vec<Place> = Vec::new();
    let mut cloud_line = 0;
    let mut in_header = true;
    let mut start = 0;
    for (number, raw) in (1..).zip(text.split('\n')) {
        let end = start + raw.len();
        let line = raw.strip_suffix('\r').unwrap_or(raw);
        if number == 1 {
            if line != FIRST_LINE {
                return Err(fault(
                    1,
                    format!("the file does not begin with `{FIRST_LINE}`"),
                ));
            }
        } else if line.is_empty() {
            in_header = false;
        } else if in_header {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            match key {
                "cloud" => {
                    identity.cloud = Cloud::parse(value)
                        .ok_or_else(|| fault(number, format!("unknown cloud {}", shown(value))))?;
                    cloud_line = number;
                }
                "change" => identity.change_number = Some(parse_number(value, number)?),
                "date" => {
                    check_date(value).map_err(|message| fault(number, message))?;
                    value.clone_into(&mut identity.date);
                }
                "tags" => stated_tags = Some((number, parse_number(value, number)?)),
                "origin" => {}
                _ => return Err(fault(number, format!("unknown header line {}", shown(key)))),
            }
        } else if line.starts_with(' ') {
            let Some(place) = places.last_mut() else {
                return Err(fault(
                    number,
                    "prefixes stand before the first tag".to_owned(),
                ));
            };
            place.body.end = end;
        } else {
            let name = start..start + line.find('|').unwrap_or(line.len());
            let columns = (name.end + 1).min(start + line.len())..start + line.len();
            let body = (end + 1).min(text.len());
            places.push(Place {
                name,
                columns,
                body: body..body,
                line: number,
                prefixes: OnceLock::new(),
            });
        }
        start = end + 1;
    }
    if cloud_line == 0 {
        return Err(fault(1, "the header has no line `cloud`".to_owned()));
    }
    if identity.date.is_empty() {
        return Err(fault(1, "the header has no line `date`".to_owned()));
    }
    if let Some((line, stated)) = stated_tags
        && usize::try_from(stated) != Ok(places.len())
    {
        let found = places.len();
        return Err(fault(
            line,
            format!(
                "the header promises {stated} tags and the file has {found}: it is cut off or was edited"
            ),
        ));
    }
    let name_of = |place: &Place| text.get(place.name.clone()).unwrap_or_default();
    if !places.is_sorted_by(|a, b| compare_names(name_of(a), name_of(b)) == Ordering::Less) {
        places.sort_by(|a, b| compare_names(name_of(a), name_of(b)));
        for pair in places.windows(2) {
            if let [first, second] = pair
                && compare_names(name_of(first), name_of(second)) == Ordering::Equal
            {
                let line = first.line.max(second.line);
                return Err(fault(
                    line,
                    format!("tag {} is listed twice", shown(name_of(first))),
                ));
            }
        }
    }
    Ok((identity, places))
}

/// Checks every tag and prefix.
pub(super) fn check(text: &str, places: &[Place]) -> Result<(), CatalogFault> {
    for place in places {
        let name = text.get(place.name.clone()).unwrap_or_default();
        check_name(name).map_err(|message| fault(place.line, message))?;
        let line = text.get(place.columns.clone()).unwrap_or_default();
        let Some(columns) = columns(line) else {
            return Err(fault(
                place.line,
                format!("tag `{name}` does not have five columns"),
            ));
        };
        if columns.features != "?" && Features::parse(columns.features).is_none() {
            return Err(fault(
                place.line,
                format!("tag `{name}`: unknown features {}", shown(columns.features)),
            ));
        }
        // They are printed to terminals.
        if line.chars().any(char::is_control) {
            let message = format!("tag `{name}`: control character in {}", shown(line));
            return Err(fault(place.line, message));
        }
        if columns.change != "-" {
            parse_number(columns.change, place.line)?;
        }
        let body = text.get(place.body.clone()).unwrap_or_default();
        let mut any = false;
        for (offset, line) in (1..).zip(body.split('\n')) {
            for word in line.split_ascii_whitespace() {
                any = true;
                parse_prefix(word).map_err(|reason| {
                    fault(
                        place.line + offset,
                        format!("tag `{name}`: {} {reason}", shown(word)),
                    )
                })?;
            }
        }
        if !any {
            return Err(fault(place.line, format!("tag `{name}` has no prefixes")));
        }
    }
    Ok(())
}

/// Splits the columns after the name.
pub(super) fn columns(line: &str) -> Option<Columns<'_>> {
    let mut parts = line.split('|');
    let columns = Columns {
        features: parts.next()?,
        region: parts.next()?,
        service: parts.next()?,
        change: parts.next()?,
    };
    parts.next().is_none().then_some(columns)
}

/// The prefixes of a tag as listed. Words that are none are passed over: `check` refuses them.
pub(super) fn listed_prefixes(body: &str) -> impl Iterator<Item = IpNet> + '_ {
    body.split_ascii_whitespace()
        .filter_map(|word| parse_prefix(word).ok())
}

/// Writes a catalogue; the same tags in any order give the same text.
pub(super) fn write(identity: &CatalogIdentity, records: &mut [Record]) -> String {
    records.sort_by(|a, b| compare_names(&a.name, &b.name));
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{FIRST_LINE}\ncloud {}", identity.cloud);
    if let Some(change) = identity.change_number {
        let _ = writeln!(text, "change {change}");
    }
    let _ = writeln!(text, "date {}", identity.date);
    let title = identity.cloud.download_title();
    let _ = writeln!(
        text,
        "origin Microsoft, weekly download \"{title}\", rewritten"
    );
    let _ = writeln!(text, "tags {}\n", records.len());
    for record in records {
        let features = record
            .features
            .map_or("?".to_owned(), |features| features.to_string());
        let change = record
            .change
            .map_or("-".to_owned(), |change| change.to_string());
        let (region, service) = (dash(&record.region), dash(&record.service));
        let _ = writeln!(
            text,
            "{}|{features}|{region}|{service}|{change}",
            record.name
        );
        record.prefixes.sort_unstable();
        record.prefixes.dedup();
        for group in record
            .prefixes
            .chunk_by(|a, b| group_of(*a).0 == group_of(*b).0)
        {
            // A big group is divided once more, so that no line grows without bound.
            let big = group.len() > BIG_GROUP;
            for line in group.chunk_by(|a, b| !big || group_of(*a) == group_of(*b)) {
                for prefix in line {
                    text.push(' ');
                    write_prefix(*prefix, &mut text);
                }
                text.push('\n');
            }
        }
    }
    text
}

/// The order of names: letter case does not count.
pub(super) fn compare_names(a: &str, b: &str) -> Ordering {
    a.bytes()
        .map(|byte| byte.to_ascii_lowercase())
        .cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()))
}

/// Refuses what is no tag name, so that columns and messages stay readable.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let letters = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    if name.is_empty() || name.len() > 120 || !name.chars().all(letters) {
        return Err(format!("{} is not the name of a tag", shown(name)));
    }
    Ok(())
}

/// Refuses what is no date of the form `YYYY-MM-DD`.
pub(super) fn check_date(text: &str) -> Result<(), String> {
    let date: Option<jiff::civil::Date> = (text.len() == 10).then(|| text.parse().ok()).flatten();
    match date {
        Some(date) if date.to_string() == text => Ok(()),
        _ => Err(format!(
            "{} is not a date of the form YYYY-MM-DD",
            shown(text)
        )),
    }
}

/// Hostile text for a message: short, on one line.
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        short.push('…');
    }
    format!("`{short}`")
}

fn fault(line: usize, message: String) -> CatalogFault {
    CatalogFault { line, message }
}

fn parse_number(text: &str, line: usize) -> Result<u32, CatalogFault> {
    text.parse()
        .map_err(|_| fault(line, format!("{} is not a number", shown(text))))
}

fn dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

/// What the prefixes of one line have in common: family and first part, then the second part.
fn group_of(prefix: IpNet) -> ((bool, u16), u16) {
    match prefix {
        IpNet::V4(net) => {
            let [first, second, ..] = net.addr().octets();
            ((false, first.into()), second.into())
        }
        IpNet::V6(net) => {
            let [first, second, ..] = net.addr().segments();
            ((true, first), second)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::Catalog;

    const SMALL: &str = "portcullis-catalog 1\ncloud public\nchange 7\ndate 2026-01-02\norigin o\ntags 2\n\n\
        A|API+NSG|-|Svc|3\n 10.0.0.0/8\n 2001:db8::/32\nB.X|?|x|-|-\n 192.0.2.1\n";

    fn refused(from: &str, to: &str) -> String {
        assert!(SMALL.contains(from), "{from}");
        Catalog::parse(SMALL.replacen(from, to, 1))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn every_embedded_line_is_the_one_the_writer_makes() {
        for cloud in Cloud::ALL {
            let catalog = Catalog::embedded(cloud);
            let text = super::super::tags::embedded_text(cloud);
            assert_eq!(
                Catalog::parse(text.to_owned()).unwrap().tags().count(),
                catalog.tags().count()
            );
            // Reversed, so that the writer has something to sort.
            let mut records: Vec<Record> = catalog
                .tags()
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .map(|tag| Record {
                    name: tag.name().to_owned(),
                    features: tag.known_features(),
                    region: tag.region().to_owned(),
                    service: tag.service().to_owned(),
                    change: tag.change_number(),
                    prefixes: tag.listed_prefixes().collect(),
                })
                .collect();
            assert!(write(catalog.identity(), &mut records) == text, "{cloud}");
        }
    }

    #[test]
    fn faults_name_line_and_tag() {
        assert!(Catalog::parse(SMALL.to_owned()).is_ok());
        assert!(Catalog::parse(SMALL.replace('\n', "\r\n")).is_ok());
        assert!(Catalog::parse(String::new()).is_err());
        assert_eq!(
            refused("catalog 1", "catalog 2"),
            "line 1: the file does not begin with `portcullis-catalog 1`"
        );
        assert_eq!(
            refused("cloud public", "cloud moon"),
            "line 2: unknown cloud `moon`"
        );
        assert_eq!(
            refused("cloud public\n", ""),
            "line 1: the header has no line `cloud`"
        );
        assert_eq!(
            refused("change 7", "change -7"),
            "line 3: `-7` is not a number"
        );
        assert!(
            refused("2026-01-02", "2026-02-30").starts_with("line 4: `2026-02-30` is not a date")
        );
        assert!(
            refused("tags 2", "tags 3")
                .starts_with("line 6: the header promises 3 tags and the file has 2")
        );
        assert_eq!(
            refused("origin", "orgin"),
            "line 5: unknown header line `orgin`"
        );
        assert_eq!(
            refused("A|API", " A|API"),
            "line 8: prefixes stand before the first tag"
        );
        assert_eq!(
            refused("|3", ""),
            "line 8: tag `A` does not have five columns"
        );
        assert_eq!(
            refused("NSG", "NSX"),
            "line 8: tag `A`: unknown features `API+NSX`"
        );
        assert_eq!(refused("|3", "|x"), "line 8: `x` is not a number");
        assert_eq!(
            refused("10.0.0.0/8", "10.0.0.1/8"),
            "line 9: tag `A`: `10.0.0.1/8` has bits set after its length"
        );
        assert_eq!(
            refused("/32", "/129"),
            "line 10: tag `A`: `2001:db8::/129` is not a prefix"
        );
        assert_eq!(
            refused("192.0.2.1", "192.0.2.999"),
            "line 12: tag `B.X`: `192.0.2.999` is not an address"
        );
        assert_eq!(
            refused(" 192.0.2.1\n", ""),
            "line 11: tag `B.X` has no prefixes"
        );
        assert_eq!(refused("B.X", "a"), "line 11: tag `A` is listed twice");
        assert_eq!(
            refused("B.X", "B\u{1b}[2J"),
            "line 11: `B\\u{1b}[2J` is not the name of a tag"
        );
        assert!(refused("Svc", "S\u{7}").starts_with("line 8: tag `A`: control character in"));
        let long = refused("cloud public", &format!("cloud {}", "x".repeat(9000)));
        assert!(long.len() < 200);
    }

    #[test]
    fn tags_in_any_order_are_found() {
        let swapped = "portcullis-catalog 1\ncloud china\ndate 2026-01-02\n\nb|-|-|-|-\n 1.1.1.1\nA|-|-|-|-\n 2.2.2.2\n";
        let catalog = Catalog::parse(swapped.to_owned()).unwrap();
        assert_eq!(catalog.identity().to_string(), "china (2026-01-02)");
        assert_eq!(
            catalog.tags().map(|tag| tag.name()).collect::<Vec<_>>(),
            ["A", "b"]
        );
        assert_eq!(
            catalog.tag("B").unwrap().prefixes().v4[0].to_string(),
            "1.1.1.1/32"
        );
    }

    fn use_all_of(catalog: &Catalog) {
        for tag in catalog.tags() {
            let _ = (
                tag.prefixes(),
                tag.features(),
                tag.region(),
                tag.change_number(),
                tag.deprecated(),
            );
            let _ = (
                catalog.base_of(tag.name()),
                catalog.has_regional(tag.name()),
            );
        }
        let _ = (
            catalog.suggest_tag("A.X"),
            catalog.containing([10, 0, 0, 1].into()),
        );
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_read_and_never_panics(text in "(?s).{0,400}") {
            let _ = Catalog::parse(text.clone());
            if let Ok(catalog) = Catalog::parse(format!("portcullis-catalog 1\ncloud public\ndate 2026-01-02\n\n{text}")) {
                use_all_of(&catalog);
            }
        }

        #[test]
        fn a_damaged_file_is_refused_or_read_and_never_panics(at in 0..SMALL.len(), cut in 0_usize..30, put in "[ -~\n\u{e9}]{0,8}") {
            let mut text = SMALL.to_owned();
            text.replace_range(at..(at + cut).min(SMALL.len()), &put);
            if let Ok(catalog) = Catalog::parse(text) {
                use_all_of(&catalog);
            }
        }

        #[test]
        fn unchecked_text_never_panics_either(text in "(?s)([|. \n]|[a-z0-9:/]|.){0,200}") {
            let text = format!("portcullis-catalog 1\ncloud public\ndate 2026-01-02\n\n{text}");
            if let Ok((_, places)) = index(&text) {
                for place in &places {
                    let _ = columns(text.get(place.columns.clone()).unwrap());
                    let _ = listed_prefixes(text.get(place.body.clone()).unwrap()).count();
                }
            }
        }
    }
}
