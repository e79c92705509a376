//! The notifications that would have gone out: a sandbox shows them instead of sending them.

use cashpoint_core::id::CustomerId;

use crate::bank::Bank;
use crate::execute::Failure;
use crate::store::Delivered;

impl Bank {
    /// A customer's events after number `after`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// The database is away.
    pub fn outbox(&self, customer: CustomerId, after: u64, limit: usize) -> Result<Vec<Delivered>, Failure> {
        self.read(|reads| reads.events(customer, after, limit))
    }
}
