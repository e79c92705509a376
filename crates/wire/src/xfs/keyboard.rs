//! `Keyboard`.

use super::value::{Entries, Masked};
use super::word::{objects, words};

words! {
    /// A key. Names that a vendor made up (`oem…`) are not among them.
    KeyName {
        Zero "zero", One "one", Two "two", Three "three", Four "four", Five "five", Six "six", Seven "seven",
        Eight "eight", Nine "nine", A "a", B "b", C "c", D "d", E "e", F "f",
        Enter "enter", Cancel "cancel", Clear "clear", Backspace "backspace", Help "help", DecPoint "decPoint",
        Shift "shift", DoubleZero "doubleZero", TripleZero "tripleZero",
        Fdk01 "fdk01", Fdk02 "fdk02", Fdk03 "fdk03", Fdk04 "fdk04", Fdk05 "fdk05", Fdk06 "fdk06", Fdk07 "fdk07",
        Fdk08 "fdk08", Fdk09 "fdk09", Fdk10 "fdk10", Fdk11 "fdk11", Fdk12 "fdk12", Fdk13 "fdk13", Fdk14 "fdk14",
        Fdk15 "fdk15", Fdk16 "fdk16", Fdk17 "fdk17", Fdk18 "fdk18", Fdk19 "fdk19", Fdk20 "fdk20", Fdk21 "fdk21",
        Fdk22 "fdk22", Fdk23 "fdk23", Fdk24 "fdk24", Fdk25 "fdk25", Fdk26 "fdk26", Fdk27 "fdk27", Fdk28 "fdk28",
        Fdk29 "fdk29", Fdk30 "fdk30", Fdk31 "fdk31", Fdk32 "fdk32",
    }
    /// What a key did to an entry.
    EntryCompletion {
        Auto "auto", Enter "enter", Cancel "cancel", Continue "continue", Clear "clear", Backspace "backspace",
        Fdk "fdk", Help "help", Fk "fk", ContFdk "contFdk",
    }
    /// Why no PIN was entered.
    PinEntryError {
        KeyInvalid "keyInvalid", KeyNotSupported "keyNotSupported", NoActiveKeys "noActivekeys",
        NoTerminateKeys "noTerminatekeys", MinimumLength "minimumLength", TooManyFrames "tooManyFrames",
        PartialFrame "partialFrame", EntryTimeout "entryTimeout",
    }
    /// Why no keys were entered.
    DataEntryError {
        KeyInvalid "keyInvalid", KeyNotSupported "keyNotSupported", NoActiveKeys "noActivekeys",
    }
    /// What a layout is for.
    EntryMode { Data "data", Pin "pin", Secure "secure", }
    /// Why there is no layout.
    LayoutError { ModeNotSupported "modeNotSupported", }
}

objects! {
    /// `Keyboard.PinEntry`.
    strict PinEntry {
        min_len "minLen": u32,
        /// 0: none.
        max_len "maxLen": u32,
        /// Ends by itself at `maxLen`.
        auto_end "autoEnd": bool,
        echo "echo": String,
        /// By key name; others do nothing.
        active_keys "activeKeys": Entries<ActiveKey>,
    }
    /// What an active key does.
    strict ActiveKey { terminate "terminate": bool, }
    /// The PIN is in the pad, or not.
    tolerant PinEntered {
        error "errorCode": PinEntryError,
        digits "digits": u32,
        completion "completion": EntryCompletion,
    }
    /// `Keyboard.DataEntry`.
    strict DataEntry {
        max_len "maxLen": u32,
        auto_end "autoEnd": bool,
        active_keys "activeKeys": Entries<ActiveKey>,
    }
    /// Keys that were pressed.
    tolerant DataEntered {
        error "errorCode": DataEntryError,
        keys "keys": u32,
        pressed "pinKeys": Vec<KeyPressed>,
        completion "completion": EntryCompletion,
    }
    /// `Keyboard.KeyEvent`, and one key of an answer.
    tolerant KeyPressed {
        completion "completion": EntryCompletion,
        /// Absent for the digits of a PIN.
        digit "digit": Masked<KeyName>,
    }
    /// `Keyboard.GetLayout`.
    strict GetLayout {
        /// Absent: all.
        mode "entryMode": EntryMode,
    }
    /// The layout.
    tolerant LayoutAnswer {
        error "errorCode": LayoutError,
        layout "layout": Layout,
    }
    /// Frames of keys by what they are for, and `Keyboard.LayoutEvent`.
    tolerant Layout {
        data "data": Vec<Frame>,
        pin "pin": Vec<Frame>,
        secure "secure": Vec<Frame>,
    }
    /// A frame of keys.
    tolerant Frame {
        x "xPos": u32,
        y "yPos": u32,
        width "xSize": u32,
        height "ySize": u32,
        float "float": Float,
        keys "keys": Vec<LayoutKey>,
    }
    /// Whether a frame may move.
    tolerant Float {
        x "x": bool,
        y "y": bool,
    }
    /// One key of a frame.
    tolerant LayoutKey {
        x "xPos": u32,
        y "yPos": u32,
        width "xSize": u32,
        height "ySize": u32,
        key "key": KeyName,
        shifted "shiftKey": KeyName,
    }
}
