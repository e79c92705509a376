//! The page's paths: `screen`, `events`, `press` and what they are made of. A pressed key is the place of a line on the
//! page that was seen; what it means is looked up here, and whether that page is still shown is decided by the terminal.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use cashpoint_core::id::MachineId;
use cashpoint_core::terminal::device::Key;
use cashpoint_core::terminal::keys::{Figures, keys};
use cashpoint_core::terminal::screen::{Choice, Screen};
use futures_util::Stream;
use futures_util::stream::unfold;
use jiff::tz::TimeZone;
use tokio::net::TcpListener;

use super::guard::{Frames, Hosts, guarded};
use super::html;
use super::view::View;
use crate::front::{Front, NotTaken, Shown};

/// The longest body that a pressed key has, bytes.
const LONGEST_PRESS: usize = 256;

/// How often an idle page hears that it is still connected. Its script waits for three of them.
const ALIVE: Duration = Duration::from_secs(2);

const FORM: &str = "application/x-www-form-urlencoded";

/// A machine's page.
#[derive(Clone, Debug)]
pub struct Kiosk {
    /// Which machine it is.
    pub machine: MachineId,
    /// Its screen and keys.
    pub front: Front,
    /// Where it stands, for dates and times.
    pub zone: TimeZone,
    /// By which names it is reached.
    pub hosts: Hosts,
}

impl Kiosk {
    fn view(&self, shown: &Shown) -> View {
        View::of(shown, &self.zone)
    }
}

/// The page, at `screen`; everything else it needs lies beside it.
pub fn router(kiosk: Kiosk) -> Router {
    let hosts = kiosk.hosts;
    let routes = Router::new()
        .route("/screen", get(screen))
        .route("/events", get(events))
        .route("/press", post(press).layer(DefaultBodyLimit::max(LONGEST_PRESS)))
        .route("/kiosk.css", get(|| asset("text/css; charset=utf-8", include_str!("kiosk.css"))))
        .route("/kiosk.svg", get(|| asset("image/svg+xml", include_str!("kiosk.svg"))))
        .route("/kiosk.js", get(|| asset("text/javascript; charset=utf-8", include_str!("kiosk.js"))))
        .with_state(Arc::new(kiosk));
    guarded(routes, hosts, Frames::None)
}

/// Serves the page for a browser of this machine, until it is dropped. `/` leads to it.
pub async fn serve(listener: TcpListener, kiosk: Kiosk) {
    let router = router(kiosk).route("/", get(|| async { Redirect::to("screen") }));
    // A screen is a small packet, and the one before may not be acknowledged yet: without this it waits for that, 40 ms.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "screens may come late");
        }
    });
    if let Err(failed) = axum::serve(listener, router).await {
        tracing::error!(%failed, "the screen's page has ended");
    }
}

async fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind)], text)
}

async fn screen(State(kiosk): State<Arc<Kiosk>>) -> Html<String> {
    let shown = Arc::clone(&kiosk.front.shown().borrow());
    Html(html::page(&kiosk.view(&shown), kiosk.machine).into_string())
}

/// The screen, whenever it changes; at once what it is now, so that a page which was cut off is never behind.
async fn events(State(kiosk): State<Arc<Kiosk>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut shown = kiosk.front.shown();
    shown.mark_changed();
    let changes = unfold((kiosk, shown), async |(kiosk, mut shown)| {
        // An error: the terminal has ended, and the page hears so by the end of the stream.
        shown.changed().await.ok()?;
        let now = Arc::clone(&shown.borrow_and_update());
        let html = html::front(&kiosk.view(&now), kiosk.machine).into_string();
        Some((Ok(Event::default().event("screen").data(html)), (kiosk, shown)))
    });
    Sse::new(changes).keep_alive(KeepAlive::new().interval(ALIVE).event(Event::default().event("alive").data("-")))
}

/// How a key came to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    /// As a form, whose browser waits for a page.
    Form,
    /// From the page's script, which hears of the next screen by itself.
    Script,
}

/// A pressed key: `page=17&press=line-2`, and `&by=script` from the script.
struct Pressed {
    page: u64,
    key: String,
    by: By,
}

impl Pressed {
    fn read(body: &[u8]) -> Option<Self> {
        let (mut page, mut key, mut by) = (None, None, By::Form);
        for pair in std::str::from_utf8(body).ok()?.split('&') {
            match pair.split_once('=')? {
                ("page", text) if page.is_none() => page = Some(text.parse().ok()?),
                ("press", text) if key.is_none() => key = Some(text.to_owned()),
                ("by", "script") => by = By::Script,
                _ => return None,
            }
        }
        Some(Self { page: page?, key: key?, by })
    }
}

async fn press(State(kiosk): State<Arc<Kiosk>>, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next() != Some(FORM) {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "a pressed key is a form\n").into_response();
    }
    let Some(pressed) = Pressed::read(&body) else {
        return (StatusCode::BAD_REQUEST, "this is no pressed key\n").into_response();
    };
    let shown = Arc::clone(&kiosk.front.shown().borrow());
    if shown.page != pressed.page {
        return answer(pressed.by, Err(NotTaken::Stale));
    }
    let Some(choice) = chosen(&shown.screen, &pressed.key) else {
        return (StatusCode::UNPROCESSABLE_ENTITY, "this screen has no such key\n").into_response();
    };
    answer(pressed.by, kiosk.front.choose(pressed.page, choice).await)
}

fn answer(by: By, done: Result<(), NotTaken>) -> Response {
    match (done, by) {
        (Err(NotTaken::Gone), _) => (StatusCode::SERVICE_UNAVAILABLE, "the machine has stopped\n").into_response(),
        // A browser without the script sees what is shown now, whether its key was taken or came too late.
        (Ok(()) | Err(NotTaken::Stale), By::Form) => (StatusCode::SEE_OTHER, [(LOCATION, "screen")]).into_response(),
        (Ok(()), By::Script) => StatusCode::NO_CONTENT.into_response(),
        (Err(NotTaken::Stale), By::Script) => {
            (StatusCode::CONFLICT, "the screen had changed, and nothing was done\n").into_response()
        }
    }
}

/// What a key on this screen chooses; `None`: it has no such key. A screen that asks for a PIN has no digits.
fn chosen(screen: &Screen, key: &str) -> Option<Choice> {
    let keys = keys(screen);
    if let Some(line) = key.strip_prefix("line-") {
        let line: usize = line.parse().ok()?;
        return keys.lines.get(line)?.taken();
    }
    match (key, keys.figures) {
        ("back", _) => keys.back,
        ("cancel", _) => keys.cancel,
        (_, Figures::None | Figures::Secret) => None,
        ("enter", Figures::Typed) => Some(Choice::Yes),
        ("clear", Figures::Typed) => Some(Choice::Key(Key::Clear)),
        ("00", Figures::Typed) => Some(Choice::Key(Key::DoubleZero)),
        (digit, Figures::Typed) => match digit.as_bytes() {
            [digit @ b'0'..=b'9'] => Some(Choice::Key(Key::Digit(digit - b'0'))),
            _ => None,
        },
    }
}
