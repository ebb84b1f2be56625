import APIMachinery
import Synchronization

/// How reliable the ways to the API are. The seed decides each request's fate.
final class Weather: Sendable {
    /// What is asked for: what is created meets no other version of itself.
    enum Request {
        case read, create, change
    }

    /// What happens to one request.
    enum Fate {
        case good
        /// It takes its time on the way there and back.
        case slow(there: Duration, back: Duration)
        /// It never arrives.
        case refused(Status)
        /// It arrives and takes effect; the answer does not come back.
        case unanswered(Status)
    }

    /// How often, 0 ... 1.
    struct Chances: Hashable {
        var slow = 0.0
        var refused = 0.0
        var unanswered = 0.0
        var cutWatch = 0.0

        static let calm = Chances()
        static let rough = Chances(slow: 0.2, refused: 0.03, unanswered: 0.02, cutWatch: 0.02)
        static let storm = Chances(slow: 0.5, refused: 0.2, unanswered: 0.15, cutWatch: 0.2)
    }

    private let dice: Dice
    private let chances = Mutex(Chances.calm)

    init(_ dice: Dice) { self.dice = dice }

    func become(_ chances: Chances) { self.chances.withLock { $0 = chances } }

    func fate(of request: Request) -> Fate {
        let chances = chances.withLock(\.self)
        guard chances != .calm else { return .good }
        if dice.happens(chances.refused) { return .refused(refusal(of: request)) }
        if request != .read, dice.happens(chances.unanswered) {
            return .unanswered(Status(code: 504, reason: .timeout, message: "the answer was lost"))
        }
        guard dice.happens(chances.slow) else { return .good }
        return .slow(there: span, back: span)
    }

    /// Whether a watch ends before its next batch.
    func cutsWatch() -> Bool { dice.happens(chances.withLock(\.cutWatch)) }

    private var span: Duration { dice.span(.zero ... .seconds(dice.happens(0.1) ? 5 : 0.1)) }

    private func refusal(of request: Request) -> Status {
        switch dice.number(in: 0...(request == .change ? 3 : 2)) {
        case 0: .internalError("the datastore is not available: simulated")
        case 1: .serviceUnavailable("simulated")
        case 2: Status(code: 429, reason: .tooManyRequests, message: "simulated")
        default: Status(code: 409, reason: .conflict, message: "the object has been modified: simulated")
        }
    }
}
