//! Refusals that are kept, both ways.

use cashpoint_core::money::Amount;
use cashpoint_core::outcome::Refusal;

use super::{CodecError, Decoded, Reader, Writer};

impl Writer {
    pub(super) fn refusal(&mut self, refusal: &Refusal) -> Result<(), CodecError> {
        match refusal {
            Refusal::InsufficientFunds { available } => self.amount_refused(128, *available),
            Refusal::OverTransactionLimit { limit } => self.amount_refused(129, *limit),
            Refusal::DailyLimitExceeded { remaining } => self.amount_refused(130, *remaining),
            Refusal::OverDepositLimit { limit } => self.amount_refused(131, *limit),
            Refusal::AtmOutOfCash => self.byte(132),
            Refusal::AmountNotDispensable { nearest } => {
                self.byte(133);
                self.length(nearest.len());
                nearest.iter().for_each(|amount| self.amount(*amount));
            }
            Refusal::AtmInactive => self.byte(134),
            Refusal::AtmMismatch => self.byte(135),
            Refusal::TerminalOnly => self.byte(136),
            Refusal::CardExpired => self.byte(137),
            Refusal::CardStolen => self.byte(138),
            Refusal::CardLost => self.byte(139),
            Refusal::AccountClosed => self.byte(140),
            Refusal::AccountNotEmpty => self.byte(141),
            Refusal::SameAccount => self.byte(142),
            Refusal::CurrencyMismatch => self.byte(143),
            Refusal::Reversed => self.byte(144),
            Refusal::SessionExpired
            | Refusal::WrongCredentials
            | Refusal::Forbidden
            | Refusal::ChannelRequired
            | Refusal::AccountNotFound
            | Refusal::TransactionNotFound
            | Refusal::AtmNotFound
            | Refusal::NotFound
            | Refusal::InvalidAmount
            | Refusal::InvalidRequest { .. }
            | Refusal::EmailTaken
            | Refusal::AtmIdTaken
            | Refusal::CardNumberTaken
            | Refusal::IdempotencyKeyReused
            | Refusal::CardBlocked { .. }
            | Refusal::TooManyRequests { .. }
            | Refusal::ReplenishmentOpen
            | Refusal::Moved
            | Refusal::NumberTaken => return Err(CodecError::NotRecorded(refusal.code())),
        }
        Ok(())
    }

    fn amount_refused(&mut self, tag: u8, amount: Amount) {
        self.byte(tag);
        self.amount(amount);
    }
}

impl Reader<'_> {
    pub(super) fn declined(&mut self, tag: u8) -> Decoded<Refusal> {
        Ok(match tag {
            145 => Refusal::AccountNotFound,
            146 => Refusal::InvalidAmount,
            147 => Refusal::CardBlocked { until: self.option(Self::time)? },
            148 => Refusal::WrongCredentials,
            tag => return self.refusal(tag),
        })
    }

    pub(super) fn refusal(&mut self, tag: u8) -> Decoded<Refusal> {
        Ok(match tag {
            128 => Refusal::InsufficientFunds { available: self.amount()? },
            129 => Refusal::OverTransactionLimit { limit: self.amount()? },
            130 => Refusal::DailyLimitExceeded { remaining: self.amount()? },
            131 => Refusal::OverDepositLimit { limit: self.amount()? },
            132 => Refusal::AtmOutOfCash,
            133 => Refusal::AmountNotDispensable { nearest: self.list(Self::amount)? },
            134 => Refusal::AtmInactive,
            135 => Refusal::AtmMismatch,
            136 => Refusal::TerminalOnly,
            137 => Refusal::CardExpired,
            138 => Refusal::CardStolen,
            139 => Refusal::CardLost,
            140 => Refusal::AccountClosed,
            141 => Refusal::AccountNotEmpty,
            142 => Refusal::SameAccount,
            143 => Refusal::CurrencyMismatch,
            144 => Refusal::Reversed,
            tag => return Err(CodecError::UnknownTag { what: "refusal", tag }),
        })
    }
}
