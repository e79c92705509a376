//! `PinPad` and `KeyManagement`: PIN blocks, and the keys that they are made with.

use cashpoint_core::secret::Pan;
use cashpoint_core::terminal::device::{self, Failure, KeyBlock, Unit};
use cashpoint_wire::xfs::envelope::CompletionCode;
use cashpoint_wire::xfs::message::Answer;
use cashpoint_wire::xfs::message::{CommandName, EventName};
use cashpoint_wire::xfs::pin_pad::{
    CryptoMethod, GetKeyDetail, GetPinBlock, ImportError, ImportKey, KeyBlockInfo, KeyDetail, KeyDetailError,
    KeyDetails, KeyImported, Loaded, PinBlockError, PinBlockMade, PinFormat,
};
use cashpoint_wire::xfs::service::{Nothing, SetVersions};
use cashpoint_wire::xfs::value::{Entries, Secret};
use cashpoint_wire::xfs::word::Word as _;
use data_encoding::BASE64;

use super::desk::{Begun, Desk};
use super::operation::{End, general};

const UNIT: Unit = Unit::PinPad;

/// Name of the key that the host sends, for blocks of format 4.
pub(super) const PIN_KEY: &str = "P0";
/// Name of the pad's own key, for blocks of format 0.
pub(super) const VERIFIER_KEY: &str = "VERIFIER";
/// Name of the key that key blocks are wrapped with.
pub(super) const PROTECTION_KEY: &str = "KBPK";

impl Desk {
    pub(super) fn begin_block(&mut self, block: &GetPinBlock) -> Begun {
        let refused =
            |error| End::Error(Answer::GetPinBlock(PinBlockMade { error: Some(error), ..PinBlockMade::default() }));
        let (Some(format), Some(key)) = (block.format, block.key.as_deref()) else {
            return self.over(UNIT, End::Code(CompletionCode::InvalidData));
        };
        let wrong = match (format, key) {
            _ if block.method.is_some_and(|method| method != CryptoMethod::Ecb) => {
                PinBlockError::CryptoMethodNotSupported
            }
            _ if block.xor_data.is_some() || block.second_key.is_some() => PinBlockError::AlgorithmNotSupported,
            (PinFormat::Iso4, PIN_KEY) if self.hardware.pin_key_check().is_none() => PinBlockError::KeyNoValue,
            (PinFormat::Iso4, PIN_KEY) => return self.begin_online_block(block),
            (PinFormat::Iso0, VERIFIER_KEY) => return self.begin_own_block(block),
            (PinFormat::Iso0 | PinFormat::Iso4, PIN_KEY | VERIFIER_KEY | PROTECTION_KEY) => PinBlockError::UseViolation,
            (PinFormat::Iso0 | PinFormat::Iso4, _) => PinBlockError::KeyNotFound,
            (_, _) => PinBlockError::FormatNotSupported,
        };
        self.over(UNIT, refused(wrong))
    }

    /// Format 4 takes the whole card number as its data.
    fn begin_online_block(&mut self, block: &GetPinBlock) -> Begun {
        match block.customer_data.as_ref().and_then(|data| Pan::parse(data.expose()).ok()) {
            Some(pan) => Begun::Device(device::Command::OnlinePinBlock(pan)),
            None => self.over(UNIT, End::Code(CompletionCode::InvalidData)),
        }
    }

    /// Format 0 takes the card number without its check digit, which it does not use.
    fn begin_own_block(&mut self, block: &GetPinBlock) -> Begun {
        let Some(pan) = block.customer_data.as_ref().and_then(|data| Pan::complete(data.expose()).ok()) else {
            return self.over(UNIT, End::Code(CompletionCode::InvalidData));
        };
        match self.hardware.tell_own_block(&pan) {
            Ok(made) => self.over(UNIT, block_made(&*made)),
            Err(reports) => Begun::Reported(reports),
        }
    }

    pub(super) fn block_ended(ended: &Result<device::Answer, Failure>) -> End {
        let refused =
            |error| End::Error(Answer::GetPinBlock(PinBlockMade { error: Some(error), ..PinBlockMade::default() }));
        match ended {
            Ok(device::Answer::PinBlock(block)) => block_made(&block.0),
            Ok(_) => End::Code(CompletionCode::InternalError),
            Err(Failure::NoPin) => refused(PinBlockError::NoPin),
            Err(Failure::Key) => refused(PinBlockError::KeyNoValue),
            Err(failure) => End::Code(general(*failure)),
        }
    }

    pub(super) fn begin_import(&mut self, import: &ImportKey) -> Begun {
        let refused =
            |error| End::Error(Answer::ImportKey(KeyImported { error: Some(error), ..KeyImported::default() }));
        let value = import.value.as_ref().and_then(Secret::bytes);
        let text = value.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        match (import.key.as_deref(), import.decrypt_key.as_deref(), text) {
            (None, _, _) => self.over(UNIT, End::Code(CompletionCode::InvalidData)),
            (Some(PIN_KEY), None | Some(PROTECTION_KEY), Some(text)) => {
                Begun::Device(device::Command::ImportPinKey(KeyBlock(text)))
            }
            (Some(PIN_KEY), None | Some(PROTECTION_KEY), None) => self.over(UNIT, refused(ImportError::FormatInvalid)),
            (Some(PIN_KEY), Some(_), _) => self.over(UNIT, refused(ImportError::KeyNotFound)),
            (Some(_), _, _) => self.over(UNIT, refused(ImportError::AccessDenied)),
        }
    }

    pub(super) fn import_ended(ended: &Result<device::Answer, Failure>) -> End {
        match ended {
            Ok(device::Answer::KeyImported(check)) => End::Done(Answer::ImportKey(KeyImported {
                verification: Some(BASE64.encode(&check.0)),
                ..KeyImported::default()
            })),
            Ok(_) => End::Code(CompletionCode::InternalError),
            Err(Failure::Key) => {
                let error = Some(ImportError::ContentInvalid);
                End::Error(Answer::ImportKey(KeyImported { error, ..KeyImported::default() }))
            }
            Err(failure) => End::Code(general(*failure)),
        }
    }

    pub(super) fn key_detail(&self, asked: &GetKeyDetail) -> End {
        let loaded = if self.hardware.pin_key_check().is_some() { Loaded::Yes } else { Loaded::No };
        let keys = [
            (PIN_KEY, loaded, ["P0", "A", "E"]),
            (VERIFIER_KEY, Loaded::Yes, ["P0", "T", "E"]),
            (PROTECTION_KEY, Loaded::Yes, ["K1", "A", "D"]),
            ("XFSAuthenticateHost", Loaded::Yes, ["M7", "H", "V"]),
            ("XFSAuthenticateDevice", Loaded::Yes, ["M7", "H", "G"]),
        ];
        let wanted = |name: &str| asked.key.as_deref().is_none_or(|key| key == name);
        let detail = |loaded, [usage, algorithm, mode]: [&str; 3]| KeyDetail {
            loaded: Some(loaded),
            block: Some(KeyBlockInfo {
                usage: Some(usage.to_owned()),
                algorithm: Some(algorithm.to_owned()),
                mode_of_use: Some(mode.to_owned()),
                ..KeyBlockInfo::default()
            }),
            ..KeyDetail::default()
        };
        let listed: Entries<KeyDetail> = keys
            .into_iter()
            .filter(|(name, _, _)| wanted(name))
            .map(|(name, loaded, block)| (name, detail(loaded, block)))
            .collect();
        if listed.0.is_empty() {
            let error = Some(KeyDetailError::KeyNotFound);
            return End::Error(Answer::GetKeyDetail(KeyDetails { error, keys: None }));
        }
        End::Done(Answer::GetKeyDetail(KeyDetails { error: None, keys: Some(listed) }))
    }

    /// One version of each message is offered; asking for another one is refused.
    pub(super) fn versions_set(versions: &SetVersions) -> End {
        let commands = versions.commands.iter().flat_map(|commands| &commands.0);
        let events = versions.events.iter().flat_map(|events| &events.0);
        let command = |name: &str| CommandName::read(name).map(|name| name.version().major);
        let event = |name: &str| EventName::read(name).map(|name| name.version().major);
        let known = commands.clone().all(|(name, major)| command(name).map(u32::from) == Some(*major))
            && events.clone().all(|(name, major)| event(name).map(u32::from) == Some(*major));
        match () {
            () if commands.count() + events.count() == 0 => End::Code(CompletionCode::InvalidData),
            () if known => End::Done(Answer::SetVersions(Nothing {})),
            () => End::Code(CompletionCode::UnsupportedData),
        }
    }
}

fn block_made(block: &[u8]) -> End {
    End::Done(Answer::GetPinBlock(PinBlockMade { error: None, block: Some(Secret::of_bytes(block)) }))
}
