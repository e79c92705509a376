//! `/api/operators`: staff log in, and make customers.

use axum::extract::State;
use cashpoint_bank::desk::{NewCustomer, OpeningAccount};
use cashpoint_wire::answer::customer::CustomerCreatedAnswer;
use cashpoint_wire::answer::session::SessionAccount;
use cashpoint_wire::malformed::Malformed;
use cashpoint_wire::request::customer::NewCustomerBody;
use cashpoint_wire::request::session::OperatorLogIn;

use super::accounts::rank;
use super::sessions::{begun_session, tried_password};
use crate::answer::{Answered, Keyed, Reply};
use crate::app::{App, Try};
use crate::incoming::{Incoming, Key};

/// POST `/api/operators/sessions`
pub(super) async fn log_in(State(app): State<App>, mut incoming: Incoming) -> Answered {
    let OperatorLogIn { username, password } = incoming.json().await?;
    let password = tried_password("password", &password)?;
    incoming.no_query()?;
    let address = incoming.address(&app);
    let begun = app.tried(Try::LogIn, address, move |bank| bank.log_in_operator(&username, password)).await?;
    Ok(Reply::created(&begun_session(begun)))
}

/// POST `/api/operators/customers`
pub(super) async fn create_customer(State(app): State<App>, mut incoming: Incoming) -> Keyed {
    let key = incoming.key(&app);
    let result = try_create_customer(&app, &key, &mut incoming).await;
    Keyed { key, result }
}

async fn try_create_customer(app: &App, key: &Result<Key, Malformed>, incoming: &mut Incoming) -> Answered {
    let NewCustomerBody { name, email, phone, address, accounts } = incoming.json().await?;
    let key = key.clone()?;
    incoming.no_query()?;
    let session = incoming.session(app)?;
    let accounts = accounts.into_iter().map(|(account, balance)| OpeningAccount {
        product: account.product,
        currency: account.currency,
        balance,
    });
    let request = NewCustomer { name, email, phone, address, accounts: accounts.collect() };
    let create = app.at_desk(move |bank| bank.create_customer(session, key.as_str(), request));
    let (created, replay) = create.await?;
    let accounts = created.accounts.iter();
    let answer = CustomerCreatedAnswer {
        customer_id: created.customer,
        accounts: accounts.map(|own| SessionAccount::new(&own.account.identity, rank(own.primary))).collect(),
    };
    Ok(Reply::created(&answer).replayed(replay))
}
