//! `graph`: the ways that allowed flows take, as a picture. What is drawn is worked out elsewhere.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::{ExpiredArg, Format, Global};
use super::inventory;
use super::io::IoFault;
use super::report::Reporter;
use super::{CANNOT_RUN, FINE};
use crate::review::graph::{self, Drawing, GroupBy, drawing};

/// `graph`
#[derive(Args, Clone, Debug)]
pub struct GraphArgs {
    /// Source file, or folder of a project.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// What ends are put together by.
    #[arg(long, value_name = "WHAT", default_value = "subnet")]
    pub group_by: GroupByArg,
    /// Ways that are drawn for each environment, the heaviest first; the others are put together.
    #[arg(long, value_name = "NUMBER", default_value_t = 40)]
    pub most: usize,
    /// What a flow past its day means, with --as-of; what the settings say if not given.
    #[arg(long, value_name = "LEVEL")]
    pub expired: Option<ExpiredArg>,
}

/// What ends of a picture are put together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GroupByArg {
    /// Subnets by themselves, names together, the parts of a service tag together.
    Subnet,
    /// Each subnet, list of names and tag by itself.
    End,
    /// Subnets by their virtual network.
    Network,
    /// Subnets by their zone.
    Zone,
    /// Sources by the owner of the flow.
    Owner,
    /// Everything by what it is.
    Kind,
}

impl From<GroupByArg> for GroupBy {
    fn from(arg: GroupByArg) -> Self {
        match arg {
            GroupByArg::Subnet => Self::Subnet,
            GroupByArg::End => Self::End,
            GroupByArg::Network => Self::Network,
            GroupByArg::Zone => Self::Zone,
            GroupByArg::Owner => Self::Owner,
            GroupByArg::Kind => Self::Kind,
        }
    }
}

/// Runs the command; the exit code.
///
/// # Errors
/// When it could not run.
pub fn run(global: &Global, args: &GraphArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, true);
    if args.most == 0 {
        return Err(IoFault::Other(
            "`--most 0` draws nothing: write 1 or more".to_owned(),
        ));
    }
    if reporter.format() == Format::Sarif {
        return Err(IoFault::Other(
            "`graph` finds nothing wrong, so it has no `--format sarif`; write text, json, mermaid, dot, svg or d2"
                .to_owned(),
        ));
    }
    let ask = inventory::Ask {
        path: args.path.clone(),
        on_expired: args.expired.map(Into::into),
        // A picture shows what is asked for; whether that is what was made is for `check`.
        no_prove: true,
    };
    let inventory = match inventory::of(global, &reporter, &ask)? {
        Ok(inventory) => inventory,
        Err(code) => return Ok(code),
    };
    let drawings: Vec<Drawing> = inventory
        .environments
        .iter()
        .map(|environment| drawing(environment, args.group_by.into(), args.most))
        .collect();
    match reporter.format() {
        Format::Mermaid => reporter.exact(&graph::mermaid(&drawings))?,
        Format::Dot => reporter.exact(&graph::dot(&drawings))?,
        Format::Svg => reporter.exact(&graph::svg(&drawings))?,
        Format::D2 => reporter.exact(&graph::d2(&drawings))?,
        Format::Json => match graph::json(&drawings) {
            Ok(text) => reporter.exact(&text)?,
            Err(why) => {
                reporter.fail(&IoFault::Other(why));
                return Ok(CANNOT_RUN);
            }
        },
        _ => reporter.result(&graph::text(&drawings))?,
    }
    Ok(FINE)
}
