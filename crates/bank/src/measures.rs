//! What the bank counts, for whoever watches it: totals and histograms that other threads may read at any time.
//!
//! Nothing is decided by any of this, and nothing waits for it. On the money path it costs a command some tens of
//! nanoseconds: what can be is counted once per group, after the commit. There are no names of metrics here and no
//! formats; who watches gives them theirs.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use cashpoint_core::change::{Changes, New};
use cashpoint_core::currency::Currency;
use cashpoint_core::decide::Replay;
use cashpoint_core::event::{Event, EventKind};
use cashpoint_core::id::{Index, MachineId};
use cashpoint_core::session::Subject;
use cashpoint_core::time::Timestamp;

use crate::execute::{Answer, Failure};

/// Upper bounds of times, in microseconds: 100 µs to 10 s.
pub const TIMES_US: &[u64] = &[
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];

/// Upper bounds of group sizes.
pub const SIZES: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn count(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often values fell between fixed bounds. Takes no memory however many there are.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One for each bound, and one for what is above them all.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// A histogram at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Distribution {
    /// The bounds, each with how many values were not above it.
    pub at_most: Vec<(u64, u64)>,
    /// How many values there were.
    pub count: u64,
    /// All of them added up.
    pub sum: u64,
}

impl Histogram {
    /// With these upper bounds, in ascending order.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// Counts a value.
    pub fn record(&self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Counts a time, in microseconds.
    pub fn record_time(&self, time: Duration) {
        self.record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// As it is now. Values that come meanwhile may be in the one number and not yet in the other.
    #[must_use]
    pub fn distribution(&self) -> Distribution {
        let mut count = 0;
        let mut at_most = Vec::with_capacity(self.bounds.len());
        for (place, own) in self.counts.iter().enumerate() {
            count += own.load(Ordering::Relaxed);
            at_most.extend(self.bounds.get(place).map(|bound| (*bound, count)));
        }
        Distribution { at_most, count, sum: self.sum.load(Ordering::Relaxed) }
    }
}

/// What moved at one machine or counter since the bank was opened.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MachineTraffic {
    /// Withdrawals paid or promised, and their minor units, by currency.
    pub withdrawn: BTreeMap<&'static str, Flow>,
    /// Deposits, and their minor units, by currency.
    pub deposited: BTreeMap<&'static str, Flow>,
    /// Withdrawals and deposits that were refused, by code.
    pub refused: BTreeMap<&'static str, u64>,
}

/// How often, and how much.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flow {
    /// The currency of the amounts.
    pub currency: Currency,
    /// How often.
    pub count: u64,
    /// How much, in minor units.
    pub minor: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Measures {
    /// Commands per group.
    pub groups: Histogram,
    /// How long a group took, from its first look at the database to the end of its commit, µs.
    pub group_us: Histogram,
    /// How long commits took, µs: writing and syncing.
    pub commit_us: Histogram,
    /// How long the command waited that waited longest in its group, µs.
    pub wait_us: Histogram,
    /// Commands that were done …
    pub done: Counter,
    /// … that were refused by a rule …
    pub refused: Counter,
    /// … and that were answered before.
    pub repeated: Counter,
    /// Commands that failed, by [`Failure`]: too much waiting, database, clocks, defect.
    failed: [Counter; 4],
    /// Sessions begun: with a card, online, by staff.
    begun: [Counter; 3],
    events: [Counter; EventKind::ALL.len()],
    waiting: AtomicUsize,
    machines: Mutex<BTreeMap<MachineId, MachineTraffic>>,
    active: Active,
}

/// How a session began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begun {
    /// With a card.
    Card,
    /// Online.
    Online,
    /// By staff.
    Staff,
}

impl Default for Measures {
    fn default() -> Self {
        Self {
            groups: Histogram::new(SIZES),
            group_us: Histogram::new(TIMES_US),
            commit_us: Histogram::new(TIMES_US),
            wait_us: Histogram::new(TIMES_US),
            done: Counter::default(),
            refused: Counter::default(),
            repeated: Counter::default(),
            failed: Default::default(),
            begun: Default::default(),
            events: std::array::from_fn(|_| Counter::default()),
            waiting: AtomicUsize::new(0),
            machines: Mutex::default(),
            active: Active::default(),
        }
    }
}

impl Measures {
    /// Commands that wait now.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Commands that failed in this way.
    pub fn failed(&self, failure: Failure) -> u64 {
        self.failed[place(failure)].total()
    }

    /// Sessions that began in this way.
    pub fn begun(&self, how: Begun) -> u64 {
        self.begun[how as usize].total()
    }

    /// Events of this kind.
    pub fn events(&self, kind: EventKind) -> u64 {
        self.events[kind as usize].total()
    }

    /// What moved at each machine and counter at which anything did.
    #[must_use]
    pub fn machines(&self) -> BTreeMap<MachineId, MachineTraffic> {
        self.machines.lock().expect("no holder of this lock can panic").clone()
    }

    /// About how many sessions asked for something in the last five to ten minutes before `now`.
    #[must_use]
    pub fn active_sessions(&self, now: Timestamp) -> u64 {
        self.active.turn(now);
        self.active.estimate()
    }

    pub(crate) fn asked(&self, token: &Index) {
        self.active.see(token);
    }

    pub(crate) fn submitted(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused_at_the_door(&self, why: Failure) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.failed[place(why)].count();
    }

    pub(crate) fn taken(&self, commands: usize, waited: Duration) {
        self.waiting.fetch_sub(commands, Ordering::Relaxed);
        self.groups.record(commands as u64);
        self.wait_us.record_time(waited);
    }

    pub(crate) fn answered(&self, answers: &[Result<Answer, Failure>], took: Duration, now: Timestamp) {
        let (mut done, mut refused, mut repeated) = (0, 0, 0);
        for answer in answers {
            match answer {
                Ok(Answer { replay: Replay::Repeat, .. }) => repeated += 1,
                Ok(Answer { outcome: Ok(_), .. }) => done += 1,
                Ok(Answer { outcome: Err(_), .. }) => refused += 1,
                Err(failure) => self.failed[place(*failure)].count(),
            }
        }
        self.done.add(done);
        self.refused.add(refused);
        self.repeated.add(repeated);
        self.group_us.record_time(took);
        self.active.turn(now);
    }

    pub(crate) fn committed(&self, changes: &Changes, took: Duration) {
        self.commit_us.record_time(took);
        let mut machines = self.machines.lock().expect("no holder of this lock can panic");
        for new in &changes.new {
            if let New::Event(event) = new {
                self.events[event.kind as usize].count();
                note(&mut machines, event);
            } else if let New::Session(session, _) = new {
                let how = match session.subject {
                    Subject::Card { .. } => Begun::Card,
                    Subject::Online { .. } => Begun::Online,
                    Subject::Operator { .. } => Begun::Staff,
                };
                self.begun[how as usize].count();
            }
        }
    }
}

const fn place(failure: Failure) -> usize {
    match failure {
        Failure::Overloaded => 0,
        Failure::DatabaseUnavailable => 1,
        Failure::ClockDisagrees => 2,
        Failure::Internal => 3,
    }
}

/// Counts an event at its machine, if that is what it is about.
fn note(machines: &mut BTreeMap<MachineId, MachineTraffic>, event: &Event) {
    let Some(machine) = event.about.machine else {
        return;
    };
    let moved = |flows: &mut BTreeMap<&'static str, Flow>| {
        if let Some(amount) = event.about.amount {
            let currency = amount.currency();
            let flow = flows.entry(currency.code()).or_insert(Flow { currency, count: 0, minor: 0 });
            flow.count += 1;
            flow.minor = flow.minor.saturating_add(amount.minor().unsigned_abs());
        }
    };
    if event.kind == EventKind::Withdrawal {
        moved(&mut machines.entry(machine).or_default().withdrawn);
    } else if event.kind == EventKind::Deposit {
        moved(&mut machines.entry(machine).or_default().deposited);
    } else if let (EventKind::Refused, Some(code)) = (event.kind, event.about.code) {
        *machines.entry(machine).or_default().refused.entry(code).or_default() += 1;
    }
}

/// How long a window of [`Active`] is.
const WINDOW_S: i64 = 5 * 60;

/// Bits of a window: enough for some hundred thousand sessions, within a percent or two.
const BITS: usize = 1 << 17;
const WORDS: usize = BITS / 64;

/// About how many different sessions there were lately (linear counting): each sets the bit that its token's hash
/// names, in this window's bits, and how many are left says how many there were. Costs a look at one word.
#[derive(Debug)]
struct Active {
    windows: [Box<[AtomicU64]>; 2],
    /// The number of the window that is open; its last bit says which of the two it is.
    open: AtomicU64,
}

impl Default for Active {
    fn default() -> Self {
        let window = || (0..WORDS).map(|_| AtomicU64::new(0)).collect();
        Self { windows: [window(), window()], open: AtomicU64::new(0) }
    }
}

impl Active {
    fn see(&self, token: &Index) {
        let hash = u64::from_le_bytes(token[..8].try_into().expect("an index has 32 bytes"));
        let bit = usize::try_from(hash % BITS as u64).expect("less than BITS");
        let word = &self.window(self.open.load(Ordering::Relaxed))[bit / 64];
        let mask = 1 << (bit % 64);
        // Nearly always there already, and a word that is only read is in every processor's cache.
        if word.load(Ordering::Relaxed) & mask == 0 {
            word.fetch_or(mask, Ordering::Relaxed);
        }
    }

    /// Opens the window of `now`, if it is another.
    fn turn(&self, now: Timestamp) {
        let due = u64::try_from(now.micros().div_euclid(WINDOW_S * 1_000_000)).unwrap_or(0);
        let open = self.open.load(Ordering::Relaxed);
        let turned = self.open.compare_exchange(open, due, Ordering::Relaxed, Ordering::Relaxed);
        if due == open || turned.is_err() {
            return;
        }
        self.window(due).iter().for_each(|word| word.store(0, Ordering::Relaxed));
        if due != open + 1 {
            // Nobody asked in the window before.
            self.window(due + 1).iter().for_each(|word| word.store(0, Ordering::Relaxed));
        }
    }

    fn window(&self, number: u64) -> &[AtomicU64] {
        &self.windows[usize::from(number % 2 == 1)]
    }

    fn estimate(&self) -> u64 {
        let words = self.windows[0].iter().zip(&self.windows[1]);
        let set: u32 =
            words.map(|(one, other)| (one.load(Ordering::Relaxed) | other.load(Ordering::Relaxed)).count_ones()).sum();
        estimate(set)
    }
}

/// How many different things set so many bits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the logarithm is negative or zero, and its product below 2^53"
)]
fn estimate(set: u32) -> u64 {
    let bits = BITS as f64;
    let clear = (bits - f64::from(set)).max(1.0);
    (-bits * (clear / bits).ln()).round() as u64
}

#[cfg(test)]
mod tests {
    use cashpoint_core::change::Stamp;
    use cashpoint_core::event::About;
    use cashpoint_core::id::CustomerId;
    use cashpoint_core::money::Amount;
    use cashpoint_core::time::BusinessDate;

    use super::*;
    use crate::entropy::{Entropy, SeededEntropy};

    const AT: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    #[test]
    fn it_counts_values_up_to_each_bound() {
        let histogram = Histogram::new(&[1, 10]);
        for value in [0, 1, 2, 10, 11, 1_000] {
            histogram.record(value);
        }
        let Distribution { at_most, count, sum } = histogram.distribution();
        assert_eq!((at_most, count, sum), (vec![(1, 2), (10, 4)], 6, 1_024));
    }

    #[test]
    fn it_counts_what_moves_at_a_machine() {
        let machine = MachineId::parse("HALL").ok();
        let event = |kind, minor, code| {
            let amount = Some(Amount::new(minor, Currency::USD));
            let about = About { machine, amount, code, ..About::default() };
            New::Event(Event { customer: CustomerId::new(7), number: 1, kind, at: AT, about })
        };
        let stamp = Stamp { now: AT, business_date: BusinessDate::from_days(0), policy_version: 1 };
        let mut changes = Changes::new(stamp);
        changes.new = vec![
            event(EventKind::Withdrawal, 10_00, None),
            event(EventKind::Withdrawal, 20_00, None),
            event(EventKind::Deposit, 5_00, None),
            event(EventKind::Fee, 1_00, None),
            event(EventKind::Refused, 500_00, Some("insufficient_funds")),
        ];
        let measures = Measures::default();
        measures.committed(&changes, Duration::from_micros(700));
        let traffic = &measures.machines()[&machine.unwrap()];
        let flow = |count, minor| Flow { currency: Currency::USD, count, minor };
        assert_eq!(traffic.withdrawn["USD"], flow(2, 30_00));
        assert_eq!(traffic.deposited["USD"], flow(1, 5_00));
        assert_eq!(traffic.refused["insufficient_funds"], 1);
        assert_eq!((measures.events(EventKind::Withdrawal), measures.events(EventKind::Fee)), (2, 1));
        assert_eq!(measures.commit_us.distribution().sum, 700);
    }

    #[test]
    fn it_tells_about_how_many_sessions_there_were() {
        let (active, entropy) = (Active::default(), SeededEntropy::new(3));
        active.turn(AT);
        let mut token = [0; 32];
        for round in 1..=20_000_u64 {
            entropy.fill(&mut token);
            // Often, and still one.
            (0..3).for_each(|_| active.see(&token));
            if [10, 1_000, 20_000].contains(&round) {
                let off = active.estimate().abs_diff(round);
                assert!(off * 50 <= round, "{round}: {off} off (seed 3)");
            }
        }
        active.turn(AT.plus_s(WINDOW_S));
        assert!(active.estimate() > 19_000);
        active.turn(AT.plus_s(2 * WINDOW_S));
        assert_eq!(active.estimate(), 0);
        active.see(&token);
        active.turn(AT.plus_s(10 * WINDOW_S));
        assert_eq!(active.estimate(), 0);
    }
}
