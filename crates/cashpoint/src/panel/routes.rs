//! The panel's paths: `panel`, `panel/live`, `panel/act` and what they are made of, under each machine's own path, beside
//! its screen. Changes are looked for while somebody looks, and at once after somebody did something.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use cashpoint_bank::bank::Bank;
use cashpoint_bank::sandbox;
use cashpoint_bank::sandbox::PEOPLE;
use cashpoint_core::id::{CustomerId, MachineId};
use cashpoint_devices::server::NotDone;
use cashpoint_terminal::kiosk::{Frames, guarded};
use futures_util::Stream;
use futures_util::stream::unfold;
use jiff::tz::TimeZone;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::act::{Act, Refused};
use super::page;
use super::seen::{Devices, Seen};
use crate::machines::Switched;

/// The longest body of a form: every kind of note, each with its count.
const LONGEST_FORM: usize = 1024;

/// How long after the last look the next one comes, if nothing was done at the panel meanwhile.
const LOOK: Duration = Duration::from_millis(300);

/// How often an idle page hears that it is still connected.
const ALIVE: Duration = Duration::from_secs(2);

/// Entries of a person that are shown.
const ENTRIES: usize = 6;

const FORM: &str = "application/x-www-form-urlencoded";

/// A machine's panel.
struct Panel {
    machine: Arc<Switched>,
    /// Every machine's id: the page leads to the others.
    machines: Vec<MachineId>,
    bank: Bank,
    /// The place in [`PEOPLE`] of whoever's card was in the machine last.
    person: AtomicUsize,
    /// Changes when something was done.
    done: watch::Sender<()>,
}

/// The machines' screens and panels, each machine's under `/terminals/ID`.
pub(crate) fn mounted<'a>(bank: &Bank, machines: impl Iterator<Item = &'a Arc<Switched>>) -> Router {
    let machines: Vec<_> = machines.collect();
    let ids: Vec<_> = machines.iter().map(|machine| machine.id()).collect();
    machines.into_iter().fold(Router::new(), |all, machine| {
        let (screen, below) = (screen_path(machine.id()), format!("/terminals/{}", machine.id()));
        let lead = move || async move { Redirect::to(&screen) };
        let panel = Panel {
            machine: Arc::clone(machine),
            machines: ids.clone(),
            bank: bank.clone(),
            person: AtomicUsize::new(0),
            done: watch::Sender::new(()),
        };
        all.route(&format!("{below}/"), get(lead.clone())).route(&below, get(lead)).nest(&below, router(panel))
    })
}

/// Where a machine's screen is.
pub(crate) fn screen_path(machine: MachineId) -> String {
    format!("/terminals/{machine}/screen")
}

/// Where a machine's panel is.
pub(crate) fn panel_path(machine: MachineId) -> String {
    format!("/terminals/{machine}/panel")
}

fn router(panel: Panel) -> Router {
    let machine = Arc::clone(&panel.machine);
    let own = Router::new()
        .route("/panel", get(whole))
        .route("/panel/live", get(live))
        .route("/panel/act", post(act).layer(DefaultBodyLimit::max(LONGEST_FORM)))
        .route("/panel/panel.css", get(|| asset("text/css; charset=utf-8", include_str!("panel.css"))))
        .route("/panel/panel.js", get(|| asset("text/javascript; charset=utf-8", include_str!("panel.js"))))
        .with_state(Arc::new(panel));
    let screen = Router::new().route("/{*rest}", any(screen)).with_state(Arc::clone(&machine));
    guarded(own, machine.hosts(), Frames::Own).merge(screen)
}

async fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind)], text)
}

/// The terminal's own page, guarded by itself, while there is a terminal.
async fn screen(State(machine): State<Arc<Switched>>, request: Request) -> Response {
    match machine.screen() {
        Some(screen) => screen.oneshot(request).await.into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "this machine has no power\n").into_response(),
    }
}

async fn whole(State(panel): State<Arc<Panel>>) -> Response {
    match panel.look().await {
        Ok(seen) => Html(page::page(&panel.machine, &panel.machines, &seen).into_string()).into_response(),
        Err(gone) => (StatusCode::SERVICE_UNAVAILABLE, format!("{gone}\n")).into_response(),
    }
}

/// What changes, part by part; first everything, so that a page which was cut off is never behind.
async fn live(State(panel): State<Arc<Panel>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let watching = Watching { done: panel.done.subscribe(), panel, told: Vec::new(), changed: VecDeque::new() };
    let changes = unfold(watching, async |mut watching| {
        let change = watching.next().await.ok()?;
        Some((Ok(change), watching))
    });
    Sse::new(changes).keep_alive(KeepAlive::new().interval(ALIVE).event(Event::default().event("alive").data("-")))
}

/// Somebody who looks at a panel.
struct Watching {
    panel: Arc<Panel>,
    done: watch::Receiver<()>,
    /// What the page shows in each part.
    told: Vec<(&'static str, String)>,
    changed: VecDeque<Event>,
}

impl Watching {
    async fn next(&mut self) -> Result<Event, NotDone> {
        loop {
            if let Some(change) = self.changed.pop_front() {
                return Ok(change);
            }
            if !self.told.is_empty() {
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    _ = self.done.changed() => {}
                }
            }
            let seen = self.panel.look().await?;
            let now: Vec<_> = page::parts(&seen).into_iter().map(|(id, part)| (id, part.into_string())).collect();
            let events = now.iter().filter(|part| !self.told.contains(part));
            // A line of the stream ends with any line break, so the one that HTML does not need goes.
            let event = |(id, part): &(&str, String)| Event::default().event(*id).data(part.replace('\r', " "));
            self.changed = events.map(event).collect();
            self.told = now;
        }
    }
}

async fn act(State(panel): State<Arc<Panel>>, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next() != Some(FORM) {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "what is done here is a form\n").into_response();
    }
    let text = std::str::from_utf8(&body).unwrap_or_default();
    let Some(fields) = text.split('&').map(|pair| pair.split_once('=')).collect::<Option<Vec<_>>>() else {
        return (StatusCode::BAD_REQUEST, "this is no form\n").into_response();
    };
    let Some(act) = Act::read(&fields) else {
        return (StatusCode::UNPROCESSABLE_ENTITY, "nothing of the kind can be done here\n").into_response();
    };
    let done = act.perform(&panel.machine).await;
    panel.done.send_replace(());
    let scripted = fields.contains(&("by", "script"));
    match done {
        Ok(()) if scripted => StatusCode::NO_CONTENT.into_response(),
        Err(Refused::Devices(NotDone::Impossible)) if scripted => {
            (StatusCode::CONFLICT, "The machine does not let you do that now.\n").into_response()
        }
        // Without the script, what the page then shows says whether it was done.
        Ok(()) | Err(Refused::Devices(NotDone::Impossible)) => {
            (StatusCode::SEE_OTHER, [(LOCATION, "../panel")]).into_response()
        }
        Err(Refused::Devices(why @ (NotDone::NeverMeets | NotDone::Gone))) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response()
        }
        Err(Refused::Power(why)) => {
            tracing::error!(error = %format!("{why:#}"), "the machine does not start");
            (StatusCode::SERVICE_UNAVAILABLE, "The machine does not start; the log says why.\n").into_response()
        }
    }
}

impl Panel {
    async fn look(&self) -> Result<Seen, NotDone> {
        let devices = self.machine.hands().look(Devices::of).await?;
        if let Some(holder) = devices.holder {
            self.person.store(holder, Ordering::Relaxed);
        }
        let person = self.person.load(Ordering::Relaxed);
        let (bank, id) = (self.bank.clone(), self.machine.id());
        let customer = CustomerId::new(PEOPLE[person].customer);
        let reading = tokio::task::spawn_blocking(move || sandbox::books(&bank, id, customer, ENTRIES));
        let books = match reading.await {
            Ok(Ok(books)) => Some(books),
            Ok(Err(_)) | Err(_) => None,
        };
        let (power, plug) = (self.machine.power(), self.machine.cable().plug());
        Ok(Seen { devices, power, plug, person, books, zone: TimeZone::system() })
    }
}
