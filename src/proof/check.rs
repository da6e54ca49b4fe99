//! One environment judged: its resources are read, the theorem is asked, and what it finds is told.
//! It compares nothing itself.

use crate::backends::{Context, Lowered};
use crate::diag::Diagnostic;
use crate::reach::emitted;

use super::faults::{tell, unproven};
use super::theorem::prove;

/// Proves that the resources mean what the policy asks. `told` is what was said of the environment so
/// far. The output of an environment without an error here means what was asked.
#[must_use]
pub fn check(context: &Context<'_>, lowered: &Lowered, told: &[Diagnostic]) -> Vec<Diagnostic> {
    let environment = &context.fabric.policy.environment;
    let network = match emitted::network(context, &lowered.resources) {
        Ok(network) => network,
        Err(unreadable) => return vec![unproven(environment, &unreadable.into())],
    };
    match prove(context, &network, lowered, told) {
        Ok(proven) => tell(context, &network, lowered, &proven),
        Err(why) => vec![unproven(environment, &why)],
    }
}
