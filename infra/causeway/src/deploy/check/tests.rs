use super::*;

/// The real template.
const TEMPLATE: &str = include_str!("../../../../../template.yaml");

struct World {
    environment: Environment,
    declared: Declared,
}

fn world(overrides: &[(&str, &str)]) -> World {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    World {
        environment: Environment {
            name: "prod".to_owned(),
            stack: "causeway".to_owned(),
            overrides: overrides.iter().map(owned).collect(),
        },
        declared: Declared::read(TEMPLATE).expect("the template"),
    }
}

impl World {
    /// Nothing is wrong but for what a test changes.
    fn facts(&self) -> Facts<'_> {
        let lanes = names(self.environment.overrides.get("Lanes"));
        let others = ["Gatekeeper", "Ingest", "Warning"].map(str::to_owned);
        let built = lanes.into_iter().chain(others);
        Facts {
            environment: &self.environment,
            declared: &self.declared,
            deployed: None,
            built: built
                .map(|name| (format!("{name}Function"), Some("x86_64")))
                .collect(),
            strays: BTreeSet::new(),
            waiting: BTreeMap::new(),
            forgotten: BTreeSet::new(),
            account: Some(1000),
            sam: Some("1.170.0".to_owned()),
        }
    }
}

/// The stack as it was deployed, with what was not said at the template's defaults.
fn deployed(said: &[(&str, &str)]) -> Option<BTreeMap<String, String>> {
    let world = world(said);
    Some(judge(&world.facts()).parameters)
}

fn stops(facts: &Facts<'_>) -> Vec<String> {
    let found = judge(facts).findings.into_iter();
    found
        .filter(|one| one.stops)
        .map(|one| format!("{} | {}", one.what, one.hint))
        .collect()
}

fn one(facts: &Facts<'_>, what: &str) {
    let found = stops(facts);
    assert!(found.len() == 1 && found[0].contains(what), "{found:#?}");
}

#[test]
fn a_deployment_that_is_what_it_seems_goes_on() {
    let world = world(&[("Lanes", "Stripe,Slack"), ("LogLevel", "debug")]);
    assert_eq!(stops(&world.facts()), [""; 0]);
    let mut facts = world.facts();
    facts.deployed = deployed(&[("Lanes", "Stripe,Slack")]);
    let verdict = judge(&facts);
    let notes: Vec<_> = verdict
        .findings
        .iter()
        .map(|one| one.what.as_str())
        .collect();
    assert_eq!(notes, ["LogLevel: info → debug"]);
}

/// `sam deploy` sent "use the previous value" for whatever it was not told: a lane that a release added to the default of
/// `Lanes` never came up on a stack that was there before.
#[test]
fn every_parameter_is_said_so_that_nothing_is_kept_from_before() {
    let world = world(&[("Lanes", "Stripe,Slack,Klaviyo")]);
    let mut facts = world.facts();
    facts.deployed = deployed(&[("Lanes", "Stripe,Slack"), ("LogLevel", "trace")]);
    let verdict = judge(&facts);
    let said: BTreeSet<_> = verdict.parameters.keys().collect();
    assert_eq!(said, world.declared.parameters.keys().collect());
    assert_eq!(verdict.parameters["Lanes"], "Stripe,Slack,Klaviyo");
    // Somebody raised it by hand.
    assert_eq!(verdict.parameters["LogLevel"], "info");
    let shown = verdict.findings.iter().map(|one| one.what.as_str());
    let shown: Vec<_> = shown.collect();
    assert!(shown.contains(&"LogLevel: trace → info"), "{shown:?}");
    assert!(shown.contains(&"Lanes: Stripe,Slack → Stripe,Slack,Klaviyo"));
}

#[test]
fn a_parameter_that_there_is_not_is_a_slip() {
    let world = world(&[("Lanes", "Stripe"), ("LogLevl", "debug")]);
    one(&world.facts(), "no parameter `LogLevl`");
}

/// Every function ended with "exec format error": the stack kept `arm64` while `make deploy` built for x86_64.
#[test]
fn what_is_built_for_another_processor_is_not_deployed() {
    let world = world(&[("Lanes", "Stripe"), ("Architecture", "arm64")]);
    one(
        &world.facts(),
        "another processor than Architecture=arm64: Stripe, Gatekeeper, Ingest, Warning",
    );
    let mut facts = world.facts();
    facts
        .built
        .values_mut()
        .for_each(|one| *one = Some("arm64"));
    assert_eq!(stops(&facts), [""; 0]);
    facts.built.remove("StripeFunction");
    one(&facts, "not built: Stripe");
}

/// A rollback to the release before deployed that release's `Lanes`: a lane that was added by hand since then lost its
/// queue, with what waited in it.
#[test]
fn a_lane_that_was_added_by_hand_is_not_lost_by_a_rollback() {
    let world = world(&[("Lanes", "Stripe,Slack")]);
    let mut facts = world.facts();
    facts.deployed = deployed(&[("Lanes", "Stripe,Slack,Klaviyo")]);
    one(&facts, "Klaviyo is deployed and stands in neither");
    one(&facts, "causeway lanes retire Klaviyo --env prod");
}

#[test]
fn a_lane_ends_only_when_nothing_waits_or_by_its_name() {
    let world = world(&[("Lanes", "Slack"), ("KeptLanes", "Stripe")]);
    let mut facts = world.facts();
    facts.deployed = deployed(&[("Lanes", "Stripe,Slack")]);
    facts.waiting.insert("Stripe".to_owned(), 7);
    one(&facts, "Stripe would end with 7 messages and letters");
    facts.forgotten.insert("Stripe".to_owned());
    assert_eq!(stops(&facts), [""; 0]);
    facts.forgotten.clear();
    facts.waiting.insert("Stripe".to_owned(), 0);
    assert_eq!(stops(&facts), [""; 0]);
}

#[test]
fn a_lane_comes_back_and_kept_queues_leave_only_by_name() {
    let back = world(&[("Lanes", "Stripe,Slack")]);
    let mut facts = back.facts();
    facts.deployed = deployed(&[("Lanes", "Slack"), ("KeptLanes", "Stripe")]);
    let found = judge(&facts).findings;
    assert!(
        found
            .iter()
            .any(|one| one.what.contains("drain Stripe --undo"))
    );
    assert_eq!(stops(&facts), [""; 0]);

    let gone = world(&[("Lanes", "Slack")]);
    let mut facts = gone.facts();
    facts.deployed = deployed(&[("Lanes", "Slack"), ("KeptLanes", "Stripe")]);
    one(&facts, "the queues of Stripe would leave the stack");
    facts.forgotten.insert("Stripe".to_owned());
    assert_eq!(stops(&facts), [""; 0]);
}

#[test]
fn a_queue_outside_of_the_stack_is_taken_in_first() {
    let world = world(&[("Lanes", "Stripe")]);
    let mut facts = world.facts();
    facts.strays.insert("Stripe".to_owned());
    one(&facts, "a queue of Stripe exists outside of the stack");
}

#[test]
fn a_lane_runs_or_has_ended_and_stands_once() {
    one(
        &world(&[("Lanes", "Stripe,Slack"), ("KeptLanes", "Slack")]).facts(),
        "Slack stands twice",
    );
    one(
        &world(&[("Lanes", "Stripe,Stripe")]).facts(),
        "Stripe stands twice",
    );
    let empty = world(&[("Lanes", "")]);
    one(&empty.facts(), "Lanes names no lane");
}

fn long(count: usize) -> String {
    let names: Vec<_> = (0..count).map(|number| format!("L{number:a>19}")).collect();
    names.join(",")
}

/// CloudFormation said so after minutes, in words about a template; with the event sources' ids in the gatekeeper's
/// environment 45 lanes with names of 20 letters were too many.
#[test]
fn as_many_lanes_as_one_stack_can_hold_and_not_one_more() {
    let lanes = long(45);
    assert_eq!(stops(&world(&[("Lanes", &lanes)]).facts()), [""; 0]);
    let lanes = long(54);
    assert_eq!(stops(&world(&[("Lanes", &lanes)]).facts()), [""; 0]);
    let lanes = long(65);
    let found = stops(&world(&[("Lanes", &lanes)]).facts());
    assert!(
        found[0].contains("outputs; CloudFormation takes 200"),
        "{found:?}"
    );
    let lanes = long(54);
    let gradual = world(&[
        ("Lanes", &lanes),
        ("ReleaseShift", "Canary10Percent5Minutes"),
    ]);
    one(&gradual.facts(), "resources; CloudFormation takes 500");
    let name = "x".repeat(90);
    let names: Vec<_> = (0..30).map(|number| format!("{name}{number}")).collect();
    let lanes = names.join(",");
    one(
        &world(&[("Lanes", &lanes)]).facts(),
        "bytes of the gatekeeper's environment",
    );
}

#[test]
fn a_new_accounts_ten_executions_are_said_and_survived() {
    let nine = "Stripe,Slack,Hubspot,Xero,Shopify,Twilio,Pagerduty,Seam,Guesty";
    let unaware = world(&[("Lanes", nine)]);
    let mut facts = unaware.facts();
    facts.account = Some(10);
    one(&facts, "the account runs 10 functions at once");
    one(&facts, "AccountConcurrency=10");

    // Enough for these lanes is enough.
    facts.account = Some(45);
    assert_eq!(stops(&facts), [""; 0]);
    assert!(judge(&facts).findings[0].what.contains("runs 45 functions"));

    let aware = world(&[("Lanes", nine), ("AccountConcurrency", "10")]);
    let mut facts = aware.facts();
    facts.account = Some(10);
    let verdict = judge(&facts);
    assert_eq!(stops(&facts), [""; 0]);
    assert!(
        verdict.findings[0].what.contains("none lost"),
        "{verdict:?}"
    );
    facts.account = Some(1000);
    let found = judge(&facts).findings;
    assert!(
        found
            .iter()
            .any(|one| one.what.contains("holds the lanes back"))
    );
    let small = world(&[("Lanes", nine), ("AccountConcurrency", "20")]);
    one(&small.facts(), "come to 45, and AccountConcurrency says 20");
}

#[test]
fn a_sam_cli_that_knows_no_loops_is_named() {
    let world = world(&[("Lanes", "Stripe")]);
    let mut facts = world.facts();
    for old in ["1.159.1", "0.53"] {
        facts.sam = Some(old.to_owned());
        one(&facts, &format!("of version {old}"));
    }
    facts.sam = None;
    one(&facts, "the SAM CLI is not there");
    for new in ["1.160.0", "1.170.0", "2.0.0"] {
        facts.sam = Some(new.to_owned());
        assert_eq!(stops(&facts), [""; 0]);
    }
}
