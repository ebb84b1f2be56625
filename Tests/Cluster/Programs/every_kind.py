"""The life of one object of every kind that a server serves: created, read in each form, changed in each way, deleted.

    python3 every_kind.py KUBECONFIG

What is served is read from the server's discovery; a kind that is missing among the samples fails the run, and so does a
sample that nobody serves.
"""
import base64, json, subprocess, sys, unittest

from kubernetes import client, config

POD = {"containers": [{"name": "c", "image": "i"}]}
ONCE = dict(POD, restartPolicy="Never")
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": POD}
SELECTOR = {"matchLabels": {"a": "b"}}
VIEWER = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
READING = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
NOTHING = {"apiGroups": ["none.example.org"], "apiVersions": ["v1"], "resources": ["nones"], "operations": ["CREATE"]}
DEVICES = {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "d.example.org"}}]}}
WEBHOOKS = {"webhooks": [{
    "name": "a.example.org", "clientConfig": {"url": "https://127.0.0.1:1/"}, "sideEffects": "None",
    "admissionReviewVersions": ["v1"], "rules": [NOTHING]}]}
DEFINITION = {"spec": {
    "group": "life.example.org", "scope": "Namespaced", "names": {"plural": "foos", "kind": "Foo"},
    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}]}}
SERVICE = {"spec": {
    "group": "none.example.org", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 10,
    "service": {"name": "s", "namespace": "default"}, "insecureSkipTLSVerify": True}}


def requested_certificate():
    made = subprocess.run(
        "openssl req -new -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=x", shell=True, capture_output=True)
    return base64.b64encode(made.stdout).decode()


def involved(namespace): return {"kind": "Pod", "name": "p", "namespace": namespace}


def samples(namespace):
    """One object of each kind, by group and resource; what is not said is what any object has."""
    scaled = {"spec": {"replicas": 0, "selector": SELECTOR, "template": TEMPLATE}}
    driver = {"driverName": "example.org/x", "parameters": {"a": "b"}}
    return {
        "": {
            "configmaps": {"data": {"a": "b"}},
            "endpoints": {"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]},
            "events": {"involvedObject": involved(namespace), "reason": "r", "message": "m", "type": "Normal"},
            "limitranges": {"spec": {"limits": [{"type": "Container", "default": {"cpu": "100m"}}]}},
            "namespaces": {},
            "nodes": {},
            "persistentvolumeclaims": {"spec": {
                "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
            "persistentvolumes": {"spec": {
                "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/none"}}},
            "pods": {"spec": POD},
            "podtemplates": {"template": TEMPLATE},
            "replicationcontrollers": {"spec": {"replicas": 0, "selector": {"a": "b"}, "template": TEMPLATE}},
            "resourcequotas": {"spec": {"hard": {"count/foos.life.example.org": "5"}}},
            "secrets": {"data": {"a": "Yg=="}},
            "serviceaccounts": {},
            "services": {"spec": {"ports": [{"port": 80}], "selector": {"a": "b"}}},
        },
        "admissionregistration.k8s.io": {
            "mutatingadmissionpolicies": {"spec": {
                "reinvocationPolicy": "Never", "matchConstraints": {"resourceRules": [NOTHING]},
                "mutations": [{"patchType": "JSONPatch", "jsonPatch": {
                    "expression": '[JSONPatch{op: "add", path: "/metadata/labels/x", value: "y"}]'}}]}},
            "mutatingadmissionpolicybindings": {"spec": {"policyName": "p"}},
            "mutatingwebhookconfigurations": WEBHOOKS,
            "validatingadmissionpolicies": {"spec": {
                "matchConstraints": {"resourceRules": [NOTHING]}, "validations": [{"expression": "true"}]}},
            "validatingadmissionpolicybindings": {"spec": {"policyName": "p", "validationActions": ["Deny"]}},
            "validatingwebhookconfigurations": WEBHOOKS,
        },
        "apiextensions.k8s.io": {"customresourcedefinitions": dict(DEFINITION, name="foos.life.example.org")},
        "apiregistration.k8s.io": {"apiservices": dict(SERVICE, name="v1.none.example.org")},
        "apps": {
            "controllerrevisions": {"revision": 1, "data": {"a": 1}},
            "daemonsets": {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
            "deployments": scaled,
            "replicasets": scaled,
            "statefulsets": {"spec": dict(scaled["spec"], serviceName="s")},
        },
        "autoscaling": {"horizontalpodautoscalers": {"spec": {
            "maxReplicas": 2, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}}}},
        "batch": {
            "cronjobs": {"spec": {
                "schedule": "* * * * *", "suspend": True, "jobTemplate": {"spec": {"template": {"spec": ONCE}}}}},
            "jobs": {"spec": {"suspend": True, "template": {"spec": ONCE}}},
        },
        "certificates.k8s.io": {"certificatesigningrequests": {"spec": {
            "request": requested_certificate(), "signerName": "example.org/x", "usages": ["client auth"]}}},
        "coordination.k8s.io": {"leases": {"spec": {"holderIdentity": "h", "leaseDurationSeconds": 5}}},
        "discovery.k8s.io": {"endpointslices": {
            "addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}],
            "ports": [{"name": "", "port": 80, "protocol": "TCP"}]}},
        "events.k8s.io": {"events": {
            "name": "life-again", "regarding": involved(namespace), "reason": "r", "note": "m", "type": "Normal",
            "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "c", "reportingInstance": "i",
            "action": "a"}},
        "flowcontrol.apiserver.k8s.io": {
            "flowschemas": {"spec": {
                "priorityLevelConfiguration": {"name": "global-default"}, "matchingPrecedence": 9000}},
            "prioritylevelconfigurations": {"spec": {"type": "Limited", "limited": {
                "nominalConcurrencyShares": 2, "limitResponse": {"type": "Reject"}}}},
        },
        "networking.k8s.io": {
            "ingressclasses": {"spec": {"controller": "example.org/x"}},
            "ingresses": {"spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}},
            "ipaddresses": {"name": "192.168.7.7", "spec": {
                "parentRef": {"resource": "services", "namespace": "default", "name": "x"}}},
            "networkpolicies": {"spec": {"podSelector": {}}},
            "servicecidrs": {"spec": {"cidrs": ["10.99.0.0/24"]}},
        },
        "node.k8s.io": {"runtimeclasses": {"handler": "h"}},
        "policy": {"poddisruptionbudgets": {"spec": {"minAvailable": 1, "selector": SELECTOR}}},
        "rbac.authorization.k8s.io": {
            "clusterrolebindings": {"roleRef": VIEWER}, "clusterroles": {"rules": [READING]},
            "rolebindings": {"roleRef": VIEWER}, "roles": {"rules": [READING]}},
        "resource.k8s.io": {
            "deviceclasses": {"spec": {}},
            "resourceclaims": {"spec": DEVICES},
            "resourceclaimtemplates": {"spec": {"spec": DEVICES}},
            "resourceslices": {"spec": {
                "driver": "d.example.org", "allNodes": True, "devices": [],
                "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1}}},
        },
        "scheduling.k8s.io": {"priorityclasses": {"value": 5}},
        "storage.k8s.io": {
            "csidrivers": {"spec": {"attachRequired": False}},
            "csinodes": {"spec": {"drivers": [{"name": "d.example.org", "nodeID": "n", "topologyKeys": ["t"]}]}},
            "csistoragecapacities": {"storageClassName": "x", "capacity": "1Gi"},
            "storageclasses": {"provisioner": "example.org/x"},
            "volumeattachments": {"spec": {
                "attacher": "x.example.org", "nodeName": "n", "source": {"persistentVolumeName": "v"}}},
            "volumeattributesclasses": driver,
        },
    }


class EveryKind(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = client.ApiClient()
        made = cls.send("POST", "/api/v1/namespaces", {"metadata": {"generateName": "every-kind-"}})
        cls.namespace = json.loads(made.data)["metadata"]["name"]
        cls.samples = samples(cls.namespace)

    @classmethod
    def tearDownClass(cls): cls.send("DELETE", "/api/v1/namespaces/" + cls.namespace)

    @classmethod
    def send(cls, method, path, body=None, form="application/json", accept="application/json"):
        return cls.api.rest_client.pool_manager.request(
            method, cls.api.configuration.host + path,
            body=body if body is None or isinstance(body, bytes) else json.dumps(body),
            headers={"Content-Type": form, "Accept": accept})

    def ask(self, status, method, path, *arguments, **named):
        answer = self.send(method, path, *arguments, **named)
        self.assertEqual(answer.status, status, answer.data[:2000])
        return json.loads(answer.data)

    def kinds(self):
        """Every kind that can be created, reviews and such aside: base path, group, its entry, its subresources."""
        versions = [("", "/api/v1")]
        for group in self.ask(200, "GET", "/apis")["groups"]:
            versions += [(group["name"], "/apis/" + version["groupVersion"]) for version in group["versions"]]
        for group, base in versions:
            entries = self.ask(200, "GET", base)["resources"]
            for entry in entries:
                if "/" in entry["name"] or not {"create", "list"} <= set(entry["verbs"]): continue
                parts = {other["name"].partition("/")[2] for other in entries
                         if other["name"].startswith(entry["name"] + "/")}
                yield base, group, entry, parts

    def test_an_object_of_every_kind_lives_its_life(self):
        unseen = {(group, resource) for group, resources in self.samples.items() for resource in resources}
        for base, group, entry, parts in self.kinds():
            with self.subTest(base + "/" + entry["name"]):
                unseen.discard((group, entry["name"]))
                self.live(base, entry, parts, dict(self.samples[group][entry["name"]]))
        self.assertEqual(unseen, set())

    def live(self, base, entry, parts, body):
        space = "/namespaces/" + self.namespace if entry["namespaced"] else ""
        every = base + space + "/" + entry["name"]
        name = body.pop("name", "life")
        one = every + "/" + name
        version = base.removeprefix("/apis/").removeprefix("/api/")
        body = dict(body, apiVersion=version, kind=entry["kind"], metadata={"name": name, "labels": {"every": "kind"}})
        self.ask(201, "POST", every + "?dryRun=All", body)
        made = self.ask(201, "POST", every + "?fieldValidation=Strict", body)
        self.ask(409, "POST", every, body)
        self.read(every, one, entry["kind"])
        self.change(one, body, name)
        self.report(one, parts)
        since = made["metadata"]["resourceVersion"]
        told = self.send("GET", every + "?watch=true&timeoutSeconds=1&resourceVersion=" + since).data
        self.assertIn(b'"type":"MODIFIED"', told)
        if "deletecollection" in entry["verbs"]:
            self.ask(200, "DELETE", every + "?labelSelector=every%3Dkind")
        else:
            self.ask(200, "DELETE", one)
        self.end(one)

    def read(self, every, one, kind):
        self.assertEqual(self.ask(200, "GET", one)["kind"], kind)
        picked = self.ask(200, "GET", every + "?labelSelector=every%3Dkind")
        self.assertEqual((picked["kind"], len(picked["items"])), (kind + "List", 1))
        self.transcode(one)
        for form in ("Table", "PartialObjectMetadataList"):
            accept = "application/json;as=%s;v=v1;g=meta.k8s.io" % form
            self.assertEqual(self.ask(200, "GET", every, accept=accept)["kind"], form)

    def transcode(self, one):
        """Nothing is lost in protobuf, which Go's typed clients speak: what was read so is written back unchanged."""
        protobuf = "application/vnd.kubernetes.protobuf"
        for _ in range(5):
            before = self.ask(200, "GET", one)
            read = self.send("GET", one, accept=protobuf + ",application/json").data
            self.assertTrue(read.startswith(b"k8s\0"))
            answer = self.send("PUT", one, read, form=protobuf)
            # A controller may write at the same time.
            if answer.status == 409: continue
            self.assertEqual(answer.status, 200, answer.data)
            after = json.loads(answer.data)
            if after == before: return
        self.assertEqual(before, after)

    def change(self, one, body, name):
        patch = lambda form, body, query="": self.ask(200, "PATCH", one + query, body, form="application/" + form)
        note = lambda key: {"metadata": {"annotations": {key: "noted"}}}
        patch("merge-patch+json", note("merge"))
        patch("strategic-merge-patch+json", note("strategic"))
        patch("json-patch+json", [{"op": "add", "path": "/metadata/annotations/json", "value": "noted"}])
        applied = dict(body, metadata={"name": name, "annotations": {"apply": "noted"}})
        changed = patch("apply-patch+yaml", applied, "?fieldManager=every-kind&force=true")
        notes = changed["metadata"]["annotations"]
        self.assertEqual({"merge", "strategic", "json", "apply"} - set(notes), set())
        self.put(one, one, lambda present: present["metadata"]["labels"].update(put="labelled"))
        self.ask(409, "PUT", one, changed)

    def report(self, one, parts):
        if "status" in parts:
            self.ask(200, "GET", one + "/status")
            self.ask(200, "PATCH", one + "/status", {"status": {}}, form="application/merge-patch+json")
            self.put(one + "/status", one)
        if "scale" in parts:
            scale = self.put(one + "/scale", one + "/scale")
            self.assertEqual((scale["kind"], scale["spec"].get("replicas", 0)), ("Scale", 0))

    def put(self, to, source, change=lambda present: None):
        """Writes what is read; when a controller wrote between the two, again."""
        for _ in range(5):
            present = self.ask(200, "GET", source)
            change(present)
            answer = self.send("PUT", to, present)
            if answer.status != 409: break
        self.assertEqual(answer.status, 200, answer.data)
        return json.loads(answer.data)

    def end(self, one):
        """What deletes it may hold the object by finalizers, which nobody here takes off."""
        left = json.loads(self.send("GET", one).data)
        if left["kind"] == "Status": return self.assertEqual(left["code"], 404)
        self.assertIn("deletionTimestamp", left["metadata"])
        self.send("PATCH", one, {"metadata": {"finalizers": None}}, form="application/merge-patch+json")


if __name__ == "__main__":
    config.load_kube_config(sys.argv.pop(1))
    unittest.main(verbosity=2, warnings="ignore")
