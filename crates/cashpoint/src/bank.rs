//! Opening banks for commands that are not servers, and migrating them.

use std::sync::Arc;

use anyhow::Result;
use cashpoint_bank::bank::{Bank, Setting};
use cashpoint_bank::clock::SystemClock;
use cashpoint_bank::entropy::SystemEntropy;
use cashpoint_bank::store::Migrated;

use crate::Verdict;
use crate::cli::{BankFlags, Migrate};
use crate::configuration::{BankFiles, bank_files};

/// How a server or a command opens the bank in these files, with the system's clock and randomness.
pub(crate) fn setting(files: BankFiles) -> Setting {
    Setting::new(files.database, files.keys, Arc::new(SystemClock), Arc::new(SystemEntropy))
}

/// Opens the bank as it is (or makes a real one), does something, closes it. The inner result: what to print, or the
/// answer "no" in words.
pub(crate) fn with_open(
    flags: &BankFlags,
    work: impl FnOnce(&Bank) -> Result<Result<String, String>>,
) -> Result<Verdict> {
    let files = match bank_files(&flags.database, flags.keys.clone()) {
        Ok(files) => files,
        Err(wrong) => return Ok(Verdict::Usage(format!("{wrong:#}"))),
    };
    let (bank, notes) = Bank::open(setting(files))?;
    for note in notes {
        eprintln!("cashpoint: {note}");
    }
    let done = work(&bank);
    bank.close();
    Ok(match done? {
        Ok(text) => {
            println!("{text}");
            Verdict::Yes
        }
        Err(no) => {
            eprintln!("cashpoint: {no}");
            Verdict::No
        }
    })
}

/// Brings a database's schema up to date.
pub(crate) fn migrate(migrate: &Migrate) -> Result<Verdict> {
    let database = match migrate.database.read() {
        Ok(database) => database,
        Err(wrong) => return Ok(Verdict::Usage(format!("{wrong}"))),
    };
    let Migrated { from, to } = database.migrate()?;
    if from == to {
        println!("{database} has schema version {to}, which is this program's");
    } else {
        println!("{database} went from schema version {from} to {to}");
    }
    Ok(Verdict::Yes)
}
