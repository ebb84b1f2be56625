import API

/// What a probe decides about a container.
enum ProbeKind: String, Hashable, Sendable, CaseIterable {
    /// Whether it has come up: the others wait for that.
    case startup = "Startup"
    /// Whether it must be restarted.
    case liveness = "Liveness"
    /// Whether it may be asked.
    case readiness = "Readiness"

    func probe(of container: Container) -> Probe? {
        switch self {
        case .startup: container.startupProbe
        case .liveness: container.livenessProbe
        case .readiness: container.readinessProbe
        }
    }
}
