//! What runs in continuous integration: the action, the pipelines under examples/ci, the hooks. Every
//! script in them is parsed by bash, and run where it decides something. The forges are not asked, and
//! the published schemas are for tests/pipelines.sh.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod azure_comment;
mod base;
mod scripts;
mod whole;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_yaml::Value;

use crate::cli::{folder, portcullis};
use crate::examples::{files, root};

/// Whether a program is here that a test needs; says so if it is not.
fn present(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        println!("SKIPPED: {program} is not installed");
    }
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

const ACTION: &str = "action.yml";
const WORKFLOW: &str = "examples/ci/github.yml";
const PIPELINE: &str = "examples/ci/azure-pipelines.yml";

/// The steps of each file, with where they stand.
fn steps() -> Vec<(String, Value)> {
    let list = |path: &str, value: &Value| -> Vec<(String, Value)> {
        let steps = value.as_sequence().unwrap();
        let name = |at| format!("{path}, step {}", at + 1);
        steps
            .iter()
            .cloned()
            .enumerate()
            .map(|(at, s)| (name(at), s))
            .collect()
    };
    let mut all = list(ACTION, &yaml(ACTION)["runs"]["steps"]);
    all.extend(list(WORKFLOW, &yaml(WORKFLOW)["jobs"]["review"]["steps"]));
    all.extend(list(PIPELINE, &yaml(PIPELINE)["steps"]));
    assert!(all.len() > 15);
    all
}

/// Every script, with where it stands.
fn scripts_in_yaml() -> Vec<(String, String)> {
    let found: Vec<(String, String)> = steps()
        .into_iter()
        .filter_map(|(at, step)| {
            let script = step.get("run").or_else(|| step.get("bash"))?;
            Some((at, script.as_str().unwrap().to_owned()))
        })
        .collect();
    assert!(found.len() >= 10);
    found
}

#[test]
fn every_script_is_bash() {
    let mut all = scripts_in_yaml();
    for name in files(&root().join("action")).keys() {
        if name.ends_with(".sh") {
            all.push((format!("action/{name}"), read(&format!("action/{name}"))));
        }
    }
    for (at, script) in all {
        let mut bash = Command::new("bash")
            .arg("-n")
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        bash.stdin
            .take()
            .unwrap()
            .write_all(script.as_bytes())
            .unwrap();
        let said = bash.wait_with_output().unwrap();
        assert!(
            said.status.success(),
            "{at}: {}",
            String::from_utf8_lossy(&said.stderr)
        );
    }
}

#[test]
fn no_script_holds_text_of_the_event() {
    for (at, script) in scripts_in_yaml() {
        assert!(
            !script.contains("${{"),
            "{at}: an expression inside a script"
        );
        // A macro of Azure Pipelines has a dot or is one word; a command of the shell has blanks.
        for (_, rest) in script
            .match_indices("$(")
            .map(|(i, _)| script.split_at(i + 2))
        {
            let inner = rest.split(')').next().unwrap();
            assert!(
                inner.contains(' '),
                "{at}: a macro inside a script: $({inner})"
            );
        }
    }
    for (at, step) in steps() {
        if let Some(script) = step.get("with").and_then(|with| with.get("script")) {
            assert!(!script.as_str().unwrap().contains("${{"), "{at}");
        }
    }
}

#[test]
fn actions_of_others_are_pinned() {
    let mut pinned = BTreeSet::new();
    for (at, step) in steps() {
        let Some(uses) = step.get("uses").and_then(Value::as_str) else {
            continue;
        };
        if uses == "./.portcullis" {
            continue;
        }
        let (name, commit) = uses.split_once('@').unwrap();
        let hex = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(hex, "{at}: {uses} is not pinned to a commit");
        pinned.insert(name.to_owned());
        // The version stands beside it, for people and for Dependabot.
        let line = [ACTION, WORKFLOW]
            .iter()
            .flat_map(|path| read(path).lines().map(str::to_owned).collect::<Vec<_>>())
            .find(|line| line.contains(uses))
            .unwrap();
        assert!(line.contains(" # v"), "{at}: {line}");
    }
    assert!(pinned.contains("actions/github-script"), "{pinned:?}");
}

#[test]
fn the_workflow_asks_for_no_more_than_it_needs() {
    let workflow = yaml(WORKFLOW);
    let permissions: Vec<(String, String)> = serde_yaml::from_value::<
        indexmap::IndexMap<String, String>,
    >(workflow["permissions"].clone())
    .unwrap()
    .into_iter()
    .collect();
    let expected = [
        ("contents", "read"),
        ("pull-requests", "write"),
        ("security-events", "write"),
        ("actions", "read"),
    ];
    assert_eq!(
        permissions,
        expected.map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    // The event that gives a fork's pull request a token with secrets.
    assert!(!read(WORKFLOW).contains("pull_request_target"));
}

/// What the action is given by the workflow, and what its scripts are given by the action, exists.
#[test]
fn inputs_and_outputs_are_declared() {
    let action = yaml(ACTION);
    let names = |value: &Value| -> BTreeSet<String> {
        value
            .as_mapping()
            .unwrap()
            .keys()
            .map(|key| key.as_str().unwrap().to_owned())
            .collect()
    };
    let inputs = names(&action["inputs"]);
    let workflow = yaml(WORKFLOW);
    let review = workflow["jobs"]["review"]["steps"]
        .as_sequence()
        .unwrap()
        .last()
        .unwrap();
    for given in names(&review["with"]) {
        assert!(inputs.contains(&given), "the workflow gives `{given}`");
    }
    let text = read(ACTION);
    let mut used = BTreeSet::new();
    for (_, rest) in text
        .match_indices("inputs.")
        .map(|(i, w)| text.split_at(i + w.len()))
    {
        let name: String = rest
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        assert!(inputs.contains(&name), "inputs.{name} is not declared");
        used.insert(name);
    }
    assert_eq!(used, inputs, "inputs that nothing reads");
    // Outputs of steps: `steps.ID.outputs.NAME` is written by the script of step ID, or is of another's.
    for (_, rest) in text
        .match_indices("steps.")
        .map(|(i, w)| text.split_at(i + w.len()))
    {
        let Some((id, rest)) = rest.split_once(".outputs.") else {
            continue;
        };
        if !id.bytes().all(|b| b.is_ascii_lowercase()) {
            continue;
        }
        let name: String = rest
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric())
            .collect();
        let written = match id {
            "comment" => read("action/comment.cjs").contains(&format!("setOutput('{name}'")),
            id => {
                let script = read(&format!("action/{id}.sh"));
                script.contains(&format!("{name}=%s"))
            }
        };
        assert!(written, "steps.{id}.outputs.{name} is written by nobody");
    }
    // Every variable that a script of the action is documented to read is handed to it.
    for (at, step) in steps().into_iter().filter(|(at, _)| at.starts_with(ACTION)) {
        let Some(run) = step.get("run").and_then(Value::as_str) else {
            continue;
        };
        let script = run.rsplit('/').next().unwrap().trim_end_matches('"');
        let head: String = read(&format!("action/{script}"))
            .lines()
            .take_while(|line| line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n");
        let asked = head
            .split("# in: ")
            .nth(1)
            .unwrap()
            .split("\n# out")
            .next()
            .unwrap();
        let asked = asked.split("\n# exit").next().unwrap();
        let words = asked.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
        let given = step.get("env").map(names).unwrap_or_default();
        let asked: BTreeSet<String> = words
            .filter(|w| w.len() > 3 && !w.starts_with("GITHUB_") && !w.starts_with("RUNNER_"))
            .map(str::to_owned)
            .collect();
        assert_eq!(asked, given, "{at}");
    }
}

#[test]
fn templates_are_the_examples() {
    for (template, example) in [
        ("src/cli/templates/github.yml", WORKFLOW),
        ("src/cli/templates/azure-pipelines.yml", PIPELINE),
    ] {
        assert_eq!(
            read(template),
            read(example),
            "copy {example} to {template}"
        );
    }
}

#[test]
fn hooks_are_commands_of_the_program() {
    let hooks = yaml(".pre-commit-hooks.yaml");
    let ids: Vec<&str> = hooks
        .as_sequence()
        .unwrap()
        .iter()
        .map(|hook| hook["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids,
        [
            "portcullis-fmt",
            "portcullis-check",
            "portcullis-lock",
            "portcullis-test"
        ]
    );
    let dir = folder(&[]);
    let ran = portcullis(dir.path(), &["init"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(
        portcullis(dir.path(), &["compile", "--allow", "PC9002"]).code,
        0
    );
    for hook in hooks.as_sequence().unwrap() {
        let entry: Vec<&str> = hook["entry"].as_str().unwrap().split(' ').collect();
        assert_eq!(entry[0], "portcullis");
        assert_eq!(hook["language"], "rust");
        let mut args = entry[1..].to_vec();
        if hook.get("pass_filenames") != Some(&Value::Bool(false)) {
            args.push("hub.gate");
        }
        let ran = portcullis(dir.path(), &args);
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
    }
    // Each refuses what it is there for.
    let policy = fs::read_to_string(dir.path().join("hub.gate")).unwrap();
    let spoil = |text: &str| fs::write(dir.path().join("hub.gate"), text).unwrap();
    spoil(&policy.replace("portcullis 1\n", "portcullis   1\n"));
    assert_eq!(portcullis(dir.path(), &["fmt", "hub.gate"]).code, 0);
    assert_eq!(
        fs::read_to_string(dir.path().join("hub.gate")).unwrap(),
        policy
    );
    spoil(&policy.replace("\"Name resolution", "Name resolution"));
    assert_eq!(portcullis(dir.path(), &["check"]).code, 1);
    spoil(&policy.replace("names:", "other-names:"));
    assert_eq!(portcullis(dir.path(), &["check"]).code, 0);
    assert_eq!(portcullis(dir.path(), &["check", "--locked"]).code, 1);
}

/// The fake forge and its tests are JavaScript, as the comment is.
#[test]
fn the_comment_of_the_action() {
    if !present("node") {
        return;
    }
    let said = Command::new("node")
        .args(["--test", "tests/ci"])
        .current_dir(root())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "{out}");
    assert!(!out.contains("# pass 0"), "{out}");
}

fn bash_script(path: &str) -> std::path::PathBuf {
    root().join("action").join(path)
}

/// What a script left in GITHUB_OUTPUT.
fn outputs(file: &Path) -> std::collections::BTreeMap<String, String> {
    fs::read_to_string(file)
        .unwrap_or_default()
        .lines()
        .map(|line| {
            let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("{line}"));
            (name.to_owned(), value.to_owned())
        })
        .collect()
}
