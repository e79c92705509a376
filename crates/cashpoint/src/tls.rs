//! `cashpoint tls self-signed`: something to try TLS with.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use cashpoint_bank::clock::{Clock, SystemClock};
use cashpoint_host::server::self_signed as make;

use crate::Verdict;

/// Writes a certificate for `names` and its key into new files.
pub(crate) fn self_signed(names: &[String], certificate: &Path, key: &Path) -> Result<Verdict> {
    let made = make(names, SystemClock.wall())?;
    put(key, &made.key_pem, 0o600)?;
    put(certificate, &made.certificate_pem, 0o644)?;
    println!("{} and {} for {}", certificate.display(), key.display(), names.join(", "));
    Ok(Verdict::Yes)
}

fn put(path: &Path, text: &str, mode: u32) -> Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .with_context(|| format!("a new file {}", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("writing {}", path.display()))
}
