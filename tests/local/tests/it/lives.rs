//! Lanes that come, end and come back, on the real template: deployed by the SAM CLI, unbuilt, since what becomes of queues
//! and tables needs no program. Each deployment is checked first, as `make deploy` does.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use aws_sdk_cloudformation::types::{
    ChangeSetStatus, ChangeSetType, Parameter, ResourceToImport, TemplateStage,
};
use aws_sdk_sqs::types::QueueAttributeName;
use causeway_command::deploy::settings::{Environment, with_override};
use causeway_command::deploy::template::Declared;
use causeway_local::stack::{BareEmulator, Ended, environment, report, root};

/// The longest that one look at CloudFormation is repeated.
const LOOK_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Messages in each lane's queue.
const WAITING: u64 = 5;

/// A project's folder as the command sees it: samconfig.toml and what was built.
struct Project {
    emulator: BareEmulator,
    folder: PathBuf,
}

impl Project {
    async fn new(name: &str) -> Self {
        let emulator = BareEmulator::up(name).await;
        let emulator = emulator.unwrap_or_else(|error| panic!("{}", report(&error)));
        let folder = root().join("target/local").join(name).join("project");
        fs::create_dir_all(&folder).expect("a folder");
        let project = Self { emulator, folder };
        for lane in ["Stripe", "Slack", "Xero", "Gatekeeper", "Ingest", "Warning"] {
            project.build(lane, 62);
        }
        project
    }

    /// The head of a program for a processor, by ELF's number: 62 is x86_64.
    fn build(&self, function: &str, machine: u16) {
        let folder = self.folder.join(format!("build/{function}Function"));
        fs::create_dir_all(&folder).expect("a folder");
        let mut head = b"\x7fELF\x02\x01\x01".to_vec();
        head.resize(18, 0);
        head.extend(machine.to_le_bytes());
        fs::write(folder.join("bootstrap"), head).expect("a file");
    }

    fn config(&self, parameters: &[&str]) {
        let endpoint = format!("AwsEndpointUrl={}", self.emulator.endpoint());
        let all = parameters.iter().copied().chain([endpoint.as_str()]);
        self.config_of(all);
    }

    fn config_of<'a>(&self, parameters: impl Iterator<Item = &'a str>) {
        let lines: String = parameters.map(|one| format!("    \"{one}\",\n")).collect();
        let text = format!(
            "version = 0.1\n\n[trap.global.parameters]\nstack_name = \"trap\"\nparameter_overrides = [\n{lines}]\n"
        );
        fs::write(self.folder.join("samconfig.toml"), text).expect("a file");
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    async fn causeway(&self, arguments: &[&str], code: i32) -> Ended {
        let config = self.file("samconfig.toml");
        let template = root().join("template.yaml").display().to_string();
        let place = [
            "--env",
            "trap",
            "--config",
            &config,
            "--template",
            &template,
        ];
        let ended = self
            .emulator
            .operator()
            .run([arguments, &place].concat())
            .await;
        let ended = ended.unwrap_or_else(|error| panic!("{}", report(&error)));
        assert_eq!(ended.code, code, "{arguments:?}: {ended:#?}");
        ended
    }

    async fn check(&self, more: &[&str], code: i32) -> Ended {
        let (build, parameters) = (self.file("build"), self.file("parameters.yaml"));
        let sam = root().join(".tools/sam/bin/sam").display().to_string();
        let fixed = [
            "deploy",
            "check",
            "--build",
            &build,
            "--sam",
            &sam,
            "--parameters",
            &parameters,
        ];
        self.causeway(&[&fixed, more].concat(), code).await
    }

    /// As `make deploy`: looked at, then done.
    async fn deploy(&self, more: &[&str]) {
        self.check(more, 0).await;
        self.deploy_unseen().await;
    }

    async fn deploy_unseen(&self) {
        let parameters = self.folder.join("parameters.yaml");
        let done = self.emulator.deploy("trap", &parameters).await;
        done.unwrap_or_else(|error| panic!("{}", report(&error)));
    }

    async fn send(&self, lane: &str) {
        let sqs = aws_sdk_sqs::Client::new(&self.emulator.sdk_config());
        let url = sqs.get_queue_url().queue_name(format!("trap-{lane}"));
        let url = url.send().await.expect("a queue").queue_url;
        for _ in 0..WAITING {
            let sent = sqs.send_message().set_queue_url(url.clone());
            sent.message_body("{}").send().await.expect("it is taken");
        }
    }

    /// Messages in a lane's queue: to be received, received, delayed. The lane's function, unbuilt, settles none.
    async fn waiting(&self, lane: &str) -> u64 {
        let sqs = aws_sdk_sqs::Client::new(&self.emulator.sdk_config());
        let url = sqs.get_queue_url().queue_name(format!("trap-{lane}"));
        let url = url.send().await.expect("a queue").queue_url;
        let asked = sqs.get_queue_attributes().set_queue_url(url);
        let asked = asked.attribute_names(QueueAttributeName::All).send();
        let all = asked.await.expect("it answers").attributes;
        let all = all.expect("attributes").into_iter();
        let counts = all.filter(|(name, _)| name.as_str().starts_with("ApproximateNumberOf"));
        counts
            .map(|(_, text)| text.parse::<u64>().expect("a number"))
            .sum()
    }

    /// The logical ids of the stack's resources.
    async fn resources(&self) -> Vec<String> {
        let client = aws_sdk_cloudformation::Client::new(&self.emulator.sdk_config());
        let all = client.describe_stack_resources().stack_name("trap").send();
        let all = all.await.expect("a stack");
        let ids = all.stack_resources().iter();
        ids.filter_map(|one| one.logical_resource_id().map(str::to_owned))
            .collect()
    }

    async fn has(&self, id: &str) -> bool {
        self.resources().await.iter().any(|one| one == id)
    }
}

/// The first two traps of lanes' lives: removing a name destroyed its queues with what waited in them, and a lane that came
/// back did so to an empty queue.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_lanes_with_messages_one_ends_and_comes_back_and_none_is_lost() {
    let project = Project::new("test-lives").await;
    project.config(&[
        "Lanes=Stripe,Slack",
        "DeletionProtection=on",
        "AlarmsPerLane=off",
    ]);
    let first = project.check(&[], 0).await;
    assert!(
        first
            .stdout
            .contains("DeletionProtection=off for the first"),
        "{first:?}"
    );
    project.deploy_unseen().await;
    // Once more, now protected.
    project.deploy(&[]).await;
    for lane in ["Stripe", "Slack"] {
        project.send(lane).await;
    }

    // An accident: the name is gone.
    project.config(&["Lanes=Slack", "AlarmsPerLane=off"]);
    let accident = project.check(&[], 1).await;
    assert!(
        accident
            .stdout
            .contains("Stripe is deployed and stands in neither"),
        "{accident:?}"
    );
    project.config(&["Lanes=Stripe,Slack", "AlarmsPerLane=off"]);

    // It ends, on purpose.
    let refused = project
        .causeway(&["lanes", "retire", "stripe", "--yes"], 1)
        .await;
    assert!(
        refused.stdout.contains("causeway lanes drain Stripe"),
        "{refused:?}"
    );
    let written = ["lanes", "retire", "stripe", "--leave", "--yes"];
    let written = project.causeway(&written, 0).await;
    assert!(
        written.stdout.contains("make deploy ENV=trap LEAVE=Stripe"),
        "{written:?}"
    );
    let unasked = project.check(&[], 1).await;
    assert!(
        unasked.stdout.contains("Stripe would end with 5 messages"),
        "{unasked:?}"
    );
    project.deploy(&["--leave", "Stripe"]).await;
    assert!(!project.has("StripeFunction").await && project.has("StripeQueue").await);
    assert!(
        !project.has("NoneQueue").await,
        "nothing stands for no lane"
    );

    // It comes back.
    project
        .causeway(&["lanes", "retire", "Stripe", "--undo", "--yes"], 0)
        .await;
    project.deploy(&[]).await;
    assert!(project.has("StripeFunction").await && project.has("StripeSource").await);
    for lane in ["Stripe", "Slack"] {
        assert_eq!(project.waiting(lane).await, WAITING, "{lane}");
    }
    a_queue_outside_of_the_stack_is_taken_in_with_what_waits(&project).await;
}

/// Somebody deployed without the check: the queue stays, outside of the stack, and CloudFormation would not make another
/// of its name. It comes in as a kept lane's, by an import, and the lane comes back to it.
async fn a_queue_outside_of_the_stack_is_taken_in_with_what_waits(project: &Project) {
    let text = fs::read_to_string(project.folder.join("parameters.yaml")).expect("a file");
    let without = text
        .replace("\"Stripe,Slack\"", "\"Slack\"")
        .replace("\"Slack,Stripe\"", "\"Slack\"");
    assert_ne!(text, without);
    fs::write(project.folder.join("parameters.yaml"), without).expect("a file");
    project.deploy_unseen().await;
    assert!(!project.has("StripeQueue").await);
    assert_eq!(project.waiting("Stripe").await, WAITING, "it is retained");

    project.config(&["Lanes=Stripe,Slack", "AlarmsPerLane=off"]);
    let outside = project.check(&[], 1).await;
    assert!(
        outside.stdout.contains("a queue of Stripe exists outside"),
        "{outside:?}"
    );
    import(project, "Stripe").await;
    assert!(project.has("StripeQueue").await && project.has("StripeDlq").await);
    project.deploy(&[]).await;
    assert!(project.has("StripeFunction").await);
    assert_eq!(project.waiting("Stripe").await, WAITING);
}

/// The template is larger than a call takes. Where it lies in the emulator's S3.
fn uploaded(project: &Project, template: &str) -> String {
    const UPLOAD: &str = "import boto3, sys; s3 = boto3.client('s3'); s3.create_bucket(Bucket='imports'); \
        s3.put_object(Bucket='imports', Key='import.yaml', Body=open(sys.argv[1], 'rb'))";
    let file = project.folder.join("import.yaml");
    fs::write(&file, template).expect("a file");
    let endpoint = project.emulator.endpoint();
    let run = std::process::Command::new(root().join(".tools/sam/bin/python"))
        .args(["-c", UPLOAD])
        .arg(file)
        .envs(environment(endpoint))
        .output()
        .expect("the SAM CLI's Python");
    assert!(run.status.success(), "{run:?}");
    format!("{endpoint}/imports/import.yaml")
}

/// The change set of infra/FIRST_DEPLOY.md: nothing but the two queues.
async fn import(project: &Project, lane: &str) {
    let config = project.emulator.sdk_config();
    let client = aws_sdk_cloudformation::Client::new(&config);
    let sqs = aws_sdk_sqs::Client::new(&config);
    let template = client.get_template().stack_name("trap");
    let template = template
        .template_stage(TemplateStage::Original)
        .send()
        .await;
    let template = template
        .expect("a template")
        .template_body
        .expect("its text");
    let queue = |id: &str, name: &str| {
        format!(
            "  {lane}{id}: {{Type: 'AWS::SQS::Queue', DeletionPolicy: RetainExceptOnCreate, Properties: {{QueueName: trap-{lane}{name}}}}}\n"
        )
    };
    let both = queue("Queue", "") + &queue("Dlq", "-dlq");
    let with_both = template.replace("\nResources:\n", &format!("\nResources:\n{both}"));
    assert_ne!(template, with_both);
    let mut change = client
        .create_change_set()
        .stack_name("trap")
        .change_set_name("import")
        .change_set_type(ChangeSetType::Import)
        .template_url(uploaded(project, &with_both));
    let described = client.describe_stacks().stack_name("trap").send().await;
    let described = described.expect("a stack");
    for parameter in described.stacks()[0].parameters() {
        let name = parameter.parameter_key().expect("a name");
        let kept = Parameter::builder().parameter_key(name);
        change = change.parameters(kept.use_previous_value(true).build());
    }
    for (id, queue) in [("Queue", lane.to_owned()), ("Dlq", format!("{lane}-dlq"))] {
        let url = sqs.get_queue_url().queue_name(format!("trap-{queue}"));
        let url = url
            .send()
            .await
            .expect("a queue")
            .queue_url
            .expect("its address");
        let one = ResourceToImport::builder()
            .resource_type("AWS::SQS::Queue")
            .logical_resource_id(format!("{lane}{id}"))
            .resource_identifier("QueueUrl", url);
        change = change.resources_to_import(one.build());
    }
    change.send().await.expect("a change set");
    let end = Instant::now() + LOOK_MAX;
    loop {
        let seen = client.describe_change_set().stack_name("trap");
        let seen = seen.change_set_name("import").send().await.expect("it");
        match seen.status() {
            Some(ChangeSetStatus::CreateComplete) => break,
            Some(ChangeSetStatus::Failed) => panic!("{:?}", seen.status_reason()),
            _ => assert!(Instant::now() < end, "{:?}", seen.status()),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let execute = client.execute_change_set().stack_name("trap");
    execute
        .change_set_name("import")
        .send()
        .await
        .expect("it begins");
    loop {
        let seen = client.describe_stacks().stack_name("trap").send().await;
        let seen = seen.expect("a stack");
        let status = seen.stacks()[0]
            .stack_status()
            .expect("a status")
            .as_str()
            .to_owned();
        match status.as_str() {
            "IMPORT_COMPLETE" => return,
            "IMPORT_IN_PROGRESS" | "UPDATE_COMPLETE" => {}
            other => panic!("{other}"),
        }
        assert!(Instant::now() < end, "{status}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Each environment's stack, and what it says, is of this template; the SAM CLI inherits nothing between environments.
#[test]
fn every_environment_is_whole_and_speaks_of_this_template() {
    let text = fs::read_to_string(root().join("samconfig.toml")).expect("a file");
    let template = fs::read_to_string(root().join("template.yaml")).expect("a file");
    let declared = Declared::read(&template).expect("a template");
    let section = |environment: &str, verb: &str| {
        let head = format!("[{environment}.{verb}.parameters]\n");
        let (_, rest) = text.split_once(&head).expect(&head);
        let body = rest.split("\n[").next().unwrap_or_default();
        let lines = body
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim());
        let others = lines.filter(|line| !line.is_empty() && !line.starts_with("s3_prefix"));
        others.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut stacks = Vec::new();
    for name in ["default", "dev", "stage", "prod"] {
        let environment = Environment::read(&text, name).expect(name);
        for said in environment.overrides.keys() {
            assert!(declared.parameters.contains_key(said), "{name}: {said}");
        }
        for verb in ["build", "deploy"] {
            assert_eq!(
                section(name, verb),
                section("default", verb),
                "{name} {verb}"
            );
        }
        with_override(&text, name, "Lanes", "Stripe").expect("retire can write it");
        stacks.push(environment.stack);
    }
    stacks.dedup();
    assert_eq!(stacks.len(), 4, "a stack each");
}

/// The three traps of parameters: an earlier value was kept for whatever a deployment did not say.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_lane_appears_a_wrong_processor_does_not_and_a_rollback_drops_no_lane() {
    let project = Project::new("test-drift").await;
    project.config(&["Lanes=Slack", "DeletionProtection=off", "AlarmsPerLane=off"]);
    project.deploy(&[]).await;
    assert!(!project.has("XeroFunction").await);

    project.config(&[
        "Lanes=Slack,Xero",
        "DeletionProtection=off",
        "AlarmsPerLane=off",
    ]);
    project.deploy(&[]).await;
    assert!(
        project.has("XeroFunction").await,
        "a new lane on a stack that was there"
    );

    let arm = [
        "Lanes=Slack,Xero",
        "DeletionProtection=off",
        "AlarmsPerLane=off",
        "Architecture=arm64",
    ];
    project.config(&arm);
    let wrong = project.check(&[], 1).await;
    assert!(
        wrong
            .stdout
            .contains("another processor than Architecture=arm64"),
        "{wrong:?}"
    );

    // The release before, with its own samconfig.toml.
    project.config(&["Lanes=Slack", "DeletionProtection=off", "AlarmsPerLane=off"]);
    let rollback = project.check(&[], 1).await;
    assert!(
        rollback
            .stdout
            .contains("Xero is deployed and stands in neither"),
        "{rollback:?}"
    );
    assert!(project.has("XeroQueue").await);
}

/// The emulator knows no alarm on a query, so a deployment that takes it for AWS fails half-way. Tables and queues that
/// were retained stood in the next deployment's way.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_first_deployment_leaves_nothing_behind() {
    let project = Project::new("test-first").await;
    let said = ["Lanes=Slack", "DeletionProtection=on", "AlarmsPerLane=off"];
    project.config_of(said.into_iter());
    project.check(&[], 0).await;
    let parameters = project.folder.join("parameters.yaml");
    let failed = project.emulator.deploy("trap", &parameters).await;
    assert!(failed.is_err(), "it knows no such alarm");
    let again = project.check(&[], 1).await;
    assert!(
        again.stderr.contains("the first deployment of trap failed"),
        "{again:?}"
    );
    let config = project.emulator.sdk_config();
    let queues = aws_sdk_sqs::Client::new(&config).list_queues().send().await;
    assert_eq!(queues.expect("it answers").queue_urls(), [""; 0]);
    let tables = aws_sdk_dynamodb::Client::new(&config)
        .list_tables()
        .send()
        .await;
    assert_eq!(tables.expect("it answers").table_names(), [""; 0]);
}
