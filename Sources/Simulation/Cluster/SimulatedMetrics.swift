import API
import APIMachinery
import APIServer
import Client
import Controllers
import Support

/// What pods use: each deployment has as much work as an annotation says, which its ready pods share.
struct SimulatedMetrics: MetricsSource {
    /// On a deployment: thousandths of a core that its work takes.
    static let load = "simulation/load"

    let api: APIServer
    let now: @Sendable () -> Timestamp

    func resource(
        _ name: String, of pods: PodSelection, container: String?
    ) async throws(Status) -> [String: PodSample] {
        let client = api.client()
        let options = ListOptions(labelSelector: pods.selector)
        let ready = try await client.list(Pod.self, namespace: pods.namespace, options).filter { pod in
            pod.metadata.deletionTimestamp == nil && pod.status.conditions.contains { $0.type == "Ready" && $0.status == "True" }
        }
        // The deployment is called as its label is.
        let app = ready.first?.metadata.labels["app"] ?? ""
        let deployment = try await client.find(Deployment.self, ObjectName(namespace: pods.namespace, name: app))
        let load = deployment.map { Self.load(of: $0.metadata.annotations) } ?? 0
        guard !ready.isEmpty else { return [:] }
        let share = Int64(load / ready.count)
        return Dictionary(uniqueKeysWithValues: ready.map { ($0.metadata.name, PodSample(milliValue: share, timestamp: now())) })
    }

    static func load(of annotations: [String: String]) -> Int { annotations[load].flatMap { Int($0) } ?? 0 }

    func pods(_ metric: MetricName, of pods: PodSelection) async throws(Status) -> [String: PodSample] {
        throw .serviceUnavailable("the simulation measures CPU alone")
    }

    func object(_ metric: MetricName, of object: MeasuredObject) async throws(Status) -> Int64 {
        throw .serviceUnavailable("the simulation measures CPU alone")
    }

    func external(_ metric: MetricName, in namespace: String) async throws(Status) -> [Int64] {
        throw .serviceUnavailable("the simulation measures CPU alone")
    }
}
