"""slack_sdk against the fake of Slack."""

import sys

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from checks import effects, expect, flooded, raised, run

BASE, VENDOR = sys.argv[1:3]


def client(token="xoxb-sdk"):
    # No handlers: by default the SDK repeats a call whose connection broke.
    return WebClient(token=token, base_url=f"{BASE}/{VENDOR}/api/", retry_handlers=[])


CLIENT = client()


def create():
    before = effects()
    posted = CLIENT.chat_postMessage(channel="C0SDK", text="Order 1712 is paid", blocks=[{"type": "divider"}])
    expect("the type", type(posted).__name__, "SlackResponse")
    expect("the status", posted.status_code, 200)
    expect("the channel", posted["channel"], "C0SDK")
    expect("the text", posted["message"]["text"], "Order 1712 is paid")
    changed = CLIENT.chat_update(channel="C0SDK", ts=posted["ts"], text="Order 1712 is packed")
    expect("the timestamp", changed["ts"], posted["ts"])
    expect("the text", changed["text"], "Order 1712 is packed")
    expect("effects", effects() - before, 2)


def replay():
    before = effects()
    stamps = {CLIENT.chat_postMessage(channel="C0TWICE", text="hi")["ts"] for _ in range(2)}
    expect("different timestamps", len(stamps), 2)
    expect("effects", effects() - before, 2)


def refused(error, call):
    answer = raised(SlackApiError, call).response
    expect("the status", answer.status_code, 200)
    expect("the error", answer["error"], error)


def validation_error():
    refused("channel_not_found", lambda: CLIENT.chat_postMessage(channel="C0UNKNOWN", text="hi"))
    refused("is_archived", lambda: CLIENT.chat_postMessage(channel="C0ARCHIVED", text="hi"))
    refused("message_not_found", lambda: CLIENT.chat_update(channel="C0SDK", ts="1.2", text="hi"))
    refused("no_text", lambda: CLIENT.chat_postMessage(channel="C0SDK", text=""))


def auth_error():
    refused("invalid_auth", lambda: client("xoxb-invalid").chat_postMessage(channel="C0SDK", text="hi"))
    refused("token_revoked", lambda: client("xoxb-revoked").chat_postMessage(channel="C0SDK", text="hi"))


def throttle():
    error = flooded(SlackApiError, lambda: CLIENT.chat_postMessage(channel="C0BUSY", text="hi"))
    expect("the status", error.response.status_code, 429)
    expect("the error", error.response["error"], "ratelimited")
    seconds = int(error.response.headers["Retry-After"])
    expect("a wait of at least a second", seconds >= 1, True)


run(
    [
        ("create", create),
        ("replay", replay),
        ("validation error", validation_error),
        ("auth error", auth_error),
        ("throttle", throttle),
    ]
)
