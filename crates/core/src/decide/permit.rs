//! Who may: a session that lives, an account within its reach, a place where it stands. Each check leaves proof that
//! the next step asks for.

use crate::account::AccountIdentity;
use crate::card::{CardState, PinKey};
use crate::command::{By, Caller, Standing};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::{AccountNumber, CardId, CustomerId, MachineId, OperatorId};
use crate::machine::{MachineIdentity, MachineKind, MachineStatus};
use crate::outcome::Refusal;
use crate::session::{Role, Session, Subject};
use crate::time::Timestamp;

use super::Draft;

/// Proof that a customer's session lives (or that the sandbox's teller asks).
#[derive(Clone, Copy)]
pub(crate) struct Reach {
    pub(crate) customer: CustomerId,
    pub(crate) card: Option<CardId>,
    /// Where the card is.
    place: Option<MachineId>,
}

impl Reach {
    /// A card that was served at a terminal before, without a session.
    pub(crate) const fn of_card(customer: CustomerId, card: CardId) -> Self {
        Self { customer, card: Some(card), place: None }
    }
}

/// Where cash is to move.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// At a machine or counter.
    Machine(MachineIdentity),
    /// Over the bank's own counter: the vault.
    Vault,
}

/// Identities behind a session.
pub(crate) fn session_lookups(session: &Session, lookups: &mut Lookups) {
    match session.subject {
        Subject::Card { card, .. } => {
            lookups.cards.insert(card);
        }
        Subject::Online { .. } | Subject::Operator { .. } => {}
    }
}

/// Rows behind a session.
pub(crate) fn session_keys(session: &Session, keys: &mut Keys) {
    keys.sessions.insert(session.id);
    match session.subject {
        Subject::Card { card, customer, place } => {
            keys.cards.insert(card);
            keys.pins.insert(PinKey::Card(card));
            keys.machines.insert(place);
            keys.customers.insert(customer);
        }
        Subject::Online { customer } => {
            keys.customers.insert(customer);
        }
        Subject::Operator { .. } => {}
    }
}

/// Identities behind whoever asks.
pub(crate) fn by_lookups(by: &By, lookups: &mut Lookups) {
    match by {
        By::Session(caller) => session_lookups(&caller.session, lookups),
        By::Teller => {}
    }
}

/// Rows behind whoever asks.
pub(crate) fn by_keys(by: &By, keys: &mut Keys) {
    match by {
        By::Session(caller) => session_keys(&caller.session, keys),
        By::Teller => {
            keys.customers.insert(CustomerId::TELLER);
        }
    }
}

/// Whether the session lives now.
pub(crate) fn alive(facts: &Facts, session: &Session, now: Timestamp) -> Result<(), Refusal> {
    let state = facts.sessions.find(&session.id).ok_or(Refusal::SessionExpired)?;
    let named = match session.subject {
        Subject::Card { card, place, .. } => {
            let own = Some(session.id);
            facts.cards.at(&card).session == own && facts.machines.at(&place).session == own
        }
        Subject::Online { customer } => facts.customers.at(&customer).generation == state.generation,
        Subject::Operator { .. } => true,
    };
    if named && session.in_time(state, now) { Ok(()) } else { Err(Refusal::SessionExpired) }
}

/// A customer's live session.
pub(crate) fn customer(draft: &mut Draft<'_>, session: &Session) -> Result<Reach, Refusal> {
    alive(draft.facts, session, draft.moment.now)?;
    let reach = match session.subject {
        Subject::Card { card, customer, place } => Reach { customer, card: Some(card), place: Some(place) },
        Subject::Online { customer } => Reach { customer, card: None, place: None },
        Subject::Operator { .. } => return Err(Refusal::Forbidden),
    };
    draft.concerns = Some(reach.customer);
    draft.about.card = reach.card;
    draft.asks = Some(*session);
    Ok(reach)
}

/// A customer's live online session.
pub(crate) fn online(draft: &mut Draft<'_>, session: &Session) -> Result<CustomerId, Refusal> {
    let reach = customer(draft, session)?;
    if reach.card.is_some() { Err(Refusal::Forbidden) } else { Ok(reach.customer) }
}

/// A live session of staff with one of `roles`; admins may everything.
pub(crate) fn operator(draft: &Draft<'_>, session: &Session, roles: &[Role]) -> Result<OperatorId, Refusal> {
    alive(draft.facts, session, draft.moment.now)?;
    match session.subject {
        Subject::Operator { operator, role } if role == Role::Admin || roles.contains(&role) => Ok(operator),
        Subject::Operator { .. } | Subject::Card { .. } | Subject::Online { .. } => Err(Refusal::Forbidden),
    }
}

/// Whoever moves money: a session from where cash may move, or the teller.
pub(crate) fn mover(draft: &mut Draft<'_>, by: &By) -> Result<Reach, Refusal> {
    match by {
        By::Teller => Ok(Reach { customer: CustomerId::TELLER, card: None, place: None }),
        By::Session(caller) => {
            let reach = customer(draft, &caller.session)?;
            match caller.standing {
                Standing::Sandbox | Standing::At(_) => Ok(reach),
                Standing::Nowhere => Err(Refusal::ChannelRequired),
            }
        }
    }
}

/// The account, if it is within reach; another's is as good as none.
pub(crate) fn account(draft: &mut Draft<'_>, reach: Reach, number: AccountNumber) -> Result<AccountIdentity, Refusal> {
    let identity = reachable(draft.facts, reach, number).ok_or(Refusal::AccountNotFound)?;
    draft.about.account = Some(number);
    Ok(identity)
}

fn reachable(facts: &Facts, reach: Reach, number: AccountNumber) -> Option<AccountIdentity> {
    match reach.card {
        Some(card) => facts.card_identities.at(&card).accounts.iter().find(|a| a.number == number).copied(),
        None => facts.account_identities.find(&number).filter(|a| a.customer == reach.customer).copied(),
    }
}

/// The place that a request would move cash at, before it is checked: for finding its rows.
pub(crate) fn place_named(by: &By, named: Option<MachineId>) -> Option<MachineId> {
    match by {
        By::Teller => None,
        By::Session(Caller { session, standing }) => {
            let own = match session.subject {
                Subject::Card { place, .. } => Some(place),
                Subject::Online { .. } | Subject::Operator { .. } => None,
            };
            let stands = match standing {
                Standing::At(machine) => Some(*machine),
                Standing::Sandbox | Standing::Nowhere => None,
            };
            named.or(own).or(stands)
        }
    }
}

/// The machine or counter where cash is to move: known, the session's and the credential's own, switched on, and not
/// one whose cash moves only through its terminal.
pub(crate) fn place(draft: &mut Draft<'_>, by: &By, reach: Reach, named: Option<MachineId>) -> Result<Place, Refusal> {
    let Some(id) = place_named(by, named) else {
        return Ok(Place::Vault);
    };
    let identity = *draft.facts.machine_identities.find(&id).ok_or(Refusal::AtmNotFound)?;
    let stands_elsewhere = match by {
        By::Session(Caller { standing: Standing::At(machine), .. }) => *machine != id,
        By::Session(Caller { standing: Standing::Sandbox | Standing::Nowhere, .. }) | By::Teller => false,
    };
    if stands_elsewhere || reach.place.is_some_and(|place| place != id) {
        return Err(Refusal::AtmMismatch);
    }
    draft.about.machine = Some(id);
    machine_on(draft, id)?;
    match identity.kind {
        MachineKind::Terminal => Err(Refusal::TerminalOnly),
        MachineKind::Api | MachineKind::Counter => Ok(Place::Machine(identity)),
    }
}

/// The ATM that staff name; a counter is none.
pub(crate) fn atm(draft: &Draft<'_>, id: MachineId) -> Result<MachineIdentity, Refusal> {
    let identity = *draft.facts.machine_identities.find(&id).ok_or(Refusal::AtmNotFound)?;
    match identity.kind {
        MachineKind::Api | MachineKind::Terminal => Ok(identity),
        MachineKind::Counter => Err(Refusal::AtmNotFound),
    }
}

/// The machine takes commands.
pub(crate) fn machine_on(draft: &Draft<'_>, id: MachineId) -> Result<(), Refusal> {
    match draft.facts.machines.at(&id).status {
        MachineStatus::Active => Ok(()),
        MachineStatus::Inactive => Err(Refusal::AtmInactive),
    }
}

/// The card that asks, if one does, is not blocked, reported or out of date.
pub(crate) fn card_good(draft: &Draft<'_>, reach: Reach) -> Result<(), Refusal> {
    let Some(card) = reach.card else {
        return Ok(());
    };
    let counter = draft.facts.pins.find(&PinKey::Card(card)).copied().unwrap_or_default();
    counter.admit(draft.moment.now).map_err(|blocked| Refusal::CardBlocked { until: blocked.until })?;
    card_valid(draft, card)
}

/// The card is not reported and not out of date; one that was withdrawn is none.
pub(crate) fn card_valid(draft: &Draft<'_>, card: CardId) -> Result<(), Refusal> {
    match draft.facts.cards.at(&card).state {
        CardState::Stolen => Err(Refusal::CardStolen),
        CardState::Lost => Err(Refusal::CardLost),
        CardState::Removed => Err(Refusal::WrongCredentials),
        CardState::Active if draft.facts.card_identities.at(&card).expires <= draft.moment.now => {
            Err(Refusal::CardExpired)
        }
        CardState::Active => Ok(()),
    }
}

/// The account still takes commands.
pub(crate) fn account_open(draft: &Draft<'_>, number: AccountNumber) -> Result<(), Refusal> {
    if draft.account(number).closed.is_some() { Err(Refusal::AccountClosed) } else { Ok(()) }
}
