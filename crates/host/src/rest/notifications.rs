//! What customers want to be told of, and what could not be delivered.

use axum::extract::State;
use cashpoint_core::event::EventKind;
use cashpoint_core::notification::{ChannelName, Wish};
use cashpoint_wire::answer::notification::{DeadLetterAnswer, DeadLettersAnswer, WishesAnswer};
use cashpoint_wire::malformed::Malformed;
use cashpoint_wire::request::listing::Query;
use cashpoint_wire::request::notification;

use crate::answer::{Answered, Reply};
use crate::app::App;
use crate::incoming::Incoming;
use crate::notify::{CHOICES, Choice};

/// GET `/api/customers/current/notifications`
pub(super) async fn show(State(app): State<App>, incoming: Incoming) -> Answered {
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    let wishes = app.at_desk(move |bank| bank.wishes(session)).await?;
    Ok(Reply::ok(&effective(&wishes)))
}

/// PUT `/api/customers/current/notifications`: a channel that is not named tells what it usually does.
pub(super) async fn change(State(app): State<App>, mut incoming: Incoming) -> Answered {
    let named = incoming.json_text(notification::read).await?;
    if let Some((stranger, _)) = named.iter().find(|(name, _)| CHOICES.iter().all(|choice| choice.name != name)) {
        return Err(Malformed::field(stranger, "there is no such channel").into());
    }
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    let wish = |channel: &str| named.iter().find(|(name, _)| name == channel).map(|(_, wish)| wish.clone());
    let wishes: Vec<_> = CHOICES.iter().map(|choice| (channel(choice.name), wish(choice.name))).collect();
    let answer = wishes.iter().filter_map(|(channel, wish)| Some((*channel, wish.clone()?))).collect::<Vec<_>>();
    app.at_desk(move |bank| bank.set_wishes(session, wishes)).await?;
    Ok(Reply::ok(&effective(&answer)))
}

/// GET `/api/notifications/dead`: what was given up, latest first.
pub(super) async fn dead(State(app): State<App>, incoming: Incoming) -> Answered {
    let query = Query::new(incoming.query()?, &["limit", "cursor"])?;
    let before = query.parsed("cursor", "a next_cursor of before", |text| text.parse().ok())?;
    let limit = query.limit()?;
    let session = incoming.session(&app)?;
    let page = app.at_desk(move |bank| bank.dead_letters(session, before, limit)).await?;
    let dead_letters = page.letters.into_iter().map(DeadLetterAnswer::from).collect();
    Ok(Reply::ok(&DeadLettersAnswer { dead_letters, next_cursor: page.next.map(|next| next.to_string()) }))
}

/// What every channel tells a customer who wished this.
fn effective(wishes: &[(ChannelName, Wish)]) -> WishesAnswer {
    let of = |choice: &Choice| {
        let wished = wishes.iter().find(|(channel, _)| channel.as_str() == choice.name).map(|(_, wish)| wish.clone());
        (channel(choice.name), wished.unwrap_or_else(|| usual(choice.usually)))
    };
    WishesAnswer(CHOICES.iter().map(of).collect())
}

fn usual(usually: fn(EventKind) -> bool) -> Wish {
    let kinds: std::collections::BTreeSet<_> = EventKind::ALL.iter().copied().filter(|kind| usually(*kind)).collect();
    if kinds.len() == EventKind::ALL.len() { Wish::All } else { Wish::Only(kinds) }
}

fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).expect("channels are named in lower-case letters")
}
