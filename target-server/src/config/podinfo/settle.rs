//! What podinfo's flags mean for the listeners and bounds that have flags of ours.
//!
//! The stronger source wins (a flag over a variable, a variable of ours over podinfo's, those over the file); from the
//! same source ours wins.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::DelayUnit;
use crate::config::load::{Given, Rank};
use crate::config::{Config, Listen, any};

impl Config {
    /// Brings podinfo's flags into ours.
    ///
    /// # Errors
    /// Names the flag whose value contradicts another's.
    pub(in crate::config) fn settle(&mut self, given: &Given) -> Result<(), String> {
        // Whether a flag of podinfo's is heard about something that a flag of ours is about, too.
        let heard = |theirs: &str, ours: &str| given.rank(theirs) > given.rank(ours);
        let (podinfo, listeners) = (&mut self.podinfo, &mut self.listeners);
        podinfo.backend_url.retain(|url| !url.is_empty());

        let host = podinfo.host.0;
        let at = |port: u16| host.map_or(any(port), |ip| SocketAddr::new(ip, port));
        if let Some(port) = self.port.filter(|_| heard("port", "http-address")) {
            self.http_address = any(port);
        }
        if heard("secure-port", "https-address") {
            listeners.https_address = if_on(podinfo.secure_port);
        }
        if heard("grpc-port", "grpc-address") {
            listeners.grpc_address = if_on(podinfo.grpc_port);
        }
        if let Some(ip) = host {
            if heard("host", "http-address") {
                self.http_address = at(self.http_address.port());
            }
            move_to(&mut listeners.https_address, ip, heard("host", "https-address"));
            move_to(&mut listeners.grpc_address, ip, heard("host", "grpc-address"));
        }
        // Whose certificate: the port's source says nothing about that.
        let is_unnamed = ["tls-cert", "tls-key"].iter().all(|flag| given.rank(flag) == Rank::Default);
        let is_folder_stronger = heard("cert-path", "tls-cert") && heard("cert-path", "tls-key");
        if podinfo.secure_port > 0 && (is_unnamed || is_folder_stronger) {
            listeners.tls_cert = Some(podinfo.cert_path.join("tls.crt"));
            listeners.tls_key = Some(podinfo.cert_path.join("tls.key"));
        }
        if podinfo.port_metrics > 0 && heard("port-metrics", "admin-address") {
            self.admin_address = any(podinfo.port_metrics);
        }

        if heard("level", "log-level") {
            self.log_level = level(&podinfo.level).to_owned();
        }
        if heard("server-shutdown-timeout", "shutdown-timeout") {
            self.shutdown_timeout = podinfo.server_shutdown_timeout;
        }
        if podinfo.http_server_timeout > Duration::ZERO {
            if heard("http-server-timeout", "head-timeout") {
                self.connections.head_timeout = podinfo.http_server_timeout;
            }
            if heard("http-server-timeout", "idle-timeout") {
                self.connections.idle_timeout = podinfo.http_server_timeout.saturating_mul(2);
            }
        }
        self.check_delays()
    }

    /// Also when the delays are off: podinfo looks at start, and so nobody finds out on the day they are switched on.
    fn check_delays(&self) -> Result<(), String> {
        let podinfo = &self.podinfo;
        let (min, max) = (podinfo.random_delay_min, podinfo.random_delay_max);
        if max < min {
            return Err(format!(
                "--random-delay-max {max} is below --random-delay-min {min}; expected at least as much"
            ));
        }
        let longest = match podinfo.random_delay_unit {
            DelayUnit::S => Duration::from_secs(max.into()),
            DelayUnit::Ms => Duration::from_millis(max.into()),
        };
        if podinfo.random_delay && longest > self.faults.delay_max {
            let limit = shared::units::print_duration(self.faults.delay_max);
            return Err(format!("--random-delay-max {max} is over --delay-max {limit}; raise that, or lower this"));
        }
        Ok(())
    }
}

/// Port 0 is podinfo's word for off.
fn if_on(port: u16) -> Listen {
    if port == 0 { Listen::Off } else { Listen::At(any(port)) }
}

fn move_to(listen: &mut Listen, ip: IpAddr, heard: bool) {
    if let Listen::At(address) = listen
        && heard
    {
        address.set_ip(ip);
    }
}

/// Ours for podinfo's. Two of its levels are stricter than errors, which tell why a process ends: those are kept.
fn level(theirs: &str) -> &'static str {
    match theirs {
        "debug" => "debug",
        "warn" => "warn",
        "error" | "fatal" | "panic" => "error",
        _ => "info",
    }
}
