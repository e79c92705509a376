//! The encoding of recorded answers: compact, versioned, for ever readable.
//!
//! First a byte with the version of the encoding, then tags, variable-length integers and fixed-length ids, each answer
//! by its own layout. Tags are never reused. A byte that means nothing is an error, never a guess. It is deliberately
//! independent of how the core orders its variants.

mod refusals;

use std::fmt;

use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, CardId, CaseId, CustomerId, MachineId, OperatorId, SessionId, TransferId};
use cashpoint_core::money::Amount;
use cashpoint_core::outcome::{Balance, Done, Outcome, Receipt, Refusal, Replenished, Settlement, TransferReceipt};
use cashpoint_core::session::{Role, Session, Subject};
use cashpoint_core::time::Timestamp;

/// Version of the encoding that is written.
const VERSION: u8 = 1;

/// Why bytes are no answer, or an answer cannot be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum CodecError {
    /// Written by another version of the encoding.
    Version(u8),
    /// A tag that means nothing here.
    UnknownTag {
        /// Where.
        what: &'static str,
        /// The tag.
        tag: u8,
    },
    /// The bytes end too early.
    Truncated,
    /// There are bytes left.
    Trailing(usize),
    /// Bytes that are not what they should be.
    Malformed(&'static str),
    /// A refusal that is never recorded.
    NotRecorded(&'static str),
}

impl fmt::Display for CodecError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(out, "an answer in encoding {version}, this program knows {VERSION}"),
            Self::UnknownTag { what, tag } => write!(out, "tag {tag} means no {what}"),
            Self::Truncated => out.write_str("an answer that ends too early"),
            Self::Trailing(bytes) => write!(out, "{bytes} bytes after an answer"),
            Self::Malformed(what) => write!(out, "bytes that are no {what}"),
            Self::NotRecorded(code) => write!(out, "the refusal {code} is never recorded"),
        }
    }
}

impl std::error::Error for CodecError {}

/// An answer as bytes.
///
/// # Errors
/// [`CodecError::NotRecorded`] for a refusal that is decided anew each time.
pub(crate) fn encode(outcome: &Outcome) -> Result<Vec<u8>, CodecError> {
    let mut out = Writer(Vec::with_capacity(96));
    out.byte(VERSION);
    match outcome {
        Ok(done) => out.done(done)?,
        Err(refusal) => out.refusal(refusal)?,
    }
    Ok(out.0)
}

/// An answer from bytes.
pub(crate) fn decode(bytes: &[u8]) -> Result<Outcome, CodecError> {
    let mut bytes = Reader(bytes);
    match bytes.byte()? {
        VERSION => {}
        other => return Err(CodecError::Version(other)),
    }
    let tag = bytes.byte()?;
    let outcome = if tag < FIRST_REFUSAL { Ok(bytes.done(tag)?) } else { Err(bytes.refusal(tag)?) };
    match bytes.0.len() {
        0 => Ok(outcome),
        left => Err(CodecError::Trailing(left)),
    }
}

/// Tags from here on are refusals.
const FIRST_REFUSAL: u8 = 128;

struct Writer(Vec<u8>);

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Seven bits a byte, lowest first (LEB128).
    fn unsigned(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.byte(number.to_le_bytes()[0]);
    }

    /// Sign in the lowest bit, so that small negative numbers are short.
    fn signed(&mut self, number: i64) {
        let sign = u64::from(number < 0);
        let magnitude = if number < 0 { !number } else { number };
        self.unsigned(magnitude.unsigned_abs() << 1 | sign);
    }

    fn length(&mut self, length: usize) {
        self.unsigned(u64::try_from(length).expect("lengths fit 64 bits"));
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn transfer(&mut self, id: TransferId) {
        self.0.extend_from_slice(&id.bits().to_be_bytes());
    }

    fn time(&mut self, time: Timestamp) {
        self.signed(time.micros());
    }

    fn amount(&mut self, amount: Amount) {
        self.0.extend_from_slice(amount.currency().code().as_bytes());
        self.signed(amount.minor());
    }

    fn account(&mut self, account: AccountNumber) {
        self.unsigned(account.number());
    }

    /// None is 0, something is 1 and itself.
    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.byte(0),
            Some(value) => {
                self.byte(1);
                write(self, value);
            }
        }
    }

    fn done(&mut self, done: &Done) -> Result<(), CodecError> {
        match done {
            Done::Withdrawn(receipt) => self.receipt(1, receipt),
            Done::Deposited(receipt) => self.receipt(2, receipt),
            Done::Transferred(receipt) => self.transferred(receipt),
            Done::Balance(balance) => {
                self.byte(4);
                self.account(balance.account);
                self.amount(balance.balance);
                self.time(balance.at);
            }
            Done::LoggedIn(session) => {
                self.byte(5);
                self.session(session);
            }
            Done::SignedUp { session, account } => {
                self.byte(6);
                self.session(session);
                self.account(*account);
            }
            Done::CustomerCreated { customer, accounts } => {
                self.byte(7);
                self.signed(customer.number());
                self.length(accounts.len());
                accounts.iter().for_each(|account| self.account(*account));
            }
            Done::AccountOpened(account) => {
                self.byte(8);
                self.account(*account);
            }
            Done::CardIssued(card) => self.numbered(9, card.number()),
            Done::MachineCreated(machine) => {
                self.byte(10);
                self.text(machine.as_str());
            }
            Done::OperatorAdded(operator) => self.numbered(11, operator.number()),
            Done::Replenished(replenished) => {
                self.byte(12);
                self.text(replenished.machine.as_str());
                self.amount(replenished.cash);
                self.amount(replenished.difference);
            }
            Done::ReplenishmentOrdered { machine, number } => self.ordered(*machine, *number),
            Done::PolicyChanged(version) => self.numbered(13, i64::from(*version)),
            Done::Settled(settlement) => {
                self.byte(14);
                self.transfer(settlement.withdrawal);
                self.amount(settlement.paid);
                self.amount(settlement.returned);
            }
            Done::CaseOpened(case) => self.numbered(15, case.number()),
            Done::Changed => self.byte(16),
            Done::CaseResolved(case) => self.numbered(17, case.number()),
            Done::Declined(refusal) => {
                self.byte(18);
                return self.declined(refusal);
            }
        }
        Ok(())
    }

    fn ordered(&mut self, machine: MachineId, number: u64) {
        self.byte(19);
        self.text(machine.as_str());
        self.unsigned(number);
    }

    fn numbered(&mut self, tag: u8, number: i64) {
        self.byte(tag);
        self.signed(number);
    }

    fn receipt(&mut self, tag: u8, receipt: &Receipt) {
        self.byte(tag);
        self.transfer(receipt.transaction);
        self.account(receipt.account);
        self.amount(receipt.amount);
        self.amount(receipt.fee);
        self.amount(receipt.balance);
        self.time(receipt.at);
        self.length(receipt.notes.len());
        for (denomination, count) in &receipt.notes {
            self.signed(*denomination);
            self.unsigned(u64::from(*count));
        }
    }

    fn transferred(&mut self, receipt: &TransferReceipt) {
        self.byte(3);
        self.transfer(receipt.transaction);
        self.account(receipt.source);
        self.account(receipt.target);
        self.amount(receipt.amount);
        self.amount(receipt.source_balance);
        self.option(receipt.target_balance, Self::amount);
        self.time(receipt.at);
    }

    fn session(&mut self, session: &Session) {
        self.signed(session.id.number());
        self.0.extend_from_slice(&session.token);
        match session.subject {
            Subject::Card { card, customer, place } => {
                self.numbered(1, card.number());
                self.signed(customer.number());
                self.text(place.as_str());
            }
            Subject::Online { customer } => self.numbered(2, customer.number()),
            Subject::Operator { operator, role } => {
                self.numbered(3, operator.number());
                self.text(role.name());
            }
        }
        self.time(session.began);
        self.unsigned(u64::from(session.idle_s));
        self.option(session.ends, Self::time);
    }

    /// Why a stored transfer was declined: final also where asking again would be decided anew.
    #[expect(clippy::wildcard_enum_match_arm, reason = "`refusal` names them all")]
    fn declined(&mut self, refusal: &Refusal) -> Result<(), CodecError> {
        match refusal {
            Refusal::AccountNotFound => self.byte(145),
            Refusal::InvalidAmount => self.byte(146),
            Refusal::CardBlocked { until } => {
                self.byte(147);
                self.option(*until, Self::time);
            }
            Refusal::WrongCredentials => self.byte(148),
            other => return self.refusal(other),
        }
        Ok(())
    }
}

struct Reader<'a>(&'a [u8]);

type Decoded<T> = Result<T, CodecError>;

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Decoded<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(CodecError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn bytes<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("it took exactly that many"))
    }

    fn byte(&mut self) -> Decoded<u8> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    fn unsigned(&mut self) -> Decoded<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(CodecError::Malformed("number"));
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(CodecError::Malformed("number"))
    }

    fn signed(&mut self) -> Decoded<i64> {
        let bits = self.unsigned()?;
        let magnitude = i64::try_from(bits >> 1).expect("63 bits are left");
        Ok(if bits & 1 == 0 { magnitude } else { !magnitude })
    }

    fn narrow<T: TryFrom<u64>>(&mut self) -> Decoded<T> {
        T::try_from(self.unsigned()?).map_err(|_| CodecError::Malformed("number of its width"))
    }

    fn text(&mut self) -> Decoded<&'a str> {
        let length = self.narrow()?;
        std::str::from_utf8(self.take(length)?).map_err(|_| CodecError::Malformed("text"))
    }

    fn transfer(&mut self) -> Decoded<TransferId> {
        self.bytes().map(u128::from_be_bytes).map(TransferId::new)
    }

    fn time(&mut self) -> Decoded<Timestamp> {
        self.signed().map(Timestamp::from_micros)
    }

    fn amount(&mut self) -> Decoded<Amount> {
        let code = self.bytes::<3>()?;
        let currency = std::str::from_utf8(&code).ok().and_then(Currency::from_code);
        let currency = currency.ok_or(CodecError::Malformed("currency"))?;
        Ok(Amount::new(self.signed()?, currency))
    }

    fn account(&mut self) -> Decoded<AccountNumber> {
        self.unsigned().map(AccountNumber::new)
    }

    fn machine(&mut self) -> Decoded<MachineId> {
        MachineId::parse(self.text()?).map_err(|_| CodecError::Malformed("machine id"))
    }

    fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Decoded<T>) -> Decoded<Option<T>> {
        match self.byte()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            tag => Err(CodecError::UnknownTag { what: "option", tag }),
        }
    }

    /// A list; its length comes from the bytes, so nothing is set aside for it beforehand.
    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Decoded<T>) -> Decoded<Vec<T>> {
        let length = self.unsigned()?;
        (0..length).map(|_| read(self)).collect()
    }

    fn done(&mut self, tag: u8) -> Decoded<Done> {
        Ok(match tag {
            1 => Done::Withdrawn(self.receipt()?),
            2 => Done::Deposited(self.receipt()?),
            3 => Done::Transferred(self.transferred()?),
            4 => Done::Balance(Balance { account: self.account()?, balance: self.amount()?, at: self.time()? }),
            5 => Done::LoggedIn(self.session()?),
            6 => Done::SignedUp { session: self.session()?, account: self.account()? },
            7 => Done::CustomerCreated {
                customer: self.signed().map(CustomerId::new)?,
                accounts: self.list(Self::account)?,
            },
            8 => Done::AccountOpened(self.account()?),
            9 => Done::CardIssued(self.signed().map(CardId::new)?),
            10 => Done::MachineCreated(self.machine()?),
            11 => Done::OperatorAdded(self.signed().map(OperatorId::new)?),
            12 => Done::Replenished(Replenished {
                machine: self.machine()?,
                cash: self.amount()?,
                difference: self.amount()?,
            }),
            13 => {
                let version = u32::try_from(self.signed()?);
                Done::PolicyChanged(version.map_err(|_| CodecError::Malformed("policy version"))?)
            }
            14 => Done::Settled(Settlement {
                withdrawal: self.transfer()?,
                paid: self.amount()?,
                returned: self.amount()?,
            }),
            15 => Done::CaseOpened(self.signed().map(CaseId::new)?),
            16 => Done::Changed,
            17 => Done::CaseResolved(self.signed().map(CaseId::new)?),
            18 => {
                let tag = self.byte()?;
                Done::Declined(Box::new(self.declined(tag)?))
            }
            19 => Done::ReplenishmentOrdered { machine: self.machine()?, number: self.unsigned()? },
            tag => return Err(CodecError::UnknownTag { what: "answer", tag }),
        })
    }

    fn receipt(&mut self) -> Decoded<Receipt> {
        Ok(Receipt {
            transaction: self.transfer()?,
            account: self.account()?,
            amount: self.amount()?,
            fee: self.amount()?,
            balance: self.amount()?,
            at: self.time()?,
            notes: self.list(|bytes| Ok((bytes.signed()?, bytes.narrow()?)))?,
        })
    }

    fn transferred(&mut self) -> Decoded<TransferReceipt> {
        Ok(TransferReceipt {
            transaction: self.transfer()?,
            source: self.account()?,
            target: self.account()?,
            amount: self.amount()?,
            source_balance: self.amount()?,
            target_balance: self.option(Self::amount)?,
            at: self.time()?,
        })
    }

    fn session(&mut self) -> Decoded<Session> {
        let id = self.signed().map(SessionId::new)?;
        let token = self.bytes()?;
        let subject = match self.byte()? {
            1 => Subject::Card {
                card: self.signed().map(CardId::new)?,
                customer: self.signed().map(CustomerId::new)?,
                place: self.machine()?,
            },
            2 => Subject::Online { customer: self.signed().map(CustomerId::new)? },
            3 => Subject::Operator {
                operator: self.signed().map(OperatorId::new)?,
                role: Role::parse(self.text()?).map_err(|_| CodecError::Malformed("role"))?,
            },
            tag => return Err(CodecError::UnknownTag { what: "subject", tag }),
        };
        Ok(Session { id, token, subject, began: self.time()?, idle_s: self.narrow()?, ends: self.option(Self::time)? })
    }
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
