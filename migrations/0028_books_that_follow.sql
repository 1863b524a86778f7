-- Books that follow what is taken back, corrected by the bank, or numbered anew each year.

-- A difference ends with the payment or application that it came from; one that the bank made by telling an entry again
-- with another amount is a kind of its own.
ALTER TABLE difference
    DROP CONSTRAINT difference_kind_check,
    ADD CONSTRAINT difference_kind_check CHECK (kind IN ('short_pay', 'overpay', 'duplicate', 'wrong_customer', 'unidentified', 'returned', 'corrected')),
    DROP CONSTRAINT difference_outcome_check,
    ADD CONSTRAINT difference_outcome_check CHECK (outcome IN ('collected', 'applied', 'written_off', 'credited', 'refunded', 'moved', 'disputed', 'explained', 'taken_back'));

-- What its source counts invoices by, where numbers begin anew: fiscal year and company, as in `1000/2026`; empty where
-- numbers alone tell them apart.
ALTER TABLE invoice
    ADD COLUMN series text NOT NULL DEFAULT '',
    DROP CONSTRAINT invoice_account_id_number_key,
    ADD CONSTRAINT invoice_account_id_number_series_key UNIQUE (account_id, number, series);

-- Money that came in may be recorded by callers, too: up to a limit that the house sets, or once another person has
-- approved it. As before, supervisors and administrators need nobody.
ALTER TABLE posting_limit
    DROP CONSTRAINT posting_limit_kind_check,
    ADD CONSTRAINT posting_limit_kind_check CHECK (kind IN ('payment', 'credit_note', 'write_off', 'small_balance', 'discount', 'bank_charge',
                                                            'short_pay', 'interest', 'fee', 'waiver', 'refund', 'reversal'));
INSERT INTO posting_limit (role, kind, most_minor) VALUES ('supervisor', 'payment', NULL), ('admin', 'payment', NULL);
