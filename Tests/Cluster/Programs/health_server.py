"""A server of gRPC's health protocol for tests, on Debian's gRPC.

    health_server.py PORT FILE

Answers for the service `lamp`, and for no other: that it serves while there is the FILE, and that it does not while there
is none.
"""

import os
import sys
import time
from concurrent import futures

import grpc

port, file = sys.argv[1:3]


def check(request, context):
    # HealthCheckRequest: field 1, the service.
    if request[2:] != b"lamp":
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    # HealthCheckResponse: field 1, SERVING or NOT_SERVING.
    return bytes([8, 1 if os.path.exists(file) else 2])


class Service(grpc.GenericRpcHandler):
    def service(self, call):
        if call.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(check)
        return None


server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Service()])
server.add_insecure_port("0.0.0.0:" + port)
server.start()
while True:
    time.sleep(1000)
