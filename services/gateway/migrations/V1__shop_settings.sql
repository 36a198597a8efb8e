-- The shop's settings: one document, replaced whole.
CREATE TABLE shop_settings (
    id         BIGINT PRIMARY KEY CHECK (id = 1),
    version    BIGINT NOT NULL CHECK (version > 0),
    settings   TEXT   NOT NULL,
    updated_at BIGINT NOT NULL
);
