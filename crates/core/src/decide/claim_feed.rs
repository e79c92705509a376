//! Somebody becomes the one who delivers a channel's feed.

use crate::change::Row;
use crate::command::ClaimFeed;
use crate::facts::{Facts, Keys, Lookups};
use crate::notification::{Feed, Tenure};
use crate::outcome::{Done, Refusal};
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop};

impl Decide for ClaimFeed {
    fn lookups(&self, _: &mut Lookups) {}

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        keys.feeds.insert(self.channel);
    }

    /// Refused as [`Refusal::Moved`] while another has it: nobody outside ever sees that.
    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let now = draft.moment.now;
        let found = draft.facts.feeds.find(&self.channel);
        let taken = found.is_some_and(|feed| feed.holder != self.holder && now < feed.until);
        match self.tenure {
            Tenure::Shared if taken => return Err(Refusal::Moved.into()),
            Tenure::Shared | Tenure::Sole => {}
        }
        let cursor = found.map_or_else(|| self.begin.clone(), |feed| feed.cursor.clone());
        let until = now.plus_s(i64::from(self.lease_s));
        draft.set(Row::Feed(Feed { channel: self.channel, holder: self.holder, until, cursor }));
        Ok(Done::Changed)
    }
}
