import APIMachinery

// What no pod needs that does not work on the node itself. Kubernetes documentation, "Pod Security Standards",
// "Baseline".
extension PodSecurityChecks {
    static let baseline: [Check] = [
        Check(name: "appArmorProfile", forms: [(0, appArmor)]),
        Check(name: "capabilities_baseline", forms: [(0, addedCapabilities)]),
        Check(name: "hostNamespaces", forms: [(0, hostNamespaces)]),
        Check(name: "hostPathVolumes", forms: [(0, hostPaths)]),
        Check(name: "hostPorts", forms: [(0, hostPorts)]),
        Check(name: "hostProbesAndHostLifecycle", forms: [(34, hostsOfProbes)]),
        Check(name: "privileged", forms: [(0, privileged)]),
        Check(
            name: "procMount",
            forms: [(0, { procMount($0, forOwnUsers: true) }), (35, { procMount($0, forOwnUsers: false) })]),
        Check(
            name: "seLinuxOptions",
            forms: [(0, { seLinux($0, seLinuxTypes) }), (31, { seLinux($0, seLinuxTypes.union(["container_engine_t"])) })]),
        Check(name: "seccompProfile_baseline", forms: [(0, seccompAnnotations), (19, seccomp)]),
        Check(
            name: "sysctls",
            forms: [
                (0, { sysctls($0, safeSysctls) }), (27, { sysctls($0, safeSysctls27) }),
                (29, { sysctls($0, safeSysctls29) }), (32, { sysctls($0, safeSysctls32) }),
            ]),
        Check(name: "windowsHostProcess", forms: [(0, hostProcess)]),
    ]

    private typealias Text = PodSecurityText

    // MARK: Profiles

    @Sendable private static func appArmor(_ pod: PodSecurityFacts) -> PodSecurityViolation? {
        let good: Set<String> = ["RuntimeDefault", "Localhost"]
        func bad(_ context: Value?) -> String? {
            guard let profile = context?["appArmorProfile"], !profile.isNull else { return nil }
            let type = profile["type"]?.string ?? ""
            return good.contains(type) ? nil : type
        }
        var values: Set<String> = []
        let own = bad(pod.spec["securityContext"])
        if let own { values.insert(own) }
        let names = pod.names { context in
            guard let type = bad(context) else { return false }
            values.insert(type)
            return true
        }
        let annotations = pod.annotations.filter { key, value in
            guard key.hasPrefix("container.apparmor.security.beta.kubernetes.io/") else { return false }
            let text = value.string ?? ""
            return !text.isEmpty && text != "runtime/default" && !text.hasPrefix("localhost/")
        }.map { "\($0.key)=\(GoText.quoted($0.value.string ?? ""))" }
        var setters = [Text.setters(pod: own != nil, names)].filter { !$0.isEmpty }
        if !annotations.isEmpty { setters.append(annotations.count == 1 ? "annotation" : "annotations") }
        guard !setters.isEmpty else { return nil }
        let list = values.sorted() + annotations.sorted()
        return PodSecurityViolation(
            reason: list.count == 1 ? "forbidden AppArmor profile" : "forbidden AppArmor profiles",
            detail: "\(setters.joined(separator: " and ")) must not set AppArmor profile type to \(Text.quoted(list))")
    }

    private static let seLinuxTypes: Set<String> = ["", "container_t", "container_init_t", "container_kvm_t"]

    private static func seLinux(_ pod: PodSecurityFacts, _ good: Set<String>) -> PodSecurityViolation? {
        var types: Set<String> = []
        var (setsUser, setsRole) = (false, false)
        func isBad(_ context: Value?) -> Bool {
            guard let options = context?["seLinuxOptions"] else { return false }
            func text(_ key: String) -> String { options[key]?.string ?? "" }
            let isBadType = !good.contains(text("type"))
            if isBadType { types.insert(text("type")) }
            if !text("user").isEmpty { setsUser = true }
            if !text("role").isEmpty { setsRole = true }
            return isBadType || !text("user").isEmpty || !text("role").isEmpty
        }
        let setters = Text.setters(pod: isBad(pod.spec["securityContext"]), pod.names { isBad($0) })
        guard !setters.isEmpty else { return nil }
        var what: [String] = []
        if !types.isEmpty { what.append((types.count == 1 ? "type " : "types ") + Text.quoted(types.sorted())) }
        if setsUser { what.append("user may not be set") }
        if setsRole { what.append("role may not be set") }
        return PodSecurityViolation(
            reason: "seLinuxOptions",
            detail: "\(setters) set forbidden securityContext.seLinuxOptions: \(what.joined(separator: "; "))")
    }

    /// Before 1.19 profiles were named by annotations.
    @Sendable private static func seccompAnnotations(_ pod: PodSecurityFacts) -> PodSecurityViolation? {
        let keys =
            ["seccomp.security.alpha.kubernetes.io/pod"]
            + pod.containers.map { "container.seccomp.security.alpha.kubernetes.io/" + ($0["name"]?.string ?? "") }
        let bad = keys.compactMap { key -> String? in
            guard let text = pod.annotations[key]?.string, text != "runtime/default", text != "docker/default",
                !text.hasPrefix("localhost/")
            else { return nil }
            return "\(key)=\(GoText.quoted(text))"
        }
        guard !bad.isEmpty else { return nil }
        return PodSecurityViolation(
            reason: "seccompProfile",
            detail: "forbidden \(bad.count == 1 ? "annotation" : "annotations") \(bad.sorted().joined(separator: ", "))")
    }

    @Sendable private static func seccomp(_ pod: PodSecurityFacts) -> PodSecurityViolation? {
        PodSeccomp(pod).forbidden
    }

    // MARK: Rights

    private static let defaultCapabilities: Set<String> = [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
        "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    ]

    @Sendable private static func addedCapabilities(_ pod: PodSecurityFacts) -> PodSecurityViolation? {
        var added: Set<String> = []
        let names = pod.names { context in
            let bad = (context.at("capabilities", "add")?.array ?? []).compactMap(\.string)
                .filter { !defaultCapabilities.contains($0) }
            added.formUnion(bad)
            return !bad.isEmpty
        }
        guard !names.isEmpty else { return nil }
        return PodSecurityViolation(
            reason: "non-default capabilities",
            detail: "\(Text.containers(names)) must not include \(Text.quoted(added.sorted())) in "
                + "securityContext.capabilities.add")
    }

    @Sendable private static func privileged(_ pod: PodSecurityFacts) -> PodSecurityViolation? {
        let names = pod.names { $0["privileged"] == true }
        guard !names.isEmpty else { return nil }
        return PodSecurityViolation(
            reason: "privileged", detail: "\(Text.containers(names)) must not set securityContext.privileged=true")
    }

    private static func procMount(_ pod: PodSecurityFacts, forOwnUsers: Bool) -> PodSecurityViolation? {
        guard forOwnUsers || !pod.hasOwnUsers else { return nil }
        var kinds: Set<String> = []
        let names = pod.names { context in
            guard let kind = context["procMount"]?.string, kind != "Default" else { return false }
            kinds.insert(kind)
            return true
        }
        guard !names.isEmpty else { return nil }
        return PodSecurityViolation(
            reason: "procMount",
            detail: "\(Text.containers(names)) must not set securityContext.procMount to \(Text.quoted(kinds.sorted()))")
    }

    @Sendable private static func hostProcess(_ pod: PodSecurityFacts) -> PodSecurityViolation? {
        func isBad(_ context: Value?) -> Bool { context?.at("windowsOptions", "hostProcess") == true }
        let setters = Text.setters(pod: isBad(pod.spec["securityContext"]), pod.names { isBad($0) })
        guard !setters.isEmpty else { return nil }
        return PodSecurityViolation(
            reason: "hostProcess",
            detail: "\(setters) must not set securityContext.windowsOptions.hostProcess=true")
    }

    // MARK: The host

    @Sendable private static func hostNamespaces(_ pod: PodSecurityFacts) -> PodSecurityViolation? {
        let shared = ["hostNetwork", "hostPID", "hostIPC"].filter { pod.spec[$0] == true }
        guard !shared.isEmpty else { return nil }
        return PodSecurityViolation(
            reason: "host namespaces", detail: shared.map { $0 + "=true" }.joined(separator: ", "))
    }

    @Sendable private static func hostPaths(_ pod: PodSecurityFacts) -> PodSecurityViolation? {
        let names = (pod.spec["volumes"]?.array ?? []).filter { $0["hostPath"] != nil }.compactMap { $0["name"]?.string }
        guard !names.isEmpty else { return nil }
        return PodSecurityViolation(
            reason: "hostPath volumes", detail: (names.count == 1 ? "volume " : "volumes ") + Text.quoted(names))
    }

    @Sendable private static func hostPorts(_ pod: PodSecurityFacts) -> PodSecurityViolation? {
        var ports: Set<String> = []
        let bad = pod.containers.filter { container in
            let own = (container["ports"]?.array ?? []).compactMap { $0["hostPort"]?.integer }.filter { $0 != 0 }
            ports.formUnion(own.map(String.init))
            return !own.isEmpty
        }.map { $0["name"]?.string ?? "" }
        guard !bad.isEmpty else { return nil }
        return PodSecurityViolation(
            reason: "hostPort",
            detail: "\(Text.containers(bad)) \(bad.count == 1 ? "uses" : "use") "
                + "\(ports.count == 1 ? "hostPort" : "hostPorts") \(ports.sorted().joined(separator: ", "))")
    }

    @Sendable private static func hostsOfProbes(_ pod: PodSecurityFacts) -> PodSecurityViolation? {
        let handlers = [
            ["livenessProbe"], ["readinessProbe"], ["startupProbe"], ["lifecycle", "postStart"], ["lifecycle", "preStop"],
        ]
        var hosts: Set<String> = []
        let bad = pod.containers.filter { container in
            let own = handlers.flatMap { path in
                ["httpGet", "tcpSocket"].compactMap { container[path: path + [$0, "host"]]?.string }
            }.filter { !$0.isEmpty }
            hosts.formUnion(own)
            return !own.isEmpty
        }.map { $0["name"]?.string ?? "" }
        guard !bad.isEmpty else { return nil }
        return PodSecurityViolation(
            reason: "probe or lifecycle host",
            detail: "\(Text.containers(bad.sorted())) \(bad.count == 1 ? "uses" : "use") probe or lifecycle "
                + "\(hosts.count == 1 ? "host" : "hosts") \(Text.quoted(hosts.sorted()))")
    }

    // MARK: Settings of the kernel

    private static let safeSysctls: Set<String> = [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
    ]
    private static let safeSysctls27 = safeSysctls.union(["net.ipv4.ip_local_reserved_ports"])
    private static let safeSysctls29 = safeSysctls27.union([
        "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
    ])
    private static let safeSysctls32 = safeSysctls29.union(["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"])

    private static func sysctls(_ pod: PodSecurityFacts, _ safe: Set<String>) -> PodSecurityViolation? {
        let bad = (pod.spec.at("securityContext", "sysctls")?.array ?? []).compactMap { $0["name"]?.string }
            .filter { !safe.contains($0) }
        guard !bad.isEmpty else { return nil }
        return PodSecurityViolation(reason: "forbidden sysctls", detail: bad.joined(separator: ", "))
    }
}
