//! What must be nowhere, and where it could be.

use super::ledger::FILE;
use super::{Town, bench};
use crate::audit::Violation;
use crate::audit::seen::{Secret, Seen};

/// The shortest PIN that is looked for: fewer digits are in everything.
const TELLING_DIGITS: usize = 8;

impl Town<'_> {
    /// Tells card numbers, PINs that are long enough to tell, the keys of devices, and the bank's own.
    pub(super) fn tell_secrets(&mut self) -> Result<(), Violation> {
        let mut secrets: Vec<Vec<u8>> = Vec::new();
        for person in &self.people {
            let number = person.track2.split('=').next().unwrap_or_default();
            secrets.push(number.as_bytes().to_vec());
            secrets.extend((person.pin.len() >= TELLING_DIGITS).then(|| person.pin.as_bytes().to_vec()));
        }
        for machine in self.machines.iter() {
            let keys = bench::keys_of(machine.world.station.id);
            // Protection, host and device keys of 32 bytes; the verifier's of 16.
            let keys = [&keys[..32], &keys[32..64], &keys[64..96], &keys[96..112]];
            secrets.extend(keys.into_iter().flat_map(written));
        }
        let file = std::fs::read_to_string(self.folder.path().join("keys.toml")).unwrap_or_default();
        let master = file.lines().find_map(|line| line.strip_prefix("master = \"")?.strip_suffix('"'));
        secrets.extend(master.map(|master| master.as_bytes().to_vec()));
        secrets.into_iter().try_for_each(|secret| self.tell(None, Seen::Secret(Secret(secret))))
    }

    /// The bytes of everything that outlives the run: journals, and the bank's database.
    pub(super) fn kept(&self) -> Vec<(String, Vec<u8>)> {
        let journals = self.machines.iter().map(|machine| {
            let station = &machine.world.station;
            (format!("the journal of {}", station.id), station.journal.bytes().collect::<Vec<_>>().concat())
        });
        let files = [FILE, "bank.db-wal"].map(|name| (name, std::fs::read(self.folder.path().join(name))));
        let files = files.into_iter().filter_map(|(name, bytes)| Some((name.to_owned(), bytes.ok()?)));
        journals.chain(files).collect()
    }
}

/// A key as it is, and as it is written in hexadecimal digits.
fn written(key: &[u8]) -> [Vec<u8>; 3] {
    let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    [key.to_vec(), digits.to_uppercase().into_bytes(), digits.into_bytes()]
}
