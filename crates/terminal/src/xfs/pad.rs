//! Commands of the PIN pad and its keyboard. What is in the pad stays there; what leaves it is enciphered.

use cashpoint_core::secret::Pan;
use cashpoint_core::terminal::device::{Answer, CheckValue, Failure, Key, KeyBlock, PinBlock, PinEntered};
use cashpoint_wire::offline_verifier;
use cashpoint_wire::xfs::keyboard::{
    ActiveKey, DataEntry, DataEntryError, EntryCompletion, Frame, GetLayout, KeyName, KeyPressed, PinEntry,
    PinEntryError,
};
use cashpoint_wire::xfs::pin_pad::{CryptoMethod, GetPinBlock, ImportError, ImportKey, PinBlockError, PinFormat};
use cashpoint_wire::xfs::value::{Entries, Secret};
use cashpoint_wire::xfs::word::Word;
use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::KeyNames;
use super::failure::{Stop, brought};
use super::session::{Limit, Session};

/// Digits of a PIN.
const SHORTEST_PIN: u32 = 4;
const LONGEST_PIN: u32 = 12;

const DIGITS: [KeyName; 10] = [
    KeyName::Zero,
    KeyName::One,
    KeyName::Two,
    KeyName::Three,
    KeyName::Four,
    KeyName::Five,
    KeyName::Six,
    KeyName::Seven,
    KeyName::Eight,
    KeyName::Nine,
];

/// Keys that a pad has beside digits, enter and cancel, by what it is used for.
#[derive(Clone, Default)]
pub(super) struct Keys {
    pin: Vec<KeyName>,
    data: Vec<KeyName>,
}

/// What a pressed key means.
pub(super) enum Pressed {
    /// A key that worked as a key.
    Key(Key),
    /// So many digits are in the pad now.
    Digits(u8),
    /// Nothing that is told.
    Nothing,
}

/// What keys are pressed for.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Purpose {
    /// To work as keys.
    #[default]
    Keys,
    /// To make a PIN: which they are is nobody's business, and a digit has no name.
    Pin,
}

/// What a key event says, with so many digits in the pad before it.
pub(super) fn pressed(key: &KeyPressed, purpose: Purpose, digits: u8) -> Pressed {
    let name = key.digit.map(|name| name.0);
    match (purpose, key.completion) {
        (Purpose::Keys, _) => name.and_then(named).map_or(Pressed::Nothing, Pressed::Key),
        (Purpose::Pin, Some(EntryCompletion::Clear)) => Pressed::Digits(0),
        (Purpose::Pin, Some(EntryCompletion::Backspace)) => Pressed::Digits(digits.saturating_sub(1)),
        (Purpose::Pin, Some(EntryCompletion::Continue | EntryCompletion::Auto))
            if name.is_none_or(|name| DIGITS.contains(&name)) =>
        {
            Pressed::Digits(digits.saturating_add(1))
        }
        (
            Purpose::Pin,
            Some(
                EntryCompletion::Continue
                | EntryCompletion::Auto
                | EntryCompletion::Enter
                | EntryCompletion::Cancel
                | EntryCompletion::Fdk
                | EntryCompletion::Help
                | EntryCompletion::Fk
                | EntryCompletion::ContFdk,
            )
            | None,
        ) => Pressed::Nothing,
    }
}

fn named(name: KeyName) -> Option<Key> {
    if let Some(digit) = DIGITS.iter().position(|digit| *digit == name) {
        return u8::try_from(digit).ok().map(Key::Digit);
    }
    if let Some(number) = name.word().strip_prefix("fdk") {
        return number.parse().ok().map(Key::Function);
    }
    [
        (KeyName::DoubleZero, Key::DoubleZero),
        (KeyName::Enter, Key::Enter),
        (KeyName::Clear, Key::Clear),
        (KeyName::Cancel, Key::Cancel),
    ]
    .into_iter()
    .find_map(|(known, key)| (known == name).then_some(key))
}

/// Takes a PIN. Too short a one is asked for again, where a device lets it pass.
pub(super) async fn enter_pin(session: &mut Session<'_>) -> Result<Answer, Stop> {
    session.heard.purpose = Purpose::Pin;
    let keys = layout(session).await?;
    let optional = [KeyName::Clear, KeyName::Backspace].into_iter().filter(|key| keys.pin.contains(key));
    let going_on = DIGITS.into_iter().chain(optional).map(|key| (key.word(), false));
    let ending = [(KeyName::Enter.word(), true), (KeyName::Cancel.word(), true)];
    let active: Entries<ActiveKey> =
        going_on.chain(ending).map(|(key, terminate)| (key, ActiveKey { terminate: Some(terminate) })).collect();
    loop {
        session.heard.digits = 0;
        let entry = PinEntry {
            min_len: Some(SHORTEST_PIN),
            max_len: Some(LONGEST_PIN),
            auto_end: Some(false),
            echo: None,
            active_keys: Some(active.clone()),
        };
        let reply = session.call(entry, Limit::Customer).await?;
        let entered = brought(reply, |entered| entered.error, pin_entry_failure)?;
        match (entered.completion, entered.digits) {
            (Some(EntryCompletion::Cancel), _) => return Ok(Answer::Pin(PinEntered::GivenUp)),
            (_, Some(digits)) if (SHORTEST_PIN..=LONGEST_PIN).contains(&digits) => {
                let digits = u8::try_from(digits).expect("at most twelve");
                return Ok(Answer::Pin(PinEntered::Digits(digits)));
            }
            (_, Some(digits)) if digits < SHORTEST_PIN => {}
            (_, _) => return Err(Failure::Hardware.into()),
        }
    }
}

/// Lets keys work as keys until it is cancelled.
pub(super) async fn accept_keys(session: &mut Session<'_>) -> Result<Answer, Stop> {
    let keys = layout(session).await?;
    let active = DIGITS.into_iter().chain([KeyName::Enter, KeyName::Cancel]).chain(keys.data);
    let active: Entries<ActiveKey> = active.map(|key| (key.word(), ActiveKey { terminate: Some(false) })).collect();
    let entry = DataEntry { max_len: Some(0), auto_end: Some(false), active_keys: Some(active) };
    let reply = session.call(entry, Limit::Customer).await?;
    match brought(reply, |entered| entered.error, data_entry_failure) {
        Ok(_) | Err(Failure::Cancelled) => Ok(Answer::KeysEnded),
        Err(failure) => Err(failure.into()),
    }
}

/// Which keys there are, read once.
async fn layout(session: &mut Session<'_>) -> Result<Keys, Stop> {
    if let Some(keys) = &session.known.keys {
        return Ok(keys.clone());
    }
    let reply = session.call(GetLayout { mode: None }, Limit::Query).await?;
    // A pad that cannot tell has the keys that every pad has.
    let layout = brought(reply, |answer| answer.error, |_| Failure::Sequence).ok().and_then(|answer| answer.layout);
    let keys = layout.map_or_else(
        || Keys { pin: vec![KeyName::Clear], data: vec![KeyName::Clear] },
        |layout| {
            let more = |key: &KeyName| {
                matches!(key, KeyName::Clear | KeyName::Backspace | KeyName::DoubleZero)
                    || key.word().starts_with("fdk")
            };
            let data = on(layout.data.as_deref()).filter(|key| *key != KeyName::Backspace && more(key)).collect();
            Keys { pin: on(layout.pin.as_deref()).filter(more).collect(), data }
        },
    );
    session.known.keys = Some(keys.clone());
    Ok(keys)
}

fn on(frames: Option<&[Frame]>) -> impl Iterator<Item = KeyName> + '_ {
    let keys = frames.into_iter().flatten().flat_map(|frame| frame.keys.iter().flatten());
    keys.filter_map(|key| key.key)
}

/// The block for the host. It is made of the whole number, check digit included.
pub(super) async fn online_block(session: &mut Session<'_>, keys: &KeyNames, pan: &Pan) -> Result<Answer, Stop> {
    let block = pin_block(session, PinFormat::Iso4, &keys.pin, pan.expose()).await?;
    let block = block.as_slice().try_into().map_err(|_| Failure::Hardware)?;
    Ok(Answer::PinBlock(PinBlock(block)))
}

/// What is compared offline: a MAC over the block that the pad makes under a key of its own. The block ends here.
pub(super) async fn verifier(
    session: &mut Session<'_>,
    keys: &KeyNames,
    pan: &Pan,
    salt: &[u8; 32],
) -> Result<Answer, Stop> {
    let number = pan.expose();
    let block = pin_block(session, PinFormat::Iso0, &keys.verifier, &number[..number.len() - 1]).await?;
    let block: &[u8; 8] = block.as_slice().try_into().map_err(|_| Failure::Hardware)?;
    Ok(Answer::OfflineVerifier(offline_verifier::of_block(salt, block)))
}

async fn pin_block(
    session: &mut Session<'_>,
    format: PinFormat,
    key: &str,
    customer_data: &str,
) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let get = GetPinBlock {
        customer_data: Some(Secret::new(customer_data.to_owned())),
        padding: Some(15),
        format: Some(format),
        key: Some(key.to_owned()),
        xor_data: None,
        second_key: None,
        method: Some(CryptoMethod::Ecb),
    };
    let reply = session.call(get, Limit::Query).await?;
    let made = brought(reply, |made| made.error, pin_block_failure)?;
    Ok(made.block.and_then(|block| block.bytes()).ok_or(Failure::Hardware)?)
}

/// Gives the pad its PIN key. The pad tells the check value of what it took.
pub(super) async fn import(session: &mut Session<'_>, keys: &KeyNames, block: &KeyBlock) -> Result<Answer, Stop> {
    let import = ImportKey {
        key: Some(keys.pin.clone()),
        value: Some(Secret::of_bytes(block.0.as_bytes())),
        decrypt_key: Some(keys.key_block.clone()),
        ..ImportKey::default()
    };
    let reply = session.call(import, Limit::Query).await?;
    let imported = brought(reply, |imported| imported.error, import_failure)?;
    let check = imported.verification.and_then(|text| BASE64.decode(text.as_bytes()).ok());
    let check = check.and_then(|check| check.first_chunk::<3>().copied()).ok_or(Failure::Key)?;
    Ok(Answer::KeyImported(CheckValue(check)))
}

pub(super) const fn pin_entry_failure(error: PinEntryError) -> Failure {
    match error {
        PinEntryError::KeyInvalid
        | PinEntryError::KeyNotSupported
        | PinEntryError::NoActiveKeys
        | PinEntryError::NoTerminateKeys
        | PinEntryError::MinimumLength
        | PinEntryError::TooManyFrames
        | PinEntryError::PartialFrame => Failure::Sequence,
        PinEntryError::EntryTimeout => Failure::TimedOut,
    }
}

pub(super) const fn data_entry_failure(error: DataEntryError) -> Failure {
    match error {
        DataEntryError::KeyInvalid | DataEntryError::KeyNotSupported | DataEntryError::NoActiveKeys => {
            Failure::Sequence
        }
    }
}

pub(super) const fn pin_block_failure(error: PinBlockError) -> Failure {
    match error {
        PinBlockError::NoPin => Failure::NoPin,
        PinBlockError::KeyNotFound
        | PinBlockError::AccessDenied
        | PinBlockError::KeyNoValue
        | PinBlockError::UseViolation
        | PinBlockError::InvalidKeyLength
        | PinBlockError::DukptOverflow => Failure::Key,
        PinBlockError::FormatNotSupported
        | PinBlockError::AlgorithmNotSupported
        | PinBlockError::CryptoMethodNotSupported => Failure::Sequence,
    }
}

pub(super) const fn import_failure(error: ImportError) -> Failure {
    match error {
        ImportError::KeyNotFound
        | ImportError::AccessDenied
        | ImportError::DuplicateKey
        | ImportError::KeyNoValue
        | ImportError::UseViolation
        | ImportError::FormatNotSupported
        | ImportError::InvalidKeyLength
        | ImportError::NoKeyRam
        | ImportError::SignatureNotSupported
        | ImportError::SignatureInvalid
        | ImportError::RandomInvalid
        | ImportError::AlgorithmNotSupported
        | ImportError::ModeNotSupported
        | ImportError::CryptoMethodNotSupported
        | ImportError::InvalidValue
        | ImportError::FormatInvalid
        | ImportError::ContentInvalid => Failure::Key,
    }
}
