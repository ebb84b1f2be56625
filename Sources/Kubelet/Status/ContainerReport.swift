import API
import APIMachinery
import Support

/// The status of one container of a pod, as the API shows it.
struct ContainerReport: Sendable {
    let facts: PodFacts
    let decision: PodDecision
    /// The waiting reason of containers that nothing is said about yet.
    let defaultReason: String

    init(_ facts: PodFacts, _ decision: PodDecision) {
        self.facts = facts
        self.decision = decision
        defaultReason = facts.spec.initContainers.isEmpty ? "ContainerCreating" : "PodInitializing"
    }

    func status(of member: PodContainers.Member, told: ContainerStatus?) -> ContainerStatus {
        var status = ContainerStatus()
        status.name = member.name
        // The type's table requires these four.
        status.value["image"] = .string(member.container.image)
        status.value["imageID"] = ""
        status.value["ready"] = false
        status.value["restartCount"] = 0
        addDevices(member, told, &status)
        guard let current = facts.runtime.newest(member.name) else {
            forgotten(member, told, &status)
            return status
        }
        status.value["restartCount"] = .integer(Int64(current.attempt))
        status.containerID = current.url
        if !current.image.isEmpty { status.image = current.image }
        status.value["imageID"] = .string(current.imageRef)
        if let previous = facts.runtime.previous(member.name), previous.state == .exited {
            status.lastState = terminated(previous, told)
        } else if let former = facts.memory.former[member.name], former.attempt < current.attempt {
            status.lastState = terminated(former, told)
        } else if let told, !told.lastState.value.isEmptyObject {
            status.lastState = told.lastState
        }
        describe(current, member, told, &status)
        addResources(member, current, &status)
        return status
    }

    private func describe(
        _ current: RuntimePod.Container, _ member: PodContainers.Member, _ told: ContainerStatus?,
        _ status: inout ContainerStatus
    ) {
        status.started = false
        switch current.state {
        case .running where !facts.memory.starting.contains(current.id):
            var running = ContainerStateRunning()
            running.startedAt = current.startedAt
            status.state.running = running
            status.started = facts.hasStarted(current)
            let isReady = facts.verdict(current)?.isReady ?? true
            // An init container is ready when it has done its work.
            status.value["ready"] = .bool(member.role != .initial && facts.hasStarted(current) && isReady)
            addMounts(member, current, &status)
        case .created, .running, .unknown:
            status.state = waiting(defaultReason, "")
        case .exited:
            if let wait = wait(member.name) {
                status.state = wait
                status.lastState = terminated(current, told)
            } else {
                status.state = terminated(current, told)
                status.value["ready"] = .bool(member.role == .initial && current.exitCode == 0)
            }
        }
    }

    /// The runtime has no instance: none was made yet, or it was removed behind the kubelet's back.
    private func forgotten(
        _ member: PodContainers.Member, _ told: ContainerStatus?, _ status: inout ContainerStatus
    ) {
        if let told {
            status.value["restartCount"] = .integer(Int64(told.restartCount))
            status.lastState = told.state.terminated == nil ? told.lastState : told.state
            status.containerID = told.containerID
            status.value["imageID"] = .string(told.imageID)
        }
        if let former = facts.memory.former[member.name] {
            status.value["restartCount"] = .integer(Int64(former.attempt))
            status.containerID = former.url
            status.value["imageID"] = .string(former.imageRef)
            status.lastState = terminated(former, told)
        }
        if decision.stage == .ended, let told, told.state.waiting == nil, !told.containerID.isEmpty {
            status.lastState = told.lastState
            status.state = told.state.terminated == nil ? lost(told) : told.state
            status.value["ready"] = .bool(member.role == .initial && told.ready)
        } else {
            status.state = wait(member.name) ?? waiting(defaultReason, "")
        }
        if status.lastState.value.isEmptyObject { status.value["lastState"] = nil }
        status.started = false
    }

    private func lost(_ told: ContainerStatus) -> ContainerState {
        var terminated = ContainerStateTerminated()
        terminated.exitCode = 137
        terminated.reason = "ContainerStatusUnknown"
        terminated.message = "The container could not be located when the pod was terminated"
        terminated.startedAt = told.state.running?.startedAt
        terminated.containerID = told.containerID
        var state = ContainerState()
        state.terminated = terminated
        return state
    }

    private func wait(_ name: String) -> ContainerState? {
        if let message = decision.backingOff[name] { return waiting("CrashLoopBackOff", message) }
        guard decision.stage == .live, let hold = facts.memory.holds[name], !hold.reason.isEmpty else {
            return nil
        }
        return waiting(hold.reason, hold.message)
    }

    private func waiting(_ reason: String, _ message: String) -> ContainerState {
        var waiting = ContainerStateWaiting()
        waiting.reason = reason
        waiting.message = message
        var state = ContainerState()
        state.waiting = waiting
        return state
    }

    private func terminated(_ container: RuntimePod.Container, _ told: ContainerStatus?) -> ContainerState {
        var terminated = ContainerStateTerminated()
        terminated.exitCode = Int(container.exitCode)
        terminated.reason =
            container.reason.isEmpty ? (container.exitCode == 0 ? "Completed" : "Error") : container.reason
        terminated.startedAt = container.startedAt ?? container.createdAt
        terminated.finishedAt = container.finishedAt
        terminated.containerID = container.url
        // The file with the message goes with the pod's folder; what the API was told stays.
        let earlier = [told?.state.terminated, told?.lastState.terminated].compactMap(\.self)
            .first { $0.containerID == container.url }
        let message = facts.memory.messages[container.id] ?? earlier?.message ?? container.message
        terminated.message = String(decoding: message.utf8.prefix(messageLimit), as: UTF8.self)
        var state = ContainerState()
        state.terminated = terminated
        return state
    }

    /// Of all that the containers of a pod may say, each has an equal part (Kubernetes documentation, "Customizing the
    /// termination message").
    private var messageLimit: Int { PodFiles.messagesLimit / max(facts.containers.members.count, 1) }

    /// What the container was granted, and what it has (KEP 1287).
    private func addResources(
        _ member: PodContainers.Member, _ current: RuntimePod.Container, _ status: inout ContainerStatus
    ) {
        guard member.role != .ephemeral else { return }
        status.allocatedResources = member.container.resources.requests
        status.value["resources"] = ResizeReport(facts: facts).resources(of: member, current).value
    }

    /// How its devices are (KEP 4680). What is told of a pod that has given them back stays.
    private func addDevices(
        _ member: PodContainers.Member, _ told: ContainerStatus?, _ status: inout ContainerStatus
    ) {
        if let devices = facts.devices[member.name] {
            status.allocatedResourcesStatus = devices
        } else if decision.stage != .live, let told, !told.allocatedResourcesStatus.isEmpty {
            status.allocatedResourcesStatus = told.allocatedResourcesStatus
        }
    }

    /// How the volumes of the container are mounted (KEP 3857).
    private func addMounts(
        _ member: PodContainers.Member, _ current: RuntimePod.Container, _ status: inout ContainerStatus
    ) {
        guard member.role != .initial else { return }
        let mounts = member.container.volumeMounts.map { mount in
            var shown = Value.emptyObject
            shown["name"] = .string(mount.name)
            shown["mountPath"] = .string(mount.mountPath)
            if mount.readOnly {
                shown["readOnly"] = true
                // One that had to be recursive runs because it is.
                let isRecursive =
                    mount.recursiveReadOnly == "Enabled" || current.recursiveReadOnly.contains(mount.mountPath)
                shown["recursiveReadOnly"] = .string(isRecursive ? "Enabled" : "Disabled")
            }
            return shown
        }
        if !mounts.isEmpty { status.value["volumeMounts"] = .array(mounts) }
    }
}

extension RuntimePod.Container {
    /// As the API names a container.
    var url: String { scheme + "://" + id }
}

extension Value {
    var isEmptyObject: Bool { fields.map { $0.isEmpty } ?? true }
}
