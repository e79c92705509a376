//! What people come for, how they behave, and when the next one comes.

use cashpoint_core::currency::Currency;
use cashpoint_core::id::AccountNumber;
use cashpoint_core::money::Amount;
use cashpoint_devices::model::{Inserted, Quality};

use super::host::Customer;
use super::profile::{Level, Profile};
use crate::chance::Chance;
use crate::person::{Plan, Takes, Wish};

/// What people ask for, major units; one that no notes make is among them.
const AMOUNTS: [i64; 12] = [10, 20, 20, 40, 50, 60, 80, 100, 150, 180, 300, 35];

/// Notes that people bring, major units.
const NOTES: [i64; 3] = [10, 20, 50];

/// How long an impatient person stays, and everybody at most, milliseconds.
const IMPATIENT_MS: u64 = 25_000;
const PATIENT_MS: u64 = 180_000;

/// How often people are careless even where nothing else goes wrong, per mille.
const CARELESS: (u64, u64) = (20, 200);

/// How often there are notes among others that no machine should take, per mille.
const BAD_NOTES: (u64, u64) = (50, 400);

/// Somebody's plan; they know one account of somebody else.
pub fn plan(customer: &Customer, stranger: AccountNumber, profile: &Profile, chance: &mut Chance) -> Plan {
    let careless = |chance: &mut Chance| slips(profile.absent_minds, chance);
    let (from, to) = match chance.below(4) {
        0 => (customer.accounts[1].0, customer.accounts[0].0),
        _ => (customer.accounts[0].0, customer.accounts[1].0),
    };
    let major = |figure: i64| Amount::new(figure * 100, Currency::USD);
    let amount = AMOUNTS[index(chance, AMOUNTS.len())];
    // Some send more than they have.
    let sent = if chance.below(3) == 0 { amount * 10 } else { amount };
    let wish = match chance.below(100) {
        0..55 => Wish::Cash(from, major(amount)),
        55..78 => Wish::Deposit(from, brought(chance)),
        78..84 => Wish::Send(from, to, major(sent)),
        84..88 => Wish::Send(from, stranger, major(sent)),
        88..91 => Wish::NewPin,
        _ => Wish::Balance(from),
    };
    let cash = match () {
        () if !careless(chance) => Takes::All,
        () if chance.below(2) == 0 => Takes::Some(1 + u32::try_from(chance.below(3)).unwrap_or(0)),
        () => Takes::Nothing,
    };
    let card = if careless(chance) && chance.below(3) == 0 { Takes::Nothing } else { Takes::All };
    let pin = if careless(chance) && chance.below(3) == 0 { "0000".to_owned() } else { customer.pin.clone() };
    let (track2, new_pin) = (customer.track2.clone(), customer.other_pin.clone());
    let bad_notes = bad_notes(profile.forgers, chance);
    Plan { track2, pin, wish, cash, card, new_pin, bad_notes }
}

/// What somebody does with a card that is not theirs: they do not know its PIN.
pub fn guess(customer: &Customer, chance: &mut Chance) -> Plan {
    let amount = Amount::new(AMOUNTS[index(chance, AMOUNTS.len())] * 100, Currency::USD);
    let pin = format!("{}", 1_000 + chance.below(1_000));
    let wish = Wish::Cash(customer.accounts[0].0, amount);
    let (track2, new_pin) = (customer.track2.clone(), pin.clone());
    Plan { track2, pin, wish, cash: Takes::All, card: Takes::All, new_pin, bad_notes: Vec::new() }
}

fn bad_notes(forgers: Level, chance: &mut Chance) -> Vec<Inserted> {
    if chance.below(1000) >= forgers.per_mille(BAD_NOTES.0, BAD_NOTES.1) {
        return Vec::new();
    }
    let quality = if chance.below(2) == 0 { Quality::False } else { Quality::Worn };
    let denomination = NOTES[index(chance, NOTES.len())] * 100;
    vec![Inserted { denomination, quality, count: 1 + u32::try_from(chance.below(3)).unwrap_or(0) }]
}

/// How long somebody stays whatever the machine does, milliseconds.
pub fn patience_ms(profile: &Profile, chance: &mut Chance) -> i64 {
    let hasty = slips(profile.absent_minds, chance);
    let ms = if hasty { 1_000 + chance.below(IMPATIENT_MS) } else { PATIENT_MS };
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// How long until the next one comes, milliseconds: mostly soon, sometimes not.
pub fn pause_ms(chance: &mut Chance) -> i64 {
    let longest = if chance.below(10) == 0 { 60_000 } else { 6_000 };
    i64::try_from(500 + chance.below(longest)).unwrap_or(i64::MAX)
}

fn slips(level: Level, chance: &mut Chance) -> bool {
    chance.below(1000) < level.per_mille(CARELESS.0, CARELESS.1)
}

fn brought(chance: &mut Chance) -> Vec<(i64, u32)> {
    let kinds = NOTES.iter().filter_map(|note| {
        let count = u32::try_from(chance.below(4)).unwrap_or(0);
        (count > 0).then_some((note * 100, count))
    });
    let notes: Vec<_> = kinds.collect();
    if notes.is_empty() { vec![(50_00, 1)] } else { notes }
}

/// One of so many.
pub fn index(chance: &mut Chance, count: usize) -> usize {
    usize::try_from(chance.below(count as u64)).expect("it is an index")
}
