"""[sig-apps], the API of it, and [sig-cli]."""
import json, os, subprocess, tempfile, time, urllib.request

from .steps import POD, SELECTOR, Spec, TEMPLATE

ONCE = {"metadata": {"labels": {"app": "a"}}, "spec": dict(POD, restartPolicy="OnFailure")}


class Workloads(Spec):
    def test_should_support_cron_job_api_operations(self):
        self.discovered("batch", "v1", "cronjobs", "cronjobs/status")
        kind = self.kind("batch/v1", "CronJob", "cronjobs", self.space)
        name = self.operations(kind, {"spec": {
            "schedule": "* */1 * * ?", "concurrencyPolicy": "Allow", "suspend": True,
            "jobTemplate": {"spec": {"parallelism": 1, "completions": 1, "template": ONCE}}}},
            self.kind("batch/v1", "CronJob", "cronjobs"))
        last = {"lastScheduleTime": "2026-01-01T00:00:00Z"}
        self.status_operations(kind, name, last, {"lastScheduleTime": "2026-01-02T00:00:00Z"})
        self.deletions(kind, name)

    def test_should_apply_changes_to_a_job_status(self):
        kind = self.kind("batch/v1", "Job", "jobs", self.space)
        kind.create({"metadata": {"name": "j"}, "spec": {"parallelism": 2, "completions": 4, "template": ONCE,
                                                         "suspend": True}})
        patched = kind.patch("j", {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": {
            "conditions": [{"type": "CustomConditionType", "status": "True", "reason": "E2E",
                            "message": "Patched by an e2e test"}]}}, part="status")
        self.assertEqual(self.notes(patched)["patchedstatus"], "true")
        self.assertIn("CustomConditionType", [one["type"] for one in self.conditions(patched)])
        self.assertEqual(kind.get("j", part="status")["metadata"]["uid"], patched["metadata"]["uid"])

    def test_should_manage_the_lifecycle_of_a_job(self):
        kind, everywhere = self.kind("batch/v1", "Job", "jobs", self.space), self.kind("batch/v1", "Job", "jobs")
        selector = "e2e-job-label=" + self.unique
        watch = kind.watch(labelSelector=selector)
        kind.create({"metadata": {"name": "j", "labels": {"e2e-job-label": self.unique}}, "spec": {
            "parallelism": 2, "completions": 2, "suspend": True, "template": ONCE}})
        watch.expect("ADDED")
        kind.patch("j", {"metadata": {"labels": {"j": "patched"}}}, "strategic")
        watch.until("MODIFIED", lambda one: self.labels(one).get("j") == "patched")
        kind.retried("j", lambda one: one["spec"].update(suspend=True) or one["metadata"].update(
            annotations={"updated": "true"}))
        watch.until("MODIFIED", lambda one: self.notes(one).get("updated") == "true")
        self.assertEqual(len(everywhere.items(labelSelector=selector)), 1)
        kind.delete_all({"propagationPolicy": "Foreground"}, labelSelector=selector)
        watch.until("DELETED")
        self.assertEqual(everywhere.items(labelSelector=selector), [])

    def test_should_manage_the_lifecycle_of_a_controller_revision(self):
        kind = self.kind("apps/v1", "ControllerRevision", "controllerrevisions", self.space)
        everywhere = self.kind("apps/v1", "ControllerRevision", "controllerrevisions")
        selector = "daemonset-name=" + self.unique
        labels = {"daemonset-name": self.unique}
        first = kind.create({"metadata": {"name": "r1", "labels": labels}, "data": {"spec": {"a": 1}}, "revision": 1})
        self.assertEqual(len(everywhere.items(labelSelector=selector)), 1)
        self.assertEqual(kind.get("r1")["data"], first["data"])
        patched = kind.patch("r1", {"metadata": {"labels": {"r1": "patched"}}}, "strategic")
        self.assertEqual(self.labels(patched)["r1"], "patched")
        kind.create({"metadata": {"name": "r2", "labels": labels}, "data": first["data"], "revision": 2})
        kind.delete("r1")
        kind.gone("r1")
        updated = kind.retried("r2", lambda one: one["metadata"]["labels"].update({"r2": "updated"}))
        self.assertEqual(self.labels(updated)["r2"], "updated")
        self.assertEqual(
            kind.patch("r2", {"data": {"spec": {"a": 2}}}, "strategic", status=422)["reason"], "Invalid")
        kind.delete_all(labelSelector="r2=updated")
        self.assertEqual(kind.items(labelSelector=selector), [])

    def test_should_test_the_lifecycle_of_a_replication_controller(self):
        kind = self.core("ReplicationController", "replicationcontrollers")
        everywhere = self.core("ReplicationController", "replicationcontrollers", everywhere=True)
        selector = "test-rc-static=true"
        watch = kind.watch(labelSelector=selector)
        kind.create({"metadata": {"name": "rc-test", "labels": {"test-rc-static": "true"}}, "spec": {
            "replicas": 1, "selector": {"app": "a"}, "template": TEMPLATE}})
        watch.expect("ADDED")
        kind.patch("rc-test", {"metadata": {"labels": {"test-rc": "patched"}}}, "strategic")
        watch.until("MODIFIED", lambda one: self.labels(one).get("test-rc") == "patched")
        kind.patch("rc-test", {"status": {"readyReplicas": 0, "availableReplicas": 0}}, "strategic", part="status")
        read = kind.get("rc-test", part="status")
        self.assertEqual(read["status"].get("readyReplicas", 0), 0)
        scale = kind.patch("rc-test", {"spec": {"replicas": 2}}, "strategic", part="scale")
        self.assertEqual((scale["kind"], scale["spec"]["replicas"]), ("Scale", 2))
        watch.until("MODIFIED", lambda one: one["spec"]["replicas"] == 2)
        updated = kind.retried("rc-test", lambda one: one["spec"].update(replicas=3))
        self.assertEqual(updated["spec"]["replicas"], 3)
        self.assertEqual(len(everywhere.items(labelSelector=selector)), 1)
        kind.delete_all(labelSelector=selector)
        watch.until("DELETED")

    def test_should_have_a_working_scale_subresource(self):
        """Deployment, ReplicaSet, StatefulSet, ReplicationController"""
        for version, kind, plural in (
                ("apps/v1", "Deployment", "deployments"), ("apps/v1", "ReplicaSet", "replicasets"),
                ("apps/v1", "StatefulSet", "statefulsets"),
                ("v1", "ReplicationController", "replicationcontrollers")):
            things = self.kind(version, kind, plural, self.space)
            selector = {"app": "a"} if version == "v1" else SELECTOR
            things.create({"metadata": {"name": "s"}, "spec": {
                "replicas": 0, "selector": selector, "template": TEMPLATE}})
            scale = things.get("s", part="scale")
            self.assertEqual((scale["spec"].get("replicas", 0), scale["status"]["selector"]), (0, "app=a"))
            scale["metadata"]["resourceVersion"] = ""
            scale["spec"]["replicas"] = 2
            answer = self.ask(200, "PUT", things.path("s", "scale"), scale)
            self.assertEqual((answer["kind"], answer["spec"]["replicas"]), ("Scale", 2))
            self.assertEqual(things.get("s")["spec"]["replicas"], 2)
            scale = things.patch("s", {"spec": {"replicas": 4}}, "strategic", part="scale")
            self.assertEqual(scale["spec"]["replicas"], 4)
            self.assertEqual(things.get("s")["spec"]["replicas"], 4)

    def test_should_validate_status_endpoints(self):
        """of Deployment, ReplicaSet, StatefulSet and DaemonSet, which are made so that no controller answers"""
        for kind, plural, spec in (
                ("Deployment", "deployments", {"replicas": 1, "paused": True}),
                ("ReplicaSet", "replicasets", {"replicas": 0}),
                ("StatefulSet", "statefulsets", {"replicas": 1, "serviceName": "test"}),
                ("DaemonSet", "daemonsets", {})):
            things = self.kind("apps/v1", kind, plural, self.space)
            label = {"name": self.unique}
            things.create({"metadata": {"name": "s", "labels": label}, "spec": dict(
                spec, selector=SELECTOR, template=TEMPLATE)})
            watch = things.watch(labelSelector="name=" + self.unique)
            self.assertEqual(things.get("s", part="status")["kind"], kind)
            added = {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set from e2e test"}
            things.retried(
                "s", lambda one: one.setdefault("status", {}).setdefault("conditions", []).append(added),
                part="status")
            seen = lambda kind: lambda one: kind in [each["type"] for each in self.conditions(one)]
            watch.until("MODIFIED", seen("StatusUpdate"))
            patched = things.patch("s", {"status": {"conditions": [
                {"type": "StatusPatched", "status": "True"}]}}, part="status")
            self.assertIn("StatusPatched", [one["type"] for one in self.conditions(patched)])
            watch.until("MODIFIED", seen("StatusPatched"))
            watch.stop()

    def test_should_run_the_lifecycle_of_a_deployment(self):
        kind, everywhere = (self.kind("apps/v1", "Deployment", "deployments", space) for space in (self.space, None))
        selector = "test-deployment-static=true"
        watch = kind.watch(labelSelector=selector)
        kind.create({"metadata": {"name": "d", "labels": {"test-deployment-static": "true"}}, "spec": {
            "replicas": 2, "selector": SELECTOR, "template": TEMPLATE}})
        watch.expect("ADDED")
        kind.patch("d", {"metadata": {"labels": {"test-deployment": "patched"}}, "spec": {
            "replicas": 1, "template": {"spec": {"terminationGracePeriodSeconds": 0, "containers": [
                {"name": "c", "image": "example.org/other"}]}}}}, "strategic")
        watch.until("MODIFIED", lambda one: self.labels(one).get("test-deployment") == "patched")
        self.assertEqual(len(everywhere.items(labelSelector=selector)), 1)

        def update(one):
            one["metadata"]["labels"]["test-deployment"] = "updated"
            one["spec"]["template"]["spec"]["containers"][0]["image"] = "example.org/third"
        kind.retried("d", update)
        watch.until("MODIFIED", lambda one: self.labels(one)["test-deployment"] == "updated")
        status = {"readyReplicas": 0, "unavailableReplicas": 1}
        kind.patch("d", {"metadata": {"labels": {"test-deployment": "patched-status"}}, "status": status},
                   "strategic", part="status")
        kind.get("d", part="status")
        kind.delete_all({"gracePeriodSeconds": 1}, labelSelector=selector)
        watch.until("DELETED")

    def test_should_list_and_delete_a_collection(self):
        """of ReplicaSets, StatefulSets and DaemonSets"""
        for kind, plural, spec in (
                ("ReplicaSet", "replicasets", {"replicas": 1}), ("DaemonSet", "daemonsets", {}),
                ("StatefulSet", "statefulsets", {"replicas": 1, "serviceName": "test"})):
            things = self.kind("apps/v1", kind, plural, self.space)
            selector = "e2e=" + self.unique
            things.create({"metadata": {"name": "s", "labels": {"e2e": self.unique}}, "spec": dict(
                spec, selector=SELECTOR, template=TEMPLATE)})
            self.assertEqual(len(self.kind("apps/v1", kind, plural).items(labelSelector=selector)), 1)
            patch = {"metadata": {"labels": {"s": "patched"}}, "spec": {"template": {"spec": {"containers": [
                {"name": "c", "image": "example.org/other"}]}}}}
            patched = things.patch("s", patch, "strategic")
            self.assertEqual(self.labels(patched)["s"], "patched")
            self.assertEqual(patched["spec"]["template"]["spec"]["containers"][0]["image"], "example.org/other")
            things.delete_all(labelSelector=selector)
            self.eventually(lambda: not things.items(labelSelector=selector), plural + " to go")


class Budgets(Spec):
    def setUp(self):
        super().setUp()
        self.budgets = self.kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", self.space)

    def make(self, name, labels=None, **spec):
        return self.budgets.create({"metadata": {"name": name, "labels": labels or {}}, "spec": dict(
            spec or {"minAvailable": 1}, selector={"matchLabels": {"foo": "bar"}})})

    def test_should_create_update_patch_and_delete_a_budget(self):
        """should create a PodDisruptionBudget, the API of it"""
        self.make("b", minAvailable="1%")
        updated = self.budgets.retried("b", lambda one: one["spec"].update(minAvailable="2%"))
        self.assertEqual(updated["spec"]["minAvailable"], "2%")
        patched = self.budgets.patch("b", {"spec": {"minAvailable": "3%"}})
        self.assertEqual(patched["spec"]["minAvailable"], "3%")
        self.budgets.delete("b")
        self.budgets.gone("b")

    def test_should_list_and_delete_a_collection(self):
        other = self.kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", self.new_space())
        label = {"special": self.unique}
        for name in ("b", "b2"): self.make(name, label)
        other.create({"metadata": {"name": "b3", "labels": label}, "spec": {
            "minAvailable": 1, "selector": {"matchLabels": {"foo": "bar"}}}})
        everywhere = self.kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
        selector = "special=" + self.unique
        self.assertEqual(len(everywhere.items(labelSelector=selector)), 3)
        self.assertEqual(len(self.budgets.items(labelSelector=selector)), 2)
        self.budgets.delete_all(labelSelector=selector)
        self.assertEqual(len(everywhere.items(labelSelector=selector)), 1)

    def test_should_update_and_patch_a_status(self):
        self.make("b")
        pods = self.core("Pod", "pods")
        for name in ("pod", "pod2"): pods.create({"metadata": {"name": name, "labels": {"foo": "bar"}}, "spec": POD})
        # Those that were evicted long ago, or are not there, are taken out by the controller.
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        disrupted = lambda name: {name: now}
        updated = self.budgets.retried("b", lambda one: one.setdefault("status", {}).update(
            disruptedPods=disrupted("pod")), part="status")
        self.assertEqual(updated["status"]["disruptedPods"], disrupted("pod"))
        patch = {"metadata": {"annotations": {"patched-status": "true"}},
                 "status": {"disruptedPods": disrupted("pod2")}}
        patched = self.budgets.patch("b", patch, part="status")
        self.assertEqual(set(patched["status"]["disruptedPods"]), {"pod", "pod2"})


class Kubectl(Spec):
    """What kubectl's specs do that needs no running pod."""
    config = ""

    def run_kubectl(self, *words, input=None, fails=False):
        done = subprocess.run(
            ["/usr/bin/kubectl", "--kubeconfig", self.config, "-n", self.space, *words], input=input,
            capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode != 0, fails, done.stdout + done.stderr)
        return done.stdout

    def test_api_versions_has_v1(self):
        self.assertIn("v1\n", self.run_kubectl("api-versions"))

    def test_cluster_info_has_the_control_plane(self):
        self.assertIn("Kubernetes control plane", self.run_kubectl("cluster-info"))

    def test_version_prints_all_data(self):
        printed = self.run_kubectl("version")
        for word in ("Client Version: ", "Server Version: "): self.assertIn(word, printed)

    def test_diff_finds_a_difference_of_deployments(self):
        thing = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {
            "replicas": 1, "selector": SELECTOR, "template": TEMPLATE}}
        self.run_kubectl("create", "-f", "-", input=json.dumps(thing))
        thing["spec"]["template"] = dict(TEMPLATE, spec={"containers": [{"name": "c", "image": "example.org/other"}]})
        self.assertIn("example.org/other", self.run_kubectl("diff", "-f", "-", input=json.dumps(thing), fails=True))

    def test_server_side_dry_run_changes_nothing(self):
        self.run_kubectl("run", "p", "--image=example.org/one", "--pod-running-timeout=2m", "--labels=run=p")
        self.run_kubectl("patch", "pod", "p", "--dry-run=server", "-p", json.dumps(
            {"spec": {"containers": [{"name": "p", "image": "example.org/two"}]}}))
        image = lambda: self.core("Pod", "pods").get("p")["spec"]["containers"][0]["image"]
        self.assertEqual(image(), "example.org/one")
        self.run_kubectl("replace", "-f", "-", input=self.run_kubectl("get", "pod", "p", "-o", "json").replace(
            '"image": "example.org/one"', '"image": "example.org/two"'))
        self.assertEqual(image(), "example.org/two")
        self.run_kubectl("label", "pods", "p", "testing-label=testing-label-value")
        self.assertIn("testing-label-value", self.run_kubectl("get", "pod", "p", "-L", "testing-label"))
        self.run_kubectl("label", "pods", "p", "testing-label-")
        self.assertNotIn("testing-label-value", self.run_kubectl("get", "pod", "p", "-L", "testing-label"))
        self.run_kubectl("delete", "pods", "p")

    def test_run_pod_creates_a_pod_that_never_restarts(self):
        self.run_kubectl("run", "e2e-test-httpd-pod", "--restart=Never", "--pod-running-timeout=2m0s",
                         "--image=example.org/none")
        self.assertEqual(self.core("Pod", "pods").get("e2e-test-httpd-pod")["spec"]["restartPolicy"], "Never")

    def test_expose_describe_and_scale_a_controller(self):
        thing = {"apiVersion": "v1", "kind": "ReplicationController", "metadata": {
            "name": "agnhost-primary", "labels": {"app": "agnhost", "role": "primary"}}, "spec": {
                "replicas": 1, "selector": {"app": "a"}, "template": TEMPLATE}}
        self.run_kubectl("create", "-f", "-", input=json.dumps(thing))
        self.run_kubectl("expose", "rc", "agnhost-primary", "--name=rm2", "--port=1234", "--target-port=6379")
        self.run_kubectl("expose", "service", "rm2", "--name=rm3", "--port=2345", "--target-port=6379")
        service = self.core("Service", "services").get("rm3")
        self.assertEqual((service["spec"]["selector"], service["spec"]["ports"][0]["port"]), ({"app": "a"}, 2345))
        printed = self.run_kubectl("describe", "rc", "agnhost-primary")
        for word in ("Name:", "Namespace:", "Selector:", "Labels:", "Annotations:", "Replicas:", "Pods Status:",
                     "Pod Template:", "Image:"): self.assertIn(word, printed)
        self.run_kubectl("describe", "namespace", self.space)
        self.run_kubectl("scale", "rc", "agnhost-primary", "--replicas=3")
        self.assertEqual(
            self.core("ReplicationController", "replicationcontrollers").get("agnhost-primary")["spec"]["replicas"], 3)

    def test_proxy_serves_on_a_port_and_a_socket(self):
        command = ["/usr/bin/kubectl", "--kubeconfig", self.config, "proxy"]
        with subprocess.Popen(command + ["-p", "0", "--disable-filter"], stdout=subprocess.PIPE, text=True) as proxy:
            try:
                address = proxy.stdout.readline().split()[-1]
                with urllib.request.urlopen("http://%s/api/" % address) as answer:
                    self.assertIn("v1", json.load(answer)["versions"])
            finally: proxy.kill()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")
            with subprocess.Popen(command + ["--unix-socket=" + path], stdout=subprocess.PIPE, text=True) as proxy:
                try:
                    proxy.stdout.readline()
                    done = subprocess.run(["curl", "-s", "--unix-socket", path, "http://localhost/api/"],
                                          capture_output=True, text=True)
                    self.assertIn("v1", json.loads(done.stdout)["versions"])
                finally: proxy.kill()
