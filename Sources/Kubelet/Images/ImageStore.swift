import API
import APIMachinery
import Client
import Logging
import Runtime
import Support
import Synchronization

/// Brings the images of containers to the node.
///
/// ``prepare(_:of:config:)`` never waits for a network: it says that the image is here, or why it is not,
/// and the pod is looked at again when that changes.
final class ImageStore: Sendable {
    enum Answer: Sendable {
        case ready(CRI.Image)
        /// The container waits with this reason.
        case hold(PodMemory.Hold)
    }

    /// What is wanted, and for what.
    struct Want: Sendable {
        /// The container, or `<container>/<volume>` for a volume of it.
        var name: String
        /// As the pod names it.
        var image: String
        var policy: String
    }

    /// A pull that waits for its turn.
    private struct Pull: Sendable {
        var key: ImageDesk.Key
        var config: CRI.PodSandboxConfig
        var reference: ImageReference
        /// What the pod brought, in the order in which it is tried.
        var credentials: [RegistryCredentials.Match]
        /// For which plug-ins of the node are asked.
        var pod: Pod
        var askedAt: ContinuousClock.Instant
    }

    private let service: any ImageService
    private let client: any Client
    private let events: EventRecorder
    private let operations: Operations
    private let desk = Mutex(ImageDesk())
    private let line: Mutex<PullLine<Pull>>
    private let options: KubeletOptions
    private let records: PulledRecords
    private let providers: CredentialProviders
    private let wake: @Sendable (_ podUID: String) -> Void
    /// The images of the node have changed.
    private let changed: @Sendable () -> Void

    init(
        _ service: any ImageService, client: any Client, events: EventRecorder, operations: Operations,
        _ options: KubeletOptions, _ records: PulledRecords, _ providers: CredentialProviders,
        wake: @escaping @Sendable (_ podUID: String) -> Void, changed: @escaping @Sendable () -> Void
    ) {
        self.service = service
        self.client = client
        self.events = events
        self.operations = operations
        line = Mutex(PullLine(options.pullLimits))
        self.options = options
        self.records = records
        self.providers = providers
        self.wake = wake
        self.changed = changed
    }

    /// Mounts the files of an image that is here; see ``Runtime/ImageService/mountImage(_:at:)``.
    func mount(_ id: String, at path: String) async throws(Fault) -> Bool {
        try await service.mountImage(id, at: path)
    }

    /// Whether an image is here and may be used, by its pull policy.
    func prepare(
        _ container: Want, of pod: Pod, fieldPath: String, config: CRI.PodSandboxConfig
    ) async throws(Fault) -> Answer {
        let note = Note(pod: pod, fieldPath: fieldPath, events: events)
        guard let reference = ImageReference(container.image) else {
            let message =
                "Failed to apply default image tag \"\(container.image)\": couldn't parse image name "
                + "\"\(container.image)\": invalid reference format"
            note(.warning, "InspectFailed", message)
            note(.warning, "Failed", "Error: InvalidImageName")
            return .hold(
                PodMemory.Hold(reason: "InvalidImageName", message: message, until: .now + PodMemory.Hold.longest))
        }
        let spec = CRI.ImageSpec(reference.description)
        let present = try await service.imageStatus(spec)
        var mustAsk = false
        if let present, container.policy != "Always" {
            mustAsk = await mustVerify(present, reference, pod, note)
        }
        switch (container.policy, present) {
        // An image that the pod may not use is as if it were not there.
        case ("Never", _) where present == nil || mustAsk:
            let message = "Container image \"\(container.image)\" is not present with pull policy of Never"
            note(.warning, "ErrImageNeverPull", message)
            note(.warning, "Failed", "Error: ErrImageNeverPull")
            return .hold(
                PodMemory.Hold(reason: "ErrImageNeverPull", message: message, until: .now + .seconds(10)))
        case (_, _?) where mustAsk:
            // The registry says whether the pod may use it.
            return try await pull(reference, container, pod, config, note)
        case ("Never", let image?), ("IfNotPresent", let image?), ("", let image?):
            // A pull that has just ended is told as such, not as an image that was here all the time.
            let wish = ImageDesk.Wish(podUID: pod.metadata.uid, container: container.name)
            if let answer = desk.withLock({ $0.news(wish) }) {
                return try await ended(answer, reference, container, note)
            }
            note(
                .normal, "Pulled",
                "Container image \"\(container.image)\" already present on machine and can be accessed by "
                    + "the pod"
            )
            return .ready(image)
        default:
            return try await pull(reference, container, pod, config, note)
        }
    }

    /// Whether the container, or a volume of it, waits for a pull that has not ended.
    func isPulling(for podUID: String, _ container: String) -> Bool {
        desk.withLock { $0.isWaiting(podUID: podUID, container) }
    }

    /// The pod is gone.
    func forget(podUID: String) { desk.withLock { $0.forget(podUID: podUID) } }

    // MARK: Pulling

    private func pull(
        _ reference: ImageReference, _ container: Want, _ pod: Pod, _ config: CRI.PodSandboxConfig,
        _ note: Note
    ) async throws(Fault) -> Answer {
        let own = await credentials(of: pod, note).matches(reference)
        let key = ImageDesk.Key(
            image: reference.description, auths: own.map(\.config), account: providers.account(of: pod, for: reference))
        let wish = ImageDesk.Wish(podUID: pod.metadata.uid, container: container.name)
        switch desk.withLock({ $0.ask(wish, key, now: .now) }) {
        case .pull:
            note(.normal, "Pulling", "Pulling image \"\(container.image)\"")
            let pull = Pull(
                key: key, config: config, reference: reference, credentials: own, pod: pod, askedAt: .now)
            line.withLock { $0.add(pull) }
            startThoseDue()
            return .hold(.beingPulled)
        case .wait:
            return .hold(.beingPulled)
        case .ended(let outcome):
            return try await ended(outcome, reference, container, note)
        case .later(let until, let why):
            let message = "Back-off pulling image \"\(container.image)\""
            note(.normal, "BackOff", message)
            note(.warning, "Failed", "Error: ImagePullBackOff")
            return .hold(
                PodMemory.Hold(
                    reason: "ImagePullBackOff", message: "\(message): ErrImagePull: \(why)", until: until))
        }
    }

    private func ended(
        _ outcome: ImageDesk.Outcome, _ reference: ImageReference, _ container: Want, _ note: Note
    ) async throws(Fault) -> Answer {
        switch outcome {
        case .pulled(_, let took, let withWaiting):
            guard let image = try await service.imageStatus(CRI.ImageSpec(reference.description)) else {
                throw Fault(.notFound, "the image \(container.image) went away right after it was pulled")
            }
            let (time, whole) = (
                GoDuration.format(took.inMilliseconds), GoDuration.format(withWaiting.inMilliseconds)
            )
            note(
                .normal, "Pulled",
                "Successfully pulled image \"\(container.image)\" in \(time) (\(whole) including waiting). "
                    + "Image size: \(image.size) bytes.")
            return .ready(image)
        case .failed(let why):
            note(.warning, "Failed", "Failed to pull image \"\(container.image)\": \(why)")
            note(.warning, "Failed", "Error: ErrImagePull")
            // The next look finds the back-off.
            return .hold(PodMemory.Hold(reason: "ErrImagePull", message: why, until: .now + .seconds(1)))
        }
    }

    /// Begins the pulls whose turn it is. What time alone lets begin is looked at again then.
    private func startThoseDue(isPlanned: Bool = false) {
        let turn = line.withLock { $0.turn(now: .sinceBoot, isPlanned: isPlanned) }
        for pull in turn.begin { start(pull) }
        guard let pause = turn.lookAfter else { return }
        operations.start { [self] in
            try? await Task.sleep(for: pause)
            if !Task.isCancelled { startThoseDue(isPlanned: true) }
        }
    }

    private func start(_ pull: Pull) {
        operations.start { [self] in
            await run(pull)
            line.withLock { $0.end() }
            startThoseDue()
        }
    }

    private func run(_ pull: Pull) async {
        let key = pull.key
        // The pods that wanted it may have gone while it waited.
        guard !desk.withLock({ $0.abandon(key) }) else { return }
        let began = ContinuousClock.now
        let outcome: ImageDesk.Outcome
        var (imageRef, source) = (String?.none, PulledRecord.Source?.none)
        records.begin(key.image)
        do throws(Fault) {
            let (id, by) = try await bring(pull)
            let now = ContinuousClock.now
            (imageRef, source) = (id, by)
            outcome = .pulled(reference: id, took: now - began, withWaiting: now - pull.askedAt)
        } catch {
            outcome = .failed(error.forPeople)
        }
        records.end(key.image, name: pull.reference.untagged, imageRef: imageRef, source, now: .now)
        let pods = desk.withLock { $0.end(key, outcome, now: .now) }
        changed()
        for pod in pods { wake(pod) }
    }

    /// Pulls with what the pod brought, then with what plug-ins of the node give, until it works: in Kubernetes' order, but
    /// plug-ins are asked only when they are needed. Who has nothing to show pulls without.
    private func bring(_ pull: Pull) async throws(Fault) -> (id: String, source: PulledRecord.Source?) {
        var failures: [Fault] = []
        for credential in pull.credentials {
            do throws(Fault) { return (try await pullImage(pull, credential.config), credential.source) } catch {
                failures.append(error)
            }
        }
        for credential in await providers.credentials(for: pull.reference, of: pull.pod) {
            do throws(Fault) { return (try await pullImage(pull, credential.config), credential.source) } catch {
                failures.append(error)
            }
        }
        guard let first = failures.first else { return (try await pullImage(pull, nil), nil) }
        var texts: [String] = []
        for text in failures.map(\.forPeople) where !texts.contains(text) { texts.append(text) }
        throw texts.count == 1 ? first : Fault(first.code, "[" + texts.joined(separator: ", ") + "]")
    }

    private func pullImage(_ pull: Pull, _ auth: CRI.AuthConfig?) async throws(Fault) -> String {
        try await service.pullImage(CRI.ImageSpec(pull.key.image), auth: auth, sandboxConfig: pull.config)
    }

    /// Whether the registry must be asked if the pod may use an image that is here (KEP 2535).
    private func mustVerify(
        _ image: CRI.Image, _ reference: ImageReference, _ pod: Pod, _ note: Note
    ) async -> Bool {
        let name = reference.untagged
        let wasPulled = records.wasPulled(image.id, as: reference.description)
        guard options.credentialPolicy.verifies(name, wasPulled: wasPulled, list: options.imagesForAll) else {
            return false
        }
        guard let record = records.record(image.id) else { return true }
        if record.verdict(name, []) == .allowed { return false }
        let sources = await credentials(of: pod, note).matches(reference).compactMap(\.source)
        if records.allows(image.id, name, sources, now: .now) { return false }
        guard record.access[name]?.accounts.isEmpty == false else { return true }
        // Kubernetes also runs the plug-in, and believes the account only when it gives something.
        return !records.allows(image.id, name, await providers.accounts(of: pod, for: reference), now: .now)
    }

    private func credentials(of pod: Pod, _ note: Note) async -> RegistryCredentials {
        var credentials = RegistryCredentials()
        for reference in pod.spec.imagePullSecrets where !reference.name.isEmpty {
            let name = ObjectName(namespace: pod.objectName.namespace, name: reference.name)
            do throws(Status) {
                credentials.add(try await client.get(Secret.self, name))
            } catch {
                note(
                    .warning, "FailedToRetrieveImagePullSecret",
                    "Unable to retrieve some image pull secrets (\(reference.name)); "
                        + "attempting to pull the image may not succeed.")
            }
        }
        return credentials
    }
}

/// Tells about a container of a pod.
private struct Note: Sendable {
    let pod: Pod
    let fieldPath: String
    let events: EventRecorder

    func callAsFunction(_ kind: EventNote.Kind, _ reason: String, _ message: String) {
        events.record(pod, kind, reason: reason, message: message, fieldPath: fieldPath)
    }
}

extension PodMemory.Hold {
    /// What a container says while its image comes is what it says before everything else.
    fileprivate static let beingPulled = PodMemory.Hold(reason: "", message: "", until: nil)
}

extension Duration {
    /// Cut off to what a person wants to read.
    var inMilliseconds: Duration {
        let (seconds, attoseconds) = components
        return .seconds(seconds) + .milliseconds(attoseconds / 1_000_000_000_000_000)
    }
}

extension Fault {
    /// The whole story in one line, innermost cause included.
    var forPeople: String { cause.map { "\(summary): \($0)" } ?? summary }

    /// With the whole story as its summary.
    var told: Fault { Fault(code, forPeople) }
}
