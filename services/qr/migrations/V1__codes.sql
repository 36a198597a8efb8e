-- The state of each order that has cups, or whose cups are not known yet, as published in events.
-- order_version is the version of the newest order event; 0 if only the payment is known.
-- receipt_version counts the changes of the order's codes: the newer part of a receipt wins. It is raised before
-- anything else is written about the order, so that two changes of one order wait for each other.
CREATE TABLE code_orders (
    order_id        TEXT   NOT NULL PRIMARY KEY,
    order_version   BIGINT NOT NULL CHECK (order_version >= 0),
    is_open         BIGINT NOT NULL CHECK (is_open IN (0, 1)),
    paid_at         BIGINT,
    receipt_version BIGINT NOT NULL CHECK (receipt_version >= 0)
) WITHOUT ROWID;

-- One for each cup. version is the cup's: a replacement continues from the version of the code that it replaces.
-- is_disputed: a device reported late that it poured the cup, after the code went on to other grants, and staff have
-- not acknowledged it yet.
CREATE TABLE qr_codes (
    code          TEXT   NOT NULL PRIMARY KEY,
    order_id      TEXT   NOT NULL REFERENCES code_orders (order_id),
    line          BIGINT NOT NULL CHECK (line >= 1),
    unit          BIGINT NOT NULL CHECK (unit >= 1),
    cup_number    BIGINT NOT NULL CHECK (cup_number BETWEEN 1 AND cup_count),
    cup_count     BIGINT NOT NULL,
    product_id    TEXT   NOT NULL,
    product_name  TEXT   NOT NULL,
    dispense_ml   BIGINT NOT NULL CHECK (dispense_ml >= 0),
    status        TEXT   NOT NULL CHECK (status IN ('PENDING', 'ACTIVE', 'LEASED', 'USED', 'REVIEW', 'EXPIRED', 'VOID')),
    is_paid       BIGINT NOT NULL CHECK (is_paid IN (0, 1)),
    expires_at    BIGINT NOT NULL,
    issued_at     BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    version       BIGINT NOT NULL CHECK (version >= 1),
    replaces      TEXT,
    is_disputed   BIGINT NOT NULL DEFAULT 0 CHECK (is_disputed IN (0, 1)),
    device_id     TEXT,
    journal_epoch TEXT,
    dispense_id   TEXT,
    grant_number  BIGINT,
    -- An unpaid code pours nothing.
    CHECK (is_paid = 1 OR status IN ('PENDING', 'EXPIRED', 'VOID')),
    CHECK (status <> 'PENDING' OR is_paid = 0),
    -- A lease names its holder and its grant.
    CHECK (status <> 'LEASED' OR (device_id IS NOT NULL AND journal_epoch IS NOT NULL AND dispense_id IS NOT NULL
        AND grant_number IS NOT NULL))
);

CREATE INDEX qr_codes_of_order ON qr_codes (order_id);
-- A cup has at most one code that is not VOID.
CREATE UNIQUE INDEX qr_codes_current ON qr_codes (order_id, line, unit) WHERE status <> 'VOID';
CREATE INDEX qr_codes_due ON qr_codes (expires_at) WHERE status IN ('PENDING', 'ACTIVE');
CREATE INDEX qr_codes_leased ON qr_codes (device_id) WHERE status = 'LEASED';
CREATE INDEX qr_codes_attention ON qr_codes (status, updated_at, code)
    WHERE is_paid = 1 AND status IN ('EXPIRED', 'LEASED', 'REVIEW');
CREATE INDEX qr_codes_disputed ON qr_codes (updated_at, code) WHERE is_disputed = 1;

-- The dispensers, as the gateway published them: version is the version of that. products: the ids that the machine
-- pours, as a JSON array; empty: all. journal_epoch is the journal that the device writes now; NULL: it has not sent one.
-- grants is the number of its newest grant; a repeated grant gets a new number. sequence is the number of its newest
-- request that was signed with the key of key_version; a newer key begins anew. Every write for a device updates this row first.
-- candidate_epoch: another journal that a heartbeat named. It becomes current once a second heartbeat sends
-- candidate_grants back.
CREATE TABLE devices (
    device_id        TEXT   NOT NULL PRIMARY KEY,
    name             TEXT   NOT NULL,
    place            TEXT,
    products         TEXT   NOT NULL,
    ml_per_second    BIGINT NOT NULL CHECK (ml_per_second > 0),
    is_revoked       BIGINT NOT NULL CHECK (is_revoked IN (0, 1)),
    version          BIGINT NOT NULL CHECK (version >= 1),
    journal_epoch    TEXT,
    grants           BIGINT NOT NULL DEFAULT 0 CHECK (grants >= 0),
    key_version      BIGINT NOT NULL CHECK (key_version >= 1),
    sequence         BIGINT NOT NULL DEFAULT 0 CHECK (sequence >= 0),
    candidate_epoch  TEXT,
    candidate_grants BIGINT,
    CHECK ((candidate_epoch IS NULL) = (candidate_grants IS NULL))
);

-- Every grant to pour, and how it ended. device_id is NULL if staff redeemed the code by hand.
-- reported_at: when the device itself reported the end, which is final. A row that is closed without it was closed by
-- the device's heartbeat, or, without an outcome, by the loss of its journal or by staff.
CREATE TABLE dispense_logs (
    dispense_id TEXT   NOT NULL PRIMARY KEY,
    code        TEXT   NOT NULL REFERENCES qr_codes (code),
    order_id    TEXT   NOT NULL,
    product_id  TEXT   NOT NULL,
    device_id   TEXT,
    dispense_ml BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    outcome     TEXT   CHECK (outcome IN ('completed', 'not_poured', 'partial', 'interrupted')),
    poured_ms   BIGINT CHECK (poured_ms >= 0),
    decision    TEXT   CHECK (decision IN ('poured', 'not_poured')),
    granted_at  BIGINT NOT NULL,
    closed_at   BIGINT,
    reported_at BIGINT,
    updated_at  BIGINT NOT NULL,
    CHECK (closed_at IS NOT NULL
        OR (outcome IS NULL AND poured_ms IS NULL AND decision IS NULL AND reported_at IS NULL))
);

CREATE INDEX dispense_logs_of_code ON dispense_logs (code);
CREATE INDEX dispense_logs_updated ON dispense_logs (updated_at);

-- For Analytics' extraction.
CREATE VIEW etl_dispenses AS
    SELECT dispense_id, code, order_id, product_id, device_id, dispense_ml, duration_ms, outcome, poured_ms, decision,
           granted_at, closed_at, updated_at
      FROM dispense_logs;

CREATE VIEW etl_codes AS
    SELECT code, order_id, line, unit, product_id, product_name, dispense_ml, status, is_paid, expires_at, issued_at,
           updated_at, version, replaces
      FROM qr_codes;
