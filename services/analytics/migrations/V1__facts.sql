-- A row per order, as of its latest extraction. Money is in minor units. rounding is what cash rounding added to the
-- total when the order was paid.
CREATE TABLE orders_fact (
    order_id       TEXT   NOT NULL PRIMARY KEY,
    order_number   TEXT   NOT NULL,
    status         TEXT   NOT NULL,
    channel        TEXT   NOT NULL,
    business_day   TEXT   NOT NULL,
    total          BIGINT NOT NULL,
    discount       BIGINT NOT NULL,
    service        BIGINT NOT NULL,
    tax            BIGINT NOT NULL,
    rounding       BIGINT NOT NULL,
    units          BIGINT NOT NULL,
    currency       TEXT   NOT NULL,
    payment_method TEXT,
    is_paid        BIGINT NOT NULL CHECK (is_paid IN (0, 1)),
    placed_at      BIGINT NOT NULL,
    paid_at        BIGINT,
    updated_at     BIGINT NOT NULL,
    version        BIGINT NOT NULL,
    CHECK ((is_paid = 1) = (paid_at IS NOT NULL))
);

CREATE INDEX orders_fact_by_time ON orders_fact (placed_at, order_id);

-- A row per line of an order. The category is that of the product at the time of the extraction.
CREATE TABLE sales_fact (
    order_id         TEXT   NOT NULL,
    line             BIGINT NOT NULL,
    business_day     TEXT   NOT NULL,
    product_id       TEXT   NOT NULL,
    product_name     TEXT   NOT NULL,
    category_id      TEXT,
    category_name    TEXT,
    quantity         BIGINT NOT NULL CHECK (quantity > 0),
    line_total       BIGINT NOT NULL,
    discount         BIGINT NOT NULL,
    service          BIGINT NOT NULL,
    tax              BIGINT NOT NULL,
    currency         TEXT   NOT NULL,
    channel          TEXT   NOT NULL,
    payment_method   TEXT,
    placed_at        BIGINT NOT NULL,
    paid_at          BIGINT,
    order_updated_at BIGINT NOT NULL,
    PRIMARY KEY (order_id, line)
);

-- The sales of each product on each business day: paid orders that were not cancelled.
CREATE TABLE product_performance (
    business_day TEXT   NOT NULL,
    product_id   TEXT   NOT NULL,
    currency     TEXT   NOT NULL,
    product_name TEXT   NOT NULL,
    named_at     BIGINT NOT NULL,
    units        BIGINT NOT NULL,
    sales        BIGINT NOT NULL,
    PRIMARY KEY (business_day, product_id, currency)
);

CREATE INDEX product_performance_by_product ON product_performance (product_id, business_day);

-- The sales of each business day by payment method: paid orders that were not cancelled. No method: the empty text.
CREATE TABLE daily_sales (
    business_day   TEXT   NOT NULL,
    currency       TEXT   NOT NULL,
    payment_method TEXT   NOT NULL,
    orders         BIGINT NOT NULL,
    units          BIGINT NOT NULL,
    sales          BIGINT NOT NULL,
    discount       BIGINT NOT NULL,
    service        BIGINT NOT NULL,
    tax            BIGINT NOT NULL,
    rounding       BIGINT NOT NULL,
    PRIMARY KEY (business_day, currency, payment_method)
);

-- How far each source has been read. run_at: when the last finished run began.
CREATE TABLE etl_watermarks (
    source    TEXT   NOT NULL PRIMARY KEY,
    watermark BIGINT NOT NULL,
    run_at    BIGINT,
    version   BIGINT NOT NULL
);

INSERT INTO etl_watermarks (source, watermark, run_at, version) VALUES ('order', 0, NULL, 0);
