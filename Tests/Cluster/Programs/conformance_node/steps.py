"""What the specs that need a node are written in: pods of busybox or of `agnhost.py`, logs, commands."""
import json, os, subprocess, tempfile, time, urllib.parse

import websocket
from conformance.steps import Spec

PROGRAMS = os.path.dirname(os.path.abspath(__file__))
# What pods find of the machine: its Python, and the programs.
HOST = {"machine-usr": "/usr", "machine-lib": "/usr/lib", "machine-lib64": "/usr/lib64", "programs": PROGRAMS}
PLACES = {"machine-usr": "/usr", "machine-lib": "/lib", "machine-lib64": "/lib64", "programs": "/programs"}
VOLUMES = [{"name": name, "hostPath": {"path": path}} for name, path in HOST.items()]
MOUNTS = [{"name": name, "mountPath": path, "readOnly": True} for name, path in PLACES.items()]
WAITS = "trap 'exit 0' TERM; while :; do sleep 0.2; done"


def box(script=WAITS, name="c", **more):
    return dict({"name": name, "image": "busybox:1", "command": ["sh", "-c", script]}, **more)


def program(*words, name="agnhost", mounts=(), **more):
    return dict({"name": name, "image": "busybox:1", "volumeMounts": MOUNTS + list(mounts),
                 "command": ["/usr/bin/python3", "-S", "-E", "-B", "/programs/agnhost.py", *words]}, **more)


def spec_of(*containers, **spec):
    containers = [dict(one) for one in containers]
    every = containers + spec.get("initContainers", [])
    needs = any(mount["name"] == "programs" for one in every for mount in one.get("volumeMounts", []))
    spec = dict({"containers": containers, "terminationGracePeriodSeconds": 2}, **spec)
    if needs: spec["volumes"] = VOLUMES + list(spec.get("volumes", []))
    return spec


def env(**values):
    return [{"name": k, "value": v} if isinstance(v, str) else {"name": k, "valueFrom": v} for k,
        v in values.items()]


def field(path): return {"fieldRef": {"fieldPath": path}}


def key_pair():
    """A certificate and its key, for `agnhost.py porter`."""
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(folder, name) for name in ("certificate", "key")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
                        "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
        return {name: open(file).read() for name, file in zip(("CERTIFICATE", "KEY"), files)}


def http(path, port, **more): return dict({"httpGet": {"path": path, "port": port}}, **more)


class NodeSpec(Spec):
    """A spec on a cluster of one node, which has the images of `TestRegistry`."""
    config = ""

    def setUp(self):
        super().setUp()
        self.pods = self.core("Pod", "pods")
        node = self.kind("v1", "Node", "nodes").items()[0]
        self.node = node["metadata"]["name"]
        self.node_address = next(one["address"] for one in node["status"]["addresses"]
            if one["type"] == "InternalIP")

    # Pods

    def pod(self, name, *containers, labels=None, annotations=None, **spec):
        return self.pods.create({"metadata": {"name": name, "labels": labels or {},
            "annotations": annotations or {}},
                                 "spec": spec_of(*containers, **spec)})

    def waits(self, name, check, what, seconds=90):
        kept = {}

        def look():
            kept["pod"] = self.pods.get(name)
            return check(kept["pod"])
        end = time.monotonic() + seconds
        while not look():
            if time.monotonic() > end:
                self.fail("waited too long for %s of %s: %s" % (what, name,
                    json.dumps(kept["pod"].get("status"))))
            time.sleep(0.1)
        return kept["pod"]

    def phase(self, name, *phases, seconds=90):
        return self.waits(name, lambda pod: pod["status"].get("phase") in phases, "phase " + "/".join(phases),
            seconds)

    def condition(self, pod, kind):
        return next((one for one in pod["status"].get("conditions", []) if one["type"] == kind), {})

    def is_ready(self, pod): return self.condition(pod, "Ready").get("status") == "True"

    def ready(self, name, seconds=90): return self.waits(name, self.is_ready, "readiness", seconds)

    def run_ready(self, name, *containers, **spec):
        self.pod(name, *containers, **spec)
        return self.ready(name)

    def address(self, name): return self.pods.get(name)["status"]["podIP"]

    def gone_pod(self, name, seconds=60):
        self.eventually(lambda: not self.pods.named(name), "pod %s to go" % name, seconds)

    def remove(self, name, **options):
        self.pods.delete(name, **options)
        self.gone_pod(name)

    def container(self, pod, name="c", kind="containerStatuses"):
        return next(one for one in pod["status"][kind] if one["name"] == name)

    def log(self, name, container=None, **query):
        if container: query["container"] = container
        answer = self.send("GET", self.pods.path(name, "log", **query), accept="*/*")
        self.assertEqual(answer.status, 200, answer.data)
        return answer.data.decode()

    def logs(self, name, text, container=None, seconds=60):
        """Until the log has this."""
        def has():
            try: return text in self.log(name, container)
            except AssertionError: return False
        self.eventually(has, "%r in the log of %s" % (text, name), seconds)

    def output(self, script, name="out", labels=None, annotations=None, pod=None, **container):
        """What a pod printed that ran once and succeeded."""
        one = script if isinstance(script, dict) else box(script, **container)
        self.pod(name, one, labels=labels, annotations=annotations, restartPolicy="Never", **(pod or {}))
        done = self.phase(name, "Succeeded", "Failed")
        text = self.log(name, one["name"])
        self.assertEqual(done["status"]["phase"], "Succeeded", "%s %s" % (text, done["status"]))
        return text

    # Commands in them, over a WebSocket.

    def connect(self, path, protocol):
        conf = self.api.configuration
        url = self.host.replace("https", "wss") + path
        return websocket.create_connection(url, subprotocols=[protocol], timeout=60, sslopt={
            "ca_certs": conf.ssl_ca_cert, "certfile": conf.cert_file, "keyfile": conf.key_file})

    def execute(self, name, *command, container=None):
        query = [("stdout", "1"), ("stderr", "1")] + [("command", word) for word in command]
        if container: query.append(("container", container))
        one = self.connect(self.pods.path(name, "exec") + "?" + urllib.parse.urlencode(query),
            "v4.channel.k8s.io")
        out = {1: b"", 2: b"", 3: b""}
        while True:
            try: data = one.recv()
            except websocket.WebSocketConnectionClosedException: break
            if not data: break
            data = data if isinstance(data, bytes) else data.encode()
            out[data[0]] += data[1:]
        one.close()
        status = json.loads(out[3] or b"{}")
        return out[1].decode(), out[2].decode(), status.get("status") == "Success", status

    def does(self, name, *command, container=None):
        out, errors, well, status = self.execute(name, *command, container=container)
        self.assertTrue(well, "%s: %s %s %s" % (command, out, errors, status))
        return out

    def shell(self, name, script, container=None): return self.does(name, "sh", "-c", script,
        container=container)

    def python(self, name, *words, container=None):
        return self.execute(name, "/usr/bin/python3", "-S", "-E", "-B", "/programs/agnhost.py", *words,
            container=container)

    def proxy(self, kind, name, path="", verb="GET", status=200, **query):
        tail = "?" + urllib.parse.urlencode(query) if query else ""
        answer = self.send(verb, "/api/v1/namespaces/%s/%s/%s/proxy%s%s" % (self.space, kind, name, path,
            tail), accept="*/*")
        if status: self.assertEqual(answer.status, status, "%s: %s" % (path, answer.data[:500]))
        return answer.data.decode()

    # Workloads

    def apps(self, kind): return self.kind("apps/v1", kind, kind.lower() + "s", self.space)

    def template(self, *containers, labels=None, annotations=None, **spec):
        return {"metadata": {"labels": labels or {"app": "a"}, "annotations": annotations or {}},
            "spec": spec_of(*containers, **spec)}

    def workload(self, kind, name, replicas, template, metadata=None, **more):
        spec = dict({"selector": {"matchLabels": template["metadata"]["labels"]}, "template": template},
            **more)
        if replicas is not None: spec["replicas"] = replicas
        return self.apps(kind).create({"metadata": dict({"name": name,
            "labels": template["metadata"]["labels"]}, **(metadata or {})), "spec": spec})

    def controller(self, name, replicas, template):
        return self.core("ReplicationController", "replicationcontrollers").create(
            {"metadata": {"name": name}, "spec": {
            "replicas": replicas, "selector": template["metadata"]["labels"], "template": template}})

    def ready_pods(self, selector, count, seconds=120):
        def found():
            pods = self.pods.items(labelSelector=selector)
            kept[:] = pods
            return len(pods) == count and all(self.is_ready(one)
                and "deletionTimestamp" not in one["metadata"] for one in pods)
        kept = []
        self.eventually(found, "%d ready pods of %s" % (count, selector), seconds)
        return kept

    def service(self, name, ports, selector=None, **spec):
        spec = dict({"ports": ports, "selector": selector}, **spec)
        return self.core("Service", "services").create({"metadata": {"name": name},
            "spec": {k: v for k, v in spec.items() if v is not None}})

    def endpoints(self, name, seconds=60, **wanted):
        """Until the endpoints have these pods with these ports."""
        def found():
            thing = (self.core("Endpoints", "endpoints").named(name) or [{}])[0]
            got = {}
            for subset in thing.get("subsets", []):
                for address in subset.get("addresses", []):
                    got.setdefault(address.get("targetRef", {}).get("name", address["ip"]),
                        []).extend(port["port"] for port in subset["ports"])
            kept["got"] = {k: sorted(v) for k, v in got.items()}
            return kept["got"] == {k: sorted(v) for k, v in wanted.items()}
        kept = {}
        end = time.monotonic() + seconds
        while not found():
            if time.monotonic() > end: self.fail("endpoints of %s: %s, not %s" % (name, kept, wanted))
            time.sleep(0.1)

    def kubectl(self, *words, input=None, fails=False):
        done = subprocess.run(["/usr/bin/kubectl", "--kubeconfig", NodeSpec.config, "-n", self.space, *words],
            input=input,
                              capture_output=True, text=True, timeout=120)
        if fails is not None: self.assertEqual(done.returncode != 0, fails, done.stdout + done.stderr)
        return done.stdout
