"""[sig-api-machinery] CustomResourceDefinition..., CustomResourceConversionWebhook, CustomResourceFieldSelectors,
CustomResourcePublishOpenAPI, FieldValidation."""
import copy, json, subprocess

from . import apps
from .hooks import client_config
from .steps import SELECTOR, Spec, TEMPLATE

ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
TEXT = {"type": "string"}


def items(**properties): return {"type": "array", "items": {"type": "object", "properties": properties}}


FOO = {"description": "Foo CRD for Testing", "type": "object", "properties": {
    "spec": {"type": "object", "description": "Specification of Foo", "properties": {
        "bars": dict(items(
            name=dict(TEXT, description="Name of Bar."), age=dict(TEXT, description="Age of Bar."),
            feeling=dict(TEXT, enum=["Great", "Down"]),
            bazs={"description": "List of Bazs.", "type": "array", "items": TEXT}),
            description="List of Bars and their specs.")}},
    "status": {"type": "object", "description": "Status of Foo", "properties": {
        "bars": items(name=TEXT, available={"type": "boolean"}, kind=dict(TEXT, pattern="in-tree|out-of-tree"))}}}}
FOO["properties"]["spec"]["properties"]["bars"]["items"]["required"] = ["name"]
PORTS = dict(items(containerPort={"format": "int32", "type": "integer"}, name=TEXT, protocol=TEXT), **{
    "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["containerPort", "protocol"]})
PORTS["items"]["required"] = ["containerPort", "protocol"]
CRON = {"foo": TEXT, "ports": PORTS, "cronSpec": dict(TEXT, pattern=r"^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$")}


class Defined(Spec):
    def setUp(self):
        super().setUp()
        self.definitions = self.kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions")

    def define(self, name, schema=ANYTHING, versions=("v1",), scope="Cluster", group=None, **spec):
        """A definition that is served when this returns."""
        group = group or self.unique + ".example.com"
        versions = [dict({"name": each, "schema": {"openAPIV3Schema": schema}, "served": True, "storage": index == 0}
                         if isinstance(each, str) else each) for index, each in enumerate(versions)]
        made = self.definitions.create({"metadata": {"name": name + "s." + group}, "spec": dict(
            spec, group=group, scope=scope, versions=versions,
            names={"plural": name + "s", "singular": name, "kind": name.title(), "listKind": name.title() + "List"})})
        self.addCleanup(self.send, "DELETE", self.definitions.path(made["metadata"]["name"]))
        for version in versions:
            path = "/apis/%s/%s" % (group, version["name"])
            def served():
                answer = self.send("GET", path)
                found = json.loads(answer.data).get("resources", []) if answer.status == 200 else []
                return name + "s" in [one["name"] for one in found] or not version["served"]
            self.eventually(served, name + " to be served")
        return made

    def things(self, made, version="v1"):
        spec = made["spec"]
        space = self.space if spec["scope"] == "Namespaced" else None
        return self.kind(spec["group"] + "/" + version, spec["names"]["kind"], spec["names"]["plural"], space)

    def change(self, made, *operations):
        steps = [dict(op=op, path=path, **({"value": value[0]} if value else {})) for op, path, *value in operations]
        return self.definitions.patch(made["metadata"]["name"], steps, "json")


class Definitions(Defined):
    def test_watch_on_custom_resource_definition_objects(self):
        things = self.things(self.define("noxu", versions=("v1beta1",)), "v1beta1")
        watches = {name: things.watch(fieldSelector="metadata.name=" + name) for name in ("name1", "name2")}
        for name, watch in watches.items():
            things.create({"metadata": {"name": name}, "content": {"key": "value"}, "num": {"num1": 1}})
            watch.expect("ADDED", lambda one: one["metadata"]["name"] == name and one["content"] == {"key": "value"})
        for name, watch in watches.items():
            things.patch(name, [{"op": "add", "path": "/dummy", "value": "test"}], "json")
            watch.expect("MODIFIED", lambda one: one["dummy"] == "test")
        for name, watch in watches.items():
            things.delete(name)
            watch.expect("DELETED", lambda one: one["dummy"] == "test")

    def test_listing_custom_resource_definition_objects_works(self):
        label = "e2e-list=" + self.unique
        for name in ("one", "two", "three"):
            made = self.define(name)
            self.definitions.patch(made["metadata"]["name"], {"metadata": {"labels": {"e2e-list": self.unique}}})
        self.assertEqual(len(self.definitions.items(labelSelector=label)), 3)
        self.definitions.delete_all(labelSelector=label)
        self.eventually(lambda: not self.definitions.items(labelSelector=label), "the definitions to go")

    def test_custom_resource_definition_status_sub_resource_works(self):
        name = self.define("noxu")["metadata"]["name"]
        read = self.definitions.get(name, "status")
        self.assertEqual(read["spec"]["names"]["kind"], "Noxu")
        new = {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set from a spec"}
        updated = self.definitions.retried(name, lambda one: one["status"]["conditions"].append(new), "status")
        self.assertIn("StatusUpdate", [one["type"] for one in self.conditions(updated)])
        patched = self.definitions.patch(
            name, [{"op": "add", "path": "/status/conditions", "value": [{"type": "StatusPatched", "status": "True"}]}],
            "json", "status")
        self.assertIn("StatusPatched", [one["type"] for one in self.conditions(patched)])

    def test_custom_resource_defaulting_for_requests_and_from_storage_works(self):
        made = self.define("noxu", {"type": "object", "properties": {"a": TEXT, "b": TEXT}})
        things, path = self.things(made), "/spec/versions/0/schema/openAPIV3Schema/properties/"
        things.create({"metadata": {"name": "one"}})
        self.change(made, ("add", path + "a/default", "A"))
        self.eventually(lambda: things.get("one").get("a") == "A", "the default")
        self.assertEqual(things.create({"metadata": {"name": "two"}})["a"], "A")
        self.change(made, ("remove", path + "a/default"), ("add", path + "b/default", "B"))
        self.eventually(lambda: things.get("two").get("b") == "B", "the other default")
        self.assertEqual(things.get("two")["a"], "A")
        self.assertNotIn("a", things.get("one"))

    def test_should_include_custom_resource_definition_resources_in_discovery_documents(self):
        self.discovered("apiextensions.k8s.io", "v1", "customresourcedefinitions")


class Conversions(Defined):
    def convertible(self, **fields):
        webhook = {"clientConfig": client_config("/convert"), "conversionReviewVersions": ["v1", "v1beta1"]}
        versions = []
        for name, properties in (("v1", ("hostPort",)), ("v2", ("host", "port"))):
            schema = {"type": "object", "properties": dict.fromkeys(properties, TEXT)}
            versions.append({
                "name": name, "served": True, "storage": name == "v1", "schema": {"openAPIV3Schema": schema},
                "selectableFields": [{"jsonPath": "." + field} for field in properties]})
        made = self.define("noxu", versions=versions, scope="Namespaced",
                           conversion={"strategy": "Webhook", "webhook": webhook})
        return made, self.things(made), self.things(made, "v2")

    def test_should_be_able_to_convert_from_cr_v1_to_cr_v2(self):
        _, first, second = self.convertible()
        first.create({"metadata": {"name": "one"}, "hostPort": "localhost:8080"})
        read = second.get("one")
        self.assertEqual((read["host"], read["port"], "hostPort" in read), ("localhost", "8080", False))

    def test_should_be_able_to_convert_a_non_homogeneous_list_of_crs(self):
        made, first, second = self.convertible()
        first.create({"metadata": {"name": "one"}, "hostPort": "localhost:8080"})
        self.change(made, ("replace", "/spec/versions/0/storage", False), ("replace", "/spec/versions/1/storage", True))
        second.create({"metadata": {"name": "two"}, "host": "localhost", "port": "8080"})
        self.assertEqual([one["hostPort"] for one in first.items()], ["localhost:8080"] * 2)
        self.assertEqual([(one["host"], one["port"]) for one in second.items()], [("localhost", "8080")] * 2)

    def test_must_list_and_watch_custom_resources_matching_the_field_selector(self):
        _, first, second = self.convertible()
        start = first.list()["metadata"]["resourceVersion"]
        watches = [first.watch(resourceVersion=start, fieldSelector="hostPort=host1:80"),
                   second.watch(resourceVersion=start, fieldSelector="host=host1")]
        for name, place in (("a", "host1:80"), ("b", "host1:8080"), ("c", "host2:80")):
            first.create({"metadata": {"name": name}, "hostPort": place})
        names = lambda kind, selector: [one["metadata"]["name"] for one in kind.items(fieldSelector=selector)]
        self.assertEqual(names(first, "hostPort=host1:80"), ["a"])
        self.assertEqual(names(second, "host=host1"), ["a", "b"])
        self.assertEqual(names(second, "host=host1,port=80"), ["a"])
        first.patch("a", {"hostPort": "host2:80"})
        first.patch("c", {"hostPort": "host1:80"})
        first.delete("c")
        events = [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "c"), ("DELETED", "c")]
        for watch, wanted in zip(watches, (events, events[:1] + [("ADDED", "b")] + events[1:])):
            self.assertEqual([(kind, one["metadata"]["name"]) for kind, one in (watch.next() for _ in wanted)], wanted)
        first.delete_all(fieldSelector="hostPort=host2:80")
        self.assertEqual(names(first, ""), ["b"])


class Published(Defined):
    def kubectl(self, *words, stdin=None, fails=False):
        done = subprocess.run(["/usr/bin/kubectl", "--kubeconfig", apps.Kubectl.config, *words], input=stdin,
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode != 0, fails, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def published(self, made, version="v1"):
        spec = made["spec"]
        name = ".".join(reversed(spec["group"].split("."))) + "." + version + "." + spec["names"]["kind"]
        return self.ask(200, "GET", "/openapi/v2")["definitions"].get(name)

    def waits(self, made, version="v1", there=True):
        self.eventually(lambda: bool(self.published(made, version)) == there, "the published schema")

    def bare(self, made):
        """What is published, without what every kind has."""
        self.waits(made)
        schema = copy.deepcopy(self.published(made))
        for name in ("apiVersion", "kind", "metadata"): del schema["properties"][name]
        if not schema["properties"]: del schema["properties"]
        del schema["x-kubernetes-group-version-kind"]
        return schema

    def manifest(self, made, name="test", **fields):
        spec = made["spec"]
        return json.dumps(dict(
            fields, apiVersion=spec["group"] + "/v1", kind=spec["names"]["kind"], metadata={"name": name}))

    def accepts(self, made, **fields):
        for verb in ("create", "apply"):
            self.kubectl(verb, "-f", "-", stdin=self.manifest(made, **fields))
            self.kubectl("delete", made["spec"]["names"]["plural"], "test")

    def test_works_for_crd_with_validation_schema(self):
        made = self.define("foo", FOO)
        self.assertEqual(self.bare(made), FOO)
        self.accepts(made, spec={"bars": [{"name": "test-bar"}]})
        for spec, why in (({"foo": True}, 'unknown field "spec.foo"'),
                          ({"bars": [{"age": "10"}]}, "spec.bars[0].name: Required value"),
                          ({"bars": [{"name": "a", "feeling": "None"}]}, 'Unsupported value: "None"')):
            for verb in ("create", "apply"):
                self.assertIn(why, self.kubectl(verb, "-f", "-", stdin=self.manifest(made, spec=spec), fails=True))
        for field, pattern in (
                ("", r"(?s)DESCRIPTION:.*Foo CRD for Testing.*FIELDS:.*apiVersion.*<string>.*APIVersion defines.*"
                     r"spec.*<Object>.*Specification of Foo"),
                (".metadata", r"(?s)DESCRIPTION:.*Standard object's metadata.*FIELDS:.*creationTimestamp.*<string>.*"
                              r"CreationTimestamp is a timestamp"),
                (".spec", r"(?s)DESCRIPTION:.*Specification of Foo.*FIELDS:.*bars.*<\[\]Object>.*List of Bars and their"),
                (".spec.bars", r"(?s)FIELD:.*bars.*<\[\]Object>.*DESCRIPTION:.*List of Bars.*FIELDS:.*bazs.*"
                               r"<\[\]string>.*List of Bazs.*name.*<string>.*Name of Bar")):
            self.assertRegex(self.kubectl("explain", "foos" + field), pattern)
        self.kubectl("explain", "foos.spec.bars2", fails=True)
        self.definitions.delete(made["metadata"]["name"])
        self.waits(made, there=False)

    def test_works_for_crd_preserving_unknown_fields(self):
        nested = {"description": "nested field for Testing", "type": "object", "properties": {"spec": ANYTHING}}
        for name, schema in (("root", ANYTHING), ("nested", nested)):
            made = self.define(name, schema)
            self.assertEqual(self.bare(made), schema)
            self.accepts(made, spec={"a": None, "b": [{"c": "d"}]})
        self.assertIn("nested field for Testing", self.kubectl("explain", "nesteds"))

    def test_works_for_multiple_crds_and_follows_their_versions(self):
        one, two = self.define("one", FOO), self.define("two", FOO)
        other = self.define("one", FOO, group="other." + one["spec"]["group"])
        many = self.define("many", FOO, versions=("v3", "v2"))
        for made, version in ((one, "v1"), (two, "v1"), (other, "v1"), (many, "v2"), (many, "v3")):
            self.waits(made, version)
        before = self.published(many, "v3")
        self.change(many, ("test", "/spec/versions/1/name", "v2"), ("replace", "/spec/versions/1/name", "v4"))
        self.waits(many, "v4")
        self.waits(many, "v2", there=False)
        self.change(many, ("replace", "/spec/versions/1/served", False))
        self.waits(many, "v4", there=False)
        self.assertEqual(self.published(many, "v3"), before)


class FieldValidation(Defined):
    STRICT = {"fieldManager": "field_validation_mgr", "fieldValidation": "Strict"}

    def applied(self, made, text, status=200):
        path = self.things(made).path("mytest", **self.STRICT)
        head = "\napiVersion: %s/v1\nkind: Noxu\n" % made["spec"]["group"]
        return self.ask(status, "PATCH", path, (head + text).encode(), form="application/apply-patch+yaml")

    HEAD = "metadata:\n  name: mytest\n  finalizers:\n  - e2e/test\n"
    BODY = "  cronSpec: '* * * * */5'\n  ports:\n  - name: x\n    containerPort: 80\n    protocol: TCP"

    def freed(self, made):
        path = self.things(made).path("mytest")
        self.addCleanup(self.send, "PATCH", path, {"metadata": {"finalizers": None}}, "application/merge-patch+json")
        return made

    def test_should_detect_unknown_and_duplicate_fields_of_a_typed_object(self):
        deployment = json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "my-dep"}, "spec": {
            "unknownField": "foo", "replicas": 2, "selector": SELECTOR, "template": TEMPLATE}})
        path = self.kind("apps/v1", "Deployment", "deployments", self.space).path(**self.STRICT)
        twice = deployment.replace('"replicas": 2', '"replicas": 2, "replicas": 3')
        refused = self.ask(400, "POST", path, twice.encode())
        self.assertIn('strict decoding error: unknown field "spec.unknownField", duplicate field "spec.replicas"',
                      refused["message"])
        meta = deployment.replace('"my-dep"', '"my-dep", "unknownMeta": "foo"').replace('"unknownField": "foo", ', "")
        refused = self.ask(400, "POST", path, meta.encode())
        self.assertIn('strict decoding error: unknown field "metadata.unknownMeta"', refused["message"])

    def test_should_create_or_apply_a_cr_with_or_without_schema(self):
        strict = {"type": "object", "properties": {"spec": {"type": "object", "properties": CRON}}}
        made = self.freed(self.define("noxu", strict))
        self.applied(made, self.HEAD + "spec:\n  foo: foo1\n" + self.BODY, 201)
        refused = self.applied(made, self.HEAD + "unknownField: unknown\nspec:\n  foo: foo1\n" + self.BODY, 500)
        self.assertIn(".unknownField: field not declared in schema", refused["message"])

    def test_should_create_or_apply_a_cr_with_unknown_fields_without_schema(self):
        made = self.freed(self.define("noxu"))
        self.applied(made, self.HEAD + "spec:\n  unknown: uk1\n" + self.BODY, 201)

    def test_should_detect_unknown_metadata_and_duplicates_when_preserving_unknown_fields(self):
        template = {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {
            "metadata": {"type": "object", "properties": {"name": TEXT}}, "spec": {"type": "object"}}}
        made = self.define("noxu", {"type": "object", "properties": {
            "spec": dict(ANYTHING, properties=dict(CRON, template=template))}})
        refused = self.applied(
            made, "metadata:\n  name: mytest\n  unknownMeta: unknown\nspec:\n  template:\n    apiVersion: foo/v1\n"
            "    kind: Sub\n    metadata:\n      unknownSubMeta: unknown\n      name: subobject\n" + self.BODY, 500)
        self.assertIn(".metadata.unknownMeta: field not declared in schema", refused["message"])
        self.assertIn(".spec.template.metadata.unknownSubMeta: field not declared in schema", refused["message"])
        refused = self.applied(
            made, self.HEAD + "spec:\n  unknown: uk1\n  foo: foo1\n  foo: foo2\n" + self.BODY, 400)
        self.assertIn('line 11: key "foo" already set in map', refused["message"])
