import API
import Support

/// How long pods are given to end when the machine goes down (`shutdownGracePeriod`,
/// `shutdownGracePeriodCriticalPods`, `shutdownGracePeriodByPodPriority`; Kubernetes documentation, "Node Shutdowns").
public struct ShutdownPeriods: Hashable, Sendable {
    /// Pods of at least this priority, up to that of the next one, have this long.
    public struct Period: Hashable, Sendable {
        public var priority: Int
        public var seconds: Int

        public init(priority: Int, seconds: Int) {
            self.priority = priority
            self.seconds = seconds
        }
    }

    /// The lowest priority first: those pods go first. Empty where the machine waits for nobody.
    public let periods: [Period]

    /// For nobody.
    public static let none = ShutdownPeriods([])

    public init(_ periods: [Period]) { self.periods = periods.sorted { $0.priority < $1.priority } }

    /// Of `whole`, the last `critical` are for critical pods.
    public init(whole: Duration, critical: Duration) {
        guard whole > .zero, critical <= whole else {
            self = .none
            return
        }
        self.init([
            Period(priority: 0, seconds: Int(clamping: (whole - critical).components.seconds)),
            Period(priority: Pod.systemCriticalPriority, seconds: Int(clamping: critical.components.seconds)),
        ])
    }

    /// As long as the machine is to wait for all of them.
    public var whole: Duration {
        let seconds = periods.reduce(Int128(0)) { $0 + Int128($1.seconds) }
        return .seconds(Int64(min(seconds, Int128(PodFacts.longestGrace))))
    }

    /// Which of the periods is that of a pod: those below all of them go with the first.
    func index(ofPriority priority: Int) -> Int? {
        periods.isEmpty ? nil : periods.lastIndex { $0.priority <= priority } ?? 0
    }
}

extension PodEnd {
    /// The machine goes down; the pod has `seconds` to end, or what it says itself where that is less.
    static func shutdown(_ pod: Pod, seconds: Int) -> PodEnd {
        let message = "Pod was terminated in response to imminent node shutdown."
        let own = pod.spec.terminationGracePeriodSeconds ?? seconds
        return PodEnd(
            phase: "Failed", reason: "Terminated", message: message,
            gracePeriod: .seconds(min(max(min(own, seconds), 0), PodFacts.longestGrace)), disruption: message)
    }

    /// A machine that goes down takes no pod any more.
    static let refusedByShutdown = refused("NodeShutdown", "Pod was rejected as the node is shutting down.")
}
