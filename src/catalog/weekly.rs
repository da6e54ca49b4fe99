//! Turns the publisher's weekly JSON file into the text form of a catalogue; fetches nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::cloud::{CatalogIdentity, Cloud};
use super::features::{Feature, Features};
use super::format::{self, Record, shown};
use super::prefixes::parse_prefix;

/// A catalogue made from a weekly file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// Which data it is.
    pub identity: CatalogIdentity,
    /// The catalogue's text.
    pub text: String,
    /// How many tags it has.
    pub tags: usize,
    /// How many prefixes it lists, all tags together.
    pub prefixes: usize,
    /// What was left out, for the reader.
    pub notes: Vec<String>,
}

/// Why a weekly file was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WeeklyFault(String);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(default)]
    change_number: Option<u32>,
    cloud: String,
    values: Vec<Value>,
}

#[derive(Deserialize)]
struct Value {
    name: String,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    #[serde(default)]
    change_number: Option<u32>,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    system_service: Option<String>,
    address_prefixes: Vec<String>,
    /// Absent is unknown, null is the empty list.
    #[serde(default, deserialize_with = "null_is_empty")]
    network_features: Option<Vec<String>>,
}

/// Converts a weekly file. The date is the given one, else the `_YYYYMMDD` of the file's name.
///
/// # Errors
/// Says what is wrong with the file, and in which tag.
pub fn convert_weekly(
    json: &[u8],
    file_name: &str,
    date: Option<&str>,
) -> Result<Converted, WeeklyFault> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let file: File = serde_json::from_slice(json)
        .map_err(|error| WeeklyFault(format!("not a service tag file: {error}")))?;
    let cloud = Cloud::from_weekly(&file.cloud).ok_or_else(|| {
        WeeklyFault(format!(
            "cloud {} is none of Public, AzureGovernment, China",
            shown(&file.cloud)
        ))
    })?;
    let date = match date {
        Some(date) => date.to_owned(),
        None => date_of(file_name).ok_or_else(|| {
            WeeklyFault(format!(
                "the file's name {} does not end in a date (`_YYYYMMDD.json`): `catalog build` takes one with --date YYYY-MM-DD",
                shown(file_name)
            ))
        })?,
    };
    format::check_date(&date).map_err(WeeklyFault)?;
    if file.values.is_empty() {
        return Err(WeeklyFault("the file lists no tags".to_owned()));
    }
    let mut notes = BTreeMap::new();
    let mut records = Vec::with_capacity(file.values.len());
    for value in file.values {
        records.push(record(value, &mut notes)?);
    }
    let mut seen = BTreeMap::new();
    for record in &records {
        if seen.insert(record.name.to_ascii_lowercase(), ()).is_some() {
            return Err(WeeklyFault(format!(
                "tag `{}` is listed twice",
                record.name
            )));
        }
    }
    let identity = CatalogIdentity {
        cloud,
        change_number: file.change_number,
        date,
    };
    let notes = notes
        .into_iter()
        .map(|(word, (tag, count)): (String, (String, usize))| {
            let others = if count > 1 {
                format!(" and {} more", count - 1)
            } else {
                String::new()
            };
            format!(
                "unknown network feature {} of tag `{tag}`{others} left out",
                shown(&word)
            )
        })
        .collect();
    Ok(Converted {
        text: format::write(&identity, &mut records),
        tags: records.len(),
        prefixes: records.iter().map(|record| record.prefixes.len()).sum(),
        identity,
        notes,
    })
}

fn record(
    value: Value,
    notes: &mut BTreeMap<String, (String, usize)>,
) -> Result<Record, WeeklyFault> {
    let Value { name, properties } = value;
    format::check_name(&name).map_err(WeeklyFault)?;
    let mut prefixes = Vec::with_capacity(properties.address_prefixes.len());
    for text in &properties.address_prefixes {
        let prefix = parse_prefix(text)
            .map_err(|reason| WeeklyFault(format!("tag `{name}`: {} {reason}", shown(text))))?;
        prefixes.push(prefix);
    }
    if prefixes.is_empty() {
        return Err(WeeklyFault(format!("tag `{name}` has no prefixes")));
    }
    let features = properties.network_features.map(|words| {
        words.iter().fold(Features::default(), |set, word| {
            match Feature::parse(word) {
                Some(feature) => set.with(feature),
                None => {
                    notes
                        .entry(word.clone())
                        .or_insert_with(|| (name.clone(), 0))
                        .1 += 1;
                    set
                }
            }
        })
    });
    Ok(Record {
        features,
        region: column(&name, "region", properties.region)?,
        service: column(&name, "systemService", properties.system_service)?,
        change: properties.change_number,
        prefixes,
        name,
    })
}

/// A text for a column: a bar or a line break in it would make another file of this one.
fn column(tag: &str, field: &str, text: Option<String>) -> Result<String, WeeklyFault> {
    let text = text.unwrap_or_default();
    if text.contains('|') || text.chars().any(char::is_control) || text == "-" {
        return Err(WeeklyFault(format!(
            "tag `{tag}`: {} is not a {field}",
            shown(&text)
        )));
    }
    Ok(text)
}

/// The date at the end of `ServiceTags_Public_20251110.json`.
pub(crate) fn date_of(file_name: &str) -> Option<String> {
    let stem = file_name
        .rsplit(['/', '\\'])
        .next()?
        .strip_suffix(".json")?;
    let digits = stem.rsplit('_').next()?;
    if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = digits.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    Some(format!("{year}-{month}-{day}"))
}

fn null_is_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    Ok(Some(
        Option::<Vec<String>>::deserialize(deserializer)?.unwrap_or_default(),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;

    fn refused(json: &str) -> String {
        convert_weekly(json.as_bytes(), "x_20260102.json", None)
            .unwrap_err()
            .to_string()
    }

    fn one(name: &str, prefix: &str) -> String {
        format!(
            r#"{{"changeNumber":1,"cloud":"Public","values":[{{"name":"{name}","properties":{{"addressPrefixes":["{prefix}"]}}}}]}}"#
        )
    }

    #[test]
    fn the_date_is_in_the_file_name() {
        assert_eq!(
            date_of("a/ServiceTags_Public_20251110.json").unwrap(),
            "2025-11-10"
        );
        assert_eq!(date_of("ServiceTags_Public.json"), None);
        let given = convert_weekly(
            one("A", "1.2.3.0/24").as_bytes(),
            "x.json",
            Some("2026-01-02"),
        )
        .unwrap();
        assert_eq!(given.identity.to_string(), "public 1 (2026-01-02)");
        assert!(given.text.ends_with("\nA|?|-|-|-\n 1.2.3.0/24\n"));
    }

    #[test]
    fn refusals_name_the_tag() {
        assert!(refused("{}").starts_with("not a service tag file: missing field"));
        assert!(
            refused(&one("A", "1.2.3.4/24"))
                .contains("tag `A`: `1.2.3.4/24` has bits set after its length")
        );
        assert!(refused(&one("A", "1.2.3.0/33")).contains("tag `A`: `1.2.3.0/33` is not a prefix"));
        assert!(refused(&one("A b", "1.2.3.4")).contains("`A b` is not the name of a tag"));
        assert!(refused(&one("A", "1.2.3.4").replace("Public", "Moon")).contains("cloud `Moon`"));
        assert!(convert_weekly(one("A", "1.2.3.4").as_bytes(), "x_20261301.json", None).is_err());
    }
}
