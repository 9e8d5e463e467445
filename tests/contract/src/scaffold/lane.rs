//! A provider's lane in `template.yaml`: its name in the list, its block of settings. Edited as text, so that comments
//! stay.

/// The settings that a new lane starts with: the ones of the lanes that are there.
fn block(name: &str, pascal: &str) -> String {
    format!(
        "    {pascal}:
      Provider: {name}
      CodeUri: functions/{name}
      MaximumConcurrency: 5
      Timeout: 60
      VisibilityTimeout: 360
      MemorySize: 256
"
    )
}

/// The template with the lane, or nothing where the two places are not found.
pub fn added(template: &str, name: &str, pascal: &str) -> Option<String> {
    let list = end_of_default(template)?;
    let mut with_name = template.to_owned();
    with_name.insert_str(list, &format!(",{pascal}"));
    let settings = end_of_lanes(&with_name)?;
    with_name.insert_str(settings, &block(name, pascal));
    Some(with_name)
}

/// The alarms' template with the lane's provider, or nothing where the place is not found.
pub fn watched(template: &str, name: &str, pascal: &str) -> Option<String> {
    let mut template = template.to_owned();
    let end = end_of_lanes(&template)?;
    template.insert_str(end, &format!("    {pascal}: {{Provider: {name}}}\n"));
    Some(template)
}

/// What to do where [`added`] or [`watched`] find no place.
pub fn by_hand(name: &str, pascal: &str) -> String {
    format!(
        "add `{pascal}` to the default of the parameter `Lanes` in template.yaml, below `Mappings: Lane:`\n{}and in \
         infra/lane-alarms.yaml `{pascal}: {{Provider: {name}}}`",
        block(name, pascal)
    )
}

/// Where the line `    Default: Stripe,Slack` of the parameter `Lanes` ends.
fn end_of_default(template: &str) -> Option<usize> {
    let parameter =
        section(template, 0, "Parameters:").and_then(|at| section(template, at, "  Lanes:"))?;
    let default = section(template, parameter, "    Default: ")?;
    Some(end_of_line(template, default))
}

/// Where the last block below `Mappings: Lane:` ends.
fn end_of_lanes(template: &str) -> Option<usize> {
    let lanes =
        section(template, 0, "Mappings:").and_then(|at| section(template, at, "  Lane:"))?;
    let mut end = (end_of_line(template, lanes) + 1).min(template.len());
    for line in template.get(end..)?.split_inclusive('\n') {
        if !line.starts_with("    ") {
            break;
        }
        end += line.len();
    }
    Some(end)
}

/// Where the first line at or after `from` starts that starts with `head`.
fn section(template: &str, from: usize, head: &str) -> Option<usize> {
    let mut at = from;
    for line in template.get(from..)?.split_inclusive('\n') {
        if line.starts_with(head) {
            return Some(at);
        }
        at += line.len();
    }
    None
}

fn end_of_line(template: &str, from: usize) -> usize {
    template
        .get(from..)
        .and_then(|rest| rest.find('\n'))
        .map_or(template.len(), |length| from + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_a_name_in_the_list_and_a_block_of_settings() {
        let template = "\
Parameters:
  Other:
    Default: x
  Lanes:
    Type: CommaDelimitedList
    Default: Stripe,Slack
  Last:
    Default: y

Mappings:
  # Comments stay.
  Lane:
    Stripe:
      Provider: stripe
    Slack:
      Provider: slack

Conditions:
";
        let with_lane = added(template, "acme-pay", "AcmePay").expect("both places are there");
        assert!(with_lane.contains("    Default: Stripe,Slack,AcmePay\n  Last:"));
        assert!(
            with_lane.contains("      Provider: slack\n    AcmePay:\n      Provider: acme-pay\n")
        );
        assert!(with_lane.contains("      MemorySize: 256\n\nConditions:"));
        assert!(with_lane.contains("  # Comments stay.\n"));
    }

    #[test]
    fn the_alarms_know_the_lanes_provider() {
        let template = "Mappings:\n  Lane:\n    Stripe: {Provider: stripe}\n\nResources:\n";
        let with_lane = watched(template, "acme-pay", "AcmePay").expect("the place is there");
        assert!(with_lane.contains("stripe}\n    AcmePay: {Provider: acme-pay}\n\nResources:"));
    }

    #[test]
    fn a_template_of_another_shape_is_left_alone() {
        assert_eq!(added("Resources:\n", "acme", "Acme"), None);
        assert_eq!(watched("Resources:\n", "acme", "Acme"), None);
    }
}
