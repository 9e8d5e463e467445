//! What AWS takes the time to be.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;
use causeway::Timestamp;

use super::Finding;

/// From here on AWS refuses signatures: five minutes.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>
const REFUSED_FROM: Duration = Duration::from_secs(300);

/// From here on times that are shown, and ends that are set, mislead.
const MISLEADS_FROM: Duration = Duration::from_secs(30);

/// Keeps the `Date` of an answer.
#[derive(Clone, Debug, Default)]
pub struct Dated(Arc<Mutex<Option<Timestamp>>>);

impl Dated {
    /// What the last answer's was; none where there was no answer.
    pub fn at(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[dyn_dispatch_hint]
impl Intercept for Dated {
    fn name(&self) -> &'static str {
        "Dated"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|text| DateTime::from_str(text, Format::HttpDate).ok());
        let seconds = date.map(|date| Timestamp::from_millis(date.secs().saturating_mul(1_000)));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = seconds;
        Ok(())
    }
}

/// This machine's clock beside AWS's, to the second.
pub fn judge(ours: Timestamp, theirs: Timestamp) -> Finding {
    let apart = ours.since(theirs).max(theirs.since(ours));
    let (seconds, direction) = match ours > theirs {
        true => (apart.as_secs(), "ahead"),
        false => (apart.as_secs(), "behind"),
    };
    let found = format!("this machine's clock is {seconds} s {direction}");
    let action = "set this machine's clock: ends of forced breakers and ages are counted by it";
    match apart {
        apart if apart >= REFUSED_FROM => Finding::bad("clock", found, action),
        apart if apart >= MISLEADS_FROM => Finding::doubtful("clock", found, action),
        _ => Finding::good("clock", found),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Standing;
    use super::*;

    #[test]
    fn a_clock_that_is_half_a_minute_off_is_told_and_five_minutes_are_bad() {
        let noon = Timestamp::from_millis(1_795_348_800_000);
        for (seconds, standing) in [
            (0, Standing::Good),
            (29, Standing::Good),
            (30, Standing::Doubtful),
            (300, Standing::Bad),
        ] {
            let off = Duration::from_secs(seconds);
            assert_eq!(
                judge(noon + off, noon).standing,
                standing,
                "{seconds} s ahead"
            );
            assert_eq!(
                judge(noon, noon + off).standing,
                standing,
                "{seconds} s behind"
            );
        }
    }
}
