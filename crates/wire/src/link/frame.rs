//! The frame of a signed message: `{"terminal":"…","signature":"…","message":…}`, JSON of exactly this form.
//!
//! There is one text for one message: no white space, no other order, lower-case hexadecimal digits. What is signed is the
//! message's text as it stands.

use cashpoint_core::id::MachineId;
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

const BEFORE_TERMINAL: &str = r#"{"terminal":""#;
const BEFORE_SIGNATURE: &str = r#"","signature":""#;
const BEFORE_MESSAGE: &str = r#"","message":"#;
const END: &str = "}";
/// Hexadecimal digits of a signature.
const SIGNATURE_DIGITS: usize = 128;

/// A frame's parts, nothing of it believed yet.
pub(super) struct Frame<'a> {
    pub(super) terminal: MachineId,
    pub(super) signature: [u8; 64],
    pub(super) message: &'a str,
}

impl<'a> Frame<'a> {
    pub(super) fn write(terminal: &MachineId, signature: &[u8; 64], message: &[u8]) -> Zeroizing<Vec<u8>> {
        let signature = HEXLOWER.encode(signature);
        let parts = [
            BEFORE_TERMINAL.as_bytes(),
            terminal.as_str().as_bytes(),
            BEFORE_SIGNATURE.as_bytes(),
            signature.as_bytes(),
            BEFORE_MESSAGE.as_bytes(),
            message,
            END.as_bytes(),
        ];
        Zeroizing::new(parts.concat())
    }

    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (terminal, text) = text.strip_prefix(BEFORE_TERMINAL)?.split_once('"')?;
        let text = text.strip_prefix(&BEFORE_SIGNATURE[1..])?;
        let (digits, text) = text.split_at_checked(SIGNATURE_DIGITS)?;
        let message = text.strip_prefix(BEFORE_MESSAGE)?.strip_suffix(END)?;
        let signature = HEXLOWER.decode(digits.as_bytes()).ok()?.try_into().ok()?;
        Some(Self { terminal: MachineId::parse(terminal).ok()?, signature, message })
    }
}
