//! In what the services differ from the specification's plainest reading, as real ones do.

use cashpoint_wire::xfs::capabilities::Spelling;
use cashpoint_wire::xfs::envelope::{Authorization, Dialect, SuccessCode, UnsolicitedType};
use serde::{Deserialize, Serialize};

/// What can be switched. All at their defaults is this project's own reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quirks {
    /// Whether success is written.
    pub success: Success,
    /// How events that belong to no command are typed.
    pub unsolicited: Unsolicited,
    /// How interfaces are spelt in capabilities.
    pub interfaces: Interfaces,
    /// How missing authority is spelt.
    pub authorization: Spelt,
    /// Which version of `Common.Status` and `Common.Capabilities` is taken.
    pub status_version: StatusVersion,
    /// How a short dispense ends.
    pub short_dispense: ShortDispense,
}

/// Whether success is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Success {
    /// `completionCode` is `success`.
    #[default]
    Written,
    /// It is left out.
    LeftOut,
}

/// How events that belong to no command are typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unsolicited {
    /// `unsolicited`.
    #[default]
    Unsolicited,
    /// `event`, without a request id.
    Event,
}

/// How interfaces are spelt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interfaces {
    /// `CardReader`.
    #[default]
    Upper,
    /// `cardReader`.
    Lower,
}

/// How missing authority is spelt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spelt {
    /// `authorizationRequired`.
    #[default]
    WithZ,
    /// `authorisationRequired`.
    WithS,
}

/// Which version of `Common.Status` and `Common.Capabilities` is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusVersion {
    /// 2.0 and 3.0.
    #[default]
    Both,
    /// 2.0 alone.
    Two,
    /// 3.0 alone.
    Three,
}

/// How a dispense of fewer notes than asked for ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShortDispense {
    /// With `cashUnitError`.
    #[default]
    Error,
    /// With success, and what was dispensed.
    Success,
}

impl Quirks {
    pub(super) const fn dialect(&self) -> Dialect {
        Dialect {
            success: match self.success {
                Success::Written => SuccessCode::Written,
                Success::LeftOut => SuccessCode::LeftOut,
            },
            unsolicited: match self.unsolicited {
                Unsolicited::Unsolicited => UnsolicitedType::Unsolicited,
                Unsolicited::Event => UnsolicitedType::Event,
            },
            authorization: match self.authorization {
                Spelt::WithZ => Authorization::WithZ,
                Spelt::WithS => Authorization::WithS,
            },
            interfaces: match self.interfaces {
                Interfaces::Upper => Spelling::Upper,
                Interfaces::Lower => Spelling::Lower,
            },
        }
    }
}
