"""A device plug-in for tests, by the interface v1beta1, on Debian's gRPC: lamps.

    device_plugin.py RESOURCE FOLDER DATA

FOLDER is the kubelet's for device plug-ins. DATA holds `lamps`, a line `ID HEALTH [NODE]` for each device, with the node of
memory that it is near to where it is near to one; it is read again whenever it changes. DATA also gets `calls`, a line for each call. All lamps are one device file of the machine, which may be
read. As plug-ins do, it begins anew when there is a new kubelet.
"""

import os
import sys
import time
from concurrent import futures

import grpc

from protobuf import decode, encode

resource, folder, data = sys.argv[1:4]
kubelet, endpoint = os.path.join(folder, "kubelet.sock"), "lamps.sock"


# What the plug-in does.


def lamps():
    with open(os.path.join(data, "lamps")) as file:
        return [line.split() for line in file]


def tell(method, ids):
    with open(os.path.join(data, "calls"), "a") as calls:
        calls.write(" ".join([method, *ids]) + "\n")


def texts(values):
    return [value.decode() for value in values]


# pre_start_required, get_preferred_allocation_available
options = encode((1, 1), (2, 1))


def device(name, health, node=None):
    """Of a device near to a node: TopologyInfo, which has a list of NUMANode."""
    near = [] if node is None else [(3, encode((1, encode((1, int(node))))))]
    return encode((1, name), (2, health), *near)


def list_and_watch(_, context):
    known = None
    while context.is_active():
        present = lamps()
        if present != known:
            known = present
            yield b"".join(encode((1, device(*lamp))) for lamp in present)
        time.sleep(0.05)


def preferred(request, _):
    """Of what there is the last ones."""
    asked = decode(decode(request)[1][0])
    ids = sorted(texts(asked[1]))[-asked[3][0] :]
    tell("GetPreferredAllocation", ids)
    return encode((1, encode(*((1, name) for name in ids))))


def allocate(request, context):
    ids = texts(decode(decode(request)[1][0])[1])
    tell("Allocate", ids)
    if os.path.exists(os.path.join(data, "refuse")):
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "the lamps are out")
    devices = [encode((1, "/dev/lamp-" + name), (2, "/dev/loop-control"), (3, "r")) for name in ids]
    answer = [(1, encode((1, "LAMPS"), (2, ",".join(ids)))), (2, encode((1, "/lamps"), (2, data), (3, 1)))]
    return encode((1, encode(*answer, *((3, device) for device in devices))))


def pre_start(request, _):
    tell("PreStartContainer", texts(decode(request)[1]))
    return b""


class Service(grpc.GenericRpcHandler):
    methods = {
        "GetDevicePluginOptions": grpc.unary_unary_rpc_method_handler(lambda *_: options),
        "ListAndWatch": grpc.unary_stream_rpc_method_handler(list_and_watch),
        "GetPreferredAllocation": grpc.unary_unary_rpc_method_handler(preferred),
        "Allocate": grpc.unary_unary_rpc_method_handler(allocate),
        "PreStartContainer": grpc.unary_unary_rpc_method_handler(pre_start),
    }

    def service(self, call):
        return self.methods.get(call.method.removeprefix("/v1beta1.DevicePlugin/"))


def identity(path):
    try:
        status = os.stat(path)
        return status.st_ino, status.st_mtime_ns
    except FileNotFoundError:
        return None


def register():
    with grpc.insecure_channel("unix:" + kubelet) as channel:
        request = encode((1, "v1beta1"), (2, endpoint), (3, resource), (4, options))
        channel.unary_unary("/v1beta1.Registration/Register")(request, timeout=5)


def serve():
    """Until there is another kubelet."""
    present = identity(kubelet)
    if not present:
        return
    server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[Service()])
    server.add_insecure_port("unix:" + os.path.join(folder, endpoint))
    server.start()
    try:
        register()
        tell("Register", [])
        while identity(kubelet) == present:
            time.sleep(0.05)
    except grpc.RpcError as problem:
        tell("Unregistered", [str(problem.code())])
    finally:
        server.stop(0).wait()


while True:
    serve()
    time.sleep(0.1)
