//! A terminal's requests against a whole bank, its pad and dispenser played by the formats that real ones speak.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use cashpoint_bank::bank::{Bank, Mode, Setting};
use cashpoint_bank::clock::ManualClock;
use cashpoint_bank::desk::{MachineChange, MachineRequest, PolicyValue};
use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::keys::{DeviceKeys, FileKeyStore, MasterKey, TerminalSecrets};
use cashpoint_bank::link::Heard;
use cashpoint_bank::sandbox::{OPERATOR, PEOPLE, seed};
use cashpoint_bank::secret::{Pan, Password, Pin};
use cashpoint_bank::store::CasesWanted;
use cashpoint_bank::store::records::Records;
use cashpoint_bank::verify::verify;
use cashpoint_core::case::Matter;
use cashpoint_core::command::{EnrolTerminal, JournalAccepted, KeepTerminalKeys, NewCassette, ReportReason};
use cashpoint_core::currency::Currency;
use cashpoint_core::enrolled::JournalHead;
use cashpoint_core::id::{CaseId, MachineId};
use cashpoint_core::machine::MachineKind;
use cashpoint_core::money::{Amount, Decimal};
use cashpoint_core::outcome::Refusal;
use cashpoint_core::session::Session;
use cashpoint_core::terminal::Lane;
use cashpoint_core::terminal::device::{DispenseToken, Nonce, PinBlock};
use cashpoint_core::terminal::link::{
    Acknowledgement, Advice, AdviceKind, Approved, Availability, Evidence, Heartbeat, LoggedIn, Movement, News,
    OfflineOutcome, OperationId, Reply, Request, ReverseReason,
};
use cashpoint_core::time::{BusinessDate, Timestamp};
use cashpoint_wire::cipher::AesKey;
use cashpoint_wire::dispense_token::HostTokenKey;
use cashpoint_wire::present_status::{DeviceTokenKey, Retracted, StatusLine};
use cashpoint_wire::{dispense_token, key_block, pin_block, present_status};
use tempfile::TempDir;
use zeroize::Zeroizing;

struct World {
    folder: TempDir,
    bank: Bank,
    clock: Arc<ManualClock>,
    admin: Session,
    terminal: MachineId,
    counter: Cell<u64>,
}

fn usd(minor: i64) -> Amount {
    Amount::new(minor, Currency::USD)
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

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let noon = i64::from(BusinessDate::from_civil(2026, 9, 15).unwrap().days()) * 86_400 + 43_200;
        let clock = Arc::new(ManualClock::new(Timestamp::EPOCH.plus_s(noon)));
        let entropy = Arc::new(SeededEntropy::new(1));
        let (database, keys) = (folder.path().join("bank.db"), folder.path().join("keys.toml"));
        let setting = Setting::new(database, keys.clone(), clock.clone(), entropy.clone()).with_mode(Mode::Sandbox);
        let bank = Bank::open(setting).unwrap().0;
        seed(&bank).unwrap();
        let password = Password::attempt(OPERATOR.1).unwrap();
        let admin = bank.log_in_operator(OPERATOR.0, password).unwrap().unwrap().session;
        let terminal = MachineId::parse("ATM901").unwrap();
        let note = |value| NewCassette { denomination: Decimal::parse(value).unwrap(), count: 100 };
        let request = MachineRequest {
            machine: terminal,
            kind: MachineKind::Terminal,
            location: "Test".to_owned(),
            currency: Some(Currency::USD),
            cassettes: ["50", "20", "10"].map(note).to_vec(),
        };
        bank.create_machine(admin, "k", request).unwrap().unwrap();
        let views = bank.machines_watched().unwrap();
        let code = views.iter().find(|view| view.identity.id == terminal).unwrap().identity.secret;
        let done = |outcome: Result<_, Refusal>| drop(outcome.unwrap());
        done(bank.execute(EnrolTerminal { terminal, code, key: [9; 32] }).unwrap().outcome);
        let store = FileKeyStore::open(&keys, MasterKey::InFile, entropy.clone()).unwrap();
        let secrets = TerminalSecrets::make(&*entropy).with_devices(devices());
        let keys = secrets.seal(terminal, &store, &*entropy).unwrap();
        done(bank.execute(KeepTerminalKeys { terminal, keys }).unwrap().outcome);
        Self { folder, bank, clock, admin, terminal, counter: Cell::new(0) }
    }

    fn ask(&self, request: Request) -> Reply {
        self.clock.advance(Duration::from_millis(200));
        let number = self.counter.get() + 1;
        self.counter.set(number);
        let head = JournalHead { n: number, mac: [5; 32] };
        self.bank.terminal_request(self.terminal, Heard { lane: Lane::Online, number, head }, request).unwrap()
    }

    fn id(&self) -> OperationId {
        self.counter.set(self.counter.get() + 1);
        OperationId(7 << 64 | u128::from(self.counter.get()))
    }

    fn beat(&self, nonce: Option<Nonce>) -> News {
        let told = Heartbeat {
            service: Availability::In,
            devices: Vec::new(),
            counters: None,
            settings: 0,
            hot_list: 0,
            nonce,
            waiting: 0,
            carried_out: Vec::new(),
            pin_key: None,
            exchange: None,
        };
        let reply = self.ask(Request::Heartbeat(Box::new(told)));
        let Reply::News(news) = reply else { panic!("{reply:?}") };
        *news
    }

    /// The pad's PIN key, as it came in the block.
    fn pad(&self) -> AesKey {
        let block = self.beat(None).pin_key.unwrap();
        let (header, wrapped) = key_block::unwrap(&key_block::ProtectionKey::new(&[1; 32]).unwrap(), &block.0).unwrap();
        wrapped.into_pin_key(&header).unwrap()
    }

    fn block(&self, pin: &str) -> (Pan, PinBlock) {
        let (pan, pin) = (Pan::parse(PEOPLE[0].number).unwrap(), Pin::parse(pin).unwrap());
        let block = pin_block::encode_format_4(&self.pad(), &pin, &pan, [4; 8]);
        (pan, block)
    }

    fn log_in(&self) -> LoggedIn {
        let (pan, pin) = self.block(PEOPLE[0].pin);
        let reply = self.ask(Request::LogIn { pan, pin });
        let Reply::LoggedIn(began) = reply else { panic!("{reply:?}") };
        *began
    }

    fn approve(&self, began: &LoggedIn, minor: i64, nonce: Nonce) -> (OperationId, Approved) {
        let id = self.id();
        let (session, account, amount) = (began.session, began.accounts[0].account, usd(minor));
        let request = Request::Approve { id, session, account, amount, nonce, notes: vec![0, 0, 0] };
        let Reply::Approved(approved) = self.ask(request.clone()) else { panic!("it is covered") };
        assert_eq!(self.ask(request), Reply::Approved(approved.clone()), "a repeat brings the same leave");
        (id, *approved)
    }

    fn tell(&self, kind: AdviceKind) -> Acknowledgement {
        let advice = Request::Advice(Box::new(Advice { id: self.id(), at: self.bank.now(), kind, nonce: None }));
        let first = self.ask(advice.clone());
        assert_eq!(self.ask(advice), first, "told again it has the same answer");
        let Reply::Acknowledged(acknowledged) = first else { panic!("{first:?}") };
        *acknowledged
    }

    fn matter(&self, case: CaseId) -> Matter {
        self.bank.case(self.admin, case).unwrap().unwrap().matter
    }

    fn balance(&self, began: &LoggedIn) -> i64 {
        let (session, account) = (self.log_in().session, began.accounts[0].account);
        let reply = self.ask(Request::Balance { session, account });
        let Reply::Balance(balance) = reply else { panic!("{reply:?}") };
        balance.balance.minor()
    }

    fn verified(&self) {
        let report = verify(&Records::open(&self.folder.path().join("bank.db")).unwrap(), None).unwrap();
        assert!(report.is_clean(), "{:#?}", report.differences);
    }
}

/// What the device signs about a dispense.
fn signed(nonce: Nonce, token: &DispenseToken, line: StatusLine) -> Evidence {
    let id = data_encoding::HEXUPPER.decode(&token.0.as_bytes()[token.0.len() - 64..]).unwrap();
    let id = Some(id.try_into().unwrap());
    let token = present_status::make(&DeviceTokenKey::new([3; 32]), &nonce.into(), id, line);
    Evidence { token: Some(token), ..Evidence::default() }
}

fn taken(minor: i64) -> StatusLine {
    StatusLine { dispensed: usd(minor), presented: Some(usd(minor)), retracted: Retracted::Nothing }
}

fn moved(dispensed: [u32; 3], retracted: i64) -> Movement {
    Movement { dispensed: dispensed.to_vec(), rejected: 0, retracted }
}

#[test]
fn serves_a_visit_from_log_in_to_completion() {
    let world = World::new();
    let (pan, pin) = world.block("0000");
    assert_eq!(world.ask(Request::LogIn { pan, pin }), Reply::Refused(Refusal::WrongCredentials));
    let began = world.log_in();
    assert!(began.verifier.is_none(), "nothing is served without the host here");
    let nonce = Nonce([6; 16]);
    let (original, approved) = world.approve(&began, 100_00, nonce);
    let grant = dispense_token::read(&HostTokenKey::new([2; 32]), &approved.token).unwrap();
    assert_eq!((grant.nonce.nonce(), approved.balance), (Some(nonce), usd(1_400_00)));
    let evidence = signed(approved.present_nonce, &approved.token, taken(100_00));
    let told = world.tell(AdviceKind::Completed { original, moved: moved([2, 0, 0], 0), evidence });
    assert_eq!((told.case, told.declined), (None, None));
    let Reply::Statement(lines) =
        world.ask(Request::Statement { session: began.session, account: began.accounts[0].account })
    else {
        panic!("it lives")
    };
    assert_eq!((lines[0].amount, lines[0].kind.as_str()), (usd(-100_00), "withdrawal"));
    assert_eq!(world.balance(&began), 1_400_00);
    let view = world.bank.terminal_view(world.terminal).unwrap().unwrap();
    assert!(view.told.is_some() && view.enrolled.numbers.online > 0);
    world.verified();
}

#[test]
fn believes_the_devices_word_and_not_the_terminals() {
    let world = World::new();
    let began = world.log_in();
    let line = |presented, retracted| StatusLine { dispensed: usd(100_00), presented, retracted };
    let reverse = |original, moved, evidence| AdviceKind::Reversed {
        original,
        moved,
        reason: ReverseReason::DeviceFailed,
        evidence,
    };
    let all = Some(usd(100_00));
    type Told = (Option<StatusLine>, bool, Movement, bool);
    let cases: [Told; 7] = [
        (None, true, moved([2, 0, 0], 0), true),
        (Some(line(None, Retracted::Nothing)), true, moved([2, 0, 0], 0), true),
        (Some(line(all, Retracted::Nothing)), false, moved([0, 0, 0], 0), true),
        (None, false, moved([0, 0, 0], 0), true),
        (Some(line(all, Retracted::Counted(usd(60_00)))), false, moved([0, 5, 0], 60_00), false),
        (Some(line(all, Retracted::Counted(usd(40_00)))), false, moved([0, 5, 0], 60_00), true),
        (Some(line(all, Retracted::Uncounted)), false, moved([0, 5, 0], 100_00), true),
    ];
    for (said, completes, notes, doubted) in cases {
        let (original, approved) = world.approve(&began, 100_00, Nonce([6; 16]));
        let evidence =
            said.map_or_else(Evidence::default, |said| signed(approved.present_nonce, &approved.token, said));
        let kind = if completes {
            AdviceKind::Completed { original, moved: notes, evidence }
        } else {
            reverse(original, notes, evidence)
        };
        let told = world.tell(kind.clone());
        assert_eq!(told.case.is_some(), doubted, "{kind:?}");
        if let Some(case) = told.case {
            assert!(matches!(world.matter(case), Matter::Suspect(_)));
            world
                .bank
                .resolve_case(world.admin, &format!("{case}"), case, Decimal::parse_or_zero("0").unwrap())
                .unwrap()
                .unwrap();
        }
    }
    let (original, _) = world.approve(&began, 50_00, Nonce([6; 16]));
    let (moved, reason, evidence) = (Movement::default(), ReverseReason::LateResponse, Evidence::default());
    let late = world.tell(AdviceKind::Reversed { original, moved, reason, evidence });
    assert_eq!(late.case, None, "an approval that never came brought no nonce to ask the device with");
    assert_eq!(world.bank.cases(world.admin, CasesWanted::Open, None, 10).unwrap().unwrap().cases, []);
    assert_eq!(world.balance(&began), 1_500_00 - 40_00);
    world.verified();
}

#[test]
fn opens_a_case_for_each_withdrawal_that_only_a_lost_journal_knew() {
    let world = World::new();
    let began = world.log_in();
    let nonce = Nonce([6; 16]);
    let (settled, approved) = world.approve(&began, 100_00, nonce);
    let evidence = signed(approved.present_nonce, &approved.token, taken(100_00));
    let completed = |original, evidence| AdviceKind::Completed { original, moved: moved([2, 0, 0], 0), evidence };
    world.tell(completed(settled, evidence.clone()));
    let (unheard, _) = world.approve(&began, 100_00, nonce);
    let open = || world.bank.cases(world.admin, CasesWanted::Open, None, 10).unwrap().unwrap().cases;
    let accept = || {
        let change = MachineChange { journal: Some(JournalAccepted), ..MachineChange::default() };
        world.bank.update_machine(world.admin, world.terminal, change).unwrap().unwrap();
    };
    accept();
    let cases = open();
    assert_eq!(
        cases.iter().map(|case| case.amount).collect::<Vec<_>>(),
        [usd(100_00)],
        "not of the one that is settled"
    );
    assert!(matches!(cases[0].matter, Matter::Suspect(_)) && cases[0].evidence.contains("journal"), "{:?}", cases[0]);
    world.verified();
    accept();
    assert_eq!(open(), cases, "it is in doubt already");
    let (id, at) = (world.id(), world.bank.now());
    let late = Advice { id, at, kind: completed(unheard, evidence), nonce: None };
    assert!(matches!(world.ask(Request::Advice(Box::new(late))), Reply::Refused(_)), "staff answer it now");
    let paid = Decimal::parse_or_zero("100.00").unwrap();
    world.bank.resolve_case(world.admin, "counted", cases[0].id, paid).unwrap().unwrap();
    assert_eq!((open(), world.balance(&began)), (Vec::new(), 1_300_00));
    world.verified();
}

#[test]
fn takes_deposits_and_stored_transfers_and_tells_of_refusals_at_the_next_log_in() {
    let world = World::new();
    let began = world.log_in();
    let (card, account) = (began.card, began.accounts[0].account);
    let deposit = |notes, minor| AdviceKind::Deposited { card, account, notes, amount: usd(minor) };
    assert_eq!(world.tell(deposit(vec![(50_00, 2)], 100_00)).case, None);
    let unclear = world.tell(deposit(vec![(50_00, 2)], 120_00)).case.unwrap();
    assert_eq!(world.matter(unclear), Matter::DepositUnclear, "notes and amount do not fit");
    let over = world.tell(deposit(vec![(50_00, 300)], 15_000_00)).case.unwrap();
    assert!(matches!(world.matter(over), Matter::OverCeiling(_)));
    let target = cashpoint_core::id::AccountNumber::new(99_999);
    let told = world.tell(AdviceKind::StoredTransfer { card, source: account, target, amount: usd(5_00) });
    assert_eq!(told.declined, Some(Refusal::AccountNotFound));
    assert_eq!(world.log_in().notices.len(), 1);
    world.balance(&began);
    assert_eq!(world.log_in().notices, [], "once");
    assert_eq!(world.balance(&began), 1_600_00);
    world.verified();
}

#[test]
fn gives_leases_up_to_the_fleets_limit_and_posts_what_was_paid_under_them() {
    let world = World::new();
    let set = |name: &str, value: &str| (name.to_owned(), PolicyValue::Text(value.to_owned()));
    let patch = vec![set("offline_withdrawal", "limited"), set("offline_fleet_limit", "500")];
    world.bank.set_policies(world.admin, patch).unwrap().unwrap();
    let began = world.log_in();
    assert!(began.verifier.is_some());
    let lease = world.beat(Some(Nonce([8; 16]))).lease.unwrap();
    assert_eq!((lease.amount, lease.nonce), (usd(500_00), Nonce([8; 16])));
    assert_eq!(world.beat(Some(Nonce([8; 16]))).lease, Some(lease.clone()), "the same again");
    let (card, account) = (began.card, began.accounts[0].account);
    let offline = |evidence| AdviceKind::OfflineWithdrawn {
        card,
        account,
        amount: usd(100_00),
        lease: lease.nonce,
        outcome: OfflineOutcome::Paid(moved([2, 0, 0], 0)),
        evidence,
    };
    let evidence = signed(lease.present_nonces[1], &lease.token, taken(100_00));
    assert_eq!(world.tell(offline(evidence.clone())).case, None);
    let again = world.tell(offline(evidence)).case.unwrap();
    assert!(matches!(world.matter(again), Matter::WithdrawalUnclaimed(_)), "one word of the device serves once");
    let silent = world.tell(offline(Evidence::default())).case.unwrap();
    assert!(matches!(world.matter(silent), Matter::OfflineSuspect(_)), "the device does not bear it out");
    assert_eq!(world.balance(&began), 1_300_00);
    world.verified();
}

#[test]
fn tells_at_once_of_a_card_that_must_not_be_served() {
    let world = World::new();
    let began = world.log_in();
    let before = world.beat(None).hot_list.unwrap();
    assert!(before.cards.is_empty());
    world.bank.report_card(world.admin, began.card, ReportReason::Stolen).unwrap().unwrap();
    let after = world.beat(None).hot_list.unwrap();
    assert_eq!((after.cards.len(), after.version > before.version), (1, true));
    let settings = world.beat(None).settings.unwrap();
    let patch = vec![("withdrawal_limit".to_owned(), PolicyValue::Text("300".to_owned()))];
    world.bank.set_policies(world.admin, patch).unwrap().unwrap();
    let newer = world.beat(None).settings.unwrap();
    assert_eq!((newer.withdrawal_limit, newer.version > settings.version), (usd(300_00), true));
}
