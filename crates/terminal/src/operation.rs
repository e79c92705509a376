//! One terminal at work: a thread that owns the state machine and its journal, and gives it one input after the other.
//!
//! Devices, link and screen are reached through channels: nothing here waits for them. Every queue has a bound; a full
//! one is a defect and ends the terminal, which recovers at its next start as after any crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use cashpoint_boundary::reached;
use cashpoint_core::sources::Clock;
use cashpoint_core::terminal::journal::{Fill, Journal, Shell, step};
use cashpoint_core::terminal::language::Language;
use cashpoint_core::terminal::link::Request;
use cashpoint_core::terminal::record::{Entry, Record};
use cashpoint_core::terminal::screen::Screen;
use cashpoint_core::terminal::{Alarm, Input, JournalFailure, Lane, Output, Terminal};
use cashpoint_core::time::Timestamp;
use cashpoint_wire::journal::Head;
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::{SteadyClock, ahead_s};
use crate::front::{Press, Shown};
use crate::timers::Timers;
use crate::uplink::KnownToHost;
use crate::xfs::Devices;

/// Longest wait for an input when no timer runs.
const IDLE: Duration = Duration::from_secs(60);

/// How long after it failed a journal is tested, and tested again.
const SELF_TEST_MS: i64 = 10_000;

/// What wakes a terminal.
#[derive(Debug)]
pub enum Wake {
    /// Something happened.
    Input(Input),
    /// Somebody chose something, on the page that they saw.
    Pressed(Press),
    /// It is to end. What is under way is taken up at the next start, as after a crash.
    Stop,
}

/// A request on its way to the host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sending {
    /// On which lane.
    pub lane: Lane,
    /// What.
    pub request: Request,
    /// How long to wait for an answer.
    pub deadline: Duration,
    /// The end of the journal.
    pub head: Head,
    /// What the journal has where the host says that it knows it.
    pub known: Option<Head>,
}

/// A journal that knows its own chain.
pub trait Chained: Journal {
    /// The last entry's number and MAC.
    fn head(&self) -> Head;

    /// Those of an earlier entry, if it is still known.
    fn at(&self, n: u64) -> Option<Head>;

    /// After a failure: whether a record could be written again. Writes none.
    ///
    /// # Errors
    /// Why not.
    fn self_test(&mut self) -> Result<(), JournalFailure>;
}

/// Where outputs go.
pub struct Ends {
    /// To the devices.
    pub devices: Devices,
    /// To the host.
    pub link: mpsc::Sender<Sending>,
    /// To whoever looks at the screen.
    pub screen: watch::Sender<Arc<Shown>>,
}

/// The power of a terminal. Once it is cut, nothing that it was about to do happens any more: no record, no command, no
/// message, no screen.
#[derive(Clone, Default, Debug)]
pub struct Power(Arc<AtomicBool>);

impl Power {
    /// Cuts it, for good.
    pub fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_cut(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What a terminal is made of.
pub struct Operation<J> {
    /// The state machine.
    pub terminal: Terminal,
    /// Its journal.
    pub journal: J,
    /// The ends of its channels.
    pub ends: Ends,
    /// How far the host knows the journal.
    pub known: KnownToHost,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// Where it stands, for the times on receipts.
    pub zone: TimeZone,
    /// Its power.
    pub power: Power,
}

/// Why a terminal ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Nobody is left to give it inputs: it was asked to stop.
    Stopped,
    /// A queue was full, or its reader is gone.
    QueueBroken,
}

impl<J: Chained> Operation<J> {
    /// Begins with what the journal holds, and works until `inputs` end.
    pub fn run(self, entries: Vec<Entry>, nonce: u64, inputs: &Receiver<Wake>) -> Ended {
        let Self { mut terminal, journal, ends, known, clock, zone, power } = self;
        let clock = SteadyClock::new(clock);
        let journal = Watched { journal, test: Test::No, power: power.clone() };
        let timers = Timers::default();
        let mut shell = Running { journal, ends, known, timers, now: clock.now(), ended: None, power };
        let mut next = Some(Input::Begun { entries, nonce });
        let mut pressed = None;
        loop {
            shell.now = clock.now();
            if let Some(input) = next.take() {
                terminal.stands_ahead_of_utc(ahead_s(&zone, shell.now));
                step(&mut terminal, input, shell.now, &mut shell);
            }
            if let Some(taken) = pressed.take() {
                // Whoever pressed may be gone.
                let _ = oneshot::Sender::<bool>::send(taken, true);
            }
            if shell.power.is_cut() {
                return Ended::Stopped;
            }
            if let Some(ended) = shell.ended {
                return ended;
            }
            if let Some(timer) = shell.timers.due(shell.now) {
                next = Some(Input::Elapsed(timer));
                continue;
            }
            if shell.journal.writes_again(shell.now) {
                tracing::info!("the journal can be written again");
                next = Some(Input::JournalWrites);
                continue;
            }
            let waits = [shell.timers.wait(shell.now), shell.journal.wait(shell.now)];
            match inputs.recv_timeout(waits.into_iter().flatten().min().unwrap_or(IDLE)) {
                Ok(Wake::Input(input)) => next = Some(input),
                Ok(Wake::Pressed(Press { page, choice, taken })) if page == shell.ends.screen.borrow().page => {
                    next = Some(Input::Chosen(choice));
                    pressed = Some(taken);
                }
                Ok(Wake::Pressed(Press { taken, .. })) => {
                    let _ = taken.send(false);
                }
                Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => return Ended::Stopped,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// A journal that is tested after a failure, until it can be written again.
struct Watched<J> {
    journal: J,
    test: Test,
    power: Power,
}

/// Whether a journal is to be tested.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Test {
    /// It has not failed.
    No,
    /// It just has.
    Wanted,
    /// At this time.
    At(Timestamp),
}

impl<J: Chained> Watched<J> {
    fn watch<T>(&mut self, done: Result<T, JournalFailure>) -> Result<T, JournalFailure> {
        if done.is_err() {
            self.test = Test::Wanted;
        }
        done
    }

    /// Tests a journal that failed, when it is time; whether it has just passed.
    fn writes_again(&mut self, now: Timestamp) -> bool {
        let later = Test::At(now.plus_ms(SELF_TEST_MS));
        match self.test {
            Test::No => return false,
            Test::At(at) if at > now => return false,
            Test::Wanted => self.test = later,
            Test::At(_) => match self.journal.self_test() {
                Ok(()) => self.test = Test::No,
                Err(why) => {
                    tracing::debug!(?why, "the journal cannot be written");
                    self.test = later;
                }
            },
        }
        self.test == Test::No
    }

    /// How long until the next test.
    fn wait(&self, now: Timestamp) -> Option<Duration> {
        match self.test {
            Test::No => None,
            Test::Wanted => Some(Duration::ZERO),
            Test::At(at) => Some(Duration::from_micros(u64::try_from(at.micros() - now.micros()).unwrap_or(0))),
        }
    }
}

impl<J: Chained> Journal for Watched<J> {
    fn append(&mut self, record: &Record, at: Timestamp) -> Result<Fill, JournalFailure> {
        if self.power.is_cut() {
            return Err(JournalFailure::Broken);
        }
        reached("journal", record.name(), "before");
        let done = self.journal.append(record, at);
        reached("journal", record.name(), "after");
        self.watch(done)
    }

    fn forget(&mut self, keep_from: u64) -> Result<Fill, JournalFailure> {
        if self.power.is_cut() {
            return Err(JournalFailure::Broken);
        }
        reached("journal", "forget", "before");
        let done = self.journal.forget(keep_from);
        reached("journal", "forget", "after");
        self.watch(done)
    }
}

struct Running<J> {
    journal: Watched<J>,
    ends: Ends,
    known: KnownToHost,
    timers: Timers,
    now: Timestamp,
    ended: Option<Ended>,
    power: Power,
}

impl<J> Running<J> {
    fn show(&self, language: Language, screen: Screen) {
        self.ends.screen.send_modify(|shown| *shown = Arc::new(shown.next(language, screen)));
    }
}

impl<J: Chained> Shell for Running<J> {
    fn journal(&mut self) -> &mut dyn Journal {
        &mut self.journal
    }

    fn execute(&mut self, output: Output) {
        if self.power.is_cut() {
            return;
        }
        match output {
            Output::Device(command) => {
                tracing::debug!(unit = ?command.unit(), "device command");
                if self.ends.devices.execute(command).is_err() {
                    self.ended = Some(Ended::QueueBroken);
                }
            }
            Output::Send { lane, request, deadline_ms } => {
                let deadline = Duration::from_millis(u64::from(deadline_ms));
                let (head, known) =
                    (self.journal.journal.head(), self.journal.journal.at(self.known.load(Ordering::Acquire)));
                if self.ends.link.try_send(Sending { lane, request, deadline, head, known }).is_err() {
                    self.ended = Some(Ended::QueueBroken);
                }
            }
            Output::Show(screen) => {
                // Its name alone: what stands on it is the customer's.
                tracing::debug!(screen = screen.name(), "shows");
                let language = self.ends.screen.borrow().language;
                self.show(language, screen);
            }
            Output::Speak(language) => {
                let screen = self.ends.screen.borrow().screen.clone();
                self.show(language, screen);
            }
            Output::Set(timer, ms) => self.timers.set(timer, self.now.plus_ms(i64::from(ms))),
            Output::Stop(timer) => self.timers.stop(timer),
            Output::Alarm(alarm) => raise(&alarm),
            Output::Journal(_) | Output::Forget { .. } => {
                unreachable!("the loop of the core writes the journal itself")
            }
        }
    }
}

fn raise(alarm: &Alarm) {
    match alarm {
        Alarm::CardRetained => tracing::warn!("a card was kept"),
        Alarm::Device(..)
        | Alarm::CashUnknown
        | Alarm::Journal(_)
        | Alarm::JournalTampered
        | Alarm::AdviceRefused { .. }
        | Alarm::TooManyErrors
        | Alarm::NotAccepted => tracing::error!(?alarm, "staff are wanted at this machine"),
    }
}

#[cfg(test)]
mod tests {
    use cashpoint_core::id::MachineId;
    use cashpoint_core::terminal::screen::Choice;
    use cashpoint_wire::card_reference::CardKey;

    use super::*;
    use crate::front::{Front, NotTaken};
    use crate::xfs::{Config, KeyNames, Services, Timing};

    /// A journal that fails, and passes its test from a certain one on.
    struct Failing {
        tests_to_fail: u32,
    }

    impl Journal for Failing {
        fn append(&mut self, _: &Record, _: Timestamp) -> Result<Fill, JournalFailure> {
            Err(JournalFailure::DiskFull)
        }

        fn forget(&mut self, _: u64) -> Result<Fill, JournalFailure> {
            Err(JournalFailure::DiskFull)
        }
    }

    impl Chained for Failing {
        fn head(&self) -> Head {
            Head { n: 0, mac: [0; 32] }
        }

        fn at(&self, _: u64) -> Option<Head> {
            None
        }

        fn self_test(&mut self) -> Result<(), JournalFailure> {
            self.tests_to_fail -= 1;
            if self.tests_to_fail > 0 { Err(JournalFailure::DiskFull) } else { Ok(()) }
        }
    }

    #[test]
    fn a_journal_that_failed_is_tested_until_it_writes_and_that_is_told_once() {
        let at = |ms| Timestamp::EPOCH.plus_ms(ms);
        let mut watched = Watched { journal: Failing { tests_to_fail: 2 }, test: Test::No, power: Power::default() };
        assert_eq!((watched.writes_again(at(0)), watched.wait(at(0))), (false, None));
        for fails in [
            |watched: &mut Watched<Failing>| watched.append(&Record::Begun { nonce: 1 }, Timestamp::EPOCH),
            |watched: &mut Watched<Failing>| watched.forget(1),
        ] {
            watched.journal.tests_to_fail = 2;
            assert_eq!(fails(&mut watched), Err(JournalFailure::DiskFull));
            assert_eq!(watched.wait(at(0)), Some(Duration::ZERO));
            assert!(!watched.writes_again(at(0)));
            assert_eq!(watched.wait(at(1)), Some(Duration::from_millis(9_999)));
            assert!(!watched.writes_again(at(9_999)), "it is not time yet");
            assert!(!watched.writes_again(at(10_000)), "the first test fails");
            assert!(!watched.writes_again(at(19_999)));
            assert!(watched.writes_again(at(20_000)));
            assert_eq!((watched.writes_again(at(30_000)), watched.wait(at(30_000))), (false, None));
        }
    }

    #[test]
    fn nothing_is_written_once_the_power_is_cut() {
        struct Never;
        impl Journal for Never {
            fn append(&mut self, record: &Record, _: Timestamp) -> Result<Fill, JournalFailure> {
                panic!("{record:?} is written")
            }

            fn forget(&mut self, _: u64) -> Result<Fill, JournalFailure> {
                panic!("something is forgotten")
            }
        }
        impl Chained for Never {
            fn head(&self) -> Head {
                Head { n: 0, mac: [0; 32] }
            }

            fn at(&self, _: u64) -> Option<Head> {
                None
            }

            fn self_test(&mut self) -> Result<(), JournalFailure> {
                Ok(())
            }
        }
        let power = Power::default();
        power.cut();
        let mut watched = Watched { journal: Never, test: Test::No, power };
        assert_eq!(watched.append(&Record::Begun { nonce: 1 }, Timestamp::EPOCH), Err(JournalFailure::Broken));
        assert_eq!(watched.forget(1), Err(JournalFailure::Broken));
    }

    /// A journal that takes everything.
    struct Willing;

    impl Journal for Willing {
        fn append(&mut self, _: &Record, _: Timestamp) -> Result<Fill, JournalFailure> {
            Ok(Fill { used: 0, limit: 1 << 20 })
        }

        fn forget(&mut self, _: u64) -> Result<Fill, JournalFailure> {
            Ok(Fill { used: 0, limit: 1 << 20 })
        }
    }

    impl Chained for Willing {
        fn head(&self) -> Head {
            Head { n: 0, mac: [0; 32] }
        }

        fn at(&self, _: u64) -> Option<Head> {
            None
        }

        fn self_test(&mut self) -> Result<(), JournalFailure> {
            Ok(())
        }
    }

    /// Time stands still.
    struct Still;

    impl Clock for Still {
        fn wall(&self) -> Timestamp {
            Timestamp::EPOCH
        }

        fn boot(&self) -> Duration {
            Duration::ZERO
        }
    }

    /// The last look at which page is shown, on the terminal's own thread: whoever asked before that may have seen another.
    #[tokio::test]
    async fn a_choice_counts_only_on_the_page_on_which_it_was_made() {
        let id = MachineId::parse("ATM901").expect("it is a name");
        let (link, _requests) = mpsc::channel(8);
        let first = Shown::first(Terminal::new(id).screen().clone());
        let (show, screen) = watch::channel(Arc::new(Shown { page: 7, ..first }));
        let services = Services::Listed(Vec::new());
        let (keys, timing, card_key) = (KeyNames::default(), Timing::default(), CardKey::new([0; 32]));
        let (devices, _reports) = Devices::connect(Config { services, keys, card_key, timing });
        let operation = Operation {
            terminal: Terminal::new(id),
            journal: Willing,
            ends: Ends { devices, link, screen: show },
            known: KnownToHost::default(),
            clock: Arc::new(Still),
            zone: TimeZone::UTC,
            power: Power::default(),
        };
        let (inputs, wakes) = std::sync::mpsc::sync_channel(8);
        let thread = std::thread::spawn(move || operation.run(Vec::new(), 1, &wakes));
        let front = Front::new(screen, inputs.clone());
        let shown = front.shown();
        for earlier in [0, 6] {
            assert_eq!(front.choose(earlier, Choice::No).await, Err(NotTaken::Stale), "page {earlier}");
        }
        let page = shown.borrow().page;
        assert_eq!(front.choose(page, Choice::No).await, Ok(()), "of {:?}", *shown.borrow());
        inputs.send(Wake::Stop).expect("it runs");
        assert_eq!(thread.join().expect("it does not panic"), Ended::Stopped);
    }
}
