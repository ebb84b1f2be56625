import API
import APIMachinery
import Support

@testable import Kubelet

/// A pod in some state, in few words. Times are seconds; now is 1000.
struct PodCase {
    static let now = Timestamp(seconds: 1000)

    var pod: Pod
    var memory = PodMemory()
    var verdicts: [String: ProbeVerdict] = [:]
    var isGone = false
    var isHeld = false
    var hasClaims = false
    var node = NodeAbilities()
    var sandboxes: [RuntimePod.Sandbox] = []
    var containers: [RuntimePod.Container] = []

    /// `containers` and `initial` by name; an initial one whose name ends with `*` is a sidecar.
    init(policy: String = "Always", initial: [String] = [], containers: [String] = ["a"]) {
        pod = Pod(namespace: "default", name: "web")
        pod.metadata.uid = "u1"
        pod.spec.restartPolicy = policy
        pod.spec.terminationGracePeriodSeconds = 30
        pod.spec.initContainers = initial.map { name in
            var container = Self.container(String(name.prefix { $0 != "*" }))
            if name.hasSuffix("*") { container.restartPolicy = "Always" }
            return container
        }
        pod.spec.containers = containers.map(Self.container)
    }

    private static func container(_ name: String) -> Container {
        Container(["name": .string(name), "image": "image"])
    }

    /// A sandbox of this attempt, `s<attempt>`.
    func sandbox(_ attempt: UInt32 = 0, isReady: Bool = true) -> PodCase {
        var copy = self
        copy.sandboxes.append(
            RuntimePod.Sandbox(
                id: "s\(attempt)", attempt: attempt, isReady: isReady, ips: isReady ? ["10.42.0.9"] : []))
        return copy
    }

    /// An instance, `<name><attempt>`: running, or ended with a code at a time.
    func instance(
        _ name: String, _ attempt: UInt32 = 0, in sandbox: String = "s0", exit: Int32? = nil,
        at end: Int64 = 1000,
        state: RuntimePod.Container.State? = nil, image: String = "image"
    ) -> PodCase {
        var copy = self
        var made = RuntimePod.Container(
            id: "\(name)\(attempt)", name: name, attempt: attempt, sandboxID: sandbox,
            state: state ?? (exit == nil ? .running : .exited), createdAt: Timestamp(seconds: Int64(attempt)))
        made.startedAt = Timestamp(seconds: 900)
        if let exit { (made.exitCode, made.finishedAt) = (exit, Timestamp(seconds: end)) }
        made.fingerprint = ContainerFingerprint.of(
            Container(["name": .string(name), "image": .string(image)]))
        copy.containers.append(made)
        return copy
    }

    func with(_ body: (inout PodCase) -> Void) -> PodCase {
        var copy = self
        body(&copy)
        return copy
    }

    func deleted(grace: Int = 30) -> PodCase {
        with {
            $0.pod.metadata.deletionTimestamp = Timestamp(seconds: 1030)
            $0.pod.metadata.deletionGracePeriodSeconds = grace
            $0.memory.endingSince = Self.now
        }
    }

    var facts: PodFacts {
        var facts = PodFacts(
            pod, isGone: isGone, runtime: RuntimePod(sandboxes: sandboxes, containers: containers),
            memory: memory,
            verdicts: verdicts, now: Self.now)
        facts.isHeld = isHeld
        facts.hasClaims = hasClaims
        facts.node = node
        return facts
    }

    var decision: PodDecision { PodDecision(facts) }

    /// The actions in words, and when to look again.
    var outcome: [String] {
        let decision = decision
        return decision.actions.map(\.words) + decision.backingOff.keys.sorted().map { "back-off \($0)" }
            + (decision.nextLook.map { ["look \($0.seconds)"] } ?? [])
    }

    var status: PodStatus {
        let facts = facts
        return PodReport(facts, PodDecision(facts), hostIPs: ["192.168.0.1"]).status
    }
}

extension PodDecision.Action {
    fileprivate var words: String {
        switch self {
        case .createSandbox(let attempt, let replaced):
            (["sandbox \(attempt)"] + (replaced.isEmpty ? [] : ["for " + replaced.joined(separator: ",")]))
                .joined(separator: " ")
        case .stopSandbox(let id): "stop \(id)"
        case .removeSandbox(let id): "remove \(id)"
        case .start(let name, let attempt): "start \(name) \(attempt)"
        case .stop(let stop): "\(stop.isAtOnce ? "kill" : "stop") \(stop.id) by \(stop.deadline.seconds)"
        case .reset(let ids): "reset \(ids.joined(separator: ","))"
        case .removeContainer(let id): "remove \(id)"
        case .resize(let plan): plan.words
        case .end(let end): "end \(end.phase) \(end.reason)".trimmed
        case .unprepareClaims: "unprepare"
        case .release: "release"
        case .forget: "forget"
        }
    }
}

extension String {
    fileprivate var trimmed: String { hasSuffix(" ") ? String(dropLast()) : self }
}

extension ProbeVerdict {
    /// A container that its probes want restarted.
    static let failing = ProbeVerdict(isStarted: true, isReady: false, shouldRestart: true, message: "failed")
    static let unready = ProbeVerdict(isStarted: true, isReady: false)
    static let notStarted = ProbeVerdict(isStarted: false, isReady: false)
}
