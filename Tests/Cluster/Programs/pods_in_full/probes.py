"""The fields of probes."""
import time

from conformance_node.steps import box, env, key_pair, program
from pods_in_full.steps import PodSpec

DEAF = "trap '' TERM; while :; do sleep 0.2; done"
OFTEN = {"periodSeconds": 1, "failureThreshold": 1}


def http(path, port, **more): return {"httpGet": dict({"path": path, "port": port}, **more),
    "periodSeconds": 1}


def runs(*command, **more): return dict({"exec": {"command": list(command)}}, **more)


class Probes(PodSpec):
    def test_success_threshold(self):
        self.pod("p", box("exec sleep 100000", readinessProbe=runs("true", periodSeconds=2,
            successThreshold=3)))
        self.waits("p", lambda pod: self.container(pod).get("started"), "its start")
        began = time.monotonic()
        self.ready("p")
        self.assertGreaterEqual(time.monotonic() - began, 3)

    def test_failure_threshold(self):
        """One that fails for a moment is not started again."""
        script = "touch /tmp/up; sleep 3; rm /tmp/up; sleep 1.5; touch /tmp/up; exec sleep 100000"
        self.pod("p", box(script, livenessProbe=runs("cat", "/tmp/up", periodSeconds=1, failureThreshold=4)))
        self.told("p", "Unhealthy", "Liveness probe failed: cat: can't open '/tmp/up'")
        time.sleep(5)
        self.assertEqual(self.container(self.pods.get("p"))["restartCount"], 0)

    def test_grace_of_a_probe(self):
        """It goes before the pod's, which would take a minute."""
        began = time.monotonic()
        self.pod("p", box(DEAF, livenessProbe=runs("false", terminationGracePeriodSeconds=1, **OFTEN)),
            terminationGracePeriodSeconds=60)
        self.pod("s", box(DEAF, startupProbe=runs("false", terminationGracePeriodSeconds=1, **OFTEN)),
            terminationGracePeriodSeconds=60)
        for name, kind in (("p", "liveness"), ("s", "startup")):
            self.restarts(name, 1, seconds=40)
            self.told(name, "Killing", "Container c failed %s probe, will be restarted" % kind)
        self.assertLess(time.monotonic() - began, 40)
        for name in ("p", "s"): self.pods.delete(name, gracePeriodSeconds=0)

    def test_a_start_that_never_comes(self):
        self.pod("p", box("exec sleep 100000", startupProbe=runs("false", periodSeconds=1,
            failureThreshold=3)))
        pod = self.restarts("p", 1)
        one = self.container(pod)
        self.assertEqual((one["ready"], one["started"]), (False, False))
        self.assertEqual(one["lastState"]["terminated"]["exitCode"], 137)

    def test_a_start_that_never_comes_is_the_end_without_restarts(self):
        self.pod("p", box("exec sleep 100000", startupProbe=runs("false", **OFTEN)), restartPolicy="Never")
        self.phase("p", "Failed")

    def test_host_scheme_and_headers(self):
        keys = key_pair()
        self.run_ready("safe", program("porter", env=env(SERVE_TLS_PORT_1443="hello", **keys)))
        host = self.address("safe")
        headers = [{"name": "User-Agent", "value": "lamp/1"}, {"name": "Who", "value": "me"},
            {"name": "Who", "value": "you"}, {"name": "Host", "value": "oil.example"}]
        self.pod("tls", box("exec sleep 100000", readinessProbe=http("/", 1443, host=host, scheme="HTTPS",
            httpHeaders=headers)))
        self.pod("named", program("headers", name="c", ports=[{"name": "web", "containerPort": 8080}],
            readinessProbe=http("/look?x=1", "web", httpHeaders=headers)))
        self.pod("plain", program("headers", name="c", readinessProbe=http("look", 8080)))
        self.pod("wrong", program("headers", name="c", readinessProbe=http("/", 8080, scheme="HTTPS")))
        for name in ("tls", "named", "plain"): self.ready(name)
        self.logs("safe", "GET /")
        self.logs("named", "GET /look?x=1 User-Agent=lamp/1 Who=me Who=you Host=oil.example")
        self.logs("plain", "GET /look User-Agent=kube-probe/1.36 Accept=*/*")
        self.told("wrong", "Unhealthy", 'Readiness probe failed: Get "https://')

    def test_redirects(self):
        """One to the same host is followed, one to another is no failure."""
        self.pod("here", program("headers", name="c", readinessProbe=http("/to?/lost", 8080)))
        self.pod("there", program("headers", name="c", readinessProbe=http("/to?http://192.0.2.1/", 8080)))
        self.ready("there")
        self.told("there", "ProbeWarning", "Readiness probe warning: Probe terminated redirects")
        self.told("here", "Unhealthy", "HTTP probe failed with statuscode: 404")
        self.assertFalse(self.is_ready(self.pods.get("here")))

    def test_time_out(self):
        slow = program("headers", name="c", readinessProbe=http("/slow", 8080))
        slow["readinessProbe"]["timeoutSeconds"] = 1
        self.pod("p", slow)
        self.told("p", "Unhealthy",
            "context deadline exceeded (Client.Timeout exceeded while awaiting headers)")

    def test_a_port_of_a_name_over_tcp(self):
        self.pod("p", program("headers", name="c", ports=[{"name": "web", "containerPort": 8080}],
            readinessProbe={"tcpSocket": {"port": "web"}, "periodSeconds": 1}))
        self.ready("p")

    def test_probes_of_a_sidecar(self):
        """It is ready or not as the others are, and is restarted alone."""
        side = box("touch /tmp/up; exec sleep 100000", name="s", restartPolicy="Always",
            readinessProbe=runs("cat", "/tmp/ready", **OFTEN), livenessProbe=runs("cat", "/tmp/up", **OFTEN))
        self.pod("p", box("exec sleep 100000"), initContainers=[side])
        pod = self.phase("p", "Running")
        self.assertEqual(self.condition(pod, "ContainersReady").get("status"), "False")
        self.shell("p", "touch /tmp/ready", container="s")
        self.ready("p")
        self.shell("p", "rm /tmp/up", container="s")
        self.waits("p", lambda pod: self.container(pod, "s", "initContainerStatuses")["restartCount"] == 1,
            "its restart")
        self.assertEqual(self.container(self.pods.get("p"))["restartCount"], 0)
