"""[sig-api-machinery], without quotas and without what other programs have: custom resources, webhooks, validation."""
import threading

from .steps import AGGREGATED, POD, SELECTOR, Spec, TEMPLATE

#: A resource of each group that the discovery specs look for.
EXPECTED = {
    "admissionregistration.k8s.io/v1": "validatingwebhookconfigurations",
    "apiextensions.k8s.io/v1": "customresourcedefinitions", "apiregistration.k8s.io/v1": "apiservices",
    "apps/v1": "deployments", "authentication.k8s.io/v1": "tokenreviews",
    "authorization.k8s.io/v1": "selfsubjectaccessreviews", "autoscaling/v1": "horizontalpodautoscalers",
    "autoscaling/v2": "horizontalpodautoscalers", "batch/v1": "jobs",
    "certificates.k8s.io/v1": "certificatesigningrequests", "coordination.k8s.io/v1": "leases",
    "discovery.k8s.io/v1": "endpointslices", "events.k8s.io/v1": "events", "networking.k8s.io/v1": "ingresses",
    "node.k8s.io/v1": "runtimeclasses", "policy/v1": "poddisruptionbudgets",
    "scheduling.k8s.io/v1": "priorityclasses", "storage.k8s.io/v1": "csinodes"}


class Discovery(Spec):
    def test_should_validate_preferred_version_for_each_group(self):
        groups = self.ask(200, "GET", "/apis/")["groups"]
        self.assertTrue(groups)
        for group in groups:
            one = self.ask(200, "GET", "/apis/%s/" % group["name"])
            self.assertEqual((one["kind"], one["apiVersion"]), ("APIGroup", "v1"))
            versions = [version["groupVersion"] for version in one["versions"]]
            self.assertIn(one["preferredVersion"]["groupVersion"], versions)

    def test_should_locate_the_group_version_and_a_resource_within_each_group(self):
        for version, resource in dict(EXPECTED, v1="namespaces").items():
            listed = self.ask(200, "GET", ("/apis/" if "/" in version else "/api/") + version)
            self.assertEqual((listed["kind"], listed["groupVersion"]), ("APIResourceList", version))
            self.assertIn(resource, [entry["name"] for entry in listed["resources"]])

    def test_should_support_raw_aggregated_discovery(self):
        for path, expected in (("/apis", EXPECTED), ("/api", {"v1": "namespaces"})):
            listed = self.ask(200, "GET", path, accept=AGGREGATED)
            self.assertEqual(
                (listed["kind"], listed["apiVersion"]), ("APIGroupDiscoveryList", "apidiscovery.k8s.io/v2"))
            found = {
                (group["metadata"].get("name", ""), version["version"], resource["resource"])
                for group in listed["items"] for version in group["versions"] for resource in version["resources"]}
            for version, resource in expected.items():
                group, _, number = version.rpartition("/")
                self.assertIn((group, number, resource), found)

    def test_should_support_the_aggregated_discovery_interface(self):
        accept = AGGREGATED + "," + AGGREGATED.replace("v=v2;", "v=v2beta1;") + ",application/json"
        for path in ("/apis", "/api"):
            answer = self.send("GET", path, accept=accept)
            self.assertEqual(answer.headers["Content-Type"], AGGREGATED)
            again = self.send("GET", path, accept=accept, **{"If-None-Match": answer.headers["Etag"]})
            self.assertEqual(again.status, 304)

    def test_should_find_the_server_version(self):
        version = self.ask(200, "GET", "/version")
        self.assertRegex(version["major"], "^[0-9]+$")
        self.assertRegex(version["minor"], "^[0-9]+")

    def test_should_answer_a_table_of_reviews_with_406(self):
        """should return a 406 for a backend which does not implement metadata"""
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                  "spec": {"nonResourceAttributes": {"path": "/", "verb": "get"}}}
        refused = self.ask(406, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review,
                           accept="application/json;as=Table;v=v1;g=meta.k8s.io")
        self.assertEqual((refused["code"], refused["reason"]), (406, "NotAcceptable"))


class Watchers(Spec):
    def setUp(self):
        super().setUp()
        self.maps = self.core("ConfigMap", "configmaps")

    def map(self, name, label):
        return self.maps.create({"metadata": {"name": name, "labels": {"watch-this-configmap": label}}})

    def mutate(self, name, value): return self.maps.retried(name, lambda one: one.update(data={"mutation": value}))

    def relabel(self, name, value):
        return self.maps.retried(name, lambda one: one["metadata"]["labels"].update({"watch-this-configmap": value}))

    def follow(self, *labels, version=""):
        return self.maps.watch(
            labelSelector="watch-this-configmap in (%s)" % ",".join(labels), resourceVersion=version)

    def test_should_observe_add_update_and_delete(self):
        a, b, both = self.follow("A"), self.follow("B"), self.follow("A", "B")
        expected = [("ADDED", self.map("a", "A")), ("MODIFIED", self.mutate("a", "1")),
                    ("MODIFIED", self.mutate("a", "2"))]
        self.maps.delete("a")
        made = self.map("b", "B")
        self.maps.delete("b")
        for watch in (a, both):
            for found, thing in expected: self.assertEqual(watch.expect(found), thing)
            watch.expect("DELETED")
        for watch in (b, both):
            self.assertEqual(watch.expect("ADDED"), made)
            watch.expect("DELETED")

    def test_should_start_watching_from_a_specific_resource_version(self):
        self.map("a", "from")
        first, second = self.mutate("a", "1"), self.mutate("a", "2")
        self.maps.delete("a")
        watch = self.follow("from", version=first["metadata"]["resourceVersion"])
        self.assertEqual(watch.expect("MODIFIED"), second)
        watch.expect("DELETED")

    def test_should_restart_watching_from_the_last_resource_version(self):
        broken = self.follow("closed")
        made = self.map("a", "closed")
        self.mutate("a", "1")
        self.assertEqual(broken.expect("ADDED"), made)
        last = broken.expect("MODIFIED")
        broken.stop()
        second = self.mutate("a", "2")
        again = self.follow("closed", version=last["metadata"]["resourceVersion"])
        self.maps.delete("a")
        self.assertEqual(again.expect("MODIFIED"), second)
        again.expect("DELETED")

    def test_should_observe_a_deletion_if_it_stops_meeting_the_selector(self):
        watch = self.follow("changed")
        expected = [("ADDED", self.map("a", "changed")), ("MODIFIED", self.mutate("a", "1"))]
        self.relabel("a", "wrong")
        for found, thing in expected: self.assertEqual(watch.expect(found), thing)
        watch.expect("DELETED")
        self.mutate("a", "2")
        expected = [("ADDED", self.relabel("a", "changed")), ("MODIFIED", self.mutate("a", "3"))]
        self.maps.delete("a")
        for found, thing in expected: self.assertEqual(watch.expect(found), thing)
        watch.expect("DELETED")

    def test_should_receive_events_on_concurrent_watches_in_the_same_order(self):
        version = self.maps.list()["metadata"]["resourceVersion"]
        ended = threading.Event()

        def produce():
            number = 0
            while not ended.is_set():
                name = "m-%d" % number
                self.maps.create({"metadata": {"name": name}})
                self.maps.update({"metadata": {"name": name}, "data": {"n": "1"}})
                if number % 2: self.maps.delete(name)
                number += 1
        producer = threading.Thread(target=produce)
        producer.start()
        try:
            watches = []
            for _ in range(30):
                watches.append(self.maps.watch(resourceVersion=version, allowWatchBookmarks="true"))
                versions = {self.change(watch)["metadata"]["resourceVersion"] for watch in watches}
                self.assertEqual(len(versions), 1)
                version = versions.pop()
        finally:
            ended.set()
            producer.join()

    def change(self, watch):
        while True:
            found, thing = watch.next()
            if found != "BOOKMARK": return thing

    def test_informers_stream_their_lists(self):
        """What client-go's reflectors ask for before anything else."""
        made = self.map("a", "streamed")
        watch = self.maps.watch(
            allowWatchBookmarks="true", sendInitialEvents="true", resourceVersionMatch="NotOlderThan",
            labelSelector="watch-this-configmap=streamed")
        self.assertEqual(watch.expect("ADDED"), made)
        end = watch.expect("BOOKMARK")
        self.assertEqual(end["metadata"]["annotations"], {"k8s.io/initial-events-end": "true"})
        self.assertEqual((end["kind"], end["apiVersion"]), ("ConfigMap", "v1"))
        self.assertGreaterEqual(int(end["metadata"]["resourceVersion"]), int(made["metadata"]["resourceVersion"]))
        self.assertEqual(self.mutate("a", "1"), watch.expect("MODIFIED"))


class Chunks(Spec):
    def setUp(self):
        super().setUp()
        self.templates = self.core("PodTemplate", "podtemplates")
        for number in range(40):
            self.templates.create({"metadata": {"name": "template-%04d" % number}, "template": {"spec": {
                "containers": [{"name": "test", "image": "test2"}]}}})

    def test_should_return_chunks_of_results(self):
        found, token, version = 0, "", None
        while True:
            page = self.templates.list(**dict(limit=17, **({"continue": token} if token else {})))
            metadata = page["metadata"]
            version = version or metadata["resourceVersion"]
            self.assertEqual(metadata["resourceVersion"], version)
            self.assertLessEqual(len(page["items"]), 17)
            for item in page["items"]:
                self.assertEqual(item["metadata"]["name"], "template-%04d" % found)
                found += 1
            token = metadata.get("continue", "")
            if not token: break
            self.assertEqual(metadata["remainingItemCount"], 40 - found)
        self.assertNotIn("remainingItemCount", metadata)
        self.assertEqual(found, 40)
        self.assertEqual(len(self.templates.items(limit=41)), 40)


class Namespaces(Spec):
    def test_should_patch_a_namespace(self):
        space = self.new_space()
        before = self.namespaces.get(space)
        patched = self.namespaces.patch(space, {"metadata": {"labels": {"testLabel": "testValue"}}}, "strategic")
        self.assertGreater(
            int(patched["metadata"]["resourceVersion"]), int(before["metadata"]["resourceVersion"]))
        self.assertEqual(self.labels(self.namespaces.get(space))["testLabel"], "testValue")

    def test_should_apply_changes_to_a_namespace_status(self):
        self.assertEqual(self.namespaces.get(self.space, part="status")["status"]["phase"], "Active")
        condition = {"type": "StatusPatch", "status": "True", "reason": "E2E", "message": "Patched by an e2e test"}
        patched = self.namespaces.patch(
            self.space, {"metadata": {"annotations": {"e2e-patched-ns-status": self.space}},
                         "status": {"conditions": [condition]}}, part="status")
        self.assertEqual(self.notes(patched)["e2e-patched-ns-status"], self.space)
        self.holds(self.conditions(patched)[-1], condition)
        added = dict(condition, type="StatusUpdate", message="Updated by an e2e test")
        updated = self.namespaces.retried(
            self.space, lambda one: one["status"]["conditions"].append(added), part="status")
        self.holds(self.conditions(updated)[-1], added)

    def test_should_apply_an_update_to_a_namespace(self):
        updated = self.namespaces.retried(
            self.space, lambda one: one["metadata"]["labels"].update({self.space: "updated"}))
        self.assertEqual(self.labels(updated)[self.space], "updated")

    def test_should_apply_a_finalizer_to_a_namespace(self):
        mine = "e2e.example.com/fakeFinalizer"
        added = self.namespaces.retried(
            self.space, lambda one: one["spec"]["finalizers"].append(mine), part="finalize")
        self.assertEqual(added["spec"]["finalizers"], ["kubernetes", mine])
        removed = self.namespaces.retried(
            self.space, lambda one: one["spec"]["finalizers"].remove(mine), part="finalize")
        self.assertEqual(removed["spec"]["finalizers"], ["kubernetes"])

    def test_should_remove_all_services_with_a_namespace(self):
        space = self.new_space()
        services = self.kind("v1", "Service", "services", space)
        services.create({"metadata": {"name": "s"}, "spec": {
            "selector": {"foo": "bar"}, "ports": [{"port": 80, "targetPort": 80}]}})
        self.namespaces.delete(space)
        self.namespaces.gone(space)
        self.namespaces.create({"metadata": {"name": space}})
        services.get("s", status=404)

    def test_should_delete_pods_first(self):
        """namespace deletion should delete pod first"""
        space = self.new_space()
        pods, maps = self.kind("v1", "Pod", "pods", space), self.kind("v1", "ConfigMap", "configmaps", space)
        pods.create({"metadata": {"name": "p", "finalizers": ["e2e.example.com/finalizer"]}, "spec": POD})
        maps.create({"metadata": {"name": "m"}, "data": {"key": "value"}})
        self.namespaces.delete(space)

        def failing():
            one = self.namespaces.get(space)
            types = [condition["type"] for condition in self.conditions(one)]
            return one["status"]["phase"] == "Terminating" and "NamespaceDeletionContentFailure" in types
        self.eventually(failing, "the condition of a namespace that is held up")
        maps.get("m")
        self.assertIn("deletionTimestamp", pods.get("p")["metadata"])
        pods.retried("p", lambda one: one["metadata"].update(finalizers=[]))
        pods.gone("p")
        self.namespaces.gone(space)


class GarbageCollector(Spec):
    def setUp(self):
        super().setUp()
        self.pods = self.core("Pod", "pods")
        self.deployments = self.kind("apps/v1", "Deployment", "deployments", self.space)
        self.sets = self.kind("apps/v1", "ReplicaSet", "replicasets", self.space)
        self.controllers = self.core("ReplicationController", "replicationcontrollers")

    def deploy(self):
        made = self.deployments.create({"metadata": {"name": "d"}, "spec": {
            "replicas": 2, "selector": SELECTOR, "template": TEMPLATE}})
        self.eventually(self.sets.items, "the deployment's replica set")
        return made

    def controller(self, name, pods=0, owners=()):
        """A ReplicationController and its pods, each with these owners besides."""
        labels = {"app": name}
        made = self.controllers.create({"metadata": {"name": name}, "spec": {
            "replicas": pods, "selector": labels, "template": {"metadata": {"labels": labels}, "spec": POD}}})
        self.eventually(lambda: len(self.names()) == pods, "the controller's pods")
        for pod in self.names() if owners else ():
            self.pods.patch(pod, {"metadata": {"ownerReferences": list(owners)}}, "strategic")
        return made

    def names(self):
        return {one["metadata"]["name"] for one in self.pods.items()}

    def owner(self, thing, **marks):
        return dict(marks, apiVersion=thing["apiVersion"], kind=thing["kind"], name=thing["metadata"]["name"],
                    uid=thing["metadata"]["uid"])

    def expecting(self, thing):
        return {"preconditions": {"uid": thing["metadata"]["uid"]}}

    def test_should_delete_replica_sets_of_a_deployment(self):
        made = self.deploy()
        self.deployments.delete("d", propagationPolicy="Background", **self.expecting(made))
        self.eventually(lambda: not self.sets.items() and not self.deployments.items(), "all to go")

    def test_should_orphan_replica_sets_of_a_deployment(self):
        made = self.deploy()
        self.deployments.delete("d", propagationPolicy="Orphan", **self.expecting(made))
        self.deployments.gone("d")
        left = self.sets.items()
        self.assertEqual(len(left), 1)
        self.assertNotIn("ownerReferences", left[0]["metadata"])

    def test_should_delete_pods_of_a_controller(self):
        made = self.controller("rc", 2)
        self.controllers.delete("rc", orphanDependents=False, **self.expecting(made))
        self.eventually(lambda: not self.pods.items(), "the pods to go")

    def test_should_orphan_pods_of_a_controller(self):
        made = self.controller("rc", 2)
        self.controllers.delete("rc", propagationPolicy="Orphan", **self.expecting(made))
        self.controllers.gone("rc")
        self.assertEqual([one["metadata"].get("ownerReferences") for one in self.pods.items()], [None, None])

    def test_should_keep_a_controller_until_its_pods_are_deleted(self):
        made = self.controller("rc", 2)
        held = min(self.names())
        self.pods.patch(held, {"metadata": {"finalizers": ["e2e.example.com/hold"]}})
        self.controllers.delete("rc", propagationPolicy="Foreground", **self.expecting(made))
        self.eventually(lambda: len(self.pods.items()) == 1, "the other pod to go")
        self.assertEqual(self.controllers.get("rc")["metadata"]["finalizers"], ["foregroundDeletion"])
        self.pods.patch(held, {"metadata": {"finalizers": None}})
        self.controllers.gone("rc")
        self.assertEqual(self.pods.items(), [])

    def test_should_not_delete_dependents_with_another_valid_owner(self):
        staying = self.controller("stays")
        made = self.controller("going", 2, owners=[self.owner(staying)])
        shared = self.names()
        self.pods.create({"metadata": {
            "name": "only", "ownerReferences": [self.owner(made, blockOwnerDeletion=True)]}, "spec": POD})
        self.controllers.delete("going", propagationPolicy="Foreground", **self.expecting(made))
        self.controllers.gone("going")
        left = {one["metadata"]["name"]: one["metadata"]["ownerReferences"] for one in self.pods.items()}
        self.assertEqual(set(left), shared)
        for owners in left.values(): self.assertEqual([one["name"] for one in owners], ["stays"])

    def test_should_not_be_blocked_by_a_dependency_circle(self):
        made = [self.pods.create({"metadata": {"name": "pod%d" % number}, "spec": POD}) for number in (1, 2, 3)]
        for number in range(3):
            owner = self.owner(made[number - 1], controller=True, blockOwnerDeletion=True)
            self.pods.patch(made[number]["metadata"]["name"], {"metadata": {"ownerReferences": [owner]}}, "strategic")
        self.pods.delete("pod1", propagationPolicy="Foreground")
        self.eventually(lambda: not self.pods.items(), "the circle to go")


class Priorities(Spec):
    def test_should_support_flow_schema_api_operations(self):
        self.discovered("flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "flowschemas/status",
                        "prioritylevelconfigurations", "prioritylevelconfigurations/status")
        kind = self.kind("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "flowschemas")
        name = self.operations(kind, {"spec": {
            "matchingPrecedence": 10000, "priorityLevelConfiguration": {"name": "global-default"},
            "distinguisherMethod": {"type": "ByUser"}, "rules": [{
                "subjects": [{"kind": "User", "user": {"name": "example-e2e-non-existent-user"}}],
                "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}]}]}})
        self.assertEqual(kind.patch(name, {"spec": {"matchingPrecedence": 9999}})["spec"]["matchingPrecedence"], 9999)
        self.flow_status(kind, name)
        self.deletions(kind, name)

    def test_should_support_priority_level_api_operations(self):
        kind = self.kind(
            "flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration", "prioritylevelconfigurations")
        name = self.operations(kind, {"spec": {"type": "Limited", "limited": {
            "nominalConcurrencyShares": 2, "limitResponse": {"type": "Reject"}}}})
        self.flow_status(kind, name)
        self.deletions(kind, name)

    def flow_status(self, kind, name):
        condition = {"type": "PatchStatusFailed", "status": "False", "reason": "Patched by e2e"}
        patched = kind.patch(name, {"status": {"conditions": [condition]}}, part="status")
        self.holds(self.conditions(patched), [condition])
        more = dict(condition, type="UpdateStatusFailed")
        updated = kind.retried(name, lambda one: one["status"]["conditions"].append(more), part="status")
        self.assertIn("UpdateStatusFailed", [one["type"] for one in self.conditions(updated)])
