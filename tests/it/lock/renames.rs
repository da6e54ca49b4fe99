//! Renames that `moved` states: of a label, of a group, of an instance.

use portcullis::allocate::lock::Part;
use portcullis::diag::Code;

use super::project::Built;
use super::read;

const MODULE: &str = "param at: endpoint\n\
    allow plain: tcp/443 from at to 20.1.1.1 for \"P\"\n\
    group g {\n  allow a: tcp/443 from at to 20.1.1.2 for \"A\"\n  deny d: tcp/80 from at to 20.1.1.3 for \"D\"\n}\n";

const HEAD: &str = "vnet hub = 10.0.0.0/16\n\
    firewall azfw {\n  policy = \"afwp\"\n  vnet = hub\n  subnet = 10.0.1.0/26\n  private-ip = 10.0.1.4\n}\n\
    subnet web = 10.0.2.0/24 {\n  vnet = hub\n  nsg = web\n  route-table = web\n}\n\
    nsg web {\n  default-outbound = deny\n}\nroute-table web {\n  default = azfw\n}\n";

fn built(instance: &str, module: &str, moved: &str) -> Built {
    Built::of(&format!(
        "{HEAD}use \"app.gate\" as {instance} with {{ at = web }}\n{moved}"
    ))
    .with("app.gate", module)
}

/// Compiles before and after, and checks that every rule has the number and the place it had.
fn assert_kept(before: &Built, after: &Built, rename: &dyn Fn(&str) -> String) {
    let (first, _) = before.compile(None);
    let (next, told) = after.compile(Some(&first.lock));
    let (old, new) = (read(&first.lock), read(&next.lock));
    let mut seen = 0;
    for (scope, entries) in old.scopes.iter().filter(|(s, _)| s.part != Part::Groups) {
        for (id, was) in &entries.entries {
            let now = new.scopes[scope].entries.get(&rename(id));
            assert_eq!(now, Some(was), "{scope} {id}\n{}", next.lock);
            seen += 1;
        }
    }
    assert!(seen > 4, "{}", first.lock);
    for code in [Code::PC7003, Code::PC7005] {
        assert!(!told.iter().any(|d| d.code == code), "{told:#?}");
    }
}

#[test]
fn an_instance_keeps_its_numbers_under_another_name() {
    for layout in super::LAYOUTS {
        let mut before = built("one", MODULE, "");
        let mut after = built("two", MODULE, "moved one -> two\n");
        before.settings.layout.rcg = layout;
        after.settings.layout.rcg = layout;
        assert_kept(&before, &after, &|id| {
            id.replace("one::", "two::").replace("-one", "-two")
        });
    }
}

#[test]
fn a_group_of_an_instance_keeps_its_numbers_under_another_name() {
    let before = built("one", MODULE, "");
    let inside = format!("{MODULE}moved g -> h\n").replace("group g", "group h");
    let renamed = |id: &str| id.replace("::g::", "::h::").replace("-one-g/", "-one-h/");
    assert_kept(&before, &built("one", &inside, ""), &renamed);
    let outside = MODULE.replace("group g", "group h");
    let moved = "moved one::g -> one::h\n";
    assert_kept(&before, &built("one", &outside, moved), &renamed);
}

#[test]
fn a_label_of_an_instance_keeps_its_number_under_another_name() {
    let before = built("one", MODULE, "");
    let module = MODULE
        .replace("allow a:", "allow b:")
        .replace("plain", "bare");
    let after = built(
        "one",
        &module,
        "moved one::g::a -> one::g::b\nmoved one::plain -> one::bare\n",
    );
    assert_kept(&before, &after, &|id| {
        id.replace("::g::a", "::g::b").replace("plain", "bare")
    });
}

#[test]
fn the_rename_that_is_offered_is_accepted() {
    let (first, _) = built("one", MODULE, "").compile(None);
    let mut after = built("two", MODULE, "");
    after.output.clone_from(&first.files);
    let (_, told) = after.compile(Some(&first.lock));
    let offered: Vec<String> = told
        .iter()
        .filter(|d| d.code == Code::PC7005)
        .map(|d| format!("{:?}", d.help))
        .collect();
    assert_eq!(offered.len(), 1, "{offered:#?}");
    assert!(offered[0].contains("`moved one -> two`"), "{offered:#?}");
    let (_, told) = built("two", MODULE, "moved one -> two\n").compile(Some(&first.lock));
    assert!(!told.iter().any(|d| d.code == Code::PC7005), "{told:#?}");
    let (output, told) = built("one", MODULE, "moved none -> two\n").run(Some(&first.lock));
    assert!(output.is_none());
    assert!(told.iter().any(|d| d.code == Code::PC1001), "{told:#?}");
}
