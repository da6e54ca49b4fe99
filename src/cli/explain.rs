//! `explain`: the page of a code, the way of a packet, the rules of a flow.

mod asked;
pub(super) mod behind;
mod flow;
pub(super) mod told;
pub(super) mod text;

use std::path::PathBuf;

use super::against;
use super::args::{ExplainArgs, Global, nearest_code};
use super::basis::Basis;
use super::io::{self, IoFault};
use super::report::Reporter;
use super::run;
use super::{BAD, FINE};
use crate::diag::{CODES, Code, explain};
use crate::driver::LimitsMode;
use crate::foreign::{self, Foreign};
use crate::reach::{Memo, Network, Question, Reply, Traces, ask, emitted};

use behind::Behind;
use told::Told;

/// One environment that can be asked.
struct Place {
    environment: String,
    asked: Asked,
    behind: Behind,
    basis: Basis,
}

/// What is asked.
enum Asked {
    /// What a project becomes.
    Own(Network),
    /// What somebody else wrote.
    Foreign(Foreign),
}

impl Asked {
    fn network(&self) -> &Network {
        match self {
            Self::Own(network) => network,
            Self::Foreign(foreign) => &foreign.network,
        }
    }

    fn reply(&self, question: &Question, strict: bool) -> Reply {
        match self {
            Self::Own(network) => ask(network, question, strict),
            Self::Foreign(foreign) => foreign::answer(foreign, question, strict),
        }
    }
}

/// Runs the command; the exit code.
///
/// # Errors
/// When it could not run.
pub fn run(global: &Global, args: &ExplainArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, true);
    if let Some(file) = &args.flows {
        return many(global, args, &reporter, file);
    }
    match args.subject.as_slice() {
        [] if !args.definitions.against.is_empty() => Err(IoFault::Other(
            "say which packet: its words stand before `--against`, or behind `--`".to_owned(),
        )),
        [] => Err(IoFault::Other(
            "say what to explain: a code, a flow, or a packet such as `tcp 10.10.4.7 login.microsoftonline.com:443`"
                .to_owned(),
        )),
        [word] if args.definitions.against.is_empty() => one_word(global, &reporter, word),
        words => {
            let question = asked::words(words, args.address).map_err(IoFault::Other)?;
            packet(global, args, &reporter, &question, &words.join(" "))
        }
    }
}

/// A code or a flow.
fn one_word(global: &Global, reporter: &Reporter, word: &str) -> Result<u8, IoFault> {
    let by_name = || CODES.iter().find(|c| c.slug == word).map(|c| c.code);
    if let Some(code) = Code::parse(word).or_else(by_name) {
        reporter.result(explain::page(code))?;
        return Ok(FINE);
    }
    let digits = word
        .get(..2)
        .filter(|p| p.eq_ignore_ascii_case("pc"))
        .and_then(|_| word.get(2..));
    if digits.is_some_and(|d| !d.is_empty() && d.chars().all(|c| c.is_ascii_digit())) {
        let hint =
            nearest_code(word).map_or_else(String::new, |near| format!("; did you mean {near}?"));
        reporter.fail(&IoFault::Other(format!(
            "no diagnostic of this version has the code {word}{hint}"
        )));
        return Ok(BAD);
    }
    flow::run(global, reporter, word)
}

/// What each environment does. The inner `Err` is an exit code.
fn places(
    global: &Global,
    args: &ExplainArgs,
    reporter: &Reporter,
) -> Result<Result<Vec<Place>, u8>, IoFault> {
    if args.definitions.against.is_empty() {
        return compiled(global, reporter);
    }
    let networks = match against::networks(global, reporter, &args.definitions)? {
        Ok(networks) => networks,
        Err(code) => return Ok(Err(code)),
    };
    let places = networks
        .into_iter()
        .map(|(environment, (foreign, basis))| Place {
            environment,
            asked: Asked::Foreign(foreign),
            behind: Behind::default(),
            basis,
        });
    Ok(Ok(places.collect()))
}

/// Compiles the project and keeps what each environment does.
fn compiled(global: &Global, reporter: &Reporter) -> Result<Result<Vec<Place>, u8>, IoFault> {
    let mut out = Vec::new();
    let mut fault = None;
    let ask = run::Ask {
        path: PathBuf::from("."),
        limits: LimitsMode::Off,
        // What is asked of is what was emitted, whatever was asked for.
        no_prove: true,
        asking: true,
        ..run::Ask::default()
    };
    let done = run::watched(
        global,
        reporter,
        &ask,
        &mut |stage, lowered| match emitted::network(stage.context, &lowered.resources) {
            Ok(network) => out.push(Place {
                environment: stage.context.fabric.policy.environment.clone(),
                asked: Asked::Own(network),
                behind: Behind::new(stage, Traces::new(&lowered.traces), &|name| name.to_owned()),
                basis: Basis::of(stage),
            }),
            Err(unreadable) => fault = fault.take().or(Some(unreadable)),
        },
    )?;
    if let Some(unreadable) = fault {
        return Err(IoFault::Other(unreadable.to_string()));
    }
    match done {
        Err(code) => Ok(Err(code)),
        Ok(_) => Ok(Ok(out)),
    }
}

fn packet(
    global: &Global,
    args: &ExplainArgs,
    reporter: &Reporter,
    question: &Question,
    words: &str,
) -> Result<u8, IoFault> {
    let places = match places(global, args, reporter)? {
        Ok(places) => places,
        Err(code) => return Ok(code),
    };
    let several = places.len() > 1 || !global.environments.is_empty();
    let mut out = String::new();
    for (index, place) in places.iter().enumerate() {
        let reply = place.asked.reply(question, args.strict);
        let mut told = Told::new(place.asked.network(), &place.behind, &reply, args.all);
        told.environment = several.then(|| place.environment.clone());
        told.catalogue = place.basis.catalogue.clone();
        if reporter.json() {
            out.push_str(&line(&told));
        } else {
            if index > 0 {
                out.push('\n');
            }
            out.push_str(&text::text(&told, words));
            out.push_str(&format!("  {}", place.basis.line()));
        }
    }
    if reporter.json() {
        reporter.exact(&out)?;
    } else {
        reporter.result(&out)?;
    }
    Ok(FINE)
}

/// An answer as one line.
fn line(told: &impl serde::Serialize) -> String {
    // INVARIANT: texts, numbers and lists of them are always JSON.
    let mut text = serde_json::to_string(told).unwrap_or_default();
    text.push('\n');
    text
}

/// Many packets, an answer a line, in order.
fn many(
    global: &Global,
    args: &ExplainArgs,
    reporter: &Reporter,
    file: &std::path::Path,
) -> Result<u8, IoFault> {
    if !args.subject.is_empty() {
        return Err(IoFault::Other(
            "with `--flows` the packets are in the file; leave the words away".to_owned(),
        ));
    }
    let input = if file.as_os_str() == "-" {
        io::read_stdin()?
    } else {
        io::read_large_text(file, &io::slashes(file))?
    };
    let places = match places(global, args, reporter)? {
        Ok(places) => places,
        Err(code) => return Ok(code),
    };
    let several = places.len() > 1 || !global.environments.is_empty();
    let memos = places.iter().map(|place| Memo::new(place.asked.network()));
    let mut memos: Vec<Memo> = memos.collect();
    let mut out = String::new();
    let mut bad = false;
    for (number, text) in input.lines().enumerate() {
        if text.trim().is_empty() {
            continue;
        }
        match asked::line(text) {
            Err(why) => {
                bad = true;
                let fault = serde_json::json!({ "error": why, "line": number + 1 });
                out.push_str(&line(&fault));
            }
            Ok(question) => {
                for (place, memo) in places.iter().zip(&mut memos) {
                    let network = place.asked.network();
                    let reply = memo.reply(network, &question, args.strict, || {
                        place.asked.reply(&question, args.strict)
                    });
                    let mut told = Told::new(network, &place.behind, &reply, args.all);
                    told.environment = several.then(|| place.environment.clone());
                    told.catalogue = place.basis.catalogue.clone();
                    out.push_str(&line(&told));
                }
            }
        }
    }
    reporter.exact(&out)?;
    Ok(if bad { BAD } else { FINE })
}
