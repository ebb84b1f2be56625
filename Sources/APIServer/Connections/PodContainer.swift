import API
import APIMachinery

/// Which container of a pod a request is about. Pure.
enum PodContainer {
    /// The container that was named, or the only one there is.
    static func choose(_ name: String, in pod: Pod) throws(Status) -> String {
        let (containers, podName) = (pod.spec.containers, pod.metadata.name)
        let names =
            pod.spec.initContainers.map(\.name) + containers.map(\.name) + pod.spec.ephemeralContainers.map(\.name)
        guard name.isEmpty else {
            guard names.contains(name) else {
                throw .badRequest("container \(name) is not valid for pod \(podName)")
            }
            return name
        }
        switch containers.count {
        case 1: return containers[0].name
        case 0: throw .badRequest("a container name must be specified for pod \(podName)")
        default:
            throw .badRequest(
                "a container name must be specified for pod \(podName), choose one of: [\(names.joined(separator: " "))]")
        }
    }
}
