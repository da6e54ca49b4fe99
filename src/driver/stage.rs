//! One environment on its way through a compilation, for whoever watches: what it is made of, how to
//! say something of it, and the same under the values of a test. It judges nothing.

use std::cell::RefCell;

use crate::backends::plan::plan;
use crate::backends::{Context, Lowered, lower};
use crate::catalog::Catalog;
use crate::diag::{Diagnostic, Severity, Sink};
use crate::model::verify::TestBlock;
use crate::path::Fabric;
use crate::resolve::{Modules, resolve_with, under_test};
use crate::source::{Loader, SourceMap};
use crate::wrap::manifest::Retired;

use super::locking::Ledger;
use super::{Options, Project, expire, imply_firewall};

/// One environment between lowering and proof.
pub struct Stage<'a> {
    /// The policy with its topology, settings and duties.
    pub context: &'a Context<'a>,
    /// The sources that were read.
    pub sources: &'a SourceMap,
    /// What was said so far.
    pub told: &'a [Diagnostic],
    /// Groups that left the source and are still in force in Azure.
    pub retired: &'a [Retired],
    pub(super) origin: Origin<'a>,
}

/// Sees every environment that lowered without an error, before it is proven and wrapped.
pub type Watch<'w> = dyn FnMut(&Stage<'_>, &mut Lowered) + 'w;

/// What an environment is made from.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) loader: &'a dyn Loader,
    pub(super) modules: Option<&'a Modules>,
    pub(super) project: &'a Project,
    pub(super) catalog: &'a Catalog,
    pub(super) options: &'a Options,
    pub(super) remarks: &'a RefCell<Sink>,
}

impl Stage<'_> {
    /// Says something of the environment beside what the compilation says. It does not stop the
    /// compilation.
    pub fn say(&self, diagnostic: Diagnostic) {
        self.origin.remarks.borrow_mut().push(diagnostic);
    }

    /// Shows the environment as one of its tests sees it: with the values of the test's `with`, the
    /// only test being that one. Numbers and the lock are as if it were written for the first time.
    /// False if these values make a fault, which is said then.
    pub fn under(&self, test: &TestBlock, see: &mut Watch<'_>) -> bool {
        let Origin {
            loader,
            modules: Some(modules),
            project,
            catalog,
            options,
            ..
        } = self.origin
        else {
            return false;
        };
        let mut sink = Sink::default();
        let environment = &self.context.fabric.policy.environment;
        let policy = resolve_with(modules, loader, catalog, environment, test, &mut sink);
        if sink.has_errors() {
            self.origin.remarks.borrow_mut().extend(sink.into_sorted());
        }
        let Some(mut policy) = policy else {
            return false;
        };
        // Of flows that have expired the environment tells; here they only may have to go.
        expire(&mut policy, project, options, &mut Sink::default());
        imply_firewall(&mut policy, project);
        let mut own = Sink::default();
        let mut scratch = SourceMap::default();
        let ledger = Ledger::open(
            &options.memory,
            &project.settings,
            &mut scratch,
            &mut Sink::default(),
        );
        ledger.begin(&policy);
        let fabric = Fabric::new(&policy, catalog);
        let plan = plan(&fabric, &mut own);
        let context = Context {
            fabric: &fabric,
            plan: &plan,
            settings: &project.settings,
            limits: options.limits,
            numbers: &ledger.numbers,
        };
        let mut lowered = lower(&context, &mut own);
        if own.has_errors() {
            let place = test.with.as_ref().map_or(test.span, |with| with.span);
            for fault in own.into_sorted() {
                if fault.severity == Severity::Error {
                    self.say(under_test(fault, place));
                }
            }
            return false;
        }
        let stage = Stage {
            context: &context,
            sources: self.sources,
            told: own.items(),
            retired: &[],
            origin: self.origin,
        };
        see(&stage, &mut lowered);
        true
    }
}
