//! What a machine does: its journal first, then its devices, notes and messages.
//!
//! Told by the records in the order in which they became durable, the commands in the order in which they were given, notes
//! as they left the cassettes and came into hands, and what the host said.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cashpoint_core::currency::Currency;
use cashpoint_core::id::MachineId;
use cashpoint_core::money::Decimal;
use cashpoint_core::policy::Policy;
use cashpoint_core::terminal::device::{CardReference, Command, Dispense};
use cashpoint_core::terminal::link::{Advice, AdviceKind, OperationId, Reply, Request};
use cashpoint_core::terminal::record::{Intent, Leave, Record};
use cashpoint_core::terminal::settings::{HotList, OfflineLimits, OfflineWithdrawal};
use cashpoint_core::time::Timestamp;

use super::conversation::lease;
use super::seen::{Seen, Sight, value};
use super::tokens::Tokens;
use super::{Broken, broken};

/// How much older than allowed a hot list may be: a machine's clock is set from seven seconds ahead to seven behind without
/// harm, and its list seems as much younger.
const SLACK_MS: i64 = 15_000;

/// In which time a card's cash under leases is added up.
const DAY_MS: i64 = 86_400_000;

/// How many wrong PINs a machine compares by itself for one card.
const WRONG_OFFLINE: u8 = 3;

/// What machines did.
#[derive(Default)]
pub(super) struct Effects {
    machines: BTreeMap<MachineId, Machine>,
    /// Most that all leases may come to, minor units, of all choices so far.
    fleet: i64,
    lease: i64,
}

/// A machine.
#[derive(Default)]
struct Machine {
    /// Its process ended, and has not begun again.
    down: bool,
    /// The last record's number.
    last: u64,
    /// What began and has not ended.
    open: Option<Open>,
    ended: BTreeSet<OperationId>,
    /// Advices that the host has not taken, in the order in which they were written.
    queue: VecDeque<OperationId>,
    /// Advices that were written and of which nothing more was.
    unsettled: BTreeSet<OperationId>,
    /// What the host said to advices: taken, or not.
    taken: BTreeSet<OperationId>,
    refused: BTreeSet<OperationId>,
    approved: BTreeSet<OperationId>,
    tokens: Tokens,
    /// Whose notes are moved, or were last.
    dispense: Option<Moved>,
    /// What it may pay by itself.
    limits: Option<OfflineLimits>,
    /// … when the last withdrawal began: what is chosen meanwhile is for the next.
    allowed: Option<OfflineLimits>,
    hot_list: Option<(HotList, Timestamp)>,
    /// Cash that people have under leases.
    unasked: Vec<Unasked>,
    /// … of these operations, those that the host has not heard of.
    unheard: BTreeSet<OperationId>,
    /// For whose card a try was just counted, until it is compared.
    counted: Option<CardReference>,
    /// Tries since a right one and since the host vouched for the card: as the journal has them, and compared.
    tries: BTreeMap<CardReference, [u8; 2]>,
    replenishing: bool,
}

/// Cash that was paid without asking the host.
struct Unasked {
    id: OperationId,
    card: CardReference,
    at: Timestamp,
    minor: i64,
}

/// What began.
struct Open {
    id: OperationId,
    what: What,
    step: Step,
}

enum What {
    Cash(Box<Intent>),
    Notes,
}

/// How far an operation may have come, by the journal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Step {
    Begun,
    /// Notes of the machine's may leave their cassettes, or a customer's be stored.
    Moving,
    /// They may be within reach.
    Presenting,
}

/// A dispense.
struct Moved {
    id: OperationId,
    /// By which token the dispenser was told, and how much.
    ordered: Option<(String, i64)>,
    reference: CardReference,
    leave: Leave,
    fed: bool,
}

impl Effects {
    pub(super) fn see(&mut self, sight: &Sight) -> Result<(), Broken> {
        if let Seen::Ruled(policy) = &sight.what {
            self.rule(policy);
        }
        let Some(id) = sight.machine else { return Ok(()) };
        let machine = self.machines.entry(id).or_default();
        if let Seen::Died | Seen::Began = sight.what {
            machine.down = sight.what == Seen::Died;
        }
        if let Seen::Wrote(n, record) = &sight.what {
            machine.wrote(*n, record, sight.at)?;
        } else if let Seen::Command(command) = &sight.what {
            machine.invariant_21_a_record_before_every_effect(command)?;
        } else if let Seen::Fed(notes) = &sight.what {
            machine.invariants_18_and_20_no_more_than_the_token(value(notes))?;
        } else if sight.what == Seen::PinComparable {
            machine.invariant_29_few_pins_are_compared_offline()?;
        } else if let Seen::Taken(notes) = &sight.what {
            machine.taken(value(notes), sight.at)?;
        } else if let Seen::Answered { request, reply: Ok(reply), .. } = &sight.what {
            machine.answered(request, reply)?;
            if lease(reply).is_some() {
                self.invariant_25_leases_are_within_what_the_fleet_may_lose(sight.at)?;
            }
        }
        Ok(())
    }

    fn rule(&mut self, policy: &Policy) {
        let minor = |figure: Decimal| figure.limit_in(Currency::USD).minor();
        self.fleet = self.fleet.max(minor(policy.terminals.offline_fleet_limit));
        self.lease = self.lease.max(minor(policy.terminals.offline_lease));
    }

    /// All leases that still serve come to no more than the bank is ready to lose, and none to more than one may.
    fn invariant_25_leases_are_within_what_the_fleet_may_lose(&self, now: Timestamp) -> Result<(), Broken> {
        let standing: Vec<i64> = self.machines.values().filter_map(|machine| machine.tokens.standing(now)).collect();
        let much = standing.iter().sum::<i64>() > self.fleet || standing.iter().any(|amount| *amount > self.lease);
        let rule = "invariant_25_leases_are_within_what_the_fleet_may_lose";
        broken(rule, much.then(|| format!("{standing:?} of {} each and {} in all", self.lease, self.fleet)))
    }

    /// Everything that began has ended, and everything that was to be told was told or is with staff.
    pub(super) fn settled(&self) -> Result<(), Broken> {
        for (id, machine) in &self.machines {
            let open = machine.open.as_ref().map(|open| format!("{id}: {} at {:?}", open.id, open.step));
            broken("invariant_22_every_intent_ends", open)?;
            let untold = (!machine.unsettled.is_empty()).then(|| format!("{id}: {:?}", machine.unsettled));
            broken("invariant_23_no_advice_is_dropped", untold)?;
        }
        Ok(())
    }
}

impl Machine {
    fn wrote(&mut self, n: u64, record: &Record, at: Timestamp) -> Result<(), Broken> {
        let lost = n != self.last + 1;
        let what = || format!("after record {} came {n}: {record:?}", self.last);
        broken("invariant_35_no_record_is_lost", lost.then(what))?;
        self.last = n;
        match record {
            Record::Settings(settings) => {
                self.limits = match settings.partition.withdrawal {
                    OfflineWithdrawal::Limited(limits) => Some(limits),
                    OfflineWithdrawal::Refuse => None,
                };
            }
            Record::HotList(list) => self.hot_list = Some((list.clone(), at)),
            Record::HotListConfirmed { version } => {
                if let Some((list, since)) = &mut self.hot_list
                    && list.version == *version
                {
                    *since = at;
                }
            }
            Record::Intent(intent) => {
                self.allowed = self.limits;
                self.begins(intent.id, What::Cash(Box::new(intent.clone())), Step::Begun)?;
                return self.invariant_26_nothing_unasked_on_an_old_hot_list(intent, at);
            }
            Record::Depositing { id, .. } => return self.begins(*id, What::Notes, Step::Begun),
            Record::Storing { id, .. } => {
                if self.open.as_ref().is_none_or(|open| open.id != *id) {
                    self.begins(*id, What::Notes, Step::Begun)?;
                }
                return self.steps(*id, Step::Moving);
            }
            Record::NotesJammed { id } => return self.steps(*id, Step::Begun),
            Record::Dispensing { id, .. } => return self.dispenses(*id),
            Record::Presenting { id } => return self.steps(*id, Step::Presenting),
            Record::Dropped { id } => return self.ends(*id),
            Record::Advice(advice) => return self.advises(advice),
            Record::Acknowledged { id } => return self.invariant_23_settled_by_the_hosts_word(*id, &Word::Taken),
            Record::Escalated { id, .. } => return self.invariant_23_settled_by_the_hosts_word(*id, &Word::Refused),
            Record::OfflineTry { card, wrong } => {
                let [told, compared] = self.tries.entry(*card).or_default();
                self.counted = (*wrong > *told).then_some(*card);
                (*told, *compared) = (*wrong, if *wrong == 0 { 0 } else { *compared });
            }
            Record::Replenishing { .. } => self.replenishing = true,
            Record::Card(profile) => drop(self.tries.remove(&profile.reference)),
            Record::Begun { .. }
            | Record::Lease(_)
            | Record::Approved { .. }
            | Record::CardJammed { .. }
            | Record::CarriedOut { .. }
            | Record::Availability { .. }
            | Record::Summary(_) => {}
        }
        Ok(())
    }

    fn begins(&mut self, id: OperationId, what: What, step: Step) -> Result<(), Broken> {
        let second = self.open.as_ref().filter(|open| open.id != id).map(|open| format!("{id} while {}", open.id));
        broken("invariant_22_every_intent_ends", second)?;
        self.open = Some(Open { id, what, step });
        Ok(())
    }

    fn steps(&mut self, id: OperationId, step: Step) -> Result<(), Broken> {
        let Some(open) = self.open.as_mut().filter(|open| open.id == id) else {
            return Err(("invariant_21_a_record_before_every_effect", format!("{step:?} of {id}, which is not open")));
        };
        open.step = open.step.max(step);
        Ok(())
    }

    fn dispenses(&mut self, id: OperationId) -> Result<(), Broken> {
        self.steps(id, Step::Moving)?;
        if let Some(Open { what: What::Cash(intent), .. }) = &self.open {
            let (reference, leave) = (intent.reference, intent.leave);
            self.dispense = Some(Moved { id, ordered: None, reference, leave, fed: false });
        }
        Ok(())
    }

    /// Written twice where it was unclear whether it was written, an end is one end.
    fn ends(&mut self, id: OperationId) -> Result<(), Broken> {
        let open = self.open.take_if(|open| open.id == id).is_some();
        let again = !open && !self.ended.contains(&id);
        self.ended.insert(id);
        broken("invariant_22_every_intent_ends", again.then(|| format!("{id} ended and had not begun")))
    }

    fn advises(&mut self, advice: &Advice) -> Result<(), Broken> {
        let first = !self.taken.contains(&advice.id) && !self.queue.contains(&advice.id);
        if first {
            self.queue.push_back(advice.id);
            self.unsettled.insert(advice.id);
        }
        match &advice.kind {
            AdviceKind::Completed { original, .. }
            | AdviceKind::Reversed { original, .. }
            | AdviceKind::Suspect { original, .. } => self.ends(*original),
            AdviceKind::Deposited { .. } | AdviceKind::DepositUnclear { .. } => self.ends(advice.id),
            AdviceKind::OfflineWithdrawn { .. } => {
                self.unheard.insert(advice.id);
                self.ends(advice.id)
            }
            AdviceKind::Replenished { .. } => {
                self.replenishing = false;
                Ok(())
            }
            AdviceKind::StoredTransfer { .. } | AdviceKind::OfflineTries { .. } | AdviceKind::CardRetained { .. } => {
                Ok(())
            }
        }
    }

    /// What the journal says that the host took, the host took; what it says that staff have, the host refused.
    fn invariant_23_settled_by_the_hosts_word(&mut self, id: OperationId, word: &Word) -> Result<(), Broken> {
        let said = match word {
            Word::Taken => self.taken.contains(&id),
            Word::Refused => self.refused.contains(&id),
        };
        if matches!(word, Word::Refused) {
            self.queue.retain(|waiting| *waiting != id);
        }
        self.unsettled.remove(&id);
        self.unheard.remove(&id);
        broken("invariant_23_no_advice_is_dropped", (!said).then(|| format!("{id} is settled without the host's word")))
    }

    fn answered(&mut self, asked: &Request, reply: &Reply) -> Result<(), Broken> {
        if let Request::Heartbeat(told) = asked {
            self.tokens.told(told);
        }
        if let Some(lease) = lease(reply) {
            self.tokens.lease(lease);
        }
        match (asked, reply) {
            (Request::Approve { id, amount, .. }, Reply::Approved(approved)) => {
                self.approved.insert(*id);
                self.tokens.approve(&approved.token.0, amount.minor());
                Ok(())
            }
            (Request::Advice(advice), Reply::Acknowledged(_)) => {
                self.invariant_24_advices_come_in_their_order(advice.id)?;
                self.taken.insert(advice.id);
                self.queue.retain(|waiting| *waiting != advice.id);
                Ok(())
            }
            (Request::Advice(advice), Reply::Refused(_)) => {
                self.invariant_24_advices_come_in_their_order(advice.id)?;
                self.refused.insert(advice.id);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The host hears first what was written first, and nothing that was not written.
    fn invariant_24_advices_come_in_their_order(&self, id: OperationId) -> Result<(), Broken> {
        let known = self.taken.contains(&id) || self.refused.contains(&id);
        let due = self.queue.front().copied();
        let early = !known && due != Some(id);
        broken("invariant_24_advices_come_in_their_order", early.then(|| format!("{id} was told, and {due:?} was due")))
    }

    /// Nothing moves before it is written that it will.
    fn invariant_21_a_record_before_every_effect(&mut self, command: &Command) -> Result<(), Broken> {
        let open = self.open.as_ref();
        let cash = open.filter(|open| matches!(open.what, What::Cash(_))).map(|open| open.step);
        let notes = open.filter(|open| matches!(open.what, What::Notes)).map(|open| open.step);
        let may = match command {
            Command::Dispense(dispense) => return self.told_to_dispense(dispense),
            Command::Present => cash >= Some(Step::Presenting),
            Command::Retract => cash >= Some(Step::Moving),
            // What lay about from an operation that ended is put away, too.
            Command::Reject => self.dispense.is_some(),
            Command::TakeNotes => notes >= Some(Step::Begun),
            Command::StoreNotes => notes >= Some(Step::Moving),
            Command::EndExchange(_) => self.replenishing,
            Command::ReadCard
            | Command::EjectCard
            | Command::RetainCard
            | Command::EnterPin
            | Command::OnlinePinBlock(_)
            | Command::OfflineVerifier { .. }
            | Command::ImportPinKey(_)
            | Command::AcceptKeys
            | Command::FetchNonce
            | Command::ClearNonce
            | Command::PresentStatus { .. }
            | Command::ReadCounters
            | Command::StartCashIn
            // What somebody laid in and was not counted as theirs to give is theirs still.
            | Command::ReturnNotes
            | Command::CashInStatus
            | Command::StartExchange
            | Command::EmptyDeposits
            | Command::Print(_)
            | Command::Cancel(_)
            | Command::Probe(_) => true,
        };
        let what = || format!("{command:?} with {:?} open", open.map(|open| (open.id, open.step)));
        broken("invariant_21_a_record_before_every_effect", (!may).then(what))
    }

    fn told_to_dispense(&mut self, dispense: &Dispense) -> Result<(), Broken> {
        let rule = "invariant_21_a_record_before_every_effect";
        let intent = match &self.open {
            Some(Open { what: What::Cash(intent), step, .. }) if *step >= Step::Moving => intent,
            _ => return Err((rule, format!("{dispense:?} without a record"))),
        };
        let other = dispense.amount != intent.amount || dispense.notes != intent.notes;
        broken(rule, other.then(|| format!("{dispense:?} for {intent:?}")))?;
        let unasked = matches!(intent.leave, Leave::Host { .. }) && !self.approved.contains(&intent.id);
        broken(rule, unasked.then(|| format!("{dispense:?} without the host's leave")))?;
        if let Some(moved) = &mut self.dispense {
            (moved.ordered, moved.fed) = (Some((dispense.token.0.clone(), dispense.amount.minor())), false);
        }
        Ok(())
    }

    /// Notes leave the cassettes only by a token of the host's, ordered within its amount; one that is for an approval moves
    /// notes once. That more leave than were ordered is a fault of the device's: what became of them is another rule's.
    fn invariants_18_and_20_no_more_than_the_token(&mut self, minor: i64) -> Result<(), Broken> {
        let rule = "invariants_18_and_20_no_more_than_the_token";
        let Some(moved) = self.dispense.as_mut().filter(|moved| moved.ordered.is_some()) else {
            return Err((rule, format!("{minor} left without a dispense")));
        };
        let Some((token, amount)) = moved.ordered.as_ref().filter(|_| !moved.fed) else { return Ok(()) };
        moved.fed = true;
        broken(rule, self.tokens.dispensed(token, *amount))
    }

    /// Notes came into somebody's hands.
    fn taken(&mut self, minor: i64, at: Timestamp) -> Result<(), Broken> {
        let rule = "invariant_16_notes_in_hand_have_a_debit_or_a_record";
        let Some(moved) = &self.dispense else {
            return Err((rule, format!("{minor} taken, and nothing was dispensed")));
        };
        let Leave::Lease { .. } = moved.leave else {
            let bare = !self.approved.contains(&moved.id);
            return broken(rule, bare.then(|| format!("{minor} taken for {}, which nobody approved", moved.id)));
        };
        self.unasked.push(Unasked { id: moved.id, card: moved.reference, at, minor });
        self.unheard.insert(moved.id);
        self.invariant_25_cash_unasked_is_within_its_limits(moved.reference, at)
    }

    /// In one outage, and to one card in a day, a machine pays no more by itself than it was allowed.
    fn invariant_25_cash_unasked_is_within_its_limits(
        &self,
        card: CardReference,
        now: Timestamp,
    ) -> Result<(), Broken> {
        let rule = "invariant_25_cash_unasked_is_within_its_limits";
        let Some(limits) = &self.allowed else { return Err((rule, "the bank does not have it".to_owned())) };
        let paid = self.unasked.iter();
        let outage: i64 = paid.clone().filter(|paid| self.unheard.contains(&paid.id)).map(|paid| paid.minor).sum();
        let to_card = paid.filter(|paid| paid.card == card && now.since_ms(paid.at) < DAY_MS);
        let of_card: i64 = to_card.map(|paid| paid.minor).sum();
        let much = outage > limits.per_outage.minor() || of_card > limits.per_card.minor();
        broken(rule, much.then(|| format!("{outage} in the outage, {of_card} to the card: {limits:?}")))
    }

    /// Without the host nothing is begun for a reported card, or where it is not known lately which ones are.
    fn invariant_26_nothing_unasked_on_an_old_hot_list(&self, intent: &Intent, now: Timestamp) -> Result<(), Broken> {
        let rule = "invariant_26_nothing_unasked_on_an_old_hot_list";
        let Leave::Lease { .. } = intent.leave else { return Ok(()) };
        let (Some((list, since)), Some(limits)) = (&self.hot_list, &self.limits) else {
            return Err((rule, "no list, or no leave to pay".to_owned()));
        };
        let age_ms = now.since_ms(*since);
        // What a process finds that begins was written some time before: nothing follows from it but its end.
        let old = !self.down && age_ms > i64::from(limits.hot_list_age_s) * 1_000 + SLACK_MS;
        let hot = list.cards.contains(&intent.reference);
        broken(rule, (old || hot).then(|| format!("{} on a list {age_ms} ms old, on it: {hot}", intent.id)))
    }

    /// A machine compares a PIN by itself only once that is counted, and for a card no more than three that are not right.
    /// What was counted and never came out of the pad was not compared: the count may be taken back.
    fn invariant_29_few_pins_are_compared_offline(&mut self) -> Result<(), Broken> {
        let rule = "invariant_29_few_pins_are_compared_offline";
        let Some(card) = self.counted.take() else { return Err((rule, "one that was not counted".to_owned())) };
        let [_, compared] = self.tries.entry(card).or_default();
        *compared += 1;
        let many = (*compared > WRONG_OFFLINE).then(|| format!("{compared} in a row, none of them known to be right"));
        broken(rule, many)
    }
}

/// What the host said to an advice.
enum Word {
    Taken,
    Refused,
}
