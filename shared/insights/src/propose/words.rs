//! A name as words: split, spelled out, and reduced to what they mean.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use super::vocabulary::{COMMON, CONCEPTS, KIN, NARROWING, PHRASES};

/// Words of one name that are looked at.
const MAX_WORDS: usize = 16;

/// Longest word that is taken apart for words that are written together, in letters.
const MAX_COMPOUND: usize = 32;

/// How alike two words are that name the same thing, and two whose things are often the same.
const SAME: f64 = 0.95;
const CLOSE_KIN: f64 = 0.8;
const KINDRED: f64 = 0.6;

/// Where two words are close enough by their letters to be forms, or a slip, of one another.
const NEAR: f64 = 0.9;

struct Vocabulary {
    /// From each form of a word to its concept.
    concepts: HashMap<&'static str, &'static str>,
    /// From several words to the one that they are.
    phrases: Vec<(Vec<&'static str>, &'static str)>,
    /// Groups that a concept is in.
    kin: HashMap<&'static str, Vec<usize>>,
}

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let forms = CONCEPTS.iter().flat_map(|forms| {
        let concept = forms.split(' ').next().unwrap_or_default();
        forms.split(' ').map(move |form| (form, concept))
    });
    let phrases = PHRASES
        .iter()
        .map(|(words, meant)| (words.split(' ').collect(), *meant));
    let mut phrases: Vec<(Vec<&str>, &str)> = phrases.collect();
    // Of two that begin alike, the longer one is meant.
    phrases.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
    let mut kin: HashMap<&str, Vec<usize>> = HashMap::new();
    for (group, members) in KIN.iter().enumerate() {
        for member in members.trim_start_matches('=').split(' ') {
            kin.entry(member).or_default().push(group);
        }
    }
    Vocabulary {
        concepts: forms.collect(),
        phrases,
        kin,
    }
});

/// The words of a name, each as the concept that it stands for.
pub(super) fn words(name: &str) -> Vec<String> {
    let vocabulary = &*VOCABULARY;
    let parts = split(name);
    // A message's `to` and `from` are people, and no beginning.
    match parts.as_slice() {
        [to] if to == "to" => return vec!["recipient".to_owned(), "phone".to_owned()],
        [from] if from == "from" => return vec!["sender".to_owned(), "phone".to_owned()],
        _ => {}
    }
    let mut spelled = Vec::new();
    for part in parts {
        let plain = singular(&part);
        let known = |word: &str| vocabulary.concepts.contains_key(word);
        match known(&part) || known(&plain) || COMMON.contains(&plain.as_str()) {
            true => spelled.push(part),
            false => spelled.extend(apart(&part).unwrap_or_else(|| vec![part])),
        }
    }
    let spelled: Vec<String> = spelled.iter().map(|word| concept(word)).collect();
    let mut found = Vec::new();
    let mut rest = spelled.as_slice();
    while let Some((word, after)) = rest.split_first() {
        let starts = |phrase: &[&str]| {
            rest.len() >= phrase.len() && rest.iter().zip(phrase).all(|(word, meant)| word == meant)
        };
        match vocabulary.phrases.iter().find(|(phrase, _)| starts(phrase)) {
            Some((phrase, meant)) => {
                found.extend(meant.split(' ').map(str::to_owned));
                rest = &rest[phrase.len()..];
            }
            None => {
                found.push(word.clone());
                rest = after;
            }
        }
    }
    // `number of guests` is a guest count, `name of the guest` a guest's name.
    if let Some(of) = found
        .iter()
        .position(|word| word == "of")
        .filter(|of| *of > 0)
    {
        let mut what = found.split_off(of + 1);
        found.truncate(of);
        if found == ["number"] {
            found = vec!["count".to_owned()];
        }
        what.append(&mut found);
        found = what;
    }
    found.truncate(MAX_WORDS);
    found
}

/// The concept that a word stands for; itself where it is unknown.
fn concept(word: &str) -> String {
    let vocabulary = &*VOCABULARY;
    let plain = singular(word);
    let concepts = &vocabulary.concepts;
    let found = concepts.get(word).or_else(|| concepts.get(plain.as_str()));
    found.map_or(plain, |concept| (*concept).to_owned())
}

/// Splits at what is no letter or digit, at capitals, and between letters and digits; small letters, without accents.
fn split(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().take(200).collect();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for (index, &char) in chars.iter().enumerate() {
        let before = index
            .checked_sub(1)
            .and_then(|index| chars.get(index))
            .copied();
        let after = chars.get(index + 1).copied();
        let begins = before.is_some_and(|before| {
            let camel = char.is_uppercase() && before.is_lowercase();
            // The `D` of `IDNumber` ends what the `N` does not belong to.
            let ends = char.is_uppercase()
                && before.is_uppercase()
                && after.is_some_and(char::is_lowercase);
            camel || ends && !is_plural(&chars[index..]) || char.is_numeric() != before.is_numeric()
        });
        if (begins || !char.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if char.is_alphanumeric() {
            fold(char, &mut word);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    for word in &mut words {
        // `01` is `1`.
        let plain = word.trim_start_matches('0');
        if plain.len() < word.len()
            && !plain.is_empty()
            && plain.chars().all(|char| char.is_ascii_digit())
        {
            *word = plain.to_owned();
        }
    }
    words
}

/// `IDs`: the `s` belongs to the capitals.
fn is_plural(rest: &[char]) -> bool {
    matches!(rest, [_, 's'] | [_, 's', '_' | '-' | '.' | ' ', ..])
}

/// A letter in small, without its accent.
fn fold(char: char, word: &mut String) {
    for char in char.to_lowercase() {
        let plain = match char {
            'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
            'æ' => "ae",
            'ç' | 'ć' | 'č' => "c",
            'ď' | 'đ' => "d",
            'è'..='ë' | 'ē' | 'ę' | 'ě' => "e",
            'ì'..='ï' | 'ī' | 'ı' => "i",
            'ł' => "l",
            'ñ' | 'ń' | 'ň' => "n",
            'ò'..='ö' | 'ø' | 'ō' | 'ő' => "o",
            'œ' => "oe",
            'ř' => "r",
            'ś' | 'š' | 'ş' => "s",
            'ß' => "ss",
            'ť' | 'ţ' => "t",
            'ù'..='ü' | 'ū' | 'ů' | 'ű' => "u",
            'ý' | 'ÿ' => "y",
            'ź' | 'ż' | 'ž' => "z",
            other => {
                word.push(other);
                continue;
            }
        };
        word.push_str(plain);
    }
}

/// A word without the ending of its plural.
fn singular(word: &str) -> String {
    let letters = word.chars().count();
    let kept = match word {
        _ if letters <= 3 => None,
        _ if ["ss", "us", "is", "as", "os"]
            .iter()
            .any(|end| word.ends_with(end)) =>
        {
            None
        }
        _ if word.ends_with("ies") && letters > 4 => {
            return format!("{}y", &word[..word.len() - 3]);
        }
        _ if ["sses", "xes", "ches", "shes"]
            .iter()
            .any(|end| word.ends_with(end)) =>
        {
            word.strip_suffix("es")
        }
        _ => word.strip_suffix('s'),
    };
    kept.unwrap_or(word).to_owned()
}

/// A word that is several known ones, written together; none where it is not.
fn apart(word: &str) -> Option<Vec<String>> {
    if !word.is_ascii() || !(5..=MAX_COMPOUND).contains(&word.len()) {
        return None;
    }
    let known = |part: &str| {
        let plain = singular(part);
        let is = |part: &str| VOCABULARY.concepts.contains_key(part) || COMMON.contains(&part);
        part.len() >= 2 && (is(part) || is(&plain))
    };
    // The fewest words that end at each letter, and where the last of them begins. Two letters count as two words.
    let mut best: Vec<Option<(usize, usize)>> = vec![None; word.len() + 1];
    best[0] = Some((0, 0));
    for end in 1..=word.len() {
        for start in 0..end {
            let Some((count, _)) = best[start] else {
                continue;
            };
            let part = &word[start..end];
            if known(part) {
                let count = count + 1 + usize::from(part.len() == 2);
                if best[end].is_none_or(|(least, _)| count < least) {
                    best[end] = Some((count, start));
                }
            }
        }
    }
    let mut parts = Vec::new();
    let mut end = word.len();
    while end > 0 {
        let (_, start) = best[end]?;
        parts.push(word[start..end].to_owned());
        end = start;
    }
    parts.reverse();
    (parts.len() > 1).then_some(parts)
}

/// How alike two words are: 0 to 1.
pub(super) fn alike(a: &str, b: &str) -> f64 {
    if a == b {
        return 1.0;
    }
    let (kin, concepts) = (&VOCABULARY.kin, &VOCABULARY.concepts);
    if let (Some(a), Some(b)) = (kin.get(a), kin.get(b)) {
        let shared = a.iter().filter(|group| b.contains(group));
        let close = |group: &usize| {
            KIN.get(*group)
                .is_some_and(|members| members.starts_with('='))
        };
        let kindred = |group: &usize| if close(group) { CLOSE_KIN } else { KINDRED };
        if let Some(best) = shared.map(kindred).max_by(f64::total_cmp) {
            return best;
        }
    }
    if concepts.contains_key(a) && concepts.contains_key(b) {
        // Two words that are known to differ are no slip of one another: `state` and `status`.
        return 0.0;
    }
    let (shorter, longer) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if shorter.len() < 3 || shorter.chars().any(char::is_numeric) {
        return 0.0;
    }
    // `pathologic`, `amt`: a beginning.
    if longer.starts_with(shorter) && shorter.len() >= 4 {
        return 0.6 + 0.35 * shorter.len() as f64 / longer.len() as f64;
    }
    if longer.starts_with(shorter) || abbreviates(shorter, longer) {
        return 0.65;
    }
    let near = strsim::jaro_winkler(a, b);
    match shorter.len() >= 5 && near >= NEAR {
        true => SAME * near,
        false => stem(a, b),
    }
}

/// Whether a word without vowels after its first letter is another one without some of its letters: `eml`, `sts`.
fn abbreviates(short: &str, long: &str) -> bool {
    let mut rest = long.chars();
    let begins = short.chars().next() == long.chars().next();
    let vowels = short.chars().skip(1).any(|char| "aeiou".contains(char));
    begins && !vowels && short.chars().all(|char| rest.any(|other| other == char))
}

/// Words with one stem of five letters and more: `pathologic`, `pathology`.
fn stem(a: &str, b: &str) -> f64 {
    let common = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let longest = a.len().max(b.len());
    match common >= 5 && common * 10 >= longest * 6 {
        true => 0.5 + 0.4 * common as f64 / longest as f64,
        false => 0.0,
    }
}

/// How much each word says, by how few names have it: 0.15 to 1.
pub(super) struct Weights {
    counts: BTreeMap<String, usize>,
    names: usize,
}

impl Weights {
    /// By the words of all names, a list each.
    pub fn of<'a>(names: impl Iterator<Item = &'a [String]>) -> Self {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut total = 0;
        for name in names {
            total += 1;
            let mut words: Vec<&String> = name.iter().collect();
            words.sort();
            words.dedup();
            for word in words {
                *counts.entry(word.clone()).or_default() += 1;
            }
        }
        Self {
            counts,
            names: total,
        }
    }

    /// What `word` says.
    pub fn weight(&self, word: &str) -> f64 {
        let count = self.counts.get(word).copied().unwrap_or(1).max(1) as f64;
        let names = (self.names.max(2)) as f64;
        let rare = (1.0 + names / count).ln() / (1.0 + names).ln();
        let common = match () {
            () if COMMON.contains(&word) => 0.35,
            () if NARROWING.contains(&word) => 2.0,
            () => 1.0,
        };
        (rare * common).max(0.15)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str) -> String {
        words(name).join(" ")
    }

    #[test]
    fn names_are_split_as_people_read_them() {
        assert_eq!(split("checkInDate"), ["check", "in", "date"]);
        assert_eq!(split("IDNumber"), ["id", "number"]);
        assert_eq!(split("customerIDs"), ["customer", "ids"]);
        assert_eq!(
            split("line_items-total.Amt2"),
            ["line", "items", "total", "amt", "2"]
        );
        assert_eq!(split("Straße/PRÉNOM"), ["strasse", "prenom"]);
        assert_eq!(split("日付"), ["日付"]);
        assert!(split("").is_empty());
    }

    #[test]
    fn different_words_for_one_thing_are_one_word() {
        for (a, b) in [
            ("msisdn", "phone_number"),
            ("zip", "postalCode"),
            ("qty", "quantity"),
            ("dob", "date_of_birth"),
            ("firstname", "given_name"),
            ("last_name", "LastName"),
            ("emailaddress", "e-mail"),
            ("checkindate", "arrival_date"),
        ] {
            assert_eq!(told(a), told(b), "{a} {b}");
        }
    }

    #[test]
    fn words_that_only_look_alike_are_not_alike() {
        assert!(alike("state", "status") < 0.5);
        assert!(alike("arrival", "departure") < 0.7);
        assert!(alike("colourscheme", "colorscheme") > 0.8);
    }
}
