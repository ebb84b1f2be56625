import API
import APIMachinery

/// How a pod will fare on its node: drawn when the node first sees it.
struct PodPlan: Hashable, Sendable {
    /// From being seen to running: images, sandbox, containers.
    var start: Duration
    /// From running to ready.
    var warmUp: Duration
    /// From running to its end; `nil` when it runs for ever.
    var life: Duration?
    /// Each time it ends, with what code; the last one again and again.
    var exitCodes: [Int]
    /// From being told to stop to its end, if its grace lasts so long.
    var stop: Duration

    /// Annotations of a pod that say how it fares; the rest is chance.
    enum Wish {
        /// Seconds that the pod runs.
        static let life = "simulation/life"
        /// How it ends: `0,1`.
        static let exitCodes = "simulation/exit-codes"
    }

    init(for pod: Pod, _ dice: Dice) {
        let wishes = pod.metadata.annotations
        start = dice.span(.milliseconds(100) ... .seconds(dice.happens(0.05) ? 60 : 3))
        warmUp = dice.span(.zero ... .seconds(dice.happens(0.1) ? 30 : 2))
        stop = dice.span(.zero ... .seconds(dice.happens(0.1) ? 90 : 2))
        let isForGood = pod.spec.restartPolicy == "Always"
        life = wishes[Wish.life].flatMap { Int($0) }.map { .seconds($0) }
        if life == nil { life = isForGood ? nil : dice.span(.seconds(1) ... .seconds(60)) }
        if isForGood, dice.happens(0.03) { life = dice.span(.seconds(5) ... .seconds(120)) }
        exitCodes = (wishes[Wish.exitCodes] ?? "").split(separator: ",").compactMap { Int($0) }
        if exitCodes.isEmpty { exitCodes = [dice.happens(0.25) ? 1 : 0, dice.happens(0.1) ? 1 : 0, 0] }
    }

    func exitCode(_ run: Int) -> Int { exitCodes[min(run, exitCodes.count - 1)] }
}
