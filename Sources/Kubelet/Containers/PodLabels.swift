import API
import APIMachinery
import Runtime

/// The labels and annotations under which a kubelet finds its pods again in the runtime: those of
/// Kubernetes, so that `crictl` and log collectors know them.
enum PodLabels {
    static let podName = "io.kubernetes.pod.name"
    static let podNamespace = "io.kubernetes.pod.namespace"
    static let podUID = "io.kubernetes.pod.uid"
    static let containerName = "io.kubernetes.container.name"

    static let fingerprint = "io.kubernetes.container.hash"
    static let restartCount = "io.kubernetes.container.restartCount"
    static let terminationPath = "io.kubernetes.container.terminationMessagePath"
    static let terminationPolicy = "io.kubernetes.container.terminationMessagePolicy"
    static let gracePeriod = "io.kubernetes.pod.terminationGracePeriod"
    /// What the container was made with, for a kubelet that finds it (KEP 1287).
    static let resources = "k3s.io/container-resources"
    /// What its pod had as a whole then (KEP 5419).
    static let podResources = "k3s.io/pod-resources"
    static let containerPorts = "io.kubernetes.container.ports"

    /// The pod that something of the runtime belongs to.
    static func name(in labels: [String: String]) -> ObjectName? {
        guard let name = labels[podName], let namespace = labels[podNamespace] else { return nil }
        return ObjectName(namespace: namespace, name: name)
    }

    /// Those of every sandbox and container of the pod.
    static func labels(of pod: Pod) -> [String: String] {
        [podName: pod.objectName.name, podNamespace: pod.objectName.namespace, podUID: pod.metadata.uid]
    }
}
