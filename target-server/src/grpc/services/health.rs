//! `grpc.health.v1.Health`: serving while the target is ready.
//!
//! tonic-health's own service answers a watch of an unknown service by an error, where the protocol wants the word
//! SERVICE_UNKNOWN, and has no end to a watch when the server drains.

use tokio::sync::watch;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_server};

use super::super::Serving;
use super::super::method::Method;
use super::super::unfold::{Answers, unfold};

/// Whether the target serves.
pub(super) struct Health {
    serving: watch::Receiver<Serving>,
    /// Known beside the services: what podinfo's probes ask for.
    service_name: String,
}

impl Health {
    pub(super) fn new(serving: watch::Receiver<Serving>, service_name: String) -> Health {
        Health { serving, service_name }
    }

    /// The empty name is the target as a whole.
    fn is_known(&self, service: &str) -> bool {
        service.is_empty() || service == self.service_name || Method::is_service(service)
    }
}

fn answer(serving: Serving) -> HealthCheckResponse {
    let status = match serving {
        Serving::Ready => ServingStatus::Serving,
        Serving::Unready | Serving::Draining => ServingStatus::NotServing,
    };
    HealthCheckResponse { status: status.into() }
}

#[tonic::async_trait]
impl health_server::Health for Health {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let service = &request.get_ref().service;
        if !self.is_known(service) {
            return Err(Status::not_found("unknown service"));
        }
        Ok(Response::new(answer(*self.serving.borrow())))
    }

    type WatchStream = Answers<HealthCheckResponse>;

    /// What is, and then each change; the drain is the end of the watch.
    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let is_known = self.is_known(&request.get_ref().service);
        // What was said last; nothing at the beginning.
        let stream = unfold((self.serving.clone(), None), move |(mut serving, said)| async move {
            if said == Some(Serving::Draining) {
                return Ok(None);
            }
            let now = match said {
                None => *serving.borrow(),
                Some(said) => match serving.wait_for(|now| *now != said).await {
                    Ok(now) => *now,
                    Err(_) => return Ok(None),
                },
            };
            if now == Serving::Draining && said == Some(Serving::Unready) {
                // Nothing new to whoever watches, but that it is the end.
                return Ok(None);
            }
            let answer = if is_known {
                answer(now)
            } else {
                HealthCheckResponse { status: ServingStatus::ServiceUnknown.into() }
            };
            Ok(Some((answer, (serving, Some(now)))))
        });
        Ok(Response::new(stream))
    }
}
