//! What each function may have to do, and where in the source it does it.

/// A thing that a function acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Queue,
    DeadLetters,
    Requests,
    /// The index of what is not delivered.
    RequestsIndex,
    Lanes,
    LanesStream,
    Mappings,
    /// Secrets of the lane's own provider.
    Secrets,
    /// Queues that the tag `causeway:ingest` marks.
    TaggedQueues,
    /// Event source mappings that the tag `causeway:stack` marks.
    TaggedSources,
    /// The topic that tells people.
    Topic,
    LogGroup,
    /// What has no resource level permission.
    Anything,
}

/// A method of an adapter that calls AWS, and the line of the story that needs it.
pub struct Use {
    /// The adapter's file.
    pub file: &'static str,
    /// Its method.
    pub method: &'static str,
    /// The file that calls the method.
    pub story: &'static str,
    /// The call, as it stands there without spaces.
    pub call: &'static str,
    pub target: Target,
}

/// A method of an adapter that a function has no use for.
pub struct Never {
    pub file: &'static str,
    pub method: &'static str,
    /// Where no such call stands.
    pub folder: &'static str,
    /// How it would look.
    pub calls: &'static [&'static str],
}

/// What one kind of function does with its role.
pub struct Function {
    /// `Stripe` for lanes, as an example, else the function's own name: the role is `<name>Role`.
    pub name: &'static str,
    /// The files in which it makes its adapters.
    pub makes: &'static str,
    /// The adapters that it makes, and their files.
    pub adapters: &'static [(&'static str, &'static str)],
    pub uses: &'static [Use],
    /// Methods of its adapters that it never calls: neither of these texts stands in its folder.
    pub never: &'static [Never],
    /// What AWS Lambda does in the role's name.
    pub lambda: &'static [(&'static str, Target)],
}

/// Logs and traces of any function.
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html>
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html>
pub const EVERY_FUNCTION: [(&str, Target); 4] = [
    ("logs:CreateLogStream", Target::LogGroup),
    ("logs:PutLogEvents", Target::LogGroup),
    ("xray:PutTraceSegments", Target::Anything),
    ("xray:PutTelemetryRecords", Target::Anything),
];

const SQS: &str = "shared/src/queue/sqs.rs";
const LEDGER: &str = "shared/src/ledger/dynamodb.rs";
const INDEX: &str = "shared/src/ledger/index/dynamodb.rs";
const STATES: &str = "shared/src/lanes/dynamodb.rs";
const SECRETS: &str = "shared/src/secrets/aws.rs";
const WARNING_SEAMS: &str = "functions/warning/src/aws.rs";
const CONTROL: &str = "functions/gatekeeper/src/aws.rs";

/// Looking on is for whoever explains: nothing is decided by it.
const fn no_glance(folder: &'static str) -> Never {
    Never {
        file: STATES,
        method: "glance",
        folder,
        calls: &[".glance(", "explain::look("],
    }
}

const fn no_add(folder: &'static str) -> Never {
    Never {
        file: STATES,
        method: "add",
        folder,
        calls: &["states.add(", "store.add(", "RateLimiter"],
    }
}

const fn used(
    (file, method): (&'static str, &'static str),
    (story, call): (&'static str, &'static str),
    target: Target,
) -> Use {
    Use {
        file,
        method,
        story,
        call,
        target,
    }
}

pub const LANE: Function = Function {
    name: "Stripe",
    makes: "shared/src/lambda",
    adapters: &[
        ("SqsQueue", SQS),
        ("DynamoLedger", LEDGER),
        ("DynamoStates", STATES),
        ("AwsSecrets", SECRETS),
    ],
    uses: &[
        used(
            (SQS, "bury"),
            ("shared/src/pipeline/finish.rs", "queue.bury("),
            Target::DeadLetters,
        ),
        used(
            (SQS, "hide"),
            ("shared/src/pipeline/wait.rs", "queue.hide("),
            Target::Queue,
        ),
        used(
            (SQS, "send_again"),
            ("shared/src/pipeline/wait.rs", "queue.send_again("),
            Target::Queue,
        ),
        used(
            (SQS, "in_flight"),
            ("shared/src/pipeline/wait.rs", "queue.in_flight("),
            Target::Queue,
        ),
        used(
            (LEDGER, "read"),
            ("shared/src/pipeline/admit.rs", "ledger.read("),
            Target::Requests,
        ),
        used(
            (LEDGER, "write"),
            ("shared/src/ledger/mod.rs", "store.write("),
            Target::Requests,
        ),
        used(
            (STATES, "load"),
            ("shared/src/lanes/mod.rs", "store.load("),
            Target::Lanes,
        ),
        used(
            (STATES, "swap"),
            ("shared/src/lanes/mod.rs", "store.swap("),
            Target::Lanes,
        ),
        used(
            (STATES, "add"),
            ("shared/src/limiter", "states.add("),
            Target::Lanes,
        ),
        used(
            (STATES, "load"),
            ("shared/src/mapping/known.rs", "store.load("),
            Target::Mappings,
        ),
        used(
            (SECRETS, "get"),
            ("shared/src/credentials", "secrets.get("),
            Target::Secrets,
        ),
    ],
    never: &[no_glance("shared/src/pipeline")],
    // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    lambda: &[
        ("sqs:ReceiveMessage", Target::Queue),
        ("sqs:DeleteMessage", Target::Queue),
        ("sqs:GetQueueAttributes", Target::Queue),
    ],
};

pub const GATEKEEPER: Function = Function {
    name: "Gatekeeper",
    makes: "functions/gatekeeper/src",
    adapters: &[("DynamoStates", STATES), ("AwsLaneControl", CONTROL)],
    uses: &[
        used(
            (STATES, "load"),
            ("shared/src/gatekeeper", "lanes::read::<"),
            Target::Lanes,
        ),
        used(
            (CONTROL, "read"),
            ("shared/src/gatekeeper", "control.read("),
            Target::Anything,
        ),
        used(
            (CONTROL, "waiting"),
            ("shared/src/gatekeeper", "control.waiting("),
            Target::TaggedQueues,
        ),
        used(
            (CONTROL, "letters"),
            ("shared/src/gatekeeper", "control.letters("),
            Target::TaggedQueues,
        ),
        used(
            (STATES, "swap"),
            ("shared/src/gatekeeper", "lanes::update("),
            Target::Lanes,
        ),
        used(
            (STATES, "glance"),
            ("shared/src/gatekeeper", "states.glance("),
            Target::Lanes,
        ),
        used(
            (CONTROL, "set"),
            ("shared/src/gatekeeper", "control.set("),
            Target::TaggedSources,
        ),
    ],
    never: &[no_add("shared/src/gatekeeper")],
    // https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
    lambda: &[
        ("dynamodb:DescribeStream", Target::LanesStream),
        ("dynamodb:GetRecords", Target::LanesStream),
        ("dynamodb:GetShardIterator", Target::LanesStream),
        ("dynamodb:ListStreams", Target::Anything),
    ],
};

pub const INGEST: Function = Function {
    name: "Ingest",
    makes: "functions/ingest/src",
    adapters: &[
        ("DynamoLedger", LEDGER),
        ("DynamoIndex", INDEX),
        ("DynamoStates", STATES),
        ("SqsProducer", SQS),
    ],
    uses: &[
        used(
            (LEDGER, "read"),
            ("functions/ingest/src/follow.rs", "ledger.read("),
            Target::Requests,
        ),
        used(
            (INDEX, "slice"),
            ("shared/src/ledger/index/mod.rs", "index.slice("),
            Target::RequestsIndex,
        ),
        used(
            (STATES, "load"),
            ("shared/src/mapping/known.rs", "store.load("),
            Target::Mappings,
        ),
        // Producers' quotas.
        used(
            (STATES, "load"),
            ("shared/src/lanes/mod.rs", "store.load("),
            Target::Lanes,
        ),
        used(
            (STATES, "swap"),
            ("shared/src/lanes/mod.rs", "store.swap("),
            Target::Lanes,
        ),
        used(
            (STATES, "add"),
            ("shared/src/limiter", "states.add("),
            Target::Lanes,
        ),
        used(
            (STATES, "glance"),
            ("shared/insights/src/explain/look.rs", "states.glance("),
            Target::Lanes,
        ),
        used(
            (SQS, "put"),
            ("functions/ingest/src/submit", "producer.put("),
            Target::TaggedQueues,
        ),
    ],
    never: &[Never {
        file: LEDGER,
        method: "write",
        folder: "functions/ingest/src",
        calls: &["ledger.write(", "store.write(", "ledger::"],
    }],
    lambda: &[],
};

pub const WARNING: Function = Function {
    name: "Warning",
    makes: "functions/warning/src",
    adapters: &[
        ("DynamoStates", STATES),
        ("AwsMeasures", WARNING_SEAMS),
        ("SnsAlerts", WARNING_SEAMS),
    ],
    uses: &[
        used(
            (STATES, "load"),
            ("functions/warning/src", "lanes::read::<"),
            Target::Lanes,
        ),
        used(
            (STATES, "swap"),
            ("functions/warning/src", "lanes::update("),
            Target::Lanes,
        ),
        used(
            (WARNING_SEAMS, "active"),
            ("functions/warning/src", "measures.active("),
            Target::Anything,
        ),
        used(
            (WARNING_SEAMS, "read"),
            ("functions/warning/src", "measures.read("),
            Target::Anything,
        ),
        used(
            (WARNING_SEAMS, "waiting"),
            ("functions/warning/src", "measures.waiting("),
            Target::TaggedQueues,
        ),
        used(
            (WARNING_SEAMS, "tell"),
            ("functions/warning/src", "alerts.tell("),
            Target::Topic,
        ),
    ],
    never: &[
        no_add("functions/warning/src"),
        no_glance("functions/warning/src"),
    ],
    lambda: &[],
};

pub const ALL: [&Function; 4] = [&LANE, &GATEKEEPER, &INGEST, &WARNING];
