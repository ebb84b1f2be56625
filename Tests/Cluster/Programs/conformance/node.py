"""[sig-node], the API of it."""
from .steps import POD, Spec, TEMPLATE


class Maps(Spec):
    def setUp(self):
        super().setUp()
        self.maps, self.everywhere = self.core("ConfigMap", "configmaps"), self.core("ConfigMap", "configmaps", True)
        self.secrets = self.core("Secret", "secrets")

    def test_should_fail_to_create_with_an_empty_key(self):
        self.maps.create({"metadata": {"name": "m"}, "data": {"": "value-1"}}, status=422)
        self.secrets.create({"metadata": {"name": "s"}, "data": {"": "dmFsdWUtMQo="}}, status=422)

    def test_should_run_through_a_config_map_lifecycle(self):
        selector = "test-configmap-static=true"
        watch = self.maps.watch(labelSelector=selector)
        self.maps.create({"metadata": {"name": "m", "labels": {"test-configmap-static": "true"}},
                          "data": {"valueName": "value"}})
        watch.expect("ADDED")
        self.maps.patch("m", {"metadata": {"labels": {"test-configmap": "patched"}}, "data": {
            "valueName": "value1"}}, "strategic")
        watch.expect("MODIFIED", lambda one: self.labels(one)["test-configmap"] == "patched")
        one = self.maps.get("m")
        self.assertEqual((one["data"], self.labels(one)["test-configmap"]), ({"valueName": "value1"}, "patched"))
        self.assertEqual(len(self.everywhere.items(labelSelector=selector)), 1)
        self.maps.delete_all({}, labelSelector=selector)
        watch.expect("DELETED")
        self.assertEqual(self.maps.items(labelSelector=selector), [])

    def test_should_update_a_config_map(self):
        self.maps.create({"metadata": {"name": "m"}})
        self.maps.retried("m", lambda one: one.update(data={"data": "value"}))
        self.assertEqual(self.maps.get("m")["data"], {"data": "value"})

    def test_should_be_immutable_if_the_field_is_set(self):
        for kind, data, other in ((self.maps, "value-1", "value-2"), (self.secrets, "dmFsdWU=", "b3RoZXI=")):
            kind.create({"metadata": {"name": "i"}, "data": {"data-1": data}})
            one = kind.retried("i", lambda one: one["data"].update({"data-1": other}))
            self.assertEqual(one["data"], {"data-1": other})
            one = kind.retried("i", lambda one: one.update(immutable=True))
            one["data"]["data-1"] = data
            self.assertEqual(kind.update(one, status=422)["reason"], "Invalid")
            one["data"]["data-1"], one["metadata"]["labels"] = other, {"label1": "value1"}
            one = kind.update(one)
            one["immutable"] = False
            kind.update(one, status=422)
            one.pop("immutable")
            kind.update(one, status=422)
            kind.delete("i")

    def test_should_patch_a_secret(self):
        selector = "testsecret-constant=true"
        self.secrets.create({"metadata": {"name": "s", "labels": {"testsecret-constant": "true"}}, "type": "Opaque",
                             "data": {"key": "dmFsdWU="}})
        everywhere = self.core("Secret", "secrets", everywhere=True)
        self.assertIn("s", [one["metadata"]["name"] for one in everywhere.items(labelSelector=selector)])
        self.secrets.patch("s", {"metadata": {"labels": {"testsecret": "true"}}, "data": {"key": "dmFsdWUx"}},
                           "strategic")
        one = self.secrets.get("s")
        self.assertEqual((self.labels(one)["testsecret"], one["data"]), ("true", {"key": "dmFsdWUx"}))
        self.secrets.delete_all({}, labelSelector=selector)
        self.assertEqual(self.secrets.items(labelSelector=selector), [])


class Leases(Spec):
    def test_lease_api_should_be_available(self):
        kind = self.kind("coordination.k8s.io/v1", "Lease", "leases", self.space)
        spec = {"holderIdentity": "holder", "leaseDurationSeconds": 30, "leaseTransitions": 0,
                "acquireTime": "2026-01-01T00:00:00.123456Z", "renewTime": "2026-01-01T00:00:05.000000Z"}
        made = kind.create({"metadata": {"name": "lease"}, "spec": spec})
        self.assertEqual(kind.get("lease")["spec"], made["spec"])
        self.assertEqual(made["spec"], spec)
        spec = dict(spec, holderIdentity="holder2", leaseDurationSeconds=60, leaseTransitions=1)
        made["spec"] = spec
        kind.update(made)
        self.assertEqual(kind.get("lease")["spec"], spec)
        self.assertEqual(kind.patch("lease", {"spec": {"leaseDurationSeconds": 50}}, "strategic")["spec"],
                         dict(spec, leaseDurationSeconds=50))
        kind.create({"metadata": {"name": "lease2", "labels": {"deletecollection": "true"}}, "spec": spec})
        self.assertEqual(len(kind.items(labelSelector="deletecollection=true")), 1)
        kind.delete_all({}, labelSelector="deletecollection=true")
        self.assertEqual([one["metadata"]["name"] for one in kind.items()], ["lease"])
        kind.delete("lease")
        kind.get("lease", status=404)


class Templates(Spec):
    def setUp(self):
        super().setUp()
        self.templates = self.core("PodTemplate", "podtemplates")
        self.everywhere = self.core("PodTemplate", "podtemplates", everywhere=True)

    def make(self, name, **labels):
        return self.templates.create({"metadata": {"name": name, "labels": labels}, "template": {"spec": {
            "containers": [{"name": "nginx", "image": "nginx"}]}}})

    def test_should_run_the_lifecycle(self):
        self.make("nginx-pod-template", **{"podtemplate-static": "true"})
        self.assertEqual(len(self.everywhere.items(labelSelector="podtemplate-static=true")), 1)
        patched = self.templates.patch(
            "nginx-pod-template", {"metadata": {"labels": {"podtemplate": "patched"}}}, "strategic")
        self.assertEqual(self.labels(patched)["podtemplate"], "patched")
        self.templates.delete("nginx-pod-template")
        self.assertEqual(self.everywhere.items(labelSelector="podtemplate-static=true"), [])

    def test_should_delete_a_collection(self):
        for number in range(3): self.make("t%d" % number, **{"podtemplate-set": "true"})
        self.assertEqual(len(self.templates.items(labelSelector="podtemplate-set=true")), 3)
        self.templates.delete_all({}, labelSelector="podtemplate-set=true")
        self.assertEqual(self.templates.items(labelSelector="podtemplate-set=true"), [])

    def test_should_replace(self):
        self.make("t")
        updated = self.templates.retried("t", lambda one: one["metadata"].update(annotations={"updated": "true"}))
        self.assertEqual(self.notes(updated), {"updated": "true"})


class RuntimeClasses(Spec):
    def test_should_support_api_operations(self):
        self.discovered("node.k8s.io", "v1", "runtimeclasses")
        kind = self.kind("node.k8s.io/v1", "RuntimeClass", "runtimeclasses")
        name = self.operations(kind, {"metadata": {"generateName": self.unique}, "handler": self.unique})
        self.deletions(kind, name)

    def test_should_reject_a_pod_of_a_class_that_does_not_exist(self):
        classes = self.kind("node.k8s.io/v1", "RuntimeClass", "runtimeclasses")
        pods = self.core("Pod", "pods")
        pods.create({"metadata": {"name": "p"}, "spec": dict(POD, runtimeClassName=self.unique)}, status=403)
        classes.create({"metadata": {"name": self.unique}, "handler": "h", "overhead": {"podFixed": {
            "cpu": "10m", "memory": "1Mi"}}})
        made = pods.create({"metadata": {"name": "p"}, "spec": dict(POD, runtimeClassName=self.unique)})
        self.assertEqual(made["spec"]["overhead"], {"cpu": "10m", "memory": "1Mi"})
        classes.delete(self.unique)
        pods.create({"metadata": {"name": "q"}, "spec": dict(POD, runtimeClassName=self.unique)}, status=403)


class Nodes(Spec):
    def test_should_run_through_the_lifecycle_of_a_node(self):
        kind, name = self.kind("v1", "Node", "nodes"), "fake-node-" + self.unique
        condition = lambda why: {
            "type": "Ready", "status": "True", "reason": "E2E", "message": why, "lastTransitionTime": None}
        made = kind.create({"metadata": {"name": name}, "spec": {"unschedulable": True}, "status": {
            "phase": "Running", "conditions": [condition("Set from an e2e test")]}})
        self.assertEqual(made["metadata"]["name"], name)
        kind.get(name)
        patched = kind.patch(name, {"metadata": {"labels": {name: "patched"}}}, "strategic")
        self.assertEqual(self.labels(patched)[name], "patched")
        kind.patch(name, {"status": {"conditions": [condition("Patched")]}}, "strategic", part="status")
        updated = kind.retried(name, lambda one: one["metadata"]["labels"].update({name: "updated"}))
        self.assertEqual(self.labels(updated)[name], "updated")

        def ready(one): one["status"].update(conditions=[condition("Updated")])
        self.assertEqual(self.conditions(kind.retried(name, ready, part="status"))[0]["message"], "Updated")
        self.assertEqual(len(kind.items(labelSelector=name + "=updated")), 1)
        kind.delete_all(labelSelector=name + "=updated")
        kind.gone(name)

    def test_schedulable_nodes_are_listed(self):
        """What the framework does before anything else."""
        self.core("Node", "nodes", everywhere=True).items(fieldSelector="spec.unschedulable=false", resourceVersion=0)


class Pods(Spec):
    def setUp(self):
        super().setUp()
        self.pods = self.core("Pod", "pods")

    def make(self, name, labels=None, **spec):
        return self.pods.create({"metadata": {"name": name, "labels": labels or {}}, "spec": dict(POD, **spec)})

    def test_should_patch_a_pod_status(self):
        self.make("p")
        patched = self.pods.patch("p", {
            "metadata": {"annotations": {"patchedstatus": "true"}},
            "status": {"message": "Patched by e2e test", "reason": "E2E"}}, part="status")
        self.assertEqual((patched["status"]["message"], patched["status"]["reason"]), ("Patched by e2e test", "E2E"))

    def test_should_run_through_the_lifecycle_of_a_pod_and_its_status(self):
        selector = "test-pod-static=true"
        watch = self.pods.watch(labelSelector=selector)
        made = self.make("pod-test", {"test-pod-static": "true"})
        watch.expect("ADDED")
        patch = {"metadata": {"labels": {"test-pod": "patched"}}, "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "c", "image": "example.org/other", "resources": {}}]}, "status": {}}
        patched = self.pods.patch("pod-test", patch, "strategic")
        watch.until("MODIFIED", lambda one: self.labels(one).get("test-pod") == "patched")
        self.assertEqual(patched["spec"]["containers"][0]["image"], "example.org/other")

        def ready(one):
            one["status"]["conditions"] = [
                {"type": kind, "status": "False"} for kind in ("Ready", "ContainersReady")]
        updated = self.pods.retried("pod-test", ready, part="status")
        self.assertEqual(
            [(one["type"], one["status"]) for one in self.conditions(updated)][:2],
            [("Ready", "False"), ("ContainersReady", "False")])
        self.pods.delete_all({"gracePeriodSeconds": 1}, labelSelector=selector)
        watch.until("DELETED")
        self.pods.get("pod-test", status=404)
        self.assertTrue(made)

    def test_should_delete_a_collection_of_pods(self):
        for number in range(3): self.make("test-pod-%d" % number, {"type": "Testing"})
        self.pods.delete_all({"gracePeriodSeconds": 1}, labelSelector="type=Testing")
        self.eventually(lambda: not self.pods.items(labelSelector="type=Testing"), "the pods to go")

    def test_should_set_the_quality_of_service(self):
        """QOS Class should be set on Pods with matching resource requests and limits for memory and cpu"""
        sizes = {"cpu": "100m", "memory": "100Mi"}
        made = self.make("p", containers=[dict(POD["containers"][0], resources={
            "requests": sizes, "limits": sizes})])
        self.assertEqual(made["status"]["qosClass"], "Guaranteed")

    def test_generation_starts_at_one_and_grows_with_each_update(self):
        """Pod Generation"""
        made = self.pods.create({"metadata": {"name": "p", "generation": 100}, "spec": POD})
        self.assertEqual(made["metadata"]["generation"], 1)
        generation = lambda change: self.pods.retried("p", change)["metadata"]["generation"]
        self.assertEqual(generation(lambda one: one["spec"].update(activeDeadlineSeconds=5)), 2)
        self.assertEqual(generation(lambda one: one["spec"]["containers"][0].update(image="example.org/b")), 3)
        toleration = {"operator": "Exists", "key": "foo"}
        self.assertEqual(generation(lambda one: one["spec"].setdefault("tolerations", []).append(toleration)), 4)
        self.assertEqual(generation(lambda one: one["metadata"].update(labels={"a": "b"})), 4)
        added = {"spec": {"ephemeralContainers": [{"name": "e", "image": "example.org/none"}]}}
        patched = self.pods.patch("p", added, "strategic", part="ephemeralcontainers")
        self.assertEqual(patched["metadata"]["generation"], 5)

    def test_should_update_ephemeral_containers(self):
        self.make("p")
        first = {"ephemeralContainers": [{"name": "debugger1", "image": "example.org/none"}]}
        updated = self.pods.retried("p", lambda one: one["spec"].update(first), part="ephemeralcontainers")
        names = lambda pod: [each["name"] for each in pod["spec"]["ephemeralContainers"]]
        self.assertEqual(names(updated), ["debugger1"])
        patched = self.pods.patch(
            "p", {"spec": {"ephemeralContainers": [{"name": "debugger2", "image": "example.org/none"}]}},
            "strategic", part="ephemeralcontainers")
        self.assertEqual(set(names(patched)), {"debugger1", "debugger2"})
        self.assertEqual(set(names(self.pods.get("p", part="ephemeralcontainers"))), {"debugger1", "debugger2"})

    def test_should_reject_invalid_sysctls(self):
        sysctls = [{"name": name, "value": "0"} for name in ("foo-", "kernel.shmmax", "safe-and-unsafe", "bar..")]
        refused = self.pods.create({"metadata": {"name": "p"}, "spec": dict(
            POD, securityContext={"sysctls": sysctls})}, status=422)
        self.assertIn("foo-", refused["message"])
        self.assertIn("bar..", refused["message"])
        self.assertNotIn("safe-and-unsafe", refused["message"])
        self.assertNotIn("kernel.shmmax", refused["message"])
