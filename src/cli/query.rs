//! `query`: who can reach what. The packets are worked out elsewhere; here they are asked for and told.

mod table;
mod told;

use super::args::{Global, QueryArgs};
use super::basis::Basis;
use super::explain::behind::Behind;
use super::io::IoFault;
use super::report::Reporter;
use super::{CANNOT_RUN, FINE, run};
use crate::diag::internal::internal;
use crate::diag::suggest;
use crate::driver::{LimitsMode, Stage};
use crate::packet::Verdict;
use crate::query::{Course, Group, Names, Picture, Row, Wanted, Wrong, rows};
use crate::reach::{Network, Traces, emitted};
use crate::resolve::Words;
use crate::source::SourceMap;

use told::Told;

/// What is told of one environment.
struct Answered {
    environment: String,
    basis: Basis,
    groups: Vec<(Group, Vec<Told>)>,
}

/// Runs the command; the exit code.
///
/// # Errors
/// When it could not run.
pub fn run(global: &Global, args: &QueryArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, true);
    let all = reporter.json() || reporter.csv();
    let ask = run::Ask {
        path: args.path.clone(),
        limits: LimitsMode::Off,
        // What is asked of is what was emitted, whatever was asked for.
        no_prove: true,
        asking: true,
        no_files: true,
        asked: Some(Words {
            from: args.from.clone(),
            to: args.to.clone(),
            services: args.proto.clone(),
            ports: args.ports.clone(),
        }),
        ..run::Ask::default()
    };
    let mut found: Vec<Answered> = Vec::new();
    let mut wrong: Option<Fault> = None;
    let done = run::watched(global, &reporter, &ask, &mut |stage, lowered| {
        let behind = Behind::new(stage, Traces::new(&lowered.traces), &|name| name.to_owned());
        let network = match emitted::network(stage.context, &lowered.resources) {
            Ok(network) => network,
            Err(unreadable) => {
                wrong.get_or_insert(Fault::Other(unreadable.to_string()));
                return;
            }
        };
        match answered(args, stage, &network, &behind, all) {
            Ok(one) => found.push(one),
            Err(fault) => {
                wrong.get_or_insert(fault);
            }
        }
    })?;
    if let Err(code) = done {
        return Ok(code);
    }
    match wrong {
        None => {}
        Some(Fault::Other(why)) => return Err(IoFault::Other(why)),
        Some(Fault::Ours(why)) => {
            reporter.tell(&SourceMap::default(), &[internal(why)])?;
            return Ok(CANNOT_RUN);
        }
    }
    if reporter.csv() {
        reporter.exact(&told::csv(tolds(&found)).map_err(IoFault::Other)?)?;
    } else if reporter.json() {
        reporter.exact(&told::json(tolds(&found)))?;
    } else {
        let texts: Vec<String> = found.iter().map(|one| table::text(args, one)).collect();
        reporter.result(&texts.join("\n"))?;
    }
    Ok(FINE)
}

fn tolds(found: &[Answered]) -> impl Iterator<Item = &Told> {
    let groups = found.iter().flat_map(|one| &one.groups);
    groups.flat_map(|(_, rows)| rows)
}

/// Why there is no answer.
enum Fault {
    /// What the user can do something about.
    Other(String),
    /// Our own fault.
    Ours(String),
}

fn answered(
    args: &QueryArgs,
    stage: &Stage<'_>,
    network: &Network,
    behind: &Behind,
    all: bool,
) -> Result<Answered, Fault> {
    let fabric = stage.context.fabric;
    let environment = fabric.policy.environment.clone();
    // INVARIANT: the question stands in every policy that resolved without an error.
    let Some(asked) = &fabric.policy.asked else {
        return Err(Fault::Ours("the question was not resolved".to_owned()));
    };
    let way = way(args.via.as_deref(), network).map_err(Fault::Other)?;
    let wanted = Wanted {
        verdict: if args.denied {
            Verdict::Deny
        } else {
            Verdict::Allow
        },
        most: if all { usize::MAX } else { args.rows },
    };
    let mut picture = Picture::new(fabric, network, asked);
    let groups = rows(&mut picture, network, wanted, |course| way.takes(course));
    let groups = groups.map_err(|why| match why {
        Wrong::Exhausted(_) => Fault::Other(why.to_string()),
        Wrong::Disagree(text) => Fault::Ours(text),
    })?;
    let more: usize = groups.iter().map(|g| g.left_out).sum();
    if all && more > 0 {
        return Err(Fault::Other(format!(
            "environment `{environment}`: up to {more} rows more than can be told; ask for less with --from, --to, --proto and --ports"
        )));
    }
    let names = Names::new(fabric, Some(asked));
    let catalogue = Basis::of(stage).catalogue;
    let told = |row: &Row| {
        let told = Told::new(&environment, network, &names, behind, row);
        Told {
            catalogue: catalogue.clone(),
            ..told
        }
    };
    let groups = groups
        .into_iter()
        .map(|group| {
            let rows = group.rows.iter().map(&told).collect();
            (group, rows)
        })
        .collect();
    Ok(Answered {
        environment: environment.clone(),
        basis: Basis::of(stage),
        groups,
    })
}

/// Which ways are wanted.
enum Way {
    All,
    Direct,
    Firewall,
    By(usize),
}

fn way(word: Option<&str>, network: &Network) -> Result<Way, String> {
    match word {
        None => Ok(Way::All),
        Some("direct") => Ok(Way::Direct),
        Some("firewall") => Ok(Way::Firewall),
        Some(name) => network.firewall(name).map(Way::By).ok_or_else(|| {
            let known = network.firewalls.iter().map(|f| f.key.as_str());
            let near = suggest::closest(name, known.chain(["direct", "firewall"]));
            let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            format!("`--via {name}`: write `direct`, `firewall` or the name of a firewall{near}")
        }),
    }
}

impl Way {
    fn takes(&self, course: &Course) -> bool {
        match self {
            Self::All => true,
            Self::Direct => *course == Course::Direct,
            Self::Firewall => !course.firewalls().is_empty(),
            Self::By(index) => course.firewalls().contains(index),
        }
    }
}
