//! `grpc.testing.TestService`, the service that gRPC's own interoperability tests speak.
//!
//! What its messages ask for is held against the same limits as a fault, and refused by name. Where the metadata asks for a
//! size or a number of answers, that is heard instead of the message.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use shared::proto::grpc::testing::test_service_server::TestService;
use shared::proto::grpc::testing::{
    BoolValue, EchoStatus, Empty, Payload, ResponseParameters, SimpleRequest, SimpleResponse,
    StreamingInputCallRequest, StreamingInputCallResponse, StreamingOutputCallRequest, StreamingOutputCallResponse,
};
use shared::units::{print_duration, print_size};
use tonic::{Code, Request, Response, Status, Streaming};

use super::super::context::{Context, Next};
use super::super::status::bad_field;
use super::super::unfold::{Answers, unfold};

pub(super) struct Test;

type Outputs = Answers<StreamingOutputCallResponse>;

#[tonic::async_trait]
impl TestService for Test {
    async fn empty_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Ok(Response::new(Empty {}))
    }

    async fn unary_call(&self, request: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
        unary(request)
    }

    async fn cacheable_unary_call(&self, request: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
        unary(request)
    }

    type StreamingOutputCallStream = Outputs;

    async fn streaming_output_call(
        &self,
        request: Request<StreamingOutputCallRequest>,
    ) -> Result<Response<Outputs>, Status> {
        let context = Context::of(&request)?;
        let plan = Plan::of(&context, request.into_inner(), 0)?;
        context.set_expected(plan.outputs.len() as u64);
        Ok(Response::new(unfold((context, plan), |(context, mut plan)| async move {
            let answer = plan.next(&context)?;
            Ok(answer.map(|answer| (answer, (context, plan))))
        })))
    }

    async fn streaming_input_call(
        &self,
        request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let context = Context::of(&request)?;
        let mut requests = request.into_inner();
        let mut sum_bytes = 0_i64;
        while let Some(request) = requests.message().await? {
            compression_as_expected(&context, request.expect_compressed)?;
            sum_bytes += request.payload.map_or(0, |payload| payload.body.len() as i64);
        }
        // The field is narrow; beyond 2 GiB it says the most it can.
        let aggregated_payload_size = i32::try_from(sum_bytes).unwrap_or(i32::MAX);
        Ok(Response::new(StreamingInputCallResponse { aggregated_payload_size }))
    }

    type FullDuplexCallStream = Outputs;

    async fn full_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Outputs>, Status> {
        let context = Context::of(&request)?;
        let state = (context, request.into_inner(), Plan::default(), 0);
        Ok(Response::new(unfold(state, |(context, mut requests, mut plan, mut bytes)| async move {
            loop {
                if let Some(answer) = plan.next(&context)? {
                    return Ok(Some((answer, (context, requests, plan, bytes))));
                }
                let Some(request) = requests.message().await? else { return Ok(None) };
                context.was_compressed();
                plan = Plan::of(&context, request, bytes)?;
                bytes += plan.bytes;
            }
        })))
    }

    type HalfDuplexCallStream = Outputs;

    /// All requests first. What they list is kept, not they themselves, and no more of it than one stream may send.
    async fn half_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Outputs>, Status> {
        let context = Context::of(&request)?;
        let mut requests = request.into_inner();
        let mut plan = Plan::default();
        while let Some(request) = requests.message().await? {
            context.was_compressed();
            let more = Plan::of(&context, request, plan.bytes)?;
            plan.bytes += more.bytes;
            plan.outputs.extend(more.outputs);
            within_count(&context, plan.outputs.len())?;
            plan.status = plan.status.or(more.status);
        }
        context.set_expected(plan.outputs.len() as u64);
        Ok(Response::new(unfold((context, plan), |(context, mut plan)| async move {
            let answer = plan.next(&context)?;
            Ok(answer.map(|answer| (answer, (context, plan))))
        })))
    }

    async fn unimplemented_call(&self, request: Request<Empty>) -> Result<Response<Empty>, Status> {
        // What it is for.
        Context::of(&request)?.set_scripted();
        Err(Status::unimplemented("this method is never implemented"))
    }
}

fn unary(request: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
    let context = Context::of(&request)?;
    let request = request.into_inner();
    compression_as_expected(&context, request.expect_compressed)?;
    if let Some(status) = asked_status(&context, request.response_status) {
        return Err(status);
    }
    let body = match &context.made {
        Some(made) => made.clone(),
        None => Context::zeros(size(&context, "response_size", request.response_size)?),
    };
    let gzip = request.response_compressed.is_some_and(|wish| wish.value);
    context.push(Next { wait: Duration::ZERO, gzip });
    let server_id = if request.fill_server_id { context.place.clone() } else { String::new() };
    Ok(Response::new(SimpleResponse {
        payload: Some(payload(body)),
        server_id,
        hostname: context.place.split('/').next().unwrap_or_default().to_owned(),
        ..SimpleResponse::default()
    }))
}

fn payload(body: Bytes) -> Payload {
    Payload { r#type: 0, body }
}

/// The answers that one request lists.
#[derive(Default)]
struct Plan {
    outputs: VecDeque<(u64, Next)>,
    /// Of all of them.
    bytes: u64,
    /// After them.
    status: Option<Status>,
}

impl Plan {
    /// `before` is what other requests of the same stream listed.
    fn of(context: &Context, request: StreamingOutputCallRequest, before_bytes: u64) -> Result<Plan, Status> {
        within_count(context, request.response_parameters.len())?;
        let mut plan = Plan::default();
        let mut total = Duration::ZERO;
        for (i, parameters) in request.response_parameters.iter().enumerate() {
            let field = |name: &str| format!("response_parameters[{i}].{name}");
            let size = size(context, &field("size"), parameters.size)?;
            let next = next(context, &field("interval_us"), parameters)?;
            total += next.wait;
            plan.outputs.push_back((size, next));
        }
        let most = context.limits.total_delay_max;
        if total > most {
            return Err(over("interval_us", print_duration(total), print_duration(most)));
        }
        if let Some(count) = context.count {
            plan.outputs.resize(usize::try_from(count).unwrap_or(usize::MAX), (0, Next::default()));
        } else if context.made.is_some() && plan.outputs.is_empty() {
            plan.outputs.push_back((0, Next::default()));
        }
        if let Some(made) = &context.made {
            plan.outputs.iter_mut().for_each(|(size, _)| *size = made.len() as u64);
        }
        plan.bytes = plan.outputs.iter().map(|(size, _)| size).sum();
        let (sum, most) = (plan.bytes + before_bytes, context.limits.stream_max_bytes);
        if sum > most {
            return Err(over("response_parameters", print_size(sum), print_size(most)));
        }
        plan.status = asked_status(context, request.response_status);
        Ok(plan)
    }

    /// The next answer, or at the end the status that was asked for.
    fn next(&mut self, context: &Context) -> Result<Option<StreamingOutputCallResponse>, Status> {
        let Some((size, next)) = self.outputs.pop_front() else {
            return self.status.take().map_or(Ok(None), Err);
        };
        context.push(next);
        let body = context.made.clone().unwrap_or_else(|| Context::zeros(size));
        Ok(Some(StreamingOutputCallResponse { payload: Some(payload(body)), ..Default::default() }))
    }
}

fn size(context: &Context, field: &str, size: i32) -> Result<u64, Status> {
    let most = context.limits.size_max_bytes;
    match u64::try_from(size) {
        Err(_) => Err(bad_field(Code::InvalidArgument, field, format!("{size} is negative"), "0 or more")),
        Ok(size) if size > most => Err(over(field, print_size(size), print_size(most))),
        Ok(size) => Ok(size),
    }
}

fn next(context: &Context, field: &str, parameters: &ResponseParameters) -> Result<Next, Status> {
    let interval_us = parameters.interval_us;
    let Ok(us) = u64::try_from(interval_us) else {
        return Err(bad_field(Code::InvalidArgument, field, format!("{interval_us} is negative"), "0 or more"));
    };
    let (wait, most) = (Duration::from_micros(us), context.limits.delay_max);
    if wait > most {
        return Err(over(field, print_duration(wait), print_duration(most)));
    }
    Ok(Next { wait, gzip: parameters.compressed.is_some_and(|wish| wish.value) })
}

fn within_count(context: &Context, count: usize) -> Result<(), Status> {
    match context.limits.count_max {
        most if count as u64 > most => Err(over("response_parameters", format!("{count} answers"), most.to_string())),
        _ => Ok(()),
    }
}

fn over(field: &str, asked: String, most: String) -> Status {
    bad_field(Code::OutOfRange, field, format!("{asked} is over the limit"), &format!("at most {most}"))
}

/// Code 0 asks for nothing. A code that gRPC does not know is UNKNOWN, as gRPC itself reads it.
fn asked_status(context: &Context, status: Option<EchoStatus>) -> Option<Status> {
    let status = status.filter(|status| status.code != 0)?;
    context.set_scripted();
    Some(Status::new(Code::from_i32(status.code), status.message))
}

fn compression_as_expected(context: &Context, expected: Option<BoolValue>) -> Result<(), Status> {
    let was_compressed = context.was_compressed();
    match expected {
        Some(expected) if expected.value != was_compressed => {
            let reason = format!("the message came {}compressed", if was_compressed { "" } else { "un" });
            Err(bad_field(Code::InvalidArgument, "expect_compressed", reason, "a message sent as it says"))
        }
        _ => Ok(()),
    }
}
