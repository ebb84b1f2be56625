"""[sig-scheduling] and taints, one at a time."""
import time
from .steps import *


class Alone(NodeSpec):
    alone = True

    def setUp(self):
        super().setUp()
        self.nodes = self.kind("v1", "Node", "nodes")

    def resource(self, name, amount):
        self.nodes.patch(self.node, {"status": {"capacity": {name: amount}, "allocatable": {name: amount}}},
            "strategic", part="status")
        self.addCleanup(self.nodes.patch, self.node, {"status": {"capacity": {name: None},
            "allocatable": {name: None}}}, "strategic", part="status")


class Predicates(Alone):
    def test_resource_limits(self):
        self.resource("example.com/beardsecond", "1000")
        need = lambda amount: {"resources": {"requests": {"example.com/beardsecond": amount},
            "limits": {"example.com/beardsecond": amount}}}
        self.pod("filler", box(**need("700")))
        self.ready("filler")
        self.pod("additional", box(**need("500")))
        self.waits("additional", lambda pod: self.condition(pod,
            "PodScheduled").get("reason") == "Unschedulable", "to be unschedulable")
        self.assertIn("Insufficient example.com/beardsecond",
            self.condition(self.pods.get("additional"), "PodScheduled")["message"])
        self.eventually(lambda: any(one["reason"] == "FailedScheduling"
            for one in self.core("Event", "events").items(fieldSelector="involvedObject.name=additional")),
            "an event")
        # cpu, as upstream fills the node with.
        cpu = int(self.nodes.get(self.node)["status"]["allocatable"]["cpu"]) * 1000
        self.pod("cpu", box(resources={"requests": {"cpu": "%dm" % (cpu + 1)},
            "limits": {"cpu": "%dm" % (cpu + 1)}}))
        self.waits("cpu", lambda pod: "Insufficient cpu" in self.condition(pod, "PodScheduled").get("message",
            ""), "to be unschedulable")

    def test_node_selector(self):
        self.pod("restricted", box(), nodeSelector={"label": "nonempty"})
        self.waits("restricted", lambda pod: self.condition(pod,
            "PodScheduled").get("reason") == "Unschedulable", "to be unschedulable")
        label = "kubernetes.io/e2e-" + self.space
        self.nodes.patch(self.node, {"metadata": {"labels": {label: "42"}}})
        self.addCleanup(self.nodes.patch, self.node, {"metadata": {"labels": {label: None}}})
        self.pod("with-labels", box(), nodeSelector={label: "42"})
        self.ready("with-labels")

    def test_host_port_conflict(self):
        port = lambda ip: [{"hostPort": 54322, "containerPort": 8080, "protocol": "TCP", "hostIP": ip}]
        self.pod("pod4", box(ports=port("0.0.0.0")))
        self.ready("pod4")
        self.pod("pod5", box(ports=port(self.node_address)))
        self.waits("pod5", lambda pod: self.condition(pod, "PodScheduled").get("reason") == "Unschedulable",
            "to be unschedulable")
        self.assertNotIn("nodeName", self.pods.get("pod5")["spec"])


class Preemption(Alone):
    def priorities(self, **values):
        classes = self.kind("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses")
        for name, value in values.items():
            full = name + "-" + self.space
            classes.create({"metadata": {"name": full}, "value": value})
            self.addCleanup(classes.delete, full)
        return {name: name + "-" + self.space for name in values}

    def need(self, amount): return {"resources": {"requests": {"scheduling.k8s.io/foo": amount},
        "limits": {"scheduling.k8s.io/foo": amount}}}

    def test_basic_and_critical(self):
        names = self.priorities(low=1, high=1000)
        self.resource("scheduling.k8s.io/foo", "5")
        for victim in ("basic", "critical"):
            self.pod("low-" + victim, box(**self.need("3")), priorityClassName=names["low"])
            self.ready("low-" + victim)
            pods = self.pods if victim == "basic" else self.kind("v1", "Pod", "pods", "kube-system")
            watch = self.pods.watch(fieldSelector="metadata.name=low-" + victim,
                resourceVersion=self.pods.list()["metadata"]["resourceVersion"])
            one = "preemptor-" + victim
            pods.create({"metadata": {"name": one}, "spec": spec_of(box(**self.need("3")),
                priorityClassName=names["high"] if victim == "basic" else "system-cluster-critical")})
            condition = {}
            while True:
                kind, pod = watch.next()
                condition = self.condition(pod, "DisruptionTarget") or condition
                if kind == "DELETED": break
            self.assertEqual((condition["status"], condition["reason"]), ("True", "PreemptionByScheduler"),
                condition)
            self.eventually(lambda: pods.get(one)["status"].get("phase") == "Running", "the preemptor", 60)
            pods.delete(one, gracePeriodSeconds=0)
            self.eventually(lambda: not pods.named(one), "its end")

    def test_disruption_condition(self):
        """validates pod disruption condition is added to the preempted pod, which a finalizer keeps"""
        names = self.priorities(low=1, high=1000)
        self.resource("scheduling.k8s.io/foo", "1")
        self.pods.create({"metadata": {"name": "victim", "finalizers": ["example.com/test-finalizer"]},
            "spec": spec_of(box(**self.need("1")), priorityClassName=names["low"])})
        self.ready("victim")
        self.pods.create({"metadata": {"name": "preemptor"}, "spec": spec_of(box(**self.need("1")),
            priorityClassName=names["high"])})
        pod = self.waits("victim", lambda pod: "deletionTimestamp" in pod["metadata"], "its deletion", 60)
        self.assertEqual(self.condition(pod, "DisruptionTarget").get("reason"), "PreemptionByScheduler")
        self.waits("preemptor", lambda pod: pod["status"].get("phase") == "Running", "the preemptor", 60)
        self.pods.retried("victim", lambda pod: pod["metadata"].pop("finalizers"))

    def test_path_of_replica_sets(self):
        names = self.priorities(p1=1, p2=2, p3=3, p4=4)
        self.resource("example.com/fakecpu", "1000")
        need = lambda amount: {"resources": {"requests": {"example.com/fakecpu": amount},
            "limits": {"example.com/fakecpu": amount}}}
        for number, (replicas, amount) in enumerate(((1, "200"), (1, "300"), (1, "450")), 1):
            self.workload("ReplicaSet", "rs-pod%d" % number, replicas,
                self.template(box(**need(amount)), labels={"name": "pod%d" % number},
                priorityClassName=names["p%d" % number], nodeSelector={"kubernetes.io/hostname": self.node}))
            self.ready_pods("name=pod%d" % number, replicas)
        self.workload("ReplicaSet", "rs-pod4", 1, self.template(box(**need("500")), labels={"name": "pod4"},
            priorityClassName=names["p4"]))
        self.ready_pods("name=pod4", 1)
        # The first two make place, the third stays.
        self.ready_pods("name=pod3", 1)
        for number in (1, 2): self.assertFalse([one for one in self.pods.items(
            labelSelector="name=pod%d" % number) if self.is_ready(one)])


class Taints(Alone):
    TAINT = {"key": "kubernetes.io/e2e-evict-taint-key", "value": "evictTaintVal", "effect": "NoExecute"}

    def taint(self): self.nodes.retried(self.node, lambda node: node["spec"].update(
        taints=node["spec"].get("taints", []) + [self.TAINT]))

    def untaint(self): self.nodes.retried(self.node, lambda node: node["spec"].update(
        taints=[one for one in node["spec"].get("taints", []) if one["key"] != self.TAINT["key"]]))

    def make(self, name, seconds):
        self.pod(name, box(), tolerations=[dict(self.TAINT, operator="Equal", tolerationSeconds=seconds)])
        self.ready(name)

    def test_removal_cancels(self):
        self.make("p", 6)
        self.taint()
        time.sleep(3)
        self.assertNotIn("deletionTimestamp", self.pods.get("p")["metadata"])
        self.untaint()
        end = time.monotonic() + 5
        while time.monotonic() < end:
            self.assertNotIn("deletionTimestamp", self.pods.get("p")["metadata"])
            time.sleep(1)

    def test_minimal_seconds(self):
        self.addCleanup(self.untaint)
        self.make("p1", 2)
        self.make("p2", 5)
        begin = time.monotonic()
        self.taint()
        watch = self.pods.watch(resourceVersion=self.pods.list()["metadata"]["resourceVersion"])
        first = watch.until("DELETED")
        one = time.monotonic() - begin
        self.assertEqual((first["metadata"]["name"], self.condition(first, "DisruptionTarget").get("reason")),
            ("p1", "DeletionByTaintManager"))
        self.assertEqual(watch.until("DELETED")["metadata"]["name"], "p2")
        two = time.monotonic() - begin
        self.assertTrue(1.5 < one < two and two > 4.5)
