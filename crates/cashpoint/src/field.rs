//! What `verify` is given of terminals: their journals, and the states of their devices, read as they lie on the disk.
//!
//! A journal's keys are looked for beside it. Nothing is judged here, and no file is changed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use cashpoint_bank::verify::{Chain, Field, Found, FoundNotes};
use cashpoint_devices::model::{Hardware, Place};
use cashpoint_devices::server::StateFile;
use cashpoint_terminal::identity::Identity;
use cashpoint_terminal::journal::{JournalError, read_only};
use cashpoint_wire::journal::ChainKey;

/// Reads them; the first devices are those of the first journal's terminal, and so on.
///
/// # Errors
/// A file cannot be read, or a journal's keys are not beside it.
pub(crate) fn read(journals: &[PathBuf], devices: &[PathBuf]) -> Result<Field> {
    let mut devices = devices.iter();
    let mut field = Field::default();
    for journal in journals {
        let identity = Identity::read(&keys_beside(journal)?)?;
        let chain = match read_only(journal, &ChainKey::new(*identity.chain_key)) {
            Ok((base, entries)) => Ok(Chain { base, entries }),
            Err(JournalError::Tampered { what, .. }) => Err(what.to_string()),
            Err(JournalError::Beheaded { .. }) => Err("it lacks its beginning, and nothing stands for it".to_owned()),
            Err(error @ (JournalError::Unreadable { .. } | JournalError::InUse { .. })) => return Err(error.into()),
        };
        let notes = devices.next().map(|path| notes_in(path)).transpose()?;
        field.terminals.push(Found { terminal: identity.terminal, journal: chain, notes });
    }
    Ok(field)
}

/// `terminal.keys.toml` for `terminal.db`, or else `keys.toml` in the same folder.
fn keys_beside(journal: &Path) -> Result<PathBuf> {
    let places = [journal.with_extension("keys.toml"), journal.with_file_name("keys.toml")];
    match places.iter().find(|path| path.exists()) {
        Some(path) => Ok(path.clone()),
        None => {
            let [own, shared] = places.map(|path| path.display().to_string());
            bail!("the journal {} has no keys beside it: neither {own} nor {shared} is there", journal.display())
        }
    }
}

fn notes_in(path: &Path) -> Result<FoundNotes> {
    let read = StateFile::at(path.to_owned()).load()?;
    let hardware = read.with_context(|| format!("the devices' state {} is not there", path.display()))?;
    let census = hardware.census();
    let value = |places: &[Place]| places.iter().map(|place| census.at(*place).value()).sum();
    Ok(FoundNotes {
        cassettes: cassettes(&hardware),
        rejected: value(&[Place::RejectBin]),
        retracted: value(&[Place::RetractBin]),
        deposited: value(&[Place::DepositBin]),
        on_the_way: value(&[Place::Transport, Place::Stacker, Place::Exit]),
        each_once: census.is_conserved(),
    })
}

fn cassettes(hardware: &Hardware) -> Vec<(i64, u32)> {
    let fitted = hardware.dispenser().cassettes().iter().enumerate();
    fitted.map(|(at, fitted)| (fitted.denomination, hardware.census().at(Place::Cassette(at)).count())).collect()
}
