import APIMachinery

// As whom, and with which powers, processes run.
extension FieldChecks {
    mutating func podSecurity(_ spec: Value, _ path: String) {
        hostNamespaces(spec, path)
        guard let context = spec["securityContext"], context.fields?.isEmpty == false else { return }
        let path = path + ".securityContext"
        for key in ["fsGroup", "runAsUser", "runAsGroup"] { userID(context[key], "\(path).\(key)") }
        for (group, path) in context["supplementalGroups"].elements(path + ".supplementalGroups") {
            userID(group, path)
        }
        sysctls(spec, context, path + ".sysctls")
        profiles(context, path)
        oneOf(context["seLinuxChangePolicy"], ["MountOption", "Recursive"], path + ".seLinuxChangePolicy")
        if let options = context["windowsOptions"] { windowsOptions(options, path + ".windowsOptions") }
    }

    mutating func containerSecurity(_ context: Value, _ path: String, usesHostUsers: Bool) {
        guard context.fields?.isEmpty == false else { return }
        for key in ["runAsUser", "runAsGroup"] { userID(context[key], "\(path).\(key)") }
        if usesHostUsers, context["procMount"].text == "Unmasked" {
            invalid(path + ".procMount", context["procMount"], "`hostUsers` must be false to use `Unmasked`")
        }
        profiles(context, path)
        if let options = context["windowsOptions"] { windowsOptions(options, path + ".windowsOptions") }
        guard context["allowPrivilegeEscalation"]?.bool == false else { return }
        if context["privileged"].isTrue {
            invalid(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
        }
        if context["capabilities"]["add"].items.contains("CAP_SYS_ADMIN") {
            let why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            invalid(path, context, why)
        }
    }

    /// Numbers of users and groups are 31 bits wide.
    mutating func userID(_ value: Value?, _ path: @autoclosure () -> String) {
        range(value, 0, Int(Int32.max), path())
    }

    /// A user namespace of its own and the host's other namespaces do not go together (KEP-127).
    private mutating func hostNamespaces(_ spec: Value, _ path: String) {
        if spec["shareProcessNamespace"].isTrue, spec["hostPID"].isTrue {
            let why = "ShareProcessNamespace and HostPID cannot both be enabled"
            invalid(path + ".securityContext.shareProcessNamespace", true, why)
        }
        guard spec["hostUsers"]?.bool == false else { return }
        for (key, name) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")]
        where spec[key].isTrue { forbid("\(path).\(name)", "when `pod.Spec.HostUsers` is false") }
    }

    // MARK: - Profiles

    private mutating func profiles(_ context: Value, _ path: String) {
        if let profile = context["seccompProfile"] { seccomp(profile, path + ".seccompProfile") }
        if let profile = context["appArmorProfile"] { appArmor(profile, path + ".appArmorProfile") }
    }

    private mutating func seccomp(_ profile: Value, _ path: String) {
        require(profile["type"], path + ".type", "type is required when seccompProfile is set")
        let local = profile["localhostProfile"]
        if profile["type"].text == "Localhost" {
            if let local {
                descendingPath(local.string ?? "", path + ".localhostProfile")
            } else {
                missing(path + ".localhostProfile", "must be set when seccomp type is Localhost")
            }
        } else if local != nil {
            invalid(path + ".localhostProfile", profile, "can only be set when seccomp type is Localhost")
        }
    }

    private static let longestPath = 4095

    private mutating func appArmor(_ profile: Value, _ path: String) {
        require(profile["type"], path + ".type", "type is required when appArmorProfile is set")
        let local = profile["localhostProfile"]
        let path = path + ".localhostProfile"
        guard profile["type"].text == "Localhost" else {
            if local != nil { invalid(path, local, "can only be set when AppArmor type is Localhost") }
            return
        }
        let text = local.text
        if text.allSatisfy(\.isWhitespace), text.isEmpty || local == nil {
            missing(path, "must be set when AppArmor type is Localhost")
        } else if text.first?.isWhitespace == true || text.last?.isWhitespace == true {
            invalid(path, local, "must not be padded with whitespace")
        }
        if text.utf8.count > Self.longestPath { add(.tooLong(path, limit: Self.longestPath)) }
    }

    // MARK: - Kernel settings

    private static let sysctlPattern =
        "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"

    private mutating func sysctls(_ spec: Value, _ context: Value, _ path: @autoclosure () -> String) {
        var names: Set<String> = []
        for (setting, path) in context["sysctls"].elements(path()) {
            let name = setting["name"].text
            let path = path + ".name"
            if name.isEmpty {
                missing(path)
            } else if !Self.isSysctl(name) {
                let why = "must have at most 253 characters and match regex \(Self.sysctlPattern)"
                invalid(path, .string(name), why)
            } else if !names.insert(name).inserted {
                duplicate(path, .string(name))
            }
            let dotted = String(name.map { $0 == "/" ? "." : $0 })
            if dotted.hasPrefix("net."), spec["hostNetwork"].isTrue {
                invalid(path, .string(name), "may not be specified when 'hostNetwork' is true")
            } else if Self.ipcSettings.contains(where: dotted.hasPrefix), spec["hostIPC"].isTrue {
                invalid(path, .string(name), "may not be specified when 'hostIPC' is true")
            }
        }
    }

    private static let ipcSettings = ["kernel.sem", "kernel.shm", "kernel.msg", "fs.mqueue."]

    static func isSysctl(_ name: String) -> Bool {
        guard name.utf8.count <= 253 else { return false }
        return name.utf8.split(omittingEmptySubsequences: false) { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") }
            .allSatisfy { part in
                guard let first = part.first, let last = part.last else { return false }
                return isWordByte(first) && isWordByte(last)
                    && part.allSatisfy { isWordByte($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
            }
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
