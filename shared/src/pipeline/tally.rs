//! What one invocation has drawn from the limits and heard about them, until it is told in one update an item.

use std::collections::{BTreeSet, HashMap};

use super::limits::{Draw, DrawnItem};
use crate::Timestamp;
use crate::limiter::{Feedback, Limit, REMAINING_MAX, Signals, Taken};

/// What one invocation gathers about its limits.
#[derive(Default)]
pub(super) struct Tally {
    entries: Vec<Entry>,
    /// Until when what was drawn lasts, by the calls' owners and the items' keys.
    lasting: HashMap<(String, String), Timestamp>,
    /// Items that were told of a refusal while the batch still ran.
    refused: BTreeSet<String>,
    fullest: Option<(&'static str, u8)>,
}

/// What was drawn from one item and heard about it.
#[derive(Clone)]
pub(super) struct Entry {
    pub draw: Draw,
    /// The owners of the calls that were granted, in their order, where costs or permits are to be settled.
    drawn: Option<(Vec<String>, Taken)>,
    since: Timestamp,
    signals: Signals,
    costs: Vec<(usize, u32)>,
}

impl Tally {
    /// Notes a draw. Only where costs or permits are to be settled is there more to remember than how long it lasts.
    pub fn drew(
        &mut self,
        DrawnItem {
            draw,
            owners,
            taken,
        }: &DrawnItem,
        now: Timestamp,
        fullest: Option<(&'static str, u8)>,
    ) {
        self.fullest = [self.fullest, fullest]
            .into_iter()
            .flatten()
            .max_by_key(|(_, percent)| *percent);
        for owner in owners.iter().take(taken.granted) {
            let of = (owner.clone(), draw.key.clone());
            self.lasting.insert(of, taken.until);
        }
        let settles = |limit: &&Limit| limit.counts_cost() || limit.permits().is_some();
        if draw.limits.iter().any(settles) {
            let granted = owners.iter().take(taken.granted).cloned();
            let drawn = Some((granted.collect(), taken.clone()));
            self.entries.push(Entry {
                drawn,
                since: now,
                ..Entry::new(draw.clone())
            });
        }
    }

    /// Until when what `owner` drew from the item under `key` lasts.
    pub fn lasts(&self, owner: &str, key: &str) -> Option<Timestamp> {
        self.lasting
            .get(&(owner.to_owned(), key.to_owned()))
            .copied()
    }

    /// What `owner` drew from the item under `key` is nobody's any more.
    pub fn gave_back(&mut self, owner: &str, key: &str) {
        self.lasting.remove(&(owner.to_owned(), key.to_owned()));
    }

    /// Notes what an answer to the call of `owner`, which drew on `draws` (the narrowest first), said.
    pub fn heard(&mut self, owner: &str, draws: Vec<Draw>, signals: Signals) {
        let narrowest = draws.first().map(|draw| draw.key.clone());
        let widest = draws.last().map(|draw| draw.key.clone());
        let named: BTreeSet<&str> = draws
            .iter()
            .flat_map(|draw| draw.limits.iter().map(|limit| limit.name()))
            .collect();
        for draw in draws {
            let is_widest = widest.as_ref() == Some(&draw.key);
            let remaining = signals.remaining.iter().take(REMAINING_MAX).filter(|left| {
                let ours = draw.limits.iter().any(|limit| limit.name() == left.limit);
                // What is said of a limit that is not declared concerns the account.
                ours || (is_widest && !named.contains(left.limit))
            });
            let remaining: Vec<_> = remaining.cloned().collect();
            let entry = self.entry(draw);
            if narrowest.as_ref() == Some(&entry.draw.key) {
                entry.signals.blocked_until =
                    entry.signals.blocked_until.max(signals.blocked_until);
            }
            for left in remaining {
                let known = entry.signals.remaining.iter_mut();
                match known.into_iter().find(|known| known.limit == left.limit) {
                    // Answers overtake each other: the one that leaves least came last.
                    Some(known) if (left.reset, known.left) > (known.reset, left.left) => {
                        *known = left
                    }
                    Some(_) => {}
                    None => entry.signals.remaining.push(left),
                }
            }
            if let (Some(cost), Some((owners, _))) = (signals.cost, &entry.drawn)
                && let Some(at) = owners.iter().position(|known| known == owner)
            {
                entry.costs.push((at, cost));
            }
        }
    }

    /// Whether the item under `key` is yet to be told of a refusal; from now on it counts as told.
    pub fn is_first_refusal(&mut self, key: &str) -> bool {
        self.refused.insert(key.to_owned())
    }

    /// What is to be told now. Each thing is handed out once, but for the permits of a batch that is to go on.
    pub fn settle(&mut self, release: bool) -> Vec<Entry> {
        let told = self.entries.clone();
        self.entries.retain_mut(|entry| {
            entry.signals = Signals::default();
            entry.costs.clear();
            entry.drawn.is_some() && !release
        });
        told
    }

    /// The limit nearest to its end, and how much of it is in use, in percent.
    pub fn fullest(&self) -> Option<(&'static str, u8)> {
        self.fullest
    }

    fn entry(&mut self, draw: Draw) -> &mut Entry {
        let at = self.entries.iter().position(|entry| {
            let names = |draw: &Draw| {
                draw.limits
                    .iter()
                    .map(|limit| limit.name())
                    .collect::<Vec<_>>()
            };
            entry.draw.key == draw.key && names(&entry.draw) == names(&draw)
        });
        let at = at.unwrap_or_else(|| {
            self.entries.push(Entry::new(draw));
            self.entries.len() - 1
        });
        &mut self.entries[at]
    }
}

impl Entry {
    fn new(draw: Draw) -> Self {
        Self {
            draw,
            drawn: None,
            since: Timestamp::default(),
            signals: Signals::default(),
            costs: Vec::new(),
        }
    }

    /// What the item is to be told; the permits of `holder` come back when `release` says so.
    pub fn feedback<'a>(&'a self, holder: &'a str, release: bool, now: Timestamp) -> Feedback<'a> {
        let permits = self
            .draw
            .limits
            .iter()
            .any(|limit| limit.permits().is_some());
        let drawn = self.drawn.as_ref();
        Feedback {
            signals: self.signals.clone(),
            costs: drawn.map(|(_, taken)| (taken, self.costs.clone())),
            release: (release && permits && drawn.is_some())
                .then(|| (holder, now.since(self.since))),
        }
    }
}
