//! A pull request from its merge to its judgement: the scripts of the action, and the steps of the Azure
//! pipeline, one after another with the real program in a real repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::base::git;
use super::{PIPELINE, bash_script, outputs, yaml};
use crate::cli::portcullis;

/// A repository as a forge checks out a pull request that opens a port: the commit that merges it.
struct Merged {
    dir: TempDir,
    base: String,
    branch: String,
}

fn merged(edit: impl Fn(&str) -> String) -> Merged {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("checkout");
    fs::create_dir(&at).unwrap();
    git(&at, &["init", "-q", "-b", "main"]);
    assert_eq!(portcullis(&at, &["init", "policy"]).code, 0);
    let settings = at.join("policy/portcullis.yaml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, format!("{text}\nproject: net\n")).unwrap();
    let compile = || {
        assert_eq!(
            portcullis(&at, &["compile", "policy", "--allow", "PC9002"]).code,
            0
        )
    };
    compile();
    let save = |message: &str| {
        git(&at, &["add", "."]);
        git(&at, &["commit", "-qm", message]);
        git(&at, &["rev-parse", "HEAD"])
    };
    save("policy");
    git(&at, &["checkout", "-q", "-b", "feature"]);
    let policy = at.join("policy/hub.gate");
    fs::write(&policy, edit(&fs::read_to_string(&policy).unwrap())).unwrap();
    portcullis(&at, &["compile", "policy", "--allow", "PC9002"]);
    let branch = save("feature");
    git(&at, &["checkout", "-q", "main"]);
    fs::write(at.join("README"), "meanwhile").unwrap();
    let base = save("main goes on");
    git(&at, &["merge", "-q", "--no-ff", "-m", "merge", "feature"]);
    Merged { dir, base, branch }
}

fn open_a_port(policy: &str) -> String {
    let new = policy.replace(
        "service dns = tcp/53, udp/53",
        "service dns = tcp/53, tcp/3389, udp/53",
    );
    assert_ne!(new, policy);
    new
}

impl Merged {
    fn checkout(&self) -> std::path::PathBuf {
        self.dir.path().join("checkout")
    }

    /// Runs a script of the action: exit code, outputs, what it said.
    fn run(&self, script: &str, env: &[(&str, &str)]) -> (i32, BTreeMap<String, String>, String) {
        let output = self.dir.path().join(format!("{script}.output"));
        let summary = self.dir.path().join("summary");
        let said = Command::new("bash")
            .arg(bash_script(script))
            .current_dir(self.checkout())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", self.dir.path())
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_OUTPUT", &output)
            .env("GITHUB_STEP_SUMMARY", summary)
            .env("RUNNER_TEMP", self.dir.path())
            .env("PROGRAM", env!("CARGO_BIN_EXE_portcullis"))
            .env("PROJECT_PATH", "policy")
            .env("AS_OF", "none")
            .env("LOCKED", "true")
            .env("FAIL_ON", "risk=medium,required-lost")
            .envs(env.iter().copied())
            .output()
            .unwrap();
        let text = String::from_utf8([said.stdout, said.stderr].concat()).unwrap();
        (said.status.code().unwrap(), outputs(&output), text)
    }

    /// All of the action: the outputs of the comparison, how it was judged, what was said.
    fn act(&self, env: &[(&str, &str)]) -> (BTreeMap<String, String>, i32, String) {
        let event = [
            ("PULL_BASE", self.base.as_str()),
            ("PULL_HEAD", self.branch.as_str()),
        ];
        let (code, sides, said) = self.run("base.sh", &event);
        assert_eq!(code, 0, "{said}");
        assert_eq!(sides["base"], self.base);
        let (code, checks, mut all) = self.run("checks.sh", &[]);
        assert_eq!(code, 0, "{all}");
        let mut given = vec![
            ("BASE", sides["base"].as_str()),
            ("HEAD", sides["head"].as_str()),
        ];
        given.extend(env);
        let (code, diff, said) = self.run("diff.sh", &given);
        assert_eq!(code, 0, "{said}");
        all.push_str(&said);
        let judged = [
            ("CHECKS", checks["failed"].as_str()),
            ("DIFF", diff["exit"].as_str()),
        ];
        let (code, _, said) = self.run("judge.sh", &judged);
        all.push_str(&said);
        (diff, code, all)
    }
}

#[test]
fn the_action_tells_and_judges_a_pull_request() {
    let merged = merged(open_a_port);
    let (diff, code, said) = merged.act(&[]);
    assert_eq!(diff["verdict"], "widened", "{said}");
    assert_eq!((diff["exit"].as_str(), code), ("4", 1), "{said}");
    assert!(
        said.contains("::error title=Portcullis::a condition of fail-on holds"),
        "{said}"
    );
    let markdown = fs::read_to_string(&diff["markdown"]).unwrap();
    let short = &merged.base[..7];
    let marker = format!("<!-- portcullis:diff v1 project=net base={short} head=");
    assert!(markdown.starts_with(&marker), "{markdown}");
    let summary = fs::read_to_string(merged.dir.path().join("summary")).unwrap();
    assert!(summary.starts_with("| Portcullis | |\n"), "{summary}");
    assert!(summary.contains("Newly allowed"), "{summary}");
    // Files are named as the forge knows them.
    let log: Value = serde_json::from_str(&fs::read_to_string(&diff["sarif"]).unwrap()).unwrap();
    let result = &log["runs"][0]["results"][0];
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "policy/hub.gate");
    let line = place["region"]["startLine"].as_u64().unwrap();
    let policy = fs::read_to_string(merged.checkout().join("policy/hub.gate")).unwrap();
    let named = policy
        .lines()
        .nth(usize::try_from(line).unwrap() - 1)
        .unwrap();
    assert!(named.contains("dns from app"), "{named}");

    // A label accepts the traffic, and nothing else.
    let id = result["properties"]["id"].as_str().unwrap();
    let label = format!("bug,accept:{id}");
    let (diff, code, said) = merged.act(&[("LABEL_PREFIX", "accept:"), ("LABELS", &label)]);
    assert_eq!((diff["exit"].as_str(), code), ("0", 0), "{said}");
    let (_, code, _) = merged.act(&[
        ("LABEL_PREFIX", "accept:"),
        ("LABELS", "accept:sem-00000000"),
    ]);
    assert_eq!(code, 1);
}

#[test]
fn the_action_takes_no_part_where_nothing_differs() {
    let merged = merged(|policy| format!("{policy}\n// a remark\n"));
    let (diff, code, said) = merged.act(&[]);
    assert_eq!((diff["verdict"].as_str(), code), ("same", 0), "{said}");
    assert_eq!(diff["risk"], "");
}

#[test]
fn the_action_tells_a_side_with_errors() {
    let merged = merged(|policy| policy.replace("dns from app", "nonsense from app"));
    let (diff, code, said) = merged.act(&[]);
    assert_eq!((diff["exit"].as_str(), code), ("1", 1), "{said}");
    assert_eq!(
        (diff["markdown"].as_str(), diff["project"].as_str()),
        ("", "net")
    );
    assert!(said.contains("did not pass: check"), "{said}");
    assert!(
        said.contains("a side of the comparison has errors"),
        "{said}"
    );
}

/// The steps of the pipeline that are scripts, but for those that install and comment.
#[test]
fn the_azure_pipeline_tells_and_judges_a_pull_request() {
    let merged = merged(open_a_port);
    let workspace = merged.dir.path().join("workspace");
    let program = workspace.join("portcullis/bin");
    fs::create_dir_all(&program).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_portcullis"), program.join("portcullis"))
        .unwrap();
    let staging = merged.dir.path().join("staging");
    let step = |name: &str, accept: &str| {
        let steps = yaml(PIPELINE)["steps"].clone();
        let step = steps
            .as_sequence()
            .unwrap()
            .iter()
            .find(|s| s["displayName"] == name)
            .unwrap();
        let said = Command::new("bash")
            .args(["-c", step["bash"].as_str().unwrap()])
            .current_dir(merged.checkout())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", merged.dir.path())
            .env("TF_BUILD", "True")
            .env("PIPELINE_WORKSPACE", &workspace)
            .env("AGENT_TEMPDIRECTORY", merged.dir.path())
            .env("BUILD_ARTIFACTSTAGINGDIRECTORY", &staging)
            .env("PORTCULLIS_GIT", "x")
            .env("PORTCULLIS_COMMIT", "y")
            .env("POLICY", "policy")
            .env("FAIL_ON", "risk=medium")
            .env("ACCEPT", accept)
            .output()
            .unwrap();
        let text = String::from_utf8([said.stdout, said.stderr].concat()).unwrap();
        (said.status.code().unwrap(), text)
    };
    let (code, said) = step("Install Portcullis", "");
    assert_eq!(code, 0, "{said}");
    let (code, said) = step("Check", "");
    assert_eq!(code, 0, "{said}");
    assert!(merged.dir.path().join("portcullis.xml").is_file());
    let (code, said) = step("Compare", "");
    assert_eq!(code, 4, "{said}");
    let markdown = staging.join("portcullis/diff.md");
    assert!(
        said.contains(&format!(
            "##vso[task.uploadsummary]{}\n",
            markdown.display()
        )),
        "{said}"
    );
    assert!(
        said.contains("##vso[task.logissue type=error]a condition of FAIL_ON holds\n"),
        "{said}"
    );
    assert!(said.contains("portcullis: 1 widened"), "{said}");
    let text = fs::read_to_string(markdown).unwrap();
    assert!(
        text.starts_with("<!-- portcullis:diff v1 project=net base="),
        "{text}"
    );
    let told = fs::read_to_string(staging.join("portcullis/diff.json")).unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    let (code, said) = step("Compare", told["semantic"][0]["id"].as_str().unwrap());
    assert_eq!(code, 0, "{said}");
}

#[test]
fn the_azure_pipeline_says_what_it_needs() {
    let steps = yaml(PIPELINE)["steps"].clone();
    let install = steps
        .as_sequence()
        .unwrap()
        .iter()
        .find(|s| s["displayName"] == "Install Portcullis")
        .unwrap();
    let said = Command::new("bash")
        .args(["-c", install["bash"].as_str().unwrap()])
        .env("PIPELINE_WORKSPACE", Path::new("nowhere"))
        .output()
        .unwrap();
    assert_eq!(said.status.code(), Some(1));
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(
        text.contains("PORTCULLIS_GIT and PORTCULLIS_COMMIT"),
        "{text}"
    );
}
