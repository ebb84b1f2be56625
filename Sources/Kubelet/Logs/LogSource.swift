import API

/// Which run of a container a log request is about, from what the pod's status says. Pure.
enum LogSource {
    /// There is nothing to read, and why: in the words of Kubernetes, because people search for them.
    struct Missing: Error, Hashable {
        var message: String
    }

    /// The runtime's id of the run.
    static func containerID(of container: String, in pod: Pod, isPrevious: Bool) throws(Missing) -> String {
        let which = "container \"\(container)\" in pod \"\(pod.metadata.name)\""
        guard let status = pod.status(ofContainer: container) else { throw Missing(message: "\(which) is not available") }
        let last = status.lastState.terminated?.containerID ?? ""
        if isPrevious {
            guard let id = ContainerID.bare(last) else {
                throw Missing(message: "previous terminated \(which) not found")
            }
            return id
        }
        if status.state.running != nil, let id = ContainerID.bare(status.containerID) { return id }
        if let terminated = status.state.terminated {
            // A container that ended without having started leaves the run before it.
            guard let id = ContainerID.bare(terminated.containerID) ?? ContainerID.bare(last) else {
                throw Missing(message: "\(which) is terminated")
            }
            return id
        }
        if status.lastState.terminated != nil {
            guard let id = ContainerID.bare(last) else { throw Missing(message: "\(which) is terminated") }
            return id
        }
        guard let waiting = status.state.waiting else {
            throw Missing(message: "\(which) is waiting to start - no logs yet")
        }
        throw Missing(message: "\(which) is waiting to start: \(explanation(waiting.reason))")
    }

    private static func explanation(_ reason: String) -> String {
        switch reason {
        case "ErrImagePull": "image can't be pulled"
        case "ImagePullBackOff": "trying and failing to pull image"
        default: reason
        }
    }
}

/// The form `containerd://<id>` of container ids in the API.
enum ContainerID {
    /// The id that the runtime knows; `nil` when there is none.
    static func bare(_ text: String) -> String? {
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
        let id = text[colon...].dropFirst(3)
        return id.isEmpty ? nil : String(id)
    }
}

extension Pod {
    /// The status of a container of any of the three kinds.
    func status(ofContainer name: String) -> ContainerStatus? {
        let all = status.containerStatuses + status.initContainerStatuses + status.ephemeralContainerStatuses
        return all.first { $0.name == name }
    }

    /// Whether the pod has a container of this name, of any of the three kinds.
    func hasContainer(_ name: String) -> Bool {
        (spec.containers + spec.initContainers).contains { $0.name == name }
            || spec.ephemeralContainers.contains { $0.name == name }
    }
}
