//! Reads emitted folders and comma-separated tables from the disk. It judges nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::firewall::{Firewall, policy_of};
use super::knowledge::Knowledge;
use super::{Packet, text};
use crate::oracle::address::Address;

/// One environment's emitted resources.
#[derive(Clone, Debug, Default)]
pub(crate) struct Emitted {
    /// Where they were read.
    pub(crate) folder: PathBuf,
    /// Network security groups.
    pub(crate) nsgs: Vec<Value>,
    /// Route tables.
    pub(crate) route_tables: Vec<Value>,
    /// Policies, rule collection groups, IP groups, classic firewalls.
    pub(crate) firewall: Firewall,
}

impl Emitted {
    /// Reads `nsg/`, `route-table/`, `ip-group/` and `firewall/<name>/` below a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self, String> {
        let mut emitted = Self {
            folder: folder.to_owned(),
            nsgs: resources(&folder.join("nsg"))?,
            route_tables: resources(&folder.join("route-table"))?,
            firewall: Firewall::default(),
        };
        emitted.firewall.ip_groups = resources(&folder.join("ip-group"))?;
        for policy in entries(&folder.join("firewall"))? {
            let file = policy.join("policy.json");
            if file.is_file() {
                emitted.firewall.policies.push(json(&file)?);
            }
            for file in ["firewall.json".to_owned(), fragment(&policy)] {
                let file = policy.join(file);
                if file.is_file() {
                    emitted.firewall.classic.push(json(&file)?);
                }
            }
            for mut group in resources(&policy.join("rcg"))? {
                if policy_of(&group).is_empty() {
                    let parent = policy.file_name().unwrap().to_string_lossy();
                    group["name"] = format!("{parent}/{}", text(&group, "name")).into();
                }
                emitted.firewall.groups.push(group);
            }
        }
        Ok(emitted)
    }

    /// The network security group of that name.
    pub(crate) fn nsg(&self, name: Option<&str>) -> Option<&Value> {
        name.map(|name| self.named("network security group", &self.nsgs, name))
    }

    /// The route table of that name.
    pub(crate) fn route_table(&self, name: Option<&str>) -> Option<&Value> {
        name.map(|name| self.named("route table", &self.route_tables, name))
    }

    fn named<'a>(&self, kind: &str, all: &'a [Value], name: &str) -> &'a Value {
        all.iter()
            .find(|v| text(v, "name").eq_ignore_ascii_case(name))
            .unwrap_or_else(|| {
                let there: Vec<&str> = all.iter().map(|v| text(v, "name")).collect();
                panic!(
                    "the topology names {kind} `{name}`; {} has {there:?}",
                    self.folder.display()
                )
            })
    }
}

/// The file of a classic firewall whose rest is somebody else's.
fn fragment(folder: &Path) -> String {
    let name = folder.file_name().unwrap().to_string_lossy();
    format!("{name}.fragment.json")
}

/// The repository's folder.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every emitted environment of every project below `policies/` and `examples/`.
pub(crate) fn emitted_folders() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for area in ["policies", "examples"] {
        for project in entries(&root().join(area)).unwrap() {
            let out = entries(&project.join("out")).unwrap();
            found.extend(out.into_iter().filter(|folder| folder.is_dir()));
        }
    }
    found
}

/// A JSON file.
pub(crate) fn json(path: &Path) -> Result<Value, String> {
    let content = read_text(path)?;
    serde_json::from_str(&content).map_err(|error| format!("{}: {error}", path.display()))
}

/// A text file.
pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// The entries of a folder, sorted; none if it is absent.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let listing = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for entry in listing {
        found.push(
            entry
                .map_err(|e| format!("{}: {e}", folder.display()))?
                .path(),
        );
    }
    found.sort();
    Ok(found)
}

/// The table of addresses: `address,tags`, tags separated by spaces.
pub(crate) fn addresses(path: &Path, known: &mut Knowledge) -> Result<(), String> {
    for row in table(path, &["address", "tags"])? {
        let tags: Vec<&str> = row["tags"].split_whitespace().collect();
        known.address(row["address"].trim(), &tags);
    }
    Ok(())
}

/// The table of names: `name,tags`, FQDN tags and web categories separated by spaces.
pub(crate) fn names(path: &Path, known: &mut Knowledge) -> Result<(), String> {
    for row in table(path, &["name", "tags"])? {
        let tags: Vec<&str> = row["tags"].split_whitespace().collect();
        known.name(row["name"].trim(), &tags);
    }
    Ok(())
}

/// The packet of a row with the columns of packets.csv.
pub(crate) fn packet(row: &BTreeMap<String, String>) -> Result<Packet, String> {
    let field = |name: &str| row.get(name).map_or("", |value| value.trim());
    let address = |name: &str| {
        Address::parse(field(name))
            .ok_or_else(|| format!("{name} `{}` is not an address", field(name)))
    };
    let protocol = field("protocol").to_lowercase();
    if !["tcp", "udp", "icmp", "esp", "ah"].contains(&protocol.as_str()) {
        return Err(format!("protocol `{protocol}`"));
    }
    let ports = protocol == "tcp" || protocol == "udp";
    let port = |name: &str, absent: Option<u16>| -> Result<u16, String> {
        match (field(name), ports, absent) {
            ("" | "*", false, _) => Ok(0),
            ("" | "*", true, Some(absent)) => Ok(absent),
            (written, _, _) => written.parse().map_err(|_| format!("{name} `{written}`")),
        }
    };
    let l7 = match field("l7") {
        "" => "none".to_owned(),
        written => written.to_lowercase(),
    };
    if !["none", "http", "https", "mssql"].contains(&l7.as_str()) {
        return Err(format!("l7 `{l7}`"));
    }
    Ok(Packet {
        source: address("source")?,
        destination: address("destination")?,
        name: field("name").to_owned(),
        source_port: port("source_port", Some(50_000))?,
        port: port("port", None)?,
        protocol,
        l7,
    })
}

/// The rows of a comma-separated file whose first line names its columns; these must be among them.
pub(crate) fn table(
    path: &Path,
    columns: &[&str],
) -> Result<Vec<BTreeMap<String, String>>, String> {
    let mut records = records(&read_text(path)?).into_iter();
    let head = records.next().unwrap_or_default();
    for column in columns {
        if !head.iter().any(|name| name.trim() == *column) {
            return Err(format!("{}: no column `{column}`", path.display()));
        }
    }
    let mut rows = Vec::new();
    for (index, record) in records.enumerate() {
        if record.len() != head.len() {
            return Err(format!(
                "{}: record {} has {} fields, the head has {}: {record:?}",
                path.display(),
                index + 1,
                record.len(),
                head.len()
            ));
        }
        rows.push(
            head.iter()
                .map(|name| name.trim().to_owned())
                .zip(record)
                .collect(),
        );
    }
    Ok(rows)
}

/// Records of comma-separated text: `"a, ""b"""` is one field. Empty lines and lines that start
/// with `#` are left out.
fn records(content: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut characters = content.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            _ => field.push(c),
        }
    }
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        records.push(record);
    }
    let empty = |record: &[String]| record.len() == 1 && record[0].trim().is_empty();
    records.retain(|record| !empty(record) && !record[0].starts_with('#'));
    records
}

fn resources(folder: &Path) -> Result<Vec<Value>, String> {
    entries(folder)?
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .map(|path| json(path))
        .collect()
}

#[test]
fn quoted_fields_keep_commas_and_quotes() {
    let read = records("a,b\r\n# a remark, left out\n\n1,\"x, \"\"y\"\"\"\n2,\n");
    assert_eq!(read, [["a", "b"], ["1", "x, \"y\""], ["2", ""]]);
}
