//! Seeded faults in security groups.

use portcullis::backends::tree::Tree;

use super::super::spoil::{
    copy_rule, exchange, exchange_ends, remove, set, swap_field, text, texts,
};
use super::{Fault, HUB, PLAIN, fault};

const ACCESS: &str = "properties/access";
const PRIORITY: &str = "properties/priority";
const PORT: &str = "properties/destinationPortRange";
const FROM: &str = "properties/sourceAddressPrefix";
const TO: &str = "properties/destinationAddressPrefix";
const PROTOCOL: &str = "properties/protocol";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "allow lost, outbound",
        HUB,
        |l| {
            remove(l, "apps", "inside-sql-out");
        },
        "inside::sql",
    ),
    fault(
        "allow lost, inbound",
        HUB,
        |l| {
            remove(l, "data", "inside-sql-in");
        },
        "inside::sql",
    ),
    fault(
        "deny lost where the default would let it through",
        HUB,
        |l| {
            remove(l, "desk", "base-admin-out");
        },
        "base::admin",
    ),
    fault(
        "deny lost where the firewall denies it too",
        HUB,
        |l| {
            remove(l, "apps", "base-files-out-Internet");
        },
        "base::files",
    ),
    fault(
        "forbid lost where the other side denies it too",
        HUB,
        |l| {
            remove(l, "data", "base-quarantine-in");
        },
        "base::quarantine",
    ),
    fault(
        "exception lost",
        HUB,
        |l| {
            remove(l, "apps", "base-backup-out-Storage.WestEurope");
        },
        "base::backup",
    ),
    fault(
        "allow made a deny",
        HUB,
        |l| set(l, "apps", "inside-sql-out", ACCESS, text("Deny")),
        "inside::sql",
    ),
    fault(
        "deny made an allow",
        HUB,
        |l| set(l, "apps", "base-admin-out", ACCESS, text("Allow")),
        "base::admin",
    ),
    fault(
        "exception behind its deny",
        HUB,
        |l| {
            set(
                l,
                "apps",
                "base-backup-out-Storage.WestEurope",
                PRIORITY,
                Tree::Int(1990),
            )
        },
        "base::backup",
    ),
    fault(
        "deny behind an allow that it meets",
        PLAIN,
        |l| set(l, "db", "telnet-out", PRIORITY, Tree::Int(4051)),
        "telnet",
    ),
    fault(
        "forbid behind everything",
        PLAIN,
        |l| set(l, "db", "outside-out", PRIORITY, Tree::Int(4060)),
        "outside",
    ),
    fault(
        "ordered flows swapped",
        HUB,
        |l| exchange(l, "data", ("acl-second-in", "acl-third-in"), PRIORITY),
        "acl::",
    ),
    fault(
        "two rules with one priority",
        HUB,
        |l| set(l, "data", "acl-second-in", PRIORITY, Tree::Int(2140)),
        "could not be read back",
    ),
    fault(
        "envelope lost",
        HUB,
        |l| {
            remove(l, "apps", "envelope-tcp-cf327c63");
        },
        "egress::packages",
    ),
    fault(
        "envelope before the denies",
        HUB,
        |l| {
            set(
                l,
                "apps",
                "envelope-tcp-cf327c63",
                "properties/destinationPortRanges",
                texts(&["80", "443", "445"]),
            );
            set(l, "apps", "envelope-tcp-cf327c63", PRIORITY, Tree::Int(720));
        },
        "base::files",
    ),
    fault(
        "envelope on every port",
        HUB,
        |l| {
            swap_field(
                l,
                ("apps", "envelope-tcp-cf327c63"),
                "properties",
                "destinationPortRanges",
                "destinationPortRange",
                text("*"),
            )
        },
        "",
    ),
    fault(
        "envelope to everywhere",
        HUB,
        |l| set(l, "apps", "envelope-tcp-cf327c63", TO, text("*")),
        "",
    ),
    fault(
        "envelope from another subnet",
        HUB,
        |l| {
            set(
                l,
                "apps",
                "envelope-tcp-cf327c63",
                FROM,
                text("10.10.8.0/24"),
            )
        },
        "egress::packages",
    ),
    fault(
        "accepted envelope from everywhere in the group",
        PLAIN,
        |l| {
            set(
                l,
                "web",
                "envelope-tcp-246bbcc1",
                "properties/destinationPortRange",
                text("1-443"),
            )
        },
        "",
    ),
    fault(
        "guard lost",
        HUB,
        |l| {
            remove(l, "apps", "guard-tcp-ce6e-ce6e");
        },
        "",
    ),
    fault(
        "guard behind the envelope",
        HUB,
        |l| set(l, "apps", "guard-tcp-ce6e-ce6e", PRIORITY, Tree::Int(3920)),
        "",
    ),
    fault(
        "guard on one port too few",
        HUB,
        |l| {
            set(
                l,
                "apps",
                "guard-tcp-ce6e-ce6e",
                "properties/destinationPortRanges",
                texts(&["80"]),
            )
        },
        "",
    ),
    fault(
        "guard before the allow that it must yield to",
        HUB,
        |l| {
            set(
                l,
                "apps",
                "guard-tcp-ce6e-ce6e",
                "properties/destinationPortRanges",
                texts(&["80", "443", "1688"]),
            );
            set(l, "apps", "guard-tcp-ce6e-ce6e", PRIORITY, Tree::Int(2500));
        },
        "egress::direct",
    ),
    fault(
        "wrong side",
        HUB,
        |l| exchange_ends(l, "data", "inside-sql-in"),
        "inside::sql",
    ),
    fault(
        "wrong direction",
        HUB,
        |l| {
            set(
                l,
                "apps",
                "inside-sql-out",
                "properties/direction",
                text("Inbound"),
            )
        },
        "inside::sql",
    ),
    fault(
        "port off by one",
        HUB,
        |l| set(l, "apps", "inside-sql-out", PORT, text("1434")),
        "",
    ),
    fault(
        "port range one too long",
        HUB,
        |l| set(l, "apps", "egress-partner-out", PORT, text("8443-8445")),
        "",
    ),
    fault(
        "port range one too short",
        HUB,
        |l| set(l, "apps", "egress-partner-out", PORT, text("8443")),
        "egress::partner",
    ),
    fault(
        "udp for tcp",
        HUB,
        |l| set(l, "data", "inside-sql-in", PROTOCOL, text("Udp")),
        "",
    ),
    fault(
        "every protocol for icmp",
        HUB,
        |l| set(l, "apps", "inside-pings-in-icmp", PROTOCOL, text("*")),
        "",
    ),
    fault(
        "source port lost",
        HUB,
        |l| {
            set(
                l,
                "apps",
                "inside-syslog-out-udp",
                "properties/sourcePortRange",
                text("*"),
            )
        },
        "",
    ),
    fault(
        "source port on the other side",
        HUB,
        |l| {
            set(
                l,
                "apps",
                "inside-syslog-out-udp",
                "properties/sourcePortRange",
                text("*"),
            );
            set(
                l,
                "desk",
                "inside-syslog-in-udp",
                "properties/sourcePortRange",
                text("*"),
            );
        },
        "",
    ),
    fault(
        "tag for a prefix",
        HUB,
        |l| set(l, "apps", "egress-partner-out", TO, text("Internet")),
        "",
    ),
    fault(
        "prefix for a tag",
        HUB,
        |l| {
            set(
                l,
                "apps",
                "base-backup-out-Storage.WestEurope",
                TO,
                text("20.42.0.0/24"),
            )
        },
        "base::backup",
    ),
    fault(
        "the whole tag for its region",
        HUB,
        |l| {
            set(
                l,
                "apps",
                "base-backup-out-Storage.WestEurope",
                TO,
                text("Storage"),
            )
        },
        "base::files",
    ),
    fault(
        "another region",
        HUB,
        |l| {
            set(
                l,
                "apps",
                "base-backup-out-Storage.WestEurope",
                TO,
                text("Storage.NorthEurope"),
            )
        },
        "",
    ),
    fault(
        "lost except",
        HUB,
        |l| {
            swap_field(
                l,
                ("apps", "base-admin-in"),
                "properties",
                "sourceAddressPrefixes",
                "sourceAddressPrefix",
                text("*"),
            )
        },
        "172.20.8.7",
    ),
    fault(
        "lost except of a forbid",
        HUB,
        |l| set(l, "apps", "base-vault-out", FROM, text("10.10.4.0/24")),
        "",
    ),
    fault(
        "lost except of Internet",
        PLAIN,
        |l| {
            swap_field(
                l,
                ("db", "outside-out"),
                "properties",
                "destinationAddressPrefixes",
                "destinationAddressPrefix",
                text("Internet"),
            )
        },
        "",
    ),
    fault(
        "default lost",
        HUB,
        |l| {
            remove(l, "data", "default-inbound");
        },
        "",
    ),
    fault(
        "default lost outbound",
        HUB,
        |l| {
            remove(l, "apps", "default-outbound");
        },
        "",
    ),
    fault(
        "default turned",
        HUB,
        |l| set(l, "data", "default-inbound", ACCESS, text("Allow")),
        "",
    ),
    fault(
        "default turned where nothing passes anyway",
        PLAIN,
        |l| set(l, "db", "default-outbound", ACCESS, text("Deny")),
        "",
    ),
    fault(
        "default before the rules",
        HUB,
        |l| set(l, "data", "default-inbound", PRIORITY, Tree::Int(150)),
        "",
    ),
    fault(
        "IPv6 rule lost",
        HUB,
        |l| {
            remove(l, "both", "inside-six-in-v6-v6");
        },
        "inside::six",
    ),
    fault(
        "IPv6 prefix too wide",
        HUB,
        |l| {
            set(
                l,
                "both",
                "inside-six-in-v6-v6",
                FROM,
                text("fd00:1:0:9::/64"),
            )
        },
        "",
    ),
    fault(
        "one bit of a prefix too few",
        HUB,
        |l| set(l, "apps", "inside-sql-out", TO, text("10.10.8.0/23")),
        "",
    ),
    fault(
        "one bit of a prefix too many",
        HUB,
        |l| set(l, "apps", "inside-sql-out", TO, text("10.10.8.0/25")),
        "inside::sql",
    ),
    fault(
        "the network tag for the prefixes that it is not",
        PLAIN,
        |l| set(l, "web", "network-out-udp", TO, text("Internet")),
        "",
    ),
    fault(
        "rule of a translation lost",
        HUB,
        |l| {
            remove(l, "data", "site-in");
        },
        "main::site",
    ),
    fault(
        "rule of a translation from the client",
        HUB,
        |l| set(l, "data", "site-in", FROM, text("20.50.90.0/24")),
        "main::site",
    ),
    fault(
        "rule of a translation to the port in front",
        HUB,
        |l| set(l, "data", "site-in", PORT, text("443")),
        "main::site",
    ),
    fault(
        "one prefix of a list lost",
        HUB,
        |l| {
            set(
                l,
                "data",
                "inside-office-in",
                "properties/sourceAddressPrefixes",
                texts(&["172.20.0.0/24"]),
            )
        },
        "inside::office",
    ),
    fault(
        "half of a service lost",
        HUB,
        |l| {
            remove(l, "data", "inside-office-in-udp");
        },
        "inside::office",
    ),
    fault(
        "allow that nobody asked for",
        HUB,
        |l| {
            copy_rule(l, "data", "inside-sql-in", "extra");
            set(l, "data", "extra", PRIORITY, Tree::Int(3000));
            set(l, "data", "extra", FROM, text("10.0.8.0/24"));
        },
        "",
    ),
];
