//! Tests as JUnit XML, as the test tabs of Azure Pipelines and GitHub read it: a suite for each
//! environment ("Publish Test Results v2 task", checked 2026-11-30). No times: they would differ.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::rows::{ProbeRow, Row, decider};

/// All of it.
///
/// # Errors
/// When it cannot be written, which memory always can.
pub(super) fn text(rows: &[Row]) -> Result<String, String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    write(&mut writer, rows).map_err(|why| why.to_string())?;
    let mut text = String::from_utf8(writer.into_inner()).map_err(|why| why.to_string())?;
    text.push('\n');
    Ok(text)
}

fn write(writer: &mut Writer<Vec<u8>>, rows: &[Row]) -> std::io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut suites: Vec<(&str, Vec<&Row>)> = Vec::new();
    for row in rows {
        match suites.last_mut() {
            Some((name, list)) if *name == row.environment => list.push(row),
            _ => suites.push((&row.environment, vec![row])),
        }
    }
    let all = counts(rows.iter());
    writer
        .create_element("testsuites")
        .with_attribute(("name", "portcullis"))
        .with_attribute(("tests", all.0.as_str()))
        .with_attribute(("failures", all.1.as_str()))
        .with_attribute(("errors", all.2.as_str()))
        .write_inner_content(|writer| {
            for (name, rows) in &suites {
                suite(writer, name, rows)?;
            }
            Ok(())
        })?;
    Ok(())
}

fn suite(writer: &mut Writer<Vec<u8>>, name: &str, rows: &[&Row]) -> std::io::Result<()> {
    let own = counts(rows.iter().copied());
    writer
        .create_element("testsuite")
        .with_attribute(("name", attribute(name).as_str()))
        .with_attribute(("tests", own.0.as_str()))
        .with_attribute(("failures", own.1.as_str()))
        .with_attribute(("errors", own.2.as_str()))
        .write_inner_content(|writer| {
            for row in rows {
                case(writer, row)?;
            }
            Ok(())
        })?;
    Ok(())
}

fn case(writer: &mut Writer<Vec<u8>>, row: &Row) -> std::io::Result<()> {
    let (file, line) = row.place.rsplit_once(':').unwrap_or((&row.place, "0"));
    let element = writer
        .create_element("testcase")
        .with_attribute(("name", attribute(&row.test).as_str()))
        .with_attribute(("classname", attribute(&row.environment).as_str()))
        .with_attribute(("file", attribute(file).as_str()))
        .with_attribute(("line", line));
    let assumed: Vec<String> = row
        .probes
        .iter()
        .flat_map(|probe| &probe.assumes)
        .map(|assumed| format!("assuming {assumed}\n"))
        .collect();
    if row.passed() && assumed.is_empty() {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|writer| {
        if let Some(reason) = &row.reason {
            writer
                .create_element("error")
                .with_attribute(("message", attribute(reason).as_str()))
                .write_empty()?;
        }
        // One of them: readers take the first, and some refuse more.
        if let Some(first) = row.failures().next() {
            let text: Vec<String> = row.failures().map(failure).collect();
            writer
                .create_element("failure")
                .with_attribute(("message", attribute(&message(first)).as_str()))
                .with_attribute(("type", first.code.unwrap_or_default()))
                .write_text_content(BytesText::new(&allowed(&text.join("\n"))))?;
        }
        if !assumed.is_empty() {
            writer
                .create_element("system-out")
                .write_text_content(BytesText::new(&allowed(&assumed.concat())))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// All, failed, not run.
fn counts<'r>(rows: impl Iterator<Item = &'r Row> + Clone) -> (String, String, String) {
    let broken = rows.clone().filter(|row| row.reason.is_some()).count();
    let failed = rows.clone().filter(|row| !row.passed()).count() - broken;
    (
        rows.count().to_string(),
        failed.to_string(),
        broken.to_string(),
    )
}

fn message(probe: &ProbeRow) -> String {
    let what = probe.packet.as_deref().unwrap_or(&probe.probe);
    match probe.actual {
        Some(actual) => format!("{what}: expected {}, is {actual}", probe.expected),
        None => format!("{what}: covers no packet"),
    }
}

fn failure(probe: &ProbeRow) -> String {
    let mut out = format!("{}  {}\n{}\n", probe.probe, probe.place, message(probe));
    if let Some(by) = decider(probe) {
        out.push_str(&format!("by {by}\n"));
    }
    if !probe.depends_on.is_empty() {
        out.push_str(&format!("depends on {}\n", probe.depends_on.join(", ")));
    }
    if let Some(reason) = &probe.reason {
        out.push_str(&format!("{reason}\n"));
    }
    out.push_str(&probe.way);
    out
}

/// Text that an attribute keeps as it is.
fn attribute(text: &str) -> String {
    allowed(text).replace(['\n', '\r', '\t'], " ")
}

/// XML 1.0 has no way to write most control characters ("Extensible Markup Language (XML) 1.0",
/// production 2).
fn allowed(text: &str) -> String {
    let is = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars()
        .map(|c| if is(c) { c } else { '\u{fffd}' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(allowed("a\u{1}b\u{ffff}\nc"), "a\u{fffd}b\u{fffd}\nc");
        assert_eq!(attribute("a\tb\nc"), "a b c");
    }
}
