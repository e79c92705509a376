//! A transfer that a customer asked for at a terminal while the host was away: decided now, as if it were asked for now.
//! A refusal is final, and told: to the customer's events, and at the card's next log-in at a terminal.
//!
//! It may have been asked for at once before, and only the answer have been lost. Then that answer stands, and is told
//! if it was a refusal; and if that request is still on its way, a tombstone declines it when it comes.

use crate::card::PinKey;
use crate::change::New;
use crate::command::StoredTransfer;
use crate::enrolled::StoredNotice;
use crate::event::{About, EventKind};
use crate::facts::{Facts, Keys, Lookups, Recorded};
use crate::id::{CustomerId, RequestId};
use crate::outcome::{Done, Refusal};
use crate::time::BusinessDate;

use super::permit::{self, Reach};
use super::transfer::Move;
use super::{Decide, Draft, Stop, advice};

impl Decide for StoredTransfer {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        lookups.machines.insert(self.terminal);
        lookups.requests.insert(self.original);
        lookups.cards.insert(self.card);
        lookups.accounts.extend([self.source, self.target]);
    }

    fn keys(&self, facts: &Facts, date: BusinessDate, keys: &mut Keys) {
        keys.visits.insert((self.terminal, self.card));
        if let Some(card) = facts.card_identities.find(&self.card) {
            keys.cards.insert(card.id);
            keys.pins.insert(PinKey::Card(card.id));
            keys.customers.insert(card.customer);
        }
        let accounts = [self.source, self.target].map(|number| facts.account_identities.find(&number));
        for account in accounts.into_iter().flatten() {
            keys.accounts.insert(account.number);
            keys.daily.insert((account.customer, date, account.currency));
            keys.customers.insert(account.customer);
        }
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        advice::replay(draft, self.terminal, self.request)?;
        advice::terminal(draft, self.terminal)?;
        let seen = draft.facts.visits.find(&(self.terminal, self.card)).is_some();
        let card = draft.facts.card_identities.find(&self.card).filter(|_| seen);
        let Some(customer) = card.map(|card| card.customer) else {
            // A card that was never here has no holder to tell.
            return Ok(Done::Declined(Box::new(Refusal::AccountNotFound)));
        };
        match draft.facts.requests.find(&self.original).map(|recorded| recorded.outcome.clone()) {
            // Its customer heard of it then.
            Some(Ok(_)) => Ok(Done::Changed),
            Some(Err(refusal)) => {
                self.leave_notice(draft, &refusal);
                Ok(Done::Declined(Box::new(refusal)))
            }
            None => {
                let done = match self.try_move(draft, customer) {
                    Ok(done) => done,
                    Err(refusal) => self.decline(draft, customer, refusal),
                };
                let tombstone = RequestId { key: self.original, content: Recorded::ANY_CONTENT };
                draft.record(tombstone, Err(Refusal::Reversed));
                Ok(done)
            }
        }
    }
}

impl StoredTransfer {
    fn try_move(&self, draft: &mut Draft<'_>, customer: CustomerId) -> Result<Done, Refusal> {
        let reach = Reach::of_card(customer, self.card);
        draft.about.card = Some(self.card);
        let source = permit::account(draft, reach, self.source)?;
        let target = draft.facts.account_identities.find(&self.target).copied();
        let target = target.filter(|target| target.customer != CustomerId::TELLER).ok_or(Refusal::AccountNotFound)?;
        if self.amount.minor() <= 0 || self.amount.currency() != source.currency {
            return Err(Refusal::InvalidAmount);
        }
        draft.about.amount = Some(self.amount);
        Move { reach, source, target, amount: self.amount }.carry_out(draft)
    }

    fn decline(&self, draft: &mut Draft<'_>, customer: CustomerId, refusal: Refusal) -> Done {
        let own = draft.about.account.filter(|account| *account == self.source);
        let about = About {
            account: own,
            amount: own.and(draft.about.amount),
            machine: Some(self.terminal),
            card: Some(self.card),
            code: Some(refusal.code()),
            ..About::default()
        };
        draft.event(customer, EventKind::Refused, about);
        self.leave_notice(draft, &refusal);
        Done::Declined(Box::new(refusal))
    }

    /// For the card's next log-in at a terminal.
    fn leave_notice(&self, draft: &mut Draft<'_>, refusal: &Refusal) {
        let notice = StoredNotice {
            card: self.card,
            at: self.at,
            amount: self.amount,
            target: self.target,
            code: refusal.code().to_owned(),
        };
        draft.add(New::Notice(notice));
    }
}
