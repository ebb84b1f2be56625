import API
import APIMachinery

/// How far a rollout may stray from the number of replicas that is asked for, in pods.
struct RollingLimits: Hashable, Sendable {
    var replicas: Int
    /// So many more may exist.
    var surge: Int
    /// So many may be missing.
    var unavailable: Int

    init(_ spec: DeploymentSpec) {
        replicas = spec.replicas ?? 1
        guard spec.strategy.type != "Recreate" else {
            (surge, unavailable) = (0, 0)
            return
        }
        let update = spec.strategy.rollingUpdate ?? RollingUpdateDeployment()
        surge = Self.count(update.maxSurge, of: replicas, roundingUp: true)
        unavailable = Self.count(update.maxUnavailable, of: replicas, roundingUp: false)
        // Percentages of few replicas may both round to nothing; then nothing could ever move.
        if surge == 0, unavailable == 0 { unavailable = 1 }
        unavailable = min(unavailable, replicas)
    }

    var most: Int { replicas + surge }
    var least: Int { replicas - unavailable }

    /// Absent means the default, a quarter. Validation kept anything else out.
    private static func count(_ value: Value?, of replicas: Int, roundingUp: Bool) -> Int {
        let amount = value.flatMap { IntOrString(json: $0) } ?? .string("25%")
        do throws(IntOrString.ScaleError) {
            return max(0, try amount.scaled(of: replicas, roundingUp: roundingUp))
        } catch {
            return 0
        }
    }
}
