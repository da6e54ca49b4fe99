//! Seeded faults in route tables and IP groups, and resources that are lost.

use portcullis::backends::tree::Tree;

use super::super::spoil::{at, lose, remove, resource, set, set_top, swap_field, text, texts};
use super::{Fault, HUB, fault};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "default route lost",
        HUB,
        |l| {
            remove(l, "apps@routeTables", "default");
        },
        "",
    ),
    fault(
        "default route to the internet",
        HUB,
        |l| {
            let table = "apps@routeTables";
            swap_field(
                l,
                (table, "default"),
                "properties",
                "nextHopIpAddress",
                "nextHopType",
                text("Internet"),
            );
            set(
                l,
                table,
                "default",
                "properties/nextHopType",
                text("Internet"),
            );
        },
        "",
    ),
    fault(
        "default route to another appliance",
        HUB,
        |l| {
            set(
                l,
                "apps@routeTables",
                "default",
                "properties/nextHopIpAddress",
                text("10.0.1.5"),
            )
        },
        "",
    ),
    fault(
        "default route of half the addresses",
        HUB,
        |l| {
            set(
                l,
                "apps@routeTables",
                "default",
                "properties/addressPrefix",
                text("0.0.0.0/1"),
            )
        },
        "",
    ),
    fault(
        "exception route lost",
        HUB,
        |l| {
            remove(l, "apps@routeTables", "egress-direct");
        },
        "",
    ),
    fault(
        "exception route too wide",
        HUB,
        |l| {
            set(
                l,
                "apps@routeTables",
                "egress-direct",
                "properties/addressPrefix",
                text("51.10.30.0/24"),
            )
        },
        "",
    ),
    fault(
        "exception route to nowhere",
        HUB,
        |l| {
            set(
                l,
                "apps@routeTables",
                "egress-direct",
                "properties/nextHopType",
                text("None"),
            )
        },
        "routes of subnet `apps`",
    ),
    fault(
        "the whole table lost",
        HUB,
        |l| lose(l, "data@routeTables"),
        "could not be read back",
    ),
    fault(
        "learnt routes let in",
        HUB,
        |l| {
            set_top(
                l,
                "apps@routeTables",
                "disableBgpRoutePropagation",
                Tree::Bool(false),
            )
        },
        "",
    ),
    fault(
        "address of an IP group lost",
        HUB,
        |l| set_top(l, "offices", "ipAddresses", texts(&["172.20.0.0/24"])),
        "inside::office",
    ),
    fault(
        "address of an IP group added",
        HUB,
        |l| {
            set_top(
                l,
                "offices",
                "ipAddresses",
                texts(&["172.20.0.0/24", "172.20.8.0/23"]),
            )
        },
        "",
    ),
    fault(
        "IP group empty",
        HUB,
        |l| set_top(l, "offices", "ipAddresses", texts(&[])),
        "",
    ),
    fault(
        "range of Internet lost",
        HUB,
        |l| {
            let Some(Tree::List(list)) =
                at(&mut resource(l, "ipg-internet").properties, "ipAddresses")
            else {
                panic!()
            };
            list.remove(3);
        },
        "",
    ),
    fault(
        "range reversed",
        HUB,
        |l| {
            set_top(
                l,
                "offices",
                "ipAddresses",
                texts(&["172.20.0.255-172.20.0.0", "172.20.8.0/24"]),
            )
        },
        "",
    ),
    fault(
        "group of rules lost",
        HUB,
        |l| lose(l, "pc-00-forbid-base"),
        "base::",
    ),
    fault("security group lost", HUB, |l| lose(l, "data"), ""),
];
