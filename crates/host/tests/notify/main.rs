//! Notifications over real sockets: every event arrives, whatever receivers do, and nobody's withdrawal waits for that.
//!
//! `CASHPOINT_SOAK=1` takes 10,000 events instead of 1,000. What is measured is printed, and judged by nobody: run with
//! `--no-capture` to read it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::print_stdout, reason = "measurements are for reading")]

mod inbox;
mod mail;
mod receiver;
mod world;

use std::sync::Arc;
use std::time::Duration;

use cashpoint_bank::clock::{Clock, SystemClock};
use cashpoint_bank::entropy::SystemEntropy;
use cashpoint_core::event::EventKind;
use cashpoint_core::notification::{ChannelName, Tenure, Wish};
use cashpoint_host::notify::{Channel, Email, EmailSetting, Limits, Notifications, Notifier, Webhook};

use inbox::{Inbox, PATIENCE};
use mail::MailServer;
use receiver::{Mood, Receiver, SECRET};
use world::{Visitor, World};

/// Pauses that fit a test.
const QUICK: Limits = Limits {
    in_flight: 64,
    per_second: 2_000,
    window: 2_048,
    attempts: 1_000,
    patience_ms: 3_600_000,
    first_pause_ms: 20,
    longest_pause_ms: 200,
};

/// Of channels to receivers that stall.
const DEADLINE: Duration = Duration::from_millis(300);

fn events() -> usize {
    if std::env::var_os("CASHPOINT_SOAK").is_some() { 10_000 } else { 1_000 }
}

/// To a receiver that answers, and is believed to do so however busy the machine is: what arrives, arrives once.
fn webhook(world: &World, receiver: &Receiver) -> Webhook {
    Webhook::new(world.bank.clone(), &receiver.url(), SECRET, PATIENCE).unwrap()
}

/// To a receiver that may stall.
fn hasty_webhook(world: &World, receiver: &Receiver) -> Webhook {
    Webhook::new(world.bank.clone(), &receiver.url(), SECRET, DEADLINE).unwrap()
}

fn email(world: &World, server: &MailServer) -> Email {
    let setting = EmailSetting { server: &server.url(), from: "Test Bank <no-reply@bank.example>", deadline: DEADLINE };
    Email::new(world.bank.clone(), setting).unwrap()
}

fn notifications(world: &World, channels: Vec<Arc<dyn Channel>>) -> Notifications {
    Notifications { channels, limits: QUICK, tenure: world.bank.tenure(), entropy: Arc::new(SystemEntropy) }
}

async fn start(world: &World, channels: Vec<Arc<dyn Channel>>) -> Notifier {
    Notifier::start(&world.bank, notifications(world, channels)).await
}

/// Everything that customers' outboxes show arrived once by id, each customer's in order; `whose` names them as the
/// receiver does.
fn check_all_arrived(world: &World, visitors: &[Visitor], inbox: &Inbox, whose: impl Fn(usize, Visitor) -> String) {
    let once = inbox.dropped_by_id();
    for (at, visitor) in visitors.iter().enumerate() {
        let shown: Vec<String> = world.outbox(visitor.customer).into_values().collect();
        let mut arrived = once.get(&whose(at, *visitor)).cloned().unwrap_or_default();
        arrived.retain(|id| shown.contains(id));
        let wanted: Vec<_> = shown.into_iter().filter(|id| arrived.contains(id)).collect();
        assert_eq!(arrived, wanted, "in order");
    }
}

/// Waits for something that nobody tells of.
async fn until(condition: impl Fn() -> bool) {
    let holds = async {
        let mut often = tokio::time::interval(Duration::from_millis(5));
        while !condition() {
            often.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, holds).await.expect("it comes to hold");
}

fn in_words(customer: Visitor) -> String {
    customer.customer.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_arrives_once_by_id_and_in_order_while_receivers_misbehave() {
    let world = World::new();
    let (receiver, server) = (Receiver::start(Mood::Unwell).await, MailServer::start().await);
    server.misbehave(true);
    let channels: Vec<Arc<dyn Channel>> =
        vec![Arc::new(hasty_webhook(&world, &receiver)), Arc::new(email(&world, &server))];
    let notifier = start(&world, channels).await;
    let visitors = world.visitors(40);
    let world = Arc::new(world);
    let (own, whom) = (Arc::clone(&world), visitors.clone());
    tokio::task::spawn_blocking(move || own.deposits(&whom, events())).await.unwrap();
    let shown: usize = visitors.iter().map(|visitor| world.outbox(visitor.customer).len()).sum();
    assert!(shown >= events());
    receiver.inbox.until(shown / 4).await;
    receiver.be(Mood::Overwhelmed);
    server.inbox.until(shown / 10).await;
    receiver.be(Mood::Unwell);
    receiver.inbox.until(shown / 2).await;
    receiver.be(Mood::Well);
    server.misbehave(false);
    receiver.inbox.until(shown).await;
    // Mail tells of everything but that the card came: account, card, deposits.
    server.inbox.until(shown - visitors.len()).await;
    notifier.stop().await;
    check_all_arrived(&world, &visitors, &receiver.inbox, |_, visitor| in_words(visitor));
    check_all_arrived(&world, &visitors, &server.inbox, |at, _| format!("visitor-{at}@example.com"));
    assert_eq!(receiver.inbox.different(), shown);
    assert_eq!(server.inbox.different(), shown - visitors.len());
    assert!(receiver.inbox.arrivals() > shown, "some came twice, and were dropped by id");
    let dead = world.bank.dead_letters(world.operator, None, 10).unwrap().unwrap();
    assert_eq!(dead.letters, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_on_its_way_goes_out_again_after_a_crash_and_nothing_else_does() {
    let mut world = World::new();
    let receiver = Receiver::start(Mood::Well).await;
    let channels: Vec<Arc<dyn Channel>> = vec![Arc::new(webhook(&world, &receiver))];
    let notifier = start(&world, channels).await;
    let visitors = world.visitors(3);
    let before: usize = visitors.iter().map(|visitor| world.outbox(visitor.customer).len()).sum();
    receiver.inbox.until(before).await;
    notifier.stop().await;
    // Committed while nobody delivers: what a crash between commit and delivery leaves.
    world.withdraw(visitors[0], 100).unwrap();
    world.withdraw(visitors[1], 100_000).unwrap_err();
    world.reopen();
    let arrived = receiver.inbox.arrivals();
    let channels: Vec<Arc<dyn Channel>> = vec![Arc::new(webhook(&world, &receiver))];
    let notifier = start(&world, channels).await;
    receiver.inbox.until(before + 2).await;
    notifier.stop().await;
    assert_eq!(receiver.inbox.arrivals(), arrived + 2, "what was delivered before did not come again");
    check_all_arrived(&world, &visitors, &receiver.inbox, |_, visitor| in_words(visitor));
    let last = |visitor: Visitor| world.bank.outbox(visitor.customer, 0, 100).unwrap().pop().unwrap().event;
    assert_eq!(last(visitors[0]).kind, EventKind::Withdrawal);
    assert_eq!(
        (last(visitors[1]).kind, last(visitors[1]).about.code),
        (EventKind::Refused, Some("over_transaction_limit"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_is_left_alone_for_as_long_as_it_asks() {
    let world = World::new();
    let receiver = Receiver::start(Mood::Overwhelmed).await;
    let channels: Vec<Arc<dyn Channel>> = vec![Arc::new(webhook(&world, &receiver))];
    let notifier = start(&world, channels).await;
    let began = SystemClock.boot();
    let visitors = world.visitors(2);
    let shown: usize = visitors.iter().map(|visitor| world.outbox(visitor.customer).len()).sum();
    receiver.be(Mood::Overwhelmed);
    until(|| receiver.asked() >= 4).await;
    let (asked, took) = (receiver.asked(), SystemClock.boot() - began);
    // A second's rest after each refusal: whoever asks twice in it was on the way before the first answer.
    assert!(asked <= 4 + 2 * took.as_secs(), "{asked} requests within {took:?}");
    receiver.be(Mood::Well);
    receiver.inbox.until(shown).await;
    notifier.stop().await;
    check_all_arrived(&world, &visitors, &receiver.inbox, |_, visitor| in_words(visitor));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_leaves_letters_that_staff_can_read() {
    let world = World::new();
    let receiver = Receiver::start(Mood::Gone).await;
    let channels: Vec<Arc<dyn Channel>> = vec![Arc::new(webhook(&world, &receiver))];
    let notifier = start(&world, channels).await;
    let visitors = world.visitors(2);
    let shown: usize = visitors.iter().map(|visitor| world.outbox(visitor.customer).len()).sum();
    let letters = || world.bank.dead_letters(world.operator, None, 100).unwrap().unwrap().letters;
    until(|| letters().len() >= shown).await;
    let figures = notifier.figures()[0].standing(world.bank.now());
    notifier.stop().await;
    assert_eq!((letters().len(), figures.delivered, receiver.asked()), (shown, 0, u64::try_from(shown).unwrap()));
    for letter in letters() {
        assert_eq!((letter.attempts, letter.why.as_str()), (1, "HTTP 410"));
        assert_eq!(world.outbox(letter.customer)[&letter.number], letter.id.to_string());
    }
    let customer = visitors[0].session;
    assert!(world.bank.dead_letters(customer, None, 100).unwrap().is_err(), "not for customers");
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_are_mailed_in_words_what_they_asked_for() {
    let world = World::new();
    let server = MailServer::start().await;
    let notifier = start(&world, vec![Arc::new(email(&world, &server))]).await;
    let visitor = world.visitors(1)[0];
    server.inbox.until(3).await;
    world.withdraw(visitor, 100).unwrap();
    server.inbox.until(4).await;
    let message = server.latest.lock().unwrap().clone();
    for part in [
        "From: \"Test Bank\" <no-reply@bank.example>",
        "To: \"Visitor 0\" <visitor-0@example.com>",
        "Subject: Withdrawal",
        "100.00 USD was withdrawn from your account ending in",
        "at BENCH-0.",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!message.contains(&visitor.account.to_string()), "no whole account number");
    let number = world.outbox(visitor.customer).len();
    assert!(message.contains(&world.outbox(visitor.customer).into_values().nth(number - 1).unwrap()));
    notifier.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_hold_for_what_is_delivered_from_then_on() {
    let world = World::new();
    let receiver = Receiver::start(Mood::Well).await;
    let notifier = start(&world, vec![Arc::new(webhook(&world, &receiver))]).await;
    let request = cashpoint_bank::desk::SignUpRequest {
        name: "Ann".to_owned(),
        email: "ann@example.com".to_owned(),
        password: cashpoint_bank::secret::Password::choose("correct horse battery").unwrap(),
        phone: None,
        address: None,
        product: cashpoint_core::account::Product::Savings,
        currency: cashpoint_core::currency::Currency::USD,
    };
    let signed_up = world.bank.sign_up(request).unwrap().unwrap();
    let session = signed_up.session.session;
    receiver.inbox.until(1).await;
    let channel = ChannelName::parse("webhook").unwrap();
    let only = Wish::Only([EventKind::LoggedOut].into());
    world.bank.set_wishes(session, vec![(channel, Some(only.clone()))]).unwrap().unwrap();
    assert_eq!(world.bank.wishes(session).unwrap().unwrap(), [(channel, only)]);
    let open = cashpoint_core::currency::Currency::EUR;
    world.bank.open_account(session, "k", cashpoint_core::account::Product::Savings, open).unwrap().unwrap();
    world.bank.log_out(session).unwrap().unwrap();
    let shown = world.bank.outbox(signed_up.customer, 0, 100).unwrap();
    let last = shown.last().unwrap();
    assert_eq!(last.event.kind, EventKind::LoggedOut);
    let arrived = || receiver.inbox.dropped_by_id().remove(&signed_up.customer.to_string()).unwrap_or_default();
    until(|| arrived().contains(&last.id().to_string())).await;
    notifier.stop().await;
    let opened = shown.iter().rev().find(|one| one.event.kind == EventKind::AccountOpened).unwrap();
    assert!(arrived().contains(&last.id().to_string()));
    assert!(!arrived().contains(&opened.id().to_string()), "nobody wanted to know");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_share_a_feed_one_after_the_other() {
    let world = World::new();
    let receiver = Receiver::start(Mood::Well).await;
    let shared = |world: &World| {
        let channels: Vec<Arc<dyn Channel>> = vec![Arc::new(webhook(world, &receiver))];
        Notifications { tenure: Tenure::Shared, ..notifications(world, channels) }
    };
    let first = Notifier::start(&world.bank, shared(&world)).await;
    let second = Notifier::start(&world.bank, shared(&world)).await;
    let visitors = world.visitors(2);
    let shown: usize = visitors.iter().map(|visitor| world.outbox(visitor.customer).len()).sum();
    receiver.inbox.until(shown).await;
    first.stop().await;
    assert_eq!(receiver.inbox.arrivals(), shown, "only one of them delivers");
    world.withdraw(visitors[0], 10).unwrap();
    receiver.inbox.until(shown + 1).await;
    second.stop().await;
    assert_eq!(receiver.inbox.arrivals(), shown + 1, "the other takes over");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_waits_for_what_is_on_its_way_and_no_longer_than_a_moment() {
    let world = World::new();
    let receiver = Receiver::start(Mood::Stalled).await;
    let notifier = start(&world, vec![Arc::new(webhook(&world, &receiver))]).await;
    world.visitors(1);
    until(|| receiver.asked() > 0).await;
    tokio::time::timeout(Duration::from_secs(20), notifier.stop())
        .await
        .expect("it does not wait for a stalled receiver");
}

/// Prints how many deliveries a second a healthy receiver gets.
#[tokio::test(flavor = "multi_thread")]
async fn measures_deliveries_to_a_healthy_receiver() {
    let world = World::new();
    let receiver = Receiver::start(Mood::Stalled).await;
    let visitors = world.visitors(64);
    receiver.be(Mood::Well);
    // The feed is claimed before the events, so that they wait for it.
    start(&world, vec![Arc::new(webhook(&world, &receiver))]).await.stop().await;
    let known = receiver.inbox.different();
    let count = events().max(4_000);
    world.deposits(&visitors, count);
    let (began, spent) = (SystemClock.boot(), cpu_time());
    let notifier = start(&world, vec![Arc::new(webhook(&world, &receiver))]).await;
    receiver.inbox.until(known + count).await;
    let took = SystemClock.boot() - began;
    notifier.stop().await;
    let spent = cpu_time() - spent;
    let (a_second, each) = (count as f64 / took.as_secs_f64(), spent.div_f64(count as f64));
    println!("{count} deliveries in {took:?}: {a_second:.0} a second; {each:?} of CPU each, the receiver's included");
    check_all_arrived(&world, &visitors, &receiver.inbox, |_, visitor| in_words(visitor));
}

/// Prints how long withdrawals take, with receivers that misbehave under a backlog, and without notifications.
#[tokio::test(flavor = "multi_thread")]
async fn measures_withdrawals_while_receivers_misbehave() {
    let world = Arc::new(World::new());
    let (receiver, server) = (Receiver::start(Mood::Unwell).await, MailServer::start().await);
    server.misbehave(true);
    let visitors = world.visitors(40);
    let channels = || -> Vec<Arc<dyn Channel>> {
        vec![
            Arc::new(hasty_webhook(&world, &receiver)),
            Arc::new(email(&world, &server)),
            Arc::new(cashpoint_host::notify::Log),
        ]
    };
    start(&world, channels()).await.stop().await;
    world.deposits(&visitors, events());
    let (rounds, each) = if std::env::var_os("CASHPOINT_SOAK").is_some() { (10, 1_000) } else { (2, 100) };
    let (mut without, mut with, mut rounds_apart) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        receiver.be(if round % 4 == 3 { Mood::Overwhelmed } else { Mood::Unwell });
        // Each comes first as often as the other: the database grows, and the machine may do other things too.
        let mut both = [Vec::new(), Vec::new()];
        for turn in [round % 2, 1 - round % 2] {
            both[turn] = if turn == 0 {
                timed_withdrawals(&world, &visitors, each / 4).await;
                timed_withdrawals(&world, &visitors, each).await
            } else {
                // As a host has it; the pauses of the other tests would make a storm of it.
                let usual = Notifications { limits: Limits::default(), ..notifications(&world, channels()) };
                let notifier = Notifier::start(&world.bank, usual).await;
                // What it costs to begin is not what it costs to have.
                timed_withdrawals(&world, &visitors, each / 4).await;
                let timed = timed_withdrawals(&world, &visitors, each).await;
                notifier.stop().await;
                timed
            };
        }
        let [mut one, mut other] = both;
        rounds_apart.push(SHARES.map(|(_, share)| ratio(&mut one, &mut other, share)));
        without.append(&mut one);
        with.append(&mut other);
    }
    for (at, (name, share)) in SHARES.into_iter().enumerate() {
        let all = ratio(&mut without, &mut with, share);
        let mut each: Vec<_> = rounds_apart.iter().map(|round| round[at]).collect();
        each.sort_by(f64::total_cmp);
        let (without, with) = (quantile(&mut without, share), quantile(&mut with, share));
        println!("{name} of a withdrawal: {without:?} without notifications, {with:?} with, ratio {all:.3}");
        println!("  by rounds: {each:.3?}, median {:.3}", each[each.len() / 2]);
    }
    assert!(receiver.asked() > 0 && with.len() == without.len());
}

const SHARES: [(&str, f64); 4] = [("median", 0.5), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999)];

/// How much longer the share takes in the second.
fn ratio(without: &mut [Duration], with: &mut [Duration], share: f64) -> f64 {
    quantile(with, share).as_secs_f64() / quantile(without, share).as_secs_f64()
}

/// What this process has used of the processors: on a busy machine it tells more than the time that passed.
fn cpu_time() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(used.tv_sec).unwrap(), u32::try_from(used.tv_nsec).unwrap())
}

fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length is an index")]
    let at = (times.len() as f64 * share) as usize;
    times[at.min(times.len() - 1)]
}

/// How long each withdrawal took: so many by each of eight clients.
async fn timed_withdrawals(world: &Arc<World>, visitors: &[Visitor], count: usize) -> Vec<Duration> {
    let (world, visitors) = (Arc::clone(world), visitors.to_vec());
    let timed = tokio::task::spawn_blocking(move || {
        std::thread::scope(|scope| {
            let clients: Vec<_> = visitors
                .chunks(visitors.len().div_ceil(8))
                .map(|share| {
                    let world = &world;
                    scope.spawn(move || {
                        let timed = |at: usize| {
                            let began = SystemClock.boot();
                            world.withdraw(share[at % share.len()], 10).unwrap();
                            SystemClock.boot() - began
                        };
                        (0..count).map(timed).collect::<Vec<_>>()
                    })
                })
                .collect();
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<_>>()
        })
    });
    timed.await.unwrap()
}
