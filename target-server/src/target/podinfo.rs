//! podinfo's endpoints and services, made of its flags and of what the rest of the target shares with them.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use prometheus::Registry;
use shared::admin::Readiness;
use shared::protocol::Protocol;

use super::{Addresses, BindError};
use crate::config::{BackendErrors, Config, DEFAULT_LOGO, PodinfoConfig};
use crate::core::Core;
use crate::grpc;
use crate::page::{About, Page};
use crate::podinfo::{self, Cache, Controls, FaultInjection, Info, Options, Podinfo, State, Tokens, Ui};
use shared::admin::guard::{ChangeGuard, Token};

/// What HTTP and gRPC have in common.
pub(super) struct Parts {
    tokens: Arc<Tokens>,
    /// Whoever serves also keeps it told that this replica lives.
    pub(super) cache: Option<Arc<Cache>>,
}

impl Parts {
    pub(super) fn of(config: &PodinfoConfig) -> Result<Parts, BindError> {
        let cache = Some(config.cache_server.as_str()).filter(|address| !address.is_empty()).map(Cache::new);
        let cache = cache.transpose().map_err(|reason| BindError::Podinfo(format!("--cache-server: {reason}")))?;
        let tokens = Tokens::given_or_random(secret(config)?).map_err(BindError::Random)?;
        Ok(Parts { tokens: Arc::new(tokens), cache: cache.map(Arc::new) })
    }

    /// All endpoints.
    pub(super) fn endpoints(
        &self,
        config: &Config,
        core: &Arc<Core>,
        readiness: &Readiness,
        registry: &Registry,
        token: Option<Arc<Token>>,
        addresses: Addresses,
    ) -> Result<Podinfo, BindError> {
        let podinfo = &config.podinfo;
        let state =
            State::new(podinfo.data_path.clone(), self.cache.clone(), Arc::clone(&self.tokens), &podinfo.prefix);
        let trusting = Arc::clone(core);
        let controls = Controls {
            readiness: readiness.clone(),
            registry: registry.clone(),
            fault_injection: fault_injection(core),
            guard: ChangeGuard::traffic(token),
            trusts: Box::new(move |client: IpAddr| trusting.faults.trusts(client)),
            state,
            page: page(config, core, addresses),
        };
        Podinfo::new(options(podinfo), controls).map_err(|error| BindError::Podinfo(error.to_string()))
    }

    /// What podinfo's gRPC services may do and say.
    pub(super) fn services(&self, config: &PodinfoConfig) -> grpc::Options {
        grpc::Options {
            service_name: config.grpc_service_name.clone(),
            ui: ui(config),
            allow_panic: config.allow_panic,
            env: config.environment.clone(),
            tokens: Some(Arc::clone(&self.tokens)),
        }
    }
}

/// The faults that flags ask for. One rule: of several, only the first that matches would ever be asked.
pub(super) fn stand(config: &PodinfoConfig, core: &Core) -> Result<(), BindError> {
    let standing = config.standing();
    if standing.is_empty() {
        return Ok(());
    }
    let faults: Vec<&str> = standing.iter().map(|standing| standing.fault.as_str()).collect();
    let instead = standing.iter().find_map(|standing| standing.instead);
    let rules = core.faults.rules();
    let both = [Protocol::Http, Protocol::Http2];
    let stood = rules.stand("podinfo-random", "--random-delay, --random-error", &both, &faults.join("&"), instead);
    stood.map_err(|refused| BindError::Podinfo(format!("--random-delay, --random-error: {refused}")))
}

/// The key of tokens, if one is given. Never an empty one, whoever gives it: everybody could sign with that.
fn secret(config: &PodinfoConfig) -> Result<Option<Vec<u8>>, BindError> {
    let Some(file) = &config.jwt_secret_file else {
        let secret = config.jwt_secret.as_ref().map(|secret| secret.0.clone().into_bytes());
        if secret.as_ref().is_some_and(|secret| secret.trim_ascii().is_empty()) {
            let blank = "PODINFO_JWT_SECRET: the key that tokens are signed with is blank; expected visible text";
            return Err(BindError::Podinfo(blank.to_owned()));
        }
        return Ok(secret);
    };
    let name = || format!("--jwt-secret-file {}", file.display());
    let content = fs::read(file).map_err(|error| BindError::Podinfo(format!("{}: {error}", name())))?;
    match content.trim_ascii() {
        [] => Err(BindError::Podinfo(format!(
            "{}: the file is empty; it holds the key that tokens are signed with",
            name()
        ))),
        secret => Ok(Some(secret.to_vec())),
    }
}

fn options(config: &PodinfoConfig) -> Options {
    let some = |path: &PathBuf| Some(path.clone()).filter(|path| !path.as_os_str().is_empty());
    for (flag, path) in [("--ui-path", &config.ui_path), ("--config-path", &config.config_path)] {
        if some(path).is_some_and(|path| !path.is_dir()) {
            // It may be mounted later: each request looks anew.
            tracing::warn!(flag, path = %path.display(), "there is no such folder");
        }
    }
    Options {
        prefix: if config.prefix.is_empty() { "/".to_owned() } else { config.prefix.clone() },
        ui: ui(config),
        ui_path: some(&config.ui_path),
        backends: config.backend_url.clone(),
        backend_errors: match config.backend_errors {
            BackendErrors::Ok => podinfo::options::BackendErrors::Ok,
            BackendErrors::Status => podinfo::options::BackendErrors::Status,
        },
        http_client_timeout: config.http_client_timeout,
        environment: config.environment.clone(),
        allow_panic: config.allow_panic,
        unhealthy: config.unhealthy,
        unready: config.unready,
        config_path: some(&config.config_path),
    }
}

fn ui(config: &PodinfoConfig) -> Ui {
    Ui { color: config.ui_color.clone(), logo: config.ui_logo.clone(), message: config.ui_message.clone() }
}

/// What browsers get: it knows the rules, which the endpoints do not.
fn page(config: &Config, core: &Arc<Core>, addresses: Addresses) -> Page {
    let [requests, rules, clients] = [(); 3].map(|()| Arc::clone(core));
    let mut ui = ui(&config.podinfo);
    if ui.logo == DEFAULT_LOGO {
        // podinfo's own picture lies on the internet, and nobody chose it here: a page asks no other host unasked.
        ui.logo.clear();
    }
    Page::new(About {
        info: Info::new(&ui),
        place: core.place.clone(),
        ports: addresses.named().map(|(name, address)| (name, address.port())).collect(),
        zone: config.dns.dns_zone.clone(),
        prefix: config.podinfo.prefix.clone(),
        limits: core.faults.limits().clone(),
        seed: config.faults.seed,
        rules: Arc::clone(core.faults.rules()),
        takes_requests: Box::new(move || requests.faults.takes_requests()),
        takes_rules: Box::new(move || rules.faults.takes_rules()),
        trusts: Box::new(move |client| clients.faults.trusts(client)),
    })
}

/// podinfo's switch for faults: a rule like others.
fn fault_injection(core: &Core) -> FaultInjection {
    let (rules, shown) = (Arc::clone(core.faults.rules()), Arc::clone(core.faults.rules()));
    FaultInjection {
        put: Box::new(move |on| rules.put_shim(on).map(|_| ()).map_err(|refused| refused.to_string())),
        is_on: Box::new(move || shown.shim_enabled()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn a_blank_key_is_refused_wherever_it_comes_from() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        for (text, is_good) in [("", false), (" \t\n", false), ("k", true), (" k ", true)] {
            let mut config = Config::loopback().podinfo;
            config.jwt_secret = Some(Secret(text.to_owned()));
            assert_eq!(secret(&config).is_ok(), is_good, "{text:?}");
            std::fs::write(&file, text).unwrap();
            (config.jwt_secret, config.jwt_secret_file) = (None, Some(file.clone()));
            assert_eq!(secret(&config).is_ok(), is_good, "{text:?} in a file");
        }
        assert!(matches!(secret(&Config::loopback().podinfo), Ok(None)), "a random one is made");
    }
}
