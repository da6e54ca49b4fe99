//! The resources of ARM templates: nested deployments, child resources, loops and conditions. What an
//! expression comes to is known in `evaluate`.
//!
//! Source: "Understand the structure and syntax of ARM templates", "Using linked and nested templates",
//! "Resource iteration", "Conditional deployment" (Microsoft Learn, checked 2026-11-30).

use serde_json::{Map, Value, json};

use super::definitions::{Definition, Reader};
use super::evaluate::{Scope, Unknown, marked, unmark};
use super::faults::{span, unreadable};
use super::json::Step;
use super::kind::Kind;
use super::member;

/// How deep deployments may be nested.
const MOST_DEPTH: usize = 16;
/// Deployments and resources of one file.
const MOST_RESOURCES: usize = 20_000;

/// Whether a value is a template.
pub(super) fn is_template(value: &Value) -> bool {
    let schema = member(value, "$schema").and_then(Value::as_str);
    let by_schema = schema.is_some_and(|s| s.to_lowercase().contains("deploymenttemplate"));
    let content = member(value, "contentVersion").is_some() && member(value, "resources").is_some();
    by_schema || content
}

/// What a file of parameters gives; `None` if it is none.
pub(super) fn parameters(value: &Value) -> Option<Map<String, Value>> {
    let schema = member(value, "$schema").and_then(Value::as_str)?;
    let is_file = schema.to_lowercase().contains("deploymentparameters");
    let list = member(value, "parameters").and_then(Value::as_object);
    is_file.then(|| given(list, &|value| value.clone()))
}

/// `{name: {value: ...}}`; what is kept elsewhere stays missing.
fn given(
    list: Option<&Map<String, Value>>,
    evaluate: &dyn Fn(&Value) -> Value,
) -> Map<String, Value> {
    let value = |about| member(about, "value").map(evaluate);
    list.into_iter()
        .flatten()
        .filter_map(|(name, about)| Some((name.clone(), value(about)?)))
        .collect()
}

/// Reads a template.
pub(super) fn read(
    reader: &mut Reader<'_>,
    template: &Value,
    given: Option<&Map<String, Value>>,
    place: &[Step],
) {
    let scope = Scope::new(template, given.unwrap_or(&Map::new()), reader.cloud);
    let mut walk = Walk {
        reader,
        count: 0,
        others: Vec::new(),
        outer: None,
    };
    walk.resources(&scope, template, None, place, 0);
    let Walk { mut others, .. } = walk;
    others.sort();
    others.dedup();
    if !others.is_empty() {
        reader.pass(&format!("resources of other types: {}", others.join(", ")));
    }
}

/// Type and name of the resource that others stand in.
type Parent<'p> = Option<(&'p str, &'p str)>;

struct Walk<'r, 'o> {
    reader: &'r mut Reader<'o>,
    count: usize,
    /// Types that are not read.
    others: Vec<String>,
    /// The condition of the deployment around, if it is not known.
    outer: Option<Unknown>,
}

impl Walk<'_, '_> {
    /// The resources in `resources`: a list, or by symbolic names.
    fn resources(
        &mut self,
        scope: &Scope,
        holder: &Value,
        parent: Parent<'_>,
        place: &[Step],
        depth: usize,
    ) {
        let at = |step: Step| {
            let mut place = place.to_vec();
            place.extend([Step::Member("resources".to_owned()), step]);
            place
        };
        match member(holder, "resources") {
            Some(Value::Array(items)) => {
                for (number, item) in items.iter().enumerate() {
                    self.repeated(scope, item, parent, &at(Step::Item(number)), depth);
                }
            }
            Some(Value::Object(items)) => {
                for (name, item) in items {
                    let place = at(Step::Member(name.clone()));
                    self.repeated(scope, item, parent, &place, depth);
                }
            }
            _ => {}
        }
    }

    /// A resource as often as its loop says.
    fn repeated(
        &mut self,
        scope: &Scope,
        value: &Value,
        parent: Parent<'_>,
        place: &[Step],
        depth: usize,
    ) {
        self.count += 1;
        if self.count > MOST_RESOURCES {
            if self.count == MOST_RESOURCES + 1 {
                self.fault(place, "the template holds too many resources".to_owned());
            }
            return;
        }
        let existing = member(value, "existing").and_then(Value::as_bool) == Some(true);
        if !value.is_object() || existing {
            return;
        }
        let Some(copy) = member(value, "copy") else {
            self.one(scope, value, parent, place, depth);
            return;
        };
        let name = member(copy, "name").and_then(Value::as_str).unwrap_or("");
        match scope.count(copy) {
            Ok(count) => {
                for at in 0..count {
                    scope.in_loop((name, true), at, || {
                        self.one(scope, value, parent, place, depth);
                    });
                }
            }
            Err(unknown) => {
                let full = self.full_type(scope, value, parent);
                if self.matters(&full) {
                    let why = format!(
                        "how many `{full}` there are is not known: `{}`, {}",
                        unknown.expression, unknown.reason
                    );
                    self.fault(place, why);
                }
            }
        }
    }

    fn fault(&mut self, place: &[Step], why: String) {
        let at = span(&self.reader.out.sources, self.reader.file, place);
        self.reader.out.faults.push(unreadable(at, why));
    }

    fn full_type(&self, scope: &Scope, value: &Value, parent: Parent<'_>) -> String {
        let own = member(value, "type").map(|t| scope.value(t));
        let own = own.as_ref().and_then(Value::as_str).unwrap_or_default();
        match parent {
            Some((kind, _)) if !own.contains('/') || !own.contains('.') => format!("{kind}/{own}"),
            _ => own.to_owned(),
        }
    }

    /// Whether resources of a type are read; of others only the type is told.
    fn matters(&mut self, full: &str) -> bool {
        let deployment = full.eq_ignore_ascii_case("Microsoft.Resources/deployments");
        let known = deployment || Kind::of_type(full).is_some() || is_old_form(full);
        if !known && !full.is_empty() {
            self.others.push(full.to_owned());
        }
        known
    }

    fn one(
        &mut self,
        scope: &Scope,
        value: &Value,
        parent: Parent<'_>,
        place: &[Step],
        depth: usize,
    ) {
        let full = self.full_type(scope, value, parent);
        if !self.matters(&full) {
            return;
        }
        let condition = member(value, "condition").map(|c| scope.value(c));
        let name = self.name(scope, value, parent);
        match &condition {
            Some(Value::Bool(false)) => {
                let why = format!("`{name}` is not deployed: its condition is false");
                self.reader.pass(&why);
                return;
            }
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => return,
            _ => {}
        }
        if full.eq_ignore_ascii_case("Microsoft.Resources/deployments") {
            let own = condition.as_ref().and_then(marked);
            let around = self.outer.clone();
            self.outer = own.or_else(|| around.clone());
            self.deployment(scope, value, &name, place, depth);
            self.outer = around;
            return;
        }
        let Some(kind) = Kind::of_type(&full) else {
            // Only the old form is left.
            let why = format!("`{name}`: rule groups of 2019 (`{full}`) are not understood");
            self.fault(place, why);
            return;
        };
        let properties = member(value, "properties").map(|p| scope.value(p));
        let mut made = json!({
            "name": name,
            "type": full,
            "properties": properties.unwrap_or_else(|| json!({})),
        });
        let mut open = Vec::new();
        unmark(&mut made, "", &mut open);
        // Nothing that a resource does hangs on these: what is not known of them is left away.
        for name in ["location", "tags", "zones"] {
            let Some(mut own) = member(value, name).map(|v| scope.value(v)) else {
                continue;
            };
            let mut unknown = Vec::new();
            unmark(&mut own, "", &mut unknown);
            if let (true, Some(members)) = (unknown.is_empty(), made.as_object_mut()) {
                members.insert(name.to_owned(), own);
            }
        }
        self.reader.out.resources.push(Definition {
            kind,
            name: name.clone(),
            id: None,
            value: made,
            open,
            condition: condition
                .as_ref()
                .and_then(marked)
                .or_else(|| self.outer.clone()),
            file: self.reader.file,
            place: place.to_vec(),
        });
        self.resources(scope, value, Some((&full, &name)), place, depth);
    }

    /// The name with its parents'; an expression that is not known stands for itself.
    fn name(&self, scope: &Scope, value: &Value, parent: Parent<'_>) -> String {
        let own = member(value, "name").map(|n| scope.value(n));
        let own = match &own {
            Some(Value::String(text)) => text.clone(),
            Some(other) => match marked(other) {
                // A slash stands between parent and child.
                Some(unknown) => of_parent(&unknown.expression)
                    .unwrap_or_else(|| unknown.expression.replace('/', "|")),
                None => other.to_string(),
            },
            None => "[no name]".to_owned(),
        };
        match parent {
            Some((_, name)) if !own.contains('/') => format!("{name}/{own}"),
            _ => own,
        }
    }

    /// A deployment in a template, with a scope of its own or with this one.
    fn deployment(
        &mut self,
        scope: &Scope,
        value: &Value,
        name: &str,
        place: &[Step],
        depth: usize,
    ) {
        let properties = member(value, "properties").unwrap_or(&Value::Null);
        let Some(template) = member(properties, "template").filter(|t| t.is_object()) else {
            self.reader
                .pass(&format!("the template of deployment `{name}` is not here"));
            self.reader.out.absent.push(name.to_owned());
            return;
        };
        if depth >= MOST_DEPTH {
            self.fault(place, "deployments are nested too deep".to_owned());
            return;
        }
        let mut inside = place.to_vec();
        inside.extend(["properties", "template"].map(|s| Step::Member(s.to_owned())));
        let evaluation = member(properties, "expressionEvaluationOptions");
        let inner = evaluation
            .and_then(|options| member(options, "scope"))
            .and_then(Value::as_str)
            .is_some_and(|scope| scope.eq_ignore_ascii_case("inner"));
        if inner {
            let list = member(properties, "parameters").and_then(Value::as_object);
            let given = given(list, &|value| scope.value(value));
            let own = Scope::new(template, &given, self.reader.cloud);
            self.resources(&own, template, None, &inside, depth + 1);
        } else {
            self.resources(scope, template, None, &inside, depth + 1);
        }
    }
}

/// `[concat(PARENT, '/child')]` and `[format('{0}/{1}', PARENT, 'child')]`, of which the parent is not
/// known, as `[PARENT]/child`: the parent stands for itself in its own name too.
fn of_parent(expression: &str) -> Option<String> {
    let inner = expression.strip_prefix('[')?.strip_suffix(")]")?;
    let (parent, child) = if let Some(rest) = inner.strip_prefix("concat(") {
        let (parent, child) = rest.rsplit_once(',')?;
        let child = child.trim().strip_prefix("'/")?.strip_suffix('\'')?;
        (parent, child)
    } else {
        let rest = inner.strip_prefix("format('{0}/{1}',")?;
        let (parent, child) = rest.rsplit_once(',')?;
        let child = child.trim().strip_prefix('\'')?.strip_suffix('\'')?;
        (parent, child)
    };
    let parent = parent.trim();
    let plain = !parent.contains('/') && !child.contains(['/', '\'']);
    plain.then(|| format!("[{parent}]/{child}"))
}

/// The form of rule collection groups before 2020.
fn is_old_form(full: &str) -> bool {
    full.eq_ignore_ascii_case("Microsoft.Network/firewallPolicies/ruleGroups")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_that_is_not_known_stands_for_itself() {
        let name = |text: &str| of_parent(text).unwrap_or_default();
        assert_eq!(
            name("[concat(parameters('p'), '/g')]"),
            "[parameters('p')]/g"
        );
        assert_eq!(
            name("[format('{0}/{1}', parameters('p'), 'g')]"),
            "[parameters('p')]/g"
        );
        for other in [
            "[concat(parameters('p'), 'g')]",
            "[concat('a/', parameters('p'))]",
            "[parameters('p')]",
            "[concat(parameters('a/b'), '/g')]",
            "[format('{0}-{1}/{2}', parameters('p'), 'x', 'g')]",
        ] {
            assert_eq!(of_parent(other), None, "{other}");
        }
    }
}
