//! How much cash: only what the notes can make and the limits allow. Ends with the intent in the journal.

use crate::id::AccountNumber;
use crate::money::Amount;
use crate::outcome::Refusal;
use crate::terminal::Alarm;
use crate::terminal::cash::Held;
use crate::terminal::device::{Answer, Command, Failure, Key, Unit, Way};
use crate::terminal::hardware::Ended;
use crate::terminal::machine::{Machine, Signal};
use crate::terminal::offline::{self, Asked, CashAsked, Reason};
use crate::terminal::screen::{AmountPurpose, AmountTrouble, Choice, Screen, Waiting, Why};

use super::{Receipt, Step, Visit, gives_up};

/// Cash that a customer has chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Order {
    pub(super) account: AccountNumber,
    pub(super) amount: Amount,
    pub(super) receipt: Receipt,
}

/// Where the choice stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Withdrawal {
    /// The amount is chosen or typed.
    Choosing(Choosing),
    /// A receipt?
    Receipt(AccountNumber, Amount),
    /// The dispenser is asked what it has, and for its nonce.
    Preparing(Order),
}

/// An amount being chosen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Choosing {
    account: AccountNumber,
    purpose: AmountPurpose,
    offered: Vec<Amount>,
    /// Whole units of the currency.
    typed: i64,
}

impl Visit {
    pub(super) fn begin_withdrawal(&mut self, account: AccountNumber, purpose: AmountPurpose, m: &mut Machine) -> Step {
        let offered = match purpose {
            AmountPurpose::FastCash => self.fast_cash(m),
            AmountPurpose::OtherAmount | AmountPurpose::Transfer => Vec::new(),
        };
        let purpose = if offered.is_empty() { AmountPurpose::OtherAmount } else { purpose };
        self.choose(Choosing { account, purpose, offered, typed: 0 }, None, m)
    }

    /// The operator's amounts, as far as notes and limits allow them.
    fn fast_cash(&self, m: &Machine) -> Vec<Amount> {
        let Some(settings) = m.settings() else { return Vec::new() };
        let most = self.most_cash(m);
        let payable = |amount: &&Amount| amount.minor() <= most && m.notes_for(**amount).is_ok();
        settings.fast_cash.iter().filter(payable).copied().collect()
    }

    /// The most that one withdrawal may be now, minor units.
    fn most_cash(&self, m: &Machine) -> i64 {
        let limit = m.settings().map_or(0, |settings| settings.withdrawal_limit.minor());
        match (self.session(m), &self.holder) {
            (Some(_), _) => limit,
            (None, Some(holder)) => m.payable_offline(&holder.right).map_or(0, |most| most.minor().min(limit)),
            (None, None) => 0,
        }
    }

    fn choose(&mut self, choosing: Choosing, trouble: Option<AmountTrouble>, m: &mut Machine) -> Step {
        let Some(settings) = m.settings() else { return self.leave(m) };
        let unit = 10_i64.pow(u32::from(settings.currency.decimals()));
        let typed = Amount::new(choosing.typed.saturating_mul(unit), settings.currency);
        let (purpose, offered) = (choosing.purpose, choosing.offered.clone());
        m.show(Screen::Amount { purpose, offered, typed, trouble });
        Step::Withdrawal(Withdrawal::Choosing(choosing))
    }

    pub(super) fn on_withdrawal(&mut self, withdrawal: Withdrawal, signal: &Signal, m: &mut Machine) -> Step {
        match (withdrawal, signal) {
            (Withdrawal::Choosing(choosing), signal) => self.on_choosing(choosing, signal, m),
            (Withdrawal::Receipt(account, amount), Signal::Chosen(Choice::Yes)) => {
                self.prepare(Order { account, amount, receipt: Receipt::Wanted }, m)
            }
            (Withdrawal::Receipt(account, amount), Signal::Chosen(Choice::No)) => {
                self.prepare(Order { account, amount, receipt: Receipt::NotWanted }, m)
            }
            (Withdrawal::Receipt(..), signal) if gives_up(signal) => self.leave(m),
            (Withdrawal::Preparing(order), Signal::Ended(Ended { command: Command::ReadCounters, result })) => {
                match result {
                    Ok(Answer::Counters(counters)) if counters.way == Way::Clear => self.prepared(order, m),
                    Ok(_) => {
                        m.alarm(Alarm::Device(Unit::Dispenser, Failure::ItemsLeft));
                        self.apologise(Why::Machine, m)
                    }
                    Err(_) => self.apologise(Why::Machine, m),
                }
            }
            (Withdrawal::Preparing(order), Signal::Ended(Ended { command: Command::FetchNonce, result })) => {
                match result {
                    Ok(_) => self.prepared(order, m),
                    Err(_) => self.apologise(Why::Machine, m),
                }
            }
            (withdrawal, _) => Step::Withdrawal(withdrawal),
        }
    }

    fn on_choosing(&mut self, mut choosing: Choosing, signal: &Signal, m: &mut Machine) -> Step {
        match signal {
            Signal::Chosen(Choice::Amount(amount)) if choosing.offered.contains(amount) => {
                self.chosen(choosing, *amount, m)
            }
            Signal::Chosen(Choice::OtherAmount) => {
                let purpose = AmountPurpose::OtherAmount;
                self.choose(Choosing { purpose, offered: Vec::new(), typed: 0, ..choosing }, None, m)
            }
            Signal::Chosen(Choice::Key(key)) if choosing.purpose == AmountPurpose::OtherAmount => {
                choosing.typed = typed(choosing.typed, *key);
                self.choose(choosing, None, m)
            }
            Signal::Chosen(Choice::Yes) if choosing.typed > 0 => {
                let Some(settings) = m.settings() else { return self.leave(m) };
                let unit = 10_i64.pow(u32::from(settings.currency.decimals()));
                let amount = Amount::new(choosing.typed.saturating_mul(unit), settings.currency);
                self.chosen(choosing, amount, m)
            }
            Signal::Chosen(Choice::No) => self.menu(m),
            signal if gives_up(signal) => self.leave(m),
            _ => Step::Withdrawal(Withdrawal::Choosing(choosing)),
        }
    }

    fn chosen(&mut self, choosing: Choosing, amount: Amount, m: &mut Machine) -> Step {
        if let Some(trouble) = self.trouble_with(amount, m) {
            return self.amount_trouble(choosing.account, trouble, m);
        }
        if !m.prints() {
            let order = Order { account: choosing.account, amount, receipt: Receipt::NotWanted };
            return self.prepare(order, m);
        }
        m.show(Screen::ReceiptChoice);
        Step::Withdrawal(Withdrawal::Receipt(choosing.account, amount))
    }

    /// What is wrong with an amount, as far as can be told without asking the host.
    fn trouble_with(&self, amount: Amount, m: &Machine) -> Option<AmountTrouble> {
        let limit = m.settings()?.withdrawal_limit;
        if amount.minor() > limit.minor() {
            return Some(AmountTrouble::Refused(Refusal::OverTransactionLimit { limit }));
        }
        if let Err(nearest) = m.notes_for(amount) {
            return Some(AmountTrouble::NotDispensable { nearest });
        }
        let most = self.most_cash(m);
        (amount.minor() > most).then(|| AmountTrouble::OverOfflineLimit { limit: Amount::new(most, amount.currency()) })
    }

    /// Asks for another amount; the nearest that can be paid are offered.
    pub(super) fn amount_trouble(
        &mut self,
        account: AccountNumber,
        mut trouble: AmountTrouble,
        m: &mut Machine,
    ) -> Step {
        let offered = match &mut trouble {
            AmountTrouble::NotDispensable { nearest } => {
                // Without the host there may be leave for less than the notes would make.
                let most = self.most_cash(m);
                nearest.retain(|amount| amount.minor() <= most);
                nearest.clone()
            }
            AmountTrouble::Refused(_) | AmountTrouble::OverOfflineLimit { .. } => Vec::new(),
        };
        let purpose = AmountPurpose::OtherAmount;
        self.choose(Choosing { account, purpose, offered, typed: 0 }, Some(trouble), m)
    }

    /// The counters are read anew: they are the snapshot that decides after a crash.
    fn prepare(&mut self, order: Order, m: &mut Machine) -> Step {
        m.show(Screen::Wait(Waiting::AskingBank));
        m.tell(Command::ReadCounters);
        Step::Withdrawal(Withdrawal::Preparing(order))
    }

    fn prepared(&mut self, order: Order, m: &mut Machine) -> Step {
        if !m.is_cash_settled() {
            return self.apologise(Why::Machine, m);
        }
        let notes = match m.notes_for(order.amount) {
            Ok(notes) => notes,
            Err(nearest) => {
                return self.amount_trouble(order.account, AmountTrouble::NotDispensable { nearest }, m);
            }
        };
        let Some(before) = m.cash.counters().cloned() else { return self.apologise(Why::Machine, m) };
        match (self.session(m), m.cash.held()) {
            (Some(_), Held::Unknown) => {
                m.tell(Command::FetchNonce);
                Step::Withdrawal(Withdrawal::Preparing(order))
            }
            (Some(session), Held::Assumed(nonce) | Held::Told(nonce)) => {
                self.ask_for_leave(order, (session, nonce), (notes, before), m)
            }
            (None, _) => self.pay_under_lease(order, (notes, before), m),
        }
    }

    /// What the lease and the policy allow for this card.
    pub(super) fn permit(&self, order: Order, m: &Machine) -> Result<offline::CashPermit, AmountTrouble> {
        let none = || AmountTrouble::OverOfflineLimit { limit: Amount::zero(order.amount.currency()) };
        let Some(holder) = &self.holder else { return Err(none()) };
        let asked = Asked { holder: &holder.right, now: m.now };
        let cash = CashAsked { account: order.account, amount: order.amount, means: m.means() };
        offline::withdrawal(m.journal.book(), &asked, &cash).map_err(|reason| match reason {
            Reason::LeaseUsedUp { left } | Reason::OverCardLimit { left } | Reason::OverOutageLimit { left } => {
                AmountTrouble::OverOfflineLimit { limit: left }
            }
            Reason::OverWithdrawalLimit { limit } => AmountTrouble::Refused(Refusal::OverTransactionLimit { limit }),
            Reason::NotOffered
            | Reason::NoSettings
            | Reason::Busy
            | Reason::UnknownCard
            | Reason::VerifierExpired
            | Reason::TooManyTries
            | Reason::CardReported
            | Reason::HotListStale
            | Reason::ClockSetBack
            | Reason::NoLease
            | Reason::LeaseExpired
            | Reason::LeaseVoid
            | Reason::InvalidAmount
            | Reason::UnknownAccount
            | Reason::SameAccount
            | Reason::JournalFull => none(),
        })
    }
}

/// A figure of digits after one more key.
pub(super) fn typed(so_far: i64, key: Key) -> i64 {
    let appended = |digits: i64, add: i64| {
        let longer = so_far.checked_mul(digits).and_then(|longer| longer.checked_add(add));
        longer.filter(|longer| *longer <= Amount::LARGEST_REQUEST_MINOR).unwrap_or(so_far)
    };
    match key {
        Key::Digit(digit @ 0..=9) => appended(10, i64::from(digit)),
        Key::DoubleZero => appended(100, 0),
        Key::Clear => 0,
        Key::Digit(10..) | Key::Enter | Key::Cancel | Key::Function(_) => so_far,
    }
}
