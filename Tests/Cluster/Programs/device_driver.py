"""A driver for the devices of claims for tests (resource.k8s.io), by the interface v1, on Debian's gRPC.

    device_driver.py NAME FOLDER DATA

FOLDER is the kubelet's for plug-ins. DATA gets `calls`, a line `METHOD NAMESPACE/NAME` for each call about a claim, and
takes an order: what stands in a file `refuse` is why claims are neither prepared nor taken back.
"""

import os
import sys
import threading
from concurrent import futures

import grpc

from protobuf import decode, encode, text

name, folder, data = sys.argv[1:4]


def tell(*words):
    with open(os.path.join(data, "calls"), "a") as calls:
        calls.write(" ".join(filter(None, words)) + "\n")


def refusal():
    try:
        with open(os.path.join(data, "refuse")) as order:
            return order.read()
    except FileNotFoundError:
        return ""


def answers(method, request, device, error):
    """An answer for each claim, by its uid: what `device` says of it, or why not, in the field `error`."""
    entries = []
    for claim in map(decode, decode(request).get(1, [])):
        tell(method, text(claim, 1) + "/" + text(claim, 3))
        own = [(error, refusal())] if refusal() else device(claim)
        entries.append((1, encode((1, text(claim, 2)), (2, encode(*own)))))
    return encode(*entries)


def device(claim):
    # pool_name, device_name, cdi_device_ids
    return [(1, encode((2, "node-1"), (3, "lamp"), (4, "example.com/lamp=" + text(claim, 3))))]


def health(_, context):
    # device, health: healthy
    yield encode((1, encode((1, encode((1, "node-1"), (2, "lamp"))), (2, 1), (4, 3600))))
    gone = threading.Event()
    if context.add_callback(gone.set):
        gone.wait()


def registered(request, _):
    tell("registered", text(decode(request), 2))
    return b""


info = encode((1, "DRAPlugin"), (2, name), (4, "v1.DRAPlugin"))
unary = {
    "/pluginregistration.Registration/GetInfo": lambda *_: info,
    "/pluginregistration.Registration/NotifyRegistrationStatus": registered,
    "/k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin/NodePrepareResources": lambda request, _: answers(
        "prepare", request, device, 2
    ),
    "/k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin/NodeUnprepareResources": lambda request, _: answers(
        "unprepare", request, lambda _: [], 1
    ),
}


class Service(grpc.GenericRpcHandler):
    def service(self, call):
        if call.method == "/v1alpha1.DRAResourceHealth/NodeWatchResources":
            return grpc.unary_stream_rpc_method_handler(health)
        method = unary.get(call.method)
        return method and grpc.unary_unary_rpc_method_handler(method)


# It may be there before the kubelet.
os.makedirs(folder, exist_ok=True)
server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[Service()])
server.add_insecure_port("unix:" + os.path.join(folder, name + "-reg.sock"))
server.start()
server.wait_for_termination()
