//! What may be done while the host is away: the operator's partition policy, applied to what the journal says.
//!
//! A permission is a value that only this module makes. It holds what the journal said when it was asked for, so it is
//! asked for again whenever something was written since. Money is bounded three times: by the lease, which the dispenser
//! itself enforces; by the outage; by the card and 24 hours. None of the bounds is set back by a restart or by a clock:
//! ages are told by the terminal's own clock, and when that shows less than it did, nothing that has an age is believed.
//!
//! Not here: whether the host is away, which notes pay an amount, and the devices.

mod pin;

use cashpoint_mutant::{Mutant, chosen};

use crate::id::{AccountNumber, CardId};
use crate::money::Amount;
use crate::time::Timestamp;

use super::book::{Book, DepositStep, Open};
use super::device::{CardReference, DispenseToken, Nonce};
use super::link::{AccountLine, Lease, OperationId};
use super::record::{CardProfile, Intent, Leave};
use super::settings::{
    OfflineBalance, OfflineDeposit, OfflineLimits, OfflineTransfer, OfflineWithdrawal, PartitionPolicy, Settings,
};

pub use pin::{Checked, Counted, MOST_WRONG, PinRight, Try, begin_try};

/// How long a lease serves at most, by the terminal's own clock since it came, milliseconds: 24 hours.
pub const LEASE_MS: i64 = 86_400_000;

/// Why something is not done while the host is away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The operator does not have it.
    NotOffered,
    /// No settings ever came: nothing is known of what the operator wants.
    NoSettings,
    /// Something else is open.
    Busy,
    /// The card was not served here while the host was there, or without an offline verifier.
    UnknownCard,
    /// It was, too long ago.
    VerifierExpired,
    /// Too many wrong PINs.
    TooManyTries,
    /// The card is on the hot list.
    CardReported,
    /// No hot list is here, or it is too old.
    HotListStale,
    /// The clock was set back: no age can be told.
    ClockSetBack,
    /// No lease is here.
    NoLease,
    /// Its time is over.
    LeaseExpired,
    /// The dispenser no longer holds the nonce that the lease is for, or all present nonces are used.
    LeaseVoid,
    /// The lease allows no more than this.
    LeaseUsedUp {
        /// Zero or more.
        left: Amount,
    },
    /// The card may have no more than this.
    OverCardLimit {
        /// Zero or more.
        left: Amount,
    },
    /// The machine pays no more than this in this outage.
    OverOutageLimit {
        /// Zero or more.
        left: Amount,
    },
    /// More than one withdrawal may pay.
    OverWithdrawalLimit {
        /// What one may.
        limit: Amount,
    },
    /// Not a positive amount of the machine's currency.
    InvalidAmount,
    /// Not an account of this card.
    UnknownAccount,
    /// Source and target are one.
    SameAccount,
    /// The journal has no room for what would have to wait in it.
    JournalFull,
}

/// Whether the journal has room for what is to wait in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Room {
    /// It has.
    Enough,
    /// It has reached its limit: what is left is for finishing what was begun.
    Short,
}

/// When a permission is asked for, and by whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asked<'a> {
    /// Whose PIN was right.
    pub holder: &'a PinRight,
    /// The terminal's clock.
    pub now: Timestamp,
}

/// Balances as they were last known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StaleBalances<'a> {
    accounts: &'a [AccountLine],
    as_of: Timestamp,
}

impl<'a> StaleBalances<'a> {
    /// The accounts.
    #[must_use]
    pub const fn accounts(&self) -> &'a [AccountLine] {
        self.accounts
    }

    /// Of when: to be shown with every one of them.
    #[must_use]
    pub const fn as_of(&self) -> Timestamp {
        self.as_of
    }
}

/// Leave to take a deposit that is told when the host is back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DepositPermit {
    card: CardId,
    account: AccountNumber,
    limit: Amount,
}

impl DepositPermit {
    /// Whose card.
    #[must_use]
    pub const fn card(&self) -> CardId {
        self.card
    }

    /// To which account.
    #[must_use]
    pub const fn account(&self) -> AccountNumber {
        self.account
    }

    /// The most it may bring.
    #[must_use]
    pub const fn limit(&self) -> Amount {
        self.limit
    }
}

/// What a transfer is to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransferAsked {
    /// From.
    pub source: AccountNumber,
    /// To.
    pub target: AccountNumber,
    /// How much.
    pub amount: Amount,
}

/// Leave to note a transfer, to be carried out or refused when the host is back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransferPermit {
    card: CardId,
    transfer: TransferAsked,
}

impl TransferPermit {
    /// Whose card.
    #[must_use]
    pub const fn card(&self) -> CardId {
        self.card
    }

    /// What is to be noted.
    #[must_use]
    pub const fn transfer(&self) -> TransferAsked {
        self.transfer
    }
}

/// Leave to pay cash under the lease.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CashPermit {
    card: CardId,
    reference: CardReference,
    account: AccountNumber,
    amount: Amount,
    lease: Nonce,
    token: DispenseToken,
    present_nonce: Option<Nonce>,
}

impl CashPermit {
    /// The intent to write down first: `notes` by cassette position.
    #[must_use]
    pub fn intent(&self, id: OperationId, notes: Vec<u32>) -> Intent {
        Intent {
            id,
            card: self.card,
            reference: self.reference,
            account: self.account,
            amount: self.amount,
            notes,
            leave: Leave::Lease { nonce: self.lease },
        }
    }

    /// How much.
    #[must_use]
    pub const fn amount(&self) -> Amount {
        self.amount
    }

    /// The dispenser's nonce that the lease is for.
    #[must_use]
    pub const fn lease(&self) -> Nonce {
        self.lease
    }

    /// What the dispenser obeys.
    #[must_use]
    pub const fn token(&self) -> &DispenseToken {
        &self.token
    }

    /// For the device's signed present status; none: the host gave none with this lease.
    #[must_use]
    pub const fn present_nonce(&self) -> Option<Nonce> {
        self.present_nonce
    }
}

/// Cash that is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CashAsked {
    /// From which account.
    pub account: AccountNumber,
    /// How much.
    pub amount: Amount,
    /// With what it would be paid.
    pub means: Means,
}

/// What the machine has for paying cash offline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Means {
    /// The nonce that the dispenser holds, as far as is known.
    pub held: Option<Nonce>,
    /// Room for the record of it.
    pub room: Room,
}

/// Whether the policy has anything that a card holder could do offline.
#[must_use]
pub fn offers_anything(policy: &PartitionPolicy) -> bool {
    *policy != PartitionPolicy::STRICT
}

/// Balances as last known, if the policy shows them.
///
/// # Errors
/// [`Reason`].
pub fn balance<'a>(book: &'a Book, asked: &Asked<'_>) -> Result<StaleBalances<'a>, Reason> {
    match in_force(book)?.partition.balance {
        OfflineBalance::Hide => return Err(Reason::NotOffered),
        OfflineBalance::Stale => {}
    }
    let profile = served(book, asked)?;
    Ok(StaleBalances { accounts: &profile.accounts, as_of: profile.at })
}

/// Leave to take a deposit, if the policy stores them.
///
/// # Errors
/// [`Reason`].
pub fn deposit(book: &Book, asked: &Asked<'_>, account: AccountNumber, room: Room) -> Result<DepositPermit, Reason> {
    let settings = in_force(book)?;
    match settings.partition.deposit {
        OfflineDeposit::Refuse => return Err(Reason::NotOffered),
        OfflineDeposit::Store => {}
    }
    let profile = served(book, asked)?;
    has_account(profile, account)?;
    has_room(room)?;
    match book.open() {
        // The deposit that is asked for has begun by taking notes; the terminal does one at a time.
        Some(Open::Deposit(deposit)) if deposit.step == DepositStep::Taking => {}
        Some(Open::Deposit(_) | Open::Withdrawal(_)) | None => nothing_open(book)?,
    }
    Ok(DepositPermit { card: profile.card, account, limit: settings.deposit_limit })
}

/// Leave to note a transfer, if the policy stores them.
///
/// # Errors
/// [`Reason`].
pub fn transfer(book: &Book, asked: &Asked<'_>, transfer: TransferAsked, room: Room) -> Result<TransferPermit, Reason> {
    let settings = in_force(book)?;
    match settings.partition.transfer {
        OfflineTransfer::Refuse => return Err(Reason::NotOffered),
        OfflineTransfer::Store => {}
    }
    let profile = served(book, asked)?;
    let line = has_account(profile, transfer.source)?;
    if transfer.source == transfer.target {
        return Err(Reason::SameAccount);
    }
    if transfer.amount.minor() <= 0 || transfer.amount.currency() != line.balance.currency() {
        return Err(Reason::InvalidAmount);
    }
    has_room(room)?;
    Ok(TransferPermit { card: profile.card, transfer })
}

/// Leave to pay cash, within all bounds. The hot list is looked at again before the notes are presented, with
/// [`Book::is_hot`].
///
/// # Errors
/// [`Reason`]; of several bounds that an amount exceeds, the one that leaves least.
pub fn withdrawal(book: &Book, asked: &Asked<'_>, cash: &CashAsked) -> Result<CashPermit, Reason> {
    let terms = terms(book, asked, cash.means)?;
    let line = has_account(terms.profile, cash.account)?;
    let currency = terms.settings.currency;
    if cash.amount.minor() <= 0 || [cash.amount.currency(), line.balance.currency()] != [currency; 2] {
        return Err(Reason::InvalidAmount);
    }
    let (most, reason) = terms.narrowest(book, asked);
    if cash.amount.minor() > most {
        return Err(reason);
    }
    Ok(CashPermit {
        card: terms.profile.card,
        reference: terms.profile.reference,
        account: cash.account,
        amount: cash.amount,
        lease: terms.lease.nonce,
        token: terms.lease.token.clone(),
        present_nonce: terms.present_nonce,
    })
}

/// The most that could be paid to this card now: what is offered lies below. Never zero.
///
/// # Errors
/// [`Reason`]; if a bound leaves nothing, that one.
pub fn payable(book: &Book, asked: &Asked<'_>, means: Means) -> Result<Amount, Reason> {
    let terms = terms(book, asked, means)?;
    match terms.narrowest(book, asked) {
        (..=0, reason) => Err(reason),
        (most, _) => Ok(Amount::new(most, terms.settings.currency)),
    }
}

/// What cash under a lease is bounded by, once everything else allows it.
struct Terms<'a> {
    settings: &'a Settings,
    limits: OfflineLimits,
    profile: &'a CardProfile,
    lease: &'a Lease,
    present_nonce: Option<Nonce>,
}

impl Terms<'_> {
    /// The bound that leaves least, in minor units, and how it is named when it is exceeded.
    fn narrowest(&self, book: &Book, asked: &Asked<'_>) -> (i64, Reason) {
        let currency = self.settings.currency;
        // A bound in another currency than the notes' bounds nothing that could be paid here: nothing is.
        let minor = |bound: Amount| if bound.currency() == currency { bound.minor() } else { 0 };
        let left = |bound: Amount, used: i64| minor(bound).saturating_sub(used).max(0);
        let card = left(self.limits.per_card, book.paid_to_card(&self.profile.reference, asked.now));
        let outage = left(self.limits.per_outage, book.paid_in_outage());
        let lease = left(self.lease.amount, book.lease_used());
        let one = left(self.settings.withdrawal_limit, 0);
        let amount = |minor| Amount::new(minor, currency);
        let bounds = [
            (card, Reason::OverCardLimit { left: amount(card) }),
            (one, Reason::OverWithdrawalLimit { limit: amount(one) }),
            (outage, Reason::OverOutageLimit { left: amount(outage) }),
            (lease, Reason::LeaseUsedUp { left: amount(lease) }),
        ];
        bounds.into_iter().min_by_key(|(left, _)| *left).expect("there are four bounds")
    }
}

/// Everything that must hold before an amount is looked at.
fn terms<'a>(book: &'a Book, asked: &Asked<'_>, means: Means) -> Result<Terms<'a>, Reason> {
    let settings = in_force(book)?;
    let limits = match settings.partition.withdrawal {
        OfflineWithdrawal::Refuse => return Err(Reason::NotOffered),
        OfflineWithdrawal::Limited(limits) => limits,
    };
    let profile = served(book, asked)?;
    let (_, since) = book.hot_list().ok_or(Reason::HotListStale)?;
    let too_old = asked.now.since_ms(since) > i64::from(limits.hot_list_age_s) * 1_000;
    if too_old && !chosen(Mutant::StaleHotList) {
        return Err(Reason::HotListStale);
    }
    let lease = standing_lease(book, asked.now, means.held)?;
    let unused = lease.present_nonces.iter().find(|nonce| !book.is_present_nonce_used(nonce)).copied();
    if unused.is_none() && !lease.present_nonces.is_empty() {
        return Err(Reason::LeaseVoid);
    }
    has_room(means.room)?;
    nothing_open(book)?;
    Ok(Terms { settings, limits, profile, lease, present_nonce: unused })
}

/// The lease, if its time is not over and the dispenser still holds its nonce.
fn standing_lease(book: &Book, now: Timestamp, held: Option<Nonce>) -> Result<&Lease, Reason> {
    let (lease, since) = book.lease().zip(book.lease_since()).ok_or(Reason::NoLease)?;
    if now < since {
        return Err(Reason::ClockSetBack);
    }
    // The host's time and the terminal's may differ: whichever says first that it is over is believed.
    if now >= lease.until || now.since_ms(since) >= LEASE_MS {
        return Err(Reason::LeaseExpired);
    }
    if held != Some(lease.nonce) {
        return Err(Reason::LeaseVoid);
    }
    Ok(lease)
}

/// What is known of the card, if it may be served at all while the host is away.
fn served<'a>(book: &'a Book, asked: &Asked<'_>) -> Result<&'a CardProfile, Reason> {
    let (profile, _) = pin::verifiable(book, asked.holder.reference(), asked.now)?;
    Ok(profile)
}

fn in_force(book: &Book) -> Result<&Settings, Reason> {
    book.settings().ok_or(Reason::NoSettings)
}

fn has_account(profile: &CardProfile, account: AccountNumber) -> Result<&AccountLine, Reason> {
    profile.accounts.iter().find(|line| line.account == account).ok_or(Reason::UnknownAccount)
}

const fn has_room(room: Room) -> Result<(), Reason> {
    match room {
        Room::Enough => Ok(()),
        Room::Short => Err(Reason::JournalFull),
    }
}

const fn nothing_open(book: &Book) -> Result<(), Reason> {
    match book.open() {
        Some(_) => Err(Reason::Busy),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
