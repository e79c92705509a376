//! PostgreSQL's schema refuses by itself what no decision may make, as SQLite's does.

use crate::Database;
use crate::postgres::Server;
use crate::small_bank;

#[test]
fn refuses_what_cannot_be() {
    let server = Server::new();
    small_bank(server.writer().as_mut());
    let transfer = "INSERT INTO transfers SELECT '018bcfe5-6800-7000-8000-ffffffffffff', kind, debit, credit, amount,
        debit_entry, debit_previous, debit_balance, credit_entry, credit_previous, credit_balance, at, business_date, machine,
        machine_previous, card, concerns, writer, seq, 1000 FROM transfers WHERE debit = 10001 AND card IS NOT NULL LIMIT 1";
    let broken = |from: &str, to: &str| {
        assert!(transfer.contains(from), "{from}");
        transfer.replacen(from, to, 1)
    };
    let transfers = [
        broken("debit, credit, amount", "debit, debit, amount"),
        broken(" amount,", " 0,"),
        broken(" amount,", " -1,"),
        broken("debit_entry,", "NULL,"),
        broken("debit_entry,", "0,"),
        broken("debit_previous,", "NULL,"),
        broken("debit_balance,", "NULL,"),
        broken("credit_entry,", "1,"),
        broken("seq, 1000", "seq, -1"),
        broken("'018bcfe5-6800-7000-8000-ffffffffffff'", "id"),
    ];
    let others = [
        "UPDATE accounts SET debits = -1",
        "UPDATE accounts SET head = NULL WHERE id = 10001",
        "UPDATE accounts SET customer = NULL WHERE id = 10001",
        "UPDATE accounts SET code = 'x' WHERE id = 10001",
        "UPDATE accounts SET product = 'loan' WHERE id = 10001",
        "UPDATE bank_totals SET debits = -1",
        "UPDATE bank_totals SET writer = 31",
        "UPDATE customer_states SET used_on = NULL WHERE id = 100",
        "UPDATE holdings SET reject_bin = -1",
        "INSERT INTO bank (id, sandbox, program) VALUES (2, false, '')",
        "INSERT INTO commits SELECT * FROM commits LIMIT 1",
        "INSERT INTO commits VALUES (31, 1, 0, 0, 1, false)",
        "UPDATE card_pins SET state = 'locked'",
        "UPDATE card_states SET state = 'melted'",
        "UPDATE session_states SET why = NULL WHERE ended IS NOT NULL",
        "UPDATE sessions SET operator = 7 WHERE kind = 'online'",
        "UPDATE machines SET currency = NULL WHERE kind = 'api'",
        "UPDATE withdrawal_states SET state = 'suspect'",
        "UPDATE cases SET transfer = NULL WHERE matter = 'suspect'",
        "UPDATE events SET previous = NULL WHERE number > 1",
        "UPDATE tenure SET what = 'else' WHERE what = 'held'",
        "UPDATE operators SET role = 'king'",
        "INSERT INTO requests SELECT * FROM requests LIMIT 1",
    ];
    for sql in transfers.iter().map(String::as_str).chain(others) {
        server.refuses(sql);
    }
    server.sql(transfer);
}
