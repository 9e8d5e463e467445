//! Messages as Twilio shows them, one by one and in pages.

use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::vendor::{Call, Reply};

/// "The default is 50, and the maximum is 1000" (<https://www.twilio.com/docs/messaging/api/message-resource>).
const PAGE: usize = 50;
const PAGE_MAX: usize = 1_000;

/// How long a message waits before it is sent (an assumption); until then it has no date of sending.
const QUEUED: Duration = Duration::from_secs(5);

/// A message of an account's.
pub(super) struct Message {
    pub account: String,
    pub sid: String,
    pub to: String,
    pub from: Option<String>,
    pub service: Option<String>,
    pub body: String,
    pub media: usize,
    /// When it was made, since the server started.
    pub at: Duration,
}

impl Message {
    pub fn is(&self, account: &str, sid: &str) -> bool {
        self.account == account && self.sid == sid
    }

    /// As an answer shows it at `now`, in a world that began at `began`.
    pub fn show(&self, began: Duration, now: Duration) -> Value {
        let made = date(began + self.at);
        let is_sent = self.is_sent(now);
        let place = format!(
            "/2010-04-01/Accounts/{}/Messages/{}",
            self.account, self.sid
        );
        json!({
            "account_sid": self.account, "api_version": "2010-04-01", "body": self.body, "date_created": made,
            "date_sent": is_sent.then(|| date(began + self.at + QUEUED)), "date_updated": made,
            "direction": "outbound-api", "error_code": null, "error_message": null, "from": self.from,
            "messaging_service_sid": self.service, "num_media": self.media.to_string(), "num_segments": "1",
            "price": null, "price_unit": null, "sid": self.sid,
            "status": if is_sent { "sent" } else { "queued" },
            "subresource_uris": {"media": format!("{place}/Media.json")}, "to": self.to,
            "uri": format!("{place}.json"),
        })
    }

    fn is_sent(&self, now: Duration) -> bool {
        now >= self.at + QUEUED
    }

    fn passes(&self, call: &Call, began: Duration) -> bool {
        let is = |name, have: Option<&str>| {
            call.parameter(name)
                .is_none_or(|wanted| Some(wanted) == have)
        };
        let sent = self
            .is_sent(call.now)
            .then(|| day(began + self.at + QUEUED));
        // Whole days, whatever stands behind them in the parameter; what is not sent has no date that could pass.
        let on = |name, is: fn(&str, &str) -> bool| {
            call.parameter(name).is_none_or(|wanted| {
                let wanted = wanted.get(..10).unwrap_or(wanted);
                sent.as_deref().is_some_and(|sent| is(sent, wanted))
            })
        };
        is("To", Some(&self.to))
            && is("From", self.from.as_deref())
            && on("DateSent", |sent, wanted| sent == wanted)
            && on("DateSent<", |sent, wanted| sent <= wanted)
            && on("DateSent>", |sent, wanted| sent >= wanted)
    }
}

/// One page of an account's messages, the newest first.
pub(super) fn page(messages: &[Message], account: &str, call: &Call, began: Duration) -> Reply {
    let number = |name| call.parameter(name)?.parse::<usize>().ok();
    let size = number("PageSize").unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let page = number("Page").unwrap_or(0);
    let start = page.saturating_mul(size);
    let fitting: Vec<&Message> = messages
        .iter()
        .rev()
        .filter(|message| message.account == account && message.passes(call, began))
        .collect();
    let shown = fitting.iter().skip(start).take(size);
    let shown: Vec<Value> = shown.map(|message| message.show(began, call.now)).collect();
    let address = |page: usize| {
        let kept = call.query.iter().filter(|(name, _)| name != "Page");
        let kept: String = kept
            .map(|(name, value)| format!("{}={}&", encoded(name), encoded(value)))
            .collect();
        format!("{}?{kept}Page={page}", call.path)
    };
    let goes_on = start.saturating_add(size) < fitting.len();
    let body = json!({
        "end": start + shown.len().saturating_sub(1), "first_page_uri": address(0), "messages": shown,
        "next_page_uri": goes_on.then(|| address(page + 1)), "page": page, "page_size": size,
        "previous_page_uri": page.checked_sub(1).map(address), "start": start, "uri": address(page),
    });
    Reply::json(200, &body)
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn moment(since_epoch: Duration) -> OffsetDateTime {
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn date(since_epoch: Duration) -> String {
    let text = moment(since_epoch).format(&Rfc2822);
    text.unwrap_or_default()
}

fn day(since_epoch: Duration) -> String {
    moment(since_epoch).date().to_string()
}
