//! `/api/accounts`: the money path, and the accounts themselves.

use axum::extract::State;
use cashpoint_bank::desk::{AccountView, Primary};
use cashpoint_bank::execute::Answer;
use cashpoint_bank::request::{Content, Scope};
use cashpoint_core::command::{By, Caller, Command, Deposit, ReadBalance, Standing, Transfer, Withdraw};
use cashpoint_core::id::{MachineId, RequestId};
use cashpoint_core::outcome::Done;
use cashpoint_core::session::{Session, Subject};
use cashpoint_wire::answer::Listed;
use cashpoint_wire::answer::cash::{BalanceAnswer, CashAnswer, TransferAnswer};
use cashpoint_wire::answer::customer::AccountAnswer;
use cashpoint_wire::answer::session::Rank;
use cashpoint_wire::malformed::Malformed;
use cashpoint_wire::problem::Code;
use cashpoint_wire::request::cash::{CashRequest, TransferRequest};
use cashpoint_wire::request::customer::AccountRequest;

use crate::answer::{Answered, Keyed, Refused, Reply};
use crate::app::App;
use crate::incoming::{Incoming, Key, Segment};

/// GET `/api/accounts`
pub(super) async fn list(State(app): State<App>, incoming: Incoming) -> Answered {
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    let accounts = app.at_desk(move |bank| bank.accounts(session)).await?;
    let accounts: Vec<_> = accounts.iter().map(shown).collect();
    Ok(Reply::ok(&Listed("accounts", &accounts)))
}

/// POST `/api/accounts`
pub(super) async fn open(State(app): State<App>, mut incoming: Incoming) -> Keyed {
    let key = incoming.key(&app);
    let result = try_open(&app, &key, &mut incoming).await;
    Keyed { key, result }
}

async fn try_open(app: &App, key: &Result<Key, Malformed>, incoming: &mut Incoming) -> Answered {
    let AccountRequest { product, currency } = incoming.json().await?;
    let key = key.clone()?;
    incoming.no_query()?;
    let session = incoming.session(app)?;
    let open = app.at_desk(move |bank| bank.open_account(session, key.as_str(), product, currency));
    let (account, replay) = open.await?;
    Ok(Reply::created(&shown(&account)).replayed(replay))
}

/// POST `/api/accounts/{account_id}/close`
pub(super) async fn close(State(app): State<App>, account: Segment, mut incoming: Incoming) -> Answered {
    incoming.no_body().await?;
    let account = account.account()?;
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    app.at_desk(move |bank| bank.close_account(session, account)).await?;
    Ok(Reply::nothing())
}

/// GET `/api/accounts/{account_id}/balance`
pub(super) async fn balance(State(app): State<App>, account: Segment, incoming: Incoming) -> Answered {
    let account = account.account()?;
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    // A balance needs no credential of a place.
    let by = By::Session(Caller { session, standing: Standing::Nowhere });
    let done = app.ask(ReadBalance { by, account }).await?.outcome?;
    let Done::Balance(balance) = &done else {
        return Err(unexpected(&done));
    };
    Ok(Reply::ok(&BalanceAnswer::from(balance)))
}

/// POST `/api/accounts/{account_id}/withdraw`
pub(super) async fn withdraw(State(app): State<App>, account: Segment, mut incoming: Incoming) -> Keyed {
    let key = incoming.key(&app);
    let result = move_cash(&app, &account, &key, &mut incoming, Way::Out).await;
    Keyed { key, result }
}

/// POST `/api/accounts/{account_id}/deposit`
pub(super) async fn deposit(State(app): State<App>, account: Segment, mut incoming: Incoming) -> Keyed {
    let key = incoming.key(&app);
    let result = move_cash(&app, &account, &key, &mut incoming, Way::In).await;
    Keyed { key, result }
}

/// Which way cash moves.
#[derive(Clone, Copy)]
pub(super) enum Way {
    Out,
    In,
}

impl Way {
    /// The operation's name in a request's content: a promise to every request that was ever recorded.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Out => "withdraw",
            Self::In => "deposit",
        }
    }
}

async fn move_cash(
    app: &App,
    account: &Segment,
    key: &Result<Key, Malformed>,
    incoming: &mut Incoming,
    way: Way,
) -> Answered {
    let CashRequest { amount, machine } = incoming.json().await?;
    let account = account.account()?;
    let key = key.as_ref().map_err(Clone::clone)?;
    incoming.no_query()?;
    let session = incoming.session(app)?;
    let by = By::Session(Caller { session, standing: incoming.standing(app)? });
    let atm_id = machine.as_ref().map(MachineId::as_str);
    let content = Content { account: Some(account), amount: Some(amount), atm_id, ..Content::of(way.kind(), "") };
    let request = named(app, &session, key, &content);
    let command = match way {
        Way::Out => Command::from(Withdraw { by, request, account, amount, machine }),
        Way::In => Command::from(Deposit { by, request, account, amount, machine }),
    };
    let Answer { outcome, replay } = app.ask(command).await?;
    let done = outcome.map_err(|refusal| Refused::recorded(refusal, replay))?;
    let (Done::Withdrawn(receipt) | Done::Deposited(receipt)) = &done else {
        return Err(unexpected(&done));
    };
    Ok(Reply::created(&CashAnswer::from(receipt)).replayed(replay))
}

/// POST `/api/accounts/{account_id}/transfer`
pub(super) async fn transfer(State(app): State<App>, account: Segment, mut incoming: Incoming) -> Keyed {
    let key = incoming.key(&app);
    let result = try_transfer(&app, &account, &key, &mut incoming).await;
    Keyed { key, result }
}

async fn try_transfer(app: &App, account: &Segment, key: &Result<Key, Malformed>, incoming: &mut Incoming) -> Answered {
    let TransferRequest { target, amount } = incoming.json().await?;
    let source = account.account()?;
    let key = key.as_ref().map_err(Clone::clone)?;
    incoming.no_query()?;
    let session = incoming.session(app)?;
    let (account, to) = (Some(source), Some(target));
    let content = Content { account, target: to, amount: Some(amount), ..Content::of("transfer", "") };
    let request = named(app, &session, key, &content);
    let Answer { outcome, replay } = app.ask(Transfer { session, request, source, target, amount }).await?;
    let done = outcome.map_err(|refusal| Refused::recorded(refusal, replay))?;
    let Done::Transferred(receipt) = &done else {
        return Err(unexpected(&done));
    };
    Ok(Reply::created(&TransferAnswer::from(receipt)).replayed(replay))
}

fn named(app: &App, session: &Session, key: &Key, content: &Content<'_>) -> RequestId {
    let scope = match session.subject {
        Subject::Card { customer, .. } | Subject::Online { customer } => Scope::Customer(customer),
        Subject::Operator { operator, .. } => Scope::Operator(operator),
    };
    app.bank().request_id(scope, key.as_str(), content)
}

/// The bank answered with something that this command never comes to.
pub(super) fn unexpected(done: &Done) -> Refused {
    tracing::error!(?done, "an answer of another command");
    Code::Internal.into()
}

pub(super) fn rank(primary: Primary) -> Rank {
    match primary {
        Primary::Yes => Rank::Primary,
        Primary::No => Rank::Further,
    }
}

fn shown(view: &AccountView) -> AccountAnswer {
    AccountAnswer::new(&view.account, rank(view.primary))
}
