//! A dispenser's signed word on its last dispense: the token of `CashDispenser.GetPresentStatus` (XFS4IoT, end-to-end
//! security).
//!
//! The device makes it, the host checks it; the terminal in between only carries the text. What follows for the customer's
//! money is the host's matter.

use cashpoint_core::money::Amount;
use cashpoint_core::terminal::device::DispenseId;
use data_encoding::HEXUPPER;
use zeroize::Zeroizing;

use crate::token_text::{Frame, Writer, amount_text, read_amount};
pub use crate::token_text::{TokenError, TokenNonce};

/// The key of the device's tokens (`XFSAuthenticateDevice`). Wiped when dropped, never shown.
#[derive(Clone)]
pub struct DeviceTokenKey(Zeroizing<[u8; 32]>);

/// What a device says of its last dispense.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedStatus {
    /// The token that it dispensed by; none: it does not know.
    pub dispense: Option<DispenseId>,
    /// What became of the notes, each line in another currency; at least one.
    pub lines: Vec<StatusLine>,
}

/// What became of the notes of one currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StatusLine {
    /// What was moved to the stacker.
    pub dispensed: Amount,
    /// What the customer could reach; none: nothing. A device that does not know says that all could be reached.
    pub presented: Option<Amount>,
    /// What came back.
    pub retracted: Retracted,
}

/// What came back of presented notes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retracted {
    /// Nothing was taken back.
    Nothing,
    /// So much.
    Counted(Amount),
    /// Something, and the device could not count it.
    Uncounted,
}

impl DeviceTokenKey {
    /// Takes a key over.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }
}

/// Makes a token about the dispense of one currency, for the nonce of whoever asked.
#[must_use]
pub fn make(key: &DeviceTokenKey, nonce: &TokenNonce, dispense: Option<DispenseId>, line: StatusLine) -> String {
    let mut token = Writer::new(nonce);
    if let Some(id) = dispense {
        token = token.field("DISPENSEID", HEXUPPER.encode(&id));
    }
    let zero = Amount::zero(line.dispensed.currency());
    let yes = |presented: bool| if presented { "YES" } else { "NO" };
    token = token
        .field("DISPENSED1", amount_text(line.dispensed))
        .field("PRESENTED1", yes(line.presented.is_some()))
        .field("PRESENTEDAMOUNT1", amount_text(line.presented.unwrap_or(zero)));
    token = match line.retracted {
        Retracted::Nothing => token.field("RETRACTED1", "NO"),
        Retracted::Counted(amount) => token.field("RETRACTED1", "YES").field("RETRACTEDAMOUNT1", amount_text(amount)),
        Retracted::Uncounted => token.field("RETRACTED1", "YES").field("RETRACTEDAMOUNT1", "?"),
    };
    token.sign(&key.0)
}

/// Reads a token that was made for `nonce`. Whether it speaks of the right dispense, the caller sees.
///
/// # Errors
/// [`TokenError::Format`], [`TokenError::Forged`] and [`TokenError::OtherNonce`], in this order.
pub fn read(key: &DeviceTokenKey, nonce: &TokenNonce, token: &str) -> Result<SignedStatus, TokenError> {
    let frame = Frame::read(token).ok_or(TokenError::Format)?;
    let status = status(&frame.fields).ok_or(TokenError::Format)?;
    if !frame.is_signed_with(&key.0) {
        return Err(TokenError::Forged);
    }
    if frame.nonce == *nonce { Ok(status) } else { Err(TokenError::OtherNonce) }
}

fn status(fields: &[(&str, &str)]) -> Option<SignedStatus> {
    let mut fields = Fields { left: fields, number: 1 };
    let dispense = match fields.left.split_first() {
        Some((("DISPENSEID", id), rest)) => {
            fields.left = rest;
            Some(HEXUPPER.decode(id.as_bytes()).ok()?.try_into().ok()?)
        }
        Some(_) | None => None,
    };
    let mut lines: Vec<StatusLine> = Vec::new();
    while lines.is_empty() || !fields.left.is_empty() {
        let line = fields.line()?;
        if lines.iter().any(|earlier| earlier.dispensed.currency() == line.dispensed.currency()) {
            return None;
        }
        lines.push(line);
    }
    Some(SignedStatus { dispense, lines })
}

/// The fields that are not yet read, and the number of the line that they begin with.
struct Fields<'f, 'a> {
    left: &'f [(&'a str, &'a str)],
    number: u32,
}

impl<'a> Fields<'_, 'a> {
    fn line(&mut self) -> Option<StatusLine> {
        let dispensed = read_amount(self.take("DISPENSED")?)?;
        let of_currency = |text: &str| read_amount(text).filter(|amount| amount.currency() == dispensed.currency());
        let presented = match self.take("PRESENTED")? {
            "YES" => Some(of_currency(self.take("PRESENTEDAMOUNT")?)?),
            "NO" => {
                self.nothing("PRESENTEDAMOUNT", of_currency)?;
                None
            }
            _ => return None,
        };
        let retracted = match self.take("RETRACTED")? {
            "YES" => match self.take("RETRACTEDAMOUNT")? {
                "?" => Retracted::Uncounted,
                amount => Retracted::Counted(of_currency(amount)?),
            },
            "NO" => {
                self.nothing("RETRACTEDAMOUNT", of_currency)?;
                Retracted::Nothing
            }
            _ => return None,
        };
        self.number += 1;
        Some(StatusLine { dispensed, presented, retracted })
    }

    /// The next field, if it has this name and the line's number.
    fn take(&mut self, name: &str) -> Option<&'a str> {
        let ((found, value), rest) = self.left.split_first()?;
        let suffix = found.strip_prefix(name)?;
        if suffix != self.number.to_string() {
            return None;
        }
        self.left = rest;
        Some(value)
    }

    /// An amount that a `NO` makes superfluous: some devices leave it out, others write zero; anything else contradicts.
    fn nothing(&mut self, name: &str, read: impl Fn(&str) -> Option<Amount>) -> Option<()> {
        match self.take(name) {
            None => Some(()),
            Some(text) => read(text).filter(|amount| amount.minor() == 0).map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use cashpoint_core::currency::Currency;
    use cashpoint_core::terminal::device::Nonce;
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "6F549D24E2A8B11DD17444D20D80A0151915F2192EFC8F1C3CA7BB2B64D898DB";
    /// Computed by two implementations that are not ours.
    const V2: &str = "NONCE=1414,TOKENFORMAT=1,TOKENLENGTH=0270,\
        DISPENSEID=6F549D24E2A8B11DD17444D20D80A0151915F2192EFC8F1C3CA7BB2B64D898DB,\
        DISPENSED1=100.00EUR,PRESENTED1=YES,PRESENTEDAMOUNT1=100.00EUR,RETRACTED1=NO,\
        HMACSHA256=2DFCB99896226A09C36EAA1F2B6B845285D9C692F3A605D57A9FA9902509F549";
    const V3: &str = "NONCE=1415,TOKENFORMAT=1,TOKENLENGTH=0290,\
        DISPENSEID=6F549D24E2A8B11DD17444D20D80A0151915F2192EFC8F1C3CA7BB2B64D898DB,\
        DISPENSED1=100.00EUR,PRESENTED1=YES,PRESENTEDAMOUNT1=100.00EUR,RETRACTED1=YES,RETRACTEDAMOUNT1=?,\
        HMACSHA256=03035129133AF231872BEA6906A1A96E219F4FD1D075EA9D6B370CEFC399FF3B";

    fn key() -> DeviceTokenKey {
        DeviceTokenKey::new(std::array::from_fn(|at| u8::try_from(at).unwrap() + 0x20))
    }

    fn nonce(text: &str) -> TokenNonce {
        TokenNonce::parse(text).unwrap()
    }

    fn id() -> DispenseId {
        HEXUPPER.decode(ID.as_bytes()).unwrap().try_into().unwrap()
    }

    const fn euros(minor: i64) -> Amount {
        Amount::new(minor, Currency::EUR)
    }

    #[track_caller]
    fn check(text: &str, of: &str, line: StatusLine) {
        assert_eq!(make(&key(), &nonce(of), Some(id()), line), text);
        assert_eq!(read(&key(), &nonce(of), text), Ok(SignedStatus { dispense: Some(id()), lines: vec![line] }));
    }

    #[test]
    fn it_makes_and_reads_the_published_tokens() {
        let line =
            StatusLine { dispensed: euros(100_00), presented: Some(euros(100_00)), retracted: Retracted::Nothing };
        check(V2, "1414", line);
        check(V3, "1415", StatusLine { retracted: Retracted::Uncounted, ..line });
    }

    #[test]
    fn it_believes_no_other_nonce_key_or_text() {
        assert_eq!(read(&key(), &nonce("1415"), V2), Err(TokenError::OtherNonce));
        assert_eq!(read(&key(), &nonce("01414"), V2), Err(TokenError::OtherNonce));
        assert_eq!(read(&DeviceTokenKey::new([0; 32]), &nonce("1414"), V2), Err(TokenError::Forged));
        for at in 0..V2.len() {
            for bit in 0..7 {
                let mut bytes = V2.as_bytes().to_vec();
                bytes[at] ^= 1 << bit;
                let text = String::from_utf8(bytes).unwrap();
                assert!(read(&key(), &nonce("1414"), &text).is_err(), "{text}");
            }
        }
    }

    /// The fields between the frame's, and what is read of them when length and MAC are right.
    fn of_fields(fields: &[(&str, &str)]) -> Result<SignedStatus, TokenError> {
        let writer = fields.iter().fold(Writer::new(&nonce("1")), |writer, (name, value)| writer.field(name, value));
        read(&key(), &nonce("1"), &writer.sign(&key().0))
    }

    const DISPENSED: (&str, &str) = ("DISPENSED1", "100.00EUR");
    const INSIDE: (&str, &str) = ("PRESENTED1", "NO");
    const KEPT: (&str, &str) = ("RETRACTED1", "NO");

    #[test]
    fn it_takes_a_needless_zero_and_nothing_that_contradicts() {
        let line = StatusLine { dispensed: euros(100_00), presented: None, retracted: Retracted::Nothing };
        let expected = Ok(SignedStatus { dispense: None, lines: vec![line] });
        let (zero_out, zero_back) = (("PRESENTEDAMOUNT1", "0.00EUR"), ("RETRACTEDAMOUNT1", "0.00EUR"));
        for fields in [
            vec![DISPENSED, INSIDE, KEPT],
            vec![DISPENSED, INSIDE, zero_out, KEPT],
            vec![DISPENSED, INSIDE, zero_out, KEPT, zero_back],
        ] {
            assert_eq!(of_fields(&fields), expected, "{fields:?}");
        }
        for fields in [
            vec![DISPENSED],
            vec![("DISPENSEID", ID)],
            vec![INSIDE, DISPENSED, KEPT],
            vec![DISPENSED, INSIDE, ("PRESENTEDAMOUNT1", "5.00EUR"), KEPT],
            vec![DISPENSED, INSIDE, ("PRESENTEDAMOUNT1", "0.00USD"), KEPT],
            vec![DISPENSED, ("PRESENTED1", "YES"), KEPT],
            vec![DISPENSED, ("PRESENTED1", "MAYBE"), KEPT],
            vec![DISPENSED, INSIDE, ("RETRACTED1", "YES")],
            vec![DISPENSED, INSIDE, KEPT, ("RETRACTEDAMOUNT1", "?")],
            vec![DISPENSED, INSIDE, ("RETRACTED1", "?")],
            vec![DISPENSED, INSIDE, KEPT, ("MORE", "1")],
            vec![DISPENSED, INSIDE, KEPT, ("DISPENSED2", "1.00EUR"), ("PRESENTED2", "NO"), ("RETRACTED2", "NO")],
            vec![DISPENSED, INSIDE, KEPT, ("DISPENSED1", "1.00USD"), ("PRESENTED1", "NO"), ("RETRACTED1", "NO")],
            vec![("DISPENSEID", "6F54"), DISPENSED, INSIDE, KEPT],
        ] {
            assert_eq!(of_fields(&fields), Err(TokenError::Format), "{fields:?}");
        }
    }

    #[test]
    fn it_reads_several_currencies() {
        let second =
            [("DISPENSED2", "20JPY"), ("PRESENTED2", "YES"), ("PRESENTEDAMOUNT2", "10JPY"), ("RETRACTED2", "NO")];
        let fields = [[DISPENSED, INSIDE, KEPT].as_slice(), &second].concat();
        let yen = |minor| Amount::new(minor, Currency::JPY);
        let line = StatusLine { dispensed: yen(20), presented: Some(yen(10)), retracted: Retracted::Nothing };
        assert_eq!(of_fields(&fields).unwrap().lines[1], line);
    }

    proptest! {
        #[test]
        fn it_reads_what_it_makes(
            bytes in any::<[u8; 16]>(), dispense in any::<Option<[u8; 32]>>(), dispensed in 0i64..1_000_000,
            presented in proptest::option::of(0i64..1_000_000), retracted in 0i64..3,
        ) {
            let retracted = match retracted {
                0 => Retracted::Nothing,
                1 => Retracted::Uncounted,
                _ => Retracted::Counted(euros(dispensed / 2)),
            };
            let line = StatusLine { dispensed: euros(dispensed), presented: presented.map(euros), retracted };
            let nonce = TokenNonce::from(Nonce(bytes));
            let made = make(&key(), &nonce, dispense, line);
            prop_assert_eq!(read(&key(), &nonce, &made), Ok(SignedStatus { dispense, lines: vec![line] }));
        }
    }
}
