//! The bookkeeping of a feed: how far it got, what waits, what was given up.

use crate::change::{New, Row};
use crate::command::KeepFeed;
use crate::facts::{Facts, Keys, Lookups};
use crate::notification::Feed;
use crate::outcome::{Done, Refusal};
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop};

impl Decide for KeepFeed {
    fn lookups(&self, _: &mut Lookups) {}

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        keys.feeds.insert(self.channel);
    }

    /// Refused as [`Refusal::Moved`] once another has the feed. A holder whose time is over and whom nobody followed
    /// still has it.
    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let found = draft.facts.feeds.find(&self.channel);
        if found.is_none_or(|feed| feed.holder != self.holder) {
            return Err(Refusal::Moved.into());
        }
        let until = draft.moment.now.plus_s(i64::from(self.lease_s));
        let cursor = self.cursor.clone();
        draft.set(Row::Feed(Feed { channel: self.channel, holder: self.holder, until, cursor }));
        for (customer, waiting) in &self.waiting {
            draft.set(Row::Waiting((self.channel, *customer), waiting.clone()));
        }
        for letter in &self.dead {
            draft.add(New::DeadLetter(letter.clone()));
        }
        Ok(Done::Changed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::World;
    use super::*;
    use crate::command::ClaimFeed;
    use crate::event::EventKind;
    use crate::id::FeedHolder;
    use crate::notification::{ChannelName, Cursor, DeadLetter, NotificationId, Place, Tenure, Waiting};
    use crate::outcome::Outcome;

    const ANN: FeedHolder = FeedHolder::new(1);
    const BEN: FeedHolder = FeedHolder::new(2);
    const TAKEN: Outcome = Err(Refusal::Moved);
    const DONE: Outcome = Ok(Done::Changed);

    fn webhook() -> ChannelName {
        ChannelName::parse("webhook").expect("letters")
    }

    fn at(number: u64) -> Cursor {
        let mut cursor = Cursor::default();
        cursor.advance(Place { stream: 0, number });
        cursor
    }

    fn claim(holder: FeedHolder, tenure: Tenure) -> ClaimFeed {
        ClaimFeed { channel: webhook(), holder, tenure, lease_s: 30, begin: at(7) }
    }

    fn keep(holder: FeedHolder, number: u64) -> KeepFeed {
        let channel = webhook();
        KeepFeed { channel, holder, lease_s: 30, cursor: at(number), waiting: Vec::new(), dead: Vec::new() }
    }

    fn feed(world: &World) -> &Feed {
        world.facts.feeds.at(&webhook())
    }

    #[test]
    fn belongs_to_its_holder_until_the_time_is_over() {
        let mut world = World::new();
        assert_eq!(world.run(claim(ANN, Tenure::Shared)), DONE);
        assert_eq!((feed(&world).holder, &feed(&world).cursor), (ANN, &at(7)), "a new feed begins where it is told to");
        world.now = world.now.plus_ms(29_999);
        assert_eq!(world.run(claim(BEN, Tenure::Shared)), TAKEN);
        assert_eq!(world.run(keep(BEN, 8)), TAKEN);
        assert_eq!(world.run(keep(ANN, 9)), DONE, "which also holds it for longer");
        world.now = world.now.plus_ms(29_999);
        assert_eq!(world.run(claim(BEN, Tenure::Shared)), TAKEN);
        world.now = world.now.plus_ms(1);
        assert_eq!(world.run(keep(ANN, 10)), DONE, "nobody followed");
        world.now = world.now.plus_s(30);
        assert_eq!(world.run(claim(BEN, Tenure::Shared)), DONE);
        assert_eq!((feed(&world).holder, &feed(&world).cursor), (BEN, &at(10)), "goes on where the last one was");
        assert_eq!(world.run(keep(ANN, 11)), TAKEN);
    }

    #[test]
    fn is_free_at_once_when_let_go_or_when_there_is_nobody_else() {
        let mut world = World::new();
        assert_eq!(world.run(keep(ANN, 1)), TAKEN, "a feed that never was is nobody's");
        assert_eq!(world.run(claim(ANN, Tenure::Shared)), DONE);
        assert_eq!(world.run(claim(BEN, Tenure::Sole)), DONE);
        assert_eq!(world.run(KeepFeed { lease_s: 0, ..keep(BEN, 8) }), DONE);
        assert_eq!(world.run(claim(ANN, Tenure::Shared)), DONE);
        assert_eq!(feed(&world).cursor, at(8));
    }

    #[test]
    fn writes_down_what_waits_and_what_was_given_up() {
        let mut world = World::new();
        let (one, other) = (world.customer(), world.customer());
        let waiting = Waiting { number: 4, attempts: 2, since: world.now, due: world.now, why: "HTTP 503".to_owned() };
        let dead = DeadLetter {
            channel: webhook(),
            id: NotificationId { writer: 1, seq: 2, index: 3 },
            customer: other,
            number: 5,
            kind: EventKind::Deposit,
            at: world.now,
            attempts: 20,
            given_up: world.now,
            why: "HTTP 410".to_owned(),
        };
        assert_eq!(world.run(claim(ANN, Tenure::Sole)), DONE);
        let waits = vec![(one, Some(waiting.clone())), (other, None)];
        assert_eq!(world.run(KeepFeed { waiting: waits, dead: vec![dead.clone()], ..keep(ANN, 9) }), DONE);
        assert_eq!(world.log.waiting.get(&(webhook(), one)), Some(&Some(waiting)));
        assert_eq!(world.log.waiting.get(&(webhook(), other)), Some(&None));
        assert!(world.log.new.contains(&New::DeadLetter(dead)));
    }
}
