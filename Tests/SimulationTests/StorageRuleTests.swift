import APIMachinery
import Support
import Testing

@testable import Simulation

/// What the simulator sees of claims and volumes.
@Suite struct StorageRuleTests {
    private typealias Step = History.Step

    private func volume(_ claim: String?, _ phase: String = "Bound", _ name: String = "v", policy: String = "Retain") -> Step {
        var spec: Value = ["persistentVolumeReclaimPolicy": .string(policy)]
        if let claim { spec["claimRef"] = ["namespace": "ns", "name": .string(claim), "uid": .string("uid-" + claim)] }
        return Step("persistentvolumes", name, ["spec": spec, "status": ["phase": .string(phase)]])
    }

    private func claim(_ name: String, _ volume: String?, _ phase: String = "Bound", isEnding: Bool = false) -> Step {
        var content: Value = ["spec": [:], "status": ["phase": .string(phase)]]
        if let volume { content[path: ["spec", "volumeName"]] = .string(volume) }
        if isEnding { content["metadata"] = ["deletionTimestamp": "2030-01-01T00:00:00Z"] }
        return Step("persistentvolumeclaims", "ns/" + name, content)
    }

    private func check(_ steps: [Step], _ told: [String], sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(History(steps).violations == told, sourceLocation: sourceLocation)
    }

    @Test func `a claim has one volume, which is its own and stays`() {
        check([claim("a", nil, "Pending"), volume(nil, "Available"), volume("a", "Available"), volume("a"), claim("a", "v")], [])
        check([claim("a", "v")], ["persistentvolumeclaims ns/a: is bound to v, which is not there"])
        check([volume("b"), claim("a", "v")], ["persistentvolumeclaims ns/a: is bound to v, which is kept for b"])
        check([volume(nil), claim("a", "v")], ["persistentvolumeclaims ns/a: is bound to v, which is kept for nobody"])
        check(
            [volume("a"), volume("a", "Bound", "w"), claim("a", "v"), claim("a", "w")],
            ["persistentvolumeclaims ns/a: had the volume v, and now w"])
    }

    @Test func `a volume changes hands only by being free`() {
        check([volume("a"), volume("a", "Released"), volume(nil, "Available"), volume("b")], [])
        check(
            [volume("a"), volume("b")],
            ["persistentvolumes v: was kept for claim uid-a, and is for uid-b without having been free"])
        check(
            [volume("a"), claim("a", "v"), volume(nil, "Available")],
            ["persistentvolumes v: is free while claim ns/a is bound to it"])
    }

    @Test func `what is used is not taken away`() {
        check([volume("a"), claim("a", "v"), .gone("persistentvolumeclaims", "ns/a"), .gone("persistentvolumes", "v")], [])
        check(
            [volume("a"), claim("a", "v"), .gone("persistentvolumes", "v")],
            ["persistentvolumes v: is gone while claim ns/a is bound to it"])
        // Released, when the claim of that name is another.
        check([volume("b", "Released"), claim("a", nil, "Pending"), .gone("persistentvolumes", "v")], [])
        let spec: Value = ["volumes": [["name": "d", "persistentVolumeClaim": ["claimName": "a"]]]]
        let gone = Step.gone("persistentvolumeclaims", "ns/a", after: .seconds(16))
        let told = ["persistentvolumeclaims ns/a: is gone while pod p uses it"]
        check([.node(), claim("a", nil, "Pending"), .pod("p", on: "n", spec), gone], told)
        check([.node(), claim("a", nil, "Pending"), .pod("p", spec), gone], [])
        check([.node(), claim("a", nil, "Pending"), .pod("p", on: "n", phase: "Failed", spec), gone], [])
        check(
            [
                .node(), claim("a", nil, "Pending"), .pod("p", on: "n", spec),
                .gone("persistentvolumeclaims", "ns/a", after: .seconds(15)),
            ], [])
        // Its node has done with it.
        let ended: Value = ["deletionTimestamp": "2030-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0]
        check([.node(), claim("a", nil, "Pending"), .pod("p", on: "n", spec, metadata: ended), gone], [])
        // An ephemeral one is named after both.
        let own: Value = ["volumes": [["name": "d", "ephemeral": [:]]]]
        check(
            [
                .node(), claim("p-d", nil, "Pending"), .pod("p", on: "n", own),
                .gone("persistentvolumeclaims", "ns/p-d", after: .seconds(16)),
            ], ["persistentvolumeclaims ns/p-d: is gone while pod p uses it"])
    }

    // MARK: At rest

    private func complaints(_ steps: Step...) -> [String] { History(steps).complaints }

    @Test func `volumes and claims come to rest`() {
        #expect(complaints(volume("a"), claim("a", "v")) == [])
        #expect(complaints(volume("a", "Released"), volume(nil, "Available", "w")) == [])
        #expect(
            complaints(volume("a", "Released", policy: "Recycle"))
                == ["persistentvolumes v: was not reclaimed, as Recycle asks"])
        #expect(complaints(volume("a", "Failed")) == ["persistentvolumes v: is Failed: "])
        #expect(complaints(volume("a")) == ["persistentvolumes v: is bound to a claim that does not have it"])
        #expect(
            complaints(volume(nil, "Available"), claim("a", nil, "Pending"))
                == ["persistentvolumeclaims ns/a: has no volume, and v is free"])
        #expect(complaints(claim("a", nil, "Pending")) == [])
        #expect(complaints(claim("a", nil, "Lost")) == ["persistentvolumeclaims ns/a: is Lost"])
    }

    @Test func `what is held may be ending for long, and nothing else`() {
        let spec: Value = ["volumes": [["name": "d", "persistentVolumeClaim": ["claimName": "a"]]]]
        let pod = Step.pod("p", on: "n", spec, conditions: Step.ready)
        #expect(complaints(.node(), volume("a"), claim("a", "v", isEnding: true), pod) == [])
        #expect(
            complaints(volume("a"), claim("a", "v", isEnding: true)) == ["persistentvolumeclaims ns/a: is still ending"])
        var ending = volume("a", "Released")
        ending.content?["metadata"] = ["deletionTimestamp": "2030-01-01T00:00:00Z"]
        #expect(complaints(ending) == ["persistentvolumes v: is still ending"])
        ending = volume("a")
        ending.content?["metadata"] = ["deletionTimestamp": "2030-01-01T00:00:00Z"]
        #expect(complaints(ending, claim("a", "v")) == [])
    }
}
