/// Docker has labels and no annotations: what the interface calls an annotation is a label with a prefix. The names are
/// cri-dockerd's.
enum DockerLabels {
    /// Tells a pod's containers from everybody else's: ``sandbox`` or ``container``.
    static let type = "io.kubernetes.docker.type"
    static let sandbox = "podsandbox"
    static let container = "container"
    /// Of a container: the id of its sandbox.
    static let sandboxID = "io.kubernetes.sandbox.id"
    /// Of a container: where the kubelet looks for its log.
    static let logPath = "io.kubernetes.container.logpath"
    /// Of a sandbox that asked for another of Docker's runtimes than the usual one.
    static let handler = "io.kubernetes.docker.runtime-handler"
    static let annotationPrefix = "annotation."
    /// The kubelet's, of a container. Sandboxes get it here, for programs that read Docker's labels (`POD`).
    static let containerName = "io.kubernetes.container.name"

    private static let own: Set = [type, sandboxID, logPath, handler]

    static func joined(_ labels: [String: String], annotations: [String: String]) -> [String: String] {
        var joined = labels
        for (key, value) in annotations { joined[annotationPrefix + key] = value }
        return joined
    }

    /// What the kubelet gave, without what was added to it here.
    static func split(_ joined: [String: String]) -> (labels: [String: String], annotations: [String: String]) {
        var (labels, annotations) = ([String: String](), [String: String]())
        let hidden = joined[type] == sandbox ? own.union([containerName]) : own
        for (key, value) in joined where !hidden.contains(key) {
            if key.hasPrefix(annotationPrefix) {
                annotations[String(key.dropFirst(annotationPrefix.utf8.count))] = value
            } else {
                labels[key] = value
            }
        }
        return (labels, annotations)
    }
}
