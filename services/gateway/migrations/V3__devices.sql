-- The devices of the shop. A device that was revoked stays: orders and the audit trail name it.
-- products: the ids that a dispenser pours, as a JSON array. signing_key: what a dispenser and the shop share; a
-- signature cannot be verified with its hash. last_seen_at is written once a minute and is no change: version stays.
CREATE TABLE devices (
    device_id         TEXT   NOT NULL PRIMARY KEY,
    kind              TEXT   NOT NULL CHECK (kind IN ('POS', 'KIOSK', 'DISPENSER')),
    name              TEXT   NOT NULL,
    -- The name in lower case: no two devices in use share it.
    name_key          TEXT   NOT NULL,
    place             TEXT,
    letter            TEXT,
    products          TEXT   NOT NULL,
    ml_per_second     BIGINT CHECK (ml_per_second > 0),
    is_bearer_allowed BIGINT NOT NULL CHECK (is_bearer_allowed IN (0, 1)),
    signing_key       TEXT,
    paired_at         BIGINT NOT NULL,
    last_seen_at      BIGINT,
    revoked_at        BIGINT,
    revoke_reason     TEXT,
    -- Grows with every key, from 1.
    key_version       BIGINT NOT NULL CHECK (key_version >= 1),
    version           BIGINT NOT NULL CHECK (version >= 1),
    CHECK ((kind = 'DISPENSER') = (letter IS NULL)),
    CHECK ((kind = 'DISPENSER') = (signing_key IS NOT NULL)),
    CHECK ((kind = 'DISPENSER') = (ml_per_second IS NOT NULL))
);

-- No two devices in use number their orders with the same letters.
CREATE UNIQUE INDEX devices_letters ON devices (letter) WHERE revoked_at IS NULL;
-- And none takes the name of another.
CREATE UNIQUE INDEX devices_names ON devices (name_key) WHERE revoked_at IS NULL;
CREATE INDEX devices_revoked ON devices (revoked_at) WHERE revoked_at IS NOT NULL;

-- The pairing codes. Each has one of twenty slots, so that there are never more; a slot is free once its code was used
-- or has expired. The code itself is nowhere, only its SHA-256. device_id: the device that is paired again.
-- paired_device_id, retry_hash: what a used code made, and the SHA-256 of the request that used it, with its
-- Idempotency-Key. The same request gets a credential of that device again until the code would have expired.
CREATE TABLE pairing_codes (
    slot       BIGINT NOT NULL PRIMARY KEY CHECK (slot BETWEEN 1 AND 20),
    code_hash  TEXT   NOT NULL UNIQUE,
    kind       TEXT   NOT NULL CHECK (kind IN ('POS', 'KIOSK', 'DISPENSER')),
    name       TEXT   NOT NULL,
    place      TEXT,
    device_id  TEXT,
    created_by TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT,
    paired_device_id TEXT,
    retry_hash TEXT
);
