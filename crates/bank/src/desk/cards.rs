//! Cards: making, PINs, reporting, unblocking, withdrawing. Numbers and PINs are told once, when they are made.

use cashpoint_core::card::PinKey;
use cashpoint_core::command::{
    ChangePin, IssueCard, NewCard, RemoveCard, ReportCard, ReportReason, ResetPin, UnblockCard,
};
use cashpoint_core::customer::Profile;
use cashpoint_core::decide::Replay;
use cashpoint_core::id::{AccountNumber, CardId, CustomerId, RequestId};
use cashpoint_core::outcome::{Done, Refusal};
use cashpoint_core::session::Session;
use cashpoint_core::time::{BusinessDate, Timestamp};

use super::reading::clerk;
use super::sessions::{indexes_of, pin_entry};
use super::{Stop, answered, answered_once, defect, prepared, unexpected};
use crate::bank::{Answered, AnsweredOnce, Bank};
use crate::calendar::{BusinessCalendar, CutoverTime};
use crate::keys::MacPurpose;
use crate::personal::{PersonalColumn, card_indexes};
use crate::pin;
use crate::request::{Canonical, Content, Scope};
use crate::secret::{Pan, Pin, generate_pan, generate_pin};

/// Cards are good for so many years, to the end of the month.
const YEARS_GOOD: i32 = 3;

/// No zone's midnight is as far as this from the middle of a month, so an instant so long before a month's end names
/// the month in every zone, also after the bank's was changed.
const WELL_BEFORE_S: i64 = -5 * 86_400;

/// A card to make.
#[derive(Clone, Debug)]
pub struct CardRequest {
    /// Its holder.
    pub customer: CustomerId,
    /// The accounts it reaches, the primary one first.
    pub accounts: Vec<AccountNumber>,
    /// Its number; made if none.
    pub number: Option<Pan>,
    /// Its PIN; made if none.
    pub pin: Option<Pin>,
}

/// A card that was made.
#[derive(Clone, Debug)]
pub struct CardIssued {
    /// The card.
    pub card: CardId,
    /// Its number; none when the request is repeated.
    pub number: Option<Pan>,
    /// The last month of its time: year and month (1 to 12).
    pub expires: (i32, u8),
    /// Its PIN, if the bank made it; none when the request is repeated.
    pub pin: Option<Pin>,
}

/// An id that is not drawn but known beforehand: that of play data.
#[derive(Clone, Copy)]
pub(crate) struct FixedCard(pub(crate) CardId);

/// A card as it is sent, and what is told of it if it is new.
struct Draft {
    card: NewCard,
    number: Pan,
    made: Option<Pin>,
}

impl Bank {
    /// Staff make a card.
    ///
    /// # Errors
    /// The world failed; so everywhere on the desk.
    pub fn issue_card(&self, session: Session, key: &str, request: CardRequest) -> AnsweredOnce<CardIssued> {
        answered_once(self.make_card(session, key, &request, None))
    }

    /// As [`Self::issue_card`], under an id that may be given.
    pub(crate) fn make_card(
        &self,
        session: Session,
        key: &str,
        request: &CardRequest,
        fixed: Option<FixedCard>,
    ) -> Result<(CardIssued, Replay), Stop> {
        let (operator, zone, profile) = self.look_as(&session, clerk, |reads, operator| {
            let profile = reads.customer(request.customer)?.map(|(profile, _)| profile);
            Ok((operator, reads.policy()?.1.time_zone, profile))
        })?;
        if !self.is_sandbox() && request.number.as_ref().is_some_and(Pan::is_published_test_number) {
            return Err(Refusal::InvalidRequest { field: "card_number" }.into());
        }
        let profile = profile.ok_or(Refusal::NotFound)?;
        let expires = three_years_on(&zone, self.now())?;
        let ids = self.card_requests(Scope::Operator(operator), key, request)?;
        let (draft, done, replay) = prepared(|| {
            let draft = self.draft_card(request, &profile, expires, fixed)?;
            let issue = |request| IssueCard { session, request, card: draft.card.clone() }.into();
            match self.once(&ids, issue) {
                Err(Stop::Refused(Refusal::CardNumberTaken)) if request.number.is_none() => {
                    Err(Refusal::NumberTaken.into())
                }
                result => result.map(|(done, replay)| (draft, done, replay)),
            }
        })?;
        let Done::CardIssued(card) = done else {
            return Err(unexpected(&done));
        };
        let issued = match replay {
            Replay::First => {
                CardIssued { card, number: Some(draft.number), expires: last_month(expires), pin: draft.made }
            }
            Replay::Repeat => {
                let (identity, _) =
                    self.look(|reads| reads.card(card)?.ok_or_else(|| defect("a card that was made is not there")))?;
                CardIssued { card, number: None, expires: last_month(identity.expires), pin: None }
            }
        };
        Ok((issued, replay))
    }

    /// A holder changes the PIN, with the session of that card. A wrong old one counts as a try.
    ///
    /// # Errors
    /// The world failed.
    pub fn change_pin(&self, session: Session, card: CardId, old: Pin, new: Pin) -> Answered<()> {
        answered(self.try_change_pin(session, card, &old, &new))
    }

    pub(crate) fn try_change_pin(&self, session: Session, card: CardId, old: &Pin, new: &Pin) -> Result<(), Stop> {
        let old = pin_entry(self.inner.keys.as_ref(), PinKey::Card(card), old)?;
        let new = pin::verifier(self.inner.keys.as_ref(), card, new)?;
        self.changed(ChangePin { session, card, old, new })
    }

    /// Staff give a card a new PIN, told this once. Blocks and locks stay.
    ///
    /// # Errors
    /// The world failed.
    pub fn reset_pin(&self, session: Session, card: CardId) -> Answered<Pin> {
        let pin = generate_pin(self.inner.entropy.as_ref());
        let reset = pin::verifier(self.inner.keys.as_ref(), card, &pin).map_err(Stop::from);
        answered(reset.and_then(|new| self.changed(ResetPin { session, card, new })).map(|()| pin))
    }

    /// A holder or staff report a card; its sessions end.
    ///
    /// # Errors
    /// The world failed.
    pub fn report_card(&self, session: Session, card: CardId, reason: ReportReason) -> Answered<()> {
        answered(self.changed(ReportCard { session, card, reason }))
    }

    /// Staff lift a card's block or lock.
    ///
    /// # Errors
    /// The world failed.
    pub fn unblock_card(&self, session: Session, card: CardId) -> Answered<()> {
        answered(self.changed(UnblockCard { session, card }))
    }

    /// Staff withdraw a card for good.
    ///
    /// # Errors
    /// The world failed.
    pub fn remove_card(&self, session: Session, card: CardId) -> Answered<()> {
        answered(self.changed(RemoveCard { session, card }))
    }

    /// What is asked for of a card, number and PIN included, as a request's content.
    fn card_requests(&self, scope: Scope, key: &str, request: &CardRequest) -> Result<Vec<RequestId>, Stop> {
        let customer = Canonical::new().field(&request.customer.to_string());
        let rest = request.accounts.iter().fold(customer, |rest, account| rest.field(&account.to_string()));
        let number = request.number.as_ref().map(Pan::expose);
        let pin = request.pin.as_ref().map(Pin::expose);
        let given = [u8::from(number.is_some()), u8::from(pin.is_some())];
        let secret = [given.as_slice(), number.unwrap_or_default().as_bytes(), pin.unwrap_or_default().as_bytes()];
        self.request_ids(scope, key, &Content::of("issue_card", rest.as_str()), (MacPurpose::PinVerifier, &secret))
    }

    fn draft_card(
        &self,
        request: &CardRequest,
        holder: &Profile,
        expires: Timestamp,
        fixed: Option<FixedCard>,
    ) -> Result<Draft, Stop> {
        let (keys, entropy) = (self.inner.keys.as_ref(), self.inner.entropy.as_ref());
        let id = fixed.map_or_else(|| CardId::new(self.new_number()), |fixed| fixed.0);
        let number = request.number.clone().unwrap_or_else(|| generate_pan(entropy));
        let made = request.pin.is_none().then(|| generate_pin(entropy));
        let pin = request.pin.as_ref().or(made.as_ref()).expect("what is not given is made");
        let card = NewCard {
            id,
            customer: request.customer,
            accounts: request.accounts.clone(),
            number_indexes: indexes_of(&card_indexes(keys, &number)?),
            number: self.data_key(holder)?.seal(PersonalColumn::CardNumber, id.number(), number.expose(), entropy),
            expires,
            verifier: pin::verifier(keys, id, pin)?,
        };
        Ok(Draft { card, number, made })
    }
}

/// The first instant after the month in which a card that is made now ends, in the bank's zone.
fn three_years_on(zone: &str, now: Timestamp) -> Result<Timestamp, Stop> {
    let calendar =
        BusinessCalendar::new(zone, CutoverTime::MIDNIGHT).map_err(|_| defect("the policy names no time zone"))?;
    let (year, month, _) = calendar.date_at(now).civil();
    let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let first = BusinessDate::from_civil(year + YEARS_GOOD, month, 1);
    Ok(calendar.begin(first.ok_or_else(|| defect("the clock is beyond the calendar"))?))
}

/// The last month of a card's time.
fn last_month(expires: Timestamp) -> (i32, u8) {
    let days = expires.plus_s(WELL_BEFORE_S).micros().div_euclid(86_400_000_000);
    let (year, month, _) = BusinessDate::from_days(i32::try_from(days).unwrap_or(i32::MAX)).civil();
    (year, month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(zone: &str, now: (i32, u8, u8, i64), end: (i32, u8, u8, i64), month: (i32, u8)) {
        let instant = |(year, month, day, seconds): (i32, u8, u8, i64)| {
            let days = i64::from(BusinessDate::from_civil(year, month, day).unwrap().days());
            Timestamp::from_micros(days * 86_400_000_000).plus_s(seconds)
        };
        let expires = three_years_on(zone, instant(now)).unwrap();
        assert_eq!((expires, last_month(expires)), (instant(end), month));
    }

    #[test]
    fn ends_cards_with_the_month_three_years_on_in_the_banks_zone() {
        check("UTC", (2026, 11, 20, 0), (2029, 12, 1, 0), (2029, 11));
        check("UTC", (2026, 12, 31, 86_399), (2030, 1, 1, 0), (2029, 12));
        check("UTC", (2024, 2, 29, 0), (2027, 3, 1, 0), (2027, 2));
        // Nine in the evening of 31 December in New York; half past midnight of 1 March in Kiritimati.
        check("America/New_York", (2027, 1, 1, 7_200), (2030, 1, 1, 18_000), (2029, 12));
        check("Pacific/Kiritimati", (2026, 2, 28, 37_800), (2029, 3, 31, 36_000), (2029, 3));
    }
}
