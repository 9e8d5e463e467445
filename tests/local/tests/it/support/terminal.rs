//! A terminal with nobody in front of it: a program in it believes that it is on a real one, keys are pressed by the
//! test, and the screen can be read.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use causeway::clock::{Clock, SystemClock};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use vt100::Parser;

/// The longest that a screen may take to show what is waited for: a breaker's opening takes some backoffs.
const SHOW_MAX: Duration = Duration::from_secs(90);
/// Pause between two looks at the screen.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A running program and its screen. Dropping it kills the program.
pub struct Terminal {
    keyboard: File,
    screen: Arc<Mutex<Parser>>,
    child: Child,
}

impl Terminal {
    /// Runs `program`, whose arguments and variables are taken from it, on a terminal of this size.
    pub fn run(program: &Command, columns: u16, rows: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&master).expect("it is ours");
        unlockpt(&master).expect("it is ours");
        let name = ptsname(&master, Vec::new()).expect("it has a name");
        let slave = open(
            name.as_c_str(),
            OFlags::RDWR | OFlags::NOCTTY,
            Mode::empty(),
        );
        let slave: OwnedFd = slave.expect("it can be opened");
        tcsetwinsize(&slave, size(columns, rows)).expect("it has a size");

        // A session of its own with this terminal: else the program would hear of the developer's.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(program.get_program());
        command.args(program.get_args());
        command.env_clear();
        let set = program.get_envs();
        command.envs(set.filter_map(|(name, value)| Some((name, value?))));
        command.env("TERM", "xterm-256color");
        let again = || slave.try_clone().expect("a descriptor");
        command.stdin(again()).stdout(again()).stderr(again());
        let child = command.spawn().expect("util-linux is installed");

        let parser = Parser::new(some(rows), some(columns), 0);
        let screen = Arc::new(Mutex::new(parser));
        let mut output = File::from(master.try_clone().expect("a descriptor"));
        let drawn = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Reading fails when the program has gone.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                lock(&drawn).process(&bytes[..count]);
            }
        });
        Self {
            keyboard: File::from(master),
            screen,
            child,
        }
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        let pressed = self.keyboard.write_all(keys.as_bytes());
        pressed.expect("the terminal takes keys");
    }

    /// Gives the window another size; the program is told by a signal.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        lock(&self.screen).set_size(some(rows), some(columns));
        tcsetwinsize(&self.keyboard, size(columns, rows)).expect("it has a size");
    }

    /// What stands on the screen.
    pub fn text(&self) -> String {
        lock(&self.screen).screen().contents()
    }

    /// Whether the program shows a screen of its own, rather than the shell's.
    pub fn is_on_its_own_screen(&self) -> bool {
        lock(&self.screen).screen().alternate_screen()
    }

    /// Waits until a line that begins with `start` has `word` in it; answers that line.
    pub async fn line(&self, start: &str, word: &str) -> String {
        let find = |text: &str| {
            let mut lines = text.lines();
            let found = lines.find(|line| line.starts_with(start) && line.contains(word));
            found.map(str::to_owned)
        };
        self.until(&format!("`{start}… {word}`"), find).await
    }

    /// Waits until the screen has `words` on it.
    pub async fn shows(&self, words: &str) {
        let find = |text: &str| text.contains(words).then_some(());
        self.until(&format!("`{words}`"), find).await;
    }

    async fn until<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let end = SystemClock.now() + SHOW_MAX;
        loop {
            let text = self.text();
            if let Some(found) = find(&text) {
                return found;
            }
            assert!(SystemClock.now() < end, "no {what} on the screen:\n{text}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until the shell has its screen back: the last bytes may still be under way when the program has ended.
    pub async fn gives_the_screen_back(&self) {
        let find = |_: &str| (!self.is_on_its_own_screen()).then_some(());
        self.until("shell's screen", find).await;
    }

    /// Waits for the program's end.
    pub async fn end(&mut self) -> ExitStatus {
        let end = SystemClock.now() + SHOW_MAX;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                return status;
            }
            assert!(SystemClock.now() < end, "it runs on:\n{}", self.text());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lock(screen: &Mutex<Parser>) -> std::sync::MutexGuard<'_, Parser> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn some(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a window has a size")
}

const fn size(columns: u16, rows: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
