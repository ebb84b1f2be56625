public import APIMachinery
import Support

/// Metrics as `metrics.k8s.io`, `custom.metrics.k8s.io` and `external.metrics.k8s.io` give them.
public struct APIMetrics: MetricsSource {
    /// Reads a JSON document of the API: the steps of its path, and its query.
    public typealias Reader =
        @Sendable (_ path: [String], _ query: [(name: String, value: String)]) async throws(Status) -> Value

    private let read: Reader

    public init(_ read: @escaping Reader) { self.read = read }

    // MARK: What pods use

    public func resource(
        _ name: String, of pods: PodSelection, container: String?
    ) async throws(Status) -> [String: PodSample] {
        let path = ["apis", "metrics.k8s.io", "v1beta1", "namespaces", pods.namespace, "pods"]
        let items = try await items(path, [("labelSelector", pods.selector)], of: "resource metrics API")
        var samples: [String: PodSample] = [:]
        for item in items {
            let pod = item.at("metadata", "name")?.string ?? ""
            let containers = item["containers"]?.array ?? []
            var measured = containers
            if let container {
                measured = containers.filter { $0["name"]?.string == container }
                guard !measured.isEmpty else {
                    throw .internalError(
                        "container \(container) not present in metrics for pod \(pods.namespace)/\(pod)")
                }
            }
            let amounts = measured.map { Self.milliValue($0.at("usage", name)) }
            // A pod of which a container was not measured was not measured.
            guard !amounts.contains(nil) else { continue }
            samples[pod] = PodSample(
                milliValue: amounts.compactMap(\.self).saturatingSum, timestamp: Self.time(item),
                window: Self.window(item["window"]?.string))
        }
        return samples
    }

    private static func window(_ text: String?) -> Duration {
        text.flatMap { try? GoDuration.parse($0) } ?? .seconds(60)
    }

    // MARK: Custom and external metrics

    public func pods(_ metric: MetricName, of pods: PodSelection) async throws(Status) -> [String: PodSample] {
        let steps = ["namespaces", pods.namespace, "pods", "*", metric.name]
        let items = try await custom(
            steps, [("labelSelector", pods.selector), ("metricLabelSelector", metric.selector)])
        var samples: [String: PodSample] = [:]
        for item in items {
            guard let name = item.at("describedObject", "name")?.string, let value = Self.milliValue(item["value"])
            else { continue }
            let window = item["windowSeconds"]?.integer.map { Duration.seconds(min(max($0, 0), 86_400)) }
            samples[name] = PodSample(
                milliValue: value, timestamp: Self.time(item), window: window ?? .seconds(60))
        }
        return samples
    }

    public func object(_ metric: MetricName, of object: MeasuredObject) async throws(Status) -> Int64 {
        let steps: [String] =
            if object.resource.groupResource == "namespaces" {
                ["namespaces", object.name, "metrics", metric.name]
            } else if object.namespace.isEmpty {
                [object.resource.groupResource, object.name, metric.name]
            } else {
                ["namespaces", object.namespace, object.resource.groupResource, object.name, metric.name]
            }
        let items = try await custom(steps, [("metricLabelSelector", metric.selector)])
        guard let value = Self.milliValue(items[0]["value"]) else {
            throw .internalError("the custom metrics API gave a value that is no quantity")
        }
        return value
    }

    public func external(_ metric: MetricName, in namespace: String) async throws(Status) -> [Int64] {
        let path = ["apis", "external.metrics.k8s.io", "v1beta1", "namespaces", namespace, metric.name]
        let items = try await items(path, [("labelSelector", metric.selector)], of: "external metrics API")
        return items.compactMap { Self.milliValue($0["value"]) }
    }

    /// Adapters serve one of two versions, which say the same.
    private func custom(_ steps: [String], _ query: [(name: String, value: String)]) async throws(Status) -> [Value] {
        let path = ["apis", "custom.metrics.k8s.io"]
        do throws(Status) {
            return try await items(path + ["v1beta2"] + steps, query, of: "custom metrics API")
        } catch {
            guard error.isNotFound else { throw error }
            return try await items(path + ["v1beta1"] + steps, query, of: "custom metrics API")
        }
    }

    // MARK: Helpers

    /// The items of a list, at least one.
    private func items(
        _ path: [String], _ query: [(name: String, value: String)], of source: String
    ) async throws(Status) -> [Value] {
        let list: Value
        do throws(Status) {
            list = try await read(path, query.filter { !$0.value.isEmpty })
        } catch {
            var failure = error
            failure.message = "unable to fetch metrics from \(source): \(error.message)"
            throw failure
        }
        guard let items = list["items"]?.array, !items.isEmpty else {
            throw .internalError("no metrics returned from \(source)")
        }
        return items
    }

    private static func milliValue(_ value: Value?) -> Int64? {
        value.flatMap { try? Quantity(json: $0) }?.milliValue
    }

    private static func time(_ item: Value) -> Timestamp {
        item["timestamp"]?.string.flatMap { Timestamp($0) } ?? Timestamp(seconds: 0)
    }
}
