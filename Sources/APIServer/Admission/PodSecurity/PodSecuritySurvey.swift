import API
import APIMachinery

/// What would be refused of the pods that a namespace has already, told to whoever makes it stricter. Pure.
struct PodSecuritySurvey {
    let warnings: [String]

    /// More pods are not looked at, as in Kubernetes.
    private static let limit = 3000

    init(
        of pods: [StoredObject], against standard: PodSecurityStandard, in namespace: String,
        isExempt: (String) -> Bool
    ) {
        var found: [String: (first: String, count: Int)] = [:]
        for pod in pods.prefix(Self.limit) {
            let value = pod.value
            guard !isExempt(value.at("spec", "runtimeClassName")?.string ?? "") else { continue }
            let violations = PodSecurityChecks.violations(of: value, against: standard)
            guard !violations.isEmpty else { continue }
            let present = found[violations.reasons]
            found[violations.reasons] = (min(present?.first ?? pod.name, pod.name), (present?.count ?? 0) + 1)
        }
        var warnings: [String] = []
        if pods.count > Self.limit {
            warnings.append(
                "new PodSecurity enforce level only checked against the first \(Self.limit) of \(pods.count) existing pods")
        }
        if !found.isEmpty {
            warnings.append(
                "existing pods in namespace \"\(namespace)\" violate the new PodSecurity enforce level \"\(standard)\"")
        }
        warnings += found.map { reasons, pods in
            let others =
                switch pods.count {
                case 1: ""
                case 2: " (and 1 other pod)"
                default: " (and \(pods.count - 1) other pods)"
                }
            return "\(pods.first)\(others): \(reasons)"
        }.sorted()
        self.warnings = warnings
    }
}
