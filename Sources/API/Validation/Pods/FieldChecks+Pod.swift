import APIMachinery

/// Where the spec of a pod stands. Some rules hold for pods only: templates are older than these rules, and the pods
/// that are made of them meet the rules later.
struct PodPlace {
    /// The pod's name; `nil` for a template.
    var podName: String?
    var annotations: Value?

    var isPod: Bool { podName != nil }
}

extension FieldChecks {
    mutating func pod(_ pod: Value) {
        let annotations = pod.at("metadata", "annotations")
        let spec = pod["spec"] ?? .emptyObject
        podAnnotations(annotations, spec, "metadata.annotations")
        podSpec(spec, "spec", PodPlace(podName: pod.at("metadata", "name").text, annotations: annotations))
        if spec["serviceAccountName"].text.isEmpty { noAccountTokens(spec) }
    }

    /// What a new pod must not have yet.
    mutating func podCreate(_ pod: Value) {
        let spec = pod["spec"]
        if spec["ephemeralContainers"].isFilled { forbid("spec.ephemeralContainers", "cannot be set on create") }
        if !spec["nodeName"].text.isEmpty, spec["schedulingGates"].isFilled {
            forbid("spec.nodeName", "cannot be set until all schedulingGates have been cleared")
        }
        profilesMatch(pod.at("metadata", "annotations"), spec, "spec")
    }

    mutating func podTemplate(_ template: Value?, _ path: String) {
        let (metadata, spec) = (template["metadata"], template["spec"] ?? .emptyObject)
        labels(metadata["labels"], path + ".labels")
        annotations(metadata["annotations"], path + ".annotations")
        podAnnotations(metadata["annotations"], spec, path + ".annotations")
        podSpec(spec, path + ".spec", PodPlace(podName: nil, annotations: metadata["annotations"]))
        if spec["ephemeralContainers"].isFilled {
            forbid(path + ".spec.ephemeralContainers", "ephemeral containers not allowed in pod template")
        }
    }

    /// What a pod, or the template of one, asks for.
    private mutating func podSpec(_ spec: Value, _ path: String, _ place: PodPlace) {
        let volumes = self.volumes(spec["volumes"], path + ".volumes", place)
        resourceClaims(spec["resourceClaims"], path + ".resourceClaims")
        containers(spec, path, volumes, place)
        podResources(spec, path)
        podNetwork(spec, path, place)
        labels(spec["nodeSelector"], path + ".nodeSelector")
        podSecurity(spec, path)
        if let affinity = spec["affinity"] { self.affinity(affinity, path + ".affinity") }
        scheduling(spec, path)
        podNames(spec, path)
        range(spec["activeDeadlineSeconds"], 1, Int(Int32.max), path + ".activeDeadlineSeconds")
        if let overhead = spec["overhead"] { resources(["limits": overhead], path + ".overhead", claims: []) }
        if let system = spec["os"] { operatingSystem(system, spec, path) }
        hostProcesses(spec, path)
    }

    /// What the spec refers to by name.
    private mutating func podNames(_ spec: Value, _ path: String) {
        for (key, rule) in Self.podNameRules {
            if let value = spec[key] { optionalName(value, rule, "\(path).\(key)") }
        }
        guard let name = spec["runtimeClassName"]?.string else { return }
        self.name(name, .dns1123Subdomain, path + ".runtimeClassName")
    }

    private static let podNameRules: [(String, NameRule)] = [
        ("serviceAccountName", .dns1123Subdomain), ("nodeName", .dns1123Subdomain), ("hostname", .dns1123Label),
        ("subdomain", .dns1123Label), ("priorityClassName", .dns1123Subdomain),
    ]

    /// Without an account there is nobody for whom a token could speak.
    private mutating func noAccountTokens(_ spec: Value) {
        for (volume, path) in spec["volumes"].elements("spec.volumes") {
            for (source, path) in volume["projected"]["sources"].elements(path + ".projected.sources")
            where source["serviceAccountToken"] != nil {
                forbid(path + ".serviceAccountToken", "must not be specified when serviceAccountName is not set")
            }
        }
    }

    // MARK: - Annotations

    private static let seccompOfContainer = "container.seccomp.security.alpha.kubernetes.io/"
    private static let appArmorOfContainer = "container.apparmor.security.beta.kubernetes.io/"

    /// Annotations that mean something to Kubernetes. Most pods have none of them.
    private mutating func podAnnotations(_ annotations: Value?, _ spec: Value, _ path: @autoclosure () -> String) {
        let hasProfiles = annotations.entries.contains { $0.key.hasPrefix(Self.appArmorOfContainer) }
        let names = hasProfiles ? Set(Self.containerNames(spec)) : []
        for (key, value) in annotations.entries {
            let text = value.string ?? ""
            switch key {
            case "kubernetes.io/config.mirror" where spec["nodeName"].text.isEmpty:
                let why = "must set spec.nodeName if mirror pod annotation is set"
                invalid("\(path())[\(key)]", value, why)
            case "controller.kubernetes.io/pod-deletion-cost" where !Self.isDeletionCost(text):
                invalid("\(path())[\(key)]", value, "must be a 32bit integer")
            case "seccomp.security.alpha.kubernetes.io/pod": seccompAnnotation(text, "\(path()).\(key)")
            case _ where key.hasPrefix(Self.seccompOfContainer): seccompAnnotation(text, "\(path()).\(key)")
            case _ where key.hasPrefix(Self.appArmorOfContainer):
                let container = String(key.dropFirst(Self.appArmorOfContainer.count))
                if !names.contains(container) {
                    invalid("\(path())[\(key)]", .string(container), "container not found")
                }
                if !["", "runtime/default", "unconfined"].contains(text), !text.hasPrefix("localhost/") {
                    invalid("\(path())[\(key)]", value, "invalid AppArmor profile name: \"\(text)\"")
                }
            default: break
            }
        }
    }

    private mutating func seccompAnnotation(_ profile: String, _ path: String) {
        if ["runtime/default", "docker/default", "unconfined"].contains(profile) { return }
        guard profile.hasPrefix("localhost/") else {
            return invalid(path, .string(profile), "must be a valid seccomp profile")
        }
        descendingPath(String(profile.dropFirst("localhost/".count)), path)
    }

    /// A whole number, without a plus sign and without leading zeros.
    private static func isDeletionCost(_ text: String) -> Bool {
        guard let cost = Int32(text) else { return false }
        return String(cost) == text
    }

    static func containerNames(_ spec: Value) -> [String] {
        ["containers", "initContainers", "ephemeralContainers"].flatMap { spec[$0].items.map { $0["name"].text } }
    }
}
