//! The objects themselves: what a form must hold, and what it makes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use super::invalid;
use crate::form::Form;
use crate::vendor::{Ids, Reply};

/// When the fake's world begins, seconds since the epoch (2026-01-01): `created` must not depend on the day of the run.
const EPOCH_S: u64 = 1_767_225_600;

/// A payment intent whose id starts so has always existed, has succeeded, and can be refunded once: a
/// refund needs no run-up then.
const SETTLED: &str = "pi_settled";

/// Objects on a page of a list where nobody says how many: <https://docs.stripe.com/api/refunds/list>.
const LISTED: usize = 10;

/// Own knowledge: Stripe's minimum charge is 50 US cents or about as much in other currencies.
const AMOUNT_MIN: u64 = 50;

/// The parameters of `POST /v1/customers` (<https://docs.stripe.com/api/customers/create>).
const CUSTOMER: &[&str] = &[
    "address",
    "balance",
    "business_name",
    "cash_balance",
    "description",
    "email",
    "expand",
    "individual_name",
    "invoice_prefix",
    "invoice_settings",
    "metadata",
    "name",
    "next_invoice_sequence",
    "payment_method",
    "phone",
    "preferred_locales",
    "shipping",
    "source",
    "tax",
    "tax_exempt",
    "tax_id_data",
    "test_clock",
];
/// The parameters of `POST /v1/payment_intents` (<https://docs.stripe.com/api/payment_intents/create>).
const PAYMENT_INTENT: &[&str] = &[
    "amount",
    "application_fee_amount",
    "automatic_payment_methods",
    "capture_method",
    "confirm",
    "confirmation_method",
    "confirmation_token",
    "currency",
    "customer",
    "description",
    "error_on_requires_action",
    "expand",
    "mandate",
    "mandate_data",
    "metadata",
    "off_session",
    "on_behalf_of",
    "payment_method",
    "payment_method_configuration",
    "payment_method_data",
    "payment_method_options",
    "payment_method_types",
    "radar_options",
    "receipt_email",
    "return_url",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
    "use_stripe_sdk",
];
/// The parameters of `POST /v1/refunds` (<https://docs.stripe.com/api/refunds/create>).
const REFUND: &[&str] = &[
    "amount",
    "charge",
    "currency",
    "customer",
    "expand",
    "instructions_email",
    "metadata",
    "origin",
    "payment_intent",
    "reason",
    "refund_application_fee",
    "reverse_transfer",
];

/// What a successful call gives back.
pub(super) struct Made {
    pub(super) id: String,
    pub(super) body: Value,
    /// Whether anything came into being.
    pub(super) effect: bool,
}

/// Customers, payment intents and refunds of all accounts.
#[derive(Default)]
pub(super) struct Objects {
    ids: Ids,
    customers: BTreeMap<String, Value>,
    /// Succeeded payment intents and their amounts.
    paid: BTreeMap<String, u64>,
    refunded: BTreeSet<String>,
    /// The newest refunds, newest first.
    refunds: VecDeque<Value>,
}

impl Objects {
    pub(super) fn create_customer(&mut self, form: &Form, now: Duration) -> Result<Made, Reply> {
        known(form, CUSTOMER)?;
        let metadata = metadata(form)?;
        if let Some(email) = form.get("email").filter(|email| !email.contains('@')) {
            return Err(invalid(
                400,
                Some("email_invalid"),
                Some("email"),
                &format!("Invalid email address: {email}"),
            ));
        }
        let id = self.ids.next("cus_");
        let body = json!({
            "id": id, "object": "customer", "address": null, "balance": 0, "created": created(now), "currency": null,
            "default_source": null, "delinquent": false, "description": form.get("description"),
            "email": form.get("email"), "livemode": false, "metadata": metadata, "name": form.get("name"),
            "phone": form.get("phone"), "preferred_locales": form.map("preferred_locales").values().collect::<Vec<_>>(),
            "shipping": null, "tax_exempt": form.get("tax_exempt").unwrap_or("none"),
        });
        self.customers.insert(id.clone(), body.clone());
        Ok(Made {
            id,
            body,
            effect: true,
        })
    }

    pub(super) fn customer(&self, id: &str) -> Result<Made, Reply> {
        let body = self
            .customers
            .get(id)
            .cloned()
            .ok_or_else(|| missing(404, "customer", "id", id))?;
        Ok(Made {
            id: id.to_owned(),
            body,
            effect: false,
        })
    }

    pub(super) fn create_payment_intent(
        &mut self,
        form: &Form,
        now: Duration,
    ) -> Result<Made, Reply> {
        known(form, PAYMENT_INTENT)?;
        let metadata = metadata(form)?;
        let amount = integer(required(form, "amount")?, "amount")?;
        let currency = required(form, "currency")?;
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(invalid(
                400,
                None,
                Some("currency"),
                &format!("Invalid currency: {currency}."),
            ));
        }
        if amount < AMOUNT_MIN {
            let message = "Amount must be no less than the minimum charge amount.";
            return Err(invalid(
                400,
                Some("amount_too_small"),
                Some("amount"),
                message,
            ));
        }
        if let Some(customer) = form
            .get("customer")
            .filter(|id| !self.customers.contains_key(*id))
        {
            return Err(missing(400, "customer", "customer", customer));
        }
        let method = form.get("payment_method");
        let confirmed = form.get("confirm") == Some("true");
        let id = self.ids.next("pi_");
        let mut body = json!({
            "id": id, "object": "payment_intent", "amount": amount, "amount_received": 0, "capture_method": "automatic",
            "client_secret": format!("{id}_secret_fake"), "created": created(now), "currency": currency.to_lowercase(),
            "customer": form.get("customer"), "description": form.get("description"), "last_payment_error": null,
            "livemode": false, "metadata": metadata, "payment_method": method, "payment_method_types": ["card"],
            "status": if method.is_some() { "requires_confirmation" } else { "requires_payment_method" },
        });
        if confirmed {
            let Some(method) = method else {
                let message =
                    "You cannot confirm this PaymentIntent because it's missing a payment method.";
                return Err(invalid(
                    400,
                    Some("payment_intent_unexpected_state"),
                    None,
                    message,
                ));
            };
            if let Some(decline) = declined(method) {
                return Err(card_error(decline, body));
            }
            body["status"] = Value::from("succeeded");
            body["amount_received"] = Value::from(amount);
            self.paid.insert(id.clone(), amount);
        }
        Ok(Made {
            id,
            body,
            effect: true,
        })
    }

    pub(super) fn create_refund(&mut self, form: &Form, now: Duration) -> Result<Made, Reply> {
        known(form, REFUND)?;
        let metadata = metadata(form)?;
        let Some(intent) = form.get("payment_intent").or_else(|| form.get("charge")) else {
            let message = "One of the following params should be provided for this request: payment_intent or charge.";
            return Err(invalid(
                400,
                Some("parameter_missing"),
                Some("payment_intent"),
                message,
            ));
        };
        let settled = intent.starts_with(SETTLED).then_some(1_000_000);
        let Some(paid) = self.paid.get(intent).copied().or(settled) else {
            return Err(missing(404, "payment_intent", "payment_intent", intent));
        };
        let amount = form
            .get("amount")
            .map_or(Ok(paid), |amount| integer(amount, "amount"))?;
        if amount > paid {
            let message = "Refund amount is greater than the amount of the charge.";
            return Err(invalid(400, None, Some("amount"), message));
        }
        if !self.refunded.insert(intent.to_owned()) {
            let message = format!("Charge {intent} has already been refunded.");
            return Err(invalid(
                400,
                Some("charge_already_refunded"),
                None,
                &message,
            ));
        }
        let id = self.ids.next("re_");
        let body = json!({
            "id": id, "object": "refund", "amount": amount, "created": created(now), "currency": "usd",
            "metadata": metadata, "payment_intent": intent, "reason": form.get("reason"), "status": "succeeded",
        });
        self.refunds.push_front(body.clone());
        self.refunds.truncate(LISTED);
        Ok(Made {
            id,
            body,
            effect: true,
        })
    }

    /// The first page.
    pub(super) fn list_refunds(&self) -> Made {
        let body = json!({
            "object": "list", "url": "/v1/refunds", "data": self.refunds,
            "has_more": self.refunded.len() > LISTED,
        });
        Made {
            id: String::new(),
            body,
            effect: false,
        }
    }
}

fn created(now: Duration) -> u64 {
    EPOCH_S + now.as_secs()
}

fn known(form: &Form, names: &[&str]) -> Result<(), Reply> {
    match form.roots().find(|root| !names.contains(root)) {
        Some(root) => Err(invalid(
            400,
            Some("parameter_unknown"),
            Some(root),
            &format!("Received unknown parameter: {root}"),
        )),
        None => Ok(()),
    }
}

fn required<'a>(form: &'a Form, name: &str) -> Result<&'a str, Reply> {
    let message = format!("Missing required param: {name}.");
    form.get(name)
        .ok_or_else(|| invalid(400, Some("parameter_missing"), Some(name), &message))
}

fn integer(text: &str, name: &str) -> Result<u64, Reply> {
    let message = format!("Invalid integer: {text}");
    text.parse()
        .map_err(|_| invalid(400, Some("parameter_invalid_integer"), Some(name), &message))
}

/// At most 50 keys of up to 40 characters with values of up to 500 (<https://docs.stripe.com/api/metadata>).
fn metadata(form: &Form) -> Result<BTreeMap<String, String>, Reply> {
    let metadata = form.map("metadata");
    let long = metadata
        .iter()
        .any(|(key, value)| key.chars().count() > 40 || value.chars().count() > 500);
    if long || metadata.len() > 50 {
        let message = "Metadata can have up to 50 keys, names up to 40 characters and values up to 500 characters.";
        return Err(invalid(400, None, Some("metadata"), message));
    }
    Ok(metadata)
}

fn missing(status: u16, kind: &str, param: &str, id: &str) -> Reply {
    invalid(
        status,
        Some("resource_missing"),
        Some(param),
        &format!("No such {kind}: '{id}'"),
    )
}

/// Stripe's test payment methods that fail (<https://docs.stripe.com/testing#declined-payments>).
fn declined(method: &str) -> Option<(&'static str, &'static str)> {
    match method {
        "pm_card_chargeDeclined" | "pm_card_visa_chargeDeclined" => {
            Some(("card_declined", "generic_decline"))
        }
        "pm_card_chargeDeclinedInsufficientFunds" => Some(("card_declined", "insufficient_funds")),
        "pm_card_chargeDeclinedExpiredCard" => Some(("expired_card", "expired_card")),
        _ => None,
    }
}

/// A declined card is an answer to an executed request: 402. No money moved, so it is no effect.
fn card_error((code, decline_code): (&str, &str), mut intent: Value) -> Reply {
    intent["status"] = Value::from("requires_payment_method");
    Reply::json(
        402,
        &json!({"error": {
            "type": "card_error", "code": code, "decline_code": decline_code, "message": "Your card was declined.",
            "doc_url": format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-")),
            "payment_intent": intent,
        }}),
    )
}
