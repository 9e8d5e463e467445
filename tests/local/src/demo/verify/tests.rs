use super::*;

/// A run of `plan` in which all went as it should.
fn perfect(plan: &Plan) -> Evidence {
    let mut evidence = Evidence::default();
    let mut taken = BTreeSet::new();
    for request in &plan.requests {
        let delivered = match request.expect {
            Expect::Delivered => true,
            Expect::Rejected(_) => false,
            Expect::Contested => taken.insert(request.marker.clone()),
        };
        if delivered {
            complete(&mut evidence, request);
            continue;
        }
        let code = match request.expect {
            Expect::Rejected(code) => code,
            _ => "idempotency_conflict",
        };
        bury(&mut evidence, request, code);
    }
    evidence.breakers.push(Breaker {
        key: "stripe#*#breaker".into(),
        state: "Closed".into(),
        opened: 1,
    });
    evidence
}

fn complete(evidence: &mut Evidence, request: &Request) {
    let record = Record {
        status: "COMPLETED".into(),
        ambiguous: false,
    };
    evidence
        .ledger
        .insert(request.pk.clone().expect("a key"), record);
    count(evidence, request);
}

fn count(evidence: &mut Evidence, request: &Request) {
    let report = evidence
        .journal
        .providers
        .entry(request.provider.to_owned())
        .or_default();
    report.effects += 1;
    *report
        .effects_by_marker
        .entry(request.marker.clone())
        .or_default() += 1;
}

fn bury(evidence: &mut Evidence, request: &Request, code: &str) {
    evidence.letters.push(Letter {
        provider: request.provider.into(),
        hash: request.hash.clone(),
        code: code.into(),
        complete: true,
    });
}

fn find(plan: &Plan, expect: Expect, provider: &str) -> Request {
    let found = plan
        .requests
        .iter()
        .find(|request| request.expect == expect && request.provider == provider);
    found.expect("the plan has one").clone()
}

fn run() -> (Plan, Evidence) {
    let plan = Plan::new(600);
    let evidence = perfect(&plan);
    (plan, evidence)
}

#[test]
fn perfect_run_agrees_and_every_message_is_accounted_for() {
    let (plan, evidence) = run();
    let judgement = reconcile(&plan, &evidence, true);
    assert_eq!(judgement.findings, []);
    assert!(judgement.agrees());
    let letters = evidence.letters.len() as u64;
    assert_eq!(
        plan.sent() as u64,
        judgement.all.delivered + judgement.all.duplicates + letters
    );
    assert_eq!(judgement.all.effects, judgement.all.delivered);
}

#[test]
fn lanes_add_up_to_the_whole() {
    let (plan, evidence) = run();
    let judgement = reconcile(&plan, &evidence, true);
    assert_eq!(judgement.lanes.len(), plan.providers().len());
    let sum = |of: fn(&Counts) -> u64| judgement.lanes.values().map(of).sum::<u64>();
    let all = &judgement.all;
    assert_eq!(sum(|lane| lane.sent), plan.sent() as u64);
    assert_eq!(sum(|lane| lane.unique), plan.requests.len() as u64);
    assert_eq!(sum(|lane| lane.delivered), all.delivered);
    assert_eq!(sum(|lane| lane.effects), all.effects);
    assert_eq!(sum(|lane| lane.in_dlq), evidence.letters.len() as u64);
}

#[test]
fn one_duplicate_effect_and_one_deleted_message_are_exactly_two_findings() {
    let (plan, mut evidence) = run();
    let doubled = find(&plan, Expect::Delivered, "slack");
    count(&mut evidence, &doubled);
    let deleted = find(&plan, Expect::Rejected("malformed_json"), "slack");
    evidence
        .letters
        .retain(|letter| letter.hash != deleted.hash);
    let judgement = reconcile(&plan, &evidence, true);
    assert!(!judgement.agrees());
    assert_eq!(judgement.findings.len(), 2, "{:?}", judgement.findings);
    assert!(judgement.findings.contains(&Finding::Lost {
        request: deleted.marker
    }));
    let effects = Finding::Effects {
        request: doubled.marker,
        least: 1,
        most: 1,
        effects: 2,
    };
    assert!(judgement.findings.contains(&effects));
    assert_eq!(
        (judgement.all.lost, judgement.all.effects),
        (1, judgement.all.effects_expected + 1)
    );
}

#[test]
fn delivered_in_the_ledger_without_an_effect_is_found() {
    let (plan, mut evidence) = run();
    let request = find(&plan, Expect::Delivered, "stripe");
    let report = evidence
        .journal
        .providers
        .get_mut("stripe")
        .expect("effects");
    report.effects_by_marker.remove(&request.marker);
    report.effects -= 1;
    let judgement = reconcile(&plan, &evidence, true);
    assert_eq!(
        judgement.findings,
        [Finding::Effects {
            request: request.marker,
            least: 1,
            most: 1,
            effects: 0
        }]
    );
}

#[test]
fn unknown_key_may_have_one_effect_or_none_but_needs_its_letter() {
    for (effect, letter, findings) in [(true, true, 0), (false, true, 0), (true, false, 1)] {
        let (plan, mut evidence) = run();
        let request = find(&plan, Expect::Delivered, "slack");
        let pk = request.pk.clone().expect("a key");
        evidence.ledger.insert(
            pk,
            Record {
                status: "UNKNOWN".into(),
                ambiguous: true,
            },
        );
        if !effect {
            let report = evidence
                .journal
                .providers
                .get_mut("slack")
                .expect("effects");
            report.effects_by_marker.remove(&request.marker);
            report.effects -= 1;
        }
        if letter {
            bury(&mut evidence, &request, "outcome_unknown");
        }
        let judgement = reconcile(&plan, &evidence, true);
        assert_eq!(
            (judgement.all.unknown, judgement.findings.len()),
            (1, findings)
        );
        assert_eq!(judgement.all.effects, judgement.all.effects_expected);
    }
}

#[test]
fn request_left_in_progress_is_lost() {
    for status in ["IN_PROGRESS", "RETRYING"] {
        let (plan, mut evidence) = run();
        let request = find(&plan, Expect::Delivered, "slack");
        evidence
            .ledger
            .get_mut(request.pk.as_deref().expect("a key"))
            .expect("a record")
            .status = status.into();
        let judgement = reconcile(&plan, &evidence, true);
        assert_eq!(judgement.all.lost, 1);
        assert_eq!(
            judgement.findings,
            [Finding::Lost {
                request: request.marker
            }]
        );
    }
}

#[test]
fn delivered_request_with_a_letter_is_found() {
    let (plan, mut evidence) = run();
    let request = find(&plan, Expect::Delivered, "stripe");
    bury(&mut evidence, &request, "attempts_spent");
    let findings = reconcile(&plan, &evidence, true).findings;
    assert!(findings.contains(&Finding::NotDelivered {
        request: request.marker,
        code: "attempts_spent".into()
    }));
}

#[test]
fn both_sides_of_a_contest_cannot_win() {
    let (plan, mut evidence) = run();
    let loser = plan
        .requests
        .iter()
        .rfind(|request| request.expect == Expect::Contested)
        .expect("a contest");
    evidence.letters.retain(|letter| letter.hash != loser.hash);
    let findings = reconcile(&plan, &evidence, true).findings;
    assert_eq!(
        findings,
        [Finding::Contest {
            key: loser.marker.clone(),
            losers: 0
        }]
    );
}

#[test]
fn wrong_code_incomplete_letter_and_strangers_are_found() {
    let (plan, mut evidence) = run();
    evidence.letters[0].code = "payload_invalid".into();
    evidence.letters[1].complete = false;
    evidence.letters.push(Letter {
        provider: "stripe".into(),
        hash: "no such body".into(),
        code: "panicked".into(),
        complete: true,
    });
    let strange = Record {
        status: "COMPLETED".into(),
        ambiguous: false,
    };
    evidence
        .ledger
        .insert("stripe#default#nobody".into(), strange);
    evidence
        .journal
        .providers
        .get_mut("slack")
        .expect("effects")
        .effects_unmarked = 3;
    let found: Vec<String> = reconcile(&plan, &evidence, true)
        .findings
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(found.len(), 5, "{found:#?}");
}

#[test]
fn outage_must_open_a_breaker_that_is_closed_at_the_end() {
    let (plan, mut evidence) = run();
    evidence.breakers[0].opened = 0;
    assert_eq!(
        reconcile(&plan, &evidence, true).findings,
        [Finding::BreakerNeverOpened]
    );
    assert_eq!(reconcile(&plan, &evidence, false).findings, []);
    evidence.breakers[0].opened = 1;
    evidence.breakers[0].state = "HalfOpen".into();
    assert_eq!(reconcile(&plan, &evidence, true).findings.len(), 1);
}
