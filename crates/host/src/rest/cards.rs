//! `/api/cards`: cards and PINs.

use axum::extract::State;
use cashpoint_bank::desk::CardRequest;
use cashpoint_core::id::CardId;
use cashpoint_wire::answer::customer::{CardAnswer, PinAnswer};
use cashpoint_wire::malformed::Malformed;
use cashpoint_wire::request::card::{CardBody, CardReport, PinChange};

use super::sessions::{entered_pin, pan};
use crate::answer::{Answered, Keyed, Reply};
use crate::app::App;
use crate::incoming::{Incoming, Key, Segment};

/// The card that a path names. What is no id names no card: no card has the id 0.
fn card(segment: &Segment) -> CardId {
    CardId::parse(segment.text()).unwrap_or(CardId::new(0))
}

/// POST `/api/cards`
pub(super) async fn issue(State(app): State<App>, mut incoming: Incoming) -> Keyed {
    let key = incoming.key(&app);
    let result = try_issue(&app, &key, &mut incoming).await;
    Keyed { key, result }
}

async fn try_issue(app: &App, key: &Result<Key, Malformed>, incoming: &mut Incoming) -> Answered {
    let CardBody { customer, accounts, number, pin } = incoming.json().await?;
    let number = number.map(|number| pan("card_number", &number)).transpose()?;
    let pin = pin.map(|pin| entered_pin("pin", &pin)).transpose()?;
    let key = key.clone()?;
    incoming.no_query()?;
    let session = incoming.session(app)?;
    let request = CardRequest { customer, accounts, number, pin };
    let (issued, replay) = app.at_desk(move |bank| bank.issue_card(session, key.as_str(), request)).await?;
    let (year, month) = issued.expires;
    let answer = CardAnswer {
        card_id: issued.card,
        card_number: issued.number.map(|number| number.expose().to_owned()),
        expires: format!("{year:04}-{month:02}"),
        pin: issued.pin.map(|pin| pin.expose().to_owned()),
    };
    Ok(Reply::created(&answer).replayed(replay))
}

/// DELETE `/api/cards/{card_id}`
pub(super) async fn remove(State(app): State<App>, id: Segment, incoming: Incoming) -> Answered {
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    app.at_desk(move |bank| bank.remove_card(session, card(&id))).await?;
    Ok(Reply::nothing())
}

/// PUT `/api/cards/{card_id}/pin`
pub(super) async fn change_pin(State(app): State<App>, id: Segment, mut incoming: Incoming) -> Answered {
    let PinChange { old, new } = incoming.json().await?;
    let (old, new) = (entered_pin("old_pin", &old)?, entered_pin("new_pin", &new)?);
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    app.at_desk(move |bank| bank.change_pin(session, card(&id), old, new)).await?;
    Ok(Reply::nothing())
}

/// POST `/api/cards/{card_id}/pin`
pub(super) async fn reset_pin(State(app): State<App>, id: Segment, mut incoming: Incoming) -> Answered {
    incoming.no_body().await?;
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    let pin = app.at_desk(move |bank| bank.reset_pin(session, card(&id))).await?;
    Ok(Reply::created(&PinAnswer { pin: pin.expose().to_owned() }))
}

/// POST `/api/cards/{card_id}/report`
pub(super) async fn report(State(app): State<App>, id: Segment, mut incoming: Incoming) -> Answered {
    let CardReport { reason } = incoming.json().await?;
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    app.at_desk(move |bank| bank.report_card(session, card(&id), reason)).await?;
    Ok(Reply::nothing())
}

/// POST `/api/cards/{card_id}/unblock`
pub(super) async fn unblock(State(app): State<App>, id: Segment, mut incoming: Incoming) -> Answered {
    incoming.no_body().await?;
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    app.at_desk(move |bank| bank.unblock_card(session, card(&id))).await?;
    Ok(Reply::nothing())
}
