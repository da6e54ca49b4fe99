//! How text becomes part of workflow commands of GitHub Actions, of logging commands of Azure Pipelines,
//! and of URIs. What is said, others know.
//!
//! Sources: GitHub Docs, "Workflow commands for GitHub Actions", and the toolkit's `command.ts`; Microsoft
//! Learn, "Logging commands"; RFC 3986. Checked 2026-11-30.

/// The text of a workflow command.
#[must_use]
pub fn github_data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of a workflow command.
#[must_use]
pub fn github_property(text: &str) -> String {
    github_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The text of a logging command.
#[must_use]
pub fn pipelines_data(text: &str) -> String {
    text.replace('%', "%AZP25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of a logging command.
#[must_use]
pub fn pipelines_property(text: &str) -> String {
    pipelines_data(text).replace(']', "%5D").replace(';', "%3B")
}

/// A line of a pipeline's log that is no command: user text must not smuggle one in at the start of a
/// line. With its line end.
#[must_use]
pub fn pipelines_plain(text: &str) -> String {
    let text = text.replace("##vso[", "## vso[").replace("##[", "## [");
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    lines.join(" ") + "\n"
}

/// A path with forward slashes as a relative URI.
#[must_use]
pub fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
