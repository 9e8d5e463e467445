//! A model's word on the fields of a proposal that are not sure: one question, names and types alone, and no answer but a
//! candidate's number.

use std::collections::BTreeSet;

use super::{
    Fact, FieldName, FieldType, Form, LanguageModel, Misfit, ModelError, Number, Question,
};
use crate::propose::{self, MAX_CANDIDATES, Proposal, Verdict};

const TASK: &str = "You map fields of one program's records to fields of another program's API. For each field of the \
     API there are candidates, numbered from 1. Choose by the meaning of names and types: 0 where none of the candidates \
     means the same. Leave out fields that you cannot judge.";

/// Tokens of an answer: its frame and what a model thinks before it.
const TOKENS: u32 = 4096;
/// Tokens of an answer for each field: two names, two numbers and their signs are some 15.
const TOKENS_A_FIELD: u32 = 24;

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reranked {
    /// Fields that were asked about.
    pub asked: usize,
    /// Those that are filled otherwise now.
    pub changed: usize,
}

/// One field of the question, and what its numbers mean.
struct Asked {
    target: String,
    /// Numbers in the proposal of the candidates in the question.
    candidates: Vec<usize>,
    fact: Fact,
}

/// Asks `model` about the fields of `proposal` that are not sure, all at once, and takes what it says.
///
/// # Errors
/// When there is no answer, or one that names what it was not given: then `proposal` is as it was.
pub async fn rerank(
    model: &dyn LanguageModel,
    proposal: &mut Proposal,
) -> Result<Reranked, ModelError> {
    let mut asked: Vec<Asked> = propose::questions(proposal)
        .iter()
        .filter_map(asked)
        .collect();
    let Some(question) = question(&mut asked) else {
        return Ok(Reranked::default());
    };
    let answer = model.ask(&question).await?;
    let verdicts = verdicts(&asked, &answer.value)?;
    let before: Vec<Option<usize>> = proposal.fields.iter().map(|field| field.choice).collect();
    proposal.rerank(&verdicts).map_err(|_| Misfit::NotListed)?;
    let fields = proposal.fields.iter().zip(before);
    Ok(Reranked {
        asked: asked.len(),
        changed: fields
            .filter(|(field, before)| field.choice != *before)
            .count(),
    })
}

/// The field in facts; none where its name, or those of all its candidates, do not look like names.
fn asked(question: &propose::Question) -> Option<Asked> {
    let target = FieldName::new(&question.target)?;
    let mut candidates = Vec::new();
    let mut offers = Vec::new();
    for (number, offer) in question.candidates.iter().enumerate() {
        let names: Option<Vec<Fact>> = offer
            .from
            .iter()
            .map(|name| FieldName::new(name).map(Fact::from))
            .collect();
        let Some(names) = names else { continue };
        candidates.push(number);
        offers.push(Fact::Record(vec![
            ("number", Number::new(candidates.len())?.into()),
            ("from", names.into()),
            ("type", FieldType::new(&offer.kind).into()),
        ]));
    }
    (!offers.is_empty()).then(|| Asked {
        fact: Fact::Record(vec![
            ("name", target.into()),
            ("type", FieldType::new(&question.kind).into()),
            ("candidates", offers.into()),
        ]),
        target: question.target.clone(),
        candidates,
    })
}

/// As many of `asked` as one question holds; the rest is dropped. They are in the order of need.
fn question(asked: &mut Vec<Asked>) -> Option<Question> {
    while !asked.is_empty() {
        let fields = asked.iter().enumerate().map(|(number, field)| {
            Some(Fact::Record(vec![
                ("field", Number::new(number)?.into()),
                ("of", field.fact.clone()),
            ]))
        });
        let fields: Vec<Fact> = fields.collect::<Option<_>>()?;
        let choice = Form::Record(vec![
            ("field", Form::Index(asked.len())),
            ("candidate", Form::Index(MAX_CANDIDATES + 1)),
        ]);
        let choices = Form::List(Box::new(choice), asked.len());
        let tokens = u32::try_from(asked.len()).ok()? * TOKENS_A_FIELD + TOKENS;
        match Question::new(TASK, &fields.into(), vec![("choices", choices)], tokens) {
            Ok(question) => return Some(question),
            Err(_) => asked.truncate(asked.len() / 2),
        }
    }
    None
}

/// What the answer, which has the form, says of the fields: each once, and a candidate of its own.
fn verdicts(asked: &[Asked], answer: &serde_json::Value) -> Result<Vec<Verdict>, Misfit> {
    let mut seen = BTreeSet::new();
    let choices = answer["choices"].as_array().into_iter().flatten();
    let verdict = |choice: &serde_json::Value| {
        let number = |name: &str| {
            let number = choice[name].as_u64();
            number.and_then(|number| usize::try_from(number).ok())
        };
        let field = number("field").filter(|field| seen.insert(*field));
        let field = field
            .and_then(|field| asked.get(field))
            .ok_or(Misfit::NotListed)?;
        let choice = match number("candidate") {
            Some(0) => None,
            Some(number) => Some(*field.candidates.get(number - 1).ok_or(Misfit::NotListed)?),
            None => return Err(Misfit::NotListed),
        };
        Ok(Verdict {
            target: field.target.clone(),
            choice,
        })
    };
    choices.map(verdict).collect()
}
