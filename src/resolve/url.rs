//! Which URL patterns Azure Firewall takes. It knows nothing of flows.
//!
//! Source: "Azure Firewall FAQ", wildcards in target URLs and FQDNs of application rules (checked
//! 2026-11-23): an asterisk at the far left or the far right only; no scheme, no port, no query.

use crate::syntax::check_name_pattern;

/// A URL pattern, or why it is none: a host, an optional path, an asterisk at an outer end.
pub(super) fn check_url(text: &str) -> Result<(), &'static str> {
    if text == "*" {
        return Ok(());
    }
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.contains("://") {
        return Err("the scheme does not belong to the pattern");
    }
    if !text.is_ascii() || text.contains(|c: char| c.is_ascii_whitespace() || c.is_ascii_control())
    {
        return Err("it has a character that a URL cannot have");
    }
    if text.contains(['?', '#']) {
        return Err("a query or fragment does not belong to the pattern");
    }
    let (host, path) = match text.split_once('/') {
        Some((host, path)) => (host, Some(path)),
        None => (text, None),
    };
    if host.contains(':') {
        return Err("the port does not belong to the pattern, it stands in the services");
    }
    let bare = host.strip_prefix('*').unwrap_or(host);
    if bare.contains('*') {
        return Err("an asterisk stands at the far left or the far right only");
    }
    if check_name_pattern(host).is_err() {
        return Err("its host is not a name such as `www.contoso.com` or `*.contoso.com`");
    }
    let Some(path) = path else {
        return Ok(());
    };
    let stem = path.strip_suffix('*').unwrap_or(path);
    if stem.contains('*') {
        return Err("an asterisk stands at the far left or the far right only");
    }
    // Two asterisks, one at each end, stand in no list of what is supported.
    if host.starts_with('*') && stem.len() < path.len() {
        return Err("one asterisk, at the far left or at the far right");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_the_documentation() {
        for good in [
            "www.contoso.com",
            "*.contoso.com",
            "*contoso.com",
            "www.contoso.com/test",
            "www.contoso.com/test/",
            "www.contoso.com/test/*",
            "www.contoso.com/*",
            "*.contoso.com/test",
            "*",
        ] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "www.contoso.*",
            "www.*contoso.com",
            "www.contoso.*/test/*",
            "www.contoso.com:8080/a",
            "www.contoso.com/test?with=query",
            "https://www.contoso.com",
            "www.contoso.com/a*b",
            "www.contoso.com/a b",
            "*.contoso.com/test/*",
            "contoso",
            "10.0.0.4/a",
            "/a",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }
}
