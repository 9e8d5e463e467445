"""twilio-python against the fake of Twilio."""

import datetime
import sys

from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from checks import effects, expect, flooded, raised, run

BASE, VENDOR = sys.argv[1:3]
ACCOUNT = "AC" + "0123456789abcdef" * 2
VENDOR_HOST = "https://api.twilio.com"
FROM, TO = "+15005550006", "+15005551712"


class ToFake(TwilioHttpClient):
    """The SDK takes no other base URL; its documented way is an HTTP client of one's own."""

    def request(self, method, url, *rest, **named):
        expect("the vendor's address", url.startswith(VENDOR_HOST), True)
        return super().request(method, f"{BASE}/{VENDOR}{url[len(VENDOR_HOST):]}", *rest, **named)


def client(token="token", account=ACCOUNT):
    return Client(account, token, http_client=ToFake(pool_connections=False))


CLIENT = client()


def create():
    before = effects()
    message = CLIENT.messages.create(to=TO, from_=FROM, body="Order 1712 is paid", media_url=["https://example.com/1.png"])
    expect("the type", type(message).__name__, "MessageInstance")
    expect("the id's prefix", message.sid[:2], "MM")
    expect("the account", message.account_sid, ACCOUNT)
    expect("the receiver", message.to, TO)
    expect("the text", message.body, "Order 1712 is paid")
    expect("the date's type", type(message.date_created), datetime.datetime)
    expect("no error", message.error_code, None)
    expect("effects", effects() - before, 1)


def replay():
    # No idempotency key: the same again is a second message.
    before = effects()
    sids = {CLIENT.messages.create(to=TO, from_=FROM, body="twice").sid for _ in range(2)}
    expect("different ids", len(sids), 2)
    expect("effects", effects() - before, 2)
    listed = [message for message in CLIENT.messages.list(to=TO, limit=50) if message.body == "twice"]
    expect("both in the list", {message.sid for message in listed}, sids)


def refused(status, code, call):
    error = raised(TwilioRestException, call)
    expect("the status", error.status, status)
    expect("the code", error.code, code)


def validation_error():
    refused(400, 21211, lambda: CLIENT.messages.create(to="+1", from_=FROM, body="hi"))


def auth_error():
    refused(401, 20003, lambda: client("invalid").messages.create(to=TO, from_=FROM, body="hi"))


def throttle():
    # The fake's account that is allowed little: Twilio counts calls at once, which a test cannot hold open.
    small = client(account=ACCOUNT[:-4] + "0429")
    error = flooded(TwilioRestException, lambda: small.messages.create(to=TO, from_=FROM, body="many"))
    expect("the status", error.status, 429)
    expect("the code", error.code, 20429)


run(
    [
        ("create", create),
        ("replay", replay),
        ("validation error", validation_error),
        ("auth error", auth_error),
        ("throttle", throttle),
    ]
)
