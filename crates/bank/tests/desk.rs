//! The desk, on a real file: each operation, its main refusals, and that nothing tells a known identity from an
//! unknown one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod desk_world;

use std::time::Duration;

use cashpoint_bank::bank::Mode;
use cashpoint_bank::desk::{
    CardRequest, Counted, CustomerChange, EntryKind, MachineChange, PolicyValue, Primary, SignUpRequest,
};
use cashpoint_bank::secret::{Pan, Password, Pin};
use cashpoint_core::account::Product;
use cashpoint_core::command::{ReportReason, Standing};
use cashpoint_core::currency::Currency;
use cashpoint_core::decide::Replay;
use cashpoint_core::id::CustomerId;
use cashpoint_core::machine::MachineKind;
use cashpoint_core::outcome::Refusal;
use cashpoint_core::session::Role;
use cashpoint_core::time::Timestamp;

use desk_world::{Desk, money, password, pin, place, refused};

#[test]
fn logs_a_card_in_and_tells_what_it_reaches() {
    let desk = Desk::open(Mode::Sandbox);
    let holder = desk.customer("Ada", &["10.00", "20.00"]);
    let card = desk.card(&holder, &[1, 0]);
    let session = desk.card_session(&card);
    assert_eq!(session.customer, Some((holder.customer, "Ada".to_owned())));
    assert_eq!(session.card, Some(card.card));
    let numbers: Vec<_> = session.accounts.iter().map(|view| (view.account.identity.number, view.primary)).collect();
    assert_eq!(numbers, [(holder.accounts[1], Primary::Yes), (holder.accounts[0], Primary::No)]);
    assert_eq!((session.idle_s, session.expires), (300, desk.now().plus_s(300)));
    let known = desk.bank.authenticate(session.token.expose()).unwrap();
    assert_eq!(known, Some(session.session));
}

#[test]
fn gives_wrong_pins_and_unknown_numbers_the_same_answers() {
    let desk = Desk::open(Mode::Sandbox);
    let holder = desk.customer("Ada", &["10.00"]);
    let card = desk.card(&holder, &[0]);
    let (known, unknown) = (card.number, Pan::parse("4000000000000000000").unwrap());
    for number in [known, unknown] {
        let attempt = || desk.bank.log_in_with_card(number.clone(), pin("0000"), place("ATM1"), Standing::Sandbox);
        for _ in 0..3 {
            assert_eq!(refused(attempt()), Refusal::WrongCredentials);
        }
        let until = Some(desk.now().plus_s(1_800));
        assert_eq!(refused(attempt()), Refusal::CardBlocked { until });
    }
}

#[test]
fn lets_cards_in_only_where_the_machine_is_known_and_proven() {
    let desk = Desk::open(Mode::Real);
    let holder = desk.customer("Ada", &["10.00"]);
    let card = desk.card(&holder, &[0]);
    let at =
        |machine, standing| desk.bank.log_in_with_card(card.number.clone(), card.pin.clone(), place(machine), standing);
    assert_eq!(refused(at("ATM1", Standing::Nowhere)), Refusal::ChannelRequired);
    assert_eq!(refused(at("ATM9", Standing::At(place("ATM1")))), Refusal::AtmNotFound);
    assert!(at("ATM1", Standing::At(place("ATM1"))).unwrap().is_ok());
}

#[test]
fn signs_up_and_logs_in_whatever_the_case_of_the_address() {
    let desk = Desk::open(Mode::Sandbox);
    let new = desk.sign_up("Ada@Example.com");
    assert_eq!(new.session.accounts.len(), 1);
    assert_eq!(new.session.accounts[0].account.identity.number, new.account);
    assert_eq!(new.session.expires, desk.now().plus_s(1_800));
    let session = desk.online(" ada@example.COM");
    assert_eq!(session.customer, Some((new.customer, "Ada".to_owned())));
    assert_eq!(session.card, None);
    assert_eq!(refused(desk.bank.sign_up(Desk::sign_up_request("ada@example.com"))), Refusal::EmailTaken);
}

#[test]
fn does_the_same_password_work_for_known_and_unknown_addresses() {
    let desk = Desk::open(Mode::Sandbox);
    desk.sign_up("ada@example.com");
    // Whom staff made has an address and no password.
    desk.customer("Eve", &["1.00"]);
    for email in ["ada@example.com", "nobody@example.com", "eve@example.com"] {
        let before = desk.bank.password_evaluations();
        assert_eq!(refused(desk.bank.log_in_online(email, password("a wrong one"))), Refusal::WrongCredentials);
        assert_eq!(desk.bank.password_evaluations() - before, 1, "{email}");
    }
    for name in ["admin", "nobody"] {
        let before = desk.bank.password_evaluations();
        assert_eq!(refused(desk.bank.log_in_operator(name, password("a wrong one"))), Refusal::WrongCredentials);
        assert_eq!(desk.bank.password_evaluations() - before, 1, "{name}");
    }
}

/// MACs and password evaluations that something took.
fn work<T>(desk: &Desk, what: impl FnOnce() -> T) -> ((u64, u64), T) {
    let count = || (desk.bank.mac_evaluations(), desk.bank.password_evaluations());
    let before = count();
    let done = what();
    let after = count();
    ((after.0 - before.0, after.1 - before.1), done)
}

#[test]
fn does_the_same_work_on_every_path_for_known_and_unknown_and_blocked_ones() {
    let mut desk = Desk::open(Mode::Sandbox);
    for live_keys in [1, 2] {
        let holder = desk.customer(&format!("Eve-{live_keys}"), &["1.00"]);
        let card = desk.card(&holder, &[0]);
        let (known, unknown) = (card.number.clone(), Pan::parse(&format!("400000000000000000{live_keys}")).unwrap());
        let wrong = if card.pin.expose() == "0000" { pin("1111") } else { pin("0000") };
        let mut costs = Vec::new();
        // Three wrong ones; from the fourth on both are blocked.
        for _ in 0..5 {
            for number in [&known, &unknown] {
                let try_it =
                    || desk.bank.log_in_with_card(number.clone(), wrong.clone(), place("ATM1"), Standing::Sandbox);
                let (cost, answer) = work(&desk, try_it);
                assert!(matches!(refused(answer), Refusal::WrongCredentials | Refusal::CardBlocked { .. }));
                costs.push(cost);
            }
        }
        // A MAC to find the number by and one of the PIN, under each live key.
        assert_eq!(costs, [(2 * live_keys, 0); 10], "PINs, {live_keys} live keys");

        desk.sign_up(&format!("ada-{live_keys}@example.com"));
        for name in ["ada", "eve", "nobody"] {
            let email = format!("{name}-{live_keys}@example.com");
            let (cost, answer) = work(&desk, || desk.bank.log_in_online(&email, password("a wrong one")));
            assert_eq!((cost, refused(answer)), ((live_keys, 1), Refusal::WrongCredentials), "{email}");
        }
        for name in ["admin", "nobody"] {
            let (cost, answer) = work(&desk, || desk.bank.log_in_operator(name, password("a wrong one")));
            assert_eq!((cost, refused(answer)), ((1, 1), Refusal::WrongCredentials), "{name}");
        }
        if live_keys == 1 {
            desk.rotate_every_key();
        }
    }
}

#[test]
fn throttles_an_identity_before_any_password_work() {
    let desk = Desk::open(Mode::Real);
    desk.sign_up("ada@example.com");
    for email in ["ada@example.com", "nobody@example.com"] {
        for _ in 0..10 {
            assert_eq!(refused(desk.bank.log_in_online(email, password("a wrong one"))), Refusal::WrongCredentials);
        }
        let before = desk.bank.password_evaluations();
        let answer = refused(desk.bank.log_in_online(email, password(desk_world::PASSWORD)));
        assert_eq!(answer, Refusal::TooManyRequests { retry_after_s: 6 });
        assert_eq!(desk.bank.password_evaluations(), before);
    }
    desk.clock.advance(Duration::from_secs(6));
    desk.online("ada@example.com");
}

#[test]
fn keeps_a_session_alive_by_reads_and_ends_it_when_they_stop() {
    let desk = Desk::open(Mode::Sandbox);
    let holder = desk.customer("Ada", &["10.00"]);
    let session = desk.card_session(&desk.card(&holder, &[0])).session;
    desk.clock.advance(Duration::from_secs(20));
    let view = desk.bank.session_view(session).unwrap().unwrap();
    assert_eq!(view.expires, session.began.plus_s(300), "a read so soon moves nothing");
    desk.clock.advance(Duration::from_secs(200));
    assert!(desk.bank.accounts(session).unwrap().is_ok());
    desk.settle();
    let view = desk.bank.session_view(session).unwrap().unwrap();
    assert_eq!(view.expires, session.began.plus_s(220 + 300));
    assert_eq!(view.customer, Some((holder.customer, "Ada".to_owned())));
    desk.clock.advance(Duration::from_secs(300));
    assert_eq!(refused(desk.bank.session_view(session)), Refusal::SessionExpired);
    assert_eq!(refused(desk.bank.accounts(session)), Refusal::SessionExpired);
}

#[test]
fn ends_a_session_for_good_when_it_logs_out() {
    let desk = Desk::open(Mode::Sandbox);
    let new = desk.sign_up("ada@example.com").session;
    desk.bank.log_out(new.session).unwrap().unwrap();
    assert_eq!(refused(desk.bank.session_view(new.session)), Refusal::SessionExpired);
    assert_eq!(refused(desk.bank.log_out(new.session)), Refusal::SessionExpired);
    assert_eq!(desk.bank.authenticate(new.token.expose()).unwrap(), Some(new.session), "known, though dead");
}

#[test]
fn shows_customers_their_data_and_lets_them_change_it() {
    let desk = Desk::open(Mode::Sandbox);
    let session = desk.sign_up("ada@example.com").session.session;
    desk.sign_up("bob@example.com");
    let own = desk.bank.customer(session).unwrap().unwrap();
    assert_eq!(
        (own.email.as_deref(), own.phone.as_deref(), own.address.as_deref()),
        (Some("ada@example.com"), Some("+1 555 0100"), None)
    );
    assert_eq!(own.since, desk.now());
    let change = |change| desk.bank.update_customer(session, change);
    let taken = CustomerChange { email: Some("BOB@example.com".to_owned()), ..CustomerChange::default() };
    assert_eq!(refused(change(taken)), Refusal::EmailTaken);
    let wanted = CustomerChange {
        name: Some("Ada Lovelace".to_owned()),
        email: Some("lovelace@example.com".to_owned()),
        phone: Some(None),
        address: Some(Some("12 Analytical Row".to_owned())),
    };
    let own = change(wanted).unwrap().unwrap();
    assert_eq!((own.name.as_str(), own.email.as_deref()), ("Ada Lovelace", Some("lovelace@example.com")));
    assert_eq!((own.phone.as_deref(), own.address.as_deref()), (None, Some("12 Analytical Row")));
    desk.online("lovelace@example.com");
    desk.sign_up("ada@example.com");
}

#[test]
fn changes_a_password_and_ends_the_other_sessions() {
    let desk = Desk::open(Mode::Sandbox);
    let first = desk.sign_up("ada@example.com").session.session;
    let second = desk.online("ada@example.com").session;
    let change = |session, old, new| desk.bank.change_password(session, password(old), password(new));
    assert_eq!(refused(change(second, "a wrong one", "another password")), Refusal::WrongCredentials);
    change(second, desk_world::PASSWORD, "another password").unwrap().unwrap();
    assert_eq!(refused(desk.bank.session_view(first)), Refusal::SessionExpired);
    assert!(desk.bank.session_view(second).unwrap().is_ok());
    let old = desk.bank.log_in_online("ada@example.com", password(desk_world::PASSWORD));
    assert_eq!(refused(old), Refusal::WrongCredentials);
    assert!(desk.bank.log_in_online("ada@example.com", password("another password")).unwrap().is_ok());
    change(second, "another password", "a third password").unwrap().unwrap();
}

#[test]
fn opens_and_closes_accounts() {
    let desk = Desk::open(Mode::Sandbox);
    let new = desk.sign_up("ada@example.com");
    let session = new.session.session;
    let open = |key| desk.bank.open_account(session, key, Product::Checking, Currency::EUR).unwrap().unwrap();
    let (opened, replay) = open("k");
    assert_eq!((opened.primary, opened.account.identity.currency, replay), (Primary::No, Currency::EUR, Replay::First));
    assert_eq!(open("k"), (opened, Replay::Repeat));
    let reused = desk.bank.open_account(session, "k", Product::Savings, Currency::EUR);
    assert_eq!(refused(reused), Refusal::IdempotencyKeyReused);
    assert_eq!(desk.bank.accounts(session).unwrap().unwrap().len(), 2);
    desk.bank.close_account(session, new.account).unwrap().unwrap();
    let left = desk.bank.accounts(session).unwrap().unwrap();
    assert_eq!(
        (left.len(), left[0].account.identity.number, left[0].primary),
        (1, opened.account.identity.number, Primary::Yes)
    );
    assert_eq!(open("k").0.primary, Primary::No, "a repeated answer does not change");
    let other = desk.sign_up("bob@example.com").account;
    assert_eq!(refused(desk.bank.close_account(session, other)), Refusal::AccountNotFound);
}

#[test]
fn makes_customers_once() {
    let desk = Desk::open(Mode::Sandbox);
    let request = || desk_world::new_customer("Ada", &["10.00", "0"]);
    let (created, replay) = desk.bank.create_customer(desk.admin, "k", request()).unwrap().unwrap();
    assert_eq!(replay, Replay::First);
    let balances: Vec<_> = created.accounts.iter().map(|view| view.account.balance().to_string()).collect();
    assert_eq!(balances, ["10.00", "0.00"]);
    let again = desk.bank.create_customer(desk.admin, "k", request()).unwrap().unwrap();
    assert_eq!(again, (created, Replay::Repeat));
    let mut other = request();
    other.phone = Some("+1 555 0199".to_owned());
    assert_eq!(refused(desk.bank.create_customer(desk.admin, "k", other)), Refusal::IdempotencyKeyReused);
    assert_eq!(refused(desk.bank.create_customer(desk.admin, "l", request())), Refusal::EmailTaken);
}

#[test]
fn tells_a_cards_number_and_pin_once() {
    let desk = Desk::open(Mode::Real);
    let holder = desk.customer("Ada", &["10.00"]);
    let ask = |key, number: Option<&str>, chosen: Option<&str>| {
        let number = number.map(|text| Pan::parse(text).unwrap());
        let request =
            CardRequest { customer: holder.customer, accounts: holder.accounts.clone(), number, pin: chosen.map(pin) };
        desk.bank.issue_card(desk.admin, key, request)
    };
    let (made, replay) = ask("k", None, None).unwrap().unwrap();
    let (number, secret) = (made.number.expect("told once"), made.pin.expect("told once"));
    assert_eq!((replay, number.luhn_ok(), made.expires), (Replay::First, true, (2029, 9)));
    let (again, replay) = ask("k", None, None).unwrap().unwrap();
    assert_eq!((replay, again.card, again.expires), (Replay::Repeat, made.card, made.expires));
    assert!(again.number.is_none() && again.pin.is_none());
    assert_eq!(refused(ask("k", None, Some("1234"))), Refusal::IdempotencyKeyReused);
    let at = Standing::At(place("ATM1"));
    assert!(desk.bank.log_in_with_card(number.clone(), secret, place("ATM1"), at).unwrap().is_ok());

    assert!(ask("given", Some("4539578763621486"), Some("4321")).unwrap().is_ok());
    assert_eq!(ask("given", Some("4539578763621486"), Some("4321")).unwrap().unwrap().1, Replay::Repeat);
    assert_eq!(refused(ask("given", Some("4539578763621486"), Some("4322"))), Refusal::IdempotencyKeyReused);
    assert_eq!(refused(ask("l", Some(number.expose()), None)), Refusal::CardNumberTaken);
    let test_number = Refusal::InvalidRequest { field: "card_number" };
    assert_eq!(refused(ask("m", Some("4111111111111111"), None)), test_number);
}

#[test]
fn takes_published_test_numbers_in_a_sandbox() {
    let desk = Desk::open(Mode::Sandbox);
    let holder = desk.customer("Ada", &["10.00"]);
    let number = Pan::parse("4111111111111111").ok();
    let request = CardRequest { customer: holder.customer, accounts: holder.accounts, number, pin: None };
    assert!(desk.bank.issue_card(desk.admin, "k", request).unwrap().is_ok());
}

#[test]
fn changes_and_resets_pins() {
    let desk = Desk::open(Mode::Sandbox);
    let holder = desk.customer("Ada", &["10.00"]);
    let card = desk.card(&holder, &[0]);
    let session = desk.card_session(&card).session;
    let change = |old: &str, new: &str| desk.bank.change_pin(session, card.card, pin(old), pin(new));
    assert_eq!(refused(change("0000", "7777")), Refusal::WrongCredentials);
    change(card.pin.expose(), "7777").unwrap().unwrap();
    let log_in = |pin: Pin| desk.bank.log_in_with_card(card.number.clone(), pin, place("ATM1"), Standing::Sandbox);
    assert_eq!(refused(log_in(card.pin.clone())), Refusal::WrongCredentials);
    assert!(log_in(pin("7777")).unwrap().is_ok());
    let reset = desk.bank.reset_pin(desk.admin, card.card).unwrap().unwrap();
    assert!(log_in(reset).unwrap().is_ok());
}

#[test]
fn reports_unblocks_and_withdraws_cards() {
    let desk = Desk::open(Mode::Sandbox);
    let holder = desk.customer("Ada", &["10.00"]);
    let card = desk.card(&holder, &[0]);
    let log_in = |pin: Pin| desk.bank.log_in_with_card(card.number.clone(), pin, place("ATM1"), Standing::Sandbox);
    let session = desk.card_session(&card).session;
    for _ in 0..3 {
        assert_eq!(refused(log_in(pin("0000"))), Refusal::WrongCredentials);
    }
    let until = Some(desk.now().plus_s(1_800));
    assert_eq!(refused(desk.bank.accounts(session)), Refusal::CardBlocked { until }, "reads are refused too");
    desk.bank.unblock_card(desk.admin, card.card).unwrap().unwrap();
    assert!(desk.bank.accounts(session).unwrap().is_ok(), "a block ends no session");
    desk.bank.report_card(session, card.card, ReportReason::Stolen).unwrap().unwrap();
    assert_eq!(refused(desk.bank.accounts(session)), Refusal::SessionExpired);
    assert_eq!(refused(log_in(card.pin.clone())), Refusal::CardStolen);
    desk.bank.remove_card(desk.admin, card.card).unwrap().unwrap();
    assert_eq!(refused(log_in(card.pin.clone())), Refusal::WrongCredentials);
}

#[test]
fn tells_a_machines_secret_once_and_repeats_what_was_made() {
    let desk = Desk::open(Mode::Real);
    let request = || desk_world::machine("ATM7", MachineKind::Api);
    let (made, replay) = desk.bank.create_machine(desk.admin, "k", request()).unwrap().unwrap();
    let secret = made.secret.expect("told once");
    assert_eq!((replay, made.view.holdings.cash()), (Replay::First, 1_000_000));
    let credential = format!("ATM7.{}", secret.expose());
    assert_eq!(desk.bank.standing(Some(&credential)).unwrap(), Standing::At(place("ATM7")));
    let withdrawer = desk.customer("Ada", &["100.00"]);
    let card = desk.card(&withdrawer, &[0]);
    let session = desk.bank.log_in_with_card(card.number, card.pin, place("ATM7"), Standing::At(place("ATM7")));
    let session = session.unwrap().unwrap().session;
    desk.withdraw(session, withdrawer.accounts[0], "40.00").unwrap();
    let (again, replay) = desk.bank.create_machine(desk.admin, "k", request()).unwrap().unwrap();
    assert_eq!((replay, again.secret.is_none()), (Replay::Repeat, true));
    assert_eq!(again.view, made.view, "what happened since is not told");
    let now = desk.bank.machine(desk.admin, place("ATM7")).unwrap().unwrap();
    assert_eq!(now.holdings.cash(), 996_000);
    assert_eq!(refused(desk.bank.create_machine(desk.admin, "l", request())), Refusal::AtmIdTaken);
    assert_eq!(refused(desk.bank.machine(desk.admin, place("ATM8"))), Refusal::AtmNotFound);
}

#[test]
fn changes_and_replenishes_machines() {
    let desk = Desk::open(Mode::Sandbox);
    let moved = MachineChange { location: Some("Harbour".to_owned()), ..MachineChange::default() };
    let view = desk.bank.update_machine(desk.admin, place("ATM1"), moved).unwrap().unwrap();
    assert_eq!(view.machine.location, "Harbour");
    assert_eq!(desk.bank.machines(desk.admin).unwrap().unwrap().len(), 1);
    let ask = |counted_in| desk.bank.replenish(desk.admin, "k", desk_world::replenishment("ATM1", 500, counted_in));
    let (first, replay) = ask(100).unwrap().unwrap();
    let Counted::Posted(posted) = first else { panic!("{first:?}") };
    assert_eq!((posted.cash.to_string().as_str(), posted.difference.minor(), replay), ("2000.00", 0, Replay::First));
    assert_eq!(ask(100).unwrap().unwrap(), (first, Replay::Repeat));
    assert_eq!(refused(ask(101)), Refusal::IdempotencyKeyReused);
}

#[test]
fn says_of_a_refusal_too_that_it_was_told_before() {
    let desk = Desk::open(Mode::Sandbox);
    let session = desk.sign_up("ada@example.com").session.session;
    let open = || desk.bank.open_account(session, "a", Product::Savings, Currency::USD).unwrap().unwrap();
    let (customer, account) = (session.customer().unwrap(), open().0.account.identity.number);
    desk.bank.close_account(session, account).unwrap().unwrap();
    let request = || CardRequest { customer, accounts: vec![account], number: None, pin: None };
    let card = |key| desk.bank.issue_card(desk.admin, key, request()).unwrap().unwrap_err();
    let terminal = desk_world::machine("ATM2", MachineKind::Terminal);
    desk.bank.create_machine(desk.admin, "t", terminal).unwrap().unwrap();
    let count = |key| {
        let request = desk_world::replenishment("ATM2", 500, 500);
        desk.bank.replenish(desk.admin, key, request).unwrap().unwrap_err()
    };
    for (first, again, other) in [(card("k"), card("k"), card("l")), (count("m"), count("m"), count("n"))] {
        assert_eq!((first.replay, again.replay, other.replay), (Replay::First, Replay::Repeat, Replay::First));
        assert_eq!((&first.refusal, &first.refusal), (&again.refusal, &other.refusal));
        assert!(first.refusal.is_recorded(), "{first:?}");
    }
}

#[test]
fn refuses_a_card_by_role_before_it_looks_for_the_customer() {
    let desk = Desk::open(Mode::Sandbox);
    let holder = desk.customer("Ada", &["10.00"]);
    for (name, role) in [("cus", Role::Custodian), ("aud", Role::Auditor), ("clerk", Role::Clerk)] {
        let password = Password::choose("a staff password").unwrap();
        desk.bank.add_operator(name, role, password.clone()).unwrap().unwrap();
        let session = desk.bank.log_in_operator(name, password).unwrap().unwrap().session;
        let ask = |customer| {
            let request = CardRequest { customer, accounts: holder.accounts.clone(), number: None, pin: None };
            desk.bank.issue_card(session, "k", request)
        };
        let (unknown, known) = (ask(CustomerId::new(77)), ask(holder.customer));
        if role == Role::Clerk {
            assert_eq!(refused(unknown), Refusal::NotFound);
            assert!(known.unwrap().is_ok());
        } else {
            assert_eq!((refused(unknown), refused(known)), (Refusal::Forbidden, Refusal::Forbidden), "{name}");
        }
    }
}

#[test]
fn reads_and_sets_policies_by_name() {
    let desk = Desk::open(Mode::Real);
    let (version, values) = desk.bank.policies(desk.admin).unwrap().unwrap();
    assert!(values.contains(&("daily_transfer_limit", PolicyValue::Off)));
    let set = |name: &str, value| desk.bank.set_policies(desk.admin, vec![(name.to_owned(), value)]);
    let (next, values) = set("withdrawal_limit", PolicyValue::Figure(money("20.00"))).unwrap().unwrap();
    assert_eq!(next, version + 1);
    assert_eq!(desk.bank.policies(desk.admin).unwrap().unwrap(), (next, values));
    assert_eq!(set("withdrawal_limit", PolicyValue::Figure(money("20"))).unwrap().unwrap().0, next, "nothing changed");
    assert_eq!(
        refused(set("withdrawal_limit", PolicyValue::Off)),
        Refusal::InvalidRequest { field: "withdrawal_limit" }
    );
    assert_eq!(refused(set("no_such", PolicyValue::Off)), Refusal::InvalidRequest { field: "policies" });
    let holder = desk.customer("Ada", &["100.00"]);
    let session = desk.card_session(&desk.card(&holder, &[0])).session;
    let limit = cashpoint_core::money::Amount::new(2_000, Currency::USD);
    assert_eq!(desk.withdraw(session, holder.accounts[0], "40.00"), Err(Refusal::OverTransactionLimit { limit }));
}

#[test]
fn lets_each_kind_of_session_do_only_its_own() {
    let desk = Desk::open(Mode::Sandbox);
    let customer = desk.sign_up("ada@example.com");
    let session = customer.session.session;
    assert_eq!(refused(desk.bank.machines(session)), Refusal::Forbidden);
    assert_eq!(refused(desk.bank.policies(session)), Refusal::Forbidden);
    assert_eq!(
        refused(desk.bank.create_machine(session, "k", desk_world::machine("ATM7", MachineKind::Api))),
        Refusal::Forbidden
    );
    assert_eq!(
        refused(desk.bank.create_customer(session, "k", desk_world::new_customer("Bob", &[]))),
        Refusal::Forbidden
    );
    assert_eq!(refused(desk.bank.accounts(desk.admin)), Refusal::Forbidden);
    assert_eq!(refused(desk.bank.customer(desk.admin)), Refusal::Forbidden);
    let holder = desk.customer("Bob", &["1.00"]);
    let card = desk.card_session(&desk.card(&holder, &[0])).session;
    assert_eq!(refused(desk.bank.customer(card)), Refusal::Forbidden, "a card shows no personal data");

    desk.bank.add_operator("eva", Role::Auditor, password(desk_world::PASSWORD)).unwrap().unwrap();
    let auditor = desk.bank.log_in_operator("eva", password(desk_world::PASSWORD)).unwrap().unwrap().session;
    assert!(desk.bank.machines(auditor).unwrap().is_ok());
    assert_eq!(refused(desk.bank.reset_pin(auditor, holder_card(&desk))), Refusal::Forbidden);
    let again = desk.bank.add_operator("eva", Role::Admin, password(desk_world::PASSWORD));
    assert_eq!(refused(again), Refusal::InvalidRequest { field: "username" });
}

fn holder_card(desk: &Desk) -> cashpoint_core::id::CardId {
    let holder = desk.customer("Cleo", &["1.00"]);
    desk.card(&holder, &[0]).card
}

#[test]
fn shows_what_would_have_been_sent() {
    let desk = Desk::open(Mode::Sandbox);
    let holder = desk.customer("Ada", &["100.00"]);
    let card = desk.card(&holder, &[0]);
    let session = desk.card_session(&card).session;
    desk.withdraw(session, holder.accounts[0], "20.00").unwrap();
    let names = |after| -> Vec<_> {
        let events = desk.bank.outbox(holder.customer, after, 100).unwrap();
        events.iter().map(|delivered| delivered.event.kind.name()).collect()
    };
    assert_eq!(names(0), ["account_opened", "deposit", "card_issued", "log_in", "withdrawal"]);
    assert_eq!(names(3), ["log_in", "withdrawal"]);
    assert!(desk.bank.healthy().is_ok());
}

#[test]
fn pages_through_a_history_in_one_stable_order() {
    let desk = Desk::open(Mode::Sandbox);
    let holder = desk.customer("Ada", &["1000.00"]);
    let account = holder.accounts[0];
    let card = desk.card(&holder, &[0]);
    let session = desk.card_session(&card).session;
    for _ in 0..4 {
        desk.withdraw(session, account, "20.00").unwrap();
        desk.deposit(session, account, "10.00").unwrap();
    }
    let ask = |kind, limit, cursor: Option<String>| {
        let page = desk.bank.history(session, desk_world::history(account, kind, limit, cursor)).unwrap().unwrap();
        let numbers: Vec<_> = page.entries.iter().map(|entry| entry.number).collect();
        (numbers, page.next_cursor)
    };
    let (first, next) = ask(None, 4, None);
    assert_eq!(first, [9, 8, 7, 6]);
    desk.withdraw(session, account, "20.00").unwrap();
    let (second, next) = ask(None, 4, next);
    assert_eq!(second, [5, 4, 3, 2], "new entries do not move the next page");
    assert_eq!(ask(None, 4, next), (vec![1], None));
    assert_eq!(ask(None, 10, None).1, None, "a page that just holds all of it is the last");

    let (first, next) = ask(Some(EntryKind::Withdrawal), 3, None);
    assert_eq!(first, [10, 8, 6]);
    assert_eq!(ask(Some(EntryKind::Withdrawal), 3, next), (vec![4, 2], None));
    assert_eq!(ask(Some(EntryKind::Reversal), 3, None), (vec![], None));
    assert_eq!(ask(Some(EntryKind::Deposit), 5, None).0, [9, 7, 5, 3, 1], "an opening balance is a deposit");
}

#[test]
fn bounds_a_history_by_time() {
    let desk = Desk::open(Mode::Sandbox);
    let holder = desk.customer("Ada", &["1000.00"]);
    let account = holder.accounts[0];
    let session = desk.card_session(&desk.card(&holder, &[0])).session;
    let mut at: Vec<Timestamp> = Vec::new();
    for _ in 0..3 {
        desk.clock.advance(Duration::from_secs(10));
        at.push(desk.now());
        desk.withdraw(session, account, "20.00").unwrap();
    }
    let numbers = |from, to| -> Vec<_> {
        let request = cashpoint_bank::desk::HistoryRequest { from, to, ..desk_world::history(account, None, 50, None) };
        desk.bank.history(session, request).unwrap().unwrap().entries.iter().map(|entry| entry.number).collect()
    };
    assert_eq!(numbers(Some(at[1]), None), [4, 3], "from is inclusive");
    assert_eq!(numbers(None, Some(at[1])), [2, 1], "to is exclusive");
    assert_eq!(numbers(Some(at[0]), Some(at[2])), [3, 2]);
}

#[test]
fn believes_no_cursor_that_it_did_not_make_for_this_account() {
    let desk = Desk::open(Mode::Sandbox);
    let holder = desk.customer("Ada", &["100.00", "100.00"]);
    let session = desk.card_session(&desk.card(&holder, &[0, 1])).session;
    for account in &holder.accounts {
        desk.withdraw(session, *account, "20.00").unwrap();
    }
    let ask = |account, cursor| desk.bank.history(session, desk_world::history(account, None, 1, cursor));
    let own = ask(holder.accounts[0], None).unwrap().unwrap().next_cursor.expect("one more remains");
    assert!(ask(holder.accounts[0], Some(own.clone())).unwrap().is_ok());
    let bad = Refusal::InvalidRequest { field: "cursor" };
    assert_eq!(refused(ask(holder.accounts[1], Some(own.clone()))), bad, "another account's");
    let mut bytes = data_encoding::BASE64URL_NOPAD.decode(own.as_bytes()).unwrap();
    bytes[7] += 1;
    let another_entry = data_encoding::BASE64URL_NOPAD.encode(&bytes);
    for made_up in
        [another_entry, String::new(), "2".to_owned(), own[1..].to_owned(), format!("{own}A"), "A".repeat(own.len())]
    {
        assert_eq!(refused(ask(holder.accounts[0], Some(made_up))), bad);
    }
}

#[test]
fn shows_a_transfer_from_the_side_of_whoever_asks() {
    let desk = Desk::open(Mode::Sandbox);
    let (ada, bob) = (desk.customer("Ada", &["100.00", "0"]), desk.customer("Bob", &["0"]));
    let session = desk.card_session(&desk.card(&ada, &[0, 1])).session;
    let abroad = desk.transfer(session, ada.accounts[0], bob.accounts[0], "30.00");
    let own = desk.transfer(session, ada.accounts[0], ada.accounts[1], "5.00");
    let seen = |session, id| {
        let view = desk.bank.transaction(session, id).unwrap().unwrap();
        (view.kind, view.account, view.counterparty, view.balance.to_string())
    };
    let out = (EntryKind::TransferOut, ada.accounts[0], Some(bob.accounts[0]), "70.00".to_owned());
    assert_eq!(seen(session, abroad), out);
    assert_eq!(
        seen(session, own),
        (EntryKind::TransferOut, ada.accounts[0], Some(ada.accounts[1]), "65.00".to_owned())
    );
    let of_bob = desk.card_session(&desk.card(&bob, &[0])).session;
    let came = (EntryKind::TransferIn, bob.accounts[0], Some(ada.accounts[0]), "30.00".to_owned());
    assert_eq!(seen(of_bob, abroad), came);
    assert_eq!(refused(desk.bank.transaction(of_bob, own)), Refusal::TransactionNotFound);
    assert_eq!(refused(desk.bank.transaction(desk.admin, own)), Refusal::Forbidden);
    let of_ada = desk.bank.history(of_bob, desk_world::history(ada.accounts[0], None, 5, None));
    let of_none = desk.bank.history(of_bob, desk_world::history(desk_world::NOBODYS, None, 5, None));
    assert_eq!((refused(of_ada), refused(of_none)), (Refusal::AccountNotFound, Refusal::AccountNotFound));
}

#[test]
fn reaches_by_card_only_the_cards_accounts() {
    let desk = Desk::open(Mode::Sandbox);
    let holder = desk.customer("Ada", &["100.00", "50.00"]);
    let narrow = desk.card_session(&desk.card(&holder, &[0])).session;
    let hidden = desk.bank.history(narrow, desk_world::history(holder.accounts[1], None, 5, None));
    assert_eq!(refused(hidden), Refusal::AccountNotFound);
    let wide = desk.card_session(&desk.card(&holder, &[0, 1])).session;
    let page = desk.bank.history(wide, desk_world::history(holder.accounts[1], None, 5, None)).unwrap().unwrap();
    let opening = page.entries[0].transaction;
    assert!(desk.bank.transaction(wide, opening).unwrap().is_ok());
    let narrow = desk.card_session(&desk.card(&holder, &[0])).session;
    assert_eq!(refused(desk.bank.transaction(narrow, opening)), Refusal::TransactionNotFound);
}

#[test]
fn pages_through_a_machines_transfers() {
    let desk = Desk::open(Mode::Sandbox);
    let holder = desk.customer("Ada", &["100.00"]);
    let session = desk.card_session(&desk.card(&holder, &[0])).session;
    desk.withdraw(session, holder.accounts[0], "20.00").unwrap();
    desk.withdraw(session, holder.accounts[0], "40.00").unwrap();
    let ask = |cursor: Option<&str>| {
        let page = desk.bank.machine_transactions(desk.admin, place("ATM1"), cursor, 2).unwrap().unwrap();
        let amounts: Vec<_> = page.entries.iter().map(|entry| entry.amount.to_string()).collect();
        (amounts, page.next_cursor)
    };
    let (first, next) = ask(None);
    assert_eq!(first, ["40.00", "20.00"]);
    assert_eq!(ask(next.as_deref()), (vec!["10000.00".to_owned()], None), "it was filled once");
    let bad = desk.bank.machine_transactions(desk.admin, place("ATM1"), Some("x"), 2);
    assert_eq!(refused(bad), Refusal::InvalidRequest { field: "cursor" });
    desk.bank.create_machine(desk.admin, "ATM2", desk_world::machine("ATM2", MachineKind::Api)).unwrap().unwrap();
    let strange = desk.bank.machine_transactions(desk.admin, place("ATM2"), next.as_deref(), 2);
    assert_eq!(refused(strange), Refusal::InvalidRequest { field: "cursor" }, "another machine's");
    assert_eq!(refused(desk.bank.machine_transactions(desk.admin, place("ATM8"), None, 2)), Refusal::AtmNotFound);
    assert_eq!(refused(desk.bank.machine_transactions(session, place("ATM1"), None, 2)), Refusal::Forbidden);
}

#[test]
fn takes_sign_up_for_a_checking_account_in_any_currency() {
    let desk = Desk::open(Mode::Sandbox);
    let request =
        SignUpRequest { product: Product::Checking, currency: Currency::JPY, ..Desk::sign_up_request("y@example.com") };
    let new = desk.bank.sign_up(request).unwrap().unwrap();
    let account = new.session.accounts[0].account.identity;
    assert_eq!((account.product, account.currency, account.customer), (Product::Checking, Currency::JPY, new.customer));
}

#[test]
fn knows_cards_addresses_and_requests_from_before_the_keys_were_rotated() {
    let mut desk = Desk::open(Mode::Sandbox);
    desk.sign_up("ada@example.com");
    let holder = desk.customer("Bob", &["10.00"]);
    let ask = |desk: &Desk, key: &str| {
        let number = Pan::parse("4539578763621486").ok();
        let accounts = holder.accounts.clone();
        let request = CardRequest { customer: holder.customer, accounts, number, pin: Some(pin("4321")) };
        desk.bank.issue_card(desk.admin, key, request)
    };
    let create = |desk: &Desk, key: &str| {
        let request = desk_world::new_customer("Cleo", &["10.00"]);
        desk.bank.create_customer(desk.admin, key, request)
    };
    let (card, _) = ask(&desk, "card").unwrap().unwrap();
    let (cleo, _) = create(&desk, "cleo").unwrap().unwrap();
    desk.rotate_every_key();
    let (again, replay) = ask(&desk, "card").unwrap().unwrap();
    assert_eq!((again.card, replay), (card.card, Replay::Repeat));
    assert_eq!(create(&desk, "cleo").unwrap().unwrap(), (cleo, Replay::Repeat));
    assert_eq!(refused(ask(&desk, "another")), Refusal::CardNumberTaken);
    assert_eq!(refused(create(&desk, "another")), Refusal::EmailTaken);
    assert_eq!(refused(desk.bank.sign_up(Desk::sign_up_request("ADA@example.com"))), Refusal::EmailTaken);
    let session = desk.online("ada@example.com").session;
    assert_eq!(desk.bank.customer(session).unwrap().unwrap().email.as_deref(), Some("ada@example.com"));
    let number = Pan::parse("4539578763621486").unwrap();
    let log_in = |entered| desk.bank.log_in_with_card(number.clone(), entered, place("ATM1"), Standing::Sandbox);
    assert_eq!(refused(log_in(pin("0000"))), Refusal::WrongCredentials);
    assert!(log_in(pin("4321")).unwrap().is_ok());
}
