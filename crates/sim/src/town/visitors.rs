//! Who comes to machines and goes, and what follows for people from what the bank answers.

use cashpoint_core::outcome::Refusal;
use cashpoint_core::secret::Pan;
use cashpoint_core::terminal::link::{Reply, Request};
use cashpoint_core::terminal::screen::{Finished, Screen};

use super::faults::Deed;
use super::{LOOK_MS, LOOKS, Town, habits, watch};
use crate::audit::Violation;
use crate::audit::seen::{Holder, Seen, Sight};
use crate::person::{Person, Plan};

impl Town<'_> {
    /// Somebody comes to a machine, if it serves and nothing of anybody's lies there.
    pub(super) fn comes(&mut self, at: usize) -> Result<(), Violation> {
        let machine = &mut self.machines[at];
        machine.world.wait_until(self.now);
        if machine.to_come == 0 || machine.visitor.is_some() {
            return Ok(());
        }
        let serves = matches!(machine.world.station.screen(), Some(Screen::Welcome { .. }));
        if !serves || !watch::is_clear(&machine.world.station.hardware) {
            machine.looked += 1;
            let tired = machine.looked >= LOOKS;
            if tired {
                (machine.looked, machine.to_come) = (0, machine.to_come - 1);
            }
            self.after(LOOK_MS, Deed::Comes(at));
            return if tired { self.tell(Some(at), Seen::TurnedAway) } else { Ok(()) };
        }
        let (holder, plan) = self.draw_visitor(at);
        let patience = habits::patience_ms(&self.setup.profile, &mut self.chance);
        self.arm(at)?;
        let machine = &mut self.machines[at];
        (machine.looked, machine.to_come, machine.visitor) = (0, machine.to_come - 1, Some(holder));
        (machine.visit, machine.served) = (machine.visit + 1, false);
        let visit = machine.visit;
        let entered = Seen::Entered { holder, wish: plan.wish.clone(), cash: plan.cash };
        machine.world.enter(Person::new(plan));
        self.after(patience, Deed::GivesUp(at, visit));
        self.tell(Some(at), entered)
    }

    /// Who comes, and what for. Some have a card that is not theirs; and where a line is down, those come first who were
    /// paid unasked elsewhere, or whose cards were reported.
    fn draw_visitor(&mut self, at: usize) -> (Holder, Plan) {
        let free: Vec<Holder> = (0..self.people.len()).filter(|holder| !self.busy.contains(holder)).collect();
        let mut holder = free[habits::index(&mut self.chance, free.len())];
        let cut = self.machines[at].weather.borrow().outage.is_some();
        if cut && self.chance.below(3) == 0 {
            let first = self.paid_unasked.iter().chain(&self.reported);
            holder = first.copied().find(|holder| !self.busy.contains(holder)).unwrap_or(holder);
        }
        let guesses = self.chance.below(1000) < self.setup.profile.thieves.per_mille(20, 150);
        if guesses {
            holder = self.prey.filter(|prey| !self.busy.contains(prey)).unwrap_or(holder);
            self.prey = Some(holder);
        }
        self.busy.insert(holder);
        let stranger = self.people[(holder + 1) % self.people.len()].accounts[0].0;
        let (customer, profile) = (&self.people[holder], &self.setup.profile);
        let plan = if guesses {
            habits::guess(customer, &mut self.chance)
        } else {
            habits::plan(customer, stranger, profile, &mut self.chance)
        };
        (holder, plan)
    }

    pub(super) fn gives_up(&mut self, at: usize, visit: u32) -> Result<(), Violation> {
        let machine = &mut self.machines[at];
        if machine.visitor.is_none() || machine.visit != visit {
            return Ok(());
        }
        machine.world.leave();
        self.look(at)
    }

    /// The visitor has left.
    pub(super) fn gone(&mut self, at: usize) -> Result<(), Violation> {
        if let Some(holder) = self.machines[at].visitor.take() {
            self.busy.remove(&holder);
        }
        let soon = habits::pause_ms(&mut self.chance);
        self.after(soon, Deed::Comes(at));
        self.tell(Some(at), Seen::Left)
    }

    /// What people do because of an answer.
    pub(super) fn follow(&mut self, sight: &Sight) {
        if let Seen::Shown(Screen::Done(Finished::Withdrawal { transaction: None, .. })) = sight.what {
            let machine = self.machines.iter().find(|machine| Some(machine.world.station.id) == sight.machine);
            self.paid_unasked = machine.and_then(|machine| machine.visitor);
        }
        let Seen::Answered { request, reply: Ok(reply), .. } = &sight.what else { return };
        match (&**request, reply) {
            (Request::Approve { account, .. }, Reply::Approved(_)) => self.approved(*account),
            (Request::ChangePin { pan, .. }, Reply::PinChanged) => {
                if let Some(person) = self.whose(pan).map(|holder| &mut self.people[holder]) {
                    std::mem::swap(&mut person.pin, &mut person.other_pin);
                }
            }
            (Request::LogIn { pan, .. }, Reply::Refused(Refusal::CardBlocked { until: None })) => {
                let holder = self.whose(pan);
                self.locked.extend(holder);
                self.prey.take_if(|prey| Some(*prey) == holder);
            }
            (_, _) => {}
        }
    }

    fn whose(&self, pan: &Pan) -> Option<Holder> {
        self.people.iter().position(|person| person.track2.starts_with(pan.expose()))
    }
}
