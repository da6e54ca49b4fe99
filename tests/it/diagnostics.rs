//! Every code with its fixture and its page: the fixtures' output is golden, the pages' examples are
//! run, and no code is without either. The wording is judged by people, not here.
//!
//! A fixture is `tests/diagnostics/CODE-slug.gate`, or `CODE-slug--variant.gate`, or a folder of
//! that name whose `main.gate` is checked (with a `portcullis.yaml` in it: the folder). Beside it
//! stands what `portcullis check` says, or `portcullis test` for the codes that only it raises, as
//! `.stderr`; `PORTCULLIS_BLESS=1` writes it anew. A line
//! `// args: --as-of 2027-01-01` (in settings: `# args:`) gives more arguments; the working
//! directory is `tests/diagnostics`.
//!
//! A page is `docs/diagnostics/CODE.md` with `## Wrong` and `## Right`. Each ```` ```gate ````
//! block there is a project; `// file: name` lines cut it into files, and a ```` ```yaml ````
//! block of the same section is its `portcullis.yaml`; without one the project has a place to deploy
//! to and nothing else. A page that cannot be run says `<!-- not run: reason -->`. Whatever is under Wrong raises the code,
//! whatever is under Right raises no error.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use portcullis::diag::{CODES, Code, CodeInfo, Severity};
use tempfile::TempDir;

use crate::cli::{SETTINGS, command, run};

/// Codes that no input can raise, each with its reason.
const WITHOUT_FIXTURE: [(Code, &str); 3] = [
    (
        Code::PC5014,
        "its policy would be larger than a fixture may be",
    ),
    (
        Code::PC8010,
        "`check` reads no foreign definitions; tests/it/against.rs has its cases",
    ),
    (Code::PC9004, "only a fault of this program raises it"),
];

/// Codes that `portcullis test` raises, not `check`.
const OF_TESTS: [&str; 4] = ["PC8001", "PC8004", "PC8005", "PC8006"];

/// Codes that are about traffic: each shows a packet.
const WITH_PACKET: [&str; 22] = [
    "PC4002", "PC4003", "PC4007", "PC4010", "PC4011", "PC4012", "PC4013", "PC4014", "PC4015",
    "PC4016", "PC4017", "PC4019", "PC5001", "PC5002", "PC5003", "PC5004", "PC5006", "PC5007",
    "PC5011", "PC8001", "PC8004", "PC8005",
];

/// Fixtures of these codes that are about resources, whatever the traffic.
const WITHOUT_PACKET: [&str; 3] = [
    "PC4012-subnet-without-nsg--runs",
    "PC4016-path-not-determined--no-address",
    "PC4016-path-not-determined--no-vnet",
];

/// What `check` said: its text and the codes in it, each with its level's word, in order.
struct Told {
    text: String,
    codes: Vec<(String, String)>,
}

impl Told {
    fn has(&self, code: &str) -> bool {
        self.codes.iter().any(|(_, c)| c == code)
    }

    fn errors(&self) -> impl Iterator<Item = &str> {
        self.codes
            .iter()
            .filter(|(level, _)| level == "error")
            .map(|(_, code)| code.as_str())
    }
}

/// A fixture: its stem and what to check, relative to the folder of fixtures.
struct Fixture {
    stem: String,
    target: String,
    args: Vec<String>,
}

impl Fixture {
    fn told(&self) -> Told {
        let subcommand = subcommand(&self.stem);
        let folder = fixtures_folder();
        ask(&folder, subcommand, &self.target, &self.args)
    }
}

/// The subcommand that raises a code, by what begins with it.
fn subcommand(text: &str) -> &'static str {
    let of_tests = OF_TESTS.iter().any(|code| text.starts_with(code));
    if of_tests { "test" } else { "check" }
}

#[test]
fn fixtures_say_what_they_said() {
    let bless = std::env::var_os("PORTCULLIS_BLESS").is_some_and(|v| v == "1");
    let mut wrong = Vec::new();
    for fixture in fixtures() {
        let told = fixture.told();
        let golden = fixtures_folder().join(format!("{}.stderr", fixture.stem));
        if bless {
            fs::write(&golden, &told.text).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if expected.replace("\r\n", "\n") != told.text {
            wrong.push(format!(
                "{}\n--- {}.stderr\n{expected}\n--- now\n{}",
                fixture.stem, fixture.stem, told.text
            ));
        }
    }
    report(&wrong, "if the new text is better: PORTCULLIS_BLESS=1");
}

#[test]
fn a_fixture_shows_its_code_and_no_other_fault() {
    let mut wrong = Vec::new();
    for fixture in fixtures() {
        let told = fixture.told();
        let code = fixture.stem.get(..6).unwrap_or("").to_owned();
        if told.codes.first().map(|(_, c)| c) != Some(&code) {
            wrong.push(format!(
                "{}: first is {:?}",
                fixture.stem,
                told.codes.first()
            ));
        }
        if let Some(other) = told.errors().find(|c| *c != code) {
            wrong.push(format!("{}: also the error {other}", fixture.stem));
        }
    }
    report(&wrong, "a fixture shows one fault");
}

#[test]
fn what_is_said_of_traffic_shows_a_packet() {
    let mut wrong = Vec::new();
    for fixture in fixtures() {
        let code = fixture.stem.get(..6).unwrap_or("");
        if !WITH_PACKET.contains(&code) {
            continue;
        }
        let golden = fixtures_folder().join(format!("{}.stderr", fixture.stem));
        let text = fs::read_to_string(&golden).unwrap_or_default();
        let shows = text
            .lines()
            .any(|l| l.trim_start().starts_with("= packet: "));
        if shows == WITHOUT_PACKET.contains(&fixture.stem.as_str()) {
            wrong.push(format!("{}: packet {shows}", fixture.stem));
        }
    }
    report(&wrong, "what is said of traffic shows a packet of it");
}

#[test]
fn fixtures_begin_with_what_is_wrong() {
    let mut wrong = Vec::new();
    for fixture in fixtures() {
        let file = main_file(&fixture.target);
        let text = fs::read(fixtures_folder().join(&file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let said = text.lines().find(|l| !is_directive(l)).is_some_and(|l| {
            l.trim_start_matches('\u{feff}')
                .strip_prefix("// ")
                .is_some_and(|s| s.len() > 10)
        });
        if !said {
            wrong.push(format!("{file} does not begin with a sentence"));
        }
    }
    report(&wrong, "say in a first comment what is wrong");
}

#[test]
fn every_code_has_a_fixture_and_a_page() {
    let mut wrong = Vec::new();
    let stems: Vec<String> = fixtures().into_iter().map(|f| f.stem).collect();
    for info in CODES {
        let base = base(info);
        let excused = WITHOUT_FIXTURE.iter().any(|(c, _)| *c == info.code);
        let has = stems.iter().any(|s| is_of(s, &base));
        if has == excused {
            wrong.push(if excused {
                format!("{base} has a fixture; take it off the list of those without")
            } else {
                format!("{base} has no fixture")
            });
        }
        if !page_path(info.id).is_file() {
            wrong.push(format!("{} has no page", info.id));
        }
    }
    for stem in &stems {
        if !CODES.iter().any(|c| is_of(stem, &base(c))) {
            wrong.push(format!("fixture {stem} is of no code"));
        }
    }
    let ids: BTreeSet<&str> = CODES.iter().map(|c| c.id).collect();
    for page in names(&pages_folder()) {
        let of_code = page.strip_suffix(".md").is_some_and(|id| ids.contains(id));
        if !of_code && page != "README.md" {
            wrong.push(format!("docs/diagnostics/{page} is the page of no code"));
        }
    }
    for name in names(&fixtures_folder()) {
        let stem = name.strip_suffix(".stderr");
        if stem.is_some_and(|s| !stems.iter().any(|t| t == s)) {
            wrong.push(format!("{name} is the output of no fixture"));
        }
    }
    report(&wrong, "codes, fixtures and pages are one set");
}

#[test]
fn examples_of_pages_hold() {
    let mut wrong = Vec::new();
    for info in CODES {
        let Ok(text) = fs::read_to_string(page_path(info.id)) else {
            continue;
        };
        if !text.starts_with(&format!("# {}: ", info.id)) {
            wrong.push(format!("{}: does not begin with its code", info.id));
        }
        if let Some(reason) = not_run(&text) {
            println!("{}: examples not run: {reason}", info.id);
            continue;
        }
        for (section, is_wrong) in [("Wrong", true), ("Right", false)] {
            let cases = cases(&text, section);
            if cases.is_empty() {
                wrong.push(format!("{}: no example under `{section}`", info.id));
            }
            for case in cases {
                let told = case.ask(subcommand(info.id));
                let fine = if is_wrong {
                    told.has(info.id) && told.errors().all(|c| c == info.id)
                } else {
                    // A note is no fault: an example may well draw it.
                    told.errors().next().is_none()
                        && (info.severity == Severity::Note || !told.has(info.id))
                };
                if !fine {
                    wrong.push(format!(
                        "{} {section}:\n{}\nsaid:\n{}",
                        info.id,
                        case.shown(),
                        told.text
                    ));
                }
            }
        }
    }
    report(&wrong, "an example does what its page says");
}

#[test]
fn explain_shows_the_page() {
    for info in CODES {
        let ran = run(&mut command(&fixtures_folder(), &["explain", info.id]));
        assert_eq!(ran.code, 0, "{}", info.id);
        let page = fs::read_to_string(page_path(info.id)).unwrap();
        assert_eq!(ran.out.trim_end(), page.trim_end(), "{}", info.id);
    }
}

/// One example of a page: file names and texts.
struct Case {
    files: Vec<(String, String)>,
}

impl Case {
    fn ask(&self, subcommand: &str) -> Told {
        let temporary = TempDir::new().unwrap();
        // The implied firewall policy is named after the folder.
        let folder = temporary.path().join("project");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("portcullis.yaml"), SETTINGS).unwrap();
        let mut target = "main.gate";
        // Notes are shown on request only.
        let mut args = vec!["-v".to_owned()];
        for (name, text) in &self.files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            args.extend(directive(text).into_iter().filter(|a| a != "-v"));
            if name == "portcullis.yaml" {
                target = ".";
            }
        }
        ask(&folder, subcommand, target, &args)
    }

    fn shown(&self) -> String {
        self.files
            .iter()
            .map(|(name, text)| format!("-- {name}\n{text}"))
            .collect()
    }
}

/// The examples under a heading.
fn cases(page: &str, section: &str) -> Vec<Case> {
    let mut inside = false;
    let mut open: Option<(String, String)> = None;
    let mut gates = Vec::new();
    let mut settings = None;
    for line in page.lines() {
        match &mut open {
            Some((language, text)) if line.trim_end() == "```" => {
                match language.as_str() {
                    "gate" => gates.push(std::mem::take(text)),
                    "yaml" => settings = Some(std::mem::take(text)),
                    _ => {}
                }
                open = None;
            }
            Some((_, text)) => {
                text.push_str(line);
                text.push('\n');
            }
            None => {
                if let Some(title) = line.strip_prefix("## ") {
                    inside = title.trim() == section;
                } else if let (true, Some(language)) = (inside, line.strip_prefix("```")) {
                    open = Some((language.trim().to_owned(), String::new()));
                }
            }
        }
    }
    gates
        .iter()
        .map(|gate| {
            let mut files = split_files(gate);
            files.extend(settings.clone().map(|s| ("portcullis.yaml".to_owned(), s)));
            Case { files }
        })
        .collect()
}

/// The files of a block; what stands before the first `// file:` line is `main.gate`.
fn split_files(block: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in block.split_inclusive('\n') {
        if let Some(name) = line.trim().strip_prefix("// file: ") {
            files.push((name.to_owned(), String::new()));
            continue;
        }
        if files.is_empty() {
            files.push(("main.gate".to_owned(), String::new()));
        }
        if let Some((_, text)) = files.last_mut() {
            text.push_str(line);
        }
    }
    files.retain(|(_, text)| !text.trim().is_empty());
    files
}

/// Why a page's examples cannot be run: `<!-- not run: reason -->`.
fn not_run(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("<!-- not run: ")?;
    rest.split_once(" -->").map(|(reason, _)| reason)
}

/// Runs `portcullis check TARGET`, or another subcommand, in a folder.
fn ask(folder: &Path, subcommand: &str, target: &str, args: &[String]) -> Told {
    let mut all = vec![subcommand, target, "--color", "never"];
    all.extend(args.iter().map(String::as_str));
    let ran = run(&mut command(folder, &all));
    let codes = ran
        .err
        .lines()
        .filter_map(|line| {
            let (level, rest) = line.split_once("[PC")?;
            let code = format!("PC{}", rest.split_once(']')?.0);
            ["error", "warning", "note"]
                .contains(&level)
                .then(|| (level.to_owned(), code))
        })
        .collect();
    Told {
        text: ran.err,
        codes,
    }
}

fn fixtures() -> Vec<Fixture> {
    let mut out = Vec::new();
    for name in names(&fixtures_folder()) {
        let path = fixtures_folder().join(&name);
        let (stem, target) = if path.is_dir() {
            let settings = path.join("portcullis.yaml").is_file();
            let target = if settings {
                name.clone()
            } else {
                format!("{name}/main.gate")
            };
            (name, target)
        } else if let Some(stem) = name.strip_suffix(".gate") {
            (stem.to_owned(), name.clone())
        } else {
            continue;
        };
        let mut args = Vec::new();
        for file in [main_file(&target), format!("{stem}/portcullis.yaml")] {
            let text = fs::read(fixtures_folder().join(file)).unwrap_or_default();
            args.extend(directive(&String::from_utf8_lossy(&text)));
        }
        out.push(Fixture { stem, target, args });
    }
    out
}

/// The file that says what is wrong: the fixture itself, or `main.gate` of its folder.
fn main_file(target: &str) -> String {
    if target.ends_with(".gate") {
        target.to_owned()
    } else {
        format!("{target}/main.gate")
    }
}

/// The arguments that a file's `args:` line gives.
fn directive(text: &str) -> Vec<String> {
    text.lines()
        .take_while(|l| l.starts_with("//") || l.starts_with('#'))
        .filter_map(|l| l.split_once(" args: "))
        .filter(|(sign, _)| *sign == "//" || *sign == "#")
        .flat_map(|(_, args)| args.split_whitespace().map(str::to_owned))
        .collect()
}

fn is_directive(line: &str) -> bool {
    line.starts_with("// args: ")
}

fn base(info: &CodeInfo) -> String {
    format!("{}-{}", info.id, info.slug)
}

/// True if a fixture's stem is that of a code, or a variant of it.
fn is_of(stem: &str, base: &str) -> bool {
    stem == base
        || stem
            .strip_prefix(base)
            .is_some_and(|rest| rest.starts_with("--"))
}

fn names(folder: &Path) -> Vec<String> {
    let mut out: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|n| !n.starts_with('.'))
        .collect();
    out.sort();
    out
}

fn page_path(id: &str) -> PathBuf {
    pages_folder().join(format!("{id}.md"))
}

fn pages_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/diagnostics")
}

fn fixtures_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

fn report(wrong: &[String], help: &str) {
    assert!(
        wrong.is_empty(),
        "{} in all; {help}\n\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
