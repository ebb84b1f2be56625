import APIMachinery

// Profiles that a new pod names twice, in annotations of old and in the fields that took their place, are the same.
extension FieldChecks {
    private static let listsWithProfiles = ["initContainers", "containers", "ephemeralContainers"]

    mutating func profilesMatch(_ annotations: Value?, _ spec: Value?, _ path: String) {
        guard annotations.isFilled else { return }
        let whole = spec["securityContext"]
        let ofPod = annotations["seccomp.security.alpha.kubernetes.io/pod"]?.string
        seccompMatches(ofPod, whole["seccompProfile"], path + ".securityContext.seccompProfile")
        for list in Self.listsWithProfiles {
            for (container, path) in spec[list].elements("\(path).\(list)") {
                let (name, context) = (container["name"].text, container["securityContext"])
                let path = path + ".securityContext"
                let text = annotations["container.seccomp.security.alpha.kubernetes.io/" + name]?.string
                seccompMatches(text, context["seccompProfile"], path + ".seccompProfile")
                guard spec["os"]["name"].text != "windows" else { continue }
                let profile = context["appArmorProfile"] ?? whole["appArmorProfile"]
                appArmorMatches(
                    annotations[AppArmorAnnotation.prefix + name]?.string, profile, path + ".appArmorProfile")
            }
        }
    }

    private mutating func seccompMatches(_ text: String?, _ profile: Value?, _ path: @autoclosure () -> String) {
        guard let text, let profile else { return }
        switch profile["type"].text {
        case "Unconfined": mismatch(text == "unconfined", "type", "seccomp type", path())
        case "RuntimeDefault":
            mismatch(["runtime/default", "docker/default"].contains(text), "type", "seccomp type", path())
        case "Localhost": localMatches(text, profile, "seccomp", path())
        default: break
        }
    }

    private mutating func appArmorMatches(_ text: String?, _ profile: Value?, _ path: @autoclosure () -> String) {
        guard let text, let profile else { return }
        switch profile["type"].text {
        case "Unconfined": mismatch(text == "unconfined", "type", "apparmor type", path())
        case "RuntimeDefault": mismatch(text == "runtime/default", "type", "apparmor type", path())
        case "Localhost": localMatches(text, profile, "apparmor", path())
        default: break
        }
    }

    private mutating func localMatches(_ text: String, _ profile: Value, _ what: String, _ path: String) {
        guard text.hasPrefix("localhost/") else { return mismatch(false, "type", what + " type", path) }
        let isSame = text.dropFirst("localhost/".count) == profile["localhostProfile"].text
        mismatch(isSame, "localhostProfile", what + " profile", path)
    }

    private mutating func mismatch(_ isSame: Bool, _ key: String, _ what: String, _ path: String) {
        if !isSame { forbid("\(path).\(key)", "\(what) in annotation and field must match") }
    }
}
