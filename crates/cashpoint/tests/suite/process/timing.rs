//! How long a "no" takes tells nobody whether there is such a card, customer or member of staff (F18).
//!
//! The work is counted elsewhere, and is the same. Here the whole way is timed, from socket to socket, by turns in random
//! order, so that whatever else the machine does strikes both sides alike. What a test can hold on a shared machine is
//! that the fastest answers, which little disturbed, are near each other; the figures are told.

use std::time::Duration;

use tokio::time::Instant;

use crate::support::bank::AMPLE;
use crate::support::dice::Dice;
use crate::support::http::Line;
use crate::support::process::{Bank, cashpoint};
use crate::support::{Ask, Host, Online, Staff};

/// A PIN that is tried so often, and then once rightly, blocks no card.
const TRIES: u64 = 50;

fn rounds(short: u64, long: u64) -> u64 {
    if std::env::var("CASHPOINT_SOAK").is_ok_and(|soak| soak == "1") { long } else { short }
}

/// A sandbox whose limits are out of the way.
fn host() -> Host {
    let host = Host::on(Bank::new(&[]), cashpoint().env("CASHPOINT_SANDBOX", "true").env("RUST_LOG", "warn"));
    let staff = Staff::log_in(&host, "operator", "operator");
    staff.set_policies(
        r#""pin_tries":100,"address_log_in_burst":1000000,"password_burst":1000000,"password_per_minute":1000000"#,
    );
    host
}

/// Asks both in random order, `count` times each; how long the answers took, which are alike.
fn time<'a>(
    dice: &mut Dice,
    count: u64,
    mut pair: impl FnMut(u64) -> [Ask<'a>; 2],
    line: &mut Line,
) -> [Vec<Duration>; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..count {
        let asks = pair(round);
        let first = usize::try_from(dice.below(2)).unwrap();
        for which in [first, 1 - first] {
            let began = Instant::now();
            let answer = asks[which].send_on(line).unwrap();
            times[which].push(began.elapsed());
            answer.refused(401, "wrong_credentials", "");
        }
    }
    times
}

#[expect(clippy::print_stdout, reason = "the soak collects this line")]
fn tell(what: &str, mut times: [Vec<Duration>; 2]) {
    times.iter_mut().for_each(|side| side.sort());
    let at = |percent: usize| [0, 1].map(|side| times[side][(times[side].len() - 1) * percent / 100]);
    let [known, unknown] = at(50);
    let apart = known.abs_diff(unknown);
    println!(
        "soak: {what}, {} each: known and wrong {:.1?}, unknown {:.1?} (5 %, median, 95 %: {:.1?} {:.1?} {:.1?}); medians \
         {apart:.1?} apart",
        times[0].len(),
        known,
        unknown,
        at(5),
        at(50),
        at(95),
    );
    // Far more than is ever seen, far less than a password or a commit left out.
    let [known, unknown] = at(5);
    assert!(known.abs_diff(unknown) <= known.max(unknown) / 2, "{what}: {known:?} and {unknown:?}");
}

#[test]
fn timing_of_a_no_is_the_same_for_known_and_unknown() {
    let host = &host();
    let staff = Staff::log_in(host, "operator", "operator");
    let mut dice = Dice::roll("timing");
    let mut line = host.line();

    let machine = staff.machine(AMPLE);
    let customer = staff.customer(&[("savings", "10.00")]);
    let card = staff.card(&customer, &[&customer.accounts[0]]);
    let by_card = |round: u64| {
        if round.is_multiple_of(TRIES) {
            card.enter(host, &machine);
        }
        let nobodys = format!(
            r#"{{"card_number":"49290{:011}","pin":"{}","atm_id":"{}"}}"#,
            round / TRIES,
            card.wrong_pin(),
            machine.id
        );
        [card.at(host, &machine, card.wrong_pin()), host.post("/api/sessions").json(nobodys)]
    };
    tell("PIN", time(&mut dice, rounds(100, 5_000), by_card, &mut line));

    let online = Online::sign_up(host, "savings");
    let unknown = Online { email: "nobody@example.com".to_owned(), ..online.clone() };
    let by_email = |_| [&online, &unknown].map(|who| who.log_in(host, "not the password"));
    tell("password online", time(&mut dice, rounds(15, 400), by_email, &mut line));

    let by_name = |_| {
        ["operator", "nobodys"].map(|name| {
            let body = format!(r#"{{"username":"{name}","password":"not the password"}}"#);
            host.post("/api/operators/sessions").json(body)
        })
    };
    tell("password of staff", time(&mut dice, rounds(15, 400), by_name, &mut line));
}
