//! Languages that a terminal speaks with customers, and how each of them writes money, dates and account numbers: on
//! screens and on receipts alike. Words stand where they are said. There are no time zones here: an instant is written
//! as its UTC date and time, and whoever knows the place moves it there before.

use crate::id::AccountNumber;
use crate::money::Amount;
use crate::time::{BusinessDate, Timestamp};

/// Keeps a figure together, and its sign and currency in their places, inside of text that runs from right to left.
const ISOLATE: (char, char) = ('\u{2066}', '\u{2069}');

/// A space at which no line ends.
const SPACE: char = '\u{a0}';

/// A language of screens, speech and receipts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
    /// Spanish.
    Spanish,
    /// Arabic, written from right to left.
    Arabic,
}

impl Language {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::English, Self::German, Self::Spanish, Self::Arabic];

    /// Its tag (BCP 47).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::Spanish => "es",
            Self::Arabic => "ar",
        }
    }

    /// Its name, in itself.
    #[must_use]
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
            Self::Spanish => "Español",
            Self::Arabic => "العربية",
        }
    }

    /// Money as people write it: `$1,234.50`, `1.234,50 $`, `1234,50 US$`, `1,234.50 US$`.
    ///
    /// Arabic has the digits 0 to 9 here, as the Gulf and the Maghreb write them, because the keys of the pad do.
    #[must_use]
    pub fn amount(self, amount: Amount) -> String {
        let decimals = usize::from(amount.currency().decimals());
        let unit = 10_u64.pow(u32::from(amount.currency().decimals()));
        let (whole, part) = (amount.minor().unsigned_abs() / unit, amount.minor().unsigned_abs() % unit);
        let (group, point, least_grouped) = match self {
            Self::English | Self::Arabic => (',', '.', 1_000),
            Self::German => ('.', ',', 1_000),
            Self::Spanish => ('.', ',', 10_000),
        };
        let mut figure = if whole < least_grouped { whole.to_string() } else { grouped(whole, group) };
        if decimals > 0 {
            figure.push_str(&format!("{point}{part:0decimals$}"));
        }
        let sign = if amount.minor() < 0 { "-" } else { "" };
        let code = amount.currency().code();
        let symbol = self.symbol(code);
        match self {
            Self::English if symbol == code => format!("{sign}{symbol}{SPACE}{figure}"),
            Self::English => format!("{sign}{symbol}{figure}"),
            Self::German | Self::Spanish => format!("{sign}{figure}{SPACE}{symbol}"),
            Self::Arabic => self.figure(&format!("{sign}{figure}{SPACE}{symbol}")),
        }
    }

    /// A currency's sign, or its code where no sign is understood.
    fn symbol(self, code: &'static str) -> &'static str {
        match (code, self) {
            ("EUR", _) => "€",
            ("GBP", _) => "£",
            ("USD", Self::English | Self::German) => "$",
            ("USD", Self::Spanish | Self::Arabic) => "US$",
            (code, _) => code,
        }
    }

    /// Date and time to the minute: `20 Nov 2026, 16:05`, `20.11.2026, 16:05`, `20/11/2026, 16:05`, `20 نوفمبر 2026، 16:05`.
    #[must_use]
    pub fn moment(self, at: Timestamp) -> String {
        let minutes = at.micros().div_euclid(60_000_000);
        let (hour, minute) = (minutes.rem_euclid(1_440) / 60, minutes.rem_euclid(60));
        let days = i32::try_from(minutes.div_euclid(1_440)).unwrap_or(i32::MAX);
        let date = self.date(BusinessDate::from_days(days));
        match self {
            Self::English | Self::German | Self::Spanish => format!("{date}, {hour:02}:{minute:02}"),
            Self::Arabic => format!("{date}، {hour:02}:{minute:02}"),
        }
    }

    fn date(self, date: BusinessDate) -> String {
        let (year, month, day) = date.civil();
        let named = |months: [&str; 12]| format!("{day} {} {year}", months[usize::from(month.clamp(1, 12) - 1)]);
        match self {
            Self::English => {
                named(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"])
            }
            Self::German => format!("{day:02}.{month:02}.{year}"),
            Self::Spanish => format!("{day:02}/{month:02}/{year}"),
            Self::Arabic => named([
                "يناير",
                "فبراير",
                "مارس",
                "أبريل",
                "مايو",
                "يونيو",
                "يوليو",
                "أغسطس",
                "سبتمبر",
                "أكتوبر",
                "نوفمبر",
                "ديسمبر",
            ]),
        }
    }

    /// An account by its last four digits; a screen and a receipt show no more.
    #[must_use]
    pub fn account(self, account: AccountNumber) -> String {
        self.ending(&format!("{:04}", account.number() % 10_000))
    }

    /// A number of which only the last digits are shown.
    #[must_use]
    pub fn ending(self, last: &str) -> String {
        self.figure(&format!("••••{SPACE}{last}"))
    }

    /// Digits, codes and references, which run from left to right in every language.
    #[must_use]
    pub fn figure(self, figure: &str) -> String {
        match self {
            Self::English | Self::German | Self::Spanish => figure.to_owned(),
            Self::Arabic => format!("{}{figure}{}", ISOLATE.0, ISOLATE.1),
        }
    }
}

fn grouped(whole: u64, separator: char) -> String {
    let digits = whole.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;

    #[test]
    fn writes_money_as_each_language_does() {
        let check = |minor, currency, expected: [&str; 4]| {
            let isolated = format!("\u{2066}{}\u{2069}", expected[3]);
            for (language, expected) in
                Language::ALL.into_iter().zip([expected[0], expected[1], expected[2], &isolated])
            {
                assert_eq!(
                    language.amount(Amount::new(minor, currency)),
                    expected.replace('_', "\u{a0}"),
                    "{language:?}"
                );
            }
        };
        check(123_450, Currency::USD, ["$1,234.50", "1.234,50_$", "1234,50_US$", "1,234.50_US$"]);
        check(-5, Currency::USD, ["-$0.05", "-0,05_$", "-0,05_US$", "-0.05_US$"]);
        check(1_234_567_00, Currency::EUR, ["€1,234,567.00", "1.234.567,00_€", "1.234.567,00_€", "1,234,567.00_€"]);
        check(1_000, Currency::JPY, ["JPY_1,000", "1.000_JPY", "1000_JPY", "1,000_JPY"]);
        check(1_500, Currency::KWD, ["KWD_1.500", "1,500_KWD", "1,500_KWD", "1.500_KWD"]);
    }

    #[test]
    fn writes_dates_as_each_language_does() {
        let at = Timestamp::from_micros(1_795_104_309_999_999);
        let expected = ["19 Nov 2026, 16:05", "19.11.2026, 16:05", "19/11/2026, 16:05", "19 نوفمبر 2026، 16:05"];
        for (language, expected) in Language::ALL.into_iter().zip(expected) {
            assert_eq!(language.moment(at), expected, "{language:?} {at}");
        }
        assert_eq!(Language::German.moment(Timestamp::from_micros(-1)), "31.12.1969, 23:59");
    }

    #[test]
    fn shows_four_digits_of_an_account() {
        let account = AccountNumber::new(1_234_500_078);
        assert_eq!(Language::German.account(account), "••••\u{a0}0078");
        assert_eq!(Language::Arabic.account(account), "\u{2066}••••\u{a0}0078\u{2069}");
    }
}
