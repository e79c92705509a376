//! `cashpoint tls self-signed`: something to try TLS with.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use cashpoint_bank::clock::{Clock, SystemClock};
use cashpoint_host::server::self_signed as make;

use crate::Verdict;

/// Writes a certificate for `names` and its key into new files.
pub(crate) fn self_signed(names: &[String], certificate: &Path, key: &Path) -> Result<Verdict> {
    let made = make(names, SystemClock.wall())?;
    let new = |path: &Path| format!("a new file {}", path.display());
    cashpoint_files::write_new(key, made.key_pem.as_bytes()).with_context(|| new(key))?;
    let file = File::create_new(certificate).with_context(|| new(certificate));
    file?.write_all(made.certificate_pem.as_bytes()).with_context(|| new(certificate))?;
    println!("{} and {} for {}", certificate.display(), key.display(), names.join(", "));
    Ok(Verdict::Yes)
}
