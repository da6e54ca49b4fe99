//! Seeded faults in firewall policies and classic firewalls.

use portcullis::backends::tree::Tree;

use super::super::spoil::{
    at, exchange, lose_field, named, remove, set, set_top, swap_field, text, texts,
};
use super::{CLASSIC, Fault, HUB, PARENT, fault};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "rule lost",
        HUB,
        |l| {
            remove(l, "pc-30-allow-inside", "inside-office");
        },
        "inside::office",
    ),
    fault(
        "forbid lost where a security group denies too",
        HUB,
        |l| {
            remove(l, "pc-00-forbid-base", "base-quarantine");
        },
        "base::quarantine",
    ),
    fault(
        "deny lost where a security group denies too",
        HUB,
        |l| {
            remove(l, "pc-20-deny-base", "base-files");
        },
        "base::files",
    ),
    fault(
        "deny of a category lost",
        HUB,
        |l| {
            remove(l, "pc-20-deny-egress", "egress-media");
        },
        "egress::media",
    ),
    fault(
        "exception group behind its deny",
        HUB,
        |l| set_top(l, "pc-10-exception-base", "priority", Tree::Int(19000)),
        "base::backup",
    ),
    fault(
        "deny group behind the allows",
        HUB,
        |l| set_top(l, "pc-20-deny-egress", "priority", Tree::Int(60000)),
        "egress::media",
    ),
    fault(
        "ordered collections swapped",
        HUB,
        |l| {
            exchange(
                l,
                "pc-25-ordered-acl",
                ("net-second-deny", "net-third-allow"),
                "priority",
            )
        },
        "acl::",
    ),
    fault(
        "collection of the other action",
        HUB,
        |l| {
            set(
                l,
                "pc-20-deny-base",
                "net-deny",
                "action/type",
                text("Allow"),
            )
        },
        "base::",
    ),
    fault(
        "http for https",
        HUB,
        |l| {
            set(
                l,
                "pc-30-allow-egress",
                "egress-patches",
                "protocols/0/protocolType",
                text("Http"),
            )
        },
        "egress::patches",
    ),
    fault(
        "application port off by one",
        HUB,
        |l| {
            set(
                l,
                "pc-30-allow-egress",
                "egress-patches",
                "protocols/0/port",
                Tree::Int(444),
            )
        },
        "egress::patches",
    ),
    fault(
        "a name lost",
        HUB,
        |l| {
            set(
                l,
                "pc-30-allow-egress",
                "egress-packages",
                "targetFqdns",
                texts(&["pypi.org"]),
            )
        },
        "egress::packages",
    ),
    fault(
        "a name too wide",
        HUB,
        |l| {
            set(
                l,
                "pc-30-allow-egress",
                "egress-packages",
                "targetFqdns",
                texts(&["*pypi.org", "pypi.org"]),
            )
        },
        "",
    ),
    fault(
        "any name",
        HUB,
        |l| {
            set(
                l,
                "pc-30-allow-egress",
                "egress-packages",
                "targetFqdns",
                texts(&["*"]),
            )
        },
        "",
    ),
    fault(
        "another FQDN tag",
        HUB,
        |l| {
            set(
                l,
                "pc-30-allow-egress",
                "egress-patches",
                "fqdnTags",
                texts(&["AzureBackup"]),
            )
        },
        "egress::patches",
    ),
    fault(
        "another category",
        HUB,
        |l| {
            set(
                l,
                "pc-20-deny-egress",
                "egress-media",
                "webCategories",
                texts(&["News"]),
            )
        },
        "egress::media",
    ),
    fault(
        "an address rule for a rule by name",
        HUB,
        |l| {
            swap_field(
                l,
                ("pc-30-allow-egress", "egress-time-fqdn"),
                "",
                "destinationFqdns",
                "destinationAddresses",
                texts(&["*"]),
            )
        },
        "",
    ),
    fault(
        "the name of a network rule lost",
        HUB,
        |l| {
            remove(l, "pc-30-allow-egress", "egress-time-fqdn");
        },
        "egress::time",
    ),
    fault(
        "firewall port off by one",
        HUB,
        |l| {
            set(
                l,
                "pc-30-allow-egress",
                "egress-partner",
                "destinationPorts",
                texts(&["8442-8443"]),
            )
        },
        "",
    ),
    fault(
        "a protocol lost",
        HUB,
        |l| {
            set(
                l,
                "pc-30-allow-inside",
                "inside-office",
                "ipProtocols",
                texts(&["TCP"]),
            )
        },
        "inside::office",
    ),
    fault(
        "a protocol more",
        HUB,
        |l| {
            set(
                l,
                "pc-30-allow-egress",
                "egress-partner",
                "ipProtocols",
                texts(&["TCP", "UDP"]),
            )
        },
        "",
    ),
    fault(
        "another IP group",
        HUB,
        |l| {
            let other = at(
                named(l, "pc-20-deny-base", "base-files"),
                "destinationIpGroups",
            )
            .unwrap()
            .clone();
            set(
                l,
                "pc-30-allow-inside",
                "inside-office",
                "sourceIpGroups",
                other,
            );
        },
        "",
    ),
    fault(
        "sources of everybody",
        HUB,
        |l| {
            set(
                l,
                "pc-30-allow-egress",
                "egress-partner",
                "sourceAddresses",
                texts(&["*"]),
            )
        },
        "",
    ),
    fault(
        "tag for a prefix at the firewall",
        HUB,
        |l| {
            set(
                l,
                "pc-30-allow-egress",
                "egress-partner",
                "destinationAddresses",
                texts(&["AzureCloud"]),
            )
        },
        "",
    ),
    fault(
        "the whole tag for its region at the firewall",
        HUB,
        |l| {
            set(
                l,
                "pc-10-exception-base",
                "base-backup",
                "destinationAddresses",
                texts(&["Storage"]),
            )
        },
        "base::files",
    ),
    fault(
        "lost except at the firewall",
        HUB,
        |l| {
            set(
                l,
                "pc-20-deny-base",
                "base-admin",
                "sourceAddresses",
                texts(&["*"]),
            )
        },
        "172.20.8.7",
    ),
    fault(
        "translation lost",
        HUB,
        |l| {
            remove(l, "pc-30-allow-main", "site");
        },
        "main::site",
    ),
    fault(
        "translation to another address",
        HUB,
        |l| {
            set(
                l,
                "pc-30-allow-main",
                "site",
                "translatedAddress",
                text("10.10.8.5"),
            )
        },
        "main::site",
    ),
    fault(
        "translation to another port",
        HUB,
        |l| set(l, "pc-30-allow-main", "site", "translatedPort", text("443")),
        "main::site",
    ),
    fault(
        "translation of another port",
        HUB,
        |l| {
            set(
                l,
                "pc-30-allow-main",
                "site",
                "destinationPorts",
                texts(&["444"]),
            )
        },
        "main::site",
    ),
    fault(
        "translation for everybody",
        HUB,
        |l| {
            set(
                l,
                "pc-30-allow-main",
                "site",
                "sourceAddresses",
                texts(&["*"]),
            )
        },
        "",
    ),
    fault(
        "translation of udp too",
        HUB,
        |l| {
            set(
                l,
                "pc-30-allow-main",
                "site",
                "ipProtocols",
                texts(&["TCP", "UDP"]),
            )
        },
        "",
    ),
    fault(
        "a field that nobody knows",
        HUB,
        |l| {
            swap_field(
                l,
                ("pc-30-allow-egress", "egress-partner"),
                "",
                "destinationPorts",
                "destinationPort",
                texts(&["8443"]),
            )
        },
        "could not be read back",
    ),
    fault(
        "classic rule lost",
        CLASSIC,
        |l| {
            remove(l, "azfw", "backup");
        },
        "main::backup",
    ),
    fault(
        "classic deny behind the allows",
        CLASSIC,
        |l| {
            set(
                l,
                "azfw",
                "pc-00-forbid-main-net",
                "properties/priority",
                Tree::Int(60000),
            )
        },
        "main::quarantine",
    ),
    fault(
        "classic collection of the other action",
        CLASSIC,
        |l| {
            set(
                l,
                "azfw",
                "pc-20-deny-main-net",
                "properties/action/type",
                text("Allow"),
            )
        },
        "main::files",
    ),
    fault(
        "classic name lost",
        CLASSIC,
        |l| set(l, "azfw", "packages", "targetFqdns", texts(&["pypi.org"])),
        "main::packages",
    ),
    fault(
        "classic translation to another port",
        CLASSIC,
        |l| set(l, "azfw", "site", "translatedPort", text("443")),
        "main::site",
    ),
    fault(
        "parent lost",
        PARENT,
        |l| lose_field(l, "afwp-child", "basePolicy"),
        "has parent none",
    ),
    fault(
        "DNS proxy lost",
        PARENT,
        |l| lose_field(l, "afwp-child", "dnsSettings"),
        "has DNS proxy `off`",
    ),
    fault(
        "threat intelligence of another mode",
        PARENT,
        |l| set_top(l, "afwp-child", "threatIntelMode", text("Alert")),
        "`deny` was asked for",
    ),
];
