import API
import APIMachinery
import Client
import Support

/// Asks the sources for what a metric of an autoscaler says, and reckons what it asks for.
struct MetricEvaluation: Sendable {
    typealias Outcome = AutoscalingDecision.Outcome

    let source: any MetricsSource
    let kinds: ResourceKinds
    let calculation: ReplicaCalculation
    let pods: PodSelection
    /// Pods there are, as the target's scale says.
    let present: Int

    /// What a metric amounts to, before it is put into the form of its kind.
    private struct Reading {
        var replicas: Int
        var name: String
        var current: Value
    }

    private struct Trouble: Error {
        var message: String
    }

    func outcome(of spec: MetricSpec) async -> Outcome {
        let (kind, key, about) = Self.form(spec)
        do throws(Trouble) {
            let reading = try await reading(spec)
            var details = about
            details["current"] = reading.current
            var status = MetricStatus(["type": .string(spec.type)])
            status.value[key] = details
            return .replicas(reading.replicas, name: reading.name, status)
        } catch {
            let what = spec.resource?.name ?? spec.containerResource?.name ?? spec.external?.metric.name
            let subject =
                switch spec.type {
                case "Resource": "\(what ?? "") resource metric"
                case "ContainerResource": "\(what ?? "") container metric"
                case "External": "\(what ?? "") external metric"
                case "Object": "object metric"
                default: "pods metric"
                }
            guard !kind.isEmpty else {
                return .failure(
                    reason: "InvalidMetricSourceType",
                    error: "unknown metric source type \"\(spec.type)\"")
            }
            return .failure(
                reason: "FailedGet\(kind)Metric", error: "failed to get \(subject) value: \(error.message)")
        }
    }

    /// How a kind of metric is called in reasons and in the status, and what its status repeats of its spec.
    private static func form(_ spec: MetricSpec) -> (kind: String, key: String, about: Value) {
        switch spec.type {
        case "Resource": ("Resource", "resource", pick(spec.resource?.value, ["name"]))
        case "ContainerResource":
            ("ContainerResource", "containerResource", pick(spec.containerResource?.value, ["name", "container"]))
        case "Pods": ("Pods", "pods", pick(spec.pods?.value, ["metric"]))
        case "Object": ("Object", "object", pick(spec.object?.value, ["metric", "describedObject"]))
        case "External": ("External", "external", pick(spec.external?.value, ["metric"]))
        default: ("", "", .emptyObject)
        }
    }

    private static func pick(_ value: Value?, _ keys: [String]) -> Value {
        var picked = Value.emptyObject
        for key in keys { picked[key] = value?[key] }
        return picked
    }

    // MARK: By kind

    private func reading(_ spec: MetricSpec) async throws(Trouble) -> Reading {
        if spec.type == "Resource", let metric = spec.resource {
            return try await resource(metric.name, nil, metric.target)
        }
        if spec.type == "ContainerResource", let metric = spec.containerResource {
            return try await resource(metric.name, metric.container, metric.target)
        }
        if spec.type == "Pods", let metric = spec.pods { return try await pods(metric) }
        if spec.type == "Object", let metric = spec.object { return try await object(metric) }
        if spec.type == "External", let metric = spec.external { return try await external(metric) }
        throw Trouble(message: "the metric says nothing")
    }

    private func resource(
        _ name: String, _ container: String?, _ target: MetricTarget
    ) async throws(Trouble) -> Reading {
        let samples = try await Self.asking {
            () throws(Status) in try await source.resource(name, of: pods, container: container)
        }
        if let average = Self.amount(target.averageValue) {
            let result = try Self.reckoning {
                () throws(ReplicaCalculation.Failure) in
                try calculation.average(samples, target: average, resource: name)
            }
            return Reading(
                replicas: result.replicas, name: "\(name) resource", current: ["averageValue": Self.text(result.average)])
        }
        guard let percent = target.averageUtilization else {
            throw Trouble(message: "the metric has neither an average utilization nor an average value to reach")
        }
        let result = try Self.reckoning {
            () throws(ReplicaCalculation.Failure) in
            try calculation.utilization(of: name, container: container, samples, target: percent)
        }
        return Reading(
            replicas: result.replicas, name: "\(name) resource utilization (percentage of request)",
            current: [
                "averageUtilization": .integer(Int64(result.percent)), "averageValue": Self.text(result.average),
            ])
    }

    private func pods(_ metric: PodsMetricSource) async throws(Trouble) -> Reading {
        let name = try Self.name(metric.metric)
        guard let target = Self.amount(metric.target.averageValue) else {
            throw Trouble(message: "the metric has no average value to reach")
        }
        let samples = try await Self.asking { () throws(Status) in try await source.pods(name, of: pods) }
        let result = try Self.reckoning {
            () throws(ReplicaCalculation.Failure) in try calculation.average(samples, target: target)
        }
        return Reading(
            replicas: result.replicas, name: "pods metric \(name.name)",
            current: ["averageValue": Self.text(result.average)])
    }

    private func object(_ metric: ObjectMetricSource) async throws(Trouble) -> Reading {
        let (name, described) = (try Self.name(metric.metric), metric.describedObject)
        let kind = GroupVersionKind(apiVersion: described.apiVersion, kind: described.kind)
        guard let resource = kinds.resource(of: kind) else {
            throw Trouble(message: "no matches for kind \"\(described.kind)\" in \"\(described.apiVersion)\"")
        }
        let namespace = kinds.isNamespaced(kind) ? pods.namespace : ""
        let object = MeasuredObject(resource, namespace: namespace, name: described.name)
        let value: Int64
        do throws(Trouble) {
            value = try await Self.asking { () throws(Status) in try await source.object(name, of: object) }
        } catch {
            let place = "\(described.kind) on \(pods.namespace) \(described.name)"
            throw Trouble(message: "unable to get metric \(name.name): \(place)/\(error.message)")
        }
        return try single(
            value, metric.target, whole: "\(described.kind) metric \(name.name)", shared: "external metric \(name.name)")
    }

    private func external(_ metric: ExternalMetricSource) async throws(Trouble) -> Reading {
        let name = try Self.name(metric.metric)
        let values = try await Self.asking {
            () throws(Status) in try await source.external(name, in: pods.namespace)
        }
        let text = "external metric \(name.name)(\(name.selector))"
        return try single(values.saturatingSum, metric.target, whole: text, shared: text)
    }

    /// One value for all pods: to be reached as it is, or shared among them.
    private func single(
        _ value: Int64, _ target: MetricTarget, whole: String, shared: String
    ) throws(Trouble) -> Reading {
        if let total = Self.amount(target.valueText) {
            let replicas = try Self.reckoning {
                () throws(ReplicaCalculation.Failure) in try calculation.total(value, target: total)
            }
            return Reading(replicas: replicas, name: whole, current: ["value": Self.text(value)])
        }
        guard let average = Self.amount(target.averageValue) else {
            throw Trouble(message: "the metric has neither a value nor an average value to reach")
        }
        let result = calculation.share(value, target: average, present: present)
        return Reading(
            replicas: result.replicas, name: shared, current: ["averageValue": Self.text(result.average)])
    }

    // MARK: Helpers

    private static func asking<Answer>(
        _ body: () async throws(Status) -> Answer
    ) async throws(Trouble) -> Answer {
        do throws(Status) {
            return try await body()
        } catch {
            throw Trouble(message: error.message)
        }
    }

    private static func reckoning<Answer>(
        _ body: () throws(ReplicaCalculation.Failure) -> Answer
    ) throws(Trouble) -> Answer {
        do throws(ReplicaCalculation.Failure) {
            return try body()
        } catch {
            throw Trouble(message: error.message)
        }
    }

    private static func name(_ metric: MetricIdentifier) throws(Trouble) -> MetricName {
        guard let selector = metric.selector else { return MetricName(metric.name) }
        do throws(Status) {
            return MetricName(metric.name, selector: try LabelSelector.of(selector).description)
        } catch {
            throw Trouble(message: error.message)
        }
    }

    private static func amount(_ text: String?) -> Int64? { text.flatMap { try? Quantity($0) }?.milliValue }

    private static func text(_ milliValue: Int64) -> Value { Quantity(milli: milliValue).json }
}
