//! A host that is killed between commit and delivery: what happened is told once by id, and nothing that did not.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::deadline::Deadline;
use crate::support::process::cashpoint;
use crate::support::{Demo, Json, Online};

const PATIENCE: Duration = Duration::from_secs(120);

/// A message as it came in.
struct Message {
    id: String,
    body: Json,
}

/// A webhook receiver that takes messages and answers none until it is told to.
struct Receiver {
    address: SocketAddr,
    answers: AtomicBool,
    taken: Mutex<Vec<Message>>,
}

impl Receiver {
    fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let receiver = Arc::new(Self { address, answers: AtomicBool::new(false), taken: Mutex::default() });
        let own = Arc::clone(&receiver);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let own = Arc::clone(&own);
                // A host that is killed breaks its connections.
                std::thread::spawn(move || own.serve(stream.unwrap()));
            }
        });
        receiver
    }

    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let (mut id, mut length, mut line) = (String::new(), 0, String::new());
            while stream.read_line(&mut line)? > 2 {
                let (name, value) = line.split_once(':').unwrap_or_default();
                match name.to_ascii_lowercase().as_str() {
                    "webhook-id" => value.trim().clone_into(&mut id),
                    "content-length" => length = value.trim().parse().unwrap(),
                    _ => {}
                }
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body)?;
            if length == 0 {
                return Ok(());
            }
            let body = Json::parse(&String::from_utf8(body).unwrap()).unwrap();
            self.taken.lock().unwrap().push(Message { id, body });
            if !self.answers.load(Ordering::SeqCst) {
                // Until the host is dead, or gives up.
                stream.read_exact(&mut [0])?;
            }
            stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
        }
    }

    /// Ids of a customer's messages of one type.
    fn ids(&self, customer: &str, kind: &str) -> BTreeSet<String> {
        let taken = self.taken.lock().unwrap();
        let own = taken.iter().filter(|message| {
            let data = message.body.member("data");
            data.member("customer_id").text() == customer && message.body.member("type").text() == kind
        });
        own.map(|message| message.id.clone()).collect()
    }

    #[track_caller]
    fn wait_for(&self, customer: &str, kind: &str) {
        let arrived = Deadline::after(PATIENCE).wait(|| (!self.ids(customer, kind).is_empty()).then_some(()));
        assert!(arrived.is_some(), "no {kind} arrived");
    }
}

/// A demo that sends webhooks.
fn demo(folder: &std::path::Path, receiver: &Receiver) -> Command {
    let secret = folder.join("webhook-secret");
    std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    let mut command = cashpoint();
    command.arg("demo").arg("--data").arg(folder);
    command.env("CASHPOINT_WEBHOOK_URL", format!("http://{}/hook", receiver.address));
    command.env("CASHPOINT_WEBHOOK_SECRET_FILE", secret);
    command
}

/// Ids of the outbox's notifications of one type.
fn shown(demo: &Demo, customer: &str, kind: &str) -> BTreeSet<String> {
    let answer = demo.get(&format!("/sandbox/outbox?customer_id={customer}")).send();
    let answer = answer.json();
    let own = answer.member("notifications").list().iter().filter(|one| one.member("type").text() == kind);
    own.map(|one| one.member("notification_id").text().to_owned()).collect()
}

#[test]
fn tells_of_a_withdrawal_once_although_the_host_was_killed_before_it_could() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::start());
    let mut running = Demo::with(&mut demo(folder.path(), &receiver));
    let online = Online::with(&running, "savings", "100.00");
    assert_eq!(online.withdraw(&running, "20.00").send().status(), 201);
    assert_eq!(online.withdraw(&running, "120.00").send().status(), 422);
    running.process().kill();
    assert_eq!(receiver.ids(&online.customer, "withdrawal").len(), 0, "nothing gets past what was not answered");
    receiver.answers.store(true, Ordering::SeqCst);
    let running = Demo::with(&mut demo(folder.path(), &receiver));
    for kind in ["withdrawal", "refused"] {
        receiver.wait_for(&online.customer, kind);
    }
    // In order for each customer: whatever else there is of theirs came before this.
    let other = Online::sign_up(&running, "savings");
    receiver.wait_for(&other.customer, "account_opened");
    for kind in ["withdrawal", "refused"] {
        let arrived = receiver.ids(&online.customer, kind);
        assert_eq!(arrived.len(), 1, "{kind}: {arrived:?}");
        assert_eq!(arrived, shown(&running, &online.customer, kind));
    }
    let declined = receiver.ids(&online.customer, "refused");
    let taken = receiver.taken.lock().unwrap();
    let message = taken.iter().find(|message| declined.contains(&message.id)).unwrap();
    assert_eq!(message.body.at("/data/code").text(), "insufficient_funds");
}

#[test]
fn tells_again_under_the_same_id_what_nobody_answered() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::start());
    let mut running = Demo::with(&mut demo(folder.path(), &receiver));
    let online = Online::sign_up(&running, "savings");
    let first = Deadline::after(PATIENCE).wait(|| receiver.taken.lock().unwrap().first().map(|m| m.id.clone()));
    running.process().kill();
    receiver.answers.store(true, Ordering::SeqCst);
    let running = Demo::with(&mut demo(folder.path(), &receiver));
    receiver.wait_for(&online.customer, "log_in");
    let taken = receiver.taken.lock().unwrap();
    let again = taken.iter().filter(|message| Some(&message.id) == first.as_ref()).count();
    assert_eq!(again, 2, "at least once, under one id");
    drop(taken);
    for kind in ["account_opened", "log_in"] {
        assert_eq!(receiver.ids(&online.customer, kind), shown(&running, &online.customer, kind));
    }
}

#[test]
fn refuses_to_start_with_half_of_a_setting() {
    for (name, value) in [("CASHPOINT_WEBHOOK_URL", "http://127.0.0.1:1/"), ("CASHPOINT_SMTP_URL", "smtp://localhost")]
    {
        let folder = tempfile::tempdir().unwrap();
        let mut command = cashpoint();
        command.args(["demo", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path()).env(name, value);
        let (code, _, error) = crate::support::process::told(&crate::support::process::finish(&mut command));
        assert_eq!(code, 2, "{error}");
        assert!(error.contains("go together"), "{error}");
    }
}
