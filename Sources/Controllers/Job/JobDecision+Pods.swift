import API
import APIMachinery
import Support

// Which pods are too many, and which are missing.
extension JobDecision {
    enum Supply: Hashable, Sendable {
        case enough
        case create([NewPod])
        /// The next pod is due then.
        case wait(Duration)
    }

    /// How many pods shall run.
    private var wanted: Int {
        guard !job.isSuspended else { return 0 }
        let most = max(0, job.spec.parallelism ?? 1)
        guard let completions = job.spec.completions else {
            // After the first success nobody is replaced, and nobody is disturbed.
            return census.succeeded > 0 ? census.active.count : most
        }
        return min(most, max(0, completions - census.succeeded))
    }

    /// Active pods that nobody needs, the least valuable first.
    var surplus: [Pod] {
        let ranking = PodRanking(podsPerNode: [:], now: now)
        let ranked = ranking.leastValuableFirst(census.active.map(\.pod))
        guard job.isIndexed else { return Array(ranked.prefix(min(Self.most, max(0, ranked.count - wanted)))) }
        let indexes = Dictionary(census.active.map { ($0.uid, $0.index) }) { first, _ in first }
        var (kept, spared): ([Pod], [Pod]) = ([], [])
        var taken: Set<Int> = []
        // Of several with one index the most valuable stays.
        for pod in ranked.reversed() {
            if let index = indexes[pod.metadata.uid] ?? nil, !census.completedIndexes.contains(index),
                taken.insert(index).inserted
            {
                kept.append(pod)
            } else {
                spared.append(pod)
            }
        }
        let rest = kept.reversed().prefix(max(0, kept.count - wanted))
        return Array((spared.reversed() + rest).prefix(Self.most))
    }

    /// The pods that are missing, if it is time for them.
    var supply: Supply {
        let leaving = job.replacesOnlyFailedPods ? census.terminating.count : 0
        let missing = min(Self.most, wanted - census.active.count - leaving)
        guard missing > 0 else { return .enough }
        guard job.spec.backoffLimitPerIndex != nil else {
            let delay = JobBackOff.remaining(census.pods, at: now)
            guard delay == .zero else { return .wait(delay) }
            guard job.isIndexed else { return .create(Array(repeating: NewPod(), count: missing)) }
            return supply(pendingIndexes(missing).map { NewPod(index: $0) }, nil)
        }
        let failures = census.lastFailures
        var (due, delays): ([NewPod], [Duration]) = ([], [])
        for index in pendingIndexes(missing) {
            let last = failures[index]
            let delay = last.map { JobBackOff.remaining(after: $0, at: now) } ?? .zero
            if delay == .zero { due.append(NewPod(index: index, predecessor: last)) } else { delays.append(delay) }
        }
        return supply(due, delays.min())
    }

    private func supply(_ pods: [NewPod], _ delay: Duration?) -> Supply {
        if !pods.isEmpty { return .create(pods) }
        return delay.map { .wait($0) } ?? .enough
    }

    private func pendingIndexes(_ count: Int) -> [Int] {
        census.takenIndexes.missing(count, below: job.spec.completions ?? 0)
    }

    // MARK: - New pods

    /// A pod made from the job's template.
    func pod(_ new: NewPod) -> Pod {
        var pod = Pod(template: job.spec.template, of: job)
        pod.metadata.finalizers = pod.metadata.finalizers.filter { $0 != JobNames.trackingFinalizer }
        pod.metadata.finalizers.append(JobNames.trackingFinalizer)
        guard let index = new.index else { return pod }
        pod.metadata.annotations[JobNames.completionIndex] = String(index)
        pod.metadata.labels[JobNames.completionIndex] = String(index)
        pod.spec.hostname = "\(job.metadata.name)-\(index)"
        // The index survives when a long name is cut.
        let suffix = "-\(index)-"
        pod.metadata.generateName = job.metadata.name.prefix(58 - suffix.count) + suffix
        pod.spec.containers = pod.spec.containers.map(Self.knowingIndex)
        pod.spec.initContainers = pod.spec.initContainers.map(Self.knowingIndex)
        if job.spec.backoffLimitPerIndex != nil { inherit(&pod, from: new.predecessor) }
        return pod
    }

    private static func knowingIndex(_ container: Container) -> Container {
        guard !container.env.contains(where: { $0.name == JobNames.indexVariable }) else { return container }
        var container = container
        let path = "metadata.labels['\(JobNames.completionIndex)']"
        container.env.append(
            EnvVar([
                "name": .string(JobNames.indexVariable), "valueFrom": ["fieldRef": ["fieldPath": .string(path)]],
            ]))
        return container
    }

    /// How often pods of the index failed goes from pod to pod.
    private func inherit(_ pod: inout Pod, from predecessor: JobPod?) {
        var (failures, ignored) = (0, 0)
        if let predecessor {
            (failures, ignored) = (predecessor.indexFailures, predecessor.indexIgnoredFailures)
            if job.verdict(on: predecessor.pod).isCounted { failures += 1 } else { ignored += 1 }
        }
        pod.metadata.annotations[JobNames.indexFailures] = String(failures)
        if ignored > 0 { pod.metadata.annotations[JobNames.indexIgnoredFailures] = String(ignored) }
    }
}
