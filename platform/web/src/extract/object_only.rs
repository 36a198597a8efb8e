//! Refuses a JSON array where an object is expected, at every depth.
//!
//! serde's derived structs also accept a sequence and fill their fields by position. In an API that is never meant:
//! `["<id>","CASH",18000]` must not pay. The wrappers here pass everything through, except a sequence for a struct.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

/// A deserializer whose structs are read from objects alone.
pub(super) struct ObjectOnly<D>(pub(super) D);

/// What a value may be read from.
#[derive(Clone, Copy)]
enum Shape {
    Any,
    Object,
}

/// Wraps a visitor, a seed or an access, so that what is inside it is wrapped too.
struct Nested<T> {
    inner: T,
    shape: Shape,
}

fn any<T>(inner: T) -> Nested<T> {
    Nested { inner, shape: Shape::Any }
}

fn object<T>(inner: T) -> Nested<T> {
    Nested { inner, shape: Shape::Object }
}

macro_rules! deserialize_any_shape {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method(any(visitor))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ObjectOnly<D> {
    type Error = D::Error;

    deserialize_any_shape! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_option deserialize_unit deserialize_seq deserialize_map
        deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(name, fields, object(visitor))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_unit_struct(name, any(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, any(visitor))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(len, any(visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple_struct(name, len, any(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, any(visitor))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

macro_rules! visit_scalar {
    ($($method:ident: $type:ty),*) => {
        $(fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Nested<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visit_scalar! {
        visit_bool: bool, visit_i8: i8, visit_i16: i16, visit_i32: i32, visit_i64: i64, visit_i128: i128,
        visit_u8: u8, visit_u16: u16, visit_u32: u32, visit_u64: u64, visit_u128: u128, visit_f32: f32,
        visit_f64: f64, visit_char: char, visit_str: &str, visit_borrowed_str: &'de str, visit_string: String,
        visit_bytes: &[u8], visit_borrowed_bytes: &'de [u8], visit_byte_buf: Vec<u8>
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(ObjectOnly(deserializer))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(ObjectOnly(deserializer))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        match self.shape {
            Shape::Any => self.inner.visit_seq(any(items)),
            Shape::Object => Err(A::Error::custom("an array was sent, expected an object")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(any(fields))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(any(access))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Nested<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(ObjectOnly(deserializer))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Nested<A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        self.inner.next_element_seed(any(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Nested<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        self.inner.next_key_seed(any(seed))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.inner.next_value_seed(any(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Nested<A> {
    type Error = A::Error;
    type Variant = Nested<A::Variant>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self::Variant), A::Error> {
        let (value, variant) = self.inner.variant_seed(any(seed))?;
        Ok((value, any(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Nested<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        self.inner.newtype_variant_seed(any(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(len, any(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, object(visitor))
    }
}

#[cfg(test)]
mod tests {
    use contracts::money::Amount;
    use serde::{Deserialize, de::DeserializeOwned};
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Payment {
        amount: u32,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Change {
        Pay { amount: u32 },
        Move(Payment),
        Sizes(u32, u32),
    }

    #[derive(Debug, Deserialize)]
    struct Whole {
        first: Payment,
        maybe: Option<Payment>,
        list: Vec<Payment>,
        pair: (u32, u32),
        change: Change,
        money: Amount,
        raw: Box<RawValue>,
    }

    fn read<T: DeserializeOwned>(json: &str) -> Result<T, serde_json::Error> {
        T::deserialize(ObjectOnly(&mut serde_json::Deserializer::from_str(json)))
    }

    #[test]
    fn an_array_is_never_read_as_an_object() {
        for json in ["[1]", "[]"] {
            let error = read::<Payment>(json).unwrap_err().to_string();
            assert!(error.starts_with("an array was sent, expected an object"), "{error}");
        }
        assert!(read::<Vec<Payment>>("[[1]]").is_err());
        assert!(read::<Option<Payment>>("[1]").is_err());
        assert!(read::<(Payment, u32)>("[[1], 2]").is_err());
        assert!(read::<Change>(r#"{"Pay": [1]}"#).is_err());
        assert!(read::<Change>(r#"{"Move": [1]}"#).is_err());
        assert_eq!(read::<Change>(r#"{"Sizes": [1, 2]}"#).unwrap(), Change::Sizes(1, 2));
    }

    #[test]
    fn everything_else_is_read_as_before() {
        let json = r#"{"first": {"amount": 1}, "maybe": null, "list": [{"amount": 2}], "pair": [3, 4],
            "change": {"Move": {"amount": 5}}, "money": 4.50, "raw": [ 1.0 ]}"#;
        let whole: Whole = read(json).unwrap();
        assert_eq!((whole.first.amount, whole.maybe, whole.list.len()), (1, None, 1));
        assert_eq!((whole.pair, whole.change), ((3, 4), Change::Move(Payment { amount: 5 })));
        assert_eq!((whole.money.to_string().as_str(), whole.raw.get()), ("4.5", "[ 1.0 ]"));
    }
}
