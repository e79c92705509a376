use cashpoint_core::account::Product;
use cashpoint_core::currency::Currency;
use cashpoint_core::money::{Amount, Decimal};
use proptest::prelude::*;

use super::Body;
use super::card::{CardBody, CardReport, PinChange};
use super::cash::{CashRequest, TransferRequest};
use super::customer::{CustomerPatch, NewCustomerBody, PasswordChange, SignUpBody};
use super::listing::{HistoryParameters, MachineParameters};
use super::machine::{CounterBody, MachineBody, MachinePatch, ReplenishmentBody};
use super::policy::{self, SentValue};
use super::session::{LogInRequest, OperatorLogIn};
use crate::malformed::Malformed;

/// Code and field of a refusal.
fn told(error: Malformed) -> String {
    match error {
        Malformed::Request { field: Some(field), .. } => format!("request {field}"),
        Malformed::Request { field: None, .. } => "request".to_owned(),
        Malformed::Amount { field, .. } => format!("amount {field}"),
        Malformed::AccountId { field } => format!("account {field}"),
    }
}

#[track_caller]
fn refused<B: Body>(body: &str, as_told: &str) {
    let error = B::parse(body).err().unwrap_or_else(|| panic!("{body} was taken"));
    assert_eq!(told(error), as_told, "{body}");
}

#[track_caller]
fn taken<B: Body>(body: &str) -> B {
    B::parse(body).unwrap_or_else(|error| panic!("{body}: {error:?}"))
}

fn amount(json: &str) -> Result<Decimal, String> {
    CashRequest::parse(&format!("{{\"amount\":{json}}}")).map(|request| request.amount).map_err(told)
}

#[test]
fn it_takes_amounts_as_numbers_and_as_texts() {
    for same in ["100", "100.0", "100.00", "\"100.00\"", "\"100\"", " 100 ", "\"\\u0031\\u00300\""] {
        assert_eq!(amount(same), Ok(Decimal::new(100, 0)), "{same}");
    }
    let written = amount("100.000").expect("decimals are counted once the currency is known");
    assert!(written.to_amount(Currency::USD).is_err() && written.to_amount(Currency::KWD).is_ok());
}

#[test]
fn it_tells_what_is_no_amount_from_what_is_of_another_type() {
    let figures = ["0", "0.00", "-0", "-1", "1e2", "1E2", "100.0e0", "1e999999999", "18446744073709551616"];
    let texts =
        ["\"\"", "\"abc\"", "\" 1\"", "\"+1\"", "\"1,000\"", "\"NaN\"", "\"1e2\"", "\"0\"", "\"\\ud800\"", "\"null\""];
    for no_amount in figures.into_iter().chain(texts) {
        assert_eq!(amount(no_amount), Err("amount amount".into()), "{no_amount}");
    }
    for other in ["null", "true", "false", "[]", "[100]", "{}", "{\"amount\":1}"] {
        assert_eq!(amount(other), Err("request amount".into()), "{other}");
    }
    for not_json in ["", "NaN", "Infinity", "+1", "01", ".5", "5.", "1_000", "0x10", "'1'", "1 2"] {
        assert_eq!(amount(not_json), Err("request".into()), "{not_json}");
    }
}

proptest! {
    #[test]
    fn it_reads_every_amount_exactly(minor in 1..=Amount::LARGEST_REQUEST_MINOR, quoted: bool) {
        for currency in [Currency::JPY, Currency::USD, Currency::KWD] {
            let text = Amount::new(minor, currency).to_string();
            let json = if quoted { format!("\"{text}\"") } else { text };
            let read = amount(&json).expect("a figure").to_amount(currency).expect("an amount");
            prop_assert_eq!(read.minor(), minor);
        }
    }

    #[test]
    fn it_reads_whatever_a_float_would_lose(whole in 0_u64..=99_999_999_999, cents in 1_u64..100) {
        let read = amount(&format!("{whole}.{cents:02}")).expect("a figure").to_amount(Currency::USD);
        prop_assert_eq!(read.map(Amount::minor), Ok(i64::try_from(whole * 100 + cents).unwrap()));
    }

    #[test]
    fn it_never_panics_and_takes_only_objects(text in "\\PC{0,64}") {
        prop_assert!(CashRequest::parse(&text).is_err());
        let answer = CashRequest::parse(&format!("{{\"amount\":{text}}}"));
        prop_assert!(answer.is_err() || text.trim_matches([' ', '"']).starts_with(|c: char| c.is_ascii_digit() || c == '\\'));
    }
}

#[test]
fn it_refuses_bodies_that_are_no_objects_of_known_fields() {
    for whole in [
        "",
        " ",
        "null",
        "1",
        "[]",
        "\"x\"",
        "{",
        "{\"amount\":1",
        "{\"amount\":1}x",
        "{\"amount\":1,}",
        "\u{feff}{}",
        "{amount:1}",
    ] {
        refused::<CashRequest>(whole, "request");
    }
    refused::<CashRequest>("{}", "request amount");
    refused::<CashRequest>(r#"{"amount":1,"Amount":1}"#, "request Amount");
    refused::<CashRequest>(r#"{"amount":1,"amount":1}"#, "request amount");
    refused::<CashRequest>(r#"{"amount":1,"\u0061mount":1}"#, "request amount");
    refused::<CashRequest>(r#"{"amount":1,"":1}"#, "request ");
    let long = "x".repeat(1_000);
    refused::<CashRequest>(&format!("{{\"{long}\":1}}"), &format!("request {}", &long[..80]));
    let deep = format!("{{\"amount\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    refused::<CashRequest>(&deep, "request amount");
    let deep = format!("{{\"amount\":{}", "{\"a\":".repeat(10_000));
    refused::<CashRequest>(&deep, "request");
}

#[test]
fn it_reads_cash_and_transfers() {
    let request: CashRequest = taken(r#" { "amount" : 100.00 , "atm_id" : "ATM123" } "#);
    assert_eq!(request.machine.map(|machine| machine.to_string()).as_deref(), Some("ATM123"));
    refused::<CashRequest>(r#"{"amount":1,"atm_id":7}"#, "request atm_id");
    refused::<CashRequest>(r#"{"amount":1,"atm_id":null}"#, "request atm_id");
    refused::<CashRequest>(r#"{"amount":1,"atm_id":""}"#, "request atm_id");
    refused::<CashRequest>(r#"{"amount":"x","atm_id":"A B"}"#, "request atm_id");
    let request: TransferRequest = taken(r#"{"target_account_id":"67890","amount":150.00}"#);
    assert_eq!(request.target.number(), 67_890);
    refused::<TransferRequest>(r#"{"amount":1}"#, "request target_account_id");
    refused::<TransferRequest>(r#"{"target_account_id":"67890"}"#, "request amount");
    refused::<TransferRequest>(r#"{"target_account_id":67890,"amount":1}"#, "request target_account_id");
    refused::<TransferRequest>(r#"{"target_account_id":"678","amount":1}"#, "account target_account_id");
}

#[test]
fn it_reads_log_ins_by_card_or_by_email() {
    let card = taken(r#"{"card_number":"4532123456789012","pin":"1234","atm_id":"ATM001"}"#);
    assert!(matches!(&card, LogInRequest::Card { pin, .. } if pin.expose() == "1234"));
    assert!(!format!("{card:?}").contains("1234"));
    let online = taken(r#"{"password":"secret words","email":"jane@example.org","totp":"123456"}"#);
    assert!(matches!(&online, LogInRequest::Online(login) if login.password.expose() == "secret words"));
    assert!(!format!("{online:?}").contains("secret words"));
    for (body, as_told) in [
        ("{}", "request card_number"),
        (r#"{"card_number":"1","pin":"1"}"#, "request atm_id"),
        (r#"{"card_number":"1","password":"1"}"#, "request password"),
        (r#"{"email":"a@b","pin":"1"}"#, "request pin"),
        (r#"{"email":"a@b"}"#, "request password"),
        (r#"{"email":"a@b","password":"x","totp":"12345"}"#, "request totp"),
        (r#"{"email":"a@b","password":12345678}"#, "request password"),
        (r#"{"card_number":4532123456789012,"pin":"1234","atm_id":"ATM001"}"#, "request card_number"),
        (r#"{"username":"operator","password":"operator"}"#, "request username"),
    ] {
        refused::<LogInRequest>(body, as_told);
    }
    let staff: OperatorLogIn = taken(r#"{"username":"operator","password":"operator"}"#);
    assert_eq!(staff.username, "operator");
    refused::<OperatorLogIn>(r#"{"username":"operator"}"#, "request password");
}

#[test]
fn it_reads_customers() {
    let body = r#"{"name":"Zoë","email":"zoe@example.org","password":"correct horse","account":{"type":"savings","currency":"EUR"}}"#;
    let signing: SignUpBody = taken(body);
    assert_eq!((signing.account.product, signing.account.currency), (Product::Savings, Currency::EUR));
    for (from, to, as_told) in [
        ("\"Zoë\"", "\"\"", "request name"),
        ("\"Zoë\"", "\"a\\u0000b\"", "request name"),
        ("zoe@example.org", "zoe", "request email"),
        ("zoe@example.org", "z@o@e", "request email"),
        ("zoe@example.org", "z oe@example.org", "request email"),
        ("savings", "gold", "request account.type"),
        ("\"EUR\"", "\"eur\"", "request account.currency"),
        ("\"EUR\"", "\"EUR\",\"x\":1", "request account.x"),
        ("{\"type\":\"savings\",\"currency\":\"EUR\"}", "[]", "request account"),
        ("\"account\"", "\"phone\":null,\"account\"", "request phone"),
        ("\"account\"", "\"phone\":\"call me\",\"account\"", "request phone"),
        ("\"account\"", "\"address\":\" \",\"account\"", "request address"),
    ] {
        refused::<SignUpBody>(&body.replace(from, to), as_told);
    }
    let patch: CustomerPatch = taken(r#"{"phone":null,"address":"1 Road\nTown"}"#);
    assert_eq!((patch.phone, patch.address), (Some(None), Some(Some("1 Road\nTown".into()))));
    refused::<CustomerPatch>(r#"{"name":null}"#, "request name");
    refused::<PasswordChange>(r#"{"old_password":"x"}"#, "request new_password");
    let body = r#"{"name":"Al","accounts":[{"type":"checking","currency":"USD","opening_balance":50.00},{"type":"savings","currency":"USD"}]}"#;
    let made: NewCustomerBody = taken(body);
    let balances: Vec<_> = made.accounts.iter().map(|(_, balance)| *balance).collect();
    assert_eq!(balances, [Decimal::new(50, 0), Decimal::new(0, 0)]);
    refused::<NewCustomerBody>(&body.replace("50.00", "-1"), "amount accounts[0].opening_balance");
    refused::<NewCustomerBody>(&body.replace("savings", "x"), "request accounts[1].type");
    refused::<NewCustomerBody>(r#"{"name":"Al","accounts":[]}"#, "request accounts");
}

#[test]
fn it_reads_cards() {
    let body = r#"{"customer_id":"77","account_ids":["10001","10002"],"card_number":"4539578763621486","pin":"4321"}"#;
    let card: CardBody = taken(body);
    assert_eq!((card.accounts.len(), card.pin.is_some()), (2, true));
    assert!(!format!("{card:?}").contains("4321"));
    refused::<CardBody>(&body.replace("\"77\"", "\"x\""), "request customer_id");
    refused::<CardBody>(&body.replace("\"10002\"", "\"1\""), "account account_ids[1]");
    refused::<CardBody>(&body.replace("\"10002\"", "10002"), "request account_ids[1]");
    refused::<PinChange>(r#"{"old_pin":"1234"}"#, "request new_pin");
    refused::<CardReport>(r#"{"reason":"eaten"}"#, "request reason");
    taken::<CardReport>(r#"{"reason":"lost"}"#);
}

#[test]
fn it_reads_machines() {
    let body = r#"{"atm_id":"ATM9","location":"Hall","kind":"api","cassettes":[{"denomination":20.00,"currency":"USD","count":500},{"denomination":"50","currency":"USD","count":0}]}"#;
    let machine: MachineBody = taken(body);
    assert_eq!((machine.currency, machine.cassettes.len(), machine.cassettes[0].count), (Currency::USD, 2, 500));
    for (from, to, as_told) in [
        ("ATM9", "ATM 9", "request atm_id"),
        ("\"api\"", "\"counter\"", "request kind"),
        ("\"50\",\"currency\":\"USD\"", "\"50\",\"currency\":\"EUR\"", "request cassettes[1].currency"),
        ("20.00", "0", "amount cassettes[0].denomination"),
        ("20.00", "null", "request cassettes[0].denomination"),
        ("500", "5e2", "request cassettes[0].count"),
        ("500", "-1", "request cassettes[0].count"),
        ("500", "500.0", "request cassettes[0].count"),
        ("500", "4294967296", "request cassettes[0].count"),
        ("500", "\"500\"", "request cassettes[0].count"),
    ] {
        refused::<MachineBody>(&body.replace(from, to), as_told);
    }
    refused::<CounterBody>(r#"{"counter_id":"C1"}"#, "request location");
    refused::<MachinePatch>(r#"{"status":"broken"}"#, "request status");
    taken::<MachinePatch>("{}");
    let counted: ReplenishmentBody =
        taken(r#"{"cassettes":[{"denomination":20,"counted_out":1,"counted_in":2}],"reject_bin":0}"#);
    assert_eq!((counted.reject_bin, counted.deposit_bin), (Some(Decimal::new(0, 0)), None));
    refused::<ReplenishmentBody>(
        r#"{"cassettes":[{"denomination":20,"counted_out":1}]}"#,
        "request cassettes[0].counted_in",
    );
}

#[test]
fn it_reads_policy_values_of_any_name() {
    let sent = policy::read(r#"{"withdrawal_limit":500.00,"daily_transfer_limit":null,"time_zone":"UTC"}"#).unwrap();
    assert_eq!(sent[0], ("withdrawal_limit".into(), SentValue::Number(Decimal::new(500, 0))));
    assert_eq!(sent[1].1, SentValue::Nothing);
    assert_eq!(sent[2].1, SentValue::Text("UTC".into()));
    for (body, as_told) in [
        ("{}", "request"),
        (r#"{"x":true}"#, "request x"),
        (r#"{"x":1,"x":2}"#, "request x"),
        (r#"{"x":-1}"#, "amount x"),
    ] {
        assert_eq!(told(policy::read(body).unwrap_err()), as_told, "{body}");
    }
}

#[test]
fn it_tells_no_more_of_a_name_than_its_beginning() {
    let name = "n".repeat(60_000);
    for value in ["1e5", "true", "\"x", "-1"] {
        let told = told(policy::read(&format!("{{\"{name}\":{value}}}")).unwrap_err());
        assert!(told.len() <= "request ".len() + 80, "{} characters for {value}", told.len());
    }
}

/// Each name is compared with those before it: nine thousand of them took a core for a fifth of a second.
#[test]
fn it_refuses_objects_of_very_many_fields_unseen() {
    let object = |fields: usize| {
        let fields: Vec<_> = (0..fields).map(|number| format!("\"f{number}\":1")).collect();
        policy::read(&format!("{{{}}}", fields.join(",")))
    };
    assert_eq!(object(256).map(|values| values.len()), Ok(256));
    assert_eq!(object(257).map_err(told), Err("request".to_owned()));
}

#[test]
fn it_reads_query_strings() {
    let pairs =
        |list: &[(&str, &str)]| list.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let read = |list: &[(&str, &str)]| HistoryParameters::read(pairs(list)).map_err(told);
    let defaults = read(&[]).unwrap();
    assert_eq!((defaults.limit, defaults.kind, defaults.from), (50, None, None));
    let all = [
        ("type", "transfer_in"),
        ("from", "2026-01-01T00:00:00Z"),
        ("to", "2026-01-02T00:00:00+01:00"),
        ("limit", "500"),
        ("cursor", "c"),
    ];
    assert_eq!(read(&all).unwrap().kind, Some("transfer_in"));
    for (name, bad) in [
        ("limit", "0"),
        ("limit", "501"),
        ("limit", "+5"),
        ("limit", ""),
        ("limit", "5.0"),
        ("type", "gift"),
        ("type", ""),
        ("from", "yesterday"),
        ("to", "2026-01-01"),
        ("page", "2"),
        ("Limit", "5"),
    ] {
        assert_eq!(read(&[(name, bad)]), Err(format!("request {name}")), "{bad}");
    }
    assert_eq!(read(&[("limit", "5"), ("limit", "5")]), Err("request limit".into()));
    assert_eq!(MachineParameters::read(Vec::new()).map_err(told), Err("request atm_id".into()));
    assert_eq!(MachineParameters::read(pairs(&[("atm_id", "A B")])).map_err(told), Err("request atm_id".into()));
}
