import API
import APIMachinery
import Runtime
import Support

/// The Node object as the kubelet wants it: made when there is none, and kept true.
///
/// Pure. What others write (taints, other labels, the pods' address ranges, other conditions) is kept as it
/// is.
struct NodeObject: Sendable {
    let options: KubeletOptions
    let facts: NodeFacts

    /// A node that registers for the first time.
    func fresh(_ health: NodeHealth, images: [ContainerImage], now: Timestamp) -> Node {
        var node = Node(name: options.nodeName)
        node.spec.taints = options.taints
        if let first = options.podCIDRs.first {
            node.spec.podCIDR = first
            node.spec.podCIDRs = options.podCIDRs
        }
        if !options.providerID.isEmpty { node.spec.providerID = options.providerID }
        return updated(node, health, images: images, now: now)
    }

    /// `present` with everything that is the kubelet's as it should be.
    func updated(_ present: Node, _ health: NodeHealth, images: [ContainerImage], now: Timestamp) -> Node {
        var node = present
        node.metadata.labels.merge(labels) { $1 }
        node.metadata.annotations.merge(options.annotations) { $1 }
        node.metadata.annotations["volumes.kubernetes.io/controller-managed-attach-detach"] = "true"
        if node.spec.podCIDR.isEmpty, let first = options.podCIDRs.first {
            node.spec.podCIDR = first
            node.spec.podCIDRs = options.podCIDRs
        }
        node.status = status(present.status, health, images: images, now: now)
        return node
    }

    private var labels: [String: String] {
        var labels = [
            "kubernetes.io/hostname": options.nodeName, "kubernetes.io/os": "linux",
            "kubernetes.io/arch": facts.info.architecture, "beta.kubernetes.io/os": "linux",
            "beta.kubernetes.io/arch": facts.info.architecture,
        ]
        labels.merge(options.labels) { $1 }
        return labels
    }

    /// The status of now. Equal to `present` when it says nothing new.
    func status(
        _ present: NodeStatus, _ health: NodeHealth, images: [ContainerImage], now: Timestamp
    ) -> NodeStatus {
        var status = present
        // Resources with a domain in their name are told by device plug-ins, or by others (Kubernetes documentation,
        // "Advertise Extended Resources for a Node"); all of what those tell is for pods.
        let others = present.capacity.filter { $0.key.contains("/") }
        status.capacity = facts.capacity.capacity.merging(others) { own, _ in own }
            .merging(health.devices.mapValues { "\($0.capacity)" }) { $1 }
        status.allocatable = facts.capacity.allocatableTexts.merging(others) { own, _ in own }
            .merging(health.devices.mapValues { "\($0.allocatable)" }) { $1 }
        status.addresses = addresses
        status.daemonEndpoints.kubeletEndpoint.port = options.port
        status.nodeInfo = facts.info
        status.images = images
        if !health.handlers.isEmpty { status.value["runtimeHandlers"] = .array(health.handlers.map(Self.handler)) }
        if let features = health.features {
            status.value["features"] = ["supplementalGroupsPolicy": .bool(features.supplementalGroupsPolicy)]
        }
        let merged = NodeConditions(health: health, now: now).merged(into: present.conditions)
        status.conditions = merged
        return status
    }

    private static func handler(_ handler: CRI.RuntimeHandler) -> Value {
        [
            "name": .string(handler.name),
            "features": [
                "recursiveReadOnlyMounts": .bool(handler.features.recursiveReadOnlyMounts),
                "userNamespaces": .bool(handler.features.userNamespaces),
            ],
        ]
    }

    private var addresses: [NodeAddress] {
        func address(_ type: String, _ text: String) -> NodeAddress {
            var address = NodeAddress()
            (address.type, address.address) = (type, text)
            return address
        }
        return options.internalAddresses.map { address("InternalIP", $0.description) }
            + options.externalAddresses.map { address("ExternalIP", $0.description) }
            + [address("Hostname", options.nodeName)]
    }
}

/// The conditions of a node that the kubelet keeps.
struct NodeConditions: Sendable {
    let health: NodeHealth
    let now: Timestamp

    private struct Finding {
        var type: String
        var isTrue: Bool
        var reason: String
        var message: String
    }

    private var findings: [Finding] {
        let isReady = health.complaints.isEmpty
        return [
            pressure(
                "MemoryPressure", health.pressures.contains(.memory), "KubeletHasInsufficientMemory",
                "KubeletHasSufficientMemory",
                "kubelet has insufficient memory available", "kubelet has sufficient memory available"),
            pressure(
                "DiskPressure", health.pressures.contains(.disk), "KubeletHasDiskPressure",
                "KubeletHasNoDiskPressure",
                "kubelet has disk pressure", "kubelet has no disk pressure"),
            pressure(
                "PIDPressure", health.pressures.contains(.processes), "KubeletHasInsufficientPID",
                "KubeletHasSufficientPID",
                "kubelet has insufficient PID available", "kubelet has sufficient PID available"),
            Finding(
                type: "Ready", isTrue: isReady, reason: isReady ? "KubeletReady" : "KubeletNotReady",
                message: isReady
                    ? "kubelet is posting ready status" : health.complaints.joined(separator: ", ")),
        ]
    }

    private func pressure(
        _ type: String, _ isShort: Bool, _ reason: String, _ calm: String, _ message: String,
        _ calmMessage: String
    ) -> Finding {
        Finding(
            type: type, isTrue: isShort, reason: isShort ? reason : calm,
            message: isShort ? message : calmMessage)
    }

    /// Conditions of others first, as they are. The time of the last report is written when a report says
    /// something new, for the lease tells that the node is alive.
    func merged(into present: [NodeCondition]) -> [NodeCondition] {
        let types = Set(findings.map(\.type))
        return present.filter { !types.contains($0.type) }
            + findings.map { finding in
                let old = present.first { $0.type == finding.type }
                var condition = NodeCondition()
                condition.type = finding.type
                condition.status = finding.isTrue ? "True" : "False"
                condition.reason = finding.reason
                condition.message = finding.message
                condition.lastTransitionTime =
                    old?.status == condition.status ? old?.lastTransitionTime ?? now : now
                condition.lastHeartbeatTime = old?.lastHeartbeatTime
                if condition != old { condition.lastHeartbeatTime = now }
                return condition
            }
    }
}
