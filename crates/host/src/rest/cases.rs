//! `/api/cases`: open questions about cash, for the staff who answer them.

use axum::extract::State;
use cashpoint_bank::store::CasesWanted;
use cashpoint_core::id::CaseId;
use cashpoint_wire::answer::case::{CaseAnswer, CasesAnswer};
use cashpoint_wire::malformed::Malformed;
use cashpoint_wire::request::case::{CaseParameters, CaseStatus, ResolutionBody};

use crate::answer::{Answered, Keyed, Reply};
use crate::app::App;
use crate::incoming::{Incoming, Key, Segment};

/// The case that a path names; what is no id names none.
fn case(segment: &Segment) -> CaseId {
    CaseId::parse(segment.text()).unwrap_or(CaseId::new(0))
}

/// GET `/api/cases`
pub(super) async fn list(State(app): State<App>, incoming: Incoming) -> Answered {
    let CaseParameters { status, limit, cursor } = CaseParameters::read(incoming.query()?)?;
    let session = incoming.session(&app)?;
    let wanted = match status {
        CaseStatus::Open => CasesWanted::Open,
        CaseStatus::All => CasesWanted::All,
    };
    let page = app.at_desk(move |bank| bank.cases(session, wanted, cursor.map(CaseId::new), limit)).await?;
    let cases = page.cases.iter().map(CaseAnswer::from).collect();
    Ok(Reply::ok(&CasesAnswer { cases, next_cursor: page.next.map(|next| next.to_string()) }))
}

/// GET `/api/cases/{case_id}`
pub(super) async fn show(State(app): State<App>, id: Segment, incoming: Incoming) -> Answered {
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    let found = app.at_desk(move |bank| bank.case(session, case(&id))).await?;
    Ok(Reply::ok(&CaseAnswer::from(&found)))
}

/// POST `/api/cases/{case_id}/resolve`
pub(super) async fn resolve(State(app): State<App>, id: Segment, mut incoming: Incoming) -> Keyed {
    let key = incoming.key(&app);
    let result = try_resolve(&app, id, &key, &mut incoming).await;
    Keyed { key, result }
}

async fn try_resolve(app: &App, id: Segment, key: &Result<Key, Malformed>, incoming: &mut Incoming) -> Answered {
    let ResolutionBody { paid } = incoming.json().await?;
    let key = key.clone()?;
    incoming.no_query()?;
    let session = incoming.session(app)?;
    let (resolved, replay) = app.at_desk(move |bank| bank.resolve_case(session, key.as_str(), case(&id), paid)).await?;
    Ok(Reply::ok(&CaseAnswer::from(&resolved)).replayed(replay))
}
