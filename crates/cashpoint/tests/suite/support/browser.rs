//! A real browser: Chromium without a window, driven over WebDriver (W3C) by its own driver. The protocol is small and
//! plain JSON over HTTP, so it is spoken here with the client that the other tests have.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::deadline::Deadline;
use super::machine::lasting_port;
use super::process::Process;

/// How long a page may take to be as it should be, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Nothing of the tests leaves this machine, and nothing of an earlier one is left. Tests run as root on build machines,
/// where Chromium has no sandbox to build.
const ARGUMENTS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--autoplay-policy=no-user-gesture-required",
];

/// A browser with one page.
pub(crate) struct Browser {
    agent: ureq::Agent,
    session: String,
    driver: Process,
    // Goes last: the browser must have ended before its profile goes.
    _profile: tempfile::TempDir,
}

impl Browser {
    /// A new one, with an empty profile.
    #[track_caller]
    pub(crate) fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        // One that the system picks is free for the first of the driver's two addresses only.
        let port = lasting_port();
        let mut driver = Process::spawn(Command::new("chromedriver").arg(format!("--port={port}")));
        driver.line("ChromeDriver was started successfully on port ");
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE * 2)).build().into();
        let profile_argument = format!("--user-data-dir={}", profile.path().display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([profile_argument.as_str()]).collect();
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let base = format!("http://127.0.0.1:{port}");
        let started = ask(&agent, &format!("{base}/session"), &wanted);
        let id = started["sessionId"].as_str().unwrap_or_else(|| panic!("no browser: {started}")).to_owned();
        Self { agent, session: format!("{base}/session/{id}"), driver, _profile: profile }
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        ask(&self.agent, &format!("{}{path}", self.session), body)
    }

    /// Opens a page.
    #[track_caller]
    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// Runs a script in the page, as the body of a function with these arguments; what it returns, also by a promise.
    #[track_caller]
    pub(crate) fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// Presses keys, one after the other.
    #[track_caller]
    pub(crate) fn press(&self, keys: &[&str]) {
        let each = keys.iter().flat_map(|key| {
            let code = code(key);
            ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": code}))
        });
        let actions: Vec<Value> = each.collect();
        self.post("/actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}));
    }

    /// Clicks on something, as soon as it is there, can be clicked on and is not covered.
    #[track_caller]
    pub(crate) fn click(&self, selector: &str) {
        let mut last = String::new();
        let clicked = Deadline::after(PATIENCE).wait(|| match self.try_click(selector) {
            Ok(()) => Some(()),
            Err(why) => {
                last = why;
                None
            }
        });
        assert!(clicked.is_some(), "{selector} cannot be clicked on: {last}\n{}", self.text());
    }

    fn try_click(&self, selector: &str) -> Result<(), String> {
        let wanted = json!({"using": "css selector", "value": selector});
        let found = try_ask(&self.agent, &format!("{}/element", self.session), &wanted)?;
        let element = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        let element = format!("{}/element/{}", self.session, element.ok_or("no element")?);
        let enabled: Value = self
            .agent
            .get(format!("{element}/enabled"))
            .call()
            .and_then(|mut answer| answer.body_mut().read_json())
            .map_err(|error| error.to_string())?;
        if enabled["value"] != json!(true) {
            return Err("it is disabled".to_owned());
        }
        try_ask(&self.agent, &format!("{element}/click"), &json!({})).map(drop)
    }

    /// Clicks at this place of the page, in its pixels.
    #[track_caller]
    pub(crate) fn click_at(&self, x: &Value, y: &Value) {
        let down = json!({"type": "pointerDown", "button": 0});
        let up = json!({"type": "pointerUp", "button": 0});
        let there = json!({"type": "pointerMove", "x": x, "y": y});
        let mouse = json!({"type": "pointer", "id": "mouse", "actions": [there, down, up]});
        self.post("/actions", &json!({"actions": [mouse]}));
    }

    /// Does something in the page within this page's only frame.
    #[track_caller]
    pub(crate) fn in_frame<T>(&self, what: impl FnOnce() -> T) -> T {
        self.post("/frame", &json!({"id": 0}));
        let done = what();
        self.post("/frame/parent", &json!({}));
        done
    }

    /// Sets how large the page is, and how large its text, in percent.
    #[track_caller]
    pub(crate) fn resize(&self, (width, height): (u32, u32), text: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        let command = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": size});
        self.post("/goog/cdp/execute", &command);
        self.run(
            "document.documentElement.style.setProperty('font-size', arguments[0])",
            &[json!(match text {
                100 => String::new(),
                more => format!("calc({} * var(--text-size))", f64::from(more) / 100.0),
            })],
        );
    }

    /// Saves a picture of the page (PNG).
    #[track_caller]
    pub(crate) fn picture(&self, file: &Path) {
        let url = format!("{}/screenshot", self.session);
        let answer: Value = self.agent.get(&url).call().unwrap().body_mut().read_json().unwrap();
        let bytes = BASE64.decode(answer["value"].as_str().unwrap().as_bytes()).unwrap();
        std::fs::write(file, bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    /// What the browser complained of since it was asked last: broken scripts, refused resources, violated policies.
    #[track_caller]
    pub(crate) fn complaints(&self) -> Vec<String> {
        let said = self.post("/se/log", &json!({"type": "browser"}));
        said.as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }

    /// The heading of what is shown; none while the page says that it is cut off, and while there is no page yet: a frame
    /// that is on its way to another one has none to run a script in.
    #[track_caller]
    pub(crate) fn heading(&self) -> Option<String> {
        let script = "return document.getElementById('cut').hidden ? document.querySelector('h1').textContent : null";
        let wanted = json!({"script": script, "args": []});
        let said = try_ask(&self.agent, &format!("{}/execute/sync", self.session), &wanted).ok()?;
        said.as_str().map(str::to_owned)
    }

    /// The whole text that can be seen.
    #[track_caller]
    pub(crate) fn text(&self) -> String {
        self.run("return document.body.innerText", &[]).as_str().unwrap().to_owned()
    }

    /// Waits for a heading.
    #[track_caller]
    pub(crate) fn shows(&self, heading: &str) {
        let shown = Deadline::after(PATIENCE).wait(|| (self.heading().as_deref() == Some(heading)).then_some(()));
        assert!(shown.is_some(), "{heading:?} is not shown:\n{}", self.text());
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends the browser; if it cannot, it is gone already.
        let _ = self.agent.delete(&self.session).call();
        self.driver.kill();
    }
}

/// A key as WebDriver names it: `Enter`, `F2`, `5`.
fn code(key: &str) -> String {
    let function = key.strip_prefix('F').and_then(|number| number.parse::<u32>().ok());
    match (key, function) {
        (_, Some(number)) => char::from_u32(0xE030 + number).expect("there are twelve").to_string(),
        ("Enter", None) => "\u{e007}".to_owned(),
        ("Escape", None) => "\u{e00c}".to_owned(),
        ("Tab", None) => "\u{e004}".to_owned(),
        ("Backspace", None) => "\u{e003}".to_owned(),
        ("Space", None) => " ".to_owned(),
        (other, None) => other.to_owned(),
    }
}

/// Asks the driver for something, and gives the value of its answer.
#[track_caller]
fn ask(agent: &ureq::Agent, url: &str, body: &Value) -> Value {
    try_ask(agent, url, body).unwrap_or_else(|said| panic!("{url}: {said}"))
}

/// The same; what the driver refuses is an error.
#[track_caller]
fn try_ask(agent: &ureq::Agent, url: &str, body: &Value) -> Result<Value, String> {
    let mut answer = agent.post(url).send_json(body).unwrap_or_else(|error| panic!("{url}: {error}"));
    let status = answer.status();
    let mut said: Value = answer.body_mut().with_config().limit(64 << 20).read_json().unwrap();
    if status.is_success() { Ok(said["value"].take()) } else { Err(said.to_string()) }
}
