import API

/// The probes of one container together: which may run, and what they say of it. Pure.
struct ContainerProbes: Hashable, Sendable {
    private let container: String
    private var states: [ProbeKind: ProbeState] = [:]
    private var gracePeriods: [ProbeKind: Int] = [:]

    /// `wasStarted` and `wasReady` tell what an earlier process found out about the same container.
    init(_ container: Container, wasStarted: Bool = false, wasReady: Bool = false) {
        self.container = container.name
        for kind in ProbeKind.allCases {
            guard let probe = kind.probe(of: container) else { continue }
            let isKnownGood = kind == .startup ? wasStarted : wasReady
            states[kind] = ProbeState(kind, ProbeSchedule(probe), isKnownGood: isKnownGood)
            gracePeriods[kind] = probe.terminationGracePeriodSeconds
        }
    }

    var kinds: [ProbeKind] { ProbeKind.allCases.filter { states[$0] != nil } }

    /// The schedule of a probe that may run now; `nil` when it has to wait for the container to start, or has
    /// nothing more to say.
    func schedule(ofRunnable kind: ProbeKind) -> ProbeSchedule? {
        guard let state = states[kind], !state.isFinished, kind == .startup || isStarted else { return nil }
        return state.schedule
    }

    /// A probe ran; says whether the verdict has changed.
    mutating func record(_ kind: ProbeKind, _ result: Bool) -> Bool {
        let before = verdict
        _ = states[kind]?.record(result)
        return verdict != before
    }

    var verdict: ProbeVerdict {
        let failed = [ProbeKind.startup, .liveness].first { states[$0]?.isSuccess == false }
        var verdict = ProbeVerdict(
            isStarted: isStarted, isReady: isStarted && states[.readiness]?.isSuccess ?? true)
        if let failed {
            verdict.shouldRestart = true
            verdict.message =
                "Container \(container) failed \(failed.rawValue.lowercased()) probe, will be restarted"
            verdict.terminationGracePeriod = gracePeriods[failed].map { .seconds(min($0, PodFacts.longestGrace)) }
        }
        return verdict
    }

    private var isStarted: Bool { states[.startup].map { $0.isSuccess == true } ?? true }
}
