"""[sig-storage], what needs a node."""
import time
from .steps import *

USER = {"runAsUser": 1000}


class EmptyDir(NodeSpec):
    def test_modes(self):
        """(root|non-root, 0644|0666|0777, default|tmpfs) and the mode of the volume itself"""
        for medium in ("", "Memory"):
            for user in (0, 1001):
                script = "cd /test-volume; busybox stat -f -c %T .; busybox stat -c '%a %u' .; "
                for mode in ("0644", "0666", "0777"):
                    script += "f=%s; echo new >$f; busybox chmod %s $f; " % (mode, mode)
                    script += "busybox stat -c '%a %u' $f; cat $f; "
                lines = self.output(script, name="p-%s-%d" % (medium.lower() or "default", user),
                    volumeMounts=[{"name": "v", "mountPath": "/test-volume"}],
                                    securityContext={"runAsUser": user},
                                        pod={"volumes": [{"name": "v", "emptyDir": {"medium": medium}
                                        if medium else {}}]}).splitlines()
                if medium: self.assertEqual(lines[0], "tmpfs")
                self.assertEqual(lines[1], "777 0")
                self.assertEqual(lines[2:], ["644 %d" % user, "new", "666 %d" % user, "new", "777 %d" % user,
                    "new"])

    def test_shared(self):
        self.pod("p", box("sleep 100000", name="main", volumeMounts=[
            {"name": "v", "mountPath": "/usr/share/volumeshare"}]),
                 box("echo Hello > /pod-data/index.html; sleep 1", name="sub",
                     volumeMounts=[{"name": "v", "mountPath": "/pod-data"}]),
                 restartPolicy="Never", volumes=[{"name": "v", "emptyDir": {"medium": "Memory"}}])
        self.phase("p", "Running")
        self.eventually(lambda: self.execute("p", "cat", "/usr/share/volumeshare/index.html",
            container="main")[0] == "Hello\n", "the file", 30)

    def test_wrapper_volumes(self):
        """should not conflict; should not cause race condition when used for configmaps"""
        self.core("Secret", "secrets").create({"metadata": {"name": "s"}, "data": {"data-1": "dmFsdWUtMQ=="}})
        self.core("ConfigMap", "configmaps").create({"metadata": {"name": "m"},
            "data": {"data-1": "value-1"}})
        self.run_ready("p", box(volumeMounts=[{"name": "s", "mountPath": "/etc/secret-volume",
            "readOnly": True}, {"name": "m", "mountPath": "/etc/config-volume"}]),
                       volumes=[{"name": "s", "secret": {"secretName": "s"}},
                           {"name": "m", "configMap": {"name": "m"}}])
        for number in range(20): self.core("ConfigMap", "configmaps").create(
            {"metadata": {"name": "racey-%d" % number}, "data": {"data-1": "value-1"}})
        volumes = [{"name": "v%d" % n, "configMap": {"name": "racey-%d" % n,
            "items": [{"key": "data-1", "path": "data-1"}]}} for n in range(20)]
        mounts = [{"name": "v%d" % n, "mountPath": "/etc/config-%d" % n} for n in range(20)]
        self.controller("wrapped", 5, self.template(box("sleep 10000", volumeMounts=mounts),
            labels={"name": "wrapped"}, volumes=volumes))
        self.ready_pods("name=wrapped", 5, 180)


class Files(NodeSpec):
    """ConfigMap, Secret, downward API and projections of them in volumes."""
    def setUp(self):
        super().setUp()
        self.maps, self.secrets = self.core("ConfigMap", "configmaps"), self.core("Secret", "secrets")
        self.maps.create({"metadata": {"name": "m"}, "data": {"data-1": "value-1", "data-2": "value-2",
            "data-3": "value-3"}, "binaryData": {"dump.bin": "3sr+8P8="}})
        self.secrets.create({"metadata": {"name": "s"}, "stringData": {"data-1": "value-1",
            "data-2": "value-2", "data-3": "value-3"}})

    def source(self, kind, projected, items=None, mode=None, optional=None, name=None):
        inner = {}
        if items: inner["items"] = items
        if optional is not None: inner["optional"] = optional
        if kind == "downwardAPI": pass
        elif kind == "secret": inner["name" if projected else "secretName"] = name or "s"
        else: inner["name"] = name or "m"
        if projected: return {"projected": dict({"sources": [{kind: inner}]},
            **({"defaultMode": mode} if mode is not None else {}))}
        return {kind: dict(inner, **({"defaultMode": mode} if mode is not None else {}))}

    def show(self, name, volume, path, security=None, pod_security=None, mounts=("/etc/volume",)):
        """The mode, then the content of a file."""
        script = "; ".join("busybox stat -L -c '%%a %%u %%g' %s/%s; cat %s/%s" % (one, path, one, path)
            for one in mounts)
        return self.output(script, name=name, volumeMounts=[{"name": "v%d" % n, "mountPath": one} for n,
            one in enumerate(mounts)], securityContext=security or {},
                           pod={"volumes": [dict({"name": "v%d" % n}, **volume) for n,
                               _ in enumerate(mounts)], "securityContext": pod_security or {}})

    def test_config_maps(self): self.modes("configMap", False)
    def test_secrets(self): self.modes("secret", False)
    def test_projected_config_maps(self): self.modes("configMap", True)
    def test_projected_secrets(self): self.modes("secret", True)

    def modes(self, kind, projected):
        tag = (kind.lower() + ("-p" if projected else ""))
        items = [{"key": "data-2", "path": "path/to/data-2"}]
        s = lambda **more: self.source(kind, projected, **more)
        self.assertEqual(self.show(tag + "-a", s(), "data-1"), "644 0 0\nvalue-1")
        self.assertEqual(self.show(tag + "-b", s(mode=0o400), "data-1"), "400 0 0\nvalue-1")
        self.assertEqual(self.show(tag + "-c", s(), "data-1", pod_security=USER), "644 0 0\nvalue-1")
        self.assertEqual(self.show(tag + "-d", s(items=items), "path/to/data-2"), "644 0 0\nvalue-2")
        self.assertEqual(self.show(tag + "-e", s(items=[dict(items[0], mode=0o400)]),
            "path/to/data-2"), "400 0 0\nvalue-2")
        self.assertEqual(self.show(tag + "-f", s(items=items), "path/to/data-2", pod_security=USER),
            "644 0 0\nvalue-2")
        self.assertEqual(self.show(tag + "-g", s(mode=0o440), "data-1",
            pod_security=dict(USER, fsGroup=1001)), "440 0 1001\nvalue-1")
        self.assertEqual(self.show(tag + "-h", s(), "data-1", mounts=("/etc/one", "/etc/two")),
            "644 0 0\nvalue-1644 0 0\nvalue-1")

    def test_other_namespace(self):
        other = self.new_space()
        self.kind("v1", "Secret", "secrets", other).create({"metadata": {"name": "s"},
            "stringData": {"data-1": "other"}})
        self.assertEqual(self.show("a", self.source("secret", False), "data-1"), "644 0 0\nvalue-1")

    def test_binary(self):
        self.pod("p", box(volumeMounts=[{"name": "v", "mountPath": "/etc/volume"}]),
            volumes=[dict({"name": "v"}, **self.source("configMap", False))])
        self.ready("p")
        self.assertEqual(self.shell("p", "busybox hexdump -C /etc/volume/dump.bin").split()[1:6],
            ["de", "ca", "fe", "f0", "ff"])

    def test_updates(self):
        """updates, and optional updates, reflected in volume"""
        for kind, things in (("configMap", self.maps), ("secret", self.secrets)):
            data = "data" if kind == "configMap" else "stringData"
            for name, key in (("del", "data-1"), ("upd", "data-1")): things.create(
                {"metadata": {"name": name}, data: {"data-1": "value-1"}})
        containers, volumes = [], []
        for kind in ("configMap", "secret"):
            for projected in (False, True):
                for name in ("del", "upd", "cre"):
                    tag = kind.lower() + ("-p-" if projected else "-") + name
                    volumes.append(dict({"name": tag}, **self.source(kind, projected, name=name,
                        optional=True)))
        mounts = [{"name": one["name"], "mountPath": "/etc/" + one["name"], "readOnly": True}
            for one in volumes]
        self.run_ready("p", box(volumeMounts=mounts), volumes=volumes)
        read = lambda tag, key: self.execute("p", "cat", "/etc/%s/%s" % (tag, key))[0]
        tags = [kind + p for kind in ("configmap", "secret") for p in ("-", "-p-")]
        for tag in tags:
            self.assertEqual((read(tag + "del", "data-1"), read(tag + "upd", "data-1"),
                read(tag + "cre", "data-1")), ("value-1", "value-1", ""))
        for kind, things in (("configMap", self.maps), ("secret", self.secrets)):
            data = "data" if kind == "configMap" else "stringData"
            things.delete("del")

            def change(one):
                one.pop("data", None)
                one[data] = {"data-3": "value-3"}
            things.retried("upd", change)
            things.create({"metadata": {"name": "cre"}, data: {"data-1": "value-1"}})
        for tag in tags:
            self.eventually(lambda: (read(tag + "del", "data-1"), read(tag + "upd", "data-3"),
                read(tag + "upd", "data-1"), read(tag + "cre", "data-1")) == ("", "value-3", "", "value-1"),
                "updates of " + tag, 150)

    def test_downward(self):
        resource = lambda name: {"resourceFieldRef": {"containerName": "c", "resource": name}}
        items = [dict({"path": path}, **source) for path, source in (
            ("podname", {"fieldRef": {"fieldPath": "metadata.name"}}), ("cpu_limit", resource("limits.cpu")),
                ("memory_limit", resource("limits.memory")),
            ("cpu_request", resource("requests.cpu")), ("memory_request", resource("requests.memory")),
                ("mode", {"fieldRef": {"fieldPath": "metadata.namespace"}, "mode": 0o400}))]
        limits = {"requests": {"cpu": "250m", "memory": "32Mi"}, "limits": {"cpu": "1250m", "memory": "64Mi"}}
        node = self.kind("v1", "Node", "nodes").get(self.node)["status"]["allocatable"]
        memory = str(int(node["memory"][:-2]) * 1024) if node["memory"].endswith("Ki") else node["memory"]
        for projected in (False, True):
            for more, wanted in ((limits, "2 67108864 1 33554432".split()),
                ({}, [node["cpu"], memory, "0", "0"])):
                for mode in (None, 0o400):
                    name = ("p-%s-%s-%s" % (projected, len(more), mode)).lower()
                    script = ("cd /etc/podinfo; busybox stat -L -c %a podname; cat podname; "
                              "for f in cpu_limit memory_limit cpu_request memory_request; do echo; cat $f; "
                              "done; echo; busybox stat -L -c %a mode")
                    text = self.output(script, name=name, resources=more,
                        volumeMounts=[{"name": "v", "mountPath": "/etc/podinfo"}],
                        pod={"volumes": [dict({"name": "v"}, **self.source("downwardAPI", projected,
                        items=items, mode=mode))]})
                    self.assertEqual(text.split(), ["644" if mode is None else "400",
                        name] + wanted + ["400"])

    def test_downward_updates(self):
        items = [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
            {"path": "annotations", "fieldRef": {"fieldPath": "metadata.annotations"}}]
        for projected in (False, True):
            name = "p%d" % projected
            self.pod(name,
                box("cd /etc/podinfo; while sleep 0.5; do cat labels; echo; cat annotations; echo; done",
                volumeMounts=[{"name": "v", "mountPath": "/etc/podinfo"}]),
                labels={"key1": "value1", "key2": "value2"},
                     annotations={"builder": "bar"}, volumes=[
                         dict({"name": "v"}, **self.source("downwardAPI", projected, items=items))])
        for name in ("p0", "p1"):
            self.ready(name)
            self.logs(name, 'key1="value1"\nkey2="value2"\n')
            self.logs(name, 'builder="bar"\n')
            self.pods.retried(name, lambda pod: pod["metadata"]["labels"].update(key3="value3"))
            self.pods.retried(name, lambda pod: pod["metadata"].setdefault("annotations",
                {}).update(builder="foo"))
            self.logs(name, 'key3="value3"\n', seconds=120)
            self.logs(name, 'builder="foo"\n', seconds=120)

    def test_combined(self):
        volume = {"projected": {"defaultMode": 0o644, "sources": [
            {"secret": {"name": "s", "items": [{"key": "data-1", "path": "secret-data"}]}},
                {"configMap": {"name": "m", "items": [{"key": "data-2", "path": "configmap-data"}]}},
            {"downwardAPI": {"items": [{"path": "podname", "fieldRef": {"fieldPath": "metadata.name"}}]}}]}}
        text = self.output("cat /all/podname; echo; cat /all/secret-data; echo; cat /all/configmap-data",
            volumeMounts=[{"name": "v", "mountPath": "/all", "readOnly": True}],
            pod={"volumes": [dict({"name": "v"}, **volume)]})
        self.assertEqual(text.split(), ["out", "value-1", "value-2"])

    def test_subpaths(self):
        """Atomic writer volumes should support subpaths with configmap, secret, projected, downward pods"""
        volumes = {"configmap": {"configMap": {"name": "m"}}, "secret": {"secret": {"secretName": "s"}},
                   "projected": {"projected": {"sources": [{"configMap": {"name": "m"}}]}},
                       "downward": {"downwardAPI": {"items": [
                       {"path": "downward/data-1", "fieldRef": {"fieldPath": "metadata.name"}}]}}}
        for name, volume in volumes.items():
            path, wanted = ("downward/data-1", name) if name == "downward" else ("data-1", "value-1")
            mounts = [{"name": "v", "mountPath": "/test-volume", "subPath": path},
                {"name": "v", "mountPath": "/probe-volume"}]
            text = self.output(
                "for i in 1 2 3; do busybox stat -L -c %F /test-volume; cat /test-volume; echo; done",
                name=name, volumeMounts=mounts, pod={"volumes": [dict({"name": "v"}, **volume)]})
            self.assertEqual(text.splitlines(), ["regular file", wanted] * 3)
        text = self.output("cat /etc/resolv.conf", name="existing",
            volumeMounts=[{"name": "v", "mountPath": "/etc/resolv.conf", "subPath": "data-1"}],
            pod={"volumes": [dict({"name": "v"}, configMap={"name": "m"})]})
        self.assertEqual(text, "value-1")


class Accounts(NodeSpec):
    """[sig-auth] ServiceAccounts"""
    def test_mount_a_token(self):
        base = "/var/run/secrets/kubernetes.io/serviceaccount/"
        self.core("ServiceAccount", "serviceaccounts").create({"metadata": {"name": "mount-test"}})
        self.pod("p", box(name="test"), serviceAccountName="mount-test", restartPolicy="Never")
        self.phase("p", "Running")
        token = self.does("p", "cat", base + "token")
        review = self.kind("authentication.k8s.io/v1", "TokenReview",
            "tokenreviews").create({"spec": {"token": token}})
        self.assertEqual(review["status"]["user"]["username"],
            "system:serviceaccount:%s:mount-test" % self.space)
        self.assertEqual(review["status"]["user"]["extra"]["authentication.kubernetes.io/pod-name"], ["p"])
        self.assertEqual(self.does("p", "cat", base + "namespace"), self.space)
        self.assertEqual(self.does("p", "cat", base + "ca.crt"),
            self.core("ConfigMap", "configmaps").get("kube-root-ca.crt")["data"]["ca.crt"])

    def test_projected_token(self):
        for user, group, mode in ((None, None, "644"), (1000, None, "600"), (1000, 10000, "640"),
            (None, 10000, "640")):
            security = {k: v for k, v in (("runAsUser", user), ("fsGroup", group)) if v}
            name = "p-%s-%s" % (user, group)
            text = self.output("busybox stat -L -c '%a %u %g' /var/run/secrets/tokens/t", name=name.lower(),
                volumeMounts=[{"name": "v", "mountPath": "/var/run/secrets/tokens"}], pod={
                "securityContext": security, "volumes": [{"name": "v",
                    "projected": {"sources": [{"serviceAccountToken": {"path": "t",
                    "expirationSeconds": 43200}}]}}]})
            found = text.split()
            self.assertEqual(found[0], mode, name)
            if user and not group: self.assertEqual(found[1], "1000")
            if group: self.assertEqual(found[2], "10000")

    def test_opting_out(self):
        base = "/var/run/secrets/kubernetes.io/serviceaccount"
        accounts = self.core("ServiceAccount", "serviceaccounts")
        accounts.create({"metadata": {"name": "mount"}})
        accounts.create({"metadata": {"name": "nomount"}, "automountServiceAccountToken": False})
        for account, spec, wanted in (("mount", None, True), ("mount", True, True), ("mount", False, False),
            ("nomount", None, False), ("nomount", True, True), ("nomount", False, False)):
            more = {} if spec is None else {"automountServiceAccountToken": spec}
            made = self.pod("%s-%s" % (account, str(spec).lower()), box(), serviceAccountName=account, **more)
            self.assertEqual(base in str(made["spec"]["containers"]), wanted)

    def test_oidc_from_a_pod(self):
        """OIDC discovery: a pod validates its own token by the documents of its issuer"""
        self.run_ready("p", program("pause"), serviceAccountName="default")
        script = r'''
import json, ssl, urllib.request, base64
base = "/var/run/secrets/kubernetes.io/serviceaccount/"
token = open(base + "token").read()
context = ssl.create_default_context(cafile=base + "ca.crt")
def get(url):
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + token})
    return json.load(urllib.request.urlopen(request, context=context))
document = get("https://kubernetes.default.svc.cluster.local/.well-known/openid-configuration")
claims = token.split(".")[1]
issuer = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["iss"]
assert issuer == document["issuer"], (issuer, document)
print(json.dumps(document))
keys = get(document["jwks_uri"])
print(len(keys["keys"]))
'''
        out, errors, well, _ = self.execute("p", "/usr/bin/python3", "-S", "-E", "-c", script)
        self.assertTrue(well, errors)
