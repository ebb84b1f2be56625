/// What a path of the node API stands for. The paths are those of Kubernetes' kubelet. Pure.
enum NodeRoute: Hashable, Sendable {
    case health
    case configuration
    case status
    case flags
    case metrics
    case resourceMetrics
    case containerMetrics
    case probeMetrics
    case pods
    case runningPods
    case summary
    case systemLogs
    case log(ContainerPath)
    case exec(ContainerPath)
    case attach(ContainerPath)
    case portForward(PodPath)
    case run(ContainerPath)
    case checkpoint(ContainerPath)
    /// A path of Kubernetes' kubelet that this one does not serve.
    case unbuilt

    /// A pod, with its uid if the request insists on one.
    struct PodPath: Hashable, Sendable {
        var namespace: String
        var name: String
        var uid: String?
    }

    struct ContainerPath: Hashable, Sendable {
        var pod: PodPath
        var container: String
    }

    private static let unbuiltPaths: Set<String> = ["debug", "metrics"]

    /// Whether only a node that is told so answers (`enableDebuggingHandlers`).
    var isForDebugging: Bool {
        switch self {
        case .health, .metrics, .resourceMetrics, .containerMetrics, .probeMetrics, .pods, .summary, .unbuilt: false
        default: true
        }
    }

    /// `nil` for a path that no kubelet has.
    init?(path: String) {
        let parts = path.split(separator: "/").map(String.init)
        switch parts.first {
        case "healthz" where parts.count <= 2: self = .health
        case "configz" where parts.count == 1: self = .configuration
        case "statusz" where parts.count == 1: self = .status
        case "flagz" where parts.count == 1: self = .flags
        case "metrics" where parts.count == 1: self = .metrics
        case "metrics" where parts == ["metrics", "resource"]: self = .resourceMetrics
        case "metrics" where parts == ["metrics", "cadvisor"]: self = .containerMetrics
        case "metrics" where parts == ["metrics", "probes"]: self = .probeMetrics
        case "pods" where parts.count == 1: self = .pods
        case "runningpods" where parts.count == 1: self = .runningPods
        case "stats" where parts == ["stats", "summary"]: self = .summary
        case "logs": self = .systemLogs
        case "containerLogs":
            guard parts.count == 4, let path = Self.container(parts) else { return nil }
            self = .log(path)
        case "exec":
            guard let path = Self.container(parts) else { return nil }
            self = .exec(path)
        case "run":
            guard let path = Self.container(parts) else { return nil }
            self = .run(path)
        case "checkpoint":
            guard parts.count == 4, let path = Self.container(parts) else { return nil }
            self = .checkpoint(path)
        case "attach":
            guard let path = Self.container(parts) else { return nil }
            self = .attach(path)
        case "portForward":
            guard parts.count == 3 || parts.count == 4 else { return nil }
            self = .portForward(
                PodPath(namespace: parts[1], name: parts[2], uid: parts.count == 4 ? parts[3] : nil))
        case let first? where Self.unbuiltPaths.contains(first): self = .unbuilt
        default: return nil
        }
    }

    /// `/x/NAMESPACE/POD/CONTAINER` or `/x/NAMESPACE/POD/UID/CONTAINER`.
    private static func container(_ parts: [String]) -> ContainerPath? {
        switch parts.count {
        case 4: ContainerPath(pod: PodPath(namespace: parts[1], name: parts[2]), container: parts[3])
        case 5: ContainerPath(pod: PodPath(namespace: parts[1], name: parts[2], uid: parts[3]), container: parts[4])
        default: nil
        }
    }
}
