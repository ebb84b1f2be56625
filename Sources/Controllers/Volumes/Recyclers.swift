import API
import APIMachinery
import Client
import Support
import Synchronization

/// The pods that empty volumes: made, watched, and put away.
///
/// What happens to one is told about its volume as well: `kubectl describe` of the volume shows why it takes so long. The
/// events of the cluster are observed from the first such pod on.
final class Recyclers: Sendable {
    private struct State {
        /// The uid of the pod that was made for a volume, by the volume.
        var own: [String: String] = [:]
        /// The volume that a pod is about to empty.
        var subjects: [ObjectName: EventNote.Subject] = [:]
        var retries = RetrySchedule<String>(first: .seconds(15), longest: .seconds(300))
        var observation: (any Observation)?
        /// Whether what was told before has passed by.
        var isListening = false
    }

    private let context: ControllerContext
    private let rules: VolumeRecycling
    private let pods: any ObjectSet
    private let state = Mutex(State())

    init(_ context: ControllerContext, _ rules: VolumeRecycling, pods: any ObjectSet) {
        (self.context, self.rules, self.pods) = (context, rules, pods)
    }

    /// The volume whose pod this is.
    static func volume(of pod: ObjectName) -> String? {
        guard pod.name.hasPrefix(VolumeRecycling.prefix) else { return nil }
        return String(pod.name.dropFirst(VolumeRecycling.prefix.count))
    }

    func decision(for volume: PersistentVolume, users: [String]) -> RecycleDecision {
        let wanted = rules.pod(for: volume)
        let (own, pause) = state.withLock { [now = context.now()] state in
            (state.own[volume.metadata.name], state.retries.pause(volume.metadata.name, at: now))
        }
        return RecycleDecision(
            volume: volume, wanted: wanted, users: users, pod: wanted.flatMap { pods.get(Pod.self, $0.objectName) },
            own: own, pause: pause)
    }

    /// Makes the pod. Returns why there can be none, if so; whether it can be made another time, the API's answer says.
    func begin(_ pod: Pod, for volume: PersistentVolume) async throws(Status) -> ControllerNote? {
        try await listen()
        state.withLock { $0.subjects[pod.objectName] = EventNote.Subject(volume) }
        do throws(Status) {
            let made = try await context.client.create(pod)
            state.withLock { $0.own[volume.metadata.name] = made.metadata.uid }
            return nil
        } catch {
            let isForNow = error.isAlreadyExists || error.isConflict || error.code == 429 || error.code >= 500
            guard !isForNow else { throw error }
            failed(volume.metadata.name)
            return RecycleDecision.note(
                "Recycle failed: unexpected error creating recycler pod:  \(error.message)")
        }
    }

    /// Deletes the pod and forgets it.
    func put(away pod: Pod?, of volume: String) async throws(Status) {
        if let pod {
            do throws(Status) {
                let options = DeletionOptions(preconditionUID: pod.metadata.uid)
                try await context.client.delete(Pod.self, pod.objectName, options)
            } catch {
                // Another of its name.
                guard error.isConflict else { throw error }
            }
        }
        state.withLock { state in
            state.own[volume] = nil
            state.subjects = state.subjects.filter { $0.value.name.name != volume }
        }
    }

    /// The next try waits, longer each time.
    func failed(_ volume: String) {
        state.withLock { [now = context.now()] in $0.retries.tried(volume, at: now) }
    }

    /// The volume is gone, or shall not be emptied any more: nobody needs its pod.
    func lose(_ volume: String) async throws(Status) {
        let (own, names) = state.withLock { state in
            (state.own[volume], state.subjects.filter { $0.value.name.name == volume }.keys)
        }
        guard let own else { return }
        let pod = names.lazy.compactMap { [pods] in pods.get(Pod.self, $0) }.first { $0.metadata.uid == own }
        try await put(away: pod, of: volume)
    }

    func stop() {
        let observation = state.withLock { state in
            defer { state.observation = nil }
            return state.observation
        }
        observation?.cancel()
    }

    // MARK: What happens to the pods

    private func listen() async throws(Status) {
        guard state.withLock({ $0.observation == nil }) else { return }
        let events = try await context.client.observe(Event.self)
        let observation = events.observe { [self] change in
            if change.old == nil, let event = change.new { pass(on: event) }
        }
        let isSecond = state.withLock { state in
            guard state.observation == nil else { return true }
            (state.observation, state.isListening) = (observation, true)
            return false
        }
        if isSecond { observation.cancel() }
    }

    private func pass(on event: StoredObject) {
        let pod = ObjectName(
            namespace: event.text(at: "involvedObject", "namespace"), name: event.text(at: "involvedObject", "name"))
        guard let subject = state.withLock({ $0.isListening ? $0.subjects[pod] : nil }),
            event.text(at: "involvedObject", "kind") == Pod.kind
        else { return }
        let kind: EventNote.Kind = event.text(at: "type") == "Warning" ? .warning : .normal
        let message = "Recycler pod: \(event.text(at: "message"))"
        context.events.record(EventNote(subject, kind, reason: "RecyclerPod", message: message, at: context.now()))
    }
}
