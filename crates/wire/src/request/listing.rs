//! Query strings of lists.

use cashpoint_core::id::MachineId;
use cashpoint_core::time::Timestamp;

use crate::instant;
use crate::malformed::Malformed;

/// Entries on a page unless asked otherwise.
const PAGE: usize = 50;
/// Most entries on a page.
const LONGEST_PAGE: usize = 500;

/// A query string's parameters, all of known names, none twice.
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Takes decoded parameters.
    ///
    /// # Errors
    /// [`Malformed`] names one that is unknown or there twice.
    pub fn new(pairs: Vec<(String, String)>, known: &[&str]) -> Result<Self, Malformed> {
        for (at, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(Malformed::field(name, "there is no such parameter here"));
            }
            if pairs[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(Malformed::field(name, "it is there twice"));
            }
        }
        Ok(Self { pairs })
    }

    /// A parameter's text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(own, _)| own == name).map(|(_, text)| text.as_str())
    }

    /// A parameter that `parse` understands; `what` says what that is.
    ///
    /// # Errors
    /// [`Malformed`] if it does not.
    pub fn parsed<T>(
        &self,
        name: &str,
        what: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Malformed> {
        let read = |text| parse(text).ok_or_else(|| Malformed::field(name, format!("it must be {what}")));
        self.text(name).map(read).transpose()
    }

    /// `limit`: 50 unless given, at most 500.
    ///
    /// # Errors
    /// [`Malformed`] for anything but a whole number from 1 to 500.
    pub fn limit(&self) -> Result<usize, Malformed> {
        let within = |text: &str| {
            let plain = text.bytes().all(|b| b.is_ascii_digit());
            text.parse().ok().filter(|limit| plain && (1..=LONGEST_PAGE).contains(limit))
        };
        Ok(self.parsed("limit", "a whole number from 1 to 500", within)?.unwrap_or(PAGE))
    }
}

/// Which entries of an account's history: `type`, `from` (inclusive), `to` (exclusive), `limit`, `cursor`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryParameters {
    /// Only entries of this type, by name.
    pub kind: Option<&'static str>,
    /// Not before this instant.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub to: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

impl HistoryParameters {
    /// Every type of an entry.
    pub const KINDS: [&'static str; 7] =
        ["deposit", "withdrawal", "transfer_in", "transfer_out", "overdraft_fee", "reversal", "adjustment"];

    /// Reads decoded parameters.
    ///
    /// # Errors
    /// [`Malformed`] names the one that is wrong.
    pub fn read(pairs: Vec<(String, String)>) -> Result<Self, Malformed> {
        let query = Query::new(pairs, &["type", "from", "to", "limit", "cursor"])?;
        let kind = |text: &str| Self::KINDS.into_iter().find(|kind| *kind == text);
        let when = "an instant such as 2026-11-20T09:41:07Z";
        Ok(Self {
            kind: query.parsed("type", "a type of transaction", kind)?,
            from: query.parsed("from", when, instant::parse)?,
            to: query.parsed("to", when, instant::parse)?,
            limit: query.limit()?,
            cursor: query.text("cursor").map(str::to_owned),
        })
    }
}

/// Which of a machine's transactions: `atm_id`, `limit`, `cursor`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MachineParameters {
    /// Which machine.
    pub machine: MachineId,
    /// At most so many.
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

impl MachineParameters {
    /// Reads decoded parameters.
    ///
    /// # Errors
    /// [`Malformed`] names the one that is wrong.
    pub fn read(pairs: Vec<(String, String)>) -> Result<Self, Malformed> {
        let query = Query::new(pairs, &["atm_id", "limit", "cursor"])?;
        let machine = query.parsed("atm_id", "a machine's id", |text| MachineId::parse(text).ok())?;
        Ok(Self {
            machine: machine.ok_or_else(|| Malformed::field("atm_id", "it is missing"))?,
            limit: query.limit()?,
            cursor: query.text("cursor").map(str::to_owned),
        })
    }
}
