//! The loop: events into the model, effects into futures, the model onto the screen.

use std::time::Duration;

use causeway::clock::{Clock, SystemClock};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use ratatui::crossterm::event::Event as Input;

use super::model::{App, Effect, Event};
use super::source::Source;
use super::terminal::Screen;
use super::view::{self, Palette};
use crate::context::{Context, Done};
use crate::error::Error;
use crate::stack::Stack;

/// The screen moves on at least this often: ages grow, and what is due begins.
const TICK: Duration = Duration::from_secs(1);

/// Runs until the person quits, or the terminal or the system wants the end.
///
/// # Errors
/// When the terminal cannot be written.
pub async fn run(
    stack: &Stack,
    context: &Context,
    metrics_every: Duration,
    minutes: usize,
) -> Result<Done, Error> {
    let source = Source::new(stack, context, minutes);
    let region = stack.config.region().map(ToString::to_string);
    let mut app = App::new(&stack.name, &region.unwrap_or_default(), metrics_every);
    let palette = Palette::of_environment();
    let mut screen = Screen::take()?;
    let mut errands: FuturesUnordered<LocalBoxFuture<'_, Event>> = FuturesUnordered::new();
    let mut ended = Box::pin(ended());
    let mut next = Event::Tick;
    loop {
        for effect in app.update(next, SystemClock.now()) {
            if effect == Effect::Quit {
                return Ok(Done::All);
            }
            errands.push(source.carry_out(effect).boxed_local());
        }
        screen
            .terminal
            .draw(|frame| view::draw(frame, &app, context.offset, palette))
            .map_err(Error::io("draw the screen"))?;
        next = tokio::select! {
            input = screen.event() => match input {
                Some(Input::Key(key)) => Event::Key(key),
                Some(_) => Event::Tick,
                None => return Ok(Done::All),
            },
            Some(event) = errands.next() => event,
            () = SystemClock.sleep_until(SystemClock.now() + TICK) => Event::Tick,
            () = &mut ended => return Ok(Done::All),
        };
    }
}

/// Resolves when the system wants this program to end: the terminal is given back first.
#[cfg(unix)]
async fn ended() {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    );
    let (Ok(mut terminate), Ok(mut hangup)) = signals else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

#[cfg(not(unix))]
async fn ended() {
    std::future::pending().await
}
