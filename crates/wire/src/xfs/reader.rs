//! `CardReader`.

use super::value::Secret;
use super::word::{objects, words};

words! {
    /// Why no card was read.
    ReadError {
        MediaJam "mediaJam", ShutterFail "shutterFail", NoMedia "noMedia", InvalidMedia "invalidMedia",
        CardTooShort "cardTooShort", CardTooLong "cardTooLong", SecurityFail "securityFail",
        CardCollision "cardCollision",
    }
    /// Why a track was not read.
    TrackStatus {
        DataMissing "dataMissing", DataInvalid "dataInvalid", DataTooLong "dataTooLong", DataTooShort "dataTooShort",
        DataSourceNotSupported "dataSourceNotSupported", DataSourceMissing "dataSourceMissing",
    }
    /// Why a card was not moved.
    MoveError {
        MediaJam "mediaJam", ShutterFail "shutterFail", NoMedia "noMedia", Occupied "occupied", Full "full",
        MediaRetained "mediaRetained",
    }
    /// Where a reset moves a card that is found.
    ResetTo { Exit "exit", Retain "retain", CurrentPosition "currentPosition", Auto "auto", }
    /// Why a reader could not be reset.
    ResetError { MediaJam "mediaJam", ShutterFail "shutterFail", RetainBinFull "retainBinFull", }
}

objects! {
    /// `CardReader.ReadRawData`: what to read; absent is false.
    strict ReadRawData {
        track1 "track1": bool,
        track2 "track2": bool,
        track3 "track3": bool,
        chip "chip": bool,
        security "security": bool,
        flux_inactive "fluxInactive": bool,
        watermark "watermark": bool,
        memory_chip "memoryChip": bool,
        track1_front "track1Front": bool,
        front_image "frontImage": bool,
        back_image "backImage": bool,
        track1_jis "track1JIS": bool,
        track3_jis "track3JIS": bool,
        ddi "ddi": bool,
    }
    /// What was read.
    tolerant RawData {
        error "errorCode": ReadError,
        track1 "track1": Track,
        track2 "track2": Track,
        track3 "track3": Track,
        chip "chip": Vec<Track>,
    }
    /// One track or the answer of a chip.
    tolerant Track {
        /// Absent: it could be read.
        status "status": TrackStatus,
        /// Base64 of the characters without sentinels and check character.
        data "data": Secret,
    }
    /// `CardReader.Move`: `exit`, `transport` or the id of a unit.
    strict Move {
        from "from": String,
        to "to": String,
    }
    /// The card was moved.
    tolerant Moved { error "errorCode": MoveError, }
    /// `CardReader.Reset`.
    strict Reset {
        to "to": ResetTo,
        /// For `retain`.
        unit "storageId": String,
    }
    /// The reader was reset.
    tolerant ResetDone { error "errorCode": ResetError, }
    /// `CardReader.TrackDetectedEvent`.
    tolerant TrackDetected {
        track1 "track1": bool,
        track2 "track2": bool,
        track3 "track3": bool,
        watermark "watermark": bool,
        front_track1 "frontTrack1": bool,
    }
    /// `CardReader.CardActionEvent`: the device moved a card by itself.
    tolerant CardAction {
        /// `unknown`, `exit`, `transport` or the id of a unit.
        from "from": String,
        to "to": String,
    }
    /// `CardReader.MediaDetectedEvent`: where a reset found a card.
    tolerant MediaDetected {
        /// `exit`, `transport`, `jammed` or the id of a unit.
        position "position": String,
    }
}
