//! The keys of a terminal's devices as their maker hands them over: a file of TOML, once.

use std::fmt;

use cashpoint_wire::cipher::TdesKey;
use data_encoding::HEXLOWER_PERMISSIVE;
use toml::Value;
use zeroize::Zeroizing;

use super::DeviceKeys;

/// The text is no such file: which of its keys is missing or wrong. Never what it holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotProvisioned(pub &'static str);

impl fmt::Display for NotProvisioned {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "not the keys of a machine's devices: `{}` is not right", self.0)
    }
}

impl std::error::Error for NotProvisioned {}

impl DeviceKeys {
    /// Reads the file that `cashpoint devices` writes for a new machine: four keys in hexadecimal.
    ///
    /// # Errors
    /// [`NotProvisioned`].
    pub fn of_file(text: &str) -> Result<Self, NotProvisioned> {
        // The complaint of the parser would quote the line, and so a key.
        let mut table: toml::Table = text.parse().map_err(|_| NotProvisioned("TOML"))?;
        let keys = Self {
            protection: key(&mut table, "key_block_protection")?,
            host: key(&mut table, "authenticate_host")?,
            device: key(&mut table, "authenticate_device")?,
            verifier: key(&mut table, "offline_verifier")?,
        };
        TdesKey::new(keys.verifier.as_slice()).map_err(|_| NotProvisioned("offline_verifier"))?;
        if table.is_empty() { Ok(keys) } else { Err(NotProvisioned("something else")) }
    }
}

fn key<const N: usize>(table: &mut toml::Table, name: &'static str) -> Result<Zeroizing<[u8; N]>, NotProvisioned> {
    let wrong = NotProvisioned(name);
    let Some(Value::String(text)) = table.remove(name) else { return Err(wrong) };
    let text = Zeroizing::new(text);
    let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map(Zeroizing::new).map_err(|_| wrong)?;
    <[u8; N]>::try_from(bytes.as_slice()).map(Zeroizing::new).map_err(|_| wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> String {
        let (long, short) = ("1a".repeat(32), format!("{}{}", "10".repeat(8), "54".repeat(8)));
        format!(
            "# For the host.\nkey_block_protection = \"{long}\"\nauthenticate_host = \"{long}\"\n\
             authenticate_device = \"{long}\"\noffline_verifier = \"{short}\"\n"
        )
    }

    #[test]
    fn reads_what_devices_write_and_quotes_nothing() {
        let keys = DeviceKeys::of_file(&file()).unwrap();
        assert_eq!((*keys.protection, keys.verifier[0], keys.verifier[8]), ([0x1A; 32], 0x10, 0x54));
        for (bad, what) in [
            (file().replace("authenticate_host", "authenticate_guest"), "authenticate_host"),
            (file().replacen("1a", "", 1), "key_block_protection"),
            (file().replace("54", "10"), "offline_verifier"),
            (file().replace("= \"1a", "= 1a"), "TOML"),
            (format!("{}more = 1\n", file()), "something else"),
        ] {
            assert_eq!(DeviceKeys::of_file(&bad).map(drop), Err(NotProvisioned(what)));
        }
    }
}
