"""stripe-python against the fake of Stripe."""

import sys

import stripe

from checks import effects, expect, flooded, raised, run

BASE, VENDOR = sys.argv[1:3]


def client(key="sk_test_sdk"):
    # No retries: each call is one request.
    return stripe.StripeClient(key, base_addresses={"api": f"{BASE}/{VENDOR}"}, max_network_retries=0)


CLIENT = client()
ADA = {"email": "ada@example.com", "name": "Ada Example", "preferred_locales": ["en", "de"], "metadata": {"order": "1712"}}


def create():
    before = effects()
    customer = CLIENT.v1.customers.create(ADA)
    expect("the type", type(customer).__name__, "Customer")
    expect("the id's prefix", customer.id[:4], "cus_")
    expect("the email", customer.email, "ada@example.com")
    expect("the locales", list(customer.preferred_locales), ["en", "de"])
    expect("the metadata", customer.metadata["order"], "1712")
    expect("effects", effects() - before, 1)
    read = CLIENT.v1.customers.retrieve(customer.id)
    expect("the id that was read", read.id, customer.id)


def payment_and_refund():
    intent = CLIENT.v1.payment_intents.create(
        {"amount": 1999, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True}
    )
    expect("the type", type(intent).__name__, "PaymentIntent")
    expect("the status", intent.status, "succeeded")
    refund = CLIENT.v1.refunds.create({"payment_intent": intent.id, "reason": "duplicate"})
    expect("the type", type(refund).__name__, "Refund")
    expect("the amount", refund.amount, 1999)


def replay():
    before = effects()
    options = {"idempotency_key": "sdk-replay"}
    first = CLIENT.v1.customers.create(ADA, options)
    second = CLIENT.v1.customers.create(ADA, options)
    expect("the second id", second.id, first.id)
    expect("the header", second.last_response.headers["Idempotent-Replayed"], "true")
    expect("effects", effects() - before, 1)
    other = raised(stripe.IdempotencyError, lambda: CLIENT.v1.customers.create({"name": "Bo Example"}, options))
    expect("the status", other.http_status, 400)


def validation_error():
    error = raised(stripe.InvalidRequestError, lambda: CLIENT.v1.customers.create({"email": "no address"}))
    expect("the status", error.http_status, 400)
    expect("the code", error.code, "email_invalid")
    expect("the parameter", error.param, "email")
    missing = raised(stripe.InvalidRequestError, lambda: CLIENT.v1.customers.retrieve("cus_none"))
    expect("the status", missing.http_status, 404)
    expect("the code", missing.code, "resource_missing")


def declined_card():
    card = {"amount": 500, "currency": "eur", "payment_method": "pm_card_chargeDeclined", "confirm": True}
    error = raised(stripe.CardError, lambda: CLIENT.v1.payment_intents.create(card))
    expect("the code", error.code, "card_declined")
    expect("the decline's code", error.error.decline_code, "generic_decline")


def auth_error():
    error = raised(stripe.AuthenticationError, lambda: client("sk_test_invalid").v1.customers.create({}))
    expect("the status", error.http_status, 401)


def throttle():
    error = flooded(stripe.RateLimitError, lambda: CLIENT.v1.customers.create({}))
    expect("the status", error.http_status, 429)
    # This exception's own `code` stays empty: the SDK does not pass it on.
    expect("the code", error.error.code, "rate_limit")
    expect("the header", error.headers["Stripe-Rate-Limited-Reason"][-5:], "-rate")


run(
    [
        ("create", create),
        ("payment and refund", payment_and_refund),
        ("replay", replay),
        ("validation error", validation_error),
        ("declined card", declined_card),
        ("auth error", auth_error),
        ("throttle", throttle),
    ]
)
