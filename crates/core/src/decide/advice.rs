//! What the advices of terminals have in common: whom they may concern, and the cases that they become.
//!
//! A terminal's word alone charges or credits nobody whose card it has not served: a log-in there, with the right PIN,
//! comes first. So a stolen terminal key reaches few people, and those only up to the ceilings.

use crate::card::CardState;
use crate::case::{Case, Matter};
use crate::change::Row;
use crate::command::InCase;
use crate::currency::Currency;
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::{AccountNumber, CardId, CustomerId, MachineId, RequestId};
use crate::ledger::{BankAccount, LedgerAccount, TransferKind};
use crate::machine::{MachineIdentity, MachineKind};
use crate::money::Amount;
use crate::outcome::{Done, Refusal};
use crate::time::BusinessDate;

use super::{Draft, Posting, Stop, settle};

/// What an advice says that it concerns.
#[derive(Clone, Copy)]
pub(super) struct Told {
    pub(super) terminal: MachineId,
    pub(super) card: CardId,
    pub(super) account: AccountNumber,
    pub(super) amount: Amount,
}

impl Told {
    /// The identities behind it.
    pub(super) fn lookups(&self, lookups: &mut Lookups) {
        lookups.machines.insert(self.terminal);
        lookups.cards.insert(self.card);
        lookups.accounts.insert(self.account);
    }

    /// The rows behind it.
    pub(super) fn keys(&self, facts: &Facts, date: BusinessDate, keys: &mut Keys) {
        keys.visits.insert((self.terminal, self.card));
        keys.terminals.insert(self.terminal);
        keys.holdings.insert(self.terminal);
        let machine = facts.machine_identities.find(&self.terminal);
        if let Some(currency) = machine.and_then(|machine| machine.currency) {
            keys.cash.extend(settle::cash_accounts(self.terminal, currency));
        }
        if let Some(account) = facts.account_identities.find(&self.account) {
            keys.accounts.insert(account.number);
            keys.customers.insert(account.customer);
            keys.daily.insert((account.customer, date, account.currency));
        }
        if let Some(card) = facts.card_identities.find(&self.card) {
            keys.cards.insert(card.id);
            keys.customers.insert(card.customer);
        }
    }

    /// The terminal, if the amount is one that its notes can make.
    pub(super) fn machine(&self, draft: &mut Draft<'_>) -> Result<(MachineIdentity, Currency), Refusal> {
        if self.amount.minor() == 0 {
            return Err(Refusal::InvalidAmount);
        }
        self.machine_or_nothing(draft)
    }

    /// The same where the amount may be unknown, which is zero.
    pub(super) fn machine_or_nothing(&self, draft: &mut Draft<'_>) -> Result<(MachineIdentity, Currency), Refusal> {
        let machine = terminal(draft, self.terminal)?;
        let currency = machine.currency.filter(|currency| *currency == self.amount.currency());
        if !(0..=Amount::LARGEST_REQUEST_MINOR).contains(&self.amount.minor()) {
            return Err(Refusal::InvalidAmount);
        }
        Ok((machine, currency.ok_or(Refusal::CurrencyMismatch)?))
    }

    /// Whose account it is, if the card has been served here, reaches it, and it is open.
    pub(super) fn claimant(&self, draft: &Draft<'_>) -> Option<CustomerId> {
        let customer = self.holder(draft)?;
        let card = draft.facts.card_identities.find(&self.card)?;
        let account = card.accounts.iter().find(|account| account.number == self.account)?;
        let open = draft.account(self.account).closed.is_none();
        (open && account.currency == self.amount.currency()).then_some(customer)
    }

    /// Whose card it is, if it has been served here.
    pub(super) fn holder(&self, draft: &Draft<'_>) -> Option<CustomerId> {
        draft.facts.visits.find(&(self.terminal, self.card))?;
        draft.facts.card_identities.find(&self.card).map(|card| card.customer)
    }

    /// Opens the case.
    pub(super) fn open(&self, draft: &mut Draft<'_>, matter: Matter, case: &InCase) -> Done {
        let Self { terminal, card, account, amount } = *self;
        open_case(
            draft,
            Actor::Machine(terminal),
            Case {
                id: case.id,
                matter,
                machine: terminal,
                amount,
                account,
                card: Some(card),
                opened: Some(draft.moment.now),
                evidence: case.evidence.clone(),
                short: 0,
                resolved: None,
            },
        )
    }

    /// Moves money between a customer's account and the machine's, or between suspense and the machine's.
    pub(super) fn posting(&self, kind: TransferKind, debit: LedgerAccount, credit: LedgerAccount) -> Posting {
        let with_customer = debit.customer().is_some() || credit.customer().is_some();
        Posting {
            kind,
            debit,
            credit,
            amount: self.amount,
            machine: Some(self.terminal),
            card: with_customer.then_some(self.card),
            concerns: None,
        }
    }
}

/// The machine, if it is a terminal.
pub(super) fn terminal(draft: &Draft<'_>, id: MachineId) -> Result<MachineIdentity, Refusal> {
    let machine = draft.facts.machine_identities.find(&id).ok_or(Refusal::AtmNotFound)?;
    match machine.kind {
        MachineKind::Terminal => Ok(*machine),
        MachineKind::Api | MachineKind::Counter => Err(Refusal::AtmNotFound),
    }
}

/// Suspense in `currency`.
pub(super) const fn suspense(currency: Currency) -> LedgerAccount {
    LedgerAccount::Bank(BankAccount::Suspense, currency)
}

/// Opens a case and tells the audit trail who did: the machine, or staff.
pub(super) fn open_case(draft: &mut Draft<'_>, by: Actor, case: Case) -> Done {
    let id = case.id;
    let detail = format!("{} of {} {}", case.matter.name(), case.amount, case.amount.currency());
    draft.set(Row::Case(case));
    draft.audit(by, AuditKind::CaseOpened, id, detail);
    Done::CaseOpened(id)
}

/// The answer to an advice that was told before. The same name for something else is a lie or a defect: staff must hear.
pub(super) fn replay(draft: &mut Draft<'_>, terminal: MachineId, request: RequestId) -> Result<(), Stop> {
    draft.replay(request).map_err(|stop| match stop {
        Stop::Refused(refusal) => refused(draft, terminal, refusal),
        Stop::Repeat(outcome) => Stop::Repeat(outcome),
    })
}

/// Cash went out by a card that was reported, before the machine knew or when it could do nothing any more: staff must
/// hear.
pub(super) fn flag_reported(draft: &mut Draft<'_>, terminal: MachineId, card: Option<CardId>, paid: Amount) {
    let Some(card) = card.and_then(|card| draft.facts.cards.find(&card)).copied() else { return };
    match card.state {
        CardState::Lost | CardState::Stolen => {
            let detail = format!("{paid} {} by card {}", paid.currency(), card.id);
            draft.audit(Actor::Machine(terminal), AuditKind::PaidToReported, card.id, detail);
        }
        CardState::Active | CardState::Removed => {}
    }
}

/// A terminal told something that cannot be taken: staff must hear of it, because it keeps telling or gives up.
pub(super) fn refused(draft: &mut Draft<'_>, terminal: MachineId, refusal: Refusal) -> Stop {
    draft.audit(Actor::Machine(terminal), AuditKind::AdviceRefused, terminal, refusal.code());
    refusal.into()
}
