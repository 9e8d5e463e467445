"""Runs checks and tells their results, one line of JSON each."""

import json
import sys
import traceback
import urllib.request

# Calls after which a limit that counts them must have been met.
FLOOD = 500


def run(checks):
    """Runs all checks; one that fails holds no other back."""
    for name, check in checks:
        problem = None
        try:
            check()
        except Exception as error:  # whatever an SDK raises is a finding
            where = traceback.extract_tb(error.__traceback__)[-1]
            problem = f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})"
        print(json.dumps({"check": name, "problem": problem}), flush=True)


def expect(what, got, wanted):
    """Fails unless both are equal, and of one type."""
    if got != wanted or type(got) is not type(wanted):
        raise AssertionError(f"{what} is {got!r} instead of {wanted!r}")


def raised(kind, call):
    """The exception of this very type that `call` raises."""
    try:
        result = call()
    except kind as error:
        expect("the exception", type(error).__name__, kind.__name__)
        return error
    raise AssertionError(f"{kind.__name__} was not raised; the result is {result!r}")


def flooded(kind, call):
    """The exception of this type that `call` raises when it is repeated often enough."""
    for _ in range(FLOOD):
        try:
            call()
        except kind as error:
            return error
    raise AssertionError(f"{FLOOD} calls, and no {kind.__name__}")


def effects():
    """How much has come into being at the fake."""
    base, vendor = sys.argv[1:3]
    with urllib.request.urlopen(f"{base}/_control/journal", timeout=10) as answer:
        return json.load(answer)["providers"].get(vendor, {}).get("effects", 0)
