//! The canonical payloads: Shopify's own input objects, of the parts that are checked here.

use causeway::provider::{Json, Payload, Text, Whole, Wire};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Versions come out every quarter and serve a year: <https://shopify.dev/docs/api/usage/versioning>
const PATH: &str = "/admin/api/2026-04/graphql.json";

/// Longest texts are ours, not Shopify's, which says itself where something is too long.
type Tags = Vec<Text<1, 255>>;

/// One call. Aliases in `query` (`result`, `object`) make all mutations answer alike; messages, which may quote the
/// input, are not asked for.
pub(crate) fn graphql(query: &str, variables: &Json) -> Wire {
    Wire::post(PATH).json(&json!({ "query": query, "variables": variables }))
}

/// <https://shopify.dev/docs/api/admin-graphql/latest/mutations/customerSet>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct UpsertCustomer {
    /// What the customer is known by.
    email: Text<3, 254>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<Text<0, 255>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<Text<0, 255>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<Text<3, 50>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<Text<0, 5000>>,
    /// All of them: those left out are taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
}

impl Payload for UpsertCustomer {
    fn wire(&self) -> Wire {
        graphql(
            "mutation($identifier: CustomerSetIdentifiers!, $input: CustomerSetInput!) \
             { result: customerSet(identifier: $identifier, input: $input) \
             { object: customer { id } userErrors { code field } } }",
            &json!({ "identifier": { "email": self.email }, "input": self }),
        )
    }
}

/// <https://shopify.dev/docs/api/admin-graphql/latest/mutations/productSet>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct UpsertProduct {
    /// What the product is known by, and the end of its address in the shop.
    handle: Text<1, 255>,
    title: Text<1, 255>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description_html: Option<Text<0, 100_000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<ProductStatus>,
    /// All of them, as with the next two: those left out are taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_options: Option<Vec<Json>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variants: Option<Vec<Json>>,
}

/// <https://shopify.dev/docs/api/admin-graphql/latest/enums/ProductStatus>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ProductStatus {
    Active,
    Archived,
    Draft,
}

impl Payload for UpsertProduct {
    fn wire(&self) -> Wire {
        graphql(
            "mutation($identifier: ProductSetIdentifiers!, $input: ProductSetInput!) \
             { result: productSet(identifier: $identifier, input: $input, synchronous: true) \
             { object: product { id } userErrors { code field } } }",
            &json!({ "identifier": { "handle": self.handle }, "input": self }),
        )
    }
}

/// <https://shopify.dev/docs/api/admin-graphql/latest/mutations/orderCreate>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct CreateOrder {
    /// ISO code in capitals.
    currency: Text<3, 3>,
    line_items: Vec<LineItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<Text<3, 254>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<Text<0, 5000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<Json>,
}

/// A variant of the shop's, or a title with a price.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct LineItem {
    quantity: Whole<1, 1_000_000>,
    /// `gid://shopify/ProductVariant/…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    variant_id: Option<Text<1, 100>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<Text<1, 255>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_set: Option<PriceSet>,
}

/// <https://shopify.dev/docs/api/admin-graphql/latest/input-objects/MoneyInput>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Money {
    /// A decimal, as text: `19.99`.
    amount: Text<1, 20>,
    currency_code: Text<3, 3>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct PriceSet {
    shop_money: Money,
}

impl Payload for CreateOrder {
    fn wire(&self) -> Wire {
        graphql(
            "mutation($input: OrderCreateOrderInput!) { result: orderCreate(order: $input) \
             { object: order { id } userErrors { code field } } }",
            &json!({ "input": self }),
        )
    }
}
