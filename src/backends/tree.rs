//! The content of a resource as an ordered tree. Field order is the shape's own, whatever features
//! the JSON library is built with. It does not write text.

use std::borrow::Cow;

use serde::ser::Serialize;

use super::from_shape::TreeSerializer;
use super::resource::ResourceId;

/// The name of a member: those of shapes are the program's own, and there are very many of them.
pub type MemberName = Cow<'static, str>;

/// A JSON value with ordered objects, whole numbers only, no null, and references kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// `true`, `false`.
    Bool(bool),
    /// A whole number; Azure's network types know no other.
    Int(i64),
    /// A string.
    Str(String),
    /// The id of another resource.
    Ref(Box<ResourceId>),
    /// An array.
    List(Vec<Tree>),
    /// An object, in order.
    Object(Vec<(MemberName, Tree)>),
}

impl Tree {
    /// The tree of a shape. Absent values are left out.
    ///
    /// Shapes are structs of strings, whole numbers, lists and references, for which this cannot
    /// fail. Should one ever break that rule, the fault itself becomes the content: no validator
    /// and no service takes a text for an object, while an empty object would pass as an empty
    /// policy.
    #[must_use]
    pub fn from_shape(shape: &impl Serialize) -> Self {
        match shape.serialize(TreeSerializer) {
            Ok(Some(tree)) => tree,
            Ok(None) => Self::Object(Vec::new()),
            Err(error) => Self::Str(format!("not representable: {error}")),
        }
    }

    /// A string.
    #[must_use]
    pub fn str(text: impl Into<String>) -> Self {
        Self::Str(text.into())
    }

    /// The member of an object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .find_map(|(name, value)| (name == key).then_some(value)),
            _ => None,
        }
    }

    /// The elements of a list that is a member of an object; none if there is no such list.
    #[must_use]
    pub fn items(&self, key: &str) -> &[Self] {
        match self.get(key) {
            Some(Self::List(items)) => items,
            _ => &[],
        }
    }

    /// The resources referred to, each once, in order of first mention.
    #[must_use]
    pub fn references(&self) -> Vec<ResourceId> {
        let mut found = Vec::new();
        self.collect_references(&mut found);
        found
    }

    /// Bytes of the tree as JSON without white space, escapes not counted.
    #[must_use]
    pub fn json_len(&self) -> usize {
        match self {
            Self::Bool(true) => 4,
            Self::Bool(false) => 5,
            Self::Int(n) => n.to_string().len(),
            Self::Str(text) => text.len() + 2,
            Self::Ref(id) => id.text().len() + 2,
            Self::List(items) => 2 + items.iter().map(|i| i.json_len() + 1).sum::<usize>(),
            Self::Object(members) => {
                let inside = members.iter().map(|(key, v)| key.len() + 4 + v.json_len());
                2 + inside.sum::<usize>()
            }
        }
    }

    fn collect_references(&self, found: &mut Vec<ResourceId>) {
        match self {
            Self::Ref(id) => {
                if !found.contains(id) {
                    found.push((**id).clone());
                }
            }
            Self::List(items) => {
                for item in items {
                    item.collect_references(found);
                }
            }
            Self::Object(members) => {
                for (_, value) in members {
                    value.collect_references(found);
                }
            }
            Self::Bool(_) | Self::Int(_) | Self::Str(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::*;
    use crate::backends::resource::{AzureType, Place, Reference};

    #[derive(serde::Serialize)]
    struct Sample {
        zebra: u32,
        absent: Option<bool>,
        alpha: Vec<Reference>,
        fraction: Option<f64>,
    }

    fn sample(fraction: Option<f64>) -> (ResourceId, Tree) {
        let id = ResourceId::new(&Place::default(), AzureType::IpGroup, "ipg");
        let shape = Sample {
            zebra: 1,
            absent: None,
            alpha: vec![Reference(id.clone()), Reference(id.clone())],
            fraction,
        };
        (id, Tree::from_shape(&shape))
    }

    #[test]
    fn fields_keep_their_order_and_references_stay_references() {
        let (id, tree) = sample(None);
        assert_eq!(
            tree,
            Tree::Object(vec![
                ("zebra".into(), Tree::Int(1)),
                (
                    "alpha".into(),
                    Tree::List(vec![Tree::Ref(Box::new(id.clone())); 2])
                ),
            ])
        );
        assert_eq!(tree.references(), vec![id]);
    }

    #[test]
    fn what_cannot_be_represented_is_loud() {
        assert!(matches!(sample(Some(0.5)).1, Tree::Str(text) if text.contains("broken number")));
    }
}
