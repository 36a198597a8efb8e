-- The audit trail: a chain of entries, each with the hash of the one before. Entries are only ever added.
CREATE TABLE audit_log (
    sequence      BIGINT PRIMARY KEY CHECK (sequence > 0),
    -- The JSON text that is hashed.
    entry         TEXT   NOT NULL,
    previous_hash TEXT   NOT NULL,
    hash          TEXT   NOT NULL,
    -- What filters need of the entry.
    acted_at      BIGINT NOT NULL,
    area          TEXT   NOT NULL,
    action        TEXT   NOT NULL,
    subject       TEXT   NOT NULL,
    -- Label, subject and names in lower case.
    search_text   TEXT   NOT NULL,
    staff_id      TEXT,
    device_id     TEXT,
    approved_by   TEXT
);
CREATE INDEX audit_log_acted_at ON audit_log (acted_at);
CREATE INDEX audit_log_subject ON audit_log (subject, sequence);
CREATE INDEX audit_log_staff ON audit_log (staff_id, sequence) WHERE staff_id IS NOT NULL;

-- The last entry. Its row is locked while an entry is added, so that there are neither gaps nor branches.
CREATE TABLE audit_head (
    id            BIGINT PRIMARY KEY CHECK (id = 1),
    last_sequence BIGINT NOT NULL CHECK (last_sequence >= 0),
    last_hash     TEXT   NOT NULL
);
INSERT INTO audit_head (id, last_sequence, last_hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
