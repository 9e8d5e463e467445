//! Functions that the language lacks: local times, money, and what people wrote.

use jlens_core::HostCall;
use serde_json::Value;

use super::super::zone::{self, Which};
use super::super::{money, phone, text as texts};
use super::args::{Answer, Args, limit, number, pay, refused, text};

/// `$zonedTime(date, time, zone, which?)`: when a clock in the zone shows the time, in RFC 3339. Undefined where nothing is
/// would leave a field out, and make a code without an end of one whose end is missing.
pub(super) fn zoned_time(args: Args<'_>, _: &HostCall<'_>) -> Answer {
    let (Some(date), Some(time), Some(zone)) = (text(args, 0), text(args, 1), text(args, 2)) else {
        return Err(refused("a local time has a date, a time and a zone"));
    };
    let which = text(args, 3)
        .map(Which::read)
        .transpose()
        .map_err(refused)?;
    pay(100)?;
    let instant = zone::instant(date, time, zone, which).map_err(refused)?;
    Ok(Some(instant.into()))
}

const NO_CURRENCY: &str = "ISO 4217 has no such currency, or no minor unit for it";

/// `$minorUnits(currency)`: how many decimals its amounts have.
pub(super) fn minor_units(args: Args<'_>, _: &HostCall<'_>) -> Answer {
    let Some(currency) = text(args, 0) else {
        return Ok(None);
    };
    let decimals = money::minor_units(currency).ok_or_else(|| refused(NO_CURRENCY))?;
    Ok(Some(decimals.into()))
}

/// `$money(currency, factor, …)`: the factors' exact product, rounded once to the currency's minor unit, halves away from
/// zero. Undefined where a factor is.
pub(super) fn money(args: Args<'_>, _: &HostCall<'_>) -> Answer {
    let Some(currency) = text(args, 0) else {
        return Ok(None);
    };
    let decimals = money::minor_units(currency).ok_or_else(|| refused(NO_CURRENCY))?;
    let factors: Option<Vec<f64>> = (1..args.len()).map(|index| number(args, index)).collect();
    let Some(factors) = factors.filter(|factors| !factors.is_empty()) else {
        return Ok(None);
    };
    let amount = money::product(factors, decimals);
    let amount = amount.ok_or_else(|| refused("the product has too many digits to be exact"))?;
    Ok(Some(amount.into()))
}

/// `$sumMoney(currency, amounts)`: their exact sum, rounded once like a product of `$money`.
pub(super) fn sum_money(args: Args<'_>, _: &HostCall<'_>) -> Answer {
    let Some(currency) = text(args, 0) else {
        return Ok(None);
    };
    let decimals = money::minor_units(currency).ok_or_else(|| refused(NO_CURRENCY))?;
    let amounts = match args.get(1) {
        Some(Some(Value::Array(amounts))) => amounts.iter().map(Value::as_f64).collect(),
        Some(Some(amount)) => amount.as_f64().map(|amount| vec![amount]),
        _ => return Ok(None),
    };
    let amounts: Vec<f64> = amounts.ok_or_else(|| refused("amounts are numbers"))?;
    let sum = money::sum(amounts, decimals);
    let sum = sum.ok_or_else(|| refused("the sum has too many digits to be exact"))?;
    Ok(Some(sum.into()))
}

/// `$e164(text, country)`: the phone number as E.164 has it. Undefined where it is no number, or says no country and has
/// none beside it.
pub(super) fn e164(args: Args<'_>, _: &HostCall<'_>) -> Answer {
    let Some(written) = text(args, 0) else {
        return Ok(None);
    };
    pay(written.len() + 20)?;
    let number = phone::e164(written, text(args, 1).unwrap_or_default());
    Ok(number.map(Value::from))
}

/// `$escape(text, target)`: with nothing in it that the target would take for more than text.
pub(super) fn escape(args: Args<'_>, _: &HostCall<'_>) -> Answer {
    let (Some(written), Some(target)) = (text(args, 0), text(args, 1)) else {
        return Ok(None);
    };
    pay(written.len() * texts::WIDEST_ESCAPE)?;
    let escaped = texts::escape(written, target);
    let escaped = escaped.ok_or_else(|| refused("texts are escaped for \"slack\" or \"html\""))?;
    Ok(Some(escaped.into()))
}

/// `$cut(text, limit)`: at most so many characters, cut between two of them and never inside an escape.
pub(super) fn cut(args: Args<'_>, _: &HostCall<'_>) -> Answer {
    let Some(written) = text(args, 0) else {
        return Ok(None);
    };
    pay(written.len())?;
    let cut = texts::cut(written, limit(args, 1, "D3020")?);
    Ok(Some(Value::from(cut)))
}
