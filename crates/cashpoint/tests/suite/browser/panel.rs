//! The machine's front in a real browser: what is done there is done with the mouse alone, on the demo as people start it.

use std::time::Duration;

use serde_json::json;

use super::gallery::{AXE, FAULTS};
use crate::support::browser::Browser;
use crate::support::deadline::Deadline;
use crate::support::machine::Motion;
use crate::support::network::{Network, Wiring};
use crate::support::{Demo, Site};

/// How long the machine may take for anything: motions of a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Jane's place among the cards, and her PIN.
const JANE: (u32, &str) = (2, "5678");

/// A demo, and somebody who stands before one of its machines.
struct Front {
    // Goes first: a browser that outlives its page complains.
    browser: Browser,
    demo: Demo,
}

impl Front {
    #[track_caller]
    fn open() -> Self {
        let demo = Demo::start();
        let browser = Browser::start();
        browser.resize((1440, 900), 100);
        browser.open(&format!("{}/terminals/ATM901/panel", demo.url()));
        Self { browser, demo }
    }

    /// Waits until a part of the page says this.
    #[track_caller]
    fn says(&self, part: &str, text: &str) {
        let read = || self.browser.run("return document.getElementById(arguments[0]).innerText", &[json!(part)]);
        let told = Deadline::after(PATIENCE).wait(|| read().as_str()?.contains(text).then_some(()));
        assert!(told.is_some(), "{part} does not say {text:?}: {}", read());
    }

    /// Waits until the screen shows this heading.
    #[track_caller]
    fn shows(&self, heading: &str) {
        self.browser.in_frame(|| self.browser.shows(heading));
    }

    /// Presses keys of the pad and beside the screen, each until the machine takes it: a screen may stand a moment before
    /// its keys are on.
    #[track_caller]
    fn press(&self, keys: &[&str]) {
        for key in keys {
            let taken = Deadline::after(PATIENCE).wait(|| {
                self.browser.click(&format!(".machine button[name=key][value='{key}']"));
                (!self.answered().contains("does not let you")).then_some(())
            });
            assert!(taken.is_some(), "{key} is refused: {}", self.browser.text());
        }
    }

    /// Waits until everything that was done is answered; what the page says of it.
    #[track_caller]
    fn answered(&self) -> String {
        let said =
            "return document.body.classList.contains('acting') ? null : document.getElementById('said').innerText";
        let said = Deadline::after(PATIENCE).wait(|| self.browser.run(said, &[]).as_str().map(str::to_owned));
        said.expect("what is done is answered")
    }

    /// Touches a line of the screen. The driver itself does not find places in a frame that is drawn smaller.
    #[track_caller]
    fn touch(&self, line: u32) {
        let place = "const frame = document.getElementById('screen'); const around = frame.getBoundingClientRect();
            const box = frame.contentDocument.querySelector(`[data-line='${arguments[0]}']`).getBoundingClientRect();
            const scale = around.width / frame.offsetWidth;
            return [box.x + box.width / 2, box.y + box.height / 2].map((at) => at * scale)
                .map((at, which) => Math.round(at + [around.x, around.y][which]));";
        let place = self.browser.run(place, &[json!(line)]);
        self.browser.click_at(&place[0], &place[1]);
    }

    /// From the card to the menu.
    #[track_caller]
    fn log_in(&self, (place, pin): (u32, &str)) {
        self.browser.click(&format!("#cards li:nth-child({place}) button"));
        self.shows("Please choose your language");
        self.press(&["f1"]);
        self.says("lamp", "Enter your PIN");
        let digits: Vec<String> = pin.chars().map(String::from).collect();
        self.press(&digits.iter().map(String::as_str).collect::<Vec<_>>());
        self.press(&["enter"]);
        self.shows("What would you like to do?");
    }

    /// Asks for this amount, with a receipt.
    #[track_caller]
    fn ask_cash(&self, digits: &[&str]) {
        self.press(&["f2"]);
        self.shows("How much cash would you like?");
        self.press(digits);
        self.press(&["enter"]);
        self.shows("Would you like a receipt?");
    }

    /// What the browser complained of; a key that was pressed before the machine took it is not one.
    #[track_caller]
    fn is_content(&self) {
        let mut complaints = self.browser.complaints();
        complaints.retain(|said| !(said.contains("/panel/act - ") && said.contains("status of 409")));
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}

/// What the host says of Jane's account, and of the notes in the machine, in cents.
#[track_caller]
fn books(site: &Site) -> (i64, String) {
    let body = r#"{"email":"jane.smith@example.com","password":"sandbox-jane"}"#;
    let session = site.post("/api/sessions").json(body).send().json();
    let token = session.member("token").text().to_owned();
    let account = session.member("accounts").list()[0].member("account_id").text().to_owned();
    let balance = site.get(&format!("/api/accounts/{account}/balance")).bearer(&token).send().json();
    (balance.member("balance").cents(), account)
}

/// What is cut off, or wider than the page.
const MISFITS: &str = r#"
    const root = document.documentElement;
    const misfits = [];
    if (root.scrollWidth > root.clientWidth) misfits.push(`wider than the page: ${root.scrollWidth} > ${root.clientWidth}`);
    const stand = document.querySelector(".stand").getBoundingClientRect();
    if (stand.bottom > root.clientHeight) misfits.push(`the machine ends at ${stand.bottom} of ${root.clientHeight}`);
    const shown = [...document.querySelectorAll("button, p, dd, td, th, h2, li")].filter((one) => one.checkVisibility());
    for (const key of document.querySelectorAll("button, input, select, a")) {
        if (key.tabIndex < 0) misfits.push(`not by keyboard: ${key.textContent.trim()}`);
    }
    for (const one of shown) {
        const box = one.getBoundingClientRect();
        if (one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline") {
            misfits.push(`cut off: ${one.textContent.trim()}`);
        }
        if (box.left < -0.5 || box.right > root.clientWidth + 0.5) misfits.push(`outside: ${one.textContent.trim()}`);
        const around = one.closest(".beside section, .slot, .pad");
        if (around && box.right > around.getBoundingClientRect().right + 0.5) misfits.push(`sticks out: ${one.textContent.trim()}`);
    }
    return misfits;
"#;

/// Whether the page fits at every size; it is quick about it, for moments when the machine waits for somebody's hand.
#[track_caller]
fn fits(front: &Front, moment: &str) {
    let mut faults = Vec::new();
    for (width, height) in [(1024, 768), (1440, 900), (1920, 1080)] {
        front.browser.resize((width, height), 100);
        let found = front.browser.run(MISFITS, &[]);
        let found = found.as_array().unwrap_or_else(|| panic!("{moment}: {found}"));
        faults.extend(found.iter().map(|fault| format!("{moment} at {width} × {height}: {fault}")));
        if let Some(folder) = std::env::var_os("CASHPOINT_SCREENS") {
            let folder = std::path::PathBuf::from(folder).join("panel");
            std::fs::create_dir_all(&folder).unwrap();
            front.browser.picture(&folder.join(format!("{moment}-{width}x{height}.png")));
        }
    }
    front.browser.resize((1440, 900), 100);
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Whether it fits and everybody can use it.
#[track_caller]
fn is_well(front: &Front, moment: &str) {
    fits(front, moment);
    front.browser.run(&format!("window.axe = window.axe || (() => {{ {AXE}; return axe; }})();"), &[]);
    let found = front.browser.run(FAULTS, &[]);
    assert_eq!(found, json!([]), "{moment}");
}

#[test]
fn a_withdrawal_with_the_mouse_alone_and_the_ledger_follows() {
    let front = Front::open();
    front.says("books", "John Doe");
    front.shows("Please insert your card");
    is_well(&front, "idle");
    front.log_in(JANE);
    front.says("card-slot", "Card is inside");
    front.says("books", "Jane Smith");
    front.ask_cash(&["1", "8", "0"]);
    // The screen is touched as well as the keys.
    front.touch(1);
    front.shows("Please take your card");
    front.says("books", "pending");
    fits(&front, "card");
    front.browser.click("#card-slot button");
    front.shows("Please take your cash");
    front.says("cash-slot", "5 notes, $180.00");
    front.says("inside", "97 of 100");
    fits(&front, "cash");
    front.browser.click("#cash-slot [type=number] + button");
    front.says("cash-slot", "4 notes, $170.00");
    front.browser.click("#cash-slot button.main");
    front.shows("Thank you");
    front.says("receipt-slot", "$180.00");
    front.says("receipt-slot", "$1,820.00");
    is_well(&front, "receipt");
    front.says("books", "−$180.00");
    front.says("books", "$9,820.00");
    front.says("books", "Ledger and notes agree.");
    front.browser.click("#receipt-slot button");
    front.says("receipt-slot", "No receipt");
    front.says("cash-slot", "Shutter closed");
    front.says("cards", "$1,820.00");
    let (balance, account) = books(&front.demo);
    assert_eq!(balance, 1_820_00);
    front.says("books", &account);
    front.is_content();
}

#[test]
fn notes_that_are_fed_are_counted_and_a_false_one_comes_back() {
    let front = Front::open();
    front.log_in(JANE);
    front.press(&["f3"]);
    front.says("deposit-slot", "Open: put notes in");
    for (field, count) in [("note-2000-good", "3"), ("note-5000-false", "1")] {
        front.browser.click(&format!("[name={field}]"));
        front.browser.press(&[count]);
    }
    front.browser.click(".feed + button");
    front.browser.click("#deposit-slot button");
    front.shows("We counted your notes");
    front.press(&["f1"]);
    front.shows("Would you like a receipt?");
    front.press(&["f2"]);
    front.shows("Your notes are paid in");
    front.says("books", "+$60.00");
    front.says("books", "$10,060.00");
    front.says("books", "Ledger and notes agree.");
    assert_eq!(books(&front.demo).0, 2_060_00);
    front.is_content();
}

#[test]
fn a_fault_set_at_the_panel_ends_in_the_screen_for_it() {
    let front = Front::open();
    let set = |fault: &str, said: &str| {
        front.browser.click(&format!("option[value='{fault}']"));
        front.browser.click(".fault button");
        front.says("faults", said);
    };
    set("stall.pick", "pick: stall");
    is_well(&front, "fault");
    front.log_in(JANE);
    front.ask_cash(&["8", "0"]);
    front.press(&["f2"]);
    front.shows("You have not been charged");
    front.says("faults", "None is set.");
    front.says("books", "Given back");
    front.says("books", "Ledger and notes agree.");
    assert_eq!(books(&front.demo).0, 2_000_00);
    front.press(&["f1"]);
    front.shows("What would you like to do?");
    // After a fault the dispenser is looked at before cash is offered again.
    let offered = "return !document.querySelector('[data-line=\"2\"]').disabled";
    let can = Deadline::after(PATIENCE)
        .wait(|| (front.browser.in_frame(|| front.browser.run(offered, &[])) == json!(true)).then_some(()));
    assert!(can.is_some(), "no cash is offered");
    set("jam.present", "present: jam");
    front.ask_cash(&["8", "0"]);
    front.press(&["f2"]);
    front.shows("Please take your card");
    front.browser.click("#card-slot button");
    front.shows("We are checking this transaction");
    front.says("books", "perhaps paid, perhaps not");
    front.says("inside", "Stuck: dispenser");
    front.browser.click("#inside button");
    let clear = || front.browser.run("return !document.getElementById('inside').innerText.includes('Stuck')", &[]);
    assert!(Deadline::after(PATIENCE).wait(|| (clear() == json!(true)).then_some(())).is_some(), "the jam stays");
    front.is_content();
}

#[test]
fn a_pulled_cable_parts_the_machine_from_its_host_until_it_is_plugged_in() {
    let front = Front::open();
    front.shows("Please insert your card");
    front.browser.click("[data-plug] button");
    front.says("switches", "is pulled");
    front.shows("This machine is out of service");
    front.browser.click("[data-plug] button");
    front.says("switches", "is plugged in");
    front.shows("Please insert your card");
    front.log_in(JANE);
    front.is_content();
}

#[test]
fn power_that_is_cut_in_mid_visit_costs_nobody_anything() {
    let front = Front::open();
    let screen = || front.demo.get("/terminals/ATM901/screen").send().status();
    let charged = || {
        front.log_in(JANE);
        front.ask_cash(&["1", "8", "0"]);
        front.press(&["f2"]);
        front.shows("Please take your card");
        front.says("books", "$1,820.00");
    };
    let switch = |to: &str| {
        front.browser.click("[data-switch] button");
        front.says("switches", to);
    };
    // The notes lie on the stacker, and nobody saw them.
    charged();
    switch("The power is off");
    front.says("cover", "No power");
    assert_eq!(screen(), 503);
    front.browser.click("#card-slot button");
    switch("The power is on");
    front.says("books", "Given back");
    front.says("books", "$2,000.00");
    front.says("books", "Ledger and notes agree.");
    assert_eq!(screen(), 200);
    // The page of the machine's new life is in its frame, without anybody's doing.
    front.shows("Please insert your card");
    assert_eq!(books(&front.demo).0, 2_000_00);
    // They lie at the slot, and are taken in the dark.
    charged();
    front.browser.click("#card-slot button");
    front.says("cash-slot", "5 notes");
    switch("The power is off");
    is_well(&front, "off");
    front.browser.click("#cash-slot button.main");
    front.says("cash-slot", "nothing there");
    front.says("books", "$180.00 is out of the machine, and on its way into the ledger.");
    switch("The power is on");
    front.says("books", "$9,820.00");
    front.says("books", "Ledger and notes agree.");
    front.shows("Please insert your card");
    assert_eq!(books(&front.demo).0, 1_820_00);
}

#[test]
fn nobody_acts_at_the_panel_from_another_page() {
    let demo = Demo::start();
    let act = |form: &str| {
        let ask = demo.post("/terminals/ATM901/panel/act").header("Content-Type", "application/x-www-form-urlencoded");
        ask.bytes(form.as_bytes().to_vec())
    };
    let own = demo.url();
    let pull = || act("act=cable&plug=out");
    for origin in ["http://evil.example", "null", &own.replace("http://127.0.0.1", "http://localhost")] {
        assert_eq!(pull().header("Origin", origin).send().status(), 403, "{origin}");
    }
    assert_eq!(pull().send().status(), 403, "a page that does not say where it is from");
    assert_eq!(pull().header("Origin", &own).header("Host", "evil.example").send().status(), 421);
    let page = || demo.get("/terminals/ATM901/panel").send();
    assert!(page().text().contains("data-plug=\"in\""), "somebody pulled the cable");
    assert_eq!(demo.get("/terminals/ATM901/panel").header("Host", "evil.example").send().status(), 421);
    let policy = page().header("content-security-policy").unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'self'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for (form, status) in [("act=rob", 422), ("act", 400), ("act=take-card", 303), ("act=take-card&by=script", 409)] {
        assert_eq!(act(form).header("Origin", &own).send().status(), status, "{form}");
    }
    let text = demo.post("/terminals/ATM901/panel/act").header("Origin", &own).json("{}").send();
    assert_eq!(text.status(), 415);
    assert_eq!(pull().header("Origin", &own).send().status(), 303, "a browser without the script");
    assert!(page().text().contains("data-plug=\"out\""), "the page's own form does nothing");
}

#[test]
fn a_terminal_that_runs_alone_has_no_panel() {
    let network = Network::start(1, Wiring::Direct, Motion(0));
    let said = network.machines[0].terminal.as_ref().expect("it runs").stderr();
    let (_, url) = said.rsplit_once("is at http://").expect("it says where its screen is");
    let address = url.split('/').next().unwrap();
    let terminal = Site::new(address.parse().unwrap());
    assert_eq!(terminal.get("/screen").send().status(), 200);
    for path in ["/panel", "/panel/live", "/panel/panel.js"] {
        assert_eq!(terminal.get(path).send().status(), 404, "{path}");
    }
    let origin = format!("http://{address}");
    assert_eq!(terminal.post("/panel/act").header("Origin", &origin).send().status(), 404);
}
