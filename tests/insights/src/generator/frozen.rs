use sha2::{Digest, Sha256};

use super::*;

/// Every scenario, and the digest of its traces: at each rate, of two seeds of each range.
const FROZEN: [(Scenario, &str); 9] = [
    (
        Scenario::Healthy { days: 14 },
        "83b3efecff21da3eda8a66040059ac31fcf7489bf955016ceab4156c6b50ded3",
    ),
    (
        Scenario::Sudden,
        "fe1b1a2dad966acea8938abb1ba72a394268463d6c94128dfc987d5542f6751f",
    ),
    (
        Scenario::Ramp { minutes: 10 },
        "f58fd2d662f27bb825f04e339b792008a9e8cf2580f92206003e44bf052426c3",
    ),
    (
        Scenario::Ramp { minutes: 35 },
        "f22b1c49e76be81489b5056e9869821a2bc463aaf76a89f9e5450cba1ad9e70c",
    ),
    (
        Scenario::Ramp { minutes: 60 },
        "b09c08379d708904dd8e670365760cd7f38b825eb3b6202e20916800e4c5852e",
    ),
    (
        Scenario::LatencyFirst,
        "f780c43b65856d3de52b98fcc22fa44729c6f778691b95994df5ae264d30d113",
    ),
    (
        Scenario::ThrottleRamp { minutes: 30 },
        "f321a08191b40b4f2c820d50198282dba857601e978997a3a8b5f9d8d668fb20",
    ),
    (
        Scenario::Quota,
        "fd56b535328f7a019c30c3d58d1f2e2274cc0ecb228a336d6f8cecc03bd2f445",
    ),
    (
        Scenario::Backlog,
        "9b2563a149e24578bb383efb8b5c9aa80f39f3262c287eb56e1a2f6bf704567f",
    ),
];

fn digest(scenario: Scenario) -> String {
    let mut hash = Sha256::new();
    let seeds = TUNING.take(2).chain(SCORING.take(2));
    for (rate, seed) in RATES
        .into_iter()
        .flat_map(|rate| seeds.clone().map(move |seed| (rate, seed)))
    {
        let trace = trace(scenario, rate, seed);
        let of = |number: Option<u64>| number.unwrap_or(u64::MAX).to_le_bytes();
        hash.update(trace.scored_from.to_le_bytes());
        hash.update(of(trace.onset));
        hash.update(of(trace.event));
        for minute in &trace.minutes {
            hash.update(bytes(minute));
        }
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn bytes(minute: &Minute) -> Vec<u8> {
    let latency = minute.latency.map_or([-1.0; 4], |latency| {
        [latency.mean, latency.p50, latency.p90, latency.p99]
    });
    let shares = [minute.limit_used, minute.day_quota_used].map(|share| share.unwrap_or(-1.0));
    let counts = [minute.calls, minute.failures, minute.throttled];
    let mut bytes = minute.at.to_le_bytes().to_vec();
    bytes.extend(counts.iter().flat_map(|count| count.to_le_bytes()));
    bytes.extend(
        latency
            .iter()
            .chain(&shares)
            .flat_map(|number| number.to_bits().to_le_bytes()),
    );
    bytes.extend(minute.backlog.to_le_bytes());
    bytes.push(u8::from(minute.missing));
    bytes
}

#[test]
fn the_generator_is_frozen() {
    let now: Vec<_> = FROZEN
        .iter()
        .map(|(scenario, _)| (*scenario, digest(*scenario)))
        .collect();
    let then: Vec<_> = FROZEN
        .iter()
        .map(|(scenario, digest)| (*scenario, (*digest).to_owned()))
        .collect();
    assert_eq!(
        now, then,
        "whoever changes it must choose every threshold anew and measure everything again"
    );
}
