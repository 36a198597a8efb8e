-- The people of the shop.
CREATE TABLE staff (
    staff_id     TEXT   PRIMARY KEY,
    name         TEXT   NOT NULL,
    -- The name in lower case: two people who work here at once do not share it.
    name_key     TEXT   NOT NULL,
    role         TEXT   NOT NULL CHECK (role IN ('CASHIER', 'MANAGER', 'OWNER')),
    is_active    BIGINT NOT NULL CHECK (is_active IN (0, 1)),
    -- argon2id with its salt and cost, in the PHC format.
    pin_hash     TEXT   NOT NULL,
    signed_in_at BIGINT,
    signed_in_on TEXT,
    created_at   BIGINT NOT NULL,
    version      BIGINT NOT NULL CHECK (version > 0)
);
CREATE UNIQUE INDEX staff_active_names ON staff (name_key) WHERE is_active = 1;

-- One row, which every change of people and sessions updates first: on PostgreSQL, too, they follow one another.
CREATE TABLE staff_lock (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    changes BIGINT NOT NULL
);
INSERT INTO staff_lock (id, changes) VALUES (1, 0);

-- PINs that were tried since the last right one. Also of ids that nobody has: they lock like everyone's, so that the
-- response does not show who exists.
CREATE TABLE pin_attempts (
    staff_id     TEXT   PRIMARY KEY,
    attempts     BIGINT NOT NULL CHECK (attempts > 0),
    locked_until BIGINT NOT NULL,
    last_at      BIGINT NOT NULL
);
CREATE INDEX pin_attempts_by_age ON pin_attempts (last_at);

-- Sign-ins. A session ends at expires_at by itself, or before that at ended_at.
CREATE TABLE sessions (
    session_id TEXT   PRIMARY KEY,
    staff_id   TEXT   NOT NULL REFERENCES staff (staff_id),
    device_id  TEXT,
    started_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at   BIGINT
);
CREATE INDEX sessions_by_staff ON sessions (staff_id, expires_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_device ON sessions (device_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- The public halves of the keys that sign tokens, until every token that they signed has ended. A key that was revoked
-- stays until then too, so that a late event does not bring it back.
CREATE TABLE token_keys (
    key_id     TEXT   PRIMARY KEY,
    public_key TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX token_keys_revoked ON token_keys (expires_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX token_keys_by_expiry ON token_keys (expires_at);
