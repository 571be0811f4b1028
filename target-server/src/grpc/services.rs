//! The services by name, behind one kind of handler.

mod health;
mod podinfo;
mod target;
mod test;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;

use http::{Request, Response};
use shared::fault::Limits;
use shared::proto::FILE_DESCRIPTOR_SET;
use shared::proto::cload::v1::target_server::TargetServer;
use shared::proto::grpc::testing::test_service_server::TestServiceServer;
use tokio::sync::watch;
use tonic::Status;
use tonic::body::Body;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::codegen::Service;
use tonic_health::pb::health_server::HealthServer;

use super::Serving;
use super::intake::{Intake, SLACK_BYTES};
use super::method::{HEALTH, REFLECTION, REFLECTION_ALPHA, TARGET, TEST};

pub(crate) use podinfo::Options;

/// A method's answer, on its way.
pub(super) type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

type Handler = Box<dyn Fn(Request<Intake>) -> Answering + Send + Sync>;

/// All that is served.
pub(super) struct Services(Vec<(&'static str, Handler)>);

impl Services {
    /// `serving` is what health says of all services, `options` what podinfo's may do.
    pub(super) fn new(limits: &Limits, serving: watch::Receiver<Serving>, options: Options) -> Services {
        const SOUND: &str = "the committed descriptors are sound, as a test shows";
        let max_bytes = usize::try_from(limits.size_max_bytes + SLACK_BYTES).unwrap_or(usize::MAX);
        let descriptors = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET)
                .include_reflection_service(false)
        };
        // Answers are compressed, where they are, by whoever sends them: message by message, which tonic cannot.
        let target = TargetServer::new(target::Target).accept_compressed(Gzip).max_decoding_message_size(max_bytes);
        let test = TestServiceServer::new(test::Test).accept_compressed(Gzip).max_decoding_message_size(max_bytes);
        let health =
            HealthServer::new(health::Health::new(serving, options.service_name.clone())).accept_compressed(Gzip);
        let v1 = descriptors().build_v1().expect(SOUND).accept_compressed(Gzip);
        let v1alpha = descriptors().build_v1alpha().expect(SOUND).accept_compressed(Gzip);
        let mut all = vec![
            (TARGET, handler(target.max_encoding_message_size(usize::MAX))),
            (TEST, handler(test.max_encoding_message_size(usize::MAX))),
            (HEALTH, handler(health)),
            (REFLECTION, handler(v1)),
            (REFLECTION_ALPHA, handler(v1alpha)),
        ];
        all.extend(podinfo::handlers(options));
        Services(all)
    }

    /// Runs the method that a request names; `service` is that of its path.
    pub(super) fn call(&self, service: &str, request: Request<Intake>) -> Answering {
        match self.0.iter().find(|(name, _)| *name == service) {
            Some((_, handler)) => handler(request),
            None => {
                let message = format!("no such method: {}", request.uri().path());
                Box::pin(async { Status::unimplemented(message).into_http() })
            }
        }
    }
}

fn handler<S>(service: S) -> Handler
where
    S: Service<Request<Intake>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    Box::new(move |request| {
        let answering = service.clone().call(request);
        Box::pin(async {
            match answering.await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        })
    })
}
