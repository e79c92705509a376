//! `/api/atms/{atm_id}/replenishments`: counting, emptying and filling machines.

use axum::extract::State;
use cashpoint_bank::desk::{Counted, ReplenishRequest};
use cashpoint_core::currency::Currency;
use cashpoint_core::outcome::Refusal;
use cashpoint_wire::answer::replenishment::ReplenishmentAnswer;
use cashpoint_wire::malformed::Malformed;
use cashpoint_wire::problem::Code;
use cashpoint_wire::request::machine::ReplenishmentBody;

use super::atms::one;
use crate::answer::{Answered, Keyed, Refused, Reply};
use crate::app::App;
use crate::incoming::{Incoming, Key, Segment, Segments};

/// POST `/api/atms/{atm_id}/replenishments`
pub(super) async fn create(State(app): State<App>, id: Segment, mut incoming: Incoming) -> Keyed {
    let key = incoming.key(&app);
    let result = try_create(&app, id, &key, &mut incoming).await;
    Keyed { key, result }
}

async fn try_create(app: &App, id: Segment, key: &Result<Key, Malformed>, incoming: &mut Incoming) -> Answered {
    let ReplenishmentBody { cassettes, deposit_bin, reject_bin, retract_bin } = incoming.json().await?;
    let key = key.clone()?;
    incoming.no_query()?;
    let session = incoming.session(app)?;
    let replenish = app.at_desk(move |bank| {
        let identity = match one(bank, session, &id)? {
            Ok(view) => view.identity,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let request = ReplenishRequest { machine: identity.id, cassettes, deposit_bin, reject_bin, retract_bin };
        let done = bank.replenish(session, key.as_str(), request)?;
        Ok(done.map(|(counted, replay)| ((counted, identity.currency), replay)))
    });
    let ((counted, currency), replay) = replenish.await?;
    Ok(match counted {
        Counted::Posted(replenished) => Reply::created(&ReplenishmentAnswer::from(&replenished)),
        Counted::Ordered { machine, number } => {
            Reply::accepted(&ReplenishmentAnswer::ordered(machine, known(currency)?, number))
        }
    }
    .replayed(replay))
}

/// GET `/api/atms/{atm_id}/replenishments/{replenishment_id}`
pub(super) async fn show(State(app): State<App>, path: Segments, incoming: Incoming) -> Answered {
    let Segments(atm, number) = path;
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    let found = app.at_desk(move |bank| {
        let identity = match one(bank, session, &atm)? {
            Ok(view) => view.identity,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Ok(number) = number.text().parse() else { return Ok(Err(Refusal::NotFound)) };
        let found = bank.replenishment(session, identity.id, number)?;
        Ok(found.map(|(row, exchange)| (row, exchange, identity.currency)))
    });
    let (row, exchange, currency) = found.await?;
    Ok(Reply::ok(&ReplenishmentAnswer::shown(&row, known(currency)?, exchange)))
}

fn known(currency: Option<Currency>) -> Result<Currency, Refused> {
    currency.ok_or_else(|| {
        tracing::error!("an ATM has no currency");
        Code::Internal.into()
    })
}
