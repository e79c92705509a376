//! How a machine and the books stand at one moment, as far as the page shows it.

use cashpoint_bank::sandbox::{Books, PEOPLE, Person};
use cashpoint_core::currency::Currency;
use cashpoint_core::money::Amount;
use cashpoint_core::terminal::device::Usable;
use cashpoint_devices::model::{Armed, CardSlot, Hardware, Pile, Place, Quality, Shutter, Waiting};
use jiff::tz::TimeZone;

use crate::machines::{Plug, Switch};

/// Everything that the page shows.
pub(super) struct Seen {
    pub(super) devices: Devices,
    pub(super) power: Switch,
    pub(super) plug: Plug,
    /// The place in [`PEOPLE`] of whoever's card was in the machine last.
    pub(super) person: usize,
    /// None: they cannot be read now.
    pub(super) books: Option<Books>,
    pub(super) zone: TimeZone,
}

impl Seen {
    /// Whoever's card was in the machine last; the first of all before that.
    pub(super) const fn person(&self) -> &'static Person {
        &PEOPLE[self.person]
    }

    /// So many minor units of the machine's money, as people write it.
    pub(super) fn money(&self, minor: i64) -> String {
        money(Amount::new(minor, self.devices.currency))
    }

    /// What stands on a note: `$20`.
    pub(super) fn face(&self, denomination: i64) -> String {
        let text = self.money(denomination);
        text.strip_suffix(".00").map_or(text.clone(), str::to_owned)
    }
}

/// How the devices stand. No card number and no PIN.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Devices {
    pub(super) currency: Currency,
    pub(super) waits: Vec<Waiting>,
    pub(super) card: CardSlot,
    /// The place in [`PEOPLE`] of whoever's card can be read in the reader.
    pub(super) holder: Option<usize>,
    pub(super) retained: u32,
    pub(super) shutter: Shutter,
    pub(super) exit: Vec<Lot>,
    pub(super) returned: Vec<Lot>,
    pub(super) escrow: u32,
    pub(super) receipt: Option<Vec<String>>,
    pub(super) receipts_left: u32,
    pub(super) cassettes: Vec<Cassette>,
    pub(super) bins: [(Bin, u32, i64); 3],
    /// Between cassettes and slot, neither here nor there.
    pub(super) on_the_way: u32,
    pub(super) stuck: Vec<&'static str>,
    pub(super) faults: Vec<Armed>,
    /// What the notes in the machine add up to, minor units.
    pub(super) inside: i64,
    /// What the acceptor takes, minor units, largest first.
    pub(super) accepted: Vec<i64>,
}

/// Equal notes in one place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Lot {
    pub(super) denomination: i64,
    pub(super) quality: Quality,
    pub(super) count: u32,
}

/// A cassette as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cassette {
    pub(super) denomination: i64,
    pub(super) notes: u32,
    pub(super) filled: u32,
    pub(super) usable: Usable,
}

/// Where notes end that nobody took.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Bin {
    Deposits,
    Rejected,
    Retracted,
}

impl Devices {
    pub(super) fn of(hardware: &Hardware) -> Self {
        let (census, dispenser, card) = (hardware.census(), hardware.dispenser(), hardware.card_reader());
        let number = card.track2().and_then(|track2| track2.split('=').next());
        let cassettes = dispenser.cassettes().iter().enumerate().map(|(at, cassette)| Cassette {
            denomination: cassette.denomination,
            notes: census.at(Place::Cassette(at)).count(),
            filled: cassette.initial,
            usable: hardware.usable(at),
        });
        let bin = |bin, place| {
            let pile = census.at(place);
            (bin, pile.count(), pile.value())
        };
        let way = [Place::Transport, Place::Stacker, Place::AcceptorTransport];
        let jammed = [
            ("card reader", card.slot() == CardSlot::Stuck),
            ("dispenser", dispenser.is_stuck()),
            ("acceptor", hardware.acceptor().is_stuck()),
        ];
        Self {
            currency: hardware.fitting().currency,
            waits: hardware.waiting().collect(),
            card: card.slot(),
            holder: PEOPLE.iter().position(|person| Some(person.number) == number),
            retained: card.retained(),
            shutter: dispenser.shutter(),
            exit: lots(&census.at(Place::Exit)),
            returned: lots(&census.at(Place::ReturnSlot)),
            escrow: census.at(Place::Escrow).count(),
            receipt: hardware.printer().receipt().map(<[String]>::to_vec),
            receipts_left: hardware.printer().left(),
            cassettes: cassettes.collect(),
            bins: [
                bin(Bin::Deposits, Place::DepositBin),
                bin(Bin::Rejected, Place::RejectBin),
                bin(Bin::Retracted, Place::RetractBin),
            ],
            on_the_way: way.into_iter().map(|place| census.at(place).count()).sum(),
            stuck: jammed.into_iter().filter(|(_, stuck)| *stuck).map(|(unit, _)| unit).collect(),
            faults: hardware.faults().armed().to_vec(),
            inside: census.inside(),
            accepted: hardware.fitting().accepted.iter().rev().copied().collect(),
        }
    }

    /// Whether a command waits for that.
    pub(super) fn waits_for(&self, what: Waiting) -> bool {
        self.waits.contains(&what)
    }
}

/// Equal notes together, largest first.
fn lots(pile: &Pile) -> Vec<Lot> {
    let mut lots: Vec<Lot> = Vec::new();
    for (note, count) in pile.iter() {
        let same = |lot: &&mut Lot| (lot.denomination, lot.quality) == (note.denomination, note.quality);
        match lots.iter_mut().find(same) {
            Some(lot) => lot.count += count,
            None => lots.push(Lot { denomination: note.denomination, quality: note.quality, count }),
        }
    }
    lots.sort_by_key(|lot| std::cmp::Reverse(lot.denomination));
    lots
}

/// How many notes.
pub(super) fn count(lots: &[Lot]) -> u32 {
    lots.iter().map(|lot| lot.count).sum()
}

/// What they are worth, minor units.
pub(super) fn value(lots: &[Lot]) -> i64 {
    let genuine = lots.iter().filter(|lot| lot.quality != Quality::False);
    genuine.map(|lot| lot.denomination * i64::from(lot.count)).sum()
}

/// As people write it: `$1,420.00`, `EUR 20.00`.
pub(super) fn money(amount: Amount) -> String {
    let text = amount.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, part) = digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
    let mut grouped = String::new();
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let figure = part.map_or_else(|| grouped.clone(), |part| format!("{grouped}.{part}"));
    match amount.currency() {
        Currency::USD => format!("{sign}${figure}"),
        other => format!("{sign}{} {figure}", other.code()),
    }
}

/// `1 note`, `2 notes`.
pub(super) fn notes(count: u32) -> String {
    if count == 1 { "1 note".to_owned() } else { format!("{count} notes") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_as_people_write_it() {
        for (minor, currency, text) in [
            (0, Currency::USD, "$0.00"),
            (-5, Currency::USD, "-$0.05"),
            (99_999, Currency::USD, "$999.99"),
            (1_000_00, Currency::USD, "$1,000.00"),
            (-12_345_678_90, Currency::EUR, "-EUR 12,345,678.90"),
            (1_234, Currency::JPY, "JPY 1,234"),
        ] {
            assert_eq!(money(Amount::new(minor, currency)), text);
        }
    }
}
