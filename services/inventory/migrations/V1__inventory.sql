-- Items of stock. on_hand is the sum of the item's stock_moves; reserved is what unpaid orders hold of it. version
-- grows with every change of the row, settings_version with those that people make. An item is low if on_hand <=
-- low_level. search_name is the name in lower case: the service writes it, because SQLite folds only A to Z.
CREATE TABLE inventories (
    inventory_id     TEXT   NOT NULL PRIMARY KEY,
    name             TEXT   NOT NULL,
    search_name      TEXT   NOT NULL,
    unit             TEXT   NOT NULL,
    product_id       TEXT,
    policy           TEXT   NOT NULL CHECK (policy IN ('BLOCK', 'WARN', 'ALLOW')),
    low_level        BIGINT,
    on_hand          BIGINT NOT NULL,
    reserved         BIGINT NOT NULL CHECK (reserved >= 0),
    version          BIGINT NOT NULL,
    settings_version BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL
);
CREATE UNIQUE INDEX inventories_product ON inventories (product_id) WHERE product_id IS NOT NULL;

-- The ledger: rows are added and never changed. item_version is the version that the move gave its item, under the lock
-- of the item's row, so the key is an item's history in order. It is the only index, because an order adds a row for
-- each item that it consumes.
CREATE TABLE stock_moves (
    inventory_id  TEXT   NOT NULL,
    item_version  BIGINT NOT NULL,
    move_id       TEXT   NOT NULL,
    reason        TEXT   NOT NULL
                  CHECK (reason IN ('RECEIVED', 'WASTE', 'COUNT', 'CORRECTION', 'SALE', 'SALE_REVERSED')),
    quantity      BIGINT NOT NULL,
    on_hand_after BIGINT NOT NULL,
    order_id      TEXT,
    note          TEXT,
    moved_at      BIGINT NOT NULL,
    PRIMARY KEY (inventory_id, item_version, move_id)
) WITHOUT ROWID;

-- A product with a row here has a recipe, also if the recipe has no parts: then the product takes nothing. The whole
-- recipe is one document, because it is written and read as a whole, in one statement for all products of an order.
CREATE TABLE recipes (
    product_id TEXT   NOT NULL PRIMARY KEY,
    recipe     TEXT   NOT NULL, -- JSON: {parts, options}
    written_at BIGINT NOT NULL
);

-- What is known of each order, and the stock that it holds or consumed because of that (effect, quantities).
CREATE TABLE reservations (
    order_id          TEXT   NOT NULL PRIMARY KEY,
    order_version     BIGINT NOT NULL,
    is_open           BIGINT NOT NULL CHECK (is_open IN (0, 1)),
    is_confirmed      BIGINT NOT NULL CHECK (is_confirmed IN (0, 1)),
    is_paid           BIGINT NOT NULL CHECK (is_paid IN (0, 1)),
    effect            TEXT   NOT NULL CHECK (effect IN ('HELD', 'CONSUMED', 'NONE')),
    items             TEXT,            -- JSON: what was ordered; NULL while only a payment or an end is known
    quantities        TEXT   NOT NULL, -- JSON: {inventory_id: quantity} that it holds or consumed
    pending_shortages TEXT,            -- JSON: shortages to publish once the order is confirmed
    notified_items    TEXT,            -- JSON: the items of which a shortage was published
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL
);
-- What the timer reads; a handful of rows at any time.
CREATE INDEX reservations_unconfirmed ON reservations (updated_at) WHERE is_confirmed = 0 AND effect <> 'NONE';

-- What reports may read. Moves are read item by item, after the last item_version seen.
CREATE VIEW etl_inventories AS
    SELECT inventory_id, name, unit, product_id, policy, low_level, on_hand, reserved,
           CASE WHEN on_hand <= low_level THEN 1 ELSE 0 END AS is_low, version, updated_at
      FROM inventories;
CREATE VIEW etl_stock_moves AS
    SELECT move_id, inventory_id, item_version, reason, quantity, on_hand_after, order_id, note, moved_at
      FROM stock_moves;
