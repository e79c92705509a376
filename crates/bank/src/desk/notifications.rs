//! What those who deliver notifications ask of the bank, and what customers and staff may know and say about them.

use cashpoint_core::command::{ClaimFeed, SetWishes};
use cashpoint_core::id::{CustomerId, FeedHolder};
use cashpoint_core::notification::{ChannelName, Cursor, DeadLetter, Feed, Place, Tenure, Waiting, Wish};
use cashpoint_core::outcome::Refusal;
use cashpoint_core::session::Session;

use super::answered;
use super::customers::profile_of;
use super::reading::{online, staff};
use crate::bank::{Answered, Bank};
use crate::execute::Failure;
use crate::personal::PersonalColumn;
use crate::store::Outgoing;

/// A feed as its new holder finds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedState {
    /// How far it got.
    pub cursor: Cursor,
    /// Customers whose deliveries wait.
    pub waiting: Vec<(CustomerId, Waiting)>,
}

/// Whom a message goes to. Holds personal data, so it cannot be printed.
pub struct Addressee {
    /// Name.
    pub name: String,
    /// Email address.
    pub email: Option<String>,
}

/// Letters that were given up, latest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeadLetters {
    /// The letters.
    pub letters: Vec<DeadLetter>,
    /// Where the next page begins; none: this was the last.
    pub next: Option<i64>,
}

impl Bank {
    /// Whether another host can work on the same database.
    #[must_use]
    pub fn tenure(&self) -> Tenure {
        // A file is locked by the one host that writes to it.
        if self.is_shared() { Tenure::Shared } else { Tenure::Sole }
    }

    /// Takes a channel's feed for `lease_s` seconds; none while another has it. A feed that never was begins behind the
    /// last event.
    ///
    /// # Errors
    /// The world failed; so everywhere here.
    pub fn claim_feed(
        &self,
        channel: ChannelName,
        holder: FeedHolder,
        (tenure, lease_s): (Tenure, u32),
    ) -> Result<Option<FeedState>, Failure> {
        if tenure == Tenure::Shared {
            // A host that stands by asks every few seconds, and a command of its own would cost the other one what it
            // remembers of rows.
            let now = self.now();
            let held = self.read(|reads| reads.feed(channel))?;
            if held.is_some_and(|(feed, _)| feed.holder != holder && feed.until > now) {
                return Ok(None);
            }
        }
        let begin = self.read(|reads| reads.events_end())?;
        let answer = self.execute(ClaimFeed { channel, holder, tenure, lease_s, begin })?;
        match answer.outcome {
            Ok(_) => {}
            Err(Refusal::Moved) => return Ok(None),
            Err(refusal) => {
                tracing::error!(?refusal, "a feed was refused for a reason that there is not");
                return Err(Failure::Internal);
            }
        }
        let found = self.read(|reads| reads.feed(channel))?;
        let state = |(Feed { cursor, .. }, waiting)| FeedState { cursor, waiting };
        Ok(found.filter(|(feed, _)| feed.holder == holder).map(state))
    }

    /// Events behind the cursor, in order, each with the customer's wish for this channel.
    ///
    /// # Errors
    /// The database is away.
    pub fn outgoing(&self, channel: ChannelName, cursor: &Cursor, limit: usize) -> Result<Vec<Outgoing>, Failure> {
        self.read(|reads| reads.events_after(channel, cursor, limit))
    }

    /// Where a customer's events stand from a number on, oldest first.
    ///
    /// # Errors
    /// The database is away.
    pub fn outgoing_places(&self, customer: CustomerId, from: u64, limit: usize) -> Result<Vec<Place>, Failure> {
        self.read(|reads| reads.event_places(customer, from, limit))
    }

    /// The events at these places, in this order, each with its customer's wish for this channel.
    ///
    /// # Errors
    /// The database is away.
    pub fn outgoing_at(&self, channel: ChannelName, places: &[Place]) -> Result<Vec<Outgoing>, Failure> {
        self.read(|reads| reads.events_at(channel, places))
    }

    /// A customer's name and address, opened for the delivery of a message and for nothing else.
    ///
    /// # Errors
    /// The world failed.
    pub fn addressee(&self, customer: CustomerId) -> Result<Addressee, Failure> {
        let opened = self.look(|reads| {
            let (profile, _) = profile_of(reads, customer)?;
            let email = match &profile.email {
                None => None,
                Some((sealed, _)) => {
                    let opened = self.data_key(&profile)?.open(PersonalColumn::Email, customer.number(), sealed)?;
                    Some(String::clone(&opened))
                }
            };
            Ok(Addressee { name: profile.name, email })
        });
        match answered(opened)? {
            Ok(addressee) => Ok(addressee),
            Err(_) => Err(Failure::Internal),
        }
    }

    /// What a customer wants to be told of; a channel that is not named tells what it usually does.
    ///
    /// # Errors
    /// The world failed.
    pub fn wishes(&self, session: Session) -> Answered<Vec<(ChannelName, Wish)>> {
        answered(self.look_as(&session, online, |reads, customer| Ok(reads.wishes(customer)?)))
    }

    /// A customer says what they want to be told of; none: whatever the channel usually tells.
    ///
    /// # Errors
    /// The world failed.
    pub fn set_wishes(&self, session: Session, wishes: Vec<(ChannelName, Option<Wish>)>) -> Answered<()> {
        answered(self.changed(SetWishes { session, wishes }))
    }

    /// Staff see what was given up, latest first.
    ///
    /// # Errors
    /// The world failed.
    pub fn dead_letters(&self, session: Session, before: Option<i64>, limit: usize) -> Answered<DeadLetters> {
        answered(self.report_as(&session, staff, |reads| {
            let mut found = reads.dead_letters(before, limit.saturating_add(1))?;
            let more = found.len() > limit;
            found.truncate(limit);
            let next = found.last().map(|(id, _)| *id).filter(|_| more);
            Ok(DeadLetters { letters: found.into_iter().map(|(_, letter)| letter).collect(), next })
        }))
    }
}
