"""What schemathesis knows of this shop beyond its OpenAPI document.

Ids of rows that exist, so that generated requests also get past "no such order"; and the check that a request which follows
the document is never refused for its form.
"""

import json
import os
import urllib.request

import schemathesis

SHOP = os.environ["FNB_SHOP_URL"]

# Refusals of a request's form: a request that follows the document must not get one of them. Every other refusal is
# tolerated, because a rule of the shop is not in a schema: no such row (404), a state that forbids it (409, 412), an amount
# or an option that does not fit (422 of another type).
REFUSALS_OF_FORM = {
    "bad-request",
    "body-too-large",
    "invalid-body",
    "invalid-id",
    "invalid-idempotency-key",
    "invalid-query",
    "malformed-json",
    "method-not-allowed",
    "unknown-route",
    "unsupported-media-type",
}


@schemathesis.check
def valid_request_is_understood(ctx, response, case):
    """A request that follows the document is not refused for its form."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code < 400:
        return
    try:
        slug = response.json()["type"].removeprefix("/problems/")
    except (ValueError, KeyError, TypeError):
        slug = None
    if slug is None or slug in REFUSALS_OF_FORM:
        raise AssertionError(f"a request that follows the document is refused: {response.status_code} {response.text}")


def send(method, path, body=None):
    """One request to the shop; its JSON answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SHOP + path, data=data, method=method, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def rows_that_exist():
    """Ids by the name of their field: a demo shop's, and those of one order that was placed and paid."""
    products = send("GET", "/api/Product?limit=200")["items"]
    poured = next(card for card in products if card["isDispensable"])
    options = [
        option["optionId"]
        for group in poured["optionGroups"]
        for option in group["options"][: group["minChoices"]]
    ]
    order = send(
        "POST",
        "/api/Order",
        {
            "items": [{"productId": poured["productId"], "quantity": 1, "options": options}],
            "totalAmount": poured["price"],
        },
    )
    total = order["price"]["total"]
    payment = send(
        "POST",
        "/api/Payment",
        {"orderId": order["orderId"], "method": "CASH", "amount": total, "tendered": total},
    )
    receipt = send("GET", f"/api/Order/{order['orderId']}/receipt?wait=5000")
    return {
        "productId": [card["productId"] for card in products],
        "categoryId": [row["categoryId"] for row in send("GET", "/api/Category")["items"]],
        "inventoryId": [row["inventoryId"] for row in send("GET", "/api/Inventory")["items"]],
        "orderId": [order["orderId"]],
        "paymentId": [payment["paymentId"]],
        "code": [receipt["qrCode"]],
    }


EXISTING = rows_that_exist()


def with_existing_ids(value, name=None):
    """Puts the id of an existing row in the place of about half of the generated ones; the same run does it alike."""
    if isinstance(value, dict):
        return {key: with_existing_ids(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [with_existing_ids(item, name) for item in value]
    # JSON Schema calls 5.0 an integer; the program takes 5.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and name in EXISTING and EXISTING[name]:
        digest = sum(value.encode())
        if digest % 2 == 0:
            return EXISTING[name][digest // 2 % len(EXISTING[name])]
    return value


@schemathesis.hook
def map_path_parameters(ctx, path_parameters):
    """`/api/Order/{orderId}` of an order that exists."""
    return with_existing_ids(path_parameters)


@schemathesis.hook
def map_query(ctx, query):
    """No cursor: it is opaque, so a generated one is not a cursor of any list."""
    if isinstance(query, dict):
        query.pop("cursor", None)
    return query


@schemathesis.hook
def map_body(ctx, body):
    """A payment of an order that exists, an order of products that exist."""
    return with_existing_ids(body)
