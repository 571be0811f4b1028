//! The service over a real HTTP/2 connection.
