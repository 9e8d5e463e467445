//! What one environment remembers of many connections, bounded by the memory that it takes.
//!
//! What was used least recently makes way, one by one: a memory that is emptied at a bound makes every connection beyond
//! it pay for all the others.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What an entry costs beside its key and value: its places in two maps, the shared key's counters, and what an
/// allocator rounds up. Measured with 10,000 entries: 180 to 240 bytes.
const ENTRY_BYTES: usize = 240;

/// The memory of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionMemory {
    bytes: usize,
}

impl FunctionMemory {
    /// What every lane has in `template.yaml`, and where nobody says what a function has.
    pub const USUAL: Self = Self::megabytes(256);

    /// `count` MB, as Lambda counts them.
    pub const fn megabytes(count: usize) -> Self {
        Self {
            bytes: count * 1024 * 1024,
        }
    }

    /// One part of `parts` equal ones, in bytes.
    pub const fn part(self, parts: usize) -> usize {
        self.bytes / parts
    }
}

/// What a cache holds.
pub trait Weigh {
    /// The memory that it takes, in bytes, what it owns elsewhere included.
    fn bytes(&self) -> usize;

    /// It cannot be had again: it stays, whatever it takes.
    fn must_stay(&self) -> bool {
        false
    }
}

/// Values by key, as many as fit, and the one that was used last whatever it takes.
#[derive(Debug)]
pub struct Cache<V> {
    entries: Mutex<Entries<V>>,
}

#[derive(Debug)]
struct Entries<V> {
    room: usize,
    taken: usize,
    uses: u64,
    by_key: HashMap<Arc<str>, Entry<V>>,
    /// Keys by their last use.
    by_use: BTreeMap<u64, Arc<str>>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    last_use: u64,
    bytes: usize,
}

impl<V: Weigh> Cache<V> {
    /// One that takes up to `room` bytes.
    pub fn new(room: usize) -> Self {
        Self {
            entries: Mutex::new(Entries {
                room,
                taken: 0,
                uses: 0,
                by_key: HashMap::new(),
                by_use: BTreeMap::new(),
            }),
        }
    }

    /// What is remembered under `key`.
    pub fn get(&self, key: &str) -> Option<V>
    where
        V: Clone,
    {
        self.update(key, |value| value.clone())
    }

    /// What `with` makes of the value under `key`, where there is one.
    pub fn update<R>(&self, key: &str, with: impl FnOnce(&mut V) -> R) -> Option<R> {
        let mut entries = self.lock();
        let (key, mut value) = entries.take(key)?;
        let result = with(&mut value);
        entries.put(key, value);
        Some(result)
    }

    /// What `with` makes of the value under `key`, of a new one where there is none.
    pub fn entry<R>(&self, key: &str, with: impl FnOnce(&mut V) -> R) -> R
    where
        V: Default,
    {
        let mut entries = self.lock();
        let known = entries.take(key);
        let (key, mut value) = known.unwrap_or_else(|| (key.into(), V::default()));
        let result = with(&mut value);
        entries.put(key, value);
        result
    }

    /// Remembers `value` under `key`.
    pub fn insert(&self, key: &str, value: V) {
        let mut entries = self.lock();
        let known = entries.take(key).map(|(key, _)| key);
        entries.put(known.unwrap_or_else(|| key.into()), value);
    }

    /// Forgets what is under `key`.
    pub fn remove(&self, key: &str) {
        self.lock().take(key);
    }

    fn lock(&self) -> MutexGuard<'_, Entries<V>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: Weigh> Entries<V> {
    fn take(&mut self, key: &str) -> Option<(Arc<str>, V)> {
        let (key, entry) = self.by_key.remove_entry(key)?;
        self.by_use.remove(&entry.last_use);
        self.taken -= entry.bytes;
        Some((key, entry.value))
    }

    /// Keeps `value` as the one that was used last, and makes room for it.
    fn put(&mut self, key: Arc<str>, value: V) {
        let bytes = ENTRY_BYTES + key.len() + value.bytes();
        while self.taken + bytes > self.room {
            let may_go = |key: &&Arc<str>| {
                let entry = self.by_key.get(*key);
                entry.is_some_and(|entry| !entry.value.must_stay())
            };
            let Some(oldest) = self.by_use.values().find(may_go).cloned() else {
                break;
            };
            self.take(&oldest);
        }
        self.uses += 1;
        self.taken += bytes;
        self.by_use.insert(self.uses, key.clone());
        let entry = Entry {
            value,
            last_use: self.uses,
            bytes,
        };
        self.by_key.insert(key, entry);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    struct Text(&'static str);

    impl Weigh for Text {
        fn bytes(&self) -> usize {
            self.0.len()
        }

        fn must_stay(&self) -> bool {
            self.0.starts_with('!')
        }
    }

    /// Room for `count` values of `a`'s length under keys of one letter.
    fn room_for(count: usize) -> Cache<Text> {
        Cache::new(count * (ENTRY_BYTES + 1 + "a".len()))
    }

    #[test]
    fn the_one_that_was_used_least_recently_makes_way_and_no_other() {
        let cache = room_for(3);
        for key in ["1", "2", "3"] {
            cache.insert(key, Text("a"));
        }
        assert_eq!(cache.get("1"), Some(Text("a")), "it is used again");
        cache.insert("4", Text("a"));
        let kept = ["1", "2", "3", "4"].map(|key| cache.get(key).is_some());
        assert_eq!(kept, [true, false, true, true]);
    }

    #[test]
    fn what_cannot_be_had_again_stays() {
        let cache = room_for(1);
        cache.insert("1", Text("!"));
        cache.insert("2", Text("a"));
        cache.insert("3", Text("a"));
        let kept = ["3", "2", "1"].map(|key| cache.get(key).is_some());
        assert_eq!(kept, [true, false, true]);
    }

    #[test]
    fn a_value_is_weighed_anew_when_it_changes() {
        let cache = room_for(2);
        cache.insert("1", Text("a"));
        cache.insert("2", Text("a"));
        cache.entry("2", |text| *text = Text("as much as two are allowed"));
        assert_eq!(cache.get("1"), None);
        assert!(cache.get("2").is_some(), "the last one is kept");
    }

    proptest! {
        #[test]
        fn it_takes_no_more_than_its_room(uses in prop::collection::vec((0_u8..20, 0_u8..4), 1..200)) {
            let cache = room_for(5);
            for (key, what) in uses {
                let key = key.to_string();
                match what {
                    0 => cache.insert(&key, Text("a")),
                    1 => cache.remove(&key),
                    2 => drop(cache.get(&key)),
                    _ => cache.entry(&key, |text| *text = Text("")),
                }
                let entries = cache.lock();
                let weighed: usize = entries.by_key.values().map(|entry| entry.bytes).sum();
                prop_assert_eq!(weighed, entries.taken);
                prop_assert!(entries.taken <= entries.room);
                prop_assert_eq!(entries.by_key.len(), entries.by_use.len());
            }
        }
    }
}
