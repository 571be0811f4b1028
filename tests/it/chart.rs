//! The charts, rendered by the real helm: what they install, what they refuse, and that the programs take what it says.
//!
//! No cluster is needed, and none is asked: what only an API server can show is not tested here. Every test renders what a
//! user could; none looks at templates.

mod cluster;
mod demo;
mod docs;
mod form;
mod frozen;
mod golden;
mod helm;
mod matrix;
mod programs;
mod refused;
mod scenario;
mod schemas;
mod security;
mod side_by_side;
mod toggles;
mod wiring;
