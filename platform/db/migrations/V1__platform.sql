-- The platform's tables: every service's database has them beside its own.

-- Events, written in the transaction that makes them true. They stay as an audit trail after they were published.
CREATE TABLE outbox (
    event_id     TEXT   NOT NULL PRIMARY KEY,
    appended_at  BIGINT NOT NULL,
    event        TEXT   NOT NULL,
    published_at BIGINT
);
CREATE INDEX outbox_unpublished ON outbox (appended_at) WHERE published_at IS NULL;

-- Which process sweeps the outbox, and until when: one row.
CREATE TABLE outbox_lease (
    lease      BIGINT NOT NULL PRIMARY KEY CHECK (lease = 1),
    holder     TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);

-- The events that a consumer has processed.
CREATE TABLE inbox (
    consumer    TEXT   NOT NULL,
    event_id    TEXT   NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (consumer, event_id)
) WITHOUT ROWID;
CREATE INDEX inbox_received ON inbox (received_at);

-- The response to the first success of each request with an Idempotency-Key.
CREATE TABLE idempotency_keys (
    caller      TEXT   NOT NULL,
    route       TEXT   NOT NULL,
    key         TEXT   NOT NULL,
    fingerprint TEXT   NOT NULL,
    response    TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (caller, route, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- Events that a consumer could not process in its attempts, until a person requests their redrive and it succeeds.
CREATE TABLE dead_letters (
    consumer             TEXT   NOT NULL,
    event_id             TEXT   NOT NULL,
    event                TEXT   NOT NULL,
    error                TEXT   NOT NULL,
    attempts             BIGINT NOT NULL CHECK (attempts >= 0),
    dead_lettered_at     BIGINT NOT NULL,
    redrive_requested_at BIGINT,
    PRIMARY KEY (event_id, consumer)
);
CREATE INDEX dead_letters_redrive ON dead_letters (redrive_requested_at) WHERE redrive_requested_at IS NOT NULL;
