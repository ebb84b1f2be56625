"""[sig-network], the API of it."""
from .steps import Spec


class Ingresses(Spec):
    def test_should_support_ingress_api_operations(self):
        self.discovered("networking.k8s.io", "v1", "ingresses", "ingresses/status")
        kind = self.kind("networking.k8s.io/v1", "Ingress", "ingresses", self.space)
        everywhere = self.kind("networking.k8s.io/v1", "Ingress", "ingresses")
        backend = {"service": {"name": "default-backend", "port": {"name": "", "number": 8080}}}
        rules = [{"host": "foo.bar.com", "http": {"paths": [{
            "path": "/", "pathType": "ImplementationSpecific", "backend": backend}]}}]
        name = self.operations(kind, {
            "metadata": {"generateName": "e2e-example-ing"},
            "spec": {"defaultBackend": backend, "rules": rules}}, everywhere)
        self.status_operations(
            kind, name, {"loadBalancer": {"ingress": [{"ip": "169.1.1.1"}]}},
            {"loadBalancer": {"ingress": [{"ip": "169.1.1.1"}, {"ip": "169.1.1.2"}]}})
        self.deletions(kind, name)

    def test_should_support_ingress_class_api_operations(self):
        self.discovered("networking.k8s.io", "v1", "ingressclasses")
        kind = self.kind("networking.k8s.io/v1", "IngressClass", "ingressclasses")
        name = self.operations(kind, {"spec": {"controller": "example.com/controller"}})
        self.deletions(kind, name)


class Slices(Spec):
    def test_should_support_endpoint_slice_api_operations(self):
        self.discovered("discovery.k8s.io", "v1", "endpointslices")
        kind = self.kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", self.space)
        name = self.operations(kind, {
            "metadata": {"generateName": "e2e-example-ing"}, "addressType": "IPv4",
            "endpoints": [{"addresses": ["1.2.3.4", "5.6.7.8"]}]},
            self.kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"))
        self.deletions(kind, name)


    def test_should_create_and_delete_slices_for_a_service_that_matches_no_pods(self):
        services = self.core("Service", "services")
        endpoints = self.core("Endpoints", "endpoints")
        slices = self.kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", self.space)
        selector = "kubernetes.io/service-name=example-empty-selector"
        services.create({"metadata": {"name": "example-empty-selector"}, "spec": {
            "selector": {"does-not-match-anything": "e"}, "ports": [{"name": "example", "port": 80,
                                                                    "protocol": "TCP"}]}})
        self.eventually(lambda: endpoints.named("example-empty-selector"), "the endpoints")
        self.eventually(lambda: len(slices.items(labelSelector=selector)) == 1, "the slice")
        owner = slices.items(labelSelector=selector)[0]["metadata"]["ownerReferences"][0]
        self.assertEqual((owner["kind"], owner["controller"]), ("Service", True))
        services.delete("example-empty-selector")
        endpoints.gone("example-empty-selector")
        self.eventually(lambda: not slices.items(labelSelector=selector), "the slice to go")

    def test_should_test_the_lifecycle_of_an_endpoint(self):
        kind, everywhere = self.core("Endpoints", "endpoints"), self.core("Endpoints", "endpoints", everywhere=True)
        selector = "test-endpoint-static=true"
        subset = lambda ip, port: [{"addresses": [{"ip": ip}], "ports": [
            {"name": "http", "port": port, "protocol": "TCP"}]}]
        watch = kind.watch(labelSelector=selector)
        kind.create({"metadata": {"name": "testservice", "labels": {"test-endpoint-static": "true"}},
                     "subsets": subset("10.0.0.24", 80)})
        watch.expect("ADDED")
        self.assertEqual(len(everywhere.items(labelSelector=selector)), 1)
        updated = kind.retried(
            "testservice", lambda one: one["metadata"]["labels"].update({"test-service": "updated"}))
        self.assertEqual(self.labels(updated)["test-service"], "updated")
        watch.expect("MODIFIED", lambda one: self.labels(one)["test-service"] == "updated")
        self.assertEqual(self.labels(kind.get("testservice"))["test-service"], "updated")
        kind.patch("testservice", {
            "metadata": {"labels": {"test-service": "patched"}}, "subsets": subset("10.0.0.25", 8080)}, "strategic")
        watch.expect("MODIFIED")
        one = kind.get("testservice")
        self.assertEqual((self.labels(one)["test-service"], one["subsets"]), ("patched", subset("10.0.0.25", 8080)))
        kind.delete_all(labelSelector=selector)
        watch.expect("DELETED")
        kind.get("testservice", status=404)


class Services(Spec):
    def setUp(self):
        super().setUp()
        self.services = self.core("Service", "services")
        self.everywhere = self.core("Service", "services", everywhere=True)

    def make(self, name, labels=None, **spec):
        spec.setdefault("ports", [{"port": 80, "protocol": "TCP", "targetPort": 80}])
        return self.services.create({"metadata": {"name": name, "labels": labels or {}}, "spec": spec})

    def test_should_provide_a_secure_master_service(self):
        self.kind("v1", "Service", "services", "default").get("kubernetes")

    def test_should_find_a_service_from_listing_all_namespaces(self):
        listed = self.everywhere.items()
        self.assertIn(("default", "kubernetes"), [
            (one["metadata"]["namespace"], one["metadata"]["name"]) for one in listed])

    def test_should_complete_a_service_status_lifecycle(self):
        selector = "test-service-static=true"
        version = self.everywhere.list(labelSelector=selector)["metadata"]["resourceVersion"]
        self.make("s", {"test-service-static": "true"}, type="LoadBalancer")
        watch = self.services.watch(resourceVersion=version, labelSelector=selector)
        watch.until("ADDED")
        self.services.get("s", part="status")
        balancer = {"ingress": [{"ip": "203.0.113.1"}]}
        patched = self.services.patch("s", {
            "metadata": {"annotations": {"patchedstatus": "true"}}, "status": {"loadBalancer": balancer}},
            part="status")
        self.holds(patched["status"]["loadBalancer"], balancer)
        watch.until("MODIFIED", lambda one: self.notes(one).get("patchedstatus") == "true")
        condition = {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set from e2e test",
                     "lastTransitionTime": None}
        updated = self.services.retried(
            "s", lambda one: one["status"].setdefault("conditions", []).append(condition), part="status")
        self.assertEqual([one["type"] for one in self.conditions(updated)], ["StatusUpdate"])
        watch.until("MODIFIED", lambda one: "StatusUpdate" in [each["type"] for each in self.conditions(one)])
        self.services.patch("s", {"metadata": {"labels": {"test-service": "patched"}}}, "strategic")
        watch.until("MODIFIED", lambda one: self.labels(one).get("test-service") == "patched")
        self.assertEqual(self.labels(self.services.get("s"))["test-service"], "patched")
        self.services.delete("s")
        watch.until("DELETED")

    def test_should_delete_a_collection_of_services(self):
        selector = "e2e-test-service=" + self.unique
        for name in "abc": self.make(name, {"e2e-test-service": self.unique} if name != "c" else {})
        self.assertEqual(len(self.services.items()), 3)
        self.services.delete_all(labelSelector=selector)
        self.assertEqual([one["metadata"]["name"] for one in self.services.items()], ["c"])

    def change(self, name, **spec):
        def apply(one):
            for key, value in spec.items():
                if value is None: one["spec"].pop(key, None)
                else: one["spec"][key] = value
        return self.services.retried(name, apply)["spec"]

    def test_should_change_between_cluster_ip_and_external_name(self):
        """should be able to change the type from ClusterIP to ExternalName, and back, without what is then asked"""
        self.assertEqual(self.make("s", type="ClusterIP")["spec"]["type"], "ClusterIP")
        spec = self.change("s", type="ExternalName", externalName="s.example.com", clusterIP="")
        self.assertEqual(spec.get("clusterIP", ""), "")
        self.assertNotIn("clusterIPs", spec)
        spec = self.change("s", type="ClusterIP", externalName="", ports=[
            {"port": 80, "name": "http", "protocol": "TCP", "targetPort": 9376}])
        self.assertRegex(spec["clusterIP"], "^10\\.")

    def test_should_change_between_node_port_and_external_name(self):
        self.make("s", type="ExternalName", externalName="foo.example.com", ports=[])
        spec = self.change("s", type="NodePort", externalName="", ports=[
            {"port": 80, "name": "http", "protocol": "TCP", "targetPort": 9376}])
        self.assertTrue(spec["ports"][0]["nodePort"])
        self.assertRegex(spec["clusterIP"], "^10\\.")
        spec = self.change("s", type="ExternalName", externalName="s.example.com", clusterIP="")
        self.assertEqual(spec.get("clusterIP", ""), "")
        self.assertNotIn("nodePort", (spec.get("ports") or [{}])[0])

    def test_should_switch_session_affinity(self):
        """should be able to switch session affinity, the API of it"""
        self.assertEqual(self.make("s", sessionAffinity="ClientIP")["spec"]["sessionAffinityConfig"], {
            "clientIP": {"timeoutSeconds": 10800}})
        for affinity in ("None", "ClientIP"):
            self.assertEqual(self.change("s", sessionAffinity=affinity)["sessionAffinity"], affinity)


class Addresses(Spec):
    def test_should_support_service_cidr_api_operations(self):
        self.discovered("networking.k8s.io", "v1", "servicecidrs", "servicecidrs/status")
        kind = self.kind("networking.k8s.io/v1", "ServiceCIDR", "servicecidrs")
        patched = kind.patch("kubernetes", {"metadata": {"annotations": {"patched": "true"}}})
        self.assertEqual(self.notes(patched)["patched"], "true")
        updated = kind.retried("kubernetes", lambda one: one["metadata"]["annotations"].update(updated="true"))
        self.assertEqual(self.notes(updated)["updated"], "true")
        self.assertTrue(kind.items())
        kind.watch().expect("ADDED")
        kind.patch("kubernetes", {"metadata": {"annotations": None}})

    def test_should_support_ip_address_api_operations(self):
        self.discovered("networking.k8s.io", "v1", "ipaddresses")
        kind = self.kind("networking.k8s.io/v1", "IPAddress", "ipaddresses")
        parent = {"group": "mygroup", "resource": "myresources", "namespace": "foo", "name": "bar"}
        addresses = {"255.255.255.255": "broadcast", "fe80::42:1dff:fe84:f9e2": "link-local"}
        for name, label in addresses.items():
            kind.create({"metadata": {"name": name, "labels": {"type": label}}, "spec": {"parentRef": parent}})
        name = "255.255.255.255"
        patched = kind.patch(name, {"metadata": {"annotations": {"patched": "true"}}})
        self.assertEqual(self.notes(patched)["patched"], "true")
        updated = kind.retried(name, lambda one: one["metadata"]["annotations"].update(updated="true"))
        self.assertEqual(self.notes(updated)["updated"], "true")
        kind.get(name)
        self.assertEqual(len(kind.items(labelSelector="type=broadcast")), 1)
        kind.watch(labelSelector="type=broadcast").expect("ADDED")
        kind.delete(name)
        kind.delete_all(labelSelector="type=link-local")
        self.assertEqual(kind.items(labelSelector="type=link-local"), [])
