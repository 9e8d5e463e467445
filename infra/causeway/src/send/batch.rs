//! Which requests go in one call.

use std::io::BufRead;

use super::input::{Item, Items};
use crate::error::Error;

/// Requests in one call: ingest's limit.
pub const MAX_ITEMS: usize = causeway_ingest::MAX_ITEMS;

/// Bytes in one call. Ingest takes 5 MiB; but Lambda hands it at most 6 MB, quotation marks and backslashes doubled
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>), and so they are counted here.
pub const MAX_BYTES: usize = 5_000_000;

/// What stands around the requests.
const HEAD: &str = "{\"requests\":[";
const TAIL: &str = "]}";

/// Cuts `items` into batches.
pub struct Batches<R> {
    items: Items<R>,
    /// What did not fit into the last one.
    left: Option<Item>,
}

impl<R: BufRead> Batches<R> {
    /// Of all that `items` gives.
    pub const fn of(items: Items<R>) -> Self {
        Self { items, left: None }
    }

    /// The next batch, never an empty one; none at the end. Broken requests stand among the others, in their order.
    ///
    /// # Errors
    /// When reading fails.
    pub fn cut_next(&mut self) -> Result<Option<Vec<Item>>, Error> {
        let (mut batch, mut bytes) = (Vec::new(), HEAD.len() + TAIL.len());
        while batch.len() < MAX_ITEMS {
            let item = match self.left.take() {
                Some(item) => item,
                None => match self.items.read_next()? {
                    Some(item) => item,
                    None => break,
                },
            };
            bytes += item.text.as_ref().map_or(0, |text| counted(text));
            if bytes > MAX_BYTES && !batch.is_empty() {
                self.left = Some(item);
                break;
            }
            batch.push(item);
        }
        Ok((!batch.is_empty()).then_some(batch))
    }
}

/// Bytes of `text` within a JSON text, and its comma.
fn counted(text: &str) -> usize {
    let escaped = text.bytes().filter(|byte| matches!(byte, b'"' | b'\\'));
    text.len() + escaped.count() + 1
}

/// The body of the call that carries `texts`.
#[must_use]
pub fn body(texts: &[&str]) -> String {
    format!("{HEAD}{}{TAIL}", texts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(input: &str) -> Vec<usize> {
        let items = Items::new(input.as_bytes()).expect("requests");
        let mut batches = Batches::of(items);
        let mut sizes = Vec::new();
        while let Some(batch) = batches.cut_next().expect("in memory") {
            let texts: Vec<_> = batch
                .iter()
                .map(|item| item.text.as_deref().expect("JSON"))
                .collect();
            assert!(body(&texts).len() <= MAX_BYTES);
            sizes.push(batch.len());
        }
        sizes
    }

    #[test]
    fn batches_are_cut_by_count() {
        let lines = "{\"n\": 1}\n".repeat(250);
        assert_eq!(cut(&lines), [100, 100, 50]);
    }

    /// 40 requests of 250 KB are 10 MB; and as many quotation marks as letters count double.
    #[test]
    fn batches_are_cut_by_bytes_as_lambda_counts_them() {
        let plain = format!("{{\"a\":\"{}\"}}\n", "x".repeat(250_000));
        assert_eq!(cut(&plain.repeat(40)), [19, 19, 2]);
        let quoted = format!("{{\"a\":\"{}\"}}\n", "\\\"".repeat(125_000));
        assert_eq!(cut(&quoted.repeat(20)), [9, 9, 2]);
    }
}
