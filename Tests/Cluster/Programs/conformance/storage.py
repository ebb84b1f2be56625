"""[sig-storage], the API of it, and [DRA]."""
from .steps import Spec


class Volumes(Spec):
    def setUp(self):
        super().setUp()
        self.volumes = self.core("PersistentVolume", "persistentvolumes", everywhere=True)
        self.claims = self.core("PersistentVolumeClaim", "persistentvolumeclaims")
        self.selector = "e2e-pv-pool=" + self.unique

    def make(self):
        size = {"storage": "2Gi"}
        volume = self.volumes.create({
            "metadata": {"generateName": self.space + "-", "labels": {"e2e-pv-pool": self.unique}},
            "spec": {"persistentVolumeReclaimPolicy": "Retain", "capacity": size, "storageClassName": self.space,
                     "csi": {"driver": "inline-driver-" + self.unique, "volumeHandle": "e2e-conformance"},
                     "accessModes": ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"]}})
        self.addCleanup(self.send, "DELETE", self.volumes.path(volume["metadata"]["name"]))
        claim = self.claims.create({
            "metadata": {"generateName": "pvc-"},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": self.space, "resources": {
                "requests": {"storage": "1Gi"}}}})
        return volume["metadata"]["name"], claim["metadata"]["name"]

    def test_should_run_through_the_lifecycle_of_a_volume_and_a_claim(self):
        volume, claim = self.make()
        self.assertEqual(len(self.volumes.items(labelSelector=self.selector)), 1)
        self.assertEqual(len(self.claims.items()), 1)
        for kind, name in ((self.volumes, volume), (self.claims, claim)):
            patched = kind.patch(name, {"metadata": {"labels": {name: "patched"}}}, "strategic")
            self.assertEqual(self.labels(patched)[name], "patched")
            self.assertEqual(kind.get(name)["metadata"]["uid"], patched["metadata"]["uid"])
        for kind, name in ((self.claims, claim), (self.volumes, volume)):
            kind.delete(name)
            kind.gone(name)
        volume, claim = self.make()
        for kind, name in ((self.volumes, volume), (self.claims, claim)):
            kind.retried(name, lambda one: one["metadata"].setdefault("labels", {}).update({name: "updated"}))
        everywhere = self.core("PersistentVolumeClaim", "persistentvolumeclaims", everywhere=True)
        self.assertEqual(len(everywhere.items(labelSelector=claim + "=updated")), 1)
        for kind, name in ((self.claims, claim), (self.volumes, volume)):
            kind.delete_all(labelSelector=name + "=updated")
            kind.gone(name)

    def test_should_apply_changes_to_a_volume_and_a_claim_status(self):
        volume, claim = self.make()
        self.assertIn(self.claims.get(claim, part="status")["status"]["phase"], ("Pending", "Bound"))
        self.assertIn(self.volumes.get(volume, part="status")["status"]["phase"], ("Available", "Bound", "Pending"))
        condition = {"type": "StatusPatched", "status": "True", "reason": "E2E patchedStatus",
                     "message": "Set from e2e test"}
        patched = self.claims.patch(claim, {"status": {"conditions": [condition]}}, part="status")
        self.holds(self.conditions(patched), [condition])
        reason = {"message": "StatusPatched", "reason": "E2E patchStatus"}
        self.holds(self.volumes.patch(volume, {"status": reason}, part="status")["status"], reason)
        more = dict(condition, type="StatusUpdated", reason="E2E updateStatus")
        updated = self.claims.retried(
            claim, lambda one: one["status"]["conditions"].append(more), part="status")
        self.holds(self.conditions(updated), [condition, more])
        reason = {"message": "StatusUpdated", "reason": "E2E updateStatus"}
        updated = self.volumes.retried(volume, lambda one: one["status"].update(reason), part="status")
        self.holds(updated["status"], reason)


class Attachments(Spec):
    def setUp(self):
        super().setUp()
        self.attachments = self.kind("storage.k8s.io/v1", "VolumeAttachment", "volumeattachments")

    def make(self, name):
        name = "va-" + self.unique + name
        made = self.attachments.create({"metadata": {"name": name, "uid": name}, "spec": {
            "attacher": "e2e-test.storage.k8s.io", "nodeName": "n", "source": {"persistentVolumeName": "pv"}},
            "status": {"attached": False}})
        self.assertEqual(made["metadata"]["name"], name)
        self.addCleanup(self.send, "DELETE", self.attachments.path(name))
        return name

    def test_should_run_through_the_lifecycle(self):
        first = self.make("1")
        patched = self.attachments.patch(first, {"metadata": {"labels": {first: "patched"}}})
        self.assertEqual(self.labels(patched)[first], "patched")
        self.assertEqual(len(self.attachments.items(labelSelector=first + "=patched")), 1)
        self.attachments.delete(first)
        self.attachments.gone(first)
        for name in (self.make("2"), self.make("3")):
            self.attachments.retried(name, lambda one: one["metadata"].update(labels={"va-e2e": "updated"}))
        self.attachments.delete_all(labelSelector="va-e2e=updated")
        self.assertEqual(self.attachments.items(labelSelector="va-e2e=updated"), [])

    def test_should_apply_changes_to_a_status(self):
        name = self.make("1")
        self.assertIs(self.attachments.get(name, part="status")["status"]["attached"], False)
        patched = self.attachments.patch(name, {"status": {"attached": True}}, part="status")
        self.assertIs(patched["status"]["attached"], True)
        updated = self.attachments.retried(name, lambda one: one["status"].update(attached=False), part="status")
        self.assertIs(updated["status"]["attached"], False)


class Classes(Spec):
    def test_should_run_through_the_lifecycle_of_a_csi_node(self):
        drivers = {"spec": {"drivers": []}}
        self.life(self.kind("storage.k8s.io/v1", "CSINode", "csinodes"), drivers)

    def test_should_run_through_the_lifecycle_of_a_csi_driver(self):
        self.life(self.kind("storage.k8s.io/v1", "CSIDriver", "csidrivers"), {"spec": {
            "volumeLifecycleModes": ["Persistent"], "fsGroupPolicy": "ReadWriteOnceWithFSType"}})

    def test_should_run_through_the_lifecycle_of_a_storage_class(self):
        self.life(self.kind("storage.k8s.io/v1", "StorageClass", "storageclasses"), {
            "provisioner": "example.com/none", "reclaimPolicy": "Delete"})

    def test_should_run_through_the_lifecycle_of_a_volume_attributes_class(self):
        self.life(self.kind("storage.k8s.io/v1", "VolumeAttributesClass", "volumeattributesclasses"), {
            "driverName": "example.com/none", "parameters": {"iops": "5000"}})

    def life(self, kind, thing):
        """Made, read, patched, listed, deleted; then made, updated and deleted with all of its label."""
        make = lambda name: kind.create(dict(thing, metadata={"name": name, "labels": {"e2e": self.unique}}))
        first = make(self.unique + "-1")["metadata"]["name"]
        patched = kind.patch(first, {"metadata": {"labels": {first: "patched"}}})
        self.assertEqual(self.labels(kind.get(first))[first], "patched")
        self.assertTrue(patched["metadata"]["resourceVersion"])
        self.assertEqual(len(kind.items(labelSelector=first + "=patched")), 1)
        kind.delete(first)
        kind.gone(first)
        second = make(self.unique + "-2")["metadata"]["name"]
        updated = kind.retried(second, lambda one: one["metadata"]["labels"].update({second: "updated"}))
        self.assertEqual(self.labels(updated)[second], "updated")
        kind.delete_all(labelSelector=second + "=updated")
        kind.gone(second)

    def test_should_support_csi_storage_capacities_api_operations(self):
        self.discovered("storage.k8s.io", "v1", "csistoragecapacities")
        kind = self.kind("storage.k8s.io/v1", "CSIStorageCapacity", "csistoragecapacities", self.space)
        name = self.operations(kind, {
            "storageClassName": "e2e-fake-storage-class", "capacity": "100Gi",
            "nodeTopology": {"matchLabels": {"node": "n"}}},
            self.kind("storage.k8s.io/v1", "CSIStorageCapacity", "csistoragecapacities"))
        self.deletions(kind, name)

    def test_should_support_inline_volumes_in_the_pod_api(self):
        """should support CSIVolumeSource in Pod API"""
        pods = self.core("Pod", "pods")
        csi = {"driver": "e2e.example.com", "readOnly": True, "fsType": "ext4", "volumeAttributes": {"a": "b"}}
        volume = {"name": "v", "csi": csi}
        made = pods.create({"metadata": {"name": "p", "labels": {"e2e": self.unique}}, "spec": {
            "containers": [{"name": "c", "image": "example.org/none"}], "volumes": [volume]}})
        self.assertIn(volume, made["spec"]["volumes"])
        patched = pods.patch("p", {"metadata": {"labels": {"p": "patched"}}}, "strategic")
        self.assertEqual(self.labels(patched)["p"], "patched")
        self.assertEqual(len(pods.items(labelSelector="p=patched")), 1)
        pods.delete("p")
        pods.gone("p")


class Devices(Spec):
    """[DRA] CRUD Tests resource.k8s.io/v1"""

    def test_device_class(self):
        kind = self.kind("resource.k8s.io/v1", "DeviceClass", "deviceclasses")
        config = {"config": [{"opaque": {"driver": "test-driver.cdi.k8s.io", "parameters": {"foo": "bar"}}}]}
        self.resource(kind, "test-" + self.space, {"selectors": [{"cel": {"expression": "true"}}]}, config)

    def test_resource_claim(self):
        kind = self.kind("resource.k8s.io/v1", "ResourceClaim", "resourceclaims", self.space)
        spec = {"devices": {"requests": [{"name": "req-0", "exactly": {"deviceClassName": "test.example.com"}}]}}
        result = {"request": "req-0", "driver": "driver-a", "pool": "pool-a", "device": "device-a"}
        status = {"allocation": {"devices": {"results": [result]}}}
        self.resource(kind, "test", spec, None, status)

    def test_resource_claim_template(self):
        kind = self.kind("resource.k8s.io/v1", "ResourceClaimTemplate", "resourceclaimtemplates", self.space)
        spec = {"devices": {"requests": [{"name": "req-0", "exactly": {"deviceClassName": "test.example.com"}}]}}
        self.resource(kind, "test", {"metadata": {"labels": {"a": "b"}}, "spec": spec}, None)

    def test_resource_slice(self):
        kind = self.kind("resource.k8s.io/v1", "ResourceSlice", "resourceslices")
        spec = {"driver": "dra.example.com", "nodeName": "n", "pool": {
            "name": "pool-a", "generation": 1, "resourceSliceCount": 1}, "devices": [{"name": "device-0"}]}
        self.resource(kind, "test-" + self.space, spec, {"devices": [{"name": "device-1"}]})

    def resource(self, kind, name, spec, changed, status=None):
        """What the framework's test of a resource does: each change by an update and by each form of patch."""
        self.discovered("resource.k8s.io", "v1", kind.plural)
        label = {"e2e-test.kubernetes.io": self.unique}
        start = {"metadata": {"name": name, "labels": label}, "spec": spec}
        self.addCleanup(self.send, "DELETE", kind.path(name))
        informer = kind.watch(
            sendInitialEvents="true", resourceVersionMatch="NotOlderThan", allowWatchBookmarks="true",
            labelSelector="e2e-test.kubernetes.io=" + self.unique)
        informer.expect("BOOKMARK")
        target = {"spec": changed} if changed else {"metadata": {"labels": {"foo": "bar"}}}
        one = kind.create(start, fieldValidation="Strict")
        informer.expect("ADDED")
        self.holds(kind.get(name), start)
        one["metadata"]["labels"].update(target.get("metadata", {}).get("labels", {}))
        one["spec"].update(target.get("spec", {}))
        one = kind.update(one)
        self.holds(one, target)
        informer.expect("MODIFIED")
        if status: self.report(kind, one, status, informer)
        for form in ("strategic", "apply", "merge", "json"):
            kind.delete(name)
            informer.until("DELETED")
            one = kind.create(start)
            self.holds(self.change(kind, one, target, form), target)
            if status: self.holds(self.change(kind, one, {"status": status}, form, "status"), {"status": status})
        self.assertEqual(len(kind.items(labelSelector="e2e-test.kubernetes.io=" + self.unique)), 1)
        kind.delete_all(labelSelector="e2e-test.kubernetes.io=" + self.unique)
        kind.gone(name)

    def report(self, kind, one, status, informer):
        one["status"] = status
        self.holds(kind.update(one, part="status")["status"], status)
        informer.expect("MODIFIED")
        self.holds(kind.get(one["metadata"]["name"], part="status")["status"], status)

    def change(self, kind, one, target, form, part=None):
        name = one["metadata"]["name"]
        if form == "json":
            change = [{"op": "add", "path": "/" + key, "value": value} for key, value in target.items()
                      if key == "status"]
            change += [{"op": "add", "path": "/metadata/labels/" + key, "value": value}
                       for key, value in target.get("metadata", {}).get("labels", {}).items()]
            change += [{"op": "add", "path": "/spec/" + key, "value": value}
                       for key, value in target.get("spec", {}).items()]
            return kind.patch(name, change, form, part, fieldValidation="Strict")
        metadata = dict(target.get("metadata", {}), name=name, uid=one["metadata"]["uid"])
        if "namespace" in one["metadata"]: metadata["namespace"] = one["metadata"]["namespace"]
        change = kind.body(dict(target, metadata=metadata))
        if form != "apply": return kind.patch(name, change, form, part, fieldValidation="Strict")
        if kind.plural == "resourceslices": change["spec"] = dict(one["spec"], **change["spec"])
        return kind.patch(
            name, change, form, part, fieldValidation="Strict", fieldManager="test-apply", force="true")
