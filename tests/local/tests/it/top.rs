//! `causeway top` on a terminal, in front of the deployed stack.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;
use causeway::clock::{Clock, SystemClock};
use causeway_fakes::faults::{Fault, Mode, Outage};
use causeway_local::stack::LocalStack;
use serde_json::json;

use crate::deployed::Deployed;
use crate::terminal::Terminal;

/// Nobody else's in these tests.
const LANE: &str = "twilio";
/// Requests that meet the broken vendor: enough batches for a breaker that wants two of them to agree.
const REQUESTS: usize = 20;
/// The longest that metrics take: batches end, their lines are forwarded, the screen reads them every five seconds.
const METRICS_MAX: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_a_provider_break_and_closes_its_breaker() {
    let deployed = Deployed::with(&[LANE]).await;
    let (stack, fakes) = (deployed.stack(), deployed.fakes());
    let mut top = start(stack, 80, 24);
    top.line(LANE, "Closed").await;
    assert!(top.is_on_its_own_screen());

    let outage = Outage {
        provider: LANE.to_owned(),
        faults: vec![Fault::new(Mode::Error503, 1.0)],
        for_ms: None,
        seed: 0,
    };
    fakes.put_outage(outage).expect("the provider is known");
    send_requests(stack, "top-broken").await;
    top.line(LANE, "Open").await;

    fakes.clear_outages_of(LANE);
    top.press("/twil\r");
    top.shows("only \"twil\"").await;
    top.press("c");
    top.shows("Close the breaker of twilio?").await;
    top.press("y");
    top.shows("is Closed").await;
    top.line(LANE, "Closed").await;

    // The same by hand.
    top.press("o");
    top.press("drill\r");
    top.shows("for (90s").await;
    top.press("\r");
    top.shows("Force it open? y/n").await;
    top.press("y");
    top.line(LANE, "ForcedOpen").await;
    top.line("breaker", "drill").await;
    top.press("cy");
    top.line(LANE, "Closed").await;

    quit(top).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_letters_and_a_redrives_plan_are_on_the_screen() {
    let deployed = Deployed::with(&[LANE]).await;
    let stack = deployed.stack();
    let mut top = start(stack, 140, 40);
    // What is typed before the screen is there, is typed at the shell.
    top.line(LANE, "Closed").await;
    top.press("/twil\r");
    top.shows("only \"twil\"").await;
    top.line(LANE, "Closed").await;
    top.line("LANE", "LATENCY, P99").await;

    send_requests(stack, "top-healthy").await;
    let end = SystemClock.now() + METRICS_MAX;
    let delivered = |text: &str| {
        let counters = text.lines().find(|line| line.starts_with("30 min"))?;
        let count = counters.split("delivered ").nth(1)?;
        count.split(' ').next()?.parse::<usize>().ok()
    };
    while delivered(&top.text()).is_none_or(|count| count < REQUESTS) {
        assert!(SystemClock.now() < end, "{}", top.text());
        stack.forward_metrics().await.expect("the emulator answers");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    top.line("latency", "p99").await;

    put_letter(stack).await;
    top.line("letters", "newest 1").await;
    top.shows("payload_invalid").await;
    top.press("r");
    top.shows("Redrive what is safe in twilio? y/n").await;
    top.press("n");

    top.resize(80, 24);
    top.line("LANE", " P99").await;
    quit(top).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_it_says_so_and_what_to_use() {
    let deployed = Deployed::with(&[]).await;
    let operator = deployed.stack().operator();
    for (arguments, word, told) in [
        (&["top"][..], "needs a terminal", ""),
        (
            &["top", "--json"][..],
            "has no --json",
            r#""exit_status":2"#,
        ),
    ] {
        let ended = operator.run(arguments).await.expect("it runs");
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains(word), "{ended:?}");
        assert!(ended.stderr.contains("causeway lanes"), "{ended:?}");
        // Programs are told what failed, and people nothing but that.
        assert!(ended.stdout.contains(told), "{ended:?}");
        assert_eq!(ended.stdout.is_empty(), told.is_empty(), "{ended:?}");
    }
}

fn start(stack: &LocalStack, columns: u16, rows: u16) -> Terminal {
    let arguments = ["top", "--metrics-every", "5"];
    let command = stack.operator().command(arguments).expect("it is built");
    Terminal::run(command.as_std(), columns, rows)
}

/// The person's shell gets its screen back as it was.
async fn quit(mut top: Terminal) {
    top.press("q");
    assert!(top.end().await.success());
    top.gives_the_screen_back().await;
}

async fn send_requests(stack: &LocalStack, marker: &str) {
    let sqs = Client::new(&stack.sdk_config());
    let queue = stack.output("TwilioQueueUrl").expect("an output");
    for at in 0..REQUESTS {
        let reference = format!("{marker}-{at}");
        let request = json!({
            "provider": LANE, "operation": "messages.create", "idempotency_key": reference,
            "created_at": SystemClock.now().to_string(),
            "payload": {
                "To": "+14155550123", "From": "+14155550100",
                "Body": format!("The room is ready [ref:{reference}]"),
            },
        });
        let sent = sqs
            .send_message()
            .queue_url(queue)
            .message_body(request.to_string());
        sent.send().await.expect("the queue takes it");
    }
}

/// A letter as the lane writes one.
async fn put_letter(stack: &LocalStack) {
    let sqs = Client::new(&stack.sdk_config());
    let dlq = stack.output("TwilioDlqUrl").expect("an output");
    let mut letter = sqs.send_message().queue_url(dlq).message_body("{}");
    let attributes = [
        ("code", "payload_invalid"),
        ("detail", "payload.To: is missing"),
        ("attempts", "0"),
        ("first_seen", "2026-11-22T10:00:00Z"),
        ("operation", "messages.create"),
    ];
    for (name, value) in attributes {
        let value = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(value)
            .build()
            .expect("it has a type");
        letter = letter.message_attributes(name, value);
    }
    letter.send().await.expect("the queue takes it");
}
