"""What pods of the specs run: `agnhost.py PROGRAM [--OPTION=VALUE...]`."""
import http.client, http.server, json, os, random, signal, socket, ssl, struct, subprocess, sys, threading
import time
import urllib.parse

START = time.monotonic()


def options(words):
    found, rest, words = {}, [], list(words)
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            name, equal, value = word[2:].partition("=")
            if not equal and words and not words[0].startswith("--"): value = words.pop(0)
            found[name] = value
        else: rest.append(word)
    return found, rest


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def serve(port, answer, keys=None):
    """Serves what `answer(path, query, handler)` gives: text, or a status, text and a type."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *words): pass

        def do(self):
            parts = urllib.parse.urlsplit(self.path)
            print(time.strftime("%Y/%m/%d %H:%M:%S"), self.command, self.path, flush=True)
            length = int(self.headers.get("Content-Length") or 0)
            self.body = self.rfile.read(length)
            result = answer(parts.path, dict(urllib.parse.parse_qsl(parts.query)), self)
            if result is None: return
            status, text, kind = result if isinstance(result, tuple) else (200, result,
                "text/plain; charset=utf-8")
            data = text if isinstance(text, bytes) else str(text).encode()
            self.send_response(status)
            if kind: self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD": self.wfile.write(data)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do

    server = Server(("0.0.0.0", int(port)), Handler)
    if keys:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*keys)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def answer_of(host, port, path, source=None, timeout=5):
    """What a server answers to a GET, from one of our addresses or from any."""
    connection = http.client.HTTPConnection(
        host, int(port), timeout=timeout, source_address=(source, 0) if source else None)
    connection.request("GET", path)
    return connection.getresponse().read().decode()


def udp_answer(host, port, message, timeout=2):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(timeout)
        one.connect((host, int(port)))
        one.send(message.encode())
        return one.recv(4096).decode()


def udp_server(port):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("0.0.0.0", int(port)))
    while True:
        data, sender = one.recvfrom(4096)
        text = data.decode().strip()
        command, _, rest = text.partition(" ")
        answer = {"hostname": socket.gethostname(), "echo": rest,
            "clientip": "%s:%d" % sender}.get(command.lower(), "")
        if answer: one.sendto(answer.encode(), sender)


def netexec(words):
    named, _ = options(words)

    def answer(path, query, handler):
        if path in ("/hostname", "/hostName"): return socket.gethostname()
        if path == "/clientip": return "%s:%d" % handler.client_address
        if path == "/echo": return query.get("msg", "")
        if path == "/header": return handler.headers.get(query.get("key", ""), "")
        if path == "/healthz": return "ok"
        if path == "/shutdown": os._exit(0)
        if path == "/exit": os._exit(int(query.get("code", 0)))
        if path == "/write": return "written"
        if path == "/shell":
            done = subprocess.run(["/bin/sh", "-c", query["cmd"]], capture_output=True, text=True)
            return json.dumps({"output": done.stdout, "error": done.stderr if done.returncode else ""})
        if path == "/dial":
            responses, errors = [], []
            for _ in range(int(query.get("tries", 1))):
                try:
                    if query.get("protocol", "http") == "udp":
                        responses.append(udp_answer(query["host"], query["port"], query["request"]))
                    else: responses.append(answer_of(query["host"], query["port"], "/" + query["request"]))
                except OSError as error: errors.append(str(error))
            return json.dumps({k: v for k, v in (("responses", responses), ("errors", errors)) if v})
        return 200, "NOW: %s" % time.time(), "text/plain"
    if int(named.get("udp-port", 8081)) > 0:
        threading.Thread(target=udp_server, args=(named.get("udp-port", 8081),), daemon=True).start()
    serve(named.get("http-port", 8080), answer)


def serve_hostname(words):
    named, _ = options(words)
    serve(named.get("port", 9376), lambda *_: socket.gethostname())


def liveness(words):
    def answer(path, query, handler):
        past = time.monotonic() - START
        if path == "/healthz" and past > 10: return 500, "error: %s" % past, None
        return "ok"
    serve(8080, answer)


def test_webserver(words):
    named, _ = options(words)

    def answer(path, query, handler):
        try:
            if os.path.isdir(path): return "a folder"
            with open(urllib.parse.unquote(path), "rb") as file: return file.read()
        except OSError: return 404, "not found", None
    serve(named.get("port", 80), answer)


def porter(words):
    """Serves the values of variables on the ports of their names."""
    keys = ("/tmp/tls.crt", "/tmp/tls.key")
    for file, name in zip(keys, ("CERTIFICATE", "KEY")):
        with open(file, "w") as one: one.write(os.environ.get(name, ""))
    for name, value in os.environ.items():
        if not name.startswith("SERVE_"): continue

        def answer(path, query, handler, value=value):
            if "--json-response" in words:
                return 200, json.dumps({"Method": handler.command, "Body": value}), "application/json"
            return 200, value, "text/%s; charset=utf-8" % ("html" if value.startswith("<a") else "plain")
        serve(name.rsplit("_", 1)[1], answer, keys if "TLS" in name else None)


def logs_generator(words):
    named, _ = options(words)
    lines, length = int(named["log-lines-total"]), float(named["run-duration"].rstrip("s"))
    for number in range(lines):
        print("%d GET /api/v1/namespaces/%s/pods/%s %d" % (
            number, random.choice(["kube-system", "default", "ns"]),
                "".join(random.choices("abcdefghij", k=4)),
            random.randint(200, 600)), flush=True)
        time.sleep(length / lines)


def dig(words):
    """`dig [tcp] NAME TYPE`: the answers for the name, or for it with the search path, one a line."""
    tcp = "tcp" in words
    name, kind = [word for word in words if word != "tcp"]
    server, search, ndots = None, [], 1
    for line in open("/etc/resolv.conf"):
        key, *rest = line.split() or [""]
        if key == "nameserver": server = server or rest[0]
        if key == "search": search = rest
        if key == "options":
            for one in rest:
                if one.startswith("ndots:"): ndots = int(one[6:])
    if name.endswith("."): names = [name[:-1]]
    else:
        found = [name + "." + one for one in search]
        names = [name] + found if name.count(".") >= ndots else found + [name]
    for one in names:
        answers = ask(server, one, kind, tcp)
        if answers:
            print("\n".join(answers))
            return
    sys.exit(1)


KINDS = {"A": 1, "CNAME": 5, "PTR": 12, "SRV": 33, "AAAA": 28}


def ask(server, name, kind, tcp):
    query = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0)
    query += b"".join(bytes([len(one)]) + one.encode() for one in name.split(".")) + b"\0"
    query += struct.pack(">HH", KINDS[kind], 1)
    if tcp:
        with socket.create_connection((server, 53), 5) as one:
            one.sendall(struct.pack(">H", len(query)) + query)
            file = one.makefile("rb")
            data = file.read(struct.unpack(">H", file.read(2))[0])
    else:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.settimeout(5)
            one.connect((server, 53))
            one.send(query)
            data = one.recv(4096)
    count = struct.unpack(">H", data[6:8])[0]

    def read(at):
        words = []
        while data[at]:
            if data[at] >= 192:
                words.append(read(struct.unpack(">H", data[at:at + 2])[0] & 0x3fff)[0].rstrip("."))
                return ".".join(words) + ".", at + 2
            words.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        return ".".join(words) + ".", at + 1
    at, answers = read(12)[1] + 4, []
    for _ in range(count):
        owner, at = read(at)
        found, _, ttl, length = struct.unpack(">HHIH", data[at:at + 10])
        at += 10
        if found == 1: text = socket.inet_ntop(socket.AF_INET, data[at:at + length])
        elif found == 33: text = "%d %d %d %s" % (*struct.unpack(">HHH", data[at:at + 6]), read(at + 6)[0])
        else: text = read(at)[0]
        answers.append(text)
        at += length
    return answers


def hosts(words): print(socket.gethostbyname(words[0]))


def frame(kind, flags, stream, data=b""):
    return struct.pack(">I", len(data))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + data


def literal(name, value): return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def grpc_health(words):
    """Says that it serves, until `/make-not-serving` of 8080 was asked."""
    named, _ = options(words)
    state = {"status": 1}

    def not_serving(path, query, handler):
        if path == "/make-not-serving": state["status"] = 2
        return "ok"

    def talk(one):
        file = one.makefile("rb")
        file.read(24)
        one.sendall(frame(4, 0, 0))
        while True:
            head = file.read(9)
            if len(head) < 9: return
            length, kind, flags = struct.unpack(">I", b"\0" + head[:3])[0], head[3], head[4]
            stream = struct.unpack(">I", head[5:])[0]
            data = file.read(length)
            if kind == 4 and not flags & 1: one.sendall(frame(4, 1, 0))
            if kind == 6 and not flags & 1: one.sendall(frame(6, 1, 0, data))
            if kind == 0 and flags & 1:
                message = bytes([8, state["status"]])
                one.sendall(frame(1, 4, stream, b"\x88" + literal(b"content-type", b"application/grpc"))
                            + frame(0, 0, stream, b"\0" + struct.pack(">I", len(message)) + message)
                            + frame(1, 5, stream, literal(b"grpc-status", b"0")))

    def listen():
        server = socket.create_server(("0.0.0.0", int(named.get("port", 5000))))
        while True: threading.Thread(target=talk, args=(server.accept()[0],), daemon=True).start()
    threading.Thread(target=listen, daemon=True).start()
    serve(named.get("http-port", 8080), not_serving)


def headers(words):
    """Prints the headers of each request that say more than others."""
    def answer(path, query, handler):
        said = " ".join("%s=%s" % one for one in handler.headers.items() if one[0] not in ("Connection",
            "Accept-Encoding"))
        print(handler.command, handler.path, said, flush=True)
        if path == "/slow": time.sleep(5)
        if path == "/to":
            handler.send_response(302)
            handler.send_header("Location", urllib.parse.unquote(handler.path.split("?", 1)[1]))
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return None
        return (404, "none", None) if path == "/lost" else "ok"
    serve(8080, answer)


def pause(words): print("Paused", flush=True)


def get(words): print(answer_of(*words))


def udp(words): print(udp_answer(*words))


ENDS = {"logs-generator", "dig", "hosts", "get", "udp"}

if __name__ == "__main__":
    program, words = sys.argv[1], sys.argv[2:]
    for one in (signal.SIGTERM, signal.SIGINT): signal.signal(one, lambda *_: os._exit(0))
    globals()[program.replace("-", "_")](words)
    while program not in ENDS: signal.pause()
