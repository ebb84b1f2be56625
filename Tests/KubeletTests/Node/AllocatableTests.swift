import API
import APIMachinery
import Client
import Host
import Support
import Testing

@testable import Kubelet

/// What is reserved, and the control groups that hold it.
@Suite struct AllocatableTests {
    private static func options(_ arguments: [String: String]) throws(Fault) -> KubeletOptions {
        var options = KubeletOptions(
            nodeName: "n", internalAddresses: [], version: "v", layout: KubeletLayout(root: "/nowhere"))
        try options.apply(arguments)
        return options
    }

    private static let capacity = NodeCapacity(processors: 4, memory: 8 << 30, storage: 0, pods: 1)

    @Test func `pods are held to the rest, or to the whole where that is said`() throws {
        var capacity = Self.capacity
        for (list, shares, memory, processes) in [
            ("pods", 3 * 1024, Int64(7) << 30, Int64(900)), ("none", 4 * 1024, 8 << 30, 1000),
            ("", 4 * 1024, 8 << 30, 1000),
        ] {
            let options = try Self.options([
                "system-reserved": "cpu=500m,memory=512Mi", "kube-reserved": "cpu=500m,memory=512Mi,pid=100",
                "enforce-node-allocatable": list,
            ])
            capacity.reservation = options.reservation
            let limits = options.enforcement.podLimits(capacity, mostProcesses: 1000)
            #expect(
                limits.shares == Int64(shares) && limits.memory == memory && limits.processes == processes)
        }
        let plain = try Self.options([:])
        #expect(plain.enforcement.shares == [.pods])
        #expect(plain.enforcement.podLimits(Self.capacity, mostProcesses: nil).memory == 8 << 30)
        capacity.reservation = try Self.options(["kube-reserved": "memory=7Ei"]).reservation
        #expect(
            plain.enforcement.podLimits(capacity, mostProcesses: nil).memory == 0, "never less than nothing")
    }

    @Test func `what is reserved for one is not another's`() throws {
        let options = try Self.options([
            "system-reserved": "cpu=500m,memory=1Gi", "kube-reserved": "cpu=250m,pid=10",
        ])
        func limits(_ share: AllocatableEnforcement.Share) -> AllocatableEnforcement.Limits? {
            options.enforcement.limits(share, options.reservation)
        }
        #expect(limits(.system) == .init(shares: 512, memory: 1 << 30))
        #expect(limits(.systemCompressible) == .init(shares: 512))
        #expect(limits(.kube) == .init(shares: 256, processes: 10) && limits(.pods) == nil)
        #expect(options.enforcement.limits(.kube, NodeReservation()) == nil)
        let told = try Value(json: options.configurationJSON)["kubeletconfig"]
        #expect(
            told?["kubeReserved"] == ["cpu": "250m", "pid": "10"]
                && told?["enforceNodeAllocatable"] == ["pods"])
    }

    @Test(arguments: [
        (
            ["enforce-node-allocatable": "pods,system-reserved"],
            "systemReservedCgroup (--system-reserved-cgroup) must be"
        ),
        (
            ["enforce-node-allocatable": "kube-reserved-compressible"],
            "kubeReservedCgroup (--kube-reserved-cgroup) must be"
        ),
        (["enforce-node-allocatable": "none,pods"], "may not contain additional enforcements when \"none\""),
        (["cgroups-per-qos": "false"], "is not supported unless cgroupsPerQOS (--cgroups-per-qos) is set to true"),
        (["enforce-node-allocatable": "all"], "option \"all\" specified for enforceNodeAllocatable"),
    ])
    func `what cannot be held is refused`(arguments: [String: String], words: String) {
        let fault = #expect(throws: Fault.self) { try Self.options(arguments) }
        #expect(fault?.code == .invalid && fault?.summary.contains(words) == true, "\(fault?.summary ?? "")")
    }

    @Test func `without control groups for pods nothing is held`() throws {
        let options = try Self.options(["cgroups-per-qos": "false", "enforce-node-allocatable": "none", "cgroup-root": "/a"])
        #expect(!options.dividesCgroups && options.cgroupParent(podUID: "u", .burstable) == "/a")
        #expect(try Value(json: options.configurationJSON)["kubeletconfig"]?["cgroupsPerQOS"] == false)
        #expect(try Self.options([:]).cgroupParent(podUID: "u", .burstable) == "/kubepods/burstable/podu")
    }

    /// A file of a control group, in whichever version the machine has.
    private static func read(_ group: Cgroup, _ controller: CgroupHierarchy.Controller, _ names: String...)
        -> String?
    {
        guard let folder = group.directory(of: controller) else { return nil }
        return names.lazy.compactMap { try? Files.readText(Path.join(folder, $0)) }.first?.split(
            separator: "\n"
        ).first.map(String.init)
    }

    @Test(.timeLimit(.minutes(1))) func `a node holds pods and its own programs by control groups`()
        async throws
    {
        let group = "/k3s-reserved-\(UInt32.random(in: 0...UInt32.max))"
        let reserved = Cgroup(group, in: try CgroupHierarchy.detect())
        try reserved.create()
        defer { try? reserved.remove() }
        try await KubeletWorld.with {
            $0.arguments = [
                "system-reserved": "cpu=500m,memory=64Mi", "system-reserved-cgroup": group,
                "enforce-node-allocatable": "pods,system-reserved",
            ]
        } _: { world in
            try await world.run {
                let events = try await world.client.observe(Event.self)
                while true {
                    let told = events.list(namespace: nil).map { Event($0) }.filter {
                        $0.reason == "NodeAllocatableEnforced"
                    }
                    if Set(told.map(\.message)) == [
                        "Updated limits on system reserved cgroup \(group)",
                        "Updated Node Allocatable limit across pods",
                    ] {
                        break
                    }
                    try await Task.sleep(for: .milliseconds(10))
                }
                #expect(Self.read(reserved, .memory, "memory.max", "memory.limit_in_bytes") == "\(64 << 20)")
                #expect(Self.read(reserved, .cpu, "cpu.shares", "cpu.weight") != nil)
                let pods = Cgroup("/" + Path.name(of: world.folder) + "/kubepods", in: reserved.hierarchy)
                let limit =
                    Self.read(pods, .memory, "memory.max", "memory.limit_in_bytes").flatMap { Int64($0) } ?? 0
                let whole = try Machine.memory().total.bytes
                #expect(limit <= whole - (64 << 20) && limit > whole - (65 << 20))
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a group that is not there ends the start`() async throws {
        try await KubeletWorld.with {
            $0.arguments = [
                "kube-reserved": "cpu=1", "kube-reserved-cgroup": "/k3s-none/of these",
                "enforce-node-allocatable": "kube-reserved",
            ]
        } _: { world in
            let fault = await #expect(throws: Fault.self) {
                try await world.run { try await Task.sleep(for: .seconds(30)) }
            }
            #expect(
                fault?.summary == "Failed to enforce Kube Reserved Cgroup Limits on \"/k3s-none/of these\": "
                    + "[\"k3s-none\" \"of these\"] cgroup does not exist")
        }
    }
}
