"""MiniStack, and what its SendMessageBatch leaves out: a message's system attributes, and with them a trace's header.

Run by the Python of `.tools/ministack`. It reaches into the release that `ministack.txt` pins; the end-to-end test of
traces fails when another one has no more use for it.
"""

import sys
from contextvars import ContextVar

from ministack.app import main
from ministack.services import sqs

SEND, SEND_BATCH = sqs._act_send_message, sqs._act_send_message_batch

# The system attributes of the entries that the batch under way has yet to send, in their order.
waiting = ContextVar("waiting", default=None)


def send(data, url):
    entries = waiting.get()
    if entries is not None:
        data = {**data, "MessageSystemAttributes": next(entries)}
    return SEND(data, url)


def send_batch(data, url):
    entries = iter([entry.get("MessageSystemAttributes") for entry in data.get("Entries", [])])
    token = waiting.set(entries)
    try:
        return SEND_BATCH(data, url)
    finally:
        waiting.reset(token)


# A batch sends its entries by the module's own name for SendMessage.
sqs._act_send_message = send
sqs._HANDLERS["SendMessageBatch"] = send_batch

if __name__ == "__main__":
    sys.exit(main())
