//! The shipped form, started: a message goes through a lane's program as it would be deployed, against the stub. What the
//! tests start is compiled for speed of compiling; what optimisation, the linker or a stripped symbol breaks is seen here.

use std::io::Write;
use std::path::Path;

use crate::Result;
use crate::contender::{self, Places, ZIP_MB_MAX};
use crate::process::Process;
use crate::stub::Stub;
use crate::work::{Messages, Work, event};

/// Lays `program` as a lane, starts it, and has it deliver one message.
///
/// # Errors
/// When it does not start, puts the message back, makes of it another number of effects than one, or is too large.
pub async fn shipped(places: &Places, program: &Path) -> Result<()> {
    let lane = contender::lane(places, program, Work::Stripe, "stripe lane")?;
    let zip_mb = lane.zip_mb()?;
    let (stub, mut driver) = Stub::start().await?;
    let mut process = Process::start(&lane, &stub, None, &places.out.join("logs"))?;
    let message = Messages::of(Work::Stripe).batch().swap_remove(0);
    let delivering = async {
        driver.asked().await?;
        driver
            .invoke(event(&[message], Work::Stripe.provider()))
            .await
    };
    let invoked = tokio::select! {
        invoked = delivering => invoked,
        ended = process.ended() => Err(ended),
    };
    process.stop().await;
    let invoked = invoked?;
    let (effects, repeated) = stub.effects();
    if (effects, repeated) != (1, 0) || !invoked.put_back.is_empty() {
        let back = invoked.put_back.len();
        let told =
            format!("one message had {effects} effects and {repeated} more; {back} put back");
        return Err(told.into());
    }
    let writes = stub.take().counts.write_units;
    writeln!(
        std::io::stdout(),
        "{}: starts, and delivers a message with {writes} write units in {:.1} ms; {zip_mb:.2} MB zipped with its pack",
        program.display(),
        invoked.wall.as_secs_f64() * 1e3,
    )?;
    if zip_mb > ZIP_MB_MAX {
        return Err(format!("a lane's zip may have {ZIP_MB_MAX} MB").into());
    }
    Ok(())
}
