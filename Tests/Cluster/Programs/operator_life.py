"""Two candidates of `website_operator.py`, and what their users and an accident do to them.

    python3 operator_life.py KUBECONFIG
"""
import os, subprocess, sys, time, unittest

from kubernetes import client, config
from kubernetes.client.rest import ApiException

HERE = os.path.dirname(os.path.abspath(__file__))
GROUP, VERSION, PLURAL, NAMESPACE = "shop.example.org", "v1", "websites", "shop"

SCHEMA = {
    "type": "object", "required": ["spec"], "properties": {
        "spec": {
            "type": "object", "required": ["page"], "properties": {
                "page": {"type": "string", "minLength": 1},
                "replicas": {"type": "integer", "minimum": 0, "maximum": 10, "default": 2}},
            "x-kubernetes-validations": [{
                "rule": "self.replicas == 0 || self.page != 'closed'", "message": "a closed shop has no replicas"}]},
        "status": {
            "type": "object", "properties": {
                "pods": {"type": "integer"}, "observedGeneration": {"type": "integer"},
                "conditions": {
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
                    "items": {"type": "object", "required": ["type"], "properties": {
                        "type": {"type": "string"}, "status": {"type": "string"}}}}}}}}

DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": PLURAL + "." + GROUP},
    "spec": {
        "group": GROUP, "scope": "Namespaced",
        "names": {"plural": PLURAL, "singular": "website", "kind": "Website", "shortNames": ["web"]},
        "versions": [{
            "name": VERSION, "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA},
            "subresources": {"status": {}, "scale": {
                "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.pods"}},
            "additionalPrinterColumns": [{"name": "Pods", "type": "integer", "jsonPath": ".status.pods"}]}]}}


def until(condition, seconds=30):
    """What the condition gives once it gives something."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline: raise AssertionError("waited %d s in vain" % seconds)
        time.sleep(0.05)
    return result


def or_none(call, *arguments):
    try: return call(*arguments)
    except ApiException as error:
        if error.status != 404: raise


class OperatorLife(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.core, cls.apps, cls.custom = client.CoreV1Api(), client.AppsV1Api(), client.CustomObjectsApi()
        cls.definitions, cls.leases = client.ApiextensionsV1Api(), client.CoordinationV1Api()
        cls.core.create_namespace({"metadata": {"name": NAMESPACE}})
        cls.definitions.create_custom_resource_definition(DEFINITION)
        established = lambda: [
            condition for condition in cls.definitions.read_custom_resource_definition(
                DEFINITION["metadata"]["name"]).status.conditions or []
            if (condition.type, condition.status) == ("Established", "True")]
        until(established)
        until(lambda: or_none(cls.custom.list_namespaced_custom_object, GROUP, VERSION, NAMESPACE, PLURAL))
        cls.candidates = {}
        for identity in ("one", "two"):
            cls.candidates[identity] = subprocess.Popen(
                [sys.executable, HERE + "/website_operator.py", KUBECONFIG, NAMESPACE, identity],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        """The operator lets go of the last Websites before it ends: their finalizer is its own."""
        websites = (GROUP, VERSION, NAMESPACE, PLURAL)
        cls.custom.delete_collection_namespaced_custom_object(*websites)
        until(lambda: not cls.custom.list_namespaced_custom_object(*websites)["items"])
        for process in cls.candidates.values():
            process.kill()
            process.wait()
        cls.definitions.delete_custom_resource_definition(DEFINITION["metadata"]["name"])
        until(lambda: or_none(cls.definitions.read_custom_resource_definition, DEFINITION["metadata"]["name"]) is None)

    def website(self, name): return self.custom.get_namespaced_custom_object(GROUP, VERSION, NAMESPACE, PLURAL, name)

    def create(self, name, **spec):
        body = {"apiVersion": GROUP + "/" + VERSION, "kind": "Website", "metadata": {"name": name}, "spec": spec}
        return self.custom.create_namespaced_custom_object(GROUP, VERSION, NAMESPACE, PLURAL, body)

    def deployed(self, name, pods):
        """Whether the operator says that it deployed the present generation with so many pods."""
        website = self.website(name)
        status = website.get("status", {})
        return (status.get("pods") == pods and status["conditions"][0]["status"] == "True"
                and status["observedGeneration"] == website["metadata"]["generation"])

    def leader(self):
        lease = or_none(self.leases.read_namespaced_lease, "website-operator", NAMESPACE)
        return lease and lease.spec.holder_identity

    def test_1_a_website_becomes_objects_and_is_reported(self):
        made = self.create("first", page="hello")
        self.assertEqual(made["spec"]["replicas"], 2)
        until(lambda: self.deployed("first", 2))
        deployment = self.apps.read_namespaced_deployment("first", NAMESPACE)
        self.assertEqual(deployment.metadata.owner_references[0].kind, "Website")
        managers = {(entry.manager, entry.operation) for entry in deployment.metadata.managed_fields}
        self.assertIn(("website-operator", "Apply"), managers)
        self.assertEqual(self.core.read_namespaced_service("first", NAMESPACE).spec.ports[0].target_port, 8080)

    def test_2_what_is_changed_by_hand_is_put_right_and_what_others_own_is_left_alone(self):
        self.apps.patch_namespaced_deployment("first", NAMESPACE, {"metadata": {"annotations": {"note": "mine"}}})
        self.apps.patch_namespaced_deployment("first", NAMESPACE, {"spec": {"replicas": 5}})
        until(lambda: self.apps.read_namespaced_deployment("first", NAMESPACE).spec.replicas == 2)
        self.assertEqual(
            self.apps.read_namespaced_deployment("first", NAMESPACE).metadata.annotations["note"], "mine")

    def test_3_it_is_scaled_through_its_scale(self):
        self.custom.patch_namespaced_custom_object_scale(
            GROUP, VERSION, NAMESPACE, PLURAL, "first", {"spec": {"replicas": 3}})
        until(lambda: self.deployed("first", 3))
        self.assertEqual(self.apps.read_namespaced_deployment("first", NAMESPACE).spec.replicas, 3)

    def test_4_wrong_websites_are_refused(self):
        for name, spec, cause in (
                ("none", {}, "spec.page: Required value"),
                ("many", {"page": "x", "replicas": 11}, "should be less than or equal to 10"),
                ("closed", {"page": "closed"}, "a closed shop has no replicas")):
            with self.assertRaises(ApiException) as caught: self.create(name, **spec)
            self.assertEqual(caught.exception.status, 422)
            self.assertIn(cause, caught.exception.body)

    def test_5_the_other_one_goes_on_when_the_leader_dies(self):
        leader = until(self.leader)
        self.candidates[leader].kill()
        self.candidates[leader].wait()
        self.create("second", page="hello")
        until(lambda: self.leader() not in (leader, None))
        until(lambda: self.deployed("second", 2))

    def test_6_a_deleted_website_is_archived_and_takes_its_objects_along(self):
        self.custom.delete_namespaced_custom_object(GROUP, VERSION, NAMESPACE, PLURAL, "first")
        until(lambda: or_none(self.website, "first") is None)
        self.assertEqual(self.core.read_namespaced_config_map("first-archive", NAMESPACE).data, {"page": "hello"})
        until(lambda: or_none(self.apps.read_namespaced_deployment, "first", NAMESPACE) is None)
        until(lambda: or_none(self.core.read_namespaced_service, "first", NAMESPACE) is None)

    def test_7_forty_websites_at_once_are_all_deployed(self):
        for number in range(40): self.create("many-%d" % number, page="p", replicas=1)
        until(lambda: all(self.deployed("many-%d" % number, 1) for number in range(40)), 60)


if __name__ == "__main__":
    KUBECONFIG = sys.argv.pop(1)
    config.load_kube_config(KUBECONFIG)
    unittest.main(verbosity=2, warnings="ignore")
