//! Two small macros that turn the tables of the specification into types, and how their values are read.
//!
//! XFS4IoT has some hundred closed lists of words and as many flat objects whose properties may all be missing. Written
//! as tables they can be held against the specification line by line; each wire name stands there by hand, because its
//! capitals follow no rule (`invalidRequestID`, `requestId`, `noActivekeys`).
//!
//! Objects that a device reads are strict: a property or a word that it does not know is an error. Objects that a client
//! reads are tolerant: an unknown property is passed over, an unknown word is as good as absent, because vendors add
//! both. A value of another JSON type than it should have is an error on either side: a count that cannot be read must
//! not pass for none.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

/// A word of a closed list.
pub trait Word: Copy + Sized + 'static {
    /// The whole list, in the order of the specification.
    const ALL: &'static [Self];

    /// How it is written.
    fn word(self) -> &'static str;

    /// The word that is written like this, if there is one.
    #[must_use]
    fn read(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.word() == text)
    }
}

/// A value that a client reads: `null` and unknown words are absent, unknown properties are passed over.
pub trait Tolerant: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// The JSON is not of the type that it should be.
    fn tolerant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error>;
}

/// What `deserialize_with` of tolerant objects names.
pub(super) fn tolerant<'de, D: Deserializer<'de>, T: Tolerant>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::tolerant(deserializer)
}

/// A tolerant value inside of a list.
pub(super) struct Kept<T>(pub(super) Option<T>);

impl<'de, T: Tolerant> Deserialize<'de> for Kept<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::tolerant(deserializer).map(Self)
    }
}

/// A word, strictly.
pub(super) fn strict<'de, D: Deserializer<'de>, T: Word>(deserializer: D) -> Result<T, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    // What was read is not repeated: it may have come from a card.
    T::read(&text).ok_or_else(|| serde::de::Error::custom("a word that is not in the list"))
}

/// A word, tolerantly.
pub(super) fn known<'de, D: Deserializer<'de>, T: Word>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = Option::<Cow<str>>::deserialize(deserializer)?;
    Ok(text.and_then(|text| T::read(&text)))
}

impl<T: Tolerant> Tolerant for Vec<T> {
    fn tolerant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        let list = Option::<Vec<Kept<T>>>::deserialize(deserializer)?;
        Ok(list.map(|list| list.into_iter().filter_map(|kept| kept.0).collect()))
    }
}

/// Types without words inside are read as they are; only `null` is absent.
macro_rules! plain {
    ($($type:ty),+) => {
        $(
            impl $crate::xfs::word::Tolerant for $type {
                fn tolerant<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                    <Option<Self> as serde::Deserialize>::deserialize(deserializer)
                }
            }
        )+
    };
}
pub(super) use plain;

plain!(bool, u32, String);

/// Closed lists of words: an enum each, with its wire names.
macro_rules! words {
    ($( $(#[$meta:meta])* $name:ident { $( $variant:ident $text:tt, )+ } )+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
            pub enum $name { $( #[doc = concat!("`", $text, "`.")] $variant, )+ }

            impl $crate::xfs::word::Word for $name {
                const ALL: &'static [Self] = &[$( Self::$variant, )+];

                fn word(self) -> &'static str {
                    match self { $( Self::$variant => $text, )+ }
                }
            }

            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str($crate::xfs::word::Word::word(*self))
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    $crate::xfs::word::strict(deserializer)
                }
            }

            impl $crate::xfs::word::Tolerant for $name {
                fn tolerant<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                    $crate::xfs::word::known(deserializer)
                }
            }
        )+
    };
}
pub(super) use words;

/// Flat objects, strict or tolerant: a struct each, whose fields may all be absent.
macro_rules! objects {
    ($( $(#[$meta:meta])* $mode:ident $name:ident { $( $(#[$doc:meta])* $field:ident $wire:tt: $type:ty, )* } )+) => {
        $( $crate::xfs::word::objects!(@$mode { $(#[$meta])* } $name { $( { $(#[$doc])* } $field $wire: $type, )* }); )+
    };
    (@strict { $(#[$meta:meta])* } $name:ident { $( { $(#[$doc:meta])* } $field:ident $wire:tt: $type:ty, )* }) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Default, Debug, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(
                #[doc = concat!("`", $wire, "`.")]
                $(#[$doc])*
                #[serde(rename = $wire, default, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
        }
    };
    (@tolerant { $(#[$meta:meta])* } $name:ident { $( { $(#[$doc:meta])* } $field:ident $wire:tt: $type:ty, )* }) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Default, Debug, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $(
                #[doc = concat!("`", $wire, "`.")]
                $(#[$doc])*
                #[serde(
                    rename = $wire,
                    default,
                    skip_serializing_if = "Option::is_none",
                    deserialize_with = "crate::xfs::word::tolerant"
                )]
                pub $field: Option<$type>,
            )*
        }

        $crate::xfs::word::plain!($name);
    };
}
pub(super) use objects;
