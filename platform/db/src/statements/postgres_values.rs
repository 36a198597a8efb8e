//! Values in PostgreSQL's protocol: BIGINT and TEXT, and the types that expressions over them have.

use std::error::Error;

use ::postgres::types::{FromSql, IsNull, ToSql, Type};
use bytes::BytesMut;

use crate::ValueRef;

type Refusal = Box<dyn Error + Sync + Send>;

impl ToSql for ValueRef<'_> {
    fn to_sql(&self, parameter: &Type, out: &mut BytesMut) -> Result<IsNull, Refusal> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(integer) if *parameter == Type::INT8 => integer.to_sql(parameter, out),
            // A parameter such as the length of SUBSTR.
            Self::Integer(integer) if *parameter == Type::INT4 => i32::try_from(*integer)?.to_sql(parameter, out),
            Self::Text(text) if <&str as FromSql>::accepts(parameter) => text.to_sql(parameter, out),
            Self::Short(text) if <&str as FromSql>::accepts(parameter) => text.as_str().to_sql(parameter, out),
            other => Err(format!("{} is given for a {parameter}", other.kind()).into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        // `to_sql` refuses, with a better error.
        true
    }

    fn to_sql_checked(&self, parameter: &Type, out: &mut BytesMut) -> Result<IsNull, Refusal> {
        self.to_sql(parameter, out)
    }
}

impl<'a> FromSql<'a> for ValueRef<'a> {
    fn from_sql(column: &Type, raw: &'a [u8]) -> Result<Self, Refusal> {
        match *column {
            Type::INT8 => i64::from_sql(column, raw).map(Self::Integer),
            Type::INT4 => i32::from_sql(column, raw).map(|integer| Self::Integer(i64::from(integer))),
            // `EXISTS (...)`, which is an integer in SQLite.
            Type::BOOL => bool::from_sql(column, raw).map(|truth| Self::Integer(i64::from(truth))),
            _ if <&str as FromSql>::accepts(column) => <&str>::from_sql(column, raw).map(Self::Text),
            _ => Err(format!("it is {column}; rows hold BIGINT and TEXT, so write CAST(... AS BIGINT)").into()),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Refusal> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        // `from_sql` refuses, with a better error.
        true
    }
}
