//! `Printer`: text in, a receipt out.

use cashpoint_core::terminal::device::{self, Failure, Unit};
use cashpoint_wire::xfs::envelope::CompletionCode;
use cashpoint_wire::xfs::message::{Answer, Event};
use cashpoint_wire::xfs::printer::{
    ControlError, ControlMedia, InputData, MediaControlled, MediaMove, MediaPresented, PrintError, PrintRaw,
    RawPrinted, ResetDone,
};
use data_encoding::BASE64;

use super::desk::{Begun, Desk};
use super::operation::{End, general};
use crate::model::Paper;

const UNIT: Unit = Unit::Printer;
/// Lines that fit on one receipt.
const MOST_LINES: usize = 200;

impl Desk {
    pub(super) fn begin_print(&mut self, print: &PrintRaw) -> Begun {
        if print.input == Some(InputData::Yes) {
            return self.over(UNIT, End::Code(CompletionCode::UnsupportedData));
        }
        if self.hardware.printer().paper() == Paper::Out {
            let error = Some(PrintError::PaperOut);
            return self.over(UNIT, End::Error(Answer::PrintRaw(RawPrinted { error, data: None })));
        }
        let bytes = print.data.as_deref().and_then(|text| BASE64.decode(text.as_bytes()).ok());
        let Some(text) = bytes.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return self.over(UNIT, End::Code(CompletionCode::InvalidData));
        };
        let printed = self.printed();
        if printed.len() + text.lines().count() > MOST_LINES {
            return self.over(UNIT, End::Code(CompletionCode::NotEnoughSpace));
        }
        printed.extend(text.lines().map(str::to_owned));
        self.over(UNIT, End::Done(Answer::PrintRaw(RawPrinted::default())))
    }

    pub(super) fn begin_control(&mut self, control: &ControlMedia) -> Begun {
        let Some(control) = &control.control else {
            return self.over(UNIT, End::Code(CompletionCode::InvalidData));
        };
        let moved = match control.to {
            Some(MediaMove::Eject) => true,
            None => false,
            Some(_) => return self.over(UNIT, End::Code(CompletionCode::UnsupportedData)),
        };
        if !moved {
            return self.over(UNIT, End::Done(Answer::ControlMedia(MediaControlled::default())));
        }
        let lines = std::mem::take(self.printed());
        if lines.is_empty() {
            return self.over(UNIT, controlled_not(ControlError::NoMediaPresent));
        }
        Begun::Device(device::Command::Print(lines))
    }

    pub(super) fn control_ended(&mut self, ended: &Result<device::Answer, Failure>) -> End {
        match ended {
            Ok(_) => {
                self.tell(UNIT, Event::MediaPresented(MediaPresented { wad: Some(1), wads: Some(1) }));
                End::Done(Answer::ControlMedia(MediaControlled::default()))
            }
            Err(Failure::PaperOut) => controlled_not(ControlError::PaperOut),
            Err(Failure::Jam) => controlled_not(ControlError::PaperJammed),
            Err(failure) => End::Code(general(*failure)),
        }
    }

    pub(super) fn begin_printer_reset(&mut self) -> Begun {
        self.printed().clear();
        self.over(UNIT, End::Done(Answer::ResetPrinter(ResetDone::default())))
    }
}

fn controlled_not(error: ControlError) -> End {
    End::Error(Answer::ControlMedia(MediaControlled { error: Some(error) }))
}
