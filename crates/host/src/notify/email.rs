//! Email over SMTP: one message for each event, in words.
//!
//! Each message has a connection of its own: one that is dropped half-way takes its answers with it, and none is ever
//! taken for the answer to the next message.
//!
//! Addresses are opened from the customer's sealed data when a message goes out and are kept nowhere. Customers without
//! one are not told. What a server answers may repeat an address, so only its code is written down.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use cashpoint_bank::bank::Bank;
use cashpoint_core::event::EventKind;
use cashpoint_core::notification::ChannelName;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::response::{Code, Severity};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::{Channel, Delivery, Notification, Sent, Trouble, name, words};

pub(super) const NAME: &str = "email";

/// Connections to the server.
const AT_ONCE: usize = 8;

/// What a mail server is reached with.
#[derive(Clone, Copy, Debug)]
pub struct EmailSetting<'a> {
    /// `smtps://user:password@host:465`, or `smtp://host:587` with `?tls=required` (the default beyond this machine),
    /// `?tls=opportunistic`, or nothing on this machine.
    pub server: &'a str,
    /// The sender: `Bank <no-reply@bank.example>`.
    pub from: &'a str,
    /// How long a delivery may take.
    pub deadline: Duration,
}

/// Why there is no email.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EmailError {
    /// Not the address of a mail server.
    Server,
    /// Not the address of a sender.
    From,
}

/// The operator's mail server.
pub struct Email {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    deadline: Duration,
    bank: Bank,
}

impl Email {
    /// Sends through a server.
    ///
    /// # Errors
    /// [`EmailError`].
    pub fn new(bank: Bank, setting: EmailSetting<'_>) -> Result<Self, EmailError> {
        let EmailSetting { server, from, deadline } = setting;
        let from: Mailbox = from.parse().map_err(|_| EmailError::From)?;
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(&with_tls(server)?);
        let server = server.map_err(|_| EmailError::Server)?.timeout(Some(deadline)).build();
        Ok(Self { server, from, deadline, bank })
    }

    async fn send(&self, notification: Notification) -> Sent {
        let Notification { id, event } = notification;
        let (bank, customer) = (self.bank.clone(), event.customer);
        let Ok(Ok(addressee)) = tokio::task::spawn_blocking(move || bank.addressee(customer)).await else {
            return later("the customer's data cannot be read", Trouble::Channel);
        };
        let Some(address) = addressee.email else {
            return Sent::Delivered;
        };
        let Ok(address) = address.parse::<Address>() else {
            return Sent::Never { why: "the address is none that mail can go to".to_owned() };
        };
        let foreign = !address.to_string().is_ascii();
        let (subject, text) = words::of(notification, &addressee.name);
        let since_epoch = Duration::from_micros(u64::try_from(event.at.micros()).unwrap_or(0));
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(Some(addressee.name), address))
            .subject(subject)
            .date(UNIX_EPOCH + since_epoch)
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(text);
        let Ok(message) = message else {
            return Sent::Never { why: "no message can be made of it".to_owned() };
        };
        match self.server.send(message).await {
            Ok(_) => Sent::Delivered,
            Err(error) => match error.status() {
                Some(code) => of_code(code),
                // Headers and text are ASCII whatever is in them; only an address cannot be.
                None if error.is_client() && foreign => {
                    Sent::Never { why: "the server takes no address in other letters than ASCII".to_owned() }
                }
                None if error.is_client() => later("the server lacks STARTTLS or a way to log in", Trouble::Channel),
                None if error.is_timeout() => later("timed out", Trouble::Channel),
                None if error.is_tls() => later("TLS failed", Trouble::Channel),
                None => later("no connection, or it broke off", Trouble::Channel),
            },
        }
    }
}

fn later(why: &str, trouble: Trouble) -> Sent {
    Sent::Later { why: why.to_owned(), after_ms: None, trouble }
}

/// What a server's refusal means. Only those of a mailbox are for ever; that the server does not want us (5.3, 5.7, a
/// log-in) may be put right.
fn of_code(code: Code) -> Sent {
    let why = format!("SMTP {code}");
    let number: u16 = why[5..].parse().unwrap_or(0);
    match (code.severity, number) {
        (_, 501 | 550..=553) => Sent::Never { why },
        (_, 421) => later(&why, Trouble::Channel),
        (Severity::TransientNegativeCompletion, _) => later(&why, Trouble::Message),
        (Severity::PermanentNegativeCompletion | Severity::PositiveCompletion | Severity::PositiveIntermediate, _) => {
            later(&why, Trouble::Channel)
        }
    }
}

/// The server's address with the protection that it is to have, if it does not say.
fn with_tls(server: &str) -> Result<String, EmailError> {
    if server.starts_with("smtps://") || server.contains("tls=") {
        return Ok(server.to_owned());
    }
    let rest = server.strip_prefix("smtp://").ok_or(EmailError::Server)?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let place = authority.rsplit('@').next().unwrap_or_default();
    let host = match place.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => place.split(':').next().unwrap_or_default(),
    };
    let own = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    let mark = if rest.contains('?') { '&' } else { '?' };
    Ok(if own { server.to_owned() } else { format!("{server}{mark}tls=required") })
}

/// Security and money; coming and going, and looking, are for those who ask for it.
pub(super) const fn usually(kind: EventKind) -> bool {
    match kind {
        EventKind::CardBlocked
        | EventKind::CardLocked
        | EventKind::CardUnblocked
        | EventKind::CardIssued
        | EventKind::CardReported
        | EventKind::CardRemoved
        | EventKind::PinChanged
        | EventKind::PasswordChanged
        | EventKind::ProfileChanged
        | EventKind::AccountOpened
        | EventKind::AccountClosed
        | EventKind::Withdrawal
        | EventKind::Deposit
        | EventKind::TransferIn
        | EventKind::TransferOut
        | EventKind::Fee
        | EventKind::Reversal
        | EventKind::Suspect
        | EventKind::Refused
        | EventKind::Overdrawn
        | EventKind::DepositHeld
        | EventKind::CardRetained => true,
        EventKind::LoggedIn | EventKind::LoggedOut | EventKind::BalanceRead => false,
    }
}

impl Channel for Email {
    fn name(&self) -> ChannelName {
        name(NAME)
    }

    fn usually(&self) -> fn(EventKind) -> bool {
        usually
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn deadline(&self) -> Duration {
        self.deadline
    }

    fn deliver(self: Arc<Self>, notification: Notification) -> Delivery {
        Box::pin(async move { self.send(notification).await })
    }
}

impl fmt::Display for EmailError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Server => "a mail server is named as smtp://host:587 or smtps://user:password@host:465",
            Self::From => "the sender of mail is named as \"Bank <no-reply@bank.example>\"",
        })
    }
}

impl std::error::Error for EmailError {}

#[cfg(test)]
mod tests {
    use lettre::transport::smtp::response::{Category, Detail};

    use super::*;

    #[test]
    fn protects_what_leaves_this_machine() {
        let check = |server: &str, expected: &str| assert_eq!(with_tls(server).as_deref(), Ok(expected));
        check("smtp://127.0.0.1:2525", "smtp://127.0.0.1:2525");
        check("smtp://localhost", "smtp://localhost");
        check("smtp://[::1]:2525/", "smtp://[::1]:2525/");
        check("smtp://mail.example:587", "smtp://mail.example:587?tls=required");
        check("smtp://127.0.0.1:p@mail.example", "smtp://127.0.0.1:p@mail.example?tls=required");
        check("smtp://mail.example?x=y", "smtp://mail.example?x=y&tls=required");
        check("smtp://mail.example?tls=opportunistic", "smtp://mail.example?tls=opportunistic");
        check("smtps://mail.example", "smtps://mail.example");
        assert_eq!(with_tls("mail.example:25"), Err(EmailError::Server));
    }

    #[test]
    fn gives_up_on_mailboxes_alone() {
        let code = |severity, category, detail| of_code(Code { severity, category, detail });
        let (transient, permanent) = (Severity::TransientNegativeCompletion, Severity::PermanentNegativeCompletion);
        let never = code(permanent, Category::MailSystem, Detail::Zero);
        assert_eq!(never, Sent::Never { why: "SMTP 550".to_owned() });
        let full = code(transient, Category::MailSystem, Detail::Two);
        assert_eq!(full, later("SMTP 452", Trouble::Message));
        assert_eq!(code(transient, Category::Connections, Detail::One), later("SMTP 421", Trouble::Channel));
        assert_eq!(code(permanent, Category::Unspecified3, Detail::Five), later("SMTP 535", Trouble::Channel));
        assert_eq!(code(permanent, Category::MailSystem, Detail::Four), later("SMTP 554", Trouble::Channel));
    }
}
