use causeway_insights::propose::{Source, Target, propose};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::json;

use super::*;
use crate::top::Palette;

fn review() -> Review {
    let source = json!({
        "email": "ada@shop.example", "billing_email": "billing@shop.example", "full_name": "Ada Lovelace",
    });
    let schema = json!({
        "type": "object",
        "properties": {
            "email": {"type": "string", "format": "email"},
            "name": {"type": "string"},
            "tax_number": {"type": "integer"},
        },
        "required": ["email", "tax_number"],
    });
    let source = Source::new(None, vec![source]).expect("a source");
    let target = Target::new("acme", "contacts.create", schema).expect("a target");
    Review::new(propose(&source, &target).expect("a proposal"))
}

fn press(review: &mut Review, keys: &str) -> Option<End> {
    let mut end = None;
    for key in keys.chars() {
        let code = match key {
            '\n' => KeyCode::Enter,
            letter => KeyCode::Char(letter),
        };
        end = review.key(KeyEvent::from(code));
    }
    end
}

fn marks(review: &Review) -> Vec<(String, Option<Mark>)> {
    let lines = review.lines();
    lines
        .map(|(field, mark)| (field.target.to_string(), mark))
        .collect()
}

fn at(review: &mut Review, target: &str) {
    let lines = marks(review);
    let place = lines.iter().position(|(line, _)| line == target);
    review.at = place.expect("a line");
}

#[test]
fn one_key_accepts_a_line_and_goes_on_to_the_next_open_one() {
    let mut review = review();
    let all = review.open();
    assert_eq!(press(&mut review, "\n"), None);
    assert_eq!(review.open(), all - 1);
    assert_eq!(marks(&review)[0].1, Some(Mark::Accepted));
    assert_eq!(review.at, 1);
    press(&mut review, "A");
    assert_eq!(review.open(), 0);
}

#[test]
fn what_is_missing_and_what_is_doubtful_comes_first() {
    let review = review();
    let lines: Vec<&FieldProposal> = review.lines().map(|(field, _)| field).collect();
    assert_eq!(lines[0].target.to_string(), "tax_number");
    let sure: Vec<f64> = lines[1..].iter().map(|field| field.confidence).collect();
    assert!(sure.len() > 1 && sure.is_sorted(), "{sure:?}");
}

#[test]
fn one_key_takes_the_next_candidate_or_that_of_a_number_or_none() {
    let mut review = review();
    at(&mut review, "email");
    let before = review.selected().expect("a line").clone();
    assert!(before.candidates.len() > 1, "{before:?}");
    assert_eq!(
        before.chosen().expect("a candidate").from[0].to_string(),
        "email"
    );
    press(&mut review, "n");
    assert_eq!(review.selected().expect("a line").choice, Some(1));
    press(&mut review, "1");
    assert_eq!(review.selected().expect("a line").choice, Some(0));
    press(&mut review, "9");
    assert_eq!(
        review.selected().expect("a line").choice,
        Some(0),
        "there is no ninth"
    );
    press(&mut review, "d");
    assert_eq!(review.selected().expect("a line").choice, None);
    assert!(marks(&review).contains(&("email".to_owned(), Some(Mark::Dropped))));
    let document = review
        .proposal
        .document("test", causeway::Timestamp::from_millis(0));
    let document = document.expect("a mapping").to_string();
    assert!(!document.contains("\"email\\\":"), "{document}");
}

#[test]
fn a_number_of_what_is_taken_already_accepts_it() {
    let mut review = review();
    at(&mut review, "email");
    press(&mut review, "1");
    assert!(marks(&review).contains(&("email".to_owned(), Some(Mark::Accepted))));
}

#[test]
fn an_end_that_loses_something_is_asked_for_twice() {
    let mut review = review();
    assert_eq!(press(&mut review, "w"), None, "nothing is reviewed yet");
    assert!(
        review
            .asks
            .as_ref()
            .is_some_and(|(_, why)| why.contains("not reviewed"))
    );
    assert_eq!(press(&mut review, "jw"), None, "another key was in between");
    assert_eq!(press(&mut review, "w"), Some(End::Write));
    press(&mut review, "A");
    assert_eq!(
        press(&mut review, "w"),
        None,
        "a required field is not filled"
    );
    assert_eq!(press(&mut review, "q"), None, "what was said is lost");
    assert_eq!(press(&mut review, "q"), Some(End::Quit));
    let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(review.key(control), Some(End::Quit));
}

#[test]
fn the_screen_shows_lines_marks_candidates_and_what_is_asked() {
    let mut review = review();
    at(&mut review, "email");
    press(&mut review, "1w");
    let screen = screen(&review, 100, 20);
    let text = screen.join("\n");
    for part in [
        "acme contacts.create",
        "1 required and not filled",
        "✓ email *",
        "? tax_number *",
        "▶ 1 email",
        "2 billing_email",
        "w again writes them as proposed",
        "a accept  n next",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn a_small_window_and_hostile_names_do_no_harm() {
    let source = Source::new(None, vec![json!({"a\u{1b}[2Jb": "x"})]).expect("a source");
    let schema = json!({"type": "object", "required": ["a\u{1b}[2Jb"], "properties": {"a\u{1b}[2Jb": {"type": "string"}}});
    let target = Target::new("acme", "x", schema).expect("a target");
    let review = Review::new(propose(&source, &target).expect("a proposal"));
    for (width, height) in [(100, 20), (20, 4), (1, 1)] {
        let text = screen(&review, width, height).join("\n");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}

fn screen(review: &Review, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a buffer");
    let palette = Palette { colours: false };
    terminal
        .draw(|frame| view::draw(frame, review, palette))
        .expect("drawn");
    let buffer = terminal.backend().buffer();
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect();
    (0..height).map(row).collect()
}
