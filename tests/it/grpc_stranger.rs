//! A gRPC server that is not ours, in another language: its methods are learned from its reflection, and its answers held
//! to what the file says.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::fixture::program;
use crate::tools::require;

/// Echo: Unary returns its note; Down returns it `count` times; Up joins texts; Both returns each; Fail fails with `code`.
/// Reflection in v1alpha only.
const SERVER: &str = r#"
import sys
from concurrent import futures
import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

F = descriptor_pb2.FieldDescriptorProto
file = descriptor_pb2.FileDescriptorProto(name="stranger.proto", package="stranger.v1", syntax="proto3")
note = file.message_type.add(name="Note")
for number, (name, kind) in enumerate([("text", F.TYPE_STRING), ("count", F.TYPE_INT32), ("code", F.TYPE_INT32)], 1):
    note.field.add(name=name, number=number, type=kind, label=F.LABEL_OPTIONAL)
service = file.service.add(name="Echo")
for name, up, down in [("Unary", 0, 0), ("Down", 0, 1), ("Up", 1, 0), ("Both", 1, 1), ("Fail", 0, 0)]:
    service.method.add(name=name, input_type=".stranger.v1.Note", output_type=".stranger.v1.Note",
                       client_streaming=bool(up), server_streaming=bool(down))
descriptor_pool.Default().Add(file)
Note = message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName("stranger.v1.Note"))

def down(request, context):
    for n in range(request.count):
        yield Note(text=request.text, count=n)

def fail(request, context):
    code = [c for c in grpc.StatusCode if c.value[0] == request.code][0]
    context.abort(code, "as asked")

def handler(kind, behave):
    return getattr(grpc, kind + "_rpc_method_handler")(behave, Note.FromString, Note.SerializeToString)

handlers = {
    "Unary": handler("unary_unary", lambda request, context: request),
    "Down": handler("unary_stream", down),
    "Up": handler("stream_unary", lambda requests, context: Note(text="".join(r.text for r in requests))),
    "Both": handler("stream_stream", lambda requests, context: iter(list(requests))),
    "Fail": handler("unary_unary", fail),
}
server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("stranger.v1.Echo", handlers)])
checks = health.HealthServicer()
checks.set("", health_pb2.HealthCheckResponse.SERVING)
health_pb2_grpc.add_HealthServicer_to_server(checks, server)
reflection.enable_server_reflection(["stranger.v1.Echo", health.SERVICE_NAME, reflection.SERVICE_NAME], server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
sys.stdin.read()
"#;

/// The server, which ends with its input.
struct Stranger {
    child: Child,
    port: u16,
}

impl Stranger {
    fn start() -> Option<Stranger> {
        let python = require("python-grpc")?;
        let mut child = Command::new(python)
            .args(["-c", SERVER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the tool is there");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("its first line");
        Some(Stranger { child, port: line.trim().parse().expect("its port") })
    }

    /// Runs operations against it by the program, as a user would: output, errors, exit code.
    fn inject(&self, operations: &str) -> (serde_json::Value, String, i32) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("stranger.yaml");
        let text =
            format!("target: 127.0.0.1\ntimeout: 3s\nmix:\n{}", operations.replace("PORT", &self.port.to_string()));
        std::fs::write(&file, text).expect("the folder can be written");
        let output = Command::new(program("injector"))
            .args(["run", "--for", "1s", "--admin-address", "127.0.0.1:0", "--json", "-"])
            .arg(&file)
            .output()
            .expect("the program runs");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let json = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (json, errors, output.status.code().unwrap_or(-1))
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn operation(name: &str, method: &str, more: &str) -> String {
    format!(
        "- {{ name: {name}, rate: 20/s, target: \"127.0.0.1:PORT\", connection: pooled(1), streams: 4, \
         grpc: {{ method: {method}, {more} }} }}\n"
    )
}

#[test]
fn every_shape_of_call_works_against_a_server_that_is_not_ours() {
    let Some(stranger) = Stranger::start() else { return };
    let operations = [
        operation("unary", "stranger.v1.Echo/Unary", "message: { text: hi }, expect: { message: { text: hi } }"),
        operation("down", "stranger.v1.Echo/Down", "message: { text: x, count: 3 }, expect: { messages: 3 }"),
        operation(
            "up",
            "stranger.v1.Echo/Up",
            "messages: [ { text: a }, { text: b } ], expect: { message: { text: ab } }",
        ),
        operation("both", "stranger.v1.Echo/Both", "messages: [ { text: a }, {} ], expect: { messages: 2 }"),
        operation("fail", "stranger.v1.Echo/Fail", "message: { code: 14 }, expect: { status: UNAVAILABLE }"),
        operation("health", "grpc.health.v1.Health/Check", "expect: { message: { status: SERVING } }"),
        operation("late", "stranger.v1.Echo/Both", "messages: [ { text: a } ], deadline: 2s, metadata: { k: v }"),
        operation("wrong", "stranger.v1.Echo/Unary", "message: { text: hi }, expect: { message: { text: ho } }"),
        operation("failed", "stranger.v1.Echo/Fail", "message: { code: 14 }"),
    ];
    let (json, errors, _) = stranger.inject(&operations.concat());
    let rows = json["operations"].as_array().unwrap_or_else(|| panic!("no result: {errors}"));
    let row = |name: &str| rows.iter().find(|row| row["name"] == name).expect(name);
    for name in ["unary", "down", "up", "both", "fail", "health", "late"] {
        let client = client(row(name));
        assert!(client.0 >= 15 && client.1 == client.0, "{name}: {}", row(name));
    }
    for name in ["wrong", "failed"] {
        let client = client(row(name));
        assert!(client.0 >= 15 && client.1 == 0, "{name}: {}", row(name));
    }
}

/// Planned and successful requests of a row.
fn client(row: &serde_json::Value) -> (u64, u64) {
    let of = |key: &str| row["client"][key].as_u64().expect(key);
    (of("planned"), of("success"))
}

#[test]
fn what_its_reflection_does_not_know_is_a_scenario_that_is_wrong() {
    let Some(stranger) = Stranger::start() else { return };
    for (method, more, words) in [
        ("stranger.v1.Nobody/Unary", "", "stranger.v1.Nobody"),
        ("stranger.v1.Echo/Nothing", "", "has no method \"Nothing\"; it has Unary, Down, Up, Both, Fail"),
        ("stranger.v1.Echo/Unary", "message: { txt: hi }", "txt"),
        ("stranger.v1.Echo/Unary", "message: { text: 7 }", "stranger.v1.Note"),
    ] {
        let (_, errors, code) = stranger.inject(&operation("a", method, more));
        assert_eq!(code, 104, "{errors}");
        assert!(errors.contains(words), "{errors}");
    }
    let port = stranger.port;
    drop(stranger);
    let gone = Stranger { child: Command::new("true").spawn().expect("true"), port };
    let (_, errors, code) = gone.inject(&operation("a", "stranger.v1.Echo/Unary", "message: { text: hi }"));
    assert_eq!(code, 97, "{errors}");
}
