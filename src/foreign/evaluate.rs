//! What the expressions of a template come to, with its parameters and variables. What depends on a
//! deployment is not known and stays marked as such; nothing is left out for it.
//!
//! Source: "ARM template functions", "Variables in ARM templates", "Parameters in ARM templates"
//! (Microsoft Learn, checked 2026-11-30).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::expression::{self, Expr};
use super::functions;
use crate::catalog::Cloud;

/// The member of an object that stands for something unknown: no name of a template looks so.
const MARK: &str = "\u{0}unknown";

/// Steps of one template, and parts of values that they make: more than any that Azure takes needs
/// (4 MB, 256 parameters).
const MOST_STEPS: usize = 5_000_000;
/// How deep values, expressions and the variables in them may be nested together.
const MOST_DEPTH: usize = 250;
/// Copies of one resource, property or variable ("Resource iteration in ARM templates", limit 800).
const MOST_COPIES: i64 = 800;

/// Something that is not known: the expression as written, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// `[reference(...).x]`
    pub expression: String,
    /// Why it cannot be evaluated.
    pub reason: String,
}

/// A value that stands for something unknown.
pub(super) fn mark(unknown: &Unknown) -> Value {
    json!({ MARK: [unknown.expression, unknown.reason] })
}

/// What a value stands for, if it stands for something unknown.
pub(super) fn marked(value: &Value) -> Option<Unknown> {
    let list = value.as_object()?.get(MARK)?;
    let text = |at: usize| list.get(at).and_then(Value::as_str).map(str::to_owned);
    Some(Unknown {
        expression: text(0)?,
        reason: text(1)?,
    })
}

/// The first thing in a value that is not known.
pub(super) fn open_part(value: &Value) -> Option<Unknown> {
    marked(value).or_else(|| match value {
        Value::Array(items) => items.iter().find_map(open_part),
        Value::Object(members) => members.values().find_map(open_part),
        _ => None,
    })
}

/// A parameter.
#[derive(Clone, Debug)]
enum Parameter {
    /// Given by whoever deploys.
    Given(Value),
    /// By default; may hold expressions.
    Default(Value),
    /// Nobody said.
    Missing,
}

/// A loop at one of its turns.
#[derive(Debug)]
struct Loop {
    /// In lower case.
    name: String,
    at: i64,
    /// Of resources; else of a property or a variable.
    resources: bool,
}

/// What expressions of one template refer to.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// By lower-case name.
    parameters: BTreeMap<String, Parameter>,
    variables: BTreeMap<String, Value>,
    /// What was evaluated; absent while it is being evaluated.
    known: RefCell<BTreeMap<String, Option<Rc<Value>>>>,
    /// Loops around the place that is evaluated, innermost last.
    loops: RefCell<Vec<Loop>>,
    steps: Cell<usize>,
    depth: Cell<usize>,
    cloud: Cloud,
}

impl Scope {
    /// The scope of a template in a cloud, with what its parameters are given.
    pub(super) fn new(template: &Value, given: &Map<String, Value>, cloud: Cloud) -> Self {
        let mut out = Self {
            cloud,
            ..Self::default()
        };
        let lower = |name: &str| name.to_lowercase();
        let declared = super::member(template, "parameters").and_then(Value::as_object);
        for (name, about) in declared.into_iter().flatten() {
            let parameter = match super::member(about, "defaultValue") {
                Some(value) => Parameter::Default(value.clone()),
                None => Parameter::Missing,
            };
            out.parameters.insert(lower(name), parameter);
        }
        for (name, value) in given {
            let value = Parameter::Given(value.clone());
            out.parameters.insert(lower(name), value);
        }
        let variables = super::member(template, "variables").and_then(Value::as_object);
        for (name, value) in variables.into_iter().flatten() {
            if name.eq_ignore_ascii_case("copy") {
                for loop_ in value.as_array().into_iter().flatten() {
                    if let Some(name) = super::member(loop_, "name").and_then(Value::as_str) {
                        let alone = json!({ "copy": [loop_] });
                        out.variables.insert(format!("\u{0}{}", lower(name)), alone);
                    }
                }
            } else {
                out.variables.insert(lower(name), value.clone());
            }
        }
        out
    }

    /// A value with every expression in it evaluated; what is not known is marked.
    pub(super) fn value(&self, value: &Value) -> Value {
        let evaluated = self.deeper(|| {
            // A loop makes everything in it anew.
            self.charge(1 + value.as_str().map_or(0, |text| text.len() / 64))?;
            Ok(match value {
                Value::String(text) => self.text(text),
                Value::Array(items) => Value::Array(items.iter().map(|v| self.value(v)).collect()),
                Value::Object(members) => self.object(members),
                other => other.clone(),
            })
        });
        evaluated.unwrap_or_else(|reason| {
            mark(&Unknown {
                expression: value.as_str().unwrap_or("[...]").to_owned(),
                reason,
            })
        })
    }

    /// One level further down, if there may be one.
    fn deeper<T>(&self, run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
        let depth = self.depth.get();
        if depth > MOST_DEPTH {
            return Err("it is nested too deep".to_owned());
        }
        self.depth.set(depth + 1);
        let out = run();
        self.depth.set(depth);
        out
    }

    fn text(&self, text: &str) -> Value {
        let Some(inner) = expression::inside(text) else {
            let plain = match text.strip_prefix('[') {
                Some(rest) if rest.starts_with('[') && text.ends_with(']') => rest,
                _ => text,
            };
            return Value::String(plain.to_owned());
        };
        let found = expression::parse(inner)
            .and_then(|tree| self.expression(&tree))
            .and_then(|value| self.own(&value));
        found.unwrap_or_else(|reason| {
            mark(&Unknown {
                expression: text.trim().to_owned(),
                reason,
            })
        })
    }

    fn object(&self, members: &Map<String, Value>) -> Value {
        let mut out = Map::new();
        let mut known = BTreeMap::new();
        let mut put = |name: String, value: Value| put(&mut out, &mut known, name, value);
        for (name, value) in members {
            if name.eq_ignore_ascii_case("copy")
                && let Value::Array(loops) = value
            {
                for one in loops {
                    let Some((name, list)) = self.property_copy(one) else {
                        return mark(&Unknown {
                            expression: "[copy]".to_owned(),
                            reason: "a loop has no name".to_owned(),
                        });
                    };
                    put(name, list);
                }
                continue;
            }
            let name = match self.text(name) {
                Value::String(name) => name,
                _ => name.clone(),
            };
            put(name, self.value(value));
        }
        Value::Object(out)
    }

    /// `{"name": "rules", "count": 3, "input": {...}}` as the property `rules`.
    fn property_copy(&self, one: &Value) -> Option<(String, Value)> {
        let name = super::member(one, "name").and_then(Value::as_str)?;
        let input = super::member(one, "input").unwrap_or(&Value::Null);
        let list = match self.count(one) {
            Ok(count) => (0..count)
                .map(|at| self.in_loop((name, false), at, || self.value(input)))
                .collect(),
            Err(unknown) => mark(&unknown),
        };
        Some((name.to_owned(), list))
    }

    /// How often a loop runs.
    pub(super) fn count(&self, one: &Value) -> Result<i64, Unknown> {
        let written = super::member(one, "count").unwrap_or(&Value::Null);
        let count = self.value(written);
        let fault = |reason: &str| Unknown {
            expression: match written {
                Value::String(text) => text.clone(),
                other => format!("[{other}]"),
            },
            reason: reason.to_owned(),
        };
        if let Some(unknown) = marked(&count) {
            return Err(unknown);
        }
        match count.as_i64() {
            Some(count) if (0..=MOST_COPIES).contains(&count) => Ok(count),
            Some(_) => Err(fault("a loop runs 0 to 800 times")),
            None => Err(fault("the count of a loop is a whole number")),
        }
    }

    /// Evaluates inside a loop, which has a name and is one of resources or not.
    pub(super) fn in_loop<T>(
        &self,
        (name, resources): (&str, bool),
        at: i64,
        run: impl FnOnce() -> T,
    ) -> T {
        self.loops.borrow_mut().push(Loop {
            name: name.to_lowercase(),
            at,
            resources,
        });
        let out = run();
        self.loops.borrow_mut().pop();
        out
    }

    /// Counts what is done; an error if it is too much.
    fn charge(&self, steps: usize) -> Result<(), String> {
        let steps = self.steps.get().saturating_add(steps);
        self.steps.set(steps);
        if steps > MOST_STEPS {
            return Err("the template is too much to evaluate".to_owned());
        }
        Ok(())
    }

    /// A value of one's own.
    fn own(&self, value: &Value) -> Result<Value, String> {
        self.charge(weight(value))?;
        Ok(value.clone())
    }

    fn expression(&self, tree: &Expr) -> Result<Rc<Value>, String> {
        self.charge(1)?;
        self.deeper(|| self.expression_here(tree))
    }

    fn expression_here(&self, tree: &Expr) -> Result<Rc<Value>, String> {
        match tree {
            Expr::Text(text) => Ok(Rc::new(Value::String(text.clone()))),
            Expr::Number(number) => Ok(Rc::new(Value::from(*number))),
            Expr::Member(of, name) => {
                let of = self.known(of)?;
                let found = of.as_object().and_then(|_| super::member(&of, name));
                let found = found.ok_or_else(|| format!("there is no `{name}`"))?;
                self.own(found).map(Rc::new)
            }
            Expr::Index(of, at) => {
                let (of, at) = (self.known(of)?, self.known(at)?);
                let found = functions::index(&of, &at);
                let found = found.ok_or_else(|| format!("there is no `{at}`"))?;
                self.own(found).map(Rc::new)
            }
            Expr::Call(name, arguments) => self.call(name, arguments),
        }
    }

    /// The same, but an error if it is not known itself.
    fn known(&self, tree: &Expr) -> Result<Rc<Value>, String> {
        let value = self.expression(tree)?;
        match marked(&value) {
            Some(unknown) => Err(unknown.reason),
            None => Ok(value),
        }
    }

    fn call(&self, name: &str, arguments: &[Expr]) -> Result<Rc<Value>, String> {
        match (name, arguments) {
            ("parameters", [which]) => {
                let which = self.known(which)?;
                self.parameter(which.as_str().unwrap_or_default())
            }
            ("variables", [which]) => {
                let which = self.known(which)?;
                self.variable(which.as_str().unwrap_or_default())
            }
            ("environment", []) => Ok(Rc::new(functions::environment(self.cloud))),
            ("copyindex", arguments) => self.copy_index(arguments).map(Rc::new),
            // Only what is asked for has to be known.
            ("if", [condition, yes, no]) => match self.known(condition)?.as_bool() {
                Some(true) => self.expression(yes),
                Some(false) => self.expression(no),
                None => Err("the condition of `if` is neither true nor false".to_owned()),
            },
            ("and" | "or", arguments) => {
                let ends = name == "or";
                let mut open = None;
                for argument in arguments {
                    match self.known(argument).map(|value| value.as_bool()) {
                        Ok(Some(found)) if found == ends => {
                            return Ok(Rc::new(Value::Bool(ends)));
                        }
                        Ok(Some(_)) => {}
                        Ok(None) => return Err(format!("`{name}` takes true and false")),
                        Err(why) => open = Some(why),
                    }
                }
                open.map_or_else(|| Ok(Rc::new(Value::Bool(!ends))), Err)
            }
            ("coalesce", arguments) => {
                for argument in arguments {
                    let found = self.known(argument)?;
                    if !found.is_null() {
                        return Ok(found);
                    }
                }
                Ok(Rc::new(Value::Null))
            }
            _ => {
                let mut values = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    // An unknown argument may stay as a part of a list.
                    values.push(self.expression(argument)?);
                }
                let values: Vec<&Value> = values.iter().map(|value| &**value).collect();
                self.charge(values.iter().map(|value| weight(value)).sum())?;
                functions::call(name, &values).map(Rc::new)
            }
        }
    }

    fn parameter(&self, name: &str) -> Result<Rc<Value>, String> {
        let key = name.to_lowercase();
        let value = match self.parameters.get(&key) {
            None => return Err(format!("there is no parameter `{name}`")),
            Some(Parameter::Missing) => return Err(format!("parameter `{name}` has no value")),
            Some(Parameter::Given(value)) => {
                return self.once(&format!("parameter {key}"), name, || value.clone());
            }
            Some(Parameter::Default(value)) => value,
        };
        self.once(&format!("parameter {key}"), name, || self.value(value))
    }

    fn variable(&self, name: &str) -> Result<Rc<Value>, String> {
        let key = name.to_lowercase();
        if let Some(value) = self.variables.get(&key) {
            return self.once(&format!("variable {key}"), name, || self.value(value));
        }
        let Some(looped) = self.variables.get(&format!("\u{0}{key}")) else {
            return Err(format!("there is no variable `{name}`"));
        };
        self.once(&format!("variable {key}"), name, || {
            let list = self.value(looped);
            super::member(&list, name).cloned().unwrap_or_default()
        })
    }

    /// Evaluates something by name, once.
    fn once(
        &self,
        key: &str,
        name: &str,
        run: impl FnOnce() -> Value,
    ) -> Result<Rc<Value>, String> {
        if let Some(known) = self.known.borrow().get(key) {
            return known
                .clone()
                .ok_or_else(|| format!("`{name}` is made of itself"));
        }
        self.known.borrow_mut().insert(key.to_owned(), None);
        let value = Rc::new(run());
        let kept = Some(Rc::clone(&value));
        self.known.borrow_mut().insert(key.to_owned(), kept);
        Ok(value)
    }

    /// `copyIndex()`, `copyIndex(1)`, `copyIndex('loop')`, `copyIndex('loop', 1)`. Without a name it is that
    /// of the resource's loop ("Resource functions for ARM templates", copyIndex, checked 2026-11-30).
    fn copy_index(&self, arguments: &[Expr]) -> Result<Value, String> {
        let mut name = None;
        let mut offset = 0;
        for argument in arguments {
            match &*self.known(argument)? {
                Value::String(text) => name = Some(text.to_lowercase()),
                Value::Number(number) => offset = number.as_i64().unwrap_or_default(),
                _ => return Err("`copyIndex` takes a name and a number".to_owned()),
            }
        }
        let loops = self.loops.borrow();
        let found = match &name {
            Some(name) => loops.iter().rev().find(|l| l.name == *name),
            None => {
                let mut inside = loops.iter().rev();
                let of_resource = inside.find(|l| l.resources);
                of_resource.or_else(|| loops.last())
            }
        };
        found
            .map(|l| Value::from(l.at.saturating_add(offset)))
            .ok_or_else(|| "there is no such loop around it".to_owned())
    }
}

/// Adds a member. Which of two of one name counts nobody knows. `known` has names by their lower case.
fn put(
    out: &mut Map<String, Value>,
    known: &mut BTreeMap<String, String>,
    name: String,
    value: Value,
) {
    if let Some(twin) = known.get(&name.to_lowercase()) {
        let unknown = Unknown {
            expression: format!("[{name}]"),
            reason: format!("`{name}` is there twice"),
        };
        out.insert(twin.clone(), mark(&unknown));
    } else {
        known.insert(name.to_lowercase(), name.clone());
        out.insert(name, value);
    }
}

/// How much of memory a value takes, roughly: parts, and pieces of long texts.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + text.len() / 64,
        Value::Array(items) => items.iter().map(weight).sum::<usize>() + 1,
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| 1 + name.len() / 64 + weight(value))
            .sum(),
        _ => 1,
    }
}

/// Replaces the marks in a value by the texts of their expressions, and tells of each where it is.
pub(super) fn unmark(value: &mut Value, path: &str, told: &mut Vec<(String, Unknown)>) {
    if let Some(unknown) = marked(value) {
        *value = Value::String(unknown.expression.clone());
        told.push((path.to_owned(), unknown));
        return;
    }
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                unmark(item, &format!("{path}[{at}]"), told);
            }
        }
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                unmark(member, &format!("{path}.{name}"), told);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn scope() -> Scope {
        let template = json!({
            "parameters": {
                "space": {"type": "string", "defaultValue": "10.1"},
                "Subnet": {"defaultValue": "[concat(parameters('space'), '.2.0/24')]"},
                "none": {"type": "string"},
                "list": {"defaultValue": ["a", "[parameters('none')]"]},
                "loop": {"defaultValue": "[parameters('loop')]"},
            },
            "variables": {
                "names": {"nsg": "[format('nsg-{0}-{1}', 'web', parameters('space'))]"},
                "copy": [{"name": "ports", "count": 3, "input": "[add(copyIndex('ports'), 80)]"}],
                "bomb0": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            },
        });
        Scope::new(&template, &Map::new(), Cloud::Public)
    }

    #[test]
    fn a_loop_without_a_name_is_that_of_the_resource() {
        let scope = scope();
        let text = |text: &str| scope.value(&Value::String(text.to_owned()));
        let inner = || (text("[copyIndex()]"), text("[copyIndex('ports', 1)]"));
        let both = || scope.in_loop(("ports", false), 5, inner);
        let found = scope.in_loop(("each", true), 2, both);
        assert_eq!(found, (json!(2), json!(6)));
        assert_eq!(
            scope.in_loop(("ports", false), 5, inner),
            (json!(5), json!(6))
        );
    }

    #[test]
    fn of_two_members_of_one_name_nobody_knows_which_counts() {
        let value = json!({"Rules": [1], "copy": [{"name": "rules", "count": 1, "input": 2}]});
        let found = scope().value(&value);
        assert_eq!(
            marked(&found["Rules"]).unwrap().reason,
            "`rules` is there twice"
        );
        let unnamed = scope().value(&json!({"copy": [{"count": 1, "input": 2}]}));
        assert_eq!(marked(&unnamed).unwrap().reason, "a loop has no name");
    }

    #[test]
    fn loops_of_plain_values_have_an_end() {
        let mut value = json!("x".repeat(64));
        for level in 0..4 {
            value = json!({"copy": [{"name": format!("l{level}"), "count": 800, "input": value}]});
        }
        assert!(open_part(&scope().value(&value)).is_some());
    }

    fn known(text: &str) -> Value {
        scope().value(&Value::String(text.to_owned()))
    }

    fn open(text: &str) -> String {
        marked(&known(text)).unwrap().reason
    }

    #[test]
    fn parameters_and_variables_are_looked_up() {
        assert_eq!(known("[parameters('subnet')]"), "10.1.2.0/24");
        assert_eq!(known("[variables('names').NSG]"), "nsg-web-10.1");
        assert_eq!(known("[variables('ports')]"), json!([80, 81, 82]));
        assert_eq!(known("[[not me]"), "[not me]");
        assert_eq!(known("plain"), "plain");
        let storage = "[concat('*.blob.', environment().suffixes.storage)]";
        assert_eq!(known(storage), "*.blob.core.windows.net");
    }

    #[test]
    fn what_is_not_known_says_why() {
        assert!(open("[parameters('none')]").contains("has no value"));
        assert!(open("[parameters('other')]").contains("no parameter"));
        assert!(open("[concat('a', parameters('none'))]").contains("has no value"));
        assert!(open("[parameters('loop')]").contains("itself"));
        assert!(open("[variables('names').none]").contains("no `none`"));
        assert!(open("[resourceGroup().location]").contains("resourceGroup"));
    }

    #[test]
    fn only_what_is_asked_for_has_to_be_known() {
        assert_eq!(known("[if(true(), 'a', parameters('none'))]"), "a");
        assert_eq!(known("[and(parameters('none'), false())]"), false);
        assert_eq!(known("[length(parameters('list'))]"), 2);
        assert_eq!(known("[parameters('list')[0]]"), "a");
        assert!(marked(&known("[parameters('list')[1]]")).is_some());
        assert!(open("[join(parameters('list'), ',')]").contains("has no value"));
    }

    #[test]
    fn properties_are_copied() {
        let value = scope().value(&json!({"copy": [
            {"name": "rules", "count": "[length(variables('ports'))]",
             "input": {"port": "[variables('ports')[copyIndex('rules')]]", "n": "[copyIndex('rules', 1)]"}}]}));
        assert_eq!(value["rules"][2], json!({"port": 82, "n": 3}));
        let value =
            scope().value(&json!({"copy": [{"name": "r", "count": "[parameters('none')]"}]}));
        assert!(marked(&value["r"]).is_some());
        let value = scope().value(&json!({"copy": [{"name": "r", "count": 100_000}]}));
        assert!(marked(&value["r"]).unwrap().reason.contains("800"));
    }

    #[test]
    fn what_grows_without_end_is_given_up() {
        let mut variables = Map::new();
        variables.insert("v0".to_owned(), json!("xxxxxxxxxxxxxxxx"));
        for n in 1..60 {
            let before = n - 1;
            let twice = format!("[concat(variables('v{before}'), variables('v{before}'))]");
            variables.insert(format!("v{n}"), json!(twice));
        }
        let scope = Scope::new(
            &json!({ "variables": variables }),
            &Map::new(),
            Cloud::Public,
        );
        let value = scope.value(&json!("[variables('v59')]"));
        assert!(marked(&value).unwrap().reason.contains("too long"));
        for n in 1..60 {
            let before = format!("[variables('v{}')]", n - 1);
            variables.insert(format!("v{n}"), json!({"a": before, "b": before}));
        }
        let scope = Scope::new(
            &json!({ "variables": variables }),
            &Map::new(),
            Cloud::Public,
        );
        let value = scope.value(&json!("[variables('v59')]"));
        assert!(open_part(&value).unwrap().reason.contains("too much"));
        for n in 1..5000 {
            let before = format!("[variables('v{}')]", n - 1);
            variables.insert(format!("v{n}"), json!(before));
        }
        let scope = Scope::new(
            &json!({ "variables": variables }),
            &Map::new(),
            Cloud::Public,
        );
        let value = scope.value(&json!("[variables('v4999')]"));
        assert!(open_part(&value).unwrap().reason.contains("deep"));
    }
}
