//! What the ready-made mappings make of what went wrong once: times, amounts, and what people wrote.

use std::path::Path;
use std::str::FromStr;

use bigdecimal::{BigDecimal, RoundingMode, Zero};
use causeway::Timestamp;
use causeway::mapping::{FORMATS, Mapping, MappingError};
use causeway_contract::generate::values_of;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn mapping(name: &str) -> Mapping {
    let (provider, name) = name.split_once('/').expect("provider/name");
    let document = file(&format!("../../functions/{provider}/mappings/{name}.json"));
    Mapping::parse(&document).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn sample(name: &str) -> Value {
    serde_json::from_str(&file(&format!("samples/{name}.json"))).expect("a sample")
}

fn made(mapping: &Mapping, input: &Value) -> Result<Value, MappingError> {
    let mut tries = (0..100).map(|_| mapping.apply(input, Timestamp::from_millis(0)));
    // The wall clock tells of a busy machine alone.
    let first = tries.find(|made| !made.as_ref().is_err_and(MappingError::is_of_the_clock));
    first.expect("a hundred times too slow")
}

/// A guest was locked out an hour early: the offset of the arrival stood for the departure after the clock was put back.
#[test]
fn an_access_code_is_valid_by_the_propertys_clock() {
    let seam = mapping("seam/pms-access");
    let mut stay = sample("pms-reservation");
    stay["stay"]["arrival"] = json!("2026-10-23");
    stay["stay"]["departure"] = json!("2026-10-26");
    stay["property"]["utc_offset"] = json!("+01:00");
    let code = made(&seam, &stay).expect("a code");
    assert_eq!(code["starts_at"], "2026-10-23T15:00:00+01:00");
    assert_eq!(code["ends_at"], "2026-10-26T11:00:00+00:00");
    for (field, times) in [
        (
            "check_in_time",
            [json!("3 PM"), json!(null), json!("15"), json!("25:00")],
        ),
        (
            "check_out_time",
            [json!("11h"), json!(null), json!(""), json!("11:00Z")],
        ),
    ] {
        for time in times {
            let mut wrong = stay.clone();
            wrong["stay"][field] = time.clone();
            assert!(made(&seam, &wrong).is_err(), "{field} {time}");
        }
        let mut missing = stay.clone();
        missing["stay"]
            .as_object_mut()
            .expect("a stay")
            .remove(field);
        assert!(
            made(&seam, &missing).is_err(),
            "without {field} it would open for good, or at once"
        );
    }
    stay["stay"]["check_in_time"] = json!("15:00:00");
    assert_eq!(
        made(&seam, &stay).expect("a code")["starts_at"],
        "2026-10-23T15:00:00+01:00"
    );
}

/// A telephone without digits gave `0000`; the same guest's next stay gave the code that is still on the lock.
#[test]
fn no_access_code_can_be_guessed_from_the_guest() {
    let seam = mapping("seam/pms-access");
    let mut stay = sample("pms-reservation");
    for phone in [json!("n/a"), json!(null), json!("+351900000001")] {
        stay["guests"][0]["phone"] = phone;
        assert_eq!(made(&seam, &stay).expect("a code").get("code"), None);
    }
    stay["stay"]["access_code"] = json!("407193");
    assert_eq!(made(&seam, &stay).expect("a code")["code"], "407193");
}

fn every_text(value: &Value, f: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => f(text),
        Value::Array(items) => items.iter().for_each(|item| every_text(item, f)),
        Value::Object(fields) => fields.values().for_each(|field| every_text(field, f)),
        _ => {}
    }
}

#[test]
fn what_people_wrote_does_not_go_live_in_slack_and_fits() {
    let written = "<!channel> Tom & Jerry <https://evil.example|click>\n> more";
    let mut stay = sample("pms-reservation");
    let mut order = sample("storefront-order");
    for field in [
        "/property/name",
        "/guests/0/given_name",
        "/notes/0/text",
        "/channel/name",
    ] {
        *stay.pointer_mut(field).expect("a field") = json!(written);
    }
    for field in [
        "/customer/name/first",
        "/lines/0/title",
        "/lines/0/options/0/value",
        "/note",
    ] {
        *order.pointer_mut(field).expect("a field") = json!(written);
    }
    let (stays, orders) = (
        mapping("slack/pms-reservation"),
        mapping("slack/storefront-order"),
    );
    for (mapping, input) in [(&stays, &stay), (&orders, &order)] {
        let message = made(mapping, input).expect("a message");
        let mut escaped = 0;
        every_text(&message, &mut |text| {
            assert!(!text.contains('<'), "{text}");
            let plain = text
                .replace("&amp;", "")
                .replace("&lt;", "")
                .replace("&gt;", "");
            assert!(!plain.contains('&'), "{text}");
            escaped += text.matches("&lt;!channel&gt; Tom &amp; Jerry").count();
        });
        assert!(escaped >= 4, "{message}");
    }
    // A cut in an escape would leave `&am`, one in an emoji half a family.
    stay["notes"][0]["text"] = json!("&👨‍👩‍👧‍👦".repeat(1_000));
    let message = made(&stays, &stay).expect("a message");
    let text = message
        .pointer("/blocks/0/text/text")
        .and_then(Value::as_str)
        .expect("a text");
    assert!(text.encode_utf16().count() <= 3_000 && text.ends_with('…'));
    assert!(text.ends_with("&amp;…") || text.ends_with("👨‍👩‍👧‍👦…"), "{text}");
}

#[test]
fn a_balance_is_counted_as_stripe_counts_the_currency() {
    let stripe = mapping("stripe/pms-balance");
    for (currency, minor, amount) in [
        ("EUR", 82_350, Some(82_350)),
        ("JPY", 500, Some(500)),
        // Two decimals at Stripe, none by ISO 4217: 5 króna were charged for 500.
        ("ISK", 500, Some(50_000)),
        ("UGX", 500, Some(50_000)),
        // And the other way round.
        ("MGA", 50_000, Some(500)),
        // A last digit of 0, never more than is owed.
        ("KWD", 5_124, Some(5_120)),
        ("KWD", 5, None),
        ("EUR", 0, None),
    ] {
        let mut stay = sample("pms-reservation");
        stay["price"] =
            json!({"currency": currency, "total_minor": minor + 100_000, "paid_minor": 100_000});
        let made = made(&stripe, &stay).ok().map(|made| made["amount"].clone());
        assert_eq!(made, amount.map(Value::from), "{minor} {currency}");
    }
}

fn decimal(value: &Value) -> BigDecimal {
    BigDecimal::from_str(&value.to_string()).expect("a number")
}

fn decimals(currency: &str) -> i64 {
    let (_, is_currency) = FORMATS
        .iter()
        .find(|(name, _)| *name == "currency")
        .expect("it");
    assert!(is_currency(currency), "{currency}");
    match currency {
        "JPY" | "ISK" | "UGX" => 0,
        "KWD" | "TND" => 3,
        "CLF" => 4,
        _ => 2,
    }
}

/// The order's lines, each rounded once; a percentage counts with four decimals.
fn goods(order: &Value) -> BigDecimal {
    let scale = decimals(order["currency"].as_str().expect("a currency"));
    let round = |amount: BigDecimal| amount.with_scale_round(scale, RoundingMode::HalfUp);
    let percent = order
        .pointer("/discount/percent")
        .map_or_else(BigDecimal::zero, decimal);
    let rate = (BigDecimal::from(100) - percent).with_scale_round(4, RoundingMode::HalfEven);
    let hundredth = BigDecimal::from_str("0.01").expect("a number");
    let lines = order["lines"].as_array().expect("lines").iter();
    let lines = lines.map(|line| {
        round(decimal(&line["quantity"]) * decimal(&line["unit_price"]) * &rate * &hundredth)
    });
    let shipping = order
        .pointer("/shipping/price")
        .map_or_else(BigDecimal::zero, decimal);
    lines.sum::<BigDecimal>() + round(shipping)
}

/// What the customer owes: what the order says, else its lines.
fn due(order: &Value) -> BigDecimal {
    let scale = decimals(order["currency"].as_str().expect("a currency"));
    match order.get("total") {
        Some(total) => decimal(total).with_scale_round(scale, RoundingMode::HalfUp),
        None => goods(order),
    }
}

/// What Xero makes of an invoice: quantity times unit amount of four decimals, less the discount, in two decimals.
fn invoiced(invoice: &Value) -> BigDecimal {
    let lines = invoice["LineItems"].as_array().expect("lines").iter();
    let lines = lines.map(|line| {
        let unit = decimal(&line["UnitAmount"]).with_scale_round(4, RoundingMode::HalfUp);
        let off = line
            .get("DiscountAmount")
            .map_or_else(BigDecimal::zero, decimal);
        let amount = decimal(&line["Quantity"]) * unit - off;
        let rounded = amount.with_scale_round(2, RoundingMode::HalfUp);
        assert_eq!(amount, rounded, "nothing is left for Xero to round: {line}");
        rounded
    });
    lines.sum()
}

fn orders(name: &str, holds: impl Fn(&Mapping, &Value)) {
    let mapping = mapping(name);
    let orders = values_of(mapping.source()).expect("a strategy");
    let config = Config {
        cases: 100,
        failure_persistence: None,
        max_shrink_iters: 100,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let tried = TestRunner::new_with_rng(config, rng).run(&orders, |order| {
        holds(&mapping, &order);
        Ok(())
    });
    tried.unwrap_or_else(|error| {
        panic!(
            "{name}: {}",
            error.to_string().chars().take(4_000).collect::<String>()
        )
    });
}

/// An invoice said 104.45 for an order of 104.44, and 30.00 for a hundred stickers at 0.35 less 15 %.
#[test]
fn an_invoice_comes_to_what_the_customer_owes() {
    let xero = mapping("xero/storefront-invoice");
    let order = sample("storefront-order");
    let cents = |text: &str| BigDecimal::from_str(text).expect("a number");
    assert_eq!(
        invoiced(&made(&xero, &order).expect("an invoice")),
        cents("104.44")
    );
    let mut stickers = order.clone();
    stickers["discount"] = json!({"percent": 15});
    stickers["lines"] =
        json!([{"sku": "S", "title": "Sticker", "quantity": 100, "unit_price": 0.35}]);
    stickers["shipping"] = json!({});
    assert_eq!(
        invoiced(&made(&xero, &stickers).expect("an invoice")),
        cents("29.75")
    );
    // The shop rounds the whole order: 0.045 three times is 0.135.
    let line = json!({"sku": "S", "title": "Pin", "quantity": 1, "unit_price": 0.05});
    stickers["discount"] = json!({"percent": 10});
    stickers["lines"] = json!([line, line, line]);
    stickers["total"] = json!(0.14);
    assert_eq!(
        invoiced(&made(&xero, &stickers).expect("an invoice")),
        cents("0.14")
    );
    stickers["total"] = json!(14);
    assert!(made(&xero, &stickers).is_err(), "another order's total");

    orders("xero/storefront-invoice", |xero, order| {
        match made(xero, order) {
            Ok(invoice) => assert_eq!(invoiced(&invoice), due(order)),
            Err(error) => assert_ne!(goods(order), due(order), "{error}"),
        }
    });
}

#[test]
fn a_deal_and_a_message_say_what_the_customer_owes() {
    orders("hubspot/storefront-deal", |hubspot, order| {
        let deal = made(hubspot, order).expect("a deal");
        let amount = deal
            .pointer("/properties/amount")
            .and_then(Value::as_str)
            .expect("an amount");
        let scale = decimals(order["currency"].as_str().expect("a currency"));
        assert_eq!(BigDecimal::from_str(amount).expect("a number"), due(order));
        let written = amount.split_once('.').map_or(0, |(_, digits)| digits.len());
        assert_eq!(written as i64, scale, "{amount}");
    });
    orders("slack/storefront-order", |slack, order| {
        let message = made(slack, order).expect("a message");
        let text = message["text"].as_str().expect("a text");
        let currency = order["currency"].as_str().expect("a currency");
        let total = due(order).with_scale(decimals(currency)).to_plain_string();
        let digits: String = text.chars().filter(|char| *char != ',').collect();
        assert!(
            digits.contains(&format!(" {total} {currency}")),
            "{total}: {text}"
        );
    });
}
