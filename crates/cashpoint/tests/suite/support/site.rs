//! Asking a host, and the `check` that knows what holds for every answer of the interface.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Mutex;

use super::http::{Line, Response};
use super::json::Json;

/// Where a host serves, and the connections that wait to be used again.
pub(crate) struct Site {
    address: SocketAddr,
    idle: Mutex<Vec<Line>>,
}

impl Site {
    /// A host at this address.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, idle: Mutex::default() }
    }

    /// Where.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://ADDRESS`
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A connection of one's own.
    pub(crate) fn line(&self) -> Line {
        Line::open(self.address).expect("the host takes connections")
    }

    /// GET
    pub(crate) fn get(&self, path: &str) -> Ask<'_> {
        self.ask("GET", path)
    }

    /// POST
    pub(crate) fn post(&self, path: &str) -> Ask<'_> {
        self.ask("POST", path)
    }

    /// PUT
    pub(crate) fn put(&self, path: &str) -> Ask<'_> {
        self.ask("PUT", path)
    }

    /// PATCH
    pub(crate) fn patch(&self, path: &str) -> Ask<'_> {
        self.ask("PATCH", path)
    }

    /// DELETE
    pub(crate) fn delete(&self, path: &str) -> Ask<'_> {
        self.ask("DELETE", path)
    }

    /// Any method.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        let (method, path) = (method.to_owned(), path.to_owned());
        Ask { site: self, method, path, headers: Vec::new(), body: None }
    }

    fn exchange(&self, bytes: &[u8]) -> std::io::Result<Response> {
        let waiting =
            std::iter::from_fn(|| self.idle.lock().unwrap().pop()).find_map(|mut line| line.is_quiet().then_some(line));
        let mut line = match waiting {
            Some(line) => line,
            None => Line::open(self.address)?,
        };
        let response = line.exchange(bytes)?;
        if response.header("connection") != Some("close") {
            self.idle.lock().unwrap().push(line);
        }
        Ok(response)
    }
}

/// A request in the making.
#[derive(Clone)]
pub(crate) struct Ask<'a> {
    site: &'a Site,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl<'a> Ask<'a> {
    /// With this header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// In this session; an empty token sends none.
    pub(crate) fn bearer(self, token: &str) -> Self {
        if token.is_empty() { self } else { self.header("Authorization", &format!("Bearer {token}")) }
    }

    /// Under this idempotency key.
    pub(crate) fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    /// With this channel credential, if there is one.
    pub(crate) fn channel(self, credential: Option<&str>) -> Self {
        match credential {
            Some(credential) => self.header("Cashpoint-Channel", credential),
            None => self,
        }
    }

    /// With this body, said to be JSON.
    pub(crate) fn json(self, body: impl Into<String>) -> Self {
        let body: String = body.into();
        self.header("Content-Type", "application/json").bytes(body.into_bytes())
    }

    /// With this body, of no type.
    pub(crate) fn bytes(mut self, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self
    }

    /// The request on the wire.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        let mut line = |name: &str, value: &str| head.push_str(&format!("{name}: {value}\r\n"));
        if !self.headers.iter().any(|(name, _)| name == "Host") {
            line("Host", &self.site.address.to_string());
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        if let Some(body) = &self.body {
            line("Content-Length", &body.len().to_string());
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }

    /// Sends it; panics if no answer comes.
    #[track_caller]
    pub(crate) fn send(&self) -> Answer {
        self.try_send().unwrap_or_else(|error| panic!("{self} → {error}"))
    }

    /// Sends it; an error is one of the connection.
    pub(crate) fn try_send(&self) -> std::io::Result<Answer> {
        Ok(Answer { about: self.to_string(), response: self.site.exchange(&self.to_bytes())? })
    }

    /// Sends it on this connection.
    pub(crate) fn send_on(&self, line: &mut Line) -> std::io::Result<Answer> {
        Ok(Answer { about: self.to_string(), response: line.exchange(&self.to_bytes())? })
    }

    /// Sends it and checks the answer: [`Answer::expect`].
    #[track_caller]
    pub(crate) fn expect(&self, status: u16, pattern: &str) -> Json {
        self.send().expect(status, pattern)
    }

    /// Sends it and checks the refusal: [`Answer::refused`].
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str, more: &str) -> Json {
        self.send().refused(status, code, more)
    }
}

impl fmt::Display for Ask<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)?;
        let telling = self.headers.iter().filter(|(name, _)| name != "Authorization" && name != "Content-Type");
        for (name, value) in telling {
            write!(formatter, " [{name}: {}]", cut(value.as_bytes()))?;
        }
        match &self.body {
            Some(body) => write!(formatter, " {}", cut(body)),
            None => Ok(()),
        }
    }
}

/// So many connections, open at once.
pub(crate) fn lines(site: &Site, count: usize) -> Vec<Line> {
    (0..count).map(|_| site.line()).collect()
}

/// Writes every request before it reads any answer, so that the host has all of them at once.
pub(crate) fn all_at_once(asks: &[Ask<'_>], lines: &mut [Line]) -> Vec<Answer> {
    assert_eq!(asks.len(), lines.len(), "each request has a connection of its own");
    for (ask, line) in asks.iter().zip(lines.iter_mut()) {
        line.write(&ask.to_bytes()).unwrap();
    }
    asks.iter().zip(lines).map(|(ask, line)| Answer::to(&ask.to_string(), line.read().unwrap())).collect()
}

/// As text, and not too much of it.
fn cut(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    match text.char_indices().nth(600) {
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], bytes.len()),
        None => text.into_owned(),
    }
}

/// A host's answer, and to what.
#[derive(Clone)]
pub(crate) struct Answer {
    about: String,
    response: Response,
}

impl Answer {
    /// A response that was read without [`Ask::send`].
    pub(crate) fn to(about: &str, response: Response) -> Self {
        Self { about: about.to_owned(), response }
    }

    /// Status code.
    pub(crate) fn status(&self) -> u16 {
        self.response.status
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.header(name)
    }

    /// The body as text.
    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.response.body).unwrap_or_else(|error| panic!("{self}: {error}"))
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Json {
        Json::parse(self.text()).unwrap_or_else(|error| panic!("{self}: {error}"))
    }

    /// The answer as far as it may be compared with another: status and body, without the request's id.
    #[track_caller]
    pub(crate) fn comparable(&self) -> (u16, String) {
        let id = self.header("x-request-id").unwrap_or_else(|| panic!("{self}: no X-Request-Id"));
        (self.status(), self.text().replace(id, "REQUEST"))
    }

    /// Checks a success: status, what every answer carries, and the body against a pattern (empty: no body).
    #[track_caller]
    pub(crate) fn expect(&self, status: u16, pattern: &str) -> Json {
        assert_eq!(self.status(), status, "{self}");
        let id = self.header("x-request-id").unwrap_or_else(|| panic!("{self}: no X-Request-Id"));
        assert!(!id.is_empty(), "{self}: an empty X-Request-Id");
        if pattern.is_empty() {
            assert!(self.response.body.is_empty(), "{self}: there should be no body");
            return Json::Null;
        }
        let media = if status < 400 { "application/json" } else { "application/problem+json" };
        assert_eq!(self.header("content-type"), Some(media), "{self}");
        let wanted = Json::parse(pattern).unwrap_or_else(|error| panic!("the pattern {pattern}: {error}"));
        let body = self.json();
        let differences = body.differences(&wanted);
        assert!(differences.is_empty(), "{self}\n{}", differences.join("\n"));
        body
    }

    /// Checks a problem document: status, code, all its fields, and `more` members such as `"available":200.00`.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str, more: &str) -> Json {
        let comma = if more.is_empty() { "" } else { "," };
        let pattern = format!(
            r#"{{"type":"<text>","title":"<text>","status":{status},"detail":"<text>","code":"{code}","request_id":"<text>"{comma}{more}}}"#
        );
        let body = self.expect(status, &pattern);
        assert_eq!(self.header("x-request-id"), Some(body.member("request_id").text()), "{self}");
        let link = body.member("type").text();
        assert!(link.ends_with(&format!("/docs/errors#{code}")), "{self}: {link} is no link into /docs/errors");
        if matches!(status, 429 | 503) {
            let wait = self.header("retry-after").and_then(|wait| wait.parse::<u32>().ok());
            assert!(wait.is_some_and(|seconds| seconds > 0), "{self}: Retry-After says in how many seconds");
        }
        body
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\n→ {} {}", self.about, self.response.status, cut(&self.response.body))
    }
}
