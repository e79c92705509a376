//! `CashManagement`: what dispensers and acceptors have in common.

use super::storage::CashIn;
use super::value::{Counts, Entries, Number};
use super::word::{objects, words};

words! {
    /// Where notes come out.
    OutputPosition {
        Default "outDefault", Left "outLeft", Right "outRight", Center "outCenter", Top "outTop", Bottom "outBottom",
        Front "outFront", Rear "outRear",
    }
    /// Where notes go in.
    InputPosition {
        Default "inDefault", Left "inLeft", Right "inRight", Center "inCenter", Top "inTop", Bottom "inBottom",
        Front "inFront", Rear "inRear",
    }
    /// Any opening.
    Position {
        InDefault "inDefault", InLeft "inLeft", InRight "inRight", InCenter "inCenter", InTop "inTop",
        InBottom "inBottom", InFront "inFront", InRear "inRear", OutDefault "outDefault", OutLeft "outLeft",
        OutRight "outRight", OutCenter "outCenter", OutTop "outTop", OutBottom "outBottom", OutFront "outFront",
        OutRear "outRear",
    }
    /// Where notes are retracted to.
    RetractArea {
        Retract "retract", Transport "transport", Stacker "stacker", Reject "reject", ItemCassette "itemCassette",
        CashIn "cashIn",
    }
    /// Why notes were not retracted, or not all.
    RetractError {
        CashUnitError "cashUnitError", NoItems "noItems", ExchangeActive "exchangeActive",
        ShutterNotClosed "shutterNotClosed", ItemsTaken "itemsTaken",
        InvalidRetractPosition "invalidRetractPosition", NotRetractArea "notRetractArea",
        ForeignItemsDetected "foreignItemsDetected", PositionNotEmpty "positionNotEmpty",
        IncompleteRetract "incompleteRetract",
    }
    /// Where notes that are found go.
    ItemTarget {
        SingleUnit "singleUnit", Retract "retract", Transport "transport", Stacker "stacker", Reject "reject",
        ItemCassette "itemCassette", CashIn "cashIn", OutDefault "outDefault", OutLeft "outLeft",
        OutRight "outRight", OutCenter "outCenter", OutTop "outTop", OutBottom "outBottom", OutFront "outFront",
        OutRear "outRear",
    }
    /// Why a cash device could not be reset.
    ResetError {
        CashUnitError "cashUnitError", UnsupportedPosition "unsupportedPosition",
        InvalidCashUnit "invalidCashUnit", InvalidRetractPosition "invalidRetractPosition",
        NotRetractArea "notRetractArea", PositionNotEmpty "positionNotEmpty",
        ForeignItemsDetected "foreignItemsDetected", IncompleteRetract "incompleteRetract",
    }
    /// Why a shutter was not opened.
    OpenShutterError {
        UnsupportedPosition "unsupportedPosition", ShutterNotOpen "shutterNotOpen", ShutterOpen "shutterOpen",
        ExchangeActive "exchangeActive", ForeignItemsDetected "foreignItemsDetected",
    }
    /// Why a shutter was not closed.
    CloseShutterError {
        UnsupportedPosition "unsupportedPosition", ShutterClosed "shutterClosed", ExchangeActive "exchangeActive",
        ShutterNotClosed "shutterNotClosed", TooManyItems "tooManyItems",
        ForeignItemsDetected "foreignItemsDetected",
    }
    /// A shutter, in short.
    Shutter { Closed "closed", Open "open", Jammed "jammed", Unknown "unknown", }
    /// What was wrong with a note.
    NoteErrorReason {
        DoubleNote "doubleNote", LongNote "longNote", SkewedNote "skewedNote", IncorrectCount "incorrectCount",
        NotesTooClose "notesTooClose", OtherNoteError "otherNoteError", ShortNote "shortNote",
    }
    /// What a note was found to be.
    NoteLevel {
        Unrecognized "unrecognized", Counterfeit "counterfeit", Suspect "suspect", Fit "fit", Unfit "unfit",
        Inked "inked",
    }
    /// Why a retract ended early.
    IncompleteRetractReason {
        RetractFailure "retractFailure", RetractAreaFull "retractAreaFull",
        ForeignItemsDetected "foreignItemsDetected", InvalidBunch "invalidBunch",
    }
}

objects! {
    /// Where notes are; also `CashManagement.ItemsPresentedEvent` and `CashManagement.ItemsTakenEvent`.
    tolerant PositionInfo {
        position "position": Position,
        /// Bunches still to be presented; digits or `unknown`.
        additional_bunches "additionalBunches": String,
    }
    /// `CashManagement.Retract`.
    strict Retract { location "location": RetractLocation, }
    /// Where from, or where to: some devices refuse both at once.
    strict RetractLocation {
        output "outputPosition": OutputPosition,
        area "retractArea": RetractArea,
        /// From 1; only with `retract`.
        index "index": u32,
    }
    /// What was taken back, here or by a reset: changes, not totals.
    tolerant Retracted {
        error "errorCode": RetractError,
        storage "storage": Entries<CashIn>,
        transport "transport": Counts,
        stacker "stacker": Counts,
    }
    /// `CashManagement.Reset`.
    strict Reset {
        /// Absent: the device decides.
        position "position": ResetTarget,
    }
    /// Where a reset puts what it finds.
    strict ResetTarget {
        target "target": ItemTarget,
        /// With `singleUnit`.
        unit "unit": String,
        /// With `retract`, from 1.
        index "index": u32,
    }
    /// The device was reset.
    tolerant ResetDone {
        error "errorCode": ResetError,
        storage "storage": Entries<CashIn>,
        transport "transport": Counts,
        stacker "stacker": Counts,
    }
    /// `CashManagement.OpenShutter`.
    strict OpenShutter { position "position": Position, }
    /// The shutter is open.
    tolerant ShutterOpened { error "errorCode": OpenShutterError, }
    /// `CashManagement.CloseShutter`.
    strict CloseShutter { position "position": Position, }
    /// The shutter is closed.
    tolerant ShutterClosed { error "errorCode": CloseShutterError, }
    /// `CashManagement.GetBankNoteTypes`.
    strict GetBankNoteTypes {}
    /// Notes that the device knows, by cash item id.
    tolerant BankNoteTypes { items "items": Entries<BankNote>, }
    /// One of them.
    tolerant BankNote {
        item "cashItem": CashItem,
        enabled "enabled": bool,
    }
    /// What a note is worth.
    tolerant CashItem {
        note_id "noteID": u32,
        currency "currency": String,
        /// In major units.
        value "value": Number,
        release "release": u32,
    }
    /// `CashManagement.ItemsInsertedEvent`.
    tolerant ItemsInserted { position "position": Position, }
    /// `CashManagement.ShutterStatusChangedEvent`.
    tolerant ShutterChanged {
        position "position": Position,
        shutter "shutter": Shutter,
    }
    /// `CashManagement.MediaDetectedEvent`: where what a reset found went.
    tolerant MediaDetected {
        target "target": ItemTarget,
        unit "unit": String,
        index "index": u32,
    }
    /// `CashManagement.NoteErrorEvent`.
    tolerant NoteError { reason "reason": NoteErrorReason, }
    /// `CashManagement.InfoAvailableEvent`.
    tolerant InfoAvailable { summary "itemInfoSummary": Vec<ItemInfoSummary>, }
    /// How many notes of a kind.
    tolerant ItemInfoSummary {
        level "level": NoteLevel,
        items "numOfItems": u32,
    }
    /// `CashManagement.IncompleteRetractEvent`.
    tolerant IncompleteRetract {
        items "itemNumberList": Entries<CashIn>,
        reason "reason": IncompleteRetractReason,
    }
}
