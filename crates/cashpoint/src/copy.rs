//! `cashpoint copy`: moves a bank, and says what came of it.

use anyhow::Result;
use cashpoint_bank::copy::{CopyError, copy as copy_bank};
use cashpoint_bank::keys::KeyStore;
use cashpoint_bank::store::database::Database;

use crate::Verdict;
use crate::cli::Copy;
use crate::configuration::bank_files;
use crate::verify;

/// Copies a bank from a file to a server.
///
/// # Errors
/// One of them cannot be had, a host serves the file, something is in the target already, or the keys cannot be read.
pub(crate) fn copy(copy: Copy) -> Result<Verdict> {
    let named = copy.keys.clone();
    let (files, to) = match (bank_files(&copy.from, copy.keys), copy.to.read()) {
        (Ok(files), Ok(to)) => (files, to),
        (Err(wrong), _) => return Ok(Verdict::Usage(format!("--from: {wrong:#}"))),
        (_, Err(wrong)) => return Ok(Verdict::Usage(format!("--to: {wrong}"))),
    };
    let (Database::Sqlite(from), Database::Postgres(address)) = (&files.database, &to) else {
        let text = "a bank moves from sqlite:PATH to postgres://…: between two files copy the file and its keys, between two \
                    servers use their own tools (pg_dump); no bank moves from a server into a file";
        return Ok(Verdict::Usage(text.to_owned()));
    };
    let keys = verify::keys(named.as_deref(), &files.keys)?;
    let keys = keys.as_ref().map(|keys| keys as &dyn KeyStore);
    match copy_bank(from, address, keys) {
        Ok(copied) => {
            println!("copied {} rows in {} tables from {} to {to}", copied.rows, copied.tables, files.database);
            for limit in &copied.limits {
                println!("note: {limit}");
            }
            println!("both sides agree with themselves and with each other");
            println!("serve {to} with the same key file from now on, and {} no more", files.database);
            Ok(Verdict::Yes)
        }
        Err(CopyError::Database(error)) => Err(error.into()),
        Err(error) => {
            eprintln!("cashpoint: {error}");
            if let CopyError::Source(report) | CopyError::Target(report) = &error {
                verify::write_words(report, &mut std::io::stdout().lock())?;
            }
            Ok(Verdict::No)
        }
    }
}
