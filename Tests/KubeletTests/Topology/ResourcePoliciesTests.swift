import Host
import Support
import Testing

@testable import Kubelet

@Suite struct ResourcePoliciesTests {
    private func options(_ arguments: [String: String]) throws(Fault) -> KubeletOptions {
        var options = KubeletOptions(
            nodeName: "n", internalAddresses: [], version: "v", layout: KubeletLayout(root: "/nowhere"))
        try options.apply(arguments)
        return options
    }

    @Test func `the arguments of Kubernetes say what is given to containers alone`() throws {
        let options = try options([
            "cpu-manager-policy": "static", "reserved-cpus": "0,2-3",
            "system-reserved": "cpu=500m,memory=1Gi",
            "cpu-manager-policy-options": "full-pcpus-only=true,strict-cpu-reservation=true",
            "cpu-manager-reconcile-period": "5s", "memory-manager-policy": "Static",
            "reserved-memory": "0:memory=1Gi,hugepages-2Mi=4Mi;1:memory=512Mi",
            "topology-manager-policy": "restricted",
            "topology-manager-scope": "pod",
            "topology-manager-policy-options": "prefer-closest-numa-nodes=true",
        ])
        let policies = options.resourcePolicies
        #expect(policies.hasOwnProcessors && policies.reservedProcessors == [0, 2, 3])
        #expect(policies.processorOptions.isWholeCores && policies.processorOptions.isReservationStrict)
        #expect(!policies.processorOptions.isDistributed && !policies.isPlain)
        #expect(policies.bindsMemory && policies.topology == .restricted && policies.scope == .pod)
        #expect(
            policies.reservedMemory == [
                0: ["memory": 1 << 30, "hugepages-2Mi": 4 << 20], 1: ["memory": 512 << 20],
            ])
        #expect(policies.prefersClosest)
        // The processors that are named are what is reserved.
        #expect(
            options.reservation.amounts["cpu"] == 3000 && options.reservation.amounts["memory"] == 1 << 30)
        #expect(try self.options([:]).resourcePolicies.isPlain)
    }

    @Test(arguments: [
        ("cpu-manager-policy", "Static"), ("memory-manager-policy", "static"),
        ("topology-manager-policy", "any"),
        ("topology-manager-scope", "node"), ("reserved-cpus", "a"), ("reserved-memory", "memory=1Gi"),
        ("reserved-memory", "0:cpu=1"), ("cpu-manager-policy-options", "full-pcpus-only"),
        ("cpu-manager-policy-options", "full-pcpus-only=maybe"), ("cpu-manager-policy-options", "other=true"),
        (
            "cpu-manager-policy-options",
            "distribute-cpus-across-numa=true,prefer-align-cpus-by-uncorecache=true"
        ),
        ("topology-manager-policy-options", "max-allowable-numa-nodes=7"),
        ("cpu-manager-reconcile-period", "soon"),
    ])
    func `what means nothing is refused`(name: String, value: String) {
        let fault = #expect(throws: Fault.self) { try options([name: value]) }
        #expect(fault?.code == .invalid)
    }

    @Test func `options that Kubernetes leaves off are refused in its words`() {
        let fault = #expect(throws: Fault.self) {
            try options(["cpu-manager-policy-options": "align-by-socket=true"])
        }
        #expect(
            fault?.summary
                == "CPU Manager Policy Alpha-level Options not enabled, but option \"align-by-socket\" provided"
        )
    }

    @Test func `a machine is read from what its kernel tells`() throws {
        let folder = "/tmp/k3s-machine-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? Files.remove(folder) }
        func write(_ path: String, _ text: String) throws {
            try Files.makeDirectory(Path.parent(of: folder + path))
            try Files.write(text, to: folder + path, mode: 0o644)
        }
        try write("/cpu/online", "0-1,3\n")
        for (processor, siblings, socket) in [(0, "0,3", 0), (1, "1", 1), (3, "0,3", 0)] {
            try write("/cpu/cpu\(processor)/topology/thread_siblings_list", siblings + "\n")
            try write("/cpu/cpu\(processor)/topology/physical_package_id", "\(socket)\n")
            try write("/cpu/cpu\(processor)/cache/index0/level", "1\n")
            try write("/cpu/cpu\(processor)/cache/index0/shared_cpu_list", "\(processor)\n")
            try write("/cpu/cpu\(processor)/cache/index3/level", "3\n")
            try write("/cpu/cpu\(processor)/cache/index3/shared_cpu_list", siblings + "\n")
        }
        let alone = try MachineTopology.read(memory: 5000, system: folder)
        #expect(alone.nodes == [0: .init(memory: 5000, distances: [0: 10])] && alone.processors.nodes == [0])
        for (node, list) in [(0, "0,3"), (2, "1")] {
            try write("/node/node\(node)/cpulist", list + "\n")
            try write(
                "/node/node\(node)/meminfo", "Node \(node) MemTotal:   2048 kB\nNode \(node) MemFree: 1 kB\n")
            try write("/node/node\(node)/distance", node == 0 ? "10 20\n" : "20 10\n")
        }
        try write("/node/node2/hugepages/hugepages-2048kB/nr_hugepages", "3\n")
        let machine = try MachineTopology.read(memory: 5000, system: folder)
        #expect(
            machine.nodes == [
                0: .init(memory: 2 << 20, distances: [0: 10, 2: 20]),
                2: .init(memory: 2 << 20, hugePages: ["hugepages-2Mi": 6 << 20], distances: [0: 20, 2: 10]),
            ])
        #expect(
            machine.processors.places == [
                0: .init(core: 0, socket: 0, node: 0, cache: 0),
                3: .init(core: 0, socket: 0, node: 0, cache: 0),
                1: .init(core: 1, socket: 1, node: 2, cache: 1),
            ])
        #expect(machine.processors.threads == 2 && machine.processors.nodes == [0, 2])
    }
}
