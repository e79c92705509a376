//! Where a customer's use of days' allowances goes. Their own row, which each event of theirs rewrites anyway, has the
//! newest date's first currency; older dates, and further currencies, are rows of `daily_use`.

use std::collections::BTreeMap;

use cashpoint_core::currency::Currency;
use cashpoint_core::facts::DailyKey;
use cashpoint_core::id::CustomerId;
use cashpoint_core::time::BusinessDate;
use cashpoint_core::withdrawal::DailyUse;

/// A date and currency: whose use it is.
pub(super) type Day = (BusinessDate, Currency);

/// What a group's use makes a store write.
#[derive(Default)]
pub(super) struct Plan {
    /// What is to stand in customers' rows.
    pub(super) used: BTreeMap<CustomerId, (Day, DailyUse)>,
    /// Customers whose row, as it stands, goes to `daily_use` first.
    pub(super) make_room: Vec<CustomerId>,
    /// What goes to `daily_use` in the place of what is there; after that.
    pub(super) aside: Vec<(CustomerId, Day, DailyUse)>,
}

/// Plans what is to be written; `held` says which day's use stands in a customer's row.
pub(super) fn plan<E>(
    daily: &BTreeMap<DailyKey, DailyUse>,
    mut held: impl FnMut(CustomerId) -> Result<Option<Day>, E>,
) -> Result<Plan, E> {
    let mut plan = Plan::default();
    // In key order a customer's older dates come first.
    for ((customer, date, currency), row) in daily {
        let day = (*date, *currency);
        let planned = plan.used.get(customer).copied();
        let standing = match planned {
            Some((day, _)) => Some(day),
            None => held(*customer)?,
        };
        match standing {
            Some(standing) if standing == day => {}
            Some((newest, _)) if newest >= *date => {
                plan.aside.push((*customer, day, *row));
                continue;
            }
            Some(_) | None => match planned {
                Some((day, row)) => plan.aside.push((*customer, day, row)),
                None => plan.make_room.push(*customer),
            },
        }
        plan.used.insert(*customer, (day, *row));
    }
    Ok(plan)
}
