//! A card's holder was told of what had waited.

use crate::change::Row;
use crate::command::NoticesTold;
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::Done;
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop};

impl Decide for NoticesTold {
    fn lookups(&self, _: &mut Lookups) {}

    fn keys(&self, _: &Facts, _: BusinessDate, _: &mut Keys) {}

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        draft.set(Row::NoticesTold(self.card, self.upto));
        Ok(Done::Changed)
    }
}
