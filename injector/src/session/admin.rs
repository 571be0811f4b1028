//! The admin listener of a run: bound before anything is sent, so that what is wrong with it is told first.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use shared::admin::guard::{ChangeGuard, INJECTOR_TOKEN_FLAG, Token};

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

/// Serves these routes for as long as the process lives.
///
/// # Errors
/// If the runtime does not take the listener.
pub(super) fn serve(listener: TcpListener, routes: Router) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!(%error, "the admin listener ended");
        }
    });
    Ok(())
}
