//! The one table of codes: number, default level, the stage that raises it, its machine name.
//! It holds no texts for people; those stand at the raising place and in docs/diagnostics.

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Information.
    Note,
    /// Something to look at; the run goes on.
    Warning,
    /// The input is bad; nothing is written.
    Error,
}

impl Severity {
    /// `note`, `warning`, `error`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The stage that raises a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Text to syntax tree.
    Syntax,
    /// Names, types and values.
    Resolve,
    /// Hygiene of single statements.
    Analyze,
    /// Paths, layers and target shapes.
    Lower,
    /// Numbers.
    Allocate,
    /// Tests of the policy, run by `portcullis test`.
    Test,
    /// Settings, silencers, the tool itself.
    Settings,
}

/// What is known of a code.
#[derive(Clone, Copy, Debug)]
pub struct CodeInfo {
    /// The code.
    pub code: Code,
    /// `PC1004`.
    pub id: &'static str,
    /// Default level.
    pub severity: Severity,
    /// The stage that raises it.
    pub stage: Stage,
    /// Machine name, for example `unknown-service-tag`; also the end of the fixture's name.
    pub slug: &'static str,
}

macro_rules! codes {
    ($($code:ident $severity:ident $stage:ident $slug:literal;)*) => {
        /// A diagnostic code. What each means: `portcullis explain CODE`, docs/diagnostics.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum Code { $($code,)* }

        /// Every code, ascending.
        pub const CODES: &[CodeInfo] = &[
            $(CodeInfo {
                code: Code::$code,
                id: stringify!($code),
                severity: Severity::$severity,
                stage: Stage::$stage,
                slug: $slug,
            },)*
        ];

        impl Code {
            /// The code's row in the table.
            #[must_use]
            pub fn info(self) -> &'static CodeInfo {
                match self {
                    $(Code::$code => const {
                        &CodeInfo {
                            code: Code::$code,
                            id: stringify!($code),
                            severity: Severity::$severity,
                            stage: Stage::$stage,
                            slug: $slug,
                        }
                    },)*
                }
            }
        }
    };
}

codes! {
    PC0001 Error Syntax "expected-token";
    PC0002 Error Syntax "unclosed";
    PC0003 Error Syntax "unknown-statement";
    PC0004 Error Syntax "unknown-clause";
    PC0005 Error Syntax "clause-twice";
    PC0006 Error Syntax "bad-prefix";
    PC0007 Warning Syntax "host-bits";
    PC0008 Error Syntax "bad-port";
    PC0009 Error Syntax "bad-name-pattern";
    PC0010 Error Syntax "newer-language";
    PC0011 Error Syntax "not-text";
    PC0012 Error Syntax "too-large";
    PC1001 Error Resolve "undefined-name";
    PC1002 Error Resolve "defined-twice";
    PC1003 Error Resolve "module-not-found";
    PC1004 Error Resolve "unknown-service-tag";
    PC1005 Error Resolve "unknown-fqdn-tag";
    PC1006 Error Resolve "unknown-region";
    PC1007 Warning Resolve "deprecated-tag";
    PC1008 Error Resolve "parameter-without-value";
    PC1009 Error Resolve "overrides-not-a-deny";
    PC1010 Warning Resolve "enable-not-optional";
    PC1011 Warning Resolve "unused-name";
    PC1012 Error Resolve "unknown-web-category";
    PC1013 Error Resolve "unknown-key";
    PC1014 Error Resolve "circular-definition";
    PC1015 Warning Resolve "tag-spelling";
    PC1016 Error Resolve "empty-source";
    PC2001 Error Resolve "wrong-type";
    PC2002 Error Resolve "name-as-source";
    PC2003 Error Resolve "not-a-member";
    PC2004 Error Resolve "ports-without-protocol";
    PC2005 Error Resolve "except-leaves-nothing";
    PC2007 Error Resolve "except-not-exact";
    PC2008 Error Resolve "bad-url";
    PC2009 Warning Resolve "empty-end";
    PC3001 Error Lower "nsg-rule-limit";
    PC3002 Error Lower "group-size-limit";
    PC3003 Error Lower "group-count-limit";
    PC3004 Warning Lower "address-pair-limit";
    PC3005 Error Lower "route-limit";
    PC3006 Warning Lower "description-shortened";
    PC3007 Error Lower "bad-azure-name";
    PC3008 Note Lower "rule-per-tag";
    PC3009 Error Lower "needs-higher-sku";
    PC3010 Error Lower "not-in-classic-firewall";
    PC3011 Error Lower "not-compiled-yet";
    PC3012 Warning Lower "tag-not-marked-for-target";
    PC3013 Error Resolve "empty-ip-group";
    PC3014 Warning Resolve "key-in-no-output";
    PC3015 Error Resolve "bad-resource-id";
    PC3016 Error Analyze "firewall-subnet-too-small";
    PC3020 Error Lower "azure-limit";
    PC3021 Warning Lower "recommended-limit";
    PC4001 Error Lower "layer-cannot-express";
    PC4002 Warning Lower "nowhere-enforced";
    PC4003 Error Lower "required-not-allowed";
    PC4004 Error Lower "wildcard-needs-network-rule";
    PC4005 Error Lower "fqdn-without-dns-proxy";
    PC4006 Note Lower "nsg-envelope";
    PC4007 Error Lower "type-before-priority";
    PC4008 Error Lower "parent-policy-first";
    PC4009 Warning Lower "service-endpoint-bypass";
    PC4010 Error Lower "asymmetric-path";
    PC4011 Warning Lower "unbounded-route-exception";
    PC4012 Error Lower "subnet-without-nsg";
    PC4013 Error Lower "nothing-narrows-names";
    PC4014 Warning Lower "maybe-preempted";
    PC4015 Error Lower "dnat-into-denied";
    PC4016 Error Lower "path-not-determined";
    PC4017 Warning Lower "virtual-network-absorbs-routes";
    PC4018 Error Lower "shared-route-table";
    PC4019 Warning Lower "required-may-be-stopped";
    PC4020 Note Lower "l7-meaning";
    PC4021 Warning Lower "dnat-any-source";
    PC4022 Note Lower "family-without-counterpart";
    PC4023 Warning Lower "kept-past-firewall";
    PC4024 Warning Analyze "service-lacks-flows";
    PC5001 Error Analyze "never-matches";
    PC5002 Warning Analyze "partly-shadowed";
    PC5003 Warning Analyze "redundant";
    PC5004 Warning Analyze "duplicate";
    PC5005 Warning Analyze "could-be-one";
    PC5006 Error Analyze "entirely-denied";
    PC5007 Error Analyze "deny-not-named";
    PC5008 Warning Analyze "nothing-to-override";
    PC5009 Note Analyze "overlap-unknown";
    PC5010 Error Lower "ordered-groups-meet";
    PC5011 Error Analyze "beyond-its-denies";
    PC5012 Error Lower "allows-differ";
    PC4030 Warning Analyze "icmp-dropped-by-firewall";
    PC4031 Warning Analyze "probes-denied";
    PC4032 Warning Analyze "service-behind-appliance";
    PC4033 Error Analyze "route-loop-at-firewall";
    PC4034 Error Analyze "nsg-on-firewall-subnet";
    PC4035 Warning Analyze "route-tag-tie";
    PC4036 Warning Analyze "untranslated-without-return";
    PC4037 Note Analyze "learnt-route-may-win";
    PC5013 Error Lower "claimed-twice";
    PC5014 Warning Analyze "flows-not-compared";
    PC6001 Error Analyze "expired";
    PC6002 Warning Analyze "expires-soon";
    PC6003 Warning Analyze "over-permissive";
    PC6004 Warning Analyze "admin-port-open";
    PC6005 Warning Analyze "missing-record";
    PC6006 Error Analyze "exception-without-end";
    PC6007 Warning Analyze "lasts-too-long";
    PC6008 Warning Analyze "repeated-list";
    PC6009 Warning Analyze "shared-domain";
    PC6010 Note Analyze "global-tag";
    PC6011 Note Analyze "expiry-not-judged";
    PC6012 Warning Analyze "star-without-dot";
    PC6013 Note Analyze "apex-not-covered";
    PC6014 Warning Analyze "protocol-on-odd-port";
    PC6015 Note Analyze "azure-cloud-not-all";
    PC6016 Note Analyze "internet-holds-azure";
    PC6017 Note Analyze "sql-redirect";
    PC6018 Warning Resolve "inside-another";
    PC6019 Warning Analyze "sql-without-instances";
    PC6020 Warning Analyze "no-label";
    PC7001 Error Allocate "lock-out-of-date";
    PC7002 Error Allocate "number-held-twice";
    PC7003 Warning Allocate "renumbered";
    PC7004 Error Allocate "band-full";
    PC7005 Warning Allocate "label-vanished";
    PC7006 Error Allocate "pin-outside-band";
    PC7007 Warning Allocate "group-retired";
    PC7008 Error Allocate "bad-lock";
    PC8001 Error Test "test-failed";
    PC8004 Error Test "decided-by-another";
    PC8005 Error Test "probe-undecided";
    PC8006 Error Test "probe-covers-nothing";
    PC8010 Error Settings "bad-definition";
    PC9001 Error Settings "bad-settings";
    PC9002 Warning Settings "old-catalogue";
    PC9003 Error Settings "output-edited";
    PC9004 Error Settings "internal-error";
    PC9005 Warning Settings "silencer-without-reason";
    PC9006 Warning Settings "unused-silencer";
    PC9007 Error Lower "no-deployment-place";
    PC9008 Error Settings "bad-catalogue";
    PC9009 Error Resolve "bad-base-file";
    PC9010 Warning Settings "stale-output";
    PC9011 Warning Lower "foreign-rule-replaced";
}

impl Code {
    /// `PC1004`.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.info().id
    }

    /// The code with that text, any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        CODES
            .iter()
            .find(|c| c.id.eq_ignore_ascii_case(text))
            .map(|c| c.code)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
