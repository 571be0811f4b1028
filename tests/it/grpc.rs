//! gRPC clients that are not ours, against the target: what they see is what was asked for.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::k6::k6;
use crate::pki::Pki;
use crate::process::{FREE_PORTS, Process};
use crate::tools::require;

/// Calls any method by what the server's reflection says, with whatever metadata and deadline; asserts in place.
const PYTHON: &str = r#"
import base64, sys, time
import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

options = [("grpc.enable_http_proxy", 0), ("grpc.enable_retries", 0)]
if len(sys.argv) > 2:
    credentials = grpc.ssl_channel_credentials(open(sys.argv[2], "rb").read())
    channel = grpc.secure_channel(sys.argv[1], credentials, options=options)
else:
    channel = grpc.insecure_channel(sys.argv[1], options=options)
database = ProtoReflectionDescriptorDatabase(channel)
pool = DescriptorPool(database)
services = set(database.get_services())
assert {"cload.v1.Target", "grpc.testing.TestService", "grpc.health.v1.Health"} <= services, services

def call(path, messages, fault="", timeout=10, metadata=()):
    service, name = path.split("/")
    method = pool.FindServiceByName(service).FindMethodByName(name)
    ask, answer = (message_factory.GetMessageClass(kind) for kind in (method.input_type, method.output_type))
    kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
    stub = getattr(channel, kind)("/" + path, request_serializer=ask.SerializeToString, response_deserializer=answer.FromString)
    requests = [json_format.ParseDict(message, ask()) for message in messages]
    argument = iter(requests) if method.client_streaming else requests[0]
    metadata = list(metadata) + ([("x-cload-fault", fault)] if fault else [])
    answers = []
    try:
        if method.server_streaming:
            got = stub(argument, timeout=timeout, metadata=metadata)
            answers.extend(got)
        else:
            answer, got = stub.with_call(argument, timeout=timeout, metadata=metadata)
            answers.append(answer)
        return "OK", answers, got
    except grpc.RpcError as error:
        return error.code().name, answers, error

def code(*args, **named):
    return call(*args, **named)[0]

TARGET, TEST = "cload.v1.Target", "grpc.testing.TestService"
hello = {"payload": "aGVsbG8="}

status, answers, got = call(f"{TARGET}/Unary", [hello], metadata=[("x-cload", "source=a/b;op=py;id=abcd2345.1")])
assert (status, answers[0].payload) == ("OK", b"hello"), (status, answers)
head = dict(got.initial_metadata())
assert head["x-cload"] == "id=abcd2345.1" and "x-cload-server" in head and "server-timing" in head, head

for method, messages, count in [("ServerStream", [hello], 1), ("ClientStream", [hello] * 3, 1), ("BidiStream", [hello] * 3, 3)]:
    status, answers, _ = call(f"{TARGET}/{method}", messages)
    assert (status, len(answers)) == ("OK", count), (method, status, answers)
status, answers, _ = call(f"{TARGET}/ServerStream", [hello], "count=5; size=1KiB; chunk_delay=1ms")
assert status == "OK" and [len(answer.payload) for answer in answers] == [1024] * 5
status, answers, _ = call(f"{TARGET}/ServerStream", [hello], "count=3; status=DATA_LOSS")
assert (status, len(answers)) == ("DATA_LOSS", 3), (status, answers)

status, _, error = call(f"{TARGET}/Unary", [hello], "status=RESOURCE_EXHAUSTED; msg=no%20more; details=quota; retry_after=2s")
rich = rpc_status.from_call(error)
assert (status, error.details()) == ("RESOURCE_EXHAUSTED", "no more"), error
assert {detail.type_url.rsplit(".", 1)[1] for detail in rich.details} == {"QuotaFailure", "RetryInfo"}, rich
status, _, error = call(f"{TARGET}/Unary", [hello], "delay=10x")
bad = error_details_pb2.BadRequest()
assert status == "INVALID_ARGUMENT" and rpc_status.from_call(error).details[0].Unpack(bad), error
assert bad.field_violations[0].field == "x-cload-fault.delay", bad

for fault, field in [("dely=1s", "dely"), ("rcode=3", "rcode"), ("chunk=1", "chunk"), ("delay=1s; delay=2s", "delay")]:
    status, _, error = call(f"{TARGET}/Unary", [hello], fault)
    named = rpc_status.from_call(error).details[0]
    assert status == "INVALID_ARGUMENT" and named.Unpack(bad), (fault, error)
    assert bad.field_violations[0].field == f"x-cload-fault.{field}", (fault, bad)
large = {"payload": base64.b64encode(bytes((8 << 20) + 5000)).decode()}
status, _, error = call(f"{TARGET}/Unary", [large])
assert status == "RESOURCE_EXHAUSTED", error

start = time.monotonic()
assert code(f"{TARGET}/Unary", [hello], "delay=5s", timeout=0.3) == "DEADLINE_EXCEEDED"
assert time.monotonic() - start < 3
assert code(f"{TARGET}/Unary", [hello], "delay=50ms") == "OK"

for fault, expected in [
    ("fault=abort; size=100; at=50", {"INTERNAL"}),
    ("fault=h2rst(REFUSED_STREAM)", {"UNAVAILABLE"}),
    ("fault=h2rst(ENHANCE_YOUR_CALM)", {"RESOURCE_EXHAUSTED"}),
    ("fault=h2rst(CANCEL)", {"CANCELLED"}),
    ("fault=oversize", {"RESOURCE_EXHAUSTED"}),
    ("fault=badhead", {"UNAVAILABLE"}),
    ("fault=nostatus", {"UNKNOWN", "INTERNAL", "CANCELLED", "UNAVAILABLE"}),
    ("fault=empty", {"UNKNOWN", "INTERNAL", "CANCELLED", "UNAVAILABLE"}),
]:
    seen = code(f"{TARGET}/Unary", [hello], fault)
    assert seen in expected, (fault, seen)
assert code(f"{TARGET}/Unary", [hello]) == "OK", "the connection survives"

status, answers, _ = call(f"{TEST}/UnaryCall", [{"responseSize": 314159, "payload": {"body": "AAAA"}}])
assert status == "OK" and len(answers[0].payload.body) == 314159
assert code(f"{TEST}/EmptyCall", [{}]) == "OK"
assert code(f"{TEST}/UnimplementedCall", [{}]) == "UNIMPLEMENTED"
assert code(f"{TEST}/UnaryCall", [{"responseSize": -1}]) == "INVALID_ARGUMENT"
status, answers, _ = call(f"{TEST}/FullDuplexCall", [{"responseParameters": [{"size": 31415}, {"size": 9}]}, {"responseStatus": {"code": 2, "message": "x"}}])
assert (status, [len(answer.payload.body) for answer in answers]) == ("UNKNOWN", [31415, 9]), status
metadata = [("x-grpc-test-echo-initial", "a"), ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")]
_, _, got = call(f"{TEST}/UnaryCall", [{}], metadata=metadata)
assert dict(got.initial_metadata())["x-grpc-test-echo-initial"] == "a"
assert dict(got.trailing_metadata())["x-grpc-test-echo-trailing-bin"] == b"\xab\xab\xab"

def one(path, message, **named):
    status, answers, _ = call(path, [message], **named)
    assert status == "OK", (path, status)
    return answers[0]

assert {"echo.EchoService", "token.TokenService", "env.EnvService"} <= services, services
assert one("echo.EchoService/Echo", {"body": "grüß dich"}).body == "grüß dich"
assert one("delay.DelayService/Delay", {"seconds": 1}).message == 1
start = time.monotonic()
assert code("delay.DelayService/Delay", [{"seconds": 30}], timeout=0.3) == "DEADLINE_EXCEEDED"
assert time.monotonic() - start < 3
assert one("status.StatusService/Status", {"code": "Ok"}).status == "Ok"
for name, expected in [("NotFound", "NOT_FOUND"), ("Canceled", "CANCELLED"), ("DataLoss", "DATA_LOSS"), ("OK", "UNKNOWN")]:
    seen = code("status.StatusService/Status", [{"code": name}])
    assert seen == expected, (name, seen)
info = one("info.InfoService/Info", {})
assert info.version == one("version.VersionService/Version", {}).version and info.color == '#34577c', info
headers = one("header.HeaderService/Header", {}, metadata=[("x-mine", "a")]).headers
assert "x-mine=a" in headers and f":authority={sys.argv[1]}" in headers, headers
assert code("panic.PanicService/Panic", [{}]) == "PERMISSION_DENIED"
assert code("echo.EchoService/Echo", [{"body": "x"}], "status=DATA_LOSS") == "DATA_LOSS"
status, _, error = call("echo.EchoService/Echo", [{"body": "x" * (4 << 20)}])
assert status == "RESOURCE_EXHAUSTED", error

health = health_pb2_grpc.HealthStub(channel)
for name in ["", "podinfo"]:
    answer = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING, name
watch = health.Watch(health_pb2.HealthCheckRequest(), timeout=60)
assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
print("watching", flush=True)
assert [answer.status for answer in watch] == [health_pb2.HealthCheckResponse.NOT_SERVING]
print("done", flush=True)
"#;

const K6: &str = r#"
import grpc from 'k6/net/grpc';
import { check } from 'k6';
export const options = { vus: 2, iterations: 10, thresholds: { checks: ['rate==1'] } };
const client = new grpc.Client();
export default function () {
  client.connect(__ENV.ADDR, { plaintext: true, timeout: '5s', reflect: true });
  const ok = client.invoke('cload.v1.Target/Unary', { payload: 'aGVsbG8=' }, { timeout: '5s' });
  check(ok, { OK: r => r.status === grpc.StatusOK, echoed: r => r.message.payload === 'aGVsbG8=' });
  const bad = client.invoke('cload.v1.Target/Unary', { fault: 'status=UNAVAILABLE; msg=no' });
  check(bad, { UNAVAILABLE: r => r.status === grpc.StatusUnavailable && r.error.message === 'no' });
  const stream = new grpc.Stream(client, 'cload.v1.Target/ServerStream', { metadata: { 'x-cload-fault': 'count=3' } });
  let got = 0;
  stream.on('data', () => { got += 1; });
  stream.on('error', e => { throw new Error(JSON.stringify(e)); });
  stream.on('end', () => { check(got, { three: n => n === 3 }); client.close(); });
  stream.write({ payload: 'aGVsbG8=' });
  stream.end();
}
export function handleSummary(data) {
  return { stdout: JSON.stringify({ passes: data.metrics.checks.values.passes }) };
}
"#;

/// A target whose drain a watch has time to see, and whose limit of a message the script goes over; with these flags besides, and its gRPC address.
fn target(more: &[&str]) -> (Process, SocketAddr) {
    let flags = [&FREE_PORTS[..], &["--drain-delay", "100ms", "--size-max", "8MiB"], more].concat();
    let mut target = Process::start("target-server", &flags);
    let address = target.address("grpc");
    (target, address)
}

#[test]
fn a_python_client_written_against_reflection_sees_what_it_asked_for() {
    python_sees_what_it_asked_for(&[], None);
}

#[test]
fn a_python_client_sees_the_same_behind_tls() {
    let pki = Pki::new();
    let (cert, key) = (pki.text("server.pem"), pki.text("server.key"));
    python_sees_what_it_asked_for(&["--tls-cert", &cert, "--tls-key", &key], Some(&pki.path("ca.pem")));
}

fn python_sees_what_it_asked_for(flags: &[&str], ca: Option<&Path>) {
    let Some(tool) = require("python-grpc") else { return };
    let (target, address) = target(flags);
    let mut command = Command::new(tool);
    command.args(["-c", PYTHON, &address.to_string()]).args(ca).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    for line in lines.map_while(Result::ok) {
        if line == "watching" {
            target.signal("TERM");
        }
        said.push(line);
    }
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}: {said:?}");
    assert_eq!(said, ["watching", "done"]);
}

#[test]
fn k6_calls_by_reflection() {
    let Some(tool) = require("k6") else { return };
    let (_target, address) = target(&[]);
    let said = k6(&tool, K6, &[("ADDR", &address.to_string())], None);
    assert_eq!(said, serde_json::json!({ "passes": 40 }));
}
