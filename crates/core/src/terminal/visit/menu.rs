//! What is it to be, and for which account.

use crate::account::Product;
use crate::id::AccountNumber;
use crate::outcome::Refusal;
use crate::terminal::machine::{Machine, Signal};
use crate::terminal::screen::{AccountPurpose, AmountPurpose, Choice, MenuItem, Screen, Why};
use crate::terminal::service::Whom;

use super::{Holder, Step, Visit, gives_up};

/// What an account is being picked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// Cash, offered or typed.
    Cash(AmountPurpose),
    Deposit,
    TransferFrom,
    Balance,
    Statement,
}

impl Purpose {
    const fn shown(self) -> AccountPurpose {
        match self {
            Self::Cash(_) => AccountPurpose::Withdrawal,
            Self::Deposit => AccountPurpose::Deposit,
            Self::TransferFrom => AccountPurpose::TransferFrom,
            Self::Balance => AccountPurpose::Balance,
            Self::Statement => AccountPurpose::Statement,
        }
    }
}

impl Visit {
    pub(super) fn menu(&mut self, m: &mut Machine) -> Step {
        let Some(holder) = &self.holder else { return self.leave(m) };
        let services = m.services(self.whom(holder, m));
        m.show(Screen::Menu { name: holder.name.clone(), services, notices: holder.notices.clone() });
        Step::Menu
    }

    fn whom<'a>(&self, holder: &'a Holder, m: &Machine) -> Whom<'a> {
        match self.session(m) {
            Some(_) => Whom::InSession,
            None => Whom::WithoutSession(&holder.right),
        }
    }

    pub(super) fn on_menu(&mut self, signal: &Signal, m: &mut Machine) -> Step {
        match signal {
            Signal::Chosen(Choice::Menu(item)) => self.on_item(*item, m),
            Signal::Chosen(Choice::No) => self.leave(m),
            signal if gives_up(signal) => self.leave(m),
            // A service has come or gone; but for somebody who is being asked for more time the question stays.
            Signal::Changed if m.screen != Screen::MoreTime => self.menu(m),
            _ => Step::Menu,
        }
    }

    fn on_item(&mut self, item: MenuItem, m: &mut Machine) -> Step {
        if let Some(holder) = &mut self.holder {
            holder.notices.clear();
        }
        let Some(holder) = &self.holder else { return self.leave(m) };
        let services = m.services(self.whom(holder, m));
        match item {
            MenuItem::FastCash if services.withdrawal => self.pick(Purpose::Cash(AmountPurpose::FastCash), m),
            MenuItem::Withdrawal if services.withdrawal => self.pick(Purpose::Cash(AmountPurpose::OtherAmount), m),
            MenuItem::Deposit if services.deposit => self.pick(Purpose::Deposit, m),
            MenuItem::Transfer if services.transfer => self.pick(Purpose::TransferFrom, m),
            MenuItem::Balance if services.balance => self.pick(Purpose::Balance, m),
            MenuItem::Statement if services.statement => self.pick(Purpose::Statement, m),
            MenuItem::PinChange if services.pin_change => self.begin_pin_change(m),
            MenuItem::FastCash
            | MenuItem::Withdrawal
            | MenuItem::Deposit
            | MenuItem::Transfer
            | MenuItem::Balance
            | MenuItem::Statement
            | MenuItem::PinChange => self.menu(m),
        }
    }

    /// The accounts that may serve; notes are of one currency.
    fn accounts_for(&self, purpose: Purpose, m: &Machine) -> Vec<(AccountNumber, Product)> {
        let Some(holder) = &self.holder else { return Vec::new() };
        let currency = m.settings().map(|settings| settings.currency);
        let moves_notes = matches!(purpose, Purpose::Cash(_) | Purpose::Deposit);
        let serves =
            |line: &&crate::terminal::link::AccountLine| !moves_notes || Some(line.balance.currency()) == currency;
        holder.accounts.iter().filter(serves).map(|line| (line.account, line.product)).collect()
    }

    fn pick(&mut self, purpose: Purpose, m: &mut Machine) -> Step {
        let accounts = self.accounts_for(purpose, m);
        match accounts.as_slice() {
            [] => self.apologise(Why::Refused(Refusal::CurrencyMismatch), m),
            [(account, _)] => self.picked(purpose, *account, m),
            [_, _, ..] => {
                m.show(Screen::Account { purpose: purpose.shown(), accounts });
                Step::Picking(purpose)
            }
        }
    }

    pub(super) fn on_picking(&mut self, purpose: Purpose, signal: &Signal, m: &mut Machine) -> Step {
        match signal {
            Signal::Chosen(Choice::Account(account)) => {
                let known = self.accounts_for(purpose, m).iter().any(|(number, _)| number == account);
                if known { self.picked(purpose, *account, m) } else { Step::Picking(purpose) }
            }
            Signal::Chosen(Choice::No) => self.menu(m),
            signal if gives_up(signal) => self.leave(m),
            _ => Step::Picking(purpose),
        }
    }

    fn picked(&mut self, purpose: Purpose, account: AccountNumber, m: &mut Machine) -> Step {
        match purpose {
            Purpose::Cash(amount) => self.begin_withdrawal(account, amount, m),
            Purpose::Deposit => self.begin_deposit(account, m),
            Purpose::TransferFrom => self.begin_transfer(account, m),
            Purpose::Balance => self.begin_balance(account, m),
            Purpose::Statement => self.begin_statement(account, m),
        }
    }
}
