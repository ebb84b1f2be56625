import APIMachinery

// Pods and what they are made of. The rules of `Pod` itself do not hold for pod templates.
extension BuiltinDefaults {
    private static let container: [DefaultRule] = [
        .change { object in
            if object["imagePullPolicy"].isUnset {
                object["imagePullPolicy"] = .string(pullPolicy(ofImage: object["image"]?.string ?? ""))
            }
        },
        .set("terminationMessagePath", "/dev/termination-log"), .set("terminationMessagePolicy", "File"),
    ]

    private static let defaultMode: [DefaultRule] = [.set("defaultMode", 0o644)]

    static let pods: [String: [DefaultRule]] = [
        "Container": container,
        "EphemeralContainer": container,
        "Volume": [.change(completeVolume)],
        "Pod": [
            .change(completeRequests), .change { setIfAbsent(inSpecOf: &$0, "enableServiceLinks", true) },
            .change(completeHostPorts), .change(completePodLimits), .change(completePodRequests),
            .change(raiseGracePeriod),
        ],
        "PodSpec": [
            .set("dnsPolicy", "ClusterFirst"), .set("restartPolicy", "Always"),
            .set("securityContext", .emptyObject),
            .set("terminationGracePeriodSeconds", 30), .set("schedulerName", "default-scheduler"),
            .change(mirrorServiceAccount),
        ],
        "PodStatus": [.change { match("podIP", withFirstOf: "podIPs", key: "ip", in: &$0) }],
        "Probe": [
            .set("timeoutSeconds", 1), .set("periodSeconds", 10), .set("successThreshold", 1),
            .set("failureThreshold", 3),
        ],
        "SecretVolumeSource": defaultMode,
        "ConfigMapVolumeSource": defaultMode,
        "DownwardAPIVolumeSource": defaultMode,
        "ProjectedVolumeSource": defaultMode,
        "ServiceAccountTokenProjection": [.set("expirationSeconds", 3600)],
        "HTTPGetAction": [.set("path", "/"), .set("scheme", "HTTP")],
        "ObjectFieldSelector": [.set("apiVersion", "v1")],
        "HostPathVolumeSource": [.change { setIfAbsent("type", "", in: &$0) }],
    ]

    /// `Always` for an image whose tag is, or is taken to be, `latest`.
    static func pullPolicy(ofImage image: String) -> String {
        let parts = image.split(separator: "@", maxSplits: 1)
        guard let name = parts.first else { return "IfNotPresent" }
        // A colon before the last slash belongs to the registry's port.
        let last = name.split(separator: "/").last ?? ""
        let tag = last.split(separator: ":", maxSplits: 1).dropFirst().first
        if let tag { return tag == "latest" ? "Always" : "IfNotPresent" }
        return parts.count == 1 ? "Always" : "IfNotPresent"
    }

    private static func setIfAbsent(inSpecOf pod: inout Value, _ key: String, _ value: Value) {
        if pod.at("spec", key) == nil { pod[path: ["spec", key]] = value }
    }

    /// The old name of the service account's field is kept in step with the new one.
    @Sendable private static func mirrorServiceAccount(_ spec: inout Value) {
        if !spec["serviceAccountName"].isUnset {
            spec["serviceAccount"] = spec["serviceAccountName"]
        } else if let name = spec["serviceAccount"], !name.isNull {
            spec["serviceAccountName"] = name
        }
    }

    @Sendable private static func completeVolume(_ volume: inout Value) {
        guard let fields = volume.fields, fields.allSatisfy({ $0.key == "name" }) else { return }
        volume["emptyDir"] = .emptyObject
    }

    /// What is limited and not requested is requested in full.
    @Sendable private static func completeRequests(_ pod: inout Value) {
        mapContainers(of: &pod) { container in
            guard let limits = container.at("resources", "limits")?.fields else { return }
            for (name, amount) in limits where container.at("resources", "requests", name) == nil {
                container[path: ["resources", "requests", name]] = amount
            }
        }
    }

    /// A pod with resources of its own is limited to the huge pages of its containers, unless it says itself what it
    /// wants of pages of that size (KEP-2837).
    @Sendable private static func completePodLimits(_ pod: inout Value) {
        guard let spec = pod["spec"] else { return }
        let requests = spec.at("resources", "requests")?.fields ?? Fields()
        var limits = spec.at("resources", "limits")?.fields ?? Fields()
        guard !requests.isEmpty || !limits.isEmpty else { return }
        let sums = ContainerSums(of: "limits", in: spec).amounts.sorted { $0.key < $1.key }
        for (name, sum) in sums where ComputeResource(name).isHugePage {
            if requests[name] == nil, limits[name] == nil { limits[name] = sum.json }
        }
        if !limits.isEmpty { pod[path: ["spec", "resources", "limits"]] = .object(limits) }
    }

    /// A pod with limits of its own requests what its containers do, and where they request nothing what it is limited
    /// to (KEP-2837). Runs when the containers' requests are complete.
    @Sendable private static func completePodRequests(_ pod: inout Value) {
        guard let spec = pod["spec"], let limits = spec.at("resources", "limits")?.fields, !limits.isEmpty
        else { return }
        var requests = spec.at("resources", "requests")?.fields ?? Fields()
        let sums = ContainerSums(of: "requests", in: spec).amounts
        for name in ["cpu", "memory"] {
            if let sum = sums[name], requests[name] == nil { requests[name] = sum.json }
        }
        for (name, limit) in limits where requests[name] == nil && ComputeResource(name).isForPods {
            requests[name] = limit
        }
        guard !requests.isEmpty else { return }
        pod[path: ["spec", "resources", "requests"]] = .object(requests)
    }

    /// On the host's network a container's port is the host's.
    @Sendable private static func completeHostPorts(_ pod: inout Value) {
        guard pod.at("spec", "hostNetwork")?.bool == true else { return }
        mapContainers(of: &pod) { container in
            guard let ports = container["ports"]?.array else { return }
            container["ports"] = .array(
                ports.map { port in
                    var port = port
                    if port["hostPort"] == nil { port["hostPort"] = port["containerPort"] }
                    return port
                })
        }
    }

    /// What is negative was meant as "soon" by old clients; pods alone, not their templates.
    @Sendable private static func raiseGracePeriod(_ pod: inout Value) {
        guard let grace = pod.at("spec", "terminationGracePeriodSeconds")?.integer, grace < 0 else { return }
        pod[path: ["spec", "terminationGracePeriodSeconds"]] = 1
    }

    private static func mapContainers(of pod: inout Value, _ change: (inout Value) -> Void) {
        for key in ["containers", "initContainers"] {
            guard var containers = pod.at("spec", key)?.array else { continue }
            for index in containers.indices { change(&containers[index]) }
            pod[path: ["spec", key]] = .array(containers)
        }
    }
}
