//! What people at the bank do while machines go on: they look into cases, let locked cards be used again, change the bank's
//! choices.

use cashpoint_bank::desk::PolicyValue;
use cashpoint_bank::store::CasesWanted;
use cashpoint_core::case::Case;
use cashpoint_core::command::ReportReason;
use cashpoint_core::money::Decimal;

use super::faults::Deed;
use super::habits::index;
use super::profile::{Level, Limits, Partition, Profile};
use super::{Town, watch};
use crate::audit::Violation;
use crate::audit::seen::{Holder, Seen};
use crate::host::BankHost;
use crate::site::GENEROUS;

/// How long a case is left alone: what belongs to it may still be told.
const RIPE_MS: i64 = 180_000;

/// The most cases that somebody looks into at once.
const MOST: usize = 100;

/// What is chosen anew in the middle of a run, and what it may be.
const CHOICES: [(&str, [&str; 3]); 4] = [
    ("daily_withdrawal_limit", ["300", "600", "2000"]),
    ("withdrawal_limit", ["100", "200", "500"]),
    ("note_mix", ["least", "even", "least"]),
    // Only where machines may pay at all while they are cut off.
    ("offline_withdrawal", ["limited", "refuse", "limited"]),
];

impl Town<'_> {
    /// A key that no other request of staff has.
    pub(super) fn next_key(&mut self) -> String {
        self.count += 1;
        format!("town {}", self.count)
    }

    /// Somebody looks into cases whose truth can be found out, and lets locked cards be used again.
    pub(super) fn desk(&mut self) -> Result<(), Violation> {
        self.later(Self::DESKS, self.setup.profile.desk, Deed::Desk);
        let now = self.now;
        let open = self.host.borrow_mut().staff(now, |bank, admin| bank.cases(admin, CasesWanted::Open, None, MOST));
        for case in open.map_or_else(Vec::new, |page| page.cases) {
            self.look_into(case)?;
        }
        for holder in std::mem::take(&mut self.locked) {
            let card = self.people[holder].card;
            let done = self.host.borrow_mut().staff(now, |bank, admin| bank.unblock_card(admin, card));
            if done.is_some() {
                self.tell(None, Seen::Unblocked(card))?;
            } else {
                self.locked.insert(holder);
            }
        }
        Ok(())
    }

    fn look_into(&mut self, case: Case) -> Result<(), Violation> {
        let ripe = case.opened.is_some_and(|opened| self.now.since_ms(opened) > RIPE_MS);
        let Some(at) = self.machines.iter().position(|machine| machine.world.station.id == case.machine) else {
            return Ok(());
        };
        let machine = &self.machines[at];
        let quiet = machine.visitor.is_none() && watch::is_clear(&machine.world.station.hardware);
        let Some(paid) = self.truth.of(&case).filter(|_| ripe && quiet) else { return Ok(()) };
        let (key, now, figure) = (self.next_key(), self.now, Decimal::new(paid.unsigned_abs(), 2));
        let done = self.host.borrow_mut().staff(now, |bank, admin| {
            bank.resolve_case(admin, &key, case.id, figure).map(|done| done.map(drop).map_err(|told| told.refusal))
        });
        if done.is_none() {
            return Ok(());
        }
        self.tell(Some(at), Seen::Resolved { case: Box::new(case), paid })
    }

    /// The bank chooses something else.
    pub(super) fn choose(&mut self) -> Result<(), Violation> {
        self.later(Self::CHOICES, self.setup.profile.choices, Deed::Choose);
        let limited = matches!(self.setup.profile.partition, Partition::Limited(_));
        let choices = if limited { &CHOICES[..] } else { &CHOICES[..CHOICES.len() - 1] };
        let (name, values) = choices[index(&mut self.chance, choices.len())];
        let value = values[index(&mut self.chance, values.len())];
        let (now, patch) = (self.now, vec![(name.to_owned(), PolicyValue::Text(value.to_owned()))]);
        let done = self.host.borrow_mut().staff(now, |bank, admin| bank.set_policies(admin, patch.clone()));
        if done.is_some() {
            self.tally.sometimes.reach("bank chose otherwise");
            // What was decided before and after the choice is to be told with both.
            self.look_at_ledger()?;
        }
        Ok(())
    }

    /// Somebody closes their second account, if nothing is on it; at machines it may be offered, and used, still.
    pub(super) fn close(&mut self) -> Result<(), Violation> {
        self.later(Self::CLOSINGS, self.setup.profile.closings, Deed::Close);
        let holder = index(&mut self.chance, self.people.len());
        let (customer, account) = (self.people[holder].id, self.people[holder].accounts[1].0);
        if self.closed.contains(&account) || !self.host.borrow_mut().close(self.now, customer, account) {
            return Ok(());
        }
        self.closed.insert(account);
        self.tell(None, Seen::Closed(account))
    }

    /// Somebody's card is reported stolen.
    pub(super) fn report_card(&mut self, holder: Holder) -> Result<(), Violation> {
        let (card, now) = (self.people[holder].card, self.now);
        let reason = ReportReason::Stolen;
        let done = self.host.borrow_mut().staff(now, |bank, admin| bank.report_card(admin, card, reason));
        if done.is_none() {
            return Ok(());
        }
        self.reported.insert(holder);
        self.tell(None, Seen::Reported { holder, card })
    }
}

/// What a bank chooses before anybody comes.
pub(super) fn choose_at_first(bank: &BankHost, profile: &Profile) {
    if profile.tight != Level::Off {
        bank.set_policy(limits(profile.tight));
    }
    match profile.partition {
        Partition::Refuse => {}
        Partition::Limited(Limits { card, outage, lease }) => {
            let [card, outage, lease] = [card, outage, lease].map(|limit| limit.to_string());
            let limits = [("offline_card_limit", &*card), ("offline_outage_limit", &outage), ("offline_lease", &lease)];
            bank.set_policy(&GENEROUS);
            bank.set_policy(&limits);
        }
        Partition::NoCash => {
            bank.set_policy(&GENEROUS);
            bank.set_policy(&[("offline_withdrawal", "refuse")]);
        }
    }
}

/// How narrow the bank's limits are at first.
const fn limits(tight: Level) -> &'static [(&'static str, &'static str)] {
    match tight {
        Level::Off => &[],
        Level::Rare => {
            &[("daily_withdrawal_limit", "600"), ("pin_block_s", "60"), ("pin_blocks", "2"), ("device_errors", "2")]
        }
        Level::Heavy => &[
            ("daily_withdrawal_limit", "300"),
            ("pin_block_s", "60"),
            ("pin_blocks", "2"),
            ("device_errors", "1"),
            ("machine_deposit_limit", "1000"),
            ("offline_hot_list_age_s", "60"),
        ],
    }
}
