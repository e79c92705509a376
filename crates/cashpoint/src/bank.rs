//! Opening banks for commands that are not servers; migrating them, and archiving their history.

use std::sync::Arc;

use anyhow::Result;
use cashpoint_bank::bank::{Bank, Setting};
use cashpoint_bank::clock::SystemClock;
use cashpoint_bank::entropy::SystemEntropy;
use cashpoint_bank::store::database::ArchiveError;
use cashpoint_bank::store::{Archived, Archiving, Migrated};

use crate::Verdict;
use crate::cli::{Archive, BankFlags, Migrate};
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

/// Takes history of months that are over out of a server's hot tables.
pub(crate) fn archive(archive: &Archive) -> Result<Verdict> {
    let database = match archive.database.read() {
        Ok(database) => database,
        Err(wrong) => return Ok(Verdict::Usage(format!("{wrong}"))),
    };
    let (before, at_once) = (archive.before, archive.at_once);
    match database.archive(Archiving { before, at_once }) {
        Ok(Archived { transfers, events }) => {
            println!("archived {transfers} transfers and {events} events of before {before}");
            Ok(Verdict::Yes)
        }
        Err(error @ ArchiveError::OneFile) => Ok(Verdict::Usage(error.to_string())),
        Err(error @ ArchiveError::NotOver(_)) => {
            eprintln!("cashpoint: {error}");
            Ok(Verdict::No)
        }
        Err(ArchiveError::Database(error)) => Err(error.into()),
    }
}
