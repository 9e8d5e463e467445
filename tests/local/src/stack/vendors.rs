//! The vendors' fakes as a process of their own, for a stack that outlives us.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Error, Paths, Processes};

/// It only has to bind a port.
const START_MAX: Duration = Duration::from_secs(20);
/// Pause between two looks for its address.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A running process with the vendors' fakes. Dropping it stops the process.
#[derive(Debug)]
pub struct Vendors {
    base_url: String,
    processes: Processes,
}

impl Vendors {
    /// Starts this very program as `local fakes`.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_detached(name: &str) -> Result<Self, Error> {
        let paths = Paths::new(name);
        let processes = Processes::owned_by(&paths.vendors());
        fs::create_dir_all(paths.stack()).map_err(Error::io("make the stack's folder"))?;
        let address = paths.vendors().with_extension("url");
        let _ = fs::remove_file(&address);
        let log = fs::File::create(paths.log("vendors")).map_err(Error::io("write a log"))?;
        let program = std::env::current_exe().map_err(Error::io("find this program"))?;
        processes
            .command(program)
            .arg("fakes")
            .arg(&address)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(Error::io("start the vendors' fakes"))?;

        let end = Instant::now() + START_MAX;
        while Instant::now() < end {
            if let Ok(base_url) = fs::read_to_string(&address) {
                return Ok(Self {
                    base_url,
                    processes,
                });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(Error::Vendors {
            log: paths.log("vendors"),
        })
    }

    /// Where they listen: what `ProviderBaseUrl` wants.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Lets them outlive this process; [`down`](super::down) stops them with the stack.
    pub fn leave_running(self) {
        self.processes.release();
    }
}
