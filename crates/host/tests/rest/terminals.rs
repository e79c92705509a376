//! A terminal's link over a real socket, its terminal played by the link's own formats.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use cashpoint_bank::keys::DeviceKeys;
use cashpoint_bank::sandbox::PEOPLE;
use cashpoint_bank::secret::Pin;
use cashpoint_core::currency::Currency;
use cashpoint_core::id::MachineId;
use cashpoint_core::money::Amount;
use cashpoint_core::outcome::Refusal;
use cashpoint_core::secret::Pan;
use cashpoint_core::terminal::Lane;
use cashpoint_core::terminal::device::{Accuracy, Bin, CassetteCounters, Counters, Filling, Nonce, Usable, Way};
use cashpoint_core::terminal::link::{
    Advice, AdviceKind, Availability, Evidence, Heartbeat, LoggedIn, Movement, News, OperationId, ReplenishmentOrder,
    Reply, Request,
};
use cashpoint_host::server::ServerOptions;
use cashpoint_host::{Host, Listen, Options};
use cashpoint_wire::card_reference::CardKey;
use cashpoint_wire::cipher::AesKey;
use cashpoint_wire::journal::Head;
use cashpoint_wire::link::enrolment::{self, EnrolmentSecret};
use cashpoint_wire::link::envelope::{AnswerHead, RequestHead, open_answer, sign_request};
use cashpoint_wire::link::{Answer, Declined, PublicKey, SigningKey};
use cashpoint_wire::present_status::{self, DeviceTokenKey, Retracted, StatusLine};
use cashpoint_wire::{key_block, pin_block};
use serde_json::json;
use zeroize::Zeroizing;

use super::support::Site;

const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
const MACHINE: &str = r#"{"atm_id":"ATM901","location":"Hall","kind":"terminal","cassettes":[
    {"denomination":50.00,"currency":"USD","count":100},{"denomination":20.00,"currency":"USD","count":100}]}"#;

fn usd(minor: i64) -> Amount {
    Amount::new(minor, Currency::USD)
}

fn id() -> MachineId {
    MachineId::parse("ATM901").unwrap()
}

/// A site that listens, and its terminal as it is enrolled.
struct Link {
    site: Site,
    host: Host,
    terminal: Terminal,
}

/// What a terminal remembers. Its journal has a record more with each message, as real ones mostly have.
struct Terminal {
    address: SocketAddr,
    own: SigningKey,
    host: PublicKey,
    card_key: CardKey,
    number: u64,
    journal: Vec<[u8; 32]>,
    known: Option<u64>,
}

async fn post(address: SocketAddr, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let sent = [head.as_bytes(), body].concat();
    let exchanged = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&sent).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    });
    let answer = exchanged.await.unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
    (status, answer[end..].to_vec())
}

fn devices() -> DeviceKeys {
    let mut verifier = [0x10; 16];
    verifier[8..].fill(0x54);
    DeviceKeys {
        protection: Zeroizing::new([1; 32]),
        host: Zeroizing::new([2; 32]),
        device: Zeroizing::new([3; 32]),
        verifier: Zeroizing::new(verifier),
    }
}

/// A host with a new machine, and its code.
async fn with_code() -> (Site, Host, String, String) {
    let site = Site::sandbox();
    let operator = site.operator().await;
    let made = site.ask("POST /api/atms", &operator, MACHINE).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let code = made.json()["enrolment_code"].as_str().unwrap().to_owned();
    let listen = Listen { public: ANYWHERE, operations: ANYWHERE };
    let options = Options { clock: site.clock.clone(), ..Options::default() };
    let host = Host::start(site.bank.clone(), listen, options, ServerOptions::default()).await.unwrap();
    (site, host, operator, code)
}

async fn enrol(address: SocketAddr, code: &str, seed: u8) -> Result<Terminal, (u16, Vec<u8>)> {
    let own = SigningKey::from_seed(&[seed; 32]);
    let secret = EnrolmentSecret::of_code(code).unwrap();
    let (request, receipt) = enrolment::request(&secret, id(), &own.public());
    let (status, answer) = post(address, "/terminal/enrolments", &request).await;
    if status != 200 {
        return Err((status, answer));
    }
    let enrolled = enrolment::open_answer(&secret, &receipt, &answer).unwrap();
    let journal = vec![[0; 32], [1; 32]];
    let (host, card_key) = (enrolled.host, enrolled.card_key);
    Ok(Terminal { address, own, host, card_key, number: 1 << 32, journal, known: None })
}

impl Link {
    async fn new() -> Self {
        let (site, host, _, code) = with_code().await;
        let terminal = enrol(host.local_addr(), &code, 9).await.map_err(|(status, _)| status).unwrap();
        site.bank.load_terminal_keys(id(), devices()).unwrap().unwrap();
        Self { site, host, terminal }
    }
}

impl Terminal {
    fn head(&self) -> Head {
        Head { n: self.journal.len() as u64 - 1, mac: *self.journal.last().unwrap() }
    }

    fn record(&mut self, mark: u8) {
        let [n, rest @ ..] = &mut [mark; 32];
        *n = u8::try_from(self.journal.len()).unwrap();
        let mac: Vec<u8> = std::iter::once(*n).chain(rest.iter().copied()).collect();
        self.journal.push(mac.try_into().unwrap());
    }

    fn position(&mut self, lane: Lane) -> RequestHead {
        self.number += 1;
        let known =
            self.known.and_then(|n| self.journal.get(usize::try_from(n).unwrap()).map(|mac| Head { n, mac: *mac }));
        let at = cashpoint_core::time::Timestamp::EPOCH;
        RequestHead { terminal: id(), lane, number: self.number, at, head: self.head(), known }
    }

    async fn say(&mut self, lane: Lane, request: &Request) -> Answer {
        self.record(1);
        let head = self.position(lane);
        let (bytes, receipt) = sign_request(&self.own, &head, request);
        let (status, answer) = post(self.address, "/terminal/messages", &bytes).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
        let (AnswerHead { known, .. }, answer) = open_answer(&self.host, &receipt, &answer).unwrap();
        self.known = known.map(|head| head.n);
        answer
    }

    async fn ask(&mut self, request: Request) -> Reply {
        let lane = if let Request::Advice(_) = &request {
            Lane::Advice
        } else if let Request::Heartbeat(_) = &request {
            Lane::Heartbeat
        } else {
            Lane::Online
        };
        match self.say(lane, &request).await {
            Answer::Reply(reply) => reply,
            Answer::Declined(declined) => panic!("{declined:?}"),
        }
    }

    async fn beat(&mut self) -> News {
        self.beat_with(None).await
    }

    async fn beat_with(&mut self, exchange: Option<u64>) -> News {
        let reply = self.ask(beat_with(exchange)).await;
        let Reply::News(news) = reply else { panic!("{reply:?}") };
        *news
    }

    async fn log_in(&mut self, pad: &AesKey, pin: &str) -> Reply {
        let (pan, pin) = (Pan::parse(PEOPLE[0].number).unwrap(), Pin::parse(pin).unwrap());
        let block = pin_block::encode_format_4(pad, &pin, &pan, [4; 8]);
        self.ask(Request::LogIn { pan, pin: block }).await
    }
}

fn beat() -> Request {
    beat_with(None)
}

/// … of a terminal whose exchange is open for this replenishment.
fn beat_with(exchange: Option<u64>) -> Request {
    Request::Heartbeat(Box::new(Heartbeat {
        service: Availability::In,
        devices: Vec::new(),
        counters: None,
        settings: 0,
        hot_list: 0,
        nonce: None,
        waiting: 0,
        carried_out: Vec::new(),
        pin_key: None,
        exchange,
    }))
}

fn is_forbidden((status, body): (u16, Vec<u8>)) -> String {
    let mut body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, body["code"].as_str()), (403, Some("forbidden")), "{body}");
    body["request_id"] = serde_json::Value::Null;
    body.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_serves_a_terminal_from_enrolment_to_completion() {
    let Link { site, host, mut terminal } = Link::new().await;
    let news = terminal.beat().await;
    assert!(news.settings.is_some());
    let protection = key_block::ProtectionKey::new(&[1; 32]).unwrap();
    let (header, wrapped) = key_block::unwrap(&protection, &news.pin_key.unwrap().0).unwrap();
    let pad = wrapped.into_pin_key(&header).unwrap();
    assert_eq!(terminal.log_in(&pad, "0000").await, Reply::Refused(Refusal::WrongCredentials));
    let Reply::LoggedIn(began) = terminal.log_in(&pad, PEOPLE[0].pin).await else { panic!("the PIN is right") };
    let LoggedIn { session, accounts, .. } = *began;
    let account = accounts[0].account;
    let original = OperationId(7 << 64 | 1);
    let (amount, nonce) = (usd(100_00), Nonce([6; 16]));
    let approve = Request::Approve { id: original, session, account, amount, nonce, notes: vec![2, 0] };
    let Reply::Approved(approved) = terminal.ask(approve).await else { panic!("it is covered") };
    let token = &approved.token.0;
    let dispense = data_encoding::HEXUPPER.decode(&token.as_bytes()[token.len() - 64..]).unwrap();
    let line = StatusLine { dispensed: amount, presented: Some(amount), retracted: Retracted::Nothing };
    let own = Some(dispense.try_into().unwrap());
    let signed = present_status::make(&DeviceTokenKey::new([3; 32]), &approved.present_nonce.into(), own, line);
    let evidence = Evidence { token: Some(signed), ..Evidence::default() };
    let moved = Movement { dispensed: vec![2, 0], rejected: 0, retracted: 0 };
    let kind = AdviceKind::Completed { original, moved, evidence };
    let advice = Advice { id: OperationId(7 << 64 | 2), at: site.bank.now(), kind, nonce: None };
    let Reply::Acknowledged(told) = terminal.ask(Request::Advice(Box::new(advice))).await else {
        panic!("it is known")
    };
    assert_eq!((told.case, told.declined), (None, None));
    let Reply::Balance(balance) = terminal.ask(Request::Balance { session, account }).await else { panic!("it lives") };
    assert_eq!(balance.balance, usd(1_400_00));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_enrols_a_terminal_once_and_tells_nobody_why_not() {
    let (site, host, _, code) = with_code().await;
    let address = host.local_addr();
    let wrong = enrol(address, &enrolment::code(&[7; 16]), 9).await.err().unwrap();
    let wrong = is_forbidden(wrong);
    let terminal = enrol(address, &code, 9).await.map_err(|(status, _)| status).unwrap();
    let again = enrol(address, &code, 9).await.map_err(|(status, _)| status).unwrap();
    assert_eq!(
        (again.host, again.card_key.expose()),
        (terminal.host, terminal.card_key.expose()),
        "its answer was lost"
    );
    assert_eq!(is_forbidden(enrol(address, &code, 8).await.err().unwrap()), wrong, "it serves once");
    assert_eq!(is_forbidden(post(address, "/terminal/enrolments", b"{}").await), wrong);
    let other = MachineId::parse("ATM001").unwrap();
    for machine in [other, MachineId::parse("NOWHERE").unwrap()] {
        let secret = EnrolmentSecret::of_code(&code).unwrap();
        let (request, _) = enrolment::request(&secret, machine, &terminal.own.public());
        assert_eq!(is_forbidden(post(address, "/terminal/enrolments", &request).await), wrong, "{machine}");
    }
    let (status, _) = post(address, "/terminal/enrolments", &vec![b'x'; 65_537]).await;
    assert_eq!(status, 413);
    // Tries come back with time; here it stands still.
    let mut last = 403;
    for _ in 0..20_000 {
        last = site.ask("POST /terminal/enrolments", "", "{}").await.status.as_u16();
        if last != 403 {
            break;
        }
    }
    assert_eq!(last, 429);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_enrols_a_terminal_again_with_a_new_code_and_believes_the_key_before_no_more() {
    let Link { site, host, terminal: mut before } = Link::new().await;
    let (address, staff) = (host.local_addr(), site.operator().await);
    for machine in ["ATM001", "NOWHERE"] {
        let refused = site.ask(&format!("POST /api/atms/{machine}/enrolment-codes"), &staff, "").await;
        assert_eq!(refused.status, 404, "{machine}: {}", refused.text());
    }
    assert_eq!(site.ask("POST /api/atms/ATM901/enrolment-codes", "", "").await.status, 401);
    let issue = async || {
        let issued = site.ask("POST /api/atms/ATM901/enrolment-codes", &staff, "").await;
        assert_eq!(issued.status, 201, "{}", issued.text());
        issued.json()["enrolment_code"].as_str().unwrap().to_owned()
    };
    let (lost, code) = (issue().await, issue().await);
    before.beat().await;
    let wrong = is_forbidden(enrol(address, &lost, 7).await.err().unwrap());
    let mut after = enrol(address, &code, 7).await.map_err(|(status, _)| status).unwrap();
    let again = enrol(address, &code, 7).await.map_err(|(status, _)| status).unwrap();
    assert_eq!(again.card_key.expose(), after.card_key.expose(), "its answer was lost");
    assert_eq!((after.host, after.card_key.expose()), (before.host, before.card_key.expose()), "the host is the same");
    assert_eq!(is_forbidden(enrol(address, &code, 8).await.err().unwrap()), wrong, "it serves once");
    before.record(1);
    let head = before.position(Lane::Heartbeat);
    let (bytes, _) = sign_request(&before.own, &head, &beat());
    assert_eq!(is_forbidden(post(address, "/terminal/messages", &bytes).await), wrong);
    // The machine kept its journal.
    (after.journal, after.known, after.number) = (before.journal.clone(), before.known, before.number);
    after.beat().await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_takes_no_message_twice_and_none_that_is_not_the_terminals_own() {
    let Link { site: _site, host, mut terminal } = Link::new().await;
    let address = terminal.address;
    terminal.record(1);
    let head = terminal.position(Lane::Heartbeat);
    let (bytes, receipt) = sign_request(&terminal.own, &head, &beat());
    let (status, answer) = post(address, "/terminal/messages", &bytes).await;
    assert_eq!(status, 200);
    let (AnswerHead { known, .. }, answer) = open_answer(&terminal.host, &receipt, &answer).unwrap();
    assert!(matches!(answer, Answer::Reply(Reply::News(_))));
    assert_eq!(known, Some(head.head), "this message included");
    terminal.known = known.map(|head| head.n);
    let (_, answer) = post(address, "/terminal/messages", &bytes).await;
    let answer = open_answer(&terminal.host, &receipt, &answer).unwrap().1;
    assert_eq!(answer, Answer::Declined(Declined::NumberUsed { last: head.number }));
    let mut told = std::collections::BTreeSet::new();
    for place in (0..bytes.len()).step_by(7) {
        let mut flipped = bytes.to_vec();
        flipped[place] ^= 1;
        told.insert(is_forbidden(post(address, "/terminal/messages", &flipped).await));
    }
    let foreign = SigningKey::from_seed(&[8; 32]);
    let head = terminal.position(Lane::Heartbeat);
    let (bytes, _) = sign_request(&foreign, &head, &beat());
    told.insert(is_forbidden(post(address, "/terminal/messages", &bytes).await));
    let nowhere = RequestHead { terminal: MachineId::parse("NOWHERE").unwrap(), ..head };
    let (bytes, _) = sign_request(&terminal.own, &nowhere, &beat());
    told.insert(is_forbidden(post(address, "/terminal/messages", &bytes).await));
    assert_eq!(told.len(), 1, "what is wrong is not told: {told:?}");
    terminal.beat().await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_lets_lanes_overtake_each_other_and_tells_what_staff_chose() {
    let Link { site, host, mut terminal } = Link::new().await;
    let staff = site.operator().await;
    let settings = terminal.beat().await.settings.unwrap();
    let own = r#"{"partition":{"balance":"stale","deposit":"store","transfer":"store","withdrawal":"refuse"}}"#;
    assert_eq!(site.ask("PATCH /api/atms/ATM901", &staff, own).await.status, 200);
    let chosen = terminal.beat().await.settings.unwrap();
    assert!(chosen.version > settings.version && chosen.partition != settings.partition, "{chosen:?}");
    terminal.record(1);
    let first = terminal.position(Lane::Advice);
    terminal.record(1);
    let second = terminal.position(Lane::Heartbeat);
    let (late, receipt) = sign_request(&terminal.own, &first, &beat());
    let (early, _) = sign_request(&terminal.own, &second, &beat());
    assert_eq!(post(terminal.address, "/terminal/messages", &early).await.0, 200);
    let (_, answer) = post(terminal.address, "/terminal/messages", &late).await;
    let answer = open_answer(&terminal.host, &receipt, &answer).unwrap().1;
    assert!(matches!(answer, Answer::Reply(_)), "{answer:?}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_takes_nothing_on_another_journal_until_staff_have_looked() {
    let Link { site, host, mut terminal } = Link::new().await;
    for _ in 0..3 {
        terminal.beat().await;
    }
    // It begins anew and does not know how far the host is: then it is told, and nothing is doubted.
    terminal.known = None;
    terminal.record(1);
    assert!(matches!(terminal.say(Lane::Heartbeat, &beat()).await, Answer::Declined(Declined::Busy { .. })));
    terminal.beat().await;
    let whole = terminal.journal.clone();
    terminal.journal.truncate(3);
    let other = Answer::Declined(Declined::OtherJournal);
    assert_eq!(terminal.say(Lane::Heartbeat, &beat()).await, other, "it was set back");
    terminal.journal = whole;
    assert_eq!(terminal.say(Lane::Heartbeat, &beat()).await, other, "staff have not looked");
    terminal.journal.truncate(2);
    let staff = site.operator().await;
    let shown = site.ask("GET /api/atms/ATM901", &staff, "").await.json();
    assert_eq!(shown["terminal"]["journal"], "doubted", "{shown}");
    let shown = site.ask("PATCH /api/atms/ATM901", &staff, r#"{"journal":"accept"}"#).await.json();
    assert_eq!(shown["terminal"]["journal"], "open", "{shown}");
    terminal.beat().await;
    terminal.beat().await;
    let shown = site.ask("GET /api/atms/ATM901", &staff, "").await.json();
    assert_eq!(
        (&shown["terminal"]["told"]["service"], shown["last_seen"].is_string()),
        (&"in".into(), true),
        "{shown}"
    );
    let listed = site.ask("GET /api/atms", &staff, "").await.json();
    let seen = listed["atms"].as_array().unwrap().iter().filter(|atm| atm["last_seen"].is_string()).count();
    assert_eq!(seen, 1, "{listed}");
    host.stop().await;
}

/// A dispenser with so many notes in each of its two cassettes.
fn counters(initial: [u32; 2]) -> Counters {
    let cassette = |(denomination, initial)| CassetteCounters {
        denomination,
        currency: Currency::USD,
        initial,
        out: 0,
        presented: 0,
        rejected: 0,
        unknown: 0,
        usable: Usable::Yes,
        accuracy: Accuracy::Accurate,
    };
    Counters {
        cassettes: [(50_00, initial[0]), (20_00, initial[1])].map(cassette).to_vec(),
        rejected: Vec::new(),
        retracted: Vec::new(),
        retract_operations: 0,
        way: Way::Clear,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_has_a_terminal_exchange_its_cassettes_and_posts_what_was_counted_then() {
    let Link { site, host, mut terminal } = Link::new().await;
    let staff = site.operator().await;
    let (orders, order) = ("POST /api/atms/ATM901/replenishments", "GET /api/atms/ATM901/replenishments/1");
    site.ask(order, &staff, "").await.is_problem(404, "not_found");
    let opened = site.ask(orders, &staff, r#"{"cassettes":[]}"#).await;
    let ordered = r#"{"atm_id":"ATM901","currency":"USD","replenishment_id":"1","status":"ordered"}"#;
    assert_eq!((opened.status.as_u16(), opened.text().as_str()), (202, ordered));
    let news = terminal.beat().await;
    assert_eq!(news.replenishment, Some(ReplenishmentOrder { number: 1, filling: None }));
    let status = async || site.ask(order, &staff, "").await.json()["status"].as_str().unwrap().to_owned();
    assert_eq!(status().await, "ordered");
    terminal.beat_with(Some(1)).await;
    assert_eq!(status().await, "open");
    let count = r#"{"cassettes":[{"denomination":50.00,"counted_out":97,"counted_in":80}],"reject_bin":0.00}"#;
    assert_eq!(site.ask(orders, &staff, count).await.text(), ordered, "it is the same one");
    assert_eq!(status().await, "counted");
    site.ask(orders, &staff, count).await.is_problem(409, "replenishment_open");
    let filling = Filling { cassettes: vec![Some(80), None], emptied: [Bin::Reject].into() };
    let wanted = Some(ReplenishmentOrder { number: 1, filling: Some(filling) });
    assert_eq!(terminal.beat_with(Some(1)).await.replenishment, wanted);
    let machine = site.ask("GET /api/atms/ATM901", &staff, "").await.json();
    assert_eq!(machine["cash"], 7_000.00, "nothing is posted before it is done: {machine}");
    let kind = AdviceKind::Replenished { number: 1, found: counters([100, 100]), left: counters([80, 100]) };
    let advice = Advice { id: OperationId(7 << 64 | 3), at: site.bank.now(), kind, nonce: None };
    for _ in 0..2 {
        let reply = terminal.ask(Request::Advice(Box::new(advice.clone()))).await;
        assert!(matches!(reply, Reply::Acknowledged(_)), "{reply:?}");
    }
    let again = Advice { id: OperationId(7 << 64 | 4), ..advice };
    assert!(matches!(terminal.ask(Request::Advice(Box::new(again))).await, Reply::Acknowledged(_)));
    assert_eq!(terminal.beat().await.replenishment, None);
    let done = site.ask(order, &staff, "").await.json();
    let figures = [&done["status"], &done["cash"], &done["difference"], &done["in_cases"]];
    assert_eq!(figures, [&json!("done"), &json!(6_000.0), &json!(-150.0), &json!(0.0)], "once: {done}");
    assert_eq!(done["found"], "left=100,100; out=0,0; unknown=0,0; rejected=; retracted=; filled=80,100");
    let machine = site.ask("GET /api/atms/ATM901", &staff, "").await.json();
    assert_eq!((&machine["cash"], &machine["cassettes"][0]["count"]), (&json!(6_000.0), &json!(80)));
    let next = site.ask(orders, &staff, count).await.json();
    assert_eq!(next["replenishment_id"], "2", "{next}");
    host.stop().await;
}
