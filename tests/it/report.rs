//! The commands `graph` and `report`, and the page: what they say of the committed policies, of hostile
//! texts, of a drawn policy of 1,000 flows. tests/html.sh opens the pages in a browser.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::cli::{Ran, SETTINGS, command, folder, portcullis};
use crate::examples::root;

const FORMS: [&str; 6] = ["text", "json", "mermaid", "dot", "svg", "d2"];

fn cases() -> PathBuf {
    root().join("tests/cases/report")
}

fn ran(args: &[&str]) -> Ran {
    let ran = portcullis(&root(), args);
    assert_eq!(ran.code, 0, "{args:?}\n{}", ran.err);
    ran
}

fn report(project: &str) -> Value {
    let args = [
        "report",
        project,
        "--format",
        "json",
        "--as-of",
        "2026-11-30",
    ];
    serde_json::from_str(&ran(&args).out).unwrap()
}

/// Compares with a committed file, or writes it if PORTCULLIS_BLESS is set.
fn golden(name: &str, text: &str) {
    let file = cases().join("golden").join(name);
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
    }
    let wanted = fs::read_to_string(&file)
        .unwrap_or_else(|e| panic!("{name}: {e}; PORTCULLIS_BLESS=1 writes it"));
    assert!(
        wanted == text,
        "{name} differs; PORTCULLIS_BLESS=1 writes it"
    );
}

fn units<'a>(environment: &'a Value, axis: &str) -> Vec<&'a str> {
    let list = environment["matrix"][axis].as_array().unwrap();
    list.iter().map(|u| u["label"].as_str().unwrap()).collect()
}

/// Row, column and state of every cell.
fn states(environment: &Value) -> Vec<(String, String, String)> {
    let (rows, columns) = (units(environment, "rows"), units(environment, "columns"));
    let cells = environment["matrix"]["cells"].as_array().unwrap();
    let at = |cell: &Value, of: &str| cell[of].as_u64().unwrap() as usize;
    cells
        .iter()
        .map(|cell| {
            let row = rows[at(cell, "row")].to_owned();
            let column = columns[at(cell, "column")].to_owned();
            (row, column, cell["state"].as_str().unwrap().to_owned())
        })
        .collect()
}

#[test]
fn pictures_of_the_committed_policies_are_what_is_committed() {
    for (project, most) in [("hub", "8"), ("apim", "6")] {
        for (form, end) in [
            ("text", "txt"),
            ("json", "json"),
            ("mermaid", "mmd"),
            ("dot", "dot"),
            ("svg", "svg"),
            ("d2", "d2"),
        ] {
            let path = format!("policies/{project}");
            let args = [
                "graph", &path, "-e", "prod", "--most", most, "--format", form,
            ];
            golden(&format!("{project}.{end}"), &ran(&args).out);
        }
    }
    let args = [
        "graph",
        "policies/apim",
        "--most",
        "2",
        "--format",
        "mermaid",
    ];
    golden("apim-both.mmd", &ran(&args).out);
    let args = [
        "graph",
        "policies/hub",
        "-e",
        "prod",
        "--group-by",
        "network",
    ];
    golden("hub-network.txt", &ran(&args).out);
    let args = ["graph", "policies/hub", "-e", "prod", "--group-by", "owner"];
    golden("hub-owner.txt", &ran(&args).out);
    let args = ["report", "examples/first", "--format", "json"];
    golden("first.json", &ran(&args).out);
    let args = [
        "report",
        "policies/apim",
        "-e",
        "prod",
        "--as-of",
        "2026-11-30",
    ];
    golden("apim-report.txt", &ran(&args).out);
}

#[test]
fn a_second_run_says_the_same_to_the_byte() {
    let dir = tempfile::tempdir().unwrap();
    let page = |name: &str| {
        let file = dir.path().join(name);
        let shown = file.to_str().unwrap();
        ran(&["report", "policies/hub", "-q", "--html", shown]);
        fs::read_to_string(file).unwrap()
    };
    let first = page("a.html");
    assert!(first == page("b.html"));
    assert!(
        !first.contains(root().to_str().unwrap()),
        "an absolute path"
    );
    for address in ["http://", "https://"] {
        assert!(!first.contains(&format!("\"{address}")), "{address}");
    }
}

/// The order of statements is of no account, but for the lines that are told.
#[test]
fn shuffled_statements_make_the_same_matrix() {
    let source = fs::read_to_string(cases().join("hostile/hostile.gate")).unwrap();
    let (head, rest) = source.split_once("subnet a =").unwrap();
    let mut parts: Vec<String> = rest.split("\n\n").map(str::to_owned).collect();
    parts[0] = format!("subnet a ={}", parts[0]);
    parts.reverse();
    let shuffled = format!("{head}{}\n", parts.join("\n\n"));
    assert_ne!(source, shuffled);
    let of = |text: &str| {
        let dir = folder(&[("portcullis.yaml", SETTINGS), ("main.gate", text)]);
        let said = portcullis(dir.path(), &["report", "--format", "json"]);
        assert_eq!(said.code, 0, "{}", said.err);
        let told: Value = serde_json::from_str(&said.out).unwrap();
        (
            told["environments"][0]["matrix"].clone(),
            told["environments"][0]["edges"].clone(),
        )
    };
    assert_eq!(of(&source), of(&shuffled));
}

#[test]
fn what_passes_unasked_is_found_and_nothing_else() {
    let told = report("tests/cases/report/hostile");
    let environment = &told["environments"][0];
    let wanted: BTreeSet<(&str, &str, &str)> = [
        // Nothing is attached to b: all of it passes, from the internet too.
        ("tag(Internet)", "b", "unasked"),
        ("b", "b", "unasked"),
        ("b", "tag(Internet)", "unasked"),
        // AllowVnetInBound and AllowVnetOutBound, AllowInternetOutBound.
        ("a", "a", "unasked"),
        ("a", "b", "unasked"),
        ("a", "tag(Internet)", "unasked"),
        ("b", "a", "unasked"),
        ("c", "a", "unasked"),
        ("c", "b", "unasked"),
        ("c", "tag(Internet)", "unasked"),
        // c denies what comes in, but for what is asked.
        ("a", "c", "allow"),
        ("b", "c", "denied"),
        ("a", "*.contoso.com", "envelope"),
    ]
    .into_iter()
    .collect();
    let found = states(environment);
    let found: BTreeSet<(&str, &str, &str)> = found
        .iter()
        .map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()))
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn exceptions_and_denies_stand_where_they_hold() {
    let told = report("policies/hub");
    let prod = &told["environments"][1];
    assert_eq!(prod["name"], "prod");
    let states = states(prod);
    let state = |row: &str, column: &str| {
        let found = states.iter().find(|(a, b, _)| a == row && b == column);
        found.map(|(_, _, state)| state.as_str())
    };
    let storage = "tag(Storage.WestEurope)";
    assert_eq!(state("weu::apim", storage), Some("exception"));
    assert_eq!(state("neu::apim", storage), Some("allow"));
    assert_eq!(state("avd", "aks::aks"), Some("denied"));
    assert_eq!(state("avd", "office"), Some("envelope"));
    assert_eq!(
        state("aks::aks", "avd"),
        None,
        "no flow speaks of it and nothing passes"
    );
    let optional = told["optional"].as_array().unwrap();
    let office = optional.iter().find(|o| o["flow"] == "avd-egress::office");
    let office = office.unwrap();
    assert_eq!(office["on"], serde_json::json!(["prod"]));
    assert_eq!(office["off"], serde_json::json!(["dev"]));
    let debug = optional
        .iter()
        .find(|o| o["flow"] == "exceptions::node-debug");
    let debug = debug.unwrap();
    assert_eq!(debug["on"], serde_json::json!(["dev"]));
    assert_eq!(debug["excluded"], serde_json::json!(["prod"]));
    assert_eq!(debug["optional"], false);
    let ends = told["expiries"].as_array().unwrap();
    let ends: Vec<(&str, i64)> = ends
        .iter()
        .map(|e| (e["flow"].as_str().unwrap(), e["days"].as_i64().unwrap()))
        .collect();
    let wanted = [
        ("exceptions::apim-git", 62),
        ("aks-egress::feeds", 121),
        ("exceptions::node-debug", 212),
    ];
    assert_eq!(ends, wanted);
}

/// The packet of a cell, asked hop by hop, ends as the cell says.
#[test]
fn packets_of_cells_end_as_the_cells_say() {
    let told = report("policies/hub");
    let mut asked = 0;
    for environment in told["environments"].as_array().unwrap() {
        let name = environment["name"].as_str().unwrap();
        let cells = environment["matrix"]["cells"].as_array().unwrap();
        for cell in cells.iter().step_by(9) {
            for flow in cell["flows"].as_array().unwrap() {
                let fate = flow["fate"].as_str().unwrap();
                let Some(packet) = flow["packet"].as_str() else {
                    continue;
                };
                let wanted = match fate {
                    "passes" => "allow",
                    "stopped" => "deny",
                    _ => continue,
                };
                let mut args = vec!["explain", "-e", name, "--format", "json"];
                args.extend(packet.split(' '));
                let said = portcullis(&root().join("policies/hub"), &args);
                let reply: Value = serde_json::from_str(said.out.lines().next().unwrap()).unwrap();
                assert_eq!(reply["verdict"], wanted, "{args:?}: {cell}");
                asked += 1;
            }
        }
    }
    assert!(asked >= 15, "{asked}");
}

#[test]
fn hostile_texts_end_nothing_in_any_form() {
    let hostile = "tests/cases/report/hostile";
    for form in FORMS {
        let text = ran(&["graph", hostile, "--group-by", "owner", "--format", form]).out;
        assert!(text.contains("script"), "{form}: the owner is there");
        match form {
            "mermaid" | "svg" => assert!(!text.contains("<img"), "{form}"),
            "dot" | "d2" => {
                // No line but those of the form itself: a quote that ended would show here.
                for line in text.lines().filter(|line| line.contains("script")) {
                    let bare = line.replace("\\\\", "").replace("\\\"", "");
                    assert_eq!(bare.matches('"').count() % 2, 0, "{line}");
                }
            }
            _ => {}
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("page.html");
    ran(&["report", hostile, "-q", "--html", file.to_str().unwrap()]);
    let page = fs::read_to_string(file).unwrap();
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
    for sign in [
        "<img",
        "<svg onload",
        "<b>hostile",
        "<!--",
        "</style><style>*",
    ] {
        assert!(!page.contains(sign), "{sign}");
    }
    assert!(page.contains("&lt;b&gt;hostile&lt;/b&gt;"));
}

/// The script that the policy of the page admits is the one in it.
#[test]
fn the_page_admits_its_own_script_only() {
    use sha2::Digest;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("page.html");
    ran(&[
        "report",
        "examples/first",
        "-q",
        "--html",
        file.to_str().unwrap(),
    ]);
    let page = fs::read_to_string(file).unwrap();
    let script = page.split("<script>").nth(1).unwrap();
    let script = script.split("</script>").next().unwrap();
    let digest = sha2::Sha256::digest(script.as_bytes());
    let admitted = page.split("script-src 'sha256-").nth(1).unwrap();
    let admitted = admitted.split('\'').next().unwrap();
    assert_eq!(base64(&digest), admitted);
    assert!(page.contains("default-src 'none'"));
    for attribute in [
        " onclick=",
        " onload=",
        " onerror=",
        "javascript:",
        " src=",
        "@import",
        "url(h",
    ] {
        assert!(!page.contains(attribute), "{attribute}");
    }
}

/// Base 64 by the book, bit by bit: it shares no code with the page.
fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits: Vec<u8> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| (byte >> at) & 1))
        .collect();
    let padding = (3 - bytes.len() % 3) % 3;
    while !bits.len().is_multiple_of(6) {
        bits.push(0);
    }
    let signs = bits.chunks(6).map(|six| {
        let number = six
            .iter()
            .fold(0_usize, |all, bit| all * 2 + usize::from(*bit));
        char::from(SIGNS[number])
    });
    signs.chain(std::iter::repeat_n('=', padding)).collect()
}

/// A policy of so many flows between 40 subnets, tags and names.
fn drawn(flows: usize) -> String {
    let mut out = String::from(
        "vnet hub = 10.0.0.0/16 {\n  peers = [spoke]\n}\n\nvnet spoke = 10.32.0.0/11\n\nfirewall azfw {\n  policy = \"afwp\"\n  vnet = hub\n  subnet = 10.0.1.0/26\n  private-ip = 10.0.1.4\n  dns-proxy = true\n}\n",
    );
    for at in 0..40 {
        let _ = write!(
            out,
            "subnet s{at} = 10.{}.{}.0/24 {{\n  vnet = spoke\n  nsg = n{at}\n  route-table = r{at}\n}}\nnsg n{at} {{\n  default-inbound = deny\n}}\nroute-table r{at} {{\n  default = azfw\n}}\n",
            32 + at / 8,
            at % 8 * 16
        );
    }
    // A small generator of its own: the same draw in every run.
    let mut seed = 12_345_u64;
    let mut draw = |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % most
    };
    let tags = [
        "AzureMonitor",
        "AzureKeyVault",
        "Storage.WestEurope",
        "Sql.WestEurope",
    ];
    for at in 0..flows {
        if at % 25 == 0 {
            let end = if at == 0 { "" } else { "}\n" };
            let _ = writeln!(
                out,
                "{end}group g{} owner \"team-{}\" ticket NET-{} {{",
                at / 25,
                at / 25 % 12,
                at / 25
            );
        }
        let from = draw(40);
        let (service, to) = match draw(5) {
            0 | 1 => (format!("tcp/{}", 1000 + at), format!("s{}", draw(40))),
            2 => (
                format!("tcp/{}", 2000 + at),
                format!("tag({})", tags[draw(4) as usize]),
            ),
            _ => ("https".to_owned(), format!("app{at}.contoso.com")),
        };
        let _ = writeln!(
            out,
            "  allow f{at}: {service} from s{from} to {to} for \"What application number {at} needs from its neighbours\""
        );
    }
    out.push_str("}\n");
    out
}

#[test]
fn a_thousand_flows_make_less_than_two_megabytes() {
    let dir = folder(&[("portcullis.yaml", SETTINGS), ("main.gate", &drawn(1000))]);
    let said = portcullis(dir.path(), &["report", "-q", "--html", "report.html"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let page = fs::read_to_string(dir.path().join("report.html")).unwrap();
    assert!(page.len() < 2 * 1024 * 1024, "{} bytes", page.len());
    assert!(
        page.len() > 500_000,
        "{} bytes: is it all there?",
        page.len()
    );
    for at in [0, 1, 499, 998, 999] {
        let id = format!("g{}::<wbr>f{at}</b>", at / 25);
        let plain = format!("g{}::f{at}</b>", at / 25);
        assert!(page.contains(&id) || page.contains(&plain), "flow {at}");
    }
    assert_eq!(page.matches("<tr id=\"f").count(), 1000);
    // The picture stays one that can be read.
    let ribbons = page.matches("class=\"rb ").count();
    assert!(ribbons <= 90, "{ribbons} ribbons");
}

#[test]
fn faults_are_told_and_write_nothing() {
    let broken = folder(&[
        ("portcullis.yaml", SETTINGS),
        ("main.gate", "allow x from\n"),
    ]);
    fs::write(broken.path().join("report.html"), "old").unwrap();
    for args in [
        &["report", "--html", "report.html"][..],
        &["report"],
        &["graph"],
    ] {
        let said = portcullis(broken.path(), args);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{args:?}");
        assert!(said.err.contains("error["), "{}", said.err);
    }
    let kept = fs::read_to_string(broken.path().join("report.html")).unwrap();
    assert_eq!(kept, "old");

    let first = root().join("examples/first");
    let first = first.to_str().unwrap();
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "x").unwrap();
    fs::create_dir(dir.path().join("there")).unwrap();
    for (file, why) in [
        ("file/report.html", "cannot write `file/report.html`"),
        ("there", "there is a folder of this name"),
        ("no/such/report.html", "cannot write `no/such/report.html`"),
    ] {
        let said = portcullis(dir.path(), &["report", first, "--html", file]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{file}");
        assert!(said.err.contains(why), "{file}: {}", said.err);
    }
    for (args, why) in [
        (&["graph", first, "--most", "0"][..], "`--most 0`"),
        (
            &["graph", first, "--format", "csv"],
            "`--format csv` is for `query`",
        ),
        (&["graph", first, "--format", "sarif"], "`--format sarif`"),
        (
            &["report", first, "--format", "svg"],
            "are for `portcullis graph` only",
        ),
        (&["report", first, "--format", "sarif"], "`--format sarif`"),
        (&["report", "nowhere"], "nowhere"),
    ] {
        let said = portcullis(dir.path(), args);
        assert_eq!(
            (said.code, said.out.as_str()),
            (2, ""),
            "{args:?}: {}",
            said.err
        );
        assert!(said.err.contains(why), "{args:?}: {}", said.err);
    }
    // Half a disk leaves the old page whole, and nothing beside it.
    fs::write(dir.path().join("page.html"), "old").unwrap();
    for step in ["fail:1", "fail:2", "fail:3", "fail:4"] {
        let mut run = command(dir.path(), &["report", first, "--html", "page.html"]);
        let said = crate::cli::run(run.env("PORTCULLIS_TEST_WRITE", step));
        assert_eq!(said.code, 2, "{step}: {}", said.err);
        let kept = fs::read_to_string(dir.path().join("page.html")).unwrap();
        assert_eq!(kept, "old", "{step}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "{step}");
    }
}

#[test]
fn a_closed_pipe_is_no_fault_of_ours() {
    for args in [
        &["report", "policies/hub", "--format", "json"][..],
        &["graph", "policies/hub", "--format", "svg"],
    ] {
        let mut child = command(&root(), args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let done = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&done.stderr);
        assert!(!err.contains("panicked"), "{err}");
        assert!(!err.contains("internal error"), "{err}");
    }
}

/// A part of a policy that is not known is said to be so, never guessed.
#[test]
fn what_hangs_on_unknown_members_is_undecided() {
    let policy = "\
vnet hub = 10.0.0.0/16

ip-group partners = [] {
  id = \"/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/ipGroups/partners\"
}

firewall azfw {
  vnet = hub
  subnet = 10.0.1.0/26
  private-ip = 10.0.1.4
}

deny mail: tcp/25 from 172.16.0.0/24 to ip-group(partners) for \"No mail\"
allow all: tcp/25 from 172.16.0.0/24 to 9.9.9.0/24 for \"Mail\"
";
    let dir = folder(&[("portcullis.yaml", SETTINGS), ("main.gate", policy)]);
    let said = portcullis(dir.path(), &["report", "--format", "json"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    let environment = &told["environments"][0];
    let found = states(environment);
    let cell = found.iter().find(|(_, column, _)| column == "9.9.9.0/24");
    assert_eq!(cell.unwrap().2, "undecided", "{found:?}");
    let cells = environment["matrix"]["cells"].as_array().unwrap();
    let why = cells
        .iter()
        .flat_map(|cell| cell["flows"].as_array().unwrap())
        .find_map(|flow| flow["why"].as_str())
        .unwrap();
    assert!(why.contains("ip-group(partners)"), "{why}");
}

/// The page of a difference: what changed first, then the new side with its corners.
#[test]
fn a_difference_has_a_page() {
    let dir = tempfile::tempdir().unwrap();
    for side in ["old", "new"] {
        let to = dir.path().join(side);
        crate::examples::copy_folder(&root().join("policies/hub"), &to, true);
    }
    let edit = |file: &str, from: &str, to: &str| {
        let path = dir.path().join("new").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    };
    edit(
        "spokes.gate",
        "to on-prem except 172.31.0.0/16 for",
        "to on-prem for",
    );
    edit(
        "spokes.gate",
        "  deny tcp from avd to 172.31.0.0/16:80,443\n",
        "",
    );
    edit("spokes.gate", "  ghcr.io,\n", "  ghcr.io,\n  quay.io,\n");
    let said = portcullis(
        dir.path(),
        &[
            "diff",
            "old",
            "new",
            "--as-of",
            "2026-11-30",
            "--format",
            "html",
            "-o",
            "page.html",
        ],
    );
    assert_eq!(said.code, 0, "{}", said.err);
    let page = fs::read_to_string(dir.path().join("page.html")).unwrap();
    for wanted in [
        "Review of a change",
        "<dt>Before</dt><dd>old</dd>",
        "Newly allowed",
        "172.31.0.0/16",
        "class=\"risk r-high\"",
        " plus\"",
        "Rules in prod",
        "id=\"p-matrix\"",
        "portcullis explain tcp 10.40.32.4 172.31.0.4:443 -e prod",
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }
    assert!(page.len() < 2 * 1024 * 1024, "{} bytes", page.len());
    // Nothing differs: it says so, and has no corner.
    let args = ["diff", "old", "old", "--format", "html", "-o", "same.html"];
    assert_eq!(portcullis(dir.path(), &args).code, 0);
    let page = fs::read_to_string(dir.path().join("same.html")).unwrap();
    assert!(page.contains("No packet changes its fate."));
    assert!(!page.contains("class=\"z plus") && !page.contains(" plus\" tabindex"));
}
