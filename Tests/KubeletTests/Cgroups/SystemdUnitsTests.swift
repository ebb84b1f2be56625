import API
import APIMachinery
import Host
import Support
import Testing

@testable import Kubelet

@Suite(.timeLimit(.minutes(1)))
struct SystemdUnitsTests {
    private static let slice = "kubepods-burstable-podu.slice"
    private static let path = "/kubepods.slice/kubepods-burstable.slice/" + slice

    @Test func `a slice is made, changed and taken away`() async throws {
        let systemd = FakeSystemd()
        defer { systemd.cleanUp() }
        try await systemd.with {
            let units = SystemdUnits(bus: systemd.path)
            try await units.make(Self.path, SliceLimits(shares: 1024, memory: 100), .v2)
            let start = ["Subscribe", "StartTransientUnit " + Self.slice]
            #expect(systemd.present.calls == start)
            let expected = UnitProperty.slice(Self.slice, in: "kubepods-burstable.slice", .v2) + [
                UnitProperty("CPUWeight", .uint64(Cgroup.weight(forShares: 1024))),
                UnitProperty("MemoryMax", .uint64(100)),
            ]
            #expect(
                systemd.present.values["StartTransientUnit"] == [
                    .string(Self.slice), .string("replace"), UnitProperty.list(expected), .array(of: "(sa(sv))", []),
                ])
            // One that is there is changed.
            try await units.make(Self.path, SliceLimits(tasks: 7), .v2)
            let set = "SetUnitProperties " + Self.slice
            #expect(systemd.present.calls == start + start + [set])
            try await units.set(Self.path, SliceLimits(memory: SliceLimits.infinity), .v1)
            #expect(
                systemd.present.values["SetUnitProperties"] == [
                    .string(Self.slice), .boolean(true),
                    UnitProperty.list([UnitProperty("MemoryLimit", .uint64(.max))]),
                ])
            try await units.set(Self.path, SliceLimits(), .v2)
            try await units.remove(Self.path)
            #expect(systemd.present.units.isEmpty)
            try await units.remove(Self.path)
            let stop = ["Subscribe", "StopUnit " + Self.slice]
            #expect(systemd.present.calls == start + start + [set, set] + stop + stop)
        }
    }

    @Test func `a job that fails is a fault, and the unit is given up`() async throws {
        let systemd = FakeSystemd()
        defer { systemd.cleanUp() }
        try await systemd.with {
            systemd.end("failed")
            let units = SystemdUnits(bus: systemd.path)
            let fault = await #expect(throws: Fault.self) { try await units.make(Self.path, SliceLimits(), .v2) }
            #expect(fault?.code == .failed && fault?.summary == "systemd does not make \(Self.slice): failed")
            #expect(systemd.present.calls.last == "ResetFailedUnit " + Self.slice)
            try await units.remove(Self.path)
            #expect(systemd.present.calls.last == "ResetFailedUnit " + Self.slice)
        }
    }

    @Test func `without a bus nothing is made`() async {
        let units = SystemdUnits(bus: "/nowhere/bus")
        let fault = await #expect(throws: Fault.self) { try await units.make(Self.path, SliceLimits(), .v2) }
        #expect(fault?.code == .notFound)
    }

    @Test func `the root is a slice, too`() {
        #expect(SystemdUnits.unit("/") == "-.slice" && SystemdUnits.unit(Self.path) == Self.slice)
    }

    // MARK: Properties

    @Test func `limits have other names in other versions`() {
        let limits = SliceLimits(shares: 2, processorTime: 1_500_000, memory: 5, tasks: 6)
        func texts(_ version: CgroupHierarchy.Version) -> [UnitProperty] { UnitProperty.limits(limits, version) }
        let time = UnitProperty("CPUQuotaPerSecUSec", .uint64(1_500_000))
        #expect(
            texts(.v2) == [
                UnitProperty("CPUWeight", .uint64(1)), time, UnitProperty("MemoryMax", .uint64(5)),
                UnitProperty("TasksMax", .uint64(6)),
            ])
        #expect(
            texts(.v1) == [
                UnitProperty("CPUShares", .uint64(2)), time, UnitProperty("MemoryLimit", .uint64(5)),
                UnitProperty("TasksMax", .uint64(6)),
            ])
        #expect(UnitProperty.limits(SliceLimits(), .v2) == [])
    }

    @Test(arguments: [
        (100_000, 1_000_000), (150_000, 1_500_000), (1_000, 10_000), (1_001, 20_000), (.max, .max),
    ] as [(Int64, UInt64)])
    func `quotas are rounded up to hundredths of a processor`(quota: Int64, time: UInt64) {
        #expect(SliceLimits.perSecond(quota, period: 100_000) == time)
    }

    @Test func `what has no limit stays, or loses it`() {
        let values = CgroupValues(ResourceRequirements(["requests": ["cpu": "500m"]]))
        #expect(SliceLimits(values, lifts: false) == SliceLimits(shares: 512))
        #expect(
            SliceLimits(values, lifts: true)
                == SliceLimits(shares: 512, processorTime: SliceLimits.infinity, memory: SliceLimits.infinity))
    }
}
