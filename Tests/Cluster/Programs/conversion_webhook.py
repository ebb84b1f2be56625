"""Converts the Certificates of `certificates.yaml` between their versions, as the operator that owns them would.

    python3 conversion_webhook.py CERTIFICATE KEY PORT_FILE

Listens on a free port of the loopback address and writes its number once it can be called.
"""
import json, os, ssl, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def to_v2(spec):
    secret = dict(spec.pop("secretTemplate", {}), name=spec.pop("secretName"))
    lifetime = {name: spec.pop(name) for name in ("duration", "renewBefore") if name in spec}
    return dict(spec, secret=secret, lifetime=lifetime)


def to_v1(spec):
    secret, lifetime = spec.pop("secret"), spec.pop("lifetime", {})
    spec = dict(spec, secretName=secret.pop("name"), **lifetime)
    return dict(spec, secretTemplate=secret) if secret else spec


def converted(item, version):
    if item["apiVersion"] == version: return item
    change = to_v2 if version.endswith("/v2") else to_v1
    return dict(item, apiVersion=version, spec=change(dict(item["spec"])))


class Webhook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = review.pop("request")
        review["response"] = {
            "uid": request["uid"], "result": {"status": "Success"},
            "convertedObjects": [converted(item, request["desiredAPIVersion"]) for item in request["objects"]]}
        body = json.dumps(review).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments): pass


certificate, key, port_file = sys.argv[1:]
server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
with open(port_file + ".new", "w") as file: file.write(str(server.server_address[1]))
os.rename(port_file + ".new", port_file)
server.serve_forever()
