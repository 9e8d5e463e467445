//! Every provider of this release, as a plain list: what ingest accepts and the operators' command knows.
//!
//! Which of them a stack has deployed is the stack's business.

use causeway::provider::Provider;

/// In the order of their names.
static PROVIDERS: &[&dyn Provider] = &[
    &causeway_guesty::Guesty,
    &causeway_hubspot::HubSpot,
    &causeway_pagerduty::Pagerduty,
    &causeway_seam::Seam,
    &causeway_shopify::Shopify,
    &causeway_slack::Slack,
    &causeway_stripe::Stripe,
    &causeway_twilio::Twilio,
    &causeway_xero::Xero,
];

/// Every provider, in the order of their names.
#[must_use]
pub fn providers() -> &'static [&'static dyn Provider] {
    PROVIDERS
}

/// The provider of that name.
#[must_use]
pub fn provider(name: &str) -> Option<&'static dyn Provider> {
    let named = |provider: &&&dyn Provider| provider.spec().name == name;
    PROVIDERS.iter().find(named).copied()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// A provider that is left out here would have a lane that nobody can POST to.
    #[test]
    fn every_lane_of_the_project_is_in_the_list() {
        let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut lanes: Vec<String> = std::fs::read_dir(functions)
            .expect("functions/ exists")
            .map(|entry| entry.expect("it can be read"))
            .filter(|entry| entry.path().join("Cargo.toml").exists())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| !["gatekeeper", "ingest"].contains(&name.as_str()))
            .collect();
        lanes.sort();
        let listed: Vec<_> = providers().iter().map(|known| known.spec().name).collect();
        assert_eq!(listed, lanes);
        for name in listed {
            assert_eq!(provider(name).map(|known| known.spec().name), Some(name));
        }
        assert!(provider("nobody").is_none());
    }
}
