//! What a user types, or writes in a line of a file, as a question. It answers nothing.

use std::net::IpAddr;

use serde::Deserialize;

use crate::packet::Transport;
use crate::reach::Question;

/// One line of `--flows`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    protocol: String,
    source: String,
    #[serde(default)]
    source_port: Option<u16>,
    #[serde(default)]
    destination: Option<String>,
    #[serde(default)]
    port: Option<u16>,
    #[serde(default)]
    fqdn: Option<String>,
    #[serde(default)]
    l7: Option<String>,
}

/// A question from `tcp 10.10.4.7 login.microsoftonline.com:443`.
///
/// # Errors
/// What is wrong, and how it is written right.
pub(super) fn words(words: &[String], address: Option<IpAddr>) -> Result<Question, String> {
    let [protocol, source, destination] = words else {
        return Err(format!(
            "a packet is three words, as in `tcp 10.10.4.7 login.microsoftonline.com:443`; here are {}",
            words.len()
        ));
    };
    let (source, source_port) = end(source)?;
    let Ok(source) = source.parse::<IpAddr>() else {
        return Err(format!(
            "the source `{source}` is no address; a packet comes from one, such as 10.10.4.7"
        ));
    };
    let (text, port) = end(destination)?;
    let (mut to, name) = match text.parse::<IpAddr>() {
        Ok(address) => (Some(address), None),
        Err(_) => (None, Some(name(&text)?)),
    };
    if let Some(address) = address {
        if name.is_none() {
            return Err(
                "`--address` says where a name resolves to; the destination is an address already"
                    .to_owned(),
            );
        }
        to = Some(address);
    }
    question(protocol, None, (source, source_port), to, port, name)
}

/// A question from a line of JSON.
///
/// # Errors
/// What is wrong with the line.
pub(super) fn line(text: &str) -> Result<Question, String> {
    let line: Line = serde_json::from_str(text).map_err(|e| {
        // Each line is a text of its own, so that its number here is of no use.
        e.to_string().replace(" at line 1 column ", " at column ")
    })?;
    let address = |text: &str, what: &str| {
        text.parse::<IpAddr>()
            .map_err(|_| format!("`{what}`: `{text}` is no address"))
    };
    let source = address(&line.source, "source")?;
    let to = match line.destination.as_deref() {
        None | Some("") => None,
        Some(text) => Some(address(text, "destination")?),
    };
    let name = match line.fqdn.as_deref() {
        None | Some("") => None,
        Some(text) => Some(name(text)?),
    };
    question(
        &line.protocol,
        line.l7.as_deref(),
        (source, line.source_port),
        to,
        line.port,
        name,
    )
}

fn question(
    protocol: &str,
    inside: Option<&str>,
    (source, source_port): (IpAddr, Option<u16>),
    destination: Option<IpAddr>,
    port: Option<u16>,
    name: Option<String>,
) -> Result<Question, String> {
    let transport = transport(protocol, inside, port, name.is_some())?;
    let port = port.or(match (protocol.to_ascii_lowercase().as_str(), transport) {
        ("http", _) => Some(80),
        ("https", _) => Some(443),
        ("mssql", _) => Some(1433),
        _ => None,
    });
    if transport.has_ports() {
        if port == Some(0) || source_port == Some(0) {
            return Err("ports are 1 to 65535".to_owned());
        }
    } else if port.is_some() || source_port.is_some() {
        return Err(format!("{transport} has no ports"));
    }
    if let Some(to) = destination
        && to.is_ipv4() != source.is_ipv4()
    {
        return Err("source and destination are of different address families".to_owned());
    }
    Ok(Question {
        transport,
        source,
        source_port,
        destination,
        port,
        name,
    })
}

/// What is read inside is what the usual port says, if the connection shows a name.
fn transport(
    protocol: &str,
    inside: Option<&str>,
    port: Option<u16>,
    named: bool,
) -> Result<Transport, String> {
    let usual = match (named, port) {
        (true, Some(80)) => Transport::Http,
        (true, Some(443)) => Transport::Https,
        (true, Some(1433)) => Transport::Mssql,
        _ => Transport::Tcp,
    };
    let over = match protocol.to_ascii_lowercase().as_str() {
        "tcp" => None,
        "http" => Some(Transport::Http),
        "https" | "tls" => Some(Transport::Https),
        "mssql" => Some(Transport::Mssql),
        "udp" => Some(Transport::Udp),
        "icmp" => Some(Transport::Icmp),
        "esp" => Some(Transport::Esp),
        "ah" => Some(Transport::Ah),
        "other" => Some(Transport::Other),
        _ => {
            return Err(format!(
                "`{protocol}` is no protocol; write tcp, udp, icmp, esp, ah, http, https, mssql or other"
            ));
        }
    };
    let read = match inside.map(str::to_ascii_lowercase).as_deref() {
        None | Some("") => return Ok(over.unwrap_or(usual)),
        Some("none") => None,
        Some("http") => Some(Transport::Http),
        Some("https") => Some(Transport::Https),
        Some("mssql") => Some(Transport::Mssql),
        Some(other) => {
            return Err(format!(
                "`l7`: `{other}` is none of none, http, https, mssql"
            ));
        }
    };
    match (over, read) {
        (None, read) => Ok(read.unwrap_or(Transport::Tcp)),
        (Some(over), None) => Ok(over),
        (Some(over), Some(read)) if over == read => Ok(over),
        (Some(over), Some(read)) => Err(format!("`l7`: nothing reads {read} in {over}")),
    }
}

/// An end and its port: `10.0.0.4`, `10.0.0.4:443`, `[fd00::4]:443`, `www.contoso.com:443`.
fn end(text: &str) -> Result<(String, Option<u16>), String> {
    let port = |text: &str| {
        text.parse::<u16>()
            .map(Some)
            .map_err(|_| format!("`{text}` is no port; ports are 1 to 65535"))
    };
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, rest)) = rest.split_once(']') else {
            return Err(format!("`{text}`: the bracket is not closed"));
        };
        return match rest.strip_prefix(':') {
            Some(digits) => Ok((address.to_owned(), port(digits)?)),
            None if rest.is_empty() => Ok((address.to_owned(), None)),
            None => Err(format!("`{text}`: write the port behind a colon")),
        };
    }
    match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => Ok((text.to_owned(), None)),
        Some((address, digits)) => Ok((address.to_owned(), port(digits)?)),
        None => Ok((text.to_owned(), None)),
    }
}

/// A name as it is compared: lower case, without the dot of the root.
fn name(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && l.chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    if name.len() > 253 || !name.split('.').all(label) {
        return Err(format!(
            "`{text}` is neither an address nor a name that a connection could show"
        ));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn asked(text: &str) -> Result<Question, String> {
        let list: Vec<String> = text.split(' ').map(str::to_owned).collect();
        words(&list, None)
    }

    #[test]
    fn words_are_packets() {
        let q = asked("tcp 10.0.0.4 Login.Microsoftonline.com.:443").unwrap();
        assert_eq!(q.transport, Transport::Https);
        assert_eq!(q.name.as_deref(), Some("login.microsoftonline.com"));
        let q = asked("tcp 10.0.0.4:50000 203.0.113.5:443").unwrap();
        assert_eq!((q.transport, q.source_port), (Transport::Tcp, Some(50000)));
        let q = asked("https [fd00::4] [2603::5]").unwrap();
        assert_eq!((q.transport, q.port), (Transport::Https, Some(443)));
        let q = asked("icmp fd00::4 fd00::5").unwrap();
        assert_eq!((q.transport, q.port), (Transport::Icmp, None));
    }

    #[test]
    fn what_is_no_packet_is_told() {
        for (text, why) in [
            ("tcp 10.0.0.4", "three words"),
            ("tpc 10.0.0.4 10.0.0.5", "no protocol"),
            ("tcp www.contoso.com 10.0.0.5", "no address"),
            ("tcp 10.0.0.4 10.0.0.5:70000", "no port"),
            ("tcp 10.0.0.4 10.0.0.5:0", "1 to 65535"),
            ("icmp 10.0.0.4 10.0.0.5:7", "no ports"),
            ("tcp 10.0.0.4 fd00::5", "families"),
            ("tcp 10.0.0.4 [fd00::5", "not closed"),
            ("tcp 10.0.0.4 *.contoso.com:443", "neither"),
        ] {
            let told = asked(text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
    }

    #[test]
    fn lines_are_packets() {
        let q = line(r#"{"protocol":"TCP","source":"10.0.0.4","port":443,"fqdn":"a.b"}"#).unwrap();
        assert_eq!(q.transport, Transport::Https);
        let q =
            line(r#"{"protocol":"tcp","source":"10.0.0.4","port":443,"fqdn":"a.b","l7":"none"}"#)
                .unwrap();
        assert_eq!(q.transport, Transport::Tcp);
        assert!(line(r#"{"protocol":"udp","source":"10.0.0.4","l7":"http"}"#).is_err());
        let why = line(r#"{"protocol":"udp","source":"10.0.0.4","prot":1}"#).unwrap_err();
        assert!(why.ends_with(" at column 44"), "{why}");
    }
}
