//! Double entry: the chart of accounts and the transfers between them.
//!
//! A transfer is only ever added; a correction is a new transfer that points at what it corrects. Balances are not
//! decided here: see [`crate::account`].

use std::fmt;

use cashpoint_mutant::{Mutant, chosen};

use crate::currency::Currency;
use crate::id::{AccountNumber, CardId, MachineId, NotAnId, TransferId};
use crate::money::Amount;
use crate::time::{BusinessDate, Timestamp};

/// One account of the chart. Its text form is its id: `10001`, `atm:ATM1:cash:USD`, `bank:vault:USD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LedgerAccount {
    /// What the bank owes a customer (liability).
    Customer(AccountNumber),
    /// All notes in one machine (asset).
    AtmCash(MachineId, Currency),
    /// Cash promised by one machine whose outcome is not yet known.
    AtmInFlight(MachineId, Currency),
    /// Cash handed over a staffed counter.
    Counter(MachineId, Currency),
    /// One of the bank's own accounts; written, never read on the money path.
    Bank(BankAccount, Currency),
}

/// The bank's own accounts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BankAccount {
    /// Cash in the vault.
    Vault,
    /// Fees earned.
    Fees,
    /// Cash differences found by counting.
    OverShort,
    /// Cash that moved for an account that could not take the posting.
    Suspense,
    /// Money owed by customers whose account could not be debited.
    Receivable,
    /// Other networks.
    Clearing,
    /// Where opening balances come from.
    Opening,
}

impl BankAccount {
    /// Every one of them, in chart order.
    pub const ALL: [Self; 7] =
        [Self::Vault, Self::Fees, Self::OverShort, Self::Suspense, Self::Receivable, Self::Clearing, Self::Opening];

    /// The middle part of the account's id.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Fees => "fees",
            Self::OverShort => "over_short",
            Self::Suspense => "suspense",
            Self::Receivable => "receivable",
            Self::Clearing => "clearing",
            Self::Opening => "opening",
        }
    }
}

impl LedgerAccount {
    /// Reads the text form that `Display` writes.
    ///
    /// # Errors
    /// [`NotAnId`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        let currency = |code: &str| Currency::from_code(code).ok_or(NotAnId);
        let parts: Vec<&str> = text.split(':').collect();
        match parts.as_slice() {
            [number] => AccountNumber::parse(number).map(Self::Customer),
            ["atm", id, "cash", code] => Ok(Self::AtmCash(MachineId::parse(id)?, currency(code)?)),
            ["atm", id, "in_flight", code] => Ok(Self::AtmInFlight(MachineId::parse(id)?, currency(code)?)),
            ["bank", "counter", id, code] => Ok(Self::Counter(MachineId::parse(id)?, currency(code)?)),
            ["bank", name, code] => {
                let account = BankAccount::ALL.into_iter().find(|a| a.name() == *name).ok_or(NotAnId)?;
                Ok(Self::Bank(account, currency(code)?))
            }
            _ => Err(NotAnId),
        }
    }

    /// The customer's account, if it is one.
    #[must_use]
    pub const fn customer(self) -> Option<AccountNumber> {
        match self {
            Self::Customer(number) => Some(number),
            Self::AtmCash(..) | Self::AtmInFlight(..) | Self::Counter(..) | Self::Bank(..) => None,
        }
    }
}

impl fmt::Display for LedgerAccount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customer(number) => write!(out, "{number}"),
            Self::AtmCash(id, currency) => write!(out, "atm:{id}:cash:{currency}"),
            Self::AtmInFlight(id, currency) => write!(out, "atm:{id}:in_flight:{currency}"),
            Self::Counter(id, currency) => write!(out, "bank:counter:{id}:{currency}"),
            Self::Bank(account, currency) => write!(out, "bank:{}:{currency}", account.name()),
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// What a transfer is for.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum TransferKind { $($(#[$doc])* $variant),* }

        impl TransferKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The kind's name in the database.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Reads [`Self::name`] back.
            ///
            /// # Errors
            /// [`NotAnId`] for any other text.
            pub fn parse(name: &str) -> Result<Self, NotAnId> {
                match name { $($name => Ok(Self::$variant),)* _ => Err(NotAnId) }
            }
        }
    };
}

kinds! {
    /// A balance that an operator gave an account when it was opened: opening → customer.
    Opening = "opening",
    /// Cash handed over, outcome known at once: customer → machine's cash or counter.
    Withdrawal = "withdrawal",
    /// Cash promised by a terminal: customer → in flight.
    WithdrawalApproved = "withdrawal_approved",
    /// Promised cash was taken: in flight → machine's cash.
    WithdrawalCompleted = "withdrawal_completed",
    /// Promised cash (or a part) never left: in flight → customer (or suspense, where the account is closed).
    Reversal = "reversal",
    /// Overdraft fee: customer → fees.
    OverdraftFee = "overdraft_fee",
    /// Overdraft fee given back: fees → customer (or suspense, likewise).
    FeeReturn = "fee_return",
    /// A suspect withdrawal turned out paid: in flight → machine's cash.
    SuspectPaid = "suspect_paid",
    /// A suspect withdrawal turned out not paid: in flight → customer (or suspense, likewise).
    SuspectNotPaid = "suspect_not_paid",
    /// Notes taken in: machine's cash or counter → customer.
    Deposit = "deposit",
    /// Between two customers' accounts.
    Transfer = "transfer",
    /// Notes brought to a machine: machine's cash → vault.
    Replenishment = "replenishment",
    /// Notes fetched from a machine: vault → machine's cash.
    Removal = "removal",
    /// Less was counted than the ledger says: over/short → machine's cash.
    Shortage = "shortage",
    /// More was counted than the ledger says: machine's cash → over/short.
    Surplus = "surplus",
    /// Less was counted than the ledger says, and an open suspect explains it: suspense → machine's cash.
    ShortageHeld = "shortage_held",
    /// The suspect is resolved: what was held of the shortage meets the count. Over/short → suspense.
    ShortageResolved = "shortage_resolved",
    /// Cash that a terminal paid without asking: customer (or suspense, where none can be charged) → machine's cash.
    OfflineWithdrawal = "offline_withdrawal",
    /// The same where the device cannot say whether it was paid: customer → in flight.
    OfflineSuspect = "offline_suspect",
    /// Notes taken in that are not credited yet: machine's cash → suspense.
    DepositHeld = "deposit_held",
    /// A deposit of a case is credited: suspense (or over/short, where nothing was posted) → customer.
    DepositReleased = "deposit_released",
    /// A deposit of a case is paid out, because its account can take nothing: suspense or over/short → vault.
    DepositPaidOut = "deposit_paid_out",
    /// A deposit of a case turned out to be none: suspense → over/short.
    DepositRefuted = "deposit_refuted",
    /// Offline cash of a case is owed: receivable → suspense, or over/short where nothing was posted.
    WithdrawalOwed = "withdrawal_owed",
    /// Offline cash of a case turned out not to be paid: over/short → suspense.
    WithdrawalRefuted = "withdrawal_refuted",
    /// What went back to a closed account is paid out to its owner: suspense → vault.
    ReturnPaidOut = "return_paid_out",
    /// What went back to a closed account turned out to be nobody's: suspense → over/short.
    ReturnRefuted = "return_refuted",
}

/// A customer's side of a transfer: its place in that account's own history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// 1, 2, 3 … without gaps within the account.
    pub number: u64,
    /// The transfer that holds entry `number - 1`; none for the first.
    pub previous: Option<TransferId>,
    /// The account's balance after this entry, in minor units.
    pub balance: i64,
}

/// Money moving from the account that is debited to the account that is credited.
///
/// Fields are private: [`Transfer::new`] is where debits = credits is asserted, for transfers made and for transfers
/// read back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// Its public transaction id.
    pub id: TransferId,
    /// What it is for.
    pub kind: TransferKind,
    debit: LedgerAccount,
    credit: LedgerAccount,
    amount: Amount,
    /// The debited customer's entry.
    pub debit_entry: Option<Entry>,
    /// The credited customer's entry.
    pub credit_entry: Option<Entry>,
    /// Where and why it was made.
    pub context: Context,
}

/// The circumstances of a transfer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Context {
    /// When the host decided it.
    pub at: Timestamp,
    /// The bank's day on which it counts.
    pub business_date: BusinessDate,
    /// The machine or counter concerned.
    pub machine: Option<MachineId>,
    /// The card that asked for it.
    pub card: Option<CardId>,
    /// The transfer that this one completes, corrects, or is the fee of.
    pub concerns: Option<TransferId>,
}

/// A transfer that cannot stand in the ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unbalanced;

impl fmt::Display for Unbalanced {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a transfer needs a positive amount in one currency, two different accounts, and an entry for just its customers' sides")
    }
}

impl std::error::Error for Unbalanced {}

/// The two sides of a transfer and the entries they make.
#[derive(Clone, Copy, Debug)]
pub struct Sides {
    /// Account debited, and its entry if it is a customer's.
    pub debit: (LedgerAccount, Option<Entry>),
    /// Account credited, and its entry if it is a customer's.
    pub credit: (LedgerAccount, Option<Entry>),
}

impl Transfer {
    /// Builds a transfer, from a decision or from the database.
    ///
    /// # Errors
    /// [`Unbalanced`] if it breaks a rule of the ledger.
    pub fn new(
        id: TransferId,
        kind: TransferKind,
        sides: Sides,
        amount: Amount,
        context: Context,
    ) -> Result<Self, Unbalanced> {
        let Sides { debit: (debit, debit_entry), credit: (credit, credit_entry) } = sides;
        let currency = |account: LedgerAccount| match account {
            LedgerAccount::Customer(_) => amount.currency(),
            LedgerAccount::AtmCash(_, currency)
            | LedgerAccount::AtmInFlight(_, currency)
            | LedgerAccount::Counter(_, currency)
            | LedgerAccount::Bank(_, currency) => currency,
        };
        let entries = debit.customer().is_some() == debit_entry.is_some()
            && credit.customer().is_some() == credit_entry.is_some();
        let one_currency = currency(debit) == amount.currency() && currency(credit) == amount.currency();
        let one_currency = one_currency || chosen(Mutant::CurrenciesMixed);
        if amount.minor() <= 0 || debit == credit || !entries || !one_currency {
            return Err(Unbalanced);
        }
        Ok(Self { id, kind, debit, credit, amount, debit_entry, credit_entry, context })
    }

    /// The account debited.
    #[must_use]
    pub const fn debit(&self) -> LedgerAccount {
        self.debit
    }

    /// The account credited.
    #[must_use]
    pub const fn credit(&self) -> LedgerAccount {
        self.credit
    }

    /// How much, always positive.
    #[must_use]
    pub const fn amount(&self) -> Amount {
        self.amount
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context {
            at: Timestamp::from_micros(0),
            business_date: BusinessDate::from_days(0),
            machine: None,
            card: None,
            concerns: None,
        }
    }

    fn bank(account: BankAccount, currency: Currency) -> (LedgerAccount, Option<Entry>) {
        (LedgerAccount::Bank(account, currency), None)
    }

    #[test]
    fn refuses_a_transfer_that_does_not_balance() {
        let build = |debit, credit, minor| {
            let amount = Amount::new(minor, Currency::USD);
            Transfer::new(TransferId::new(1), TransferKind::Removal, Sides { debit, credit }, amount, context())
                .map(|_| ())
        };
        let vault = bank(BankAccount::Vault, Currency::USD);
        let fees = bank(BankAccount::Fees, Currency::USD);
        assert_eq!(build(vault, fees, 1), Ok(()));
        assert_eq!(build(vault, fees, 0), Err(Unbalanced));
        assert_eq!(build(vault, fees, -1), Err(Unbalanced));
        assert_eq!(build(vault, vault, 1), Err(Unbalanced));
        assert_eq!(build(vault, bank(BankAccount::Fees, Currency::EUR), 1), Err(Unbalanced));
        let customer = (LedgerAccount::Customer(AccountNumber::new(10_001)), None);
        assert_eq!(build(customer, fees, 1), Err(Unbalanced), "a customer's side needs its entry");
    }

    #[test]
    fn writes_and_reads_account_ids() {
        for text in [
            "10001",
            "atm:ATM1:cash:USD",
            "atm:ATM1:in_flight:EUR",
            "bank:counter:C1:USD",
            "bank:vault:USD",
            "bank:over_short:JPY",
        ] {
            assert_eq!(LedgerAccount::parse(text).map(|a| a.to_string()).as_deref(), Ok(text));
        }
        for bad in ["", "1", "bank:nothing:USD", "atm:A:cash:XXQ", "bank:vault", "atm:A B:cash:USD"] {
            assert_eq!(LedgerAccount::parse(bad), Err(NotAnId), "{bad}");
        }
    }
}
