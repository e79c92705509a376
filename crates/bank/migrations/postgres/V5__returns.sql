-- What goes back to an account that was closed meanwhile has a case, schema version 5, for PostgreSQL. Conventions as in version 1.

INSERT INTO transfer_kinds (code, name) VALUES (26, 'return_paid_out'), (27, 'return_refuted');

-- (The constraint of version 1 has the name that the server gave it.)
ALTER TABLE cases DROP CONSTRAINT cases_matter_check;
ALTER TABLE cases ADD CONSTRAINT cases_matter CHECK (matter IN ('suspect', 'offline_suspect', 'deposit_unclear', 'over_ceiling',
    'deposit_unclaimed', 'withdrawal_unclaimed', 'withdrawal_unclear', 'return_unclaimed'));

-- What lay in suspense like that until now gets its case: a withdrawal's rest, and its fee if that went back with it. Ids are as
-- the bank makes them: milliseconds since 2020 and 20 bits.
INSERT INTO cases (id, matter, transfer, machine, account, card, amount, currency, opened, evidence, short, resolved)
SELECT ((back.at / 1000 - 1577836800000) << 20) + row_number() OVER (ORDER BY back.at, back.id), 'return_unclaimed', back.id,
       withdrawals.machine, withdrawals.account::text, NULL, back.amount + coalesce(fee.amount, 0), withdrawals.currency,
       back.at, '', 0, NULL
FROM all_transfers AS back
JOIN accounts AS suspense ON suspense.id = back.credit AND suspense.code LIKE 'bank:suspense:%'
JOIN withdrawals ON withdrawals.id = back.concerns
LEFT JOIN all_transfers AS fee ON fee.concerns = withdrawals.fee_transfer AND fee.credit = back.credit
    AND fee.kind = (SELECT code FROM transfer_kinds WHERE name = 'fee_return')
WHERE back.kind IN (SELECT code FROM transfer_kinds WHERE name IN ('reversal', 'suspect_not_paid'));
