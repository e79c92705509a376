//! A customer says what they want to be told of, and where.

use crate::change::Row;
use crate::command::SetWishes;
use crate::event::{About, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::Done;
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, permit};

impl Decide for SetWishes {
    fn lookups(&self, lookups: &mut Lookups) {
        permit::session_lookups(&self.session, lookups);
    }

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let customer = permit::online(draft, &self.session)?;
        for (channel, wish) in &self.wishes {
            draft.set(Row::Wish((customer, *channel), wish.clone()));
        }
        draft.event(customer, EventKind::ProfileChanged, About::default());
        draft.touch(&self.session);
        Ok(Done::Changed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::World;
    use super::*;
    use crate::account::Product;
    use crate::machine::MachineKind;
    use crate::notification::{ChannelName, Wish};
    use crate::outcome::Refusal;
    use crate::session::Role;

    #[test]
    fn are_the_customers_own_and_only_online() {
        let mut world = World::new();
        let customer = world.customer();
        let email = ChannelName::parse("email").expect("letters");
        let webhook = ChannelName::parse("webhook").expect("letters");
        let wishes = vec![(email, Some(Wish::Nothing)), (webhook, None)];
        let session = world.online(customer);
        assert_eq!(world.run(SetWishes { session, wishes: wishes.clone() }), Ok(Done::Changed));
        assert_eq!(world.log.wishes.get(&(customer, email)), Some(&Some(Wish::Nothing)));
        assert_eq!(world.log.wishes.get(&(customer, webhook)), Some(&None));
        assert_eq!(world.events(customer, EventKind::ProfileChanged).len(), 1);
        let account = world.account(customer, Product::Savings, 0);
        let card = world.card(customer, &[account]);
        let atm = world.machine("ATM001", MachineKind::Api);
        for session in [world.in_machine(card, atm), world.operator(Role::Admin)] {
            assert_eq!(world.run(SetWishes { session, wishes: wishes.clone() }), Err(Refusal::Forbidden));
        }
    }
}
