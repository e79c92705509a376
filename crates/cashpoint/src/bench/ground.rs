//! Where a benchmark plays: a sandbox of its own, with a crowd in it.

use std::path::Path;

use anyhow::{Result, bail};
use cashpoint_bank::bank::{Bank, Mode};
use cashpoint_bank::crowd::{Crowd, Member};
use cashpoint_bank::store::database::Database;
use indicatif::{ProgressBar, ProgressStyle};
use tempfile::TempDir;

use crate::bank::setting;
use crate::configuration::{BankFiles, DatabaseUrl, bank_files};

/// How many machines there are.
pub(super) const MACHINES: usize = 1_000;

/// The files of a benchmark's bank.
pub(super) struct Ground {
    files: BankFiles,
    /// Removed with everything in it when the benchmark ends.
    _folder: Option<TempDir>,
}

impl Ground {
    /// A place for a new bank.
    ///
    /// # Errors
    /// There is something already, or nothing can be written.
    pub(super) fn new(database: Option<&DatabaseUrl>) -> Result<Self> {
        let Some(url) = database else {
            let folder = tempfile::Builder::new().prefix("cashpoint-bench-").tempdir()?;
            return Ok(Self { files: within(folder.path()), _folder: Some(folder) });
        };
        let database = url.read()?;
        match &database {
            Database::Sqlite(path) if path.exists() => {
                bail!("{database} exists: a benchmark makes its own sandbox, name a new file");
            }
            Database::Sqlite(_) => Ok(Self { files: bank_files(url, None)?, _folder: None }),
            // A bank that is there already has keys, and these are not they: it is not opened.
            Database::Postgres(_) | Database::Memory(_) => {
                let folder = tempfile::Builder::new().prefix("cashpoint-bench-").tempdir()?;
                let keys = folder.path().join("keys.toml");
                Ok(Self { files: BankFiles { database, keys }, _folder: Some(folder) })
            }
        }
    }

    /// The bank's files.
    pub(super) fn files(&self) -> &BankFiles {
        &self.files
    }

    /// Opens the bank, or makes it.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(super) fn open(&self) -> Result<Bank> {
        self.open_with_groups(None)
    }

    /// As [`Self::open`], with groups of at most so many commands, and room for twice as many to wait.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(super) fn open_with_groups(&self, size: Option<usize>) -> Result<Bank> {
        let BankFiles { database, keys } = &self.files;
        let mut setting = setting(BankFiles { database: database.clone(), keys: keys.clone() });
        if let Some(size) = size {
            setting.group = size;
            setting.queue = 2 * size;
        }
        Ok(Bank::open(setting.with_mode(Mode::Sandbox))?.0)
    }
}

fn within(folder: &Path) -> BankFiles {
    BankFiles { database: folder.join("bank.db").into(), keys: folder.join("keys.toml") }
}

/// Makes a crowd in a new bank; hands over every member.
///
/// # Errors
/// The world failed.
pub(super) fn crowd(bank: &Bank, accounts: usize, mut each: impl FnMut(Member)) -> Result<Crowd> {
    let bar = progress(accounts, "accounts");
    let mut crowd = Crowd::begin(bank, MACHINES)?;
    crowd.add(accounts, |member| {
        bar.inc(1);
        each(member);
    })?;
    bar.finish_and_clear();
    Ok(crowd)
}

/// A bar on standard error; nothing where that is no terminal.
pub(super) fn progress(steps: usize, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {prefix} {msg} (about {eta} left)");
    let bar = ProgressBar::new(u64::try_from(steps).expect("a count fits 64 bits"));
    bar.with_style(style.expect("the template is well-formed")).with_prefix(what)
}
