//! Whether this command is of the release that is deployed: what it says of codes, packs and next commands is its own.

use std::collections::BTreeMap;
use std::time::Duration;

use causeway::http_client::{HttpClient, ReqwestClient};
use causeway::provider::{Provider, Wire};
use causeway_ingest::{RELEASE, catalogue};
use serde::Deserialize;

use crate::send;
use crate::stack::Stack;

/// Where the API says what it is.
const PATH: &str = "/v1/providers";

/// The longest that is waited for it: a cold start takes a part of a second, and it is only a remark.
const WAIT: Duration = Duration::from_secs(3);

/// What is deployed, in its own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Deployed {
    /// The release.
    pub release: String,
    /// The lanes' packs.
    #[serde(default)]
    pub providers: Vec<Deployment>,
}

/// A lane's pack.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Deployment {
    /// The provider.
    pub name: String,
    /// Its pack's revision.
    #[serde(default)]
    pub revision: u32,
}

/// Asks the stack's API; none where it cannot be asked, or not by us: who may follow requests may do no more.
pub async fn deployed(stack: &Stack) -> Option<Deployed> {
    let url = stack.ingest_url().ok()?.trim_end_matches('/').to_owned();
    let ask = async {
        let authorise = send::authorise(stack).ok()?;
        let wire = authorise.authorise(&url, Wire::get(PATH)).await.ok()?;
        let answer = ReqwestClient::new().ok()?.call(&url, &wire, WAIT).await;
        answer.ok().filter(|answer| answer.status == 200)?.json()
    };
    tokio::time::timeout(WAIT, ask).await.ok()?
}

/// What somebody should know before they go by what this command says; nothing where both are the same.
#[must_use]
pub fn mismatch(deployed: &Deployed) -> Option<String> {
    let own: BTreeMap<&str, u32> = catalogue::packs()
        .iter()
        .map(|pack| (pack.spec().name, pack.spec().revision))
        .collect();
    told(RELEASE, &own, deployed)
}

fn told(release: &str, packs: &BTreeMap<&str, u32>, deployed: &Deployed) -> Option<String> {
    let differs = deployed.providers.iter().filter(|one| {
        let own = packs.get(one.name.as_str());
        own.is_none_or(|revision| *revision != one.revision)
    });
    let differs: Vec<_> = differs.map(|one| one.name.as_str()).collect();
    // A build that nobody named goes by its version: that says nothing of one that was named.
    let is_comparable = is_version(release) == is_version(&deployed.release);
    let is_another = is_comparable && deployed.release != release;
    if !is_another && differs.is_empty() {
        return None;
    }
    let packs = match differs.is_empty() {
        true => String::new(),
        false => format!("; the packs of {} differ", differs.join(", ")),
    };
    Some(format!(
        "this command is of release {release}, the stack runs {}{packs}: codes and next commands may be others there",
        deployed.release
    ))
}

/// Whether it is a version (`1.2.3`), not what a build was called (`v1.2.3-4-gabcdef`).
fn is_version(release: &str) -> bool {
    release.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// Tells a person at the terminal, and leaves the result as it is.
pub async fn tell(stack: &Stack) {
    if let Some(told) = deployed(stack).await.as_ref().and_then(mismatch) {
        eprintln!("causeway: {told}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployed(release: &str, revision: u32) -> Deployed {
        Deployed {
            release: release.to_owned(),
            providers: vec![Deployment {
                name: "stripe".to_owned(),
                revision,
            }],
        }
    }

    #[test]
    fn another_release_or_another_pack_is_told_and_the_same_is_not() {
        let packs = BTreeMap::from([("slack", 1), ("stripe", 7)]);
        assert_eq!(told("v1.2.0", &packs, &deployed("v1.2.0", 7)), None);
        let other = told("v1.2.0", &packs, &deployed("v1.3.0", 7)).expect("another release");
        assert!(
            other.contains("release v1.2.0, the stack runs v1.3.0:"),
            "{other}"
        );
        assert_eq!(
            told("0.1.0", &packs, &deployed("v1.3.0", 7)),
            None,
            "nobody named ours"
        );
        assert!(told("0.1.0", &packs, &deployed("0.2.0", 7)).is_some());
        let pack = told("v1.2.0", &packs, &deployed("v1.2.0", 8)).expect("another pack");
        assert!(pack.contains("the packs of stripe differ"), "{pack}");
        let unknown = BTreeMap::from([("slack", 1)]);
        assert!(told("v1.2.0", &unknown, &deployed("v1.2.0", 0)).is_some());
    }
}
