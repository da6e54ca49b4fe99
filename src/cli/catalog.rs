//! The subcommand `catalog`: shows, searches, builds and compares the catalogues; holds no data itself.
//!
//! `--format`, `-o` and `--catalog` are global options of the program: they arrive here as `json`, `out`
//! and `catalog` of [`Surroundings`].

use std::io::{self, Write};
use std::net::IpAddr;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::catalog::{
    self, Catalog, CatalogDiff, Cloud, Prefixes, TagEntry, Target, TargetUse, convert_weekly,
};

/// List, search, build and compare the names that Azure knows, without any network access.
#[derive(Args, Clone, Debug)]
pub struct CatalogArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: CatalogCommand,
}

/// What `catalog` can do.
#[derive(Subcommand, Clone, Debug)]
pub enum CatalogCommand {
    /// List the service tags.
    Tags(MatchArgs),
    /// Show one service tag with its prefixes.
    Show(ShowArgs),
    /// List the service tags that hold an address.
    Contains {
        /// An IPv4 or IPv6 address.
        address: String,
    },
    /// List the FQDN tags of Azure Firewall.
    FqdnTags(MatchArgs),
    /// List the regions with the names that each has in different places.
    Regions(MatchArgs),
    /// List the web categories of Azure Firewall.
    Categories(MatchArgs),
    /// Write a catalogue from a downloaded weekly service tag file.
    Build(BuildArgs),
    /// Compare two catalogues as sets of addresses.
    Diff(DiffArgs),
}

/// Narrows a list.
#[derive(Args, Clone, Debug)]
pub struct MatchArgs {
    /// Only entries that contain this text, in any case.
    #[arg(long = "match", value_name = "TEXT")]
    pub matching: Option<String>,
}

/// Which tag to show.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// The tag, in any case.
    pub tag: String,
    /// Leave the prefixes out.
    #[arg(long)]
    pub brief: bool,
}

/// What to build from.
#[derive(Args, Clone, Debug)]
pub struct BuildArgs {
    /// The weekly file, `ServiceTags_Public_20251110.json`.
    #[arg(long, value_name = "FILE")]
    pub from: String,
    /// The file's date, if its name does not end in one.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: Option<String>,
}

/// What to compare.
#[derive(Args, Clone, Debug)]
pub struct DiffArgs {
    /// The older one: a catalogue, a weekly JSON file, or public, usgov, china for the program's own.
    pub old: String,
    /// The newer one.
    pub new: String,
    /// Exit with 3 if they differ.
    #[arg(long)]
    pub exit_code: bool,
}

/// What the command may use of the world.
pub struct Surroundings<'a> {
    /// The catalogue in force.
    pub catalog: &'a Catalog,
    /// Whether results are JSON.
    pub json: bool,
    /// Reads a file.
    pub read: &'a dyn Fn(&str) -> io::Result<Vec<u8>>,
    /// For results.
    pub out: &'a mut dyn Write,
    /// For everything else.
    pub err: &'a mut dyn Write,
}

/// Runs the command and returns the exit code: 0 fine, 1 no such thing or bad data, 2 wrong usage, 3 differs.
///
/// # Errors
/// Only of reading and writing.
pub fn run(args: &CatalogArgs, with: &mut Surroundings<'_>) -> io::Result<u8> {
    match &args.command {
        CatalogCommand::Tags(only) => tags(with, only),
        CatalogCommand::Show(show) => show_tag(with, show),
        CatalogCommand::Contains { address } => contains(with, address),
        CatalogCommand::FqdnTags(only) => fqdn_tags(with, only),
        CatalogCommand::Regions(only) => regions(with, only),
        CatalogCommand::Categories(only) => categories(with, only),
        CatalogCommand::Build(build) => build_catalog(with, build),
        CatalogCommand::Diff(diff) => compare(with, diff),
    }
}

#[derive(Serialize)]
struct TagRow<'c> {
    name: &'c str,
    special: bool,
    features: Option<Vec<&'static str>>,
    region: &'c str,
    service: &'c str,
    change: Option<u32>,
    /// None where the content depends on the place or is not published.
    prefixes_v4: Option<usize>,
    prefixes_v6: Option<usize>,
}

#[derive(Serialize)]
struct TagPage<'c> {
    catalog: String,
    #[serde(flatten)]
    row: TagRow<'c>,
    addresses_v4: u64,
    deprecated: Option<&'static str>,
    usable: Vec<UsableRow>,
    prefixes: Option<Vec<String>>,
}

#[derive(Serialize)]
struct UsableRow {
    target: &'static str,
    usable: &'static str,
    reason: Option<String>,
}

#[derive(Serialize)]
struct HolderRow<'c> {
    tag: &'c str,
    prefix: String,
}

#[derive(Serialize)]
struct FqdnTagRow {
    name: &'static str,
    classic: bool,
    label: Option<&'static str>,
    remark: Option<&'static str>,
    about_source: Option<&'static str>,
    about: &'static [&'static str],
}

#[derive(Serialize)]
struct RegionRow {
    name: &'static str,
    display: Option<&'static str>,
    tag_suffix: Option<&'static str>,
    azure_cloud_suffix: &'static str,
    cloud: &'static str,
    pair: Option<&'static str>,
    remarks: &'static [&'static str],
}

#[derive(Serialize)]
struct CategoryRow {
    name: &'static str,
    label: &'static str,
    group: &'static str,
    verified: bool,
}

#[derive(Serialize)]
struct DiffPage<'d> {
    old: String,
    new: String,
    added: &'d [String],
    removed: &'d [String],
    changed: Vec<ChangeRow<'d>>,
    rewritten: usize,
}

#[derive(Serialize)]
struct ChangeRow<'d> {
    name: &'d str,
    gained: Vec<String>,
    lost: Vec<String>,
}

fn tags(with: &mut Surroundings<'_>, only: &MatchArgs) -> io::Result<u8> {
    let catalog = with.catalog;
    let special = catalog::SpecialTag::ALL
        .into_iter()
        .filter_map(|tag| catalog.tag(tag.name()));
    let rows: Vec<TagRow<'_>> = special
        .chain(catalog.tags())
        .filter(|tag| only.takes(&[tag.name(), tag.service()]))
        .map(tag_row)
        .collect();
    if with.json {
        return json(with, &rows);
    }
    let cells = rows.iter().map(|row| {
        let marks = match &row.features {
            _ if row.special => "special".to_owned(),
            None => "?".to_owned(),
            Some(marks) if marks.is_empty() => "-".to_owned(),
            Some(marks) => marks.join(" "),
        };
        let count = |count: Option<usize>| count.map_or("-".to_owned(), |count| count.to_string());
        let change = row
            .change
            .map_or("-".to_owned(), |change| change.to_string());
        [
            row.name.to_owned(),
            count(row.prefixes_v4),
            count(row.prefixes_v6),
            change,
            marks,
        ]
    });
    table(
        with.out,
        ["tag", "IPv4", "IPv6", "change", "marked for"],
        &[1, 2, 3],
        cells,
    )?;
    empty_note(with, rows.is_empty(), "service tag", only, |name| {
        catalog.suggest_tag(name)
    })
}

fn show_tag(with: &mut Surroundings<'_>, show: &ShowArgs) -> io::Result<u8> {
    let catalog = with.catalog;
    let Some(tag) = catalog.tag(&show.tag) else {
        writeln!(
            with.err,
            "error: no service tag `{}` in catalogue {}",
            plain(&show.tag),
            catalog.identity()
        )?;
        if let Some(reason) = catalog::renamed_tag(&show.tag).map(|renamed| renamed.reason) {
            writeln!(with.err, "note: {reason}")?;
        }
        if let Some(near) = catalog.suggest_tag(&show.tag) {
            writeln!(with.err, "help: did you mean `{near}`?")?;
        }
        return Ok(1);
    };
    let usable = [
        (Target::Nsg, "nsg"),
        (Target::Udr, "route"),
        (Target::Firewall, "firewall"),
    ]
    .into_iter()
    .filter_map(|(target, word)| {
        let (usable, reason) = match catalog.usable(tag.name(), target)? {
            TargetUse::Yes => ("yes", None),
            TargetUse::Unmarked(reason) => ("unmarked", Some(reason)),
            TargetUse::No(reason) => ("no", Some(reason)),
        };
        Some(UsableRow {
            target: word,
            usable,
            reason,
        })
    })
    .collect();
    let page = TagPage {
        catalog: catalog.identity().to_string(),
        row: tag_row(tag),
        addresses_v4: tag.prefixes().v4_addresses(),
        deprecated: tag.deprecated(),
        usable,
        prefixes: (!show.brief).then(|| texts(tag.prefixes())),
    };
    if with.json {
        return json(with, &page);
    }
    show_page(with, &tag, &page)?;
    Ok(0)
}

fn show_page(
    with: &mut Surroundings<'_>,
    tag: &TagEntry<'_>,
    page: &TagPage<'_>,
) -> io::Result<()> {
    let row = &page.row;
    let mut lines = vec![
        ["tag", row.name].map(str::to_owned),
        ["catalogue".to_owned(), page.catalog.clone()],
    ];
    let mut line = |key: &str, value: String| lines.push([key.to_owned(), value]);
    if let Some(special) = tag.special() {
        line("meaning", special.meaning().to_owned());
    }
    for (key, value) in [("service", row.service), ("region", row.region)] {
        if !value.is_empty() {
            line(key, value.to_owned());
        }
    }
    if let Some(change) = row.change {
        line("changed in", change.to_string());
    }
    if let Some(reason) = page.deprecated {
        line("deprecated", reason.to_owned());
    }
    if with.catalog.has_regional(row.name) {
        line("regional", format!("{}.<region>", row.name));
    }
    if !tag.prefixes().is_empty() {
        let (v4, v6) = (tag.prefixes().v4.len(), tag.prefixes().v6.len());
        let listed = tag.listed_prefixes().count();
        line(
            "prefixes",
            format!(
                "{v4} IPv4 ({} addresses), {v6} IPv6; {listed} as published",
                page.addresses_v4
            ),
        );
    }
    for usable in &page.usable {
        let reason = usable
            .reason
            .as_ref()
            .map_or(String::new(), |reason| format!(": {reason}"));
        line(usable.target, format!("{}{reason}", usable.usable));
    }
    let width = lines
        .iter()
        .map(|[key, _]| key.len())
        .max()
        .unwrap_or_default();
    for [key, value] in lines {
        writeln!(with.out, "{key:width$}  {value}")?;
    }
    if let Some(prefixes) = page
        .prefixes
        .as_ref()
        .filter(|prefixes| !prefixes.is_empty())
    {
        writeln!(with.out)?;
        for prefix in prefixes {
            writeln!(with.out, "{prefix}")?;
        }
    }
    Ok(())
}

fn contains(with: &mut Surroundings<'_>, address: &str) -> io::Result<u8> {
    let Ok(address) = address.parse::<IpAddr>() else {
        writeln!(
            with.err,
            "error: `{}` is not an IPv4 or IPv6 address",
            plain(address)
        )?;
        return Ok(2);
    };
    let catalog = with.catalog;
    let holder = |name| {
        let prefix = catalog
            .tag(name)?
            .prefixes()
            .iter()
            .find(|prefix| prefix.contains(&address))?;
        Some(HolderRow {
            tag: name,
            prefix: prefix.to_string(),
        })
    };
    let rows: Vec<HolderRow<'_>> = catalog
        .containing(address)
        .into_iter()
        .filter_map(holder)
        .collect();
    if with.json {
        return json(with, &rows);
    }
    if rows.is_empty() {
        writeln!(
            with.err,
            "note: no service tag of catalogue {} holds {address}",
            catalog.identity()
        )?;
        return Ok(0);
    }
    table(
        with.out,
        ["tag", "in"],
        &[],
        rows.iter()
            .map(|row| [row.tag.to_owned(), row.prefix.clone()]),
    )?;
    Ok(0)
}

fn fqdn_tags(with: &mut Surroundings<'_>, only: &MatchArgs) -> io::Result<u8> {
    let rows: Vec<FqdnTagRow> = catalog::fqdn_tags()
        .iter()
        .filter(|tag| only.takes(&[tag.name, tag.label.unwrap_or_default()]))
        .map(|tag| FqdnTagRow {
            name: tag.name,
            classic: tag.classic,
            label: tag.label,
            remark: tag.remark,
            about_source: tag.about_source,
            about: &tag.about,
        })
        .collect();
    if with.json {
        return json(with, &rows);
    }
    let cells = rows.iter().map(|row| {
        let known = if row.about.is_empty() {
            "-".to_owned()
        } else {
            format!("{} names", row.about.len())
        };
        let classic = if row.classic {
            "policy, classic"
        } else {
            "policy"
        };
        [
            row.name.to_owned(),
            classic.to_owned(),
            known,
            row.remark.unwrap_or_default().to_owned(),
        ]
    });
    table(
        with.out,
        ["FQDN tag", "usable in", "known of it", "remark"],
        &[],
        cells,
    )?;
    let near = |name: &str| catalog::suggest_fqdn_tag(name).map(str::to_owned);
    empty_note(with, rows.is_empty(), "FQDN tag", only, near)
}

fn regions(with: &mut Surroundings<'_>, only: &MatchArgs) -> io::Result<u8> {
    let rows: Vec<RegionRow> = catalog::regions()
        .iter()
        .filter(|region| {
            let display = region.display.unwrap_or_default();
            let suffix = region.tag_suffix.unwrap_or_default();
            only.takes(&[region.arm, display, suffix, region.azure_cloud_suffix])
        })
        .map(|region| RegionRow {
            name: region.arm,
            display: region.display,
            tag_suffix: region.tag_suffix,
            azure_cloud_suffix: region.azure_cloud_suffix,
            cloud: region.cloud.word(),
            pair: region.pair,
            remarks: &region.remarks,
        })
        .collect();
    if with.json {
        return json(with, &rows);
    }
    let cells = rows.iter().map(|row| {
        let dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
        [
            row.name.to_owned(),
            dash(row.display),
            dash(row.tag_suffix),
            row.azure_cloud_suffix.to_owned(),
            row.cloud.to_owned(),
            dash(row.pair),
            row.remarks.join(" "),
        ]
    });
    let header = [
        "region",
        "display name",
        "in tags",
        "in AzureCloud",
        "cloud",
        "paired with",
        "remarks",
    ];
    table(with.out, header, &[], cells)?;
    let near = |name: &str| catalog::suggest_region(name).map(str::to_owned);
    empty_note(with, rows.is_empty(), "region", only, near)
}

fn categories(with: &mut Surroundings<'_>, only: &MatchArgs) -> io::Result<u8> {
    let rows: Vec<CategoryRow> = catalog::categories()
        .iter()
        .filter(|category| only.takes(&[category.name, category.label, category.group]))
        .map(|category| CategoryRow {
            name: category.name,
            label: category.label,
            group: category.group,
            verified: category.verified,
        })
        .collect();
    if with.json {
        return json(with, &rows);
    }
    let cells = rows.iter().map(|row| {
        let seen = if row.verified { "" } else { "name unverified" };
        [row.name, row.label, row.group, seen].map(str::to_owned)
    });
    table(
        with.out,
        ["category", "label", "group", "remark"],
        &[],
        cells,
    )?;
    let near = |name: &str| catalog::suggest_category(name).map(str::to_owned);
    empty_note(with, rows.is_empty(), "web category", only, near)
}

fn build_catalog(with: &mut Surroundings<'_>, build: &BuildArgs) -> io::Result<u8> {
    let json_text = (with.read)(&build.from)?;
    let made = match convert_weekly(&json_text, &build.from, build.date.as_deref()) {
        Ok(made) => made,
        Err(fault) => {
            writeln!(with.err, "error: {}: {fault}", plain(&build.from))?;
            return Ok(1);
        }
    };
    with.out.write_all(made.text.as_bytes())?;
    for note in &made.notes {
        writeln!(with.err, "note: {note}")?;
    }
    writeln!(
        with.err,
        "catalogue {}: {} tags, {} prefixes",
        made.identity, made.tags, made.prefixes
    )?;
    Ok(0)
}

fn compare(with: &mut Surroundings<'_>, args: &DiffArgs) -> io::Result<u8> {
    let mut sides = Vec::new();
    for side in [&args.old, &args.new] {
        match open(with, side)? {
            Ok(catalog) => sides.push(catalog),
            Err(message) => {
                writeln!(with.err, "error: {}: {message}", plain(side))?;
                return Ok(1);
            }
        }
    }
    let [old, new] = sides.as_slice() else {
        return Ok(2);
    };
    if old.identity().cloud != new.identity().cloud {
        writeln!(with.err, "note: these are catalogues of two clouds")?;
    }
    let diff = CatalogDiff::between(old, new);
    let code = if args.exit_code && !diff.is_empty() {
        3
    } else {
        0
    };
    if with.json {
        let page = DiffPage {
            old: old.identity().to_string(),
            new: new.identity().to_string(),
            added: &diff.added,
            removed: &diff.removed,
            changed: diff
                .changed
                .iter()
                .map(|change| ChangeRow {
                    name: &change.name,
                    gained: texts(&change.gained),
                    lost: texts(&change.lost),
                })
                .collect(),
            rewritten: diff.rewritten,
        };
        json(with, &page)?;
        return Ok(code);
    }
    writeln!(with.out, "{} -> {}", old.identity(), new.identity())?;
    writeln!(
        with.out,
        "{} tags added, {} removed, {} with other addresses, {} only written otherwise",
        diff.added.len(),
        diff.removed.len(),
        diff.changed.len(),
        diff.rewritten
    )?;
    for (sign, names) in [("+", &diff.added), ("-", &diff.removed)] {
        for name in names {
            writeln!(with.out, "{sign} {name}")?;
        }
    }
    if !diff.changed.is_empty() {
        writeln!(with.out)?;
        let cells = diff.changed.iter().map(|change| {
            let side = |sign: char, set: &Prefixes| {
                let v4 = (!set.v4.is_empty()).then(|| format!("{sign}{} IPv4", set.v4_addresses()));
                let v6 =
                    (!set.v6.is_empty()).then(|| format!("{sign}{} IPv6 prefixes", set.v6.len()));
                v4.into_iter().chain(v6).collect::<Vec<String>>().join(", ")
            };
            [
                change.name.clone(),
                side('+', &change.gained),
                side('-', &change.lost),
            ]
        });
        table(with.out, ["tag", "gained", "lost"], &[], cells)?;
    }
    Ok(code)
}

/// Opens a side of a comparison; the inner error is about the content.
fn open(with: &Surroundings<'_>, side: &str) -> io::Result<Result<Catalog, String>> {
    if let Some(cloud) = Cloud::parse(side) {
        return Ok(Ok(Catalog::embedded(cloud).clone()));
    }
    let bytes = (with.read)(side)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let text = if bytes.trim_ascii_start().starts_with(b"{") {
        match convert_weekly(bytes, side, None) {
            Ok(made) => made.text,
            Err(fault) => return Ok(Err(fault.to_string())),
        }
    } else {
        match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => return Ok(Err("not a text file".to_owned())),
        }
    };
    Ok(Catalog::parse(text).map_err(|fault| fault.to_string()))
}

impl MatchArgs {
    /// Whether one of the texts contains the wanted one.
    fn takes(&self, texts: &[&str]) -> bool {
        self.matching.as_ref().is_none_or(|wanted| {
            let wanted = wanted.to_lowercase();
            texts
                .iter()
                .any(|text| text.to_lowercase().contains(&wanted))
        })
    }
}

fn tag_row(tag: TagEntry<'_>) -> TagRow<'_> {
    let known = tag.special().is_none() || !tag.prefixes().is_empty();
    TagRow {
        name: tag.name(),
        special: tag.special().is_some(),
        features: tag
            .known_features()
            .map(|features| features.iter().map(|feature| feature.word()).collect()),
        region: tag.region(),
        service: tag.service(),
        change: tag.change_number(),
        prefixes_v4: known.then(|| tag.prefixes().v4.len()),
        prefixes_v6: known.then(|| tag.prefixes().v6.len()),
    }
}

fn texts(prefixes: &Prefixes) -> Vec<String> {
    prefixes.iter().map(|prefix| prefix.to_string()).collect()
}

fn json(with: &mut Surroundings<'_>, value: &impl Serialize) -> io::Result<u8> {
    serde_json::to_writer_pretty(&mut *with.out, value)?;
    writeln!(with.out)?;
    Ok(0)
}

/// Says that a list is empty, and what was probably meant.
fn empty_note(
    with: &mut Surroundings<'_>,
    empty: bool,
    what: &str,
    only: &MatchArgs,
    near: impl Fn(&str) -> Option<String>,
) -> io::Result<u8> {
    if let (true, Some(wanted)) = (empty, &only.matching) {
        writeln!(with.err, "note: no {what} matches `{}`", plain(wanted))?;
        if let Some(near) = near(wanted) {
            writeln!(with.err, "help: did you mean `{near}`?")?;
        }
    }
    Ok(0)
}

/// Writes aligned columns; those whose number is in `right` are numbers. Nothing if there are no rows.
fn table<const N: usize>(
    out: &mut dyn Write,
    header: [&str; N],
    right: &[usize],
    rows: impl Iterator<Item = [String; N]>,
) -> io::Result<()> {
    let rows: Vec<[String; N]> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    let header = header.map(str::to_owned);
    let mut widths = [0; N];
    for row in std::iter::once(&header).chain(&rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in std::iter::once(&header).chain(&rows) {
        let mut line = String::new();
        for (place, (cell, width)) in row.iter().zip(widths).enumerate() {
            if place > 0 {
                line.push_str("  ");
            }
            let padded = if right.contains(&place) {
                format!("{cell:>width$}")
            } else {
                format!("{cell:width$}")
            };
            line.push_str(&padded);
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The user's text for a message on one line of a terminal.
fn plain(text: &str) -> String {
    text.chars()
        .take(200)
        .filter(|letter| !letter.is_control())
        .collect()
}
