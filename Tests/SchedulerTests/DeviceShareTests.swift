import APIMachinery
import Support
import Testing

@testable import Scheduler

/// Devices of which several claims have something: shares of one device, and devices that overlap.
@Suite struct DeviceShareTests {
    private static func slice(_ more: [String: Value]) -> Value {
        var slice: Value = [
            "driver": "gpu.example", "allNodes": true,
            "pool": ["name": "p", "generation": 1, "resourceSliceCount": .integer(more["count"]?.integer ?? 1)],
        ]
        for (key, value) in more where key != "count" { slice[key] = value }
        return slice
    }

    /// A device with 10 units of bandwidth and one core, that several may have.
    private static func shared(_ name: String, _ policy: Value? = nil) -> Value {
        var bandwidth: Value = ["value": "10"]
        bandwidth["requestPolicy"] = policy
        return [
            "name": .string(name), "allowMultipleAllocations": true,
            "attributes": ["name": ["string": .string(name)]],
            "capacity": ["bandwidth": bandwidth],
        ]
    }

    private func need(_ requests: Value, _ constraints: Value = [], claim: String = "c") throws -> DeviceNeed {
        let spec: Value = ["devices": ["requests": requests, "constraints": constraints]]
        let object: Value = ["metadata": ["name": .string(claim), "namespace": "ns", "uid": .string(claim)], "spec": spec]
        return try DeviceNeed(object) { _ in [:] }
    }

    private func request(_ bandwidth: String? = nil, count: Int64 = 1, _ more: [String: Value] = [:]) -> Value {
        var exactly: Value = ["deviceClassName": "any", "count": .integer(count)]
        if let bandwidth { exactly["capacity"] = ["requests": ["bandwidth": .string(bandwidth)]] }
        for (key, value) in more { exactly[key] = value }
        return ["name": "r", "exactly": exactly]
    }

    /// What a claim gets, as `device` or `device:bandwidth`; `nil` for nothing.
    private func picks(
        _ slices: [Value], _ needs: DeviceNeed..., taken: DeviceLoad = DeviceLoad()
    ) -> [String]? {
        var facts = PodDevices()
        facts.needs = needs
        facts.stock = DeviceStock(of: slices)
        facts.taken = taken
        let cluster = Given.cluster(Given.node("a"))
        return facts.picks(on: cluster.order[0])?.map { pick in
            pick.device.id.device + (pick.portions?["bandwidth"].map { ":\($0)" } ?? "")
        }
    }

    private func load(_ device: String, _ amounts: String...) -> DeviceLoad {
        let id = DeviceFacts.ID(driver: "gpu.example", pool: "p", device: device)
        var load = DeviceLoad()
        for (index, amount) in amounts.enumerated() {
            load.add(CapacityFacts.quantities(["bandwidth": .string(amount)]), of: id, share: "\(device)-\(index)")
        }
        return load
    }

    // MARK: Shares (KEP-5075)

    @Test func `claims share a device as long as something of it is left`() throws {
        let slices = [Self.slice(["devices": [Self.shared("x"), Self.shared("y")]])]
        #expect(picks(slices, try need([request("4")])) == ["x:4"])
        #expect(picks(slices, try need([request("4")]), taken: load("x", "3", "3")) == ["x:4"])
        #expect(picks(slices, try need([request("4")]), taken: load("x", "3", "4")) == ["y:4"])
        #expect(picks(slices, try need([request("11")])) == nil)
        // Who says nothing wants all of it.
        #expect(picks(slices, try need([request()]), taken: load("x", "1")) == ["y:10"])
    }

    @Test func `one claim, or the claims of one pod, may have several shares`() throws {
        let slices = [Self.slice(["devices": [Self.shared("x")]])]
        #expect(picks(slices, try need([request("4", count: 2)])) == ["x:4", "x:4"])
        #expect(picks(slices, try need([request("4", count: 3)])) == nil)
        #expect(picks(slices, try need([request("4")]), try need([request("6")], claim: "d")) == ["x:4", "x:6"])
        #expect(picks(slices, try need([request("4")]), try need([request("7")], claim: "d")) == nil)
        // Two shares of one device agree in everything.
        let apart: Value = [["distinctAttribute": "gpu.example/name"]]
        #expect(picks(slices, try need([request("4", count: 2)], apart)) == nil)
        let two = [Self.slice(["devices": [Self.shared("x"), Self.shared("y")]])]
        #expect(picks(two, try need([request("4", count: 2)], apart)) == ["x:4", "y:4"])
    }

    @Test(arguments: [
        (["default": "2"], nil, "2"), (["default": "2"], "3", "3"),
        (["default": "2", "validValues": ["2", "4", "8"]], "3", "4"),
        (["default": "2", "validValues": ["2", "4", "8"]], "4", "4"),
        (["default": "2", "validValues": ["2", "4", "8"]], "9", nil),
        (["default": "5", "validRange": ["min": "2", "max": "8", "step": "3"]], "1", "2"),
        (["default": "5", "validRange": ["min": "2", "max": "8", "step": "3"]], "3", "5"),
        (["default": "5", "validRange": ["min": "2", "max": "8", "step": "3"]], "8", "8"),
        (["default": "5", "validRange": ["min": "2", "max": "8", "step": "3"]], "9", nil),
        (["default": "5", "validRange": ["min": "2"]], "7", "7"),
        (["default": "5", "validRange": ["min": "4"]], "3", "4"),
        (["default": "2", "validRange": ["min": "1", "max": "5"]], "7", nil),
    ] as [(Value, String?, String?)])
    func `shares are rounded up to portions`(policy: Value, wanted: String?, given: String?) throws {
        let slices = [Self.slice(["devices": [Self.shared("x", policy)]])]
        #expect(picks(slices, try need([request(wanted)])) == given.map { ["x:" + $0] })
    }

    @Test func `a device of one claim alone must have what is asked for`() throws {
        var device = Self.shared("x")
        device["allowMultipleAllocations"] = nil
        let slices = [Self.slice(["devices": [device]])]
        #expect(picks(slices, try need([request("4")])) == ["x"])
        #expect(picks(slices, try need([request("4", count: 2)])) == nil)
        #expect(picks(slices, try need([request("11")])) == nil)
        let unknown = request(nil, ["capacity": ["requests": ["watts": "1"]]])
        #expect(picks(slices, try need([unknown])) == nil)
    }

    @Test func `a share is written to the claim, and read from it once`() throws {
        var facts = PodDevices()
        facts.needs = [try need([request("4", count: 2)])]
        facts.stock = DeviceStock(of: [Self.slice(["devices": [Self.shared("x")]])])
        let cluster = Given.cluster(Given.node("a"))
        var random = SeededRandom(seed: 1)
        let node = cluster.order[0]
        let grant = try #require(
            facts.grants(facts.picks(on: node) ?? [], on: node, for: Given.pod(), random: &random).first)
        let status = try #require(
            grant.status(of: ["spec": [:]], for: Given.pod(), at: Timestamp(seconds: 0)) { _ in nil })
        let results = status.at("allocation", "devices", "results")?.array ?? []
        #expect(results.count == 2)
        #expect(results.allSatisfy { $0["consumedCapacity"] == ["bandwidth": "4"] })
        let ids = Set(results.compactMap { $0["shareID"]?.string })
        #expect(ids.count == 2)
        for id in ids {
            #expect(id.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
            #expect(id.dropFirst(14).first == "4" && "89ab".contains(id.dropFirst(19).prefix(1)))
        }
        // The scheduler knows of them before the claim says so, and after.
        var load = grant.load
        load.add(DeviceLoad(of: ["status": status]))
        facts.taken = load
        #expect(picks([Self.slice(["devices": [Self.shared("x")]])], try need([request("2")]), taken: load) == ["x:2"])
        #expect(picks([Self.slice(["devices": [Self.shared("x")]])], try need([request("3")]), taken: load) == nil)
    }

    @Test func `the shares of several claims add up, and who administrates has none`() throws {
        func claim(_ more: [String: Value]) -> Value {
            var result: Value = ["driver": "gpu.example", "pool": "p", "device": "x"]
            for (key, value) in more { result[key] = value }
            return ["status": ["allocation": ["devices": ["results": [result]]]]]
        }
        let id = DeviceFacts.ID(driver: "gpu.example", pool: "p", device: "x")
        var load = DeviceLoad(of: claim(["shareID": "1", "consumedCapacity": ["bandwidth": "4"]]))
        load.add(DeviceLoad(of: claim(["shareID": "2", "consumedCapacity": ["bandwidth": "3"]])))
        load.add(DeviceLoad(of: claim(["shareID": "2", "consumedCapacity": ["bandwidth": "3"]])))
        #expect(load.used(of: id)["bandwidth"]?.value == 7)
        #expect(DeviceLoad(of: claim(["adminAccess": true])).isEmpty)
        #expect(DeviceLoad(of: claim([:])).whole == [id])
    }

    // MARK: Parts (KEP-4815)

    private static func part(_ name: String, _ memory: String, isShared: Bool = false) -> Value {
        var part: Value = [
            "name": .string(name),
            "consumesCounters": [["counterSet": "card", "counters": ["memory": ["value": .string(memory)]]]],
        ]
        if isShared { part["allowMultipleAllocations"] = true }
        return part
    }

    /// A card of 80 Gi that is had whole, in halves or in a small part; the counters come in a slice of their own.
    private static let card: [Value] = [
        slice([
            "count": 2, "sharedCounters": [["name": "card", "counters": ["memory": ["value": "80Gi"]]]],
        ]),
        slice([
            "count": 2,
            "devices": [part("whole", "80Gi"), part("half-1", "40Gi"), part("half-2", "40Gi"), part("small", "10Gi")],
        ]),
    ]

    private func taken(_ devices: String...) -> DeviceLoad {
        devices.reduce(into: DeviceLoad()) { $0.add(.init(driver: "gpu.example", pool: "p", device: $1)) }
    }

    @Test func `parts of a device are given as far as it reaches`() throws {
        #expect(picks(Self.card, try need([request()])) == ["whole"])
        #expect(picks(Self.card, try need([request()]), taken: taken("half-1")) == ["half-2"])
        #expect(picks(Self.card, try need([request()]), taken: taken("half-1", "half-2")) == nil)
        #expect(picks(Self.card, try need([request()]), taken: taken("half-1", "small")) == nil)
        #expect(picks(Self.card, try need([request()]), taken: taken("whole")) == nil)
        // The search turns back from the whole.
        #expect(picks(Self.card, try need([request(count: 2)])) == ["half-1", "half-2"])
        #expect(picks(Self.card, try need([request(count: 3)])) == nil)
        #expect(picks(Self.card, try need([request()]), try need([request()], claim: "d")) == ["half-1", "half-2"])
    }

    @Test func `who administrates draws from no counter`() throws {
        let look = try need([request(nil, ["adminAccess": true, "allocationMode": "All"])])
        #expect(picks(Self.card, look, taken: taken("whole")) == ["whole", "half-1", "half-2", "small"])
    }

    @Test func `a device that several have draws from its counters once`() throws {
        let slices = [
            Self.slice([
                "sharedCounters": [["name": "card", "counters": ["memory": ["value": "80Gi"]]]],
                "devices": [Self.part("x", "60Gi", isShared: true), Self.part("y", "20Gi")],
            ])
        ]
        #expect(picks(slices, try need([request(count: 3)])) == ["x", "x", "x"])
        #expect(picks(slices, try need([request()]), taken: taken("y")) == ["x"])
        let all = try need([request(nil, ["allocationMode": "All"])])
        #expect(picks(slices, all) == ["x", "y"])
    }

    @Test func `a counter that nobody publishes has nothing to give`() throws {
        let slices = [Self.slice(["devices": [Self.part("x", "1Gi")]])]
        #expect(picks(slices, try need([request()])) == nil)
    }
}
