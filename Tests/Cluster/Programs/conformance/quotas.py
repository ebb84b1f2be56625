"""[sig-api-machinery] ResourceQuota and [sig-scheduling] LimitRange and PriorityClass."""
from .steps import POD, SELECTOR, Spec, TEMPLATE

DONGLE = "requests.example.com/dongle"


def pod(requests=None, limits=None, **more):
    container = {"name": "pause", "image": "example.org/none", "resources": {
        "requests": requests or {}, "limits": limits or {}}}
    return {"spec": dict(more, containers=[container])}


class Quotas(Spec):
    def setUp(self):
        super().setUp()
        self.quotas = self.core("ResourceQuota", "resourcequotas")
        self.pods = self.core("Pod", "pods")

    def quota(self, name="test-quota", scopes=None, **hard):
        """The quota that most of the specs begin with, or one of some pods."""
        every = {
            "pods": "5", "services": "10", "services.nodeports": "1", "services.loadbalancers": "1",
            "replicationcontrollers": "10", "resourcequotas": "1", "configmaps": "10", "secrets": "10",
            "persistentvolumeclaims": "10", "requests.storage": "10Gi", "cpu": "1", "memory": "500Mi",
            "ephemeral-storage": "50Gi", "gold.storageclass.storage.k8s.io/requests.storage": "10Gi",
            DONGLE: "3", "count/replicasets.apps": "5"}
        spec = {"hard": {"pods": "5"}, "scopes": scopes} if scopes else {"hard": dict(every, **hard)}
        self.quotas.create({"metadata": {"name": name}, "spec": spec})

    def used(self, name="test-quota", **wanted):
        """Waits until the quota says that so much is used of all that it has."""
        def known():
            one = self.quotas.get(name)
            status = one.get("status", {})
            self.last = status
            used = status.get("used", {})
            return status.get("hard") == one["spec"]["hard"] and all(
                used.get(key) == value for key, value in wanted.items())
        self.eventually(known, "the use of %s: %s" % (name, wanted))

    def made(self, name, thing): return dict(thing, metadata={"name": name})

    def test_should_ensure_its_status_is_promptly_calculated(self):
        self.quota()
        self.used(resourcequotas="1", pods="0", cpu="0", memory="0")

    def test_should_capture_the_life_of_a_service(self):
        services = self.core("Service", "services")
        service = lambda **more: {"spec": dict(more, ports=[{"port": 80, "targetPort": 80}])}
        self.quota()
        self.used(resourcequotas="1")
        services.create(self.made("a", service(type="ClusterIP")))
        services.create(self.made("np", service(type="NodePort")))
        services.create(
            self.made("lb", service(type="LoadBalancer", allocateLoadBalancerNodePorts=True)), status=403)
        self.used(services="2", **{"services.nodeports": "1"})
        for name in ("a", "np"): services.delete(name)
        self.used(services="0", **{"services.nodeports": "0"})

    def test_should_capture_the_life_of_a_secret(self):
        secrets = self.core("Secret", "secrets")
        self.quota(secrets="1")
        self.used(resourcequotas="1", secrets="0")
        secrets.create(self.made("s", {"data": {"data-1": "dmFsdWUtMQo="}}))
        self.used(secrets="1")
        secrets.delete("s")
        self.used(secrets="0")

    def test_should_capture_the_life_of_a_config_map(self):
        maps = self.core("ConfigMap", "configmaps")
        self.quota(configmaps="2")
        self.used(resourcequotas="1", configmaps="1")
        maps.create(self.made("m", {"data": {"a": "b"}}))
        self.used(configmaps="2")
        maps.delete("m")
        self.used(configmaps="1")

    def test_should_capture_the_life_of_a_pod(self):
        dongles = {"example.com/dongle": "2"}
        fitting = dict({"cpu": "500m", "memory": "252Mi", "ephemeral-storage": "30Gi"}, **dongles)
        self.quota()
        self.used(resourcequotas="1")
        made = self.pods.create(self.made("p", pod(fitting, dongles)))
        full = {"pods": "1", "cpu": "500m", "memory": "252Mi", "ephemeral-storage": "30Gi", DONGLE: "2"}
        self.used(**full)
        self.pods.create(self.made("fails", pod({"cpu": "600m", "memory": "100Mi"})), status=403)
        self.pods.create(self.made("fails", pod(dict(fitting, memory="100Mi"), dongles)), status=403)
        smaller = {"cpu": "100m", "memory": "100Mi", "ephemeral-storage": "10Gi"}
        made["metadata"].pop("resourceVersion")
        made["spec"]["containers"][0]["resources"]["requests"] = smaller
        self.pods.update(made, status=422)
        self.used(**full)
        self.pods.delete("p", gracePeriodSeconds=0)
        self.used(**dict.fromkeys(full, "0"))

    def test_should_capture_the_life_of_a_replication_controller(self):
        controllers = self.core("ReplicationController", "replicationcontrollers")
        self.quota()
        self.used(resourcequotas="1")
        controllers.create(self.made("rc", {"spec": {
            "replicas": 0, "selector": {"app": "a"}, "template": TEMPLATE}}))
        self.used(replicationcontrollers="1")
        controllers.delete("rc", propagationPolicy="Orphan")
        self.used(replicationcontrollers="0")

    def test_should_capture_the_life_of_a_replica_set(self):
        sets = self.kind("apps/v1", "ReplicaSet", "replicasets", self.space)
        self.quota()
        self.used(**{"count/replicasets.apps": "0"})
        sets.create(self.made("rs", {"spec": {"replicas": 0, "selector": SELECTOR, "template": TEMPLATE}}))
        self.used(**{"count/replicasets.apps": "1"})
        sets.delete("rs")
        self.used(**{"count/replicasets.apps": "0"})

    def test_should_verify_terminating_scopes(self):
        self.scoped({"Terminating": 3600, "NotTerminating": None})

    def scoped(self, deadlines):
        sizes = ({"cpu": "500m", "memory": "200Mi"}, {"cpu": "1", "memory": "400Mi"})
        for scope in deadlines: self.quota("quota-" + scope.lower(), [scope])
        for scope in deadlines: self.used("quota-" + scope.lower(), pods="0")
        for scope, deadline in deadlines.items():
            more = {"activeDeadlineSeconds": deadline} if deadline else {}
            self.pods.create(self.made("p", pod(*sizes, **more)))
            for other in deadlines: self.used("quota-" + other.lower(), pods="1" if other == scope else "0")
            self.pods.delete("p", gracePeriodSeconds=0)
            self.used("quota-" + scope.lower(), pods="0")

    def test_should_verify_best_effort_scope(self):
        scopes = {"BestEffort": pod(), "NotBestEffort": pod(
            {"cpu": "500m", "memory": "200Mi"}, {"cpu": "1", "memory": "400Mi"})}
        for scope in scopes: self.quota("quota-" + scope.lower(), [scope])
        for scope in scopes: self.used("quota-" + scope.lower(), pods="0")
        for scope, thing in scopes.items():
            self.pods.create(self.made("p", thing))
            for other in scopes: self.used("quota-" + other.lower(), pods="1" if other == scope else "0")
            self.pods.delete("p", gracePeriodSeconds=0)
            self.used("quota-" + scope.lower(), pods="0")

    def test_should_update_and_delete(self):
        """should be able to update and delete ResourceQuota."""
        body = self.made("q", {"spec": {"hard": {"cpu": "1", "memory": "500Mi"}}})
        self.quotas.create(body)
        self.assertEqual(self.quotas.get("q")["spec"]["hard"], {"cpu": "1", "memory": "500Mi"})
        body["spec"]["hard"] = {"cpu": "2", "memory": "1Gi"}
        for answer in (self.quotas.update(body), self.quotas.get("q")):
            self.assertEqual(answer["spec"]["hard"], {"cpu": "2", "memory": "1Gi"})
        self.quotas.delete("q")
        self.quotas.get("q", status=404)

    def test_should_manage_the_lifecycle(self):
        label = {"e2e-rq-label": self.unique}
        self.quotas.create({"metadata": {"name": "q", "labels": label}, "spec": {
            "hard": {"cpu": "1", "memory": "500Mi"}}})
        everywhere = self.core("ResourceQuota", "resourcequotas", everywhere=True)
        self.assertEqual(len(everywhere.items(labelSelector="e2e-rq-label=" + self.unique)), 1)
        patched = self.quotas.patch("q", {
            "metadata": {"labels": {"q": "patched"}}, "spec": {"hard": {"memory": "750Mi"}}}, "strategic")
        self.assertEqual(self.labels(patched)["q"], "patched")
        self.assertEqual(patched["spec"]["hard"], {"cpu": "1", "memory": "750Mi"})
        self.quotas.delete_all(labelSelector="e2e-rq-label=" + self.unique)
        self.quotas.get("q", status=404)

    def test_should_apply_changes_to_a_status(self):
        selector = "e2e-rq-label=" + self.unique
        everywhere = self.core("ResourceQuota", "resourcequotas", everywhere=True)

        def told(version, hard):
            watch = self.quotas.watch(resourceVersion=version, labelSelector=selector)
            while watch.next()[1].get("status", {}).get("hard") != hard: pass
            watch.stop()
        version = everywhere.list(labelSelector=selector)["metadata"]["resourceVersion"]
        first, second, third = ({"cpu": cpu, "memory": memory} for cpu, memory in (
            ("500m", "500Mi"), ("1", "1Gi"), ("2", "2Gi")))
        self.quotas.create({"metadata": {"name": "q", "labels": {"e2e-rq-label": self.unique}}, "spec": {
            "hard": first}})
        self.quotas.retried("q", lambda one: one.update(status={"hard": first}), part="status")
        told(version, first)
        version = everywhere.list(labelSelector=selector)["metadata"]["resourceVersion"]
        self.quotas.patch("q", {"spec": {"hard": second}}, "strategic")
        self.quotas.patch("q", {"status": {"hard": second}}, "strategic", part="status")
        told(version, second)
        self.assertEqual(self.quotas.get("q", part="status")["status"]["hard"], second)
        version = everywhere.list(labelSelector=selector)["metadata"]["resourceVersion"]
        patched = self.quotas.patch("q", {"status": {"hard": third}}, "strategic", part="status")
        self.assertEqual((patched["status"]["hard"], patched["spec"]["hard"]), (third, second))
        told(version, third)
        self.eventually(
            lambda: self.quotas.get("q")["status"]["hard"] == second, "the status to be what the specification says")


class Limits(Spec):
    def setUp(self):
        super().setUp()
        self.ranges = self.core("LimitRange", "limitranges")
        self.pods = self.core("Pod", "pods")

    def range(self, name, smallest, **labels):
        sizes = lambda cpu, memory, storage: {"cpu": cpu, "memory": memory, "ephemeral-storage": storage}
        return {"metadata": {"name": name, "labels": labels}, "spec": {"limits": [{
            "type": "Container", "min": smallest, "max": sizes("500m", "500Mi", "500Gi"),
            "default": sizes("500m", "500Mi", "500Gi"), "defaultRequest": sizes("100m", "200Mi", "200Gi"),
            "maxLimitRequestRatio": {}}]}}

    def resources(self, name): return self.pods.get(name)["spec"]["containers"][0]["resources"]

    def test_should_apply_defaults_to_pods(self):
        """should create a LimitRange with defaults and ensure pod has those defaults applied."""
        limits = {"cpu": "500m", "memory": "500Mi", "ephemeral-storage": "500Gi"}
        requests = {"cpu": "100m", "memory": "200Mi", "ephemeral-storage": "200Gi"}
        smallest = {"cpu": "50m", "memory": "100Mi", "ephemeral-storage": "100Gi"}
        watch = self.ranges.watch(labelSelector="time=t")
        self.ranges.create(self.range("r", smallest, time="t"))
        watch.expect("ADDED", lambda one: one["metadata"]["name"] == "r")
        self.pods.create(dict(pod(), metadata={"name": "no-resources"}))
        self.assertEqual(self.resources("no-resources"), {"limits": limits, "requests": requests})
        self.pods.create(dict(pod(
            {"cpu": "300m", "memory": "200Mi"}, {"cpu": "300m", "memory": "500Mi"}),
            metadata={"name": "partial-resources"}))
        self.assertEqual(self.resources("partial-resources"), {
            "limits": dict(limits, cpu="300m", memory="500Mi"), "requests": dict(requests, cpu="300m")})
        self.pods.create(dict(pod({"cpu": "10m", "memory": "50Mi"}), metadata={"name": "too-small"}), status=403)
        self.pods.create(dict(pod(limits={"cpu": "600m"}), metadata={"name": "too-large"}), status=403)
        changed = self.range("r", {"cpu": "9m", "memory": "49Mi", "ephemeral-storage": "49Gi"}, time="t")
        self.ranges.update(changed)
        watch.expect("MODIFIED")
        self.pods.create(dict(pod({"cpu": "10m", "memory": "50Mi", "ephemeral-storage": "50Gi"}), metadata={
            "name": "now-fits"}))
        self.pods.create(dict(pod(limits={"cpu": "600m"}), metadata={"name": "too-large"}), status=403)
        self.ranges.delete("r", gracePeriodSeconds=0)
        watch.expect("DELETED")
        self.pods.create(dict(pod(limits={"cpu": "600m"}), metadata={"name": "now-free"}))

    def test_should_list_patch_and_delete_by_collection(self):
        selector, everywhere = "e2e-test=" + self.unique, self.core("LimitRange", "limitranges", everywhere=True)
        smallest = {"cpu": "50m", "memory": "100Mi", "ephemeral-storage": "100Gi"}
        self.ranges.create(self.range("r", smallest, **{"e2e-test": self.unique}))
        other = self.kind("v1", "LimitRange", "limitranges", self.new_space())
        other.create(self.range("r", smallest, **{"e2e-test": self.unique}))
        self.assertEqual(len(self.ranges.items(labelSelector=selector)), 1)
        self.assertEqual(len(everywhere.items(labelSelector=selector)), 2)
        patched = self.ranges.patch("r", {
            "metadata": {"labels": {"r": "patched"}},
            "spec": {"limits": [{"type": "Container", "min": {"cpu": "40m"}}]}}, "strategic")
        self.assertEqual(self.labels(patched)["r"], "patched")
        self.assertEqual(patched["spec"]["limits"][0]["min"]["cpu"], "40m")
        self.ranges.delete_all(labelSelector="r=patched")
        self.assertEqual(self.ranges.items(labelSelector="r=patched"), [])
        self.assertEqual(len(everywhere.items(labelSelector=selector)), 1)


class Priorities(Spec):
    def test_priority_classes_can_be_operated_with_different_methods(self):
        kind = self.kind("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses")
        names = [self.unique + "-p1", self.unique + "-p2"]
        for name, value in zip(names, (100, 200)):
            kind.create({"metadata": {"name": name}, "value": value})
            self.addCleanup(self.send, "DELETE", kind.path(name))
        for name in names:
            one = kind.get(name)
            for change in (dict(one, value=one["value"] * 10), dict(one, preemptionPolicy="Never")):
                self.assertEqual(kind.update(change, status=422)["reason"], "Invalid")
            kind.patch(name, {"value": one["value"] * 10}, "json", status=400)
            kind.patch(name, [{"op": "replace", "path": "/value", "value": 1}], "json", status=422)
            one["metadata"]["annotations"] = {"a": "b"}
            one["description"] = "updated"
            self.assertEqual(kind.update(one)["description"], "updated")
            kind.patch(name, [{"op": "add", "path": "/metadata/annotations", "value": {"c": "d"}}], "json")
            self.assertEqual(self.notes(kind.get(name)), {"c": "d"})
        names_of_all = [one["metadata"]["name"] for one in kind.items()]
        self.assertLessEqual(set(names + ["system-cluster-critical", "system-node-critical"]), set(names_of_all))
