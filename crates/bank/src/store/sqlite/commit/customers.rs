//! Customers' rows, each written once: the counters, the head of the chain of events, the newest date's use.

use std::collections::BTreeMap;

use cashpoint_core::customer::Customer;
use cashpoint_core::id::CustomerId;
use cashpoint_core::withdrawal::DailyUse;

use super::{Fault, Group, update, whole};
use crate::store::daily::{self, Day};

impl Group<'_> {
    pub(super) fn changed_customers(&mut self) -> Result<(), Fault> {
        let used = self.daily_use()?;
        let Self { changes, heads, .. } = self;
        if let Some(id) = heads.events.keys().find(|id| !changes.customers.contains_key(id)) {
            return Err(Fault::Nonsense(format!("customer {id} has an event that their row does not count")));
        }
        let mut counted = self.statement(
            "UPDATE customer_states
             SET events = ?, generation = ?, password_version = ?, last_event = coalesce(?, last_event) WHERE id = ?",
        )?;
        let mut both = self.statement(
            "UPDATE customer_states
             SET events = ?, generation = ?, password_version = ?, last_event = coalesce(?, last_event), used_on = ?,
                 used_currency = ?, used_withdrawn = ?, used_deposited = ?, used_transferred = ? WHERE id = ?",
        )?;
        for Customer { id, events, generation, password_version } in self.changes.customers.values() {
            let (events, last, number) = (whole(*events)?, self.heads.events.get(id), id.number());
            match used.get(id) {
                None => update(&mut counted, (events, generation, password_version, last, number))?,
                Some(((date, currency), row)) => {
                    let day = (date.days(), currency.code());
                    let DailyUse { withdrawn, deposited, transferred } = row;
                    let counts = (events, generation, password_version, last);
                    let row = (
                        counts.0,
                        counts.1,
                        counts.2,
                        counts.3,
                        day.0,
                        day.1,
                        withdrawn,
                        deposited,
                        transferred,
                        number,
                    );
                    update(&mut both, row)?;
                }
            }
        }
        let alone = used.iter().filter(|(id, _)| !self.changes.customers.contains_key(id));
        let mut statement = self.statement(
            "UPDATE customer_states SET used_on = ?, used_currency = ?, used_withdrawn = ?, used_deposited = ?,
                 used_transferred = ? WHERE id = ?",
        )?;
        for (id, ((date, currency), row)) in alone {
            let DailyUse { withdrawn, deposited, transferred } = row;
            let row = (date.days(), currency.code(), withdrawn, deposited, transferred, id.number());
            update(&mut statement, row)?;
        }
        Ok(())
    }

    /// Writes what has to stand in `daily_use`; gives what is to stand in customers' rows.
    fn daily_use(&mut self) -> Result<BTreeMap<CustomerId, (Day, DailyUse)>, Fault> {
        let Self { changes, memory, transaction, .. } = self;
        let plan = daily::plan(&changes.daily, |customer| memory.used(transaction, customer))?;
        for (customer, (day, _)) in &plan.used {
            memory.use_on(*customer, *day);
        }
        let mut make_room = self.statement(
            "INSERT INTO daily_use (date, customer, currency, withdrawn, deposited, transferred)
             SELECT used_on, id, used_currency, used_withdrawn, used_deposited, used_transferred
             FROM customer_states WHERE id = ? AND used_on IS NOT NULL",
        )?;
        for customer in &plan.make_room {
            make_room.execute([customer.number()])?;
        }
        let mut insert = self.statement(
            "INSERT INTO daily_use (date, customer, currency, withdrawn, deposited, transferred) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (date, customer, currency) DO UPDATE SET
                 withdrawn = excluded.withdrawn, deposited = excluded.deposited, transferred = excluded.transferred",
        )?;
        for (customer, (date, currency), row) in &plan.aside {
            let DailyUse { withdrawn, deposited, transferred } = row;
            insert.execute((date.days(), customer.number(), currency.code(), withdrawn, deposited, transferred))?;
        }
        Ok(plan.used)
    }
}
