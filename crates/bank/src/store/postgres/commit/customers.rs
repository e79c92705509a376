//! Customers' rows, each written once: the counters, the head of the chain of events, the newest date's use.

use cashpoint_core::currency::Currency;

use super::{Fault, Group, Must, insert, whole};
use crate::store::daily::{self, Day, Plan};
use crate::store::postgres::link::{Value, column};
use cashpoint_core::id::CustomerId;
use cashpoint_core::withdrawal::DailyUse;

impl<'a> Group<'a> {
    pub(super) fn changed_customers(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        if let Some(id) = self.told.keys().find(|id| !changes.customers.contains_key(id)) {
            return Err(Fault::Nonsense(format!("customer {id} has an event that their row does not count")));
        }
        let customers = &mut self.held.customers;
        let held = |customer| Ok::<_, Fault>(customers.entry(customer).or_default().used);
        let plan = daily::plan(&changes.daily, held)?;
        for (customer, (day, _)) in &plan.used {
            self.known(*customer).used = Some(*day);
        }
        self.daily_use(&plan);
        if !changes.customers.is_empty() {
            let rows = || changes.customers.values();
            let events = rows().map(|row| whole(row.events)).collect::<Result<Vec<_>, _>>()?;
            let mut values: Vec<Value<'a>> = vec![
                column(rows().map(|row| row.id.number())),
                Box::new(events),
                column(rows().map(|row| i64::from(row.generation))),
                column(rows().map(|row| i64::from(row.password_version))),
                column(rows().map(|row| self.told.get(&row.id).copied())),
            ];
            values.extend(used(rows().map(|row| plan.used.get(&row.id))));
            self.step(COUNTED, values, Must::Change(changes.customers.len()));
        }
        let alone = plan.used.iter().filter(|(id, _)| !changes.customers.contains_key(id));
        let alone: Vec<(&CustomerId, &(Day, DailyUse))> = alone.collect();
        if !alone.is_empty() {
            let mut values: Vec<Value<'a>> = vec![column(alone.iter().map(|(id, _)| id.number()))];
            values.extend(used(alone.iter().map(|(_, used)| Some(*used))));
            self.step(USED, values, Must::Change(alone.len()));
        }
        Ok(())
    }

    /// Writes what has to stand in `daily_use`.
    fn daily_use(&mut self, plan: &Plan) {
        if !plan.make_room.is_empty() {
            self.step(
                "INSERT INTO daily_use (date, customer, currency, withdrawn, deposited, transferred)
                 SELECT used_on, id, used_currency, used_withdrawn, used_deposited, used_transferred
                 FROM customer_states WHERE id = ANY ($1) AND used_on IS NOT NULL",
                vec![column(plan.make_room.iter().map(|id| id.number()))],
                Must::Whatever,
            );
        }
        if !plan.aside.is_empty() {
            let rows = || plan.aside.iter();
            let values: Vec<Value<'a>> = vec![
                column(rows().map(|(_, (date, _), _)| i64::from(date.days()))),
                column(rows().map(|(customer, ..)| customer.number())),
                column(rows().map(|(_, (_, currency), _)| currency.code().to_owned())),
                column(rows().map(|(.., row)| row.withdrawn)),
                column(rows().map(|(.., row)| row.deposited)),
                column(rows().map(|(.., row)| row.transferred)),
            ];
            self.step(
                insert!(
                    "daily_use (date, customer, currency, withdrawn, deposited, transferred)",
                    "$1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[]",
                    "(date, customer, currency) DO UPDATE SET
                         withdrawn = excluded.withdrawn, deposited = excluded.deposited, transferred = excluded.transferred"
                ),
                values,
                Must::Whatever,
            );
        }
    }
}

/// Customers of whom something else than use has changed; with use where there is some.
const COUNTED: &str = "UPDATE customer_states c
     SET events = u.events, generation = u.generation, password_version = u.password_version,
         last_event = coalesce(u.last_event, c.last_event), used_on = coalesce(u.used_on, c.used_on),
         used_currency = coalesce(u.currency, c.used_currency), used_withdrawn = coalesce(u.withdrawn, c.used_withdrawn),
         used_deposited = coalesce(u.deposited, c.used_deposited),
         used_transferred = coalesce(u.transferred, c.used_transferred)
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[],
             $8::bigint[], $9::bigint[], $10::bigint[])
         AS u (id, events, generation, password_version, last_event, used_on, currency, withdrawn, deposited, transferred)
     WHERE c.id = u.id";

/// Customers of whom only use has changed.
const USED: &str = "UPDATE customer_states c
     SET used_on = u.used_on, used_currency = u.currency, used_withdrawn = u.withdrawn, used_deposited = u.deposited,
         used_transferred = u.transferred
     FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
         AS u (id, used_on, currency, withdrawn, deposited, transferred)
     WHERE c.id = u.id";

/// A day and what was used of it, by column.
fn used<'a, 'b>(rows: impl Iterator<Item = Option<&'b (Day, DailyUse)>> + Clone) -> [Value<'a>; 5] {
    let code = |currency: &Currency| currency.code().to_owned();
    [
        column(rows.clone().map(|used| used.map(|((date, _), _)| i64::from(date.days())))),
        column(rows.clone().map(|used| used.map(|((_, currency), _)| code(currency)))),
        column(rows.clone().map(|used| used.map(|(_, row)| row.withdrawn))),
        column(rows.clone().map(|used| used.map(|(_, row)| row.deposited))),
        column(rows.map(|used| used.map(|(_, row)| row.transferred))),
    ]
}
