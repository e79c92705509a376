//! Refusals that are kept, read back.

use cashpoint_core::outcome::Refusal;

use super::{CodecError, Decoded, Reader};

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
