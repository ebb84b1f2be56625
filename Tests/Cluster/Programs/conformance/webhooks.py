"""[sig-api-machinery] AdmissionWebhook."""
import time

from . import custom_resources
from .custom_resources import ANYTHING, TEXT
from .hooks import ANSWERS, allow, client_config, deny

GROUP = "admissionregistration.k8s.io"
KINDS = {"ValidatingWebhookConfiguration": "validatingwebhookconfigurations",
         "MutatingWebhookConfiguration": "mutatingwebhookconfigurations"}
MAPS = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
DATA = {"type": "object", "properties": {"data": {"type": "object", "additionalProperties": TEXT}}}
BOTH_STAGES = {"mutation-start": "yes", "mutation-stage-1": "yes", "mutation-stage-2": "yes"}


def unwanted(request):
    """Refuses what is marked so, and the end of what is marked otherwise."""
    new, old = request.get("object") or {}, request.get("oldObject") or {}
    if request["operation"] == "DELETE":
        kept = (old.get("data") or {}).get("webhook-e2e-test") == "webhook-nondeletable"
        return deny("it cannot be deleted because it contains unwanted key and value") if kept else allow()
    marks = (new.get("data") or {}, new["metadata"].get("labels") or {})
    if any(mark.get("webhook-e2e-test") == "webhook-disallow" for mark in marks):
        return deny("it contains unwanted key and value")
    return allow()


def stage(number):
    """One stage of the two."""
    def answer(request):
        before = "mutation-start" if number == 1 else "mutation-stage-1"
        if ((request["object"] or {}).get("data") or {}).get(before) != "yes": return allow()
        return allow([{"op": "add", "path": "/data/mutation-stage-%d" % number, "value": "yes"}])
    return answer


def add_init_container(request):
    return allow([{"op": "add", "path": "/spec/initContainers", "value": [
        {"image": "webhook-added-image", "name": "webhook-added-init-container", "resources": {}}]}])


def slowly(request):
    time.sleep(1.5)
    return allow()


def label(request): return allow([{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}])


ANSWERS.update({
    "/unwanted": unwanted, "/stage-1": stage(1), "/stage-2": stage(2), "/init-container": add_init_container,
    "/slow": slowly, "/deny": lambda request: deny("no"), "/label": label})


class AdmissionWebhook(custom_resources.Defined):
    def setUp(self):
        super().setUp()
        self.space = self.new_space(**{self.unique: "true"})
        self.maps = self.core("ConfigMap", "configmaps")

    def hook(self, path, operations=("CREATE",), everywhere=False, rule=MAPS, **more):
        hook = {"name": path[1:] + ".k8s.io", "clientConfig": client_config(path), "sideEffects": "None",
                "admissionReviewVersions": ["v1", "v1beta1"], "rules": [dict(rule, operations=list(operations))]}
        if not everywhere: hook["namespaceSelector"] = {"matchLabels": {self.unique: "true"}}
        return dict(hook, **more)

    def register(self, kind, *hooks, status=201, **metadata):
        """A configuration that is gone at the spec's end, and its kind."""
        configurations = self.kind(GROUP + "/v1", kind, KINDS[kind])
        made = configurations.create(
            {"metadata": dict(metadata, generateName="e2e-"), "webhooks": list(hooks)}, status)
        if status == 201: self.addCleanup(self.send, "DELETE", configurations.path(made["metadata"]["name"]))
        return made, configurations

    def validate(self, *hooks): return self.register("ValidatingWebhookConfiguration", *hooks)

    def mutate(self, *hooks): return self.register("MutatingWebhookConfiguration", *hooks)

    def map(self, name, status=201, **data): return self.maps.create({"metadata": {"name": name}, "data": data}, status)

    def mutated(self, name):
        return self.map(name, **{"mutation-start": "yes"})["data"]

    def test_should_include_webhook_resources_in_discovery_documents(self):
        self.discovered(GROUP, "v1", *KINDS.values())

    def test_should_be_able_to_deny_pod_and_configmap_creation(self):
        pods = dict(MAPS, resources=["pods"])
        made, configurations = self.validate(
            self.hook("/unwanted", ("CREATE", "UPDATE", "DELETE")),
            self.hook("/unwanted", rule=pods, name="pods.k8s.io"))
        bad = {"webhook-e2e-test": "webhook-disallow"}
        refused = self.core("Pod", "pods").create({"metadata": {"name": "p", "labels": bad}, "spec": {
            "containers": [{"name": "c", "image": "i"}]}}, 400)
        self.assertIn('admission webhook "pods.k8s.io" denied the request: it contains unwanted', refused["message"])
        self.assertIn("denied the request", self.map("c", 400, **bad)["message"])
        self.map("c", a="b")
        self.maps.patch("c", {"data": bad}, status=400)
        self.maps.update({"metadata": {"name": "c"}, "data": bad}, status=400)
        other = self.kind("v1", "ConfigMap", "configmaps", self.new_space())
        other.create({"metadata": {"name": "c"}, "data": bad})

    def test_patching_and_updating_a_webhook_should_work(self):
        for register, answer in ((self.validate, "/deny"), (self.mutate, "/stage-1")):
            made, configurations = register(self.hook(answer))
            name = made["metadata"]["name"]
            works = lambda: (self.send("POST", self.maps.path(dryRun="All"), self.maps.body({
                "metadata": {"name": "m"}, "data": {"mutation-start": "yes"}})))
            acts = lambda: b"mutation-stage-1" in works().data or works().status == 400
            self.assertTrue(acts())
            configurations.retried(name, lambda one: one["webhooks"][0]["rules"][0].update(operations=["UPDATE"]))
            self.assertFalse(acts())
            configurations.patch(
                name, [{"op": "replace", "path": "/webhooks/0/rules/0/operations", "value": ["CREATE"]}], "json")
            self.assertTrue(acts())
            configurations.delete(name)
            self.assertFalse(acts())

    def test_listing_webhooks_should_work(self):
        for kind, answer in zip(KINDS, ("/deny", "/stage-1")):
            for _ in range(4):
                _, configurations = self.register(kind, self.hook(answer), labels={"e2e-list-test-uuid": self.unique})
            selector = "e2e-list-test-uuid=" + self.unique
            self.assertEqual(len(configurations.items(labelSelector=selector)), 4)
            configurations.delete_all(labelSelector=selector)
            self.assertEqual(self.mutated(kind.lower()), {"mutation-start": "yes"})

    def test_match_conditions_of_webhooks_are_kept_and_judged(self):
        conditions = [{"name": "expression-%d" % number, "expression": "object.metadata.namespace == 'n%d'" % number}
                      for number in (1, 2)]
        for kind in KINDS:
            made, configurations = self.register(kind, self.hook("/allow", matchConditions=conditions[:1]))
            name = made["metadata"]["name"]
            updated = configurations.retried(name, lambda one: one["webhooks"][0].update(matchConditions=conditions))
            self.assertEqual(updated["webhooks"][0]["matchConditions"], conditions)
            bad = [{"name": "invalid-expression-1", "expression": "... [] bad expression"}]
            refused, _ = self.register(kind, self.hook("/allow", matchConditions=bad), status=422)
            self.assertIn("compilation failed", refused["message"])

    def test_should_mutate_everything_except_skip_me_configmaps(self):
        skip = [{"name": "skip-me", "expression": "object.metadata.name != 'skip-me'"}]
        self.mutate(self.hook("/stage-1", matchConditions=skip))
        self.assertEqual(self.mutated("skip-me"), {"mutation-start": "yes"})
        self.assertIn("mutation-stage-1", self.mutated("mutate-me"))

    def test_should_mutate_configmaps_in_order(self):
        self.mutate(self.hook("/stage-1"), self.hook("/stage-2"))
        self.assertEqual(self.mutated("m"), BOTH_STAGES)

    def test_should_mutate_pod_and_apply_defaults_after_mutation(self):
        self.mutate(self.hook("/init-container", rule=dict(MAPS, resources=["pods"])))
        made = self.core("Pod", "pods").create(
            {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
        added, = made["spec"]["initContainers"]
        self.assertEqual((added["name"], added["terminationMessagePolicy"]), ("webhook-added-init-container", "File"))

    def test_should_deny_and_mutate_custom_resources(self):
        made = self.define("noxu", DATA, scope="Namespaced")
        things, group = self.things(made), made["spec"]["group"]
        rule = {"apiGroups": [group], "apiVersions": ["v1"], "resources": ["noxus"]}
        name = self.validate(self.hook("/unwanted", ("CREATE", "UPDATE", "DELETE"), rule=rule))[0]["metadata"]["name"]
        things.create({"metadata": {"name": "a"}, "data": {"webhook-e2e-test": "webhook-disallow"}}, 400)
        things.create({"metadata": {"name": "a"}, "data": {"webhook-e2e-test": "webhook-nondeletable"}})
        things.patch("a", {"data": {"webhook-e2e-test": "webhook-disallow"}}, status=400)
        self.assertIn("cannot be deleted", things.delete("a", 400)["message"])
        things.patch("a", {"data": {"webhook-e2e-test": None}})
        things.delete("a")
        self.mutate(self.hook("/stage-1", rule=rule), self.hook("/stage-2", rule=rule))
        made = things.create({"metadata": {"name": "b"}, "data": {"mutation-start": "yes"}})
        self.assertEqual(made["data"], BOTH_STAGES)

    def test_should_mutate_custom_resource_with_pruning(self):
        known = {"mutation-start": TEXT, "mutation-stage-1": TEXT}
        made = self.define("noxu", {"type": "object", "properties": {"data": {"type": "object", "properties": known}}},
                           scope="Namespaced")
        rule = {"apiGroups": [made["spec"]["group"]], "apiVersions": ["v1"], "resources": ["noxus"]}
        self.mutate(self.hook("/stage-1", rule=rule), self.hook("/stage-2", rule=rule))
        data = self.things(made).create({"metadata": {"name": "b"}, "data": {"mutation-start": "yes"}})["data"]
        self.assertEqual(data, {"mutation-start": "yes", "mutation-stage-1": "yes"})

    def test_should_mutate_custom_resource_with_different_stored_version(self):
        made = self.define("noxu", DATA, versions=("v1", "v2"), scope="Namespaced")
        first, second = self.things(made), self.things(made, "v2")
        rule = {"apiGroups": [made["spec"]["group"]], "apiVersions": ["v1"], "resources": ["noxus"]}
        self.mutate(self.hook("/stage-1", ("CREATE", "UPDATE"), rule=rule))
        first.create({"metadata": {"name": "a"}, "data": {"mutation-start": "yes"}})
        self.change(made, ("replace", "/spec/versions/0/storage", False), ("replace", "/spec/versions/1/storage", True))
        for kind in (first, second):
            patched = kind.patch("a", {"data": {"mutation-stage-1": None, "dummy": "test"}})
            self.assertEqual(patched["data"], {"mutation-start": "yes", "mutation-stage-1": "yes", "dummy": "test"})
            self.assertEqual(patched["apiVersion"], kind.version)

    def test_should_deny_crd_creation(self):
        self.validate(self.hook("/unwanted", everywhere=True, rule={
            "apiGroups": ["apiextensions.k8s.io"], "apiVersions": ["*"], "resources": ["customresourcedefinitions"]}))
        group = self.unique + ".example.com"
        refused = self.definitions.create({
            "metadata": {"name": "bads." + group, "labels": {"webhook-e2e-test": "webhook-disallow"}}, "spec": {
                "group": group, "scope": "Cluster", "names": {"plural": "bads", "kind": "Bad"}, "versions": [{
                    "name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": ANYTHING}}]}}, 400)
        self.assertIn("it contains unwanted key and value", refused["message"])

    def test_should_not_be_able_to_mutate_or_prevent_deletion_of_webhook_configuration_objects(self):
        own = {"apiGroups": [GROUP], "apiVersions": ["*"], "resources": list(KINDS.values())}
        for register, answer in ((self.validate, "/deny"), (self.mutate, "/label")):
            register(self.hook(answer, ("CREATE", "UPDATE", "DELETE"), everywhere=True, rule=own))
        for kind in KINDS:
            made, configurations = self.register(kind, self.hook("/allow"))
            self.assertEqual(self.labels(made), {})
            configurations.delete(made["metadata"]["name"])

    def test_should_unconditionally_reject_operations_on_fail_closed_webhook(self):
        service = {"namespace": self.space, "name": "e2e-test-webhook", "path": "/configmaps", "port": 8443}
        self.validate(self.hook("/closed", failurePolicy="Fail", clientConfig={"service": service}))
        self.assertEqual(self.map("m", 500)["reason"], "InternalError")

    def test_should_honor_timeout(self):
        for name, more, status in (("a", {"timeoutSeconds": 1, "failurePolicy": "Fail"}, 500),
                                   ("b", {"timeoutSeconds": 1, "failurePolicy": "Ignore"}, 201), ("c", {}, 201)):
            made, configurations = self.validate(self.hook("/slow", **more))
            answer = self.map(name, status)
            if status == 500: self.assertIn("context deadline exceeded", answer["message"])
            configurations.delete(made["metadata"]["name"])
