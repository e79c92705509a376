//! Noting that a session was active, after reads that took another road than commands.

use crate::command::Touch;
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::Done;
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, permit};

impl Decide for Touch {
    fn lookups(&self, lookups: &mut Lookups) {
        permit::session_lookups(&self.session, lookups);
    }

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        permit::alive(draft.facts, &self.session, draft.moment.now)?;
        draft.touch(&self.session);
        Ok(Done::Changed)
    }
}
