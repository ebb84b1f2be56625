import APIMachinery

// Pods say for which system they are made; each system lacks what the other has.
extension FieldChecks {
    mutating func operatingSystem(_ system: Value, _ spec: Value, _ path: String) {
        guard require(system["name"], path + ".os.name", "cannot be empty") else { return }
        switch system["name"].text {
        case "linux": linux(spec, path)
        case "windows": windows(spec, path)
        default: unsupported(path + ".os", system["name"], ["linux", "windows"])
        }
    }

    private static let containerLists = ["initContainers", "containers", "ephemeralContainers"]

    private mutating func linux(_ spec: Value, _ path: String) {
        let why = "windows options cannot be set for a linux pod"
        if spec["securityContext"]["windowsOptions"] != nil { forbid(path + ".securityContext.windowsOptions", why) }
        for list in Self.containerLists {
            for (container, path) in spec[list].elements("\(path).\(list)")
            where container["securityContext"]["windowsOptions"] != nil {
                forbid(path + ".securityContext.windowsOptions", why)
            }
        }
    }

    private static let linuxOfPods = [
        "appArmorProfile", "seLinuxOptions", "seccompProfile", "fsGroup", "fsGroupChangePolicy", "sysctls",
        "runAsUser", "runAsGroup", "supplementalGroups", "supplementalGroupsPolicy", "seLinuxChangePolicy",
    ]
    private static let linuxOfContainers = [
        "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem",
        "privileged", "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
    ]

    private mutating func windows(_ spec: Value, _ path: String) {
        let why = "cannot be set for a windows pod"
        for key in Self.linuxOfPods where spec["securityContext"][key] != nil {
            forbid("\(path).securityContext.\(key)", why)
        }
        for key in ["hostUsers", "shareProcessNamespace"] where spec[key] != nil { forbid("\(path).\(key)", why) }
        for key in ["hostPID", "hostIPC"] where spec[key].isTrue { forbid("\(path).\(key)", why) }
        for list in Self.containerLists {
            for (container, path) in spec[list].elements("\(path).\(list)") {
                for key in Self.linuxOfContainers where container["securityContext"][key] != nil {
                    forbid("\(path).securityContext.\(key)", why)
                }
            }
        }
    }

    /// Containers that are processes of a Windows host: all of a pod or none, and on the host's network.
    mutating func hostProcesses(_ spec: Value, _ path: String) {
        let whole = spec["securityContext"]["windowsOptions"]["hostProcess"]?.bool
        var (count, ofHost) = (0, 0)
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for (container, path) in spec[list].elements("\(path).\(list)") {
                let own = container["securityContext"]["windowsOptions"]["hostProcess"]?.bool
                count += 1
                if own ?? whole == true { ofHost += 1 }
                guard let own, let whole, own != whole else { continue }
                let why = "pod hostProcess value must be identical if both are specified, was \(whole)"
                invalid(path + ".securityContext.windowsOptions.hostProcess", .bool(own), why)
            }
        }
        guard ofHost > 0 else { return }
        if ofHost != count {
            let why = "If pod contains any hostProcess containers then all containers must be HostProcess containers"
            invalid(path, "", why)
        }
        if !spec["hostNetwork"].isTrue {
            let why = "hostNetwork must be true if pod contains any hostProcess containers"
            invalid(path + ".hostNetwork", false, why)
        }
    }

    // MARK: - Options

    private static let longestCredentials = 64 * 1024

    mutating func windowsOptions(_ options: Value, _ path: String) {
        if let name = options["gmsaCredentialSpecName"] {
            self.name(name.string ?? "", .dns1123Subdomain, path + ".gmsaCredentialSpecName")
        }
        if let credentials = options["gmsaCredentialSpec"] {
            let count = (credentials.string ?? "").utf8.count
            if count == 0 {
                invalid(path + ".gmsaCredentialSpec", "", "gmsaCredentialSpec cannot be an empty string")
            } else if count > Self.longestCredentials {
                let why = "gmsaCredentialSpec size must be under 64 KiB"
                invalid(path + ".gmsaCredentialSpec", credentials, why)
            }
        }
        if let user = options["runAsUserName"]?.string { windowsUser(user, path + ".runAsUserName") }
    }

    /// `DOMAIN\user`, the domain being optional.
    private mutating func windowsUser(_ text: String, _ path: String) {
        func says(_ why: String) { invalid(path, .string(text), "runAsUserName" + why) }
        let parts = text.split(separator: "\\", omittingEmptySubsequences: false)
        if text.isEmpty { return says(" cannot be an empty string") }
        if text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            return says(" cannot contain control characters")
        }
        guard parts.count <= 2, let user = parts.last else {
            return says(" cannot contain more than one backslash")
        }
        if parts.count == 2 {
            if parts[0].utf8.count >= 256 { says("'s Domain length must be under 256 characters") }
            if !Self.isWindowsDomain(parts[0]) { says("'s Domain doesn't match the NetBios nor the DNS format") }
        }
        if user.isEmpty {
            says("'s User cannot be empty")
        } else if user.utf8.count > 104 {
            says("'s User length must not be longer than 104 characters")
        }
        if !user.isEmpty, user.allSatisfy({ $0 == "." || $0 == " " }) {
            says("'s User cannot contain only periods or spaces")
        }
        if user.contains(where: { "\"/:;|=,+*?<>@[]".contains($0) }) {
            says("'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]")
        }
    }

    private static func isWindowsDomain(_ text: Substring) -> Bool {
        let isNetBIOS =
            (1...15).contains(text.count) && text.first != "." && !text.contains { "\\/:*?\"<>|".contains($0) }
        return isNetBIOS || NameRule.dns1123Subdomain.accepts(text.lowercased())
    }
}
