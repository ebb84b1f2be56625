"""A storage driver for tests, with the program that registers it: volumes are folders, which it binds where it is told.

    storage_driver.py NAME DATA ENDPOINT REGISTRATION

DATA gets a folder for each volume, `calls` (a line `METHOD VOLUME` for each call, in order),
`context-VOLUME` (what was told of it when it was published, as JSON) and takes orders: a file
`fail-METHOD` holds the gRPC code and the message with which the next call of METHOD is refused. The driver stages,
expands and measures. It speaks just enough HTTP/2 and protobuf to be called by a kubelet, with the standard library
alone.
"""

import json
import os
import socket
import subprocess
import sys
import threading

from protobuf import decode, encode, text, varint

name, data, endpoint, registration = sys.argv[1:5]


# What the driver does. Each method takes the fields of its request and returns its answer.


class Refusal(Exception):
    pass


def is_mounted(path):
    with open("/proc/self/mountinfo") as mounts:
        return any(line.split()[4] == path for line in mounts)


def bind(source, target):
    os.makedirs(target, exist_ok=True)
    if not is_mounted(target):
        subprocess.run(["mount", "--bind", source, target], check=True)


def unbind(target):
    while is_mounted(target):
        subprocess.run(["umount", target], check=True)


def unpublish(request):
    unbind(text(request, 2))
    if os.path.isdir(text(request, 2)):
        os.rmdir(text(request, 2))


def stage(request):
    folder = os.path.join(data, "volumes", text(request, 1))
    os.makedirs(folder, exist_ok=True)
    bind(folder, text(request, 3))


def publish(request):
    """Where nothing is staged the volume is one of a pod's own."""
    volume, staged = text(request, 1), text(request, 3)
    told = {text(one, 1): text(one, 2) for one in map(decode, request.get(8, []))}
    with open(os.path.join(data, "context-" + volume), "w") as context:
        json.dump(told, context)
    folder = os.path.join(data, "volumes", volume)
    os.makedirs(folder, exist_ok=True)
    bind(staged or folder, text(request, 4))


def expand(request):
    required = decode(request[3][-1])[1][-1]
    with open(os.path.join(data, "size-" + text(request, 1)), "w") as size:
        size.write(str(required))
    return encode((1, required))


# STAGE_UNSTAGE_VOLUME, GET_VOLUME_STATS, EXPAND_VOLUME
capabilities = b"".join(encode((1, encode((1, encode((1, kind)))))) for kind in (1, 2, 3))
topology = encode((1, encode((1, name + "/place"), (2, "here"))))
methods = {
    "GetInfo": lambda _: encode((1, "CSIPlugin"), (2, name), (3, endpoint), (4, "1.0.0")),
    "NotifyRegistrationStatus": lambda _: b"",
    "NodeGetInfo": lambda _: encode((1, "this-node"), (2, 7), (3, topology)),
    "NodeGetCapabilities": lambda _: capabilities,
    "NodeStageVolume": stage,
    "NodeUnstageVolume": lambda request: unbind(text(request, 2)),
    "NodePublishVolume": publish,
    "NodeUnpublishVolume": unpublish,
    "NodeExpandVolume": expand,
    "NodeGetVolumeStats": lambda _: encode((1, encode((1, 60), (2, 100), (3, 40), (4, 1)))),
}
journal = threading.Lock()


def answer(path, message):
    """The answer to one call, or a refusal."""
    method = path.rsplit("/", 1)[-1]
    request = decode(message)
    volume = text(request, 1) if method.startswith("Node") else ""
    with journal, open(os.path.join(data, "calls"), "a") as calls:
        calls.write(f"{method} {volume}".strip() + "\n")
    order = os.path.join(data, "fail-" + method)
    if os.path.exists(order):
        code, why = open(order).read().strip().split(" ", 1)
        os.remove(order)
        raise Refusal(int(code), why)
    if method not in methods:
        raise Refusal(12, "not here")
    try:
        return methods[method](request) or b""
    except Exception as problem:
        raise Refusal(13, str(problem))


# HTTP/2 (RFC 9113): the frames of a server that answers whole requests one after the other.

# The codes of RFC 7541, Appendix B, as far as paths need them: they count up within each length.
huffman = {}
code = 0
for length, symbols in (5, "012aceiost"), (6, " %-./3456789=A_bdfghlmnpru"), (7, ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"), (8, "&*,;XZ"):
    for symbol in symbols:
        huffman[length, code] = symbol
        code += 1
    code <<= 1


class Headers:
    """Reads blocks of headers (RFC 7541), far enough to find the path."""

    def __init__(self):
        self.table = []

    def path(self, block):
        self.block, self.at, found = block, 0, ""
        while self.at < len(block):
            first = block[self.at]
            if first & 128:
                index = self.integer(7)
                field = self.table[index - 62] if index >= 62 else ("", "")
            elif first & 224 == 32:
                self.integer(5)
                continue
            else:
                index = self.integer(6 if first & 64 else 4)
                field = self.name(index), self.string()
                if first & 64:
                    self.table.insert(0, field)
            if field[0] == ":path":
                found = field[1]
        return found

    def name(self, index):
        if index == 0:
            return self.string()
        return self.table[index - 62][0] if index >= 62 else ":path" if index in (4, 5) else ""

    def integer(self, bits):
        most = (1 << bits) - 1
        value, shift = self.block[self.at] & most, 0
        self.at += 1
        while value >= most:
            byte = self.block[self.at]
            self.at += 1
            value += (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        return value

    def string(self):
        is_packed = self.block[self.at] & 128
        length = self.integer(7)
        raw = self.block[self.at : self.at + length]
        self.at += length
        if not is_packed:
            return raw.decode()
        out, length, code = "", 0, 0
        for bit in "".join(f"{byte:08b}" for byte in raw):
            length, code = length + 1, code << 1 | int(bit)
            if (length, code) in huffman:
                out, length, code = out + huffman[length, code], 0, 0
        return out


def header(key, value):
    return b"\x00" + bytes([len(key)]) + key.encode() + varint_of_seven(len(value)) + value.encode()


def varint_of_seven(length):
    return bytes([length]) if length < 127 else b"\x7f" + varint(length - 127)


class Connection:
    def __init__(self, stream):
        self.stream, self.headers = stream, Headers()

    def read(self, count):
        out = b""
        while len(out) < count:
            part = self.stream.recv(count - len(out))
            if not part:
                raise EOFError
            out += part
        return out

    def send(self, kind, flags, stream, payload):
        head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
        self.stream.sendall(head + payload)

    def serve(self):
        self.read(24)
        self.send(4, 0, 0, b"")
        paths, bodies = {}, {}
        while True:
            head = self.read(9)
            length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
            stream, payload = int.from_bytes(head[5:], "big"), self.read(length)
            if kind == 4 and not flags & 1:
                self.send(4, 1, 0, b"")
            elif kind == 6 and not flags & 1:
                self.send(6, 1, 0, payload)
            elif kind == 1:
                skipped = 5 if flags & 32 else 0
                paths[stream], bodies[stream] = self.headers.path(payload[skipped:]), b""
            elif kind == 0:
                bodies[stream] += payload
                if payload:
                    self.send(8, 0, 0, length.to_bytes(4, "big"))
            elif kind == 3:
                paths.pop(stream, None)
            if kind in (0, 1) and flags & 1 and stream in paths:
                self.answer(stream, paths.pop(stream), bodies.pop(stream)[5:])

    def answer(self, stream, path, message):
        status, why = 0, ""
        self.send(1, 4, stream, b"\x88" + header("content-type", "application/grpc"))
        try:
            body = answer(path, message)
            self.send(0, 0, stream, b"\0" + len(body).to_bytes(4, "big") + body)
        except Refusal as refusal:
            status, why = refusal.args
        self.send(1, 5, stream, header("grpc-status", str(status)) + header("grpc-message", why))


def serve(stream):
    try:
        Connection(stream).serve()
    except (EOFError, ConnectionError, BrokenPipeError):
        pass


def listen(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        os.remove(path)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=serve, args=(stream,), daemon=True).start()


os.makedirs(data, exist_ok=True)
threading.Thread(target=listen, args=(endpoint,), daemon=True).start()
listen(registration)
