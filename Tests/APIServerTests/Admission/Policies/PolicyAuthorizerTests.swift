import APIMachinery
import Synchronization
import Testing

@testable import APIServer

/// Expressions that ask an authorizer who has to be waited for, as one behind a webhook.
@Suite struct PolicyAuthorizerTests {
    /// Allows `get` on what is named, and never says so at once.
    private final class Distant: Authorizer {
        private let asked = Mutex<[String]>([])

        var questions: [String] { asked.withLock(\.self) }

        func decide(_ request: AccessRequest) -> AccessDecision { .pending }

        func ask(_ request: AccessRequest) async -> AccessDecision {
            let what = request.isResourceRequest ? request.combinedResource : request.path
            asked.withLock { $0.append("\(request.user.name) \(request.verb) \(what)") }
            if request.verb == "fail" { return .failed(why: "out of order", isDenial: true) }
            return request.verb == "get" ? .allow(reason: "it may") : .noOpinion(reason: "it may not")
        }
    }

    private static let secrets = "authorizer.group('').resource('secrets')"

    private func world(_ spec: Value) -> (PolicyWorld, Distant) {
        var world = PolicyWorld()
        let authorizer = Distant()
        world.authorizer = authorizer
        world.add("p", spec)
        return (world, authorizer)
    }

    /// Expressions that hold, with what they make the authorizer be asked.
    @Test(arguments: [
        ("\(secrets).check('get').allowed()", ["get secrets"]),
        (
            "\(secrets).check('get').allowed() && !\(secrets).check('list').allowed()", ["get secrets", "list secrets"]
        ),
        // Each question once.
        ("\(secrets).check('get').allowed() && \(secrets).check('get').allowed()", ["get secrets"]),
        ("\(secrets).check('get').reason() == 'it may'", ["get secrets"]),
        ("\(secrets).check('fail').error() == 'out of order'", ["fail secrets"]),
        ("!\(secrets).check('get').errored()", ["get secrets"]),
        ("authorizer.path('/healthz').check('get').allowed()", ["get /healthz"]),
        ("authorizer.requestResource.subresource('status').check('get').allowed()", ["get widgets/status"]),
        ("['a', 'get'].exists(v, \(secrets).check(v).allowed())", ["a secrets", "get secrets"]),
        ("object.spec.replicas == 5 || \(secrets).check('get').allowed()", []),
    ] as [(String, [String])])
    func `the answer is waited for`(source: String, questions: [String]) async {
        let (world, authorizer) = world(["validations": [["expression": .string(source)]]])
        #expect(await world.refusal() == nil)
        #expect(authorizer.questions == questions.map { "system:apiserver " + $0 })
    }

    @Test func `who may not is refused`() async {
        let (world, _) = world([
            "validations": [["expression": .string("\(Self.secrets).check('list').allowed()"), "message": "no"]]
        ])
        #expect(await world.refusal()?.message.hasSuffix("denied request: no") == true)
    }

    @Test func `conditions and mutations wait too`() async throws {
        let change = "[JSONPatch{op: 'add', path: '/spec/may', value: string(\(Self.secrets).check('get').allowed())}]"
        func spec(_ verb: String) -> Value {
            [
                "matchConditions": [["name": "c", "expression": .string("\(Self.secrets).check('\(verb)').allowed()")]],
                "mutations": [["patchType": "JSONPatch", "jsonPatch": ["expression": .string(change)]]],
            ]
        }
        let (matching, _) = world(spec("get"))
        #expect(try await matching.admit().object?.at("spec", "may") == "true")
        let (other, authorizer) = world(spec("list"))
        #expect(try await other.admit().object?.at("spec", "may") == nil)
        #expect(authorizer.questions == ["system:apiserver list secrets"])
    }
}
