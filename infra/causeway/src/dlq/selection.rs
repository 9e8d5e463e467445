//! Which letters a command is about.

use clap::Args;

use super::Reading;
use super::fingerprint;
use super::letter::Letter;
use super::look::{self, Judged, judge, ledger};
use super::queue::DeadLetters;
use crate::error::Error;
use crate::stack::{Lane, Stack};

/// Which letters: all of them, or those that every option given means.
#[derive(Args, Clone, Debug, Default)]
pub struct Selection {
    /// Only letters of this code.
    #[arg(long)]
    code: Option<String>,
    /// Only letters of this cause: a fingerprint from `dlq list`.
    #[arg(long)]
    fingerprint: Option<String>,
    /// Only this letter: message id, request id, idempotency key, or provider#connection#key.
    #[arg(long)]
    letter: Option<String>,
}

impl Selection {
    /// Whether nothing narrows it down.
    pub const fn is_everything(&self) -> bool {
        self.code.is_none() && self.fingerprint.is_none() && self.letter.is_none()
    }

    fn wants(&self, letter: &Letter) -> bool {
        let code = self.code.as_ref();
        let code = code.is_none_or(|code| *code == letter.said.code);
        let cause = self.fingerprint.as_ref();
        let cause = cause.is_none_or(|wanted| *wanted == fingerprint::of(letter));
        let named = self.letter.as_ref();
        code && cause && named.is_none_or(|wanted| letter.is_meant_by(wanted))
    }
}

/// The letters that are wanted, judged; the others are released at once.
///
/// # Errors
/// When AWS refuses, or this release does not know the lane's provider.
pub async fn read(
    selection: &Selection,
    reading: &Reading,
    stack: &Stack,
    lane: &Lane,
    letters: &mut DeadLetters,
) -> Result<Vec<Judged>, Error> {
    let spec = look::spec(lane)?;
    let read = letters.read(reading.limit(), |_| true).await?;
    let (wanted, others): (Vec<_>, Vec<_>) =
        read.into_iter().partition(|letter| selection.wants(letter));
    let others: Vec<_> = others.iter().collect();
    letters.let_go(&others).await;
    judge(&ledger(stack)?, spec, wanted).await
}
