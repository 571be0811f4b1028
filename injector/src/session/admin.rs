//! The admin listener of a run: bound before anything is sent, so that what is wrong with it is told first.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use axum::Router;
use shared::admin::guard::{ChangeGuard, INJECTOR_TOKEN_FLAG, Token};
use tokio::runtime;

use super::NotStarted;
use crate::verdict::Exit;

/// A listener on this address.
///
/// # Errors
/// If it cannot be had, and what could.
pub(super) fn bind(address: SocketAddr) -> Result<TcpListener, NotStarted> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|error| NotStarted {
        exit: Exit::Usage,
        message: format!(
            "--admin-address {address}: {error}; another address or port works, and port 0 lets the system choose"
        ),
    })
}

/// Who may change the run. The file is read before anything is sent: a run that nobody can stop is no surprise to find later.
///
/// # Errors
/// If there is a file and no token in it.
pub(super) fn guard(file: Option<&Path>) -> Result<ChangeGuard, NotStarted> {
    let token = file.map(|file| Token::load(INJECTOR_TOKEN_FLAG, file)).transpose();
    let token = token.map_err(|error| NotStarted { exit: Exit::Usage, message: error.to_string() })?;
    Ok(ChangeGuard::control(token.map(Arc::new)))
}

/// Serves these routes for as long as the process lives, on a thread of its own: whoever asks much must not hold up the
/// leader, which tells of every second and ends the run.
///
/// # Errors
/// If there is no thread or no runtime to be had.
pub(super) fn serve(listener: TcpListener, routes: Router) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
    let serve = async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        axum::serve(listener, routes).await
    };
    thread::Builder::new().name("admin".to_owned()).spawn(move || {
        if let Err(error) = runtime.block_on(serve) {
            tracing::error!(%error, "the admin listener ended");
        }
    })?;
    Ok(())
}
