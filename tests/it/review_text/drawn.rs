//! Differences drawn from a number, with names as somebody could write them who wishes a reader ill.

use portcullis::diff::told::{Difference, Expiring, Finding, Kind, Level, RuleCounts};
use portcullis::review::rules::{Kept, RuleBlock, RuleLine, Rules, Sign};

use super::values::{
    allowed, any_name, cause, change, difference, end, factor, risk, traffic, witness,
};

/// A small generator, the same on every machine.
pub(super) struct Draw(pub u64);

impl Draw {
    fn next(&mut self) -> u64 {
        // splitmix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub(super) fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).unwrap_or(0)
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    /// Text as somebody could write who wishes a reader ill.
    fn text(&mut self) -> String {
        const PIECES: [&str; 32] = [
            "a",
            "apim",
            "|",
            "`",
            "``",
            "<script>",
            "</details>",
            "<b>",
            "@team",
            "#12",
            "!7",
            "\n",
            "\r\n",
            "\\",
            "*",
            "_x_",
            "[a](https://evil.example)",
            "https://evil.example",
            "-->",
            "|---|",
            "é",
            "日本",
            "🔴",
            "&amp;",
            "~~x~~",
            "$x$",
            "\u{202e}",
            "\u{1b}[31m",
            "%%{init}%%",
            "\"",
            "www.evil.example",
            "GH-1",
        ];
        let mut out = String::new();
        for _ in 0..=self.below(6) {
            out.push_str(self.of(&PIECES));
            if self.below(3) == 0 {
                out.push(' ');
            }
        }
        out
    }
}

/// So many regions of every kind and risk, with hostile names if asked for.
pub(super) fn drawn(seed: u64, regions: usize, hostile: bool) -> (Difference, Rules) {
    let mut draw = Draw(seed);
    let environments = ["prod", "dev", "test"];
    let mut all = Vec::new();
    for at in 0..regions {
        let name = |draw: &mut Draw, plain: &str| {
            if hostile {
                draw.text()
            } else {
                format!("{plain}-{}", draw.below(60))
            }
        };
        let kind = [
            Kind::NewlyAllowed,
            Kind::NewlyAllowed,
            Kind::NoLongerAllowed,
            Kind::NewlyBypassing,
            Kind::Redirected,
            Kind::NewlyPassing,
            Kind::Undecided,
        ][draw.below(7)];
        let level = [Level::High, Level::Medium, Level::Low, Level::Low][draw.below(40).min(3)];
        let from = name(&mut draw, "subnet");
        let to = name(&mut draw, "service");
        let first = draw.below(3);
        let here = &environments[first..=draw.below(3).max(first)];
        let port = u16::try_from(1 + draw.below(65_000)).unwrap();
        let service = format!("tcp/{port}");
        let mut one = change(
            &format!("sem-{at:08x}"),
            kind,
            here,
            traffic(
                &[&service],
                end(Some(&from), &from, &["10.0.0.0/24"]),
                end(Some(&to), &to, &["10.9.0.0/24"]),
                any_name(),
            ),
            witness(here[0], "tcp", "10.0.0.4", "10.9.0.1", port),
        );
        if kind.widens() {
            let score = match level {
                Level::High => 60 + draw.below(41),
                Level::Medium => 25 + draw.below(35),
                _ => draw.below(25),
            };
            let text = name(&mut draw, "factor");
            one.risk = risk(
                level,
                u32::try_from(score).unwrap(),
                vec![factor("x", &text, 9)],
            );
        }
        one.required_lost = kind == Kind::NoLongerAllowed && draw.below(50) == 0;
        one.after = allowed(&name(&mut draw, "rule"), None);
        for _ in 0..draw.below(4) {
            let flow = name(&mut draw, "group::flow");
            let file = name(&mut draw, "file");
            let mut by = cause(&flow, "new", "changed", &file, 7);
            by.ticket = Some(name(&mut draw, "NET"));
            by.owner = Some(name(&mut draw, "team"));
            one.causes.push(by);
        }
        all.push(one);
    }
    all.sort_by_key(|one| std::cmp::Reverse(one.risk.score));
    let counts = RuleCounts {
        added: 3,
        ..RuleCounts::default()
    };
    let mut told = difference(all, &environments.map(|name| (name, counts)));
    let mut rules = Rules::default();
    for environment in environments {
        for at in 0..=draw.below(5) {
            let heading = if hostile {
                draw.text()
            } else {
                format!("nsg nsg-{at}")
            };
            let lines: Vec<RuleLine> = (0..draw.below(30))
                .map(|line| RuleLine {
                    sign: [Sign::Added, Sign::Removed, Sign::Changed][line % 3],
                    text: if hostile {
                        draw.text()
                    } else {
                        format!("rule-{line} of {environment}")
                    },
                })
                .collect();
            rules.blocks.push(RuleBlock {
                environment: environment.to_owned(),
                heading,
                lines,
            });
        }
    }
    for at in 0..draw.below(8) {
        let word = |draw: &mut Draw| {
            if hostile {
                draw.text()
            } else {
                format!("word-{at}")
            }
        };
        told.expiring.push(Expiring {
            until: "2027-01-31".to_owned(),
            flow: word(&mut draw),
            owner: Some(word(&mut draw)),
            ticket: None,
            file: "a.gate".to_owned(),
            line: 3,
        });
        told.diagnostics.push(Finding {
            code: "PC6009".to_owned(),
            level: "warning".to_owned(),
            message: word(&mut draw),
            file: word(&mut draw),
            line: 4,
            new: at % 2 == 0,
        });
        rules.kept.push(Kept {
            same: true,
            was: word(&mut draw),
            now: Some(word(&mut draw)),
            how: word(&mut draw),
        });
    }
    if hostile {
        told.project = draw.text();
        told.notes = vec![draw.text()];
    }
    (told, rules)
}
