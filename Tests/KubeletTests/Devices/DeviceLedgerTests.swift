import Runtime
import Support
import Testing

@testable import Kubelet

@Suite struct DeviceLedgerTests {
    private static let resource = "example.com/dev"

    /// `d0` to `d3` on two nodes of memory, `d4` on both, `d5` near to none, `bad` out of order.
    static func ledger() -> DeviceLedger {
        var ledger = DeviceLedger()
        ledger.connect(resource)
        ledger.update(
            resource,
            [("d0", [0]), ("d1", [0]), ("d2", [1]), ("d3", [1]), ("d4", [0, 1]), ("d5", [])].map {
                id, nodes in
                device(id, nodes)
            } + [device("bad", [0], health: "Unhealthy")])
        return ledger
    }

    static func device(_ id: String, _ nodes: [Int64], health: String = "Healthy") -> DeviceAPI.Device {
        var device = DeviceAPI.Device()
        (device.id, device.health) = (id, health)
        if !nodes.isEmpty {
            device.topology = DeviceAPI.TopologyInfo()
            device.topology?.nodes = nodes.map { DeviceAPI.NUMANode($0) }
        }
        return device
    }

    private func choose(
        _ ledger: DeviceLedger, _ count: Int, reusing: Set<String> = [], near nodes: [Int]? = nil,
        pod: String = "p",
        container: String = "c"
    ) throws -> DeviceChoice? {
        try ledger.choice(
            pod, container, Self.resource, count: count, reusable: reusing,
            affinity: nodes.map { NUMAMask($0) })
    }

    @Test func `a node tells of all devices, and gives the healthy ones to pods`() {
        var ledger = Self.ledger()
        let start = ContinuousClock.now
        #expect(ledger.amounts(at: start) == [Self.resource: DeviceAmounts(capacity: 7, allocatable: 6)])
        ledger.disconnect(Self.resource, at: start)
        #expect(
            ledger.amounts(at: start + .seconds(299)) == [
                Self.resource: DeviceAmounts(capacity: 7, allocatable: 0)
            ])
        #expect(ledger.amounts(at: start + .seconds(300)) == [Self.resource: .none])
        #expect(!ledger.isManaged(Self.resource))
        // It stays at nothing until a plug-in comes again.
        #expect(ledger.amounts(at: start + .seconds(9000)) == [Self.resource: .none])
        ledger.connect(Self.resource)
        ledger.update(Self.resource, [Self.device("d0", [])])
        #expect(
            ledger.amounts(at: start + .seconds(9001)) == [
                Self.resource: DeviceAmounts(capacity: 1, allocatable: 1)
            ])
    }

    private typealias Case = (count: Int, reusing: Set<String>, near: [Int]?, devices: [String])

    private static let cases: [Case] = [
        (1, [], nil, ["d0"]), (3, [], nil, ["d0", "d1", "d2"]), (2, [], [1], ["d2", "d3"]), (1, [], [1], ["d2"]),
        // All that is near, then what is near to other memory, then the rest.
        (4, [], [1], ["d0", "d2", "d3", "d4"]), (6, [], [1], ["d0", "d1", "d2", "d3", "d4", "d5"]),
        // What the pod has already goes first, wherever it is.
        (2, ["d5"], [1], ["d2", "d5"]), (1, ["d3", "d5"], nil, ["d3"]),
    ]

    @Test func `devices near to the memory of a container go first`() throws {
        for (count, reusing, near, devices) in Self.cases {
            let choice = try #require(try choose(Self.ledger(), count, reusing: reusing, near: near))
            #expect(choice.devices(preferring: []).sorted() == devices)
        }
    }

    @Test func `a plug-in is asked which it prefers of those that are near`() throws {
        let one = try #require(try choose(Self.ledger(), 2, reusing: ["d5"], near: [0]))
        #expect(one.question?.availableDeviceIDs == ["d0", "d1", "d4", "d5"])
        #expect(one.question?.mustIncludeDeviceIDs == ["d5"] && one.question?.allocationSize == 2)
        #expect(one.devices(preferring: ["d3", "d4", "d5"]).sorted() == ["d4", "d5"])
        // Those that are near are not enough: they are in, and it is asked for the rest.
        let all = try #require(try choose(Self.ledger(), 4, near: [0]))
        #expect(
            all.question?.mustIncludeDeviceIDs == ["d0", "d1", "d4"] && all.question?.allocationSize == 4)
        #expect(all.devices(preferring: ["d0", "d5"]).sorted() == ["d0", "d1", "d4", "d5"])
        let none = try #require(try choose(Self.ledger(), 1, reusing: ["d1"]))
        #expect(none.question == nil)
    }

    @Test func `what cannot be given is refused in the words of Kubernetes`() throws {
        var ledger = Self.ledger()
        func refusal(_ count: Int, container: String = "c") -> String? {
            do { return try choose(ledger, count, container: container) == nil ? "" : nil } catch {
                return (error as? Fault)?.summary
            }
        }
        #expect(
            refusal(7)
                == "requested number of devices unavailable for example.com/dev. Requested: 7, Available: 6")
        ledger.give("p", "c", Self.resource, ["d0", "d4"], DeviceAPI.ContainerAllocateResponse())
        #expect(ledger.devices(of: "p", "c", Self.resource)?.ids == [0: ["d0", "d4"], 1: ["d4"]])
        #expect(refusal(2) == "")
        #expect(
            refusal(3)
                == "pod \"p\" container \"c\" changed request for resource \"example.com/dev\" from 2 to 3")
        #expect(
            refusal(5, container: "other")
                == "requested number of devices unavailable for example.com/dev. Requested: 5, Available: 4")
        ledger.update(
            Self.resource, [Self.device("d0", [0], health: "Unhealthy"), Self.device("d4", [0, 1])])
        #expect(
            refusal(2)
                == "previously allocated devices are no longer healthy; cannot allocate unhealthy devices example.com/dev"
        )
        ledger.disconnect(Self.resource, at: .now)
        #expect(refusal(2) == "no healthy devices present; cannot allocate unhealthy devices example.com/dev")
        #expect(ledger.release("p") && !ledger.release("p"))
        #expect(ledger.used == [:])
    }

    @Test func `combinations of nodes come with the fewest first`() {
        let masks = NUMAMask.combinations(of: [0, 1, 3]).map(\.nodes)
        #expect(masks == [[0], [1], [3], [0, 1], [0, 3], [1, 3], [0, 1, 3]])
        #expect(NUMAMask.combinations(of: []) == [])
        #expect(NUMAMask([0]).description == "01" && NUMAMask([0, 2]).description == "101")
        #expect(
            NUMAMask([1]).isNarrower(than: NUMAMask([0, 1])) && NUMAMask([0]).isNarrower(than: NUMAMask([1])))
    }
}
