//! `--against`: definitions that nobody compiled. Every form of a resource is asked the same, each
//! option and each fault has a case, and answers are compared with those of the sources and with the
//! oracle.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod drawn;
mod faults;
mod forms;
mod law;
mod lint;
mod options;

use std::path::PathBuf;

use crate::rooms_meaning::subject::transport;
use portcullis::reach::Question;
use serde_json::Value;

use crate::cli::{Ran, portcullis};
use crate::oracle::Packet;
use crate::oracle::load::root;

/// The folder of the cases.
fn cases() -> PathBuf {
    root().join("tests/cases/against")
}

/// Runs the program among the cases; words with blanks between.
fn ran(words: &str) -> Ran {
    let words: Vec<&str> = words.split(' ').filter(|w| !w.is_empty()).collect();
    portcullis(&cases(), &words)
}

/// The answers of a run with `--format json`.
fn answers(ran: &Ran) -> Vec<Value> {
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let lines = ran.out.lines();
    lines.map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// `verdict layer resource rule` of an answer.
fn short(answer: &Value) -> String {
    ["verdict", "layer", "resource", "rule"]
        .map(|name| answer[name].as_str().unwrap_or("-"))
        .join(" ")
}

/// A packet of the oracle as a question; `None` if nobody can ask it.
fn question(packet: &Packet) -> Option<Question> {
    let transport = transport(packet);
    let source = packet.source.to_string().parse().unwrap();
    let destination: std::net::IpAddr = packet.destination.to_string().parse().unwrap();
    let ported = packet.has_ports();
    if destination.is_ipv4() != packet.source.to_string().contains('.') {
        return None;
    }
    if ported && (packet.port == 0 || packet.source_port == 0) {
        return None;
    }
    Some(Question {
        transport,
        source,
        source_port: ported.then_some(packet.source_port),
        destination: Some(destination),
        port: ported.then_some(packet.port),
        name: (!packet.name.is_empty()).then(|| packet.name.to_lowercase()),
    })
}
