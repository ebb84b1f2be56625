import API
import APIMachinery
import Client
import ClientTestSupport
import Logging
import Testing

@testable import Scheduler

/// From what a claim that waited for its consumer is served.
@Suite struct VolumeChoiceTests {
    private func facts(_ options: [(String, VolumeFacts.Options)]) -> VolumeFacts {
        VolumeFacts(claims: options.map { ($0.0, .waitsForConsumer($0.1)) })
    }

    private func node(_ name: String) -> NodeFacts {
        let facts = NodeFacts(name: name, slot: 0)
        _ = facts.set(Given.node(name, labels: ["host": name]))
        return facts
    }

    private func only(_ host: String) throws -> NodeSelector {
        let expression: Value = ["key": "host", "operator": "In", "values": [.string(host)]]
        return try NodeSelector(["nodeSelectorTerms": [["matchExpressions": [expression]]]])
    }

    private func choices(_ facts: VolumeFacts, on name: String) -> [String]? {
        (try? facts.choices(on: node(name)))?.map { claim, choice in
            switch choice {
            case .volume(let volume): "\(claim): \(volume)"
            case .provision: "\(claim): new"
            }
        }
    }

    @Test func `a volume is given to one claim, and only where it can be reached`() throws {
        var options = VolumeFacts.Options()
        options.volumes = [("near", try only("a")), ("anywhere", nil)]
        let two = facts([("x", options), ("y", options)])
        #expect(choices(two, on: "a") == ["x: near", "y: anywhere"])
        #expect(choices(two, on: "b") == nil, "there is one volume for two claims")
        options.isProvisioned = true
        #expect(choices(facts([("x", options), ("y", options)]), on: "b") == ["x: anywhere", "y: new"])
    }

    @Test func `a claim for which a volume is being made stays with its node`() throws {
        var options = VolumeFacts.Options()
        options.isProvisioned = true
        options.provisionedNodes = try only("a")
        #expect(choices(facts([("x", options)]), on: "a") == ["x: new"])
        #expect(choices(facts([("x", options)]), on: "b") == nil, "its class serves other nodes")
        options.provisionedNodes = nil
        options.selectedNode = "a"
        options.volumes = [("late", nil)]
        #expect(choices(facts([("x", options)]), on: "a") == ["x: new"])
        #expect(choices(facts([("x", options)]), on: "b") == nil)
        let message = "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind."
        let cluster = Given.cluster(Given.node("b"))
        #expect(cluster.fitting(Given.pod(), facts([("x", options)])) == .none(message))
    }

    @Test(arguments: [
        (VolumeFacts.Claim.missing, "persistentvolumeclaim \"c\" not found"),
        (.toBeMade, "waiting for ephemeral volume controller to create the persistentvolumeclaim \"c\""),
        (.deleting, "persistentvolumeclaim \"c\" is being deleted"),
        (.lost(volume: "v"), "persistentvolumeclaim \"c\" bound to non-existent persistentvolume \"v\""),
        (.unbound, "pod has unbound immediate PersistentVolumeClaims"),
    ])
    func `what no node can mend is told`(claim: VolumeFacts.Claim, message: String) {
        #expect(VolumeFacts(claims: [("c", claim)]).refusal?.reasons == [message])
    }

    @Test(arguments: [(nil, true), ("c", true), ("other", false)])
    func `a volume that another claim has taken meanwhile is left to it`(owner: String?, isServed: Bool) async throws {
        let api = MemoryAPI()
        let claim = try await api.create(PersistentVolumeClaim(namespace: "ns", name: "c"))
        var volume = PersistentVolume(name: "v")
        if let owner { volume.value["spec"] = ["claimRef": ["namespace": "ns", "name": .string(owner), "uid": ""]] }
        try await api.create(volume)
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let scheduler = Scheduler(client: api, log: log)
        let others = Scheduler.Others(volumes: try await VolumeSets(api), devices: try await DeviceSets(api))
        do throws(Status) {
            try await scheduler.carryOut(.serve(Given.pod(), [("c", .volume("v"))], node: "a"), others)
            #expect(isServed)
        } catch {
            #expect(error.isConflict && !isServed)
        }
        let present = api.peek(PersistentVolume.self, "v")?.spec.claimRef
        #expect(present?.name == (isServed ? "c" : owner))
        #expect(present?.uid == (isServed ? claim.metadata.uid : ""))
    }
}
