//! The header of a key block: what the key is for, and optional blocks of text.

use super::KeyBlockError;

/// Longest text of a whole key block: its length has four digits.
const LONGEST: usize = 9_999;
/// Header without optional blocks.
const FIXED: usize = 16;
/// Smallest rest: one enciphered block and the MAC, hexadecimal.
const SHORTEST_REST: usize = 64;
/// The id of the optional block that fills up the others.
const PAD: [u8; 2] = *b"PB";

/// What a key is for. The algorithm is the key's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// Such as `P0`: enciphering PINs.
    pub usage: [u8; 2],
    /// Such as `E`: enciphering only.
    pub mode: u8,
    /// `00`: versions are not used.
    pub key_version: [u8; 2],
    /// `N`: it may not travel on; `E`: under a trusted key; `S`: anyhow.
    pub exportability: u8,
    /// Texts, in order; the one that only fills up is left out.
    pub optional: Vec<OptionalBlock>,
}

/// A text beside the key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OptionalBlock {
    /// Such as `LB`: a label.
    pub id: [u8; 2],
    /// Printable ASCII.
    pub data: String,
}

impl Header {
    /// Of a key that a PIN pad enciphers PIN blocks with, and that goes nowhere else.
    #[must_use]
    pub const fn pin_pad() -> Self {
        Self { usage: *b"P0", mode: b'E', key_version: *b"00", exportability: b'N', optional: Vec::new() }
    }

    /// The header's text in front of `rest` more characters.
    pub(super) fn text(&self, algorithm: u8, rest: usize) -> Result<String, KeyBlockError> {
        let mut blocks = String::new();
        for block in &self.optional {
            if block.id == PAD {
                return Err(KeyBlockError::Header);
            }
            blocks.push_str(&block.text()?);
        }
        let mut count = self.optional.len();
        if !blocks.len().is_multiple_of(16) {
            let zeros = 16 - (blocks.len() + 4) % 16;
            blocks.push_str(&OptionalBlock { id: PAD, data: "0".repeat(zeros) }.text()?);
            count += 1;
        }
        let total = FIXED + blocks.len() + rest;
        if count > 99 || total > LONGEST {
            return Err(KeyBlockError::Header);
        }
        let [usage, version] = [self.usage, self.key_version].map(|field| field.map(char::from));
        let [algorithm, mode, exportability] = [algorithm, self.mode, self.exportability].map(char::from);
        let text = format!(
            "D{total:04}{}{}{algorithm}{mode}{}{}{exportability}{count:02}00{blocks}",
            usage[0], usage[1], version[0], version[1]
        );
        // What is written must be read: the fields' characters are looked at in one place.
        Self::fixed(text.as_bytes().first_chunk().ok_or(KeyBlockError::Header)?)?;
        Ok(text)
    }

    /// Reads the header of a whole key block: what it says, the letter of the algorithm, and where it ends.
    pub(super) fn read(block: &str) -> Result<(Self, u8, usize), KeyBlockError> {
        let text = block.as_bytes();
        let fixed = text.first_chunk::<FIXED>().ok_or(KeyBlockError::TooShort)?;
        if !text.iter().all(|byte| (b' '..=b'~').contains(byte)) {
            return Err(KeyBlockError::Header);
        }
        if fixed[0] != b'D' {
            return Err(KeyBlockError::VersionUnsupported);
        }
        let length = decimal(&fixed[1..5]).ok_or(KeyBlockError::LengthCharset)?;
        if length != text.len() || !length.is_multiple_of(16) {
            return Err(KeyBlockError::LengthMismatch);
        }
        let mut header = Self::fixed(fixed)?;
        let count = decimal(&fixed[12..14]).ok_or(KeyBlockError::Header)?;
        let mut at = FIXED;
        for number in 1..=count {
            let block = OptionalBlock::read(&block[at..]).ok_or(KeyBlockError::Header)?;
            at += block.1;
            match block.0 {
                pad if pad.id == PAD && number == count => {}
                pad if pad.id == PAD => return Err(KeyBlockError::Header),
                block => header.optional.push(block),
            }
        }
        if !at.is_multiple_of(16) {
            return Err(KeyBlockError::Header);
        }
        if text.len() - at < SHORTEST_REST {
            return Err(KeyBlockError::TooShort);
        }
        Ok((header, fixed[7], at))
    }

    fn fixed(text: &[u8; FIXED]) -> Result<Self, KeyBlockError> {
        let named = [&text[5..7], &text[8..11]].concat().iter().all(u8::is_ascii_alphanumeric);
        let known = matches!(text[7], b'A' | b'T') && matches!(text[11], b'N' | b'E' | b'S') && text[14..] == *b"00";
        if !named || !known {
            return Err(KeyBlockError::Header);
        }
        Ok(Self {
            usage: [text[5], text[6]],
            mode: text[8],
            key_version: [text[9], text[10]],
            exportability: text[11],
            optional: Vec::new(),
        })
    }
}

impl OptionalBlock {
    /// Id, length of the whole in two hexadecimal digits, data; if it is too long for them, `00`, `02` and four digits.
    fn text(&self) -> Result<String, KeyBlockError> {
        let [first, second] = self.id.map(char::from);
        let named = self.id.iter().all(u8::is_ascii_alphanumeric);
        if !named || !self.data.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(KeyBlockError::Header);
        }
        match self.data.len() {
            0..=251 => Ok(format!("{first}{second}{:02X}{}", self.data.len() + 4, self.data)),
            252..=LONGEST => Ok(format!("{first}{second}0002{:04X}{}", self.data.len() + 10, self.data)),
            _ => Err(KeyBlockError::Header),
        }
    }

    /// Reads the block at the beginning of a text, and how long it is.
    fn read(text: &str) -> Option<(Self, usize)> {
        let bytes = text.as_bytes();
        let id = *bytes.first_chunk::<2>().filter(|id| id.iter().all(u8::is_ascii_alphanumeric))?;
        let (head, length) = match hexadecimal(bytes.get(2..4)?)? {
            0 if bytes.get(4..6)? == b"02" => (10, hexadecimal(bytes.get(6..10)?)?),
            length => (4, length),
        };
        let data = text.get(head..length)?;
        Some((Self { id, data: data.to_owned() }, length))
    }
}

fn decimal(digits: &[u8]) -> Option<usize> {
    number(digits, 10, u8::is_ascii_digit)
}

fn hexadecimal(digits: &[u8]) -> Option<usize> {
    number(digits, 16, |digit| digit.is_ascii_digit() || (b'A'..=b'F').contains(digit))
}

fn number(digits: &[u8], base: u32, is_digit: impl Fn(&u8) -> bool) -> Option<usize> {
    let text = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(is_digit))?;
    usize::from_str_radix(text, base).ok()
}
