//! `CashAcceptor`.

use super::cash::{InputPosition, OutputPosition};
use super::dispenser::PresentState;
use super::storage::CashIn as UnitCashIn;
use super::value::{Counts, Entries, Number};
use super::word::{objects, words};

words! {
    /// Why no deposit began.
    CashInStartError {
        InvalidTellerId "invalidTellerId", UnsupportedPosition "unsupportedPosition",
        ExchangeActive "exchangeActive", CashInActive "cashInActive", SafeDoorOpen "safeDoorOpen",
    }
    /// Why no notes were taken in.
    CashInError {
        CashUnitError "cashUnitError", TooManyItems "tooManyItems", NoItems "noItems",
        ExchangeActive "exchangeActive", ShutterNotClosed "shutterNotClosed", NoCashInActive "noCashInActive",
        PositionNotEmpty "positionNotEmpty", SafeDoorOpen "safeDoorOpen",
        ForeignItemsDetected "foreignItemsDetected", ShutterNotOpen "shutterNotOpen",
    }
    /// Why a deposit was not stored.
    CashInEndError {
        CashUnitError "cashUnitError", NoItems "noItems", ExchangeActive "exchangeActive",
        NoCashInActive "noCashInActive", PositionNotEmpty "positionNotEmpty", SafeDoorOpen "safeDoorOpen",
    }
    /// Why a deposit was not given back.
    RollbackError {
        CashUnitError "cashUnitError", ShutterNotOpen "shutterNotOpen", ExchangeActive "exchangeActive",
        NoCashInActive "noCashInActive", PositionNotEmpty "positionNotEmpty", NoItems "noItems",
    }
    /// How the last deposit ended.
    CashInState {
        Ok "ok", Rollback "rollback", Active "active", Retract "retract", Unknown "unknown", Reset "reset",
    }
    /// What more is to be presented.
    MoreBunches { None "none", OneMore "oneMore", Unknown "unknown", }
    /// Why notes were refused.
    RefuseReason {
        CashInUnitFull "cashInUnitFull", InvalidBill "invalidBill", NoBillsToDeposit "noBillsToDeposit",
        DepositFailure "depositFailure", CommonInputComponentFailure "commonInputComponentFailure",
        StackerFull "stackerFull", ForeignItemsDetected "foreignItemsDetected", InvalidBunch "invalidBunch",
        Counterfeit "counterfeit", LimitOverTotalItems "limitOverTotalItems", LimitOverAmount "limitOverAmount",
    }
}

objects! {
    /// `CashAcceptor.CashInStart`.
    strict CashInStart {
        teller "tellerID": u32,
        use_recycle_units "useRecycleUnits": bool,
        output "outputPosition": OutputPosition,
        input "inputPosition": InputPosition,
        /// 0: none.
        items_limit "totalItemsLimit": u32,
        amount_limit "amountLimit": Vec<AmountLimit>,
    }
    /// The most of one currency.
    strict AmountLimit {
        currency "currency": String,
        value "value": Number,
    }
    /// A deposit has begun.
    tolerant CashInStarted { error "errorCode": CashInStartError, }
    /// `CashAcceptor.CashIn`.
    strict CashIn {}
    /// Notes that this command identified.
    tolerant CashInTaken {
        error "errorCode": CashInError,
        items "items": Counts,
    }
    /// `CashAcceptor.CashInEnd`.
    strict CashInEnd {}
    /// The escrow is in the units: changes, not totals.
    tolerant CashInEnded {
        error "errorCode": CashInEndError,
        storage "storage": Entries<UnitCashIn>,
    }
    /// `CashAcceptor.CashInRollback`.
    strict CashInRollback {}
    /// The escrow is given back.
    tolerant CashInRolledBack {
        error "errorCode": RollbackError,
        /// What was kept all the same.
        storage "storage": Entries<UnitCashIn>,
    }
    /// `CashAcceptor.GetCashInStatus`.
    strict GetCashInStatus {}
    /// How the last deposit stands.
    tolerant CashInStatus {
        status "status": CashInState,
        refused "numOfRefused": u32,
        accepted "noteNumberList": Counts,
    }
    /// `CashAcceptor.GetPresentStatus`.
    strict GetAcceptorPresentStatus {}
    /// What became of notes that were given back.
    tolerant AcceptorPresentStatus {
        position "position": OutputPosition,
        state "presentState": PresentState,
        additional_bunches "additionalBunches": MoreBunches,
        bunches_remaining "bunchesRemaining": u32,
        returned "returnedItems": Counts,
        total_returned "totalReturnedItems": Counts,
        remaining "remainingItems": Counts,
    }
    /// `CashAcceptor.InputRefuseEvent`.
    tolerant InputRefused { reason "reason": RefuseReason, }
}
