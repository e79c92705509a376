//! What the dispenser does: nonces and tokens, picking, stacking, presenting, taking back, rejecting, telling.
//!
//! Each motion writes first that it has begun, and then moves; a loss of power in between leaves a record that says less
//! than was done, never more. The order of a dispense's checks is that of the fact sheet's end-to-end rules: a refused token
//! changes nothing, not even the record of the dispense before.

use cashpoint_core::money::Amount;
use cashpoint_core::terminal::device::{
    Answer, Dispense, DispenseId, Event, Failure, Nonce, PresentStatus, Unit, Usable, Way,
};
use cashpoint_mutant::{Mutant, chosen};
use cashpoint_wire::dispense_token::{Guard, HostTokenKey, TokenError, Used};
use cashpoint_wire::present_status::{self, DeviceTokenKey, Retracted, StatusLine, TokenNonce};

use super::acceptor::Jam;
use super::dispenser::{Exchange, Handed, Motion, Shutter, WayKnown};
use super::{Fault, Happening, Hardware, Outcome, Place, PresentRecord, Reached, Returned, Step, Stopped};

const UNIT: Unit = Unit::Dispenser;

impl Hardware {
    pub(super) fn fetch_nonce(&mut self) -> Outcome {
        self.before(UNIT, Step::Nonce)?;
        let nonce = Nonce(self.draw());
        self.dispenser.nonce = Some(Handed { nonce, text: nonce.into(), at: self.now(), used: None });
        self.after(UNIT, Step::Nonce)?;
        Ok(Answer::Nonce(nonce))
    }

    pub(super) fn clear_nonce(&mut self) -> Outcome {
        self.before(UNIT, Step::Nonce)?;
        self.dispenser.forget_nonce();
        self.after(UNIT, Step::Nonce)?;
        Ok(Answer::NonceCleared)
    }

    pub(super) fn dispense(&mut self, dispense: &Dispense) -> Outcome {
        let used = self.authorise(dispense)?;
        self.can_begin(dispense)?;
        self.before(UNIT, Step::Pick)?;
        self.write_intent(&dispense.notes, used);
        self.note(Happening::DispenseStarted);
        if self.faults.happens(Fault::Stall, Step::Pick) {
            return Err(self.nothing_picked(dispense));
        }
        let picked = self.pick(&dispense.notes)?;
        self.after(UNIT, Step::Pick)?;
        self.before(UNIT, Step::Stack)?;
        self.stack(&picked)?;
        self.after(UNIT, Step::Stack)?;
        if picked.iter().all(|count| *count == 0) {
            return Err(Failure::Cassette.into());
        }
        Ok(Answer::Dispensed(picked))
    }

    /// Whether the token covers this; what it leaves, if so.
    fn authorise(&mut self, dispense: &Dispense) -> Result<Used, Stopped> {
        let key = HostTokenKey::new(self.keys.authenticate_host.0);
        let handed = self.dispenser.nonce.as_ref();
        let guard = Guard {
            key: Some(&key),
            nonce: handed.map(|handed| &handed.text),
            used: handed.and_then(|handed| handed.used.as_ref()),
        };
        guard.admit(&dispense.token, dispense.amount).map_err(|error| {
            self.happened.push(Happening::TokenRefused(error));
            let failure = if error == TokenError::NoNonce { Failure::NoNonce } else { Failure::Token };
            failure.into()
        })
    }

    fn can_begin(&mut self, dispense: &Dispense) -> Result<(), Stopped> {
        let worth = Amount::new(self.dispenser.value(&dispense.notes), self.fitting.currency);
        let count: u32 = dispense.notes.iter().sum();
        let agrees = worth == dispense.amount && dispense.notes.len() <= self.dispenser.cassettes.len();
        if self.dispenser.exchange == Exchange::Active || !agrees {
            return Err(Failure::Sequence.into());
        }
        match self.way() {
            Way::Clear => {}
            Way::Inside | Way::Reachable => return Err(Failure::ItemsLeft.into()),
            Way::Unknown if self.dispenser.is_stuck() => return Err(Failure::Jam.into()),
            Way::Unknown => return Err(Failure::ItemsLeft.into()),
        }
        let wanted = || dispense.notes.iter().enumerate().filter(|(_, count)| **count > 0);
        let unusable = wanted().map(|(position, _)| position).find(|position| self.turns_out_unusable(*position));
        if let Some(position) = unusable {
            self.faults.use_up([Fault::CassetteEmpty, Fault::CassetteMissing], position);
            self.note(Happening::CassetteFailed(position));
            return Err(Failure::Cassette.into());
        }
        let left = |position: usize| {
            let cassette = &self.dispenser.cassettes[position];
            cassette.initial.saturating_sub(cassette.out.total())
        };
        if count > self.fitting.most_notes || wanted().any(|(position, count)| *count > left(position)) {
            return Err(Failure::NotDispensable.into());
        }
        Ok(())
    }

    /// Whether the cassette's sensors keep the dispense from beginning.
    fn turns_out_unusable(&self, position: usize) -> bool {
        match self.usable(position) {
            Usable::Yes | Usable::Low => false,
            // An empty one that is simply empty cannot make the mix; that is said in its place.
            Usable::Empty => self.faults.stands(Fault::CassetteEmpty, position),
            Usable::No => true,
        }
    }

    /// The pessimistic record: by which token, what is planned, and that it has begun.
    fn write_intent(&mut self, plan: &[u32], used: Used) {
        let dispense: DispenseId = used.id;
        let forgets = [Mutant::DispensedAgain, Mutant::LeaseForgotten].into_iter().any(chosen);
        if let Some(handed) = &mut self.dispenser.nonce
            && !forgets
        {
            handed.used = Some(used);
        }
        self.dispenser.record = PresentRecord {
            state: Reached::NotPresented,
            notes: Some(plan.to_vec()),
            dispense: Some(dispense),
            returned: Returned::Nothing,
        };
        self.dispenser.motion = Some(Motion::Dispense(plan.to_vec()));
    }

    /// Picks notes into the transport; says how many of each cassette.
    fn pick(&mut self, plan: &[u32]) -> Result<Vec<u32>, Stopped> {
        let wanted: u32 = plan.iter().sum();
        if self.faults.happens(Fault::DoubleNote, Step::Pick) {
            self.reject_a_pair(plan);
        }
        let cut_short = self.is_cut_short(Step::Pick);
        let jams = !cut_short && self.jams(Step::Pick);
        let short = self.faults.happens(Fault::ShortDispense, Step::Pick);
        let most = match () {
            () if cut_short || jams => wanted.div_ceil(2),
            () if short => wanted.saturating_sub(1),
            () => wanted,
        };
        let mut left = most;
        let mut picked = vec![0; plan.len()];
        for (position, count) in plan.iter().enumerate() {
            let pile = self.census.shift(Place::Cassette(position), Place::Transport, left.min(*count));
            picked[position] = pile.count();
            left -= pile.count();
        }
        if cut_short {
            return Err(Stopped::PowerLoss);
        }
        if jams {
            self.dispenser.count_out(&picked, |out| &mut out.transport);
            self.dispenser.record.notes = Some(picked.clone());
            return Err(self.jammed(&picked));
        }
        if picked != plan {
            // A cassette gave fewer notes than were asked of it. Those that came were counted.
            self.dispenser.motion = Some(Motion::Dispense(picked.clone()));
            self.cassette_fails(plan);
        }
        Ok(picked)
    }

    /// A dispense that moved nothing uses nothing of its token up.
    fn nothing_picked(&mut self, dispense: &Dispense) -> Stopped {
        self.dispenser.motion = None;
        self.dispenser.record.notes = Some(vec![0; dispense.notes.len()]);
        let used = self.dispenser.nonce.as_mut().and_then(|handed| handed.used.as_mut());
        if let Some(left) = used.and_then(|used| used.left.get_mut(&dispense.amount.currency())) {
            *left += dispense.amount.minor();
        }
        self.cassette_fails(&dispense.notes)
    }

    fn cassette_fails(&mut self, plan: &[u32]) -> Stopped {
        let position = plan.iter().position(|count| *count > 0).unwrap_or_default();
        self.note(Happening::CassetteFailed(position));
        Failure::Cassette.into()
    }

    /// Two notes stick together: the device sees that, and puts both aside.
    fn reject_a_pair(&mut self, plan: &[u32]) {
        let enough = |position: &usize| self.census.count(Place::Cassette(*position)) >= plan[*position] + 2;
        let position = (0..plan.len()).filter(|position| plan[*position] > 0).find(enough);
        let Some(position) = position else { return };
        let pair = self.census.shift(Place::Cassette(position), Place::RejectBin, 2);
        let cassette = &mut self.dispenser.cassettes[position];
        cassette.out.rejected += pair.count();
        *self.dispenser.rejected.entry(cassette.denomination).or_default() += pair.count();
        self.note(Happening::NotesStuckTogether);
        self.note(Happening::CountsChanged(UNIT));
    }

    /// Brings picked notes onto the stacker.
    fn stack(&mut self, picked: &[u32]) -> Result<(), Stopped> {
        let count: u32 = picked.iter().sum();
        let cut_short = self.is_cut_short(Step::Stack);
        let jams = !cut_short && self.jams(Step::Stack);
        let most = if cut_short || jams { count / 2 } else { count };
        let stacked = self.census.shift(Place::Transport, Place::Stacker, most).by_cassette(picked.len());
        if cut_short {
            return Err(Stopped::PowerLoss);
        }
        self.dispenser.count_out(&stacked, |out| &mut out.stacked);
        self.dispenser.record.notes = Some(picked.to_vec());
        self.note(Happening::CountsChanged(UNIT));
        if jams {
            let stuck: Vec<u32> = picked.iter().zip(&stacked).map(|(all, some)| all - some).collect();
            self.dispenser.count_out(&stuck, |out| &mut out.transport);
            return Err(self.jammed(picked));
        }
        self.dispenser.motion = None;
        Ok(())
    }

    pub(super) fn present(&mut self) -> Outcome {
        self.can_move(Place::Stacker)?;
        self.before(UNIT, Step::Present)?;
        let there = self.census.count(Place::Stacker);
        if self.faults.happens(Fault::Stall, Step::Present) {
            return Err(Failure::NotPresented.into());
        }
        self.dispenser.record.state = Reached::Unknown;
        self.dispenser.motion = Some(Motion::Present);
        let notes = self.dispenser.stacked();
        if self.is_cut_short(Step::Present) {
            self.census.shift(Place::Stacker, Place::Exit, there.div_ceil(2));
            return Err(Stopped::PowerLoss);
        }
        if self.jams(Step::Present) {
            let stuck = self.census.shift(Place::Stacker, Place::Transport, there.div_ceil(2));
            self.dispenser.count_on(&stuck.by_cassette(notes.len()), |out| &mut out.transport);
            return Err(self.jammed(&notes));
        }
        self.census.shift_all(Place::Stacker, Place::Exit);
        self.after(UNIT, Step::Present)?;
        self.before(UNIT, Step::OpenShutter)?;
        self.open_shutter(&notes)?;
        self.after(UNIT, Step::OpenShutter)?;
        self.spend_nonce();
        Ok(Answer::Presented)
    }

    fn open_shutter(&mut self, notes: &[u32]) -> Result<(), Stopped> {
        self.dispenser.motion = None;
        if self.faults.happens(Fault::ShutterStuck, Step::OpenShutter) {
            self.census.shift_all(Place::Exit, Place::Stacker);
            self.dispenser.record.state = Reached::NotPresented;
            self.note(Happening::StatusChanged(UNIT));
            return Err(Failure::ShutterStuck.into());
        }
        self.dispenser.shutter = Shutter::Open;
        self.dispenser.record.state = Reached::Presented;
        self.dispenser.count_on(notes, |out| &mut out.presented);
        self.note(Happening::ShutterOpened);
        self.note(Happening::NotesPresented);
        self.note(Happening::CountsChanged(UNIT));
        if self.jams(Step::OpenShutter) { Err(Failure::PartlyPresented.into()) } else { Ok(()) }
    }

    /// A nonce whose token is used up is of no more use.
    fn spend_nonce(&mut self) {
        let used = self.dispenser.nonce.as_ref().and_then(|handed| handed.used.as_ref());
        if used.is_some_and(Used::is_spent) {
            self.dispenser.forget_nonce();
            self.tell(Event::NonceCleared);
        }
    }

    pub(super) fn close_shutter(&mut self) {
        if self.dispenser.shutter == Shutter::Open {
            self.dispenser.shutter = Shutter::Closed;
            self.note(Happening::ShutterClosed);
        }
    }

    pub(super) fn reject(&mut self) -> Outcome {
        let unsure = self.dispenser.way == WayKnown::No && !self.census.is_empty(Place::Transport);
        self.can_move(if unsure { Place::Transport } else { Place::Stacker })?;
        self.before(UNIT, Step::Reject)?;
        self.dispenser.motion = Some(Motion::Reject);
        let there = self.census.count(Place::Stacker);
        let broken = self.broken_off_on_the_way(Step::Reject);
        let most = if broken.is_some() { there / 2 } else { there };
        let rejected = self.census.shift(Place::Stacker, Place::RejectBin, most);
        if matches!(broken, Some(Stopped::PowerLoss)) {
            self.census.shift_all(Place::Stacker, Place::Transport);
            return Err(Stopped::PowerLoss);
        }
        // After an interruption the device does not know what it has on its way, and counts nothing of it.
        if self.dispenser.way == WayKnown::Yes {
            self.count_rejected(&rejected);
        }
        if let Some(stopped) = broken {
            let stuck = self.census.shift_all(Place::Stacker, Place::Transport);
            let stuck = stuck.by_cassette(self.dispenser.cassettes.len());
            self.dispenser.count_on(&stuck, |out| &mut out.transport);
            self.jammed(&stuck);
            return Err(stopped);
        }
        self.census.shift_all(Place::Transport, Place::RejectBin);
        self.dispenser.motion = None;
        self.way_is_known_again();
        self.note(Happening::CountsChanged(UNIT));
        self.after(UNIT, Step::Reject)?;
        Ok(Answer::Rejected)
    }

    fn count_rejected(&mut self, rejected: &super::Pile) {
        let by_cassette = rejected.by_cassette(self.dispenser.cassettes.len());
        self.dispenser.count_on(&by_cassette, |out| &mut out.rejected);
        for (denomination, count) in rejected.by_denomination() {
            *self.dispenser.rejected.entry(denomination).or_default() += count;
        }
    }

    pub(super) fn retract(&mut self) -> Outcome {
        self.can_move(Place::Exit)?;
        self.before(UNIT, Step::Retract)?;
        self.close_shutter();
        self.dispenser.motion = Some(Motion::Retract);
        let there = self.census.count(Place::Exit);
        let broken = self.broken_off_on_the_way(Step::Retract);
        if let Some(stopped) = broken {
            self.census.shift(Place::Exit, Place::RetractBin, there / 2);
            self.census.shift_all(Place::Exit, Place::Transport);
            if let Stopped::Failed(_) = stopped {
                self.retracted_uncounted();
                self.jammed(&[]);
            }
            return Err(stopped);
        }
        let pulled = if self.faults.happens(Fault::TakenDuring, Step::Retract) { there.div_ceil(2) } else { 0 };
        self.census.shift(Place::Exit, Place::Customer, pulled);
        let back = self.census.shift_all(Place::Exit, Place::RetractBin);
        self.dispenser.motion = None;
        let uncounted = self.faults.happens(Fault::RetractUncounted, Step::Retract);
        if uncounted || self.dispenser.way == WayKnown::No {
            self.retracted_uncounted();
        } else {
            self.retracted_counted(&back);
        }
        self.way_is_known_again();
        self.note(Happening::CountsChanged(UNIT));
        self.after(UNIT, Step::Retract)?;
        match self.dispenser.record.returned {
            _ if pulled > 0 => Err(Failure::AlreadyTaken.into()),
            Returned::Uncounted => Ok(Answer::Retracted(None)),
            Returned::Counted(_) | Returned::Nothing => Ok(Answer::Retracted(Some(back.by_denomination()))),
        }
    }

    fn retracted_counted(&mut self, back: &super::Pile) {
        if back.is_empty() {
            return;
        }
        self.dispenser.retract_operations += 1;
        for (denomination, count) in back.by_denomination() {
            *self.dispenser.retracted.entry(denomination).or_default() += count;
        }
        self.dispenser.record.returned = Returned::Counted(back.value());
    }

    fn retracted_uncounted(&mut self) {
        self.dispenser.retract_operations += 1;
        self.dispenser.record.returned = Returned::Uncounted;
    }

    pub(super) fn present_status(&mut self, nonce: Option<Nonce>) -> Outcome {
        let token = nonce.map(TokenNonce::from);
        self.read_present_status(token.as_ref()).map(Answer::PresentStatus)
    }

    /// What became of the last dispense, signed for `nonce` if there is one.
    pub(super) fn read_present_status(&mut self, nonce: Option<&TokenNonce>) -> Result<PresentStatus, Stopped> {
        self.before(UNIT, Step::PresentStatus)?;
        if self.faults.happens(Fault::LostPresentStatus, Step::PresentStatus) {
            self.dispenser.record = PresentRecord::default();
        }
        self.after(UNIT, Step::PresentStatus)?;
        let record = &self.dispenser.record;
        Ok(PresentStatus {
            state: record.state.into(),
            notes: record.notes.clone(),
            // XFS4IoT names the dispense in the signed token and nowhere else.
            dispense: record.dispense.filter(|_| nonce.is_some()),
            token: nonce.map(|nonce| self.sign_status(nonce)),
        })
    }

    fn sign_status(&self, nonce: &TokenNonce) -> String {
        let record = &self.dispenser.record;
        let amount = |minor| Amount::new(minor, self.fitting.currency);
        let dispensed = amount(record.notes.as_deref().map_or(0, |notes| self.dispenser.value(notes)));
        let line = StatusLine {
            dispensed,
            // Not knowing, the device says the worst: that all of it was within reach.
            presented: match record.state {
                Reached::Presented | Reached::Unknown => Some(dispensed),
                Reached::NotPresented => None,
            },
            retracted: match record.returned {
                Returned::Nothing => Retracted::Nothing,
                Returned::Counted(minor) => Retracted::Counted(amount(minor)),
                Returned::Uncounted => Retracted::Uncounted,
            },
        };
        let key = DeviceTokenKey::new(self.keys.authenticate_device.0);
        present_status::make(&key, nonce, record.dispense, line)
    }

    pub(super) fn read_counters(&mut self) -> Outcome {
        self.before(UNIT, Step::Counters)?;
        self.after(UNIT, Step::Counters)?;
        Ok(Answer::Counters(self.counters()))
    }

    /// After a loss of power: what was moving has an end that nobody recorded. The sensors say whether notes lie about;
    /// what left the cassettes then is no longer known.
    pub(super) fn recover_dispenser(&mut self) {
        if self.census.is_empty(Place::Exit) {
            self.dispenser.shutter = Shutter::Closed;
        }
        let Some(motion) = self.dispenser.motion.take() else { return };
        let lies = [Place::Transport, Place::Stacker, Place::Exit].iter().any(|place| !self.census.is_empty(*place));
        match motion {
            Motion::Dispense(plan) if !lies => self.dispenser.record.notes = Some(vec![0; plan.len()]),
            Motion::Dispense(plan) => {
                self.dispenser.count_out(&plan, |out| &mut out.unknown);
                self.dispenser.doubt(&plan);
            }
            Motion::Present | Motion::Reject => {
                let notes = self.dispenser.stacked();
                self.dispenser.count_on(&notes, |out| &mut out.unknown);
                self.dispenser.doubt(&notes);
            }
            Motion::Retract => self.retracted_uncounted(),
        }
        if lies {
            self.dispenser.way = WayKnown::No;
        }
    }

    fn way_is_known_again(&mut self) {
        let places = [Place::Transport, Place::Stacker, Place::Exit];
        if places.iter().all(|place| self.census.is_empty(*place)) {
            self.dispenser.way = WayKnown::Yes;
        }
    }

    fn can_move(&self, from: Place) -> Result<(), Stopped> {
        match () {
            () if self.dispenser.exchange == Exchange::Active => Err(Failure::Sequence.into()),
            () if self.dispenser.is_stuck() => Err(Failure::Jam.into()),
            () if self.census.is_empty(from) => Err(Failure::Nothing.into()),
            () => Ok(()),
        }
    }

    fn broken_off_on_the_way(&mut self, step: Step) -> Option<Stopped> {
        if self.is_cut_short(step) {
            return Some(Stopped::PowerLoss);
        }
        self.jams(step).then(|| Failure::Jam.into())
    }

    /// Something is stuck: the counts of the cassettes it came from are doubtful, and staff must look.
    fn jammed(&mut self, notes: &[u32]) -> Stopped {
        self.dispenser.jam = Jam::Stuck;
        self.dispenser.motion = None;
        self.dispenser.doubt(notes);
        self.note(Happening::StatusChanged(UNIT));
        self.note(Happening::CountsChanged(UNIT));
        Failure::Jam.into()
    }
}
