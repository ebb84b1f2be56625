import API
import Support

/// What the kubelet remembers of the resizing of a pod.
struct ResizeMemory: Hashable, Sendable {
    /// `nil` until the pod was looked at.
    var allocation: Allocation?
    /// The allocation was changed while the pod was here: what runs may differ from it.
    var isResized = false
    /// The pod's generation that the allocation was granted to.
    var generation = 0
    /// What the pod asks for is not granted.
    var pending: PendingResize?
    /// The last try to give what was granted.
    var failure: PodMemory.Hold?
    /// What running containers were told to be, by id.
    var told: [String: CgroupValues] = [:]
    /// What the pod's control group was told to be.
    var group: CgroupValues?
    /// Containers that end in order to be started with other resources, by id.
    var restarting: Set<String> = []
    /// People have not been told that the resize is done.
    var isAnnounced = false
}

/// The changes that give the running containers of a pod what was granted.
///
/// Pure. The pod's control group grows before its containers do and shrinks after them; of the containers
/// those whose memory shrinks come first (KEP 1287, "Container resource limit update ordering").
struct ResizePlan: Hashable, Sendable {
    struct Update: Hashable, Sendable {
        var id: String
        var name: String
        var values: CgroupValues
        /// The memory limit goes down to this: what is used now must fit.
        var shrinksTo: Int64?
    }

    /// The group of the pod while its containers change; `nil` when it has that already.
    var before: CgroupValues?
    var updates: [Update] = []
    /// The group of the pod when they have changed; `nil` when it has that already.
    var after: CgroupValues?

    var isEmpty: Bool { before == nil && updates.isEmpty && after == nil }

    init(_ facts: PodFacts) {
        guard facts.memory.resize.isResized else { return }
        for container in facts.runtime.containers where container.state == .running {
            guard let member = facts.containers[container.name], member.role != .ephemeral,
                facts.current(member.name)?.id == container.id, let actual = facts.actual(container)
            else { continue }
            let wanted = facts.wanted(member)
            guard actual != wanted, !member.isRestartedFor(actual, wanted) else { continue }
            let isLess = (wanted.memoryLimit ?? .max) < (actual.memoryLimit ?? .max)
            updates.append(
                Update(
                    id: container.id, name: member.name, values: wanted,
                    shrinksTo: isLess ? wanted.memoryLimit : nil))
        }
        updates.sort { ($0.shrinksTo == nil ? 1 : 0, $0.name) < ($1.shrinksTo == nil ? 1 : 0, $1.name) }
        let (present, last) = (facts.memory.resize.group, CgroupValues(ofPod: facts.spec))
        let between = updates.isEmpty ? last : last.joined(with: present)
        before = between == present ? nil : between
        after = between == last ? nil : last
    }
}

extension PodFacts {
    /// What a container has: what it was told, what the runtime says, or what it was made with. `nil` when
    /// nobody knows.
    func actual(_ container: RuntimePod.Container) -> CgroupValues? {
        memory.resize.told[container.id] ?? container.values
            ?? container.madeWith.map { CgroupValues($0, within: container.podMadeWith) }
    }

    /// What a container shall have.
    func wanted(_ member: PodContainers.Member) -> CgroupValues {
        CgroupValues(member.container.resources, within: spec.resources)
    }

    /// Whether something of the pod has not what was granted.
    var isResizing: Bool {
        guard memory.resize.isResized else { return false }
        if memory.resize.failure != nil || !ResizePlan(self).isEmpty { return true }
        return containers.members.contains { member in
            guard member.role != .ephemeral, let newest = runtime.newest(member.name) else { return false }
            return memory.resize.restarting.contains(newest.id) || needsRestart(member, newest)
        }
    }

    /// Whether the container runs with resources that it can be given by a restart only.
    func needsRestart(_ member: PodContainers.Member, _ container: RuntimePod.Container) -> Bool {
        guard memory.resize.isResized, member.role != .ephemeral, container.state == .running,
            let actual = actual(container)
        else { return false }
        return member.isRestartedFor(actual, wanted(member))
    }

    /// Whether an instance that ended is followed by another one, also where it was ended for that.
    func isRestarted(_ member: PodContainers.Member, after container: RuntimePod.Container) -> Bool {
        memory.resize.restarting.contains(container.id)
            || member.isRestarted(exitCode: container.exitCode, policy: spec.restartPolicy)
    }
}

extension PodContainers.Member {
    /// Whether `resizePolicy` asks for a restart when the one is to become the other.
    func isRestartedFor(_ actual: CgroupValues, _ wanted: CgroupValues) -> Bool {
        container.resizePolicy.contains { policy in
            guard policy.restartPolicy == "RestartContainer" else { return false }
            return switch policy.resourceName {
            case "cpu": actual.cpuShares != wanted.cpuShares || actual.cpuQuota != wanted.cpuQuota
            case "memory": actual.memoryLimit != wanted.memoryLimit
            default: false
            }
        }
    }
}

extension CgroupValues {
    /// What both fit into; without a limit where one of them has none. `nil` is not known.
    fileprivate func joined(with other: CgroupValues?) -> CgroupValues {
        var joined = self
        guard let other else {
            (joined.cpuQuota, joined.memoryLimit) = (nil, nil)
            return joined
        }
        joined.cpuShares = max(cpuShares, other.cpuShares)
        joined.cpuQuota = cpuQuota.flatMap { own in other.cpuQuota.map { max(own, $0) } }
        joined.memoryLimit = memoryLimit.flatMap { own in other.memoryLimit.map { max(own, $0) } }
        return joined
    }
}
