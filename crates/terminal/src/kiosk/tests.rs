//! What a browser gets, without a browser: every screen in every language, and what the paths let pass.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use cashpoint_core::id::MachineId;
use cashpoint_core::terminal::device::Key;
use cashpoint_core::terminal::keys::{Figures, Offer, keys};
use cashpoint_core::terminal::language::Language;
use cashpoint_core::terminal::screen::{Choice, MenuItem, Screen};
use http_body_util::BodyExt;
use jiff::tz::TimeZone;
use tokio::sync::watch;
use tower::ServiceExt;

use super::samples::screens;
use super::view::{Part, View};
use super::{Hosts, Kiosk, html, router};
use crate::front::{Front, Press, Shown};
use crate::operation::Wake;

const OURS: &str = "http://127.0.0.1:9000";

fn machine() -> MachineId {
    MachineId::parse("ATM901").unwrap()
}

fn view(language: Language, screen: &Screen) -> View {
    View::of(&Shown { page: 7, language, screen: screen.clone() }, &TimeZone::UTC)
}

/// Every screen in every language, with its name.
fn all() -> impl Iterator<Item = (String, Language, Screen)> {
    let every = |language: Language| screens().into_iter().map(move |(name, screen)| (name, language, screen));
    Language::ALL.into_iter().flat_map(every)
}

fn texts(view: &View) -> Vec<String> {
    let mut texts = vec![view.face.heading.clone()];
    texts.extend(view.labels.iter().filter(|label| label.language.is_none()).map(|label| label.text.clone()));
    for part in &view.face.parts {
        match part {
            Part::Say(text) | Part::Trouble(text) | Part::Note(text) | Part::Reference(text) | Part::Dots(_, text) => {
                texts.push(text.clone());
            }
            Part::Facts(facts) => texts.extend(facts.iter().flat_map(|(name, value)| [name.clone(), value.clone()])),
            // Before the first digit there is none.
            Part::Typed(name, value) => texts.extend([name.clone(), format!("·{value}")]),
            Part::Table { head, rows } => texts.extend(head.iter().chain(rows.iter().flatten()).cloned()),
            Part::Also(..) => {}
        }
    }
    texts
}

#[test]
fn every_screen_has_one_heading_its_landmarks_and_a_name_for_every_key() {
    for (name, language, screen) in all() {
        let view = view(language, &screen);
        let page = html::page(&view, machine()).into_string();
        let count = |part: &str| page.matches(part).count();
        assert_eq!((count("<h1 "), count("<main "), count("<header ")), (1, 1, 1), "{name} {language:?}");
        assert!(page.contains(&format!("<html lang=\"{}\"", language.tag())), "{name}");
        assert_eq!(language == Language::Arabic, page.contains("<html lang=\"ar\" dir=\"rtl\""), "{name}");
        for inline in [" style=", " onclick=", "<style", "<script>", "javascript:"] {
            assert!(!page.contains(inline), "{name}: {inline}");
        }
        assert_eq!(view.labels.len(), view.keys.lines.len(), "{name}");
        assert!(texts(&view).iter().all(|text| !text.trim().is_empty()), "{name} {language:?}: {:?}", texts(&view));
        assert!(view.speech().contains(&view.face.heading), "{name}");
        for (at, (line, label)) in view.keys.lines.iter().zip(&view.labels).enumerate() {
            let offered = line.offer == Offer::Now;
            assert!(!offered || view.speech().contains(&label.text), "{name}: {}", label.text);
            assert!(page.contains(&format!("value=\"line-{at}\"")), "{name}");
        }
    }
}

/// Digits, signs and names are the same everywhere; sentences are not.
fn is_a_sentence(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphabetic()).count() > 6
}

#[test]
fn no_message_is_left_in_another_language() {
    for (name, screen) in screens() {
        for (language, other) in [
            (Language::German, Language::English),
            (Language::Spanish, Language::English),
            (Language::Arabic, Language::English),
            (Language::Spanish, Language::German),
        ] {
            let strangers: BTreeSet<_> = texts(&view(other, &screen)).into_iter().collect();
            for text in texts(&view(language, &screen)) {
                assert!(!(is_a_sentence(&text) && strangers.contains(&text)), "{name} {language:?}: {text}");
            }
        }
        let arabic = texts(&view(Language::Arabic, &screen)).join(" ");
        let latin: Vec<_> = arabic.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > 2).collect();
        assert!(latin.iter().all(|word| ["Ada", "Lovelace", "USD"].contains(word)), "{name}: {latin:?}");
    }
}

#[test]
fn no_screen_speaks_of_machines_to_each_other() {
    let jargon = [
        "host",
        "unreachable",
        "offline",
        "online",
        "server",
        "network",
        "error",
        "timeout",
        "database",
        "dispenser",
        "ledger",
        "terminal",
        "null",
        "none)",
        "{",
        "}",
    ];
    for (name, language, screen) in all() {
        for text in texts(&view(language, &screen)) {
            let lower = text.to_lowercase();
            let found = jargon
                .iter()
                .find(|word| lower.split(|c: char| !c.is_alphabetic() && !"{}".contains(c)).any(|w| w == **word));
            assert_eq!(found, None, "{name} {language:?}: {text}");
        }
    }
}

#[test]
fn every_bad_end_says_whether_the_account_was_charged() {
    let charged = ["charged", "belastet", "cobrad", "cobró", "خُصم", "يُخصم"];
    for (name, language, screen) in all().filter(|(_, _, screen)| matches!(screen, Screen::Sorry(_))) {
        let said = texts(&view(language, &screen)).join(" ");
        assert!(charged.iter().any(|word| said.contains(word)), "{name} {language:?}: {said}");
    }
}

#[test]
fn a_pin_is_dots_and_never_digits() {
    for digits in 0..=12 {
        let screen =
            Screen::Pin { purpose: cashpoint_core::terminal::screen::PinPurpose::Begin, digits, trouble: None };
        assert_eq!(keys(&screen).figures, Figures::Secret);
        let page = html::page(&view(Language::English, &screen), machine()).into_string();
        assert_eq!(page.matches("class=\"dot in\"").count(), usize::from(digits));
        assert!(!page.contains("data-digit"), "{page}");
    }
}

/// A terminal that is nothing but its screen, and takes what is chosen.
struct Rig {
    show: watch::Sender<Arc<Shown>>,
    presses: Receiver<Wake>,
    router: Router,
}

impl Rig {
    fn new(screen: Screen, hosts: Hosts) -> Self {
        let (show, shown) = watch::channel(Arc::new(Shown { page: 7, language: Language::English, screen }));
        let (send, presses) = sync_channel(8);
        let kiosk = Kiosk { machine: machine(), front: Front::new(shown, send), zone: TimeZone::UTC, hosts };
        Self { show, presses, router: router(kiosk) }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
    }

    /// Presses a key as the page does; the terminal, if it is asked, says `taken`.
    async fn press(&self, body: &str, taken: bool) -> (StatusCode, Option<(u64, Choice)>) {
        let headers =
            [("host", "127.0.0.1:9000"), ("origin", OURS), ("content-type", "application/x-www-form-urlencoded")];
        let asking = self.ask(Method::POST, "/press", &headers, body);
        tokio::pin!(asking);
        let mut asked = None;
        let response = loop {
            tokio::select! {
                biased;
                response = &mut asking => break response,
                () = tokio::task::yield_now() => if let Ok(Wake::Pressed(Press { page, choice, taken: tell })) = self.presses.try_recv() {
                    asked = Some((page, choice));
                    tell.send(taken).unwrap();
                },
            }
        };
        (response.status(), asked)
    }
}

fn menu() -> Screen {
    screens().into_iter().find(|(name, _)| name == "menu").unwrap().1
}

fn screen(name: &str) -> Screen {
    screens().into_iter().find(|(of, _)| of == name).unwrap().1
}

#[tokio::test]
async fn lets_only_its_own_page_press_keys() {
    let rig = Rig::new(menu(), Hosts::Loopback(9_000));
    let form = ("content-type", "application/x-www-form-urlencoded");
    let host = ("host", "127.0.0.1:9000");
    let body = "page=7&press=line-4&by=script";
    let refused: [(&[(&str, &str)], StatusCode); 9] = [
        (&[host, form], StatusCode::FORBIDDEN),
        (&[host, form, ("origin", "http://evil.example")], StatusCode::FORBIDDEN),
        (&[host, form, ("origin", "null")], StatusCode::FORBIDDEN),
        (&[host, form, ("origin", "http://127.0.0.1:9001")], StatusCode::FORBIDDEN),
        (&[host, form, ("origin", OURS), ("origin", "http://evil.example")], StatusCode::FORBIDDEN),
        (&[host, form, ("sec-fetch-site", "cross-site")], StatusCode::FORBIDDEN),
        (&[host, form, ("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")], StatusCode::FORBIDDEN),
        (
            &[("host", "evil.example:9000"), form, ("origin", "http://evil.example:9000")],
            StatusCode::MISDIRECTED_REQUEST,
        ),
        (&[host, ("content-type", "text/plain"), ("origin", OURS)], StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ];
    for (headers, status) in refused {
        let response = rig.ask(Method::POST, "/press", headers, body).await;
        assert_eq!(response.status(), status, "{headers:?}");
        assert!(rig.presses.try_recv().is_err(), "{headers:?}");
    }
    for path in ["/screen", "/events", "/kiosk.js"] {
        let response = rig.ask(Method::GET, path, &[("host", "evil.example")], "").await;
        assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);
        assert_eq!(rig.ask(Method::GET, path, &[], "").await.status(), StatusCode::MISDIRECTED_REQUEST);
    }
    let (status, asked) = rig.press(body, true).await;
    assert_eq!((status, asked), (StatusCode::NO_CONTENT, Some((7, Choice::Menu(MenuItem::Balance)))));
}

#[tokio::test]
async fn anywhere_else_the_page_must_be_from_where_it_is_asked() {
    let rig = Rig::new(menu(), Hosts::Any);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let asked = |origin: &'static str| [("host", "atm.example"), form, ("origin", origin)];
    let response = rig.ask(Method::POST, "/press", &asked("https://other.example"), "page=7&press=line-0").await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let response = rig.ask(Method::POST, "/press", &asked("https://atm.example"), "page=6&press=line-0").await;
    assert_eq!(
        (response.status(), response.headers()["location"].to_str().unwrap()),
        (StatusCode::SEE_OTHER, "screen")
    );
}

#[tokio::test]
async fn marks_every_answer() {
    let rig = Rig::new(menu(), Hosts::Loopback(9_000));
    let check = |headers: &HeaderMap| {
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'self'"), "{policy}");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(!headers.contains_key("set-cookie"));
        assert!(!headers.contains_key("access-control-allow-origin"));
    };
    for (method, path, status) in [
        (Method::GET, "/screen", StatusCode::OK),
        (Method::GET, "/events", StatusCode::OK),
        (Method::GET, "/kiosk.css", StatusCode::OK),
        (Method::GET, "/kiosk.js", StatusCode::OK),
        (Method::GET, "/press", StatusCode::METHOD_NOT_ALLOWED),
        (Method::POST, "/screen", StatusCode::METHOD_NOT_ALLOWED),
        (Method::DELETE, "/events", StatusCode::METHOD_NOT_ALLOWED),
        (Method::GET, "/elsewhere", StatusCode::NOT_FOUND),
    ] {
        let headers = [("host", "127.0.0.1:9000"), ("origin", OURS)];
        let response = rig.ask(method.clone(), path, &headers, "").await;
        assert_eq!(response.status(), status, "{method} {path}");
        check(response.headers());
    }
}

#[tokio::test]
async fn takes_no_key_that_the_screen_does_not_have() {
    let check = async |name: &str, body: &str, expected: StatusCode| {
        let rig = Rig::new(screen(name), Hosts::Loopback(9_000));
        let (status, asked) = rig.press(body, true).await;
        assert_eq!(status, expected, "{name}: {body}");
        assert_eq!(asked.is_some(), status.is_success(), "{name}: {body}");
    };
    for digit in ["0", "1", "9", "00", "clear", "enter"] {
        check("pin", &format!("page=7&press={digit}&by=script"), StatusCode::UNPROCESSABLE_ENTITY).await;
        check("amount-typed", &format!("page=7&press={digit}&by=script"), StatusCode::NO_CONTENT).await;
    }
    check("menu", "page=7&press=line-7&by=script", StatusCode::UNPROCESSABLE_ENTITY).await;
    check("menu", "page=7&press=line-6&by=script", StatusCode::NO_CONTENT).await;
    check("menu-little", "page=7&press=line-0&by=script", StatusCode::UNPROCESSABLE_ENTITY).await;
    check("menu-little", "page=7&press=line-2&by=script", StatusCode::NO_CONTENT).await;
    check("take-card", "page=7&press=cancel&by=script", StatusCode::UNPROCESSABLE_ENTITY).await;
    check("wait-bank", "page=7&press=cancel&by=script", StatusCode::UNPROCESSABLE_ENTITY).await;
    check("menu", "page=7&press=cancel&by=script", StatusCode::NO_CONTENT).await;
    check("menu", "page=8&press=line-0&by=script", StatusCode::CONFLICT).await;
    for body in [
        "",
        "page=7",
        "press=line-0",
        "page=7&press=line-0&press=line-1",
        "page=x&press=line-0",
        "page=7&press=line-0&more=1",
    ] {
        check("menu", body, StatusCode::BAD_REQUEST).await;
    }
    check("menu", &format!("page=7&press=line-{}", "0".repeat(300)), StatusCode::PAYLOAD_TOO_LARGE).await;
}

#[tokio::test]
async fn a_key_that_came_too_late_does_nothing() {
    let rig = Rig::new(screen("amount-typed"), Hosts::Loopback(9_000));
    let (status, asked) = rig.press("page=7&press=5&by=script", false).await;
    assert_eq!((status, asked), (StatusCode::CONFLICT, Some((7, Choice::Key(Key::Digit(5))))));
    let (status, _) = rig.press("page=7&press=5", false).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "a browser without the script sees what is there now");
}

#[tokio::test]
async fn tells_the_next_screen_as_soon_as_it_is_there() {
    let rig = Rig::new(menu(), Hosts::Loopback(9_000));
    let mut body = rig.ask(Method::GET, "/events", &[("host", "127.0.0.1:9000")], "").await.into_body();
    let mut next = async || {
        let frame = tokio::time::timeout(Duration::from_secs(20), body.frame()).await.expect("an event");
        String::from_utf8(frame.unwrap().unwrap().into_data().unwrap().to_vec()).unwrap()
    };
    let first = next().await;
    assert!(first.starts_with("event: screen\ndata: ") && first.contains("data-page=\"7\""), "{first}");
    let shown = Shown { page: 8, language: Language::Arabic, screen: screen("take-card") };
    rig.show.send_replace(Arc::new(shown));
    let second = next().await;
    assert!(second.contains("data-page=\"8\"") && second.contains("data-dir=\"rtl\""), "{second}");
    assert!(second.contains("يرجى أخذ بطاقتك"), "{second}");
    let alive = next().await;
    assert!(alive.starts_with("event: alive"), "{alive}");
    drop(rig.show);
    assert!(body.frame().await.is_none(), "the stream ends with the terminal");
}

#[tokio::test]
async fn a_reload_shows_what_is_there_and_does_nothing() {
    let rig = Rig::new(menu(), Hosts::Loopback(9_000));
    for _ in 0..3 {
        let response = rig.ask(Method::GET, "/screen", &[("host", "localhost:9000")], "").await;
        let page = response.into_body().collect().await.unwrap().to_bytes();
        let page = String::from_utf8(page.to_vec()).unwrap();
        assert!(page.contains("Hello, Ada Lovelace") && page.contains("data-page=\"7\""));
    }
    assert!(rig.presses.try_recv().is_err());
}
