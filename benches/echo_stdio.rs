//! The echo tool on opward's transport, with the allocator of the shipped binary: what the transport alone takes.

mod echo;

use std::alloc::System;

use opward::transport::stdio::{Pipes, serve};
use tokio_util::sync::CancellationToken;
use zeroizing_alloc::ZeroAlloc;

#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    serve(echo::Echo::new(), Pipes::open(), CancellationToken::new()).await?;
    Ok(())
}
