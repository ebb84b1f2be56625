import API
import APIMachinery
import Client
import Testing

@testable import APIServer

/// What becomes of `matchLabelKeys` and `mismatchLabelKeys` when a pod is made.
@Suite struct LabelKeyMergeTests {
    private static let apart: Value = [
        "labelSelector": ["matchLabels": ["app": "web"]], "matchLabelKeys": ["version", "unknown"],
        "mismatchLabelKeys": ["tenant"], "topologyKey": "kubernetes.io/hostname",
    ]
    private static let spread: Value = [
        "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": ["matchExpressions": [["key": "app", "operator": "Exists"]]], "matchLabelKeys": ["version"],
    ]

    private static func pod(_ affinity: Value, _ spread: [Value] = [spread]) -> Value {
        [
            "metadata": ["name": "web", "labels": ["app": "web", "version": "2", "tenant": "red"]],
            "spec": [
                "containers": [["name": "c", "image": "i"]], "affinity": affinity,
                "topologySpreadConstraints": .array(spread),
            ],
        ]
    }

    private static func client() async throws -> LocalClient {
        let client = try await TestAPI.open().client()
        try await client.create(Namespace(name: "default"))
        try await client.create(ServiceAccount(namespace: "default", name: "default"))
        return client
    }

    @Test func `a pod's own labels go into its selectors`() async throws {
        let client = try await Self.client()
        let affinity: Value = [
            "podAffinity": ["preferredDuringSchedulingIgnoredDuringExecution": [["weight": 1, "podAffinityTerm": Self.apart]]],
            "podAntiAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": [Self.apart]],
        ]
        let target = Target(.pods, namespace: "default")
        let made = try await client.create(target, Self.pod(affinity), WriteOptions()).value
        let added: Value = [
            ["key": "version", "operator": "In", "values": ["2"]], ["key": "tenant", "operator": "NotIn", "values": ["red"]],
        ]
        var term = Self.apart
        term[path: ["labelSelector", "matchExpressions"]] = added
        let far = made.at("spec", "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
        #expect(far == [term])
        let near = made.at("spec", "affinity", "podAffinity", "preferredDuringSchedulingIgnoredDuringExecution")
        #expect(near == [["weight": 1, "podAffinityTerm": term]])
        #expect(
            made.at("spec", "topologySpreadConstraints")?.array?.first?.at("labelSelector", "matchExpressions") == [
                ["key": "app", "operator": "Exists"], ["key": "version", "operator": "In", "values": ["2"]],
            ])
    }

    /// Who selects by the label already would have it twice.
    @Test func `a key that is selected by already is refused`() async throws {
        let client = try await Self.client()
        var spread = Self.spread
        spread["matchLabelKeys"] = ["app"]
        do throws(Status) {
            _ = try await client.create(Target(.pods, namespace: "default"), Self.pod([:], [spread]), WriteOptions())
            Issue.record("nothing was refused")
        } catch {
            let why = #"spec.topologySpreadConstraints[0][0]: Invalid value: "app": exists in both matchLabelKeys and labelSelector"#
            #expect(error.message.contains(why), "\(error.message)")
        }
    }

    @Test func `what has nothing to merge stays as it is`() {
        var unlabelled = Self.pod([:])
        unlabelled[path: ["metadata", "labels"]] = nil
        var unselective = Self.spread
        unselective["labelSelector"] = nil
        for pod in [unlabelled, Self.pod([:], [unselective]), ["spec": [:]]] {
            var merged = pod
            LabelKeyMerge.apply(to: &merged)
            #expect(merged == pod)
        }
    }
}
