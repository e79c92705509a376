//! Track 2 of a card (ISO/IEC 7813), without sentinels and check character.

use cashpoint_core::secret::Pan;

/// The most characters between the sentinels.
const LONGEST: usize = 37;

/// What a terminal reads off track 2.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Track2 {
    /// The card's number.
    pub pan: Pan,
    /// The last month in which it is valid: year since 2000, month.
    pub expires: (u8, u8),
    /// Who may use it where, and how: three digits.
    pub service_code: [u8; 3],
}

/// A text that is no track 2. Says nothing of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotTrack2;

impl Track2 {
    /// Reads what is between the sentinels: number, `=`, expiry (`YYMM`), service code, what the issuer likes.
    ///
    /// # Errors
    /// [`NotTrack2`]: a missing or second separator, a character that is no digit, no number of 12 to 19 digits, no expiry, a
    /// month that there is not, a year before 2000, no service code, or more than 37 characters.
    pub fn parse(text: &str) -> Result<Self, NotTrack2> {
        let (number, rest) = text.split_once('=').ok_or(NotTrack2)?;
        if text.len() > LONGEST || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotTrack2);
        }
        let pan = Pan::parse(number).map_err(|_| NotTrack2)?;
        let Some(([y1, y2, m1, m2, s1, s2, s3], _)) = rest.as_bytes().split_first_chunk::<7>() else {
            return Err(NotTrack2);
        };
        let pair = |tens: &u8, ones: &u8| (tens - b'0') * 10 + (ones - b'0');
        let expires = (pair(y1, y2), pair(m1, m2));
        // 80 to 99 are years of the last century: long expired, and not to be told from 2080.
        if !(1..=12).contains(&expires.1) || expires.0 >= 80 {
            return Err(NotTrack2);
        }
        Ok(Self { pan, expires, service_code: [s1 - b'0', s2 - b'0', s3 - b'0'] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTORS: &str = include_str!("../../tests/vectors/track2.json");

    #[test]
    fn it_reads_the_vectors() {
        let vectors: Vec<serde_json::Value> = serde_json::from_str(VECTORS).unwrap();
        let mut seen = (0, 0);
        for vector in vectors.iter().skip(1) {
            let text = vector["track2"].as_str().unwrap();
            let read = Track2::parse(text);
            if vector["valid"] == true {
                let read = read.unwrap_or_else(|_| panic!("{}", vector["id"]));
                assert_eq!(read.pan.expose(), vector["pan"].as_str().unwrap());
                assert_eq!(format!("{:02}{:02}", read.expires.0, read.expires.1), vector["expiry_yymm"]);
                let [one, two, three] = read.service_code;
                assert_eq!(format!("{one}{two}{three}"), vector["service_code"]);
                seen.0 += 1;
            } else {
                assert_eq!(read, Err(NotTrack2), "{}", vector["id"]);
                seen.1 += 1;
            }
        }
        assert!(seen.0 >= 10 && seen.1 == 10, "{seen:?}");
    }

    #[test]
    fn it_reads_no_year_of_the_last_century_and_no_other_digits() {
        for text in ["5413330089020011=80122010", "5413330089020011=3012201\u{0663}", "54133300890=30122010", ""] {
            assert_eq!(Track2::parse(text), Err(NotTrack2), "{text}");
        }
    }
}
