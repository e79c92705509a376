//! Notes that a terminal has stacked. The cash is in the machine, so it is taken; it is credited only up to the
//! ceilings of an item, of the customer's day and of the machine's day, and only for cards that were served there.
//! Whatever else was told goes to suspense with a case.

use cashpoint_mutant::{Mutant, chosen};

use crate::case::Matter;
use crate::change::Row;
use crate::command::DepositAdvice;
use crate::currency::Currency;
use crate::event::{About, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::{CustomerId, RequestId};
use crate::ledger::{BankAccount, LedgerAccount, TransferKind};
use crate::machine::Holdings;
use crate::outcome::{self, Done, Receipt};
use crate::time::BusinessDate;
use crate::withdrawal::DailyUse;

use super::advice::{self, Told};
use super::{Decide, Draft, Stop};

impl Decide for DepositAdvice {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        self.told().lookups(lookups);
    }

    fn keys(&self, facts: &Facts, date: BusinessDate, keys: &mut Keys) {
        self.told().keys(facts, date, keys);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        if !chosen(Mutant::TakenTwice) {
            advice::replay(draft, self.terminal, self.request)?;
        }
        let told = self.told();
        let (_, currency) = told.machine(draft).map_err(|refusal| advice::refused(draft, self.terminal, refusal))?;
        let cash = self.source(currency);
        self.stack(draft);
        let Some(customer) = told.claimant(draft) else {
            let held = draft.post(told.posting(TransferKind::DepositHeld, cash, advice::suspense(currency)));
            return Ok(told.open(draft, Matter::DepositUnclaimed(held), &self.case));
        };
        let about = About {
            account: Some(self.account),
            amount: Some(self.amount),
            machine: Some(self.terminal),
            card: Some(self.card),
            ..About::default()
        };
        if !self.count(draft, customer) {
            let held = draft.post(told.posting(TransferKind::DepositHeld, cash, advice::suspense(currency)));
            draft.event(customer, EventKind::DepositHeld, about);
            return Ok(told.open(draft, Matter::OverCeiling(held), &self.case));
        }
        let credit = LedgerAccount::Customer(self.account);
        let transaction = draft.post(told.posting(TransferKind::Deposit, cash, credit));
        draft.event(customer, EventKind::Deposit, About { transfer: Some(transaction), ..about });
        Ok(Done::Deposited(Receipt {
            transaction,
            account: self.account,
            amount: self.amount,
            fee: outcome::no_fee(currency),
            balance: draft.account(self.account).balance(),
            at: draft.moment.now,
            notes: Vec::new(),
        }))
    }
}

impl DepositAdvice {
    fn told(&self) -> Told {
        Told { terminal: self.terminal, card: self.card, account: self.account, amount: self.amount }
    }

    /// Where the money comes from: the machine has it.
    fn source(&self, currency: Currency) -> LedgerAccount {
        match () {
            () if chosen(Mutant::DepositInVault) => LedgerAccount::Bank(BankAccount::Vault, currency),
            () if chosen(Mutant::FromNowhere) => LedgerAccount::Bank(BankAccount::Receivable, currency),
            () if chosen(Mutant::CurrenciesMixed) => LedgerAccount::Bank(BankAccount::Vault, Currency::EUR),
            () => LedgerAccount::AtmCash(self.terminal, currency),
        }
    }

    /// Puts the notes into the mirror's deposit bin.
    fn stack(&self, draft: &mut Draft<'_>) {
        let holdings = draft.facts.holdings.at(&self.terminal).clone();
        let deposit_bin = holdings.deposit_bin.checked_add(self.amount.minor()).expect("a bin's value fits 63 bits");
        draft.set(Row::Holdings(Holdings { deposit_bin, ..holdings }));
    }

    /// Counts it on the customer's and the machine's day, if it is within every ceiling.
    fn count(&self, draft: &mut Draft<'_>, customer: CustomerId) -> bool {
        let (policy, date, currency) = (draft.moment.policy, draft.moment.business_date, self.amount.currency());
        let Some(terminal) = draft.facts.terminals.find(&self.terminal) else {
            return false;
        };
        let mut terminal = terminal.clone();
        let day = draft.daily(&(customer, date, currency));
        let of_day = day.deposited.saturating_add(self.amount.minor());
        let of_machine = terminal.deposited_on(date).saturating_add(self.amount.minor());
        let within = [
            (self.amount.minor(), policy.deposit_limit),
            (of_day, policy.daily_deposit_limit),
            (of_machine, policy.terminals.machine_deposit_limit),
        ];
        if within.into_iter().any(|(minor, limit)| minor > limit.limit_in(currency).minor()) {
            return false;
        }
        if !chosen(Mutant::DayForgotten) {
            draft.set(Row::Daily((customer, date, currency), DailyUse { deposited: of_day, ..day }));
        }
        terminal.deposited = (date, of_machine);
        draft.set(Row::Terminal(terminal));
        true
    }
}
