import API
import APIMachinery
import Support

/// How many replicas one metric asks for: as many as bring its value to the target, unless it is near enough
/// (Kubernetes documentation, "Horizontal Pod Autoscaling", "Algorithm details").
///
/// Pure. Values are in thousandths.
struct ReplicaCalculation: Sendable {
    /// How far from the target a value may be, as parts of the target.
    struct Tolerance: Hashable, Sendable {
        var up = 0.1
        var down = 0.1

        func contains(_ ratio: Double) -> Bool { 1 - down <= ratio && ratio <= 1 + up }
    }

    /// Why a metric asks for nothing, in words for people.
    struct Failure: Error, Hashable {
        var message: String
    }

    let pods: [Pod]
    let tolerance: Tolerance
    /// What the target's scale asks for now.
    let current: Int
    let now: Timestamp
    var options = AutoscalerOptions()

    // MARK: What pods use of what they request

    struct Utilization: Hashable {
        var replicas: Int
        var percent: Int
        var average: Int64
    }

    func utilization(
        of resource: String, container: String?, _ samples: [String: PodSample], target: Int
    ) throws(Failure) -> Utilization {
        let sampled = try sampled(samples, isCPU: resource == "cpu")
        let requests = try requests(of: resource, container: container)
        let present = try Self.usage(sampled.samples, requests)
        let replicas = try replicas(sampled, ratio: Self.ratio(present.percent, target)) { values throws(Failure) in
            Self.ratio(try Self.usage(values, requests).percent, target)
        } whenMissing: { name in
            // What was not measured is assumed to use all that it may.
            let whole = (requests[name] ?? 0).multipliedReportingOverflow(by: Int64(max(100, target)))
            return whole.overflow ? Int64.max / 100 : whole.partialValue / 100
        }
        return Utilization(replicas: replicas, percent: present.percent, average: present.average)
    }

    private func requests(of resource: String, container: String?) throws(Failure) -> [String: Int64] {
        var requests: [String: Int64] = [:]
        for pod in pods {
            if container == nil, let own = Self.request(pod.value.at("spec", "resources"), resource) {
                requests[pod.metadata.name] = own
                continue
            }
            let lasting = pod.spec.initContainers.filter { $0.restartPolicy == "Always" } + pod.spec.containers
            var total: Int64 = 0
            for item in lasting where container == nil || item.name == container {
                guard let amount = Self.request(item.value["resources"], resource) else {
                    throw Failure(
                        message: "missing request for \(resource) in container \(item.name) of Pod \(pod.metadata.name)")
                }
                total = [total, amount].saturatingSum
            }
            requests[pod.metadata.name] = total
        }
        return requests
    }

    private static func request(_ resources: Value?, _ name: String) -> Int64? {
        resources?.at("requests", name).flatMap { try? Quantity(json: $0) }?.milliValue
    }

    private static func usage(
        _ samples: [String: Int64], _ requests: [String: Int64]
    ) throws(Failure) -> (percent: Int, average: Int64) {
        let known = samples.filter { requests[$0.key] != nil }
        let used = known.values.saturatingSum
        let requested = known.keys.compactMap { requests[$0] }.saturatingSum
        guard requested > 0 else { throw Failure(message: "no metrics returned matched known pods") }
        let percent = Int128(used) * 100 / Int128(requested)
        return (Int(Int32(clamping: percent)), used / Int64(max(1, known.count)))
    }

    // MARK: A value for each pod

    func average(
        _ samples: [String: PodSample], target: Int64, resource: String? = nil
    ) throws(Failure) -> (replicas: Int, average: Int64) {
        let sampled = try sampled(samples, isCPU: resource == "cpu")
        func average(_ values: [String: Int64]) -> Int64 { values.values.saturatingSum / Int64(max(1, values.count)) }
        func ratio(_ value: Int64) -> Double { Double(value) / Double(max(1, target)) }
        let present = average(sampled.samples)
        let replicas = try replicas(sampled, ratio: ratio(present)) { values throws(Failure) in
            ratio(average(values))
        } whenMissing: { _ in
            target
        }
        return (replicas, present)
    }

    // MARK: One value for all

    func total(_ value: Int64, target: Int64) throws(Failure) -> Int {
        let ratio = Double(value) / Double(max(1, target))
        guard current != 0 else { return Self.count(ratio) }
        if tolerance.contains(ratio) { return current }
        guard !pods.isEmpty else { throw .noPods }
        return Self.count(ratio * Double(pods.count { $0.status.phase == "Running" && $0.isReady }))
    }

    /// - Parameter present: How many pods there are, as the target's scale says.
    func share(_ value: Int64, target: Int64, present: Int) -> (replicas: Int, average: Int64) {
        let average = present > 0 ? Int64((Double(value) / Double(present)).rounded(.up).clamped) : value
        let ratio = present > 0 ? Double(value) / (Double(max(1, target)) * Double(present)) : .infinity
        if tolerance.contains(ratio) { return (present, average) }
        return (Self.count(Double(value) / Double(max(1, target))), average)
    }

    // MARK: Helpers

    private func sampled(_ samples: [String: PodSample], isCPU: Bool) throws(Failure) -> SampledPods {
        guard !pods.isEmpty else { throw .noPods }
        let sampled = SampledPods(pods, samples, isCPU: isCPU, at: now, options)
        guard !sampled.samples.isEmpty else {
            throw Failure(message: "did not receive metrics for targeted pods (pods might be unready)")
        }
        return sampled
    }

    /// What is not known is assumed to speak against the change, and never turns it round.
    private func replicas(
        _ sampled: SampledPods, ratio: Double, again: ([String: Int64]) throws(Failure) -> Double,
        whenMissing: (String) -> Int64
    ) throws(Failure) -> Int {
        let isGrowingUnready = !sampled.unready.isEmpty && ratio > 1
        guard isGrowingUnready || !sampled.missing.isEmpty else {
            return tolerance.contains(ratio) ? current : Self.count(ratio * Double(sampled.readyCount))
        }
        var values = sampled.samples
        if ratio != 1 {
            for name in sampled.missing { values[name] = ratio < 1 ? whenMissing(name) : 0 }
        }
        if isGrowingUnready {
            for name in sampled.unready { values[name] = 0 }
        }
        let new = try again(values)
        if tolerance.contains(new) || (ratio < 1 && new > 1) || (ratio > 1 && new < 1) { return current }
        let replicas = Self.count(new * Double(values.count))
        let isTurned = (new < 1 && replicas > current) || (new > 1 && replicas < current)
        return isTurned ? current : replicas
    }

    private static func ratio(_ percent: Int, _ target: Int) -> Double { Double(percent) / Double(max(1, target)) }

    /// Rounded up, and no more than a scale can say.
    private static func count(_ number: Double) -> Int { Int(Int32(clamping: number.rounded(.up).clamped)) }
}

extension ReplicaCalculation.Failure {
    fileprivate static let noPods = Self(message: "no pods returned by selector while calculating replica count")
}

extension Double {
    /// The whole number next to zero, within 62 bits.
    fileprivate var clamped: Int64 { isNaN ? 0 : Int64(min(max(self, -4e18), 4e18)) }
}

extension Sequence<Int64> {
    /// Numbers come from users and from measuring: what is beyond 64 bits stays at the end of them.
    var saturatingSum: Int64 {
        reduce(0) { total, next in
            let sum = total.addingReportingOverflow(next)
            return sum.overflow ? (next < 0 ? .min : .max) : sum.partialValue
        }
    }
}
