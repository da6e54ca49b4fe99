//! Numbers read back: from our own output in each of its forms, and from exports.

use std::fs;

use portcullis::allocate::lock::Part;
use portcullis::config::{Emit, NsgRuleLayout};
use portcullis::diag::Code;

use super::draw::{Dice, Source};
use super::project::Built;
use super::{cases, read};
use crate::cli::{folder, portcullis};

/// A project with some history, so that its numbers are not those of a fresh start.
fn lived(case: u64, change: &dyn Fn(&mut Built)) -> (Built, portcullis::driver::Output) {
    let mut dice = Dice::new(6_000_000 + case);
    let mut source = Source::draw(&mut dice, 30);
    let mut lock: Option<String> = None;
    loop {
        let mut built = source.built(&mut dice);
        change(&mut built);
        let (output, _) = built.compile(lock.as_deref());
        if dice.below(6) == 0 {
            return (built, output);
        }
        lock = Some(output.lock);
        source.edit(&mut dice);
    }
}

#[test]
fn each_form_of_the_output_tells_the_numbers() {
    for case in 0..cases().div_ceil(3) {
        for emit in [
            vec![Emit::Arm],
            vec![Emit::Rest],
            vec![Emit::Rest, Emit::Arm],
        ] {
            for rules in [NsgRuleLayout::Inline, NsgRuleLayout::Children] {
                let change = |built: &mut Built| {
                    built.settings.emit.clone_from(&emit);
                    built.settings.layout.nsg_rules = rules;
                };
                let (mut built, output) = lived(case, &change);
                built.output.clone_from(&output.files);
                let (seeded, told) = built.compile(None);
                assert!(seeded.seeded);
                assert!(!told.iter().any(|d| d.code == Code::PC7003), "{told:#?}");
                assert_eq!(seeded.files, output.files, "{emit:?} {rules:?}");
                let (old, new) = (read(&output.lock), read(&seeded.lock));
                // Of an environment that left the source, the output knows nothing.
                let made: Vec<&str> = output
                    .summaries
                    .iter()
                    .map(|s| s.environment.as_str())
                    .collect();
                let known = old.scopes.iter().filter(|(s, _)| {
                    s.part != Part::Rules && made.contains(&s.environment.as_str())
                });
                for (scope, entries) in known {
                    // The number of an ordered group is in no classic output: its collections have theirs.
                    let classic = output.files.iter().any(|f| {
                        f.path.ends_with(".fragment.json") && f.path.contains(&scope.name)
                    });
                    for (id, was) in &entries.entries {
                        if classic && id.starts_with("pc-25-ordered-") {
                            continue;
                        }
                        let now = new.scopes[scope]
                            .entries
                            .get(id)
                            .map(|e| (e.number, e.retired));
                        assert_eq!(now, Some((was.number, was.retired)), "{scope} {id}");
                    }
                }
            }
        }
    }
}

#[test]
fn names_in_brackets_are_read_back_from_templates() {
    let text = "vnet hub = 10.0.0.0/16\nnsg web {\n  default-inbound = deny\n}\n\
        subnet web = 10.0.2.0/24 {\n  vnet = hub\n  nsg = web\n}\n\
        allow a: tcp/443 from 10.0.9.0/24 to web for \"[A]\"\n";
    let mut built = Built::of(text);
    built.settings.emit = vec![Emit::Arm];
    let (first, _) = built.compile(Some("default/nsg/web/inbound  main::a/in  3333  7\n"));
    let template = &first
        .files
        .iter()
        .find(|f| f.path.contains("/arm/"))
        .unwrap()
        .text;
    assert!(template.contains("\"[[A]\""), "{template}");
    built.output.clone_from(&first.files);
    let (seeded, told) = built.compile(None);
    assert_eq!(seeded.files, first.files);
    assert!(!told.iter().any(|d| d.code == Code::PC7005), "{told:#?}");
    // A rename is seen through the brackets.
    let mut renamed = Built::of(&text.replace("allow a", "allow b"));
    renamed.settings.emit = vec![Emit::Arm];
    renamed.output.clone_from(&first.files);
    let (_, told) = renamed.compile(Some(&first.lock));
    assert!(told.iter().any(|d| d.code == Code::PC7005), "{told:#?}");
}

#[test]
fn the_manifest_names_the_files_that_are_there() {
    for emit in [
        vec![Emit::Arm],
        vec![Emit::Rest],
        vec![Emit::Arm, Emit::Rest],
    ] {
        for rules in [NsgRuleLayout::Inline, NsgRuleLayout::Children] {
            let change = |built: &mut Built| {
                built.settings.emit.clone_from(&emit);
                built.settings.layout.nsg_rules = rules;
            };
            let (_, output) = lived(1, &change);
            for environment in output.summaries.iter().map(|s| s.environment.as_str()) {
                let path = format!("{environment}/manifest.json");
                let manifest = &output.files.iter().find(|f| f.path == path).unwrap().text;
                let value: serde_json::Value = serde_json::from_str(manifest).unwrap();
                let flows = value["flows"].as_object().unwrap().values();
                let flows = flows.flat_map(|places| places.as_array().unwrap());
                let envelopes = value["envelopes"].as_array().unwrap();
                let mut seen = 0;
                for place in flows.chain(envelopes) {
                    let path = format!("{environment}/{}", place["file"].as_str().unwrap());
                    let file = output.files.iter().find(|f| f.path == path);
                    let file = file.unwrap_or_else(|| panic!("{path} is not there"));
                    let rule = place["rule"].as_str().unwrap();
                    assert!(file.text.contains(rule), "{path} {rule}");
                    seen += 1;
                }
                assert!(seen > 10);
            }
        }
    }
}

#[test]
fn a_templates_project_finds_its_numbers_on_disk() {
    let settings = "version: 1\nproject: demo\nsources: [a.gate]\nemit: [arm]\ndeploy:\n  \
        subscription: 00000000-0000-0000-0000-000000000000\n  resource-group: rg\n  location: westeurope\n";
    let policy = "endpoint web = 10.0.1.0/24\nallow a: tcp/443 from web to 20.1.1.1 for \"A\"\n";
    let dir = folder(&[("portcullis.yaml", settings), ("a.gate", policy)]);
    let lock = dir.path().join("portcullis.lock");
    fs::write(&lock, "default/fw/demo/rcg  pc-30-allow-main  31234  5\n").unwrap();
    assert_eq!(portcullis(dir.path(), &["compile"]).code, 0);
    fs::remove_file(&lock).unwrap();
    let ran = portcullis(dir.path(), &["compile"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let text = fs::read_to_string(&lock).unwrap();
    assert!(text.contains("pc-30-allow-main  31234"), "{text}");
}
