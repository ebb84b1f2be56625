"""What programs on the official Python client do all day, against a server without a node.

    python3 usual_work.py KUBECONFIG

Runs with the release of Debian 12 (22) and with the newest of PyPI: old clients and new ones meet the same server.
"""
import base64, datetime, sys, time, unittest

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.rest import ApiException


class UsualWork(unittest.TestCase):
    """Each test has a namespace to itself."""

    @classmethod
    def setUpClass(cls):
        cls.core, cls.apps, cls.batch = client.CoreV1Api(), client.AppsV1Api(), client.BatchV1Api()

    def setUp(self):
        body = client.V1Namespace(metadata=client.V1ObjectMeta(generate_name="usual-work-"))
        self.namespace = self.core.create_namespace(body).metadata.name
        self.addCleanup(self.core.delete_namespace, self.namespace)

    def refused(self, status, call, *arguments, **named):
        with self.assertRaises(ApiException) as caught: call(*arguments, **named)
        self.assertEqual(caught.exception.status, status, caught.exception.body)
        return caught.exception

    def config_map(self, name, **fields):
        body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels={"app": "work"}), **fields)
        return self.core.create_namespaced_config_map(self.namespace, body)

    # What is served

    def test_it_says_what_it_is_and_what_it_serves(self):
        self.assertRegex(client.VersionApi().get_code().git_version, r"^v1\.\d+\.\d+\+k3s\d+$")
        self.assertIn("v1", client.CoreApi().get_api_versions().versions)
        groups = {group.name: group.preferred_version.version for group in client.ApisApi().get_api_versions().groups}
        self.assertEqual({"apps": "v1", "batch": "v1", "networking.k8s.io": "v1"}.items() - groups.items(), set())
        pods = [entry for entry in self.core.get_api_resources().resources if entry.name == "pods"][0]
        self.assertEqual((pods.kind, pods.namespaced, pods.short_names), ("Pod", True, ["po"]))

    # Objects

    def test_an_object_is_created_read_changed_and_deleted(self):
        made = self.config_map("one", data={"a": "1"}, binary_data={"b": base64.b64encode(b"\x00\xff").decode()})
        self.assertEqual(made.api_version, "v1")
        self.assertIsInstance(made.metadata.creation_timestamp, datetime.datetime)
        read = self.core.read_namespaced_config_map("one", self.namespace)
        self.assertEqual(read.data, {"a": "1"})
        read.data["a"] = "2"
        changed = self.core.replace_namespaced_config_map("one", self.namespace, read)
        self.assertNotEqual(changed.metadata.resource_version, made.metadata.resource_version)
        self.refused(409, self.core.replace_namespaced_config_map, "one", self.namespace, made)
        self.refused(409, self.core.create_namespaced_config_map, self.namespace, {"metadata": {"name": "one"}})
        self.core.delete_namespaced_config_map("one", self.namespace)
        missing = self.refused(404, self.core.read_namespaced_config_map, "one", self.namespace)
        self.assertIn('configmaps \\"one\\" not found', missing.body)

    def test_patches_of_each_kind_change_what_they_say(self):
        self.config_map("patched", data={"a": "1", "b": "1"})
        patch = lambda body: self.core.patch_namespaced_config_map("patched", self.namespace, body).data
        self.assertEqual(patch({"data": {"a": None, "c": "1"}}), {"b": "1", "c": "1"})
        self.assertEqual(patch([{"op": "replace", "path": "/data/b", "value": "2"}]), {"b": "2", "c": "1"})
        self.refused(422, patch, [{"op": "test", "path": "/data/b", "value": "3"}])

    def test_wrong_objects_are_refused_with_the_field_that_is_wrong(self):
        wrong = {"metadata": {"name": "Upper"}}
        error = self.refused(422, self.core.create_namespaced_config_map, self.namespace, wrong)
        self.assertIn('"field":"metadata.name"', error.body)
        service = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 70000}]}}
        error = self.refused(422, self.core.create_namespaced_service, self.namespace, service)
        self.assertIn('"field":"spec.ports[0].port"', error.body)

    def test_a_dry_run_changes_nothing(self):
        body = {"metadata": {"name": "dry"}}
        made = self.core.create_namespaced_config_map(self.namespace, body, dry_run="All")
        self.assertTrue(made.metadata.uid)
        self.refused(404, self.core.read_namespaced_config_map, "dry", self.namespace)

    def test_a_secret_takes_plain_text_and_gives_base64(self):
        body = client.V1Secret(metadata=client.V1ObjectMeta(name="s"), string_data={"password": "geheim"})
        self.core.create_namespaced_secret(self.namespace, body)
        read = self.core.read_namespaced_secret("s", self.namespace)
        self.assertEqual(base64.b64decode(read.data["password"]), b"geheim")
        self.assertEqual(read.type, "Opaque")

    # Lists and watches

    def test_a_list_is_picked_by_labels_and_fields_and_read_in_pieces(self):
        for number in range(25): self.config_map("m%02d" % number)
        page, names = None, []
        while page is None or page.metadata._continue:
            page = self.core.list_namespaced_config_map(
                self.namespace, label_selector="app in (work, other)", limit=10,
                _continue=page.metadata._continue if page else None)
            names += [item.metadata.name for item in page.items]
        self.assertEqual(names, ["m%02d" % number for number in range(25)])
        picked = self.core.list_namespaced_config_map(self.namespace, field_selector="metadata.name=m07")
        self.assertEqual([item.metadata.name for item in picked.items], ["m07"])
        everywhere = self.core.list_config_map_for_all_namespaces(label_selector="app=work")
        self.assertGreaterEqual(len(everywhere.items), 25)
        self.core.delete_collection_namespaced_config_map(self.namespace, label_selector="app=work")
        left = self.core.list_namespaced_config_map(self.namespace, label_selector="app=work")
        self.assertEqual(left.items, [])

    def test_a_watch_tells_what_happened_since(self):
        since = self.core.list_namespaced_config_map(self.namespace).metadata.resource_version
        self.config_map("seen", data={"a": "1"})
        self.core.patch_namespaced_config_map("seen", self.namespace, {"data": {"a": "2"}})
        self.core.delete_namespaced_config_map("seen", self.namespace)
        stream, seen = watch.Watch(), []
        for event in stream.stream(
                self.core.list_namespaced_config_map, self.namespace, resource_version=since,
                field_selector="metadata.name=seen", timeout_seconds=10):
            seen.append((event["type"], event["object"].data["a"]))
            if event["type"] == "DELETED": stream.stop()
        self.assertEqual(seen, [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")])

    def test_a_watch_ends_when_it_was_asked_to(self):
        begun = time.monotonic()
        events = watch.Watch().stream(self.core.list_namespaced_secret, self.namespace, timeout_seconds=1)
        self.assertEqual(list(events), [])
        self.assertLess(time.monotonic() - begun, 5)

    def test_a_watch_of_what_is_forgotten_says_gone(self):
        stream = watch.Watch().stream(self.core.list_namespaced_config_map, self.namespace, resource_version="1",
                                      timeout_seconds=5)
        try:
            self.assertLess(len(list(stream)), 100)
        except ApiException as error:
            self.assertEqual(error.status, 410)

    # Workloads

    def deployment(self, name, replicas=2):
        container = client.V1Container(
            name="c", image="nginx:1", ports=[client.V1ContainerPort(container_port=80)],
            resources=client.V1ResourceRequirements(requests={"cpu": "100m", "memory": "200Mi"}))
        template = client.V1PodTemplateSpec(
            metadata=client.V1ObjectMeta(labels={"app": name}), spec=client.V1PodSpec(containers=[container]))
        spec = client.V1DeploymentSpec(
            replicas=replicas, selector=client.V1LabelSelector(match_labels={"app": name}), template=template)
        return client.V1Deployment(metadata=client.V1ObjectMeta(name=name), spec=spec)

    def until(self, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, "waited %d s in vain" % seconds)
            time.sleep(0.05)

    def test_a_deployment_makes_pods_and_is_scaled(self):
        self.apps.create_namespaced_deployment(self.namespace, self.deployment("web"))
        pods = lambda: self.core.list_namespaced_pod(self.namespace, label_selector="app=web").items
        self.until(lambda: len(pods()) == 2)
        owner = pods()[0].metadata.owner_references[0]
        self.assertEqual((owner.kind, owner.controller), ("ReplicaSet", True))
        scale = self.apps.read_namespaced_deployment_scale("web", self.namespace)
        self.assertEqual((scale.spec.replicas, scale.status.selector), (2, "app=web"))
        self.apps.patch_namespaced_deployment_scale("web", self.namespace, {"spec": {"replicas": 3}})
        self.until(lambda: len(pods()) == 3)
        self.until(lambda: self.apps.read_namespaced_deployment("web", self.namespace).status.replicas == 3)
        self.apps.delete_namespaced_deployment("web", self.namespace, propagation_policy="Foreground")
        self.until(lambda: not pods())
        self.until(lambda: not self.apps.list_namespaced_deployment(self.namespace).items)

    def test_a_strategic_patch_finds_a_container_by_its_name(self):
        self.apps.create_namespaced_deployment(self.namespace, self.deployment("patched", 0))
        spec = {"template": {"spec": {"containers": [{"name": "c", "image": "nginx:2"}]}}}
        changed = self.apps.patch_namespaced_deployment("patched", self.namespace, {"spec": spec})
        container = changed.spec.template.spec.containers[0]
        self.assertEqual((container.image, container.ports[0].container_port), ("nginx:2", 80))

    def test_a_service_gets_an_address_and_a_port_of_nodes(self):
        spec = client.V1ServiceSpec(
            type="NodePort", selector={"app": "web"}, ports=[client.V1ServicePort(port=80, target_port="http")])
        made = self.core.create_namespaced_service(
            self.namespace, client.V1Service(metadata=client.V1ObjectMeta(name="web"), spec=spec))
        self.assertRegex(made.spec.cluster_ip, r"^10\.43\.")
        self.assertIn(made.spec.ports[0].node_port, range(30000, 32768))
        self.assertEqual(made.spec.ports[0].target_port, "http")

    # Who may do what

    def test_rights_are_given_and_asked_for(self):
        rbac, access = client.RbacAuthorizationV1Api(), client.AuthorizationV1Api()
        self.core.create_namespaced_service_account(self.namespace, {"metadata": {"name": "robot"}})
        rule = client.V1PolicyRule(api_groups=[""], resources=["pods"], verbs=["get", "list"])
        rbac.create_namespaced_role(
            self.namespace, client.V1Role(metadata=client.V1ObjectMeta(name="reader"), rules=[rule]))
        rbac.create_namespaced_role_binding(self.namespace, {
            "metadata": {"name": "robot"},
            "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": self.namespace}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}})

        def may(verb):
            review = access.create_subject_access_review({"spec": {
                "user": "system:serviceaccount:%s:robot" % self.namespace,
                "resourceAttributes": {"namespace": self.namespace, "verb": verb, "resource": "pods"}}})
            return review.status.allowed

        self.assertEqual((may("list"), may("delete")), (True, False))

    def test_a_token_of_an_account_opens_what_its_role_allows(self):
        self.core.create_namespaced_service_account(self.namespace, {"metadata": {"name": "robot"}})
        token = self.core.create_namespaced_service_account_token(
            "robot", self.namespace, {"spec": {"audiences": [], "expirationSeconds": 600}}).status.token
        settings = client.Configuration()
        default = client.Configuration.get_default_copy()
        settings.host, settings.ssl_ca_cert = default.host, default.ssl_ca_cert
        settings.api_key = {"authorization": "Bearer " + token}
        robot = client.CoreV1Api(client.ApiClient(settings))
        error = self.refused(403, robot.list_namespaced_secret, self.namespace)
        self.assertIn("system:serviceaccount:%s:robot" % self.namespace, error.body)
        review = client.AuthenticationV1Api().create_token_review({"spec": {"token": token}})
        self.assertEqual(review.status.user.username, "system:serviceaccount:%s:robot" % self.namespace)

    # Without generated types

    def test_the_dynamic_client_finds_kinds_by_discovery(self):
        anything = dynamic.DynamicClient(client.ApiClient())
        kind = anything.resources.get(api_version="apps/v1", kind="Deployment")
        body = client.ApiClient().sanitize_for_serialization(self.deployment("dynamic", 0))
        kind.create(body=dict(body, apiVersion="apps/v1", kind="Deployment"), namespace=self.namespace)
        self.assertEqual(kind.get(name="dynamic", namespace=self.namespace).spec.replicas, 0)
        kind.patch(name="dynamic", namespace=self.namespace, body={"spec": {"paused": True}},
                   content_type="application/merge-patch+json")
        self.assertTrue(kind.get(name="dynamic", namespace=self.namespace).spec.paused)
        kind.delete(name="dynamic", namespace=self.namespace)

    def test_a_file_of_several_objects_is_created(self):
        objects = [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "first", "namespace": self.namespace}},
            {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "second", "namespace": self.namespace},
             "spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": {"spec": {
                 "restartPolicy": "Never", "containers": [{"name": "c", "image": "nginx:1"}]}}}}}}]
        for body in objects: utils.create_from_dict(client.ApiClient(), body)
        self.assertEqual(self.batch.read_namespaced_cron_job("second", self.namespace).spec.concurrency_policy, "Allow")

    def test_an_event_is_written_and_found_by_what_it_is_about(self):
        self.core.create_namespaced_event(self.namespace, {
            "metadata": {"name": "it.happened"}, "reason": "Happened", "message": "it happened", "type": "Normal",
            "involvedObject": {"apiVersion": "v1", "kind": "ConfigMap", "name": "it", "namespace": self.namespace}})
        found = self.core.list_namespaced_event(self.namespace, field_selector="involvedObject.name=it").items
        self.assertEqual([event.reason for event in found], ["Happened"])


if __name__ == "__main__":
    config.load_kube_config(sys.argv.pop(1))
    unittest.main(verbosity=2, warnings="ignore")
