-- What Payment knows of an order. total and cups (those that machines pour) are NULL if the order's end was recorded
-- before its beginning. While Order closes an order, closing_version is the version that it will then have, and until
-- closing_until no money is taken for it.
CREATE TABLE amounts_due (
    order_id        TEXT NOT NULL PRIMARY KEY,
    order_version   BIGINT NOT NULL CHECK (order_version >= 1),
    open            BIGINT NOT NULL CHECK (open IN (0, 1)),
    order_number    TEXT,
    total           BIGINT CHECK (total >= 0),
    currency        TEXT,
    cups            BIGINT CHECK (cups >= 0),
    -- The device that placed it: a kiosk pays only its own orders.
    device_id       TEXT,
    paid_payment_id TEXT,
    closing_version BIGINT,
    closing_until   BIGINT,
    CHECK ((closing_version IS NULL) = (closing_until IS NULL)),
    CHECK ((total IS NULL) = (currency IS NULL)),
    CHECK ((total IS NULL) = (cups IS NULL))
) WITHOUT ROWID;

CREATE TABLE payments (
    payment_id        TEXT PRIMARY KEY,
    order_id          TEXT NOT NULL REFERENCES amounts_due (order_id),
    method            TEXT NOT NULL CHECK (method IN ('CASH', 'QRIS')),
    status            TEXT NOT NULL CHECK (status IN ('PENDING', 'PAID', 'FAILED', 'EXPIRED', 'REFUND_DUE')),
    currency          TEXT NOT NULL,
    amount            BIGINT NOT NULL CHECK (amount >= 0),
    rounding          BIGINT NOT NULL,
    due               BIGINT NOT NULL CHECK (due = amount + rounding),
    tendered          BIGINT CHECK (tendered >= due),
    change            BIGINT CHECK (change = tendered - due),
    qris_payload      TEXT,
    qris_expires_at   BIGINT,
    gateway           TEXT,
    gateway_reference TEXT,
    reference         TEXT,
    is_test           BIGINT NOT NULL CHECK (is_test IN (0, 1)),
    refund_reason     TEXT,
    -- JSON: the person and the device, with their names at that time.
    taken_by          TEXT NOT NULL,
    -- JSON: who confirmed by hand that the money arrived, and the manager who approved it.
    confirmed_by      TEXT,
    created_at        BIGINT NOT NULL,
    paid_at           BIGINT,
    next_poll_at      BIGINT,
    version           BIGINT NOT NULL CHECK (version >= 1),
    updated_at        BIGINT NOT NULL,
    CHECK ((method = 'CASH') = (tendered IS NOT NULL)),
    CHECK ((method = 'QRIS') = (gateway IS NOT NULL)),
    CHECK ((status IN ('PAID', 'REFUND_DUE')) = (paid_at IS NOT NULL)),
    CHECK ((status = 'REFUND_DUE') = (refund_reason IS NOT NULL)),
    CHECK (confirmed_by IS NULL OR (paid_at IS NOT NULL AND reference IS NOT NULL)),
    CHECK (next_poll_at IS NULL OR status IN ('PENDING', 'EXPIRED'))
);

-- An order is paid once.
CREATE UNIQUE INDEX payments_paid ON payments (order_id) WHERE status = 'PAID';
-- An order has one QR code on the screen.
CREATE UNIQUE INDEX payments_pending ON payments (order_id) WHERE status = 'PENDING';
-- The payments to poll the gateway about.
CREATE INDEX payments_to_poll ON payments (next_poll_at) WHERE next_poll_at IS NOT NULL;
-- Lists: ids grow with time.
CREATE INDEX payments_by_order ON payments (order_id, payment_id);
CREATE INDEX payments_by_status ON payments (status, payment_id);
CREATE INDEX payments_by_method ON payments (method, payment_id);
-- The watermark of Analytics' extraction.
CREATE INDEX payments_by_change ON payments (updated_at, payment_id);

-- The ledger: money in is positive, money out negative. Rows are never changed.
CREATE TABLE transactions (
    transaction_id TEXT NOT NULL PRIMARY KEY,
    payment_id     TEXT NOT NULL REFERENCES payments (payment_id),
    kind           TEXT NOT NULL CHECK (kind IN ('CASH_IN', 'CHANGE_OUT', 'QRIS_IN')),
    amount         BIGINT NOT NULL CHECK ((kind = 'CHANGE_OUT') = (amount < 0)),
    currency       TEXT NOT NULL,
    reference      TEXT,
    created_at     BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX transactions_by_payment ON transactions (payment_id);

-- For Analytics' extraction. rounding is what cash rounding added to amount; due is what changed hands.
CREATE VIEW etl_payments AS
SELECT payment_id, order_id, method, status, currency, amount, rounding, due, is_test,
       created_at, paid_at, updated_at, version
  FROM payments;
