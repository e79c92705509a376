//! Log-ins.

use cashpoint_core::id::MachineId;

use super::Body;
use super::machine::machine_id;
use crate::malformed::Malformed;
use crate::object::{Object, Value};
use crate::secret::SecretText;

/// A log-in of a customer.
#[derive(Clone, Debug)]
pub enum LogInRequest {
    /// With a card at a machine: `{"card_number","pin","atm_id"}`.
    Card {
        /// The card's number.
        card_number: SecretText,
        /// The PIN as entered.
        pin: SecretText,
        /// Where the card is.
        machine: MachineId,
    },
    /// Online: `{"email","password","totp"?}`.
    Online(OnlineLogIn),
}

/// `{"email","password","totp"?}`.
#[derive(Clone, Debug)]
pub struct OnlineLogIn {
    /// Who.
    pub email: String,
    /// As typed.
    pub password: SecretText,
}

/// A log-in of staff: `{"username","password","totp"?}`.
#[derive(Clone, Debug)]
pub struct OperatorLogIn {
    /// Who.
    pub username: String,
    /// As typed.
    pub password: SecretText,
}

impl Body for LogInRequest {
    const FIELDS: &'static [&'static str] = &["card_number", "pin", "atm_id", "email", "password", "totp"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        let online = |name: &str| matches!(name, "email" | "password" | "totp");
        let Some(first) = object.names().next() else {
            return Err(Malformed::field("card_number", "either card_number, pin and atm_id or email and password"));
        };
        let kind = online(first);
        if let Some(other) = object.names().find(|name| online(name) != kind) {
            return Err(Malformed::field(other, "a log-in is either by card or by email"));
        }
        if kind {
            second_factor(object)?;
            return Ok(Self::Online(OnlineLogIn {
                email: name(object.required("email")?)?,
                password: object.required("password")?.secret()?,
            }));
        }
        Ok(Self::Card {
            card_number: object.required("card_number")?.secret()?,
            pin: object.required("pin")?.secret()?,
            machine: machine_id(object.required("atm_id")?)?,
        })
    }
}

impl Body for OperatorLogIn {
    const FIELDS: &'static [&'static str] = &["username", "password", "totp"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        second_factor(object)?;
        Ok(Self { username: name(object.required("username")?)?, password: object.required("password")?.secret()? })
    }
}

/// Whom somebody claims to be: any text that a name or address could have, known or not.
fn name(value: Value<'_, '_>) -> Result<String, Malformed> {
    value.line(254)
}

/// A second factor's form is checked, but nobody has one enrolled, so it is compared with nothing. It is not refused
/// either, now or for those who will have none: that would tell a guesser of passwords who has one.
fn second_factor(object: &Object<'_>) -> Result<(), Malformed> {
    let Some(code) = object.optional("totp") else {
        return Ok(());
    };
    let six_digits = |text: &str| text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit());
    code.parsed("six digits", |text| if six_digits(text) { Ok(()) } else { Err(()) })
}
