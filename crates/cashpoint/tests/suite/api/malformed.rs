//! Malformed, oversized and hostile requests: the documented answer each time, and the host unharmed.

use std::time::Duration;

use crate::support::http::PATIENCE;
use crate::support::process::is_unharmed;
use crate::support::{Answer, Demo, Online};

struct Bench {
    demo: Demo,
    online: Online,
}

impl Bench {
    fn new() -> Self {
        let demo = Demo::start();
        let online = Online::with(&demo, "savings", "1000.00");
        Self { demo, online }
    }

    fn path(&self) -> String {
        format!("/api/accounts/{}/deposit", self.online.account)
    }

    /// Deposits with this body.
    fn post(&self, body: &[u8]) -> Answer {
        let ask = self.demo.post(&self.path()).bearer(&self.online.token).header("Content-Type", "application/json");
        ask.bytes(body.to_vec()).send()
    }

    /// Sends these bytes on a connection of their own; `…` stands for the usual headers.
    fn raw(&self, request: &str, body: &[u8]) -> (Answer, crate::support::http::Line) {
        let usual = format!(
            "Host: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json",
            self.demo.address(),
            self.online.token
        );
        let head = request.replace("PATH", &self.path()).replace("…", &usual);
        let mut line = self.demo.line();
        let bytes = [head.as_bytes(), body].concat();
        (Answer::to(&head, line.exchange(&bytes).unwrap()), line)
    }

    fn unharmed(&self) {
        is_unharmed(&self.demo, &self.online.token, &self.online.account);
    }
}

#[test]
fn it_refuses_bodies_that_are_not_what_was_asked_for() {
    let bench = Bench::new();
    let deep_lists = "[".repeat(30_000);
    let deep_objects = r#"{"a":"#.repeat(8_000);
    let deep_amount = format!(r#"{{"amount":{}1{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    let long_name = format!(r#"{{"{}":1}}"#, "x".repeat(60_000));
    let rows: [(&[u8], &str); 38] = [
        (b"", ""),
        (b" ", ""),
        (b"{", ""),
        (b"}", ""),
        (b"{}", r#""field":"amount""#),
        (b"[]", ""),
        (b"null", ""),
        (b"1", ""),
        (b"\"amount\"", ""),
        (b"true", ""),
        (b"{\"amount\":1", ""),
        (b"{\"amount\":1}}", ""),
        (b"{\"amount\":1}{\"amount\":1}", ""),
        (b"{\"amount\":1,}", ""),
        (b"{\"amount\" 1}", ""),
        (b"{amount:1}", ""),
        (b"{'amount':1}", ""),
        (b"{\"amount\":1 /* cash */}", ""),
        (b"{\"amount\":1}\0", ""),
        (b"\0", ""),
        (b"\xef\xbb\xbf{\"amount\":1}", ""),
        (b"\xff\xfe{\0}\0", ""),
        (b"{\"amount\":1,\"atm_id\":\"\xff\"}", ""),
        (b"{\"amount\":1,\"atm_id\":\"\xc3\"}", ""),
        (b"{\"amount\":1,\"atm_id\":\"\xed\xa0\x80\"}", ""),
        (b"{\"amount\":1,\"atm_id\":\"\\ud800\"}", r#""field?":"atm_id""#),
        (b"{\"amount\":1,\"atm_id\":\"\n\"}", r#""field?":"atm_id""#),
        (b"{\"amount\":1,\"atm_id\":5}", r#""field":"atm_id""#),
        (b"{\"amount\":1,\"atm_id\":null}", r#""field":"atm_id""#),
        (b"{\"amount\":1,\"atm_id\":\"\"}", r#""field":"atm_id""#),
        (b"{\"amount\":1,\"Amount\":1}", r#""field":"Amount""#),
        (b"{\"amount\":1,\"currency\":\"USD\"}", r#""field":"currency""#),
        (b"{\"amount\":1,\"amount\":1}", r#""field":"amount""#),
        (b"{\"amount\":1,\"\\u0061mount\":1}", r#""field":"amount""#),
        (deep_lists.as_bytes(), ""),
        (deep_objects.as_bytes(), r#""field?":"<text>""#),
        (deep_amount.as_bytes(), r#""field?":"amount""#),
        (long_name.as_bytes(), r#""field":"<text>""#),
    ];
    for (body, more) in rows {
        bench.post(body).refused(400, "invalid_request", more);
        bench.unharmed();
    }
    assert_eq!(bench.online.balance(&bench.demo), 1000_00);
}

#[test]
fn it_takes_a_body_of_64_kib_and_no_more() {
    let bench = Bench::new();
    let body = |length: usize| {
        let mut body = br#"{"amount":1.00}"#.to_vec();
        body.resize(length, b' ');
        body
    };
    assert_eq!(bench.post(&body(65_536)).status(), 201);
    let over = bench.post(&body(65_537));
    over.refused(413, "body_too_large", "");
    assert_eq!(over.header("connection"), Some("close"));
    bench.unharmed();

    // Answered from the header alone: not a byte of the body is sent.
    for length in ["65537", "1000000000000", "9223372036854775807"] {
        let (answer, mut line) =
            bench.raw(&format!("POST PATH HTTP/1.1\r\n…\r\nContent-Length: {length}\r\n\r\n"), b"");
        answer.refused(413, "body_too_large", "");
        assert!(line.closes_within(PATIENCE), "the connection closes");
        bench.unharmed();
    }

    // Without a declared length it is counted.
    let chunked = |length: usize| {
        let body = body(length);
        let mut bytes = Vec::new();
        for chunk in body.chunks(10_000) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bench.raw("POST PATH HTTP/1.1\r\n…\r\nTransfer-Encoding: chunked\r\n\r\n", &bytes).0
    };
    assert_eq!(chunked(65_536).status(), 201);
    chunked(65_537).refused(413, "body_too_large", "");
    bench.unharmed();
    assert_eq!(bench.online.balance(&bench.demo), 1002_00);
}

#[test]
fn it_wants_json_and_says_so() {
    let bench = Bench::new();
    let post = |media: Option<&str>| {
        let ask = bench.demo.post(&bench.path()).bearer(&bench.online.token).bytes(br#"{"amount":1.00}"#.to_vec());
        match media {
            Some(media) => ask.header("Content-Type", media),
            None => ask,
        }
        .send()
    };
    for media in
        ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"]
    {
        assert_eq!(post(Some(media)).status(), 201, "{media}");
    }
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/xml",
        "json",
        "",
        "*/*",
        "multipart/form-data; boundary=x",
    ] {
        post(Some(media)).refused(415, "unsupported_media_type", "");
    }
    post(None).refused(415, "unsupported_media_type", "");
    bench.demo.post(&bench.path()).bearer(&bench.online.token).refused(415, "unsupported_media_type", "");
    assert_eq!(bench.online.balance(&bench.demo), 1004_00);
}

#[test]
fn it_survives_what_is_no_http() {
    let bench = Bench::new();
    let long_header = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(1_000_000));
    let many_headers = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-A: b\r\n".repeat(10_000));
    let long_path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(1_000_000));
    let rows: [&[u8]; 16] = [
        b"\r\n\r\n\r\n\r\n",
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA\0B: c\r\n\r\n",
        b"GET / HTTP/1.1\r\n\x80\x81: c\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        long_header.as_bytes(),
        many_headers.as_bytes(),
        long_path.as_bytes(),
    ];
    for request in rows {
        let mut line = bench.demo.line();
        // The host may close before all of it is written.
        let _ = line.write(request);
        let answer = line.read().ok();
        assert!(
            answer.is_none_or(|answer| (400..500).contains(&answer.status)),
            "{}",
            String::from_utf8_lossy(&request[..request.len().min(80)])
        );
        bench.unharmed();
    }
    for path in [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//",
        "/api//accounts",
        "/api/accounts/",
        "/%00",
        "/%ff",
        "/api/%61ccounts/x/y",
    ] {
        let answer = bench.demo.get(path).bearer(&bench.online.token).send();
        assert!(matches!(answer.status(), 400 | 404), "{answer}");
    }
    bench.unharmed();
}

#[test]
fn it_closes_on_slow_and_silent_clients_and_serves_the_others() {
    let bench = Bench::new();
    let silent: Vec<_> = (0..100).map(|_| bench.demo.line()).collect();
    let mut half: Vec<_> = (0..100)
        .map(|_| {
            let mut line = bench.demo.line();
            line.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow").unwrap();
            line
        })
        .collect();
    let mut half_body = bench.demo.line();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
        bench.path(),
        bench.demo.address(),
        bench.online.token
    );
    half_body.write(head.as_bytes()).unwrap();
    for _ in 0..20 {
        bench.unharmed();
    }
    let limit = Duration::from_secs(45);
    for line in half.iter_mut().take(3) {
        // Whether it says why or not, it does not keep the connection.
        assert!(line.read().is_ok() || !line.is_quiet(), "a half request is not waited for for ever");
    }
    assert!(half_body.read().is_ok_and(|response| response.status >= 400) || half_body.closes_within(limit));
    let closed = silent.into_iter().take(1).all(|mut line| line.closes_within(limit));
    assert!(closed, "a connection that says nothing is closed");
    bench.unharmed();
}
