//! Resolving and connecting, the same for every protocol over TCP.

use shared::outcome::ErrorClass;
use tokio::net::TcpStream;

use crate::driver::{Marks, mark};
use crate::names::Names;
use crate::plan::Endpoint;

/// A connection to `endpoint`, its instants marked.
///
/// # Errors
/// Why there is none.
pub(crate) async fn tcp(names: &Names, endpoint: &Endpoint, marks: &Marks) -> Result<TcpStream, ErrorClass> {
    mark(&marks.resolving);
    let address = names.resolve(endpoint).await?;
    mark(&marks.connecting);
    let stream = TcpStream::connect(address).await.map_err(|error| ErrorClass::of_connect(&error))?;
    // Requests are small and alone on the wire; waiting to fill a segment would be measured as latency.
    stream.set_nodelay(true).map_err(|_| ErrorClass::Internal)?;
    mark(&marks.connected);
    Ok(stream)
}
