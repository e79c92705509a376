//! Everything that is recorded, read from end to end as of one instant, a few thousand rows at a time.

use std::sync::Arc;

use cashpoint_core::policy::Policy;

use super::address::Address;
use super::link::{Link, LinkError, Query};
use super::schema::{self, PostgresError};
use super::{READ_ONLY, SCANNING, resolve};
use crate::store::StoreError;

/// One state of the database.
pub(crate) struct Snapshot {
    link: Link,
}

/// The statements that read one kind of record.
pub(in crate::store) struct Scan {
    pub(in crate::store) begin: &'static str,
    pub(in crate::store) next: &'static str,
    pub(in crate::store) end: &'static str,
}

impl Snapshot {
    pub(in crate::store) fn open(address: &Address) -> Result<Self, PostgresError> {
        let mut link = schema::connect_reader(address)?;
        // Sorting all of a ledger takes what it takes.
        link.script("SET statement_timeout = 0", SCANNING)?;
        link.script(READ_ONLY, SCANNING)?;
        Ok(Self { link })
    }

    /// What a transaction that is under way sees.
    pub(super) const fn of(link: Link) -> Self {
        Self { link }
    }

    /// The transaction goes on.
    pub(super) fn into_link(self) -> Link {
        self.link
    }

    /// Hands out every row.
    pub(in crate::store) fn scan(
        &mut self,
        scan: &Scan,
        mut each: impl FnMut(&tokio_postgres::Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.run(scan.begin)?;
        loop {
            let rows = self.run(scan.next)?;
            if rows.is_empty() {
                break;
            }
            rows.iter().try_for_each(&mut each)?;
        }
        self.run(scan.end)?;
        Ok(())
    }

    fn run(&mut self, sql: &'static str) -> Result<Vec<tokio_postgres::Row>, LinkError> {
        Ok(self.link.run_one(Query::plain(sql), SCANNING)?.rows)
    }

    /// A version of the policy.
    pub(in crate::store) fn policy(&mut self, version: u32) -> Result<Policy, StoreError> {
        Ok(Arc::unwrap_or_clone(resolve::policy(&mut self.link, version)?))
    }
}
