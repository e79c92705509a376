//! `/api/sessions`: log-ins of customers, and the session itself.

use axum::extract::State;
use cashpoint_bank::desk::{LoggedIn, SessionView};
use cashpoint_bank::secret::{Pan, Password, Pin};
use cashpoint_bank::tokens::Token;
use cashpoint_core::session::Subject;
use cashpoint_wire::answer::session::{SessionAccount, SessionAnswer, SessionCustomer, SessionOperator};
use cashpoint_wire::malformed::Malformed;
use cashpoint_wire::request::session::{LogInRequest, OnlineLogIn};
use cashpoint_wire::secret::SecretText;

use super::accounts::rank;
use crate::answer::{Answered, Reply};
use crate::app::{App, Try};
use crate::incoming::Incoming;

/// POST `/api/sessions`
pub(super) async fn log_in(State(app): State<App>, mut incoming: Incoming) -> Answered {
    let request = incoming.json().await?;
    incoming.no_query()?;
    let address = incoming.address(&app);
    let begun = match request {
        LogInRequest::Card { card_number, pin, machine } => {
            let (number, pin) = (pan("card_number", &card_number)?, entered_pin("pin", &pin)?);
            let standing = incoming.standing(&app)?;
            app.tried(Try::LogIn, address, move |bank| bank.log_in_with_card(number, pin, machine, standing)).await?
        }
        LogInRequest::Online(OnlineLogIn { email, password }) => {
            let password = tried_password("password", &password)?;
            app.tried(Try::LogIn, address, move |bank| bank.log_in_online(&email, password)).await?
        }
    };
    Ok(Reply::created(&begun_session(begun)))
}

/// GET `/api/sessions/current`
pub(super) async fn show(State(app): State<App>, incoming: Incoming) -> Answered {
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    let view = app.at_desk(move |bank| bank.session_view(session)).await?;
    Ok(Reply::ok(&session_answer(view, None)))
}

/// DELETE `/api/sessions/current`
pub(super) async fn log_out(State(app): State<App>, incoming: Incoming) -> Answered {
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    app.at_desk(move |bank| bank.log_out(session)).await?;
    Ok(Reply::nothing())
}

/// A session that has just begun, its token told this once.
pub(super) fn begun_session(begun: LoggedIn) -> SessionAnswer {
    let LoggedIn { token, session, expires, idle_s, customer, card, accounts } = begun;
    session_answer(SessionView { session, expires, idle_s, customer, card, accounts }, Some(&token))
}

fn session_answer(view: SessionView, token: Option<&Token>) -> SessionAnswer {
    let operator = match view.session.subject {
        Subject::Operator { operator, role } => Some(SessionOperator::new(operator, role)),
        Subject::Card { .. } | Subject::Online { .. } => None,
    };
    let accounts = view.accounts.iter();
    let accounts = accounts.map(|own| SessionAccount::new(&own.account.identity, rank(own.primary))).collect();
    SessionAnswer {
        token: token.map(|token| token.expose().to_owned()),
        expires_at: view.expires,
        idle_timeout_s: view.idle_s,
        customer: view.customer.map(|(customer_id, name)| SessionCustomer { customer_id, name }),
        accounts: operator.is_none().then_some(accounts),
        operator,
        card_id: view.card,
    }
}

pub(super) fn pan(field: &str, text: &SecretText) -> Result<Pan, Malformed> {
    Pan::parse(text.expose()).map_err(|_| Malformed::field(field, "it must be 12 to 19 digits"))
}

pub(super) fn entered_pin(field: &str, text: &SecretText) -> Result<Pin, Malformed> {
    Pin::parse(text.expose()).map_err(|_| Malformed::field(field, "it must be 4 to 12 digits"))
}

pub(super) fn tried_password(field: &str, text: &SecretText) -> Result<Password, Malformed> {
    Password::attempt(text.expose()).map_err(|_| Malformed::field(field, "it must be at most 1,024 bytes"))
}

pub(super) fn chosen_password(field: &str, text: &SecretText) -> Result<Password, Malformed> {
    Password::choose(text.expose()).map_err(|_| Malformed::field(field, "it must be 8 to 1,024 bytes"))
}
