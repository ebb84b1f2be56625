import API
import APIMachinery
import Client
import ClientTestSupport
import Support
import Testing

@testable import Scheduler

/// What volumes ask of nodes, beside being reached.
@Suite struct VolumeFilterTests {
    private static let zone = "topology.kubernetes.io/zone"

    private func disk(_ kind: String, _ source: Value) -> Value {
        ["volumes": [.object(Fields([("name", "v"), (kind, source)]))]]
    }

    @Test(
        arguments: [
            ("gcePersistentDisk", ["pdName": "d"], ["pdName": "d"], true),
            ("gcePersistentDisk", ["pdName": "d", "readOnly": true], ["pdName": "d", "readOnly": true], false),
            ("gcePersistentDisk", ["pdName": "d"], ["pdName": "e"], false),
            ("awsElasticBlockStore", ["volumeID": "d", "readOnly": true], ["volumeID": "d", "readOnly": true], true),
            ("iscsi", ["iqn": "i"], ["iqn": "i", "readOnly": true], true),
            ("rbd", ["pool": "p", "image": "i", "monitors": ["m"]], ["pool": "p", "image": "i", "monitors": ["m", "n"]], true),
            ("rbd", ["pool": "p", "image": "i", "monitors": ["m"]], ["pool": "p", "image": "i", "monitors": ["n"]], false),
        ] as [(String, Value, Value, Bool)])
    func `a disk without a claim is on a node once, unless all only read`(
        kind: String, present: Value, wanted: Value, isTaken: Bool
    ) {
        let cluster = Given.cluster(Given.node("a"), pods: [(Given.pod("q", disk(kind, present)), "a")])
        let refused = Fitting.none("0/1 nodes are available: 1 node(s) had no available disk.")
        #expect(cluster.fitting(Given.pod(disk(kind, wanted))) == (isTaken ? refused : .nodes(["a"])))
    }

    @Test func `a claim of one pod is in use wherever that pod is, and its user may be sent away`() {
        let claimed: Value = ["volumes": [["name": "v", "persistentVolumeClaim": ["claimName": "c"]]]]
        let cluster = Given.cluster(
            Given.node("a"), Given.node("b"), pods: [(Given.pod("q", claimed), "a")])
        var volumes = VolumeFacts()
        volumes.exclusive = [ObjectName(namespace: "ns", name: "c")]
        let pod = Given.pod("p", claimed, priority: 5)
        #expect(
            cluster.fitting(pod, volumes)
                == .none(
                    "0/2 nodes are available: 2 node has pod using PersistentVolumeClaim with the same name and "
                        + "ReadWriteOncePod access mode."))
        let decision = Decision(pod, volumes, Profile(), cluster)
        guard case .none(let diagnosis) = decision.sift(from: 0) else { return }
        let preemption = Preemption(decision: decision, budgets: [], now: Timestamp(seconds: 0))
        let best = preemption.cheapest(of: preemption.candidates(diagnosis, from: 0).0)
        #expect(best?.node.name == "a" && best?.victims.map(\.name.name) == ["q"])
        cluster.displace("uid-q")
        #expect(cluster.fitting(pod, volumes) == .nodes(["a", "b"]))
    }

    @Test func `a volume's zone holds the pod to it, where nodes say where they are`() {
        let cluster = Given.cluster(
            Given.node("a", labels: [Self.zone: "x"]), Given.node("b", labels: [Self.zone: "y"]),
            Given.node("c", labels: ["failure-domain.beta.kubernetes.io/zone": "z"]), Given.node("d"))
        func fitting(_ labels: Fields) -> Fitting {
            var volumes = VolumeFacts()
            volumes.zones = VolumeZoneFilter.zones(of: labels)
            return cluster.fitting(Given.pod(), volumes)
        }
        #expect(fitting([Self.zone: "x"]) == .nodes(["a", "d"]))
        #expect(fitting(["failure-domain.beta.kubernetes.io/zone": "x__z"]) == .nodes(["a", "c", "d"]))
        #expect(fitting(["app": "x"]) == .nodes(["a", "b", "c", "d"]))
    }

    private struct Shelf: VolumeKnowledge {
        var volumes: [String: VolumeAttachmentFacts] = [:]
        var limit = 2
        var attached: [VolumeAttachmentFacts] = []

        func attachment(of claim: ObjectName) -> VolumeAttachmentFacts? { volumes[claim.name] }
        func limits(of node: String) -> [String: Int] { node == "free" ? [:] : ["d": limit] }
        func attached(to node: String) -> [VolumeAttachmentFacts] { node == "b" ? attached : [] }
    }

    @Test func `a node takes so many volumes of a driver, each counted once`() {
        func using(_ name: String, _ claim: String) -> PodFacts {
            Given.pod(name, ["volumes": [["name": "v", "persistentVolumeClaim": ["claimName": .string(claim)]]]])
        }
        var shelf = Shelf()
        for name in ["1", "2", "3"] { shelf.volumes[name] = .init(driver: "d", handle: name) }
        shelf.volumes["other"] = .init(driver: "e", handle: "other")
        let cluster = Given.cluster(
            Given.node("a"), Given.node("b"), Given.node("free"),
            pods: [(using("p", "1"), "a"), (using("q", "1"), "a"), (using("r", "2"), "a"), (using("s", "1"), "b")])
        func fitting(_ claim: String) -> Fitting {
            var volumes = VolumeFacts(claims: [(claim, .bound(nodes: nil))])
            volumes.attachments = shelf.volumes[claim].map { [$0] } ?? []
            volumes.knowledge = shelf
            return cluster.fitting(using("new", claim), volumes)
        }
        #expect(fitting("3") == .nodes(["b", "free"]))
        #expect(fitting("2") == .nodes(["a", "b", "free"]))
        #expect(fitting("other") == .nodes(["a", "b", "free"]))
        shelf.attached = [.init(driver: "d", handle: "foreign")]
        #expect(fitting("3") == .nodes(["free"]))
        cluster.setNode("free", nil)
        #expect(fitting("3") == .none("0/2 nodes are available: 2 node(s) exceed max volume count."))
    }

    @Test func `where a driver says what room it has, there must be enough`() {
        var options = VolumeFacts.Options()
        options.isProvisioned = true
        let places: [(nodes: LabelSelector, largest: Int64)] = [
            (Selectors.reading(["matchLabels": ["disk": "big"]]), 5), (.everything, 4),
        ]
        options.room = .init(wanted: 5, places: places)
        let cluster = Given.cluster(Given.node("a"), Given.node("b", labels: ["disk": "big"]))
        let volumes = VolumeFacts(claims: [("c", .waitsForConsumer(options))])
        #expect(cluster.fitting(Given.pod(), volumes) == .nodes(["b"]))
        cluster.setNode("b", nil)
        #expect(
            cluster.fitting(Given.pod(), volumes)
                == .none("0/1 nodes are available: 1 node(s) did not have enough free storage."))
    }

    @Test func `what storage says of claims, nodes and attachments is read from its objects`() async throws {
        let api = MemoryAPI()
        func create<R: ResourceView>(_: R.Type, _ value: Value) async throws { try await api.create(R(value)) }
        try await create(
            PersistentVolume.self,
            ["metadata": ["name": "v"], "spec": ["csi": ["driver": "d", "volumeHandle": "h"]]])
        try await create(
            PersistentVolumeClaim.self, ["metadata": ["name": "c", "namespace": "ns"], "spec": ["volumeName": "v"]])
        try await create(
            StorageClass.self,
            ["metadata": ["name": "late"], "provisioner": "e", "volumeBindingMode": "WaitForFirstConsumer"])
        try await create(
            PersistentVolumeClaim.self,
            [
                "metadata": ["name": "new", "namespace": "ns"],
                "spec": ["storageClassName": "late", "resources": ["requests": ["storage": "2Gi"]]],
            ])
        try await create(CSIDriver.self, ["metadata": ["name": "e"], "spec": ["storageCapacity": true]])
        try await create(
            CSIStorageCapacity.self,
            [
                "metadata": ["name": "x", "namespace": "ns"], "storageClassName": "late", "capacity": "3Gi",
                "maximumVolumeSize": "1Gi", "nodeTopology": [:],
            ])
        try await create(
            CSINode.self, ["metadata": ["name": "a"], "spec": ["drivers": [["name": "d", "allocatable": ["count": 7]]]]])
        try await create(
            VolumeAttachment.self,
            ["metadata": ["name": "t"], "spec": ["attacher": "d", "nodeName": "a", "source": ["persistentVolumeName": "v"]]])
        let sets = try await VolumeSets(api)
        let observations = sets.observe {}
        defer { for observation in observations { observation.cancel() } }
        let volume = VolumeAttachmentFacts(driver: "d", handle: "h")
        #expect(sets.attachment(of: ObjectName(namespace: "ns", name: "c")) == volume)
        #expect(sets.attached(to: "a") == [volume] && sets.attached(to: "b") == [])
        #expect(sets.limits(of: "a") == ["d": 7] && sets.limits(of: "b") == [:])
        let spec: Value = ["volumes": [["name": "v", "persistentVolumeClaim": ["claimName": "new"]]]]
        let facts = sets.facts(of: Given.pod(spec))
        #expect(facts.attachments == [VolumeAttachmentFacts(driver: "e", handle: "ns/new")])
        guard case .waitsForConsumer(let options)? = facts.claims.first?.claim else {
            return #expect(Bool(false), "the claim waits")
        }
        #expect(options.room?.wanted == 2 << 30 && options.room?.places.first?.largest == 1 << 30)
    }
}
