//! Receipts: plain lines, of what was done and under which reference. Never a whole card or account number.

use crate::id::AccountNumber;
use crate::money::Amount;
use crate::terminal::device::{Command, Unit};
use crate::terminal::machine::Machine;
use crate::terminal::screen::{Finished, Settled};

use super::Visit;

impl Visit {
    /// Prints a receipt, for which nothing waits.
    pub(super) fn print(&self, done: &Finished, account: AccountNumber, m: &mut Machine) {
        if !m.devices.works(Unit::Printer) {
            return;
        }
        let mut lines = vec![
            format!("ATM        {}", m.id),
            format!("DATE       {}", m.now),
            format!("CARD       **** {}", self.card.pan.last4()),
            format!("ACCOUNT    {}", masked(account)),
        ];
        lines.extend(body(done));
        m.tell(Command::Print(lines));
    }
}

/// The last four digits of an account number.
fn masked(account: AccountNumber) -> String {
    format!("**** {:04}", account.number() % 10_000)
}

fn body(done: &Finished) -> Vec<String> {
    let money = |name: &str, amount: Amount| format!("{name:<10} {} {amount}", amount.currency().code());
    match done {
        Finished::Withdrawal { amount, fee, balance, transaction, reference } => {
            let mut lines = vec![money("WITHDRAWAL", *amount)];
            lines.extend(Some(*fee).filter(|fee| fee.minor() != 0).map(|fee| money("FEE", fee)));
            lines.extend(balance.map(|balance| money("BALANCE", balance)));
            lines.extend(transaction.map(|transaction| format!("TRANSACT.  {transaction}")));
            lines.push(format!("REFERENCE  {:032x}", reference.0));
            lines
        }
        Finished::Deposit { amount, settled, reference } => {
            vec![money("DEPOSIT", *amount), stands(*settled), format!("REFERENCE  {:032x}", reference.0)]
        }
        Finished::Transfer { amount, settled, balance, reference } => {
            let mut lines = vec![money("TRANSFER", *amount), stands(*settled)];
            lines.extend(balance.map(|balance| money("BALANCE", balance)));
            lines.push(format!("REFERENCE  {:032x}", reference.0));
            lines
        }
        Finished::PinChanged | Finished::Goodbye => Vec::new(),
    }
}

fn stands(settled: Settled) -> String {
    match settled {
        Settled::Now => "BOOKED     at once".to_owned(),
        Settled::Later => "BOOKED     when the bank is connected".to_owned(),
    }
}
