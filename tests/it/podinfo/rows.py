"""What is asked of podinfo: runs (flags, variables) and the requests of each, in the order in which they are sent.

Words in braces are filled in by whoever asks: {DATA} and {CONFIGS} folders, {BACKEND} and {REFUSING} addresses, {REDIS}
an address, {TOKEN} what an answer gave before. A request is (name, method, path, more); `more` may hold headers, body,
times (the body that often), version, take (JSON keys to remember), until (repeat to this status), frame (a WebSocket
text message to send after the handshake), raw (bytes instead of a request).
"""

import base64, hashlib, hmac, json

METHODS = "GET HEAD POST PUT DELETE OPTIONS FOO".split()
HASH = hashlib.sha1(b"hi").hexdigest()
PATHS = f"""/ /version /api/info /echo /echo/ /echo/a/b /api/echo /api/echo/x /env /headers /delay/0 /healthz /readyz
    /readyz/disable /readyz/enable /fault_injection/enable /fault_injection/disable /fault_injection/status /status/200
    /store /store/{HASH} /cache/k /configs /token /token/validate /ws/echo /chunked/0 /swagger.json /metrics
    /debug/pprof/ /panic /nothing""".split()
STATUSES = """0 99 100 102 103 101 199 0200 201 204 205 206 301 302 304 400 404 405 418 429 499 500 503 511 599 600 999 1000
    99999999999999999999 -1 +200 abc 200x""".split()
DELAYS = "1 00 01 1.5 200ms -1 abc 9999999999 99999999999999999999".split()
ODD = """//version /a/../version /a/./version /./version /version/ /version// /%76ersion /version%2f /%2fversion /Version
    /echo//x /echo/../version /store/%2e%2e%2fx /store/.. /store/ /cache/ /cache/a/b /cache/a%2fb /status /status/
    /status/200/ /delay /delay/ /delay/0/ /chunked/ /chunked/x /healthz/ /api /api/ /api/env /livez /swagger /debug/pprof
    /fault_injection /fault_injection/ /version?x=1 //version?x=1 /?x=1 /status/200?x=1 /version;x /version#x /a%00b
    /%zz""".split()
FAULTED = """/ /version /api/info /headers /delay/0 /delay/1 /status/200 /status/404 /configs /healthz /readyz /metrics
    /fault_injection/status /nothing /cache/k /token/validate /chunked/0""".split()
# Settings that the two programs have different defaults of are the same here; the run `defaults` looks at the defaults.
UI = ["--ui-message", "hello", "--ui-logo", "logo", "--ui-color", "#aabbcc"]
SECRET = {"PODINFO_JWT_SECRET": "a secret of thirty-two bytes !!!"}
MIB = 1 << 20


def signed(claims, algorithm="HS256", secret=SECRET["PODINFO_JWT_SECRET"]):
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    head = part(json.dumps({"alg": algorithm, "typ": "JWT"}).encode()) + "." + part(json.dumps(claims).encode())
    digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}.get(algorithm)
    return head + "." + (part(hmac.new(secret.encode(), head.encode(), digest).digest()) if digest else "")


def table(methods=METHODS, paths=PATHS):
    for path in paths:
        for method in methods:
            # GET /panic ends the program: it has a run of its own.
            if (method, path) != ("GET", "/panic"):
                yield (f"{method} {path}", method, path, {"body": "hi"} if method in ("POST", "PUT", "FOO") else {})


def gets(paths, **more):
    return [(f"GET {path}", "GET", path, dict(more)) for path in paths]


def edges():
    yield from gets(f"/status/{status}" for status in STATUSES)
    yield ("POST /status/503", "POST", "/status/503", {"body": "hi"})
    yield ("HEAD /status/404", "HEAD", "/status/404", {})
    yield from gets(f"/delay/{delay}" for delay in DELAYS)
    yield from gets(ODD)
    mozilla, html = [["User-Agent", "Mozilla/5.0"]], [["Accept", "text/html"], ["User-Agent", "curl/8"]]
    for path in "/", "/api/info":
        yield (f"GET {path} by a browser", "GET", path, {"headers": mozilla})
        yield (f"GET {path} for html", "GET", path, {"headers": html})
    many = [["x-b", "2"], ["X-A", "1"], ["x-b", "3"], ["X-API-Version", "mine"], ["content-type", "text/x"]]
    yield ("GET /headers with some", "GET", "/headers", {"headers": many})
    typed = {"headers": [["Content-Type", "text/html"]], "body": "<b>\u00e9</b>"}
    yield ("POST /echo html", "POST", "/echo", typed)
    chunked = {"headers": [["Transfer-Encoding", "chunked"]], "raw_body": "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"}
    yield ("POST /echo chunked", "POST", "/echo", chunked)
    yield ("POST /echo expecting", "POST", "/echo", {"headers": [["Expect", "100-continue"]], "body": "hi"})
    for path in "/echo", "/api/echo", "/store", "/token":
        if path != "/token":
            yield (f"POST {path} 10 MiB", "POST", path, {"body": "x", "times": 10 * MIB})
        yield (f"POST {path} more than 10 MiB", "POST", path, {"body": "x", "times": 10 * MIB + 1})
    yield ("GET /chunked/1", "GET", "/chunked/1", {})
    yield ("GET /chunked/0 by 1.0", "GET", "/chunked/0", {"version": "1.0"})
    yield ("GET /version by 1.0", "GET", "/version", {"version": "1.0"})
    yield ("GET /metrics zipped", "GET", "/metrics", {"headers": [["Accept-Encoding", "gzip"]]})
    yield ("no host", "GET", "/version", {"raw": "GET /version HTTP/1.1\r\n\r\n"})
    yield ("no request", "GET", "/version", {"raw": "nonsense\r\n\r\n"})


def stored():
    yield ("PUT it", "PUT", "/store", {"body": "kept"})
    yield ("GET it", "GET", "/store/" + hashlib.sha1(b"kept").hexdigest(), {})
    yield ("POST /store nothing", "POST", "/store", {})
    yield ("GET nothing", "GET", "/store/" + hashlib.sha1(b"").hexdigest(), {})
    yield ("GET upper case", "GET", "/store/" + hashlib.sha1(b"kept").hexdigest().upper(), {})
    yield ("GET unknown", "GET", "/store/" + "0" * 40, {})
    yield from gets(["/store/short", "/store/" + "g" * 40, "/store/..%2f..%2fetc%2fpasswd", "/store/%2e%2e"])


def tokens():
    late = {"name": "ann", "iss": "podinfo", "exp": 4102444800}

    def ask(name, value):
        return (name, "GET", "/token/validate", {"headers": [["Authorization", value]]})
    yield ("make", "POST", "/token", {"body": "test", "take": {"TOKEN": "token"}})
    yield ask("its own", "Bearer {TOKEN}")
    yield ask("lower case", "bearer {TOKEN}")
    yield ("make for nobody", "POST", "/token", {"take": {"TOKEN": "token"}})
    yield ask("nobody's", "Bearer {TOKEN}")
    for algorithm in "HS256", "HS384", "HS512", "none":
        yield ask(algorithm, "Bearer " + signed(late, algorithm))
    yield ask("two spaces", "Bearer  " + signed(late))
    yield ask("another scheme", "Basic " + signed(late))
    yield ask("no scheme", signed(late))
    yield ask("no token", "Bearer")
    yield ask("no segments", "Bearer x")
    yield ask("no base64", "Bearer !.!.!")
    yield ask("another secret", "Bearer " + signed(late, secret="another"))
    yield ask("expired", "Bearer " + signed(dict(late, exp=1700000000)))
    yield ask("another issuer", "Bearer " + signed(dict(late, iss="me")))
    yield ask("without exp", "Bearer " + signed({"name": "ann", "iss": "podinfo"}))


def sockets():
    key = [["Connection", "Upgrade"], ["Upgrade", "websocket"], ["Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="]]
    version = [["Sec-WebSocket-Version", "13"]]
    yield ("a message", "GET", "/ws/echo", {"headers": key + version, "frame": "hi <b>&"})
    yield ("own origin", "GET", "/ws/echo", {"headers": key + version + [["Origin", "http://it"]], "frame": "hi"})
    yield ("another origin", "GET", "/ws/echo", {"headers": key + version + [["Origin", "http://other"]]})
    yield ("no version", "GET", "/ws/echo", {"headers": key})
    yield ("version 8", "GET", "/ws/echo", {"headers": key + [["Sec-WebSocket-Version", "8"]]})
    yield ("no key", "GET", "/ws/echo", {"headers": key[:2] + version})
    yield ("by POST", "POST", "/ws/echo", {"headers": key + version})


def faults():
    yield ("enable", "POST", "/fault_injection/enable", {})
    yield from gets(FAULTED)
    yield ("POST /echo", "POST", "/echo", {"body": "hi"})
    yield ("POST /version", "POST", "/version", {})
    yield ("unready", "POST", "/readyz/disable", {})
    yield ("ready", "POST", "/readyz/enable", {})
    yield ("disable", "POST", "/fault_injection/disable", {})
    yield ("GET /version after", "GET", "/version", {})


def cached():
    steps = [("GET", None), ("POST", "one"), ("GET", None), ("PUT", "two"), ("GET", None), ("HEAD", None),
             ("DELETE", None), ("GET", None), ("DELETE", None), ("PATCH", None)]
    for number, (method, body) in enumerate(steps, 1):
        yield (f"{number} {method}", method, "/cache/k", {"body": body} if body else {})
    yield ("too large", "POST", "/cache/k", {"body": "x", "times": 10 * MIB + 1})


PREFIXED = ["/foo", "/foo/", "/foo/version", "/foo/healthz", "/foo/metrics", "/foo/status/200", "/foo/debug/pprof/",
            "/foo/fault_injection/status", "/version", "/healthz", "/metrics", "/", "//foo/version", "/fooversion"]
MATRIX = ["/version", "/foo/version", "/foo/bar/version"]
TRACING = ["x-request-id", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags",
           "x-ot-span-context"]
SEEN = {"headers": [[name, "1"] for name in TRACING + ["traceparent", "x-other"]] + [["Content-Type", "text/x"]],
        "body": "hi"}
RUNS = {
    "defaults": ([], {}, [*gets(["/"]), ("POST /echo", "POST", "/echo", {"body": "hi"}), *gets(["/configs"])]),
    "plain": (["--data-path", "{DATA}"], SECRET, [*table(), *edges(), *stored(), *sockets()]),
    "token": ([], SECRET, list(tokens())),
    "panic": ([], {}, gets(["/panic"])),
    "ui": (["--ui-message", "<b>&\"\u2028\u00e9", "--ui-color", "red"], {}, [*gets(["/api/info"]), *gets(["/echo"])]),
    "no ui": (["--ui-path", "/nowhere"], {}, [("browser", "GET", "/", {"headers": [["User-Agent", "Mozilla/5.0"]]})]),
    "no data": (["--data-path", "/nowhere"], {}, [("POST /store", "POST", "/store", {"body": "hi"})]),
    "configs": (["--config-path", "{CONFIGS}"], {}, gets(["/configs"])),
    "unready": (["--unready"], {}, [*gets(["/readyz", "/healthz", "/version"]), ("enable", "POST", "/readyz/enable", {}),
                                    ("then", "GET", "/readyz", {}), ("disable", "POST", "/readyz/disable", {}),
                                    ("at last", "GET", "/readyz", {})]),
    "unhealthy": (["--unhealthy"], {}, gets(["/healthz", "/readyz", "/version"])),
    "faults": ([], SECRET, list(faults())),
    "short": (["--http-server-timeout", "1s"], {}, gets(["/delay/2", "/chunked/2", "/version"])),
    "errors": (["--random-error"], {}, [(f"{status}", "GET", "/version", {"until": status}) for status in (200, 400, 409, 500)]),
    "backends": (["--backend-url", "http://{BACKEND}/one", "--backend-url", "http://{BACKEND}/503",
                  "--backend-url", "http://{REFUSING}/", "--backend-url", "http://{BACKEND}/302", "--backend-url", "::bad"],
                 {}, [("POST /echo", "POST", "/echo", {"body": "hi"}), ("GET /api/echo/x", "GET", "/api/echo/x", {})]),
    "backend": (["--backend-url", "http://{BACKEND}/seen"], {}, [("POST /echo", "POST", "/echo", SEEN)]),
    "cache": (["--cache-server", "tcp://{REDIS}"], {}, list(cached())),
    "cache down": (["--cache-server", "tcp://{REFUSING}"], {},
                   list(table("GET POST PUT DELETE".split(), ["/cache/k"]))),
    "prefix": (["--prefix", "/foo"], {}, [*gets(PREFIXED), ("POST /foo/echo", "POST", "/foo/echo", {"body": "hi"})]),
    **{f"prefix {prefix!r}": (["--prefix", prefix], {}, gets(MATRIX)) for prefix in ["", "/", "foo", "/foo/", "//foo//bar//"]},
}
for run, (flags, _, _) in RUNS.items():
    if run not in ("defaults", "ui"):
        flags += UI
