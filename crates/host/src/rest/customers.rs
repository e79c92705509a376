//! `/api/customers`: sign-up, and a customer's own data.

use axum::extract::State;
use cashpoint_bank::desk::{CustomerChange, CustomerView, SignUpRequest};
use cashpoint_wire::answer::customer::{CustomerAnswer, SignedUpAnswer};
use cashpoint_wire::request::customer::{CustomerPatch, PasswordChange, SignUpBody};

use super::sessions::{begun_session, chosen_password, tried_password};
use crate::answer::{Answered, Reply};
use crate::app::{App, Try};
use crate::incoming::Incoming;

/// POST `/api/customers`
pub(super) async fn sign_up(State(app): State<App>, mut incoming: Incoming) -> Answered {
    let SignUpBody { name, email, password, phone, address, account } = incoming.json().await?;
    let password = chosen_password("password", &password)?;
    incoming.no_query()?;
    let (product, currency) = (account.product, account.currency);
    let request = SignUpRequest { name, email, password, phone, address, product, currency };
    let address = incoming.address(&app);
    let signed_up = app.tried(Try::SignUp, address, move |bank| bank.sign_up(request)).await?;
    Ok(Reply::created(&SignedUpAnswer {
        customer_id: signed_up.customer,
        account_id: signed_up.account,
        session: begun_session(signed_up.session),
    }))
}

/// GET `/api/customers/current`
pub(super) async fn show(State(app): State<App>, incoming: Incoming) -> Answered {
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    let view = app.at_desk(move |bank| bank.customer(session)).await?;
    Ok(Reply::ok(&shown(view)))
}

/// PATCH `/api/customers/current`
pub(super) async fn update(State(app): State<App>, mut incoming: Incoming) -> Answered {
    let CustomerPatch { name, email, phone, address } = incoming.json().await?;
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    let change = CustomerChange { name, email, phone, address };
    let view = app.at_desk(move |bank| bank.update_customer(session, change)).await?;
    Ok(Reply::ok(&shown(view)))
}

/// PUT `/api/customers/current/password`
pub(super) async fn change_password(State(app): State<App>, mut incoming: Incoming) -> Answered {
    let PasswordChange { old, new } = incoming.json().await?;
    let (old, new) = (tried_password("old_password", &old)?, chosen_password("new_password", &new)?);
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    app.at_desk(move |bank| bank.change_password(session, old, new)).await?;
    Ok(Reply::nothing())
}

fn shown(view: CustomerView) -> CustomerAnswer {
    let CustomerView { customer, name, email, phone, address, since } = view;
    CustomerAnswer { customer_id: customer, name, email, phone, address, created_at: since }
}
