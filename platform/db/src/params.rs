//! The parameters of a statement: a tuple, or a list that is built at run time.

use crate::{ToValue, Value, ValueRef};

/// Parameters in their order: the first is `$1`. A tuple of up to 24 values, or a list of values.
pub trait Params {
    /// Runs `then` with the values, which are valid until it returns.
    fn with<R>(&self, then: impl FnOnce(&[ValueRef<'_>]) -> R) -> R;
}

impl<P: Params + ?Sized> Params for &P {
    fn with<R>(&self, then: impl FnOnce(&[ValueRef<'_>]) -> R) -> R {
        (**self).with(then)
    }
}
impl Params for [Value] {
    fn with<R>(&self, then: impl FnOnce(&[ValueRef<'_>]) -> R) -> R {
        then(&self.iter().map(ToValue::value).collect::<Vec<_>>())
    }
}
impl Params for Vec<Value> {
    fn with<R>(&self, then: impl FnOnce(&[ValueRef<'_>]) -> R) -> R {
        self.as_slice().with(then)
    }
}
impl Params for () {
    fn with<R>(&self, then: impl FnOnce(&[ValueRef<'_>]) -> R) -> R {
        then(&[])
    }
}

/// Tuples have no common trait in Rust: an implementation for each length, from the longest down.
macro_rules! params_of_tuples {
    () => {};
    ($first:ident $($rest:ident)*) => {
        impl<$first: ToValue, $($rest: ToValue),*> Params for ($first, $($rest,)*) {
            #[allow(non_snake_case, reason = "a value has the name of its type")]
            fn with<R>(&self, then: impl FnOnce(&[ValueRef<'_>]) -> R) -> R {
                let ($first, $($rest,)*) = self;
                then(&[$first.value(), $($rest.value()),*])
            }
        }
        params_of_tuples!($($rest)*);
    };
}
params_of_tuples!(A B C D E F G H I J K L M N O P Q S T U V W X Y);
