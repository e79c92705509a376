//! `/api/counters`: staffed counters. They are made and listed; nothing about one changes.

use axum::extract::State;
use cashpoint_bank::desk::MachineRequest;
use cashpoint_core::machine::MachineKind;
use cashpoint_wire::answer::Listed;
use cashpoint_wire::answer::machine::CounterAnswer;
use cashpoint_wire::malformed::Malformed;
use cashpoint_wire::request::machine::CounterBody;

use crate::answer::{Answered, Keyed, Reply};
use crate::app::App;
use crate::incoming::{Incoming, Key};

/// GET `/api/counters`
pub(super) async fn list(State(app): State<App>, incoming: Incoming) -> Answered {
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    let machines = app.at_desk(move |bank| bank.machines(session)).await?;
    let counters = machines.iter().filter(|view| view.identity.kind == MachineKind::Counter);
    let counters: Vec<_> = counters.map(|view| CounterAnswer::from(&view.machine)).collect();
    Ok(Reply::ok(&Listed("counters", &counters)))
}

/// POST `/api/counters`
pub(super) async fn create(State(app): State<App>, mut incoming: Incoming) -> Keyed {
    let key = incoming.key(&app);
    let result = try_create(&app, &key, &mut incoming).await;
    Keyed { key, result }
}

async fn try_create(app: &App, key: &Result<Key, Malformed>, incoming: &mut Incoming) -> Answered {
    let CounterBody { machine, location } = incoming.json().await?;
    let key = key.clone()?;
    incoming.no_query()?;
    let session = incoming.session(app)?;
    let kind = MachineKind::Counter;
    let request = MachineRequest { machine, kind, location, currency: None, cassettes: Vec::new() };
    let (made, replay) = app.at_desk(move |bank| bank.create_machine(session, key.as_str(), request)).await?;
    let mut answer = CounterAnswer::from(&made.view.machine);
    answer.channel = made.secret.map(|secret| format!("{machine}.{}", secret.expose()));
    Ok(Reply::created(&answer).replayed(replay))
}
