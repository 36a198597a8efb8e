CREATE TABLE categories (
    category_id TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL,
    position    BIGINT NOT NULL,
    is_archived BIGINT NOT NULL DEFAULT 0 CHECK (is_archived IN (0, 1)),
    version     BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);

CREATE INDEX categories_in_menu_order ON categories (position, category_id);

CREATE TABLE products (
    product_id     TEXT   NOT NULL PRIMARY KEY,
    category_id    TEXT   NOT NULL REFERENCES categories (category_id),
    name           TEXT   NOT NULL,
    description    TEXT   NOT NULL,
    search_text    TEXT   NOT NULL, -- name and description in lower case: the service writes it, SQLite folds only A to Z
    price          BIGINT NOT NULL CHECK (price >= 0),
    currency       TEXT   NOT NULL,
    tax_name       TEXT,
    is_dispensable BIGINT NOT NULL CHECK (is_dispensable IN (0, 1)),
    dispense_ml    BIGINT,
    option_groups  TEXT   NOT NULL,
    is_available   BIGINT NOT NULL DEFAULT 1 CHECK (is_available IN (0, 1)),
    is_archived    BIGINT NOT NULL DEFAULT 0 CHECK (is_archived IN (0, 1)),
    version        BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    CHECK ((is_dispensable = 1 AND dispense_ml IS NOT NULL) OR (is_dispensable = 0 AND dispense_ml IS NULL))
);

CREATE INDEX products_by_category ON products (category_id, name, product_id);
CREATE INDEX products_on_the_menu ON products (product_id) WHERE is_archived = 0;

-- What Analytics reads, and nothing else of this database. A role of its own for that comes with the large setup.
CREATE VIEW etl_products AS
    SELECT product_id, category_id, name, price, currency, is_dispensable, is_available, is_archived, version, updated_at
      FROM products;

CREATE VIEW etl_categories AS
    SELECT category_id, name, position, is_archived, version, updated_at
      FROM categories;
