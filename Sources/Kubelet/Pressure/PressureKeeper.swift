import API
import APIMachinery
import Client
import Host
import Logging
import Runtime
import Support
import Synchronization

/// Keeps the node from running out of memory, disk, inodes and processes: images that nobody uses go first, then pods,
/// one at a time.
///
/// It has no timer of its own: the node's keeper asks it at each of its looks.
final class PressureKeeper: Sendable {
    /// A pod that was evicted has this long to be gone before the next one is.
    private static let patience: Duration = .seconds(30)

    private struct State: Sendable {
        var decision: EvictionDecision
        /// Something is being done.
        var isBusy = false
        var nextCollection: Timestamp?
        var imagesFolder: String?
    }

    private let options: KubeletOptions
    private let service: any ImageService
    private let collector: ImageCollector
    private let context: PodContext
    private let amounts: NodeAmounts
    private let state: Mutex<State>

    init(_ options: KubeletOptions, _ context: PodContext, images: any ImageService, _ collector: ImageCollector) {
        self.options = options
        self.context = context
        self.collector = collector
        service = images
        let pods = (try? CgroupHierarchy.detect()).map { Cgroup(options.cgroupNames.path(["kubepods"]), in: $0) }
        amounts = NodeAmounts(root: options.layout.root, pods: pods)
        let thresholds = EvictionThreshold.all(options.evictionThresholds, options.enforcement)
        state = Mutex(
            State(
                decision: EvictionDecision(thresholds, transition: options.evictionTransition)))
    }

    /// The pressures of now. What must be done about them is begun, and done beside whoever asks.
    func look() async -> Set<NodePressure> {
        let folder = await imagesFolder()
        let present = amounts.read(images: folder)
        let now = Timestamp.sinceBoot
        // Images past their age go at the pace at which others would.
        let excess = excess(present) ?? options.imageLimits.maximumAge.map { _ in 0 }
        let (outcome, isDue, mayCollect) = state.withLock { state in
            let outcome = state.decision.look(present, now: now)
            let mayCollect = excess != nil && state.nextCollection.map { $0 <= now } ?? true
            let isDue = !state.isBusy && (outcome.urgent != nil || mayCollect)
            if isDue { state.isBusy = true }
            if isDue, mayCollect { state.nextCollection = now + options.imageLimits.pause }
            return (outcome, isDue, mayCollect)
        }
        if isDue {
            context.operations.start { [self] in
                if mayCollect, let excess { await makeRoom(excess) }
                if let urgent = outcome.urgent { await relieve(urgent) }
                state.withLock { $0.isBusy = false }
            }
        }
        context.admission.set(outcome.pressures)
        return outcome.pressures
    }

    private func imagesFolder() async -> String? {
        if let known = state.withLock(\.imagesFolder) { return known }
        let found = (try? await service.imageFilesystems())?.images.first?.filesystem.mountpoint
        guard let found, !found.isEmpty else { return nil }
        state.withLock { $0.imagesFolder = found }
        return found
    }

    // MARK: Images

    private func excess(_ amounts: [EvictionSignal: EvictionAmount]) -> Int64? {
        guard let disk = amounts[.imageDisk] else { return nil }
        return options.imageLimits.excess(capacity: disk.capacity, available: disk.available)
    }

    private func makeRoom(_ bytes: Int64) async {
        let node = Node(name: options.nodeName)
        do throws(Fault) {
            let freed = try await collector.collect(toFree: bytes)
            guard freed < bytes else { return }
            let message =
                "Failed to garbage collect required amount of images. Attempted to free \(bytes) bytes, but only found "
                + "\(freed) bytes eligible to free."
            context.events.record(node, .warning, reason: "FreeDiskSpaceFailed", message: message)
            context.events.record(node, .warning, reason: "ImageGCFailed", message: message)
        } catch {
            context.events.record(node, .warning, reason: "ImageGCFailed", message: error.forPeople)
        }
    }

    // MARK: Pods

    private func relieve(_ threshold: EvictionThreshold) async {
        context.events.record(
            Node(name: options.nodeName), .warning, reason: "EvictionThresholdMet",
            message: "Attempting to reclaim \(threshold.signal.resource)")
        if threshold.signal.pressure == .disk {
            do throws(Fault) { _ = try await collector.collect(toFree: nil) } catch {
                context.log.warning("cannot remove images: \(error.forPeople)")
            }
        }
        let folder = await imagesFolder()
        guard let amount = amounts.read(images: folder)[threshold.signal],
            threshold.isMet(by: amount, hasBegun: true), !isOneLeaving
        else { return }
        do throws(Fault) {
            let pods = try await PodUsages(context: context).measure(threshold.signal)
            guard let first = EvictionRank.first(of: pods, threshold.signal) else {
                return context.log.warning("nothing can be evicted though there is little \(threshold.signal.resource)")
            }
            evict(first.uid, EvictionRank.message(first, threshold, amount), threshold)
        } catch {
            context.log.warning("cannot see what pods use: \(error.forPeople)")
        }
    }

    /// Whether a pod that was evicted lately still gives its part back.
    private var isOneLeaving: Bool {
        context.table.records.contains { record in
            let memory = record.present.memory
            guard memory.end?.reason == PodEnd.evicted, !memory.isReleased else { return false }
            return memory.endingSince.map { (.zero..<Self.patience).contains(Timestamp.now - $0) } ?? true
        }
    }

    private func evict(_ uid: String, _ message: String, _ threshold: EvictionThreshold) {
        guard let record = context.table[uid], let pod = record.present.pod else { return }
        let own = Duration.seconds(min(max(pod.spec.terminationGracePeriodSeconds ?? 30, 1), PodFacts.longestGrace))
        let grace = threshold.gracePeriod == nil ? Duration.seconds(1) : min(own, options.evictionGracePeriod)
        context.end(
            uid,
            PodEnd(
                phase: "Failed", reason: PodEnd.evicted, message: message, gracePeriod: grace,
                note: PodEnd.Note(message: message), disruption: message))
    }
}

extension PodEnd {
    /// The reason of a pod that had to make room.
    static let evicted = "Evicted"
}
