//! The control interface: what people do at the machine, what goes wrong with it, how it stands. HTTP and JSON on a loopback
//! address; whoever reaches it can do what a person in front of the machine and one inside it can.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use cashpoint_core::terminal::device::Way;
use cashpoint_wire::xfs::value::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use super::Jobs;
use super::desk::{Desk, Switch};
use super::hands::key;
use super::quirk::Quirks;
use crate::model::{Armed, Hardware, Inserted, PersonAction, Pile, Place, Quality, Waiting};

/// Serves for ever.
pub(super) async fn serve(listener: TcpListener, jobs: Jobs) {
    let router = Router::new()
        .route("/state", get(state))
        .route("/person", post(person))
        .route("/faults", post(arm).delete(clear))
        .route("/quirks", post(quirks))
        .route("/power", post(power))
        .with_state(jobs);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "the control interface ended");
    }
}

/// What a person does, as it is asked for.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
enum Act {
    InsertCard { track2: Secret },
    TakeCard,
    TakeNotes { count: Option<u32> },
    InsertNotes { notes: Vec<Notes> },
    TakeReturned,
    Press { keys: Vec<String> },
    TakeReceipt,
    WalkAway,
    ClearJams,
    RemoveNotes { place: Place, count: u32 },
    FillCassette { cassette: usize, count: u32 },
    Replenish { notes: Vec<u32> },
}

/// Notes that are put in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Notes {
    denomination_minor: i64,
    #[serde(default = "good")]
    quality: Quality,
    count: u32,
}

const fn good() -> Quality {
    Quality::Good
}

/// One fault, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Faults {
    One(Armed),
    Several(Vec<Armed>),
}

/// Which way the switch is turned.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Power {
    power: Turn,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Turn {
    On,
    Off,
}

/// Why something was not done.
#[derive(Serialize)]
struct Problem {
    code: &'static str,
    detail: &'static str,
}

enum Refused {
    Gone,
    Impossible,
    Invalid(&'static str),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, code, detail) = match self {
            Self::Gone => (StatusCode::SERVICE_UNAVAILABLE, "gone", "the devices are shutting down"),
            Self::Impossible => (StatusCode::CONFLICT, "impossible", "the machine does not let a person do that now"),
            Self::Invalid(detail) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail),
        };
        (status, Json(Problem { code, detail })).into_response()
    }
}

impl From<super::Gone> for Refused {
    fn from(_: super::Gone) -> Self {
        Self::Gone
    }
}

async fn state(State(jobs): State<Jobs>) -> Result<Json<Value>, Refused> {
    Ok(Json(jobs.run(|desk| described(desk)).await?))
}

async fn person(State(jobs): State<Jobs>, Json(act): Json<Act>) -> Result<Json<Value>, Refused> {
    let actions = actions(act).ok_or(Refused::Invalid("a key is a digit, 00, enter, clear, cancel, or f1 to f8"))?;
    let done = jobs.run(move |desk| {
        let result = actions.iter().try_for_each(|action| desk.attempt(action));
        result.map(|()| described(desk))
    });
    done.await?.map(Json).map_err(|_| Refused::Impossible)
}

async fn arm(State(jobs): State<Jobs>, Json(faults): Json<Faults>) -> Result<Json<Value>, Refused> {
    let faults = match faults {
        Faults::One(fault) => vec![fault],
        Faults::Several(faults) => faults,
    };
    if faults.iter().any(|armed| !armed.fault.meets(armed.step)) {
        return Err(Refused::Invalid("this fault does not happen at that step"));
    }
    let done = jobs.run(move |desk| {
        for fault in faults {
            desk.arm(fault);
        }
        described(desk)
    });
    Ok(Json(done.await?))
}

async fn clear(State(jobs): State<Jobs>) -> Result<Json<Value>, Refused> {
    let done = jobs.run(|desk| {
        desk.clear_faults();
        described(desk)
    });
    Ok(Json(done.await?))
}

async fn quirks(State(jobs): State<Jobs>, Json(quirks): Json<Quirks>) -> Result<Json<Value>, Refused> {
    let done = jobs.run(move |desk| {
        desk.quirks = quirks;
        described(desk)
    });
    Ok(Json(done.await?))
}

async fn power(State(jobs): State<Jobs>, Json(power): Json<Power>) -> Result<Json<Value>, Refused> {
    let switch = match power.power {
        Turn::On => Switch::On,
        Turn::Off => Switch::Off,
    };
    let done = jobs.run(move |desk| {
        desk.switch(switch);
        described(desk)
    });
    Ok(Json(done.await?))
}

fn actions(act: Act) -> Option<Vec<PersonAction>> {
    let one = |action| Some(vec![action]);
    match act {
        Act::InsertCard { track2 } => one(PersonAction::InsertCard(Zeroizing::new(track2.expose().to_owned()))),
        Act::TakeCard => one(PersonAction::TakeCard),
        Act::TakeNotes { count: Some(count) } => one(PersonAction::TakeSome(count)),
        Act::TakeNotes { count: None } => one(PersonAction::TakeNotes),
        Act::InsertNotes { notes } => one(PersonAction::InsertNotes(notes.iter().map(inserted).collect())),
        Act::TakeReturned => one(PersonAction::TakeReturned),
        Act::Press { keys } => keys.iter().map(|name| key(name).map(PersonAction::Press)).collect(),
        Act::TakeReceipt => one(PersonAction::TakeReceipt),
        Act::WalkAway => one(PersonAction::WalkAway),
        Act::ClearJams => one(PersonAction::ClearJams),
        Act::RemoveNotes { place, count } => one(PersonAction::RemoveNotes(place, count)),
        Act::FillCassette { cassette, count } => one(PersonAction::FillCassette(cassette, count)),
        Act::Replenish { notes } => one(PersonAction::Replenish(notes)),
    }
}

const fn inserted(notes: &Notes) -> Inserted {
    Inserted { denomination: notes.denomination_minor, quality: notes.quality, count: notes.count }
}

/// How the machine stands: where every note is, and what the devices believe. No card number, no PIN, no key.
fn described(desk: &Desk) -> Value {
    let hardware = desk.hardware();
    let (dispenser, acceptor, card) = (hardware.dispenser(), hardware.acceptor(), hardware.card_reader());
    let waiting: Vec<&str> = hardware.waiting().map(wait).collect();
    json!({
        "power": if hardware.has_power() { "on" } else { "off" },
        "currency": hardware.fitting().currency.code(),
        "census": census(hardware),
        "inside_minor": hardware.census().inside(),
        "conserved": hardware.census().is_conserved(),
        "cassettes": cassettes(hardware),
        "rejected": listed(&dispenser.rejected()),
        "retracted": listed(&dispenser.retracted()),
        "retract_operations": dispenser.retract_operations(),
        "deposited": listed(&acceptor.deposited()),
        "way": way(hardware.way()),
        "shutter": dispenser.shutter(),
        "present": { "state": dispenser.record().state, "notes": dispenser.record().notes },
        "cash_in": { "state": acceptor.state(), "accepted": listed(&acceptor.accepted()), "refused": acceptor.refused() },
        "exchange": dispenser.exchange(),
        "stuck": { "dispenser": dispenser.is_stuck(), "acceptor": acceptor.is_stuck() },
        "card": { "slot": card.slot(), "retained": card.retained() },
        "pin_digits": hardware.pad().digits(),
        "pin_key_loaded": hardware.pin_key_check().is_some(),
        "receipts_left": hardware.printer().left(),
        "receipt": hardware.printer().receipt(),
        "waiting": waiting,
        "faults": hardware.faults().armed(),
        "quirks": desk.quirks,
    })
}

fn census(hardware: &Hardware) -> Value {
    let pile = |(place, pile): (Place, &Pile)| {
        let notes = pile.iter().map(
            |(note, count)| json!({ "denomination_minor": note.denomination, "quality": note.quality, "count": count }),
        );
        json!({ "place": place_name(place), "value_minor": pile.value(), "notes": notes.collect::<Vec<_>>() })
    };
    hardware.census().iter().map(pile).collect()
}

fn cassettes(hardware: &Hardware) -> Value {
    let cassettes = hardware.dispenser().cassettes().iter().enumerate().map(|(position, cassette)| {
        json!({
            "denomination_minor": cassette.denomination,
            "initial": cassette.initial,
            "out": cassette.out,
            "doubtful": cassette.doubtful,
            "usable": format!("{:?}", hardware.usable(position)).to_lowercase(),
        })
    });
    cassettes.collect()
}

fn listed(notes: &cashpoint_core::mix::Notes) -> Value {
    let note = |(denomination, count): &(i64, u32)| json!({ "denomination_minor": denomination, "count": count });
    notes.iter().map(note).collect()
}

fn place_name(place: Place) -> String {
    match place {
        Place::Cassette(position) => format!("cassette {position}"),
        Place::Transport => "transport".to_owned(),
        Place::Stacker => "stacker".to_owned(),
        Place::Exit => "exit".to_owned(),
        Place::Customer => "customer".to_owned(),
        Place::RejectBin => "reject bin".to_owned(),
        Place::RetractBin => "retract bin".to_owned(),
        Place::AcceptorTransport => "acceptor transport".to_owned(),
        Place::Escrow => "escrow".to_owned(),
        Place::ReturnSlot => "return slot".to_owned(),
        Place::DepositBin => "deposit bin".to_owned(),
        Place::Staff => "staff".to_owned(),
    }
}

const fn way(way: Way) -> &'static str {
    match way {
        Way::Clear => "clear",
        Way::Inside => "inside",
        Way::Reachable => "reachable",
        Way::Unknown => "unknown",
    }
}

const fn wait(waiting: Waiting) -> &'static str {
    match waiting {
        Waiting::Card => "card",
        Waiting::Pin => "pin",
        Waiting::Keys => "keys",
        Waiting::Notes => "notes",
    }
}
