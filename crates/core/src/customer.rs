//! Customers and staff: what decisions need of them. Personal data passes through sealed.

use crate::id::{CustomerId, Index, OperatorId};
use crate::session::Role;
use crate::time::Timestamp;

/// Bytes that only the key store can open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed(pub Vec<u8>);

/// What changes about a customer with every event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Customer {
    /// Their id.
    pub id: CustomerId,
    /// How many events they have; the number of the last.
    pub events: u64,
    /// Raised by a new password; online sessions of an older generation are dead.
    pub generation: u32,
    /// Version of the password; 0 = none.
    pub password_version: u32,
}

impl Customer {
    /// A customer without events; the password, if any, has version 1.
    #[must_use]
    pub const fn new(id: CustomerId, password_version: u32) -> Self {
        Self { id, events: 0, generation: 1, password_version }
    }
}

/// Who a customer is; everything but the name is sealed under the customer's own data key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Whose.
    pub customer: CustomerId,
    /// Name, in clear for search.
    pub name: String,
    /// The data key, wrapped by the key store, with the wrapping key's version.
    pub data_key: (u32, Sealed),
    /// Sealed email address and its look-up index.
    pub email: Option<(Sealed, Index)>,
    /// Sealed telephone number.
    pub phone: Option<Sealed>,
    /// Sealed postal address.
    pub address: Option<Sealed>,
    /// When the customer came.
    pub since: Timestamp,
}

/// A password hash (PHC string) and its version.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    /// Counts from 1.
    pub version: u32,
    /// Argon2id, PHC format.
    pub phc: String,
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "PasswordHash(version {})", self.version)
    }
}

/// A member of staff.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operator {
    /// Their id.
    pub id: OperatorId,
    /// Log-in name, unique.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Their password.
    pub password: PasswordHash,
}

/// How many password tries an identity has left: the generic cell rate algorithm's one number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tries {
    /// Theoretical arrival time of the next try, microseconds since the epoch; 0 = never tried.
    pub arrival: i64,
}

impl Tries {
    /// Takes one try at `now`, if `burst` at once and `per_minute` thereafter leave one.
    ///
    /// # Errors
    /// The seconds to wait, at least 1.
    pub fn take(self, now: Timestamp, burst: u32, per_minute: u32) -> Result<Self, u32> {
        let interval = 60_000_000 / i64::from(per_minute.max(1));
        let tolerance = interval.saturating_mul(i64::from(burst.max(1)) - 1);
        let arrival = self.arrival.max(now.micros());
        let early = arrival.saturating_sub(now.micros()).saturating_sub(tolerance);
        if early > 0 {
            return Err(u32::try_from((early + 999_999) / 1_000_000).unwrap_or(u32::MAX));
        }
        Ok(Self { arrival: arrival.saturating_add(interval) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_a_burst_through_and_then_one_at_a_time() {
        let now = Timestamp::from_micros(1_000_000_000);
        let mut tries = Tries::default();
        for _ in 0..10 {
            tries = tries.take(now, 10, 10).expect("within the burst");
        }
        assert_eq!(tries.take(now, 10, 10), Err(6));
        assert_eq!(tries.take(now.plus_ms(5_999), 10, 10), Err(1));
        let tries = tries.take(now.plus_s(6), 10, 10).expect("one more after six seconds");
        assert_eq!(tries.take(now.plus_s(6), 10, 10), Err(6));
    }
}
