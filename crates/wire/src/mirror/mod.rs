//! How the terminal's own types are written as JSON: in its journal and on its link to the host.
//!
//! Each type of the core that needs a form has its mirror here, field for field; a field that is renamed or added there
//! does not compile here until somebody says what becomes of the bytes. Every field must be there, none besides, none
//! twice; what is absent is `null`. A variant is an object of one field, its name; one without fields is just its name.

mod device;
mod host;
mod plain;
mod record;
#[cfg(test)]
pub(crate) mod samples;
mod settings;
mod shared;

use std::collections::BTreeSet;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

/// A type that has a form as JSON here.
pub(crate) trait Mirrored: Sized {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;

    /// The reverse. Errors never repeat a value.
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
}

/// For `#[serde(with = "crate::mirror")]`.
pub(crate) fn serialize<T: Mirrored, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    value.write(to)
}

/// For `#[serde(with = "crate::mirror")]`. Unlike with serde's own, an optional field must be there.
pub(crate) fn deserialize<'de, T: Mirrored, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    T::read(from)
}

/// For `#[serde(serialize_with = "crate::mirror::borrowed")]`.
pub(crate) fn borrowed<T: Mirrored, S: Serializer>(value: &&T, to: S) -> Result<S::Ok, S::Error> {
    value.write(to)
}

/// A value where serde asks for one of its own.
struct Read<T>(T);

pub(crate) struct Written<'a, T>(pub(crate) &'a T);

impl<'de, T: Mirrored> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::read(from).map(Self)
    }
}

impl<T: Mirrored> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.write(to)
    }
}

impl<T: Mirrored> Mirrored for Option<T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.as_ref().map(Written).serialize(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let read: Option<Read<T>> = Deserialize::deserialize(from)?;
        Ok(read.map(|Read(value)| value))
    }
}

impl<T: Mirrored> Mirrored for Vec<T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(Written))
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let read: Vec<Read<T>> = Deserialize::deserialize(from)?;
        Ok(read.into_iter().map(|Read(value)| value).collect())
    }
}

/// In ascending order, so that a set has one form.
impl<T: Mirrored + Ord> Mirrored for BTreeSet<T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(Written))
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let list = Vec::<T>::read(from)?;
        if list.is_sorted_by(|one, next| one < next) {
            Ok(list.into_iter().collect())
        } else {
            Err(D::Error::custom("not in ascending order"))
        }
    }
}

impl<T: Mirrored> Mirrored for Box<T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).write(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::read(from).map(Self::new)
    }
}

impl<A: Mirrored, B: Mirrored> Mirrored for (A, B) {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (Written(&self.0), Written(&self.1)).serialize(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (Read(first), Read(second)) = Deserialize::deserialize(from)?;
        Ok((first, second))
    }
}

impl<A: Mirrored, B: Mirrored, C: Mirrored> Mirrored for (A, B, C) {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (Written(&self.0), Written(&self.1), Written(&self.2)).serialize(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (Read(first), Read(second), Read(third)) = Deserialize::deserialize(from)?;
        Ok((first, second, third))
    }
}

/// A type's form is that of its mirror, which serde derives functions for.
macro_rules! mirrored {
    ($($core:ty => $mirror:ident),+ $(,)?) => {
        $(impl crate::mirror::Mirrored for $core {
            fn write<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                $mirror::serialize(self, to)
            }

            fn read<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $mirror::deserialize(from)
            }
        })+
    };
}

pub(crate) use mirrored;
