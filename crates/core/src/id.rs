//! Names of things. Each kind of thing has its own type, so that a card cannot stand where a customer belongs.

use std::fmt;

use crate::time::Timestamp;

/// What a text was expected to be and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId;

impl fmt::Display for NotAnId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("not an id of this kind")
    }
}

impl std::error::Error for NotAnId {}

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(i64);

        impl $name {
            /// Takes a number that was made as this kind of id.
            #[must_use]
            pub const fn new(number: i64) -> Self {
                Self(number)
            }

            /// The number, for storing.
            #[must_use]
            pub const fn number(self) -> i64 {
                self.0
            }

            /// Reads the decimal form that `Display` writes.
            ///
            /// # Errors
            /// [`NotAnId`] unless it is a positive decimal number without sign or leading zero.
            pub fn parse(text: &str) -> Result<Self, NotAnId> {
                let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
                let number = text.parse().map_err(|_| NotAnId)?;
                if plain { Ok(Self(number)) } else { Err(NotAnId) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{}", self.0)
            }
        }
    };
}

numbered! {
    /// A customer: a person or firm that owns accounts.
    CustomerId
}
numbered! {
    /// A card, for ever; its number (PAN) is stored only sealed and indexed.
    CardId
}
numbered! {
    /// One log-in, of any channel.
    SessionId
}
numbered! {
    /// A member of the operator's staff.
    OperatorId
}
numbered! {
    /// An open question about cash that waits for an operator.
    CaseId
}
numbered! {
    /// One incarnation of somebody who delivers notifications.
    FeedHolder
}

impl CustomerId {
    /// Owner of the sandbox's teller accounts: they answer to the teller surface and to nothing else.
    pub const TELLER: Self = Self(1);
}

/// The number of a customer's account: 5 to 19 digits, the first not zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AccountNumber(u64);

impl AccountNumber {
    /// Reads as well as the right form (5–19 digits) but can belong to no account: it has a leading zero.
    const NOBODYS: Self = Self(u64::MAX);

    /// Reads an account id as people write it.
    ///
    /// # Errors
    /// [`NotAnId`] unless it is 5 to 19 ASCII digits.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        let form = (5..=19).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if !form {
            return Err(NotAnId);
        }
        if text.starts_with('0') {
            return Ok(Self::NOBODYS);
        }
        text.parse().map(Self).map_err(|_| NotAnId)
    }

    /// Takes a number that was made as an account number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number, for storing; numbers that no store can hold belong to no account.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for AccountNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// A place where cash stands: an ATM or a counter. 1 to 31 of `A–Z a–z 0–9 _ -`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineId {
    length: u8,
    bytes: [u8; 31],
}

impl MachineId {
    /// Reads a machine id.
    ///
    /// # Errors
    /// [`NotAnId`] if it is empty, longer than 31 bytes or holds another character.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        let form = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let length = u8::try_from(text.len()).map_err(|_| NotAnId)?;
        if !form || length == 0 || length > 31 {
            return Err(NotAnId);
        }
        let mut bytes = [0; 31];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { length, bytes })
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).expect("only ASCII was taken in")
    }
}

impl fmt::Display for MachineId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Debug for MachineId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "MachineId({})", self.as_str())
    }
}

/// One transfer of the ledger; UUID version 7 (RFC 9562), shown to the outside as `transaction_id`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TransferId(u128);

impl TransferId {
    /// Takes the 128 bits of a UUID.
    #[must_use]
    pub const fn new(bits: u128) -> Self {
        Self(bits)
    }

    /// The 128 bits, for storing big-endian: byte order is then time order.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// When it was made, to the millisecond, which is what its first 48 bits count.
    #[must_use]
    pub fn made_at(self) -> Timestamp {
        let milliseconds = i64::try_from(self.0 >> 80).expect("48 bits fit");
        Timestamp::from_micros(milliseconds * 1_000)
    }

    /// Reads the hyphenated form, lower or upper case.
    ///
    /// # Errors
    /// [`NotAnId`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        let hyphens = [8, 13, 18, 23];
        let right_places =
            text.len() == 36 && text.bytes().enumerate().all(|(at, b)| (b == b'-') == hyphens.contains(&at));
        let hex: String = text.chars().filter(|c| *c != '-').collect();
        if !right_places || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NotAnId);
        }
        u128::from_str_radix(&hex, 16).map(Self).map_err(|_| NotAnId)
    }
}

impl fmt::Display for TransferId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(out, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// Names a request for ever: 16 bytes of SHA-256 over its scope and the key that its sender made.
pub type RequestKey = [u8; 16];

/// A request's name and a digest of what it asks for; the bank computes both before the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestId {
    /// Who asks and under which key.
    pub key: RequestKey,
    /// 16 bytes of SHA-256 over the canonical command.
    pub content: [u8; 16],
}

/// A keyed digest that finds a row without revealing what it was made from (card number, email, token).
pub type Index = [u8; 32];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_account_numbers_of_5_to_19_digits() {
        assert_eq!(AccountNumber::parse("10001").map(AccountNumber::number), Ok(10_001));
        assert_eq!(
            AccountNumber::parse("9999999999999999999").map(|a| a.to_string()).as_deref(),
            Ok("9999999999999999999")
        );
        for bad in ["", "1234", "12345678901234567890", "1234a", "-12345", "１２３４５", " 12345"] {
            assert_eq!(AccountNumber::parse(bad), Err(NotAnId), "{bad}");
        }
    }

    #[test]
    fn keeps_a_leading_zero_from_naming_another_account() {
        assert_ne!(AccountNumber::parse("010001"), AccountNumber::parse("10001"));
    }

    #[test]
    fn writes_and_reads_transfer_ids_as_uuids() {
        let id = TransferId::new(0x0190_1234_5678_7abc_8def_0123_4567_89ab);
        assert_eq!(id.to_string(), "01901234-5678-7abc-8def-0123456789ab");
        assert_eq!(TransferId::parse(&id.to_string()), Ok(id));
        for bad in [
            "",
            "01901234-5678-7abc-8def-0123456789a",
            "0190123405678-7abc-8def-0123456789ab",
            "+1901234-5678-7abc-8def-0123456789ab",
        ] {
            assert_eq!(TransferId::parse(bad), Err(NotAnId), "{bad}");
        }
    }

    #[test]
    fn refuses_machine_ids_that_are_empty_long_or_odd() {
        assert_eq!(MachineId::parse("ATM_1-b").map(|m| m.to_string()).as_deref(), Ok("ATM_1-b"));
        for bad in ["", "ATM 1", "ATM:1", "ÄTM", &"x".repeat(32)] {
            assert_eq!(MachineId::parse(bad), Err(NotAnId), "{bad}");
        }
    }
}
