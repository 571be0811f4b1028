#!/usr/bin/env python3
"""Records what a podinfo answers: recorded.json, which the tests beside it compare the target with.

    record.py PODINFO [REDIS-SERVER] > recorded.json

PODINFO is a program of release 6.14.1, started in its source's folder `ui/..` so that it finds its page. What stands in
recorded.json came from one built with older releases of its libraries and without OpenTelemetry and the Swagger page,
which no row looks at. `label` is the series that counted the request, as `path` of http_request_duration_seconds; without it
none did. Everything runs on 127.0.0.1. Values that differ from run to run are veiled, see VEILED; the test
veils the target's in the same way. Bodies of a page, of metrics and of profiles are not kept.
"""

import http.server, json, os, re, socket, subprocess, sys, tempfile, threading, time

sys.dont_write_bytecode = True
from rows import RUNS  # noqa: E402  (after the line above, so that no cache is written)

VEILED = "hostname runtime num_goroutine num_cpu token expires_at ts revision commit".split()
# Only that they are there is known of their bodies.
OPAQUE = re.compile(r"^(/foo)?/(env|metrics|debug/pprof/.*|swagger.*)$")
# One ends, one spoils what is read, and in some nothing listens where metrics are looked for.
UNCOUNTED = ["panic", "errors"] + [run for run in RUNS if run.startswith("prefix ")]
PATIENCE_S = 5
SLOW_S = 0.8


class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        path = self.path
        ignored = ("host", "user-agent", "accept-encoding", "content-length")
        kept = sorted(name.lower() for name in self.headers if name.lower() not in ignored)
        body = f"{self.command} {' '.join(kept)}" if path == "/seen" else f"{self.command} {path}"
        self.send_response({"/503": 503, "/302": 302}.get(path, 200))
        if path == "/302":
            self.send_header("location", "/moved")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_GET = do_POST

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def connected(port):
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise SystemExit(f"nobody listens on {port}")


def request(row, words):
    _, method, path, more = row
    if "raw" in more:
        return more["raw"].encode(), b""
    head = f"{method} {path} HTTP/{more.get('version', '1.1')}\r\nHost: it\r\n"
    body = more.get("body", "").encode() * more.get("times", 1)
    if body:
        head += f"Content-Length: {len(body)}\r\n"
    for name, value in more.get("headers", []):
        head += f"{name}: {fill(value, words)}\r\n"
    return (head + "\r\n").encode(), body or more.get("raw_body", "").encode()


def fill(text, words):
    for word, value in words.items():
        text = text.replace("{" + word + "}", value)
    return text


def read_head(reader):
    line = reader.readline().decode().rstrip("\r\n")
    if not line:
        return None
    headers = []
    while field := reader.readline().decode().rstrip("\r\n"):
        name, value = field.split(":", 1)
        headers.append([name, value.strip()])
    return int(line.split()[1]), headers


def read_body(reader, method, status, headers):
    named = {name.lower(): value for name, value in headers}
    if method == "HEAD" or status in (101, 204, 304):
        return b"", True
    if named.get("transfer-encoding") == "chunked":
        body = b""
        while line := reader.readline().strip():
            size = int(line, 16)
            body += reader.read(size)
            reader.readline()
            if size == 0:
                return body, True
        return body, False
    if "content-length" in named:
        return reader.read(int(named["content-length"])), True
    return reader.read(), True


def exchange(port, row, words):
    _, method, _, more = row
    head, body = request(row, words)
    stream = connected(port)
    reader = stream.makefile("rb")
    answer = {}
    start = time.monotonic()
    stream.sendall(head)
    if not any(name == "Expect" for name, _ in more.get("headers", [])):
        stream.sendall(body)
        body = b""
    try:
        while (found := read_head(reader)) and found[0] < 200 and found[0] != 101:
            answer.setdefault("interim", []).append(found[0])
            stream.sendall(body)
    except TimeoutError:
        raise SystemExit(f"no answer to {row}")
    except ConnectionResetError:
        found = None
    if not found:
        return {"closed": True, **answer}, b""
    at_head = time.monotonic()
    status, headers = found
    text, whole = read_body(reader, method, status, headers)
    slow = [at_head - start > SLOW_S, time.monotonic() - at_head > SLOW_S]
    if any(slow):
        answer["slow"] = "head" if slow[0] else "body"
    if not whole:
        answer["cut"] = True
    if status == 101 and "frame" in more:
        payload = more["frame"].encode()
        # A masked text frame; with a mask of zeros the payload stands as it is.
        stream.sendall(bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
        first = reader.read(2)
        answer["frame"] = veil(reader.read(first[1]).decode(), words)
    stream.close()
    kept = [pair for pair in headers if pair[0].lower() != "date"]
    return {"status": status, "headers": kept, **answer}, text


def veil(text, words):
    for key in VEILED:
        text = re.sub(rf'("{key}": ?)"[^"]*"', r'\1"*"', text)
    text = text.replace('"6.14.1"', '"VERSION"').replace("v6.14.1", "vVERSION")
    # How long ago, and an error in the words of the language it was written in.
    text = re.sub(r"expired by [0-9a-z.]+", "expired by *", text)
    text = re.sub(r'call failed (\\.|[^"\\])*', "call failed *", text)
    for word in "BACKEND", "REFUSING", "DATA":
        text = text.replace(words[word], "{" + word + "}")
    return text


def counts(port, run):
    """How often each (method, path) was counted; a look at it counts as well, and is left out."""
    prefix = "/foo" if run == "prefix" else ""
    words = {"DATA": "", "BACKEND": "", "REFUSING": ""}
    _, text = exchange(port, ("", "GET", f"{prefix}/metrics", {}), words)
    pattern = r'http_request_duration_seconds_count{method="(\w+)",path="(\w+)",status="\d+"} (\d+)'
    found = {}
    for method, path, count in re.findall(pattern, text.decode()):
        if not (method == "GET" and path.endswith("metrics")):
            found[method, path] = found.get((method, path), 0) + int(count)
    return found


def label(port, run, before):
    """The path under which one more is counted; handlers are counted a moment after they answered."""
    for _ in range(10):
        after = counts(port, run)
        more = [path for (method, path), count in after.items() if count > before.get((method, path), 0)]
        if more:
            return more[0], after
        time.sleep(0.002)
    return None, after


def keep(row, answer, body, words):
    if not body:
        return
    content = dict((name.lower(), value) for name, value in answer["headers"]).get("content-type", "")
    if OPAQUE.match(row[2].split("?")[0]) and answer["status"] == 200 or "html" in content and "<html" in body[:200].decode():
        answer["opaque"] = True
    elif len(body) > 4096 and body == body[:1] * len(body):
        answer["body"], answer["times"] = body[:1].decode(), len(body)
    else:
        answer["body"] = veil(body.decode(), words)


def record(run, podinfo, words):
    flags, variables, rows = RUNS[run]
    port = free_port()
    fixed = ["--host", "127.0.0.1", "--port", str(port), "--grpc-port", "0", "--level", "fatal"]
    command = [podinfo, *fixed, *(fill(flag, words) for flag in flags)]
    environment = {"PATH": os.environ["PATH"], "GODEBUG": "randseednop=1", **variables}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        connected(port).close()
        is_counted = run not in UNCOUNTED
        before = counts(port, run) if is_counted else {}
        for row in rows:
            for _ in range(500):
                answer, body = exchange(port, row, words)
                if answer.get("status") == row[3].get("until", answer.get("status")):
                    break
            for word, key in row[3].get("take", {}).items():
                words[word] = json.loads(body)[key]
            keep(row, answer, body, words)
            if is_counted:
                path, before = label(port, run, before)
                if path:
                    answer["label"] = path
            yield {"run": run, "name": row[0], "method": row[1], "path": row[2], **row[3], "answer": answer}
    finally:
        process.kill()
        process.wait()


def main():
    podinfo, redis = os.path.abspath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "redis-server"
    backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    refusing = socket.socket()
    refusing.bind(("127.0.0.1", 0))
    with tempfile.TemporaryDirectory() as folder:
        configs = os.path.join(folder, "configs")
        os.mkdir(configs)
        for name, text in [("color", "blue\n"), ("b.json", '{"a":"<1>"}'), ("..hidden", "no")]:
            with open(os.path.join(configs, name), "w") as file:
                file.write(text)
        redis_port = free_port()
        cache = subprocess.Popen([redis, "--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
                                 stdout=subprocess.DEVNULL)
        words = {"DATA": folder, "CONFIGS": configs, "REDIS": f"127.0.0.1:{redis_port}",
                 "BACKEND": "127.0.0.1:%d" % backend.server_address[1], "REFUSING": "127.0.0.1:%d" % refusing.getsockname()[1]}
        try:
            connected(redis_port).close()
            runs = [{"run": run, "flags": flags, "variables": variables} for run, (flags, variables, _) in RUNS.items()]
            rows = [row for run in RUNS for row in record(run, podinfo, words)]
        finally:
            cache.kill()
            cache.wait()
    lines = lambda items: ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)
    print('{"runs": [\n%s\n],\n"rows": [\n%s\n]}' % (lines(runs), lines(rows)))


main()
