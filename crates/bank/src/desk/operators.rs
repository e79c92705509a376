//! Staff: adding them, which only who runs the host may do, at its command line.

use cashpoint_core::command::AddOperator;
use cashpoint_core::customer::{Operator, PasswordHash};
use cashpoint_core::id::OperatorId;
use cashpoint_core::outcome::{Done, Refusal};
use cashpoint_core::session::Role;

use super::{Stop, answered, unexpected};
use crate::bank::{Answered, Bank};
use crate::secret::Password;

/// The longest name of a member of staff, in bytes.
const LONGEST_NAME: usize = 64;

impl Bank {
    /// Adds a member of staff.
    ///
    /// # Errors
    /// The world failed.
    pub fn add_operator(&self, name: &str, role: Role, password: Password) -> Answered<OperatorId> {
        answered(self.try_add_operator(name, role, &password))
    }

    fn try_add_operator(&self, name: &str, role: Role, password: &Password) -> Result<OperatorId, Stop> {
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains(|c: char| c.is_control() || c.is_whitespace())
        {
            return Err(Refusal::InvalidRequest { field: "username" }.into());
        }
        let entropy = self.inner.entropy.as_ref();
        let password = PasswordHash { version: 1, phc: self.inner.passwords.hash(password, entropy)? };
        let id = OperatorId::new(self.new_number());
        let operator = Operator { id, name: name.to_owned(), role, password };
        match self.done(AddOperator { operator })? {
            (Done::OperatorAdded(id), _) => Ok(id),
            (done, _) => Err(unexpected(&done)),
        }
    }
}
