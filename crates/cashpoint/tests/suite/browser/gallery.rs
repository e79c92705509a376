//! Every screen in every language, in a real browser: nothing that axe-core finds fault with, text that can be read,
//! nothing cut off and nothing overlapping at any size. With `CASHPOINT_SCREENS=FOLDER` it also leaves pictures there;
//! `cargo xtask screens` sets that.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use cashpoint_core::id::MachineId;
use cashpoint_core::terminal::device::Key;
use cashpoint_core::terminal::keys::{Figures, Keys, keys};
use cashpoint_core::terminal::language::Language;
use cashpoint_core::terminal::screen::{Choice, Screen, Waiting};
use cashpoint_terminal::front::{Front, Press, Shown};
use cashpoint_terminal::kiosk::samples::screens;
use cashpoint_terminal::kiosk::{Hosts, Kiosk, serve};
use cashpoint_terminal::operation::Wake;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::support::browser::Browser;
use crate::support::deadline::Deadline;

pub(super) const AXE: &str = include_str!("axe-core/axe.min.js");

const SIZES: [(u32, u32); 3] = [(800, 600), (1024, 768), (1920, 1080)];

/// A page whose screens the test chooses.
struct Gallery {
    runtime: tokio::runtime::Runtime,
    show: watch::Sender<Arc<Shown>>,
    presses: Receiver<Wake>,
    browser: Browser,
    url: String,
}

impl Gallery {
    #[track_caller]
    fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (show, shown) = watch::channel(Arc::new(Shown::first(Screen::Language)));
        let (press, presses) = sync_channel(8);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let at = listener.local_addr().unwrap();
        let machine = MachineId::parse("ATM901").unwrap();
        let front = Front::new(shown, press);
        let kiosk = Kiosk { machine, front, zone: TimeZone::UTC, hosts: Hosts::Loopback(at.port()) };
        runtime.spawn(serve(listener, kiosk));
        let browser = Browser::start();
        let url = format!("http://{at}/screen");
        browser.open(&url);
        Self { runtime, show, presses, browser, url }
    }

    /// Shows a screen and waits until the page does, by the stream of screens alone.
    #[track_caller]
    fn show(&self, language: Language, screen: Screen) {
        let page = self.show.borrow().page + 1;
        self.show.send_replace(Arc::new(Shown { page, language, screen }));
        let script = "return document.getElementById('screen').dataset.page";
        let shown = Deadline::after(Duration::from_secs(20))
            .wait(|| (self.browser.run(script, &[]) == json!(page.to_string())).then_some(()));
        assert!(shown.is_some(), "page {page} does not come");
    }

    /// What is chosen next.
    #[track_caller]
    fn chosen(&self, by: &str) -> Choice {
        match self.presses.recv_timeout(Duration::from_secs(20)) {
            Ok(Wake::Pressed(Press { choice, taken, .. })) => {
                taken.send(true).unwrap();
                choice
            }
            other => panic!("{by}: {other:?}"),
        }
    }
}

/// What axe-core and we find fault with: rules it breaks, text under 7:1.
pub(super) const FAULTS: &str = r#"
    const found = await axe.run(document, {
        runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] },
        rules: { "color-contrast-enhanced": { enabled: true } },
    });
    const faults = found.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html).join(" | ")}`);
    const parse = (color) => color.match(/[\d.]+/g).map(Number);
    const light = (color) => {
        const [r, g, b] = color.map((part) => {
            const share = part / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const color = parse(getComputedStyle(at).backgroundColor);
            if (color.length < 4 || color[3] === 1) return color;
        }
        return [255, 255, 255];
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        if (!texts.currentNode.textContent.trim() || !element.checkVisibility()) continue;
        const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 7) faults.push(`contrast ${contrast.toFixed(1)}: ${texts.currentNode.textContent}`);
    }
    return faults;
"#;

/// What does not fit: wider than the page, cut off, or over one another. `arguments[0]`: whether it must also fit from top
/// to bottom, without scrolling.
const MISFITS: &str = r#"
    const misfits = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) misfits.push(`wider than the page: ${root.scrollWidth} > ${root.clientWidth}`);
    if (arguments[0] && root.scrollHeight > root.clientHeight) {
        misfits.push(`longer than the page: ${root.scrollHeight} > ${root.clientHeight}`);
    }
    const shown = [...document.querySelectorAll("button, output, h1, main p, dl div, .also")].filter((one) => one.checkVisibility());
    for (const one of shown) {
        if (one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline") {
            misfits.push(`cut off: ${one.textContent.trim()}`);
        }
        const box = one.getBoundingClientRect();
        if (box.left < -0.5 || box.right > root.clientWidth + 0.5) misfits.push(`outside: ${one.textContent.trim()}`);
    }
    const boxes = shown.filter((one) => !one.closest("button") || one.tagName === "BUTTON").map((one) => [one, one.getBoundingClientRect()]);
    boxes.forEach(([one, a], at) => boxes.slice(at + 1).forEach(([other, b]) => {
        if (one.contains(other) || other.contains(one)) return;
        const apart = a.right <= b.left + 0.5 || b.right <= a.left + 0.5 || a.bottom <= b.top + 0.5 || b.bottom <= a.top + 0.5;
        if (!apart) misfits.push(`overlap: ${one.textContent.trim()} / ${other.textContent.trim()}`);
    }));
    for (const one of document.querySelectorAll("main button")) {
        const box = one.getBoundingClientRect();
        if (box.width < 44 || box.height < 44) misfits.push(`too small to touch: ${one.textContent.trim()}`);
        if (one.tabIndex < 0) misfits.push(`not by keyboard: ${one.textContent.trim()}`);
    }
    return misfits;
"#;

#[track_caller]
fn look_at_all(language: Language) {
    let gallery = Gallery::open();
    let browser = &gallery.browser;
    browser.run(&format!("{AXE}; window.axe = axe;"), &[]);
    let folder = std::env::var_os("CASHPOINT_SCREENS").map(PathBuf::from);
    let mut faults = Vec::new();
    for (name, screen) in screens() {
        gallery.show(language, screen);
        for size in SIZES {
            for text in [100, 200] {
                browser.resize(size, text);
                let found = browser.run(MISFITS, &[json!(text == 100)]);
                note(&mut faults, &format!("{name} at {size:?}, text {text} %"), &found);
                if let Some(folder) = &folder
                    && (text == 100 || size == SIZES[1])
                {
                    let (width, height) = size;
                    let folder = folder.join(format!("{width}x{height}-{text}"));
                    std::fs::create_dir_all(&folder).unwrap();
                    browser.picture(&folder.join(format!("{name}-{}.png", language.tag())));
                }
            }
        }
        browser.resize(SIZES[1], 100);
        note(&mut faults, &name, &browser.run(FAULTS, &[]));
    }
    faults.extend(browser.complaints());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    gallery.runtime.shutdown_background();
}

fn note(faults: &mut Vec<String>, place: &str, found: &Value) {
    let found = found.as_array().unwrap_or_else(|| panic!("{place}: {found}"));
    faults.extend(found.iter().map(|fault| format!("{place}: {}", fault.as_str().unwrap_or_default())));
}

#[test]
fn nothing_is_wrong_with_any_screen_in_english() {
    look_at_all(Language::English);
}

#[test]
fn nothing_is_wrong_with_any_screen_in_german() {
    look_at_all(Language::German);
}

#[test]
fn nothing_is_wrong_with_any_screen_in_spanish() {
    look_at_all(Language::Spanish);
}

#[test]
fn nothing_is_wrong_with_any_screen_in_arabic() {
    look_at_all(Language::Arabic);
}

/// The keys of a keyboard that do something on a screen, and what; then those that do nothing.
fn keyboard(screen: &Keys) -> (Vec<(String, Choice)>, Vec<String>) {
    let typed = screen.figures == Figures::Typed;
    let (mut live, mut dead) = (Vec::new(), Vec::new());
    for (at, line) in screen.lines.iter().enumerate() {
        let number = (at + 1).to_string();
        let of_line = std::iter::once(format!("F{number}")).chain((!typed && at < 9).then_some(number));
        match line.taken() {
            Some(choice) => live.extend(of_line.map(|key| (key, choice.clone()))),
            None => dead.extend(of_line),
        }
    }
    let has = |choice: Choice| screen.lines.iter().any(|line| line.choice == choice).then_some(choice);
    let cancel = screen.cancel.clone().or(has(Choice::Cancel)).or(screen.back.clone()).or(has(Choice::No));
    live.extend(cancel.map(|choice| ("Escape".to_owned(), choice)));
    let (enter, clear) = if typed {
        live.extend((0..=9).map(|digit: u8| (digit.to_string(), Choice::Key(Key::Digit(digit)))));
        (Some(Choice::Yes), Some(Choice::Key(Key::Clear)))
    } else {
        (has(Choice::Yes), screen.back.clone().or(has(Choice::No)))
    };
    live.extend(enter.map(|choice| ("Enter".to_owned(), choice)));
    live.extend(clear.map(|choice| ("Backspace".to_owned(), choice)));
    (live, dead)
}

/// What a button chooses, by its value.
fn of_button(value: &str, screen: &Keys) -> Choice {
    match (value, value.strip_prefix("line-")) {
        (_, Some(line)) => screen.lines[line.parse::<usize>().unwrap()].choice.clone(),
        ("back", None) => screen.back.clone().unwrap(),
        ("cancel", None) => screen.cancel.clone().unwrap(),
        ("enter", None) => Choice::Yes,
        ("clear", None) => Choice::Key(Key::Clear),
        ("00", None) => Choice::Key(Key::DoubleZero),
        (digit, None) => Choice::Key(Key::Digit(digit.parse().unwrap())),
    }
}

/// Where Tab stops below the heading: the values of the buttons, none for what is only to be read.
const STOPS: &str = r#"
    const all = document.querySelectorAll("main button:not(:disabled), main [tabindex='0']");
    return [...all].map((one) => one.value ?? null);
"#;

#[test]
fn every_key_of_every_screen_can_be_pressed_on_a_keyboard_and_no_other() {
    let gallery = Gallery::open();
    for (name, screen) in screens() {
        let (live, dead) = keyboard(&keys(&screen));
        let dead: Vec<&str> = dead.iter().map(String::as_str).collect();
        for (key, choice) in live {
            gallery.show(Language::English, screen.clone());
            gallery.browser.press(&dead);
            gallery.browser.press(&[&key]);
            assert_eq!(gallery.chosen(&format!("{name}: {key}")), choice, "{name}: {key}");
        }
    }
    assert_eq!(gallery.browser.complaints(), Vec::<String>::new());
    gallery.runtime.shutdown_background();
}

#[test]
fn tab_and_space_reach_every_button() {
    let gallery = Gallery::open();
    let mut walked: Vec<Keys> = Vec::new();
    for (name, screen) in screens() {
        let keys = keys(&screen);
        // Buttons are made of the keys alone.
        if walked.contains(&keys) && !matches!(screen, Screen::Statement { .. }) {
            continue;
        }
        gallery.show(Language::English, screen.clone());
        let stops: Vec<Option<String>> = serde_json::from_value(gallery.browser.run(STOPS, &[])).unwrap();
        for (at, value) in stops.iter().enumerate().filter_map(|(at, value)| Some((at, value.as_ref()?))) {
            gallery.show(Language::English, screen.clone());
            let mut way = vec!["Tab"; at + 1];
            way.push("Space");
            gallery.browser.press(&way);
            assert_eq!(gallery.chosen(&format!("{name}: {value}")), of_button(value, &keys), "{name}: {value}");
        }
        walked.push(keys);
    }
    gallery.runtime.shutdown_background();
}

/// Goes by Tab to a button beside the screen and presses it, once the first screen has taken the focus to its heading.
#[track_caller]
fn use_tool(browser: &Browser, id: &str) {
    let focused = || browser.run("return [document.activeElement.tagName, document.activeElement.id]", &[]);
    let shown = Deadline::after(Duration::from_secs(20)).wait(|| (focused()[0] == "H1").then_some(()));
    assert!(shown.is_some(), "no screen came: {}", browser.text());
    let reached = (0..30).find(|_| {
        browser.press(&["Tab"]);
        focused()[1] == *id
    });
    assert!(reached.is_some(), "Tab does not lead to {id}");
    browser.press(&["Enter"]);
}

#[test]
fn it_reads_out_and_darkens_by_keyboard_and_stops_with_the_visit() {
    let gallery = Gallery::open();
    let browser = &gallery.browser;
    let sample = |wanted: &str| screens().into_iter().find(|(name, _)| name == wanted).unwrap().1;
    let said = || browser.run("return document.getElementById('said').textContent", &[]).as_str().unwrap().to_owned();
    let readable = "const { width, height } = document.getElementById('said').getBoundingClientRect();
        return width > 1 && height > 1";
    let dark = "const over = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
        return over.closest('#darkness') !== null";
    gallery.show(Language::English, sample("menu"));
    assert_eq!((said(), browser.run(dark, &[])), ("What would you like to do?".to_owned(), json!(false)));
    browser.open(&gallery.url);
    use_tool(browser, "speech");
    for part in ["What would you like to do?", "Account balance: press 5.", "press Escape."] {
        assert!(said().contains(part), "{part}: {}", said());
    }
    gallery.show(Language::English, sample("pin-three"));
    assert!(said().contains("3 digits entered"), "{}", said());
    gallery.show(Language::English, sample("balance"));
    assert!(said().contains("$1,234,567.89"), "{}", said());
    assert_eq!(browser.run(readable, &[]), json!(true), "where no voice is to be had, one reads");
    browser.open(&gallery.url);
    use_tool(browser, "dark");
    assert_eq!((browser.run(dark, &[]), browser.run(readable, &[])), (json!(true), json!(false)), "nobody reads along");
    browser.press(&["1"]);
    assert_eq!(gallery.chosen("in the dark"), Choice::Yes);
    gallery.show(Language::English, sample("more-time"));
    assert!(said().contains("Do you need more time?") && browser.run(dark, &[]) == json!(true), "{}", said());
    gallery.show(Language::English, sample("welcome"));
    assert_eq!(browser.run(dark, &[]), json!(false), "for the next one nothing is left of it");
    gallery.show(Language::English, Screen::Wait(Waiting::ReadingCard));
    assert_eq!(said(), "Reading your card");
    gallery.runtime.shutdown_background();
}

#[test]
fn a_page_that_was_cut_off_says_so_and_shows_nothing_old() {
    let gallery = Gallery::open();
    let browser = &gallery.browser;
    let menu = screens().into_iter().find(|(name, _)| name == "menu").unwrap().1;
    gallery.show(Language::English, menu);
    assert_eq!(browser.heading().as_deref(), Some("What would you like to do?"));
    gallery.runtime.shutdown_background();
    let cut = Deadline::after(Duration::from_secs(20)).wait(|| browser.heading().is_none().then_some(()));
    assert!(cut.is_some(), "{}", browser.text());
    assert!(browser.text().contains("this screen may be out of date"), "{}", browser.text());
    let pressable =
        "return [...document.querySelectorAll('main button')].filter((key) => !key.closest('[inert]')).length";
    assert_eq!(browser.run(pressable, &[]), json!(0));
}
