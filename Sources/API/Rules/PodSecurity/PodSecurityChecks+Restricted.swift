import APIMachinery

// What a hardened pod has to say for itself, beyond the baseline. Kubernetes documentation, "Pod Security Standards",
// "Restricted". Since 1.25 pods of Windows need not speak of what Windows has not.
extension PodSecurityChecks {
    static let restricted: [Check] = [
        Check(
            name: "allowPrivilegeEscalation",
            forms: [(8, escalation), (25, { $0.isWindows ? nil : escalation($0) })]),
        Check(
            name: "capabilities_restricted",
            forms: [(22, capabilities), (25, { $0.isWindows ? nil : capabilities($0) })],
            replaces: "capabilities_baseline"),
        Check(name: "restrictedVolumes", forms: [(0, volumes)], replaces: "hostPathVolumes"),
        Check(
            name: "runAsNonRoot",
            forms: [(0, nonRoot), (35, { $0.hasOwnUsers ? nil : nonRoot($0) })]),
        Check(name: "runAsUser", forms: [(23, userZero), (35, { $0.hasOwnUsers ? nil : userZero($0) })]),
        Check(
            name: "seccompProfile_restricted",
            forms: [(19, { PodSeccomp($0).restricted }), (25, { $0.isWindows ? nil : PodSeccomp($0).restricted })],
            replaces: "seccompProfile_baseline"),
    ]

    private typealias Text = PodSecurityText

    @Sendable private static func escalation(_ pod: PodSecurityFacts) -> PodSecurityViolation? {
        let names = pod.names { $0["allowPrivilegeEscalation"] != false }
        guard !names.isEmpty else { return nil }
        return PodSecurityViolation(
            reason: "allowPrivilegeEscalation != false",
            detail: "\(Text.containers(names)) must set securityContext.allowPrivilegeEscalation=false")
    }

    @Sendable private static func capabilities(_ pod: PodSecurityFacts) -> PodSecurityViolation? {
        let keeping = pod.names { !($0.at("capabilities", "drop")?.array ?? []).contains("ALL") }
        var added: Set<String> = []
        let adding = pod.names { context in
            let bad = (context.at("capabilities", "add")?.array ?? []).compactMap(\.string)
                .filter { $0 != "NET_BIND_SERVICE" }
            added.formUnion(bad)
            return !bad.isEmpty
        }
        var details: [String] = []
        if !keeping.isEmpty {
            details.append("\(Text.containers(keeping)) must set securityContext.capabilities.drop=[\"ALL\"]")
        }
        if !adding.isEmpty {
            details.append(
                "\(Text.containers(adding)) must not include \(Text.quoted(added.sorted())) in "
                    + "securityContext.capabilities.add")
        }
        guard !details.isEmpty else { return nil }
        return PodSecurityViolation(reason: "unrestricted capabilities", detail: details.joined(separator: "; "))
    }

    private static let goodVolumes: Set<String> = [
        "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
    ]
    private static let otherVolumes: Set<String> = [
        "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "nfs", "iscsi", "glusterfs", "rbd",
        "flexVolume", "cinder", "cephfs", "flocker", "fc", "azureFile", "vsphereVolume", "quobyte", "azureDisk",
        "photonPersistentDisk", "portworxVolume", "scaleIO", "storageos",
    ]

    @Sendable private static func volumes(_ pod: PodSecurityFacts) -> PodSecurityViolation? {
        var (names, types): ([String], Set<String>) = ([], [])
        for volume in pod.spec["volumes"]?.array ?? [] {
            let sources = (volume.fields ?? Fields()).map(\.key).filter { $0 != "name" }
            guard !sources.contains(where: goodVolumes.contains) else { continue }
            names.append(volume["name"]?.string ?? "")
            types.insert(sources.first(where: otherVolumes.contains) ?? "unknown")
        }
        guard !names.isEmpty else { return nil }
        return PodSecurityViolation(
            reason: "restricted volume types",
            detail: (names.count == 1 ? "volume " : "volumes ") + Text.quoted(names)
                + (names.count == 1 ? " uses" : " use") + " restricted volume "
                + (types.count == 1 ? "type " : "types ") + Text.quoted(types.sorted()))
    }

    @Sendable private static func nonRoot(_ pod: PodSecurityFacts) -> PodSecurityViolation? {
        let own = pod.spec.at("securityContext", "runAsNonRoot")?.bool
        let root = Text.setters(pod: own == false, pod.names { $0["runAsNonRoot"] == false })
        let reason = "runAsNonRoot != true"
        if !root.isEmpty {
            return PodSecurityViolation(
                reason: reason, detail: "\(root) must not set securityContext.runAsNonRoot=false")
        }
        let silent = own == true ? [] : pod.names { $0["runAsNonRoot"]?.bool == nil }
        guard !silent.isEmpty else { return nil }
        return PodSecurityViolation(
            reason: reason, detail: "pod or \(Text.containers(silent)) must set securityContext.runAsNonRoot=true")
    }

    @Sendable private static func userZero(_ pod: PodSecurityFacts) -> PodSecurityViolation? {
        func isBad(_ context: Value?) -> Bool { context?["runAsUser"]?.integer == 0 }
        let setters = Text.setters(pod: isBad(pod.spec["securityContext"]), pod.names { isBad($0) })
        guard !setters.isEmpty else { return nil }
        return PodSecurityViolation(reason: "runAsUser=0", detail: "\(setters) must not set runAsUser=0")
    }
}

/// What the pod and its containers say of seccomp.
struct PodSeccomp {
    private let own: String?
    private let pod: PodSecurityFacts

    init(_ pod: PodSecurityFacts) {
        self.pod = pod
        own = Self.type(pod.spec["securityContext"])
    }

    private static func type(_ context: Value?) -> String? {
        guard let profile = context?["seccompProfile"], !profile.isNull else { return nil }
        return profile["type"]?.string ?? ""
    }

    private static func isGood(_ type: String) -> Bool { type == "RuntimeDefault" || type == "Localhost" }

    /// A profile that was chosen must be one that restrains.
    var forbidden: PodSecurityViolation? {
        var values: Set<String> = []
        if let own, !Self.isGood(own) { values.insert(own) }
        let isOwnBad = !values.isEmpty
        let names = pod.names { context in
            guard let type = Self.type(context), !Self.isGood(type) else { return false }
            values.insert(type)
            return true
        }
        let setters = PodSecurityText.setters(pod: isOwnBad, names)
        guard !setters.isEmpty else { return nil }
        return PodSecurityViolation(
            reason: "seccompProfile",
            detail: "\(setters) must not set securityContext.seccompProfile.type to "
                + PodSecurityText.quoted(values.sorted()))
    }

    /// And one must be chosen.
    var restricted: PodSecurityViolation? {
        if let forbidden { return forbidden }
        let silent = own == nil ? pod.names { Self.type($0) == nil } : []
        guard !silent.isEmpty else { return nil }
        return PodSecurityViolation(
            reason: "seccompProfile",
            detail: "pod or \(PodSecurityText.containers(silent)) must set securityContext.seccompProfile.type to "
                + "\"RuntimeDefault\" or \"Localhost\"")
    }
}
