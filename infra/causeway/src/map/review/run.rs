//! The loop: keys into the review, the review onto the screen.

use causeway_insights::propose::Proposal;
use ratatui::crossterm::event::Event;

use super::{End, Review, view};
use crate::error::Error;
use crate::top::{Palette, Screen};

/// Has a person review `proposal`; none where no document is wanted.
///
/// # Errors
/// When the terminal cannot be taken or written.
pub async fn run(proposal: Proposal) -> Result<Option<Proposal>, Error> {
    let mut review = Review::new(proposal);
    let palette = Palette::of_environment();
    let mut screen = Screen::take()?;
    loop {
        screen
            .terminal
            .draw(|frame| view::draw(frame, &review, palette))
            .map_err(Error::io("draw the screen"))?;
        let end = match screen.event().await {
            Some(Event::Key(key)) => review.key(key),
            Some(_) => None,
            // The terminal is gone, and with it whoever could say yes.
            None => Some(End::Quit),
        };
        match end {
            Some(End::Write) => return Ok(Some(review.proposal)),
            Some(End::Quit) => return Ok(None),
            None => {}
        }
    }
}
