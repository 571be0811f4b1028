//! `grpc.health.v1.Health`: serving until the target drains.
//!
//! tonic-health's own service answers a watch of an unknown service by an error, where the protocol wants the word
//! SERVICE_UNKNOWN, and has no end to a watch when the server drains.

use tokio::sync::watch;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_server};

use super::super::method::{HEALTH, REFLECTION, REFLECTION_ALPHA, TARGET, TEST};
use super::super::unfold::{Answers, unfold};

/// Whether the target serves.
pub(super) struct Health(pub(super) watch::Receiver<bool>);

/// The empty name is the target as a whole.
fn is_known(service: &str) -> bool {
    ["", TARGET, TEST, HEALTH, REFLECTION, REFLECTION_ALPHA].contains(&service)
}

fn answer(is_serving: bool) -> HealthCheckResponse {
    let status = if is_serving { ServingStatus::Serving } else { ServingStatus::NotServing };
    HealthCheckResponse { status: status.into() }
}

#[tonic::async_trait]
impl health_server::Health for Health {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let service = &request.get_ref().service;
        if !is_known(service) {
            return Err(Status::not_found("unknown service"));
        }
        Ok(Response::new(answer(*self.0.borrow())))
    }

    type WatchStream = Answers<HealthCheckResponse>;

    /// What is, and then each change; the end of serving is the end of the watch.
    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let is_known = is_known(&request.get_ref().service);
        // What was said last; nothing at the beginning.
        let stream = unfold((self.0.clone(), None), move |(mut serving, said)| async move {
            if said == Some(false) {
                return Ok(None);
            }
            let is_serving = match said {
                None => *serving.borrow(),
                Some(said) => match serving.wait_for(|is_serving| *is_serving != said).await {
                    Ok(is_serving) => *is_serving,
                    Err(_) => return Ok(None),
                },
            };
            let answer = if is_known {
                answer(is_serving)
            } else {
                HealthCheckResponse { status: ServingStatus::ServiceUnknown.into() }
            };
            Ok(Some((answer, (serving, Some(is_serving)))))
        });
        Ok(Response::new(stream))
    }
}
