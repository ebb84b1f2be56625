import API
import APIMachinery
import Host
import Logging
import Support
import Synchronization

/// Gives the containers of a pod what each has alone, when the node takes the pod: devices, processors,
/// memory, close together where the node's policy asks for it. One pod after the other; what was given
/// outlives a restart.
final class ResourceDesk: Sendable {
    struct Told: Hashable, Sendable {
        var containerID: String
        var processors: String
    }

    struct State: Sendable {
        /// Pods that were given what they ask for, or had it.
        var settled: Set<String> = []
        /// All pods of the node are known: what others have is nobody's.
        var isComplete = false
        var policies = ResourcePolicies()
        var merge = TopologyMerge(policy: .none, distances: [:])
        /// `nil` where containers share all processors.
        var processors: CPULedger?
        /// `nil` where memory lies where the kernel likes.
        var memory: MemoryLedger?
        /// The processors that the latest instances of containers have, by pod and name.
        var told: [String: [String: Told]] = [:]
    }

    let devices: DeviceKeeper
    private let folder: String
    private let log: Logger
    private let turns = Turns()
    private let operations = Operations()
    private let isKnown: @Sendable (_ podUID: String) -> Bool
    private let state = Mutex(State())
    /// Rings when the shared processors are others than before.
    let poolChanges = Bell()

    /// `isKnown` tells whether the node has a pod; `folder` is the kubelet's own.
    init(
        devices: DeviceKeeper, folder: String, log: Logger,
        isKnown: @escaping @Sendable (_ podUID: String) -> Bool
    ) {
        self.devices = devices
        self.folder = folder
        self.log = log
        self.isKnown = isKnown
    }

    func read<Result: Sendable>(_ body: (State) -> Result) -> Result { state.withLock { body($0) } }

    /// The instance of a container in the runtime has these processors; empty where nobody told it.
    func note(_ pod: String, _ container: String, _ told: Told) {
        guard !told.processors.isEmpty else { return }
        state.withLock { $0.told[pod, default: [:]][container] = told }
    }

    // MARK: Beginning

    /// Recalls what containers have. To be called before pods are worked on. Fails when the machine or the
    /// policies do not allow to go on with it.
    func begin(_ options: KubeletOptions, _ machine: @autoclosure () throws(Fault) -> MachineTopology)
        throws(Fault)
    {
        devices.recall()
        let policies = options.resourcePolicies
        try checkPolicy(CPUCheckpoint.file, "CPU manager", policies.hasOwnProcessors ? "static" : "none")
        try checkPolicy(MemoryCheckpoint.file, "memory manager", policies.bindsMemory ? "Static" : "None")
        guard !policies.isPlain else { return }
        let machine = try machine()
        guard policies.topology == .none || machine.nodes.count <= policies.mostNodes else {
            throw Fault(
                .unsupported,
                "--kubelet-arg topology-manager-policy: unsupported on machines with more than \(policies.mostNodes) "
                    + "NUMA Nodes")
        }
        let processors = policies.hasOwnProcessors ? try makeProcessors(options, machine.processors) : nil
        let memory = policies.bindsMemory ? try makeMemory(options, machine) : nil
        state.withLock { state in
            state.policies = policies
            state.merge = TopologyMerge(
                policy: policies.topology, distances: machine.nodes.mapValues(\.distances),
                prefersClosest: policies.prefersClosest)
            (state.processors, state.memory) = (processors, memory)
        }
        poolChanges.ring()
    }

    private func path(_ file: String) -> String { Path.join(folder, file) }

    /// A file without containers, as Kubernetes writes it for the policy that gives nothing, says nothing.
    private func checkPolicy(_ file: String, _ manager: String, _ policy: String) throws(Fault) {
        guard Files.exists(path(file)), let value = try? Value(json: try Files.read(path(file))),
            let written = value["policyName"]?.string, written != policy,
            value["entries"]?.fields?.isEmpty == false
        else { return }
        throw Fault(
            .conflict,
            "could not restore state from checkpoint: configured policy \(QuotedText.quoted(policy)) differs from state "
                + "checkpoint policy \(QuotedText.quoted(written))",
            remedy:
                "drain this node and delete the \(manager) checkpoint file \(path(file)) before restarting")
    }

    private func makeProcessors(_ options: KubeletOptions, _ topology: CPUTopology) throws(Fault) -> CPULedger
    {
        let reserved = options.reservation.amounts["cpu"] ?? 0
        var ledger = try CPULedger(
            topology, options.resourcePolicies.processorOptions,
            reserving: Int(clamping: (reserved + 999) / 1000),
            explicit: options.resourcePolicies.reservedProcessors)
        let file = path(CPUCheckpoint.file)
        guard Files.exists(file) else { return ledger }
        let stored = try CPUCheckpoint(json: try Files.read(file))
        if stored.policy == "static" { try ledger.restore(stored) }
        return ledger
    }

    private func makeMemory(_ options: KubeletOptions, _ machine: MachineTopology) throws(Fault)
        -> MemoryLedger
    {
        let reserved = options.resourcePolicies.reservedMemory
        for name in Set(reserved.values.flatMap(\.keys)).sorted() {
            let sum = reserved.values.reduce(Int128(0)) { $0 + Int128($1[name] ?? 0) }
            let total = machine.nodes.values.reduce(Int64(0)) { $0 + (name == "memory" ? $1.memory : 0) }
            let kept = options.reservation.kept(of: total, name)
            guard sum == Int128(kept) else {
                throw Fault(
                    .invalid,
                    "the total amount \"\(sum)\" of type \(QuotedText.quoted(name)) is not equal to the value "
                        + "\"\(kept)\" determined by Node Allocatable feature",
                    remedy:
                        "let --kubelet-arg=reserved-memory come to system-reserved, kube-reserved and eviction-hard"
                )
            }
        }
        var ledger = try MemoryLedger(machine.nodes, reserved: reserved)
        let file = path(MemoryCheckpoint.file)
        guard Files.exists(file) else { return ledger }
        let stored = try MemoryCheckpoint(json: try Files.read(file))
        if stored.policy == "Static" { try ledger.restore(stored) }
        return ledger
    }

    /// Every pod that has something here is known by now.
    func sourcesAreReady() {
        state.withLock { $0.isComplete = true }
        releaseForgotten()
    }

    // MARK: Pods

    /// Whether it is too early to say what the pod can have: pods that are here may not be known yet. It is
    /// looked at again when they are.
    func mustWait(_ pod: Pod) -> Bool { !state.withLock { $0.isComplete } && asksForMore(pod) }

    /// Gives the pod what its containers ask for; a refusal when there is not enough, in the words of
    /// Kubernetes. To be called for pods that have not begun; those that have what they ask for keep it.
    func allocate(_ pod: Pod) async -> PodEnd? {
        let uid = pod.metadata.uid
        guard !state.withLock({ $0.settled.contains(uid) }), asksForMore(pod) else { return nil }
        let refusal: AllocationRefusal?
        do throws(Fault) {
            refusal = try await turns.run("node") { () async throws(Fault) -> AllocationRefusal? in
                self.releaseForgotten()
                do throws(AllocationRefusal) { try await self.give(pod) } catch { return error }
                // A container must not begin before it is known what it has.
                try await self.save()
                return nil
            }
        } catch { refusal = AllocationRefusal(error) }
        if let refusal {
            release(uid)
            return refusal.end
        }
        state.withLock { _ = $0.settled.insert(uid) }
        return nil
    }

    /// The pod has ended.
    func release(_ uid: String) {
        devices.release(uid)
        let hadSome = state.withLock { state in
            state.settled.remove(uid)
            state.told[uid] = nil
            let hadProcessors = state.processors?.release(uid) ?? false
            let hadMemory = state.memory?.release(uid) ?? false
            return (hadProcessors, hadMemory)
        }
        guard hadSome.0 || hadSome.1 else { return }
        if hadSome.0 { poolChanges.ring() }
        operations.start {
            do throws(Fault) { try await self.save() } catch {
                self.log.warning("what pods have does not outlive a restart: \(error)")
            }
        }
    }

    /// Writes down what is given back, and serves device plug-ins, until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.operations.run() }
            group.addTask { await self.devices.run() }
        }
    }

    private func asksForMore(_ pod: Pod) -> Bool {
        guard read({ $0.policies.isPlain }) else { return true }
        return (pod.spec.initContainers + pod.spec.containers).contains { !devices.wanted(by: $0).isEmpty }
    }

    /// Pods that left while no kubelet looked.
    private func releaseForgotten() {
        let pods = state.withLock { state in
            state.isComplete
                ? Array(state.processors?.assignments.keys ?? [:].keys)
                    + Array(state.memory?.assignments.keys ?? [:].keys)
                : nil
        }
        guard let pods else { return }
        for uid in Set(pods + devices.pods) where !isKnown(uid) { release(uid) }
    }

    /// One writer at a time, so that the last one knows all.
    private func save() async throws(Fault) {
        try await turns.run("state") { () throws(Fault) in
            let (processors, memory) = self.read { ($0.processors, $0.memory) }
            if let processors {
                let file = CPUCheckpoint(
                    policy: "static", shared: processors.shared, assignments: processors.assignments)
                try self.write(file.json, CPUCheckpoint.file)
            }
            if let memory {
                try self.write(MemoryCheckpoint(policy: "Static", memory).json, MemoryCheckpoint.file)
            }
        }
    }

    /// Nothing is written that is there.
    private func write(_ json: [UInt8], _ name: String) throws(Fault) {
        let file = path(name)
        if (try? Files.read(file)) == json { return }
        try Files.makeDirectory(folder, mode: 0o750)
        try Files.write(json, to: file, mode: 0o600)
    }

    // MARK: Giving

    private func give(_ pod: Pod) async throws(AllocationRefusal) {
        let demand = ContainerDemand(pod)
        var reuse = ReusableResources()
        var hint = TopologyHint(affinity: nil, isPreferred: false)
        let (merge, scope) = read { ($0.merge, $0.policies.scope) }
        if merge.policy != .none, scope == .pod { hint = try merge.admit(hints(pod, demand)) }
        for container in pod.spec.initContainers + pod.spec.containers {
            if merge.policy != .none, scope == .container {
                hint = try merge.admit(hints(container, pod, demand, reuse))
            }
            do throws(Fault) {
                try await devices.allocate(
                    container, of: pod.metadata.uid, reusing: reuse.devices, affinity: hint.affinity)
            } catch { throw AllocationRefusal(error) }
            try giveProcessorsAndMemory(container, pod, demand, hint, reuse)
            note(container, pod, in: &reuse)
        }
    }

    private func giveProcessorsAndMemory(
        _ container: Container, _ pod: Pod, _ demand: ContainerDemand, _ hint: TopologyHint,
        _ reuse: ReusableResources
    ) throws(AllocationRefusal) {
        let (uid, name) = (pod.metadata.uid, container.name)
        let (count, bytes) = (demand.processors(container), demand.memory(container))
        let refusal = state.withLock { state -> AllocationRefusal? in
            do throws(AllocationRefusal) {
                if count > 0 {
                    try state.processors?.allocate(
                        uid, name, count, reusing: reuse.processors, affinity: hint.affinity)
                }
                do throws(Fault) {
                    try state.memory?.allocate(
                        uid, name, bytes, hint, reusing: reuse.memory, after: reuse.initial)
                } catch { throw AllocationRefusal(error) }
                return nil
            } catch { return error }
        }
        if let refusal { throw refusal }
        if count > 0 { poolChanges.ring() }
    }

    /// What a container has, for those that follow it in the pod.
    private func note(_ container: Container, _ pod: Pod, in reuse: inout ReusableResources) {
        let (uid, name) = (pod.metadata.uid, container.name)
        let devices = devices.read { $0.allocations[uid]?[name]?.mapValues(\.all) ?? [:] }
        let (processors, blocks) = read { state in
            (state.processors?.processors(of: uid, name) ?? [], state.memory?.blocks(of: uid, name) ?? [])
        }
        let isInitial = pod.spec.initContainers.contains { $0.name == name && $0.restartPolicy != "Always" }
        reuse.note(name, devices, processors, blocks, isInitial: isInitial)
    }

    /// Why a pod cannot get other amounts while it runs (KEP 1287): what it has alone stays as it is.
    func objection(toResizing pod: Pod, from present: Pod) -> String? {
        guard QualityOfService(present) == .guaranteed else { return nil }
        let policies = read(\.policies)
        let (new, old) = (ResourceAmounts(of: pod.spec), ResourceAmounts(of: present.spec))
        if policies.hasOwnProcessors, new.processors != old.processors {
            return "Resize is infeasible for Guaranteed Pods alongside CPU Manager static policy"
        }
        if policies.bindsMemory, new.memory != old.memory {
            return "Resize is infeasible for Guaranteed Pods alongside Memory Manager static policy"
        }
        return nil
    }

    // MARK: Hints

    private func hints(
        _ container: Container, _ pod: Pod, _ demand: ContainerDemand, _ reuse: ReusableResources
    ) -> [[TopologyHint]] {
        let (uid, name) = (pod.metadata.uid, container.name)
        let (state, ledger) = (read(\.self), devices.read(\.self))
        var hints = devices.wanted(by: container).compactMap { resource, count in
            ledger.hints(
                resource, count, present: ledger.devices(of: uid, name, resource)?.all,
                reusing: reuse.devices[resource] ?? [], nodes: state.merge.distances.keys.sorted())
        }
        let count = demand.processors(container)
        if let processors = state.processors, count > 0 {
            hints.append(
                processors.hints(
                    count, present: processors.processors(of: uid, name), reusing: reuse.processors))
        }
        if let memory = state.memory,
            let found = memory.hints(
                demand.memory(container), present: memory.blocks(of: uid, name), reusing: reuse.memory)
        {
            hints.append(found)
        }
        return hints
    }

    private func hints(_ pod: Pod, _ demand: ContainerDemand) -> [[TopologyHint]] {
        let uid = pod.metadata.uid
        let (state, ledger) = (read(\.self), devices.read(\.self))
        let containers = pod.spec.initContainers + pod.spec.containers
        let resources = Set(containers.flatMap { devices.wanted(by: $0).map(\.resource) })
        var hints: [[TopologyHint]] = resources.sorted().compactMap { resource in
            let count = Int(clamping: demand.most { $0.resources.amount(resource, of: \.limits) ?? 0 })
            let present = Set(containers.flatMap { ledger.devices(of: uid, $0.name, resource)?.all ?? [] })
            return ledger.hints(
                resource, count, present: present.count == count ? present : nil, reusing: present,
                nodes: state.merge.distances.keys.sorted())
        }
        let count = demand.podProcessors
        if let processors = state.processors, count > 0 {
            let present = Set(containers.flatMap { processors.processors(of: uid, $0.name) ?? [] })
            hints.append(
                processors.hints(count, present: present.count == count ? present : nil, reusing: present))
        }
        if let memory = state.memory {
            let present = containers.lazy.compactMap { memory.blocks(of: uid, $0.name) }.first
            if let found = memory.hints(demand.podMemory, present: present) { hints.append(found) }
        }
        return hints
    }
}

extension TopologyMerge {
    /// The best place for all of it; a refusal where the policy takes none.
    fileprivate func admit(_ hints: [[TopologyHint]]) throws(AllocationRefusal) -> TopologyHint {
        let (hint, isAdmitted) = merge(hints)
        guard isAdmitted else { throw .topology }
        return hint
    }
}
