//! `/terminal`: the host's end of the terminal link, as HTTP. What is said there, and whether it is believed, is the
//! bank's matter; nothing here is for programs of others.

use axum::extract::State;
use cashpoint_wire::problem::Code;

use crate::answer::{Answered, Reply};
use crate::app::{App, Try};
use crate::incoming::Incoming;
use crate::openapi::{Operation, Routes, Verb};

pub(super) fn routes() -> Routes {
    let post = |path, id| Operation::new(Verb::Post, path, id).refuses(&[Code::Forbidden]);
    Routes::new()
        .between_machines(post("/terminal/enrolments", "enrolTerminal"), enrol)
        .between_machines(post("/terminal/messages", "tellHost"), message)
}

/// POST `/terminal/enrolments`. Codes cannot be guessed; who tries is held to as few tries as with passwords all the same.
async fn enrol(State(app): State<App>, mut incoming: Incoming) -> Answered {
    let request = incoming.json_bytes().await?;
    incoming.no_query()?;
    let address = incoming.address(&app);
    let answer = app.tried(Try::LogIn, address, move |bank| bank.enrol_terminal(&request)).await?;
    Ok(Reply::json(answer))
}

/// POST `/terminal/messages`
async fn message(State(app): State<App>, mut incoming: Incoming) -> Answered {
    let message = incoming.json_bytes().await?;
    incoming.no_query()?;
    let mut answer = app.at_desk(move |bank| bank.terminal_message(&message)).await?;
    Ok(Reply::json(std::mem::take(&mut *answer)))
}
