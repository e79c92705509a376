//! `CardReader`: reading, moving, keeping.

use cashpoint_core::terminal::device::{self, Failure, Unit};
use cashpoint_wire::xfs::envelope::CompletionCode;
use cashpoint_wire::xfs::message::{Answer, Event};
use cashpoint_wire::xfs::reader::{
    Move, MoveError, Moved, RawData, ReadError, ReadRawData, Reset, ResetDone, ResetError, ResetTo, Track,
    TrackDetected, TrackStatus,
};
use cashpoint_wire::xfs::service::Nothing;
use cashpoint_wire::xfs::value::Secret;

use super::desk::{Begun, Desk};
use super::operation::{End, general};
use super::storage;
use crate::model::CardSlot;

const UNIT: Unit = Unit::CardReader;

impl Desk {
    pub(super) fn begin_read(&mut self, read: &ReadRawData) -> Begun {
        let foreign = [read.flux_inactive, read.watermark, read.memory_chip, read.front_image, read.back_image];
        if foreign.contains(&Some(true)) {
            return self.over(UNIT, End::Code(CompletionCode::UnsupportedData));
        }
        Begun::Device(device::Command::ReadCard)
    }

    pub(super) fn read_ended(&mut self, read: &ReadRawData, ended: &Result<device::Answer, Failure>) -> End {
        let error = |error| End::Error(Answer::ReadRawData(RawData { error: Some(error), ..RawData::default() }));
        match ended {
            Ok(_) | Err(Failure::Unreadable) => {}
            Err(Failure::Jam) => return error(ReadError::MediaJam),
            Err(Failure::Nothing) => return error(ReadError::NoMedia),
            Err(failure) => return End::Code(general(*failure)),
        }
        self.tell(UNIT, Event::CardInserted(Nothing {}));
        // The reader hands out what is on the stripe; whether it is a bank's card, the client sees.
        let data = self.hardware.card_reader().track2().filter(|text| !text.is_empty());
        let data = data.map(|text| Secret::of_bytes(text.as_bytes()));
        let detected = TrackDetected { track2: Some(data.is_some()), ..TrackDetected::default() };
        self.tell(UNIT, Event::TrackDetected(detected));
        if data.is_none() {
            return error(ReadError::InvalidMedia);
        }
        let asked = |wanted: Option<bool>| wanted == Some(true);
        let missing = || Track { status: Some(TrackStatus::DataMissing), data: None };
        let unsupported = Track { status: Some(TrackStatus::DataSourceNotSupported), data: None };
        End::Done(Answer::ReadRawData(RawData {
            error: None,
            track1: asked(read.track1).then(missing),
            track2: asked(read.track2).then_some(Track { status: None, data }),
            track3: asked(read.track3).then(missing),
            chip: asked(read.chip).then(|| vec![unsupported]),
        }))
    }

    pub(super) fn begin_move(&mut self, moved: &Move) -> Begun {
        let (Some(from), Some(to)) = (moved.from.as_deref(), moved.to.as_deref()) else {
            return self.over(UNIT, End::Code(CompletionCode::InvalidData));
        };
        let lies = match self.hardware.card_reader().slot() {
            CardSlot::Empty => None,
            CardSlot::Exit => Some("exit"),
            CardSlot::Inside | CardSlot::Stuck => Some("transport"),
        };
        match (from, to) {
            ("transport" | "exit", _) if lies != Some(from) => self.over(UNIT, moved_not(MoveError::NoMedia)),
            ("transport", "exit") => Begun::Device(device::Command::EjectCard),
            ("transport" | "exit", storage::ONLY_UNIT) => Begun::Device(device::Command::RetainCard),
            _ => self.over(UNIT, End::Code(CompletionCode::UnsupportedData)),
        }
    }

    pub(super) fn move_ended(ended: &Result<device::Answer, Failure>) -> End {
        match ended {
            Ok(_) => End::Done(Answer::MoveCard(Moved::default())),
            Err(Failure::Jam) => moved_not(MoveError::MediaJam),
            Err(Failure::Nothing) => moved_not(MoveError::NoMedia),
            Err(failure) => End::Code(general(*failure)),
        }
    }

    pub(super) fn begin_reader_reset(&mut self, reset: &Reset) -> Begun {
        let lies = self.hardware.card_reader().slot() != CardSlot::Empty;
        match reset.to {
            _ if !lies => self.over(UNIT, End::Done(Answer::ResetReader(ResetDone::default()))),
            Some(ResetTo::Retain) => Begun::Device(device::Command::RetainCard),
            Some(ResetTo::Exit | ResetTo::Auto) | None => Begun::Device(device::Command::EjectCard),
            Some(ResetTo::CurrentPosition) => self.over(UNIT, End::Done(Answer::ResetReader(ResetDone::default()))),
        }
    }

    pub(super) fn reader_reset_ended(ended: &Result<device::Answer, Failure>) -> End {
        match ended {
            Ok(_) => End::Done(Answer::ResetReader(ResetDone::default())),
            Err(Failure::Jam) => End::Error(Answer::ResetReader(ResetDone { error: Some(ResetError::MediaJam) })),
            Err(failure) => End::Code(general(*failure)),
        }
    }
}

fn moved_not(error: MoveError) -> End {
    End::Error(Answer::MoveCard(Moved { error: Some(error) }))
}
