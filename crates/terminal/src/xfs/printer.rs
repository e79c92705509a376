//! Commands of the receipt printer: plain text, cut and handed out.

use cashpoint_core::terminal::device::{Answer, Failure};
use cashpoint_wire::xfs::printer::{
    ControlError, ControlMedia, InputData, MediaControl, MediaMove, PrintError, PrintRaw,
};
use data_encoding::BASE64;

use super::failure::{Stop, brought, of_motion};
use super::session::{Limit, Session};

/// Empty lines at the end, so that the cut is below the text.
const FEED: &str = "\n\n\n";

pub(super) async fn print(session: &mut Session<'_>, lines: &[String]) -> Result<Answer, Stop> {
    let text = format!("{}{FEED}", lines.join("\n"));
    let print = PrintRaw { input: Some(InputData::No), data: Some(BASE64.encode(text.as_bytes())) };
    let reply = session.call(print, Limit::Motion).await?;
    brought(reply, |printed| printed.error, print_failure).map_err(of_motion)?;
    let control = MediaControl { to: Some(MediaMove::Eject), cut: Some(true), ..MediaControl::default() };
    let reply = session.call(ControlMedia { control: Some(control) }, Limit::Motion).await?;
    brought(reply, |done| done.error, control_failure).map_err(of_motion)?;
    Ok(Answer::Printed)
}

pub(super) const fn print_failure(error: PrintError) -> Failure {
    match error {
        PrintError::PaperOut => Failure::PaperOut,
        PrintError::MediaJammed | PrintError::PaperJammed => Failure::Jam,
        PrintError::ShutterFail => Failure::ShutterStuck,
        PrintError::TonerOut | PrintError::BlackMark | PrintError::MediaRetained | PrintError::MediaRetracted => {
            Failure::Hardware
        }
    }
}

pub(super) const fn control_failure(error: ControlError) -> Failure {
    match error {
        ControlError::PaperOut => Failure::PaperOut,
        ControlError::MediaJammed
        | ControlError::PaperJammed
        | ControlError::PageTurnFail
        | ControlError::MediaTurnFail => Failure::Jam,
        ControlError::ShutterFail => Failure::ShutterStuck,
        ControlError::NoMediaPresent => Failure::Nothing,
        ControlError::RetractBinFull | ControlError::StackerFull => Failure::Cassette,
        ControlError::SequenceInvalid => Failure::Sequence,
        ControlError::FlushFail
        | ControlError::InkOut
        | ControlError::TonerOut
        | ControlError::MediaRetained
        | ControlError::BlackMark
        | ControlError::MediaRetracted => Failure::Hardware,
    }
}
