use std::collections::BTreeMap;
use std::time::Duration;

use causeway::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::style::Color;

use super::*;
use crate::metrics::LaneMetrics;
use crate::top::model::{BreakerRow, Event, LetterRow, Row};

/// 12:00:00 UTC.
const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);
const PLAIN: Palette = Palette { colours: false };

fn app() -> App {
    let mut app = App::new("causeway", "us-east-1", Duration::from_secs(30));
    let stripe = Row {
        provider: "stripe".to_owned(),
        breakers: vec![BreakerRow {
            connection: None,
            state: State::Open,
            until: Some(NOON + Duration::from_secs(90)),
            reason: Some("5 faults in a row".to_owned()),
        }],
        limit: Some(("80/s".to_owned(), 85)),
        queue: Some((1_234, 56)),
        dead: Some(7),
        source: Some("Enabled, up to 5 batches at once".to_owned()),
        ..Row::default()
    };
    let slack = Row {
        provider: "slack".to_owned(),
        breakers: vec![BreakerRow::default()],
        dead: Some(0),
        queue: None,
        paused: vec!["berlin (unauthorised)".to_owned()],
        ..Row::default()
    };
    app.update(Event::Looked(Ok((vec![stripe, slack], Vec::new()))), NOON);
    let metrics = LaneMetrics {
        delivered: vec![Some(10.0), Some(20.0), Some(40.0), None],
        rejected: vec![None, None, Some(2.0), None],
        latency_p50: vec![Some(80.0); 4],
        latency_p99: vec![Some(100.0), Some(200.0), Some(1_550.0), None],
        oldest_age: vec![Some(130.0); 4],
        ..LaneMetrics::default()
    };
    let metrics = BTreeMap::from([("stripe".to_owned(), metrics)]);
    app.update(Event::Measured(Ok(metrics)), NOON);
    let letter = LetterRow {
        sent_at: NOON,
        code: "card_declined".to_owned(),
        detail: "the card\u{1b}[31m was declined".to_owned(),
        operation: "customers.create".to_owned(),
    };
    let letters = Ok(vec![letter]);
    let provider = "stripe".to_owned();
    app.update(
        Event::Peeked { provider, letters },
        NOON + Duration::from_secs(65),
    );
    app
}

fn press(app: &mut App, keys: &str) {
    for key in keys.chars() {
        let code = match key {
            '\n' => KeyCode::Enter,
            letter => KeyCode::Char(letter),
        };
        app.update(Event::Key(KeyEvent::from(code)), app.now);
    }
}

fn screen(app: &App, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a buffer");
    terminal
        .draw(|frame| draw(frame, app, UtcOffset::UTC, PLAIN))
        .expect("a buffer");
    let buffer = terminal.backend().buffer();
    let cells: Vec<_> = buffer
        .content()
        .iter()
        .map(ratatui::buffer::Cell::symbol)
        .collect();
    let lines = cells.chunks(usize::from(width));
    lines
        .map(|line| line.concat().trim_end().to_owned())
        .collect()
}

/// The line that begins with `start`.
fn line<'a>(screen: &'a [String], start: &str) -> &'a str {
    let found = screen.iter().find(|line| line.starts_with(start));
    found.unwrap_or_else(|| panic!("no `{start}` in\n{}", screen.join("\n")))
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[test]
fn a_lane_is_a_line_of_words_and_numbers_on_a_small_terminal() {
    let mut app = app();
    press(&mut app, "j");
    let screen = screen(&app, 80, 24);
    let title = line(&screen, "causeway top");
    assert!(
        title.contains("us-east-1  2 lanes, 1 not closed"),
        "{title}"
    );
    assert!(title.contains("as of 12:00:00"), "{title}");
    assert_eq!(
        words(line(&screen, "LANE")),
        [
            "LANE", "BREAKER", "RATE", "/MIN", "P99", "LIMIT", "READY", "HIDDEN", "AGE", "DLQ"
        ]
    );
    assert_eq!(
        words(line(&screen, "stripe")),
        [
            "stripe",
            "Open",
            "▃▄█",
            "42",
            "1.6s",
            "85%",
            "1234",
            "56",
            "2m",
            "7"
        ]
    );
    assert_eq!(
        words(line(&screen, "slack")),
        ["slack", "Paused", "-", "-", "-", "?", "?", "-", "0"]
    );
}

#[test]
fn a_lane_that_is_warned_of_says_so_where_its_breaker_is_closed() {
    let mut app = app();
    let warned = |provider: &str, state| Row {
        provider: provider.to_owned(),
        breakers: vec![BreakerRow {
            state,
            ..BreakerRow::default()
        }],
        warning: Some("failures rising, breaker opens in ~12 min".to_owned()),
        ..Row::default()
    };
    let rows = vec![warned("acme", State::Closed), warned("zeta", State::Open)];
    app.update(Event::Looked(Ok((rows, Vec::new()))), NOON);
    let screen = screen(&app, 80, 24);
    assert!(line(&screen, "acme").contains("Warned"));
    assert!(line(&screen, "zeta").contains("Open"));
    assert!(line(&screen, "warning").contains("breaker opens in ~12 min"));
}

#[test]
fn the_selected_lane_is_told_in_words() {
    let mut app = app();
    press(&mut app, "j");
    let screen = screen(&app, 100, 24);
    let breaker = line(&screen, "breaker");
    assert!(breaker.contains("Open until"), "{breaker}");
    assert!(breaker.contains("5 faults in a row"), "{breaker}");
    assert!(line(&screen, "source").contains("80/s at 85%"));
    let counters = line(&screen, "4 min");
    assert!(
        counters.contains("delivered 70  rejected 2  unknown 0"),
        "{counters}"
    );
    assert!(line(&screen, "latency").contains("p50 80ms  p99 1.6s"));
    let letter = line(&screen, "    1m");
    assert!(
        letter.contains("card_declined  customers.create"),
        "{letter}"
    );
    // What a vendor said cannot move the cursor.
    assert!(
        letter.contains("the card\\u{1b}[31m was declined"),
        "{letter}"
    );
}

#[test]
fn a_wide_terminal_has_bars_for_latency_and_a_gauge() {
    let app = app();
    let screen = screen(&app, 140, 30);
    let stripe = line(&screen, "stripe");
    assert!(stripe.contains("▁▂█  1.6s"), "{stripe}");
    assert!(stripe.contains("█████████░ 85%"), "{stripe}");
}

#[test]
fn every_size_can_be_drawn() {
    let mut app = app();
    for mode in ["", "?", "o", "e", "r", "/", "\n"] {
        press(&mut app, mode);
        for (width, height) in [(1, 1), (3, 2), (20, 5), (79, 23), (300, 100)] {
            let drawn = screen(&app, width, height);
            assert_eq!(drawn.len(), usize::from(height));
        }
        app.mode = Mode::Browse;
    }
}

#[test]
fn the_details_fill_the_window_on_request() {
    let mut app = app();
    press(&mut app, "j\n");
    let shown = screen(&app, 80, 24);
    assert!(shown.iter().all(|line| !line.starts_with("LANE")));
    assert!(shown.iter().any(|line| line.contains("card_declined")));
    press(&mut app, "\n");
    assert!(
        screen(&app, 80, 24)
            .iter()
            .any(|line| line.starts_with("LANE"))
    );
}

#[test]
fn questions_stand_above_everything() {
    let mut app = app();
    press(&mut app, "jo");
    let text = screen(&app, 80, 24).join("\n");
    assert!(
        text.contains("Force open") && text.contains("reason: _"),
        "{text}"
    );
    press(&mut app, "drill\n30m\n");
    app.mode = Mode::Browse;
    press(&mut app, "c");
    let text = screen(&app, 80, 24).join("\n");
    assert!(text.contains("Close the breaker of stripe?"), "{text}");
    app.mode = Mode::Browse;
    press(&mut app, "r");
    let text = screen(&app, 80, 24).join("\n");
    assert!(text.contains("reading the dead letters"), "{text}");
    let plan = Ok((0..50).map(|at| format!("line {at}\n")).collect());
    let provider = "stripe".to_owned();
    app.update(Event::Planned { provider, plan }, NOON);
    let text = screen(&app, 80, 24).join("\n");
    assert!(text.contains("line 0") && text.contains("Redrive what is safe in stripe? y/n"));
    assert!(!text.contains("line 49"), "{text}");
    // Lines that are wider than the window take room too, and not the question's.
    let plan = Ok(format!("{}\n", "word ".repeat(60)).repeat(3));
    let provider = "stripe".to_owned();
    app.mode = Mode::Browse;
    press(&mut app, "r");
    app.update(Event::Planned { provider, plan }, NOON);
    for height in [24, 12] {
        let text = screen(&app, 80, height).join("\n");
        assert!(
            text.contains("Redrive what is safe in stripe? y/n"),
            "{text}"
        );
    }
}

#[test]
fn what_was_not_read_and_what_was_done_have_a_line() {
    let mut app = app();
    let rows = app.rows.clone();
    let problems = vec!["slack: throttled".to_owned(), "more".to_owned()];
    app.update(Event::Looked(Ok((rows, problems))), NOON);
    let shown = screen(&app, 80, 24);
    assert_eq!(shown[1], "not read: slack: throttled (and 1 more)");
    app.update(
        Event::Done(Err("stripe: refused\n  try again".to_owned())),
        NOON,
    );
    let shown = screen(&app, 80, 24);
    assert_eq!(shown[1], "failed: stripe: refused;   try again");
}

#[test]
fn colours_say_nothing_that_no_word_says_and_go_on_request() {
    let app = app();
    let colours = |palette: Palette| {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).expect("a buffer");
        terminal
            .draw(|frame| draw(frame, &app, UtcOffset::UTC, palette))
            .expect("a buffer");
        let cells = terminal.backend().buffer().content().iter();
        cells
            .filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
            .count()
    };
    assert!(colours(Palette { colours: true }) > 0);
    assert_eq!(colours(PLAIN), 0);
}
