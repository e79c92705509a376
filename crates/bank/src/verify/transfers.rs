//! One pass over the ledger, in the order in which it was written: each transfer by itself, the chains of entries and
//! of machines, and the sums that other checks compare rows with.

use std::collections::HashMap;

use cashpoint_core::id::MachineId;
use cashpoint_core::ledger::{BankAccount, LedgerAccount, TransferKind};
use cashpoint_core::machine::MachineKind;

use super::chart::{Account, Chain, Chart};
use super::commits::{Belongs, Commits};
use super::report::{Judge, Named, Report};
use crate::store::StoreError;
use crate::store::records::{Id, Records, TransferRecord};

/// What is kept of each transfer: about 100 bytes.
pub(super) struct Moved {
    pub(super) id: Id,
    pub(super) kind: Option<TransferKind>,
    pub(super) debit: i64,
    pub(super) credit: i64,
    pub(super) amount: i64,
    /// Balances after it, of the sides that are customers'.
    pub(super) debit_balance: i64,
    pub(super) credit_balance: i64,
    pub(super) machine: Option<i64>,
    pub(super) card: Option<i64>,
    /// Which one it concerns.
    pub(super) concerns: Option<u32>,
    /// Its commit.
    pub(super) commit: Option<u32>,
    pub(super) business_date: i64,
}

/// All transfers in order of commit.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) transfers: Vec<Moved>,
    by_id: HashMap<Id, u32>,
}

impl Ledger {
    pub(super) fn number(&self, id: Id) -> Option<u32> {
        self.by_id.get(&id).copied()
    }

    pub(super) fn find(&self, id: Id) -> Option<&Moved> {
        self.number(id).map(|number| self.at(number))
    }

    pub(super) fn at(&self, number: u32) -> &Moved {
        &self.transfers[number as usize]
    }

    /// All of them with their numbers.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u32, &Moved)> {
        (0..).zip(&self.transfers)
    }
}

/// Which accounts may stand on a side of a transfer.
#[derive(Clone, Copy)]
enum Side {
    Customer,
    /// A customer, or suspense once the account is closed.
    CustomerOrSuspense,
    AtmCash,
    InFlight,
    /// Where a case's money waits, or what was found beside the books.
    SuspenseOrOverShort,
    /// Where cash is handed over: a machine, a counter, the vault.
    Cash,
    Bank(BankAccount),
}

impl Side {
    fn fits(self, place: LedgerAccount) -> bool {
        match self {
            Self::Customer => matches!(place, LedgerAccount::Customer(_)),
            Self::CustomerOrSuspense => Self::Customer.fits(place) || Self::Bank(BankAccount::Suspense).fits(place),
            Self::AtmCash => matches!(place, LedgerAccount::AtmCash(..)),
            Self::InFlight => matches!(place, LedgerAccount::AtmInFlight(..)),
            Self::SuspenseOrOverShort => {
                [BankAccount::Suspense, BankAccount::OverShort].into_iter().any(|own| Self::Bank(own).fits(place))
            }
            Self::Cash => {
                Self::AtmCash.fits(place)
                    || matches!(place, LedgerAccount::Counter(..))
                    || Self::Bank(BankAccount::Vault).fits(place)
            }
            Self::Bank(own) => matches!(place, LedgerAccount::Bank(account, _) if account == own),
        }
    }
}

/// Debited and credited side of a kind.
const fn sides(kind: TransferKind) -> (Side, Side) {
    match kind {
        TransferKind::Opening => (Side::Bank(BankAccount::Opening), Side::Customer),
        TransferKind::Withdrawal => (Side::Customer, Side::Cash),
        TransferKind::WithdrawalApproved => (Side::Customer, Side::InFlight),
        TransferKind::WithdrawalCompleted | TransferKind::SuspectPaid => (Side::InFlight, Side::AtmCash),
        TransferKind::Reversal | TransferKind::SuspectNotPaid => (Side::InFlight, Side::CustomerOrSuspense),
        TransferKind::OverdraftFee => (Side::Customer, Side::Bank(BankAccount::Fees)),
        TransferKind::FeeReturn => (Side::Bank(BankAccount::Fees), Side::CustomerOrSuspense),
        TransferKind::Deposit => (Side::Cash, Side::Customer),
        TransferKind::Transfer => (Side::Customer, Side::Customer),
        TransferKind::Replenishment => (Side::AtmCash, Side::Bank(BankAccount::Vault)),
        TransferKind::Removal => (Side::Bank(BankAccount::Vault), Side::AtmCash),
        TransferKind::Shortage => (Side::Bank(BankAccount::OverShort), Side::AtmCash),
        TransferKind::Surplus => (Side::AtmCash, Side::Bank(BankAccount::OverShort)),
        TransferKind::ShortageHeld => (Side::Bank(BankAccount::Suspense), Side::AtmCash),
        TransferKind::ShortageResolved => (Side::Bank(BankAccount::OverShort), Side::Bank(BankAccount::Suspense)),
        TransferKind::OfflineWithdrawal => (Side::CustomerOrSuspense, Side::AtmCash),
        TransferKind::OfflineSuspect => (Side::Customer, Side::InFlight),
        TransferKind::DepositHeld => (Side::AtmCash, Side::Bank(BankAccount::Suspense)),
        TransferKind::DepositReleased => (Side::SuspenseOrOverShort, Side::Customer),
        TransferKind::DepositPaidOut => (Side::SuspenseOrOverShort, Side::Bank(BankAccount::Vault)),
        TransferKind::ReturnPaidOut => (Side::Bank(BankAccount::Suspense), Side::Bank(BankAccount::Vault)),
        TransferKind::DepositRefuted | TransferKind::ReturnRefuted => {
            (Side::Bank(BankAccount::Suspense), Side::Bank(BankAccount::OverShort))
        }
        TransferKind::WithdrawalOwed => (Side::Bank(BankAccount::Receivable), Side::SuspenseOrOverShort),
        TransferKind::WithdrawalRefuted => (Side::Bank(BankAccount::OverShort), Side::Bank(BankAccount::Suspense)),
    }
}

/// What a kind may concern, and whether it must concern something.
const fn concerned(kind: TransferKind) -> (&'static [TransferKind], Concern) {
    match kind {
        TransferKind::WithdrawalCompleted
        | TransferKind::Reversal
        | TransferKind::SuspectPaid
        | TransferKind::SuspectNotPaid => {
            (&[TransferKind::WithdrawalApproved, TransferKind::OfflineSuspect], Concern::Must)
        }
        TransferKind::OverdraftFee => (&[TransferKind::Withdrawal, TransferKind::WithdrawalApproved], Concern::Must),
        TransferKind::FeeReturn => (&[TransferKind::OverdraftFee], Concern::Must),
        TransferKind::Surplus => (&[TransferKind::WithdrawalApproved, TransferKind::OfflineSuspect], Concern::May),
        TransferKind::ShortageHeld | TransferKind::ShortageResolved => {
            (&[TransferKind::WithdrawalApproved, TransferKind::OfflineSuspect], Concern::Must)
        }
        TransferKind::DepositReleased | TransferKind::DepositPaidOut => (&[TransferKind::DepositHeld], Concern::May),
        TransferKind::DepositRefuted => (&[TransferKind::DepositHeld], Concern::Must),
        TransferKind::WithdrawalOwed => (&[TransferKind::OfflineWithdrawal], Concern::May),
        TransferKind::WithdrawalRefuted => (&[TransferKind::OfflineWithdrawal], Concern::Must),
        TransferKind::ReturnPaidOut | TransferKind::ReturnRefuted => {
            (&[TransferKind::Reversal, TransferKind::SuspectNotPaid], Concern::Must)
        }
        TransferKind::Opening
        | TransferKind::Withdrawal
        | TransferKind::WithdrawalApproved
        | TransferKind::Deposit
        | TransferKind::Transfer
        | TransferKind::Replenishment
        | TransferKind::Removal
        | TransferKind::Shortage
        | TransferKind::OfflineWithdrawal
        | TransferKind::OfflineSuspect
        | TransferKind::DepositHeld => (&[], Concern::May),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Concern {
    Must,
    May,
}

/// The pass and everything that it follows.
struct Pass<'a> {
    chart: &'a mut Chart,
    commits: &'a mut Commits,
    kinds: HashMap<i64, TransferKind>,
    cards: &'a HashMap<(i64, i64), i64>,
    ledger: Ledger,
    machine_chains: HashMap<i64, Id>,
    transfers: Judge,
    entries: Judge,
    chains: Judge,
}

/// Reads the ledger. `cards` tells who reaches what: card and account, and the account's position.
pub(super) fn read(
    records: &Records,
    chart: &mut Chart,
    commits: &mut Commits,
    cards: &HashMap<(i64, i64), i64>,
    report: &mut Report,
) -> Result<Ledger, StoreError> {
    let mut transfers = Judge::of("transfers");
    let mut kinds = HashMap::new();
    records.transfer_kinds(|row| match TransferKind::parse(&row.name) {
        Ok(kind) if kinds.insert(row.code, kind).is_none() => {}
        Ok(_) | Err(_) => transfers.differs(format_args!("kind {}: {} is no kind of transfer", row.code, row.name)),
    })?;
    for kind in TransferKind::ALL {
        if kinds.values().filter(|known| *known == kind).count() != 1 {
            transfers.differs(format_args!("kind {}: it must have one number", kind.name()));
        }
    }
    let mut pass = Pass {
        chart,
        commits,
        kinds,
        cards,
        ledger: Ledger::default(),
        machine_chains: HashMap::new(),
        transfers,
        entries: Judge::of("entries"),
        chains: Judge::of("machine_chains"),
    };
    records.transfers(|row| pass.transfer(&row))?;
    pass.finish(records, report)
}

impl Pass<'_> {
    fn transfer(&mut self, row: &TransferRecord) {
        self.transfers.examine();
        let subject = Named("transfer", row.id);
        let belongs = Belongs { writer: row.writer, seq: row.seq, idx: row.idx, at: Some(row.at) };
        let commit = self.commits.place(&belongs, &mut self.transfers, &subject);
        if let Some((_, commit)) = commit {
            self.transfers.same(&subject, "business date", row.business_date, commit.business_date);
        }
        if row.amount <= 0 || row.debit == row.credit {
            self.transfers.differs(format_args!("{subject}: {} from and to one account or not positive", row.amount));
        }
        let kind = self.kinds.get(&row.kind).copied();
        match kind {
            Some(kind) => {
                self.sides(row, kind);
                self.concerns(row, kind);
            }
            None => self.transfers.differs(format_args!("{subject}: {} is no kind", row.kind)),
        }
        self.card(row);
        self.enter(row);
        self.follow_machine(row);
        self.keep(row, kind, commit.map(|(number, _)| number));
    }

    /// Both accounts are there, in one currency, and of the sort that the kind asks for, and the machine is theirs.
    fn sides(&mut self, row: &TransferRecord, kind: TransferKind) {
        let subject = Named("transfer", row.id);
        let (Some(debit), Some(credit)) = (self.chart.place(row.debit), self.chart.place(row.credit)) else {
            self.transfers
                .differs(format_args!("{subject}: account {} or {} is not in the chart", row.debit, row.credit));
            return;
        };
        let (debited, credited) = sides(kind);
        if !debited.fits(debit) || !credited.fits(credit) {
            self.transfers.differs(format_args!("{subject}: a {} from {debit} to {credit}", kind.name()));
        }
        if self.chart.currency(row.debit) != self.chart.currency(row.credit) {
            self.transfers.differs(format_args!("{subject}: from {debit} to {credit} in two currencies"));
        }
        let machine = self.chart.machine_id(row.machine);
        if row.machine.is_some() && machine.is_none() {
            self.transfers.differs(format_args!("{subject}: its machine is not there"));
        }
        // A fee moves no cash; where it was asked for is told by what it concerns.
        let of_fee = matches!(kind, TransferKind::OverdraftFee | TransferKind::FeeReturn);
        let stands_at = machine_of(debit).or(machine_of(credit));
        if !of_fee {
            self.transfers.same_or_none(&subject, "machine", machine, stands_at);
        }
        let machine = row.machine.and_then(|number| self.chart.machines.get(&number));
        if kind == TransferKind::Withdrawal && machine.and_then(|machine| machine.kind) == Some(MachineKind::Terminal) {
            self.transfers.differs(format_args!("{subject}: paid at once by a terminal, which pays in two steps"));
        }
        if let (Some(left), Some(right)) = (machine_of(debit), machine_of(credit)) {
            self.transfers.same(&subject, "the credited machine", right, left);
        }
    }

    /// What it corrects, completes or is the fee of came before, and moved the same money the other way or onwards.
    fn concerns(&mut self, row: &TransferRecord, kind: TransferKind) {
        let subject = Named("transfer", row.id);
        let (kinds, concern) = concerned(kind);
        let Some(id) = row.concerns else {
            if concern == Concern::Must {
                self.transfers.differs(format_args!("{subject}: a {} concerns nothing", kind.name()));
            }
            return;
        };
        let Some(original) = self.ledger.find(id) else {
            self.transfers.differs(format_args!("{subject}: it concerns {id}, which does not come before it"));
            return;
        };
        if !original.kind.is_some_and(|kind| kinds.contains(&kind)) {
            let of = original.kind.map_or("transfer of no kind", TransferKind::name);
            self.transfers.differs(format_args!("{subject}: a {} concerns a {of}", kind.name()));
        }
        let (machine, cash) = (original.machine, original.credit);
        let customers_side = match kind {
            TransferKind::OverdraftFee => Some((row.debit, original.debit)),
            TransferKind::Reversal | TransferKind::SuspectNotPaid | TransferKind::FeeReturn if row.credit > 0 => {
                Some((row.credit, original.debit))
            }
            TransferKind::WithdrawalCompleted | TransferKind::SuspectPaid => Some((row.debit, cash)),
            TransferKind::Opening
            | TransferKind::Withdrawal
            | TransferKind::WithdrawalApproved
            | TransferKind::Reversal
            | TransferKind::FeeReturn
            | TransferKind::SuspectNotPaid
            | TransferKind::Deposit
            | TransferKind::Transfer
            | TransferKind::Replenishment
            | TransferKind::Removal
            | TransferKind::Shortage
            | TransferKind::Surplus
            | TransferKind::ShortageHeld
            | TransferKind::ShortageResolved
            | TransferKind::OfflineWithdrawal
            | TransferKind::OfflineSuspect
            | TransferKind::DepositHeld
            | TransferKind::DepositReleased
            | TransferKind::DepositPaidOut
            | TransferKind::DepositRefuted
            | TransferKind::WithdrawalOwed
            | TransferKind::WithdrawalRefuted
            | TransferKind::ReturnPaidOut
            | TransferKind::ReturnRefuted => None,
        };
        if let Some((own, expected)) = customers_side {
            self.transfers.same(&subject, "the account of what it concerns", own, expected);
        }
        let (here, there) = (self.chart.machine_id(row.machine), self.chart.machine_id(machine));
        if !is_at_desk(kind) {
            self.transfers.same_or_none(&subject, "the machine of what it concerns", here, there);
        }
    }

    /// A card that asked reaches the account; a fee is of its withdrawal's card.
    fn card(&mut self, row: &TransferRecord) {
        let subject = Named("transfer", row.id);
        let kind = self.kinds.get(&row.kind).copied();
        if kind == Some(TransferKind::OverdraftFee)
            && let Some(original) = row.concerns.and_then(|id| self.ledger.find(id))
        {
            self.transfers.same_or_none(&subject, "card", row.card, original.card);
        }
        let Some(card) = row.card else {
            return;
        };
        let own = if row.debit > 0 { row.debit } else { row.credit };
        if !self.cards.contains_key(&(card, own)) {
            self.transfers.differs(format_args!("{subject}: card {card} does not reach account {own}"));
        }
    }

    /// Takes it into its accounts' sums and, for customers, into their chains.
    fn enter(&mut self, row: &TransferRecord) {
        let subject = Named("transfer", row.id);
        let amount = i128::from(row.amount);
        if let Some(account) = self.chart.accounts.get_mut(&row.debit) {
            account.debits += amount;
            let claims = (row.debit_entry, row.debit_previous, row.debit_balance);
            chain(account, claims, row.amount.saturating_neg(), row, (&mut self.entries, &subject));
        }
        if let Some(account) = self.chart.accounts.get_mut(&row.credit) {
            account.credits += amount;
            let claims = (row.credit_entry, row.credit_previous, row.credit_balance);
            chain(account, claims, row.amount, row, (&mut self.entries, &subject));
        }
    }

    fn follow_machine(&mut self, row: &TransferRecord) {
        let before = match row.machine {
            Some(machine) => {
                self.chains.examine();
                self.machine_chains.insert(machine, row.id)
            }
            None => None,
        };
        self.chains.same_or_none(
            &Named("transfer", row.id),
            "the machine's transfer before",
            row.machine_previous,
            before,
        );
    }

    fn keep(&mut self, row: &TransferRecord, kind: Option<TransferKind>, commit: Option<u32>) {
        let number = u32::try_from(self.ledger.transfers.len()).expect("transfers are counted in 32 bits");
        let concerns = row.concerns.and_then(|id| self.ledger.number(id));
        self.ledger.transfers.push(Moved {
            id: row.id,
            kind,
            debit: row.debit,
            credit: row.credit,
            amount: row.amount,
            debit_balance: row.debit_balance.unwrap_or_default(),
            credit_balance: row.credit_balance.unwrap_or_default(),
            machine: row.machine,
            card: row.card,
            concerns,
            commit,
            business_date: row.business_date,
        });
        if row.id == Id::MALFORMED || self.ledger.by_id.insert(row.id, number).is_some() {
            self.transfers.differs(format_args!("{}: no id of its own", Named("transfer", row.id)));
        }
    }

    fn finish(mut self, records: &Records, report: &mut Report) -> Result<Ledger, StoreError> {
        for account in self.chart.accounts.values().filter(|account| account.row.customer.is_some()) {
            let subject = Named("account", &account.row.code);
            let Chain { entries, head, .. } = account.chain;
            self.entries.same_or_none(&subject, "its number of entries", account.row.entries, Some(entries));
            self.entries.same_or_none(&subject, "its last entry", account.row.head, head);
        }
        let Self { chains, machine_chains, .. } = &mut self;
        records.machine_heads(|head| {
            let expected = machine_chains.remove(&head.machine);
            chains.same_or_none(
                &Named("machine number", head.machine),
                "its last transfer",
                Some(head.transfer),
                expected,
            );
        })?;
        for (machine, last) in machine_chains.drain() {
            chains.same_or_none(&Named("machine number", machine), "its last transfer", None, Some(last));
        }
        for judge in [self.transfers, self.entries, self.chains] {
            report.add(judge);
        }
        Ok(self.ledger)
    }
}

/// The machine whose cash an account is.
fn machine_of(place: LedgerAccount) -> Option<MachineId> {
    match place {
        LedgerAccount::AtmCash(id, _) | LedgerAccount::AtmInFlight(id, _) | LedgerAccount::Counter(id, _) => Some(id),
        LedgerAccount::Customer(_) | LedgerAccount::Bank(..) => None,
    }
}

/// Whether staff resolve a case with it at their desk: no cash of the machine moves.
fn is_at_desk(kind: TransferKind) -> bool {
    matches!(
        kind,
        TransferKind::ShortageResolved
            | TransferKind::DepositReleased
            | TransferKind::DepositPaidOut
            | TransferKind::DepositRefuted
            | TransferKind::WithdrawalOwed
            | TransferKind::WithdrawalRefuted
            | TransferKind::ReturnPaidOut
            | TransferKind::ReturnRefuted
    )
}

/// A side of a transfer against its account's chain of entries; an internal account has none.
fn chain(
    account: &mut Account,
    (entry, previous, balance): (Option<i64>, Option<Id>, Option<i64>),
    change: i64,
    row: &TransferRecord,
    (judge, subject): (&mut Judge, &Named<Id>),
) {
    account.moved = Some(row.at);
    if account.row.customer.is_none() {
        if entry.is_some() || previous.is_some() || balance.is_some() {
            judge.differs(format_args!("{subject}: an entry of {}, which has no history", account.row.code));
        }
        return;
    }
    judge.examine();
    let before = account.chain;
    let after =
        Chain { entries: before.entries + 1, head: Some(row.id), balance: before.balance.saturating_add(change) };
    let of = format_args!("{subject}, account {}", account.row.code);
    judge.same_or_none(&of, "its entry", entry, Some(after.entries));
    judge.same_or_none(&of, "the entry before", previous, before.head);
    judge.same_or_none(&of, "the balance after", balance, Some(after.balance));
    account.chain = after;
}
