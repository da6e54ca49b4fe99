//! What the five renderings of diagnostics look like, to the byte.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use portcullis::diag::{
    Code, Diagnostic, Severity, render_github, render_json, render_pipelines, render_sarif,
    render_text,
};
use portcullis::source::{SourceMap, Span};

const GATE: &str =
    "portcullis 1\n\nflow é-x: tcp/443 from apim to tag(Storge.WestUS)\nflow b: tcp/80\n";

fn sample() -> (SourceMap, Vec<Diagnostic>) {
    let mut sources = SourceMap::default();
    let gate = sources.add("lib/a b.gate", GATE);
    let other = sources.add("c,d:e.gate", "x\n");
    let find = |text: &str| {
        let start = GATE.find(text).unwrap();
        Span::new(
            gate,
            u32::try_from(start).unwrap(),
            u32::try_from(start + text.len()).unwrap(),
        )
    };
    let tag = find("Storge.WestUS");
    let first = Diagnostic::new(Code::PC1004, tag, "unknown service tag `Storge.WestUS`")
        .label("not in catalogue 2026-11-16 (public cloud)")
        .also(find("apim"), "from here")
        .also(Span::new(other, 0, 1), "and there")
        .help("did you mean `Storage.WestUS`?")
        .note("100% of `tags` are listed; see\nthe catalogue")
        .fix(tag, "Storage.WestUS");
    let second =
        Diagnostic::new(Code::PC1011, find("b: tcp/80\n"), "`b` is never used").help("remove it");
    let third = Diagnostic::new(Code::PC4006, Span::new(other, 0, 1), "wide; see ]");
    let last = Diagnostic::general(Code::PC9002, None, "old").severity(Severity::Warning);
    (sources, vec![first, second, third, last])
}

#[test]
fn text() {
    let (sources, all) = sample();
    let shown = render_text::render(&sources, &all, render_text::Style::default());
    let want = "\
error[PC1004]: unknown service tag `Storge.WestUS`
 --> lib/a b.gate:3:36
  |
3 | flow é-x: tcp/443 from apim to tag(Storge.WestUS)
  |                        ----        ^^^^^^^^^^^^^ not in catalogue 2026-11-16 (public cloud)
  |                        |
  |                        from here
  |
 ::: c,d:e.gate:1:1
  |
1 | x
  | - and there
  |
  = note: 100% of `tags` are listed; see
          the catalogue
help: did you mean `Storage.WestUS`?
  |
3 | flow é-x: tcp/443 from apim to tag(Storage.WestUS)
  |                                        +

warning[PC1011]: `b` is never used
 --> lib/a b.gate:4:6
  |
4 | flow b: tcp/80
  |      ^^^^^^^^^
  |
  = help: remove it

note[PC4006]: wide; see ]
 --> c,d:e.gate:1:1
  |
1 | x
  | ^

warning[PC9002]: old

error: 1 error, 2 warnings, 1 note
";
    assert_eq!(shown, want, "{shown}");
}

#[test]
fn colour_changes_nothing_else() {
    let (sources, all) = sample();
    let plain = render_text::render(&sources, &all, render_text::Style::default());
    let style = render_text::Style {
        color: true,
        ..render_text::Style::default()
    };
    let mut coloured = render_text::render(&sources, &all, style);
    while let Some(start) = coloured.find('\u{1b}') {
        let end = coloured[start..].find('m').unwrap() + start + 1;
        coloured.replace_range(start..end, "");
    }
    assert_eq!(coloured, plain);
}

#[test]
fn json() {
    let (sources, all) = sample();
    let shown = render_json::render(&sources, &all);
    let want = r#"{"code":"PC1004","severity":"error","message":"unknown service tag `Storge.WestUS`","file":"lib/a b.gate","line":3,"column":36,"endLine":3,"endColumn":49,"label":"not in catalogue 2026-11-16 (public cloud)","labels":[{"file":"lib/a b.gate","line":3,"column":24,"endLine":3,"endColumn":28,"text":"from here"},{"file":"c,d:e.gate","line":1,"column":1,"endLine":1,"endColumn":2,"text":"and there"}],"help":"did you mean `Storage.WestUS`?","note":"100% of `tags` are listed; see\nthe catalogue","fix":{"file":"lib/a b.gate","line":3,"column":36,"endLine":3,"endColumn":49,"replacement":"Storage.WestUS"}}
{"code":"PC1011","severity":"warning","message":"`b` is never used","file":"lib/a b.gate","line":4,"column":6,"endLine":5,"endColumn":1,"labels":[],"help":"remove it"}
{"code":"PC4006","severity":"note","message":"wide; see ]","file":"c,d:e.gate","line":1,"column":1,"endLine":1,"endColumn":2,"labels":[]}
{"code":"PC9002","severity":"warning","message":"old","labels":[]}
"#;
    assert_eq!(shown, want, "{shown}");
}

#[test]
fn github() {
    let (sources, all) = sample();
    let shown = render_github::render(&sources, &all);
    let want = "\
::error file=lib/a b.gate,line=3,col=36,title=PC1004::unknown service tag `Storge.WestUS`%0Ahere: not in catalogue 2026-11-16 (public cloud)%0Ahelp: did you mean `Storage.WestUS`?%0Anote: 100%25 of `tags` are listed; see%0Athe catalogue
::warning file=lib/a b.gate,line=4,col=6,title=PC1011::`b` is never used%0Ahelp: remove it
::notice file=c%2Cd%3Ae.gate,line=1,col=1,title=PC4006::wide; see ]
::warning title=PC9002::old
";
    assert_eq!(shown, want, "{shown}");
}

#[test]
fn pipelines() {
    let (sources, all) = sample();
    let shown = render_pipelines::render(&sources, &all);
    let want = "\
##vso[task.logissue type=error;sourcepath=lib/a b.gate;linenumber=3;columnnumber=36;code=PC1004;]unknown service tag `Storge.WestUS`%0Ahere: not in catalogue 2026-11-16 (public cloud)%0Ahelp: did you mean `Storage.WestUS`?%0Anote: 100%AZP25 of `tags` are listed; see%0Athe catalogue
##vso[task.logissue type=warning;sourcepath=lib/a b.gate;linenumber=4;columnnumber=6;code=PC1011;]`b` is never used%0Ahelp: remove it
c,d:e.gate:1:1: note PC4006: wide; see ]
##vso[task.logissue type=warning;code=PC9002;]old
";
    assert_eq!(shown, want, "{shown}");
}

#[test]
fn pipelines_take_no_command_from_the_source() {
    let sources = SourceMap::default();
    let note = Diagnostic::general(
        Code::PC4006,
        None,
        "a\n##vso[task.complete result=Failed;]b",
    );
    let shown = render_pipelines::render(&sources, &[note]);
    assert_eq!(
        shown,
        "note PC4006: a ## vso[task.complete result=Failed;]b\n"
    );
}

#[test]
fn sarif() {
    let (sources, all) = sample();
    let shown = render_sarif::render(&sources, &all);
    let log: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let at = |pointer: &str| log.pointer(pointer).unwrap().clone();
    assert_eq!(at("/version"), "2.1.0");
    assert_eq!(at("/runs/0/tool/driver/rules/0/id"), "PC1004");
    assert_eq!(at("/runs/0/tool/driver/rules/0/name"), "UnknownServiceTag");
    // A relative `helpUri` is not valid, and the pages have no address: the page itself is in the log.
    assert!(!shown.contains("helpUri"));
    let page = at("/runs/0/tool/driver/rules/0/help/markdown");
    assert!(page.as_str().unwrap().starts_with("# PC1004: "), "{page}");
    assert_eq!(at("/runs/0/results/1/ruleIndex"), 1);
    assert_eq!(at("/runs/0/results/2/level"), "note");
    let place = "/runs/0/results/0/locations/0/physicalLocation";
    assert_eq!(
        at(&format!("{place}/artifactLocation/uri")),
        "lib/a%20b.gate"
    );
    assert_eq!(at(&format!("{place}/region/startColumn")), 36);
    assert_eq!(
        at("/runs/0/results/0/fixes/0/artifactChanges/0/replacements/0/insertedContent/text"),
        "Storage.WestUS"
    );
    assert!(log.pointer("/runs/0/results/3/locations").is_none());
}

#[test]
fn sarif_fingerprints_survive_lines_above() {
    let prints = |text: &str| -> Vec<String> {
        let mut sources = SourceMap::default();
        let file = sources.add("a.gate", text);
        let all: Vec<Diagnostic> = text
            .match_indices("bad")
            .map(|(at, _)| {
                let at = u32::try_from(at).unwrap();
                Diagnostic::new(Code::PC1001, Span::new(file, at, at + 3), "m")
            })
            .collect();
        let log: serde_json::Value =
            serde_json::from_str(&render_sarif::render(&sources, &all)).unwrap();
        log.pointer("/runs/0/results")
            .and_then(|r| r.as_array())
            .unwrap()
            .iter()
            .map(|r| r["partialFingerprints"]["portcullisLine/v1"].to_string())
            .collect()
    };
    let one = prints("bad\nbad\nok bad\n");
    assert_eq!(one, prints("new\n\nbad\n  bad\nok bad\n"));
    assert!(one[0] != one[1] && one[1] != one[2]);
}

#[test]
fn nothing_to_say() {
    let sources = SourceMap::default();
    assert_eq!(
        render_text::render(&sources, &[], render_text::Style::default()),
        ""
    );
    assert_eq!(render_json::render(&sources, &[]), "");
    assert_eq!(render_github::render(&sources, &[]), "");
    assert_eq!(render_pipelines::render(&sources, &[]), "");
    assert!(render_sarif::render(&sources, &[]).contains("\"results\": []"));
}
