//! Every command there is, as data. What each does stands in its own file under [`crate::decide`].

use crate::account::Product;
use crate::card::{PinKey, Verifier};
use crate::currency::Currency;
use crate::customer::{PasswordHash, Profile, Sealed};
use crate::id::{AccountNumber, CardId, CaseId, CustomerId, Index, MachineId, OperatorId, RequestId, RequestKey, SessionId, TransferId};
use crate::machine::{MachineKind, MachineStatus};
use crate::money::Decimal;
use crate::policy::Policy;
use crate::session::{Role, Session};
use crate::time::Timestamp;

/// From where a request comes, as proven at the edge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// A sandbox: from wherever the request says.
    Sandbox,
    /// From this machine or counter: its credential came along.
    At(MachineId),
    /// From nowhere that cash stands.
    Nowhere,
}

/// Who asks: a session that began once (whether it still lives is decided), and from where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The session.
    pub session: Session,
    /// From where.
    pub standing: Standing,
}

/// Who moves money or asks for a balance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// A session.
    Session(Caller),
    /// The sandbox's teller surface: teller accounts only, no limits.
    Teller,
}

/// Pays cash at once (`api` machines and counters).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Withdraw {
    /// Who asks.
    pub by: By,
    /// The request's name for ever.
    pub request: RequestId,
    /// From which account.
    pub account: AccountNumber,
    /// How much.
    pub amount: Decimal,
    /// The machine that the request names.
    pub machine: Option<MachineId>,
}

/// Takes cash in. Same shape as [`Withdraw`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deposit {
    /// Who asks.
    pub by: By,
    /// The request's name for ever.
    pub request: RequestId,
    /// To which account.
    pub account: AccountNumber,
    /// How much.
    pub amount: Decimal,
    /// The machine that the request names.
    pub machine: Option<MachineId>,
}

/// Moves money between accounts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// Who asks.
    pub session: Session,
    /// The request's name for ever.
    pub request: RequestId,
    /// From.
    pub source: AccountNumber,
    /// To.
    pub target: AccountNumber,
    /// How much.
    pub amount: Decimal,
}

/// Asks for a balance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadBalance {
    /// Who asks.
    pub by: By,
    /// Of which account.
    pub account: AccountNumber,
}

/// A session to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// SHA-256 of its token.
    pub token: Index,
}

/// A PIN as it was entered, for whom, and what it makes under every live key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PinEntry {
    /// The card, or the number that no card has.
    pub key: PinKey,
    /// The PIN's verifiers, under the current key first.
    pub candidates: Vec<Verifier>,
}

/// Begins a card's session at a machine or counter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogInWithCard {
    /// The PIN.
    pub pin: PinEntry,
    /// The machine that the request names.
    pub place: MachineId,
    /// From where it comes.
    pub standing: Standing,
    /// The session to begin.
    pub session: NewSession,
}

/// A password compared before the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PasswordCheck<Id> {
    /// Whose password.
    pub of: Id,
    /// The version that was compared.
    pub version: u32,
    /// Whether it matched.
    pub matched: Match,
}

/// What a comparison said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Match {
    /// The same.
    Same,
    /// Another.
    Different,
}

/// Begins an online session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogInOnline {
    /// Index of the email address: tries are counted by it, known or not.
    pub identity: Index,
    /// The comparison; none if nobody has this address.
    pub check: Option<PasswordCheck<CustomerId>>,
    /// The session to begin.
    pub session: NewSession,
}

/// Begins a session of staff.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogInOperator {
    /// Index of the name: tries are counted by it, known or not.
    pub identity: Index,
    /// The comparison; none if nobody has this name.
    pub check: Option<PasswordCheck<(OperatorId, Role)>>,
    /// The session to begin.
    pub session: NewSession,
}

/// Ends a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogOut {
    /// Which.
    pub session: Session,
}

/// Says that a session was active, after reads that took another road.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Touch {
    /// Which.
    pub session: Session,
}

/// An account to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewAccount {
    /// Its number, freshly made.
    pub number: AccountNumber,
    /// Its product.
    pub product: Product,
    /// Its currency.
    pub currency: Currency,
}

/// A customer opens the first account by themselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignUp {
    /// Who they are; the email is present.
    pub profile: Profile,
    /// Their password.
    pub password: PasswordHash,
    /// Their first account.
    pub account: NewAccount,
    /// The session to begin.
    pub session: NewSession,
}

/// Staff make a customer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreateCustomer {
    /// Who asks.
    pub session: Session,
    /// The request's name for ever.
    pub request: RequestId,
    /// Who they are.
    pub profile: Profile,
    /// Their accounts with opening balances (may be zero).
    pub accounts: Vec<(NewAccount, Decimal)>,
}

/// A customer's data as they wish it; what is none stays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpdateCustomer {
    /// Who asks.
    pub session: Session,
    /// New name.
    pub name: Option<String>,
    /// New email address, sealed, and its index.
    pub email: Option<(Sealed, Index)>,
    /// New telephone number; the inner none takes it away.
    pub phone: Option<Option<Sealed>>,
    /// New postal address; the inner none takes it away.
    pub address: Option<Option<Sealed>>,
}

/// A new password; ends the customer's other sessions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangePassword {
    /// Who asks.
    pub session: Session,
    /// Index of their email address: tries are counted by it.
    pub identity: Index,
    /// The old password's comparison.
    pub check: PasswordCheck<CustomerId>,
    /// The new password.
    pub password: PasswordHash,
}

/// A customer opens another account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenAccount {
    /// Who asks.
    pub session: Session,
    /// The request's name for ever.
    pub request: RequestId,
    /// The account.
    pub account: NewAccount,
}

/// A customer closes an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CloseAccount {
    /// Who asks.
    pub session: Session,
    /// Which.
    pub account: AccountNumber,
}

/// Staff make a card.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IssueCard {
    /// Who asks.
    pub session: Session,
    /// The request's name for ever.
    pub request: RequestId,
    /// The card.
    pub card: NewCard,
}

/// A card to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewCard {
    /// Its id.
    pub id: CardId,
    /// Its holder.
    pub customer: CustomerId,
    /// The accounts it reaches, the primary one first.
    pub accounts: Vec<AccountNumber>,
    /// Index of its number under the current key; and under older live keys, to find a number that is taken.
    pub number_indexes: Vec<Index>,
    /// Its number, sealed.
    pub number: Sealed,
    /// First instant at which it is no longer valid.
    pub expires: Timestamp,
    /// Its PIN's verifier.
    pub verifier: Verifier,
}

/// A holder changes the PIN.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangePin {
    /// Who asks; must be this card's session.
    pub session: Session,
    /// Which card.
    pub card: CardId,
    /// The old PIN as entered.
    pub old: PinEntry,
    /// What the new PIN makes.
    pub new: Verifier,
}

/// Staff give a card a new PIN; blocks and locks stay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResetPin {
    /// Who asks.
    pub session: Session,
    /// Which card.
    pub card: CardId,
    /// What the new PIN makes.
    pub new: Verifier,
}

/// Why a card is reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReportReason {
    /// Lost.
    Lost,
    /// Stolen.
    Stolen,
}

/// A holder or staff report a card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReportCard {
    /// Who asks.
    pub session: Session,
    /// Which card.
    pub card: CardId,
    /// Why.
    pub reason: ReportReason,
}

/// Staff lift a card's block or lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnblockCard {
    /// Who asks.
    pub session: Session,
    /// Which card.
    pub card: CardId,
}

/// Staff withdraw a card for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RemoveCard {
    /// Who asks.
    pub session: Session,
    /// Which card.
    pub card: CardId,
}

/// A cassette to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewCassette {
    /// Value of one note.
    pub denomination: Decimal,
    /// How many are in it.
    pub count: u32,
}

/// Staff make a machine or a counter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreateMachine {
    /// Who asks.
    pub session: Session,
    /// The request's name for ever.
    pub request: RequestId,
    /// Its id.
    pub machine: MachineId,
    /// Who moves its notes.
    pub kind: MachineKind,
    /// Where it stands.
    pub location: String,
    /// What its notes are; none for a counter.
    pub currency: Option<Currency>,
    /// Its cassettes.
    pub cassettes: Vec<NewCassette>,
    /// SHA-256 of its channel credential, or of its enrolment code.
    pub secret: [u8; 32],
}

/// Staff change a machine; what is none stays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpdateMachine {
    /// Who asks.
    pub session: Session,
    /// Which.
    pub machine: MachineId,
    /// New location.
    pub location: Option<String>,
    /// Switch on or off.
    pub status: Option<MachineStatus>,
}

/// Notes of one denomination counted out of, and into, a machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CountedCassette {
    /// Value of one note.
    pub denomination: Decimal,
    /// Counted when emptied.
    pub counted_out: u32,
    /// Counted when filled.
    pub counted_in: u32,
}

/// The machine's cash is counted, fetched and renewed. A bin that is not named stays as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replenish {
    /// Who asks.
    pub session: Session,
    /// The request's name for ever.
    pub request: RequestId,
    /// Which machine.
    pub machine: MachineId,
    /// Its cassettes.
    pub cassettes: Vec<CountedCassette>,
    /// Counted in the deposit bin.
    pub deposit_bin: Option<Decimal>,
    /// Counted in the reject bin.
    pub reject_bin: Option<Decimal>,
    /// Counted in the retract bin.
    pub retract_bin: Option<Decimal>,
}

/// Staff set policy values: the whole of the next version, made from version `from`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetPolicy {
    /// Who asks.
    pub session: Session,
    /// The version that was read and changed.
    pub from: u32,
    /// The values.
    pub policy: Policy,
    /// Names of the values that differ, for the audit trail.
    pub changed: Vec<&'static str>,
}

/// Who runs the host adds a member of staff.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddOperator {
    /// The operator.
    pub operator: crate::customer::Operator,
}

/// A terminal asks to pay cash in two steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Approve {
    /// The terminal, as its link has proven.
    pub terminal: MachineId,
    /// The card's session there.
    pub session: Session,
    /// The request's name for ever; a reversal will call it by its key.
    pub request: RequestId,
    /// From which account.
    pub account: AccountNumber,
    /// How much.
    pub amount: Decimal,
}

/// A terminal says that the customer took all of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Complete {
    /// The terminal.
    pub terminal: MachineId,
    /// This advice's own name.
    pub request: RequestId,
    /// The approval's request.
    pub original: RequestKey,
    /// Notes that left, by cassette position.
    pub notes: Vec<u32>,
}

/// A terminal says that nothing, or only a part, left the machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reverse {
    /// The terminal.
    pub terminal: MachineId,
    /// This advice's own name.
    pub request: RequestId,
    /// The approval's request; it may not have arrived yet.
    pub original: RequestKey,
    /// Notes that left, by cassette position; empty or zeros: none.
    pub notes: Vec<u32>,
}

/// A terminal says that its device cannot tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Suspect {
    /// The terminal.
    pub terminal: MachineId,
    /// This advice's own name.
    pub request: RequestId,
    /// The approval's request.
    pub original: RequestKey,
    /// The case to open.
    pub case: CaseId,
}

/// Staff resolve a case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResolveCase {
    /// Who asks.
    pub session: Session,
    /// The request's name for ever.
    pub request: RequestId,
    /// The withdrawal that the case is about.
    pub withdrawal: TransferId,
    /// What turned out paid (zero: nothing).
    pub paid: Decimal,
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// A command of any kind.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Command { $($(#[$doc])* $name($name)),* }

        $(impl From<$name> for Command {
            fn from(command: $name) -> Self {
                Self::$name(command)
            }
        })*

        impl Command {
            /// The command as something to decide.
            pub(crate) fn as_decide(&self) -> &dyn crate::decide::Decide {
                match self { $(Self::$name(command) => command),* }
            }
        }
    };
}

commands! {
    /// Pay cash.
    Withdraw,
    /// Take cash in.
    Deposit,
    /// Move money.
    Transfer,
    /// Tell a balance.
    ReadBalance,
    /// Begin a card's session.
    LogInWithCard,
    /// Begin an online session.
    LogInOnline,
    /// Begin a session of staff.
    LogInOperator,
    /// End a session.
    LogOut,
    /// Note a session's activity.
    Touch,
    /// A customer comes by themselves.
    SignUp,
    /// Staff make a customer.
    CreateCustomer,
    /// Change a customer's data.
    UpdateCustomer,
    /// Change a customer's password.
    ChangePassword,
    /// Open another account.
    OpenAccount,
    /// Close an account.
    CloseAccount,
    /// Make a card.
    IssueCard,
    /// Change a PIN.
    ChangePin,
    /// Give a new PIN.
    ResetPin,
    /// Report a card lost or stolen.
    ReportCard,
    /// Lift a block or lock.
    UnblockCard,
    /// Withdraw a card.
    RemoveCard,
    /// Make a machine or counter.
    CreateMachine,
    /// Change a machine.
    UpdateMachine,
    /// Count and renew a machine's cash.
    Replenish,
    /// Set policy values.
    SetPolicy,
    /// Add staff.
    AddOperator,
    /// Promise cash at a terminal.
    Approve,
    /// Settle what was promised.
    Complete,
    /// Take back what was promised.
    Reverse,
    /// Open a case about what was promised.
    Suspect,
    /// Resolve a case.
    ResolveCase,
}
