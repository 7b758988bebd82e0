//! A server with the tools, resources and prompts that the official conformance suite calls, behind opward's own
//! HTTP transport: what fails here is wrong with the transport.
//!
//! ```text
//! conformance_server [ADDRESS [crate]]
//! ```
//!
//! It binds the address (else a free port of 127.0.0.1), says `listening on URL` on one line, and serves until its
//! standard input ends. With `crate` the protocol crate's transport stands in for opward's, to compare.

mod asking;
mod changes;
mod content;
mod fixtures;
mod jobs;
mod prompts;
mod resources;
mod rounds;
mod schemas;
mod serve;
mod tools;

use std::error::Error;
use std::io::Read as _;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::fixtures::Fixtures;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(&address).await?;
    let stop = CancellationToken::new();
    let ended = stop.clone();
    // Not awaited at the end: a read of standard input can't be called off.
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        ended.cancel();
    });
    let fixtures = Fixtures::new()?;
    match arguments.next().as_deref() {
        None => serve::ours(listener, fixtures, stop).await,
        Some("crate") => serve::the_crates(listener, fixtures, stop).await,
        Some(other) => Err(format!("{other} is no argument").into()),
    }
}
