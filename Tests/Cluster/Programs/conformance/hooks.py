"""A webhook server of the specs' own, on the loopback address: what the suite runs in a pod behind a service."""
import base64, copy, json, os, ssl, subprocess, tempfile, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWERS = {}  # By path: what makes the response of a request.


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = review.pop("request")
        review["response"] = dict(ANSWERS[self.path.split("?")[0]](request), uid=request["uid"])
        body = json.dumps(review).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments): pass


class Server(ThreadingHTTPServer):
    def handle_error(self, request, address): pass  # Who asked has gone.


def serve():
    """Starts the server; returns its origin and the authority to trust, as a `clientConfig` has it."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = os.path.join(folder, "crt"), os.path.join(folder, "key")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=hook", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
            check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        with open(certificate, "rb") as file: authority = base64.b64encode(file.read()).decode()
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return "https://127.0.0.1:%d" % server.server_address[1], authority


def client_config(path, _started=[]):
    if not _started: _started.append(serve())
    origin, authority = _started[0]
    return {"url": origin + path, "caBundle": authority}


def allow(patch=()):
    answer = {"allowed": True}
    if patch: answer.update(patchType="JSONPatch", patch=base64.b64encode(json.dumps(list(patch)).encode()).decode())
    return answer


def deny(message): return {"allowed": False, "status": {"message": message}}


def convert(request):
    """`hostPort` in v1 is `host` and `port` in v2."""
    converted = []
    for item in request["objects"]:
        item = copy.deepcopy(item)
        if request["desiredAPIVersion"].endswith("/v2") and "hostPort" in item:
            item["host"], item["port"] = item.pop("hostPort").split(":")
        elif request["desiredAPIVersion"].endswith("/v1") and "host" in item:
            item["hostPort"] = item.pop("host") + ":" + item.pop("port")
        converted.append(dict(item, apiVersion=request["desiredAPIVersion"]))
    return {"result": {"status": "Success"}, "convertedObjects": converted}


ANSWERS.update({"/convert": convert, "/allow": lambda request: allow()})
