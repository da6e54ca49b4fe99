//! The values of single tokens: prefixes, ports, name patterns, dates, strings, templates. Pure
//! functions from text; they place nothing and raise nothing.

use ipnet::IpNet;
use std::net::IpAddr;

use super::ast::{Date, ExprKind};

/// An address, prefix or range, or why the text is none.
///
/// # Errors
/// The reason, in words for people.
pub fn parse_prefix(text: &str) -> Result<ExprKind, String> {
    if let Some((first, last)) = text.split_once('-') {
        let first = parse_address(first)?;
        let last = parse_address(last)?;
        return match (first, last) {
            (IpAddr::V4(a), IpAddr::V4(b)) if a > b => {
                Err("the range ends before it begins".into())
            }
            (IpAddr::V6(a), IpAddr::V6(b)) if a > b => {
                Err("the range ends before it begins".into())
            }
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => {
                Ok(ExprKind::Range(first, last))
            }
            _ => Err("a range has both ends in one address family".into()),
        };
    }
    let Some((address, length)) = text.split_once('/') else {
        return parse_address(text).map(ExprKind::Address);
    };
    let address = parse_address(address)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bad = || format!("the length goes from 0 to {most}");
    if !length.bytes().all(|b| b.is_ascii_digit()) || length.len() > 3 {
        return Err(bad());
    }
    let length: u8 = length.parse().map_err(|_| bad())?;
    IpNet::new(address, length)
        .map(ExprKind::Prefix)
        .map_err(|_| bad())
}

fn parse_address(text: &str) -> Result<IpAddr, String> {
    if text.contains(':') {
        return text
            .parse()
            .map_err(|_| "it is not an IPv6 address".to_owned());
    }
    let octets: Vec<&str> = text.split('.').collect();
    if octets.len() != 4 {
        return Err(format!(
            "an IPv4 address has 4 octets, not {}",
            octets.len()
        ));
    }
    for octet in octets {
        if octet.is_empty() || !octet.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!("`{}` is not an octet", shorten(octet)));
        }
        if octet.len() > 1 && octet.starts_with('0') {
            return Err(format!(
                "octet `{}` begins with a zero, which some tools read as octal",
                shorten(octet)
            ));
        }
        if octet.len() > 3 || octet.parse::<u8>().is_err() {
            return Err(format!("octet `{}` is above 255", shorten(octet)));
        }
    }
    text.parse()
        .map_err(|_| "it is not an IPv4 address".to_owned())
}

/// Port ranges, first and last, or why the text is none. `0-65535` is all ports.
///
/// # Errors
/// The reason, in words for people.
pub fn parse_ports(text: &str) -> Result<Vec<(u16, u16)>, String> {
    text.split(',').map(parse_range).collect()
}

fn parse_range(text: &str) -> Result<(u16, u16), String> {
    if text == "0-65535" {
        return Ok((0, u16::MAX));
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let first = parse_port(first)?;
    let last = parse_port(last)?;
    if first > last {
        return Err(format!("the range `{first}-{last}` is reversed"));
    }
    Ok((first, last))
}

/// One port, 1 to 65535.
///
/// # Errors
/// The reason, in words for people.
pub fn parse_port(text: &str) -> Result<u16, String> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("`{}` is not a port", shorten(text)));
    }
    match text.trim_start_matches('0').parse::<u16>() {
        Ok(port) => Ok(port),
        Err(_) if text.bytes().all(|b| b == b'0') => Err("port 0 is not used".into()),
        Err(_) => Err(format!("port {} is out of range", shorten(text))),
    }
}

/// Checks a name pattern: exact, `*.suffix`, `*suffix`, or `*` alone (which only `fqdn(*)` may
/// hold). Call it again when `${name}` has been filled in.
///
/// # Errors
/// The reason, in words for people.
pub fn check_name_pattern(text: &str) -> Result<(), String> {
    if text == "*" {
        return Ok(());
    }
    if text.contains("://") {
        return Err("a name has no scheme".into());
    }
    if text.contains('/') {
        return Err("a name has no path".into());
    }
    if text.contains(':') {
        return Err("a name has no port; ports belong to the service".into());
    }
    if text.len() > 253 {
        return Err(format!(
            "a name has at most 253 characters, not {}",
            text.len()
        ));
    }
    let body = text.strip_prefix('*').unwrap_or(text);
    if body.contains('*') {
        return Err("the star may only be the very first character".into());
    }
    if body.ends_with('.') {
        return Err("a name has no dot at its end".into());
    }
    if text.starts_with('.') {
        return Err("a dot may only stand first after the star".into());
    }
    if !text.contains('.') {
        return Err("a name has at least one dot".into());
    }
    // After the star the dot is optional: `*.contoso.com`, `*contoso.com`.
    let labels = body.strip_prefix('.').unwrap_or(body);
    for label in labels.split('.') {
        if label.is_empty() {
            return Err("a label is empty".into());
        }
        if label.len() > 63 {
            return Err(format!(
                "a label has at most 63 characters, not {}",
                label.len()
            ));
        }
        if let Some(c) = label
            .chars()
            .find(|c| !c.is_ascii_alphanumeric() && *c != '-' && *c != '_')
        {
            return Err(format!("`{}` cannot stand in a name", c.escape_default()));
        }
    }
    let last = labels.rsplit('.').next().unwrap_or("");
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return Err("its last label is a number, so it is no name".into());
    }
    Ok(())
}

/// A calendar date, if the text is one.
pub(crate) fn parse_date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let year = parts.next()?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    Date::new(year, month, day).ok()
}

/// The text inside quotes, or the bad escape.
pub(crate) fn unescape(literal: &str) -> Result<String, char> {
    let inner = literal
        .strip_prefix('"')
        .and_then(|t| t.strip_suffix('"'))
        .unwrap_or(literal);
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some(c @ ('"' | '\\')) => out.push(c),
            other => return Err(other.unwrap_or('\\')),
        }
    }
    Ok(out)
}

/// At most 60 characters of a text, for messages.
pub(crate) fn shorten(text: &str) -> String {
    let mut out: String = text.chars().take(60).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::*;

    #[test]
    fn prefixes() {
        for good in [
            "10.0.0.0/8",
            "0.0.0.0/0",
            "10.0.0.4",
            "10.0.0.1-10.0.0.9",
            "::/0",
            "fd00::/8",
            "fd00::1-fd00::9",
            "10.0.0.9/8",
        ] {
            assert!(parse_prefix(good).is_ok(), "{good}");
        }
        for bad in [
            "10.0.0",
            "10.0.0.256",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/1x",
            "10.0.0.9-10.0.0.1",
            "10.0.0.1-fd00::1",
            "010.0.0.1",
            "fd00::/129",
            "fd00::g",
            "1.2.3.4.5",
            "10..0.1",
        ] {
            assert!(parse_prefix(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ports() {
        assert_eq!(parse_ports("80,443"), Ok(vec![(80, 80), (443, 443)]));
        assert_eq!(parse_ports("1024-65535"), Ok(vec![(1024, 65535)]));
        assert_eq!(parse_ports("0-65535"), Ok(vec![(0, 65535)]));
        for bad in [
            "0", "65536", "9-1", "", "80-", "-80", "0-10", "1-2-3", "80,",
        ] {
            assert!(parse_ports(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn name_patterns() {
        let label = "a".repeat(63);
        let long = format!("{label}.{label}.{label}.{label}");
        for good in [
            "contoso.com",
            "*.contoso.com",
            "*contoso.com",
            "*-prod.contoso.com",
            "_dmarc.contoso.com",
            "1.2.3.4.nip.io",
            "*",
            "*.com",
        ] {
            assert_eq!(check_name_pattern(good), Ok(()), "{good}");
        }
        for bad in [
            "www.*.com",
            "**.com",
            "contoso.com.",
            ".contoso.com",
            "https://contoso.com",
            "contoso.com:443",
            "contoso.com/a",
            "a..b",
            "*..b",
            "localhost",
            "*suffix",
            "*.",
            "a b.com",
            "1.2.3",
            "",
            &long,
            &format!("a{label}.com"),
        ] {
            assert!(check_name_pattern(bad).is_err(), "{bad}");
        }
    }
}
