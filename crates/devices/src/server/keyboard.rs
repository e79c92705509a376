//! `Keyboard`: which keys a command takes, and what each press does to it.

use cashpoint_core::terminal::device::{self, Failure, Key, PinEntered, Unit};
use cashpoint_wire::dispense_token::TokenError;
use cashpoint_wire::xfs::envelope::CompletionCode;
use cashpoint_wire::xfs::keyboard::{
    ActiveKey, DataEntered, DataEntry, DataEntryError, EntryCompletion, EntryMode, Frame, GetLayout, KeyName,
    KeyPressed, Layout, LayoutAnswer, LayoutError, LayoutKey, PinEntered as PinEntryEnded, PinEntry, PinEntryError,
};
use cashpoint_wire::xfs::message::{Answer, Command, Event};
use cashpoint_wire::xfs::value::{Entries, Masked};
use cashpoint_wire::xfs::word::Word as _;

use super::desk::{Begun, Desk};
use super::operation::{End, general};
use crate::model::{Impossible, PersonAction};

const UNIT: Unit = Unit::PinPad;

/// The pad's keys, row by row.
const KEYS: [KeyName; 22] = [
    KeyName::One,
    KeyName::Two,
    KeyName::Three,
    KeyName::Cancel,
    KeyName::Four,
    KeyName::Five,
    KeyName::Six,
    KeyName::Clear,
    KeyName::Seven,
    KeyName::Eight,
    KeyName::Nine,
    KeyName::Enter,
    KeyName::Zero,
    KeyName::DoubleZero,
    KeyName::Fdk01,
    KeyName::Fdk02,
    KeyName::Fdk03,
    KeyName::Fdk04,
    KeyName::Fdk05,
    KeyName::Fdk06,
    KeyName::Fdk07,
    KeyName::Fdk08,
];

/// What a running command knows of its own, besides its request.
#[derive(Default)]
pub(super) struct Entry {
    /// Keys that were pressed into a data entry.
    pressed: Vec<KeyName>,
    /// What ended it.
    ended_by: Option<KeyName>,
    /// Why a dispense's token was refused.
    pub(super) token: Option<TokenError>,
}

/// What a press does.
enum Press {
    /// The key is not active.
    Nothing,
    /// It goes on.
    Goes,
    /// It ends the entry.
    Ends,
}

impl Desk {
    pub(super) fn begin_pin(&mut self, entry: &PinEntry) -> Begun {
        let error =
            |error| End::Error(Answer::PinEntry(PinEntryEnded { error: Some(error), ..PinEntryEnded::default() }));
        let Some(keys) = &entry.active_keys else {
            return self.over(UNIT, End::Code(CompletionCode::InvalidData));
        };
        let (least, most) = (entry.min_len.unwrap_or(0), entry.max_len.unwrap_or(0));
        let wrong = match () {
            () if keys.0.is_empty() => PinEntryError::NoActiveKeys,
            () if !all_known(keys) => PinEntryError::KeyNotSupported,
            () if most > 0 && least > most => PinEntryError::MinimumLength,
            () if entry.auto_end != Some(true) && !any_terminates(keys) => PinEntryError::NoTerminateKeys,
            () => return Begun::Device(device::Command::EnterPin),
        };
        self.over(UNIT, error(wrong))
    }

    pub(super) fn begin_keys(&mut self, entry: &DataEntry) -> Begun {
        let error = |error| End::Error(Answer::DataEntry(DataEntered { error: Some(error), ..DataEntered::default() }));
        let Some(keys) = &entry.active_keys else {
            return self.over(UNIT, End::Code(CompletionCode::InvalidData));
        };
        match () {
            () if keys.0.is_empty() => self.over(UNIT, error(DataEntryError::NoActiveKeys)),
            () if !all_known(keys) => self.over(UNIT, error(DataEntryError::KeyNotSupported)),
            () => Begun::Device(device::Command::AcceptKeys),
        }
    }

    /// A person presses a key.
    pub(super) fn press(&mut self, key: Key) -> Result<(), Impossible> {
        let name = named(key).ok_or(Impossible)?;
        match self.effect(name) {
            Press::Nothing => return Err(Impossible),
            Press::Goes => {
                let reports = self.hardware.attempt(&PersonAction::Press(key))?;
                self.tell_key(name);
                self.absorb_all(reports);
            }
            Press::Ends => {
                let keys = self.running(UNIT).is_some_and(|running| is_data(&running.request.command));
                if let Some(running) = self.running(UNIT) {
                    running.entry.ended_by = Some(name);
                }
                if keys {
                    self.hardware.attempt(&PersonAction::Press(key))?;
                    self.tell_key(name);
                    let reports = self.hardware.execute(&device::Command::Cancel(UNIT));
                    self.absorb_all(reports);
                } else {
                    let reports = self.hardware.attempt(&PersonAction::Press(key))?;
                    // Too few digits: the pad goes on.
                    if !reports.is_empty() {
                        self.tell_key(name);
                    }
                    self.absorb_all(reports);
                }
            }
        }
        Ok(())
    }

    /// What the key does to the entry that runs.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other commands take no keys")]
    fn effect(&mut self, name: KeyName) -> Press {
        let digits = self.hardware.pad().digits();
        let Some(running) = self.running(UNIT) else { return Press::Nothing };
        let (keys, most, auto_end) = match &running.request.command {
            Command::PinEntry(entry) => (entry.active_keys.as_ref(), entry.max_len, false),
            Command::DataEntry(entry) => (entry.active_keys.as_ref(), entry.max_len, entry.auto_end == Some(true)),
            _ => return Press::Nothing,
        };
        let Some(active) = keys.and_then(|keys| keys.of(name.word())) else { return Press::Nothing };
        let most = most.filter(|most| *most > 0).and_then(|most| usize::try_from(most).ok());
        let full = |so_far: usize| most.is_some_and(|most| so_far >= most);
        let is_data = is_data(&running.request.command);
        match () {
            () if !is_data && is_digit(name) && full(digits) => Press::Nothing,
            () if active.terminate == Some(true) => Press::Ends,
            () if is_data && is_digit(name) => {
                running.entry.pressed.push(name);
                if auto_end && full(running.entry.pressed.len()) { Press::Ends } else { Press::Goes }
            }
            () => Press::Goes,
        }
    }

    fn tell_key(&mut self, name: KeyName) {
        let Some(running) = self.running(UNIT) else { return };
        let secret = !is_data(&running.request.command) && is_digit(name);
        let completion = completion_of(name, running.entry.ended_by);
        let digit = (!secret).then_some(Masked(name));
        self.tell(UNIT, Event::Key(KeyPressed { completion: Some(completion), digit }));
    }

    pub(super) fn pin_ended(&mut self, ended: &Result<device::Answer, Failure>) -> End {
        let answer = |digits, completion| {
            End::Done(Answer::PinEntry(PinEntryEnded {
                error: None,
                digits: Some(digits),
                completion: Some(completion),
            }))
        };
        match ended {
            Ok(device::Answer::Pin(PinEntered::Digits(digits))) => answer(u32::from(*digits), EntryCompletion::Enter),
            Ok(_) => answer(0, EntryCompletion::Cancel),
            Err(failure) => End::Code(general(*failure)),
        }
    }

    pub(super) fn keys_ended(&mut self, ended: &Result<device::Answer, Failure>) -> End {
        let Some(running) = self.running(UNIT) else { return End::Code(CompletionCode::InternalError) };
        let Some(ended_by) = running.entry.ended_by.filter(|_| ended.is_ok()) else {
            return End::Code(CompletionCode::Canceled);
        };
        let press = |name: &KeyName| KeyPressed {
            completion: Some(completion_of(*name, Some(ended_by))),
            digit: Some(Masked(*name)),
        };
        let mut pressed: Vec<KeyPressed> = running.entry.pressed.iter().map(press).collect();
        if !is_digit(ended_by) {
            pressed.push(press(&ended_by));
        }
        End::Done(Answer::DataEntry(DataEntered {
            error: None,
            keys: u32::try_from(pressed.len()).ok(),
            pressed: Some(pressed),
            completion: Some(completion_of(ended_by, Some(ended_by))),
        }))
    }

    pub(super) fn layout(asked: &GetLayout) -> End {
        let keys = (0..).zip(KEYS).map(|(at, key)| LayoutKey {
            x: Some(at % 4 * 250),
            y: Some(at / 4 * 160),
            width: Some(250),
            height: Some(160),
            key: Some(key),
            shifted: None,
        });
        let frame = |keys| {
            vec![Frame { x: Some(0), y: Some(0), width: Some(0), height: Some(0), float: None, keys: Some(keys) }]
        };
        let all: Vec<LayoutKey> = keys.collect();
        let (data, pin) = (frame(all.clone()), frame(all));
        let layout = match asked.mode {
            None => Layout { data: Some(data), pin: Some(pin), secure: None },
            Some(EntryMode::Data) => Layout { data: Some(data), ..Layout::default() },
            Some(EntryMode::Pin) => Layout { pin: Some(pin), ..Layout::default() },
            Some(EntryMode::Secure) => {
                let error = Some(LayoutError::ModeNotSupported);
                return End::Error(Answer::GetLayout(LayoutAnswer { error, layout: None }));
            }
        };
        End::Done(Answer::GetLayout(LayoutAnswer { error: None, layout: Some(layout) }))
    }
}

const fn is_data(command: &Command) -> bool {
    matches!(command, Command::DataEntry(_))
}

fn all_known(keys: &Entries<ActiveKey>) -> bool {
    keys.0.iter().all(|(name, _)| KeyName::read(name).is_some_and(|known| KEYS.contains(&known)))
}

fn any_terminates(keys: &Entries<ActiveKey>) -> bool {
    keys.0.iter().any(|(_, key)| key.terminate == Some(true))
}

fn is_digit(name: KeyName) -> bool {
    KEYS[..14].contains(&name) && !matches!(name, KeyName::Cancel | KeyName::Clear | KeyName::Enter)
}

fn completion_of(name: KeyName, ended_by: Option<KeyName>) -> EntryCompletion {
    let ends = ended_by == Some(name);
    match () {
        () if name == KeyName::Clear && !ends => EntryCompletion::Clear,
        () if name == KeyName::Enter && ends => EntryCompletion::Enter,
        () if name == KeyName::Cancel && ends => EntryCompletion::Cancel,
        () if is_digit(name) && ends => EntryCompletion::Auto,
        () if is_digit(name) || matches!(name, KeyName::Enter | KeyName::Cancel) => EntryCompletion::Continue,
        () if ends => EntryCompletion::Fdk,
        () => EntryCompletion::ContFdk,
    }
}

fn named(key: Key) -> Option<KeyName> {
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
    match key {
        Key::Digit(digit) => DIGITS.get(usize::from(digit)).copied(),
        Key::DoubleZero => Some(KeyName::DoubleZero),
        Key::Enter => Some(KeyName::Enter),
        Key::Clear => Some(KeyName::Clear),
        Key::Cancel => Some(KeyName::Cancel),
        Key::Function(number) => KEYS[14..].get(usize::from(number).checked_sub(1)?).copied(),
    }
}
