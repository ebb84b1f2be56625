"""What pods mount: files of the node, parts of volumes, groups and modes."""
import os, shutil, socket

from conformance_node.steps import box
from pods_in_full.steps import PodSpec


class HostPaths(PodSpec):
    """The program runs on the node, and makes what is there."""
    def setUp(self):
        super().setUp()
        self.folder = "/var/lib/rancher/own-%s" % self.space
        os.makedirs(self.folder)
        open(self.folder + "/file", "w").write("text\n")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.folder + "/socket")
        os.mknod(self.folder + "/null", 0o20666, os.makedev(1, 3))
        os.mknod(self.folder + "/disk", 0o60600, os.makedev(7, 200))
        os.symlink("file", self.folder + "/link")
        self.addCleanup(self.clear)

    def clear(self):
        self.socket.close()
        shutil.rmtree(self.folder)

    def volume(self, path, kind=None):
        source = {"path": self.folder + path}
        if kind is not None: source["type"] = kind
        return [{"name": "v", "hostPath": source}]

    def test_types(self):
        good = [("", ""), ("/file", ""), ("", "Directory"), ("/file", "File"), ("/link", "File"), ("/socket",
            "Socket"),
            ("/null", "CharDevice"), ("/disk", "BlockDevice"), ("/new/er", "DirectoryOrCreate"),
                ("/new-file", "FileOrCreate"),
            ("", "DirectoryOrCreate"), ("/file", "FileOrCreate")]
        wrong = [("/none", "Directory", "a directory"), ("/file", "Directory", "a directory"), ("", "File",
            "a file"),
            ("/none", "File", "a file"), ("/file", "Socket", "a socket file"),
            ("/file", "CharDevice", "a character device"), ("/null", "BlockDevice", "a block device"),
            ("/file", "DirectoryOrCreate", "a directory"), ("", "FileOrCreate", "a file"),
            ("/none/file", "FileOrCreate", None)]
        mounts = [{"name": "v", "mountPath": "/own"}]
        for number, (path, kind) in enumerate(good):
            self.pod("good-%d" % number, box("true", volumeMounts=mounts), volumes=self.volume(path, kind),
                restartPolicy="Never")
        for number, (path, kind, _) in enumerate(wrong):
            self.pod("wrong-%d" % number, box("true", volumeMounts=mounts), volumes=self.volume(path, kind),
                restartPolicy="Never")
        for number, (path, kind) in enumerate(good): self.phase("good-%d" % number, "Succeeded")
        for number, (path, kind, name) in enumerate(wrong):
            words = "" if name is None else "hostPath type check failed: %s%s is not %s" % (self.folder,
                path, name)
            said = self.told("wrong-%d" % number, "FailedMount", words)
            if name: self.assertEqual(said, 'MountVolume.SetUp failed for volume "v" : ' + words)
            self.assertEqual(self.pods.get("wrong-%d" % number)["status"]["phase"], "Pending")
        for path, mode in (("/new/er", 0o755), ("/new-file", 0o644)):
            self.assertEqual(os.stat(self.folder + path).st_mode & 0o777, mode)
        # One that comes later is found.
        os.mkdir(self.folder + "/none")
        self.phase("wrong-0", "Succeeded", seconds=60)

    def test_parts(self):
        """`subPath` of a folder, of a file, of one that is not there, and none that leads out."""
        os.makedirs(self.folder + "/in")
        open(self.folder + "/in/file", "w").write("inner\n")
        os.symlink("/etc", self.folder + "/out")
        os.symlink("in", self.folder + "/to")
        mounts = [{"name": "v", "mountPath": "/a", "subPath": "in"}, {"name": "v", "mountPath": "/b",
            "subPath": "in/file"},
            {"name": "v", "mountPath": "/c", "subPath": "made/by/node"}, {"name": "v", "mountPath": "/d",
                "subPath": "to"}]
        text = self.output("cat /a/file /b /d/file; busybox touch /c/x", volumeMounts=mounts,
            pod={"volumes": self.volume("")})
        self.assertEqual(text, "inner\n" * 3)
        self.assertTrue(os.path.exists(self.folder + "/made/by/node/x"))
        self.pod("leads-out", box(volumeMounts=[{"name": "v", "mountPath": "/a", "subPath": "out"}]),
            volumes=self.volume(""))
        said = self.waiting("leads-out", "CreateContainerConfigError")
        self.assertTrue(said.startswith('failed to prepare subPath for volumeMount "v" of container "c"'),
            said)

    def test_recursive_read_only(self):
        """KEP 3857: a runtime that cannot is told from one that can, and the status says which it was."""
        mount = lambda mode: [{"name": "v", "mountPath": "/own", "readOnly": True, "recursiveReadOnly": mode}]
        self.pod("may", box(volumeMounts=mount("IfPossible")), volumes=self.volume(""))
        self.pod("must", box(volumeMounts=mount("Enabled")), volumes=self.volume(""))
        self.pod("not", box(volumeMounts=mount("Disabled")), volumes=self.volume(""))
        handlers = self.kind("v1", "Node", "nodes").get(self.node)["status"].get("runtimeHandlers", [])
        can = any(one["features"].get("recursiveReadOnlyMounts") for one in handlers)
        shown = lambda name: next(one["recursiveReadOnly"] for one in self.container(self.ready(name))["volumeMounts"]
            if one["name"] == "v")
        self.assertEqual((shown("may"), shown("not")), ("Enabled" if can else "Disabled", "Disabled"))
        if can: self.assertEqual(shown("must"), "Enabled")
        else: self.assertEqual(self.waiting("must", "CreateContainerConfigError"),
            'volume "v" requested recursive read-only mode, but it is not supported by the runtime')

    def test_devices_and_sockets_work(self):
        self.output("echo x >/dev/own && busybox stat -c %F /sock", volumeMounts=[{"name": "v",
            "mountPath": "/dev/own",
            "subPath": "null"}, {"name": "v", "mountPath": "/sock", "subPath": "socket"}],
            securityContext={"privileged": True}, pod={"volumes": self.volume("")})


class Groups(HostPaths):
    """`fsGroup` on volumes that have an owner already."""
    def claim(self, name):
        """A volume that is a folder of the node, and a claim to it."""
        os.makedirs(self.folder + "/" + name + "/deep")
        open(self.folder + "/" + name + "/deep/file", "w").close()
        volumes = self.kind("v1", "PersistentVolume", "persistentvolumes")
        full = self.unique + "-" + name
        volumes.create({"metadata": {"name": full}, "spec": {"capacity": {"storage": "1Mi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": full, "local": {"path": self.folder + "/" + name},
                "nodeAffinity": {"required": {
            "nodeSelectorTerms": [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In",
                "values": [self.node]}]}]}}}})
        self.addCleanup(self.send, "DELETE", volumes.path(full))
        self.core("PersistentVolumeClaim", "persistentvolumeclaims").create({"metadata": {"name": name},
            "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": full,
                "resources": {"requests": {"storage": "1Mi"}}}})
        return [{"name": "v", "persistentVolumeClaim": {"claimName": name}}]

    def group(self, name, policy, volumes):
        self.output("true", name=name, volumeMounts=[{"name": "v", "mountPath": "/own"}],
            pod={"volumes": volumes,
            "securityContext": {"fsGroup": 3000, "fsGroupChangePolicy": policy}})
        self.remove(name)

    def test_change_policies(self):
        volumes = self.claim("one")
        deep, root = self.folder + "/one/deep/file", self.folder + "/one"
        self.group("first", "OnRootMismatch", volumes)
        for path in (root, deep): self.assertEqual(os.stat(path).st_gid, 3000)
        self.assertEqual(os.stat(root).st_mode & 0o7777, 0o2775)
        self.assertEqual(os.stat(deep).st_mode & 0o777, 0o664)
        # The root is as it should be: what lies below is not looked at.
        os.chown(deep, 0, 7)
        self.group("second", "OnRootMismatch", volumes)
        self.assertEqual(os.stat(deep).st_gid, 7)
        self.group("third", "Always", volumes)
        self.assertEqual(os.stat(deep).st_gid, 3000)
        os.chown(root, 0, 7)
        os.chown(deep, 0, 7)
        self.group("fourth", "OnRootMismatch", volumes)
        self.assertEqual(os.stat(deep).st_gid, 3000)

    test_types = test_parts = test_recursive_read_only = test_devices_and_sockets_work = None


class Contents(PodSpec):
    def test_immutable_ones(self):
        """What cannot change need not be watched, and is there all the same."""
        maps = self.core("ConfigMap", "configmaps")
        maps.create({"metadata": {"name": "m"}, "data": {"a": "1"}, "immutable": True})
        self.run_ready("p", box(volumeMounts=[{"name": "v", "mountPath": "/own"}]), volumes=[
            {"name": "v", "configMap": {"name": "m"}}])
        self.assertEqual(self.shell("p", "cat /own/a"), "1")
        maps.patch("m", {"data": {"a": "2"}}, status=422)

    def test_what_is_missing(self):
        """A key that is not there is told, and waited for."""
        self.core("ConfigMap", "configmaps").create({"metadata": {"name": "m"}, "data": {"a": "1"}})
        items = [{"key": "b", "path": "b"}]
        self.pod("p", box(volumeMounts=[{"name": "v", "mountPath": "/own"}]), volumes=[
            {"name": "v", "configMap": {"name": "m", "items": items}}])
        self.told("p", "FailedMount",
            'MountVolume.SetUp failed for volume "v" : configmap references non-existent '
            "config key: b")
        self.pod("q", box(volumeMounts=[{"name": "v", "mountPath": "/own"}]), volumes=[
            {"name": "v", "secret": {"secretName": "none"}}])
        self.told("q", "FailedMount", 'MountVolume.SetUp failed for volume "v" : secret "none" not found')
        self.core("ConfigMap", "configmaps").patch("m", {"data": {"b": "2"}})
        self.ready("p", 120)

    def test_what_an_emptyDir_is(self):
        """On the disk or in memory, as large as it may be, gone with its pod and not with its container."""
        volumes = [{"name": "disk", "emptyDir": {}}, {"name": "memory", "emptyDir": {"medium": "Memory",
            "sizeLimit": "2Mi"}},
            {"name": "free", "emptyDir": {"medium": "Memory"}}]
        mounts = [{"name": one["name"], "mountPath": "/" + one["name"]} for one in volumes]
        script = ("[ -e /disk/x ] && [ -e /memory/x ] && exec sleep 100000; "
            "busybox stat -c %a /disk /memory; touch /disk/x /memory/x; exit 1")
        self.pod("p", box(script, volumeMounts=mounts, resources={"limits": {"memory": "40Mi"}}),
            volumes=volumes)
        self.restarts("p", 1)
        self.ready("p")
        self.assertEqual(self.log("p", previous="true"), "777\n777\n")
        sizes = self.shell("p", "busybox df -k /memory /free | busybox awk 'NR > 1 {print $2}'").split()
        # Without a limit of its own it has what the pod has.
        self.assertEqual(sizes, ["2048", "40960"])

    def test_closed_sources(self):
        """Trust bundles and certificates are closed in this version: they are left out, and the pod runs."""
        answer = self.send("POST", self.pods.path(), {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "p"}, "spec": {
            "containers": [box(volumeMounts=[{"name": "v", "mountPath": "/own"}])], "volumes": [{"name": "v",
                "projected": {
            "sources": [{"downwardAPI": {"items": [{"path": "name",
                "fieldRef": {"fieldPath": "metadata.name"}}]}},
                {"clusterTrustBundle": {"name": "x", "path": "x.pem"}}]}}]}})
        self.assertIn(answer.status, (201, 422), answer.data)
        if answer.status == 201:
            self.ready("p")
            self.assertEqual(self.shell("p", "ls /own"), "name\n")
