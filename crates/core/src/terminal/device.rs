//! What a terminal asks of its hardware and hears from it, in the terms of XFS4IoT but without its messages.
//!
//! The XFS4IoT client of the terminal's shell speaks it on one side, the hardware model of the simulator on the other.

mod units;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::mix::Notes;
use crate::money::Amount;
use crate::secret::Pan;

pub use units::{Accuracy, Bin, CassetteCounters, Counters, Filling, Usable, Way};

/// The devices of one ATM.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Unit {
    /// Card reader.
    CardReader,
    /// Encrypting PIN pad and its keyboard.
    PinPad,
    /// Cash dispenser.
    Dispenser,
    /// Cash acceptor.
    Acceptor,
    /// Receipt printer.
    Printer,
}

/// What a device is told to do. Each ends with one [`Report::Done`] or [`Report::Failed`] of its unit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Wait for a card, take it in, read track 2 (`CardReader.ReadRawData`).
    ReadCard,
    /// Move the card to the exit (`CardReader.Move`); [`Event::CardTaken`] follows when it is taken.
    EjectCard,
    /// Keep the card, from the transport or the exit.
    RetainCard,
    /// Take a PIN of 4 to 12 digits into the pad (`Keyboard.PinEntry`).
    EnterPin,
    /// Make the block that goes to the host: ISO 9564-1 format 4 under the pad's PIN key (`PinPad.GetPinBlock`). The PIN is
    /// gone from the pad afterwards.
    OnlinePinBlock(Pan),
    /// Make the verifier that is compared offline: a MAC with `salt` over the format 0 block that the pad makes under a key
    /// of its own. The block itself goes nowhere.
    OfflineVerifier {
        /// The card.
        pan: Pan,
        /// What the host chose for this card at this machine.
        salt: [u8; 32],
    },
    /// Give the pad the key for its PIN blocks (`KeyManagement.ImportKey`), in place of an earlier one.
    ImportPinKey(KeyBlock),
    /// Let the pad's keys work as keys (`Keyboard.DataEntry`); each is told by [`Event::Key`]. Ends when cancelled.
    AcceptKeys,
    /// Fetch the dispenser's nonce (`Common.GetCommandNonce`).
    FetchNonce,
    /// Forget it (`Common.ClearCommandNonce`).
    ClearNonce,
    /// Move notes from the cassettes to the stacker (`CashDispenser.Dispense`).
    Dispense(Dispense),
    /// Put the notes within the customer's reach (`CashDispenser.Present`); [`Event::NotesTaken`] follows.
    Present,
    /// Move the notes on the stacker to the reject bin (`CashDispenser.Reject`).
    Reject,
    /// Take presented notes back (`CashManagement.Retract`).
    Retract,
    /// What became of the last dispense, signed for `nonce` where the device signs (`CashDispenser.GetPresentStatus`).
    PresentStatus {
        /// The host's nonce.
        nonce: Option<Nonce>,
    },
    /// The dispenser's counters and what lies in its ways (`Storage.GetStorage`, `Common.Status`).
    ReadCounters,
    /// Begin a deposit (`CashAcceptor.CashInStart`).
    StartCashIn,
    /// Take notes into escrow and count them (`CashAcceptor.CashIn`).
    TakeNotes,
    /// Move the escrow into the deposit bin (`CashAcceptor.CashInEnd`).
    StoreNotes,
    /// Give the escrow back (`CashAcceptor.CashInRollback`); [`Event::DepositReturnTaken`] follows.
    ReturnNotes,
    /// How the last deposit stands (`CashAcceptor.GetCashInStatus`).
    CashInStatus,
    /// Begin an exchange of cassettes (`Storage.StartExchange`): until it ends, the dispenser moves nothing. One that is
    /// active already is as good.
    StartExchange,
    /// Say what staff put into the units, and end the exchange (`Storage.SetStorage`, `Storage.EndExchange`).
    EndExchange(Filling),
    /// Say that the deposit bin is empty (`Storage.StartExchange`, `Storage.SetStorage`, `Storage.EndExchange`).
    EmptyDeposits,
    /// Print a receipt and hand it out (`Printer.PrintRaw`, `Printer.ControlMedia`).
    Print(Vec<String>),
    /// Stop waiting for the customer (`Common.Cancel`): the running command of that unit ends with [`Failure::Cancelled`],
    /// or as it would have.
    Cancel(Unit),
    /// Whether the device works at all (`Common.Status`).
    Probe(Unit),
}

impl Command {
    /// Which device it is for.
    #[must_use]
    pub const fn unit(&self) -> Unit {
        match self {
            Self::ReadCard | Self::EjectCard | Self::RetainCard => Unit::CardReader,
            Self::EnterPin
            | Self::OnlinePinBlock(_)
            | Self::OfflineVerifier { .. }
            | Self::ImportPinKey(_)
            | Self::AcceptKeys => Unit::PinPad,
            Self::FetchNonce
            | Self::ClearNonce
            | Self::Dispense(_)
            | Self::Present
            | Self::Reject
            | Self::Retract
            | Self::PresentStatus { .. }
            | Self::ReadCounters
            | Self::StartExchange
            | Self::EndExchange(_) => Unit::Dispenser,
            Self::StartCashIn
            | Self::TakeNotes
            | Self::StoreNotes
            | Self::ReturnNotes
            | Self::CashInStatus
            | Self::EmptyDeposits => Unit::Acceptor,
            Self::Print(_) => Unit::Printer,
            Self::Cancel(unit) | Self::Probe(unit) => *unit,
        }
    }
}

/// Notes to move to the stacker, and by what right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dispense {
    /// How many from each cassette, by position.
    pub notes: Vec<u32>,
    /// What they add up to.
    pub amount: Amount,
    /// The host's leave.
    pub token: DispenseToken,
}

/// A nonce of the dispenser or of the host: 32 upper-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Nonce(pub [u8; 16]);

/// The host's leave to dispense up to an amount for one nonce, as text (XFS4IoT end-to-end security). Not a secret: the
/// device obeys it once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DispenseToken(pub String);

impl DispenseToken {
    /// How the device will name a dispense by this token: the 64 upper-case hexadecimal digits that it ends with. `None` for
    /// a text that does not end so and is no token.
    #[must_use]
    pub fn id(&self) -> Option<DispenseId> {
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'A'..=b'F' => Some(digit - b'A' + 10),
            _ => None,
        };
        let digits = self.0.as_bytes().last_chunk::<64>()?;
        let mut id = [0; 32];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Some(id)
    }
}

/// The end of a dispense token, as bytes: by it the device says which dispense it speaks of.
pub type DispenseId = [u8; 32];

/// An enciphered PIN block (ISO 9564-1 format 4). Not shown in `Debug`, never stored, wiped when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct PinBlock(pub [u8; 16]);

impl std::fmt::Debug for PinBlock {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("PinBlock(…)")
    }
}

/// A PIN key enciphered for one pad, as text (TR-31 version D, usage `P0`). Not shown in `Debug`: keys are not, even
/// enciphered.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyBlock(pub String);

impl std::fmt::Debug for KeyBlock {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("KeyBlock(…)")
    }
}

/// By what two sides see that they hold the same key, without telling it: the first three bytes of the key's AES-CMAC over a
/// block of zeros.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CheckValue(pub [u8; 3]);

/// What a device tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Report {
    /// The unit's command is done.
    Done(Answer),
    /// It is not.
    Failed(Unit, Failure),
    /// Something happened by itself.
    Event(Event),
}

/// What a command brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// A card was read.
    Card(CardRead),
    /// The card is at the exit.
    CardEjected,
    /// The card is in the retain bin.
    CardRetained,
    /// The PIN is in the pad, or the customer gave up.
    Pin(PinEntered),
    /// The block for the host.
    PinBlock(PinBlock),
    /// The verifier to compare.
    OfflineVerifier([u8; 32]),
    /// The PIN key is in the pad.
    KeyImported(CheckValue),
    /// Keys are no longer taken.
    KeysEnded,
    /// The dispenser's nonce.
    Nonce(Nonce),
    /// It is forgotten.
    NonceCleared,
    /// Notes on the stacker, by cassette position; perhaps fewer than asked for.
    Dispensed(Vec<u32>),
    /// Within the customer's reach.
    Presented,
    /// In the reject bin.
    Rejected,
    /// Taken back; none: it could not be counted.
    Retracted(Option<Notes>),
    /// What became of the last dispense.
    PresentStatus(PresentStatus),
    /// The counters.
    Counters(Counters),
    /// A deposit has begun.
    CashInStarted,
    /// Notes that this command took into escrow, and how many it gave back.
    NotesTaken {
        /// Accepted now, not those from before.
        accepted: Notes,
        /// Notes refused and given back.
        refused: u32,
    },
    /// In the deposit bin: everything that the deposit brought.
    NotesStored(Notes),
    /// Back at the slot.
    NotesReturned,
    /// How the last deposit stands.
    CashInStatus(CashInStatus),
    /// An exchange is active.
    ExchangeStarted,
    /// It is over, and the units are filled as was said.
    ExchangeEnded,
    /// The deposit bin counts as empty.
    DepositsEmptied,
    /// Printed and handed out.
    Printed,
    /// The device works.
    Works(Unit),
}

/// What came off a card. The number is nowhere written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CardRead {
    /// Its number.
    pub pan: Pan,
    /// A keyed digest of the number, the same as the host's for this terminal: for the journal and the hot list.
    pub reference: CardReference,
    /// Last month in which it is valid: year since 2000, month.
    pub expires: (u8, u8),
}

/// A keyed digest of a card number, its key known to one terminal and the host.
pub type CardReference = [u8; 32];

/// How PIN entry ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PinEntered {
    /// So many digits.
    Digits(u8),
    /// The customer pressed cancel.
    GivenUp,
}

/// Why a command did not do what it was told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Failure {
    /// Something is stuck.
    Jam,
    /// There is nothing to act on (no card, no notes).
    Nothing,
    /// The customer took some or all in the meantime.
    AlreadyTaken,
    /// The shutter did not open: nothing was within reach.
    ShutterStuck,
    /// Presenting failed and the notes are still inside.
    NotPresented,
    /// Presenting failed and at least some notes are within reach.
    PartlyPresented,
    /// A cassette or bin cannot give or take; nothing, or only counted notes, moved.
    Cassette,
    /// The notes that are there cannot make it, or are too many at once.
    NotDispensable,
    /// Notes of an earlier operation are in the way.
    ItemsLeft,
    /// The token does not serve: missing, used, over its amount, for another nonce, forged.
    Token,
    /// No nonce is stored.
    NoNonce,
    /// The PIN is no longer in the pad.
    NoPin,
    /// A key that the command needs is not in the device, or the one that was given is not taken.
    Key,
    /// Paper is out.
    PaperOut,
    /// The medium cannot be read.
    Unreadable,
    /// The customer did nothing for too long.
    TimedOut,
    /// It was stopped.
    Cancelled,
    /// It makes no sense in the device's state.
    Sequence,
    /// A cash-in is open from before.
    CashInActive,
    /// The device is broken.
    Hardware,
    /// The device cannot be reached; what it did is unknown.
    Lost,
    /// An attack on the device is suspected.
    Fraud,
}

/// What happens by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The card was taken from the exit.
    CardTaken,
    /// Presented notes were taken, all that were left.
    NotesTaken,
    /// Returned deposit notes were taken.
    DepositReturnTaken,
    /// A key of the pad.
    Key(Key),
    /// So many PIN digits are in the pad now; never which.
    PinDigits(u8),
    /// The dispenser forgot its nonce.
    NonceCleared,
    /// The receipt was taken.
    ReceiptTaken,
    /// The connection to a device was lost. A command that was running is reported as [`Failure::Lost`] as well.
    Disconnected(Unit),
    /// It is there again.
    Connected(Unit),
    /// Something about the device changed that may put it in or out of use.
    StatusChanged(Unit),
}

/// A key of the pad outside PIN entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// 0 to 9.
    Digit(u8),
    /// Two zeros.
    DoubleZero,
    /// Enter.
    Enter,
    /// Clear.
    Clear,
    /// Cancel.
    Cancel,
    /// A function key beside the screen, from 1.
    Function(u8),
}

/// What became of the last dispense.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PresentStatus {
    /// Whether the customer could reach the notes.
    pub state: PresentState,
    /// What was dispensed, by cassette position, if the device knows.
    pub notes: Option<Vec<u32>>,
    /// Which dispense it speaks of, if it says.
    pub dispense: Option<DispenseId>,
    /// The device's signed word, for the host to check.
    pub token: Option<String>,
}

/// Whether the customer could reach dispensed notes. Stays until the next dispense.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PresentState {
    /// They could.
    Presented,
    /// They could not.
    NotPresented,
    /// The device cannot tell.
    Unknown,
}

/// How the last deposit stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CashInStatus {
    /// How.
    pub state: CashInState,
    /// What it accepted in all.
    pub accepted: Notes,
}

/// How a deposit stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CashInState {
    /// Its notes are in the deposit bin.
    Stored,
    /// They were given back.
    Returned,
    /// They are in escrow.
    Active,
    /// They were taken back after having been given back.
    Retracted,
    /// The device cannot tell, or the list is not reliable.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_dispense_by_its_end() {
        let check = |text: &str, id: Option<DispenseId>| assert_eq!(DispenseToken(text.to_owned()).id(), id, "{text}");
        let digits = "0F".repeat(32);
        check(&format!("HMACSHA256={digits}"), Some([0x0F; 32]));
        check(&digits, Some([0x0F; 32]));
        check(&digits[1..], None);
        check(&digits.to_lowercase(), None);
        check(&format!("{digits}=\u{e9}"), None);
        check("", None);
    }

    #[test]
    fn pin_blocks_and_key_blocks_are_not_shown() {
        assert_eq!(format!("{:?}", PinBlock([0xAB; 16])), "PinBlock(…)");
        assert_eq!(format!("{:?}", KeyBlock("D0144P0AE00N0000".to_owned())), "KeyBlock(…)");
    }
}
