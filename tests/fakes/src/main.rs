//! Runs the vendors' fakes until Ctrl-C: `fakes --listen 127.0.0.1:9911`.

use std::io::{self, Write};
use std::net::SocketAddr;

use causeway_fakes::Server;
use clap::Parser;

/// The vendors' fakes on one port.
#[derive(Parser)]
struct Options {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:9911")]
    listen: SocketAddr,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let options = Options::parse();
    let server = Server::start(options.listen).await?;
    writeln!(io::stdout(), "{}", server.base_url())?;
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}
