CREATE TABLE orders (
    order_id       TEXT PRIMARY KEY,
    order_number   TEXT NOT NULL,
    business_day   TEXT NOT NULL,
    status         TEXT NOT NULL CHECK (status IN ('PENDING', 'PROCESSING', 'READY', 'COMPLETED', 'CANCELLED', 'EXPIRED')),
    channel        TEXT NOT NULL CHECK (channel IN ('POS', 'KIOSK')),
    -- JSON: the person and the device, with their names at that time.
    placed_by      TEXT NOT NULL,
    -- The paired device of placed_by.
    device_id      TEXT,
    dining_option  TEXT NOT NULL CHECK (dining_option IN ('TAKEAWAY', 'DINE_IN')),
    customer_name  TEXT,
    -- customer_name in lower case, written by the program: SQLite's LOWER folds ASCII only.
    customer_name_lower TEXT,
    table_name     TEXT,
    currency       TEXT NOT NULL,
    subtotal       BIGINT NOT NULL CHECK (subtotal >= 0),
    discount       BIGINT NOT NULL CHECK (discount >= 0),
    service        BIGINT NOT NULL CHECK (service >= 0),
    -- JSON: name, percent and minor units of each rate.
    taxes          TEXT NOT NULL,
    tax            BIGINT NOT NULL CHECK (tax >= 0),
    total          BIGINT NOT NULL CHECK (total >= 0),
    stock          TEXT NOT NULL CHECK (stock IN ('RESERVED', 'DEFERRED', 'SHORT')),
    placed_at      BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    paid_at        BIGINT,
    payment_id     TEXT,
    payment_method TEXT CHECK (payment_method IN ('CASH', 'QRIS')),
    cancel_reason  TEXT,
    -- 1: a late payment is refunded. QR and Inventory know the order as paid, so it must never be revived.
    late_payment_refused BIGINT NOT NULL DEFAULT 0
                   CHECK (late_payment_refused = 0 OR (late_payment_refused = 1 AND status = 'EXPIRED')),
    -- The version at which its stock was last reserved. A StockShort about an earlier version no longer counts.
    reserved_at_version BIGINT NOT NULL DEFAULT 1,
    updated_at     BIGINT NOT NULL,
    version        BIGINT NOT NULL CHECK (version >= 1),
    CHECK ((paid_at IS NULL) = (payment_id IS NULL)),
    UNIQUE (business_day, order_number)
);

-- Lists, newest first.
CREATE INDEX orders_by_time ON orders (placed_at, order_id);
-- The boards of open orders.
CREATE INDEX orders_by_status ON orders (status, placed_at, order_id);
-- The orders of one channel.
CREATE INDEX orders_by_channel ON orders (channel, placed_at, order_id);
-- The orders whose stock fell short: few, so that the index costs the others nothing.
CREATE INDEX orders_short ON orders (placed_at, order_id) WHERE stock = 'SHORT';
-- Expiry.
CREATE INDEX orders_unpaid ON orders (expires_at, order_id) WHERE status = 'PENDING';
-- The extraction's watermark, and streams that resume.
CREATE INDEX orders_by_change ON orders (updated_at, order_id);

CREATE TABLE order_items (
    order_id     TEXT NOT NULL REFERENCES orders (order_id),
    line         BIGINT NOT NULL CHECK (line >= 1),
    product_id   TEXT NOT NULL,
    product_name TEXT NOT NULL,
    quantity     BIGINT NOT NULL CHECK (quantity BETWEEN 1 AND 999),
    unit_price   BIGINT NOT NULL CHECK (unit_price >= 0),
    line_total   BIGINT NOT NULL CHECK (line_total = unit_price * quantity),
    discount     BIGINT NOT NULL,
    service      BIGINT NOT NULL,
    tax          BIGINT NOT NULL,
    options      TEXT NOT NULL,
    note         TEXT,
    dispense_ml  BIGINT CHECK (dispense_ml > 0),
    PRIMARY KEY (order_id, line)
);

-- The code of each cup as QR last published it, and its status before that. The newer version wins.
CREATE TABLE order_cups (
    order_id        TEXT NOT NULL REFERENCES orders (order_id),
    line            BIGINT NOT NULL,
    unit            BIGINT NOT NULL,
    status          TEXT NOT NULL,
    previous_status TEXT,
    code            TEXT NOT NULL,
    version         BIGINT NOT NULL,
    PRIMARY KEY (order_id, line, unit)
) WITHOUT ROWID;

-- The last number given out, for each device's letter and business day. X: devices that are not paired.
CREATE TABLE order_numbers (
    letter       TEXT NOT NULL,
    business_day TEXT NOT NULL,
    last         BIGINT NOT NULL,
    PRIMARY KEY (letter, business_day)
) WITHOUT ROWID;

-- For Analytics' extraction.
CREATE VIEW etl_orders AS
SELECT order_id, order_number, status, channel, business_day, total, discount, service, tax, currency,
       placed_at, paid_at, payment_method, updated_at, version
  FROM orders;

CREATE VIEW etl_order_items AS
SELECT order_id, line, product_id, product_name, quantity, line_total, discount, service, tax
  FROM order_items;
