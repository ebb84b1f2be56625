public import APIMachinery

/// The annotations by which pods were given AppArmor profiles before there was a field for it (KEP-24, "Version Skew
/// Strategy").
public enum AppArmorAnnotation {
    /// Before the name of a container.
    static let prefix = "container.apparmor.security.beta.kubernetes.io/"
    private static let longestPath = 4095

    /// Gives each container of a new pod without a profile of its own the one that its annotation names, unless the pod
    /// as a whole has it already. What to warn of: annotations that were needed, and those that say nothing.
    public static func apply(to pod: inout Value) -> [String] {
        let annotations = pod.at("metadata", "annotations").entries
        guard annotations.contains(where: { $0.key.hasPrefix(prefix) }),
            pod.at("spec", "os", "name")?.string != "windows"
        else { return [] }
        let whole = pod.at("spec", "securityContext", "appArmorProfile")
        var warnings: [String] = []
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            guard var containers = pod.at("spec", list)?.array else { continue }
            for index in containers.indices {
                let key = prefix + containers[index]["name"].text
                let path = ["securityContext", "appArmorProfile"]
                guard let text = annotations[key]?.string, containers[index][path: path] == nil else { continue }
                let profile = profile(of: text)
                if let profile, profile == whole { continue }
                if let profile { containers[index][path: path] = profile }
                warnings.append(
                    "metadata.annotations[\(key)]: deprecated since v1.30; use the \"appArmorProfile\" field instead")
            }
            pod[path: ["spec", list]] = .array(containers)
        }
        return warnings
    }

    /// The field that means what an annotation says; `nil` for one that names no profile.
    private static func profile(of text: String) -> Value? {
        switch text {
        case "unconfined": return ["type": "Unconfined"]
        case "runtime/default": return ["type": "RuntimeDefault"]
        default:
            let local = text.dropFirst("localhost/".count)
            guard text.hasPrefix("localhost/"), let first = local.first, let last = local.last,
                !first.isWhitespace, !last.isWhitespace, local.utf8.count <= longestPath
            else { return nil }
            return ["type": "Localhost", "localhostProfile": .string(String(local))]
        }
    }
}
