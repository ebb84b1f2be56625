"""[sig-api-machinery] ValidatingAdmissionPolicy and MutatingAdmissionPolicy."""
from .steps import SELECTOR, Spec, TEMPLATE

GROUP = "admissionregistration.k8s.io"


class Policies(Spec):
    def setUp(self):
        super().setUp()
        self.space = self.new_space(**{self.unique: "true"})
        self.deployments = self.kind("apps/v1", "Deployment", "deployments", self.space)

    def constraints(self, **more):
        return dict(more, namespaceSelector={"matchLabels": {self.unique: "true"}}, resourceRules=[{
            "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"],
            "operations": ["CREATE", "UPDATE"]}])

    def pair(self, policy, binding, kind, spec, **more):
        """A policy and its binding, which hold when this returns."""
        name = self.unique + ".policy.example.com"
        for each, plural, body in (
                (kind, policy, dict(spec, matchConstraints=self.constraints())),
                (kind + "Binding", binding, dict(more, policyName=name, matchResources={
                    "namespaceSelector": {"matchLabels": {self.unique: "true"}}}))):
            things = self.kind(GROUP + "/v1", each, plural)
            things.create({"metadata": {"name": name}, "spec": body})
            self.addCleanup(self.send, "DELETE", things.path(name))

    def deploy(self, name, replicas, status=201, **query):
        return self.deployments.create({"metadata": {"name": name}, "spec": {
            "replicas": replicas, "selector": SELECTOR, "template": TEMPLATE}}, status, **query)

    def validating(self, **spec):
        self.pair("validatingadmissionpolicies", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicy",
                  spec, validationActions=["Deny"])

    def test_should_validate_against_a_deployment(self):
        self.validating(validations=[
            {"expression": "object.spec.replicas > 1",
             "messageExpression": "'wants replicas > 1, got ' + string(object.spec.replicas)"},
            {"expression": "namespaceObject.metadata.name == '%s'" % self.space, "message": "Internal error!"}])
        self.refused()
        self.deploy("replicated", 2)
        refused = self.deploy("single", 1, 422)
        self.assertIn("wants replicas > 1, got 1", refused["message"])
        other = self.kind("apps/v1", "Deployment", "deployments", self.new_space())
        other.create({"metadata": {"name": "d"}, "spec": {
            "replicas": 1, "selector": SELECTOR, "template": TEMPLATE}})

    def refused(self):
        self.eventually(lambda: self.send("POST", self.deployments.path(dryRun="All"), self.deployments.body({
            "metadata": {"name": "marker"}, "spec": {
                "replicas": 0, "selector": SELECTOR, "template": TEMPLATE}})).status == 422, "the policy to hold")

    def test_should_allow_expressions_to_refer_variables(self):
        self.validating(
            variables=[{"name": "replicas", "expression": "object.spec.replicas"},
                       {"name": "oddReplicas", "expression": "variables.replicas % 2 == 1"}],
            validations=[{"expression": "variables.replicas > 1"}, {"expression": "variables.oddReplicas"}])
        self.refused()
        self.deploy("three", 3)
        self.deploy("one", 1, 422)
        self.deploy("two", 2, 422)

    def test_should_support_validating_policy_api_operations(self):
        self.discovered(GROUP, "v1", "validatingadmissionpolicies", "validatingadmissionpolicies/status")
        kind = self.kind(GROUP + "/v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies")
        name = self.operations(kind, {"spec": {
            "matchConstraints": self.constraints(), "validations": [{"expression": "object.spec.replicas <= 100"}]}})
        change = {"spec": {"failurePolicy": "Ignore"}}
        self.holds(kind.patch(name, change), change)
        self.status(kind, name)
        self.deletions(kind, name)

    def status(self, kind, name):
        condition = lambda type: {
            "type": type, "status": "False", "reason": "e2e", "message": "Set from an e2e test",
            "lastTransitionTime": "2026-01-01T00:00:00Z"}
        patched = kind.patch(name, {"status": {"conditions": [condition("PatchStatusFailed")]}}, part="status")
        self.holds(self.conditions(patched), [condition("PatchStatusFailed")])
        more = condition("UpdateStatusFailed")
        updated = kind.retried(name, lambda one: one["status"].update(conditions=[more]), part="status")
        self.holds(self.conditions(updated), [more])
        self.assertEqual(kind.get(name, part="status")["kind"], kind.kind)

    def test_should_support_validating_policy_binding_api_operations(self):
        kind = self.kind(GROUP + "/v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings")
        self.discovered(GROUP, "v1", kind.plural)
        name = self.operations(kind, {"spec": {"policyName": "replicalimit.example.com",
                                               "validationActions": ["Deny"]}})
        self.deletions(kind, name)

    # Mutating ones.

    def mutating(self, expression):
        self.pair("mutatingadmissionpolicies", "mutatingadmissionpolicybindings", "MutatingAdmissionPolicy", {
            "reinvocationPolicy": "Never", "failurePolicy": "Fail", "mutations": [{
                "patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}]})

    def mutated(self, check):
        made = lambda: self.deploy("marker", 1, dryRun="All")
        self.eventually(lambda: check(made()), "the policy to hold")
        self.assertTrue(check(self.deploy("d", 1)))

    def test_should_mutate_a_deployment(self):
        self.mutating("Object{spec: Object.spec{replicas: object.spec.replicas + 99}}")
        self.mutated(lambda one: one["spec"]["replicas"] == 100)

    def test_should_mutate_a_deployment_with_annotations(self):
        self.mutating('Object{metadata: Object.metadata{annotations: {"my-foo-annotation": "myAnnotationValue"}}}')
        self.mutated(lambda one: self.notes(one).get("my-foo-annotation") == "myAnnotationValue")

    def test_should_support_mutating_policy_api_operations(self):
        kind = self.kind(GROUP + "/v1", "MutatingAdmissionPolicy", "mutatingadmissionpolicies")
        self.discovered(GROUP, "v1", kind.plural)
        name = self.operations(kind, {"spec": {
            "reinvocationPolicy": "Never", "matchConstraints": self.constraints(), "mutations": [{
                "patchType": "ApplyConfiguration", "applyConfiguration": {
                    "expression": "Object{spec: Object.spec{replicas: 1}}"}}]}})
        self.deletions(kind, name)

    def test_should_support_mutating_policy_binding_api_operations(self):
        kind = self.kind(GROUP + "/v1", "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings")
        self.discovered(GROUP, "v1", kind.plural)
        name = self.operations(kind, {"spec": {"policyName": "replicalimit.example.com"}})
        self.deletions(kind, name)
