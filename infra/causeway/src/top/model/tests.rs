use std::time::Duration;

use causeway::breaker::State;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;

const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

fn row(provider: &str, state: State, dead: u64, depth: u64) -> Row {
    Row {
        provider: provider.to_owned(),
        breakers: vec![BreakerRow {
            state,
            ..BreakerRow::default()
        }],
        dead: Some(dead),
        queue: Some((depth, 0)),
        ..Row::default()
    }
}

fn rows() -> Vec<Row> {
    vec![
        row("guesty", State::Closed, 2, 0),
        row("slack", State::Open, 0, 5),
        row("stripe", State::Closed, 0, 900),
    ]
}

/// A screen that has looked, and for which nothing is due.
fn app() -> App {
    let mut app = App::new("causeway", "us-east-1", Duration::from_secs(30));
    app.update(Event::Tick, NOON);
    app.update(Event::Looked(Ok((rows(), Vec::new()))), NOON);
    app.update(Event::Measured(Ok(BTreeMap::new())), NOON);
    app
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    let codes = keys.chars().map(|key| match key {
        '\n' => KeyCode::Enter,
        '\u{1b}' => KeyCode::Esc,
        '\u{8}' => KeyCode::Backspace,
        letter => KeyCode::Char(letter),
    });
    let keys: Vec<_> = codes.map(KeyEvent::from).collect();
    let now = app.now;
    keys.into_iter()
        .flat_map(|key| app.update(Event::Key(key), now))
        .filter(|effect| !matches!(effect, Effect::Peek(_)))
        .collect()
}

fn selected(app: &App) -> &str {
    app.selected_row().map_or("", |row| &row.provider)
}

fn order(app: &App) -> Vec<&str> {
    let visible = app.visible();
    visible.into_iter().map(|row| &*row.provider).collect()
}

#[test]
fn the_selection_moves_and_stops_at_the_ends() {
    let mut app = app();
    assert_eq!(selected(&app), "guesty");
    press(&mut app, "k");
    assert_eq!(selected(&app), "guesty");
    press(&mut app, "jj");
    assert_eq!(selected(&app), "stripe");
    press(&mut app, "j");
    assert_eq!(selected(&app), "stripe");
    press(&mut app, "g");
    assert_eq!(selected(&app), "guesty");
}

#[test]
fn the_selected_lane_stays_selected_when_the_order_changes() {
    let mut app = app();
    press(&mut app, "j");
    press(&mut app, "s");
    assert_eq!(order(&app), ["slack", "guesty", "stripe"], "trouble first");
    assert_eq!(selected(&app), "slack");
    press(&mut app, "ss");
    assert_eq!(order(&app), ["stripe", "slack", "guesty"], "depth first");
    assert_eq!(selected(&app), "slack");
}

#[test]
fn a_filter_hides_lanes_and_orders_go_to_what_is_seen() {
    let mut app = app();
    press(&mut app, "/STR\n");
    assert_eq!(order(&app), ["stripe"]);
    assert_eq!(selected(&app), "stripe");
    let effects = press(&mut app, "ey");
    assert_eq!(effects, [Effect::Enable("stripe".to_owned())]);
    press(&mut app, "\u{1b}");
    assert_eq!(order(&app).len(), 3);
    press(&mut app, "/zzz\n");
    assert_eq!(press(&mut app, "oceryj"), []);
}

#[test]
fn a_close_is_asked_for_and_names_the_breakers_that_are_not_closed() {
    let mut app = app();
    press(&mut app, "c");
    assert!(
        app.notice.as_ref().is_some_and(|notice| notice.failed),
        "guesty is closed"
    );
    press(&mut app, "jc");
    assert!(matches!(app.mode, Mode::Confirm(Confirm::Close { .. })));
    assert_eq!(press(&mut app, "n"), []);
    assert_eq!(app.mode, Mode::Browse);
    let effects = press(&mut app, "cxy");
    let expected = Effect::Close {
        provider: "slack".to_owned(),
        connections: vec![String::new()],
    };
    assert_eq!(effects, [expected]);
}

#[test]
fn an_opening_wants_a_reason_and_a_duration_and_a_yes() {
    let mut app = app();
    press(&mut app, "o\n");
    let Mode::Open(form) = &app.mode else {
        panic!("{:?}", app.mode);
    };
    assert!(form.problem.is_some(), "no reason was given");
    press(&mut app, "bad deploy\n");
    // The hour that is offered becomes 9d, which is too long, then 90s.
    press(&mut app, "\u{8}\u{8}9d\n");
    let Mode::Open(form) = &app.mode else {
        panic!("{:?}", app.mode);
    };
    assert_eq!(form.problem.as_deref(), Some("at most 7d"));
    let effects = press(&mut app, "\u{8}0s\ny");
    let expected = Effect::Open {
        provider: "guesty".to_owned(),
        connection: String::new(),
        reason: "bad deploy".to_owned(),
        duration: Duration::from_secs(90),
    };
    assert_eq!(effects, [expected]);
    assert_eq!(app.mode, Mode::Browse);
    assert_eq!(press(&mut app, "oq\u{1b}"), [], "q was typed, not pressed");
}

#[test]
fn a_lane_whose_connections_have_breakers_asks_which() {
    let mut app = app();
    app.rows[0].by_connection = true;
    let effects = press(&mut app, "o\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}a#b\n");
    assert_eq!(effects, []);
    let Mode::Open(form) = &app.mode else {
        panic!("{:?}", app.mode);
    };
    assert!(
        form.problem
            .as_ref()
            .is_some_and(|text| text.contains("connection"))
    );
    let effects = press(&mut app, "\u{8}\u{8}1\nwhy\n\ny");
    let Some(Effect::Open { connection, .. }) = effects.first() else {
        panic!("{effects:?}");
    };
    assert_eq!(connection, "a1");
}

#[test]
fn a_redrive_shows_its_plan_before_it_asks_and_holds_up_the_end() {
    let mut app = app();
    assert_eq!(press(&mut app, "r"), [Effect::Plan("guesty".to_owned())]);
    assert_eq!(press(&mut app, "y"), [], "there is no plan to say yes to");
    let plan = Event::Planned {
        provider: "guesty".to_owned(),
        plan: Ok("2 safe".to_owned()),
    };
    app.update(plan, NOON);
    assert_eq!(press(&mut app, "y"), [Effect::Redrive("guesty".to_owned())]);
    assert_eq!(press(&mut app, "r"), [], "one at a time");
    assert_eq!(press(&mut app, "q"), []);
    assert_eq!(press(&mut app, "y"), [Effect::Quit]);
    app.update(Event::Redriven(Ok("2 sent".to_owned())), NOON);
    assert_eq!(app.redriving, None);
    assert_eq!(press(&mut app, "q"), [Effect::Quit]);
}

#[test]
fn a_plan_that_nobody_waits_for_any_more_opens_nothing() {
    let mut app = app();
    press(&mut app, "r\u{1b}");
    let plan = Event::Planned {
        provider: "guesty".to_owned(),
        plan: Ok("2 safe".to_owned()),
    };
    app.update(plan, NOON);
    assert_eq!(app.mode, Mode::Browse);
}

#[test]
fn control_c_ends_it_from_everywhere_and_releases_do_nothing() {
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    for keys in ["", "o", "/", "?", "r"] {
        let mut app = app();
        press(&mut app, keys);
        assert!(
            app.update(Event::Key(control_c), NOON)
                .contains(&Effect::Quit)
        );
    }
    let mut app = app();
    let mut released = KeyEvent::from(KeyCode::Char('q'));
    released.kind = ratatui::crossterm::event::KeyEventKind::Release;
    assert!(
        !app.update(Event::Key(released), NOON)
            .contains(&Effect::Quit)
    );
}

#[test]
fn a_failed_look_keeps_what_was_known() {
    let mut app = app();
    app.update(Event::Looked(Err("throttled".to_owned())), NOON);
    assert_eq!(app.rows.len(), 3);
    assert_eq!(app.problems, ["throttled"]);
    assert_eq!(app.looked_at, Some(NOON));
    app.update(Event::Measured(Err("refused".to_owned())), NOON);
    assert_eq!(app.metrics_problem.as_deref(), Some("refused"));
}

#[test]
fn each_source_is_asked_again_when_it_is_due_and_has_answered() {
    let mut app = App::new("causeway", "us-east-1", Duration::from_secs(30));
    let at = |seconds| NOON + Duration::from_secs(seconds);
    assert_eq!(
        app.update(Event::Tick, at(0)),
        [Effect::Look, Effect::Measure]
    );
    // A look that hangs is not begun twice.
    assert_eq!(app.update(Event::Tick, at(9)), []);
    let looked = Event::Looked(Ok((rows(), Vec::new())));
    let peek = Effect::Peek("guesty".to_owned());
    assert_eq!(app.update(looked, at(10)), [Effect::Look, peek.clone()]);
    let looked = Event::Looked(Ok((rows(), Vec::new())));
    assert_eq!(app.update(looked, at(11)), []);
    let measured = Event::Measured(Ok(BTreeMap::new()));
    assert_eq!(app.update(measured, at(12)), [Effect::Look]);
    let peeked = Event::Peeked {
        provider: "guesty".to_owned(),
        letters: Ok(Vec::new()),
    };
    assert_eq!(app.update(peeked, at(12)), []);
    assert_eq!(app.update(Event::Tick, at(29)), []);
    assert_eq!(app.update(Event::Tick, at(30)), [Effect::Measure]);
    assert_eq!(app.update(Event::Tick, at(69)), []);
    assert_eq!(app.update(Event::Tick, at(70)), [peek]);
}

#[test]
fn walking_through_the_lanes_does_not_receive_every_letter_each_time() {
    let mut app = app();
    for row in &mut app.rows {
        row.dead = Some(1);
    }
    let peeks = |app: &mut App, key: char| {
        let event = Event::Key(KeyEvent::from(KeyCode::Char(key)));
        let effects = app.update(event, NOON);
        effects.contains(&Effect::Peek(selected(app).to_owned()))
    };
    let seen = |app: &mut App, provider: &str| {
        let letters = Ok(vec![LetterRow::default()]);
        let provider = provider.to_owned();
        app.update(Event::Peeked { provider, letters }, NOON);
    };
    seen(&mut app, "guesty");
    assert!(peeks(&mut app, 'j'));
    seen(&mut app, "slack");
    assert!(!peeks(&mut app, 'k'), "guesty's were seen this minute");
    assert_eq!(app.letters["guesty"].newest.len(), 1);
}

#[test]
fn a_word_about_an_order_goes_by_itself() {
    let mut app = app();
    app.update(Event::Done(Ok("stripe: was Open".to_owned())), NOON);
    assert!(app.notice.is_some());
    app.update(Event::Tick, NOON + Duration::from_secs(15));
    assert!(app.notice.is_some());
    app.update(Event::Tick, NOON + Duration::from_secs(16));
    assert!(app.notice.is_none());
}
