//! Codes of every lane.

use super::Fault::{Lane, Nobody, Operator, Producer, Vendor};
use super::Redrive::{AfterMending, AfterResolving, Helps, Never, Settles};
use super::{Explanation, explained};
use crate::dlq::letter::NO_CODE;

/// In the order of a request's way: written, mapped, tried, carried, queued.
pub const EVERY_LANE: &[Explanation] = &[
    // What the producer wrote.
    explained(
        "request_too_large",
        Producer,
        Never,
        "The body is longer than 256 KiB.",
        "The producer sends a smaller payload, as a new request. Delete the letter.",
    ),
    explained(
        "malformed_json",
        Producer,
        Never,
        "The body is not one JSON object, or nested too deep.",
        "The producer mends what it writes and sends it as a new request.",
    ),
    explained(
        "missing_field",
        Producer,
        Never,
        "A required field is not there; the detail names it.",
        "The producer adds the field and sends it as a new request.",
    ),
    explained(
        "invalid_field",
        Producer,
        Never,
        "A field breaks its rule; the detail names both.",
        "The producer corrects the field and sends it as a new request.",
    ),
    explained(
        "unknown_field",
        Producer,
        Never,
        "The request has a top-level field that requests do not have; often a misspelt one.",
        "The producer corrects the name and sends it as a new request.",
    ),
    explained(
        "duplicate_field",
        Producer,
        Never,
        "An object has a field twice, so that nobody can tell which one was meant.",
        "The producer writes each field once and sends it as a new request.",
    ),
    explained(
        "number_not_exact",
        Producer,
        Never,
        "A number would be rounded by the next program that reads it.",
        "The producer sends it as text, or with fewer digits, as a new request.",
    ),
    explained(
        "unknown_provider",
        Producer,
        Never,
        "The request names a provider that this lane does not serve: it was put on the wrong queue.",
        "The producer sends it to the other provider's queue.",
    ),
    explained(
        "unknown_operation",
        Producer,
        AfterMending,
        "The provider has no operation of this name in the deployed release.",
        "Correct the producer, or deploy a release that has the operation and redrive.",
    ),
    explained(
        "payload_invalid",
        Producer,
        AfterMending,
        "The payload does not have the operation's shape; the detail names field and rule.",
        "The producer corrects it and sends it as a new request, under the same key if it likes. Where the rule was \
         wrong, deploy the corrected one and redrive.",
    ),
    explained(
        "idempotency_conflict",
        Producer,
        Never,
        "The idempotency key was used before with another payload, and that request took effect or is not over.",
        "Find out which payload was meant; if this one, the producer sends it under a key of its own.",
    ),
    explained(
        "deadline_exceeded",
        Nobody,
        Never,
        "The request's own deadline passed before it could be carried out; nothing is sent after it.",
        "Look why it waited (breaker, limits, age of the queue). The producer sends it again with a new deadline.",
    ),
    // What the stack was told.
    explained(
        "mapping_failed",
        Operator,
        AfterMending,
        "The mapping is not known here, or what it makes of the payload does not have the operation's shape.",
        "Try it on the payload with `causeway map test`, correct the mapping, wait a minute, redrive.",
    ),
    // What became of the attempts.
    explained(
        "attempts_spent",
        Vendor,
        Helps,
        "Every attempt that the retry policy allows was made; the detail names the last failure.",
        "Check that the vendor is well again (`causeway lanes`), then redrive.",
    ),
    explained(
        "provider_rejected",
        Producer,
        AfterMending,
        "The vendor refused the request for good; status and detail say why in the vendor's codes.",
        "Look the vendor's code up. Where something at the vendor was wrong and is mended, redrive; else the producer \
         corrects the request.",
    ),
    explained(
        "provider_unavailable",
        Vendor,
        Helps,
        "The vendor answered that it is unwell (5xx).",
        "Wait until the breaker is closed again (`causeway lanes`), then redrive.",
    ),
    explained(
        "provider_timeout",
        Vendor,
        Helps,
        "The vendor did not answer in time, or the connection broke after the request was sent.",
        "Wait until the vendor answers again, then redrive what the dry run calls safe.",
    ),
    explained(
        "answer_unreadable",
        Vendor,
        AfterResolving,
        "The vendor answered, but with more than a lane reads (1 MiB, 100 headers) or compressed although nobody asked.",
        "Look at the vendor whether it took effect. Sending it again brings the same answer; report it as a defect.",
    ),
    explained(
        "connect_failed",
        Vendor,
        Helps,
        "No connection to the vendor could be made, or it closed before the request began; nothing was sent.",
        "Check name resolution and the vendor's status page, then redrive.",
    ),
    explained(
        "forbidden",
        Operator,
        Helps,
        "The vendor knows the credentials, and they may not do this (403): a scope, a permission, or this one object.",
        "Give the connection the right at the vendor, or find out what is special about the object; then redrive.",
    ),
    explained(
        "blocked",
        Vendor,
        Helps,
        "Something before the vendor refused the call (403 with a page that is not the vendor's), time and again.",
        "Compare what is said in the payload and where the calls come from with the vendor's firewall; then redrive.",
    ),
    explained(
        "locked",
        Vendor,
        Helps,
        "Somebody else held what the call is about, until the attempts ran out.",
        "Redrive it a few minutes later.",
    ),
    explained(
        "too_early",
        Vendor,
        Helps,
        "The vendor would not take the call yet, or not on this connection, until the attempts ran out.",
        "Redrive it a few minutes later.",
    ),
    explained(
        "redirected",
        Vendor,
        Helps,
        "The vendor sent the call elsewhere (303), which says nothing about what became of it.",
        "Look whether the vendor's address has changed, then redrive what the dry run calls safe.",
    ),
    explained(
        "rate_limited",
        Vendor,
        Helps,
        "The vendor's own rate limit refused the call, time and again.",
        "See who else draws on the account's limit, then redrive slowly (`--rate`).",
    ),
    explained(
        "batch_refused",
        Vendor,
        Helps,
        "The vendor refused a call of several requests because of one of them, until the attempts ran out.",
        "Redrive: each one goes alone then, and the bad one says what is wrong with it.",
    ),
    explained(
        "already_exists",
        Producer,
        Never,
        "What was to be made is there already, under a name that can be given only once, and it is not ours.",
        "The producer chooses another name, or accepts what is there.",
    ),
    explained(
        "untold_element",
        Vendor,
        Helps,
        "The vendor's answer to a call of several requests did not tell what became of this one.",
        "Redrive what the dry run calls safe.",
    ),
    explained(
        "outcome_unknown",
        Nobody,
        Settles,
        "The request may have taken effect, and nothing could tell yet. It is never sent again by itself.",
        "Redrive what the dry run calls safe. For the rest, look at the vendor whether it took effect, then say so: \
         `causeway dlq resolve`.",
    ),
    explained(
        "resolved",
        Nobody,
        Helps,
        "An operator ruled on the request after nobody else could tell what became of it.",
        "Ruled as without effect, a redrive carries it out anew; otherwise the letter can go.",
    ),
    // What happened to the function.
    explained(
        "panicked",
        Lane,
        AfterMending,
        "The lane's own code panicked on this record; the rest of its batch went on.",
        "Report it with the function's log line, deploy the mended release, redrive.",
    ),
    explained(
        "crash_loop",
        Lane,
        AfterMending,
        "The function died three times with nothing but this request in hand: memory, time or a crash.",
        "See the function's log and memory, deploy what mends it, then redrive what the dry run calls safe.",
    ),
    // What happened to the message.
    explained(
        "queue_time_spent",
        Nobody,
        Helps,
        "The message waited for as long as its queue can hold it (13 days, or 950 receives); the detail names the last \
         reason to wait.",
        "End what it waited for (a paused connection, a spent quota, an open breaker), then redrive.",
    ),
    explained(
        NO_CODE,
        Operator,
        Helps,
        "No lane wrote this letter: SQS moved the message after 1,000 receives, or a person put it here.",
        "See the function's log for why it never ended (permissions, a crash at start), then redrive.",
    ),
];
