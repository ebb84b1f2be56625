"""[sig-apps] on pods that run."""
import time
from .steps import *


class Deployments(NodeSpec):
    def complete(self, name, replicas, seconds=120):
        def found():
            one = self.apps("Deployment").get(name)
            status = one.get("status", {})
            return (status.get("updatedReplicas"), status.get("replicas"), status.get("availableReplicas"),
                status.get("observedGeneration")) == (replicas, replicas, replicas,
                one["metadata"]["generation"])
        self.eventually(found, "%s to complete" % name, seconds)
        return self.apps("Deployment").get(name)

    def sets(self, selector): return self.apps("ReplicaSet").items(labelSelector=selector)

    def revision(self, thing): return thing["metadata"]["annotations"]["deployment.kubernetes.io/revision"]

    def test_rolling_update_adopts(self):
        self.workload("ReplicaSet", "test-rolling-update-controller", 1,
            self.template(box(), labels={"name": "sample-pod", "pod": "httpd"}),
            metadata={"annotations": {"deployment.kubernetes.io/revision": "3546343826724305832"}})
        self.ready_pods("name=sample-pod", 1)
        self.apps("Deployment").create({"metadata": {"name": "d"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"name": "sample-pod"}},
            "template": self.template(program("pause"), labels={"name": "sample-pod"},
            terminationGracePeriodSeconds=0)}})
        done = self.complete("d", 1)
        self.assertEqual(self.revision(done), "3546343826724305833")
        old = [one for one in self.sets("name=sample-pod") if one["metadata"][
            "name"] == "test-rolling-update-controller"][0]
        self.assertEqual((old["spec"]["replicas"], old["metadata"]["ownerReferences"][0]["name"]), (0, "d"))

    def test_recreate(self):
        self.workload("Deployment", "d", 1, self.template(box()), strategy={"type": "Recreate"})
        self.complete("d", 1)
        rv = self.pods.list(labelSelector="app=a")["metadata"]["resourceVersion"]
        watch = self.pods.watch(labelSelector="app=a", resourceVersion=rv)
        self.apps("Deployment").patch("d", {"spec": {"template": {
            "metadata": {"labels": {"app": "a", "new": "yes"}}}}})
        self.complete("d", 1)
        # None of the new ones began while an old one was there.
        gone = False
        while True:
            kind, pod = watch.next()
            new = "new" in self.labels(pod)
            if not new and (kind == "DELETED" or pod["status"]["phase"] in ("Succeeded",
                "Failed")): gone = True
            if new and "running" in str(pod["status"].get("containerStatuses", "")): self.assertTrue(gone)
            if new and self.is_ready(pod): break

    def test_delete_old_replica_sets(self):
        self.workload("ReplicaSet", "test-cleanup-controller", 1,
            self.template(box(), labels={"name": "cleanup-pod", "pod": "httpd"}))
        self.ready_pods("name=cleanup-pod", 1)
        self.apps("Deployment").create({"metadata": {"name": "d"},
            "spec": {"replicas": 1, "revisionHistoryLimit": 0,
            "selector": {"matchLabels": {"name": "cleanup-pod"}},
            "template": self.template(program("pause"), labels={"name": "cleanup-pod"})}})
        self.eventually(lambda: len(self.sets("name=cleanup-pod")) == 1
            and self.sets("name=cleanup-pod")[0]["metadata"]["name"] != "test-cleanup-controller",
            "the old set to go", 60)
        self.complete("d", 1)
        self.assertEqual(len([one for one in self.pods.items(labelSelector="name=cleanup-pod")
            if "deletionTimestamp" not in one["metadata"]]), 1)

    def test_rollover(self):
        self.workload("ReplicaSet", "test-rollover-controller", 1,
            self.template(box(), labels={"name": "rollover-pod", "pod": "httpd"}))
        self.ready_pods("name=rollover-pod", 1)
        template = self.template({"name": "redis-slave", "image": "nothing/here:nonexistent"},
            labels={"name": "rollover-pod"})
        self.apps("Deployment").create({"metadata": {"name": "d"},
            "spec": {"replicas": 1, "minReadySeconds": 3, "strategy": {"type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "selector": {"matchLabels": {"name": "rollover-pod"}}, "template": template}})
        self.eventually(lambda: len(self.sets("name=rollover-pod")) == 2, "the new set")
        self.eventually(lambda: "deployment.kubernetes.io/revision" in self.notes(
            self.apps("Deployment").get("d")), "a revision")
        self.apps("Deployment").retried("d", lambda one: one["spec"]["template"]["spec"].update(
            containers=[box(name="agnhost")]))
        done = self.complete("d", 1)
        self.assertEqual(self.revision(done), "2")
        for one in self.sets("name=rollover-pod"):
            if one["spec"]["template"]["spec"]["containers"][0]["name"] != "agnhost": self.assertEqual(
                (one["spec"]["replicas"], one["status"]["replicas"]), (0, 0))

    def test_proportional(self):
        made = self.workload("Deployment", "d", 10, self.template(box()),
            strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}})
        self.complete("d", 10)
        first = self.sets("app=a")[0]["metadata"]["name"]
        self.apps("Deployment").retried("d", lambda one: one["spec"]["template"]["spec"]["containers"][
            0].update(image="webserver:404"))

        def sizes():
            found = {("old" if one["metadata"]["name"] == first else "new"): (one["spec"]["replicas"],
                one["status"].get("replicas"), one["status"].get("availableReplicas", 0))
                for one in self.sets("app=a")}
            return found.get("old"), found.get("new")
        self.eventually(lambda: sizes() == ((8, 8, 8), (5, 5, 0)), "8 and 5: " + str(sizes()), 60)
        self.apps("Deployment").retried("d", lambda one: one["spec"].update(replicas=30))
        self.eventually(lambda: (sizes()[0][0], sizes()[1][0]) == (20, 13), "20 and 13: %s" % (sizes(),), 60)

    def test_lifecycle_and_scale(self):
        deployments = self.apps("Deployment")
        self.workload("Deployment", "d", 2, self.template(box(), terminationGracePeriodSeconds=1))
        done = self.complete("d", 2)
        conditions = {one["type"]: (one["status"], one["reason"]) for one in done["status"]["conditions"]}
        self.assertEqual(conditions, {"Available": ("True", "MinimumReplicasAvailable"),
            "Progressing": ("True", "NewReplicaSetAvailable")})
        deployments.patch("d", {"spec": {"replicas": 1, "template": {
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [dict(box(), image="nginx:two")]}}}},
            "strategic")
        done = self.complete("d", 1)
        self.assertEqual(done["spec"]["template"]["spec"]["containers"][0]["image"], "nginx:two")
        scale = deployments.get("d", part="scale")
        self.assertEqual((scale["spec"]["replicas"], scale["status"]["replicas"],
            scale["status"]["selector"]), (1, 1, "app=a"))
        scale["spec"]["replicas"] = 2
        scale.pop("apiVersion"), scale.pop("kind")
        self.ask(200, "PUT", deployments.path("d", "scale"), dict(scale, apiVersion="autoscaling/v1",
            kind="Scale"))
        self.complete("d", 2)
        deployments.patch("d", {"spec": {"replicas": 4}}, part="scale")
        self.complete("d", 4)


class Sets(NodeSpec):
    def test_serve_on_each_replica(self):
        for kind in ("ReplicaSet", "ReplicationController"):
            label = {"name": kind.lower()}
            template = self.template(program("serve-hostname", ports=[{"containerPort": 9376}],
                readinessProbe=http("/", 9376, periodSeconds=1)), labels=label)
            if kind == "ReplicaSet": self.workload(kind, "s", 2, template)
            else: self.controller("s", 2, template)
            for pod in self.ready_pods("name=" + kind.lower(), 2):
                self.assertEqual(self.proxy("pods", pod["metadata"]["name"] + ":9376", "/"),
                    pod["metadata"]["name"])

    def test_adopt_and_release(self):
        for kind in ("ReplicaSet", "ReplicationController"):
            name = "adopt-" + kind.lower()
            self.run_ready(name, box(), labels={"name": name})
            template = self.template(box(), labels={"name": name})
            made = self.workload(kind, name, 1, template) if kind == "ReplicaSet" else self.controller(name,
                1, template)
            owned = lambda: [one["uid"] for one in self.pods.get(name)["metadata"].get("ownerReferences", [])]
            self.eventually(lambda: owned() == [made["metadata"]["uid"]], "adoption", 30)
            self.assertEqual(len(self.pods.items(labelSelector="name=" + name)), 1)
            self.pods.retried(name, lambda pod: pod["metadata"]["labels"].update(name="not-matching-name"))
            self.eventually(lambda: owned() == [], "release", 30)
            self.ready_pods("name=" + name, 1)
            self.remove(name)

    def test_replace_patch_and_scale(self):
        sets = self.apps("ReplicaSet")
        self.workload("ReplicaSet", "test-rs", 1, self.template(box()),
            metadata={"labels": {"test-rs": "patched"}})
        self.ready_pods("app=a", 1)
        self.ask(200, "PUT", sets.path("test-rs", "scale"), dict(sets.get("test-rs", part="scale"),
            spec={"replicas": 2}))
        self.ready_pods("app=a", 2)
        sets.patch("test-rs", {"metadata": {"labels": {"test-rs": "patched"}},
            "spec": {"replicas": 3, "template": {"spec": {"terminationGracePeriodSeconds": 1,
            "containers": [{"name": "c", "image": "nginx:two"}]}}}}, "strategic")
        self.ready_pods("app=a", 3)
        self.eventually(lambda: sets.get("test-rs")["status"].get("readyReplicas") == 3, "three ready")

    def test_quota_failure(self):
        """ReplicationController should surface a failure condition on a common issue like exceeded quota"""
        quotas = self.core("ResourceQuota", "resourcequotas")
        quotas.create({"metadata": {"name": "condition-test"}, "spec": {"hard": {"pods": "2"}}})
        self.eventually(lambda: quotas.get("condition-test").get("status", {}).get("hard"), "the quota")
        controllers = self.core("ReplicationController", "replicationcontrollers")
        self.controller("condition-test", 3, self.template(box()))
        failing = lambda: any(one["type"] == "ReplicaFailure"
            for one in controllers.get("condition-test").get("status", {}).get("conditions", []))
        self.eventually(failing, "the failure", 60)
        controllers.retried("condition-test", lambda one: one["spec"].update(replicas=2))
        self.eventually(lambda: not failing() and controllers.get("condition-test")["status"][
            "observedGeneration"] == controllers.get("condition-test")["metadata"]["generation"],
            "no failure", 60)


class Stateful(NodeSpec):
    PROBE = http("/index.html", 80, periodSeconds=1, successThreshold=1, failureThreshold=1)
    BREAK, MEND = "mv -v /www/index.html /tmp/ || true", "mv -v /tmp/index.html /www/ || true"

    def make(self, name, replicas, probe=True, **more):
        self.service("test", [{"port": 80, "name": "http", "protocol": "TCP"}], {"foo": "bar", "baz": "blah"},
            clusterIP="None")
        web = {"name": "webserver", "image": "nginx:stable-alpine"}
        if probe: web["readinessProbe"] = self.PROBE
        return self.workload("StatefulSet", name, replicas, self.template(web,
            labels={"foo": "bar", "baz": "blah"}, terminationGracePeriodSeconds=30), serviceName="test",
            **more)

    def own(self): return sorted(self.pods.items(labelSelector="baz=blah,foo=bar"),
        key=lambda pod: pod["metadata"]["name"])

    def all_ready(self, count, seconds=120):
        self.eventually(lambda: [self.is_ready(one) and "deletionTimestamp" not in one["metadata"]
            for one in self.own()] == [True] * count, "%d ready" % count, seconds)
        return self.own()

    def status(self, name):
        self.eventually(lambda: self.apps("StatefulSet").get(name)["status"].get("observedGeneration",
            0) >= self.apps("StatefulSet").get(name)["metadata"]["generation"], "the status")
        return self.apps("StatefulSet").get(name)["status"]

    def breaks(self, name): self.shell(name, self.BREAK)
    def mends(self, name): self.shell(name, self.MEND)

    def seen(self, watch, kind, order):
        """These come in this order."""
        found = []
        while order:
            what, pod = watch.next()
            if what == kind and pod["metadata"]["name"] == order[0]: order = order[1:]
            elif what == kind: self.assertNotIn(pod["metadata"]["name"], order, "not in order")

    def test_predictable_scaling(self):
        sets = self.apps("StatefulSet")
        watch = self.pods.watch(labelSelector="baz=blah,foo=bar",
            resourceVersion=self.pods.list()["metadata"]["resourceVersion"])
        self.make("ss", 1)
        self.all_ready(1)
        self.breaks("ss-0")
        self.eventually(lambda: not self.is_ready(self.pods.get("ss-0"))
            and not sets.get("ss")["status"].get("readyReplicas"), "not ready")
        sets.retried("ss", lambda one: one["spec"].update(replicas=3))
        end = time.monotonic() + 3
        while time.monotonic() < end:
            self.assertEqual(len(self.own()), 1)
            time.sleep(0.5)
        self.mends("ss-0")
        self.all_ready(3)
        self.seen(watch, "ADDED", ["ss-0", "ss-1", "ss-2"])
        watch = self.pods.watch(labelSelector="baz=blah,foo=bar",
            resourceVersion=self.pods.list()["metadata"]["resourceVersion"])
        for number in range(3): self.breaks("ss-%d" % number)
        self.eventually(lambda: sets.get("ss")["status"].get("readyReplicas", 0) == 0, "none ready")
        sets.retried("ss", lambda one: one["spec"].update(replicas=0))
        end = time.monotonic() + 3
        while time.monotonic() < end:
            self.assertEqual(len(self.own()), 3)
            time.sleep(0.5)
        for number in range(3): self.mends("ss-%d" % number)
        self.eventually(lambda: not self.own() and sets.get("ss")["status"]["replicas"] == 0, "none left",
            120)
        self.seen(watch, "DELETED", ["ss-2", "ss-1", "ss-0"])

    def test_burst(self):
        sets = self.apps("StatefulSet")
        self.make("ss", 1, podManagementPolicy="Parallel")
        self.all_ready(1)
        self.breaks("ss-0")
        self.eventually(lambda: sets.get("ss")["status"].get("readyReplicas", 0) == 0, "none ready")
        sets.retried("ss", lambda one: one["spec"].update(replicas=3))
        self.eventually(lambda: len([one for one in self.own()
            if one["status"].get("phase") == "Running"]) == 3, "three running")
        self.mends("ss-0")
        self.all_ready(3)
        for number in range(3): self.breaks("ss-%d" % number)
        self.eventually(lambda: sets.get("ss")["status"].get("readyReplicas", 0) == 0, "none ready")
        sets.retried("ss", lambda one: one["spec"].update(replicas=0))
        self.eventually(lambda: not self.own(), "none left", 60)

    def updates(self, name, image):
        self.apps("StatefulSet").retried(name, lambda one: one["spec"]["template"]["spec"]["containers"][
            0].update(image=image))

    def test_rolling_update_and_back(self):
        sets = self.apps("StatefulSet")
        self.make("ss2", 3)
        self.all_ready(3)
        status = self.status("ss2")
        self.assertEqual(status["currentRevision"], status["updateRevision"])
        first = status["currentRevision"]
        for one in self.own(): self.assertEqual(self.labels(one)["controller-revision-hash"], first)
        self.breaks("ss2-1")
        self.eventually(lambda: not self.is_ready(self.pods.get("ss2-1")), "not ready")
        self.updates("ss2", "nginx:two")
        self.eventually(lambda: self.status("ss2")["updateRevision"] != first, "a new revision")
        self.mends("ss2-1")
        self.rolled("ss2", "nginx:two", self.status("ss2")["updateRevision"])
        self.breaks("ss2-1")
        self.eventually(lambda: not self.is_ready(self.pods.get("ss2-1")), "not ready")
        self.updates("ss2", "nginx:stable-alpine")
        self.eventually(lambda: self.status("ss2")["updateRevision"] == first, "the old revision")
        self.mends("ss2-1")
        self.rolled("ss2", "nginx:stable-alpine", first)

    def rolled(self, name, image, revision, partition=0):
        def found():
            pods = self.own()
            return len(pods) == 3 and all(self.is_ready(one) for one in pods) and all(
                one["spec"]["containers"][0]["image"] == image
                    and self.labels(one)["controller-revision-hash"] == revision for one in pods[partition:])
        self.eventually(found, "the update of " + name, 150)
        if not partition: self.eventually(lambda: self.status(name)[
            "currentRevision"] == revision == self.status(name)["updateRevision"], "the revision", 30)

    def test_canary_and_phased(self):
        self.make("ss2", 3, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 3}})
        self.all_ready(3)
        first = self.status("ss2")["currentRevision"]
        self.updates("ss2", "nginx:two")
        self.eventually(lambda: self.status("ss2")["updateRevision"] != first, "a new revision")
        second = self.status("ss2")["updateRevision"]
        self.assertEqual(self.status("ss2")["currentRevision"], first)
        self.assertEqual([one["spec"]["containers"][0]["image"] for one in self.own()],
            ["nginx:stable-alpine"] * 3)

        def partition(number): self.apps("StatefulSet").retried("ss2",
            lambda one: one["spec"]["updateStrategy"]["rollingUpdate"].update(partition=number))

        def check(number):
            self.rolled("ss2", "nginx:two", second, number)
            for index, one in enumerate(self.own()):
                self.assertEqual((one["spec"]["containers"][0]["image"],
                    self.labels(one)["controller-revision-hash"]), ("nginx:two", second) if index >= number
                    else ("nginx:stable-alpine", first))
        partition(2)
        check(2)
        for number in (0, 2): self.pods.delete("ss2-%d" % number, gracePeriodSeconds=0)
        self.all_ready(3)
        check(2)
        for number in (1, 0):
            partition(number)
            check(number)
        self.eventually(lambda: self.status("ss2")["currentRevision"] == second, "the revision", 30)

    def test_recreate_evicted(self):
        self.service("test", [{"port": 80, "name": "http", "protocol": "TCP"}], {"foo": "bar", "baz": "blah"},
            clusterIP="None")
        port = [{"containerPort": 21017, "hostPort": 21017}]
        self.pod("test-pod", box(ports=port), nodeName=self.node)
        self.phase("test-pod", "Running")
        watch = self.pods.watch(fieldSelector="metadata.name=ss-0",
            resourceVersion=self.pods.list()["metadata"]["resourceVersion"])
        self.workload("StatefulSet", "ss", 1, self.template(box(ports=port),
            labels={"foo": "bar", "baz": "blah"}, nodeName=self.node), serviceName="test")
        uid = None
        while True:
            kind, pod = watch.next()
            uid = uid or (pod["metadata"]["uid"] if kind != "DELETED"
                and pod["status"].get("phase") == "Failed" else None)
            if kind == "DELETED": break
        self.assertEqual(pod["status"]["phase"], "Failed")
        self.pods.delete("test-pod", gracePeriodSeconds=0)
        self.eventually(lambda: any(one["status"].get("phase") == "Running" and one["metadata"]["uid"] != uid
            for one in self.own()), "ss-0 to run", 60)

    def test_scale_and_collections(self):
        sets = self.apps("StatefulSet")
        self.make("ss", 1)
        self.all_ready(1)
        self.ask(200, "PUT", sets.path("ss", "scale"), dict(sets.get("ss", part="scale"),
            spec={"replicas": 2}))
        self.all_ready(2)
        sets.patch("ss", {"spec": {"replicas": 3}}, part="scale")
        self.all_ready(3)
        sets.delete_all(labelSelector="baz=blah")
        self.eventually(lambda: not sets.items() and not self.own(), "all to go", 90)


class Daemons(NodeSpec):
    alone = True

    def make(self, name, **spec):
        more = spec.pop("more", {})
        return self.workload("DaemonSet", name, None, self.template(
            program("serve-hostname", name="app", ports=[{"containerPort": 9376}]),
            labels={"daemonset-name": name}, **spec), **more)

    def on_nodes(self, name, count, seconds=60):
        def found():
            pods = [one for one in self.pods.items(labelSelector="daemonset-name=" + name)
                if "deletionTimestamp" not in one["metadata"]]
            return len(pods) == count and all(self.is_ready(one) for one in pods)
        self.eventually(found, "%d daemons" % count, seconds)
        if count:
            def status():
                one = self.apps("DaemonSet").get(name)["status"]
                return one["desiredNumberScheduled"] == one["currentNumberScheduled"] == one.get(
                    "numberReady") == count
            self.eventually(status, "the status")

    def names(self, name): return [one["metadata"]["name"] for one in self.pods.items(
        labelSelector="daemonset-name=" + name)]

    def test_simple_and_failed(self):
        """run and stop simple daemon; retry creating failed daemon pods"""
        self.make("daemon-set")
        self.on_nodes("daemon-set", 1)
        name = self.names("daemon-set")[0]
        self.pods.delete(name)
        self.eventually(lambda: name not in self.names("daemon-set"), "the pod to go")
        self.on_nodes("daemon-set", 1)
        # A pod that is said to have failed is made again.
        name = self.names("daemon-set")[0]
        pod = self.pods.get(name)
        pod["metadata"].pop("resourceVersion")
        pod["status"]["phase"] = "Failed"
        self.pods.update(pod, part="status")
        self.eventually(lambda: name not in self.names("daemon-set"), "the failed pod to go", 60)
        self.on_nodes("daemon-set", 1)

    def test_complex(self):
        nodes = self.kind("v1", "Node", "nodes")
        self.make("daemon-set", nodeSelector={"daemonset-color": "blue"})
        time.sleep(1)
        self.assertEqual(self.names("daemon-set"), [])
        self.addCleanup(nodes.patch, self.node, {"metadata": {"labels": {"daemonset-color": None}}})
        nodes.patch(self.node, {"metadata": {"labels": {"daemonset-color": "blue"}}})
        self.on_nodes("daemon-set", 1)
        nodes.patch(self.node, {"metadata": {"labels": {"daemonset-color": "green"}}})
        self.on_nodes("daemon-set", 0)
        self.apps("DaemonSet").retried("daemon-set", lambda one: one["spec"].update(
            updateStrategy={"type": "RollingUpdate"}) or one["spec"]["template"]["spec"].update(
            nodeSelector={"daemonset-color": "green"}))
        self.on_nodes("daemon-set", 1)

    def test_rolling_update(self):
        sets, histories = self.apps("DaemonSet"), self.kind("apps/v1", "ControllerRevision",
            "controllerrevisions", self.space)
        self.make("daemon-set", more={"updateStrategy": {"type": "RollingUpdate"}})
        self.on_nodes("daemon-set", 1)
        of = lambda revision: [one for one in histories.items(labelSelector="daemonset-name=daemon-set")
            if one["revision"] == revision]
        hash = of(1)[0]["metadata"]["labels"]["controller-revision-hash"]
        self.assertEqual([self.labels(one)["controller-revision-hash"]
            for one in self.pods.items(labelSelector="daemonset-name=daemon-set")], [hash])
        sets.patch("daemon-set", {"spec": {"template": {"spec": {
            "containers": [{"name": "app", "image": "nginx:two"}]}}}}, "strategic")
        self.eventually(lambda: [one["spec"]["containers"][0]["image"]
            for one in self.pods.items(labelSelector="daemonset-name=daemon-set")] == ["nginx:two"],
            "the new image", 60)
        self.on_nodes("daemon-set", 1)
        hash = of(2)[0]["metadata"]["labels"]["controller-revision-hash"]
        self.assertEqual([self.labels(one)["controller-revision-hash"]
            for one in self.pods.items(labelSelector="daemonset-name=daemon-set")], [hash])
        # And back; the revision is the same object with a higher number.
        sets.patch("daemon-set", {"spec": {"template": {"spec": {
            "containers": [{"name": "app", "image": "busybox:1"}]}}}}, "strategic")
        self.eventually(lambda: of(3) and not of(1), "revision 3")
        self.on_nodes("daemon-set", 1)

    def test_orphan(self):
        self.make("daemon-set")
        self.on_nodes("daemon-set", 1)
        name = self.names("daemon-set")[0]
        self.apps("DaemonSet").delete("daemon-set", propagationPolicy="Orphan")
        self.eventually(lambda: not self.pods.get(name)["metadata"].get("ownerReferences"), "orphans")
        self.make("daemon-set")
        self.eventually(lambda: self.pods.get(name)["metadata"].get("ownerReferences"), "adoption")
        self.assertEqual(self.names("daemon-set"), [name])


class Jobs(NodeSpec):
    def setUp(self):
        super().setUp()
        self.jobs = self.kind("batch/v1", "Job", "jobs", self.space)

    def make(self, name, script, policy="Never", parallelism=2, completions=4, limit=6, **more):
        template = {"metadata": {"labels": {"job": name}}, "spec": spec_of(
            box(script, volumeMounts=[{"name": "data", "mountPath": "/data"}],
                env=env(INDEX=field("metadata.labels['batch.kubernetes.io/job-completion-index']"))
                if more.get("completionMode") else [],
                securityContext={}), restartPolicy=policy, volumes=[{"name": "data", "emptyDir": {}}])}
        return self.jobs.create({"metadata": {"name": name}, "spec": dict(
            {"parallelism": parallelism, "completions": completions, "backoffLimit": limit,
            "template": template}, **more)})

    def own(self, name): return self.pods.items(labelSelector="job=" + name)

    def ended(self, name, kind, reason=None, seconds=120):
        def found():
            for one in self.jobs.get(name).get("status", {}).get("conditions", []):
                if one["type"] == kind and one["status"] == "True":
                    if reason: self.assertEqual(one["reason"], reason)
                    return True
        self.eventually(found, "%s of %s" % (kind, name), seconds)
        return self.jobs.get(name)["status"]

    def test_fail_once_locally(self):
        self.make("fail-once-local", "if [ -r /data/foo ]; then exit 0; else touch /data/foo; exit 1; fi",
            "OnFailure")
        status = self.ended("fail-once-local", "Complete", "CompletionsReached")
        self.assertEqual(status["succeeded"], 4)
        for one in self.own("fail-once-local"): self.assertEqual(
            one["status"]["containerStatuses"][0]["restartCount"], 1)

    def test_indexed(self):
        self.make("indexed-job", "exit 0", completionMode="Indexed")
        self.ended("indexed-job", "Complete")
        found = {}
        for one in self.own("indexed-job"):
            index = self.notes(one)["batch.kubernetes.io/job-completion-index"]
            self.assertEqual(self.labels(one)["batch.kubernetes.io/job-completion-index"], index)
            found[int(index)] = one["spec"]["hostname"]
        self.assertEqual(found, {n: "indexed-job-%d" % n for n in range(4)})
        self.assertEqual(self.jobs.get("indexed-job")["status"]["completedIndexes"], "0-3")

    def test_backoff_limit_per_index(self):
        self.make("per-index", '[ $((INDEX % 2)) = 1 ]' , completionMode="Indexed", limit=6,
            backoffLimitPerIndex=1)
        status = self.ended("per-index", "Failed", "FailedIndexes")
        self.assertEqual((status["failedIndexes"], status["completedIndexes"], status["failed"],
            status["succeeded"]), ("0,2", "1,3", 4, 2))

    def test_max_failed_indexes(self):
        self.make("max-failed", "exit 1", completionMode="Indexed", backoffLimitPerIndex=0,
            maxFailedIndexes=0, limit=6)
        status = self.ended("max-failed", "Failed", "MaxFailedIndexesExceeded")
        self.assertIn(status["failedIndexes"], ("0", "1", "0,1"))

    def test_fail_index_action(self):
        self.make("fail-index", "if [ $INDEX = 0 ]; then exit 3; elif [ $INDEX = 1 ]; then exit 1; fi",
            completionMode="Indexed", backoffLimitPerIndex=1, completions=2, parallelism=2, limit=6,
                  podFailurePolicy={"rules": [{"action": "FailIndex",
                      "onExitCodes": {"operator": "In", "values": [3]}}]})
        status = self.ended("fail-index", "Failed", "FailedIndexes")
        self.assertEqual(status["failedIndexes"], "0,1")
        self.assertEqual(status["failed"], 3)

    def test_fail_job_on_exit_code(self):
        self.make("fail-job", "exit 1", podFailurePolicy={"rules": [
            {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1]}}]})
        self.ended("fail-job", "Failed", "PodFailurePolicy")

    def test_ignore_disruption(self):
        """allow to use a pod failure policy to ignore failure matching on DisruptionTarget condition"""
        folder = "/var/lib/kubelet/flag-" + self.space
        template = {"metadata": {"labels": {"job": "ignore"}},
            "spec": spec_of(
            box("[ -e /flag/seen ] && exit 0; touch /flag/seen; trap 'exit 1' TERM; while sleep 1; do :; done",
            volumeMounts=[{"name": "f", "mountPath": "/flag"}]),
            restartPolicy="Never", volumes=[{"name": "f", "hostPath": {"path": folder,
                "type": "DirectoryOrCreate"}}])}
        self.jobs.create({"metadata": {"name": "ignore"}, "spec": {"backoffLimit": 0, "template": template,
            "podFailurePolicy": {"rules": [{"action": "Ignore",
            "onPodConditions": [{"type": "DisruptionTarget"}]}]}}})
        self.ready_pods("job=ignore", 1)
        name = self.own("ignore")[0]["metadata"]["name"]
        self.ask(201, "POST", self.pods.path(name, "eviction"),
            {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}})
        status = self.ended("ignore", "Complete")
        self.assertEqual((status["succeeded"], status.get("failed", 0)), (1, 0))

    def test_success_policies(self):
        hang = "if [ $INDEX -gt 0 ]; then exec sleep 1000; fi; exit 0"
        self.make("all", "exit 0", completionMode="Indexed", parallelism=2, completions=2,
            successPolicy={"rules": [{"succeededIndexes": "0-1"}]})
        self.make("count", hang, completionMode="Indexed", parallelism=2, completions=5,
            successPolicy={"rules": [{"succeededCount": 1}]})
        self.make("indexes", hang, completionMode="Indexed", parallelism=2, completions=5,
            successPolicy={"rules": [{"succeededIndexes": "0"}]})
        for name in ("all", "count", "indexes"):
            status = self.ended(name, "SuccessCriteriaMet", "SuccessPolicy")
            status = self.ended(name, "Complete", "SuccessPolicy")
            self.assertEqual(status["completedIndexes"], "0,1" if name == "all" else "0")
            if name != "all": self.eventually(lambda: not [one for one in self.own(name)
                if one["status"]["phase"] == "Running"], "the others to end", 60)

    def test_delete(self):
        self.make("foo", "sleep 1000000")
        self.ready_pods("job=foo", 2)
        self.jobs.delete("foo", propagationPolicy="Foreground")
        self.eventually(lambda: not self.jobs.named("foo") and not self.own("foo"), "all to go", 60)

    def test_adopt_and_release(self):
        made = self.make("adopt", "sleep 1000000")
        self.ready_pods("job=adopt", 2)
        name = self.own("adopt")[0]["metadata"]["name"]
        self.pods.retried(name, lambda pod: pod["metadata"].pop("ownerReferences"))
        owners = lambda: [one["uid"] for one in self.pods.get(name)["metadata"].get("ownerReferences", [])]
        self.eventually(lambda: owners() == [made["metadata"]["uid"]], "adoption", 30)
        self.pods.retried(name, lambda pod: pod["metadata"].pop("labels"))
        self.eventually(lambda: owners() == [], "release", 30)
        self.assertFalse(self.pods.get(name)["metadata"].get("finalizers"))

    def test_suspend(self):
        self.make("sus", "sleep 1000000", suspend=True)
        self.ended("sus", "Suspended")
        self.assertEqual(self.own("sus"), [])
        self.jobs.retried("sus", lambda one: one["spec"].update(suspend=False))
        self.ready_pods("job=sus", 2)
        self.jobs.retried("sus", lambda one: one["spec"].update(suspend=True))
        self.eventually(lambda: not self.own("sus"), "the pods to go", 60)


class Disruption(NodeSpec):
    def setUp(self):
        super().setUp()
        self.budgets = self.kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", self.space)

    def evict(self, name, status):
        return self.ask(status, "POST", self.pods.path(name, "eviction"),
            {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}})

    def test_block_until_updated(self):
        for name in ("rs-1", "rs-2", "rs-3"): self.pod(name, box(), labels={"foo": "bar"})
        self.budgets.create({"metadata": {"name": "foo"}, "spec": {"minAvailable": 3,
            "selector": {"matchLabels": {"foo": "bar"}}}})
        self.ready_pods("foo=bar", 3)
        self.eventually(lambda: self.budgets.get("foo").get("status", {}).get("currentHealthy") == 3,
            "the status")
        answer = self.evict("rs-1", 429)
        self.assertEqual(answer["details"]["causes"][0]["reason"], "DisruptionBudget")
        self.budgets.retried("foo", lambda one: one["spec"].update(minAvailable=2))
        self.eventually(lambda: self.budgets.get("foo")["status"]["disruptionsAllowed"] == 1, "an allowance")
        self.evict("rs-1", 201)
        self.gone_pod("rs-1")
        self.pod("rs-4", box(), labels={"foo": "bar"})
        self.ready_pods("foo=bar", 3)
        self.budgets.patch("foo", {"spec": {"minAvailable": 3}})
        self.eventually(lambda: self.budgets.get("foo")["status"]["disruptionsAllowed"] == 0
            and self.budgets.get("foo")["status"]["observedGeneration"] == self.budgets.get("foo")[
            "metadata"]["generation"], "no allowance")
        self.evict("rs-2", 429)
        self.budgets.delete("foo")
        self.evict("rs-2", 201)
        self.gone_pod("rs-2")

    def test_status(self):
        self.budgets.create({"metadata": {"name": "b"}, "spec": {"minAvailable": 1,
            "selector": {"matchLabels": {"foo": "bar"}}}})
        for name in ("a", "b"): self.pod(name, box(), labels={"foo": "bar"})
        self.ready_pods("foo=bar", 2)
        self.eventually(lambda: self.budgets.get("b")["status"].get("disruptionsAllowed") == 1,
            "an allowance", 30)
