//! Protocol words and ports as transports, which differ towards addresses and towards names.

use crate::model::service::{PortSet, Proto, Traffic, default_port};
use crate::packet::{Service, Transport, Transports};

/// Towards addresses nothing is read: `http`, `https` and `mssql` are any TCP on their ports.
pub(super) fn to_addresses(traffic: &Traffic, source_ports: Option<&PortSet>) -> Vec<Service> {
    let transport = traffic.transport();
    let all = transport.iter();
    all.map(|(proto, ports)| service(carriers(*proto, ports), ports, source_ports))
        .collect()
}

/// Towards names the words say what the client speaks, and so do tcp/80, tcp/443 and tcp/1433. On
/// other ports tcp is any client that asked for the name.
pub(super) fn to_names(traffic: &Traffic, source_ports: Option<&PortSet>) -> Vec<Service> {
    const SPOKEN: [(Proto, Transport); 3] = [
        (Proto::Http, Transport::Http),
        (Proto::Https, Transport::Https),
        (Proto::Mssql, Transport::Mssql),
    ];
    let mut out = Vec::new();
    for (proto, ports) in traffic.iter() {
        if let Some((_, spoken)) = SPOKEN.iter().find(|(word, _)| *word == proto) {
            out.push(service(Transports::one(*spoken), ports, source_ports));
            continue;
        }
        let mut rest = ports.clone();
        if proto == Proto::Tcp {
            for (word, spoken) in SPOKEN {
                let Some(port) = default_port(word).filter(|port| rest.contains(*port)) else {
                    continue;
                };
                rest = rest.without(port);
                let transports = Transports::one(spoken);
                out.push(service(transports, &PortSet::one(port), source_ports));
            }
        }
        if !rest.is_empty() {
            out.push(service(carriers(proto, &rest), &rest, source_ports));
        }
    }
    out
}

fn service(transports: Transports, ports: &PortSet, source_ports: Option<&PortSet>) -> Service {
    Service {
        transports,
        ports: ports.clone(),
        source_ports: source_ports.cloned().unwrap_or_else(PortSet::all),
    }
}

/// The transports of a word. A probe may ask for `any` on a port: that speaks of what has ports.
fn carriers(proto: Proto, ports: &PortSet) -> Transports {
    match proto {
        Proto::Any if ports.is_all() => Transports::ALL,
        Proto::Any => Transports::PORTED,
        Proto::Tcp | Proto::Http | Proto::Https | Proto::Mssql => Transports::TCP,
        Proto::Udp => Transports::one(Transport::Udp),
        Proto::Icmp => Transports::one(Transport::Icmp),
        Proto::Esp => Transports::one(Transport::Esp),
        Proto::Ah => Transports::one(Transport::Ah),
    }
}
