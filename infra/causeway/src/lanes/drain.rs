//! `causeway lanes drain`: nothing new comes to a lane, and what waits is worked off.

use aws_sdk_sqs::types::QueueAttributeName;
use causeway::request::Name;
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::held::{Held, held};
use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::{Lane, Stack};

/// By which the statement is known in a queue's policy.
const SID: &str = "CausewayDrain";

/// Take nothing new into a lane, so that its queue runs empty.
///
/// Shows what waits, and changes nothing without --yes. With it the lane's queue refuses every new message, by HTTP and
/// from producers that send themselves: they get an error and keep what they have. The lane works off what waits and may
/// put messages back. Letters cannot be redriven meanwhile: settle them first.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The lane's provider.
    #[arg(value_parser = crate::target::name)]
    provider: Name,
    /// Do it.
    #[arg(long)]
    yes: bool,
    /// Take new messages again.
    #[arg(long)]
    undo: bool,
}

/// How the lane stands.
#[derive(Debug, Serialize)]
struct Report {
    lane: String,
    /// Whether its queue takes new messages now.
    takes_new: bool,
    held: Held,
    /// What to do next.
    next: Vec<String>,
}

pub(super) async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let lane = stack.lane(arguments.provider.as_str())?;
    let queue = Queue::read(&stack, lane).await?;
    let mut drained = queue.is_closed();
    if arguments.undo {
        queue.write(&stack, lane, &opened(&queue.policy)).await?;
        drained = false;
    } else if arguments.yes && !drained {
        let role = role(&stack, lane).await?;
        let policy = closed(&queue.policy, &queue.arn, &role);
        queue.write(&stack, lane, &policy).await?;
        drained = true;
    }
    let held = Box::pin(held(&stack, lane)).await?;
    let report = Report {
        lane: lane.pascal.clone(),
        takes_new: !drained,
        next: next(lane, held, drained),
        held,
    };
    if context.global.json {
        output::json(Kind::Drain, &report)?;
    } else {
        output::line(&report.text())?;
    }
    Ok(Done::All)
}

impl Report {
    fn text(&self) -> String {
        let state = match self.takes_new {
            true => "takes new messages",
            false => "takes nothing new",
        };
        let next = self.next.join("\n  ");
        format!(
            "{} {state}\n{}\nnext:\n  {next}",
            self.lane,
            self.held.text()
        )
    }
}

/// The commands that come next, as they can be typed.
fn next(lane: &Lane, held: Held, drained: bool) -> Vec<String> {
    let provider = &lane.provider;
    let mut next = Vec::new();
    if held.dead_letters.all() > 0 {
        if drained {
            next.push(format!("causeway lanes drain {provider} --undo"));
        }
        next.push(format!("causeway dlq list {provider}"));
    }
    if !drained {
        next.push(format!("causeway lanes drain {provider} --yes"));
    } else if held.queue.all() > 0 {
        next.push("causeway lanes --watch".to_owned());
    }
    if drained && !held.waits() {
        next.push(format!("causeway lanes retire {provider}"));
    }
    next
}

/// A lane's queue as its policy stands.
struct Queue {
    arn: String,
    policy: Value,
}

impl Queue {
    async fn read(stack: &Stack, lane: &Lane) -> Result<Self, Error> {
        let asked = stack.sqs.get_queue_attributes().queue_url(&lane.queue_url);
        let asked = asked
            .attribute_names(QueueAttributeName::QueueArn)
            .attribute_names(QueueAttributeName::Policy);
        let reply = asked.send().await;
        let reply = reply.map_err(Error::aws("read the queue's policy"))?;
        let attribute = |name: &QueueAttributeName| {
            let found = reply.attributes().and_then(|all| all.get(name));
            found.cloned().unwrap_or_default()
        };
        let policy = attribute(&QueueAttributeName::Policy);
        let policy = match policy.as_str() {
            "" => json!({"Version": "2012-10-17", "Statement": []}),
            text => serde_json::from_str(text)
                .map_err(|error| Error::new(format!("the queue's policy is no JSON: {error}")))?,
        };
        Ok(Self {
            arn: attribute(&QueueAttributeName::QueueArn),
            policy,
        })
    }

    fn is_closed(&self) -> bool {
        statements(&self.policy).iter().any(is_ours)
    }

    async fn write(&self, stack: &Stack, lane: &Lane, policy: &Value) -> Result<(), Error> {
        // An empty text is no policy; one without statements is refused.
        let text = match statements(policy).is_empty() {
            true => String::new(),
            false => policy.to_string(),
        };
        let set = stack.sqs.set_queue_attributes().queue_url(&lane.queue_url);
        let set = set.attributes(QueueAttributeName::Policy, text);
        let done = set.send().await;
        done.map_err(Error::aws("change the queue's policy"))?;
        Ok(())
    }
}

/// The role that the lane's function has: it alone may send, what it puts off or sends again.
async fn role(stack: &Stack, lane: &Lane) -> Result<String, Error> {
    let asked = stack.lambda.get_function_configuration();
    let reply = asked.function_name(&lane.function_name).send().await;
    let reply = reply.map_err(Error::aws("read the lane's role"))?;
    let role = reply.role.filter(|role| !role.is_empty());
    role.ok_or_else(|| Error::new("the lane's function has no role"))
}

/// A policy's statements; one alone may stand without a list.
fn statements(policy: &Value) -> Vec<Value> {
    match &policy["Statement"] {
        Value::Array(all) => all.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

fn is_ours(statement: &Value) -> bool {
    statement["Sid"] == SID
}

fn opened(policy: &Value) -> Value {
    let mut opened = policy.clone();
    let others = statements(policy).into_iter().filter(|one| !is_ours(one));
    opened["Statement"] = others.collect();
    opened
}

/// `policy`, whatever else it says, and nobody but `role` may send. An explicit denial goes before everything that allows;
/// of a session, `aws:PrincipalArn` is its role's.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn>
fn closed(policy: &Value, queue: &str, role: &str) -> Value {
    let mut all = statements(&opened(policy));
    all.push(json!({
        "Sid": SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": role}},
    }));
    let mut closed = policy.clone();
    closed["Statement"] = all.into();
    closed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::Queued;

    const ROLE: &str = "arn:aws:iam::123456789012:role/causeway-StripeRole-1";
    const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:causeway-Stripe";

    #[test]
    fn a_drained_queue_hears_its_lane_alone_and_keeps_what_else_its_policy_says() {
        let own = json!({"Sid": "Partner", "Effect": "Allow", "Principal": {"AWS": "210987654321"},
            "Action": "sqs:SendMessage", "Resource": QUEUE});
        for before in [json!([own]), own.clone()] {
            let policy = json!({"Version": "2012-10-17", "Statement": before});
            let drained = closed(&policy, QUEUE, ROLE);
            let all = drained["Statement"].as_array().expect("statements");
            assert_eq!((all.len(), &all[0]), (2, &own));
            assert_eq!(all[1]["Effect"], "Deny");
            let but_for = &all[1]["Condition"]["ArnNotEquals"]["aws:PrincipalArn"];
            assert_eq!(but_for, ROLE);
            // Twice is as good as once.
            assert_eq!(closed(&drained, QUEUE, ROLE), drained);
            assert_eq!(opened(&drained)["Statement"], json!([own]));
        }
        let bare = json!({"Version": "2012-10-17", "Statement": []});
        assert!(statements(&opened(&closed(&bare, QUEUE, ROLE))).is_empty());
    }

    #[test]
    fn what_comes_next_depends_on_what_waits() {
        let lane = Lane {
            provider: "stripe".to_owned(),
            pascal: "Stripe".to_owned(),
            queue_url: "q".to_owned(),
            dlq_url: "d".to_owned(),
            function_name: "f".to_owned(),
        };
        let held = |ready, letters| Held {
            queue: Queued {
                ready,
                ..Queued::default()
            },
            dead_letters: Queued {
                ready: letters,
                ..Queued::default()
            },
            open_records: 0,
            cut: false,
        };
        assert_eq!(
            next(&lane, held(3, 0), false),
            ["causeway lanes drain stripe --yes"]
        );
        assert_eq!(next(&lane, held(3, 0), true), ["causeway lanes --watch"]);
        assert_eq!(
            next(&lane, held(0, 0), true),
            ["causeway lanes retire stripe"]
        );
        let letters = [
            "causeway lanes drain stripe --undo",
            "causeway dlq list stripe",
        ];
        assert_eq!(next(&lane, held(0, 2), true), letters);
    }
}
