/// The names of a pod's containers in Docker, by which a later run, and people with `docker ps`, find them:
/// `k8s_<container>_<pod>_<namespace>_<uid>_<attempt>`. They are cri-dockerd's, so that its containers are found again.
///
/// None of the parts has an underscore: names of pods and containers are DNS labels.
struct DockerName: Hashable, Sendable {
    /// ``sandbox`` for the container that holds the pod's namespaces.
    var container: String
    var pod: String
    var namespace: String
    var uid: String
    var attempt: UInt32

    static let sandbox = "POD"

    init(_ sandbox: CRI.PodSandboxMetadata) {
        (container, pod, namespace) = (Self.sandbox, sandbox.name, sandbox.namespace)
        (uid, attempt) = (sandbox.uid, sandbox.attempt)
    }

    init(_ container: CRI.ContainerMetadata, in sandbox: CRI.PodSandboxMetadata) {
        self.init(sandbox)
        (self.container, attempt) = (container.name, container.attempt)
    }

    /// Reads a name as Docker tells it, with a slash before it; `nil` for a container that is no pod's. A name that was
    /// taken got a suffix of its own, which is passed over.
    init?(_ text: String) {
        let parts = text.drop { $0 == "/" }.split(separator: "_", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6 || parts.count == 7, parts[0] == "k8s", let attempt = UInt32(parts[5]) else { return nil }
        (container, pod, namespace, uid) = (parts[1], parts[2], parts[3], parts[4])
        self.attempt = attempt
    }

    /// The name, without a slash.
    var text: String { "k8s_\(container)_\(pod)_\(namespace)_\(uid)_\(attempt)" }

    /// Another name for the same, for when the first is taken for good.
    func text(suffix: UInt32) -> String { text + "_" + String(suffix, radix: 16) }

    var sandboxMetadata: CRI.PodSandboxMetadata {
        CRI.PodSandboxMetadata(name: pod, uid: uid, namespace: namespace, attempt: attempt)
    }

    var containerMetadata: CRI.ContainerMetadata { CRI.ContainerMetadata(name: container, attempt: attempt) }
}
