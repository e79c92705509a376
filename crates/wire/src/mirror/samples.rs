//! Values of every type that is written, for tests: plain ones that read well in a snapshot, and ones made by chance.

use cashpoint_core::account::Product;
use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, CardId, CaseId, SessionId, TransferId};
use cashpoint_core::mix::Notes;
use cashpoint_core::money::Amount;
use cashpoint_core::outcome::{Balance, Refusal, TransferReceipt};
use cashpoint_core::secret::Pan;
use cashpoint_core::terminal::device::{
    Accuracy, Bin, CassetteCounters, CheckValue, Counters, DispenseToken, Failure, Filling, KeyBlock, Nonce, PinBlock,
    PresentState, Unit, Usable, Way,
};
use cashpoint_core::terminal::link::{
    AccountLine, Acknowledgement, Advice, AdviceKind, Approved, Availability, Evidence, Heartbeat, HostCommand,
    HostCommandKind, Lease, LoggedIn, Movement, News, Notice, OfflineOutcome, OfflineVerifier, OperationId,
    ReplenishmentOrder, Reply, Request, ReverseReason, StatementLine,
};
use cashpoint_core::terminal::record::{CardProfile, Intent, Leave, Record, Summary};
use cashpoint_core::terminal::settings::{
    HotList, Mix, OfflineBalance, OfflineDeposit, OfflineLimits, OfflineTransfer, OfflineWithdrawal, PartitionPolicy,
    Settings,
};
use cashpoint_core::time::Timestamp;

/// Where values come from.
pub(crate) struct Source {
    state: u64,
    kind: Kind,
}

enum Kind {
    /// 1, 2, 3 …; everything optional is there, lists have one element.
    Plain,
    /// Anything.
    Chance,
}

impl Source {
    pub(crate) const fn plain() -> Self {
        Self { state: 0, kind: Kind::Plain }
    }

    pub(crate) const fn chance(seed: u64) -> Self {
        Self { state: seed, kind: Kind::Chance }
    }

    /// A number of up to 64 bits (splitmix64).
    pub(crate) fn number(&mut self) -> u64 {
        match self.kind {
            Kind::Plain => {
                self.state += 1;
                self.state
            }
            Kind::Chance => {
                self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                (mixed ^ (mixed >> 31)) >> (mixed % 3 * 20)
            }
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap();
        usize::try_from(self.number() % bound).unwrap()
    }

    fn small(&mut self) -> u32 {
        u32::try_from(self.number() & 0xFFFF_FFFF).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.number() & 0xFF).unwrap()
    }

    fn signed(&mut self) -> i64 {
        self.number().cast_signed()
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        match self.kind {
            Kind::Plain => of[0].clone(),
            Kind::Chance => of[self.below(of.len())].clone(),
        }
    }

    fn option<T>(&mut self, make: fn(&mut Self) -> T) -> Option<T> {
        match self.kind {
            Kind::Plain => Some(make(self)),
            Kind::Chance => (self.below(2) == 0).then(|| make(self)),
        }
    }

    fn list<T>(&mut self, make: fn(&mut Self) -> T) -> Vec<T> {
        let length = match self.kind {
            Kind::Plain => 1,
            Kind::Chance => self.below(4),
        };
        (0..length).map(|_| make(self)).collect()
    }

    fn text(&mut self) -> String {
        match self.kind {
            Kind::Plain => "text".to_owned(),
            Kind::Chance => {
                let letters = ['a', '"', '\\', '\u{0}', 'é', '\u{2028}', '😀', '/', '0'];
                (0..self.below(8)).map(|_| self.one(&letters)).collect()
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        match self.kind {
            Kind::Plain => [self.byte(); N],
            Kind::Chance => std::array::from_fn(|_| self.byte()),
        }
    }

    fn currency(&mut self) -> Currency {
        self.one(&[Currency::EUR, Currency::JPY, Currency::KWD, Currency::USD])
    }

    pub(crate) fn amount(&mut self) -> Amount {
        Amount::new(self.signed(), self.currency())
    }

    fn at(&mut self) -> Timestamp {
        Timestamp::from_micros(self.signed())
    }

    fn id(&mut self) -> OperationId {
        OperationId(u128::from(self.number()) << 64 | u128::from(self.number()))
    }

    fn nonce(&mut self) -> Nonce {
        Nonce(self.bytes())
    }

    fn account(&mut self) -> AccountNumber {
        AccountNumber::new(self.number())
    }

    fn card(&mut self) -> CardId {
        CardId::new(self.signed())
    }

    fn session(&mut self) -> SessionId {
        SessionId::new(self.signed())
    }

    fn transaction(&mut self) -> TransferId {
        TransferId::new(u128::from(self.number()) << 64 | u128::from(self.number()))
    }

    fn notes(&mut self) -> Notes {
        self.list(|source| (source.signed(), source.small()))
    }

    pub(crate) fn pan(&mut self) -> Pan {
        Pan::parse(&format!("4{:015}", self.number() % 1_000_000_000_000_000)).unwrap()
    }

    fn block(&mut self) -> PinBlock {
        PinBlock(self.bytes())
    }

    fn token(&mut self) -> DispenseToken {
        DispenseToken(self.text())
    }

    fn failure(&mut self) -> Failure {
        use Failure as F;
        self.one(&[
            F::Jam,
            F::Nothing,
            F::AlreadyTaken,
            F::ShutterStuck,
            F::NotPresented,
            F::PartlyPresented,
            F::Cassette,
            F::NotDispensable,
            F::ItemsLeft,
            F::Token,
            F::NoNonce,
            F::NoPin,
            F::Key,
            F::PaperOut,
            F::Unreadable,
            F::TimedOut,
            F::Cancelled,
            F::Sequence,
            F::CashInActive,
            F::Hardware,
            F::Lost,
            F::Fraud,
        ])
    }

    fn cassette(&mut self) -> CassetteCounters {
        CassetteCounters {
            denomination: self.signed(),
            currency: self.currency(),
            initial: self.small(),
            out: self.small(),
            presented: self.small(),
            rejected: self.small(),
            unknown: self.small(),
            usable: self.one(&[Usable::Yes, Usable::Low, Usable::Empty, Usable::No]),
            accuracy: self.one(&[Accuracy::Accurate, Accuracy::Inaccurate]),
        }
    }

    fn counters(&mut self) -> Counters {
        Counters {
            cassettes: self.list(Self::cassette),
            rejected: self.notes(),
            retracted: self.notes(),
            retract_operations: self.small(),
            way: self.one(&[Way::Clear, Way::Inside, Way::Reachable, Way::Unknown]),
        }
    }

    fn limits(&mut self) -> OfflineLimits {
        OfflineLimits {
            per_card: self.amount(),
            per_outage: self.amount(),
            hot_list_age_s: self.small(),
            lease: self.amount(),
        }
    }

    fn settings(&mut self) -> Settings {
        let limited = OfflineWithdrawal::Limited(self.limits());
        Settings {
            version: self.number(),
            currency: self.currency(),
            partition: PartitionPolicy {
                balance: self.one(&[OfflineBalance::Stale, OfflineBalance::Hide]),
                deposit: self.one(&[OfflineDeposit::Store, OfflineDeposit::Refuse]),
                transfer: self.one(&[OfflineTransfer::Store, OfflineTransfer::Refuse]),
                withdrawal: self.one(&[limited, OfflineWithdrawal::Refuse]),
            },
            most_notes: self.small(),
            withdrawal_limit: self.amount(),
            deposit_limit: self.amount(),
            mix: self.one(&[Mix::Least, Mix::Even]),
            fast_cash: self.list(Self::amount),
            most_errors: self.small(),
            customer_s: self.small(),
            taking_s: self.small(),
        }
    }

    fn hot_list(&mut self) -> HotList {
        HotList { version: self.number(), as_of: self.at(), cards: self.list(Self::bytes).into_iter().collect() }
    }

    fn lease(&mut self) -> Lease {
        Lease {
            nonce: self.nonce(),
            token: self.token(),
            amount: self.amount(),
            until: self.at(),
            present_nonces: self.list(Self::nonce),
        }
    }

    fn approved(&mut self) -> Approved {
        Approved {
            id: self.id(),
            transaction: self.transaction(),
            fee: self.amount(),
            balance: self.amount(),
            token: self.token(),
            present_nonce: self.nonce(),
        }
    }

    fn movement(&mut self) -> Movement {
        Movement { dispensed: self.list(Self::small), rejected: self.signed(), retracted: self.signed() }
    }

    fn evidence(&mut self) -> Evidence {
        let states = [PresentState::Presented, PresentState::NotPresented, PresentState::Unknown];
        let present = self.one(&states);
        Evidence {
            present: self.option(|_| ()).map(|()| present),
            token: self.option(Self::text),
            counters: self.option(|source| source.list(Self::small)),
            failure: self.option(Self::failure),
        }
    }

    fn advice_kind(&mut self, variant: usize) -> AdviceKind {
        use ReverseReason as R;
        let reasons =
            [R::CustomerCancelled, R::LateResponse, R::DeviceFailed, R::PartlyTaken, R::Restarted, R::CardReported];
        let (original, moved, evidence) = (self.id(), self.movement(), self.evidence());
        let (card, account, amount) = (self.card(), self.account(), self.amount());
        match variant {
            0 => AdviceKind::Completed { original, moved, evidence },
            1 => AdviceKind::Reversed { original, moved, reason: self.one(&reasons), evidence },
            2 => AdviceKind::Suspect { original, evidence },
            3 => AdviceKind::Deposited { card, account, notes: self.notes(), amount },
            4 => AdviceKind::DepositUnclear { card, account, counted: self.notes(), amount },
            5 => {
                let outcome = self.one(&[OfflineOutcome::Paid(moved), OfflineOutcome::Suspect]);
                AdviceKind::OfflineWithdrawn { card, account, amount, lease: self.nonce(), outcome, evidence }
            }
            6 => AdviceKind::StoredTransfer { card, source: account, target: self.account(), amount },
            7 => AdviceKind::OfflineTries { card, wrong: self.byte() },
            8 => AdviceKind::CardRetained { card: self.option(Self::card) },
            _ => AdviceKind::Replenished { number: self.number(), found: self.counters(), left: self.counters() },
        }
    }

    /// How many kinds of advice there are.
    pub(crate) const ADVICES: usize = 10;

    pub(crate) fn advice(&mut self, variant: usize) -> Advice {
        Advice { id: self.id(), at: self.at(), kind: self.advice_kind(variant), nonce: self.option(Self::nonce) }
    }

    fn line(&mut self) -> AccountLine {
        AccountLine {
            account: self.account(),
            product: self.one(&[Product::Checking, Product::Savings]),
            balance: self.amount(),
        }
    }

    fn verifier(&mut self) -> OfflineVerifier {
        OfflineVerifier { salt: self.bytes(), verifier: self.bytes(), until: self.at() }
    }

    fn profile(&mut self) -> CardProfile {
        CardProfile {
            reference: self.bytes(),
            card: self.card(),
            name: self.text(),
            accounts: self.list(Self::line),
            verifier: self.option(Self::verifier),
            at: self.at(),
        }
    }

    fn availability(&mut self) -> Availability {
        self.one(&[Availability::In, Availability::Out])
    }

    fn summary(&mut self) -> Summary {
        Summary {
            settings: self.option(Self::settings),
            hot_list: self.option(|source| (source.hot_list(), source.at())),
            lease: self.option(Self::lease),
            lease_since: self.at(),
            lease_used: self.signed(),
            lease_presents: self.list(Self::nonce),
            cards: self.list(Self::profile),
            tries: self.list(|source| (source.bytes(), source.byte())),
            paid: self.list(|source| (source.bytes(), source.at(), source.signed())),
            carried_out: self.number(),
            service: self.option(Self::availability),
            clock: self.at(),
        }
    }

    fn intent(&mut self) -> Intent {
        let leaves = [Leave::Host { session: self.session() }, Leave::Lease { nonce: self.nonce() }];
        Intent {
            id: self.id(),
            card: self.card(),
            reference: self.bytes(),
            account: self.account(),
            amount: self.amount(),
            notes: self.list(Self::small),
            leave: self.one(&leaves),
        }
    }

    /// How many kinds of records there are.
    pub(crate) const RECORDS: usize = 23;

    pub(crate) fn record(&mut self, variant: usize) -> Record {
        match variant {
            0 => Record::Begun { nonce: self.number() },
            1 => Record::Settings(self.settings()),
            2 => Record::HotList(self.hot_list()),
            3 => Record::HotListConfirmed { version: self.number() },
            4 => Record::Lease(self.lease()),
            5 => Record::Card(self.profile()),
            6 => Record::Intent(self.intent()),
            7 => Record::Approved { id: self.id(), approved: self.approved() },
            8 => Record::Dropped { id: self.id() },
            9 => Record::Dispensing {
                id: self.id(),
                before: self.counters(),
                dispense: self.bytes(),
                present_nonce: self.option(Self::nonce),
            },
            10 => Record::Presenting { id: self.id() },
            11 => Record::Storing {
                id: self.id(),
                card: self.card(),
                account: self.account(),
                notes: self.notes(),
                amount: self.amount(),
            },
            12 => {
                let kind = match self.kind {
                    Kind::Plain => 0,
                    Kind::Chance => self.below(Self::ADVICES),
                };
                Record::Advice(self.advice(kind))
            }
            13 => Record::Acknowledged { id: self.id() },
            14 => Record::Escalated { id: self.id(), code: self.text() },
            15 => Record::OfflineTry { card: self.bytes(), wrong: self.byte() },
            16 => Record::CarriedOut { number: self.number() },
            17 => Record::Availability { service: self.availability() },
            18 => Record::Depositing {
                id: self.id(),
                card: self.card(),
                account: self.account(),
                currency: self.currency(),
            },
            19 => Record::CardJammed { id: self.id() },
            20 => Record::Replenishing { number: self.number(), found: self.option(Self::counters) },
            21 => Record::NotesJammed { id: self.id() },
            _ => Record::Summary(Box::new(self.summary())),
        }
    }

    fn heartbeat(&mut self) -> Heartbeat {
        let units = [Unit::CardReader, Unit::PinPad, Unit::Dispenser, Unit::Acceptor, Unit::Printer];
        let unit = self.one(&units);
        Heartbeat {
            service: self.availability(),
            devices: vec![(unit, self.option(Self::failure))],
            counters: self.option(Self::counters),
            settings: self.number(),
            hot_list: self.number(),
            nonce: self.option(Self::nonce),
            pin_key: self.option(|source| CheckValue(source.bytes())),
            waiting: self.small(),
            carried_out: self.list(Self::number),
            exchange: self.option(Self::number),
        }
    }

    /// How many kinds of requests there are.
    pub(crate) const REQUESTS: usize = 9;

    pub(crate) fn request(&mut self, variant: usize) -> Request {
        match variant {
            0 => Request::LogIn { pan: self.pan(), pin: self.block() },
            1 => Request::LogOut { session: self.session() },
            2 => Request::Balance { session: self.session(), account: self.account() },
            3 => Request::Statement { session: self.session(), account: self.account() },
            4 => Request::Transfer {
                id: self.id(),
                session: self.session(),
                source: self.account(),
                target: self.account(),
                amount: self.amount(),
            },
            5 => Request::ChangePin {
                session: self.session(),
                pan: self.pan(),
                old: self.block(),
                new: self.block(),
                repeat: self.block(),
            },
            6 => Request::Approve {
                id: self.id(),
                session: self.session(),
                account: self.account(),
                amount: self.amount(),
                nonce: self.nonce(),
                notes: self.list(Self::small),
            },
            7 => {
                let kind = self.below(Self::ADVICES);
                Request::Advice(Box::new(self.advice(kind)))
            }
            _ => Request::Heartbeat(Box::new(self.heartbeat())),
        }
    }

    fn news(&mut self) -> News {
        News {
            settings: self.option(Self::settings),
            hot_list: self.option(Self::hot_list),
            lease: self.option(Self::lease),
            pin_key: self.option(|source| KeyBlock(source.text())),
            commands: self.list(|source| HostCommand {
                number: source.number(),
                kind: source.one(&[HostCommandKind::Close, HostCommandKind::Open]),
            }),
            replenishment: self.option(|source| ReplenishmentOrder {
                number: source.number(),
                filling: source.option(|source| Filling {
                    cassettes: source.list(|source| source.option(Self::small)),
                    emptied: source
                        .list(|source| source.one(&[Bin::Deposit, Bin::Reject, Bin::Retract]))
                        .into_iter()
                        .collect(),
                }),
            }),
        }
    }

    fn logged_in(&mut self) -> LoggedIn {
        LoggedIn {
            session: self.session(),
            card: self.card(),
            name: self.text(),
            accounts: self.list(Self::line),
            verifier: self.option(Self::verifier),
            notices: self.list(|source| Notice::TransferRefused {
                at: source.at(),
                amount: source.amount(),
                target: source.account(),
                code: source.text(),
            }),
        }
    }

    /// Refusals with something in them, and some without.
    fn refusal(&mut self) -> Refusal {
        let amount = self.amount();
        let some = [
            Refusal::InsufficientFunds { available: amount },
            Refusal::OverTransactionLimit { limit: amount },
            Refusal::DailyLimitExceeded { remaining: amount },
            Refusal::OverDepositLimit { limit: amount },
            Refusal::AmountNotDispensable { nearest: self.list(Self::amount) },
            Refusal::InvalidRequest { field: "repeat" },
            Refusal::CardBlocked { until: self.option(Self::at) },
            Refusal::TooManyRequests { retry_after_s: self.small() },
            Refusal::CardStolen,
            Refusal::ReplenishmentOpen,
            Refusal::Reversed,
        ];
        self.one(&some)
    }

    /// How many kinds of replies there are.
    pub(crate) const REPLIES: usize = 10;

    pub(crate) fn reply(&mut self, variant: usize) -> Reply {
        match variant {
            0 => Reply::LoggedIn(Box::new(self.logged_in())),
            1 => Reply::LoggedOut,
            2 => Reply::Balance(Balance { account: self.account(), balance: self.amount(), at: self.at() }),
            3 => Reply::Statement(self.list(|source| StatementLine {
                at: source.at(),
                kind: source.text(),
                amount: source.amount(),
                balance: source.amount(),
            })),
            4 => Reply::Transferred(TransferReceipt {
                transaction: self.transaction(),
                source: self.account(),
                target: self.account(),
                amount: self.amount(),
                source_balance: self.amount(),
                target_balance: self.option(Self::amount),
                at: self.at(),
            }),
            5 => Reply::PinChanged,
            6 => Reply::Approved(Box::new(self.approved())),
            7 => Reply::Acknowledged(Box::new(Acknowledgement {
                case: self.option(|source| CaseId::new(source.signed())),
                declined: self.option(Self::refusal),
                lease: self.option(Self::lease),
            })),
            8 => Reply::News(Box::new(self.news())),
            _ => Reply::Refused(self.refusal()),
        }
    }
}

/// The place of each kind among those above: a new one does not compile until it has one, and the tests then miss it.
pub(crate) const fn place_of_record(record: &Record) -> usize {
    match record {
        Record::Begun { .. } => 0,
        Record::Settings(_) => 1,
        Record::HotList(_) => 2,
        Record::HotListConfirmed { .. } => 3,
        Record::Lease(_) => 4,
        Record::Card(_) => 5,
        Record::Intent(_) => 6,
        Record::Approved { .. } => 7,
        Record::Dropped { .. } => 8,
        Record::Dispensing { .. } => 9,
        Record::Presenting { .. } => 10,
        Record::Storing { .. } => 11,
        Record::Advice(_) => 12,
        Record::Acknowledged { .. } => 13,
        Record::Escalated { .. } => 14,
        Record::OfflineTry { .. } => 15,
        Record::CarriedOut { .. } => 16,
        Record::Availability { .. } => 17,
        Record::Depositing { .. } => 18,
        Record::CardJammed { .. } => 19,
        Record::Replenishing { .. } => 20,
        Record::NotesJammed { .. } => 21,
        Record::Summary(_) => 22,
    }
}

pub(crate) const fn place_of_advice(kind: &AdviceKind) -> usize {
    match kind {
        AdviceKind::Completed { .. } => 0,
        AdviceKind::Reversed { .. } => 1,
        AdviceKind::Suspect { .. } => 2,
        AdviceKind::Deposited { .. } => 3,
        AdviceKind::DepositUnclear { .. } => 4,
        AdviceKind::OfflineWithdrawn { .. } => 5,
        AdviceKind::StoredTransfer { .. } => 6,
        AdviceKind::OfflineTries { .. } => 7,
        AdviceKind::CardRetained { .. } => 8,
        AdviceKind::Replenished { .. } => 9,
    }
}

pub(crate) const fn place_of_request(request: &Request) -> usize {
    match request {
        Request::LogIn { .. } => 0,
        Request::LogOut { .. } => 1,
        Request::Balance { .. } => 2,
        Request::Statement { .. } => 3,
        Request::Transfer { .. } => 4,
        Request::ChangePin { .. } => 5,
        Request::Approve { .. } => 6,
        Request::Advice(_) => 7,
        Request::Heartbeat(_) => 8,
    }
}

pub(crate) const fn place_of_reply(reply: &Reply) -> usize {
    match reply {
        Reply::LoggedIn(_) => 0,
        Reply::LoggedOut => 1,
        Reply::Balance(_) => 2,
        Reply::Statement(_) => 3,
        Reply::Transferred(_) => 4,
        Reply::PinChanged => 5,
        Reply::Approved(_) => 6,
        Reply::Acknowledged(_) => 7,
        Reply::News(_) => 8,
        Reply::Refused(_) => 9,
    }
}
