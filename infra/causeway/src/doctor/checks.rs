//! What is looked at.

use aws_sdk_lambda::types::{LastUpdateStatus, State};
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretError;
use causeway::Timestamp;
use futures_util::{StreamExt, stream};

use super::Finding;
use super::clock::{self, Dated};
use crate::error::Error;
use crate::lanes::sources;
use crate::release;
use crate::stack::{Lane, Stack};
use crate::target;

/// Calls side by side.
const SIDE_BY_SIDE: usize = 8;

/// How a confirmed receiver begins; one that has not confirmed has `PendingConfirmation` in its place.
/// <https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html>
const CONFIRMED: &str = "arn:";

/// What an account has at least that Lambda lets grow: a new one has 10.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const GROWN_UP: i32 = 1_000;

/// Whether this command is of the release that is deployed.
pub async fn release(stack: &Stack) -> Vec<Finding> {
    let Some(deployed) = release::deployed(stack).await else {
        let error = Error::new("the stack's API does not say, or not to you");
        return vec![Finding::unseen("release", &error)];
    };
    vec![match release::mismatch(&deployed) {
        Some(told) => Finding::doubtful(
            "release",
            told,
            "use the command of the release that is deployed",
        ),
        None => Finding::good(
            "release",
            format!("{}, here and deployed", deployed.release),
        ),
    }]
}

/// Whether this command knows what is deployed.
pub fn lanes(stack: &Stack) -> Finding {
    let lanes = stack.lanes();
    let unknown: Vec<&str> = lanes
        .iter()
        .map(|lane| &*lane.provider)
        .filter(|provider| target::spec(provider).is_none())
        .collect();
    let count = lanes.len();
    match unknown[..] {
        [] if count == 0 => Finding::bad("lanes", "no lane is deployed", "name some in `Lanes`"),
        [] => Finding::good(
            "lanes",
            format!("{count} deployed, this release knows all of them"),
        ),
        _ => Finding::doubtful(
            "lanes",
            format!("this release does not know {}", unknown.join(", ")),
            "use the command of the release that is deployed",
        ),
    }
}

/// Concurrency, the lanes' event sources that share it, and the clock by which both were answered.
pub async fn account(stack: &Stack, now: Timestamp) -> Vec<Finding> {
    let dated = Dated::default();
    let settings = stack.lambda.get_account_settings().customize();
    let (settings, sources) =
        futures_util::join!(settings.interceptor(dated.clone()).send(), sources(stack));
    let mut findings = Vec::new();
    let sources = match sources {
        Ok(sources) => sources,
        Err(error) => {
            findings.push(Finding::unseen("event sources", &error));
            return findings;
        }
    };
    let of = |lane: &Lane| sources.get(&lane.function_name);
    for lane in stack.lanes() {
        let provider = &lane.provider;
        match of(lane).map(|source| &*source.state) {
            None => findings.push(Finding::bad(
                "event sources",
                format!("{provider}: nothing feeds its function"),
                "deploy again",
            )),
            Some("Disabled") => findings.push(Finding::doubtful(
                "event sources",
                format!("{provider}: off"),
                format!("`causeway breaker show {provider}`; if that is closed: `causeway lanes enable {provider}`"),
            )),
            Some(_) => {}
        }
    }
    if findings.is_empty() {
        findings.push(Finding::good("event sources", "all are on"));
    }
    let wanted = stack.lanes().iter().filter_map(of);
    let wanted: i32 = wanted.filter_map(|source| source.maximum_concurrency).sum();
    match settings {
        Ok(settings) => {
            let limit = settings
                .account_limit
                .map_or(0, |limit| limit.concurrent_executions);
            findings.push(concurrency(limit, wanted));
        }
        Err(error) => findings.push(Finding::unseen(
            "concurrency",
            &Error::aws("read the account's settings")(error),
        )),
    }
    findings.extend(dated.at().map(|theirs| clock::judge(now, theirs)));
    findings
}

/// Whether the account lets all lanes run at once.
fn concurrency(limit: i32, wanted: i32) -> Finding {
    let found = format!("the account runs {limit} functions at once, the lanes may want {wanted}");
    let action = "ask for more at Service Quotas (Lambda, concurrent executions), or lower the lanes' concurrency: what finds no room is throttled and comes back later";
    match limit {
        limit if limit >= wanted => Finding::good("concurrency", found),
        limit if limit < GROWN_UP => Finding::bad("concurrency", found, action),
        _ => Finding::doubtful("concurrency", found, action),
    }
}

/// Whether every function can run.
pub async fn functions(stack: &Stack) -> Vec<Finding> {
    let asked = stack.functions().map(|name| async move {
        let call = stack.lambda.get_function_configuration();
        (name, call.function_name(name).send().await)
    });
    let answers: Vec<_> = stream::iter(asked).buffered(SIDE_BY_SIDE).collect().await;
    let (mut findings, mut machines) = (Vec::new(), Vec::new());
    for (name, answer) in answers {
        let function = match answer {
            Ok(function) => function,
            Err(error) => {
                let error = Error::aws("read a function's configuration")(error);
                findings.push(Finding::unseen("functions", &error));
                continue;
            }
        };
        let failed = matches!(function.state, Some(State::Failed))
            || matches!(function.last_update_status, Some(LastUpdateStatus::Failed));
        if failed {
            let why = function.last_update_status_reason.or(function.state_reason);
            let why = why.unwrap_or_default();
            findings.push(Finding::bad(
                "functions",
                format!("{name}: {why}"),
                "deploy again",
            ));
        }
        machines.extend(function.architectures.unwrap_or_default());
    }
    machines.dedup();
    if let [one, other, ..] = &machines[..] {
        findings.push(Finding::doubtful(
            "functions",
            format!("some are {one}, some {other}"),
            "deploy again, all with one `Architecture`",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::good("functions", "all can run"));
    }
    findings
}

/// Whether each lane finds the credentials of the connection that requests mean when they name none.
pub async fn secrets(stack: &Stack) -> Vec<Finding> {
    let client = &aws_sdk_secretsmanager::Client::new(&stack.config);
    let asked = stack.lanes().iter().map(|lane| async move {
        let name = stack.secret(&lane.provider, "default");
        let answer = client.describe_secret().secret_id(&name).send().await;
        (name, answer)
    });
    let answers: Vec<_> = stream::iter(asked).buffered(SIDE_BY_SIDE).collect().await;
    let mut findings = Vec::new();
    for (name, answer) in answers {
        match answer {
            Ok(secret) if secret.deleted_date.is_some() => findings.push(Finding::bad(
                "secrets",
                format!("{name} is scheduled for deletion"),
                format!("aws secretsmanager restore-secret --secret-id {name}"),
            )),
            Ok(_) => {}
            Err(error) => match error.into_service_error() {
                DescribeSecretError::ResourceNotFoundException(_) => {
                    findings.push(Finding::doubtful(
                        "secrets",
                        format!("{name} does not exist"),
                        "make it, unless every request names another connection",
                    ));
                }
                error => findings.push(Finding::unseen(
                    "secrets",
                    &Error::aws("describe a secret")(error),
                )),
            },
        }
    }
    if findings.is_empty() {
        findings.push(Finding::good(
            "secrets",
            "every lane's default connection has one",
        ));
    }
    findings
}

/// Whether anybody hears the alarms.
pub async fn receivers(stack: &Stack) -> Vec<Finding> {
    let topic = match stack.output("AlertsTopicArn") {
        Ok(topic) => topic,
        Err(error) => return vec![Finding::unseen("alarms", &error)],
    };
    let client = aws_sdk_sns::Client::new(&stack.config);
    let answer = client
        .list_subscriptions_by_topic()
        .topic_arn(topic)
        .send()
        .await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let error = Error::aws("list who hears the alarms")(error);
            return vec![Finding::unseen("alarms", &error)];
        }
    };
    let all = answer.subscriptions();
    let is_confirmed = |arn: &str| arn.starts_with(CONFIRMED);
    let confirmed = all
        .iter()
        .filter(|one| one.subscription_arn().is_some_and(is_confirmed));
    vec![heard(confirmed.count(), all.len())]
}

fn heard(confirmed: usize, all: usize) -> Finding {
    match (confirmed, all) {
        (0, 0) => Finding::bad(
            "alarms",
            "nobody hears them",
            "deploy with `AlertEmail`, or subscribe to the topic `AlertsTopicArn`",
        ),
        (0, _) => Finding::bad(
            "alarms",
            format!("{all} receiver(s), none of whom has confirmed"),
            "open the confirmation that SNS sent",
        ),
        _ => Finding::good("alarms", format!("{confirmed} receiver(s) hear them")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Standing;
    use super::*;

    #[test]
    fn a_new_account_is_too_small_for_its_lanes_and_is_told() {
        assert_eq!(concurrency(10, 40).standing, Standing::Bad);
        assert_eq!(concurrency(1_000, 40).standing, Standing::Good);
        assert_eq!(concurrency(1_000, 2_000).standing, Standing::Doubtful);
    }

    #[test]
    fn alarms_that_nobody_confirmed_are_heard_by_nobody() {
        assert_eq!(heard(0, 0).standing, Standing::Bad);
        assert_eq!(heard(0, 2).standing, Standing::Bad);
        assert_eq!(heard(1, 2).standing, Standing::Good);
    }
}
