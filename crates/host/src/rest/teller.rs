//! `/accounts`: the sandbox's teller surface. No session stands before it, so it answers only who is on this machine:
//! a `Host` that is loopback, and no page of another origin. Its problems are written in its own shape at the edge.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cashpoint_bank::execute::Answer;
use cashpoint_bank::request::{Content, Scope};
use cashpoint_core::command::{By, Command, Deposit, ReadBalance, Withdraw};
use cashpoint_core::outcome::Done;
use cashpoint_wire::malformed::Malformed;
use cashpoint_wire::problem::Code;
use cashpoint_wire::teller::{self, TellerRequest};

use super::accounts::{Way, unexpected};
use super::described;
use crate::answer::{Answered, Keyed, Refused, Reply};
use crate::app::App;
use crate::incoming::{Incoming, Key, Segment};
use crate::openapi::Routes;

pub(super) fn routes() -> Routes {
    Routes::new()
        .on(described::sandbox::balance(), balance)
        .on(described::sandbox::withdraw(), withdraw)
        .on(described::sandbox::deposit(), deposit)
        .guarded(neighbours_only)
}

/// Lets requests through that come from this machine and from no foreign page.
pub(super) async fn neighbours_only(request: Request, next: Next) -> Response {
    // A request line that names a host overrides the header (RFC 9112, 3.2.2).
    let named = request.uri().host().is_none_or(is_loopback);
    if named && is_neighbour(request.headers()) {
        next.run(request).await
    } else {
        Refused::from(Code::Forbidden).into_response()
    }
}

fn is_neighbour(headers: &HeaderMap) -> bool {
    // Two of a kind contradict each other: neither is believed.
    if headers.get_all(HOST).iter().count() > 1 || headers.get_all(ORIGIN).iter().count() > 1 {
        return false;
    }
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let Some(host) = text(HOST).filter(|host| is_loopback(host)) else {
        return false;
    };
    // A page's origin is our own if it has our own host and port.
    text(ORIGIN).is_none_or(|origin| {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
    })
}

/// `localhost`, `127.0.0.1` and its likes, `[::1]`, each with or without a port.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// GET `/accounts/{n}/balance`
async fn balance(State(app): State<App>, account: Segment, incoming: Incoming) -> Answered {
    let account = account.account()?;
    incoming.no_query()?;
    let done = app.ask(ReadBalance { by: By::Teller, account }).await?.outcome?;
    let Done::Balance(balance) = &done else {
        return Err(unexpected(&done));
    };
    Ok(Reply::json(teller::balance(balance.account, balance.balance)))
}

/// POST `/accounts/{n}/withdraw`
async fn withdraw(State(app): State<App>, account: Segment, mut incoming: Incoming) -> Keyed {
    let key = incoming.key(&app);
    let result = move_cash(&app, &account, &key, &mut incoming, Way::Out).await;
    Keyed { key, result }
}

/// POST `/accounts/{n}/deposit`
async fn deposit(State(app): State<App>, account: Segment, mut incoming: Incoming) -> Keyed {
    let key = incoming.key(&app);
    let result = move_cash(&app, &account, &key, &mut incoming, Way::In).await;
    Keyed { key, result }
}

async fn move_cash(
    app: &App,
    account: &Segment,
    key: &Result<Key, Malformed>,
    incoming: &mut Incoming,
    way: Way,
) -> Answered {
    let TellerRequest { amount } = incoming.present_json().await?;
    let account = account.account()?;
    let key = key.as_ref().map_err(Clone::clone)?;
    incoming.no_query()?;
    let content = Content { account: Some(account), amount: Some(amount), ..Content::of(way.kind(), "") };
    let request = app.bank().request_id(Scope::Teller, key.as_str(), &content);
    let (by, machine) = (By::Teller, None);
    let command = match way {
        Way::Out => Command::from(Withdraw { by, request, account, amount, machine }),
        Way::In => Command::from(Deposit { by, request, account, amount, machine }),
    };
    let Answer { outcome, replay } = app.ask(command).await?;
    let done = outcome.map_err(|refusal| Refused::recorded(refusal, replay))?;
    let (Done::Withdrawn(receipt) | Done::Deposited(receipt)) = &done else {
        return Err(unexpected(&done));
    };
    Ok(Reply::json(teller::moved(receipt.account, receipt.balance)).replayed(replay))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(host: &'static str, origin: Option<&'static str>, let_through: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        origin.map(|origin| headers.insert(ORIGIN, HeaderValue::from_static(origin)));
        assert_eq!(is_neighbour(&headers), let_through, "{host} {origin:?}");
    }

    #[test]
    fn it_knows_its_neighbours() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "[::1]"] {
            check(host, None, true);
        }
        for host in
            ["", "example.org", "localhost.example.org", "127.0.0.1.example.org", "10.0.0.1", "0.0.0.0", "[::]:1"]
        {
            check(host, None, false);
        }
        check("localhost:8080", Some("http://localhost:8080"), true);
        for foreign in
            ["null", "http://localhost:3000", "http://example.org", "http://127.0.0.1:8080", "localhost:8080", ""]
        {
            check("localhost:8080", Some(foreign), false);
        }
        assert!(!is_neighbour(&HeaderMap::new()));
    }
}
