import API
import APIMachinery
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

/// What controllers hear of the placing of pods, which happens to every pod once.
@Suite struct PlacementTests {
    /// What becomes of a waiting pod, and whether it was placed and nothing else.
    private static let cases: [(String, Bool, @Sendable (inout Pod) -> Void)] = [
        ("placed", true, { $0.spec.nodeName = "n" }),
        ("placed, and told its zone", true, { $0.spec.nodeName = "n"; $0.metadata.labels["zone"] = "z" }),
        ("placed under another label", false, { $0.spec.nodeName = "n"; $0.metadata.labels = ["app": "other"] }),
        ("placed and told to end", false, { $0.spec.nodeName = "n"; $0.metadata.deletionTimestamp = .now }),
        ("placed and released", false, { $0.spec.nodeName = "n"; $0.metadata.ownerReferences = [] }),
        ("another of its name, placed", false, { $0.spec.nodeName = "n"; $0.metadata.uid = "other" }),
        ("not placed", false, { $0.status.phase = "Failed" }),
    ]

    @Test(arguments: cases.indices) func `a placement is a node and nothing else that owners ask for`(_ index: Int) {
        let (name, isPlacement, befall) = Self.cases[index]
        let waiting = Self.pod()
        var pod = waiting
        befall(&pod)
        #expect(Self.change(waiting, pod).isPlacement == isPlacement, "\(name)")
        #expect(!Self.change(nil, pod).isPlacement)
    }

    @Test func `an owner that heeds no placement hears of one only when it selects the pod no more`() async throws {
        let api = MemoryAPI()
        for heedsPlacement in [true, false] {
            let pods = try await Dependents<ReplicaSet, Pod>(api, selector: \.podSelector, heedsPlacement: heedsPlacement)
            let (owners, owned) = (pods.sources[0], pods.sources[1])
            var set = ReplicaSet(namespace: "default", name: "web")
            set.metadata.uid = "set"
            set.spec.selector = MetaV1LabelSelector(["matchLabels": ["app": "web"]])
            #expect(owners.keys(Self.change(nil, set)) == [set.objectName])

            let waiting = Self.pod()
            var placed = waiting
            placed.spec.nodeName = "n"
            placed.metadata.labels["zone"] = "z"
            var over = placed
            over.status.phase = "Failed"
            let heard = heedsPlacement ? [set.objectName] : []
            #expect(owned.keys(Self.change(nil, waiting)) == [set.objectName])
            #expect(owned.keys(Self.change(waiting, placed)) == heard)
            #expect(owned.keys(Self.change(placed, over)) == [set.objectName])

            var picky = set
            picky.spec.selector = MetaV1LabelSelector([
                "matchLabels": ["app": "web"],
                "matchExpressions": [["key": "zone", "operator": "DoesNotExist"]],
            ])
            _ = owners.keys(Self.change(set, picky))
            #expect(owned.keys(Self.change(waiting, placed)) == [set.objectName])
        }
    }

    private static func pod() -> Pod {
        var pod = Pod(namespace: "default", name: "web-1")
        pod.metadata.uid = "pod"
        pod.metadata.labels = ["app": "web"]
        pod.value[path: ["metadata", "ownerReferences"]] = [
            ["apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "set", "controller": true]
        ]
        return pod
    }

    private static func change<R: ResourceView>(_ old: R?, _ new: R) -> ObjectChange {
        ObjectChange(old: old.map { StoredObject(received: $0.value) }, new: StoredObject(received: new.value))
    }
}
