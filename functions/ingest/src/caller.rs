//! Who calls, as API Gateway says, and which connections they may use.
//!
//! With IAM a policy binds a producer to connections by their paths. With JWT the authoriser asks of every call the same;
//! what tells tokens apart is a claim that lists connections (the parameter `JwtConnectionsClaim`): it is read here.

use aws_lambda_events::apigw::ApiGatewayRequestAuthorizer;

use crate::problem::Problem;
use http::StatusCode;

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The subject of the token, or the ARN of the role or user whose signature it is, without a role's session; empty
    /// where nobody says.
    pub subject: String,
    /// The address that the call came from.
    pub source_ip: String,
    /// What the token claims of connections; none where it has no such claim.
    claimed: Option<String>,
}

/// The connections that a caller may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum May<'a> {
    /// Every one.
    All,
    /// Those that stand in this claim.
    Claimed(&'a str),
}

impl Caller {
    /// Who API Gateway says it is; `claim` is the one that lists connections.
    #[must_use]
    pub fn of(
        authorizer: Option<&ApiGatewayRequestAuthorizer>,
        source_ip: String,
        claim: Option<&str>,
    ) -> Self {
        let jwt = authorizer.and_then(|one| one.jwt.as_ref());
        let iam = authorizer.and_then(|one| one.iam.as_ref());
        let subject = jwt.and_then(|jwt| jwt.claims.get("sub").cloned());
        let arn = iam.and_then(|iam| iam.user_arn.as_deref());
        let subject = subject.or_else(|| arn.map(without_session));
        let claimed = jwt
            .zip(claim)
            .and_then(|(jwt, claim)| jwt.claims.get(claim));
        Self {
            subject: subject.unwrap_or_default(),
            source_ip,
            claimed: claimed.cloned(),
        }
    }

    /// What it may use; with `bound`, what its token lists, which is nothing where it lists nothing.
    pub(crate) fn may(&self, bound: bool) -> May<'_> {
        match bound {
            false => May::All,
            true => May::Claimed(self.claimed.as_deref().unwrap_or_default()),
        }
    }
}

/// A role's session is called as whoever assumes it likes, and a producer has many: the role is who it is.
/// `arn:aws:sts::123456789012:assumed-role/shop/session` is `…:assumed-role/shop`.
fn without_session(arn: &str) -> String {
    match arn.split_once(":assumed-role/") {
        Some((_, rest)) => {
            let session = rest.split_once('/').map_or("", |(_, session)| session);
            let end = arn.len() - session.len();
            arn[..end].trim_end_matches('/').to_owned()
        }
        None => arn.to_owned(),
    }
}

impl May<'_> {
    /// Whether it may use a connection of a provider; without a connection, all of them.
    ///
    /// The claim's words are `stripe/berlin`, `stripe/*` or `*`; others, such as scopes that mean something else, count for
    /// nothing. API Gateway hands a list over as `[one two]`.
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
    pub(crate) fn uses(self, provider: &str, connection: Option<&str>) -> bool {
        let Self::Claimed(claim) = self else {
            return true;
        };
        let is_edge = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | ',' | '"');
        claim.split(is_edge).any(|word| match word.split_once('/') {
            None => word == "*",
            Some((of, "*")) => of == provider,
            Some((of, one)) => of == provider && Some(one) == connection,
        })
    }

    /// Nothing, or why it may not.
    pub(crate) fn check(self, provider: &str, connection: Option<&str>) -> Result<(), Problem> {
        if self.uses(provider, connection) {
            return Ok(());
        }
        let what = match connection {
            Some(connection) => format!("{provider}/{connection}"),
            None => format!("all connections of {provider}: name one"),
        };
        let detail = format!("the token does not list {what}");
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "connection_not_allowed",
            detail,
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn caller(authorizer: serde_json::Value, claim: Option<&str>) -> Caller {
        let authorizer = serde_json::from_value(authorizer).expect("as API Gateway has it");
        Caller::of(Some(&authorizer), "192.0.2.1".to_owned(), claim)
    }

    #[test]
    fn a_caller_is_its_tokens_subject_or_its_role_whatever_the_session() {
        let arn = |arn: &str| caller(json!({"iam": {"userArn": arn}}), None).subject;
        let role = "arn:aws:sts::123456789012:assumed-role/shop";
        assert_eq!(arn(&format!("{role}/i-0123")), role);
        assert_eq!(arn(&format!("{role}/i-4567")), role);
        let user = "arn:aws:iam::123456789012:user/shop/ada";
        assert_eq!(arn(user), user);
        let token = json!({"jwt": {"claims": {"sub": "shop-1"}, "scopes": null}});
        assert_eq!(caller(token, None).subject, "shop-1");
        assert_eq!(Caller::of(None, String::new(), None), Caller::default());
    }

    #[test]
    fn a_claim_lists_connections_and_other_words_count_for_nothing() {
        let words = |text: &str| {
            let token = json!({"jwt": {"claims": {"sub": "s", "scope": text}, "scopes": null}});
            caller(token, Some("scope"))
        };
        for claim in [
            "stripe/berlin",
            "openid stripe/berlin email",
            "[slack/a stripe/berlin]",
            "[\"stripe/berlin\",\"slack/a\"]",
            "stripe/*",
            "*",
        ] {
            let caller = words(claim);
            assert!(caller.may(true).uses("stripe", Some("berlin")), "{claim}");
        }
        for claim in [
            "",
            "stripe",
            "stripe/",
            "stripe/ber",
            "stripe/berlin2",
            "stripe/ber*",
            "stripe-eu/berlin",
            "slack/*",
            "*/berlin",
            "send:stripe/berlin",
        ] {
            let caller = words(claim);
            assert!(!caller.may(true).uses("stripe", Some("berlin")), "{claim}");
        }
        assert!(words("stripe/*").may(true).uses("stripe", None));
        assert!(!words("stripe/berlin").may(true).uses("stripe", None));
    }

    #[test]
    fn who_has_no_such_claim_may_use_nothing_where_one_is_asked_for() {
        let token = || json!({"jwt": {"claims": {"sub": "s"}, "scopes": null}});
        let caller = caller(token(), Some("connections"));
        assert!(!caller.may(true).uses("stripe", Some("berlin")));
        assert!(caller.may(false).uses("stripe", Some("berlin")));
        let problem = caller.may(true).check("stripe", Some("berlin"));
        assert_eq!(
            problem.expect_err("refused").status(),
            StatusCode::FORBIDDEN
        );
    }
}
