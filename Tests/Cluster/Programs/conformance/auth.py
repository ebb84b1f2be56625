"""[sig-auth] and [sig-instrumentation]."""
import base64, json, subprocess

from .steps import POD, Spec


def certificate(arguments):
    made = subprocess.run(
        "openssl req -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=e2e.example.com " + arguments, shell=True,
        capture_output=True)
    return base64.b64encode(made.stdout).decode()


class Certificates(Spec):
    def test_should_support_csr_api_operations(self):
        group, plural = "certificates.k8s.io", "certificatesigningrequests"
        self.discovered(group, "v1", plural, plural + "/approval", plural + "/status")
        kind = self.kind(group + "/v1", "CertificateSigningRequest", plural)
        signer = "example.com/" + self.unique
        wanted = {"metadata": {"generateName": "e2e-example-csr-"}, "spec": {
            "request": certificate("-new"), "signerName": signer, "expirationSeconds": 3600,
            "usages": ["digital signature", "key encipherment", "server auth"]}}
        for _ in range(2): kind.create(wanted)
        made = kind.create(wanted)
        name, uid = made["metadata"]["name"], made["metadata"]["uid"]
        self.assertEqual(kind.get(name)["spec"]["expirationSeconds"], 3600)
        listed = kind.list(fieldSelector="spec.signerName=" + signer)
        self.assertEqual(len(listed["items"]), 3)
        watch = kind.watch(
            resourceVersion=listed["metadata"]["resourceVersion"], fieldSelector="metadata.name=" + name)
        patched = kind.patch(name, {"metadata": {"annotations": {"patched": "true"}}})
        patched["metadata"]["annotations"]["updated"] = "true"
        self.assertEqual(self.notes(kind.update(patched))["updated"], "true")
        watch.expect("MODIFIED", lambda one: self.notes(one)["patched"] == "true")
        self.approve(kind, name, uid)
        self.issue(kind, name, uid)
        kind.delete(name)
        kind.get(name, status=404)
        self.assertEqual(len(kind.items(fieldSelector="spec.signerName=" + signer)), 2)
        kind.delete_all(fieldSelector="spec.signerName=" + signer)
        self.assertEqual(kind.items(fieldSelector="spec.signerName=" + signer), [])

    def approve(self, kind, name, uid):
        read = kind.get(name, part="approval")
        self.assertEqual((read["kind"], read["metadata"]["uid"]), ("CertificateSigningRequest", uid))
        patched = kind.patch(name, {
            "metadata": {"annotations": {"patchedapproval": "true"}},
            "status": {"conditions": [{"type": "ApprovalPatch", "status": "True", "reason": "e2e"}]}}, part="approval")
        self.assertEqual([one["type"] for one in self.conditions(patched)], ["ApprovalPatch"])
        self.assertEqual(self.notes(patched)["patchedapproval"], "true")
        patched["status"]["conditions"].append({
            "type": "Approved", "status": "True", "reason": "E2E", "message": "Set from an e2e test"})
        updated = kind.update(patched, part="approval")
        self.assertEqual([one["type"] for one in self.conditions(updated)], ["ApprovalPatch", "Approved"])

    def issue(self, kind, name, uid):
        self.assertEqual(kind.get(name, part="status")["metadata"]["uid"], uid)
        issued = certificate("-x509 -days 1")
        patched = kind.patch(name, {
            "metadata": {"annotations": {"patchedstatus": "true"}}, "status": {"certificate": issued}}, part="status")
        self.assertEqual((patched["status"]["certificate"], self.notes(patched)["patchedstatus"]), (issued, "true"))
        patched["status"]["conditions"].append({
            "type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set from an e2e test"})
        updated = kind.update(patched, part="status")
        self.assertEqual(
            [one["type"] for one in self.conditions(updated)], ["ApprovalPatch", "Approved", "StatusUpdate"])


class Accounts(Spec):
    def setUp(self):
        super().setUp()
        self.accounts = self.core("ServiceAccount", "serviceaccounts")
        self.maps = self.core("ConfigMap", "configmaps")

    def token(self, account="default", **spec):
        request = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": spec}
        return self.ask(201, "POST", self.accounts.path(account, "token"), request)["status"]

    def test_should_support_oidc_discovery(self):
        """should support OIDC discovery of service account issuer, the documents of it"""
        bearer = {"Authorization": "Bearer " + self.token(audiences=["oidc-discovery-test"])["token"]}
        known = self.send("GET", "/.well-known/openid-configuration", **bearer)
        self.assertEqual((known.status, known.headers["Content-Type"]), (200, "application/json"))
        document = json.loads(known.data)
        self.assertIn("RS256", document["id_token_signing_alg_values_supported"])
        claims = bearer["Authorization"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        self.assertEqual(claims["iss"], document["issuer"])
        keys = self.send("GET", "/openid/v1/jwks", **bearer)
        self.assertEqual((keys.status, keys.headers["Content-Type"]), (200, "application/jwk-set+json"))
        self.assertTrue(json.loads(keys.data)["keys"])

    def test_should_allow_opting_out_of_automount(self):
        """should allow opting out of API token automount"""
        for name, mounts in (("mount-default", None), ("mount", True), ("nomount", False)):
            self.accounts.create({"metadata": {"name": name}, **(
                {} if mounts is None else {"automountServiceAccountToken": mounts})})
        pods = self.core("Pod", "pods")
        for account, by_account in (("mount-default", None), ("mount", True), ("nomount", False)):
            for by_pod in (None, True, False):
                spec = dict(POD, serviceAccountName=account)
                if by_pod is not None: spec["automountServiceAccountToken"] = by_pod
                name = ("%s-%s" % (account, by_pod)).lower()
                made = pods.create({"metadata": {"name": name}, "spec": spec})
                mounts = [mount["mountPath"] for mount in made["spec"]["containers"][0].get("volumeMounts", [])]
                expected = by_pod if by_pod is not None else by_account is not False
                self.assertEqual(
                    mounts, ["/var/run/secrets/kubernetes.io/serviceaccount"] if expected else [], name)

    def test_should_create_a_token_and_ensure_a_successful_review(self):
        self.accounts.create({"metadata": {"name": "e2e"}})
        token = self.token("e2e", expirationSeconds=3600, audiences=["https://kubernetes.default.svc.cluster.local"])
        reviews = self.kind("authentication.k8s.io/v1", "TokenReview", "tokenreviews")
        review = reviews.create({"metadata": {"name": "r"}, "spec": {"token": token["token"]}})
        self.assertTrue(review["status"]["authenticated"], review)
        self.assertEqual(review["status"].get("error", ""), "")
        self.assertEqual(review["status"]["user"]["username"], "system:serviceaccount:%s:e2e" % self.space)

    def test_should_guarantee_the_root_certificate_in_any_namespace(self):
        """should guarantee kube-root-ca.crt exist in any namespace"""
        name = "kube-root-ca.crt"
        first = self.maps.get(name)
        self.assertTrue(first["data"]["ca.crt"])
        self.maps.delete(name)
        self.eventually(lambda: self.maps.named(name), "the map to be made again")
        self.maps.update({"metadata": {"name": name}, "data": {"ca.crt": ""}})
        self.eventually(lambda: self.maps.get(name)["data"] == first["data"], "the map to be mended")

    def test_should_run_through_the_lifecycle(self):
        labels, selector = {"test-serviceaccount-static": "true"}, "test-serviceaccount-static=true"
        everywhere = self.core("ServiceAccount", "serviceaccounts", everywhere=True)
        watch = self.accounts.watch(labelSelector=selector)
        self.accounts.create({"metadata": {"name": "testserviceaccount", "labels": labels}})
        watch.expect("ADDED")
        self.accounts.patch("testserviceaccount", {"automountServiceAccountToken": False}, "strategic")
        watch.until("MODIFIED", lambda one: one.get("automountServiceAccountToken") is False)
        names = [one["metadata"]["name"] for one in everywhere.items(labelSelector=selector)]
        self.assertIn("testserviceaccount", names)
        self.accounts.delete_all({}, labelSelector=selector)
        watch.until("DELETED")

    def test_should_update(self):
        self.accounts.create({"metadata": {"name": "e2e"}})
        updated = self.accounts.retried("e2e", lambda one: one.update(automountServiceAccountToken=True))
        self.assertIs(updated["automountServiceAccountToken"], True)


class Reviews(Spec):
    def test_should_support_subject_review_api_operations(self):
        made = self.core("ServiceAccount", "serviceaccounts").create({"metadata": {"name": "e2e"}})
        user, uid = "system:serviceaccount:%s:e2e" % self.space, made["metadata"]["uid"]
        groups = ["system:authenticated", "system:serviceaccounts", "system:serviceaccounts:" + self.space]
        question = {"verb": "list", "resource": "configmaps", "namespace": self.space, "version": "v1"}
        spec = {"resourceAttributes": question, "user": user, "groups": groups, "uid": uid}
        reviews = self.kind("authorization.k8s.io/v1", "SubjectAccessReview", "subjectaccessreviews")
        allowed = reviews.create({"metadata": {}, "spec": spec})["status"]["allowed"]
        answer = self.send(
            "GET", "/api/v1/namespaces/%s/configmaps" % self.space,
            **{"Impersonate-User": user, "Impersonate-Uid": uid, "Impersonate-Group": groups[0]})
        self.assertEqual(answer.status, 200 if allowed else 403, answer.data)
        local = self.kind(
            "authorization.k8s.io/v1", "LocalSubjectAccessReview", "localsubjectaccessreviews", self.space)
        review = local.create({"metadata": {"namespace": self.space}, "spec": dict(spec, user="e2e")})
        self.assertEqual(review["status"]["allowed"], allowed)


class Events(Spec):
    def core_event(self, name, **labels):
        return {"metadata": {"name": name, "labels": labels}, "message": "This is a test event", "reason": "Test",
                "type": "Normal", "count": 1, "involvedObject": {"namespace": self.space}}

    def event(self, name, **labels):
        return {"metadata": {"name": name, "labels": labels}, "regarding": {"namespace": self.space},
                "reportingController": "test-controller", "reportingInstance": "test-node", "action": "Do",
                "reason": "Test", "type": "Normal", "eventTime": "2017-09-19T13:49:16.000000Z",
                "note": "This is " + name}

    def test_should_manage_the_lifecycle_of_an_event(self):
        events, everywhere = self.core("Event", "events"), self.core("Event", "events", everywhere=True)
        selector = "testevent-constant=" + self.unique
        events.create(self.core_event("e", **{"testevent-constant": self.unique}))
        self.assertEqual(len(everywhere.items(labelSelector=selector)), 1)
        events.patch("e", {"message": "This is a test event - patched"}, "strategic")
        self.assertEqual(events.get("e")["message"], "This is a test event - patched")
        series = {"count": 100, "lastObservedTime": "2014-09-19T13:49:16.000000Z"}
        events.retried("e", lambda one: one.update(series=series))
        self.assertEqual(events.get("e")["series"], series)
        events.delete("e")
        self.assertEqual(everywhere.items(labelSelector=selector), [])

    def test_should_delete_a_collection_of_core_events(self):
        self.collection(self.core("Event", "events"), self.core_event)

    def test_should_delete_a_collection_of_events(self):
        self.collection(self.kind("events.k8s.io/v1", "Event", "events", self.space), self.event)

    def collection(self, events, event):
        for number in range(3): events.create(event("test-event-%d" % number, **{"testevent-set": "true"}))
        self.assertEqual(len(events.items(labelSelector="testevent-set=true")), 3)
        events.delete_all(labelSelector="testevent-set=true")
        self.assertEqual(events.items(labelSelector="testevent-set=true"), [])

    def test_should_fetch_patch_delete_and_list_an_event(self):
        events = self.kind("events.k8s.io/v1", "Event", "events", self.space)
        core, selector = self.core("Event", "events"), "testevent-constant=true"
        made = events.create(self.event("e", **{"testevent-constant": "true"}))
        everywhere = self.kind("events.k8s.io/v1", "Event", "events")
        self.assertIn(made, events.items())
        self.assertIn(made, everywhere.items())
        found = [one["metadata"]["name"] for one in core.items(fieldSelector="source=test-controller")]
        self.assertEqual(found, ["e"])
        for field in ("reportingController=test-controller", "reason=Test", "type=Normal"):
            found = [one["metadata"]["name"] for one in events.items(fieldSelector=field)]
            self.assertEqual(found, ["e"], field)
        old = events.get("e")
        series = {"count": 2, "lastObservedTime": "2018-09-19T13:49:16.000000Z"}
        patched = events.patch("e", {"series": series}, "strategic")
        self.assertEqual(self.bare(patched), self.bare(dict(old, series=series)))
        series = dict(series, count=100, lastObservedTime="2018-09-20T13:49:16.000000Z")
        updated = events.retried("e", lambda one: one.update(series=series))
        self.assertEqual(self.bare(updated), self.bare(dict(old, series=series)))
        events.delete("e")
        self.assertEqual(events.items(labelSelector=selector), [])

    def bare(self, thing):
        """Without what a write changes."""
        kept = {key: value for key, value in thing["metadata"].items()
                if key not in ("resourceVersion", "managedFields")}
        return dict(thing, metadata=kept)
