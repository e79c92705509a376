//! `CashDispenser`.

use super::cash::{OutputPosition, PositionInfo};
use super::storage::CashInOut;
use super::value::{Entries, Number};
use super::word::{objects, words};

words! {
    /// What a mix is made by.
    MixType { Individual "individual", Algorithm "algorithm", Table "table", }
    /// Why a mix cannot be made.
    DenominateError {
        InvalidCurrency "invalidCurrency", InvalidTellerId "invalidTellerID", CashUnitError "cashUnitError",
        InvalidDenomination "invalidDenomination", InvalidMixNumber "invalidMixNumber",
        NoCurrencyMix "noCurrencyMix", NotDispensable "notDispensable", TooManyItems "tooManyItems",
        ExchangeActive "exchangeActive", NoCashBoxPresent "noCashBoxPresent",
        AmountNotInMixTable "amountNotInMixTable",
    }
    /// Why notes were not dispensed, or not all.
    DispenseError {
        InvalidCurrency "invalidCurrency", InvalidTellerId "invalidTellerID", CashUnitError "cashUnitError",
        InvalidDenomination "invalidDenomination", InvalidMixNumber "invalidMixNumber",
        NoCurrencyMix "noCurrencyMix", NotDispensable "notDispensable", TooManyItems "tooManyItems",
        UnsupportedPosition "unsupportedPosition", SafeDoorOpen "safeDoorOpen", ExchangeActive "exchangeActive",
        NoCashBoxPresent "noCashBoxPresent", AmountNotInMixTable "amountNotInMixTable", ItemsLeft "itemsLeft",
        ShutterOpen "shutterOpen",
    }
    /// Why notes were not presented, or not all.
    PresentError {
        ShutterNotOpen "shutterNotOpen", ShutterOpen "shutterOpen", NoItems "noItems",
        ExchangeActive "exchangeActive", PresentErrorNoItems "presentErrorNoItems",
        PresentErrorItems "presentErrorItems", PresentErrorUnknown "presentErrorUnknown",
        UnsupportedPosition "unsupportedPosition",
    }
    /// Why notes were not rejected.
    RejectError { CashUnitError "cashUnitError", NoItems "noItems", ExchangeActive "exchangeActive", }
    /// Why there is no present status.
    PresentStatusError { UnsupportedPosition "unsupportedPosition", }
    /// Whether the customer could reach the notes.
    PresentState { Presented "presented", NotPresented "notPresented", Unknown "unknown", }
}

objects! {
    /// `CashDispenser.GetMixTypes`.
    strict GetMixTypes {}
    /// Mixes by id.
    tolerant MixTypes { mixes "mixes": Entries<MixKind>, }
    /// One mix.
    tolerant MixKind {
        kind "type": MixType,
        /// `minimumBills`, `equalEmptying`, `maxCashUnits` or a vendor's own.
        algorithm "algorithm": String,
        name "name": String,
    }
    /// What to dispense: exactly one of the two.
    strict DenominateRequest {
        denomination "denomination": RequestedDenomination,
        teller "tellerID": u32,
    }
    /// Notes that the client chose, or an amount that the service mixes.
    strict RequestedDenomination {
        app "app": ApplicationMix,
        service "service": ServiceMix,
    }
    /// Notes that the client chose.
    strict ApplicationMix {
        /// What the notes add up to, by currency.
        currencies "currencies": Entries<Number>,
        /// Notes by unit.
        counts "counts": Entries<u32>,
        cash_box "cashBox": CashBox,
    }
    /// An amount that the service mixes.
    strict ServiceMix {
        currencies "currencies": Entries<Number>,
        /// At least these, by unit.
        partial "partial": Entries<u32>,
        /// Id of a mix.
        mix "mix": String,
        cash_box "cashBox": CashBox,
    }
    /// What a teller adds by hand.
    tolerant CashBox { currencies "currencies": Entries<Number>, }
    /// `CashDispenser.Denominate`.
    strict Denominate { request "request": DenominateRequest, }
    /// The mix; nothing moved.
    tolerant Denominated {
        error "errorCode": DenominateError,
        result "result": Denomination,
    }
    /// Notes by unit and what they add up to; also `CashDispenser.IncompleteDispenseEvent`.
    tolerant Denomination {
        currencies "currencies": Entries<Number>,
        values "values": Entries<u32>,
        cash_box "cashBox": CashBox,
    }
    /// `CashDispenser.Dispense`.
    strict Dispense {
        denomination "denomination": DenominateRequest,
        position "position": OutputPosition,
        /// The host's leave.
        token "token": String,
    }
    /// What was dispensed.
    tolerant Dispensed {
        error "errorCode": DispenseError,
        denomination "denomination": Denomination,
        /// How often to present; digits or `unknown`.
        bunches "bunches": String,
        /// What this command changed.
        storage "storage": CashInOut,
    }
    /// `CashDispenser.Present`.
    strict Present { position "position": OutputPosition, }
    /// The notes are within reach.
    tolerant Presented {
        error "errorCode": PresentError,
        position "position": PositionInfo,
    }
    /// `CashDispenser.Reject`.
    strict Reject {}
    /// The notes are in the reject unit.
    tolerant Rejected { error "errorCode": RejectError, }
    /// `CashDispenser.GetPresentStatus`.
    strict GetPresentStatus {
        position "position": OutputPosition,
        /// Asks for a signed answer.
        nonce "nonce": String,
    }
    /// What became of the last dispense.
    tolerant PresentStatus {
        error "errorCode": PresentStatusError,
        denomination "denomination": Denomination,
        state "presentState": PresentState,
        /// The device's signed word.
        token "token": String,
    }
    /// `CashDispenser.DelayedDispenseEvent`.
    tolerant DelayedDispense {
        /// Seconds.
        delay "delay": Number,
    }
}
