//! The schema refuses by itself what no decision may make: the core's invariants, said a second time.

use rusqlite::{Connection, ErrorCode};

use crate::Database;
use crate::small_bank;
use crate::sqlite::File;

/// Whether the database refuses each of these statements because of a constraint.
fn check(refused: &[&str]) {
    let file = File::new();
    small_bank(file.writer().as_mut());
    let connection = Connection::open(file.path()).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    for sql in refused {
        let error = connection.execute(sql, []).expect_err(sql);
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::ConstraintViolation), "{sql}: {error}");
    }
}

/// Inserts a sound transfer of a cent but for one column, from account 10001 to the vault.
fn transfer(column: &str, value: &str) -> String {
    let mut columns = vec![
        ("id", "x'018bcfe5680070008000ffffffffffff'"),
        ("kind", "2"),
        ("debit", "10001"),
        ("credit", "(SELECT id FROM accounts WHERE code = 'bank:vault:USD')"),
        ("amount", "1"),
        ("debit_entry", "99"),
        ("debit_previous", "x'00'"),
        ("debit_balance", "0"),
        ("credit_entry", "NULL"),
        ("credit_previous", "NULL"),
        ("credit_balance", "NULL"),
        ("at", "0"),
        ("business_date", "0"),
        ("machine", "NULL"),
        ("machine_previous", "NULL"),
        ("card", "NULL"),
        ("concerns", "NULL"),
        ("writer", "1"),
        ("seq", "1"),
        ("idx", "1000"),
    ];
    for held in &mut columns {
        if held.0 == column {
            held.1 = value;
        }
    }
    let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    format!("INSERT INTO transfers ({}) VALUES ({})", names.join(", "), values.join(", "))
}

#[test]
fn refuses_transfers_that_break_the_ledger() {
    let broken = [
        ("id", "x'00'"),
        ("id", "(SELECT min(id) FROM transfers)"),
        ("debit", "31"),
        ("credit", "10001"),
        ("credit", "10000"),
        ("amount", "0"),
        ("amount", "-1"),
        ("amount", "1.5"),
        ("debit_entry", "NULL"),
        ("debit_entry", "0"),
        ("debit_entry", "1"),
        ("debit_previous", "NULL"),
        ("debit_balance", "NULL"),
        ("credit_entry", "1"),
        ("credit_previous", "x'00'"),
        ("credit_balance", "0"),
        ("at", "NULL"),
        ("machine_previous", "x'00'"),
        ("card", "31"),
        ("concerns", "x'018bcfe5680070008000eeeeeeeeeeee'"),
        ("idx", "-1"),
    ];
    let statements: Vec<String> = broken.iter().map(|(column, value)| transfer(column, value)).collect();
    check(&statements.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn takes_the_transfer_that_the_broken_ones_were_made_of() {
    let file = File::new();
    small_bank(file.writer().as_mut());
    let connection = Connection::open(file.path()).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    assert_eq!(connection.execute(&transfer("amount", "1"), []).unwrap(), 1);
}

#[test]
fn refuses_accounts_and_cash_that_cannot_be() {
    check(&[
        "UPDATE accounts SET debits = -1",
        "UPDATE accounts SET credits = 0.5",
        "UPDATE accounts SET head = NULL WHERE id = 10001",
        "UPDATE accounts SET entries = 0 WHERE id = 10001",
        "UPDATE accounts SET customer = NULL WHERE id = 10001",
        "UPDATE accounts SET customer = 100 WHERE id < 0",
        "UPDATE accounts SET product = 'loan' WHERE id = 10001",
        "UPDATE accounts SET closed = opened - 1 WHERE id = 10001",
        "UPDATE accounts SET ordinal = 1 WHERE customer = 100",
        "UPDATE accounts SET code = 'x'",
        "UPDATE holdings SET cassettes = NULL",
        "UPDATE holdings SET last_transfer = x'00'",
        "UPDATE customer_states SET used_withdrawn = -1 WHERE id = 100",
        "UPDATE customer_states SET used_deposited = NULL WHERE id = 100",
        "UPDATE customer_states SET used_on = NULL WHERE id = 100",
        "UPDATE holdings SET reject_bin = -1",
        "UPDATE daily_use SET withdrawn = -1",
        "DELETE FROM accounts WHERE id = 10001",
        "DELETE FROM transfers",
    ]);
}

#[test]
fn refuses_states_that_contradict_themselves() {
    check(&[
        "UPDATE bank SET sandbox = 2",
        "INSERT INTO bank (id, sandbox, program) VALUES (2, 0, '')",
        "INSERT INTO business_day (id, date, next_cutover) VALUES (2, 0, 0)",
        "INSERT INTO commits SELECT writer, seq, now, business_date, policy_version, void FROM commits LIMIT 1",
        "INSERT INTO commits VALUES (1, 0, 0, 0, 1, 0)",
        "INSERT INTO commits VALUES (1, 100, 0, 0, 31, 0)",
        "INSERT INTO commits VALUES (31, 1, 0, 0, 1, 0)",
        "UPDATE card_pins SET state = 'blocked', wrong = NULL",
        "UPDATE card_pins SET state = 'locked'",
        "UPDATE card_pins SET wrong = 256",
        "UPDATE card_states SET state = 'melted'",
        "UPDATE session_states SET why = 'logged_out' WHERE ended IS NULL",
        "UPDATE session_states SET why = NULL WHERE ended IS NOT NULL",
        "UPDATE sessions SET customer = NULL WHERE kind = 'online'",
        "UPDATE sessions SET operator = 7 WHERE kind = 'online'",
        "UPDATE sessions SET machine = NULL WHERE kind = 'card'",
        "UPDATE machines SET currency = NULL WHERE kind = 'api'",
        "UPDATE machines SET kind = 'vending' WHERE id = 'ATM1'",
        "UPDATE machine_states SET status = 'asleep'",
        "UPDATE withdrawal_states SET paid = NULL WHERE state = 'partial'",
        "UPDATE withdrawal_states SET state = 'suspect'",
        "UPDATE withdrawals SET fee = NULL WHERE fee IS NOT NULL",
        "UPDATE cases SET amount = 0",
        "UPDATE customers SET email_index = NULL WHERE email IS NOT NULL",
        "UPDATE customers SET password_hash = NULL WHERE id = 100",
        "UPDATE events SET previous = NULL WHERE number > 1",
        "UPDATE events SET currency = NULL WHERE amount IS NOT NULL",
        "UPDATE requests SET content = x'00'",
        "UPDATE operators SET role = 'king'",
    ]);
}
