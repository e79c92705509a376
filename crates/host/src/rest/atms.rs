//! `/api/atms`: machines and their cash. Counters share their ids and have paths of their own.

use axum::extract::State;
use cashpoint_bank::bank::{Answered as FromBank, Bank};
use cashpoint_bank::desk::{MachineChange, MachineRequest};
use cashpoint_bank::link::TerminalView;
use cashpoint_bank::store::MachineView;
use cashpoint_core::command::PartitionChoice;
use cashpoint_core::id::MachineId;
use cashpoint_core::machine::MachineKind;
use cashpoint_core::outcome::Refusal;
use cashpoint_core::session::Session;
use cashpoint_wire::answer::Listed;
use cashpoint_wire::answer::machine::{EnrolmentCodeAnswer, MachineAnswer};
use cashpoint_wire::answer::terminal::TerminalAnswer;
use cashpoint_wire::malformed::Malformed;
use cashpoint_wire::problem::Code;
use cashpoint_wire::request::machine::{MachineBody, MachinePatch};
use cashpoint_wire::request::partition::PartitionWish;

use crate::answer::{Answered, Keyed, Refused, Reply};
use crate::app::App;
use crate::incoming::{Incoming, Key, Segment};

/// GET `/api/atms`
pub(super) async fn list(State(app): State<App>, incoming: Incoming) -> Answered {
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    let listed = app.at_desk(move |bank| match bank.machines(session)? {
        Ok(machines) => Ok(Ok((machines, bank.terminal_views()?))),
        Err(refusal) => Ok(Err::<_, Refusal>(refusal)),
    });
    let (machines, terminals) = listed.await?;
    let terminal = |view: &MachineView| terminals.iter().find(|known| known.enrolled.machine == view.identity.id);
    let machines: Vec<_> = machines.iter().filter_map(|view| atm(view, terminal(view))).collect();
    Ok(Reply::ok(&Listed("atms", &machines)))
}

/// POST `/api/atms`
pub(super) async fn create(State(app): State<App>, mut incoming: Incoming) -> Keyed {
    let key = incoming.key(&app);
    let result = try_create(&app, &key, &mut incoming).await;
    Keyed { key, result }
}

async fn try_create(app: &App, key: &Result<Key, Malformed>, incoming: &mut Incoming) -> Answered {
    let MachineBody { machine, location, kind, currency, cassettes } = incoming.json().await?;
    let key = key.clone()?;
    incoming.no_query()?;
    let session = incoming.session(app)?;
    let request = MachineRequest { machine, kind, location, currency: Some(currency), cassettes };
    let (made, replay) = app.at_desk(move |bank| bank.create_machine(session, key.as_str(), request)).await?;
    let mut answer = shown(&made.view, None)?;
    if let Some(secret) = made.secret {
        match kind {
            MachineKind::Terminal => answer.enrolment_code = Some(secret.expose().to_owned()),
            MachineKind::Api | MachineKind::Counter => answer.channel = Some(format!("{machine}.{}", secret.expose())),
        }
    }
    Ok(Reply::created(&answer).replayed(replay))
}

/// GET `/api/atms/{atm_id}`
pub(super) async fn show(State(app): State<App>, id: Segment, incoming: Incoming) -> Answered {
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    let (view, terminal) = app.at_desk(move |bank| with_terminal(bank, one(bank, session, &id)?)).await?;
    Ok(Reply::ok(&shown(&view, terminal.as_ref())?))
}

/// PATCH `/api/atms/{atm_id}`
pub(super) async fn update(State(app): State<App>, id: Segment, mut incoming: Incoming) -> Answered {
    let MachinePatch { location, status, partition, journal } = incoming.json().await?;
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    let update = app.at_desk(move |bank| {
        let view = match one(bank, session, &id)? {
            Ok(view) => view,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let partition = match choice(&view, partition) {
            Ok(partition) => partition,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let change = MachineChange { location, status, partition, journal };
        with_terminal(bank, bank.update_machine(session, view.identity.id, change)?)
    });
    let (view, terminal) = update.await?;
    Ok(Reply::ok(&shown(&view, terminal.as_ref())?))
}

/// What the machine's terminal is to do while the host is away, in the machine's currency.
fn choice(view: &MachineView, wish: Option<PartitionWish>) -> Result<Option<PartitionChoice>, Refusal> {
    match (wish, view.identity.currency) {
        (None, _) => Ok(None),
        (Some(PartitionWish::Bank), _) => Ok(Some(PartitionChoice::Policy)),
        (Some(PartitionWish::Own(body)), Some(currency)) => {
            body.policy(currency).map(|policy| Some(PartitionChoice::Own(policy))).ok_or(Refusal::InvalidAmount)
        }
        (Some(PartitionWish::Own(_)), None) => Err(Refusal::InvalidRequest { field: "partition" }),
    }
}

fn with_terminal(bank: &Bank, found: Result<MachineView, Refusal>) -> FromBank<(MachineView, Option<TerminalView>)> {
    match found {
        Ok(view) => {
            let terminal = bank.terminal_view(view.identity.id)?;
            Ok(Ok((view, terminal)))
        }
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// POST `/api/atms/{atm_id}/enrolment-codes`
pub(super) async fn issue_code(State(app): State<App>, id: Segment, mut incoming: Incoming) -> Answered {
    incoming.no_body().await?;
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    let issued = app.at_desk(move |bank| match one(bank, session, &id)? {
        Ok(view) => {
            let code = bank.issue_enrolment(session, view.identity.id)?;
            Ok(code.map(|code| EnrolmentCodeAnswer::new(view.identity.id, code.expose())))
        }
        Err(refusal) => Ok(Err(refusal)),
    });
    Ok(Reply::created(&issued.await?))
}

/// The machine that a path names. A counter is none, and so is what is no id.
pub(super) fn one(bank: &Bank, session: Session, id: &Segment) -> FromBank<MachineView> {
    let found = match MachineId::parse(id.text()) {
        Ok(id) => bank.machine(session, id)?,
        Err(_) => bank.machines(session)?.and(Err(Refusal::AtmNotFound)),
    };
    Ok(found.and_then(|view| match view.identity.kind {
        MachineKind::Api | MachineKind::Terminal => Ok(view),
        MachineKind::Counter => Err(Refusal::AtmNotFound),
    }))
}

fn atm(view: &MachineView, terminal: Option<&TerminalView>) -> Option<MachineAnswer> {
    let answer = MachineAnswer::new(&view.identity, &view.machine, &view.holdings, view.in_flight)?;
    Some(match terminal {
        None => answer,
        Some(TerminalView { enrolled, told }) => {
            let seen = told.as_ref().map_or(enrolled.seen, |(at, _)| enrolled.seen.max(*at));
            answer.with_terminal(seen, TerminalAnswer::new(enrolled, told.as_ref()))
        }
    })
}

fn shown(view: &MachineView, terminal: Option<&TerminalView>) -> Result<MachineAnswer, Refused> {
    atm(view, terminal).ok_or_else(|| {
        tracing::error!(machine = %view.identity.id, "an ATM has no currency");
        Code::Internal.into()
    })
}
