//! `/api/policies`: the operator's choices.

use axum::extract::State;
use cashpoint_bank::desk::{PolicyValue, policy_form, policy_names};
use cashpoint_wire::answer::policy::{PoliciesAnswer, ShownValue};
use cashpoint_wire::malformed::Malformed;
use cashpoint_wire::problem::Extra;
use cashpoint_wire::request::policy::{self, SentValue};

use crate::answer::{Answered, Refused, Reply};
use crate::app::App;
use crate::incoming::Incoming;

/// GET `/api/policies`
pub(super) async fn show(State(app): State<App>, incoming: Incoming) -> Answered {
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    let (version, values) = app.at_desk(move |bank| bank.policies(session)).await?;
    Ok(Reply::ok(&shown(version, values)))
}

/// PUT `/api/policies`
pub(super) async fn change(State(app): State<App>, mut incoming: Incoming) -> Answered {
    let sent = incoming.json_text(policy::read).await?;
    incoming.no_query()?;
    let known = policy_names();
    if let Some((name, _)) = sent.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return Err(Malformed::field(name, "there is no such policy value").into());
    }
    let session = incoming.session(&app)?;
    let patch = sent.into_iter().map(|(name, value)| (name, wanted(value))).collect();
    let set = app.at_desk(move |bank| bank.set_policies(session, patch)).await;
    let (version, values) = set.map_err(explained)?;
    Ok(Reply::ok(&shown(version, values)))
}

/// A value that is refused is told what it may be.
fn explained(mut refused: Refused) -> Refused {
    if let Extra::Field(name) = &refused.problem.extra {
        refused.problem.detail = policy_form(name).map(|form| format!("it must be {form}"));
    }
    refused
}

fn wanted(sent: SentValue) -> PolicyValue {
    match sent {
        SentValue::Nothing => PolicyValue::Off,
        SentValue::Number(figure) => PolicyValue::Figure(figure),
        SentValue::Text(text) => PolicyValue::Text(text),
    }
}

fn shown(version: u32, values: Vec<(&'static str, PolicyValue)>) -> PoliciesAnswer {
    let value = |value| match value {
        PolicyValue::Figure(figure) => ShownValue::Figure(figure),
        PolicyValue::Count(count) => ShownValue::Count(count),
        PolicyValue::Text(text) => ShownValue::Text(text),
        PolicyValue::Off => ShownValue::Off,
    };
    PoliciesAnswer { version, policies: values.into_iter().map(|(name, own)| (name, value(own))).collect() }
}
