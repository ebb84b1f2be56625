import Support

/// Why a container cannot be given what it asks for, as its pod's status tells.
struct AllocationRefusal: Error, Hashable, Sendable {
    var reason: String
    var message: String

    init(reason: String, message: String) {
        self.reason = reason
        self.message = message
    }

    /// For what the reason has no name of its own.
    init(_ fault: Fault) {
        reason = "UnexpectedAdmissionError"
        message = "Allocate failed due to \(fault.summary), which is unexpected"
    }

    static let topology = AllocationRefusal(
        reason: "TopologyAffinityError", message: "Resources cannot be allocated with Topology locality")

    var end: PodEnd { .refused(reason, message) }
}

/// Which processors a container has for itself: the static policy (KEP 3570).
///
/// Pure. All others share what is left, the reserved ones among it.
struct CPULedger: Sendable {
    let topology: CPUTopology
    let options: CPUOptions
    /// Never given to a container alone.
    let reserved: Set<Int>
    /// With the other threads of their cores.
    private let reservedCores: Set<Int>
    /// For all containers without processors of their own.
    private(set) var shared: Set<Int>
    /// By pod and container.
    private(set) var assignments: [String: [String: Set<Int>]] = [:]

    /// `reserving` processors, the first cores where `explicit` names none. Fails with `invalid` when that is
    /// none.
    init(_ topology: CPUTopology, _ options: CPUOptions, reserving count: Int, explicit: Set<Int> = [])
        throws(Fault)
    {
        self.topology = topology
        self.options = options
        guard count > 0 || !explicit.isEmpty else {
            throw Fault(
                .invalid,
                "the static policy requires systemreserved.cpu + kubereserved.cpu to be greater than zero",
                remedy: "give --kubelet-arg=reserved-cpus, system-reserved or kube-reserved")
        }
        guard explicit.isSubset(of: topology.all) else {
            throw Fault(
                .invalid,
                "some of the processors that --kubelet-arg reserved-cpus=\(ProcessorList.text(explicit)) names are not "
                    + "there: \(ProcessorList.text(topology.all)) are")
        }
        reserved =
            if explicit.isEmpty { try CPUPicker.pick(count, of: topology.all, topology, options) } else { explicit }
        let cores = Set(reserved.compactMap { topology.places[$0]?.core })
        reservedCores = Set(topology.places.filter { cores.contains($0.value.core) }.keys)
        shared = options.isReservationStrict ? topology.all.subtracting(reserved) : topology.all
    }

    /// What can be given to a container alone.
    var available: Set<Int> { shared.subtracting(reserved) }

    /// What containers can have alone, given or not.
    var allocatable: Set<Int> { topology.all.subtracting(reserved) }

    func processors(of pod: String, _ container: String) -> Set<Int>? { assignments[pod]?[container] }

    /// Gives a container as many processors as it asks for. `reusable` is what containers of the pod that end
    /// before it have.
    mutating func allocate(
        _ pod: String, _ container: String, _ count: Int, reusing reusable: Set<Int>, affinity: NUMAMask?
    ) throws(AllocationRefusal) {
        if options.isWholeCores { try checkCores(count) }
        guard assignments[pod]?[container] == nil else { return }
        let free = available.union(reusable)
        var picked = Set<Int>()
        do throws(Fault) {
            if let affinity {
                let near = free.filter { affinity.contains(topology.places[$0]?.node ?? -1) }
                picked = try CPUPicker.pick(min(count, near.count), of: near, topology, options)
            }
            picked.formUnion(
                try CPUPicker.pick(count - picked.count, of: free.subtracting(picked), topology, options))
        } catch { throw AllocationRefusal(error) }
        shared.subtract(picked)
        assignments[pod, default: [:]][container] = picked
    }

    private func checkCores(_ count: Int) throws(AllocationRefusal) {
        let threads = topology.threads
        func refused(_ why: String) -> AllocationRefusal {
            AllocationRefusal(reason: "SMTAlignmentError", message: "SMT Alignment Error: " + why)
        }
        guard count % threads == 0 else {
            throw refused("requested \(count) cpus not multiple cpus per core = \(threads)")
        }
        let physical = shared.subtracting(reservedCores).count
        guard count <= physical else {
            throw refused(
                "not enough free physical CPUs: available physical CPUs = \(physical), requested CPUs = \(count), "
                    + "CPUs per core = \(threads)")
        }
    }

    /// The pod needs none any more. False when it had none.
    mutating func release(_ pod: String) -> Bool {
        guard let containers = assignments.removeValue(forKey: pod) else { return false }
        for processors in containers.values { shared.formUnion(processors) }
        return true
    }

    /// Where a number of processors can be had. `present` is what is had already, `reusable` as in
    /// `allocate`.
    func hints(_ count: Int, present: Set<Int>? = nil, reusing reusable: Set<Int> = []) -> [TopologyHint] {
        if let present, present.count != count { return TopologyHint.impossible }
        let free = present ?? available
        let must = present == nil ? reusable : []
        var hints: [TopologyHint] = []
        var fewest = topology.nodes.count
        for mask in NUMAMask.combinations(of: topology.nodes) {
            func near(_ processors: some Sequence<Int>) -> Int {
                processors.count { mask.contains(topology.places[$0]?.node ?? -1) }
            }
            if near(topology.places.keys) >= count { fewest = min(fewest, mask.count) }
            guard near(must) == must.count, near(free) + must.count >= count else { continue }
            hints.append(TopologyHint(affinity: mask, isPreferred: false))
        }
        guard !hints.isEmpty else { return TopologyHint.impossible }
        return hints.map { TopologyHint(affinity: $0.affinity, isPreferred: $0.affinity?.count == fewest) }
    }

    // MARK: After a restart

    /// Takes what an earlier kubelet left. Fails with `conflict` when the machine or the reservation is
    /// another one: what runs where is then not known.
    mutating func restore(_ state: CPUCheckpoint) throws(Fault) {
        guard !state.shared.isEmpty else {
            guard state.assignments.isEmpty else { throw Self.unusable("default cpuset cannot be empty") }
            return
        }
        let all = options.isReservationStrict ? topology.all.subtracting(reserved) : topology.all
        let text = ProcessorList.text
        if options.isReservationStrict {
            let wrong = reserved.intersection(state.shared)
            guard wrong.isEmpty else {
                throw Self.unusable(
                    "some of strictly reserved cpus: \"\(text(wrong))\" are present in defaultCpuSet: "
                        + "\"\(text(state.shared))\"")
            }
        } else {
            guard reserved.isSubset(of: state.shared) else {
                throw Self.unusable(
                    "not all reserved cpus: \"\(text(reserved))\" are present in defaultCpuSet: "
                        + "\"\(text(state.shared))\"")
            }
        }
        var known = state.shared
        for (pod, containers) in state.assignments.sorted(by: { $0.key < $1.key }) {
            for (container, processors) in containers.sorted(by: { $0.key < $1.key }) {
                guard state.shared.isDisjoint(with: processors) else {
                    throw Self.unusable(
                        "pod: \(pod), container: \(container) cpuset: \"\(text(processors))\" overlaps with default "
                            + "cpuset \"\(text(state.shared))\"")
                }
                known.formUnion(processors)
            }
        }
        guard known == all else {
            throw Self.unusable(
                "current set of available CPUs \"\(text(all))\" doesn't match with CPUs in state \"\(text(known))\""
            )
        }
        (shared, assignments) = (state.shared, state.assignments)
    }

    private static func unusable(_ why: String) -> Fault {
        Fault(
            .conflict, "the state of the processors cannot be taken over: \(why)",
            remedy: "drain the node and remove the file \(CPUCheckpoint.file) in the kubelet's folder")
    }
}
