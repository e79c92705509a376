//! A bank with machines that are ready for customers, and what its records say afterwards.
//!
//! Nothing is judged here but whether the bank's records agree with each other: what should have happened is a test's
//! matter.

use std::collections::BTreeMap;
use std::path::Path;

use cashpoint_bank::keys;
use cashpoint_bank::sandbox::Person as Holder;
use cashpoint_bank::store::records::Records;
use cashpoint_bank::verify::verify;
use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, MachineId};
use cashpoint_core::time::{BusinessDate, Timestamp};
use cashpoint_devices::model::{DeviceKeys, Fitting, Hardware, Origin, Place, RANDOM_BYTES};
use zeroize::Zeroizing;

use crate::host::BankHost;
use crate::person::{Plan, Takes, Wish};
use crate::station::Station;

/// What a machine is filled with, minor units.
pub const FILLING: i64 = (50_00 + 20_00 + 10_00) * 100;

/// What lies in a machine's cassettes, by position, minor units.
pub const NOTES: [i64; 3] = [50_00, 20_00, 10_00];

/// What the records of the bank say, in minor units.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Books {
    balances: BTreeMap<String, i64>,
    /// Cases that are not resolved: their matter, and how much they are about.
    pub cases: Vec<(String, i64)>,
    /// Transfers in the order of their commits: what kind, how much.
    pub transfers: Vec<(String, i64)>,
    /// Events of customers: what kind.
    pub events: Vec<String>,
    /// The audit trail: what kind.
    pub audit: Vec<String>,
    /// Withdrawals in two steps, and how each stands.
    pub withdrawals: Vec<String>,
}

impl Books {
    /// Reads the bank in `folder`, and verifies it.
    ///
    /// # Panics
    /// If its records do not agree with each other.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let records = Records::open(&folder.join("bank.db")).expect("a bank can be read");
        let report = verify(&records, None).expect("a bank can be read");
        assert!(report.is_clean(), "{:#?}", report.differences);
        let mut books = Self::default();
        let mut kinds = BTreeMap::new();
        let each = "a bank can be read";
        records.accounts(|row| books.balances.extend([(row.code, row.credits - row.debits)])).expect(each);
        records
            .cases(|row| books.cases.extend(row.resolved.is_none().then_some((row.matter, row.amount))))
            .expect(each);
        records.transfer_kinds(|row| drop(kinds.insert(row.code, row.name))).expect(each);
        records.transfers(|row| books.transfers.push((kinds[&row.kind].clone(), row.amount))).expect(each);
        kinds.clear();
        records.event_kinds(|row| drop(kinds.insert(row.code, row.name))).expect(each);
        records.events(|row| books.events.push(kinds[&row.kind].clone())).expect(each);
        records.audit(|row| books.audit.push(row.kind)).expect(each);
        records.withdrawals(|row| books.withdrawals.push(row.state.unwrap_or_default())).expect(each);
        books
    }

    /// A customer's balance.
    #[must_use]
    pub fn balance(&self, account: AccountNumber) -> i64 {
        self.of(&account.number().to_string())
    }

    /// What the ledger says that a machine holds: an asset, so what it holds stands on the debit side.
    #[must_use]
    pub fn cash(&self, machine: MachineId) -> i64 {
        -self.of(&format!("atm:{machine}:cash:USD"))
    }

    /// What was approved at a machine and is not settled.
    #[must_use]
    pub fn in_flight(&self, machine: MachineId) -> i64 {
        self.of(&format!("atm:{machine}:in_flight:USD"))
    }

    fn of(&self, code: &str) -> i64 {
        self.balances.get(code).copied().unwrap_or(0)
    }
}

/// Noon of a day in autumn: when worlds begin.
#[must_use]
pub fn noon() -> Timestamp {
    let date = BusinessDate::from_civil(2026, 9, 15).expect("it is a date");
    Timestamp::EPOCH.plus_s(i64::from(date.days()) * 86_400 + 43_200)
}

/// Makes a machine and enrols it with the bank. Its process does not run yet.
pub fn machine(host: &mut BankHost, id: MachineId) -> Station {
    enrol(host, id);
    station(host, id)
}

/// Enrols a machine with the bank.
pub fn enrol(host: &mut BankHost, id: MachineId) {
    let random = keys_of(id);
    let part = |from: usize| Zeroizing::new(<[u8; 32]>::try_from(&random[from..from + 32]).expect("32 bytes"));
    let known = keys::DeviceKeys {
        protection: part(0),
        host: part(32),
        device: part(64),
        verifier: Zeroizing::new(random[96..112].try_into().expect("16 bytes")),
    };
    host.enrol(id, known);
}

/// A machine that was enrolled with the bank.
#[must_use]
pub fn station(host: &BankHost, id: MachineId) -> Station {
    let fitting = Fitting::with(Currency::USD, &NOTES.map(|note| (note, 100)));
    let mut hardware = Hardware::new(fitting, DeviceKeys::from_random(&keys_of(id)));
    hardware.set_reference_key(*host.card_key(id).expose());
    Station::new(id, hardware)
}

/// What a machine's devices make their keys of.
#[must_use]
pub fn keys_of(id: MachineId) -> [u8; RANDOM_BYTES] {
    let mut random = [0; RANDOM_BYTES];
    let salt = id.as_str().bytes().fold(11_u8, u8::wrapping_add);
    for (at, byte) in (0_u8..).zip(random.iter_mut()) {
        *byte = at.wrapping_mul(73).wrapping_add(salt);
    }
    random
}

/// A plan of somebody of the sandbox who takes everything that is theirs.
#[must_use]
pub fn plan(holder: &Holder, wish: Wish) -> Plan {
    let track2 = format!("{}=29112010000000000", holder.number);
    let (pin, new_pin) = (holder.pin.to_owned(), holder.pin.to_owned());
    Plan { track2, pin, wish, cash: Takes::All, card: Takes::All, new_pin, bad_notes: Vec::new() }
}

/// What people have that came out of the cassettes, minor units.
#[must_use]
pub fn walked_away_with(hardware: &Hardware) -> i64 {
    let pile = hardware.census().at(Place::Customer);
    let ours = pile.iter().filter(|(note, _)| matches!(note.origin, Origin::Cassette(_)));
    ours.map(|(note, count)| note.denomination * i64::from(count)).sum()
}

/// What customers brought and the machine has, minor units.
#[must_use]
pub fn brought(hardware: &Hardware) -> i64 {
    let inside = hardware.census().iter().filter(|(place, _)| !matches!(place, Place::Customer | Place::Staff));
    let theirs = inside.flat_map(|(_, pile)| pile.iter().collect::<Vec<_>>());
    let theirs = theirs.filter(|(note, _)| note.origin == Origin::Customer);
    theirs.map(|(note, count)| note.denomination * i64::from(count)).sum()
}
