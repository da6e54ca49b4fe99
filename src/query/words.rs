//! Protocols, ports and names of a row in the language's own words. Addresses are `naming.rs`'s.

use crate::model::service::{PortSet, Proto, default_port};
use crate::packet::{RectangleNames, Transport, Transports, Witness};

/// `tcp/443`, `https`, `icmp`, `any`. What the language has no word for is told in brackets.
#[must_use]
pub fn service_texts(transports: Transports, ports: &PortSet) -> Vec<String> {
    if transports == Transports::ALL && ports.is_all() {
        return vec!["any".to_owned()];
    }
    let mut out = Vec::new();
    let tcp = transports.intersect(Transports::TCP);
    if tcp == Transports::TCP {
        out.push(with_ports("tcp", None, ports));
    } else {
        for transport in tcp.iter() {
            let (word, usual) = match transport {
                Transport::Http => ("http", default_port(Proto::Http)),
                Transport::Https => ("https", default_port(Proto::Https)),
                Transport::Mssql => ("mssql", default_port(Proto::Mssql)),
                _ => ("tcp", None),
            };
            let mut text = with_ports(word, usual, ports);
            if transport == Transport::Tcp {
                text.push_str(" (nothing to read)");
            }
            out.push(text);
        }
    }
    for transport in transports.subtract(Transports::TCP).iter() {
        let word = transport.protocol();
        if transport.has_ports() {
            out.push(with_ports(word, None, ports));
        } else {
            out.push(word.to_owned());
        }
    }
    out
}

fn with_ports(word: &str, usual: Option<u16>, ports: &PortSet) -> String {
    let is_usual = usual.is_some_and(|port| *ports == PortSet::one(port));
    if is_usual || ports.is_all() && usual.is_none() {
        return word.to_owned();
    }
    let texts = if ports.is_all() {
        vec!["1-65535".to_owned()]
    } else {
        ports.texts()
    };
    format!("{word}/{}", texts.join(","))
}

/// `any`, `none`, `*.contoso.com except www.contoso.com`, `none or www.contoso.com`. Symbols are left
/// out, and of each list what is beyond the first so many.
#[must_use]
pub fn names_text(names: &RectangleNames, most: usize) -> String {
    let cut = |list: &[String]| {
        let mut out = list
            .iter()
            .take(most)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        if list.len() > most {
            out.push_str(&format!(", and {} more", list.len() - most));
        }
        out
    };
    let patterns: Vec<String> = names
        .patterns
        .iter()
        .map(|p| {
            let text = if p.pattern == "*" {
                "any name"
            } else {
                p.pattern.as_str()
            };
            match p.except.as_slice() {
                [] => text.to_owned(),
                [one] => format!("{text} except {one}"),
                several => format!("{text} except [{}]", cut(several)),
            }
        })
        .collect();
    let all = matches!(names.patterns.as_slice(), [p] if p.pattern == "*" && p.except.is_empty());
    match (names.none, patterns.is_empty()) {
        (true, false) if all => "any".to_owned(),
        (true, true) => "no name".to_owned(),
        (true, false) => format!("no name or {}", cut(&patterns)),
        (false, _) => cut(&patterns),
    }
}

/// A packet as arguments of `explain`; `None` where it cannot be typed.
#[must_use]
pub fn typed(witness: &Witness, any_source_port: bool) -> Option<String> {
    let end = |address: std::net::IpAddr, port: Option<u16>| match port {
        Some(port) if address.is_ipv6() => format!("[{address}]:{port}"),
        Some(port) => format!("{address}:{port}"),
        None => address.to_string(),
    };
    let ported = witness.transport.has_ports();
    let source_port = (ported && !any_source_port).then_some(witness.source_port);
    let port = ported.then_some(witness.port);
    let source = end(witness.source, source_port);
    let word = witness.transport.to_string();
    let Some(name) = &witness.name else {
        return Some(format!(
            "{word} {source} {}",
            end(witness.destination, port)
        ));
    };
    // On these ports `tcp` with a name stands for what is usually spoken there.
    if witness.transport == Transport::Tcp && matches!(witness.port, 80 | 443 | 1433) {
        return None;
    }
    let to = port.map_or_else(|| name.clone(), |port| format!("{name}:{port}"));
    Some(format!(
        "{word} {source} {to} --address {}",
        witness.destination
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_told_as_they_are_written() {
        let text = |t, p: &[(u16, u16)]| service_texts(t, &PortSet::from_ranges(p)).join(", ");
        let all = [(1, u16::MAX)];
        assert_eq!(text(Transports::ALL, &all), "any");
        assert_eq!(text(Transports::TCP, &[(443, 443)]), "tcp/443");
        assert_eq!(text(Transports::PORTED, &[(53, 53)]), "tcp/53, udp/53");
        assert_eq!(
            text(Transports::one(Transport::Https), &[(443, 443)]),
            "https"
        );
        assert_eq!(
            text(
                Transports::one(Transport::Https),
                &[(443, 443), (8443, 8443)]
            ),
            "https/443,8443"
        );
        assert_eq!(text(Transports::one(Transport::Http), &all), "http/1-65535");
        assert_eq!(
            text(Transports::one(Transport::Tcp), &[(443, 443)]),
            "tcp/443 (nothing to read)"
        );
        assert_eq!(text(Transports::PORTLESS, &all), "icmp, esp, ah, other");
    }
}
