//! Amounts: figures as text, as JSON numbers and as JSON texts, and amounts as they are written.
//!
//! What holds: everything agrees with a model that works on digits as text and has no width; a figure has the same
//! value in a number and in a text; what is written is read back as the same amount.

use cashpoint_core::currency::Currency;
use cashpoint_core::money::{Amount, Decimal, DecimalError};
use cashpoint_wire::malformed::Malformed;
use cashpoint_wire::money::{Figure, Money};
use cashpoint_wire::request::Body as _;
use cashpoint_wire::request::cash::CashRequest;

use crate::Target;

/// See the module.
pub(crate) const TARGET: Target = Target {
    name: "amounts",
    check,
    finish: || {},
    dictionary: &[
        "0.00",
        "100000000000.00",
        "100000000000.01",
        "18446744073709551615",
        "18446744073709551616",
        "922337203685477.5807",
        "1e2",
        "-",
        "+",
        ".",
        "00",
        "000000000000000000000000000000",
        "NaN",
        "\\u0031",
        "\u{feff}",
        "٣",
        "Infinity",
    ],
};

/// The most that a request may name, in minor units.
const LARGEST: &str = "10000000000000";

fn check(bytes: &[u8]) {
    if let Some((head, _)) = bytes.split_first_chunk() {
        written(i64::from_le_bytes(*head));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = Decimal::parse_or_zero(text);
    let model = Model::of(text);
    match (&read, &model) {
        (Ok(figure), Some(model)) => figure_holds(text, *figure, model),
        (Err(DecimalError::TooManyDigits), Some(model)) => {
            assert!(text.len() > 64 || model.significant().parse::<u64>().is_err(), "{text:?} fits");
        }
        (Err(DecimalError::Malformed), None) => {}
        (read, model) => panic!("{text:?} is read as {read:?}, the model says {model:?}"),
    }
    let zero = model.as_ref().is_some_and(|model| model.significant().is_empty());
    let moves = if zero && read.is_ok() { Err(DecimalError::Zero) } else { read };
    assert_eq!(Decimal::parse(text), moves, "{text:?}");
    in_json(text, moves);
}

fn figure_holds(text: &str, figure: Decimal, model: &Model) {
    assert_eq!(figure.to_string(), text, "it shows itself as it was written");
    assert_eq!(figure.is_zero(), model.significant().is_empty());
    let canonical = figure.canonical();
    let same = Decimal::parse_or_zero(&canonical).expect("what is shorter is read too");
    assert_eq!((same, same.canonical()), (figure, canonical));
    for currency in Currency::all() {
        let decimals = usize::from(currency.decimals());
        let expected = match model.minor(decimals) {
            None => Err(DecimalError::TooManyDecimals),
            Some(minor) if longer(&minor, LARGEST) => Err(DecimalError::TooLarge),
            Some(minor) => Ok(minor),
        };
        assert_eq!(figure.to_amount(currency).map(digits_of), expected, "{text} {currency}");
        let most = i64::MAX.to_string();
        let limit = model.minor_cut(decimals);
        let limit = if longer(&limit, &most) { most } else { limit };
        assert_eq!(digits_of(figure.limit_in(currency)), limit, "{text} as a limit of {currency}");
        if let Ok(amount) = figure.to_amount(currency) {
            written(amount.minor());
        }
    }
    let shown = serde_json::to_string(&Figure(figure)).expect("every figure can be written");
    assert_eq!(Decimal::parse_or_zero(&shown), Ok(figure), "{text} is written as {shown}");
}

/// Minor units without zeros before them; none at all for zero.
fn digits_of(amount: Amount) -> String {
    let minor = amount.minor().to_string();
    minor.trim_start_matches('0').to_owned()
}

/// An amount is written with exactly its currency's decimals, and read back.
fn written(minor: i64) {
    for currency in [Currency::USD, Currency::JPY, Currency::KWD] {
        let amount = Amount::new(minor, currency);
        let json = serde_json::to_string(&Money(amount)).expect("every amount can be written");
        assert_eq!(json, amount.to_string());
        let (sign, figure) = json.strip_prefix('-').map_or(("", json.as_str()), |rest| ("-", rest));
        let decimals = figure.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        assert_eq!(decimals, usize::from(currency.decimals()), "{json}");
        let digits: String = figure.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(format!("{sign}{digits}").parse(), Ok(minor), "{json}");
        if (1..=Amount::LARGEST_REQUEST_MINOR).contains(&minor) {
            assert_eq!(Decimal::parse(figure).and_then(|figure| figure.to_amount(currency)), Ok(amount));
        }
    }
}

/// The same figure in a body, as a number and as a text.
fn in_json(text: &str, expected: Result<Decimal, DecimalError>) {
    let string = serde_json::to_string(text).expect("every text can be written");
    let read = CashRequest::parse(&format!(r#"{{"amount":{string}}}"#));
    assert_eq!(read.as_ref().ok().map(|cash| cash.amount), expected.ok(), "{string}");
    assert!(matches!(read, Ok(_) | Err(Malformed::Amount { .. })), "{string}: {read:?}");

    // Anything else could be more than a number: `1,"atm_id":"A"`.
    if text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) {
        let read = CashRequest::parse(&format!(r#"{{"amount":{text}}}"#));
        assert_eq!(read.ok().map(|cash| cash.amount), expected.ok(), "{text}");
    }
}

/// A figure as two texts of digits.
#[derive(Debug)]
struct Model<'a> {
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Model<'a> {
    /// What the interface documents: digits, perhaps one point and more digits, no zero before another digit.
    fn of(text: &'a str) -> Option<Self> {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let mut parts = text.split('.');
        let (whole, fraction) = (parts.next()?, parts.next());
        let good = digits(whole) && fraction.is_none_or(digits) && parts.next().is_none();
        let plain = whole == "0" || !whole.starts_with('0');
        (good && plain).then(|| Self { whole, fraction: fraction.unwrap_or_default() })
    }

    /// Its digits without zeros at either end of the figure's value.
    fn significant(&self) -> String {
        let digits = self.whole.to_owned() + self.fraction.trim_end_matches('0');
        digits.trim_start_matches('0').to_owned()
    }

    /// In minor units, unless it has more decimals than there are.
    fn minor(&self, decimals: usize) -> Option<String> {
        (self.fraction.len() <= decimals).then(|| self.minor_cut(decimals))
    }

    /// In minor units, what is smaller cut off.
    fn minor_cut(&self, decimals: usize) -> String {
        let kept = &self.fraction[..self.fraction.len().min(decimals)];
        let digits = format!("{}{kept:0<decimals$}", self.whole);
        digits.trim_start_matches('0').to_owned()
    }
}

/// Whether a number without zeros before it is more than another.
fn longer(one: &str, other: &str) -> bool {
    (one.len(), one) > (other.len(), other)
}
