import API
import APIMachinery
import Client
import Testing

@testable import APIServer

@Suite struct MountableSecretsTests {
    private static let account: Value = [
        "metadata": ["name": "em", "annotations": ["kubernetes.io/enforce-mountable-secrets": "true"]],
        "secrets": [["name": "ok"]], "imagePullSecrets": [["name": "pull"]],
    ]

    private static func reference(_ secret: Value) -> Value { ["valueFrom": ["secretKeyRef": ["name": secret, "key": "k"]]] }

    /// The part of a spec that names a Secret in each way, and how a refusal begins.
    private static let ways: [(make: @Sendable (Value) -> Value, words: String)] = [
        ({ ["volumes": [["name": "v", "secret": ["secretName": $0]]]] }, "volume with secret.secretName="),
        (
            { secret in
                var variable = reference(secret)
                variable["name"] = "X"
                return ["containers": [["name": "a", "env": [variable]]]]
            }, "container a with envVar X referencing secret.secretName="
        ),
        (
            { ["containers": [["name": "a", "envFrom": [["secretRef": ["name": $0]]]]]] },
            "container a with envFrom referencing secret.secretName="
        ),
        (
            { ["initContainers": [["name": "i", "envFrom": [["secretRef": ["name": $0]]]]]] },
            "init container i with envFrom referencing secret.secretName="
        ),
    ]

    @Test(arguments: 0..<4) func `an account's pods name its secrets, and no others`(index: Int) throws {
        let (make, words) = Self.ways[index]
        let rule = try #require(MountableSecrets(Self.account))
        #expect(rule.refusal(of: ["spec": make("ok")]) == nil)
        #expect(
            rule.refusal(of: ["spec": make("no")])
                == "\(words)\"no\" is not allowed because service account em does not reference that secret")
        var lenient = Self.account
        lenient[path: ["metadata", "annotations"]] = nil
        #expect(MountableSecrets(lenient) == nil)
    }

    @Test func `neither to pull images, nor in containers that are added later`() async throws {
        let server = try await TestAPI.open()
        await server.bootstrap()
        let admin = server.client()
        _ = try await admin.create(Target(.serviceAccounts, namespace: "default"), Self.account, WriteOptions())
        func make(_ name: String, _ pull: String) async throws {
            let spec: Value = [
                "serviceAccountName": "em", "containers": [["name": "c", "image": "i"]],
                "imagePullSecrets": [["name": .string(pull)]],
            ]
            let pod: Value = ["metadata": ["name": .string(name)], "spec": spec]
            _ = try await admin.create(Target(.pods, namespace: "default"), pod, WriteOptions())
        }
        try await make("good", "pull")
        var status = await #expect(throws: Status.self) { try await make("bad", "no") }
        #expect(
            status?.message == "pods \"bad\" is forbidden: imagePullSecrets[0].name=\"no\" is not allowed because service "
                + "account em does not reference that imagePullSecret")
        var added = try await admin.get(Target(.pods, namespace: "default", name: "good")).value
        added[path: ["spec", "ephemeralContainers"]] = [
            ["name": "e", "image": "i", "envFrom": [["secretRef": ["name": "no"]]]]
        ]
        let wish = added
        status = await #expect(throws: Status.self) {
            let target = Target(.pods, namespace: "default", name: "good", subresource: "ephemeralcontainers")
            _ = try await admin.update(target, wish, WriteOptions())
        }
        #expect(
            status?.message == "pods \"good\" is forbidden: ephemeral container e with envFrom referencing "
                + "secret.secretName=\"no\" is not allowed because service account em does not reference that secret")
        await server.close()
    }
}
