//! Events in words, for people. Account numbers are shortened: a mailbox is no vault.

use cashpoint_core::event::{About, Event, EventKind};
use cashpoint_core::id::AccountNumber;
use cashpoint_core::time::Timestamp;

use super::Notification;

/// Subject and text of a message to a customer of that name.
pub(super) fn of(notification: Notification, name: &str) -> (String, String) {
    let Notification { id, event } = notification;
    let Event { kind, at, about, .. } = event;
    let subject = subject(kind);
    let text = format!(
        "Dear {name},\n\n{}\n\nThis was on {}.\nIf it was not you, please call us at once.\n\nReference: {id}\n",
        sentence(kind, &about),
        instant(at),
    );
    (subject.to_owned(), text)
}

const fn subject(kind: EventKind) -> &'static str {
    match kind {
        EventKind::LoggedIn => "You logged in",
        EventKind::LoggedOut => "You logged out",
        EventKind::CardBlocked => "Your card is blocked",
        EventKind::CardLocked => "Your card is locked",
        EventKind::CardUnblocked => "Your card works again",
        EventKind::CardIssued => "Your new card",
        EventKind::CardReported => "Your card was reported lost or stolen",
        EventKind::CardRemoved => "Your card was withdrawn",
        EventKind::PinChanged => "Your PIN was changed",
        EventKind::PasswordChanged => "Your password was changed",
        EventKind::ProfileChanged => "Your data was changed",
        EventKind::AccountOpened => "Your new account",
        EventKind::AccountClosed => "Your account was closed",
        EventKind::BalanceRead => "Your balance was asked for",
        EventKind::Withdrawal => "Withdrawal",
        EventKind::Deposit => "Deposit",
        EventKind::TransferIn => "Money has arrived",
        EventKind::TransferOut => "Transfer",
        EventKind::Fee => "Fee",
        EventKind::Reversal => "Money has come back",
        EventKind::Suspect => "We are looking into a withdrawal",
        EventKind::Refused => "A transaction was refused",
        EventKind::Overdrawn => "Your account is overdrawn",
        EventKind::DepositHeld => "We are looking into a deposit",
        EventKind::CardRetained => "A machine has kept your card",
    }
}

fn sentence(kind: EventKind, about: &About) -> String {
    let (amount, account, place) = (amount(about), account(about.account), place(about));
    match kind {
        EventKind::LoggedIn => format!("A session began{place}."),
        EventKind::LoggedOut => format!("A session was ended{place}."),
        EventKind::CardBlocked => format!("Wrong PINs were entered{place}; your card is blocked for a while."),
        EventKind::CardLocked => {
            format!("Too many wrong PINs were entered{place}; your card is locked until you speak to us.")
        }
        EventKind::CardUnblocked => "We have unblocked your card.".to_owned(),
        EventKind::CardIssued => "We have made a new card for you.".to_owned(),
        EventKind::CardReported => "Your card was reported lost or stolen and can no longer be used.".to_owned(),
        EventKind::CardRemoved => "Your card was withdrawn and can no longer be used.".to_owned(),
        EventKind::PinChanged => format!("The PIN of your card was changed{place}."),
        EventKind::PasswordChanged => "Your password was changed.".to_owned(),
        EventKind::ProfileChanged => "Your personal data or settings were changed.".to_owned(),
        EventKind::AccountOpened => format!("Your account{account} was opened."),
        EventKind::AccountClosed => format!("Your account{account} was closed."),
        EventKind::BalanceRead => format!("The balance of your account{account} was asked for{place}."),
        EventKind::Withdrawal => format!("{amount} was withdrawn from your account{account}{place}."),
        EventKind::Deposit => format!("{amount} was deposited to your account{account}{place}."),
        EventKind::TransferIn => format!("{amount} was transferred to your account{account}."),
        EventKind::TransferOut => format!("{amount} was transferred from your account{account}."),
        EventKind::Fee => format!("A fee of {amount} was taken from your account{account}."),
        EventKind::Reversal => format!("{amount} was returned to your account{account}."),
        EventKind::Suspect => {
            format!("We do not know whether {amount} was paid to you{place}. We will look into it and tell you.")
        }
        EventKind::Overdrawn => format!("A withdrawal of {amount}{place} has overdrawn your account{account}."),
        EventKind::DepositHeld => {
            format!("Your deposit of {amount}{place} is not credited yet. We will look into it and tell you.")
        }
        EventKind::CardRetained => format!("Your card was kept{place}. Please ask us for it."),
        EventKind::Refused => format!("A transaction on your account{account}{place} was refused: {}.", reason(about)),
    }
}

fn amount(about: &About) -> String {
    about.amount.map_or_else(|| "an amount".to_owned(), |amount| format!("{amount} {}", amount.currency().code()))
}

/// The last four digits.
fn account(number: Option<AccountNumber>) -> String {
    let Some(number) = number else {
        return String::new();
    };
    let digits = number.to_string();
    format!(" ending in {}", &digits[digits.len().saturating_sub(4)..])
}

fn place(about: &About) -> String {
    about.machine.map_or_else(String::new, |machine| format!(" at {machine}"))
}

/// The refusal's code as words.
fn reason(about: &About) -> String {
    about.code.map_or_else(|| "for a reason that we can tell you".to_owned(), |code| code.replace('_', " "))
}

/// To the minute.
fn instant(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(date), Some(time)) => format!("{date} at {time} UTC"),
        (_, _) => text,
    }
}

#[cfg(test)]
mod tests {
    use cashpoint_core::currency::Currency;
    use cashpoint_core::id::{CustomerId, MachineId};
    use cashpoint_core::money::Amount;
    use cashpoint_core::notification::NotificationId;

    use super::*;

    fn about() -> About {
        About {
            account: Some(AccountNumber::new(123_456_789_012)),
            amount: Some(Amount::new(100_00, Currency::USD)),
            machine: MachineId::parse("ATM123").ok(),
            code: Some("insufficient_funds"),
            ..About::default()
        }
    }

    #[test]
    fn tells_what_happened_when_and_under_which_reference() {
        let at = Timestamp::from_micros(1_800_000_000_000_000);
        let event = Event { customer: CustomerId::new(7), number: 1, kind: EventKind::Withdrawal, at, about: about() };
        let (subject, text) = of(Notification { id: NotificationId { writer: 1, seq: 2, index: 3 }, event }, "Ann");
        assert_eq!(subject, "Withdrawal");
        let expected = "Dear Ann,\n\n100.00 USD was withdrawn from your account ending in 9012 at ATM123.\n\n\
            This was on 2027-01-15 at 08:00 UTC.\nIf it was not you, please call us at once.\n\nReference: 1-2-3\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn has_words_for_everything_and_tells_no_whole_account_number() {
        for kind in EventKind::ALL {
            for about in [about(), About::default()] {
                let sentence = sentence(*kind, &about);
                assert!(sentence.ends_with('.') && sentence.len() > 15, "{sentence}");
                assert!(!sentence.contains("123456789012") && !sentence.contains('_'), "{sentence}");
            }
        }
    }
}
