//! Drills of the alerts: both programs as processes, a real Prometheus that scrapes them and evaluates the chart's rules,
//! and a cause. Exactly the alerts fire that the cause has to raise, nowhere else, and they end when it is gone.
//!
//! Each cause has a release of its own, with its own rules, as in a cluster with several: `scale` makes them, and makes a
//! minute of theirs shorter. Nothing is silent because a time is over: rules have been evaluated so many times.

mod causes;
mod drill;
mod evaluated;
mod expected;
mod scale;
