//! Values of parameters and columns: an integer, a text or NULL.

use std::fmt::{self, Write};

use contracts::{
    device::DeviceKind,
    ids::Id,
    inventory::{MoveReason, StockoutPolicy},
    money::Currency,
    order::{Channel, DiningOption, OrderStatus, StockCheck},
    payment::{PaymentMethod, PaymentStatus},
    qr::{AttentionReason, CodeStatus, DispenseOutcome},
    staff::Role,
    time::{BusinessDay, Timestamp},
};
use serde::Serialize;

use crate::{DbError, DbResult};

/// A value that owns its text, for lists of parameters built at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// NULL.
    Null,
    /// A BIGINT.
    Integer(i64),
    /// A TEXT.
    Text(String),
}

impl Value {
    /// The value of anything that a statement takes.
    pub fn of(value: impl ToValue) -> Self {
        value.to_value()
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

/// A value that borrows its text, so that a parameter costs no allocation.
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// NULL.
    Null,
    /// A BIGINT.
    Integer(i64),
    /// A TEXT that is borrowed.
    Text(&'a str),
    /// A TEXT that was formatted in place, such as an id.
    Short(ShortText),
}

impl ValueRef<'_> {
    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Null | Self::Integer(_) => None,
            Self::Text(text) => Some(text),
            Self::Short(text) => Some(text.as_str()),
        }
    }

    /// Its type, for an error.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Integer(_) => "an integer",
            Self::Text(_) | Self::Short(_) => "a text",
        }
    }
}

/// The longest text that is formatted in place: a UUID with its hyphens.
const SHORT_TEXT_BYTES_MAX: usize = 36;

/// A short ASCII text that needs no allocation: an id or a day.
#[derive(Clone, Copy, Debug)]
pub struct ShortText {
    bytes: [u8; SHORT_TEXT_BYTES_MAX],
    length_bytes: usize,
}

impl ShortText {
    /// `shown` as text. `None` if it is too long.
    fn of(shown: impl fmt::Display) -> Option<Self> {
        let mut text = Self { bytes: [0; SHORT_TEXT_BYTES_MAX], length_bytes: 0 };
        write!(text, "{shown}").ok()?;
        Some(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length_bytes]).unwrap_or_default()
    }
}
impl Write for ShortText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length_bytes + text.len();
        self.bytes.get_mut(self.length_bytes..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length_bytes = end;
        Ok(())
    }
}

/// A type that a parameter can have.
pub trait ToValue {
    /// The value, borrowed.
    fn value(&self) -> ValueRef<'_>;

    /// The value, owned.
    fn to_value(&self) -> Value {
        match self.value() {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(integer) => Value::Integer(integer),
            ValueRef::Text(text) => Value::Text(text.to_owned()),
            ValueRef::Short(text) => Value::Text(text.as_str().to_owned()),
        }
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn value(&self) -> ValueRef<'_> {
        (**self).value()
    }
}
impl<T: ToValue> ToValue for Option<T> {
    fn value(&self) -> ValueRef<'_> {
        self.as_ref().map_or(ValueRef::Null, ToValue::value)
    }
}
impl ToValue for Value {
    fn value(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Text(text) => ValueRef::Text(text),
        }
    }
}
impl ToValue for i64 {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Integer(*self)
    }
}
impl ToValue for i32 {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Integer(i64::from(*self))
    }
}
impl ToValue for u32 {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Integer(i64::from(*self))
    }
}
impl ToValue for bool {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Integer(i64::from(*self))
    }
}
impl ToValue for str {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Text(self)
    }
}
impl ToValue for String {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Text(self)
    }
}
impl ToValue for Timestamp {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Integer(self.0)
    }
}
impl ToValue for Currency {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Text(self.code())
    }
}
impl<Of> ToValue for Id<Of> {
    fn value(&self) -> ValueRef<'_> {
        ShortText::of(self).map_or(ValueRef::Null, ValueRef::Short)
    }
}
impl ToValue for BusinessDay {
    fn value(&self) -> ValueRef<'_> {
        ShortText::of(self).map_or(ValueRef::Null, ValueRef::Short)
    }
}

/// Implements [`ToValue`] and [`Column`](crate::Column) for enums, as TEXT. Each needs `Into<&'static str>` and
/// `FromStr`, which strum derives.
#[macro_export]
macro_rules! text_enums {
    ($($enum:ty),+ $(,)?) => {$(
        impl $crate::ToValue for $enum {
            fn value(&self) -> $crate::ValueRef<'_> {
                $crate::ValueRef::Text((*self).into())
            }
        }
        impl $crate::Column for $enum {
            fn from_value(value: $crate::ValueRef<'_>) -> Result<Self, String> {
                let text = value.as_str().ok_or("it is not a text")?;
                text.parse().map_err(|_| format!("{text:?} is not one of its values"))
            }
        }
    )+};
}
text_enums!(
    AttentionReason,
    Channel,
    CodeStatus,
    DeviceKind,
    DiningOption,
    DispenseOutcome,
    MoveReason,
    OrderStatus,
    PaymentMethod,
    PaymentStatus,
    Role,
    StockCheck,
    StockoutPolicy,
);

/// `value` as JSON, for a TEXT parameter.
///
/// # Errors
/// [`DbError::Json`] if it has no JSON form, such as a map whose keys are not texts.
pub fn json<T: Serialize>(value: &T) -> DbResult<String> {
    serde_json::to_string(value).map_err(DbError::from)
}
