//! The serialiser that makes a tree from a shape. It knows serde's data model, no shape.

use std::fmt;

use serde::ser::{self, Serialize};

use super::resource::ResourceId;
use super::tree::{MemberName, Tree};

/// The name under which a reference passes through serde.
pub(super) const REFERENCE: &str = "$portcullis::Reference";

/// What a shape contains that a tree cannot.
#[derive(Debug)]
pub(super) struct ShapeError(String);

impl fmt::Display for ShapeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ShapeError {}

impl ser::Error for ShapeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// `None` is an absent value.
pub(super) type Made = Result<Option<Tree>, ShapeError>;

pub(super) struct TreeSerializer;

fn whole(value: impl TryInto<i64>) -> Made {
    match value.try_into() {
        Ok(value) => Ok(Some(Tree::Int(value))),
        Err(_) => Err(ShapeError("a number that is too large".to_owned())),
    }
}

macro_rules! whole_numbers {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, value: $type) -> Made { whole(value) })*
    };
}

impl ser::Serializer for TreeSerializer {
    type Ok = Option<Tree>;
    type Error = ShapeError;
    type SerializeSeq = ListSerializer;
    type SerializeTuple = ListSerializer;
    type SerializeTupleStruct = ListSerializer;
    type SerializeTupleVariant = ListSerializer;
    type SerializeMap = ObjectSerializer;
    type SerializeStruct = ObjectSerializer;
    type SerializeStructVariant = ObjectSerializer;

    whole_numbers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
    }

    fn serialize_bool(self, value: bool) -> Made {
        Ok(Some(Tree::Bool(value)))
    }

    fn serialize_f32(self, _: f32) -> Made {
        Err(ShapeError("a broken number".to_owned()))
    }

    fn serialize_f64(self, _: f64) -> Made {
        Err(ShapeError("a broken number".to_owned()))
    }

    fn serialize_char(self, value: char) -> Made {
        Ok(Some(Tree::Str(value.to_string())))
    }

    fn serialize_str(self, value: &str) -> Made {
        Ok(Some(Tree::Str(value.to_owned())))
    }

    fn serialize_bytes(self, _: &[u8]) -> Made {
        Err(ShapeError("raw bytes".to_owned()))
    }

    fn serialize_none(self) -> Made {
        Ok(None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Made {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Made {
        Ok(None)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Made {
        Ok(Some(Tree::Object(Vec::new())))
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Made {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Made {
        let made = value.serialize(self)?;
        match made {
            Some(Tree::Str(text)) if name == REFERENCE => {
                Ok(Some(Tree::Ref(Box::new(ResourceId::parse(&text)))))
            }
            other => Ok(other),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Made {
        let made = value.serialize(self)?;
        Ok(made.map(|tree| Tree::Object(vec![(variant.into(), tree)])))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<ListSerializer, ShapeError> {
        Ok(ListSerializer {
            items: Vec::with_capacity(len.unwrap_or_default()),
            ..ListSerializer::default()
        })
    }

    fn serialize_tuple(self, _: usize) -> Result<ListSerializer, ShapeError> {
        Ok(ListSerializer::default())
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<ListSerializer, ShapeError> {
        Ok(ListSerializer::default())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<ListSerializer, ShapeError> {
        Ok(ListSerializer {
            variant: Some(variant),
            items: Vec::new(),
        })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<ObjectSerializer, ShapeError> {
        Ok(ObjectSerializer::default())
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<ObjectSerializer, ShapeError> {
        Ok(ObjectSerializer {
            members: Vec::with_capacity(len),
            ..ObjectSerializer::default()
        })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<ObjectSerializer, ShapeError> {
        Ok(ObjectSerializer {
            variant: Some(variant),
            ..ObjectSerializer::default()
        })
    }
}

/// Wraps what a variant contains under the variant's name.
fn in_variant(variant: Option<&'static str>, tree: Tree) -> Made {
    Ok(Some(match variant {
        Some(name) => Tree::Object(vec![(name.into(), tree)]),
        None => tree,
    }))
}

#[derive(Default)]
pub(super) struct ListSerializer {
    variant: Option<&'static str>,
    items: Vec<Tree>,
}

impl ListSerializer {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError> {
        self.items.extend(value.serialize(TreeSerializer)?);
        Ok(())
    }

    fn finish(mut self) -> Made {
        self.items.shrink_to_fit();
        in_variant(self.variant, Tree::List(self.items))
    }
}

macro_rules! list_serializer {
    ($($part:ident: $method:ident),* $(,)?) => {
        $(impl ser::$part for ListSerializer {
            type Ok = Option<Tree>;
            type Error = ShapeError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError> {
                self.push(value)
            }

            fn end(self) -> Made {
                self.finish()
            }
        })*
    };
}

list_serializer! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

#[derive(Default)]
pub(super) struct ObjectSerializer {
    variant: Option<&'static str>,
    key: Option<String>,
    members: Vec<(MemberName, Tree)>,
}

impl ObjectSerializer {
    fn member<T: Serialize + ?Sized>(
        &mut self,
        key: MemberName,
        value: &T,
    ) -> Result<(), ShapeError> {
        if let Some(tree) = value.serialize(TreeSerializer)? {
            self.members.push((key, tree));
        }
        Ok(())
    }

    fn finish(mut self) -> Made {
        self.members.shrink_to_fit();
        in_variant(self.variant, Tree::Object(self.members))
    }
}

impl ser::SerializeMap for ObjectSerializer {
    type Ok = Option<Tree>;
    type Error = ShapeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ShapeError> {
        match key.serialize(TreeSerializer)? {
            Some(Tree::Str(text)) => {
                self.key = Some(text);
                Ok(())
            }
            _ => Err(ShapeError("a key that is not a string".to_owned())),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError> {
        match self.key.take() {
            Some(key) => self.member(key.into(), value),
            None => Err(ShapeError("a value without a key".to_owned())),
        }
    }

    fn end(self) -> Made {
        self.finish()
    }
}

impl ser::SerializeStruct for ObjectSerializer {
    type Ok = Option<Tree>;
    type Error = ShapeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), ShapeError> {
        self.member(key.into(), value)
    }

    fn end(self) -> Made {
        self.finish()
    }
}

impl ser::SerializeStructVariant for ObjectSerializer {
    type Ok = Option<Tree>;
    type Error = ShapeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), ShapeError> {
        self.member(key.into(), value)
    }

    fn end(self) -> Made {
        self.finish()
    }
}
