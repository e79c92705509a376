//! Receipts: plain lines, in the customer's language, of what was done and under which reference. Never a whole card or
//! account number.

use crate::id::{AccountNumber, MachineId};
use crate::money::Amount;
use crate::terminal::device::Command;
use crate::terminal::language::Language;
use crate::terminal::machine::Machine;
use crate::terminal::screen::{Finished, Settled};
use crate::time::Timestamp;

use super::Visit;

/// What a receipt says, in one language.
struct Words {
    machine: &'static str,
    date: &'static str,
    card: &'static str,
    account: &'static str,
    withdrawal: &'static str,
    deposit: &'static str,
    transfer: &'static str,
    fee: &'static str,
    balance: &'static str,
    transaction: &'static str,
    reference: &'static str,
    booked: &'static str,
    at_once: &'static str,
    later: &'static str,
}

const ENGLISH: Words = Words {
    machine: "Machine",
    date: "Date",
    card: "Card",
    account: "Account",
    withdrawal: "Withdrawal",
    deposit: "Deposit",
    transfer: "Transfer",
    fee: "Fee",
    balance: "Balance",
    transaction: "Transaction",
    reference: "Reference",
    booked: "Booked",
    at_once: "at once",
    later: "later, by your bank",
};

const GERMAN: Words = Words {
    machine: "Automat",
    date: "Datum",
    card: "Karte",
    account: "Konto",
    withdrawal: "Auszahlung",
    deposit: "Einzahlung",
    transfer: "Überweisung",
    fee: "Gebühr",
    balance: "Kontostand",
    transaction: "Vorgang",
    reference: "Referenz",
    booked: "Gebucht",
    at_once: "sofort",
    later: "später, von Ihrer Bank",
};

const SPANISH: Words = Words {
    machine: "Cajero",
    date: "Fecha",
    card: "Tarjeta",
    account: "Cuenta",
    withdrawal: "Retirada",
    deposit: "Ingreso",
    transfer: "Transferencia",
    fee: "Comisión",
    balance: "Saldo",
    transaction: "Operación",
    reference: "Referencia",
    booked: "Anotado",
    at_once: "al momento",
    later: "más tarde, por su banco",
};

const ARABIC: Words = Words {
    machine: "الجهاز",
    date: "التاريخ",
    card: "البطاقة",
    account: "الحساب",
    withdrawal: "سحب",
    deposit: "إيداع",
    transfer: "تحويل",
    fee: "الرسوم",
    balance: "الرصيد",
    transaction: "العملية",
    reference: "المرجع",
    booked: "القيد",
    at_once: "فوري",
    later: "لاحقًا من قِبل مصرفك",
};

impl Visit {
    /// Prints a receipt, for which nothing waits.
    pub(super) fn print(&self, done: &Finished, account: AccountNumber, m: &mut Machine) {
        if m.prints() {
            let at = m.now.plus_s(i64::from(m.ahead_s));
            let head = Head { machine: m.id, at, card: self.card.pan.last4(), account };
            m.tell(Command::Print(lines(m.language, &head, done)));
        }
    }
}

/// What every receipt begins with.
struct Head<'a> {
    machine: MachineId,
    /// As the clocks show it where the machine stands.
    at: Timestamp,
    /// The last four digits of its number.
    card: &'a str,
    account: AccountNumber,
}

const fn words(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::German => &GERMAN,
        Language::Spanish => &SPANISH,
        Language::Arabic => &ARABIC,
    }
}

fn lines(language: Language, head: &Head<'_>, done: &Finished) -> Vec<String> {
    let words = words(language);
    let line = |name: &str, value: &str| format!("{name:<13} {value}");
    let mut lines = vec![
        line(words.machine, &language.figure(head.machine.as_str())),
        line(words.date, &language.moment(head.at)),
        line(words.card, &language.ending(head.card)),
        line(words.account, &language.account(head.account)),
    ];
    let settled = |settled: Settled| match settled {
        Settled::Now => line(words.booked, words.at_once),
        Settled::Later => line(words.booked, words.later),
    };
    let money = |name: &str, amount: Amount| line(name, &language.amount(amount));
    match done {
        Finished::Withdrawal { amount, fee, balance, transaction, reference } => {
            lines.push(money(words.withdrawal, *amount));
            lines.extend(Some(*fee).filter(|fee| fee.minor() != 0).map(|fee| money(words.fee, fee)));
            lines.extend(balance.map(|balance| money(words.balance, balance)));
            let named = |id: String| line(words.transaction, &language.figure(&id));
            lines.extend(transaction.map(|transaction| named(transaction.to_string())));
            lines.push(line(words.reference, &language.figure(&reference.to_string())));
        }
        Finished::Deposit { amount, settled: when, reference } => {
            lines.extend([money(words.deposit, *amount), settled(*when)]);
            lines.push(line(words.reference, &language.figure(&reference.to_string())));
        }
        Finished::Transfer { amount, settled: when, balance, reference } => {
            lines.extend([money(words.transfer, *amount), settled(*when)]);
            lines.extend(balance.map(|balance| money(words.balance, balance)));
            lines.push(line(words.reference, &language.figure(&reference.to_string())));
        }
        Finished::PinChanged | Finished::Goodbye => {}
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::link::OperationId;
    use crate::terminal::samples::{START, account, usd};

    #[test]
    fn is_written_in_the_customers_language() {
        let head = Head { machine: MachineId::parse("ATM901").unwrap(), at: START, card: "4711", account: account(1) };
        let done = Finished::Withdrawal {
            amount: usd(1_200),
            fee: usd(2),
            balance: Some(usd(-50)),
            transaction: None,
            reference: OperationId(0xA1),
        };
        let amounts = |language| {
            let lines = lines(language, &head, &done);
            assert_eq!(lines.len(), 8, "{lines:?}");
            [lines[2].clone(), lines[4].clone(), lines[6].clone()].map(|line| line.replace('\u{a0}', " "))
        };
        let of = |card, withdrawal, balance| [card, withdrawal, balance].map(str::to_owned);
        assert_eq!(
            amounts(Language::English),
            of("Card          •••• 4711", "Withdrawal    $1,200.00", "Balance       -$50.00")
        );
        assert_eq!(
            amounts(Language::German),
            of("Karte         •••• 4711", "Auszahlung    1.200,00 $", "Kontostand    -50,00 $")
        );
        assert_eq!(
            amounts(Language::Spanish),
            of("Tarjeta       •••• 4711", "Retirada      1200,00 US$", "Saldo         -50,00 US$")
        );
        let isolated = |name: &str, figure: &str| format!("{name:<13} \u{2066}{figure}\u{2069}");
        let arabic = [("البطاقة", "•••• 4711"), ("سحب", "1,200.00 US$"), ("الرصيد", "-50.00 US$")];
        assert_eq!(amounts(Language::Arabic), arabic.map(|(name, figure)| isolated(name, figure)));
    }
}
