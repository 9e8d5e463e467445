//! One at a time, also among processes: several stacks may come up at once.

use std::fs::{File, TryLockError, create_dir_all};
use std::path::Path;
use std::time::Duration;

use super::Error;

/// Pause between two tries. Waiting without blocking keeps Ctrl-C working.
const TRY_EVERY: Duration = Duration::from_millis(100);

/// Holds until it is dropped. The other one may need minutes, so there is no bound but the user's patience.
///
/// # Errors
/// When the file cannot be made.
pub async fn lock(path: &Path) -> Result<File, Error> {
    const DOING: &str = "lock a folder of the local stack";
    if let Some(folder) = path.parent() {
        create_dir_all(folder).map_err(Error::io(DOING))?;
    }
    let file = File::create(path).map_err(Error::io(DOING))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(TRY_EVERY).await,
            Err(TryLockError::Error(error)) => return Err(Error::io(DOING)(error)),
        }
    }
}
