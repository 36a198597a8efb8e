"""What schemathesis knows of this shop beyond its OpenAPI document.

Credentials, by the roles that an operation names; ids of rows that exist, so that generated requests also get past "no
such order"; and the check that a request which follows the document is never refused for its form.
"""

import http.client
import json
import os
import re
import urllib.parse
import urllib.request
import uuid

import schemathesis

SHOP = os.environ["FNB_SHOP_URL"]
# The longest text that a scanner may read.
CODE_CHARS_MAX = 256

# Rows and states decide these, and no schema knows them: no such row, a state that forbids it, a newer version.
REFUSALS_OF_STATE = {404, 409, 412}

# Rules that a schema cannot express: the type of the problem, and a part of its detail. Every other refusal of a request
# that follows the document is a finding.
REFUSALS_OF_RULES = [
    # What one field may be depends on another, or on how many there are.
    ("invalid", "maxChoices must be from 1 to"),
    ("invalid", "is there twice"),
    ("invalid", "dispenseMl is missing"),
    ("invalid", "is for dispensable products"),
    ("invalid", "with some choice of options it becomes"),
    ("invalid", "takes a quantity from"),
    ("invalid", "A CORRECTION of 0"),
    ("invalid", "has a quantity and takesDispensed"),
    ("invalid", "has no quantity. Give what one unit takes"),
    ("invalid", "Two parts have takesDispensed"),
    ("invalid", "is in the recipe twice"),
    ("invalid", "is twice in"),
    ("invalid", "changes. Give it 1 to"),
    ("invalid", "by itself. Name another item"),
    ("invalid", "is dispensed: one unit takes exactly"),
    ("invalid", "is not dispensable, so no machine pours the part"),
    ("invalid", "in the body differs from the one in the path"),
    ("invalid", "Leave inventoryId out of the body"),
    ("invalid", "sends attemptId and journalEpoch together"),
    ("invalid", "is after to"),
    ("invalid", "ask for a shorter period"),
    ("missing-tender", ""),
    ("insufficient-tender", ""),
    ("excessive-tender", ""),
    ("tender-not-allowed", ""),
    ("nothing-to-pay", ""),
    ("idempotency-key-reused", ""),
    # A generated PIN is nobody's, and a generated pairing code was never made.
    ("wrong-pin", ""),
    ("staff-locked", ""),
    ("too-many-attempts", ""),
    ("invalid", "is a tablet. Only"),
    # A lease needs a dispenser; generated scans are sent by staff.
    ("invalid", "Only a paired dispenser leases codes"),
    # Two forms in one parameter: a day, or a time.
    ("bad-request", "it is neither a business day"),
    # The shop's currency, taxes and menu decide.
    ("invalid", "has more decimals than"),
    ("invalid", "is more than any price"),
    ("invalid", "price is "),
    ("invalid", "is not a tax of the shop"),
    ("invalid", "is not a category of the menu"),
    ("invalid-amount", "has more decimals than"),
    ("invalid-order", "choose "),
    ("invalid-order", "has an option that"),
    ("unknown-product", ""),
    ("unknown-option", ""),
    ("unknown-inventory-item", ""),
    ("invalid-shop", "timeZone "),
    ("invalid-shop", "cashRounding "),
    ("invalid-shop", "a name of its own"),
    ("invalid-shop", "names one twice"),
    # JSON Schema has no count of digits.
    ("invalid-body", "with at most 15 digits"),
    # The tool knows If-Match and sends a number without quotes, whatever the document says.
    ("bad-request", "If-Match is not a version"),
    # The only UUID that is no id of an order.
    ("invalid-order", "orderId is the nil UUID"),
]


def is_tolerated(status, problem):
    """Whether rows or rules that no schema expresses decide this refusal."""
    slug = problem.get("type", "").removeprefix("/problems/")
    detail = problem.get("detail", "")
    return status in REFUSALS_OF_STATE and slug != "unknown-route" or any(
        slug == rule and part in detail for rule, part in REFUSALS_OF_RULES
    )


@schemathesis.check
def valid_request_is_not_refused(ctx, response, case):
    """A request that follows the document is refused for rows and rules only."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code < 400:
        return
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    if not is_tolerated(response.status_code, problem):
        raise AssertionError(f"a request that follows the document is refused: {response.status_code} {response.text}")


# Doors of the demo shop that were opened, and the token that each gave.
TOKENS = {}


def token_of(door):
    """The token that a door of the demo shop gives: a person's, or else the device's."""
    if door not in TOKENS:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(SHOP).netloc, timeout=30)
        connection.request("POST", f"/demo/{door}")
        cookies = dict(
            cookie.split(";")[0].split("=", 1) for cookie in connection.getresponse().headers.get_all("Set-Cookie", [])
        )
        connection.close()
        TOKENS[door] = cookies.get("fnb_session") or cookies["fnb_device"]
    return TOKENS[door]


def credential_for(operation):
    """The header of a caller whose role the operation names. None: anyone may."""
    roles = operation.definition.raw.get("x-roles")
    if roles is None:
        return None
    return "Bearer " + token_of("owner" if "OWNER" in roles else "dispenser" if "DISPENSER" in roles else "pos")


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """Sends each request as a caller who may."""
    credential = credential_for(case.operation)
    if credential:
        case.headers["Authorization"] = credential
    if (case.path_parameters or {}).get("deviceId") in SENDERS:
        case.path_parameters["deviceId"] = OTHER_DEVICE
    # A generated signature is nobody's.
    case.headers.pop("Signature", None)


@schemathesis.hook
def after_call(ctx, case, response):
    """A change of people, devices or sessions may have ended the session that made it: the next request begins another."""
    if case.method != "GET" and case.path.startswith(("/api/Session", "/api/Staff", "/api/Device")):
        TOKENS.clear()


# The demo's devices are paired before generated requests use up the places of pairing codes.
for each in ("pos", "dispenser"):
    token_of(each)


def send(method, path, body=None):
    """One request to the shop; its JSON answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + token_of("owner")}
    request = urllib.request.Request(SHOP + path, data=data, method=method, headers=headers)
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
# The devices that send the requests: the tool takes ids from responses, and would revoke or rename them.
SENDERS = {device["deviceId"] for device in send("GET", "/api/Device")}
OTHER_DEVICE = "00000000-0000-7000-8000-000000000000"


def can_be_replaced(name, value):
    """Whether a value has the form of its field. A wrong one stays: the shop must refuse it."""
    if name == "code":
        # Eight digits are a pairing code.
        return len(value) <= CODE_CHARS_MAX and value.isprintable() and not re.fullmatch("[0-9]{8}", value)
    try:
        return str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


def with_existing_ids(value, name=None):
    """Puts the id of an existing row in the place of about half of the generated ones; the same run does it alike."""
    if isinstance(value, dict):
        return {key: with_existing_ids(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [with_existing_ids(item, name) for item in value]
    # JSON Schema calls 5.0 an integer, and 0.1 + 0.2 a multiple of 0.1; the program takes 5 and 0.3.
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 3)
    if isinstance(value, str) and EXISTING.get(name) and can_be_replaced(name, value):
        digest = sum(value.encode())
        if digest % 2 == 0:
            return EXISTING[name][digest // 2 % len(EXISTING[name])]
    return value


@schemathesis.hook
def map_path_parameters(ctx, path_parameters):
    """`/api/Order/{orderId}` of an order that exists."""
    return with_existing_ids(path_parameters)


@schemathesis.hook
def map_body(ctx, body):
    """A payment of an order that exists, an order of products that exist."""
    return with_existing_ids(body)
