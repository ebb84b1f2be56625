import APIMachinery
import Testing

@testable import APIServer

@Suite struct ValidatingPolicyTests {
    private static func validation(_ expression: String, _ more: Value = [:]) -> Value {
        var validation: Value = ["expression": .string(expression)]
        for (key, value) in more.fields ?? Fields() { validation[key] = value }
        return validation
    }

    private static func spec(_ validations: Value..., more: Value = [:]) -> Value {
        var spec: Value = ["validations": .array(validations)]
        for (key, value) in more.fields ?? Fields() { spec[key] = value }
        return spec
    }

    /// Expressions that hold, and those that do not with what the refusal says behind "denied request: ".
    @Test(arguments: [
        ("object.spec.replicas <= 5", nil), ("object.spec.replicas < 5", "failed expression: object.spec.replicas < 5"),
        ("oldObject == null", nil), ("request.operation == 'CREATE' && request.name == 'w'", nil),
        ("request.resource.resource == 'widgets' && request.requestKind.kind == 'Widget'", nil),
        ("request.userInfo.username == 'system:apiserver' && !request.dryRun", nil),
        ("namespaceObject.metadata.labels['team'] == 'red'", nil),
        ("namespaceObject.metadata.name == request.namespace", nil),
        ("authorizer.requestResource.check('update').allowed()", nil),
        ("!authorizer.serviceAccount('a', 'b').group('').resource('pods').check('get').allowed()", nil),
        ("object.nothing > 1", "expression 'object.nothing > 1' resulted in error: no such key: nothing"),
        ("has(object.spec.other) && object.spec.other", "failed expression: has(object.spec.other) && object.spec.other"),
    ] as [(String, String?)])
    func `an expression decides`(source: String, problem: String?) async {
        var world = PolicyWorld()
        world.add("p", Self.spec(Self.validation(source)))
        let refusal = await world.refusal()
        let prefix = "ValidatingAdmissionPolicy 'p' with binding 'p-binding' denied request: "
        let message = problem.map { "widgets.test.io \"w\" is forbidden: " + prefix + $0 }
        #expect(refusal?.message == message)
        #expect(refusal.map { $0.details?.causes.first?.message.hasPrefix(prefix) == true } != false)
    }

    @Test(arguments: [
        (["message": " too many "], "too many"),
        (["message": "m", "messageExpression": "'at most ' + string(3) + ', not ' + string(object.spec.replicas)"], "at most 3, not 5"),
        (["message": "m", "messageExpression": "object.none"], "m"), (["messageExpression": "'a\\nb'"], "failed expression: false"),
        (["messageExpression": "'  '"], "failed expression: false"),
    ] as [(Value, String)])
    func `a violation has a message`(more: Value, message: String) async {
        var world = PolicyWorld()
        world.add("p", Self.spec(Self.validation("false", more)))
        #expect(await world.refusal()?.message.hasSuffix("denied request: " + message) == true)
    }

    @Test(arguments: [
        (nil, 422, "Invalid"), ("Forbidden", 403, "Forbidden"), ("Unauthorized", 401, "Unauthorized"),
        ("RequestEntityTooLarge", 413, "RequestEntityTooLarge"), ("Invalid", 422, "Invalid"),
    ] as [(String?, Int, String)])
    func `a refusal has the reason of the validation`(reason: String?, code: Int, expected: String) async {
        var world = PolicyWorld()
        world.add("p", Self.spec(Self.validation("false", reason.map { ["reason": .string($0)] } ?? [:])))
        let refusal = await world.refusal()
        #expect(refusal?.code == code)
        #expect(refusal?.reason.description == expected)
    }

    @Test func `variables are evaluated when they are asked for, and a failure is that of who asks`() async {
        var world = PolicyWorld()
        let variables: Value = [
            "variables": [
                ["name": "bad", "expression": "1 / 0"], ["name": "n", "expression": "object.spec.replicas"],
                ["name": "double", "expression": "variables.n * 2"],
            ]
        ]
        world.add("p", Self.spec(Self.validation("variables.double == 10 || variables.bad == 1"), more: variables))
        #expect(await world.refusal() == nil)
        world.add("q", Self.spec(Self.validation("variables.bad == 1"), more: variables))
        #expect(
            await world.refusal()?.message.hasSuffix(
                "expression 'variables.bad == 1' resulted in error: composited variable \"bad\" fails to evaluate: "
                    + "division by zero") == true)
    }

    @Test func `conditions leave requests out, and a policy that fails open is no obstacle`() async {
        var world = PolicyWorld()
        let condition: (String) -> Value = {
            ["matchConditions": [["name": "c", "expression": .string($0)]]]
        }
        world.add("a", Self.spec(Self.validation("false"), more: condition("request.operation == 'DELETE'")))
        world.add("b", Self.spec(Self.validation("object.none == 1"), more: ["failurePolicy": "Ignore"]))
        world.add("c", Self.spec(Self.validation("false"), more: ["paramKind": ["apiVersion": "x/v1", "kind": "No"], "failurePolicy": "Ignore"]))
        #expect(await world.refusal() == nil)
        #expect(await world.refusal(PolicyWorld.request(verb: .delete))?.message.contains("'a'") == true)
        world.add("d", Self.spec(Self.validation("true"), more: condition("object.none == 1")))
        #expect(
            await world.refusal()?.message.hasSuffix(
                "'d' with binding 'd-binding' denied request: expression 'object.none == 1' resulted in error: no such "
                    + "key: none") == true)
    }

    @Test func `actions warn, note down, or refuse`() async {
        var world = PolicyWorld()
        world.add("p", Self.spec(Self.validation("true"), Self.validation("false", ["message": "m"])), binding: ["validationActions": ["Warn", "Audit"]])
        let request = PolicyWorld.request()
        #expect(await world.refusal(request) == nil)
        #expect(
            request.notes.warnings == [
                "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-binding': m"
            ])
        let note = request.notes.annotations["validation.policy.admission.k8s.io/validation_failure"]
        #expect(
            note == #"[{"binding":"p-binding","expressionIndex":1,"message":"m","policy":"p","validationActions":["Warn","Audit"]}]"#)
    }

    @Test func `annotations are noted, each value once`() async {
        var world = PolicyWorld()
        let annotations: Value = [
            "auditAnnotations": [
                ["key": "replicas", "valueExpression": "'n=' + string(object.spec.replicas)"],
                ["key": "nothing", "valueExpression": "object.spec.replicas > 9 ? 'many' : ''"],
            ],
        ]
        world.add("p", annotations)
        world.bind("p", as: "second", ["validationActions": ["Audit"]])
        let request = PolicyWorld.request()
        #expect(await world.refusal(request) == nil)
        #expect(request.notes.annotations == ["p/replicas": "n=5"])
        world.add("q", ["auditAnnotations": [["key": "k", "valueExpression": "string(object.none)"]]], binding: ["validationActions": ["Warn"]])
        #expect(await world.refusal()?.message.contains("denied request: expression 'string(object.none)'") == true)
    }

    private static let limited = spec(
        validation("object.spec.replicas <= int(params.data.most)"),
        more: ["paramKind": ["apiVersion": "v1", "kind": "ConfigMap"]])

    private static func limit(_ name: String, _ most: Int, namespace: String = "ns") -> Value {
        [
            "metadata": ["name": .string(name), "namespace": .string(namespace), "labels": ["set": "yes"]],
            "data": ["most": .string(String(most))],
        ]
    }

    /// References, and what the refusal ends with.
    @Test(arguments: [
        (["name": "high"], nil), (["name": "low"], "failed expression: object.spec.replicas <= int(params.data.most)"),
        (["name": "none", "parameterNotFoundAction": "Allow"], nil),
        (
            ["name": "none", "parameterNotFoundAction": "Deny"],
            "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
        ),
        (["selector": ["matchLabels": ["set": "yes"]]], "failed expression: object.spec.replicas <= int(params.data.most)"),
        (["selector": ["matchLabels": ["set": "no"]]], nil), (["name": "high", "namespace": "other"], nil),
    ] as [(Value, String?)])
    func `parameters are found by name or selector`(reference: Value, ending: String?) async {
        var world = PolicyWorld(parameters: [
            Self.limit("high", 9), Self.limit("low", 1), Self.limit("high", 7, namespace: "other"),
        ])
        world.add("p", Self.limited, binding: ["validationActions": ["Deny"], "paramRef": reference])
        let message = await world.refusal()?.message
        #expect((message == nil) == (ending == nil))
        if let ending { #expect(message?.hasSuffix("denied request: " + ending) == true, "\(message ?? "")") }
    }

    @Test func `a kind of parameters that is not served is a fault of the policy`() async {
        var world = PolicyWorld()
        world.add("p", Self.spec(Self.validation("true"), more: ["paramKind": ["apiVersion": "x.io/v1", "kind": "Limit"]]))
        #expect(
            await world.refusal()?.message.hasSuffix(
                "ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed to find resource "
                    + "referenced by paramKind: 'x.io/v1, Kind=Limit'") == true)
    }

    @Test func `bindings narrow what a policy is about`() async {
        var world = PolicyWorld()
        world.add(
            "p", Self.spec(Self.validation("false")),
            binding: [
                "validationActions": ["Deny"],
                "matchResources": ["namespaceSelector": ["matchLabels": ["team": "blue"]]],
            ])
        #expect(await world.refusal() == nil)
        world.bind("p", as: "red", ["validationActions": ["Deny"], "matchResources": ["namespaceSelector": ["matchLabels": ["team": "red"]]]])
        #expect(await world.refusal()?.message.contains("'red'") == true)
    }

    @Test func `what costs too much is refused`() async {
        var world = PolicyWorld()
        let costly = "cel.bind(l, object.spec.list, l.all(a, l.all(b, l.all(c, a + b + c > 0))))"
        world.add("p", Self.spec(Self.validation(costly)))
        let list = Value.array((1...200).map { .integer($0) })
        #expect(
            await world.refusal(PolicyWorld.request(["list": list]))?.message.hasSuffix(
                "operation cancelled: actual cost limit exceeded") == true)
    }

    @Test func `policies are not judged by policies, and questions are always answered`() {
        for (group, resource, isExempt) in [
            ("admissionregistration.k8s.io", "validatingadmissionpolicies", true),
            ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings", true),
            ("admissionregistration.k8s.io", "validatingwebhookconfigurations", false),
            ("authentication.k8s.io", "tokenreviews", true), ("authorization.k8s.io", "selfsubjectaccessreviews", true),
            ("apps", "deployments", false),
        ] {
            let resource = GroupVersionResource(group: group, version: "v1", resource: resource)
            #expect(resource.isExemptFromPolicies == isExempt, "\(resource)")
        }
    }
}
