import APIMachinery

extension DockerContainer {
    /// One entry of `GET /containers/json`; `nil` for a container that is no pod's.
    static func listed(_ entry: Value) -> CRI.Container? {
        guard let id = entry["Id"]?.string, let name = DockerTime.name(in: entry) else { return nil }
        var container = CRI.Container()
        container.id = id
        container.metadata = name.containerMetadata
        container.image = CRI.ImageSpec(entry["Image"]?.string ?? "")
        container.imageRef = entry["ImageID"]?.string ?? ""
        container.imageID = container.imageRef
        container.state =
            switch entry["State"]?.string {
            case "running", "paused": .running
            case "created": .created
            case "exited", "dead": .exited
            default: .unknown
            }
        container.createdAt = DockerTime.nanoseconds(seconds: entry["Created"]?.integer)
        let labels = entry["Labels"]?.strings ?? [:]
        container.podSandboxID = labels[DockerLabels.sandboxID] ?? ""
        (container.labels, container.annotations) = DockerLabels.split(labels)
        return container
    }

    /// What `GET /containers/ID/json` tells, and `GET /images/ID/json` of its image, which may be gone; `nil` for a
    /// container that is no pod's.
    static func status(_ inspected: Value, image: Value?) -> CRI.ContainerStatus? {
        guard let id = inspected["Id"]?.string, let name = inspected["Name"]?.string.flatMap({ DockerName($0) }) else {
            return nil
        }
        var status = CRI.ContainerStatus()
        status.id = id
        status.metadata = name.containerMetadata
        status.createdAt = DockerTime.nanoseconds(inspected["Created"])
        readState(inspected["State"] ?? .emptyObject, &status)
        status.imageID = inspected["Image"]?.string ?? ""
        let names = image.map(DockerImage.names) ?? (tags: [], digests: [])
        status.image = CRI.ImageSpec(names.tags.first ?? inspected.at("Config", "Image")?.string ?? "")
        // As cri-dockerd tells it, which people's tools take apart.
        status.imageRef = names.digests.first.map { "docker-pullable://" + $0 } ?? "docker://" + status.imageID
        let labels = inspected.at("Config", "Labels")?.strings ?? [:]
        (status.labels, status.annotations) = DockerLabels.split(labels)
        status.logPath = labels[DockerLabels.logPath] ?? ""
        status.mounts = (inspected["Mounts"]?.array ?? []).map(mount)
        var resources = CRI.ContainerResources()
        resources.linux = DockerResources.read(inspected["HostConfig"] ?? .emptyObject)
        status.resources = resources
        if let signal = inspected.at("Config", "StopSignal")?.string.flatMap({ CRI.StopSignal(name: $0) }) {
            status.stopSignal = signal
        }
        return status
    }

    private static func readState(_ state: Value, _ status: inout CRI.ContainerStatus) {
        status.startedAt = DockerTime.nanoseconds(state["StartedAt"])
        status.finishedAt = DockerTime.nanoseconds(state["FinishedAt"])
        status.exitCode = Int32(clamping: state["ExitCode"]?.integer ?? 0)
        status.message = state["Error"]?.string ?? ""
        if state["Running"]?.bool == true {
            (status.state, status.finishedAt, status.exitCode) = (.running, 0, 0)
            return
        }
        guard status.finishedAt > 0 || status.startedAt > 0 else {
            // Made and not started, unless the start has failed: that leaves the state and sets a code.
            guard status.exitCode != 0 else { return status.state = .created }
            (status.state, status.reason) = (.exited, "ContainerCannotRun")
            (status.startedAt, status.finishedAt) = (status.createdAt, status.createdAt)
            return
        }
        status.state = .exited
        if state["OOMKilled"]?.bool == true {
            status.reason = "OOMKilled"
        } else if status.exitCode == 0 {
            status.reason = "Completed"
        } else if status.startedAt == 0 {
            (status.reason, status.startedAt) = ("ContainerCannotRun", status.finishedAt)
        } else {
            status.reason = "Error"
        }
    }

    private static func mount(_ value: Value) -> CRI.Mount {
        let propagation: CRI.MountPropagation =
            switch value["Propagation"]?.string {
            case "rslave", "slave": .hostToContainer
            case "rshared", "shared": .bidirectional
            default: .private
            }
        return CRI.Mount(
            value["Source"]?.string ?? "", at: value["Destination"]?.string ?? "",
            readonly: value["RW"]?.bool == false, propagation: propagation)
    }
}
