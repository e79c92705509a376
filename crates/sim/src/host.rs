//! The shipping bank as a simulated machine's host: a sandbox bank with one enrolled terminal, in a folder of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cashpoint_bank::bank::{Bank, Mode, Setting};
use cashpoint_bank::clock::{Clock, ManualClock};
use cashpoint_bank::desk::{MachineRequest, PolicyValue};
use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::execute::Failure;
use cashpoint_bank::keys::{DeviceKeys, FileKeyStore, MasterKey, TerminalSecrets};
use cashpoint_bank::link::Heard;
use cashpoint_bank::sandbox::{OPERATOR, seed};
use cashpoint_bank::secret::Password;
use cashpoint_core::command::{EnrolTerminal, KeepTerminalKeys, NewCassette};
use cashpoint_core::currency::Currency;
use cashpoint_core::enrolled::JournalHead;
use cashpoint_core::id::MachineId;
use cashpoint_core::machine::MachineKind;
use cashpoint_core::money::Decimal;
use cashpoint_core::session::Session;
use cashpoint_core::terminal::link::{LinkFailure, Reply};
use cashpoint_core::time::Timestamp;

use crate::world::{Host, Sent};

/// A bank, and its end of one terminal's link.
pub struct BankHost {
    /// The bank.
    pub bank: Bank,
    /// Staff who may do everything.
    pub admin: Session,
    clock: Arc<ManualClock>,
    heard: u64,
}

/// What a machine is filled with: denominations in major units, and so many notes of each.
pub const FILLING: [(&str, u32); 3] = [("50", 100), ("20", 100), ("10", 100)];

impl BankHost {
    /// A bank in `folder` that has made and enrolled `terminal`, and knows the keys of its devices; and the key by which
    /// it names cards to that terminal.
    ///
    /// # Panics
    /// If the folder cannot be used.
    #[must_use]
    pub fn new(folder: &Path, terminal: MachineId, devices: DeviceKeys, now: Timestamp) -> Self {
        let clock = Arc::new(ManualClock::new(now));
        let entropy = Arc::new(SeededEntropy::new(1));
        let (database, keys) = (folder.join("bank.db"), folder.join("keys.toml"));
        let setting = Setting::new(database, keys.clone(), clock.clone(), entropy.clone()).with_mode(Mode::Sandbox);
        let bank = Bank::open(setting).expect("a new folder takes a bank").0;
        seed(&bank).expect("a new bank takes play data");
        let password = Password::attempt(OPERATOR.1).expect("it is short enough");
        let admin = bank.log_in_operator(OPERATOR.0, password).expect("the bank answers").expect("it is right").session;
        let note = |(value, count)| NewCassette { denomination: Decimal::parse(value).expect("a figure"), count };
        let request = MachineRequest {
            machine: terminal,
            kind: MachineKind::Terminal,
            location: "Simulated".to_owned(),
            currency: Some(Currency::USD),
            cassettes: FILLING.map(note).to_vec(),
        };
        bank.create_machine(admin, "machine", request).expect("the bank answers").expect("nobody has this name");
        let views = bank.machines_watched().expect("the bank answers");
        let code = views.iter().find(|view| view.identity.id == terminal).expect("it was made").identity.secret;
        let done = |outcome: Result<_, _>| drop(outcome.expect("a new machine is enrolled once"));
        done(bank.execute(EnrolTerminal { terminal, code, key: [9; 32] }).expect("the bank answers").outcome);
        let store = FileKeyStore::open(&keys, MasterKey::InFile, entropy.clone()).expect("the bank made its keys");
        let secrets = TerminalSecrets::make(&*entropy).with_devices(devices);
        let keys = secrets.seal(terminal, &store, &*entropy).expect("the bank's keys seal");
        done(bank.execute(KeepTerminalKeys { terminal, keys }).expect("the bank answers").outcome);
        Self { bank, admin, clock, heard: 0 }
    }

    /// Sets values of the policy.
    ///
    /// # Panics
    /// If the bank refuses them.
    pub fn set_policy(&self, values: Vec<(String, PolicyValue)>) {
        let set = self.bank.set_policies(self.admin, values);
        drop(set.expect("the bank answers").expect("the values are right"));
    }
}

impl Host for BankHost {
    fn answer(&mut self, sent: Sent<'_>, now: Timestamp) -> Result<Reply, LinkFailure> {
        let Sent { terminal, lane, request } = sent;
        let behind = now.micros().saturating_sub(self.clock.reading().wall.micros());
        if let Ok(behind) = u64::try_from(behind) {
            self.clock.advance(Duration::from_micros(behind));
        }
        self.heard += 1;
        let head = JournalHead { n: self.heard, mac: [5; 32] };
        let heard = Heard { lane, number: self.heard, head };
        self.bank.terminal_request(terminal, heard, request.clone()).map_err(|failure| match failure {
            Failure::Overloaded => LinkFailure::Busy,
            Failure::DatabaseUnavailable | Failure::ClockDisagrees | Failure::Internal => LinkFailure::TimedOut,
        })
    }
}

impl Drop for BankHost {
    fn drop(&mut self) {
        self.bank.close();
    }
}
