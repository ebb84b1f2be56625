"""What the specs are written in: requests as client-go sends them, watches, and a namespace of one's own."""
import json, time, unittest, urllib.parse

import urllib3
from kubernetes import client

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
PATCHES = {"json": "json-patch+json", "merge": "merge-patch+json", "strategic": "strategic-merge-patch+json",
           "apply": "apply-patch+yaml"}
POD = {"containers": [{"name": "c", "image": "example.org/none"}], "terminationGracePeriodSeconds": 1}
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": POD["containers"]}}
SELECTOR = {"matchLabels": {"app": "a"}}


class Watch:
    """The events of a watch, in their order."""

    def __init__(self, spec, path):
        limit = urllib3.Timeout(connect=5, read=20)
        self.answer = spec.api.rest_client.pool_manager.request(
            "GET", spec.host + path, preload_content=False, timeout=limit, headers={"Accept": "application/json"})
        self.spec = spec
        spec.addCleanup(self.answer.close)
        spec.assertEqual(self.answer.status, 200)
        self.lines = self.read()

    def read(self):
        rest = b""
        for part in self.answer.stream():
            *lines, rest = (rest + part).split(b"\n")
            yield from lines

    def next(self):
        event = json.loads(next(self.lines))
        self.spec.assertNotEqual(event["type"], "ERROR", event)
        return event["type"], event["object"]

    def expect(self, kind, match=lambda thing: True):
        """The next event, which is of this type."""
        found, thing = self.next()
        self.spec.assertTrue(found == kind and match(thing), "%s of %s" % (found, thing))
        return thing

    def until(self, kind, match=lambda thing: True):
        """The first event of this type that matches."""
        while True:
            found, thing = self.next()
            if found == kind and match(thing): return thing

    def stop(self): self.answer.close()


class Kind:
    """The objects of a kind, in one namespace or, without it, in the cluster."""

    def __init__(self, spec, version, kind, plural, space=None):
        self.spec, self.version, self.kind, self.plural = spec, version, kind, plural
        base = "/apis/" if "/" in version else "/api/"
        self.base = base + version + ("/namespaces/" + space if space else "") + "/" + plural

    def path(self, name=None, part=None, **query):
        words = "/".join(word for word in (self.base, name, part) if word)
        return words + ("?" + urllib.parse.urlencode(query) if query else "")

    def body(self, thing): return dict(thing, apiVersion=self.version, kind=self.kind)

    def create(self, thing, status=201, part=None, name=None, **query):
        return self.spec.ask(status, "POST", self.path(name, part, **query), self.body(thing))

    def get(self, name, part=None, status=200): return self.spec.ask(status, "GET", self.path(name, part))

    def list(self, **query):
        listed = self.spec.ask(200, "GET", self.path(**query))
        self.spec.assertEqual(listed["kind"], self.kind + "List")
        return listed

    def items(self, **query): return self.list(**query)["items"]

    def update(self, thing, part=None, status=200, **query):
        path = self.path(thing["metadata"]["name"], part, **query)
        return self.spec.ask(status, "PUT", path, self.body(thing))

    def patch(self, name, change, form="merge", part=None, status=200, **query):
        path = self.path(name, part, **query)
        return self.spec.ask(status, "PATCH", path, change, form="application/" + PATCHES[form])

    def delete(self, name, status=200, **options):
        return self.spec.ask(status, "DELETE", self.path(name), options or None)

    def delete_all(self, options=None, **query): return self.spec.ask(200, "DELETE", self.path(**query), options)

    def watch(self, **query): return Watch(self.spec, self.path(watch="true", **query))

    def named(self, name): return self.items(fieldSelector="metadata.name=" + name)

    def gone(self, name):
        self.spec.eventually(lambda: not self.named(name), "%s %s to go" % (self.plural, name))
        self.spec.assertEqual(self.get(name, status=404)["reason"], "NotFound")

    def retried(self, name, change, part=None):
        """An update that is tried again on conflict, as client-go's RetryOnConflict does."""
        for _ in range(5):
            thing = self.get(name)
            change(thing)
            answer = self.spec.send("PUT", self.path(name, part), self.body(thing))
            if answer.status != 409: break
        self.spec.assertEqual(answer.status, 200, answer.data)
        return json.loads(answer.data)


class Spec(unittest.TestCase):
    """A spec has a namespace of its own, which has its account and the cluster's certificate."""
    def setUp(self):
        self.api = client.ApiClient()
        self.host = self.api.configuration.host
        self.namespaces = self.kind("v1", "Namespace", "namespaces")
        self.space = self.new_space()
        self.unique = "e2e-" + self.space[4:]

    def tearDown(self): self.api.rest_client.pool_manager.clear()

    def new_space(self, **labels):
        labels = dict(labels, **{"e2e-framework": "conformance", "e2e-run": "1"})
        made = self.namespaces.create({"metadata": {"generateName": "e2e-", "labels": labels}})
        name = made["metadata"]["name"]
        self.addCleanup(self.send, "DELETE", self.namespaces.path(name))
        for version, kind, plural, wanted in (
                ("v1", "ServiceAccount", "serviceaccounts", "default"),
                ("v1", "ConfigMap", "configmaps", "kube-root-ca.crt")):
            self.kind(version, kind, plural, name).watch(
                fieldSelector="metadata.name=" + wanted, resourceVersion="0").until("ADDED")
        return name

    def kind(self, version, kind, plural, space=None): return Kind(self, version, kind, plural, space)

    def core(self, kind, plural, everywhere=False):
        return self.kind("v1", kind, plural, None if everywhere else self.space)

    def send(self, method, path, body=None, form="application/json", accept="application/json", **headers):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        return self.api.rest_client.pool_manager.request(
            method, self.host + path, body=data, headers=dict(headers, **{"Content-Type": form, "Accept": accept}))

    def ask(self, status, method, path, *arguments, **named):
        answer = self.send(method, path, *arguments, **named)
        self.assertEqual(answer.status, status, "%s %s: %s" % (method, path, answer.data[:2000]))
        return json.loads(answer.data)

    def eventually(self, check, what, seconds=20):
        """Waits for what a controller does."""
        end = time.monotonic() + seconds
        while not check():
            self.assertLess(time.monotonic(), end, "waited too long for " + what)
            time.sleep(0.05)

    def notes(self, thing): return thing["metadata"].get("annotations", {})

    def labels(self, thing): return thing["metadata"].get("labels", {})

    def conditions(self, thing): return thing.get("status", {}).get("conditions", [])

    # What many specs do with one kind.

    def discovered(self, group, version, *resources):
        """The group, its version and its resources are found on each of the three ways."""
        groups = {one["name"]: one for one in self.ask(200, "GET", "/apis")["groups"]}
        self.assertIn(version, [one["version"] for one in groups[group]["versions"]])
        one = self.ask(200, "GET", "/apis/" + group)
        self.assertIn(version, [each["version"] for each in one["versions"]])
        found = {entry["name"] for entry in self.ask(200, "GET", "/apis/%s/%s" % (group, version))["resources"]}
        self.assertLessEqual(set(resources), found)

    def operations(self, kind, thing, everywhere=None):
        """What every "should support ... API operations" does: create three, get, list, watch, patch, update; returns
        the name of the last one. `everywhere` is the same kind in all namespaces."""
        label = {"special-label": self.unique}
        metadata = dict(thing.get("metadata", {}), labels=label)
        metadata.setdefault("generateName", "e2e-example-")
        thing = dict(thing, metadata=metadata)
        selector = "special-label=" + self.unique
        for _ in range(2): kind.create(thing)
        made = kind.create(thing)
        name = made["metadata"]["name"]
        self.assertEqual(kind.get(name)["metadata"]["uid"], made["metadata"]["uid"])
        listed = kind.list(labelSelector=selector)
        for one in (kind, everywhere or kind): self.assertEqual(len(one.items(labelSelector=selector)), 3)
        watches = [one.watch(resourceVersion=listed["metadata"]["resourceVersion"], labelSelector=selector)
                   for one in (kind, everywhere or kind)]
        patched = kind.patch(name, {"metadata": {"annotations": {"patched": "true"}}})
        self.assertEqual(self.notes(patched)["patched"], "true")
        updated = kind.retried(name, lambda one: one["metadata"]["annotations"].update(updated="true"))
        self.assertEqual(self.notes(updated)["updated"], "true")
        for watch in watches:
            while True:
                found, one = watch.next()
                self.assertEqual(found, "MODIFIED")
                if self.notes(one).get("updated"): break
        return name

    def status_operations(self, kind, name, status, changed):
        """Patches and replaces what /status has, and reads it."""
        patched = kind.patch(
            name, {"metadata": {"annotations": {"patchedstatus": "true"}, "labels": {"patchedstatus": "true"}},
                   "status": status}, part="status")
        self.assertEqual(self.notes(patched).get("patchedstatus"), "true")
        self.assertEqual(self.labels(patched).get("patchedstatus"), "true")
        self.holds(patched["status"], status)

        def change(one): one["status"] = changed
        updated = kind.retried(name, change, part="status")
        self.holds(updated["status"], changed)
        read = kind.get(name, part="status")
        self.assertEqual((read["apiVersion"], read["kind"]), (kind.version, kind.kind))
        self.holds(read["status"], changed)

    def deletions(self, kind, name):
        """Deletes one, then the other two of `operations`."""
        selector = "special-label=" + self.unique
        kind.delete(name)
        kind.gone(name)
        self.assertEqual(len(kind.items(labelSelector=selector)), 2)
        kind.delete_all(labelSelector=selector)
        self.eventually(lambda: not kind.items(labelSelector=selector), kind.plural + " to go")

    def holds(self, found, wanted, path=""):
        """What was sent is there; more may be."""
        if isinstance(wanted, dict):
            for key, value in wanted.items():
                self.assertIn(key, found, path)
                self.holds(found[key], value, path + "." + key)
        elif isinstance(wanted, list):
            self.assertGreaterEqual(len(found), len(wanted), path)
            for index, value in enumerate(wanted): self.holds(found[index], value, "%s[%d]" % (path, index))
        else:
            self.assertEqual(found, wanted, path)
