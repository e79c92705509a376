//! `Printer`.

use super::word::{objects, words};

words! {
    /// Whether something is read back.
    InputData { No "no", Yes "yes", }
    /// Why nothing was printed.
    PrintError {
        ShutterFail "shutterFail", MediaJammed "mediaJammed", PaperJammed "paperJammed", PaperOut "paperOut",
        TonerOut "tonerOut", MediaRetained "mediaRetained", BlackMark "blackMark", MediaRetracted "mediaRetracted",
    }
    /// Where the medium goes.
    MediaMove {
        Eject "eject", Retract "retract", Park "park", Expel "expel", EjectToTransport "ejectToTransport",
        Stack "stack",
    }
    /// Which way a page is turned.
    TurnPage { Forward "forward", Backward "backward", }
    /// Why the medium was not moved.
    ControlError {
        NoMediaPresent "noMediaPresent", FlushFail "flushFail", RetractBinFull "retractBinFull",
        StackerFull "stackerFull", PageTurnFail "pageTurnFail", MediaTurnFail "mediaTurnFail",
        ShutterFail "shutterFail", MediaJammed "mediaJammed", PaperJammed "paperJammed", PaperOut "paperOut",
        InkOut "inkOut", TonerOut "tonerOut", SequenceInvalid "sequenceInvalid", MediaRetained "mediaRetained",
        BlackMark "blackMark", MediaRetracted "mediaRetracted",
    }
    /// Why a printer could not be reset.
    ResetError {
        ShutterFail "shutterFail", RetractBinFull "retractBinFull", MediaJammed "mediaJammed",
        PaperJammed "paperJammed",
    }
    /// How much is left.
    Threshold { Full "full", Low "low", Out "out", }
}

objects! {
    /// `Printer.PrintRaw`.
    strict PrintRaw {
        input "inputData": InputData,
        /// Base64 of what the printer understands.
        data "data": String,
    }
    /// It is printed.
    tolerant RawPrinted {
        error "errorCode": PrintError,
        data "data": String,
    }
    /// `Printer.ControlMedia`.
    strict ControlMedia { control "mediaControl": MediaControl, }
    /// What to do with the medium; in no promised order.
    strict MediaControl {
        to "move": MediaMove,
        perforate "perforate": bool,
        cut "cut": bool,
        skip "skip": bool,
        flush "flush": bool,
        partial_cut "partialCut": bool,
        alarm "alarm": bool,
        turn_page "turnPage": TurnPage,
        turn_media "turnMedia": bool,
        stamp "stamp": bool,
        rotate "rotate180": bool,
    }
    /// It is done.
    tolerant MediaControlled { error "errorCode": ControlError, }
    /// `Printer.Reset`.
    strict Reset {
        /// `eject`, `expel` or the id of a unit.
        control "mediaControl": String,
    }
    /// The printer was reset.
    tolerant ResetDone { error "errorCode": ResetError, }
    /// `Printer.MediaPresentedEvent`, `Printer.MediaPresentedUnsolicitedEvent`.
    tolerant MediaPresented {
        /// From 1.
        wad "wadIndex": u32,
        wads "totalWads": u32,
    }
    /// `Printer.PaperThresholdEvent`.
    tolerant PaperThreshold {
        source "paperSource": String,
        threshold "threshold": Threshold,
    }
    /// `Printer.TonerThresholdEvent`.
    tolerant TonerThreshold { state "state": Threshold, }
}
