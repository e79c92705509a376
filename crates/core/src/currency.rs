//! Currencies: which there are, and how many decimals each has.
//!
//! The table is ISO 4217:2015, list one, as published for 2026. Left out on purpose are the codes without a minor unit
//! (precious metals, bond market units, `XDR`, `XTS`, `XXX` …), because an amount in them cannot be whole minor units,
//! and withdrawn currencies. There are no names, symbols, numeric codes or exchange rates here.

use std::fmt;

/// A currency of the ISO 4217 list, one byte wide.
///
/// Ordered like its code. The byte is a position in this build's table and therefore never leaves the process: whoever
/// writes a currency down writes its [`code`](Currency::code).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(u8);

impl Currency {
    /// Euro, two decimals.
    pub const EUR: Currency = Currency::known("EUR");
    /// Japanese yen, no decimals.
    pub const JPY: Currency = Currency::known("JPY");
    /// Kuwaiti dinar, three decimals.
    pub const KWD: Currency = Currency::known("KWD");
    /// United States dollar, two decimals.
    pub const USD: Currency = Currency::known("USD");

    /// The currency with this alphabetic code; `None` for anything but the three capital letters of one in the list.
    pub fn from_code(code: &str) -> Option<Currency> {
        let index = TABLE.binary_search_by(|(listed, _)| (*listed).cmp(code)).ok()?;
        u8::try_from(index).ok().map(Currency)
    }

    /// The alphabetic code, such as `USD`.
    pub const fn code(self) -> &'static str {
        TABLE[self.0 as usize].0
    }

    /// How many decimal digits the minor unit has: 0 to 4.
    pub const fn decimals(self) -> u8 {
        TABLE[self.0 as usize].1
    }

    /// Every listed currency, in the order of the codes.
    pub fn all() -> impl Iterator<Item = Currency> {
        (0..=u8::MAX).take(TABLE.len()).map(Currency)
    }

    /// Looks a code up while compiling, so that a constant cannot name a currency which is not listed.
    const fn known(code: &str) -> Currency {
        let wanted = code.as_bytes();
        let mut index = 0u8;
        while (index as usize) < TABLE.len() {
            let listed = TABLE[index as usize].0.as_bytes();
            if listed[0] == wanted[0] && listed[1] == wanted[1] && listed[2] == wanted[2] {
                return Currency(index);
            }
            index += 1;
        }
        panic!("the code is not in the table")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Code and decimals, sorted by code because `from_code` searches by halving.
#[rustfmt::skip]
static TABLE: [(&str, u8); 165] = [
    ("AED", 2), ("AFN", 2), ("ALL", 2), ("AMD", 2), ("AOA", 2), ("ARS", 2), ("AUD", 2), ("AWG", 2),
    ("AZN", 2), ("BAM", 2), ("BBD", 2), ("BDT", 2), ("BHD", 3), ("BIF", 0), ("BMD", 2), ("BND", 2),
    ("BOB", 2), ("BOV", 2), ("BRL", 2), ("BSD", 2), ("BTN", 2), ("BWP", 2), ("BYN", 2), ("BZD", 2),
    ("CAD", 2), ("CDF", 2), ("CHE", 2), ("CHF", 2), ("CHW", 2), ("CLF", 4), ("CLP", 0), ("CNY", 2),
    ("COP", 2), ("COU", 2), ("CRC", 2), ("CUP", 2), ("CVE", 2), ("CZK", 2), ("DJF", 0), ("DKK", 2),
    ("DOP", 2), ("DZD", 2), ("EGP", 2), ("ERN", 2), ("ETB", 2), ("EUR", 2), ("FJD", 2), ("FKP", 2),
    ("GBP", 2), ("GEL", 2), ("GHS", 2), ("GIP", 2), ("GMD", 2), ("GNF", 0), ("GTQ", 2), ("GYD", 2),
    ("HKD", 2), ("HNL", 2), ("HTG", 2), ("HUF", 2), ("IDR", 2), ("ILS", 2), ("INR", 2), ("IQD", 3),
    ("IRR", 2), ("ISK", 0), ("JMD", 2), ("JOD", 3), ("JPY", 0), ("KES", 2), ("KGS", 2), ("KHR", 2),
    ("KMF", 0), ("KPW", 2), ("KRW", 0), ("KWD", 3), ("KYD", 2), ("KZT", 2), ("LAK", 2), ("LBP", 2),
    ("LKR", 2), ("LRD", 2), ("LSL", 2), ("LYD", 3), ("MAD", 2), ("MDL", 2), ("MGA", 2), ("MKD", 2),
    ("MMK", 2), ("MNT", 2), ("MOP", 2), ("MRU", 2), ("MUR", 2), ("MVR", 2), ("MWK", 2), ("MXN", 2),
    ("MXV", 2), ("MYR", 2), ("MZN", 2), ("NAD", 2), ("NGN", 2), ("NIO", 2), ("NOK", 2), ("NPR", 2),
    ("NZD", 2), ("OMR", 3), ("PAB", 2), ("PEN", 2), ("PGK", 2), ("PHP", 2), ("PKR", 2), ("PLN", 2),
    ("PYG", 0), ("QAR", 2), ("RON", 2), ("RSD", 2), ("RUB", 2), ("RWF", 0), ("SAR", 2), ("SBD", 2),
    ("SCR", 2), ("SDG", 2), ("SEK", 2), ("SGD", 2), ("SHP", 2), ("SLE", 2), ("SOS", 2), ("SRD", 2),
    ("SSP", 2), ("STN", 2), ("SVC", 2), ("SYP", 2), ("SZL", 2), ("THB", 2), ("TJS", 2), ("TMT", 2),
    ("TND", 3), ("TOP", 2), ("TRY", 2), ("TTD", 2), ("TWD", 2), ("TZS", 2), ("UAH", 2), ("UGX", 0),
    ("USD", 2), ("USN", 2), ("UYI", 0), ("UYU", 2), ("UYW", 4), ("UZS", 2), ("VED", 2), ("VES", 2),
    ("VND", 0), ("VUV", 0), ("WST", 2), ("XAD", 2), ("XAF", 0), ("XCD", 2), ("XCG", 2), ("XOF", 0),
    ("XPF", 0), ("YER", 2), ("ZAR", 2), ("ZMW", 2), ("ZWG", 2),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_listed_code_and_nothing_else() {
        for currency in Currency::all() {
            assert_eq!(Currency::from_code(currency.code()), Some(currency));
        }
        assert_eq!(Currency::all().count(), TABLE.len());
        for unknown in ["", "US", "USDX", "usd", "XXX", "XAU", "DEM", "HRK", "AAA", "ZZZ", "ÄÖ"] {
            assert_eq!(Currency::from_code(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn lists_three_capitals_each_in_strict_order() {
        assert!(TABLE.iter().all(|(code, _)| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())));
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn knows_the_decimals_that_are_not_two() {
        let with = |decimals| {
            let codes: Vec<_> = Currency::all().filter(|c| c.decimals() == decimals).map(Currency::code).collect();
            codes.join(" ")
        };
        assert_eq!(with(0), "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF");
        assert_eq!(with(1), "");
        assert_eq!(with(3), "BHD IQD JOD KWD LYD OMR TND");
        assert_eq!(with(4), "CLF UYW");
        assert!(Currency::all().all(|c| c.decimals() <= 4));
    }

    #[test]
    fn has_constants_that_mean_what_they_say() {
        let constants = [Currency::EUR, Currency::JPY, Currency::KWD, Currency::USD];
        assert_eq!(constants.map(Currency::code), ["EUR", "JPY", "KWD", "USD"]);
        assert_eq!(constants.map(Currency::decimals), [2, 0, 3, 2]);
        assert_eq!(format!("{} {:?}", Currency::USD, Currency::KWD), "USD KWD");
        assert!(Currency::EUR < Currency::JPY && Currency::JPY < Currency::KWD);
    }
}
