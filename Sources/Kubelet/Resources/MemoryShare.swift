import API
import APIMachinery

/// How much memory a container counts as having asked for when the node runs out of it.
enum MemoryShare {
    /// In bytes: its own request, and its share of what the pod as a whole requests beyond its containers (KEP-2837). A
    /// sidecar has no less than the least of the containers that it serves (KEP-753).
    static func request(of container: Container, in pod: Pod) -> Int64 {
        let spare = spare(of: pod)
        let own = request(container) + spare
        let isSidecar =
            container.restartPolicy == "Always" && pod.spec.initContainers.contains { $0.name == container.name }
        guard isSidecar, let least = pod.spec.containers.map(request).min() else { return own }
        return max(own, least + spare)
    }

    private static func request(_ container: Container) -> Int64 {
        container.resources.amount("memory", of: \.requests) ?? 0
    }

    /// Of what the pod requests and its containers do not, each container's part.
    private static func spare(of pod: Pod) -> Int64 {
        guard let whole = pod.spec.resources?.amount("memory", of: \.requests), whole > 0 else { return 0 }
        var containers = pod.value
        containers[path: ["spec", "resources"]] = nil
        let options = PodResources.Options(countsOverhead: false)
        let sum = PodResources.requests(of: containers, options)["memory"]?.value ?? 0
        let count = Int64(pod.spec.containers.count + pod.spec.initContainers.count)
        return max(whole - sum, 0) / max(count, 1)
    }
}
